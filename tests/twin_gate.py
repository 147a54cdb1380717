"""A slow, plain twin of the gate, written from the rules and not from the gate: Python numbers, one dict a row.

`judge` gives what the gate should say: (cleared, reason, {number: (observed, limit, level)}).
"""

import math
from fractions import Fraction

from engine.instruments import INVERSE, LONG_SHORT_TODAY
from engine.records import (
    CLOSED,
    CLOSED_MARKET,
    DENY,
    ENTRY,
    MISSING,
    NO_QUOTE,
    ONE_SIDED,
    PASS,
    REHEDGE,
    SKEWED,
    STALE,
    WARN,
)
from engine.records import HALTED as OUTCOME_HALTED
from engine.schema import HALTED, MAX_SLICES, REDUCE_ONLY, UNSET


def plain(row) -> dict:
    """A table's row as a dict of Python values."""
    return dict(zip(row.dtype.names, row.item(), strict=True))


class Twin:
    """The rules over a copy of the state. None stands for a number that nobody stated."""

    def __init__(self, state, now_ns: int):
        self.now_ns = now_ns
        head = plain(state.head)
        self.head, self.market = head, state.market_ns(now_ns)
        tables = ("instrument", "book", "position", "venue", "account", "pool", "currency", "spread", "strategy")
        for name in tables:
            setattr(self, name, [plain(row) for row in getattr(state, name)])
        self.d = plain(state.scratch["decision"][0])
        self.relation, self.plan = self.spread[self.d["spread"]], self.strategy[self.d["strategy"]]
        self.entry, self.repair = self.d["purpose"] == ENTRY, self.d["purpose"] >= REHEDGE
        self.legs = range(self.d["legs"])
        self.free_rows = self._free_rows(state)
        self.looks: dict[int, tuple] = {}
        self.reason = 0

    def _free_rows(self, state) -> bool:
        for ahead in range(1, self.d["legs"] * MAX_SLICES + 1):
            row = state.order[(self.head["order_counter"] + ahead) % len(state.order)]
            if row["order_no"] and not row["settled"]:
                return False
        deal = state.deal[self.d["deal_id"] % len(state.deal)]
        if deal["deal_id"] in (0, self.d["deal_id"]):
            return True
        undecided = deal["outcome"] == OUTCOME_HALTED and not deal["resolution"]
        return deal["state"] == CLOSED and not undecided and not deal["orders"]

    # how a look is written down
    def say(self, number: int, observed, limit, wrong: bool, warn: bool = False) -> None:
        missing = observed is None or limit is None or UNSET in (observed, limit)
        level = MISSING if missing else DENY if wrong else WARN if warn else PASS
        if number not in self.looks or level > self.looks[number][2]:
            self.looks[number] = (
                UNSET if observed is None else observed, UNSET if limit is None else limit, level,
            )  # fmt: skip
        if level >= DENY and not self.reason:
            self.reason = number

    def of(self, table: str, leg: int) -> dict:
        """The row of a leg's instrument, book, position, venue or account."""
        at = self.d["instrument"][leg]
        if table in ("venue", "account"):
            return getattr(self, table)[self.instrument[at][table]]
        return getattr(self, table)[at]

    def lots(self, leg: int) -> int:
        return self.d["lots"][leg]

    def notional(self, leg: int, ticks: int, lots: int):
        row = self.of("instrument", leg)
        if row["kind"] == INVERSE:
            return math.ceil(row["tick_micros"] * lots / (ticks * row["tick"])) if ticks > 0 else None
        return ticks * row["tick_micros"] * lots

    def hold(self, leg: int):
        """Margin and both ways' fees of the lots that open, at the dearer of the two prices."""
        row = self.of("instrument", leg)
        if not self.lots(leg):
            return 0
        prices = (self.d["ref_ticks"][leg], self.d["limit_ticks"][leg])
        value = self.notional(leg, min(prices) if row["kind"] == INVERSE else max(prices), 1)
        if value is None or UNSET in (row["margin_bps"], row["fee_micros"]):
            return None
        margin = math.ceil(Fraction(abs(value) * row["margin_bps"], 10_000))
        fee = row["fee_micros"] + math.ceil(Fraction(abs(value) * row["fee_e7"], 10_000_000))
        return (margin + 2 * fee) * self.opening(leg)

    def opening(self, leg: int) -> int:
        row, other = self.of("position", leg), "short" if self.lots(leg) > 0 else "long"
        parts = [row[f"{other}_{day}"] - row[f"closing_{other}_{day}"] for day in ("yesterday", "today")]
        if self.of("instrument", leg)["position_mode"] != LONG_SHORT_TODAY:
            parts = [sum(parts)]
        elif self.locks(leg):
            parts = parts[:1]  # today's are left alone
        return max(abs(self.lots(leg)) - sum(max(part, 0) for part in parts), 0)

    def fee(self, leg: int, ticks: int, today: bool):
        row, value = self.of("instrument", leg), self.notional(leg, ticks, 1)
        flat, share = (row[f"fee_today_{unit}" if today else f"fee_{unit}"] for unit in ("micros", "e7"))
        if value is None or flat == UNSET:
            return None
        return flat + math.ceil(Fraction(abs(value) * share, 10_000_000))

    def locks(self, leg: int) -> bool:
        """Whether opening the opposite now and closing both as yesterday's later costs less than closing today's."""
        price = self.d["limit_ticks"][leg]
        once, today = self.fee(leg, price, False), self.fee(leg, price, True)
        return bool(self.of("instrument", leg)["may_lock"]) and None not in (once, today) and 3 * once < today

    def reporting(self, currency: int, micros):
        row = self.currency[currency]
        if micros is None:
            return None
        if row["instrument"] < 0:
            return math.ceil(micros * row["fixed_rate"])
        book = self.book[row["instrument"]]
        if not book["updates"] or book["blocked"] or book["ask_lots"] <= 0:
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

    # the controls, in the order of the sequence
    def c24(self):
        scopes = [self.head, self.plan, self.relation]
        scopes += [self.of("venue", leg) for leg in self.legs] + [self.of("account", leg) for leg in self.legs]
        worst = max(scope["switch"] for scope in scopes)
        self.say(24, worst, 0 if self.entry else 1, worst == HALTED or (self.entry and worst == REDUCE_ONLY))

    def c25(self):
        for leg in self.legs:
            venue = self.of("venue", leg)
            broken = self.of("instrument", leg)["broken_until_ns"] > self.now_ns
            wrong = venue["in_doubt"] + (venue["link"][1] != 2) + broken
            self.say(25, wrong, 0, wrong > 0)

    def c23(self):
        for leg in self.legs:
            row = self.of("instrument", leg)
            if not self.lots(leg):
                continue
            if UNSET in (row["open_ns"], row["close_ns"]):
                self.say(23, None, 0, True)
                continue
            guard = row["close_guard_ns"] if self.entry else 0
            opened = self.market >= row["open_ns"] and not self.of("book", leg)["blocked"] & CLOSED_MARKET
            left = row["close_ns"] - self.market if opened else -1
            self.say(23, left // 10**9, guard // 10**9, left <= guard)

    def c20(self):
        arrived = [self.book[self.relation["instrument"][0]]["recv_ns"]]
        for leg in self.legs:
            if self.repair and not self.lots(leg):
                continue
            book, row = self.of("book", leg), self.of("instrument", leg)
            arrived.append(book["recv_ns"])
            faults = self.quote_faults(self.d["instrument"][leg])
            faults &= ~ONE_SIDED if self.repair else -1
            width = (book["ask_ticks"] - book["bid_ticks"]) * 10_000
            if not faults and not self.repair and width > row["max_width_bps"] * book["bid_ticks"]:
                faults = 1 << 16
            if self.relation["fx"][leg] >= 0 and not self.repair:
                faults |= self.quote_faults(self.relation["fx"][leg])
            self.say(20, faults, 0, faults != 0)
        if not self.repair and max(arrived) - min(arrived) > self.relation["max_skew_ns"]:
            self.say(20, SKEWED, 0, True)

    def c5(self):
        for leg in self.legs:
            if not self.lots(leg):
                continue
            row, price = self.of("instrument", leg), self.d["limit_ticks"][leg]
            low, high = row["lower_limit_ticks"], row["upper_limit_ticks"]
            right = row["account"] >= 0 and price > 0 and self.market < row["expires_ns"]
            right = right and (low == UNSET or price >= low) and (high == UNSET or price <= high)
            self.say(5, int(not right), 0, not right)

    def c1(self):
        for leg in self.legs:
            limit = self.of("instrument", leg)["max_order_lots"]
            self.say(1, abs(self.lots(leg)), limit, abs(self.lots(leg)) > limit)

    def c2(self):
        for leg in self.legs:
            if not self.lots(leg):
                continue
            limit = self.of("instrument", leg)["max_order_micros"]
            value = self.notional(leg, self.d["limit_ticks"][leg], abs(self.lots(leg)))
            self.say(2, value, limit, value is not None and value > limit)

    def c3(self):
        for leg in self.legs:
            if not self.lots(leg):
                continue
            book, limit = self.of("book", leg), self.of("instrument", leg)["collar_bps"]
            sides = [book[f"{side}_ticks"] for side in ("bid", "ask") if book[f"{side}_lots"] > 0]
            mid = Fraction(sum(sides), max(len(sides), 1))
            if not book["updates"] or len(sides) < (1 if self.repair else 2) or mid <= 0:
                self.say(3, None, limit, True)
                continue
            beyond = (self.d["limit_ticks"][leg] - mid) * (1 if self.lots(leg) > 0 else -1)
            bps = math.ceil(max(beyond, 0) / mid * 10_000)
            self.say(3, bps, limit, bps > limit)

    def c21(self):
        limit = self.relation["max_slippage_bps"]
        for leg in self.legs:
            book, lots, ref = self.of("book", leg), self.lots(leg), self.d["ref_ticks"][leg]
            if not lots:
                continue
            if ref <= 0 or not book["updates"]:
                self.say(21, None, limit, True)
                continue
            cost = abs(self.d["limit_ticks"][leg] - ref)
            side = "ask" if lots > 0 else "bid"
            taken = book[f"taken_{side}_lots"]
            beyond = abs(lots) > book[f"{side}_lots"] - taken
            if beyond and taken:
                self.say(21, 10_000, limit, True)  # the size that it counts on is another order's
                continue
            if beyond:
                cost += max(book["ask_ticks"] - book["bid_ticks"], 1)
            bps = math.ceil(Fraction(cost * 10_000, ref))
            self.say(21, bps, limit, bps > limit)

    def c22(self):
        if not self.entry:
            self.say(22, 0, 0, False)
            return
        earned = (self.d["center"] - self.d["executable"]) * self.d["side"] - self.d["cost"]
        if not math.isfinite(earned):
            self.say(22, None, 0, True)
            return
        floor, least = math.floor(earned * 1e6), math.ceil(self.plan["min_edge"] * 1e6)
        self.say(22, floor, least, floor < least)

    def c6(self):
        for leg in self.legs:
            venue = self.of("venue", leg)
            gone_ms = Fraction((self.now_ns - venue["tokens_ns"]) // 1000, 1000)
            tokens = min(venue["tokens"] + math.floor(gone_ms * (venue["tokens_per_s"] // 1000)), venue["tokens_max"])
            left = max((tokens - venue["tokens_reserve"]) // 1_000_000, 0)
            here = sum(self.of("venue", other) is venue for other in self.legs) * MAX_SLICES
            self.say(6, here, left, here > left)

    def c7(self):
        wanted = self.head["live_orders"] + self.d["legs"] * MAX_SLICES
        room = self.head["n_order"] if self.repair else self.head["n_order"] // 2
        limit = room if self.free_rows else 0
        self.say(7, wanted, limit, wanted > limit)

    def c11(self):
        for leg in self.legs:
            lots, price, row = self.lots(leg), self.d["limit_ticks"][leg], self.of("position", leg)
            own = row["own_ask_ticks" if lots > 0 else "own_bid_ticks"]
            if not lots:
                continue
            meets = own != UNSET and (price >= own if lots > 0 else price <= own)
            self.say(11, abs(price - own) + 1 if meets else 0, 0, meets)

    def c27(self):
        count = self.head["unbalanced_deals"]
        self.say(27, count, 0 if self.entry else count, self.entry and count > 0)

    def c15(self):
        for leg in self.legs:
            row, lots = self.of("position", leg), self.lots(leg)
            net = row["long_today"] + row["long_yesterday"] - row["short_today"] - row["short_yesterday"]
            worst = net + row["working_buy"] + lots if lots > 0 else row["working_sell"] - net - lots
            limit = self.of("instrument", leg)["max_position_lots"]
            self.say(15, max(worst, 0), limit, worst > max(limit, 0) or limit < 0)

    def c16(self):
        for leg in self.legs:
            row = self.of("account", leg)
            holds = [self.hold(other) for other in self.legs if self.of("account", other) is row]
            use = None if None in holds else row["held_micros"] + row["used_micros"] + sum(holds)
            self.say(16, use, row["capital_micros"], use is not None and use > row["capital_micros"])

    def c17(self):
        for leg in self.legs:
            at = self.of("account", leg)["pool"]
            pool = self.pool[at]
            amounts = [self.reporting(row["currency"], row["held_micros"] + row["used_micros"])
                       for row in self.account if row["pool"] == at]  # fmt: skip
            amounts += [self.reporting(self.of("account", other)["currency"], self.hold(other))
                        for other in self.legs if self.of("account", other)["pool"] == at]  # fmt: skip
            limit = pool["soft_bps" if self.entry else "hard_bps"]
            if None in amounts or pool["capital_micros"] == UNSET:
                self.say(17, None, limit, True)
                continue
            bps = math.ceil(Fraction(sum(amounts), max(pool["capital_micros"] // 10_000, 1)))
            bps = bps if pool["capital_micros"] > 0 else 10_000_000
            self.say(17, bps, limit, self.entry and bps >= pool["soft_bps"], bps >= pool["warn_bps"])

    def c28(self):
        left = sum(self.lots(leg) * self.relation["hedge_ubase"][leg] for leg in self.legs)
        before, bound = self.relation["residual_ubase"], self.relation["ledger_bound_ubase"]
        limit = None if bound == UNSET else max(bound, abs(before))
        self.say(28, abs(before + left), limit, limit is not None and abs(before + left) > limit)


ALL = (24, 25, 23, 20, 5, 1, 2, 3, 21, 22, 6, 7, 11, 27, 15, 16, 17, 28)
REPAIRS = (23, 20, 5, 3, 7, 11)


def judge(state, now_ns: int) -> tuple[bool, int, dict[int, tuple]]:
    """The twin's verdict on the decision in the scratch row; the state is read only."""
    twin = Twin(state, now_ns)
    for number in REPAIRS if twin.repair else ALL:
        getattr(twin, f"c{number}")()
    return twin.reason == 0, twin.reason, twin.looks
