"""One deal's way in the report: orders as bars on their legs' lanes, repairs, fills, and its exposure below."""

from html import escape

from desk.deal_moments import Moment, legs_of, moments
from desk.fold import Fold
from desk.fold_deals import DealView
from desk.fold_names import base_units
from desk.report_svg import Frame, axes, mark, nice_ticks, segment, steps, svg, text
from desk.texts import number_text

LANE, TOP, EXPOSURE = 34, 10, 84


def chosen_deal(fold: Fold) -> DealView | None:
    """The repaired deal that took the most attempts, of equals the longest naked. None: nothing was repaired."""
    repaired = [deal for deal in fold.deals if deal.repairs]
    return max(repaired, key=lambda deal: (len(deal.repairs), deal.last.naked_ns), default=None)


def timeline(fold: Fold, deal: DealView) -> str:
    """The drawing and, below it, the same moments as a table: no label can hide another."""
    told = moments(fold, deal)
    start = min(deal.last.opened_ns or told[0].at_ns, told[0].at_ns)
    end = max(told[-1].at_ns, deal.path[-1][0], start + 1000)
    legs = legs_of(fold, deal) or sorted({order.row.instrument for order in deal.orders.values()})
    lanes = ["deal", *(fold.names.instrument(leg) for leg in legs)]
    height = TOP + LANE * len(lanes) + EXPOSURE + 44
    room = (end - start) * 0.02
    frame = Frame(-room / 1e6, (end - start + room) / 1e6, 0, 1, height=height, left=96)
    parts = _lanes(frame, lanes) + _order_bars(frame, deal, start, end)
    parts += [_moment(frame, moment, start) for moment in told] + _exposure(fold, frame, deal, start, height)
    drawing = svg(frame, parts, f"timeline of deal {deal.deal_id}")
    return drawing + _moment_table(told, lanes, start)


def _lane_y(lane: int) -> float:
    return TOP + LANE * (lane + 1) + LANE / 2


def _lanes(frame: Frame, lanes: list[str]) -> list[str]:
    parts = []
    for number, name in enumerate(lanes):
        y = _lane_y(number - 1)
        parts.append(text(frame.left - 10, y + 4, name, "tick", "end"))
        parts.append(segment(frame.left, y, frame.width - frame.right, y, "grid"))
    return parts


def _order_bars(frame: Frame, deal: DealView, start: int, end: int) -> list[str]:
    parts = []
    for order in deal.orders.values():
        if not order.sent_ns:
            continue
        until = order.state.now_ns if order.state is not None and order.state.settled else end
        x0, x1 = frame.x((order.sent_ns - start) / 1e6), frame.x((until - start) / 1e6)
        filled = order.state is not None and order.state.booked_lots
        css = "life filled" if filled else "life"
        y = _lane_y(order.row.leg)
        parts.append(f'<rect x="{x0:.1f}" y="{y - 7:.1f}" width="{max(x1 - x0, 2):.1f}" height="14" class="{css}"/>')
    return parts


def _moment(frame: Frame, moment: Moment, start: int) -> str:
    x, y = frame.x((moment.at_ns - start) / 1e6), _lane_y(moment.lane)
    if moment.shape == "sent":
        return segment(x, y - 9, x, y + 9, "sent")
    return mark(moment.shape, x, y, f"mark {moment.css}", moment.words)


def _exposure(fold: Fold, frame: Frame, deal: DealView, start: int, height: int) -> list[str]:
    """The signed exposure under the lanes, on the same time axis."""
    times = [(row[0] - start) / 1e6 for row in deal.path]
    values = [base_units(row[2]) for row in deal.path]
    low, high = min(*values, 0.0), max(*values, 0.0)
    if low == high:
        high = 1.0
    below = Frame(frame.x0, frame.x1, low, high, height=height, left=frame.left, top=height - EXPOSURE - 32, bottom=32)
    ticks = {value: number_text(value, 0) for value in nice_ticks(low, high, 3)}
    shown = {at: f"{at:g} ms" for at in nice_ticks(0, frame.x1, 7)}
    unit = fold.names.unit(deal.last.spread)
    caption = text(frame.left + 4, below.top - 6, f"exposure, {unit or 'base units'}", "tick")
    return [axes(below, shown, ticks), steps(below, times, values, "naked", closed=True), caption]


def _moment_table(told: list[Moment], lanes: list[str], start: int) -> str:
    rows = "".join(
        f"<tr><td>{(moment.at_ns - start) / 1e6:+,.3f}</td><td>{escape(lanes[moment.lane + 1])}</td>"
        f"<td>{escape(moment.words)}</td></tr>"
        for moment in told
        if moment.lane + 1 < len(lanes)
    )
    return f'<table class="moments"><tr><th>ms</th><th>where</th><th>what</th></tr>{rows}</table>'
