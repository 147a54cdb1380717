"""The charts of the report over time: spreads with their decisions, capital use, distributions."""

import math

from desk.fold import Fold, SpreadView
from desk.fold_latency import LEG_SKEW
from desk.report_svg import Frame, area, axes, histogram, line, mark, nice_ticks, segment, steps, svg, text
from desk.summary import naked_ms
from desk.texts import duration_text, number_text, time_text

_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
# mark -> (shape, CSS class, words of the legend)
MARKS = {
    "entry buy": ("up", "buy", "buy entry"), "entry sell": ("down", "sell", "sell entry"),
    "exit buy": ("up", "buy hollow", "buy exit"), "exit sell": ("down", "sell hollow", "sell exit"),
    "denied": ("cross", "denied", "denied"),
}  # fmt: skip


def market_s(fold: Fold, now_ns: int) -> float:
    return fold.market_ns(now_ns) / 1e9


def time_ticks(low_s: float, high_s: float, wanted: int = 8) -> dict[float, str]:
    """Round times of day within the range, as HH:MM or HH:MM:SS."""
    span = high_s - low_s
    step = next((step for step in _TIME_STEPS_S if step * wanted >= span), 86_400 * math.ceil(span / 86_400 / wanted))
    first = math.ceil(low_s / step) * step
    times = [first + i * step for i in range(int((high_s - first) / step) + 1)]
    return {at: time_text(int(at) * 1_000_000_000, 0)[: 5 if step >= 60 else 8] for at in times}


def _value_ticks(low: float, high: float, wanted: int = 5) -> dict[float, str]:
    ticks = nice_ticks(low, high, wanted)
    gap = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    digits = next(digits for digits in range(13) if digits == 12 or abs(round(gap, digits) - gap) < gap * 1e-6)
    return {tick: number_text(float(tick), digits) for tick in ticks}


def spread_chart(fold: Fold, index: int) -> str:
    """点差 with 对价 around it, and every decision at its price; empty where no sample has a price."""
    view = fold.spreads[index]
    prices = [value for column in ("diff", "buy", "sell") for value in view.samples[column] if math.isfinite(value)]
    prices += [price for series in view.marks.values() for price in series["price"] if math.isfinite(price)]
    if len(view.samples) < 2 or not prices:
        return ""
    xs = [market_s(fold, at_ns) for at_ns in view.samples.time_ns]
    room = (max(prices) - min(prices)) * 0.06 or 1.0
    frame = Frame(xs[0], max(xs[-1], xs[0] + 1e-9), min(prices) - room, max(prices) + room, height=330)
    parts = [
        axes(frame, time_ticks(frame.x0, frame.x1), _value_ticks(frame.y0, frame.y1)),
        area(frame, xs, view.samples["sell"], view.samples["buy"], "between"),
        line(frame, xs, view.samples["mean"], "mean"),
        line(frame, xs, view.samples["buy"], "buy thin"),
        line(frame, xs, view.samples["sell"], "sell thin"),
        line(frame, xs, view.samples["diff"], "mid"),
        *_decision_marks(fold, view, frame),
    ]
    return svg(frame, parts, f"spread {fold.names.spread(index)} over time, with decisions")


def _decision_marks(fold: Fold, view: SpreadView, frame: Frame) -> list[str]:
    parts = []
    for name, series in view.marks.items():
        shape, css, words = MARKS[name]
        for at_ns, price in series.rows():
            x = frame.x(min(max(market_s(fold, at_ns), frame.x0), frame.x1))
            if math.isfinite(price):
                said = f"{words} at {price:,.4f}, {time_text(fold.market_ns(at_ns))}"
                parts.append(mark(shape, x, frame.y(price), f"mark {css}", said))
    return parts


def spread_legend(view: SpreadView) -> list[tuple[str, str, str]]:
    """(shape or 'line', CSS class, words) of what the chart of a spread shows."""
    lines = [("line", "mid", "点差 mid"), ("line", "buy", "对价 buy"), ("line", "sell", "对价 sell")]
    if any(math.isfinite(value) for value in view.samples["mean"]):
        lines.append(("line", "mean", "rolling mean"))
    for name, series in view.marks.items():
        shape, css, words = MARKS[name]
        if len(series):
            lines.append((shape, css, f"{words} ({series.seen:,})"))
    return lines


def capital_chart(fold: Fold, pool: int) -> str:
    """资金占用 of a pool over time, under its warn, soft and hard level."""
    view = fold.pools[pool]
    if len(view.samples) < 2:
        return ""
    xs = [market_s(fold, at_ns) for at_ns in view.samples.time_ns]
    top = max(100.0, max(view.samples["use_pct"]) * 1.05)
    frame = Frame(xs[0], max(xs[-1], xs[0] + 1e-9), 0, top, height=240, right=84)
    parts = [axes(frame, time_ticks(frame.x0, frame.x1), _value_ticks(0, top, 4))]
    parts += _levels(frame, fold.names.pool_levels_pct(pool))
    parts += [steps(frame, xs, view.samples["use_pct"], "used", closed=True)]
    parts += [steps(frame, xs, view.samples["use_pct"], "line capital")]
    return svg(frame, parts, f"capital use of pool {fold.names.pool(pool)}, percent")


def _levels(frame: Frame, levels_pct: tuple[float, float, float]) -> list[str]:
    """Warn, soft and hard as lines with their names at the right, kept apart where the levels are close."""
    parts, free, edge = [], math.inf, frame.width - frame.right
    for level, css in zip(levels_pct, ("warn", "soft", "hard"), strict=True):
        y = frame.y(level)
        free = min(y + 4, free - 14)
        parts.append(segment(frame.left, y, edge, y, f"level {css}"))
        parts.append(text(edge + 8, free, f"{css} {level:g} %", f"tick {css}"))
    return parts


def skew_chart(fold: Fold) -> str:
    buckets = fold.latencies.buckets(LEG_SKEW)
    return histogram(buckets, duration_text, "distribution of leg skew") if buckets else ""


def naked_chart(fold: Fold) -> str:
    """Deals by naked time; those below a microsecond are drawn at one."""
    values = [(ms * 1e6, 1) for ms in naked_ms(fold)]
    values = [(max(value, 1_000), count) for value, count in values]
    return histogram(values, duration_text, "distribution of naked time") if values else ""
