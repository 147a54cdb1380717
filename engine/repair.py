"""Repair plans: from exposure, books, policy and time to the next step that restores balance. Pure functions.

The ladder: wait at the lean price, pay up a little more each try, cross to the band, cross to a wider band, hedge in a
proxy, unwind, halt and tell a person. Which way is a comparison of expected costs: E[complete] = slippage + fees;
E[proxy] = the proxy's width, in and out, + fees; E[unwind] = the filled leg's spread + fees + the edge given up; each
plus lambda x sigma x sqrt(expected naked time).
"""

import math
from typing import NamedTuple

import msgspec

from engine.ports import DAY, IOC
from engine.records import (
    CROSS_BAND,
    HALT,
    HALT_TRIES,
    HOLD_OFF,
    HOLD_PRICE,
    LEAN,
    NO_COST,
    PAY_UP,
    PROXY,
    REHEDGE,
    UNWIND,
    UNWIND_RUNG,
    WIDE,
)

COMPLETE_FIRST, UNWIND_FIRST, CHEAPEST = range(3)
ON_PARTIAL = {"complete": COMPLETE_FIRST, "unwind": UNWIND_FIRST, "cheapest": CHEAPEST}
# The ways out of an imbalance, in the order in which each preference tries them.
_COMPLETE, _PROXY, _UNWIND = range(3)
_ORDER = {COMPLETE_FIRST: (_COMPLETE, _PROXY, _UNWIND), UNWIND_FIRST: (_UNWIND, _COMPLETE, _PROXY)}
_LAST_RESORT = {
    COMPLETE_FIRST: (_UNWIND, _PROXY, _COMPLETE), CHEAPEST: (_UNWIND, _PROXY, _COMPLETE),
    UNWIND_FIRST: (_COMPLETE, _PROXY, _UNWIND),
}  # fmt: skip


class RepairPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's rules of repair.

    lean_ns: how long to wait at the lean price (lean_ticks beyond the decision's) as a working order; 0: not at all.
    pay_up_ticks: beyond the touch, a try each; band_bps, wide_band_bps: the widest price, from the touch at the time
    (0: no wider one). lock_wait_ns: how long to queue at a price limit; 0: not. proxies: leg's instrument -> (proxy's
    instrument, base units a lot in millionths).
    """

    on_partial: int
    retry_ns: int
    pay_up_ticks: tuple[int, ...]
    band_bps: float
    max_tries: int
    naked_limit_ns: int
    risk_aversion: float
    lean_ns: int = 0
    lean_ticks: int = 0
    wide_band_bps: float = 0.0
    lock_wait_ns: int = 0
    proxies: dict[int, tuple[int, int]] = {}


class LegView(NamedTuple):
    """One leg as the planner sees it. micros are of the reporting currency; touches are 0 where nothing can be done."""

    booked_lots: int  # with what proxies cover of it
    target_lots: int
    ratio: int  # lots a unit, signed as the deal trades it
    bid_ticks: int
    ask_ticks: int
    ref_ticks: int
    tick_micros: int  # value of one tick of one lot
    fee_micros: int  # of trading one lot
    sigma_ticks: float  # deviation of the price over a second
    close_fee_micros: int = 0  # of closing one lot again: today's lots may cost more
    queue_ticks: int = 0  # locked at the price limit: where an order in the wanted direction can queue


class ProxyView(NamedTuple):
    """What stands in for a leg that cannot be traded. leg: which one. hedge_ubase: base units a lot, both positive."""

    leg: int
    leg_ubase: int
    hedge_ubase: int
    bid_ticks: int
    ask_ticks: int
    tick_micros: int
    fee_micros: int


class Plan(NamedTuple):
    """The next step: lots (signed) and limit a leg, why, and what was weighed. proxy: the proxy's lots come last."""

    rung: int
    purpose: int
    lots: tuple[int, ...]
    limit_ticks: tuple[int, ...]
    cost_complete_micros: int
    cost_unwind_micros: int
    reason: int = 0
    cost_proxy_micros: int = NO_COST
    tif: int = IOC
    wait_ns: int = 0
    proxy: int = -1


def ladder(policy: RepairPolicy, urgent: bool) -> tuple[int, ...]:
    """The rungs on which a leg is completed, a try each, the last one from then on. urgent: a close is near."""
    patient = () if urgent else (LEAN,) * (policy.lean_ns > 0) + (PAY_UP,) * len(policy.pay_up_ticks)
    return patient + (CROSS_BAND,) + (WIDE,) * (policy.wide_band_bps > 0)


def plan(
    legs: list[LegView], edge_micros: int, policy: RepairPolicy, tries: int, retry_s: float,
    proxies: tuple[ProxyView, ...] = (), urgent: bool = False, may_queue: bool = False,
) -> Plan:  # fmt: skip
    """What to do with a deal out of balance. tries: repairs sent; edge_micros: what the whole deal would earn.

    may_queue: an order may be left in the queue of a contract that is locked at its price limit.
    """
    if tries >= policy.max_tries:
        return _nothing(legs, HALT, HALT_TRIES)
    rungs = ladder(policy, urgent)
    rung = rungs[min(tries, len(rungs) - 1)]
    complete, unwind = missing_lots(legs), surplus_lots(legs)
    naked_s = retry_s + (policy.lean_ns / 1e9 if rung == LEAN else 0.0)
    cost_complete = _cost_complete(legs, complete, policy, rung, _waiting_cost(legs, policy.risk_aversion, naked_s))
    wait_micros = _waiting_cost(legs, policy.risk_aversion, retry_s)
    cost_unwind = _cost(legs, unwind, wait_micros, closing=True)
    if cost_unwind != NO_COST:
        cost_unwind += max(edge_micros, 0)
    number, proxy_lots, cost_proxy = _best_proxy(proxies, complete, wait_micros)
    costs = (cost_complete, cost_proxy, cost_unwind)
    way = _choose(policy, tries, costs)
    queue = _queue(legs, complete, policy, tries, costs, may_queue, (cost_complete, cost_unwind, 0, cost_proxy))
    if queue is not None:
        return queue
    if way is None:
        return _nothing(legs, HOLD_OFF, HOLD_PRICE)
    weighed = (cost_complete, cost_unwind, 0, cost_proxy)
    if way == _UNWIND:
        limits = _limits(legs, unwind, policy, tries, CROSS_BAND if urgent else UNWIND_RUNG)
        return Plan(UNWIND_RUNG, UNWIND, unwind, limits, *weighed)
    if way == _PROXY:
        lots = (0,) * len(legs) + (proxy_lots,)
        limit = _limit(proxies[number].ask_ticks if proxy_lots > 0 else proxies[number].bid_ticks, proxy_lots,
                       policy.band_bps)  # fmt: skip
        return Plan(PROXY, REHEDGE, lots, (0,) * len(legs) + (limit,), *weighed, proxy=number)
    limits = _limits(legs, complete, policy, tries, rung)
    if rung == LEAN:
        return Plan(LEAN, REHEDGE, complete, limits, *weighed, tif=DAY, wait_ns=policy.lean_ns)
    return Plan(rung, REHEDGE, complete, limits, *weighed)


def missing_lots(legs: list[LegView]) -> tuple[int, ...]:
    """Lots that bring every leg up to the fullest one, in whole units; never beyond the deal's own units."""
    wanted = max(leg.target_lots // leg.ratio for leg in legs)
    units = min(max(math.ceil(_units(leg)) for leg in legs), wanted)
    return tuple(units * leg.ratio - leg.booked_lots for leg in legs)


def surplus_lots(legs: list[LegView]) -> tuple[int, ...]:
    """Lots that bring every leg down to the emptiest one, in whole units."""
    units = max(min(math.floor(_units(leg)) for leg in legs), 0)
    return tuple(units * leg.ratio - leg.booked_lots for leg in legs)


def raises_worst(low_ubase: int, high_ubase: int, changes_ubase: list[int]) -> bool:
    """Whether orders, of which any part may fill, could make an exposure worse than its interval already is."""
    low, high = low_ubase, high_ubase
    for change in changes_ubase:
        low, high = low + min(change, 0), high + max(change, 0)
    return max(abs(low), abs(high)) > max(abs(low_ubase), abs(high_ubase))


def _units(leg: LegView) -> float:
    return leg.booked_lots / leg.ratio


def _touch(leg: LegView, lots: int) -> int:
    return leg.ask_ticks if lots > 0 else leg.bid_ticks


def _cost(legs: list[LegView], lots: tuple[int, ...], wait_micros: int, closing: bool) -> int:
    """Of trading `lots` at the touch against the decision's prices, fees included; NO_COST without a price."""
    total = wait_micros
    for leg, count in zip(legs, lots, strict=True):
        if count == 0:
            continue
        touch = _touch(leg, count)
        if touch <= 0:
            return NO_COST
        fee = leg.close_fee_micros or leg.fee_micros if closing else leg.fee_micros
        total += (touch - leg.ref_ticks) * count * leg.tick_micros + abs(count) * fee
    return total


def _cost_complete(
    legs: list[LegView], lots: tuple[int, ...], policy: RepairPolicy, rung: int, wait_micros: int
) -> int:  # fmt: skip
    """At the touch; on the lean rung at the lean price, which needs no touch but a market to wait in."""
    at_touch = _cost(legs, lots, wait_micros, closing=False)
    if rung != LEAN or at_touch == NO_COST:
        return at_touch
    paid = ((leg, abs(count)) for leg, count in zip(legs, lots, strict=True))
    return wait_micros + sum(
        count * (policy.lean_ticks * leg.tick_micros + leg.fee_micros) for leg, count in paid
    )  # fmt: skip


def _waiting_cost(legs: list[LegView], risk_aversion: float, naked_s: float) -> int:
    """lambda x sigma x sqrt(expected naked time), of the lots that are out of balance."""
    open_ticks = sum(abs(count) * leg.sigma_ticks * leg.tick_micros
                     for leg, count in zip(legs, surplus_lots(legs), strict=True))  # fmt: skip
    return round(risk_aversion * open_ticks * math.sqrt(naked_s))


def _best_proxy(proxies: tuple[ProxyView, ...], missing: tuple[int, ...], wait_micros: int) -> tuple[int, int, int]:
    """(number, signed lots, cost) of the cheapest proxy for the one leg that lacks lots; NO_COST where none fits."""
    best = (-1, 0, NO_COST)
    wanted = [leg for leg, count in enumerate(missing) if count]
    for number, view in enumerate(proxies):
        if wanted != [view.leg] or view.bid_ticks <= 0 or view.ask_ticks <= 0 or view.hedge_ubase <= 0:
            continue
        lots = round(missing[view.leg] * view.leg_ubase / view.hedge_ubase)
        if lots == 0:
            continue
        # Its whole width and two fees: what stands in must be traded out again.
        width = (view.ask_ticks - view.bid_ticks) * view.tick_micros
        cost = wait_micros + abs(lots) * (width + 2 * view.fee_micros)
        if cost < best[2]:
            best = (number, lots, cost)
    return best


def _choose(policy: RepairPolicy, tries: int, costs: tuple[int, int, int]) -> int | None:
    """The stated preference, or the cheapest; the other way for the last third of the tries. None: none has a price."""
    open_ways = [way for way in (_COMPLETE, _UNWIND, _PROXY) if costs[way] != NO_COST]
    if not open_ways:
        return None
    if _is_late(policy, tries):
        return next(way for way in _LAST_RESORT[policy.on_partial] if way in open_ways)
    if policy.on_partial == CHEAPEST:
        return min(open_ways, key=lambda way: costs[way])
    return next(way for way in _ORDER[policy.on_partial] if way in open_ways)


def _is_late(policy: RepairPolicy, tries: int) -> bool:
    return tries >= policy.max_tries * 2 // 3 and tries > 0


def _queue(
    legs: list[LegView], missing: tuple[int, ...], policy: RepairPolicy, tries: int, costs: tuple[int, ...],
    may_queue: bool, weighed: tuple[int, ...],
) -> Plan | None:  # fmt: skip
    """Wait in the queue of a locked contract: where completing is what is wanted, or nothing else is left."""
    others = costs[_PROXY] != NO_COST or costs[_UNWIND] != NO_COST
    preferred = policy.on_partial == COMPLETE_FIRST and not _is_late(policy, tries)
    # A lock stops one direction only: who sells at the upper limit has a price and needs no queue.
    locked = [bool(count and leg.queue_ticks and _touch(leg, count) <= 0)
              for leg, count in zip(legs, missing, strict=True)]  # fmt: skip
    if not (may_queue and any(locked) and policy.lock_wait_ns) or (others and not preferred):
        return None
    lots = tuple(count if wait else 0 for count, wait in zip(missing, locked, strict=True))
    limits = tuple(leg.queue_ticks if wait else 0 for leg, wait in zip(legs, locked, strict=True))
    return Plan(LEAN, REHEDGE, lots, limits, *weighed, tif=DAY, wait_ns=policy.lock_wait_ns)


def _limit(touch: int, lots: int, band_bps: float) -> int:
    return max(touch + (1 if lots > 0 else -1) * math.floor(touch * band_bps / 10_000), 1)


def _limits(
    legs: list[LegView], lots: tuple[int, ...], policy: RepairPolicy, tries: int, rung: int
) -> tuple[int, ...]:  # fmt: skip
    """The lean price; or the touch and so many ticks beyond it, within the band; after the schedule, the band."""
    limits = []
    paid = max(tries - (policy.lean_ns > 0), 0)
    for leg, count in zip(legs, lots, strict=True):
        if count == 0:
            limits.append(0)
            continue
        side = 1 if count > 0 else -1
        price = _touch(leg, count)
        if rung == LEAN:
            lean = leg.ref_ticks + side * policy.lean_ticks
            limits.append(max(min(lean, price) if side > 0 else max(lean, price), 1))  # never beyond the touch
            continue
        beyond = math.floor(price * (policy.wide_band_bps if rung == WIDE else policy.band_bps) / 10_000)
        if rung in (PAY_UP, UNWIND_RUNG) and paid < len(policy.pay_up_ticks):
            beyond = min(beyond, policy.pay_up_ticks[paid])
        limits.append(max(price + side * beyond, 1))
    return tuple(limits)


def _nothing(legs: list[LegView], rung: int, reason: int) -> Plan:
    nothing = (0,) * len(legs)
    return Plan(rung, REHEDGE, nothing, nothing, NO_COST, NO_COST, reason)
