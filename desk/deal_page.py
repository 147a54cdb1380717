"""`tandem deal`: one deal explained on a page, from its journal alone."""

from pathlib import Path

from desk.control_text import verdict_text
from desk.deal_moments import legs_of, moments, resolution_words, verdict_words
from desk.fold import Fold
from desk.fold_deals import DealView, outcome_name
from desk.fold_names import base_units
from desk.resolutions import resolve_lines
from desk.texts import DASH, aligned, amount_text, count_text, day_text, duration_text, number_text, time_text
from engine.ids import COUNTER_BITS
from engine.ports import TIMES_IN_FORCE
from engine.records import HALT_REASONS, PURPOSES
from engine.schema import ORDER_STATES


def page(fold: Fold, deal: DealView, folder: Path) -> list[str]:
    """Every line of it."""
    last = deal.last
    side = "buy" if last.side > 0 else "sell"
    at_ns = fold.market_ns(last.opened_ns)
    lines = [
        f"deal {last.deal_id}: {PURPOSES[last.purpose]} {side} {last.units} {fold.names.spread(last.spread)}, by "
        f"{fold.names.strategy(last.strategy)}, {day_text(at_ns)} {time_text(at_ns)} UTC",
        *_decision(fold, deal), "", *_legs(fold, deal), "", *_orders(fold, deal), "", *_story(fold, deal), "",
        *_ending(fold, deal),
    ]  # fmt: skip
    if deal.waits:
        lines += ["", *to_do(fold, deal, folder)]
    return lines


def _decision(fold: Fold, deal: DealView) -> list[str]:
    row, lines = deal.decision, []
    if row is not None:
        numbers = ", ".join(
            f"{name} {number_text(float(getattr(row, name)), 4)}"
            for name in ("signal", "center", "executable", "threshold", "cost")
        )
        lines.append(f"  decision {row.decision_id}: {numbers}")
    for verdict in deal.verdicts[:1]:
        why = "" if verdict.cleared else f": {verdict_text(verdict)}"
        lines.append(f"  verdict: {verdict_words(verdict)}{why}")
    return lines


def _legs(fold: Fold, deal: DealView) -> list[str]:
    """Lots wanted and held, at what price, and what they are in base units."""
    last, unit = deal.last, fold.names.unit(deal.last.spread) or "base units"
    rows = [("legs", "target lots", "held lots", unit, "average price", "decision saw", "slippage")]
    for leg, instrument in enumerate(legs_of(fold, deal)):
        _, average = deal.average_ticks(leg)
        price = fold.names.average_text(instrument, average) if average is not None else DASH
        saw = deal.decision.ref_ticks[leg] if deal.decision is not None else 0
        slippage = deal.slippage_bps(leg)
        rows.append((
            f"  {fold.names.instrument(instrument)}", number_text(last.target_lots[leg]),
            number_text(last.booked_lots[leg]), amount_of(fold, deal, leg), price,
            fold.names.price_text(instrument, saw) if saw else DASH,
            DASH if slippage is None else f"{number_text(slippage)} bps",
        ))  # fmt: skip
    return aligned(rows, right=(1, 2, 3, 4, 5, 6))


def amount_of(fold: Fold, deal: DealView, leg: int) -> str:
    """What a leg holds in base units; a dash where the journal does not say what a lot of it is."""
    lot_ubase = fold.names.lot_ubase(deal.last.spread, leg)
    held = deal.last.booked_lots[leg]
    return "0" if not held else amount_text(base_units(held * lot_ubase)) if lot_ubase else DASH


def _orders(fold: Fold, deal: DealView) -> list[str]:
    if not deal.orders:
        return ["orders", "  none"]
    start = _start_ns(fold, deal)
    rows = [("orders", "leg", "why", "lots", "limit", "sent", "answered", "filled", "became")]
    for order in deal.orders.values():
        row, state = order.row, order.state
        became = ORDER_STATES[state.state] if state is not None else "created"
        became += ", in doubt" if state is not None and state.in_doubt else ", was in doubt" if order.doubted else ""
        became += ", trades missing" if state is not None and state.cum_lots > state.booked_lots else ""
        waited = duration_text(order.answered_ns - order.sent_ns) if order.answered_ns and order.sent_ns else DASH
        rows.append((
            f"  {_order_text(fold, row.order_no)}", fold.names.instrument(row.instrument),
            PURPOSES[row.purpose], f"{number_text(row.side * row.lots)} {TIMES_IN_FORCE[row.tif]}",
            fold.names.price_text(row.instrument, row.limit_ticks),
            _after(order.sent_ns - start) if order.sent_ns else "never", waited,
            number_text(row.side * state.booked_lots) if state is not None else "0", became,
        ))  # fmt: skip
    return aligned(rows, right=(3, 4, 5, 6, 7))


def _order_text(fold, order_no: int) -> str:
    """2-17: the 17th number of the engine's second start in this journal."""
    epochs = [int(row.epoch) for row in fold.starts]
    epoch = order_no >> COUNTER_BITS
    start = epochs.index(epoch) + 1 if epoch in epochs else epoch
    return f"{start}-{order_no & ((1 << COUNTER_BITS) - 1)}"


def _story(fold: Fold, deal: DealView) -> list[str]:
    legs, start = legs_of(fold, deal), _start_ns(fold, deal)
    rows = [("what happened", "where", "what")]
    for one in moments(fold, deal):
        where = fold.names.instrument(legs[one.lane]) if 0 <= one.lane < len(legs) else "deal"
        rows.append((f"  {_after(one.at_ns - start)}", where, one.words))
    return aligned(rows, right=(0,))


def _start_ns(fold: Fold, deal: DealView) -> int:
    told = moments(fold, deal)
    return told[0].at_ns if told else deal.last.opened_ns


def _after(span_ns: int) -> str:
    return f"+{span_ns / 1e6:,.3f} ms"


def _ending(fold: Fold, deal: DealView) -> list[str]:
    last = deal.last
    unit = fold.names.unit(last.spread) or "base units"
    name = outcome_name(deal).replace("_", " ")
    interval = ""
    if (last.low_ubase, last.high_ubase) != (last.exposure_ubase, last.exposure_ubase):
        low, high = (amount_text(base_units(value)) for value in (last.low_ubase, last.high_ubase))
        interval = f" (from {low} to {high}, as orders that live or are in doubt turn out)"
    lines = [
        f"{name}; exposure {amount_text(base_units(last.exposure_ubase))} {unit}{interval}; "
        f"naked {duration_text(last.naked_ns)}; {count_text(last.repairs, 'repair', 'repairs')}"
    ]
    lines += [f"  {resolution_words(row)}, {time_text(fold.market_ns(row.now_ns))} UTC" for row in deal.resolutions]
    return lines


def _doubtful(deal: DealView) -> bool:
    return any(order.state is not None and order.state.in_doubt for order in deal.orders.values())


def _in_brackets(fold: Fold, deal: DealView, leg: int) -> str:
    amount = amount_of(fold, deal, leg)
    return "" if amount in ("0", DASH) else f" ({amount} {fold.names.unit(deal.last.spread) or 'base units'})"


def to_do(fold: Fold, deal: DealView, folder: Path) -> list[str]:
    """What a person must do about a Halted deal, with the exact commands."""
    last, unit = deal.last, fold.names.unit(deal.last.spread) or "base units"
    held = (
        f"{fold.names.instrument(instrument)} {number_text(last.booked_lots[leg])} lots{_in_brackets(fold, deal, leg)}"
        for leg, instrument in enumerate(legs_of(fold, deal))
    )
    lines = [
        f"deal {last.deal_id} waits for a person: {HALT_REASONS[last.reason]}",
        f"  it holds  {', '.join(held)}",
        f"  naked     {amount_text(base_units(last.exposure_ubase))} {unit}, {duration_text(last.naked_ns)} so far",
        *(["  but an order is in doubt: until its venue has spoken, only retry is taken"] if _doubtful(deal) else []),
        "  decide on one, while the engine runs:",
        *(f"    {line}" for line in resolve_lines(str(folder), last.deal_id)),
        f"  then {fold.names.strategy(last.strategy)} trades again, unless another of its deals waits",
    ]
    return lines
