"""What a person hears of a trading day's quotas: that one is nearly used up, and that a repair has no cancel left."""

import msgspec

from engine.ports import DAY, IOC, Event, ExecReport
from engine.records import ALERT, COMMAND_KILL, COMMAND_RESOLVE, COMMAND_STOP, RESOLVE_RETRY
from engine.schema import FREQUENT, OPENED_LOTS, WORKING
from tests.world import World, demo_config, with_repair


def under(config, faults=None, book="SHFE", **rule) -> World:
    """A world with other rules of a book: Shanghai's, or "free"."""
    rules = [msgspec.structs.replace(one, **rule) if one.book == book else one for one in config.rules]
    return World(msgspec.structs.replace(config, rules=rules), faults)


def told(world: World, code: str) -> list[dict]:
    return [row for row in world.of_kind(ALERT) if row["code"] == code]


def retry(world: World) -> None:
    deal_id = next(iter(world.loop.core.halted))
    world.loop.on_command(COMMAND_RESOLVE, RESOLVE_RETRY, deal_id, "a person", "", world.now_ns)
    world.step(1_000)


def test_a_repair_without_a_cancel_left_waits_at_its_price_and_a_person_is_told():
    """Three rests of five cancels are counted: a repair may be three slices, so the next one is not IOC any more."""
    config = with_repair(demo_config(max_units=1), on_partial="complete", max_tries=2, retry_ms=40, lean_ms=0,
                         naked_limit_ms=60_000)  # fmt: skip
    faults = {
        "SIM_SHFE": [{"at_order": number, "do": "nofill"} for number in (1, 2, 3)],
        "SIM_OTC": [{"at_order": number, "do": "nofill"} for number in (2, 3)],
    }
    world = under(config, faults, frequent_cancels=5, frequent_reserve=0, ioc_counts=True)
    world.market(6.5)
    world.step(1_000)
    world.market(6.5)
    retry(world)
    assert (told(world, "no_cancel_left"), {order.tif for order in world.shfe.sent}) == ([], {IOC})
    world.market(6.5)
    retry(world)
    (alert,) = told(world, "no_cancel_left")
    assert (alert["level"], alert["deal"], alert["numbers"]["frequent"], alert["numbers"]["frequent_limit"]) == (
        "warn", 1, 3, 5,
    )  # fmt: skip
    assert (world.shfe.sent[-1].tif, world.outcomes()) == (DAY, ["complete"])
    world.check()


def test_an_order_without_a_cancel_outlives_a_stop_and_not_a_kill():
    """Five rests of COMEX use up five cancels; the sixth order, of a retry, has none."""
    config = with_repair(demo_config(max_units=1), on_partial="complete", max_tries=2, retry_ms=40, lean_ms=0,
                         naked_limit_ms=60_000)  # fmt: skip
    faults = {
        "SIM_OTC": [{"every": 1, "do": "nofill"}],
        "SIM_SHFE": [{"at_order": number, "do": "nofill"} for number in range(2, 12)],
    }
    world = under(config, faults, "free", frequent_cancels=5, ioc_counts=True)
    world.market(6.5)
    world.step(1_000)
    meter = world.state.meter[world.state.instrument[world.gc]["contract"]]
    while meter["used"][FREQUENT] < 5:
        world.market(6.5)
        retry(world)
    world.otc.deaf = True
    world.market(6.5)
    deal_id = next(iter(world.loop.core.halted))
    world.loop.on_command(COMMAND_RESOLVE, RESOLVE_RETRY, deal_id, "a person", "", world.now_ns)
    sent = world.otc.sent[-1]
    report = {"venue": 1, "order_no": sent.order_no, "client_id": sent.client_id, "instrument": world.gc, "side": 1}
    world.loop.on_report(ExecReport(event=Event.ACK, recv_ns=world.now_ns, **report))
    order = world.state.order_row(sent.order_no)
    world.step(3_000)
    world.loop.on_command(COMMAND_STOP, 0, -1, "a person", "", world.now_ns)
    world.step(3_000)
    assert (sent.tif, int(order["cancels_held"]), int(order["state"]), world.otc.cancels) == (DAY, -1, WORKING, 0)
    world.loop.on_command(COMMAND_KILL, 0, -1, "a person", "", world.now_ns)
    assert (world.otc.cancels, int(meter["used"][FREQUENT])) == (1, 6)
    assert "kill_over_quota" in world.alerts()
    assert world.replayed()[0].identical


def test_a_quota_that_is_nearly_used_up_is_told_once_a_day():
    world = under(demo_config(max_units=1, cooldown_ms=10), opening_lots=18)
    for spread in (6.5, 5.98) * 8:
        world.market(spread)
        world.step(1_000)
    (alert,) = told(world, "quota_near")
    assert alert["numbers"] == {"limit": 18, "reserve": 0, "used": 15}
    meter = world.state.meter[world.state.instrument[world.au]["contract"]]
    assert meter["used"][OPENED_LOTS] == 15  # five entries of three lots; the sixth is denied
    assert "opened lots" in alert["what"]
    world.check()


def test_a_quota_far_away_is_not_told():
    world = under(demo_config(max_units=1, cooldown_ms=10), opening_lots=1_000)
    for spread in (6.5, 5.98) * 8:
        world.market(spread)
        world.step(1_000)
    assert told(world, "quota_near") == []
    assert world.state.meter[world.state.instrument[world.au]["contract"]]["used"][OPENED_LOTS] == 24
