"""The gate on its own: a state with fresh quotes, money and links, and a two-leg decision that clears, to be varied.

Leg 0 is Shanghai gold, leg 1 COMEX gold, with the rate of the dollar between them, all of the demo's config.
"""

from desk.build import DEAL_ROWS, ORDER_ROWS, Names, build_state
from desk.composed import HOT
from engine.journal import MemoryJournal
from engine.ports import READY
from engine.records import ENTRY
from engine.schema import UNSET
from riskgate.gate import check_and_hold
from riskgate.names import CONTROL_NAMES
from tests.world import demo_config

NOW_NS = 1_800_000_000 * 1_000_000_000
HOUR_NS = 3600 * 1_000_000_000
AU, GC, FX = 0, 1, 2
CN, US = 0, 1
CAPITAL = 10**13


def fresh_state(config=None, rows: tuple[int, int] = (ORDER_ROWS, DEAL_ROWS)):
    """The demo's tables with every control far from its level. rows: of orders, of deals."""
    state = build_state(Names(config or demo_config()), "2026-11-18", rows)
    head = state.head
    head["epoch"], head["now_ns"], head["limits_version"] = 1, NOW_NS, 7
    head["clock_base_ns"] = head["clock_start_ns"] = NOW_NS
    head["clock_speed_milli"] = 1000
    state.venue["link"], state.venue["heard_ns"] = READY, NOW_NS
    for table in (state.venue, state.account, state.strategy):
        table["tokens_ns"] = NOW_NS
    state.account["capital_micros"] = CAPITAL
    state.pool["capital_micros"] = CAPITAL
    state.instrument["open_ns"], state.instrument["close_ns"] = NOW_NS - HOUR_NS, NOW_NS + HOUR_NS
    quote(state, AU, 15_463, 15_464)
    quote(state, GC, 13_950, 13_951)
    quote(state, FX, 68_960, 68_961, 500)
    return state


def quote(state, instrument: int, bid: int, ask: int, lots: int = 30, recv_ns: int = NOW_NS) -> None:
    row = state.book[instrument]
    row["bid_ticks"], row["ask_ticks"], row["bid_lots"], row["ask_lots"] = bid, ask, lots, lots
    row["recv_ns"], row["blocked"] = recv_ns, 0
    row["updates"] += 1


def decision_of(
    state, purpose: int = ENTRY, side: int = -1, units: int = 1, slippage_ticks: int = 2, strategy: int = 0
):
    """The decision in the scratch row: a unit sold (Shanghai is dear), each leg two ticks beyond its touch."""
    decision = state.scratch["decision"][0]
    state.head["decision_counter"] += 1
    decision["decision_id"] = decision["deal_id"] = state.head["decision_counter"]
    decision["strategy"], decision["spread"] = strategy, state.strategy[strategy]["spread"]
    spread = state.spread[decision["spread"]]
    legs = int(spread["legs"])
    decision["side"], decision["purpose"], decision["units"], decision["legs"] = side, purpose, units, legs
    decision["slippage_ticks"], decision["deadline_ns"] = slippage_ticks, NOW_NS + 2 * 10**9
    decision["signal"] = decision["executable"] = 6.5
    decision["center"], decision["threshold"], decision["cost"] = 6.0, 0.25, 0.1
    for leg in range(legs):
        set_lots(state, leg, int(spread["ratio"][leg]) * side * units, slippage_ticks)
    return decision


def set_lots(state, leg: int, lots: int, slippage_ticks: int = 2) -> None:
    """Change a leg's lots, and its price to the side they trade on."""
    decision = state.scratch["decision"][0]
    at = int(state.spread[decision["spread"]]["instrument"][leg])
    touch = state.book[at]["ask_ticks"] if lots > 0 else state.book[at]["bid_ticks"]
    decision["instrument"][leg], decision["lots"][leg] = at, lots
    decision["ref_ticks"][leg] = touch
    decision["limit_ticks"][leg] = touch + (slippage_ticks if lots > 0 else -slippage_ticks)


def judge(state, now_ns: int = NOW_NS):
    """The verdict on the decision in the scratch row."""
    check_and_hold(state.address, state.scratch["decision"][0], now_ns)
    return state.scratch["verdict"]


def slot(verdict, number: int) -> tuple[int, int, int]:
    """(observed, limit, level) of one control."""
    at = number - 1
    return int(verdict["observed"][at]), int(verdict["limit"][at]), int(verdict["level"][at])


def seen(verdict) -> dict[str, tuple[int, int, int]]:
    """Every control that looked, by name: for a legible failure."""
    return {CONTROL_NAMES[n]: slot(verdict, n) for n in range(1, 29) if verdict["level"][n - 1]}


def decide(state, journal: MemoryJournal, now_ns: int = NOW_NS) -> list:
    """Gate, holds and orders in one compiled call, as the engine does; the rows of the orders it opened."""
    count = HOT.decide(state.address, journal.address, 0, now_ns)
    return [state.order[at] for at in state.scratch["order_slot"][:count]]


def without(state, table: str, row: int, field: str) -> None:
    """Forget one stated number."""
    getattr(state, table)[row][field] = UNSET
