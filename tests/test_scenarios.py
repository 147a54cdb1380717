"""Scenarios of two-leg execution, named for the situation, through the real loop, gate and tables."""

import pytest

from engine import records
from engine.ports import BUY, DOWN, READY, SELL, TRADING, Event, ExecReport
from tests.world import MS, World, demo_config, with_repair


@pytest.fixture
def world_of():
    """Makes worlds; each is checked when its scenario is over."""
    made = []

    def make(*arguments, **named) -> World:
        made.append(World(*arguments, **named))
        return made[-1]

    yield make
    for world in made:
        world.check()


def test_both_legs_fill_and_the_deal_is_complete(world_of):
    world = world_of()
    world.market(6.5)
    world.step(50)
    assert world.outcomes() == ["complete"]
    assert (world.net(world.au), world.net(world.gc)) == (-3, 1)
    assert [order.side for order in world.shfe.sent + world.otc.sent] == [SELL, BUY]
    assert int(world.state.strategy[0]["position_units"]) == -1
    # 3 x 1,000 g sold against 100 oz bought.
    assert int(world.state.spread[0]["residual_ubase"]) == 110_347_680


def test_a_position_is_closed_when_the_spread_comes_back(world_of):
    world = world_of(demo_config(max_units=1))
    world.market(6.5)
    world.step(300)
    world.market(5.98)
    world.step(300)
    assert world.outcomes() == ["complete", "complete"]
    assert (world.net(world.au), world.net(world.gc)) == (0, 0)
    assert world.shfe.sent[-1].offset == 2  # today's lots are closed as today's
    assert int(world.state.spread[0]["residual_ubase"]) == 0
    assert int(world.state.account[0]["used_micros"]) == 0


def test_both_legs_are_written_in_the_turn_of_the_decision(world_of):
    world = world_of()
    world.market(6.5)
    assert len(world.shfe.sent) == len(world.otc.sent) == 1


def test_one_leg_part_filled_is_rehedged(world_of):
    world = world_of(faults={"SIM_SHFE": [{"at_order": 1, "do": "partial", "lots": 1}]})
    world.market(6.5)
    world.step(50)
    assert world.outcomes() == ["complete"]
    assert [order.lots for order in world.shfe.sent] == [3, 2]
    (repair,) = world.of_kind(records.REPAIR)
    assert repair["rung"] == records.PAY_UP
    assert repair["purpose"] == records.REHEDGE
    assert repair["cost_complete_micros"] < repair["cost_unwind_micros"]


def test_one_leg_rejected_for_good_is_rolled_back(world_of):
    rejects = [{"at_order": number, "do": "reject", "reason": "margin"} for number in (1, 2, 3)]
    world = world_of(demo_config(max_units=1), faults={"SIM_OTC": rejects})
    world.market(6.5)
    world.step(700)
    assert world.outcomes() == ["unwound"]
    assert (world.net(world.au), world.net(world.gc)) == (0, 0)
    assert world.alerts().count("rejected") == 3


def test_a_policy_that_unwinds_does_not_try_to_complete(world_of):
    config = with_repair(demo_config(max_units=1), on_partial="unwind")
    world = world_of(config, faults={"SIM_OTC": [{"at_order": 1, "do": "reject", "reason": "no"}]})
    world.market(6.5)
    world.step(60)
    assert world.outcomes() == ["unwound"]
    assert len(world.otc.sent) == 1


def test_nothing_filled_is_not_done_and_leaves_no_residual(world_of):
    faults = {name: [{"at_order": 1, "do": "nofill"}] for name in ("SIM_SHFE", "SIM_OTC")}
    world = world_of(demo_config(cooldown_ms=60_000), faults=faults)
    world.market(6.5)
    world.step(100)
    assert world.outcomes() == ["not_done"]
    assert int(world.state.spread[0]["residual_ubase"]) == 0


def test_a_lost_acknowledgement_is_doubt_then_a_query_and_never_a_resend(world_of):
    world = world_of(demo_config(max_units=1), faults={"SIM_OTC": [{"at_order": 1, "do": "delay_ms", "ms": 1500}]})
    world.market(6.5)
    world.step(900)
    assert "in_doubt" in world.alerts()
    assert len(world.otc.sent) == 1
    assert world.otc.queries >= 1
    world.step(1500)
    assert world.outcomes() == ["complete"]
    assert len(world.otc.sent) == 1


def test_while_a_leg_is_in_doubt_the_exposure_is_an_interval(world_of):
    world = world_of(demo_config(max_units=1))
    world.otc.deaf = True
    world.market(6.5)
    world.step(900)
    deal = list(world.deals().values())[-1]
    assert (deal["low_ubase"], deal["high_ubase"]) == (-3_000_000_000, 110_347_680)
    assert deal["state"] == records.OPENING  # no repair while nobody knows
    assert world.of_kind(records.REPAIR) == []
    world.otc.deaf = False
    world.step(2000)
    # The query's answer says what traded; its trades never come: a person must look, and nothing is made up.
    world.step(20_000, 50)
    assert world.outcomes() == ["halted"]
    assert int(list(world.deals().values())[-1]["reason"]) == records.HALT_TRADES
    assert world.loop.left_open()


def test_r1_cancelled_with_four_traded_before_its_trade_ends_at_the_target_and_not_beyond(world_of):
    world = world_of(demo_config(max_units=1), faults={"SIM_SHFE": [{"at_order": 1, "do": "partial", "lots": 1}]})
    world.shfe.deaf = True
    world.market(6.5)
    world.step(20)
    order = world.shfe.sent[0]
    base = {"venue": 0, "order_no": order.order_no, "client_id": order.client_id, "instrument": world.au,
            "side": SELL, "recv_ns": world.now_ns}  # fmt: skip
    world.loop.on_report(ExecReport(event=Event.CANCELLED, cum_lots=1, leaves_lots=0, **base))
    assert len(world.shfe.sent) == 1  # terminal, not settled: its trade is still to come
    world.shfe.deaf = False
    world.loop.on_report(
        ExecReport(event=Event.TRADE, cum_lots=1, last_lots=1, last_ticks=order.limit_ticks, trade_id="T1", **base)
    )
    world.step(50)
    assert [order.lots for order in world.shfe.sent] == [3, 2]
    assert world.net(world.au) == -3


def test_duplicate_reports_are_booked_once(world_of):
    world = world_of(demo_config(max_units=1), faults={"SIM_SHFE": [{"at_order": 1, "do": "duplicate"}]})
    world.market(6.5)
    world.step(50)
    assert world.outcomes() == ["complete"]
    assert len(world.of_kind(records.FILL)) == 2


@pytest.mark.parametrize("do", ["trade_before_ack", "terminal_before_trade", "drop_ack"])
def test_reports_out_of_order_lead_to_the_same_end(world_of, do):
    world = world_of(demo_config(max_units=1), faults={"SIM_SHFE": [{"at_order": 1, "do": do}]})
    world.market(6.5)
    world.step(200)
    assert world.outcomes() == ["complete"]


def test_a_late_fill_reopens_the_deal_and_is_repaired(world_of):
    late = [{"at_order": 1, "do": "late_fill_ms", "ms": 60}]
    nothing = [{"at_order": 1, "do": "nofill"}]
    world = world_of(
        with_repair(demo_config(cooldown_ms=60_000), on_partial="unwind"),
        faults={"SIM_SHFE": late, "SIM_OTC": nothing},
    )
    world.market(6.5)
    world.step(40)
    assert world.outcomes() == ["not_done"]
    world.step(200)
    assert world.outcomes() == ["unwound"]
    assert "late_fill" in world.alerts()
    assert world.net(world.au) == 0


def test_a_link_that_breaks_in_flight_puts_its_orders_in_doubt_and_they_are_asked_for(world_of):
    world = world_of(demo_config(max_units=1))
    world.otc.deaf = True
    world.market(6.5)
    world.step(4, 2)
    world.loop.on_link(1, TRADING, DOWN, world.now_ns, "reset by peer")
    assert int(world.state.venue[1]["in_doubt"]) == 1
    sent = len(world.otc.sent)
    world.step(100)
    assert world.otc.queries == 0  # nobody is there to be asked
    world.otc.deaf = False
    world.loop.on_link(1, TRADING, READY, world.now_ns, "back")
    for report in world.otc.matching.trades("us") + world.otc.matching.orders("us"):
        world.otc.report(report)
    world.step(100)
    assert world.outcomes() == ["complete"]
    assert len(world.otc.sent) == sent
    assert int(world.state.venue[1]["in_doubt"]) == 0


def test_a_send_that_fails_is_no_order_and_the_other_leg_is_repaired(world_of):
    config = with_repair(demo_config(max_units=1), on_partial="unwind")
    world = world_of(config)
    world.otc.down = True
    world.market(6.5)
    world.step(100)
    assert world.outcomes() == ["unwound"]
    assert world.otc.sent == []
    events = [int(row["event"]) for row in world.of_kind(records.REPORT)]
    assert Event.SEND_FAILED in events


def test_naked_over_its_limit_is_halted_and_a_person_is_told(world_of):
    rejects = [{"every": 1, "do": "reject", "reason": "closed"}]
    world = world_of(
        with_repair(demo_config(max_units=1), naked_limit_ms=500, max_tries=50, pay_up_ticks=[1]),
        faults={"SIM_OTC": rejects, "SIM_SHFE": [{"at_order": n, "do": "reject"} for n in range(2, 40)]},
    )
    world.market(6.5)
    world.step(1500)
    assert world.outcomes() == ["halted"]
    assert "halted" in world.alerts()
    assert world.loop.left_open()
    sent = len(world.otc.sent)
    world.market(6.5)
    world.step(1000)
    assert len(world.otc.sent) == sent  # its strategy has stopped


def test_r2_a_local_reject_is_tried_a_bounded_number_of_times(world_of):
    rejects = [{"every": 1, "do": "reject", "reason": "never"}]
    world = world_of(demo_config(max_units=1), faults={"SIM_OTC": rejects, "SIM_SHFE": []})
    world.market(6.5)
    for _ in range(20):
        world.step(50)
        world.market(6.5)
    per_deal = len(world.otc.sent) / max(len(world.deals()), 1)
    assert per_deal <= 1 + world.config.strategies[0].repair.max_tries


def test_a_stop_while_unbalanced_repairs_first(world_of):
    world = world_of(
        with_repair(demo_config(max_units=1), on_partial="unwind"),
        faults={"SIM_OTC": [{"at_order": 1, "do": "reject", "reason": "no"}]},
    )
    world.market(6.5)
    world.loop.on_command(records.COMMAND_STOP, 0, -1, "test", "end of the day", world.now_ns)
    assert not world.loop.is_quiet()
    world.step(200)
    assert world.loop.is_quiet()
    assert world.loop.left_open() == []
    world.market(6.8)
    world.step(200)
    assert len(world.deals()) == 1  # no new risk after the stop


def test_a_foreign_order_is_an_alert_and_is_not_touched(world_of):
    world = world_of(faults={"SIM_SHFE": [{"at_order": 1, "do": "foreign_order", "lots": 1}]})
    world.market(6.5)
    before = world.shfe.cancels
    world.step(100)
    assert "foreign_order" in world.alerts()
    assert world.shfe.cancels == before
    assert world.net(world.au) == -3
    # The exchange's account holds the other program's lot too; ours does not.
    world.shfe.matching.positions("us")
    world.venue_net = lambda instrument: world.net(instrument)


def test_a_bust_takes_the_fill_back_and_the_deal_is_repaired(world_of):
    world = world_of(with_repair(demo_config(cooldown_ms=60_000), on_partial="unwind"))
    world.market(6.5)
    world.step(50)
    assert world.outcomes() == ["complete"]
    trade = next(report for report in world.otc.told if report.event == Event.TRADE)
    world.loop.on_report(
        ExecReport(
            venue=1, order_no=trade.order_no, client_id=trade.client_id, instrument=world.gc, event=Event.BUST,
            cum_lots=0, last_lots=1, last_ticks=trade.last_ticks, trade_id=trade.trade_id, side=BUY,
            recv_ns=world.now_ns,
        )
    )  # fmt: skip
    world.step(100)
    assert world.outcomes() == ["unwound"]
    assert world.net(world.au) == 0
    world.venue_net = lambda instrument: world.net(instrument)  # the exchange here knows nothing of the bust


def test_a_deal_halted_in_doubt_of_which_nothing_traded_blocks_nobody_afterwards(world_of):
    config = with_repair(demo_config(max_units=1), naked_limit_ms=1500)
    world = world_of(config, faults={name: [{"at_order": 1, "do": "nofill"}] for name in ("SIM_SHFE", "SIM_OTC")})
    world.shfe.deaf = world.otc.deaf = True
    world.market(6.5)
    world.step(4000, 50)
    assert world.outcomes() == ["halted"]
    assert int(world.state.head["unbalanced_deals"]) == 1
    world.shfe.deaf = world.otc.deaf = False
    world.step(10_000, 50)
    assert world.outcomes() == ["not_done"]
    assert int(world.state.head["unbalanced_deals"]) == 0


def test_a_venue_that_refuses_every_cancel_is_asked_with_growing_pauses(world_of):
    world = world_of(demo_config(max_units=1, deadline_ms=100))
    world.shfe.deaf = True
    world.market(6.5)
    order = world.shfe.sent[0]
    own = {"venue": 0, "order_no": order.order_no, "client_id": order.client_id, "instrument": world.au, "side": SELL}
    for _ in range(300):
        world.loop.on_report(ExecReport(event=Event.ACK, recv_ns=world.now_ns, **own))
        world.step(50)
        world.loop.on_report(ExecReport(event=Event.CANCEL_REJECTED, recv_ns=world.now_ns, **own))
        world.step(50)
    assert world.shfe.cancels + world.shfe.queries < 20  # in 30 seconds
    assert world.alerts().count("halted") == 1
    world.venue_net = lambda instrument: world.net(instrument)  # the exchange has filled what we were never told of


def test_what_a_venue_fills_beyond_the_order_is_sold_back_and_the_deal_is_not_doubled(world_of):
    world = world_of(demo_config(max_units=1))
    world.shfe.deaf = True
    world.market(6.5)
    world.step(20)
    order = world.shfe.sent[0]
    world.shfe.deaf = False
    world.loop.on_report(
        ExecReport(
            venue=0, order_no=order.order_no, client_id=order.client_id, instrument=world.au, side=SELL,
            event=Event.TRADE, cum_lots=4, last_lots=4, last_ticks=order.limit_ticks, trade_id="T4",
            recv_ns=world.now_ns,
        )
    )  # fmt: skip
    world.step(200)
    assert "over_fill" in world.alerts()
    assert world.outcomes() == ["complete"]
    assert (world.net(world.au), world.net(world.gc)) == (-3, 1)
    world.venue_net = lambda instrument: world.net(instrument)  # the exchange itself filled three


def test_a_stale_leg_is_never_traded_on(world_of):
    world = world_of()
    world.quote(world.fx, 68_960, 68_961, 500)
    world.quote(world.gc, 13_950, 13_951)
    world.step(4000, 50)
    ticks = round((1395.05 / 31.1034768 * 6.89605 + 6.5) / 0.02)
    world.quote(world.au, ticks, ticks + 1)
    world.step(100)
    assert world.of_kind(records.DECISION) == []
    last = world.of_kind(records.SPREAD)[-1]
    assert last["blocked"] & records.STALE


def test_a_denied_decision_sends_nothing_and_says_why(world_of):
    world = world_of()
    world.quote(world.fx, 68_960, 68_961, 500)
    world.quote(world.gc, 13_948, 13_951)  # three ticks wide: over 1 bps
    ticks = round((1395.05 / 31.1034768 * 6.89605 + 6.8) / 0.02)
    world.quote(world.au, ticks, ticks + 1)
    (verdict,) = world.of_kind(records.VERDICT)
    assert (int(verdict["cleared"]), int(verdict["reason"]), int(verdict["leg"])) == (0, 20, 1)
    assert world.shfe.sent == world.otc.sent == []


def test_a_bad_input_is_counted_and_journalled_and_the_engine_goes_on(world_of):
    world = world_of()
    world.loop.on_bad_input(0, "expected an object at quotes, got 7", b"{}", world.now_ns)
    world.market(6.5)
    world.step(50)
    assert world.loop.bad_inputs == [1, 0]
    assert world.of_kind(records.BAD_INPUT)[0]["raw"] == "7b7d"
    assert world.outcomes() == ["complete"]


def test_a_restart_with_an_order_in_flight_asks_and_sends_nothing_twice(world_of):
    world = world_of(demo_config(max_units=1))
    world.otc.deaf = True
    world.market(6.5)
    world.step(20)
    _, loop = world.replayed()
    # The process died here: another loop, with the same past, takes over under a new epoch.
    loop.core.journal, loop.core.gateways = world.journal, world.gateways
    world.loop = loop
    world.otc.deaf = False
    world.start(2)
    assert [bool(row["in_doubt"]) for row in map(loop.core.state.order_row, loop.core.live_orders)] == [True]
    for report in world.otc.matching.trades("us") + world.otc.matching.orders("us"):
        world.otc.report(report)
    world.step(100)
    assert world.outcomes() == ["complete"]
    assert len(world.otc.sent) == 1
    world.market(5.98)
    world.step(200)
    assert world.otc.sent[-1].order_no >> 32 == 2


def test_a_journal_without_room_halts_instead_of_trading_unrecorded(world_of):
    world = world_of()
    world.journal.writer["capacity"] = int(world.journal.writer["offset"][0]) + 120_000
    world.loop.on_timer(world.now_ns + MS)
    world.market(6.5)
    world.journal.writer["capacity"] = len(world.journal.buffer)
    assert "no_room" in world.alerts()
    assert world.shfe.sent == []
    (verdict,) = world.of_kind(records.VERDICT)
    assert int(verdict["reason"]) == 24
