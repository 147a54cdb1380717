"""What the repair planner is shown of a deal: its legs and proxies at prices that may be traded on now, and why not."""

import math

from engine.core import Core
from engine.instruments import LONG_SHORT_TODAY
from engine.money import lot_fee_reporting_micros, tick_reporting_micros
from engine.ports import QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP, READY
from engine.records import (
    CLOSED_MARKET,
    CROSSED,
    GAP,
    HOLD_CIRCUIT,
    HOLD_CLOSED,
    HOLD_PRICE,
    NO_QUOTE,
)
from engine.repair import LegView, ProxyView
from engine.schema import UNSET
from engine.state import State

MOST_LOCK_CANCELS = 2
_UNUSABLE = NO_QUOTE | GAP | CROSSED


def locked_side(core: Core, at: int) -> int:
    """+1: locked at the upper limit, nobody sells (涨停); -1: at the lower, nobody buys (跌停); 0: not locked."""
    book, row = core.state.book[at], core.state.instrument[at]
    if book["flags"] & QUOTE_LIMIT_UP or (
        row["upper_limit_ticks"] != UNSET and book["ask_lots"] <= 0 < book["bid_lots"]
        and book["bid_ticks"] >= row["upper_limit_ticks"]
    ):  # fmt: skip
        return 1
    if book["flags"] & QUOTE_LIMIT_DOWN or (
        row["lower_limit_ticks"] != UNSET and book["bid_lots"] <= 0 < book["ask_lots"]
        and book["ask_ticks"] <= row["lower_limit_ticks"]
    ):  # fmt: skip
        return -1
    return 0


def within_band(state: State, at: int, ticks: int) -> int:
    """A repair's price, no farther than the price limits of the day: beyond them a venue takes no order."""
    row = state.instrument[at]
    if row["upper_limit_ticks"] != UNSET:
        ticks = min(ticks, int(row["upper_limit_ticks"]))
    return max(ticks, int(row["lower_limit_ticks"])) if row["lower_limit_ticks"] != UNSET else ticks


def is_closed(core: Core, at: int) -> bool:
    """By the calendar, or by the venue's own word."""
    row, market_ns = core.state.instrument[at], core.state.market_ns(core.now_ns)
    if row["open_ns"] == UNSET or not row["open_ns"] <= market_ns < row["close_ns"]:
        return True
    return bool(core.state.book[at]["blocked"] & CLOSED_MARKET)


def closes_soon(core: Core, deal) -> bool:
    """Whether a leg's market closes within its guard: then repair does not wait for a better price."""
    market_ns = core.state.market_ns(core.now_ns)
    for leg in range(int(deal["legs"])):
        row = core.state.instrument[deal["instrument"][leg]]
        if row["close_ns"] != UNSET and row["close_ns"] - market_ns <= row["close_guard_ns"]:
            return True
    return False


def obstacle(core: Core, at: int) -> int:
    """Why nothing may be sent in this contract now (HOLD_*), 0 where something may."""
    row, book = core.state.instrument[at], core.state.book[at]
    if is_closed(core, at):
        return HOLD_CLOSED
    if row["broken_until_ns"] > core.now_ns:
        return HOLD_CIRCUIT
    venue = core.state.venue[row["venue"]]
    stale = core.now_ns - book["recv_ns"] > row["max_age_ns"]
    silent = core.now_ns - venue["heard_ns"][0] > venue["max_silence_ns"]
    if stale or silent or book["updates"] == 0 or book["blocked"] & _UNUSABLE or venue["link"][1] != READY:
        return HOLD_PRICE
    return 0


def touches(core: Core, at: int) -> tuple[int, int]:
    """(bid, ask) that a repair may trade on, in ticks; 0 for a side that is not there."""
    if obstacle(core, at):
        return 0, 0
    book, lock = core.state.book[at], locked_side(core, at)
    bid = int(book["bid_ticks"]) if book["bid_lots"] > 0 and lock >= 0 else 0
    ask = int(book["ask_ticks"]) if book["ask_lots"] > 0 and lock <= 0 else 0
    return bid, ask


def leg_views(core: Core, deal, lots: list[int]) -> list[LegView]:
    """The spread's legs with `lots` taken as booked; what proxies cover of a leg counts as the leg's own.

    A cost that is not known counts as nothing: we are in it anyway.
    """
    cover = _covered(core, deal, lots)
    return [_leg_view(core, deal, leg, lots[leg] + cover[leg]) for leg in range(int(deal["spread_legs"]))]


def _covered(core: Core, deal, lots: list[int]) -> list[int]:
    covered = [0] * int(deal["spread_legs"])
    for leg in range(int(deal["spread_legs"]), int(deal["legs"])):
        for stands_for, proxy in _proxies(core, deal):
            if proxy == deal["instrument"][leg] and deal["hedge_ubase"][stands_for]:
                ubase = lots[leg] * int(deal["hedge_ubase"][leg])
                covered[stands_for] += round(ubase / int(deal["hedge_ubase"][stands_for]))
    return covered


def _proxies(core: Core, deal) -> list[tuple[int, int]]:
    """(leg, instrument) of every proxy that the strategy's policy names."""
    of = core.policies[deal["strategy"]].proxies
    legs = ((leg, int(deal["instrument"][leg])) for leg in range(int(deal["spread_legs"])))
    return [(leg, of[at][0]) for leg, at in legs if at in of]


def _leg_view(core: Core, deal, leg: int, booked_lots: int) -> LegView:
    state, spread = core.state, core.state.spread[deal["spread"]]
    at, ref_ticks = int(deal["instrument"][leg]), int(deal["ref_ticks"][leg])
    bid, ask = touches(core, at)
    today = state.instrument[at]["position_mode"] == LONG_SHORT_TODAY
    lock = locked_side(core, at)
    book = state.book[at]
    queue = int(book["bid_ticks"] if lock > 0 else book["ask_ticks"] if lock < 0 else 0)
    return LegView(
        booked_lots=booked_lots,
        target_lots=int(deal["target_lots"][leg]),
        ratio=int(spread["ratio"][leg] * deal["side"]),
        bid_ticks=bid,
        ask_ticks=ask,
        ref_ticks=ref_ticks,
        tick_micros=tick_reporting_micros(state.address, at),
        fee_micros=lot_fee_reporting_micros(state.address, at, ref_ticks, False),
        sigma_ticks=_sigma_ticks(core, spread, leg),
        close_fee_micros=lot_fee_reporting_micros(state.address, at, ref_ticks, today),
        queue_ticks=0 if obstacle(core, at) else queue,
    )


def proxy_views(core: Core, deal) -> tuple[list[int], tuple[ProxyView, ...]]:
    """The proxies of the deal's legs: their instruments, and what the planner wants to know of them."""
    found, views = [], []
    for leg, proxy in _proxies(core, deal):
        bid, ask = touches(core, proxy)
        hedge_ubase = core.policies[deal["strategy"]].proxies[int(deal["instrument"][leg])][1]
        found.append(proxy)
        views.append(
            ProxyView(
                leg, int(deal["hedge_ubase"][leg]), hedge_ubase, bid, ask,
                tick_reporting_micros(core.state.address, proxy),
                lot_fee_reporting_micros(core.state.address, proxy, max(bid, ask), False),
            )
        )  # fmt: skip
    return found, tuple(views)


def may_queue(core: Core, deal) -> bool:
    """One wait in a price-limit queue a deal, and none that its contract's cancels of this lock could not end."""
    at = [int(deal["instrument"][leg]) for leg in range(int(deal["spread_legs"]))]
    spent = max((int(core.state.instrument[one]["lock_cancels"]) for one in at if locked_side(core, one)), default=0)
    return not deal["queued"] and spent < MOST_LOCK_CANCELS


def edge_micros(core: Core, deal) -> int:
    """What the deal was to earn before costs, in the spread's currency: edge x base units of all its units."""
    spread = core.state.spread[deal["spread"]]
    return round(float(deal["edge"]) * float(spread["unit_ubase"]) * int(deal["units"]))


def _sigma_ticks(core: Core, spread, leg: int) -> float:
    """Deviation of the spread over a second, in ticks of this leg: the rolling one, spread over its window."""
    window_s = float(spread["window"]) * core.timing.sample_ns / 1e9
    weight = abs(float(spread["weight"][leg]))
    return float(spread["sd"][0]) / weight / math.sqrt(window_s) if weight and window_s else 0.0
