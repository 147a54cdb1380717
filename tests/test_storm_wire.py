"""The storm's wires and venue: what each treatment makes of an order, as the engine's side hears it."""

import pytest

from bench.storm.treatment import Treatment
from engine.ports import CONNECTED, DAY, DOWN, FAILED, MARKET_DATA, READY, SELL
from tests.storm_world import MS, Alone, Storm

BOTH = pytest.mark.parametrize("protocol", ["diff", "fix44"])


@BOTH
def test_an_order_is_acknowledged_and_trades(protocol):
    one = Alone(protocol)
    one.placed()
    assert one.ear.events()[:2] == ["ACK", "TRADE"]
    trade = next(report for report in one.ear.reports() if report.last_lots)
    assert (trade.last_lots, trade.last_ticks, trade.trade_id) == (4, 31_004, "T00000001")
    assert one.venue.net(0) == 4 and one.venue.is_quiet()
    assert (one.venue.counts.orders, one.venue.counts.cancels) == (1, 0)


@BOTH
def test_each_way_takes_its_latency(protocol):
    one = Alone(protocol)
    start_ns = one.clock.now_ns
    one.placed()
    first = one.ear.reports()[0]
    assert (first.venue_ns - start_ns, first.recv_ns - start_ns) == (2 * MS, 5 * MS)


@BOTH
def test_a_refused_order_is_told_with_the_reason(protocol):
    one = Alone(protocol, reject="no permission")
    one.placed()
    assert one.ear.told() == [("REJECTED", 0)] and one.ear.reports()[0].reason == "no permission"


def test_an_order_may_be_refused_after_it_was_accepted():
    one = Alone("fix44", reject="no margin", reject_late=True)
    order = one.placed()
    assert one.ear.told() == [("ACK", 0), ("REJECTED", 0)]
    one.ear.calls.clear()
    one.query(order)
    one.wait(30)
    assert one.ear.events() == ["DONE"] and one.venue.counts.queries == 1


@BOTH
def test_an_order_trades_in_part_and_ends(protocol):
    one = Alone(protocol, at_most_lots=1)
    one.placed()
    assert one.ear.told()[-1] == ("CANCELLED", 1) and one.venue.net(0) == 1


@BOTH
def test_an_ioc_stays_working_until_it_is_cancelled(protocol):
    one = Alone(protocol, stuck=True)
    order = one.placed()
    one.wait(500)
    assert one.ear.told() == [("ACK", 0)]
    one.cancel(order)
    one.wait(30)
    assert one.ear.told()[-1] == ("CANCELLED", 0) and one.venue.counts.cancels == 1


@BOTH
def test_an_order_fills_when_its_cancel_arrives(protocol):
    one = Alone(protocol, stuck=True, fill_at_cancel_lots=4)
    one.cancel(one.placed())
    one.wait(30)
    assert "TRADE" in one.ear.events() and "CANCELLED" not in one.ear.events() and one.venue.net(0) == 4
    assert protocol == "diff" or one.ear.events()[-1] == "CANCEL_REJECTED"  # DIFF refuses in words for people


@BOTH
def test_an_order_fills_in_part_when_its_cancel_arrives_and_the_rest_ends(protocol):
    one = Alone(protocol, stuck=True, fill_at_cancel_lots=3)
    one.cancel(one.placed())
    one.wait(30)
    assert one.ear.told()[-1] == ("CANCELLED", 3) and one.venue.net(0) == 3


def test_a_cancel_is_refused_and_the_next_one_taken():
    one = Alone("fix44", stuck=True, refuse_cancels=1)
    order = one.placed()
    for _ in range(2):
        one.cancel(order)
        one.wait(30)
    assert one.ear.events() == ["ACK", "CANCEL_REJECTED", "CANCELLED"]


@BOTH
def test_a_lost_order_is_unknown_to_the_venue(protocol):
    one = Alone(protocol, lose_order=True)
    order = one.placed()
    assert one.ear.reports() == []
    one.wait(4_000)
    one.query(order)
    one.wait(1_000)
    one.query(order)  # DIFF takes a fresh snapshot first
    one.wait(30)
    assert one.ear.events()[-1] == "UNKNOWN_ORDER" and one.venue.net(0) == 0


def test_dropped_reports_are_found_out_by_a_query():
    one = Alone("fix44", drop_reports=True)
    order = one.placed()
    assert one.ear.reports() == []
    one.query(order)
    one.wait(30)
    assert one.ear.told() == [("DONE", 4)]


def test_dropped_reports_are_found_out_by_diff_in_a_fresh_snapshot():
    one = Alone("diff", drop_reports=True)
    order = one.placed()
    one.wait(4_000)
    one.query(order)
    one.wait(1_000)
    assert one.ear.links() == [DOWN, CONNECTED, READY] and one.ear.told() == [("TRADE", -1), ("DONE", 4)]


@pytest.mark.parametrize(
    ("treatment", "told"),
    [
        ({"drop_ack": True}, [("TRADE", 4)]),
        ({"duplicate": True}, [("ACK", 0), ("ACK", 0), ("TRADE", 4), ("TRADE", 4)]),
        ({"trade_before_ack": True}, [("TRADE", 4), ("ACK", 0)]),
        ({"terminal_before_trade": True}, [("ACK", 0), ("DONE", 4), ("TRADE", 4)]),
        ({"late_fill_ms": 10.0}, [("ACK", 0), ("CANCELLED", 0), ("TRADE", 4)]),
        ({"reject_then_ack": True}, [("REJECTED", 0), ("ACK", 0), ("TRADE", 4)]),
        ({"amend_lots": 6}, [("ACK", 0), ("AMENDED", 0), ("TRADE", 6)]),
        ({"amend_lots": 3}, [("ACK", 0), ("AMENDED", 0), ("TRADE", 3)]),
    ],
)
def test_what_fix_hears_of_a_treated_order(treatment, told):
    one = Alone("fix44", **treatment)
    one.placed()
    assert one.ear.told() == told


@pytest.mark.parametrize(
    ("treatment", "told"),
    [
        ({"terminal_before_trade": True, "gap_ms": 12.0}, [("ACK", 0), ("DONE", 4), ("TRADE", -1)]),
        ({"late_fill_ms": 10.0}, [("ACK", 0), ("CANCELLED", 0), ("TRADE", -1), ("DONE", 4)]),
        ({"reject_then_ack": True}, [("REJECTED", 0), ("TRADE", -1), ("DONE", 4)]),
    ],
)
def test_what_diff_hears_of_a_treated_order(treatment, told):
    one = Alone("diff", **treatment)
    one.placed()
    assert one.ear.told() == told


def test_delayed_reports_come_later():
    one = Alone("fix44", delay_ms=100.0)
    one.placed()
    assert one.ear.reports() == [] and not one.venue.is_quiet()
    one.wait(100)
    assert one.ear.events() == ["ACK", "TRADE"]


@BOTH
def test_a_trade_may_share_its_id_with_one_of_the_other_side(protocol):
    one = Alone(protocol)
    one.placed()
    one.treatment = Treatment(shared_trade_id=True)
    one.placed(side=SELL, ticks=31_000)
    ids = [report.trade_id for report in one.ear.reports() if report.last_lots]
    assert ids == ["T00000001", "T00000001"] and one.venue.net(0) == 0


def test_a_bust_puts_the_account_back():
    one = Alone("fix44", bust_after_ms=100.0)
    before = one.venue.account(one.venue.owner)
    one.placed()
    one.wait(200)
    assert one.ear.told()[-1] == ("BUST", 0) and one.ear.reports()[-1].trade_id == "T00000001"
    assert one.venue.net(0) == 0 and one.venue.trades() == []
    assert one.venue.account(one.venue.owner).balance_micros == before.balance_micros


def test_a_correction_changes_a_trades_size_and_price():
    one = Alone("fix44", correct_after_ms=100.0, correct_lots=-1, correct_ticks=2)
    one.placed()
    one.wait(200)
    last = one.ear.reports()[-1]
    assert one.ear.told()[-1] == ("CORRECT", 3) and (last.last_lots, last.last_ticks) == (3, 31_006)
    assert one.venue.net(0) == 3 and [trade.last_lots for trade in one.venue.trades()] == [3]


def test_diff_has_no_bust():
    one = Alone("diff", bust_after_ms=100.0)
    with pytest.raises(ValueError, match="neither bust nor correction"):
        one.placed()


@BOTH
def test_somebody_else_trades_the_account(protocol):
    one = Alone(protocol, foreign_lots=-2)
    one.placed()
    assert one.venue.net(0) == 2 and one.venue.foreign_lots == {0: -2}
    assert {report.order_no for report in one.ear.reports() if report.client_id.startswith("FOREIGN")} == {0}


@BOTH
def test_an_order_in_flight_is_lost_with_the_connection(protocol):
    one = Alone(protocol)
    order = one.order()
    one.venue.cut("pulled", lose_in_flight=True)
    one.wait(50)
    assert one.ear.links() == [DOWN] and one.venue.counts.orders == 0
    gateway = one.venue.gateway
    assert gateway.write(gateway.encode_order(order, one.clock.now_ns)) == FAILED
    one.venue.join()
    one.wait(50)
    assert one.ear.links() == [DOWN, CONNECTED, READY] == one.ear.links(MARKET_DATA)
    one.query(order)
    one.wait(50)
    assert one.ear.events()[-1] == "UNKNOWN_ORDER" or protocol == "diff"
    assert one.venue.net(0) == 0


@BOTH
def test_a_fill_that_was_missed_comes_with_the_next_connection(protocol):
    """FIX by its resend, under the numbers that are missing; DIFF by its snapshot."""
    one = Alone(protocol)
    one.order()
    one.venue.cut("pulled", lose_in_flight=False)
    one.wait(50)
    assert one.ear.reports() == [] and one.venue.net(0) == 4
    one.venue.join()
    one.wait(50)
    trades = [report for report in one.ear.reports() if report.last_lots]
    assert [(trade.trade_id, trade.last_lots) for trade in trades] == [("T00000001", 4)]
    assert one.ear.links() == [DOWN, CONNECTED, READY] and one.venue.is_quiet()
    one.ear.calls.clear()
    one.placed(side=SELL, ticks=31_000)
    assert "TRADE" in one.ear.events()


@BOTH
def test_a_connection_that_breaks_twice_at_once_is_made_again(protocol):
    one = Alone(protocol)
    one.order()
    one.venue.cut("pulled", lose_in_flight=False)
    one.venue.cut("and the other end too", lose_in_flight=True)
    one.venue.join()
    one.wait(50)
    assert one.ear.links()[-2:] == [CONNECTED, READY] and one.venue.net(0) == 0


@BOTH
def test_a_process_that_died_hears_nothing_and_the_next_one_hears_of_its_orders(protocol):
    one = Alone(protocol)
    order = one.order()
    dead = one.ear
    one.ear = type(dead)()
    one.venue.rebind(one.ear)
    one.wait(50)
    assert dead.calls == [] and one.venue.net(0) == 4
    one.venue.join()
    one.wait(50)
    assert dead.calls == [] and one.ear.links() == [CONNECTED, READY]
    assert [report.client_id for report in one.ear.reports() if report.last_lots] == [order.client_id]


@BOTH
def test_silence_is_no_beat_and_no_bytes(protocol):
    one = Alone(protocol)
    one.venue.beat()
    assert [call[0] for call in one.ear.calls] == ["on_heard", "on_heard"]
    one.venue.silence(True)
    one.venue.beat()
    one.placed()
    assert len(one.ear.calls) == 2 and one.venue.counts.orders == 0


@BOTH
def test_a_closed_contract_takes_no_order_and_a_locked_one_no_buyer(protocol):
    one = Alone(protocol)
    one.venue.set_closed(0)
    one.placed()
    assert one.ear.events() == ["REJECTED"]
    one.venue.quote(0, 31_000, 6, 31_004, 6)
    one.venue.lock(0, limit_up=True)
    one.placed()
    assert one.ear.told()[-1] == ("CANCELLED", 0)
    quote = [call for call in one.ear.calls if call[0] == "on_quote"][-1]
    assert quote[2:6] == (31_000, 6, 0, 0) and quote[-1] == (4 if protocol == "diff" else 0)


@BOTH
def test_a_resting_order_fills_when_the_market_comes(protocol):
    one = Alone(protocol)
    one.placed(ticks=31_001, tif=DAY)
    one.venue.quote(0, 30_996, 6, 31_000, 6)
    one.wait(30)
    assert "TRADE" in one.ear.events() and one.venue.net(0) == 4


def test_the_loop_trades_both_legs_over_both_protocols():
    storm = Storm()
    storm.market(6.0)
    storm.step(50)
    storm.market(6.5)
    storm.step(300)
    assert (storm.venue_net(storm.au), storm.venue_net(storm.gc)) == (-3, 1)
    assert (storm.net(storm.au), storm.net(storm.gc)) == (-3, 1)
    assert storm.loop.is_quiet() and all(venue.is_quiet() for venue in storm.venues)
    assert storm.loop.bad_inputs == [0, 0]


def test_the_loop_learns_after_a_cut_what_was_filled_meanwhile():
    storm = Storm()
    storm.market(6.0)
    storm.step(50)
    storm.market(6.5)
    storm.clock.pump(storm.clock.now_ns + 3 * MS)  # quotes have arrived, orders are under way
    storm.venues[1].cut("pulled", lose_in_flight=False)
    storm.step(300)
    assert storm.venue_net(storm.gc) == 1 and storm.net(storm.gc) == 0
    storm.venues[1].join()
    storm.step(300)
    assert storm.net(storm.gc) == 1 and storm.net(storm.au) == storm.venue_net(storm.au)


def fingerprint() -> tuple:
    storm = Storm()
    storm.treat[1] = lambda order: Treatment(stuck=True, at_most_lots=1, duplicate=True)
    for spread in (6.0, 6.5, 6.0, 6.6):
        storm.market(spread)
        storm.step(200)
    storm.venues[0].cut("pulled", lose_in_flight=True)
    storm.step(100)
    storm.venues[0].join()
    storm.step(300)
    pipes = [pipe for venue in storm.venues for line in venue.lines for pipe in (line.out, line.back)]
    return storm.loop.core.state.snapshot(), [(pipe.count, pipe.size_bytes) for pipe in pipes]


def test_the_same_calls_make_the_same_bytes():
    assert fingerprint() == fingerprint()
