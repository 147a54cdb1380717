"""What the gate's twin stands on: the state as plain Python values, a look written down, lots and money of a leg.

Fractions where the gate divides integers, sums over all instruments where it follows links, None for a number that
nobody has stated.
"""

import math
from fractions import Fraction
from functools import cache

import numpy as np

from engine.instruments import INVERSE, LONG_SHORT_TODAY, NET
from engine.records import (
    CLOSED,
    CLOSED_MARKET,
    DECISION_DTYPE,
    DENY,
    ENTRY,
    EXIT,
    MISSING,
    NO_QUOTE,
    PASS,
    REHEDGE,
    STALE,
    WARN,
)
from engine.records import HALTED as OUTCOME_HALTED
from engine.schema import HEAD, MARGIN_LAST, MAX_SLICES, NO_LIMIT, UNSET
from engine.schema import TABLES as SCHEMA

TABLES = (
    "market", "venue", "account", "pool", "currency", "instrument", "book", "position", "spread", "strategy", "stake",
    "meter", "tier",
)  # fmt: skip
KEPT_ROWS = 48  # of the order table, behind those that an opening takes
DTYPES = SCHEMA | {"head": HEAD, "decision": DECISION_DTYPE}


@cache
def _lists(kind: str) -> tuple[str, ...]:
    """The fields of a table that hold several numbers a row."""
    dtype = DTYPES[kind]
    return tuple(name for name in dtype.names if dtype[name].shape)


def plain(kind: str, row) -> dict:
    """A table's row as a dict of Python values."""
    return plain_table(kind, row.reshape(1))[0]


def plain_table(kind: str, rows) -> list[dict]:
    names = rows.dtype.names
    lists = _lists(kind)
    found = [dict(zip(names, row, strict=True)) for row in rows.tolist()]
    for row in found:
        for name in lists:
            row[name] = row[name].tolist()
    return found


def known(number):
    return None if number == UNSET else number


def total(amounts):
    """The sum, None where one of the amounts is not known."""
    amounts = list(amounts)
    return None if None in amounts else sum(amounts)


class Rows:
    """The state before the decision, and what every control asks of it."""

    def __init__(self, state, now_ns: int):
        self.state, self.now_ns = state, now_ns
        self.head, self.market_ns = plain("head", state.head), state.market_ns(now_ns)
        for name in TABLES:
            setattr(self, name, plain_table(name, getattr(state, name)))
        self.d = plain("decision", state.scratch["decision"][0])
        self.relation, self.plan = self.spread[self.d["spread"]], self.strategy[self.d["strategy"]]
        self.purpose = self.d["purpose"]
        self.entry, self.exit, self.repair = self.purpose == ENTRY, self.purpose == EXIT, self.purpose >= REHEDGE
        self.every = range(self.d["legs"])
        self.trading = [leg for leg in self.every if self.d["lots"][leg]]  # legs with lots
        self.looks: dict[int, tuple] = {}
        self.reason = 0
        self.free_rows = self._free_rows()
        self._opening: dict[int, int] = {}
        self._hold: dict[int, int | None] = {}

    def _free_rows(self) -> bool:
        orders, deals = self.state.order, self.state.deal
        wanted = self.d["legs"] * MAX_SLICES + (0 if self.repair else min(KEPT_ROWS, len(orders) // 4))
        ahead = (self.head["order_counter"] + np.arange(1, wanted + 1)) % len(orders)
        if ((orders["order_no"][ahead] != 0) & (orders["settled"][ahead] == 0)).any():
            return False
        deal = deals[self.d["deal_id"] % len(deals)]
        if deal["deal_id"] in (0, self.d["deal_id"]):
            return True
        undecided = deal["outcome"] == OUTCOME_HALTED and not deal["resolution"]
        return bool(deal["state"] == CLOSED and not undecided and not deal["orders"])

    # how a look is written down
    def say(self, number: int, observed, limit, wrong: bool, warn: bool = False) -> None:
        """One look: the gravest stays, the first among equals; what is not known denies."""
        observed, limit = known(observed), known(limit)
        missing = observed is None or limit is None
        level = MISSING if missing else DENY if wrong else WARN if warn else PASS
        if number not in self.looks or level > self.looks[number][2]:
            self.looks[number] = (
                UNSET if observed is None else observed, UNSET if limit is None else limit, level,
            )  # fmt: skip
        if level >= DENY and not self.reason:
            self.reason = number

    def at_most(self, number: int, observed, limit) -> None:
        """Not over its limit. Where it is said that there is none, what is not known counts as 0."""
        observed, limit = known(observed), known(limit)
        if limit == NO_LIMIT and observed is None:
            observed = 0
        self.say(number, observed, limit, None not in (observed, limit) and observed > limit)

    # rows of a leg
    def lots(self, leg: int) -> int:
        return self.d["lots"][leg]

    def buys(self, leg: int) -> bool:
        return self.lots(leg) > 0

    def limit(self, leg: int) -> int:
        return self.d["limit_ticks"][leg]

    def contract(self, leg: int) -> dict:
        return self.instrument[self.d["instrument"][leg]]

    def quote(self, leg: int) -> dict:
        return self.book[self.d["instrument"][leg]]

    def held(self, leg: int) -> dict:
        return self.position[self.d["instrument"][leg]]

    def place(self, leg: int) -> int:
        return self.contract(leg)["venue"]

    def purse(self, leg: int) -> int:
        return self.contract(leg)["account"]

    def region(self, leg: int) -> int:
        return self.venue[self.place(leg)]["market"]

    # lots
    def opening(self, leg: int) -> int:
        """Lots beyond what closes lots that are held and not promised to another close."""
        if leg not in self._opening:
            row, other = self.held(leg), "short" if self.buys(leg) else "long"
            parts = [row[f"{other}_{day}"] - row[f"closing_{other}_{day}"] for day in ("yesterday", "today")]
            if self.contract(leg)["position_mode"] != LONG_SHORT_TODAY:
                parts = [sum(parts)]
            elif self.locks(leg):
                parts = parts[:1]  # today's are left alone
            self._opening[leg] = max(abs(self.lots(leg)) - sum(max(part, 0) for part in parts), 0)
        return self._opening[leg]

    def locks(self, leg: int) -> bool:
        """Whether opening the opposite now and closing both as yesterday's later costs less than closing today's."""
        if not self.contract(leg)["may_lock"]:
            return False
        once, today = self.fee(leg, self.limit(leg), False), self.fee(leg, self.limit(leg), True)
        return None not in (once, today) and 3 * once < today

    def side_lots(self, at: int, long: bool) -> int:
        """Lots of one side of an instrument, held and working to open: of a net position what it could come to."""
        row, mine, other = self.position[at], *(("long", "short") if long else ("short", "long"))
        held = row[f"{mine}_today"] + row[f"{mine}_yesterday"]
        working = row["working_buy" if long else "working_sell"]
        if self.instrument[at]["position_mode"] == NET:
            against = row[f"{other}_today"] + row[f"{other}_yesterday"]
            return max(held - against, 0) + max(working - max(against - held, 0), 0)
        promised = row[f"closing_{other}_today"] + row[f"closing_{other}_yesterday"]
        return held + max(working - promised, 0)

    # money
    def notional(self, leg: int, ticks: int, lots: int):
        row = self.contract(leg)
        if row["kind"] == INVERSE:
            return math.ceil(row["tick_micros"] * lots / (ticks * row["tick"])) if ticks > 0 else None
        return ticks * row["tick_micros"] * lots

    def fee(self, leg: int, ticks: int, today: bool):
        row, value = self.contract(leg), self.notional(leg, ticks, 1)
        flat, share = (row[f"fee_today_{unit}" if today else f"fee_{unit}"] for unit in ("micros", "e7"))
        if value is None or flat == UNSET:
            return None
        return flat + math.ceil(Fraction(abs(value) * share, 10_000_000))

    def hold(self, leg: int):
        """Margin and both ways' fees of the lots that open, at the dearer of the two prices."""
        if leg not in self._hold:
            self._hold[leg] = self._hold_of(leg) if self.lots(leg) else 0
        return self._hold[leg]

    def _hold_of(self, leg: int):
        row, prices = self.contract(leg), (self.d["ref_ticks"][leg], self.limit(leg))
        dear = min(prices) if row["kind"] == INVERSE else max(prices)
        counted = dear if row["margin_base"] == MARGIN_LAST else row["settlement_ticks"]
        value = None if counted == UNSET else self.notional(leg, counted, 1)
        fee = self.fee(leg, dear, False)
        if None in (value, fee) or row["margin_bps"] == UNSET:
            return None
        margin = math.ceil(Fraction(abs(value) * row["margin_bps"], 10_000))
        return (margin + 2 * fee) * self.opening(leg)

    def signed_value(self, leg: int):
        value = self.notional(leg, self.limit(leg), abs(self.lots(leg)))
        return None if value is None else value if self.buys(leg) else -value

    def opening_value(self, leg: int):
        return self.notional(leg, self.limit(leg), self.opening(leg))

    def reporting(self, currency: int, micros):
        row = self.currency[currency]
        if micros is None:
            return None
        if row["instrument"] < 0:
            return math.ceil(micros * row["fixed_rate"])
        book = self.book[row["instrument"]]
        aged = self.head["now_ns"] - book["recv_ns"] > self.instrument[row["instrument"]]["max_age_ns"]
        if aged or not book["updates"] or book["blocked"] or book["ask_lots"] <= 0:
            return None
        return math.ceil(micros * (book["ask_ticks"] * self.instrument[row["instrument"]]["tick"]))

    def quote_faults(self, at: int) -> int:
        row, book = self.instrument[at], self.book[at]
        if not book["updates"]:
            return NO_QUOTE
        venue = self.venue[row["venue"]]
        old = self.now_ns - book["recv_ns"] > row["max_age_ns"]
        silent = self.now_ns - venue["heard_ns"][0] > venue["max_silence_ns"]
        return (book["blocked"] & ~CLOSED_MARKET) | (STALE if old or silent else 0)
