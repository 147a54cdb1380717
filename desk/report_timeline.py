"""One deal's way in the report: orders as bars on their legs' lanes, repairs, fills, and its exposure below."""

from html import escape

import msgspec

from desk.fold import Fold
from desk.fold_deals import DealView, OrderView, outcome_name
from desk.fold_names import base_units
from desk.report_svg import Frame, axes, mark, nice_ticks, segment, steps, svg, text
from desk.texts import number_text
from engine.ports import TIMES_IN_FORCE
from engine.records import NO_COST, PURPOSES, RUNGS
from engine.schema import ORDER_STATES

LANE, TOP, EXPOSURE = 34, 10, 84


class Moment(msgspec.Struct):
    """Something that happened to a deal: when after its decision, on which lane (-1: the deal's own), in words."""

    at_ns: int
    lane: int
    shape: str
    css: str
    words: str


def chosen_deal(fold: Fold) -> DealView | None:
    """The repaired deal that took the most attempts, of equals the longest naked. None: nothing was repaired."""
    repaired = [deal for deal in fold.deals if deal.repairs]
    return max(repaired, key=lambda deal: (len(deal.repairs), deal.last.naked_ns), default=None)


def moments(fold: Fold, deal: DealView) -> list[Moment]:
    """In order of time; a repair's own decision is not told beside the repair."""
    told = [_repair_moment(fold, deal, row) for row in deal.repairs]
    if deal.decision is not None:
        said = f"{PURPOSES[deal.decision.purpose]} decided at {number_text(deal.decision.executable, 4)}"
        told.append(Moment(deal.decision.now_ns, -1, "dot", "mid", said))
    for order in deal.orders.values():
        told += _order_moments(fold, order)
    for fill in deal.fills:
        words = f"filled {number_text(fill.side * fill.lots)} at {fold.names.price_text(fill.instrument, fill.ticks)}"
        told.append(Moment(fill.now_ns, fill.leg, "dot", "buy" if fill.side > 0 else "sell", words))
    if deal.last.closed_ns:
        told.append(Moment(deal.last.closed_ns, -1, "dot", "mid", f"deal ends {outcome_name(deal).replace('_', ' ')}"))
    return sorted(told, key=lambda moment: moment.at_ns)


def _repair_moment(fold: Fold, deal: DealView, row) -> Moment:
    legs = fold.names.legs(deal.last.spread)
    wanted = [
        f"{number_text(lots)} {fold.names.instrument(legs[leg] if leg < len(legs) else -1)}"
        for leg, lots in enumerate(row.lots)
        if lots
    ]
    costs = ", ".join(
        f"{name} {'no price' if cost == NO_COST else number_text(cost / 1e6)}"
        for name, cost in (("to complete", row.cost_complete_micros), ("to unwind", row.cost_unwind_micros))
    )
    words = f"repair {row.attempt}: {RUNGS[row.rung]} {' '.join(wanted)} ({costs})"
    return Moment(row.now_ns, -1, "up", "repair", words)


def _order_moments(fold: Fold, order: OrderView) -> list[Moment]:
    row, state = order.row, order.state
    price = fold.names.price_text(row.instrument, row.limit_ticks)
    words = f"{PURPOSES[row.purpose]} order {number_text(row.side * row.lots)} {TIMES_IN_FORCE[row.tif]}"
    told = [Moment(order.sent_ns, row.leg, "sent", "mid", f"{words} at {price} or better")] if order.sent_ns else []
    if state is not None and state.settled and not state.booked_lots:
        because = f": {order.venue_text}" if order.venue_text else ""
        told.append(Moment(state.now_ns, row.leg, "cross", "denied", f"{ORDER_STATES[state.state]} unfilled{because}"))
    return told


def timeline(fold: Fold, deal: DealView) -> str:
    """The drawing and, below it, the same moments as a table: no label can hide another."""
    told = moments(fold, deal)
    start = min(deal.last.opened_ns or told[0].at_ns, told[0].at_ns)
    end = max(told[-1].at_ns, deal.path[-1][0], start + 1000)
    legs = fold.names.legs(deal.last.spread) or sorted({order.row.instrument for order in deal.orders.values()})
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
