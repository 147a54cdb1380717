"""How to bring each control of the gate to its level, in every scope that it has; and what it cannot do without.

Step -1 is just under the level, 0 at it, 1 just over it. The decision is that of `asked`: three lots of AU sold at
15,461, one of GC bought at 13,953, each two ticks beyond its touch.
"""

from collections.abc import Callable
from typing import NamedTuple

from engine.records import DENY, ENTRY, OFF
from engine.schema import UNSET
from riskgate.gate import SEQUENCE
from riskgate.names import CONTROL_NAMES
from riskgate.repeat_controls import duplicate_key
from tests.gate_group import SAME, group_state
from tests.gate_world import AU, CN, FX, GC, NOW_NS, US, decision_of, slot

UNDER, AT, OVER = -1, 0, 1
MESSAGE = 1_000_000


class Level(NamedTuple):
    """One scope of a control. arrange(state, step): brings it a step from its level. at: it denies at the level."""

    number: int
    scope: str
    arrange: Callable
    at: bool = False

    def __str__(self) -> str:
        return f"{self.number} {self.scope}"


class Unstated(NamedTuple):
    """A number that a control cannot do without."""

    number: int
    what: str
    forget: Callable

    def __str__(self) -> str:
        return f"{self.number} {self.what}"


def asked(purpose: int = ENTRY, **named):
    state = group_state()
    return state, decision_of(state, purpose, **named)


def expect_denied(verdict, number: int, level: int = DENY) -> None:
    assert (int(verdict["cleared"]), int(verdict["reason"])) == (0, number), CONTROL_NAMES.get(int(verdict["reason"]))
    assert slot(verdict, number)[2] == level


def expect_looks(verdict) -> None:
    """Every control of the sequence looked, and left what it saw."""
    for number in range(1, 29):
        assert (slot(verdict, number)[2] != OFF) == (number in SEQUENCE), CONTROL_NAMES[number]


def set_to(table: str, row: int, field: str, number: int, sign: int = -1) -> Callable:
    """A limit (sign -1: less is stricter) or a count (+1) a step from `number`."""
    return lambda state, step: getattr(state, table)[row].__setitem__(field, number + sign * step)


def is_on(table: str, row: int, field: str) -> Callable:
    """What denies as soon as it is so, and passes at nought."""
    return lambda state, step: getattr(state, table)[row].__setitem__(field, max(step, 0))


def lacks(table: str, row: int, field: str) -> Callable:
    return lambda state: getattr(state, table)[row].__setitem__(field, UNSET)


def _lacks_a_band(state) -> None:
    state.instrument[AU]["banded"], state.instrument[AU]["lower_limit_ticks"] = 1, UNSET


def meter_of(state, kind: str, at: int = AU):
    """The meter of an instrument's contract, product or account."""
    row = state.instrument[at]
    return state.meter[state.account[row["account"]]["meter"] if kind == "account" else row[kind]]


# what an order is
def _value(state, table: str, row: int, step: int):
    getattr(state, table)[row]["max_order_micros"] = 3 * 15_461 * int(state.instrument[AU]["tick_micros"]) - step


def _lock(flag: int):
    return lambda state, step: state.book[GC].__setitem__("flags", flag if step > 0 else 0)


def _locked_book(state, step):
    """Only bids left: locked where they stand at the upper limit, a tick over it, not where they stand below."""
    row = state.book[GC]
    row["ask_lots"] = 0 if step >= 0 else row["ask_lots"]
    state.instrument[GC]["upper_limit_ticks"] = 13_950 if step > 0 else 13_953


# when, where, how often
def _close(state, step):
    state.instrument[AU]["close_ns"] = NOW_NS + state.instrument[AU]["close_guard_ns"] - step


def _age(at: int):
    return lambda state, step: state.book[at].__setitem__("recv_ns", NOW_NS - state.instrument[at]["max_age_ns"] - step)


def _skew(state, step):
    state.spread[0]["max_skew_ns"] = 10**9
    state.book[GC]["recv_ns"] = NOW_NS - 10**9 - step


def _width(state, step):
    state.book[AU]["ask_ticks"] = 15_463 + (2 if step > 0 else 1)


def _edge(state, step):
    state.scratch["decision"][0]["cost"] = 0.25
    state.strategy[0]["min_edge"] = 0.25 + step * 1e-6


def _bucket(table: str, row: int, messages: int):
    def arrange(state, step):
        one = getattr(state, table)[row]
        one["tokens"] = one["tokens_reserve"] + messages * MESSAGE - step

    return arrange


def _working(table: str, row: int):
    def arrange(state, step):
        one = getattr(state, table)[row]
        one["live_orders"], one["max_working_orders"] = 2, 2 + 3 - step

    return arrange


def _table(state, step):
    state.head["live_orders"] = len(state.order) // 2 - 6 + step


def _stake(state, step):
    mine = state.strategy[0]
    rows = state.stake[mine["stake_at"] : mine["stake_at"] + mine["stake_n"]]
    rows["instrument"][rows["instrument"] == GC] = GC if step <= 0 else FX


def _permitted(state, step):
    state.instrument[GC]["permitted"] = step <= 0


def _link(state, step):
    state.venue[1]["link"][1] = 2 if step <= 0 else 1


def _again(state, duplicates: int, age_ns: int, most: int) -> None:
    row = state.strategy[0]
    row["duplicate_key"] = duplicate_key(state.scratch["decision"][0])
    row["duplicate_ns"], row["duplicates"], row["max_duplicates"] = NOW_NS - age_ns, duplicates, most


def _duplicates(state, step):
    _again(state, 1, 1, 2 - step)


def _duplicate_window(state, step):
    _again(state, 0, int(state.strategy[0]["duplicate_window_ns"]) - step, 0)


def _executions(state, step):
    row, count = state.strategy[0], 4 + step
    state.execution["at_ns"][row["execution_at"] :][:count] = NOW_NS - 1
    row["execution_next"] = row["executions"] = count


def _execution_window(state, step):
    _executions(state, 1)
    state.execution["at_ns"][state.strategy[0]["execution_at"]] = (
        NOW_NS - state.strategy[0]["execution_window_ns"] + step
    )


def own_bid(at: int) -> Callable:
    return set_to("position", at, "own_bid_ticks", 15_460, +1)  # the decision sells at 15,461


LEVELS = [
    Level(1, "instrument", set_to("instrument", AU, "max_order_lots", 3)),
    Level(2, "instrument", lambda state, step: _value(state, "instrument", AU, step)),
    Level(2, "account", lambda state, step: _value(state, "account", CN, step)),
    Level(3, "beyond the mid", set_to("instrument", AU, "collar_bps", 2)),
    Level(3, "beyond the far touch", set_to("instrument", GC, "collar_ticks", 2)),
    Level(4, "below the band", set_to("instrument", AU, "lower_limit_ticks", 15_461, +1)),
    Level(4, "above the band", set_to("instrument", GC, "upper_limit_ticks", 13_953)),
    Level(4, "locked up", _lock(4)),
    Level(4, "locked down", _lock(8)),
    Level(5, "expiry", set_to("instrument", GC, "expires_ns", NOW_NS + 1)),
    Level(6, "venue", _bucket("venue", 0, 3)),
    Level(6, "account", _bucket("account", US, 3)),
    Level(6, "strategy", _bucket("strategy", 0, 6)),
    Level(7, "table", _table),
    Level(7, "account", _working("account", CN)),
    Level(7, "instrument", _working("instrument", GC)),
    Level(11, "own order", own_bid(AU)),
    Level(11, "own order in the group's other account", own_bid(SAME)),
    Level(13, "in a row", _duplicates),
    Level(13, "window", _duplicate_window),
    Level(14, "count", _executions),
    Level(14, "window", _execution_window),
    Level(20, "age", _age(AU)),
    Level(20, "age of a rate", _age(FX)),
    Level(20, "skew", _skew),
    Level(20, "width", _width),
    Level(21, "leg and rate", set_to("spread", 0, "max_slippage_bps", 2 + 1)),
    Level(21, "all legs", set_to("spread", 0, "max_total_slippage_bps", 2 + 2 + 1)),
    Level(22, "edge", _edge),
    Level(23, "guard", _close, at=True),
    Level(23, "opening", set_to("instrument", AU, "open_ns", NOW_NS, +1)),
    *(Level(24, table, is_on(table, row, "switch")) for table, row in
      (("market", 1), ("venue", 1), ("account", US), ("strategy", 0), ("spread", 0))),
    Level(24, "all", lambda state, step: state.head.__setitem__("switch", max(step, 0))),
    Level(25, "orders in doubt", is_on("venue", 1, "in_doubt")),
    Level(25, "trading link", _link),
    Level(25, "circuit", set_to("instrument", GC, "broken_until_ns", NOW_NS, +1)),
    Level(25, "positions that differ", is_on("account", CN, "drifts")),
    Level(26, "account", _permitted),
    Level(26, "strategy", _stake),
]  # fmt: skip

UNSTATED = [
    Unstated(1, "largest order", lacks("instrument", AU, "max_order_lots")),
    Unstated(2, "instrument's largest value", lacks("instrument", GC, "max_order_micros")),
    Unstated(2, "account's largest value", lacks("account", US, "max_order_micros")),
    Unstated(3, "collar", lacks("instrument", AU, "collar_bps")),
    Unstated(3, "collar from the far touch", lacks("instrument", GC, "collar_ticks")),
    Unstated(4, "a limit of a banded contract", _lacks_a_band),
    Unstated(7, "account's working orders", lacks("account", US, "max_working_orders")),
    Unstated(7, "instrument's working orders", lacks("instrument", GC, "max_working_orders")),
    Unstated(13, "duplicates", lacks("strategy", 0, "max_duplicates")),
    Unstated(14, "executions", lambda state: state.strategy[0].__setitem__("execution_n", 0)),
    Unstated(21, "slippage of a leg", lacks("spread", 0, "max_slippage_bps")),
    Unstated(21, "slippage of all legs", lacks("spread", 0, "max_total_slippage_bps")),
    Unstated(23, "close", lacks("instrument", GC, "close_ns")),
    Unstated(23, "opening", lacks("instrument", AU, "open_ns")),
    Unstated(26, "allow-list", lacks("instrument", GC, "permitted")),
]  # fmt: skip
