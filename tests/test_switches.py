"""The switches: who has set one and why, how it ends by itself, and what holds it shut all the same."""

import pytest

from engine import command, records, switches
from engine.schema import ACTIVE, HALTED, REDUCE_ONLY
from tests.test_command import halted_world
from tests.test_python_strategy import begun, config_of
from tests.world import MS, World, demo_config, with_repair

DOMESTIC, FOREIGN = range(2)
EVERY = [(records.SCOPE_ALL, -1), (records.SCOPE_MARKET, FOREIGN), (records.SCOPE_VENUE, 1),
         (records.SCOPE_ACCOUNT, 1), (records.SCOPE_STRATEGY, 0), (records.SCOPE_SPREAD, 0)]  # fmt: skip


@pytest.fixture
def world():
    made = World()
    yield made
    made.check()


def tell(world: World, code: int, choice: int = records.SCOPE_ALL, scope: int = -1, for_ms: int = 0,
         who: str = "ann", why: str = "lunch") -> None:  # fmt: skip
    until_ns = world.now_ns + for_ms * MS if for_ms else 0
    world.loop.on_command(code, choice, scope, who, why, world.now_ns, until_ns)


def level(world: World, choice: int = records.SCOPE_ALL, scope: int = -1) -> int:
    return switches.setting_of(world.loop.core, choice, scope).level


def told(world: World) -> list[tuple[str, str]]:
    return [(row["level"], row["what"]) for row in world.of_kind(records.ALERT) if row["code"] == "switch_ran_out"]


def reborn(world: World, epoch: int) -> None:
    """The process died: another loop, with the same past, takes over under a new epoch."""
    _, loop = world.replayed()
    loop.core.journal, loop.core.gateways = world.journal, world.gateways
    world.loop = loop
    world.start(epoch)


@pytest.mark.parametrize(("choice", "scope"), EVERY)
def test_a_switch_of_every_level_ends_when_its_time_is_over(world, choice, scope):
    for code, wanted in ((records.COMMAND_HALT, HALTED), (records.COMMAND_REDUCE, REDUCE_ONLY)):
        tell(world, code, choice, scope, for_ms=500)
        world.step(490)
        assert level(world, choice, scope) == wanted
        world.step(20)
        assert level(world, choice, scope) == ACTIVE
    name = switches.name_of(world.loop.core, choice, scope)
    assert told(world) == [("info", f"{name}: {was}, set by ann (lunch), has ended: it is active again")
                           for was in ("halted", "reduce only")]  # fmt: skip
    world.market(6.5)
    world.step(50)
    assert world.outcomes() == ["complete"]


def test_a_switch_is_remembered_with_who_why_and_until(world):
    core = world.loop.core
    tell(world, records.COMMAND_REDUCE, records.SCOPE_MARKET, DOMESTIC, for_ms=500)
    assert switches.setting_of(core, records.SCOPE_MARKET, DOMESTIC) == (REDUCE_ONLY, "ann", "lunch")
    assert core.until == {(records.SCOPE_MARKET, DOMESTIC): world.now_ns + 500 * MS}
    assert level(world, records.SCOPE_MARKET, FOREIGN) == ACTIVE
    tell(world, records.COMMAND_RESUME, records.SCOPE_MARKET, DOMESTIC)
    assert (core.until, core.set_by) == ({}, {})


def test_a_newer_command_replaces_the_end_of_the_one_before(world):
    tell(world, records.COMMAND_HALT, for_ms=200)
    tell(world, records.COMMAND_HALT, for_ms=600, who="bob")
    world.step(500)
    assert level(world) == HALTED
    tell(world, records.COMMAND_HALT, who="cid")
    world.step(1_000)
    assert switches.setting_of(world.loop.core, records.SCOPE_ALL, -1) == (HALTED, "cid", "lunch")
    assert told(world) == []


@pytest.mark.parametrize(("down_ms", "at_start"), [(100, HALTED), (900, HALTED)])
def test_an_end_survives_a_restart_and_one_that_passed_meanwhile_is_kept_at_the_first_beat(world, down_ms, at_start):
    tell(world, records.COMMAND_HALT, for_ms=500)
    tell(world, records.COMMAND_REDUCE, records.SCOPE_SPREAD, 0, for_ms=500)
    world.now_ns += down_ms * MS
    reborn(world, 2)
    assert level(world) == at_start
    world.step(600)
    assert level(world) == level(world, records.SCOPE_SPREAD, 0) == ACTIVE
    reborn(world, 3)
    assert level(world) == ACTIVE
    assert len(told(world)) == 2


def test_an_end_in_the_past_or_of_a_resume_or_a_stop_is_refused_and_changes_nothing(world):
    core = world.loop.core
    for code, until_ns in ((records.COMMAND_HALT, world.now_ns), (records.COMMAND_RESUME, world.now_ns + MS),
                           (records.COMMAND_KILL, world.now_ns + MS), (99, 0)):  # fmt: skip
        assert command.refusal(core, code, records.SCOPE_ALL, -1, until_ns, world.now_ns)
        world.loop.on_command(code, records.SCOPE_ALL, -1, "ann", "x", world.now_ns, until_ns)
    assert command.refusal(core, records.COMMAND_HALT, 9, 0)
    assert command.refusal(core, records.COMMAND_HALT, records.SCOPE_MARKET, 2)
    assert (level(world), core.until, core.drills) == (ACTIVE, {}, [])


def test_what_ends_while_the_engine_stops_stays_shut_until_the_next_start(world):
    tell(world, records.COMMAND_HALT, for_ms=300)
    world.loop.on_command(records.COMMAND_STOP, 0, -1, "ann", "evening", world.now_ns)
    world.step(500)
    assert level(world) == HALTED
    ((severity, what),) = told(world)
    assert severity == "warn" and "it stays halted, since the engine stops" in what
    reborn(world, 2)
    assert level(world) == ACTIVE


def test_a_strategy_with_a_halted_deal_stays_halted_when_its_own_halt_runs_out():
    world = halted_world()
    tell(world, records.COMMAND_HALT, records.SCOPE_STRATEGY, 0, for_ms=300)
    world.step(500)
    (deal_id,) = world.loop.core.halted
    ((severity, what),) = told(world)
    assert severity == "warn" and f"its deal {deal_id} waits for a person" in what
    said = switches.setting_of(world.loop.core, records.SCOPE_STRATEGY, 0)
    assert said == (HALTED, switches.ENGINE, f"its deal {deal_id} waits for a person")
    tell(world, records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, deal_id)
    assert level(world, records.SCOPE_STRATEGY, 0) == ACTIVE
    world.check()


def test_a_reduce_that_runs_out_while_a_deal_is_halted_is_not_given_back_by_its_resolve():
    for until_ms, after in ((0, REDUCE_ONLY), (1_600, ACTIVE)):
        world = halted_world(REDUCE_ONLY, until_ms)
        world.step(200)
        assert level(world, records.SCOPE_STRATEGY, 0) == HALTED
        tell(world, records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, next(iter(world.loop.core.halted)))
        assert level(world, records.SCOPE_STRATEGY, 0) == after
        world.check()


def test_a_reduce_would_loosen_a_strategy_with_a_halted_deal_and_is_refused():
    world = halted_world()
    assert "resolve that first" in command.refusal(world.loop.core, records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0)
    tell(world, records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0)
    assert level(world, records.SCOPE_STRATEGY, 0) == HALTED


def test_what_the_engine_itself_has_tightened_only_a_person_loosens():
    world = World()
    core = world.loop.core
    tell(world, records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0, for_ms=300)
    switches.tighten(core, 0, HALTED, "too many executions")
    world.step(500)
    assert switches.setting_of(core, records.SCOPE_STRATEGY, 0) == (HALTED, switches.ENGINE, "too many executions")
    switches.tighten(core, 0, REDUCE_ONLY, "a proxy is held")
    assert level(world, records.SCOPE_STRATEGY, 0) == HALTED
    tell(world, records.COMMAND_RESUME, records.SCOPE_STRATEGY, 0)
    assert level(world, records.SCOPE_STRATEGY, 0) == ACTIVE


@pytest.mark.parametrize("market", [DOMESTIC, FOREIGN])
def test_a_leg_that_waits_is_not_released_into_a_market_that_was_halted_meanwhile(market):
    config = demo_config(max_units=1, dispatch="lead_lag", lead="COMEX.GCG7")
    world = World(with_repair(config, on_partial="unwind"))
    world.market(6.5)
    tell(world, records.COMMAND_HALT, records.SCOPE_MARKET, market)
    world.step(1_000)
    assert ([one.side for one in world.otc.sent], world.shfe.sent) == ([1, -1], [])
    assert world.outcomes() == ["unwound"]
    world.check()


def test_a_strategy_that_raises_while_it_reduces_for_a_while_stays_halted():
    world = begun(World(config_of("breaks")))
    tell(world, records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0, for_ms=300)
    world.market(6.5)
    world.step(400)
    assert level(world, records.SCOPE_STRATEGY, 0) == HALTED
    assert "the engine itself has set it to halted since" in told(world)[0][1]
    world.check()


def test_a_switch_with_an_end_gives_back_what_it_has_replaced(world):
    tell(world, records.COMMAND_HALT, records.SCOPE_STRATEGY, 0, why="a fault")
    tell(world, records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0, for_ms=300, why="a look")
    tell(world, records.COMMAND_HALT, records.SCOPE_STRATEGY, 0, for_ms=500, why="another look")
    world.step(520)
    assert level(world, records.SCOPE_STRATEGY, 0) == HALTED
    assert switches.setting_of(world.loop.core, records.SCOPE_STRATEGY, 0).why == "a fault"
    tell(world, records.COMMAND_RESUME, records.SCOPE_STRATEGY, 0)
    assert level(world, records.SCOPE_STRATEGY, 0) == ACTIVE


def test_a_halt_with_an_end_does_not_lift_the_kill_before_it(world):
    world.loop.on_command(records.COMMAND_KILL, 1, -1, "ann", "a fault", world.now_ns)
    tell(world, records.COMMAND_HALT, for_ms=200)
    world.step(250)
    assert level(world) == HALTED and world.loop.core.hands_off
    world.market(6.5)
    world.step(50)
    assert world.outcomes() == []
