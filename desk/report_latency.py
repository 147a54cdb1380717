"""The latency table of the report: each hop as numbers and as a strip on one logarithmic scale."""

from html import escape

from desk.fold import Fold
from desk.fold_latency import QUESTIONS, ROUND_TRIP, Latency
from desk.report_svg import Frame, log_ticks, mark, segment, svg, text
from desk.texts import duration_text

_HEAD = "<tr><th>{}</th><th class=strip>{}</th><th>p50</th><th>p90</th><th>p99</th><th>max</th><th>samples</th></tr>"


def latency_table(fold: Fold) -> str:
    """Hops, then what people ask for, then the venues' round trips. Empty where nothing was measured."""
    found = {name: fold.latencies.latency(name) for name in fold.latencies.names()}
    measured = [latency for latency in found.values() if latency]
    if not measured:
        return ""
    low = max(min(latency.p50_ns for latency in measured), 1) * 0.7
    high = max(latency.max_ns for latency in measured) * 1.4
    frame = Frame(low, max(high, low * 10), 0, 1, width=420, height=22, left=8, right=8, top=0, bottom=0, log=True)
    rows = [_row(name, latency, frame, fold.latencies.outside(name)) for name, latency in found.items()]
    return f'<table class="numbers latency">{_HEAD.format("hop", _scale(frame))}{"".join(rows)}</table>'


def _scale(frame: Frame) -> str:
    ticks = log_ticks(frame.x0, frame.x1)
    words = [text(frame.x(tick), 15, duration_text(tick), "tick", "middle") for tick in ticks if 20 < frame.x(tick) < 400]
    return svg(frame, words, "logarithmic scale")


def _row(name: str, latency: Latency | None, frame: Frame, outside: int) -> str:
    asked = name in QUESTIONS or name.startswith(ROUND_TRIP)
    apart = f'<small title="below zero (two clocks differ) or over an hour">+{outside:,} outside</small>' if outside else ""
    if latency is None:
        return f"<tr><td>{escape(name)}</td><td></td>{'<td>–</td>' * 4}<td>0 {apart}</td></tr>"
    numbers = (latency.p50_ns, latency.p90_ns, latency.p99_ns, latency.max_ns)
    cells = "".join(f"<td>{duration_text(number)}</td>" for number in numbers)
    row = f"<td>{escape(name)}</td><td class=strip>{_strip(latency, frame)}</td>{cells}<td>{latency.count:,} {apart}</td>"
    return f'<tr class="{"asked" if asked else ""}">{row}</tr>'


def _strip(latency: Latency, frame: Frame) -> str:
    middle = frame.height / 2
    grid = [segment(frame.x(tick), 0, frame.x(tick), frame.height, "grid") for tick in log_ticks(frame.x0, frame.x1)]
    points = [frame.x(value) for value in (latency.p50_ns, latency.p90_ns, latency.p99_ns, latency.max_ns)]
    span = [segment(points[0], middle, points[2], middle, "span"), segment(points[2], middle, points[3], middle, "tail")]
    ends = [segment(points[3], middle - 5, points[3], middle + 5, "tail"), segment(points[2], middle - 5, points[2], middle + 5, "span")]
    return svg(frame, [*grid, *span, *ends, mark("dot", points[0], middle, "median")], "p50 to p99 and max")
