"""A kill: what it cancels at which venue, what it counts and tells, what it leaves to a person, and how it ends."""

import random

import pytest

from engine import kill, records
from engine.ports import DOWN, QUOTE_LIMIT_UP, READY, SELL, TRADING, Event, ExecReport
from engine.schema import ACTIVE, FREQUENT, HALTED
from tests.world import MS, World, demo_config, with_repair

NO_FILL = {"do": "nofill"}
LEANING = {"on_partial": "complete", "lean_ms": 20_000, "naked_limit_ms": 60_000}


@pytest.fixture
def world_of():
    """Makes worlds; each is checked when its scenario is over, its replay too."""
    made = []

    def make(*arguments, **named) -> World:
        made.append(World(*arguments, **named))
        return made[-1]

    yield make
    for world in made:
        world.check()


def command(world: World, code: int, choice: int = records.SCOPE_ALL, scope: int = -1, **more) -> None:
    world.loop.on_command(code, choice, scope, "ann", "a test", world.now_ns, **more)


def killed(world: World, repairs_too: bool = False) -> None:
    command(world, records.COMMAND_KILL, int(repairs_too))


def figures(world: World) -> list[tuple[int, ...]]:
    """Of every KILL record: venue, asked, cancelled, filled, left."""
    names = ("venue", "asked", "cancelled", "filled", "left")
    return [tuple(int(row[name]) for name in names) for row in world.of_kind(records.KILL)]


def leaning(world_of, **repair) -> World:
    """A deal whose second leg did not fill, and whose repair rests in the venue's book as a DAY order."""
    config = with_repair(demo_config(max_units=1), **(LEANING | repair))
    world = world_of(config, faults={"SIM_OTC": [{"at_order": 1, **NO_FILL}]})
    world.market(6.5)
    world.quote(world.gc, 13_955, 13_956)
    world.step(50)
    rung = world.of_kind(records.REPAIR)[-1]["rung"]
    assert (records.RUNGS[rung], len(world.loop.core.live_orders)) == ("lean", 1)
    return world


def silent(world_of, **repair) -> World:
    """A deal whose second leg is in doubt: its venue took the order and has not said a word since."""
    world = world_of(with_repair(demo_config(max_units=1), **({"naked_limit_ms": 60_000} | repair)),
                     faults={"SIM_OTC": [{"at_order": 1, **NO_FILL}]})  # fmt: skip
    world.otc.deaf = True
    world.market(6.5)
    world.step(1200)
    (row,) = [world.state.order_row(number) for number in world.loop.core.live_orders]
    assert row["in_doubt"]
    return world


def report_of(world: World) -> list[dict]:
    core = world.loop.core
    return [one for part in core.drills[-1].parts for one in kill.left_of(core, part)]


# what is cancelled, and how it is counted


def test_a_kill_with_nothing_out_halts_and_tells_every_venue_at_once(world_of):
    world = world_of()
    killed(world)
    assert figures(world) == [(0, 0, 0, 0, 0), (1, 0, 0, 0, 0)]
    assert world.alerts().count("killed") == 2
    world.market(6.5)
    world.step(100)
    assert world.shfe.sent == world.otc.sent == []
    assert int(world.of_kind(records.VERDICT)[0]["reason"]) == 24


def test_orders_that_end_by_themselves_are_asked_to_end_too(world_of):
    world = world_of(faults={"SIM_OTC": [{"at_order": 1, **NO_FILL}]})
    world.market(6.5)
    killed(world)
    assert (world.shfe.cancels, world.otc.cancels) == (1, 1)
    assert figures(world) == []
    world.step(50)
    assert sorted(figures(world)) == [(0, 1, 0, 1, 0), (1, 1, 1, 0, 0)]
    row = world.of_kind(records.KILL)[0]
    assert 0 < int(row["last_ns"]) <= 10 * MS
    assert int(row["began_ns"]) + int(row["last_ns"]) <= world.now_ns


def test_a_resting_repair_is_cancelled_and_repair_goes_on(world_of):
    world = leaning(world_of)
    killed(world)
    assert world.otc.cancels == 1
    world.step(200)
    assert figures(world) == [(0, 0, 0, 0, 0), (1, 1, 1, 0, 0)]
    world.market(6.5)
    world.step(600)
    assert len(world.of_kind(records.REPAIR)) == 2
    assert world.net(world.gc) == 1
    assert world.outcomes() == ["complete"]


def test_a_kill_of_repairs_too_hands_the_deal_to_a_person_and_sends_nothing_more(world_of):
    world = leaning(world_of)
    sent = len(world.otc.sent) + len(world.shfe.sent)
    killed(world, repairs_too=True)
    world.step(2_000)
    (deal,) = world.deals().values()
    assert (deal["outcome"], deal["reason"]) == (records.HALTED, records.HALT_STOPPED)
    assert len(world.otc.sent) + len(world.shfe.sent) == sent
    assert world.loop.core.live_orders == {}


def test_a_deal_that_is_naked_with_nothing_out_is_handed_over_in_the_same_turn(world_of):
    config = with_repair(demo_config(max_units=1), on_partial="complete", retry_ms=5_000, naked_limit_ms=60_000)
    world = world_of(config, faults={"SIM_OTC": [{"at_order": number, **NO_FILL} for number in range(1, 9)]})
    world.market(6.5)
    world.step(100)
    assert (world.outcomes(), world.loop.core.live_orders) == (["open"], {})
    killed(world, repairs_too=True)
    assert world.outcomes() == ["halted"]


def test_repairs_that_a_kill_has_stopped_go_on_only_after_all_is_resumed(world_of):
    world = leaning(world_of)
    killed(world, repairs_too=True)
    world.step(100)
    (deal_id,) = world.loop.core.halted
    command(world, records.COMMAND_RESOLVE, records.RESOLVE_RETRY, deal_id)
    killed(world)
    command(world, records.COMMAND_HALT)
    command(world, records.COMMAND_RESOLVE, records.RESOLVE_RETRY, deal_id)
    assert world.outcomes() == ["halted"]
    command(world, records.COMMAND_RESUME)
    command(world, records.COMMAND_RESOLVE, records.RESOLVE_RETRY, deal_id)
    world.market(6.5)
    world.step(1_000)
    assert world.outcomes() == ["complete"]
    assert len(world.of_kind(records.REPAIR)) > 1


def test_a_leg_that_waits_for_another_is_dropped_and_never_sent(world_of):
    config = demo_config(max_units=1, dispatch="lead_lag", lead="COMEX.GCG7")
    world = world_of(config, faults={"SIM_OTC": [{"at_order": 1, **NO_FILL}]})
    world.market(6.5)
    killed(world)
    assert (world.shfe.cancels, world.otc.cancels) == (0, 1)
    world.step(100)
    assert figures(world) == [(0, 0, 0, 0, 0), (1, 1, 1, 0, 0)]
    assert world.shfe.sent == []
    assert world.outcomes() == ["not_done"]


# what nobody knows


def test_an_order_in_doubt_is_cancelled_and_asked_for(world_of):
    world = silent(world_of)
    asked = world.otc.queries
    world.otc.deaf = False
    killed(world)
    assert (world.otc.cancels, world.otc.queries) == (1, asked + 1)
    world.step(50)
    assert figures(world)[1][:2] == (1, 1)
    assert figures(world)[1][4] == 0


def test_a_venue_that_stays_silent_is_told_after_ten_seconds_with_what_is_left(world_of):
    world = silent(world_of)
    killed(world)
    world.step(9_900, 100)
    assert figures(world) == [(0, 0, 0, 0, 0)]
    world.step(200, 100)
    assert figures(world) == [(0, 0, 0, 0, 0), (1, 1, 0, 0, 1)]
    assert int(world.of_kind(records.KILL)[1]["last_ns"]) == 0
    (left,) = report_of(world)
    assert (left["contract"], left["why"]) == ("COMEX.GCG7", "the venue does not say what became of it")
    assert [row["level"] for row in world.of_kind(records.ALERT) if row["code"] == "killed"] == ["info", "error"]
    world.step(1_000, 100)
    assert len(figures(world)) == 2  # told once


def test_a_silent_deal_that_is_surely_naked_goes_to_a_person_where_repairs_stop_too(world_of):
    world = silent(world_of, on_partial="complete")
    killed(world, repairs_too=True)
    sent = len(world.otc.sent) + len(world.shfe.sent)
    world.otc.deaf = False
    world.step(3_000, 50)
    assert [int(deal["reason"]) for deal in world.deals().values()] == [records.HALT_STOPPED]
    assert len(world.otc.sent) + len(world.shfe.sent) == sent


def test_behind_a_broken_link_nothing_is_written_and_the_order_goes_when_the_link_is_back(world_of):
    world = leaning(world_of)
    world.otc.down = True
    world.loop.on_link(1, TRADING, DOWN, world.now_ns, "cut")
    killed(world)
    assert world.otc.cancels == 0
    (left,) = report_of(world)
    assert left["why"] == "the venue's link is down"
    world.step(10_100, 100)
    assert figures(world)[1] == (1, 1, 0, 0, 1)
    world.otc.down = False
    world.loop.on_link(1, TRADING, READY, world.now_ns, "back")
    world.step(300)
    assert world.otc.cancels == 1
    assert world.otc.sent[1].order_no not in world.loop.core.live_orders


# what is told beside


def test_an_order_that_is_not_ours_is_listed_and_left_alone(world_of):
    world = world_of()
    theirs = {"venue": 0, "order_no": 0, "client_id": "hand-7", "instrument": world.au, "side": SELL}
    world.loop.on_report(ExecReport(**theirs, event=Event.ACK, leaves_lots=4, recv_ns=world.now_ns))
    killed(world)
    assert (world.shfe.cancels, world.shfe.queries) == (0, 0)
    assert world.loop.core.foreign == {(0, "hand-7"): "sell 4 lots of SHFE.au2702"}
    world.loop.on_report(ExecReport(**theirs, event=Event.CANCELLED, leaves_lots=0, recv_ns=world.now_ns))
    assert world.loop.core.foreign == {}


def test_cancels_beyond_the_days_quota_are_sent_counted_and_told():
    world = World(faults={"SIM_SHFE": [{"at_order": 1, **NO_FILL}]})
    world.market(6.5)
    contract = int(world.state.instrument[world.au]["contract"])
    meter = world.state.meter[contract]
    meter["used"][FREQUENT] = meter["limit"][FREQUENT] + 5
    killed(world)
    assert world.shfe.cancels == 1
    (told,) = [row for row in world.of_kind(records.ALERT) if row["code"] == "kill_over_quota"]
    assert (told["level"], told["numbers"]) == ("error", {"SHFE.au2702": 1})
    world.step(50)
    over = {int(row["venue"]): int(row["over"]) for row in world.of_kind(records.KILL)}
    assert over == {0: 1, 1: 0}


def test_a_price_limit_lock_does_not_hold_a_kill_back(world_of):
    world = leaning(world_of, naked_limit_ms=60_000)
    world.loop.on_quote(world.gc, 13_990, 30, 0, 0, world.now_ns - MS, world.now_ns, 0, QUOTE_LIMIT_UP)
    world.otc.deaf = True
    for count in range(1, 5):  # a lock has two cancels of a contract, by any other rule
        killed(world)
        assert world.otc.cancels == count
        world.step(1_500, 50)
    world.otc.deaf = False
    world.step(3_000, 50)


# again, and afterwards


def test_each_kill_is_a_drill_of_its_own(world_of):
    world = silent(world_of)
    killed(world)
    world.step(100)
    killed(world)
    assert world.otc.cancels == 2
    world.otc.deaf = False
    world.step(100)
    assert [row for row in figures(world) if row[0] == 1] == [(1, 1, 1, 0, 0)] * 2
    assert len(world.loop.core.drills) == 2


def test_a_cancel_that_is_out_and_young_is_not_sent_twice(world_of):
    world = leaning(world_of)
    killed(world)
    killed(world)
    assert world.otc.cancels == 1
    world.step(50)
    assert [row for row in figures(world) if row[0] == 1] == [(1, 1, 1, 0, 0)] * 2


def test_a_kill_outlives_the_process_and_ends_with_a_resume_of_all(world_of):
    world = silent(world_of)
    killed(world, repairs_too=True)
    _, loop = world.replayed()
    # The process died here: another loop, with the same past, takes over under a new epoch.
    loop.core.journal, loop.core.gateways = world.journal, world.gateways
    world.loop = loop
    world.start(2)
    assert (int(world.state.head["switch"]), loop.core.hands_off) == (HALTED, True)
    world.otc.deaf = False
    world.step(200)
    assert figures(world)[1] == (1, 1, 1, 0, 0)
    world.market(6.5)
    world.step(50)
    assert len(world.deals()) == 1
    command(world, records.COMMAND_RESUME)
    assert (int(world.state.head["switch"]), loop.core.hands_off) == (ACTIVE, False)


def test_a_timed_halt_before_the_kill_does_not_end_it(world_of):
    world = world_of()
    command(world, records.COMMAND_HALT, until_ns=world.now_ns + 500 * MS)
    killed(world)
    world.step(1_000)
    assert int(world.state.head["switch"]) == HALTED


SCOPES = ((records.SCOPE_ALL, -1), (records.SCOPE_STRATEGY, 0), (records.SCOPE_VENUE, 1), (records.SCOPE_MARKET, 0))


def mischief(world: World, dice: random.Random) -> None:
    """One thing that may happen, and that is no resume of all."""
    what = dice.randrange(9)
    if what < 4:
        world.market(6.0 + dice.choice((-0.6, -0.3, 0.0, 0.3, 0.5, 0.7)))
    elif what < 6:
        world.step(dice.choice((10, 50, 300)))
    elif what == 6:
        scope = dice.choice(SCOPES[1:])
        code = dice.choice((records.COMMAND_HALT, records.COMMAND_REDUCE, records.COMMAND_RESUME))
        until_ns = 0 if code == records.COMMAND_RESUME else world.now_ns + dice.choice((20, 200)) * MS
        command(world, code, *scope, until_ns=until_ns)
    elif what == 7:
        for deal_id in list(world.loop.core.halted):
            command(world, records.COMMAND_RESOLVE, dice.choice((1, 2)), deal_id)
    else:
        world.gateways[dice.randrange(2)].deaf = dice.random() < 0.3


@pytest.mark.parametrize("seed", range(8))
def test_after_a_kill_nothing_new_is_cleared_until_all_is_resumed(world_of, seed):
    dice = random.Random(seed)
    faults = {name: [{"every": dice.randint(2, 5), "do": dice.choice(("nofill", "reject"))}]
              for name in ("SIM_OTC", "SIM_SHFE")}  # fmt: skip
    world = world_of(with_repair(demo_config(cooldown_ms=10), naked_limit_ms=3_000), faults=faults)
    for epoch in range(2, 5):
        for _ in range(15):
            mischief(world, dice)
        killed(world, repairs_too=dice.random() < 0.5)
        for _ in range(15):
            mischief(world, dice)
        world.start(epoch)
        for _ in range(5):
            mischief(world, dice)
        command(world, records.COMMAND_RESUME)
        for gateway in world.gateways:
            gateway.deaf = False
        world.step(3_000, 50)
    dead, purposes, cleared = False, {}, {True: 0, False: 0}
    for record in world.journal.records():
        if record.kind == records.COMMAND and record.data["code"] == records.COMMAND_KILL:
            dead = True
        elif record.kind == records.COMMAND and record.data["code"] == records.COMMAND_RESUME:
            dead = dead and int(record.data["choice"]) != records.SCOPE_ALL
        elif record.kind == records.DECISION:
            purposes[int(record.data["decision_id"])] = int(record.data["purpose"])
        elif record.kind == records.VERDICT and record.data["cleared"]:
            new = purposes[int(record.data["decision_id"])] not in (records.REHEDGE, records.UNWIND)
            assert not (dead and new), record.seq
            cleared[dead] += new
    assert cleared[False] > 0
    for one in figures(world):
        assert one[1] == one[2] + one[3] + one[4]
