"""The ramp (gray release): steps up that are earned, steps back, and none of it guessed; every scenario is replayed."""

import msgspec
import pytest

from desk.assembly import assemble
from desk.config import RampSpec
from engine import ramp, records
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.ports import AccountReport
from engine.ramp import Ramp, Step
from engine.replay import SCRATCH_BYTES, SilentGateway, feed_all
from engine.schema import ACTIVE, HALTED, NO_LIMIT, REDUCE_ONLY, UNSET
from tests.world import World, demo_config, with_repair

S, MICROS = 1_000, 1_000_000
CAPITAL, UNKNOWN = 10**13, 2 * 10**13
THREE = [
    RampSpec(units=1, min_deals=2, min_s=2, max_loss=100.0),
    RampSpec(units=2, min_deals=2, min_s=2, max_loss=100.0),
    RampSpec(units=3, max_loss=100.0),
]


def by_balance(loop: Loop) -> Loop:
    """The loop, with the profit and loss of its ramps taken from the first account's balance."""

    class Told(Ramp):
        def take(self, pnl_micros: int, day: int, now_ns: int) -> None:
            balance = int(loop.core.state.account[0]["capital_micros"])
            super().take(UNSET if balance == UNKNOWN else balance - CAPITAL, day, now_ns)

    for one in loop.core.ramps.values():
        one.__class__ = Told
    return loop


class RampWorld(World):
    """A world whose strategies have earned what the first account has above ten million; where it has twenty, nobody
    knows. So profit and loss is an input, and a replay sees the same."""

    def __init__(self, ramp=THREE, pnl: float | None = 0.0, others=(), **strategy):
        config = demo_config(ramp=ramp, **({"max_units": 3, "rearm": 0.2} | strategy))
        config = with_repair(config, on_partial="unwind", naked_limit_ms=1_500, max_tries=20)
        first = config.strategies[0]
        more = [msgspec.structs.replace(first, id=f"other {number}", **one) for number, one in enumerate(others)]
        super().__init__(msgspec.structs.replace(config, strategies=[first, *more]))
        by_balance(self.loop)
        self.pnl(pnl)
        self.step(500)

    def pnl(self, amount: float | None) -> None:
        """The day's profit and loss, from the next sample on; None: nobody knows it."""
        balance = UNKNOWN if amount is None else CAPITAL + round(amount * MICROS)
        self.loop.on_account(
            AccountReport(account=0, balance_micros=balance, available_micros=balance, margin_micros=0,
                          recv_ns=self.now_ns)
        )  # fmt: skip

    def deals_done(self, count: int) -> None:
        """So many deals, in and out again, each of them whole."""
        before = len(self.deals())
        for _ in range(count):
            self.trade(5.9 if int(self.state.strategy[0]["position_units"]) < 0 else 6.5)
        assert self.outcomes()[before:] == ["complete"] * count

    def trade(self, spread: float) -> None:
        self.market(spread)
        self.step(300)

    def replayed(self):
        memory = MemoryJournal(SCRATCH_BYTES)
        loop = by_balance(assemble(self.record, memory, [SilentGateway(), SilentGateway()], lambda: 0))
        return feed_all(loop, memory, self.journal.records()), loop

    @property
    def cap(self) -> int:
        return int(self.state.strategy[0]["cap_units"])

    @property
    def switch(self) -> int:
        return int(self.state.strategy[0]["switch"])

    def changes(self) -> list[tuple[int, int, int]]:
        """(change, step, cap) of every RAMP record."""
        return [(int(row["change"]), int(row["step"]), int(row["cap_units"])) for row in self.of_kind(records.RAMP)]

    def told(self) -> list[dict]:
        return [row for row in self.of_kind(records.ALERT) if row["code"].startswith("ramp")]


@pytest.fixture
def world_of():
    """Makes worlds; each is checked, and its ramps compared with their replay's, when its scenario is over."""
    made = []

    def make(*arguments, **named) -> RampWorld:
        made.append(RampWorld(*arguments, **named))
        return made[-1]

    yield make
    for world in made:
        world.check()
        _, loop = world.replayed()
        assert {at: vars(one) for at, one in loop.core.ramps.items()} == {
            at: vars(one) for at, one in world.loop.core.ramps.items()
        }


def test_a_strategy_steps_up_twice_as_it_earns_it_and_stays_on_the_last_step(world_of):
    world = world_of()
    assert (world.cap, world.changes()) == (1, [(0, 0, 1)])
    world.deals_done(2)
    assert world.cap == 1  # the deals are there, the time is not
    world.step(2 * S)
    assert world.cap == 2
    world.step(3 * S)
    assert world.cap == 2  # the time is there, the deals are not: those of the step before do not count
    world.deals_done(2)
    world.step(500)
    assert (world.cap, world.changes()) == (3, [(0, 0, 1), (1, 1, 2), (1, 2, 3)])
    world.deals_done(2)
    world.step(5 * S)
    assert world.cap == 3
    first, second = world.told()
    assert (first["level"], first["code"], first["numbers"]["deals"]) == ("info", "ramp_up", 2)
    assert second["what"] == "strategy gold_spread steps up to 3 units, step 3 of 3"


def test_entries_are_held_to_the_cap_of_the_step(world_of):
    world = world_of([RampSpec(units=1, min_s=2), RampSpec(units=3)], clip_units=3, rearm=0.0)
    for _ in range(3):
        world.trade(6.5)
    assert int(world.state.strategy[0]["position_units"]) == -1
    world.step(2 * S)
    world.trade(6.5)
    assert int(world.state.strategy[0]["position_units"]) == -3
    assert [int(row["units"]) for row in world.of_kind(records.DECISION) if row["purpose"] == records.ENTRY] == [1, 2]


def test_a_step_waits_for_its_open_deal(world_of):
    world = world_of()
    world.deals_done(2)
    world.otc.deaf = True
    world.market(6.5)
    world.pnl(0.0)
    world.step(1_300)
    assert int(world.state.strategy[0]["open_deals"]) == 1 and world.cap == 1
    world.otc.deaf = False


def halted(world: RampWorld) -> None:
    """A deal whose far leg is lost for good: Halted when the naked limit is up."""
    world.otc.deaf = True
    world.trade(6.5)
    world.step(4 * S)
    world.otc.deaf = False
    assert "halted" in world.alerts()


def test_a_halted_deal_falls_back_once_and_the_counters_start_anew(world_of):
    world = world_of()
    world.deals_done(2)
    world.step(2 * S)
    assert world.cap == 2
    halted(world)
    assert (world.cap, world.changes()[-1]) == (1, (-1, 0, 1))
    world.step(5 * S)
    assert len(world.changes()) == 3
    assert [(row["level"], row["code"]) for row in world.told()] == [("info", "ramp_up"), ("warn", "ramp_down")]
    assert "is Halted" in world.told()[-1]["what"]
    assert not world.loop.core.ramps[0].deals


def test_a_halted_deal_on_the_first_step_leaves_the_strategy_to_reduce_once_it_is_resolved(world_of):
    world = world_of()
    halted(world)
    assert (world.switch, world.cap, world.changes()) == (HALTED, 1, [(0, 0, 1), (-1, 0, 1)])
    (told,) = world.told()
    assert (told["level"], told["code"]) == ("error", "ramp_floor")
    (deal_id,) = world.loop.core.halted
    world.loop.on_command(records.COMMAND_RESOLVE, records.RESOLVE_RETRY, deal_id, "ann", "asked them", world.now_ns)
    assert world.switch == REDUCE_ONLY  # a resolve gives back no more than the ramp has left
    world.loop.on_command(records.COMMAND_RESUME, records.SCOPE_STRATEGY, 0, "ann", "it is well", world.now_ns)
    world.step(500)
    assert (world.switch, len(world.changes())) == (ACTIVE, 2)


def test_a_loss_beyond_the_step_s_falls_back_and_is_forgiven_there(world_of):
    world = world_of()
    world.deals_done(2)
    world.step(2 * S)
    assert world.cap == 2
    world.pnl(-100.0)
    world.step(1 * S)
    assert world.cap == 2  # as much as is allowed, and no more
    world.pnl(-200.0)
    world.step(2 * S)
    assert world.changes()[-1] == (-1, 0, 1)
    assert world.told()[-1]["numbers"]["loss"] == 200.0
    assert len(world.changes()) == 3  # the step below begins at the loss, and is not to blame for it
    world.pnl(-400.0)
    world.step(1 * S)
    assert (world.switch, world.told()[-1]["code"]) == (REDUCE_ONLY, "ramp_floor")
    world.step(5 * S)
    assert len(world.changes()) == 4


def test_it_goes_by_the_strategy_s_own_profit_and_loss_of_the_tables():
    """Put there by hand, and looked at without the loop: nothing is replayed."""
    world = World(demo_config(ramp=THREE))
    core, row = world.loop.core, world.state.strategy[0]
    for pnl in (50, -50, -51):
        assert row["switch"] == ACTIVE
        row["pnl_micros"] = pnl * MICROS
        ramp.look(core)
    assert row["switch"] == REDUCE_ONLY


def test_a_loss_is_counted_over_the_end_of_a_trading_day():
    """The day's profit and loss starts at zero with the day; the step's does not."""
    ramp = Ramp([Step(1, 1, 0, 100 * MICROS)])
    for pnl, day, loss in ((50, 1, 0), (-20, 1, 70), (0, 2, 70), (-30, 2, 100), (-31, 2, 101)):
        assert not ramp.lost_too_much
        ramp.take(pnl * MICROS, day, 1_000 * day)
        assert ramp.loss_micros == loss * MICROS
    assert ramp.lost_too_much and ramp.began_ns == 1_000


def test_a_step_begins_anew_where_nobody_knows_how_a_trading_day_ended():
    ramp = Ramp([Step(1, 1, 0, 100 * MICROS)])
    ramp.take(50 * MICROS, 1, 1_000)
    ramp.deals.add(7)
    ramp.take(UNSET, 1, 2_000)
    assert (ramp.loss_micros, ramp.began_ns, ramp.deals) == (UNSET, 1_000, {7})
    ramp.take(-500 * MICROS, 2, 3_000)
    assert (ramp.loss_micros, ramp.began_ns, ramp.deals) == (0, 3_000, set())


def test_an_unknown_profit_and_loss_never_steps_up(world_of):
    world = world_of()
    world.deals_done(2)
    world.pnl(None)
    world.step(6 * S)
    assert world.cap == 1
    world.pnl(0.0)
    world.step(500)
    assert world.cap == 2  # known again, and what the step saw still counts


def test_a_step_begins_only_where_the_profit_and_loss_is_known(world_of):
    world = world_of(pnl=None)
    world.step(3 * S)
    world.pnl(-5_000.0)
    world.step(500)
    world.deals_done(2)
    world.step(500)
    assert (world.cap, world.changes()) == (1, [(0, 0, 1)])
    world.step(2 * S)
    assert world.cap == 2


def test_a_shadow_earns_nothing(world_of):
    world = world_of([RampSpec(units=1, min_s=1), RampSpec(units=3)], mode="shadow")
    world.step(5 * S)
    assert world.cap == 1


def test_a_strategy_that_may_not_trade_earns_nothing(world_of):
    world = world_of([RampSpec(units=1, min_s=1), RampSpec(units=3)])
    world.loop.on_command(records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0, "ann", "wait", world.now_ns)
    world.step(5 * S)
    assert world.cap == 1
    world.loop.on_command(records.COMMAND_RESUME, records.SCOPE_STRATEGY, 0, "ann", "go on", world.now_ns)
    world.step(500)
    assert world.cap == 3


def test_a_restart_in_the_middle_of_a_step_goes_on_from_what_was_seen(world_of):
    world = world_of()
    world.deals_done(1)
    world.step(1 * S)
    verdict, loop = world.replayed()
    assert verdict.identical
    world.loop = loop
    loop.core.journal, loop.core.gateways = world.journal, world.gateways
    loop.core.clock = lambda: world.now_ns
    world.start(2)
    assert world.changes() == [(0, 0, 1)]
    world.deals_done(1)
    world.step(1 * S)
    assert world.changes() == [(0, 0, 1), (1, 1, 2)]
    assert world.told()[-1]["numbers"]["deals"] == 2


def test_the_deals_of_another_strategy_prove_nothing(world_of):
    world = world_of(
        [RampSpec(units=1, min_deals=1), RampSpec(units=3)], others=[{"ramp": [], "entry": 0.25}], entry=9.0
    )
    world.trade(6.5)
    world.step(1 * S)
    assert world.outcomes() == ["complete"]
    assert world.cap == 1


def test_two_strategies_climb_ramps_of_their_own(world_of):
    later = [RampSpec(units=2, min_s=9), RampSpec(units=3)]
    world = world_of([RampSpec(units=1, min_s=1), RampSpec(units=3)], others=[{"ramp": []}, {"ramp": later}])
    world.step(3 * S)
    rows = world.of_kind(records.RAMP)
    assert [(int(row["strategy"]), int(row["step"])) for row in rows] == [(0, 0), (2, 0), (0, 1)]
    assert world.state.strategy["cap_units"].tolist() == [3, NO_LIMIT, 2]  # no ramp, no cap
