"""A person's words to the engine: what outlives a restart, and whose switch is whose."""

from engine import records
from engine.schema import ACTIVE, HALTED, REDUCE_ONLY
from tests.world import MS, World, demo_config, with_repair


def halted_world(switch: int = ACTIVE, until_ms: int = 0) -> World:
    """A deal that is Halted 1.5 s later; `switch`: what its strategy was set to while the deal was open, until when."""
    rejects = [{"every": 1, "do": "reject", "reason": "closed"}]
    world = World(
        with_repair(demo_config(max_units=1), naked_limit_ms=500, max_tries=50, pay_up_ticks=[1]),
        faults={"SIM_OTC": rejects, "SIM_SHFE": [{"at_order": n, "do": "reject"} for n in range(2, 40)]},
    )
    world.market(6.5)
    if switch == REDUCE_ONLY:
        command(world, records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0, until_ms)
    world.step(1500)
    assert world.outcomes() == ["halted"]
    return world


def command(world: World, code: int, choice: int = records.SCOPE_ALL, scope: int = -1, until_ms: int = 0) -> None:
    until_ns = world.now_ns + until_ms * MS if until_ms else 0
    world.loop.on_command(code, choice, scope, "risk officer", "a test", world.now_ns, until_ns)


def test_a_halt_of_all_outlives_a_stop_and_a_restart():
    world = World()
    command(world, records.COMMAND_HALT)
    command(world, records.COMMAND_STOP)
    world.start(2)
    assert int(world.state.head["switch"]) == HALTED
    world.market(6.5)
    world.step(50)
    assert world.shfe.sent == []
    command(world, records.COMMAND_RESUME)
    world.start(3)
    assert int(world.state.head["switch"]) == ACTIVE
    world.check()


def test_a_stop_alone_does_not_outlive_the_restart():
    world = World()
    command(world, records.COMMAND_STOP)
    world.start(2)
    assert int(world.state.head["switch"]) == ACTIVE


def test_a_resolve_does_not_lift_what_a_person_has_halted_too():
    world = halted_world()
    command(world, records.COMMAND_HALT, records.SCOPE_STRATEGY, 0)
    command(world, records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, 1)
    assert int(world.state.strategy[0]["switch"]) == HALTED
    command(world, records.COMMAND_RESUME, records.SCOPE_STRATEGY, 0)
    assert int(world.state.strategy[0]["switch"]) == ACTIVE


def test_a_resolve_gives_the_strategy_back_as_it_was_before_the_halt():
    for before in (ACTIVE, REDUCE_ONLY):
        world = halted_world(before)
        assert int(world.state.strategy[0]["switch"]) == HALTED
        command(world, records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, 1)
        assert int(world.state.strategy[0]["switch"]) == before
