"""The latency table of the report: each hop as numbers and as a strip on one logarithmic scale."""

from html import escape

from desk.fold import Fold
from desk.fold_latency import QUESTIONS, ROUND_TRIP, Latency
from desk.report_svg import Frame, log_ticks, mark, segment, svg, text
from desk.texts import duration_text

_HEAD = "<tr><th>{}</th><th class=strip>{}</th><th>p50</th><th>p90</th><th>p99</th><th>max</th><th>samples</th></tr>"
_OUTSIDE = "below zero (two clocks differ) or over an hour"


def latency_table(fold: Fold) -> str:
    """Hops, then what people ask for, then the venues' round trips. Empty where nothing was measured."""
    found = {name: fold.latencies.latency(name) for name in fold.latencies.names()}
    measured = [latency for latency in found.values() if latency]
    if not measured:
        return ""
    low = max(min(latency.p50_ns for latency in measured), 10) * 0.7
    high = max(latency.max_ns for latency in measured) * 1.4
    frame = Frame(low, max(high, low * 10), 0, 1, width=420, height=22, left=8, right=8, top=0, bottom=0, log=True)
    rows = [_row(name, latency, frame, fold.latencies.outside(name)) for name, latency in found.items()]
    return f'<table class="numbers latency">{_HEAD.format("hop", _scale(frame))}{"".join(rows)}</table>'


def _scale(frame: Frame) -> str:
    ticks = log_ticks(frame.x0, frame.x1)
    ticks = ticks[:: 1 + len(ticks) // 8]  # room for every name
    places = [(frame.x(tick), duration_text(tick)) for tick in ticks]
    words = [text(x, 15, said, "tick", "middle") for x, said in places if 20 < x < frame.width - 20]
    return svg(frame, words, "logarithmic scale")


def _row(name: str, latency: Latency | None, frame: Frame, outside: int) -> str:
    asked = name in QUESTIONS or name.startswith(ROUND_TRIP)
    apart = f'<small title="{_OUTSIDE}">+{outside:,} outside</small>' if outside else ""
    if latency is None:
        return f"<tr><td>{escape(name)}</td><td></td>{'<td>–</td>' * 4}<td>0 {apart}</td></tr>"
    numbers = (latency.p50_ns, latency.p90_ns, latency.p99_ns, latency.max_ns)
    cells = "".join(f"<td>{duration_text(number)}</td>" for number in numbers)
    row = f"<td>{escape(name)}</td><td class=strip>{_strip(latency, frame)}</td>{cells}"
    return f'<tr class="{"asked" if asked else ""}">{row}<td>{latency.count:,} {apart}</td></tr>'


def _strip(latency: Latency, frame: Frame) -> str:
    middle = frame.height / 2
    grid = [segment(frame.x(tick), 0, frame.x(tick), frame.height, "grid") for tick in log_ticks(frame.x0, frame.x1)]
    p50, p99, top = (frame.x(value) for value in (latency.p50_ns, latency.p99_ns, latency.max_ns))
    span = [segment(p50, middle, p99, middle, "span"), segment(p99, middle - 5, p99, middle + 5, "span")]
    tail = [segment(p99, middle, top, middle, "tail"), segment(top, middle - 5, top, middle + 5, "tail")]
    return svg(frame, [*grid, *tail, *span, mark("dot", p50, middle, "median")], "p50, p99 and max")
