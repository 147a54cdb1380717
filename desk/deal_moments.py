"""What happened to a deal, moment by moment and in words, from its records: for the report's drawing and the page."""

import msgspec

from desk.fold import Fold
from desk.fold_deals import DealView, OrderView, outcome_name
from desk.fold_names import base_units
from desk.texts import amount_text, number_text
from engine.ports import TIMES_IN_FORCE
from engine.records import (
    CANCEL,
    CONTROLS,
    FILL_BUST,
    FILL_LATE,
    HALT,
    HALT_REASONS,
    HOLD_OFF,
    HOLD_REASONS,
    LEVELS,
    NO_COST,
    PURPOSES,
    RESOLUTIONS,
    RUNGS,
    SOFT,
    WARN,
)  # fmt: skip
from engine.schema import ORDER_STATES
from riskgate.names import CONTROL_NAMES


class Moment(msgspec.Struct):
    """Something that happened to a deal: when, on which lane (-1: the deal's own), in words. seq: of its record."""

    at_ns: int
    lane: int
    shape: str
    css: str
    words: str
    seq: int = 0


def legs_of(fold: Fold, deal: DealView) -> list[int]:
    """Instruments of a deal's legs: the spread's, and behind them the proxies that repair has used."""
    last = deal.last
    return last.instrument[: last.legs] if last.legs else fold.names.legs(last.spread)


def moments(fold: Fold, deal: DealView) -> list[Moment]:
    """In order of time, of the journal at the same time; a repair's own decision is not told beside the repair."""
    told = _repair_moments(fold, deal)
    if deal.decision is not None:
        row = deal.decision
        said = f"{PURPOSES[row.purpose]} decided at {number_text(row.executable, 4)}"
        told.append(Moment(row.now_ns, -1, "dot", "mid", said, row.seq))
    told += [Moment(row.now_ns, -1, "dot", "mid", verdict_words(row), row.seq) for row in deal.verdicts if _speaks(row)]
    for order in deal.orders.values():
        told += _order_moments(fold, order)
    for row in deal.fills:
        css = "buy" if row.side > 0 else "sell"
        told.append(Moment(row.now_ns, row.leg, "dot", css, _fill_words(fold, row), row.seq))
    told += [Moment(row.now_ns, -1, "dot", "mid", _ledger_words(fold, row), row.seq) for row in deal.ledger]
    told += [Moment(row.now_ns, -1, "dot", "mid", resolution_words(row), row.seq) for row in deal.resolutions]
    told += _end_moments(deal)
    return sorted(told, key=lambda moment: (moment.at_ns, moment.seq))


def _end_moments(deal: DealView) -> list[Moment]:
    """Each end, and behind it that the deal was opened again where it was."""
    told = []
    for row in deal.ends:
        name = outcome_name(deal, row).replace("_", " ")
        why = f": {HALT_REASONS[row.reason]}" if row.reason else ""
        told.append(Moment(row.closed_ns or row.now_ns, -1, "dot", "mid", f"deal ends {name}{why}", row.seq))
    return told


def _speaks(verdict) -> bool:
    """Whether a verdict says more than that all is well with a repair."""
    return not verdict.cleared or _warned(verdict) != ""


def _warned(verdict) -> str:
    names = (
        f"{CONTROL_NAMES.get(slot + 1, slot + 1)} ({LEVELS[level]})"
        for slot, level in enumerate(verdict.level[:CONTROLS])
        if level in (WARN, SOFT)
    )
    return ", ".join(names)


def verdict_words(verdict) -> str:
    """What the gate said, and how the controls that it asked answered."""
    if not verdict.cleared:
        return f"denied by the gate: {CONTROL_NAMES.get(verdict.reason, f'control {verdict.reason}')}"
    warned = _warned(verdict)
    asked = sum(level > 0 for level in verdict.level[:CONTROLS])
    return f"cleared by the gate, {asked} controls asked" + (f"; near a limit: {warned}" if warned else "")


def resolution_words(row) -> str:
    return f"{row.who} decides {RESOLUTIONS[row.choice]}: {row.why}"


def _ledger_words(fold: Fold, row) -> str:
    unit = fold.names.unit(row.spread)
    change, residual, bound = (
        amount_text(base_units(value)) for value in (row.change_ubase, row.residual_ubase, row.bound_ubase)
    )
    sign = "+" if row.change_ubase > 0 else ""
    return f"ledger {sign}{change} {unit}: {fold.names.spread(row.spread)} holds {residual} of {bound} {unit} allowed"


def _fill_words(fold: Fold, row) -> str:
    lots = number_text(row.side * row.lots)
    price = fold.names.price_text(row.instrument, row.ticks)
    if row.flags & FILL_BUST:
        return f"trade of {lots} at {price} taken back by the venue"
    return f"filled {lots} at {price}" + (", late" if row.flags & FILL_LATE else "")


def _repair_moments(fold: Fold, deal: DealView) -> list[Moment]:
    """A moment a step; waits for the same reason, one behind the other, are one."""
    told, waiting = [], None
    for row in deal.repairs:
        if waiting is not None and row.rung == HOLD_OFF and row.reason == waiting[0].reason:
            waiting[1] += 1
            waiting[2].words = f"{_repair_words(fold, deal, waiting[0])}, {waiting[1]} times until now"
            continue
        moment = Moment(row.now_ns, -1, "up", "repair", _repair_words(fold, deal, row), row.seq)
        told.append(moment)
        waiting = [row, 1, moment] if row.rung == HOLD_OFF else None
    return told


def _repair_words(fold: Fold, deal: DealView, row) -> str:
    legs = legs_of(fold, deal)
    wanted = []
    for leg, (lots, ticks) in enumerate(zip(row.lots, row.limit_ticks, strict=True)):
        if lots:
            instrument = legs[leg] if leg < len(legs) else -1
            price = fold.names.price_text(instrument, ticks)
            wanted.append(f"{number_text(lots)} {fold.names.instrument(instrument)} at {price} or better")
    costs = ", ".join(
        f"{name} {'no price' if cost == NO_COST else number_text(cost / 1e6)}"
        for name, cost in (("to complete", row.cost_complete_micros), ("to unwind", row.cost_unwind_micros))
    )
    reason = _reason(row)
    what = " ".join(
        part for part in (RUNGS[row.rung], ", ".join(wanted), f"because of: {reason}" if reason else "") if part
    )
    return f"repair {row.attempt}: {what} ({costs})"


def _reason(row) -> str:
    """Why a step waits, or hands the deal to a person."""
    names = HOLD_REASONS if row.rung == HOLD_OFF else HALT_REASONS if row.rung == HALT else ("",)
    return names[row.reason] if 0 <= row.reason < len(names) else ""


def _order_moments(fold: Fold, order: OrderView) -> list[Moment]:
    row, state = order.row, order.state
    price = fold.names.price_text(row.instrument, row.limit_ticks)
    words = f"{PURPOSES[row.purpose]} order {number_text(row.side * row.lots)} {TIMES_IN_FORCE[row.tif]}"
    told = []
    if order.sent_ns:
        told.append(Moment(order.sent_ns, row.leg, "sent", "mid", f"{words} at {price} or better", row.seq))
    elif order.failed:
        told.append(Moment(row.now_ns, row.leg, "cross", "denied", f"{words} never left: no link", row.seq))
    for doubt in order.doubts:
        known = f"known again: {ORDER_STATES[doubt.state]}, {number_text(doubt.cum_lots)} traded"
        said = "in doubt: nobody knows what became of it" if doubt.in_doubt else known
        told.append(Moment(doubt.now_ns, row.leg, "cross", "denied" if doubt.in_doubt else "mid", said, doubt.seq))
    for kind, request in order.requests:
        said = "cancel sent" if kind == CANCEL else "the venue is asked what became of it"
        told.append(Moment(request.now_ns, row.leg, "dot", "mid", said, request.seq))
    if state is not None and state.settled and not state.booked_lots:
        because = f": {order.venue_text}" if order.venue_text else ""
        said = f"{ORDER_STATES[state.state]} unfilled{because}"
        told.append(Moment(state.now_ns, row.leg, "cross", "denied", said, state.seq))
    return told
