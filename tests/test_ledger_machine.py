"""The residual ledger under any order of ends, late news, and a person's decisions: it is what closed deals left."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine import command, ledger, ledger_hedge, records, settle
from engine.deals import keep_naked_time, measure, open_deal, outcome_of
from engine.records import (
    CLOSED,
    COMMAND_RESOLVE,
    ENTRY,
    EXIT,
    HALT_NAKED,
    HALTED,
    LEDGER_HEDGE,
    NO_OUTCOME,
    RESOLVE_ACCEPT,
    RESOLVE_BY_HAND,
    RESOLVE_RETRY,
    UNRESOLVED,
)
from engine.schema import LEAD_LAG
from tests.gate_world import set_lots
from tests.world import MS, World, demo_config, with_repair

CHOICES = (RESOLVE_RETRY, RESOLVE_ACCEPT, RESOLVE_BY_HAND)
LOTS = st.tuples(st.integers(-4, 4), st.integers(-2, 2))


class LedgerMachine(RuleBasedStateMachine):
    """Deals that end in any balance, by the engine's own functions; no order lives, so each word on a deal is final."""

    @initialize()
    def start(self):
        self.world = World()  # nothing is quoted, so that no repair trades
        self.core, self.state = self.world.loop.core, self.world.state
        self.deals: list = []
        self.accepted: set[int] = set()

    def tick(self) -> None:
        self.world.now_ns += 100 * MS
        self.core.now_ns = self.world.now_ns

    @precondition(lambda self: len(self.deals) < 8)
    @rule(purpose=st.sampled_from([ENTRY, EXIT, LEDGER_HEDGE]), side=st.sampled_from([1, -1]), units=st.integers(1, 2))
    def open(self, purpose, side, units):
        self.tick()
        decision = self.state.scratch["decision"][0]
        self.state.head["decision_counter"] += 1
        decision["decision_id"] = decision["deal_id"] = self.state.head["decision_counter"]
        decision["strategy"] = decision["spread"] = 0
        decision["side"], decision["purpose"], decision["units"] = side, purpose, units
        decision["legs"] = 2
        for leg, ratio in enumerate((3, -1)):
            set_lots(self.state, leg, ratio * side * units)
        if purpose == LEDGER_HEDGE:
            decision["units"], decision["lots"][:2] = 0, (side, 0)
        open_deal(self.state.address, decision, self.world.now_ns)
        deal_id = int(decision["deal_id"])
        self.core.open_deals[deal_id] = None
        self.deals.append(self.state.deal_row(deal_id))

    def some(self, number: int, fits):
        found = [deal for deal in self.deals if fits(deal)]
        return found[number % len(found)] if found else None

    @rule(number=st.integers(0, 99), lots=LOTS)
    def end(self, number, lots):
        """All that a deal's orders did, and its end: balanced in its way, or Halted."""
        deal = self.some(number, lambda deal: deal["state"] != CLOSED)
        if deal is None:
            return
        self.tick()
        deal["booked_lots"][:2], deal["fills"] = lots, 1
        self.conclude(deal)

    def conclude(self, deal) -> None:
        measure(deal, [])
        bound = settle.bound_of(self.core, deal)
        self.state.head["unbalanced_deals"] += keep_naked_time(deal, bound, self.world.now_ns)
        outcome = outcome_of(deal, bound)
        if outcome == NO_OUTCOME:
            settle.halt(self.core, deal, HALT_NAKED)
        else:
            settle.finish(self.core, deal, outcome)

    @rule(number=st.integers(0, 99), leg=st.integers(0, 1), lots=st.integers(-2, 2).filter(bool))
    def late(self, number, leg, lots):
        """A fill or a bust after the end: the deal is taken up again, and may stay open for want of a price."""
        deal = self.some(number, lambda deal: deal["state"] == CLOSED)
        if deal is None:
            return
        self.tick()
        self.accepted.discard(int(deal["deal_id"]))
        deal["booked_lots"][leg] += lots
        settle.review(self.core, deal)

    @rule(number=st.integers(0, 99), choice=st.sampled_from(CHOICES))
    def resolve(self, number, choice):
        deal = self.some(number, lambda deal: deal["outcome"] == HALTED and deal["resolution"] == UNRESOLVED)
        if deal is None:
            return
        self.tick()
        assert command.refusal(self.core, COMMAND_RESOLVE, choice, int(deal["deal_id"])) == ""
        before = int(self.state.spread[0]["residual_ubase"])
        command.apply(self.core, COMMAND_RESOLVE, choice, int(deal["deal_id"]))
        moved = int(self.state.spread[0]["residual_ubase"]) - before
        if choice == RESOLVE_ACCEPT:
            self.accepted.add(int(deal["deal_id"]))
        elif choice == RESOLVE_BY_HAND:
            assert moved == 0
        assert choice != RESOLVE_ACCEPT or moved == deal["exposure_ubase"]

    @rule(number=st.integers(0, 99), choice=st.sampled_from(CHOICES))
    def resolve_what_waits_for_nobody(self, number, choice):
        deal = self.some(number, lambda deal: deal["outcome"] != HALTED or deal["resolution"] != UNRESOLVED)
        if deal is None:
            return
        before = self.state.snapshot()
        command.apply(self.core, COMMAND_RESOLVE, choice, int(deal["deal_id"]))
        assert self.state.snapshot() == before

    @invariant()
    def the_ledger_is_what_closed_deals_left(self):
        held = [deal for deal in self.deals if deal["state"] == CLOSED and ledger.holds(deal)]
        assert int(self.state.spread[0]["residual_ubase"]) == sum(int(deal["exposure_ubase"]) for deal in held)
        halted = {int(deal["deal_id"]) for deal in held if deal["outcome"] == HALTED}
        assert halted == self.accepted

    def teardown(self):
        """Its records tell the same."""
        if not hasattr(self, "world"):
            return
        told = self.world.of_kind(records.LEDGER)
        total = 0
        for row in told:
            total += int(row["change_ubase"])
            assert row["residual_ubase"] == total
        assert total == int(self.state.spread[0]["residual_ubase"])

    @invariant()
    def who_waits_for_a_person_is_known(self):
        waiting = {
            int(deal["deal_id"])
            for deal in self.deals
            if deal["outcome"] == HALTED and deal["resolution"] == UNRESOLVED
        }
        assert set(self.core.halted) == waiting
        assert set(self.core.open_deals) == {int(deal["deal_id"]) for deal in self.deals if deal["state"] != CLOSED}
        assert int(self.state.head["live_deals"]) == len(self.core.open_deals)
        assert int(self.state.head["unbalanced_deals"]) == sum(bool(deal["naked_since_ns"]) for deal in self.deals)

    @invariant()
    def a_hedge_never_passes_zero(self):
        row = self.state.spread[0]
        residual, lot = int(row["residual_ubase"]), int(row["hedge_ubase"][row["hedge_leg"]])
        after = residual + ledger_hedge._lots(row) * lot
        assert abs(after) < lot
        assert after * residual >= 0 and abs(after) <= abs(residual)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(
    max_examples=15, stateful_step_count=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


def _world_with_a_residual(ubase: int, **strategy) -> World:
    world = World(demo_config(**strategy))
    world.market(6.0)
    world.state.spread[0]["residual_ubase"] = ubase
    return world


@pytest.mark.parametrize(("ubase", "lots"), [(10**9, 1), (-(10**9), -1), (2_999_999_999, 2), (999_999_999, 0)])
def test_a_residual_is_traded_away_in_whole_lots_of_the_smallest(ubase, lots):
    world = _world_with_a_residual(ubase)
    world.step(100)
    assert world.net(world.au) == -lots
    assert int(world.state.spread[0]["residual_ubase"]) == ubase - lots * 10**9
    assert world.outcomes() == (["complete"] if lots else [])


@pytest.mark.parametrize("lead", [0, 1])
def test_a_hedge_of_the_ledger_waits_for_no_leading_leg(lead):
    world = _world_with_a_residual(10**9)
    world.state.strategy[0]["dispatch"], world.state.strategy[0]["lead_leg"] = LEAD_LAG, lead
    world.step(100)
    assert (world.net(world.au), int(world.state.spread[0]["residual_ubase"])) == (-1, 0)


def test_a_deal_that_its_retry_halts_again_waits_for_a_person_anew():
    faults = {"SIM_OTC": [{"at_order": number, "do": "nofill"} for number in range(1, 9)]}
    world = World(with_repair(demo_config(), on_partial="complete", max_tries=1), faults)
    world.market(6.5)
    world.step(1000)
    (deal_id,) = world.deals()
    for choice in (RESOLVE_RETRY, RESOLVE_RETRY, RESOLVE_ACCEPT):
        assert (world.outcomes(), list(world.loop.core.halted)) == (["halted"], [deal_id])
        world.loop.on_command(COMMAND_RESOLVE, choice, deal_id, "test", "", world.now_ns)
        if choice == RESOLVE_RETRY:
            world.market(6.0)
            world.step(1000)
    assert not world.loop.core.halted
    left = int(world.deals()[deal_id]["exposure_ubase"])
    assert int(world.state.spread[0]["residual_ubase"]) == left != 0
    world.step(500)  # what was accepted is the ledger's, and is traded away with it
    assert (world.net(world.au), int(world.state.spread[0]["residual_ubase"])) == (0, 0)
    world.check()
