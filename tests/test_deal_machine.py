"""A table of deals under any order of fills, busts, doubts, ends and late news; our own prices against a plain scan."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine import legs
from engine.deals import (
    assumed_lots,
    balanced_units,
    certain_ubase,
    close_deal,
    keep_naked_time,
    measure,
    naked_so_far,
    outcome_of,
    reopen_deal,
)
from engine.journal import MemoryJournal
from engine.orders import TERMINAL, learn, settle
from engine.ports import Event, ExecReport
from engine.records import CLOSED, ENTRY, EXIT, HALT_NAKED, HALTED, NO_OUTCOME, REHEDGE
from engine.schema import CANCELLED, FILLED, REJECTED, UNSET, WORKING
from tests.gate_world import AU, GC, NOW_NS, decide, decision_of, fresh_state
from tests.world import MS, World

pytestmark = pytest.mark.slow

JOURNAL = MemoryJournal(1 << 22)
TOLD = st.sampled_from([Event.ACK, Event.TRADE, Event.STATUS, Event.CANCELLED, Event.DONE, Event.REJECTED])


class DealMachine(RuleBasedStateMachine):
    """Deals through the gate into the table; their orders then live, end and change as a venue likes."""

    @initialize()
    def start(self):
        JOURNAL.reset()
        self.state, self.now_ns = fresh_state(), NOW_NS
        self.bound = int(self.state.spread[0]["residual_bound_ubase"])
        self.orders: dict[int, list] = {}
        self.naked: dict[int, int] = {}

    def deal(self, number: int):
        ids = list(self.orders)
        return self.state.deal_row(ids[number % len(ids)])

    @precondition(lambda self: len(self.orders) < 6)
    @rule(purpose=st.sampled_from([ENTRY, EXIT]), side=st.sampled_from([1, -1]), units=st.integers(1, 3))
    def open(self, purpose, side, units):
        decision = decision_of(self.state, purpose, side, units)
        decision["executable"] = 6.0 - side
        self.state.venue["tokens"] = self.state.venue["tokens_max"]
        self.state.position["own_bid_ticks"] = self.state.position["own_ask_ticks"] = UNSET
        self.state.book["taken_bid_lots"] = self.state.book["taken_ask_lots"] = 0
        rows = decide(self.state, JOURNAL)
        if rows:
            self.orders[int(decision["deal_id"])] = rows
            self.review(self.state.deal_row(int(decision["deal_id"])))

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 99), leg=st.integers(0, 1), lots=st.integers(0, 5))
    def repair(self, number, leg, lots):
        """An order more for a deal that is open: of a repair, in either direction."""
        deal = self.deal(number)
        if deal["state"] == CLOSED:
            return
        decision = decision_of(self.state, REHEDGE, int(deal["side"]), 1)
        decision["deal_id"] = deal["deal_id"]
        decision["lots"][1 - leg] = 0
        self.state.position["own_bid_ticks"] = self.state.position["own_ask_ticks"] = UNSET
        self.orders[int(deal["deal_id"])] += decide(self.state, JOURNAL)
        self.review(deal)

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 99), which=st.integers(0, 9), event=TOLD, cum=st.integers(0, 9))
    def hear(self, number, which, event, cum):
        deal = self.deal(number)
        row = self.pick(deal, which)
        self.tell(deal, row, event, min(cum, int(row["lots"])))

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 99), which=st.integers(0, 9), cum=st.integers(0, 9))
    def bust(self, number, which, cum):
        deal = self.deal(number)
        row = self.pick(deal, which)
        self.tell(deal, row, Event.BUST, min(cum, int(row["cum_lots"])))

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 99), which=st.integers(0, 9))
    def doubt(self, number, which):
        deal = self.deal(number)
        row = self.pick(deal, which)
        if row["state"] not in TERMINAL:
            row["in_doubt"] = 1
            self.review(deal, int(row["sent_ns"]))

    @rule(ms=st.integers(1, 5_000))
    def wait(self, ms):
        self.now_ns += ms * MS

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 99))
    def give_up(self, number):
        """A person is told: Halted, whatever its orders still do."""
        deal = self.deal(number)
        if deal["state"] != CLOSED:
            self.close(deal, HALTED, HALT_NAKED)

    def pick(self, deal, which: int):
        rows = self.orders[int(deal["deal_id"])]
        return rows[which % len(rows)]

    def tell(self, deal, row, event: int, cum: int) -> None:
        before = int(row["settled"])
        report = ExecReport(venue=0, order_no=1, client_id="", instrument=0, event=event, cum_lots=cum, recv_ns=0)
        moved = learn(row, report)
        row["booked_lots"] = row["cum_lots"]
        settle(row)
        deal["booked_lots"][row["leg"]] += int(row["side"]) * moved
        deal["fills"] += bool(moved)
        if moved or (not before and deal["state"] != CLOSED):
            self.review(deal)

    def review(self, deal, doubt_since_ns: int = 0) -> None:
        """As `engine.settle.review`, without repairs."""
        if deal["state"] == CLOSED:
            reopen_deal(self.state, deal, self.now_ns)
        measure(deal, self.orders[int(deal["deal_id"])])
        self.state.head["unbalanced_deals"] += keep_naked_time(deal, self.bound, self.now_ns, doubt_since_ns)
        if not deal["orders"] and (outcome := outcome_of(deal, self.bound)) != NO_OUTCOME:
            self.close(deal, outcome, 0)

    def close(self, deal, outcome: int, reason: int) -> None:
        units = balanced_units(deal, self.state.spread[0]["ratio"])
        close_deal(self.state, deal, outcome, reason, units, self.now_ns)

    def rows(self):
        return [self.state.deal_row(deal_id) for deal_id in self.orders]

    @invariant()
    def exposure_is_what_was_booked_and_lies_in_its_interval(self):
        for deal in self.rows():
            booked = sum(int(deal["booked_lots"][leg]) * int(deal["hedge_ubase"][leg]) for leg in range(2))
            assert deal["exposure_ubase"] == booked
            assert deal["low_ubase"] <= booked <= deal["high_ubase"]
            assert deal["low_ubase"] == deal["high_ubase"] or deal["orders"]
            mine = self.orders[int(deal["deal_id"])]
            for leg in range(2):
                filled = sum(int(row["side"] * row["cum_lots"]) for row in mine if row["leg"] == leg)
                assert deal["booked_lots"][leg] == filled

    @invariant()
    def what_is_certain_and_what_is_assumed_lie_in_the_interval(self):
        for deal in self.rows():
            low, high, certain = (int(value) for value in (deal["low_ubase"], deal["high_ubase"], certain_ubase(deal)))
            assert abs(certain) <= min(abs(low), abs(high))
            if low > 0 or high < 0:
                assert low <= certain <= high
            lots = assumed_lots(deal, self.orders[int(deal["deal_id"])])
            assumed = sum(count * int(deal["hedge_ubase"][leg]) for leg, count in enumerate(lots))
            assert low <= assumed <= high

    @invariant()
    def naked_time_never_falls_and_runs_where_the_worst_case_is_over_the_bound(self):
        for deal in self.rows():
            number, naked = int(deal["deal_id"]), naked_so_far(deal, self.now_ns)
            assert naked >= self.naked.get(number, 0)
            self.naked[number] = naked
            worst = abs(int(deal["exposure_ubase"]))
            if deal["in_doubt"]:
                worst = max(abs(int(deal["low_ubase"])), abs(int(deal["high_ubase"])))
            assert bool(deal["naked_since_ns"]) == (worst > self.bound)

    @invariant()
    def a_closed_deal_has_one_outcome_and_an_open_one_none(self):
        for deal in self.rows():
            assert (deal["state"] == CLOSED) == (deal["outcome"] != NO_OUTCOME) == (deal["closed_ns"] > 0)
            assert (deal["outcome"] == HALTED) == (deal["reason"] != 0)
            if deal["outcome"] not in (NO_OUTCOME, HALTED):
                assert abs(int(deal["exposure_ubase"])) <= self.bound and not deal["orders"]

    @invariant()
    def counters_are_sums(self):
        deals = self.rows()
        live = sum(deal["state"] != CLOSED for deal in deals)
        head, spread, strategy = self.state.head, self.state.spread[0], self.state.strategy[0]
        assert live == head["live_deals"] == spread["open_deals"] == strategy["open_deals"]
        assert head["unbalanced_deals"] == sum(bool(deal["naked_since_ns"]) for deal in deals)
        assert strategy["position_units"] == sum(int(deal["side"] * deal["done_units"]) for deal in deals)


class OwnPriceMachine(RuleBasedStateMachine):
    """Orders that open and end in any order: what the gate takes for our best prices is what a plain scan finds."""

    @initialize()
    def start(self):
        self.world = World()
        self.world.market(6.0)
        self.core = self.world.loop.core
        self.rows: list = []

    @rule(side=st.sampled_from([1, -1]), lots=st.integers(0, 3), beyond=st.integers(-4, 4))
    def open(self, side, lots, beyond):
        state = self.world.state
        decision = decision_of(state, REHEDGE, side, 1)
        decision["limit_ticks"][:2] += beyond
        decision["lots"][lots % 2] = 0
        count = self.core.hot.decide(state.address, self.core.journal.address, 0, self.world.now_ns)
        for slot in state.scratch["order_slot"][:count]:
            row = state.order[slot]
            self.core.live_orders[int(row["order_no"])] = None
            self.rows.append(row)

    @precondition(lambda self: self.rows)
    @rule(number=st.integers(0, 99), state=st.sampled_from([FILLED, CANCELLED, REJECTED]))
    def end(self, number, state):
        row = self.rows.pop(number % len(self.rows))
        row["state"], row["in_doubt"], row["settled"] = state, 0, 1
        legs.forget(self.core, row)

    @precondition(lambda self: self.rows)
    @rule(number=st.integers(0, 99), doubt=st.booleans())
    def live_on(self, number, doubt):
        row = self.rows[number % len(self.rows)]
        row["state"], row["in_doubt"] = WORKING, doubt
        legs.refresh_own(self.core, int(row["instrument"]))

    @precondition(lambda self: self.rows)
    @rule(number=st.integers(0, 99))
    def end_untold(self, number):
        """Over, but the trades are still to come: it can meet nobody any more."""
        row = self.rows[number % len(self.rows)]
        row["state"], row["in_doubt"] = CANCELLED, 0
        legs.refresh_own(self.core, int(row["instrument"]))

    @invariant()
    def our_best_prices_are_those_of_the_orders_that_may_trade(self):
        for at in (AU, GC):
            alive = [row for row in self.rows if row["instrument"] == at and row["state"] not in TERMINAL]
            bids = [int(row["limit_ticks"]) for row in alive if row["side"] > 0]
            asks = [int(row["limit_ticks"]) for row in alive if row["side"] < 0]
            position = self.world.state.position[at]
            assert position["own_bid_ticks"] == max(bids, default=UNSET)
            assert position["own_ask_ticks"] == min(asks, default=UNSET)
            assert not bids or not asks or max(bids) < min(asks)

    def teardown(self):
        for row in list(getattr(self, "rows", [])):
            row["state"], row["settled"] = CANCELLED, 1
            legs.forget(self.core, row)
        if hasattr(self, "core"):
            for position in self.world.state.position:
                assert (position["own_bid_ticks"], position["own_ask_ticks"]) == (UNSET, UNSET)
            assert self.world.state.head["live_orders"] == 0


_QUIET = {"deadline": None, "derandomize": True, "suppress_health_check": [HealthCheck.too_slow]}
TestDeals = DealMachine.TestCase
TestDeals.settings = settings(max_examples=60, stateful_step_count=40, **_QUIET)
TestOwnPrices = OwnPriceMachine.TestCase
TestOwnPrices.settings = settings(max_examples=25, stateful_step_count=30, **_QUIET)
