"""A slow, plain twin of the gate, written from docs/gate.md and not from the gate.

`judge` gives what the gate should say: (cleared, reason, {number: (observed, limit, level)}).
"""

import math
from fractions import Fraction

from engine.ports import QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP, READY
from engine.records import CLOSED_MARKET, ONE_SIDED, SKEWED
from engine.schema import HALTED, MAX_SLICES, REDUCE_ONLY, UNSET
from riskgate.repeat_controls import duplicate_key
from tests.twin_meters import Meters
from tests.twin_money import Money
from tests.twin_rows import known, total

_MILLION = 1_000_000


class Twin(Meters, Money):
    """The controls of what an order is, where and when it goes; in the order of the sequence."""

    def c24(self):
        scopes = [self.head, self.plan, self.relation]
        for leg in self.every:
            scopes += [self.venue[self.place(leg)], self.account[self.purse(leg)], self.market[self.region(leg)]]
        worst = max(scope["switch"] for scope in scopes)
        self.say(24, worst, 0 if self.entry else 1, worst == HALTED or (self.entry and worst == REDUCE_ONLY))

    def c26(self):
        mine = {row["instrument"] for row in self.stake if row["strategy"] == self.d["strategy"]}
        for leg in self.trading:
            permitted = known(self.contract(leg)["permitted"])
            allowed = permitted and self.d["instrument"][leg] in mine
            if self.exit:
                self.say(26, int(not allowed), int(not allowed), False)
                continue
            self.say(26, None if permitted is None else int(not allowed), 0, not allowed)

    def c25(self):
        for leg in self.every:
            venue = self.venue[self.place(leg)]
            broken = self.contract(leg)["broken_until_ns"] > self.now_ns
            wrong = venue["in_doubt"] + (venue["link"][1] != READY) + broken + self.account[self.purse(leg)]["drifts"]
            self.at_most(25, wrong, 0)

    def c23(self):
        for leg in self.trading:
            row = self.contract(leg)
            if UNSET in (row["open_ns"], row["close_ns"]):
                self.say(23, None, 0, True)
                continue
            guard = row["close_guard_ns"] if self.entry else 0
            opened = self.market_ns >= row["open_ns"] and not self.quote(leg)["blocked"] & CLOSED_MARKET
            left = row["close_ns"] - self.market_ns if opened else -1
            self.say(23, left // 10**9, guard // 10**9, left <= guard)

    def c20(self):
        arrived = [self.book[self.relation["instrument"][0]]["recv_ns"]]
        for leg in self.trading if self.repair else self.every:
            book, row = self.quote(leg), self.contract(leg)
            arrived.append(book["recv_ns"])
            faults = self.quote_faults(self.d["instrument"][leg])
            faults &= ~ONE_SIDED if self.repair else -1
            width = (book["ask_ticks"] - book["bid_ticks"]) * 10_000
            if not faults and not self.repair and width > row["max_width_bps"] * book["bid_ticks"]:
                faults = 1 << 16
            if self.relation["fx"][leg] >= 0 and not self.repair:
                at = self.relation["fx"][leg]
                faults |= self.quote_faults(at)
                rate, row = self.book[at], self.instrument[at]
                width = (rate["ask_ticks"] - rate["bid_ticks"]) * 10_000
                faults |= 1 << 16 if not faults and width > row["max_width_bps"] * rate["bid_ticks"] else 0
            self.at_most(20, faults, 0)
        if not self.repair and max(arrived) - min(arrived) > self.relation["max_skew_ns"]:
            self.say(20, SKEWED, 0, True)

    def c5(self):
        for leg in self.trading:
            row = self.contract(leg)
            right = row["account"] >= 0 and self.limit(leg) > 0 and self.market_ns < row["expires_ns"]
            self.at_most(5, int(not right), 0)

    def c4(self):
        for leg in self.trading:
            row, price = self.contract(leg), self.limit(leg)
            low, high = row["lower_limit_ticks"], row["upper_limit_ticks"]
            if row["banded"] and UNSET in (low, high):
                self.say(4, None, 0, True)
                continue
            outside = max(low - price if low != UNSET else 0, price - high if high != UNSET else 0, 0)
            if not outside and not self.repair and self.is_locked(leg):
                outside = 1
            self.at_most(4, outside, 0)

    def is_locked(self, leg: int) -> bool:
        row, book = self.contract(leg), self.quote(leg)
        low, high = row["lower_limit_ticks"], row["upper_limit_ticks"]
        bid, ask = book["bid_lots"] > 0, book["ask_lots"] > 0
        up = high != UNSET and bid and not ask and book["bid_ticks"] >= high
        down = low != UNSET and ask and not bid and book["ask_ticks"] <= low
        return bool(book["flags"] & (QUOTE_LIMIT_UP | QUOTE_LIMIT_DOWN)) or up or down

    def c1(self):
        for leg in self.every:
            self.at_most(1, abs(self.lots(leg)), self.contract(leg)["max_order_lots"])

    def c2(self):
        for leg in self.trading:
            value = self.notional(leg, self.limit(leg), abs(self.lots(leg)))
            self.at_most(2, value, self.contract(leg)["max_order_micros"])
            self.at_most(2, value, self.account[self.purse(leg)]["max_order_micros"])

    def c3(self):
        for leg in self.trading:
            row, beyond = self.contract(leg), self.beyond_mid(leg)
            if beyond is None:
                self.say(3, None, row["collar_bps"], True)
                continue
            self.at_most(3, beyond, row["collar_bps"])
            if not self.repair:
                self.at_most(3, self.beyond_touch(leg), row["collar_ticks"])

    def beyond_mid(self, leg: int):
        """Bps; None without a mid. A repair in a one-sided book is measured from the side that is there."""
        book, sign = self.quote(leg), 1 if self.buys(leg) else -1
        sides = [book[f"{side}_ticks"] for side in ("bid", "ask") if book[f"{side}_lots"] > 0]
        mid = Fraction(sum(sides), max(len(sides), 1))
        if not book["updates"] or len(sides) < (1 if self.repair else 2) or mid <= 0:
            return None
        return math.ceil(max((self.limit(leg) - mid) * sign, 0) / mid * 10_000)

    def beyond_touch(self, leg: int) -> int:
        if self.buys(leg):
            return max(self.limit(leg) - self.quote(leg)["ask_ticks"], 0)
        return max(self.quote(leg)["bid_ticks"] - self.limit(leg), 0)

    def c21(self):
        limit, costs = self.relation["max_slippage_bps"], []
        for leg in self.trading:
            costs.append(self.slippage(leg))
            if costs[-1] == 10_000 and self.is_taken(leg):
                self.say(21, 10_000, limit, True)
                continue
            self.at_most(21, costs[-1], limit)
        if None not in costs:
            self.at_most(21, sum(costs), self.relation["max_total_slippage_bps"])

    def slippage(self, leg: int):
        """What a leg may cost, bps: its allowance, what lies behind the touch, half the width of its exchange rate."""
        book, lots, ref = self.quote(leg), abs(self.lots(leg)), self.d["ref_ticks"][leg]
        if ref <= 0 or not book["updates"]:
            return None
        side, ticks = "ask" if self.buys(leg) else "bid", abs(self.limit(leg) - ref)
        taken = book[f"taken_{side}_lots"]
        beyond = lots > book[f"{side}_lots"] - taken
        if beyond and not taken:
            ticks += max(book["ask_ticks"] - book["bid_ticks"], 1)
        rate = self.rate_width(self.relation["fx"][leg])
        if beyond and taken and rate is not None:
            return 10_000  # all that there is: the size that it counts on is another order's
        return total([math.ceil(Fraction(ticks * 10_000, ref)), rate])

    def is_taken(self, leg: int) -> bool:
        """Whether another order of ours has gone for the size that a leg counts on."""
        book, side = self.quote(leg), "ask" if self.buys(leg) else "bid"
        taken = book[f"taken_{side}_lots"]
        return bool(taken) and abs(self.lots(leg)) > book[f"{side}_lots"] - taken

    def rate_width(self, fx: int):
        if fx < 0:
            return 0
        rate = self.book[fx]
        if not rate["updates"] or rate["bid_ticks"] <= 0 or rate["bid_lots"] <= 0 or rate["ask_lots"] <= 0:
            return None
        return math.ceil(Fraction((rate["ask_ticks"] - rate["bid_ticks"]) * 5_000, rate["bid_ticks"]))

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

    def c13(self):
        same = self.plan["duplicate_key"] == duplicate_key(self.state.scratch["decision"][0])
        again = same and self.now_ns - self.plan["duplicate_ns"] < self.plan["duplicate_window_ns"]
        self.at_most(13, self.plan["duplicates"] + 1 if again else 0, self.plan["max_duplicates"])

    def c14(self):
        first, rows = self.plan["execution_at"], self.plan["execution_n"]
        if not rows:
            self.say(14, None, None, True)
            return
        latest = [(self.plan["execution_next"] - 1 - back) % rows for back in range(self.plan["executions"])]
        ages = [self.now_ns - int(self.state.execution[first + slot]["at_ns"]) for slot in latest]
        self.at_most(14, 1 + sum(age < self.plan["execution_window_ns"] for age in ages), rows)

    def c6(self):
        for leg in self.every:
            here = [other for other in self.every if self.place(other) == self.place(leg)]
            self.at_most(6, len(here) * MAX_SLICES, self.tokens(self.venue[self.place(leg)]))
            mine = [other for other in self.every if self.purse(other) == self.purse(leg)]
            self.at_most(6, len(mine) * MAX_SLICES, self.tokens(self.account[self.purse(leg)]))
        self.at_most(6, len(self.every) * MAX_SLICES, self.tokens(self.plan))

    def tokens(self, row: dict) -> int:
        """Whole messages in a bucket now, less its reserve."""
        gone_ms = Fraction((self.now_ns - row["tokens_ns"]) // 1000, 1000)
        tokens = min(row["tokens"] + math.floor(gone_ms * (row["tokens_per_s"] // 1000)), row["tokens_max"])
        return max((tokens - row["tokens_reserve"]) // _MILLION, 0)

    def c7(self):
        table = self.head["n_order"] if self.repair else self.head["n_order"] // 2
        self.at_most(7, self.head["live_orders"] + self.d["legs"] * MAX_SLICES, table if self.free_rows else 0)
        if self.repair:
            return
        for leg in self.trading:
            row, mine = (
                self.account[self.purse(leg)],
                [one for one in self.trading if self.purse(one) == self.purse(leg)],
            )
            self.at_most(7, row["live_orders"] + len(mine) * MAX_SLICES, row["max_working_orders"])
            row = self.contract(leg)
            self.at_most(7, row["live_orders"] + MAX_SLICES, row["max_working_orders"])


ALL = (
    24, 26, 25, 23, 20, 5, 4, 1, 2, 3, 21, 22, 13, 14, 6, 7, 8, 9, 10, 11, 12, 19, 27, 18, 15, 16, 17, 28,
)  # fmt: skip
REPAIRS = (23, 20, 5, 4, 3, 7, 11)


def judge(state, now_ns: int) -> tuple[bool, int, dict[int, tuple]]:
    """The twin's verdict on the decision in the scratch row; the state is read only."""
    twin = Twin(state, now_ns)
    for number in REPAIRS if twin.repair else ALL:
        getattr(twin, f"c{number}")()
    return twin.reason == 0, twin.reason, twin.looks
