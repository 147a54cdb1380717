"""What orders that do not end do to a deal: naked time is counted once, and what a halt withdraws starts nothing."""

from engine.ports import Event, ExecReport
from engine.records import DEAL, HALT_NAKED, HALTED
from tests.world import MS, World, demo_config, with_repair

NOFILL = [{"at_order": 1, "do": "nofill"}]


def told(world: World, event: int, **fields) -> None:
    """A word of Shanghai on its first order, which by itself says nothing here."""
    order = world.shfe.sent[0]
    world.loop.on_report(
        ExecReport(venue=0, order_no=order.order_no, client_id=order.client_id, instrument=world.au, side=-1,
                   event=event, recv_ns=world.now_ns, **fields)
    )  # fmt: skip


def silent(faults: dict, **repair) -> World:
    world = World(with_repair(demo_config(max_units=1, deadline_ms=100), **repair), {"SIM_SHFE": NOFILL} | faults)
    world.shfe.deaf = True
    world.market(6.5)
    told(world, Event.ACK)
    return world


def test_what_a_halt_has_withdrawn_starts_no_other_try():
    world = silent({}, naked_limit_ms=60)
    world.step(200)
    (deal,) = world.deals().values()
    assert (deal["outcome"], deal["reason"], world.shfe.cancels) == (HALTED, HALT_NAKED, 1)
    assert deal["low_ubase"] != deal["high_ubase"]
    told(world, Event.CANCELLED, cum_lots=0)
    world.step(2_000)
    (deal,) = world.deals().values()
    assert (deal["outcome"], len(world.shfe.sent), len(world.otc.sent)) == (HALTED, 1, 1)
    assert "taken_up" not in world.alerts()
    assert deal["low_ubase"] == deal["high_ubase"] == deal["exposure_ubase"] != 0
    world.check()


def test_an_order_in_doubt_again_and_again_is_naked_no_longer_than_its_deal_is_old():
    world = silent({"SIM_OTC": NOFILL}, naked_limit_ms=600_000)
    doubts = 0
    for _ in range(200):
        asked = world.shfe.queries
        world.step(50)
        if world.shfe.queries > asked:
            told(world, Event.STATUS, cum_lots=0, leaves_lots=3, total_lots=3)
    doubts = world.alerts().count("in_doubt")
    assert doubts >= 3
    for record in world.journal.records():
        if record.kind == DEAL:
            assert record.data["naked_ns"] <= record.now_ns - record.data["opened_ns"]
    assert world.of_kind(DEAL)[-1]["naked_ns"] > 400 * MS
