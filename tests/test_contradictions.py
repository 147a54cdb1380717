"""Reports that contradict what we know, and words that come at the wrong moment: nothing is booked or sent on them."""

import pytest

from bench.storm.treatment import Treatment
from engine import records
from engine.ports import DOWN, TRADING, Event, ExecReport
from tests.catalogue_world import gold
from tests.world import World, demo_config, with_repair


def done_world() -> World:
    world = World(with_repair(demo_config(max_units=1, cooldown_ms=3_600_000), on_partial="complete"))
    world.market(6.5)
    world.step(300)
    assert (world.net(world.au), world.net(world.gc)) == (-3, 1)
    return world


def test_a_trade_told_again_after_its_bust_is_not_booked_again():
    world = done_world()
    trade = next(one for one in world.otc.told if one.event == Event.TRADE)
    told = {"venue": 1, "order_no": trade.order_no, "client_id": trade.client_id, "instrument": world.gc,
            "leaves_lots": 0, "last_lots": 1, "last_ticks": trade.last_ticks, "trade_id": trade.trade_id,
            "side": trade.side}  # fmt: skip
    world.loop.on_report(ExecReport(event=Event.BUST, cum_lots=0, recv_ns=world.now_ns, **told))
    world.loop.on_report(ExecReport(event=Event.TRADE, cum_lots=1, recv_ns=world.now_ns, **told))
    world.step(1500)
    assert [order.side * order.lots for order in world.otc.sent] == [1, 1]  # the entry, and the hedge after the bust
    assert (world.net(world.au), world.net(world.gc)) == (-3, 1)


@pytest.mark.parametrize("wrong", ["venue", "instrument", "side"])
def test_a_report_under_our_id_that_is_not_about_that_order_is_foreign(wrong):
    world = done_world()
    order = world.shfe.sent[0]
    said = {"venue": 0, "instrument": world.au, "side": order.side}
    said |= {"venue": {"venue": 1}, "instrument": {"instrument": world.fx}, "side": {"side": -order.side}}[wrong]
    world.loop.on_report(
        ExecReport(order_no=order.order_no, client_id=order.client_id, event=Event.TRADE, cum_lots=5, last_lots=2,
                   last_ticks=13_950, trade_id="X1", recv_ns=world.now_ns, **said)
    )  # fmt: skip
    world.step(500)
    assert (world.net(world.au), len(world.shfe.sent), len(world.otc.sent)) == (-3, 1, 1)
    assert [int(row) for row in world.state.venue["in_doubt"]] == [0, 0]
    assert {"foreign_order", "unknown_own_order"} & set(world.alerts())


def test_f12_an_order_that_waits_unacknowledged_is_cancelled_at_once_too(desk_of):
    desk = desk_of(
        gold({"on_partial": "complete", "lean_ms": 8_000, "naked_limit_ms": 60_000}, max_units=3, cooldown_ms=100)
    )
    desk.script(desk.shfe, {1: Treatment(at_most_lots=1), 2: Treatment(stuck=True)})
    desk.market(6.5)
    while desk.rungs() != ["lean"]:
        desk.step(1, beat_ms=1)
    desk.step(2, beat_ms=1)  # on its way, not acknowledged
    cut_ns = desk.now_ns
    desk.otc.cut("pulled")
    desk.step(50, beat_ms=1)
    assert [one.now_ns - cut_ns for one in desk.journal.records() if one.kind == records.CANCEL] == [0]
    desk.otc.join()
    desk.step(9_000, keep_ms=500)


def test_a_certain_part_is_tried_again_while_the_rest_is_in_doubt(desk_of):
    desk = desk_of(gold({"on_partial": "complete", "naked_limit_ms": 60_000}, clip_units=2, max_units=2))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=3, stuck=True)})
    desk.script(desk.otc, {1: Treatment(reject="no margin"), 2: Treatment(at_most_lots=0)})
    desk.market(6.5)
    desk.step(100)
    desk.shfe.cut("pulled")
    desk.step(5_000, keep_ms=100)
    assert desk.received(desk.gc) == [2, 1, 1]
    desk.shfe.join()
    desk.step(4_000, keep_ms=500)
    assert desk.nets() == (-3, 1)


def test_nothing_is_decided_on_a_deal_while_an_order_of_it_is_alive(desk_of):
    desk = desk_of(gold({"on_partial": "complete", "lean_ms": 2_900, "naked_limit_ms": 3_000}))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=1),
                            2: Treatment(stuck=True, fill_at_cancel_lots=2, delay_ms=300)})  # fmt: skip
    desk.market(6.5)
    for _ in range(600):
        desk.step(10, keep_ms=200)
        if desk.halts():
            break
    desk.command(records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, 1)
    desk.step(3_000, keep_ms=500)
    assert desk.received(desk.au) == [-3, -2]
    assert desk.nets() == (-3, 1)


def test_the_lean_price_is_never_beyond_the_touch(desk_of):
    desk = desk_of(gold({"on_partial": "complete", "lean_ms": 1000, "lean_ticks": 1, "band_bps": 20.0}))
    desk.script(desk.otc, {1: Treatment(bust_after_ms=3000)})
    desk.market(6.5)
    desk.step(200)
    desk.show(desk.gc, 13_880, 30, 13_881, 30)
    desk.step(4_500, keep_ms=500)
    assert max(desk.limits(desk.gc)[1:]) <= 13_881
    assert desk.nets() == (-3, 1)


def test_a_link_that_never_comes_up_is_told_once():
    world = World()
    world.loop.on_link(1, TRADING, DOWN, world.now_ns, "reset")
    for number in range(5):
        world.loop.on_link(1, TRADING, DOWN, world.now_ns, f"MsgSeqNum too low, expecting 10 but received {number}")
    assert world.alerts().count("no_link") == 1
