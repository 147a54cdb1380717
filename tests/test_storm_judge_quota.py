"""The judge of journals on quotas: it counts cancels as the exchange does, and by its own reading of the rules."""

import pytest

from bench.storm.columns import written
from engine import records
from engine.records import CANCEL, COMMAND, METER
from engine.schema import FREQUENT
from tests.storm_worlds import at_of, cancelled, caught, changed, completed, doubtful, judged, made, of
from tests.world import World, demo_config

pytestmark = pytest.mark.slow


def under(world: World, **rule) -> World:
    """The judge's record with other rules of the exchange than the engine went by."""
    for one in world.record["config"]["rules"]:
        if one["book"] == "SHFE":
            one.update(rule)
    return world


def test_9_more_cancels_than_the_exchange_counts():
    world = under(cancelled(), frequent_cancels=1)
    caught(world, of(world), 9, "the exchange counts cancel 2 of the trading day, allowed are 1")


def test_9_an_unfilled_rest_counts_where_the_rules_say_so():
    world = World(demo_config(max_units=1), {"SIM_SHFE": [{"at_order": 1, "do": "nofill"}]})
    world.market(6.5)
    world.step(50)
    assert world.of_kind(CANCEL) == []
    caught(under(world, frequent_cancels=0, ioc_counts=True), of(world), 9, "counts cancel 1 of the trading day")
    under(world, ioc_counts=False)
    assert not [one for one in judged(world).breaches if "the exchange counts" in one.what]


def test_9_large_cancels_are_counted_by_themselves():
    world = under(cancelled(), large_lots=3, large_cancels=1)
    caught(world, of(world), 9, "the exchange counts cancel 2 of the trading day, allowed are 1")
    world = under(cancelled(), large_lots=4, large_cancels=1)
    assert not [one for one in judged(world).breaches if "the exchange counts" in one.what]


def test_9_a_kills_cancels_count_and_break_no_limit():
    world = under(cancelled(), frequent_cancels=1)
    seen = of(world)
    at = at_of(seen, CANCEL, 1)
    kill = made(COMMAND, seen[at].now_ns, code=records.COMMAND_KILL, scope=-1)
    found = judged(world, written([*seen[:at], kill, seen[at]])).breaches
    assert not [one for one in found if "the exchange counts" in one.what]


def test_9_an_opening_into_the_reserve():
    world = under(completed(), frequent_reserve=495)
    caught(world, of(world), 9, "openings may use 5")


def test_9_a_meter_that_states_another_count():
    world = cancelled()
    seen = of(world)
    at = at_of(seen, METER, -1, meter=world.state.instrument[world.au]["contract"])
    seen[at] = changed(seen[at], used=(FREQUENT, 99))
    caught(world, seen, 9, "states 99 cancels counted")


def test_9_a_live_order_whose_cancel_is_not_held():
    world = doubtful()
    seen = of(world)
    contract = int(world.state.instrument[world.gc]["contract"])
    mine = (at for at, one in enumerate(seen) if one.kind == METER and one.data["meter"] == contract)
    at = next(at for at in mine if seen[at].data["held"][FREQUENT] == 1)
    seen[at] = changed(seen[at], held=(FREQUENT, 0))
    caught(world, seen, 9, "holds 0 cancels, 1 live orders")
