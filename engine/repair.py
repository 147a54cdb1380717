"""Repair plans: from exposure, books, policy and time to the next step that restores balance. Pure functions.

Complete (re-hedge the missing lots) or unwind (sell back the filled ones) goes by expected cost: E[complete] = slippage
+ fees; E[unwind] = the filled leg's spread + fees + the edge given up; each plus lambda x sigma x sqrt(naked time).
The rungs: pay up a little more each try, then cross to the band, then unwind, then halt and tell a person.
"""

import math
from typing import NamedTuple

import msgspec

from engine.records import BAND, HALT, HALT_NO_PRICE, HALT_TRIES, NO_COST, PAY_UP, REHEDGE, UNWIND, UNWIND_RUNG, HOLD_OFF

COMPLETE_FIRST, UNWIND_FIRST, CHEAPEST = range(3)
ON_PARTIAL = {"complete": COMPLETE_FIRST, "unwind": UNWIND_FIRST, "cheapest": CHEAPEST}


class RepairPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's rules of repair. pay_up_ticks: beyond the touch, a try each; band_bps: the widest price, from the
    touch at the time."""

    on_partial: int
    retry_ns: int
    pay_up_ticks: tuple[int, ...]
    band_bps: float
    max_tries: int
    naked_limit_ns: int
    risk_aversion: float


class LegView(NamedTuple):
    """One leg as the planner sees it. micros are of the reporting currency; touches are 0 where there is no price."""

    booked_lots: int
    target_lots: int
    ratio: int  # lots a unit, signed as the deal trades it
    bid_ticks: int
    ask_ticks: int
    ref_ticks: int
    tick_micros: int  # value of one tick of one lot
    fee_micros: int  # of trading one lot
    sigma_ticks: float  # deviation of the price over a second


class Plan(NamedTuple):
    """The next step: lots (signed) and limit a leg, why, and what was weighed."""

    rung: int
    purpose: int
    lots: tuple[int, ...]
    limit_ticks: tuple[int, ...]
    cost_complete_micros: int
    cost_unwind_micros: int
    reason: int = 0


def plan(legs: list[LegView], edge_micros: int, policy: RepairPolicy, tries: int, retry_s: float) -> Plan:
    """What to do with a deal out of balance. tries: repairs sent; edge_micros: what the whole deal would earn."""
    if tries >= policy.max_tries:
        return _halt(legs, HALT_TRIES)
    complete, unwind = missing_lots(legs), surplus_lots(legs)
    wait_micros = _waiting_cost(legs, policy.risk_aversion, retry_s)
    cost_complete = _cost(legs, complete, wait_micros)
    cost_unwind = _cost(legs, unwind, wait_micros)
    if cost_unwind != NO_COST:
        cost_unwind += max(edge_micros, 0)
    if cost_complete == NO_COST and cost_unwind == NO_COST:
        # Wait for a price; the naked limit ends the wait.
        nothing = (0,) * len(legs)
        return Plan(HOLD_OFF, REHEDGE, nothing, nothing, NO_COST, NO_COST, HALT_NO_PRICE)
    if _prefers_complete(policy, tries, cost_complete, cost_unwind):
        rung = PAY_UP if tries < len(policy.pay_up_ticks) else BAND
        limits = _limits(legs, complete, policy, tries)
        return Plan(rung, REHEDGE, complete, limits, cost_complete, cost_unwind)
    limits = _limits(legs, unwind, policy, tries)
    return Plan(UNWIND_RUNG, UNWIND, unwind, limits, cost_complete, cost_unwind)


def missing_lots(legs: list[LegView]) -> tuple[int, ...]:
    """Lots that bring every leg up to the fullest one, in whole units; never beyond the deal's own units."""
    wanted = max(leg.target_lots // leg.ratio for leg in legs)
    units = min(max(math.ceil(_units(leg)) for leg in legs), wanted)
    return tuple(units * leg.ratio - leg.booked_lots for leg in legs)


def surplus_lots(legs: list[LegView]) -> tuple[int, ...]:
    """Lots that bring every leg down to the emptiest one, in whole units."""
    units = max(min(math.floor(_units(leg)) for leg in legs), 0)
    return tuple(units * leg.ratio - leg.booked_lots for leg in legs)


def _units(leg: LegView) -> float:
    return leg.booked_lots / leg.ratio


def _touch(leg: LegView, lots: int) -> int:
    return leg.ask_ticks if lots > 0 else leg.bid_ticks


def _cost(legs: list[LegView], lots: tuple[int, ...], wait_micros: int) -> int:
    """Of trading `lots` at the touch against the decision's prices, fees included; NO_COST without a price."""
    total = wait_micros
    for leg, count in zip(legs, lots, strict=True):
        if count == 0:
            continue
        touch = _touch(leg, count)
        if touch <= 0:
            return NO_COST
        total += (touch - leg.ref_ticks) * count * leg.tick_micros + abs(count) * leg.fee_micros
    return total


def _waiting_cost(legs: list[LegView], risk_aversion: float, retry_s: float) -> int:
    """lambda x sigma x sqrt(expected naked time), of the lots that are out of balance."""
    open_ticks = sum(abs(count) * leg.sigma_ticks * leg.tick_micros
                     for leg, count in zip(legs, surplus_lots(legs), strict=True))  # fmt: skip
    return round(risk_aversion * open_ticks * math.sqrt(retry_s))


def _prefers_complete(policy: RepairPolicy, tries: int, complete: int, unwind: int) -> bool:
    """The stated preference, the cheaper one, and the other way for the last third of the tries."""
    if complete == NO_COST or unwind == NO_COST:
        return unwind == NO_COST
    if tries >= policy.max_tries * 2 // 3 and tries > 0:
        return policy.on_partial == UNWIND_FIRST
    if policy.on_partial == CHEAPEST:
        return complete <= unwind
    return policy.on_partial == COMPLETE_FIRST


def _limits(legs: list[LegView], lots: tuple[int, ...], policy: RepairPolicy, tries: int) -> tuple[int, ...]:
    """The touch and so many ticks beyond it, within the band; after the schedule, the whole band."""
    limits = []
    for leg, count in zip(legs, lots, strict=True):
        if count == 0:
            limits.append(0)
            continue
        side = 1 if count > 0 else -1
        price = _touch(leg, count)
        beyond = math.floor(price * policy.band_bps / 10_000)
        if tries < len(policy.pay_up_ticks):
            beyond = min(beyond, policy.pay_up_ticks[tries])
        limits.append(max(price + side * beyond, 1))
    return tuple(limits)


def _halt(legs: list[LegView], reason: int) -> Plan:
    nothing = (0,) * len(legs)
    return Plan(HALT, REHEDGE, nothing, nothing, NO_COST, NO_COST, reason)
