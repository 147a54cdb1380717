"""The gate against its slow, plain twin on seeded random states and decisions."""

import random

import pytest

from engine.records import COMPLETE, HALTED, OFF, ONE_SIDED
from engine.schema import UNSET
from riskgate.gate import REPAIR_SEQUENCE, SEQUENCE
from tests import twin_gate
from tests.gate_world import AU, FX, GC, NOW_NS, decision_of, fresh_state, judge, quote, slot

pytestmark = pytest.mark.slow

STATES = 20_000
SECOND_NS = 10**9


class Shaker:
    """Draws states in which most controls pass and every one of them fails now and then."""

    def __init__(self, seed: int):
        self.draw = random.Random(seed)
        self.state = fresh_state()
        self.ends = int(self.state.head["at_order"])
        self.kept = self.state.block[: self.ends].copy()

    def seldom(self, odds: int = 12) -> bool:
        return self.draw.randrange(odds) == 0

    def shake(self) -> None:
        state = self.state
        state.block[: self.ends] = self.kept
        state.order["order_no"][:16] = state.deal["deal_id"][:16] = 0
        self._quotes()
        self._positions()
        for table, row, field, low, high in RANGES:
            if self.seldom():
                getattr(state, table)[row][field] = self.draw.randint(low, high)
        for table, row, field in FORGETTABLE:
            if self.seldom(60):
                getattr(state, table)[row][field] = UNSET
        if self.seldom(20):
            state.head["unbalanced_deals"], state.head["switch"] = self.draw.randint(0, 1), self.draw.randint(0, 2)
        if self.seldom(20):
            state.head["live_orders"] = len(state.order) // 2 - self.draw.randint(5, 7)
        if self.seldom(40):
            state.order[self.draw.randint(1, 8)]["order_no"] = 1
        if self.seldom(40):
            row = state.deal[1]
            row["deal_id"] = 1 + len(state.deal) * self.draw.randint(0, 1)
            row["state"], row["outcome"] = self.draw.randint(0, 2), self.draw.choice((COMPLETE, HALTED))
            row["resolution"], row["orders"] = self.draw.randint(0, 3), self.draw.choice((0, 0, 1))
        self._decision()

    def _quotes(self) -> None:
        for at, mid in ((AU, 15_463), (GC, 13_950), (FX, 68_960)):
            bid = mid + self.draw.randint(-50, 50)
            quote(self.state, at, bid, bid + self.draw.choice((1, 1, 1, 1, 2, 4)), self.draw.randint(1, 40))
            row = self.state.book[at]
            row["recv_ns"] -= self.draw.choice((0, SECOND_NS, 2 * SECOND_NS))
            if self.seldom(25):
                row["recv_ns"] = NOW_NS - self.state.instrument[at]["max_age_ns"] - self.draw.randint(-1, 1)
            if self.seldom(40):
                row["blocked"] = 1 << self.draw.randrange(6)
            if self.seldom(60):
                row["updates"] = 0
            if self.seldom(20):
                row[self.draw.choice(("taken_bid_lots", "taken_ask_lots"))] = self.draw.randint(1, 40)
            if self.seldom(30):
                row[self.draw.choice(("bid_lots", "ask_lots"))], row["blocked"] = 0, ONE_SIDED

    def _positions(self) -> None:
        for at in (AU, GC):
            self.state.instrument[at]["position_mode"] = self.draw.randrange(3)
            for field in self.state.position.dtype.names[:10]:
                if self.seldom(3):
                    self.state.position[at][field] = self.draw.randint(0, 4)
        self._lock()
        for at, mid in ((AU, 15_463), (GC, 13_950)):
            for field in ("own_bid_ticks", "own_ask_ticks"):
                self.state.position[at][field] = UNSET
                if self.seldom(12):
                    self.state.position[at][field] = mid + self.draw.randint(-60, 60)
        if self.seldom(6):
            row = self.state.instrument[GC]
            row["kind"], row["tick_micros"], row["fee_e7"] = 1, 10**8, self.draw.randint(0, 9_999)

    def _lock(self) -> None:
        """Shanghai's close-today fee, so that it locks in one state of some."""
        row, draw = self.state.instrument[AU], self.draw
        row["may_lock"] = draw.randrange(3) > 0
        row["fee_e7"], row["fee_today_e7"] = 230, draw.choice((0, 230, 689, 690, 691, 2_300))
        row["fee_today_micros"] = UNSET if self.seldom(30) else 0

    def _decision(self) -> None:
        draw, state = self.draw, self.state
        purpose, side = draw.choice((0, 0, 0, 1, 2, 3)), draw.choice((1, -1))
        decision = decision_of(state, purpose, side, draw.randint(1, 2), draw.randint(0, 4))
        decision["executable"] = 6.0 - side * draw.uniform(0.05, 1.0)
        if self.seldom(50):
            decision["executable"] = draw.choice((float("nan"), float("inf")))
        for leg in range(2):
            if self.seldom(40):
                decision["limit_ticks"][leg] += draw.randint(-200, 200)
            if self.seldom(80):
                decision[draw.choice(("limit_ticks", "ref_ticks", "lots"))][leg] = 0


RANGES = (
    ("instrument", AU, "max_order_lots", 2, 7), ("instrument", GC, "max_order_lots", 0, 3),
    ("instrument", AU, "max_order_micros", 9 * 10**11, 10**12), ("instrument", AU, "collar_bps", 0, 5),
    ("instrument", GC, "lower_limit_ticks", 13_900, 14_000), ("instrument", AU, "upper_limit_ticks", 15_400, 15_500),
    ("instrument", AU, "expires_ns", NOW_NS - 1, NOW_NS + 1), ("instrument", GC, "max_position_lots", -1, 8),
    ("instrument", AU, "close_ns", NOW_NS, NOW_NS + 120 * SECOND_NS), ("instrument", GC, "max_width_bps", 0, 3),
    ("instrument", GC, "open_ns", NOW_NS - 1, NOW_NS + 1), ("instrument", AU, "fee_e7", 0, 9_999),
    ("venue", 0, "tokens", 0, 20_000_000), ("venue", 1, "tokens", 0, 20_000_000),
    ("venue", 0, "tokens_ns", NOW_NS - 2 * SECOND_NS, NOW_NS), ("venue", 1, "in_doubt", 0, 1),
    ("venue", 1, "switch", 0, 2), ("account", 0, "switch", 0, 2), ("strategy", 0, "switch", 0, 2),
    ("spread", 0, "switch", 0, 2), ("account", 0, "capital_micros", 10**11, 10**12),
    ("account", 1, "used_micros", 0, 10**12), ("account", 0, "held_micros", 0, 9 * 10**12),
    ("pool", 0, "capital_micros", 0, 10**12), ("spread", 0, "max_slippage_bps", 0, 4),
    ("spread", 0, "max_skew_ns", SECOND_NS, 2 * SECOND_NS), ("spread", 0, "ledger_bound_ubase", 0, 3 * 10**8),
    ("spread", 0, "residual_ubase", -(10**9), 10**9), ("instrument", GC, "broken_until_ns", NOW_NS - 1, NOW_NS + 1),
)  # fmt: skip
FORGETTABLE = (
    ("instrument", AU, "margin_bps"), ("instrument", GC, "fee_micros"), ("instrument", GC, "close_ns"),
    ("instrument", AU, "max_order_lots"), ("account", 1, "capital_micros"), ("pool", 0, "capital_micros"),
    ("spread", 0, "ledger_bound_ubase"),
)  # fmt: skip


def test_the_twin_knows_the_same_sequences():
    assert (twin_gate.ALL, twin_gate.REPAIRS) == (SEQUENCE, REPAIR_SEQUENCE)


def test_the_gate_and_its_twin_agree_on_every_state():
    shaker, cleared, reasons = Shaker(20261122), 0, set()
    for number in range(STATES):
        shaker.shake()
        passes, reason, looks = twin_gate.judge(shaker.state, NOW_NS)
        verdict = judge(shaker.state)
        assert passes or not verdict["cleared"], f"state {number}: cleared what the twin denies by {reason}"
        assert (bool(verdict["cleared"]), int(verdict["reason"])) == (passes, reason), f"state {number}"
        found = {at: slot(verdict, at) for at in range(1, 29) if verdict["level"][at - 1] != OFF}
        assert found == looks, f"state {number}"
        cleared += passes
        reasons.add(reason)
    # The states must be worth the name: a fair part clears, and every control is a reason somewhere.
    assert STATES // 10 < cleared < STATES
    assert reasons - {0} == set(SEQUENCE)
