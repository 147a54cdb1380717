"""The catalogue's rows of what a venue says of an order: late, early, twice, contradicted, taken back, or nothing."""

import pytest

from bench.storm.treatment import Treatment
from engine import records
from engine.ports import Event, ExecReport
from tests.catalogue_world import Desk, gold, ratio

pytestmark = pytest.mark.slow

AU_FIRST = pytest.mark.parametrize("leg", ["au over DIFF", "gc over FIX"])
THREE_LOTS_SHORT = (-3, 1)


def test_f01_a_fill_while_the_cancel_is_in_flight_is_booked_and_hedged(desk_of):
    """An order that hangs is cancelled at its deadline, and fills whole as the cancel arrives."""
    desk = desk_of(gold(deadline_ms=100))
    desk.script(desk.shfe, {1: Treatment(stuck=True, fill_at_cancel_lots=3)})
    desk.market(6.5)
    desk.step(600)
    assert desk.shfe.counts.cancels == 1
    assert (desk.orders(desk.au), desk.orders(desk.gc)) == ([-3], [1])
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)


def test_f01_the_far_leg_fills_while_its_cancel_is_in_flight_and_the_cancel_is_refused(desk_of):
    desk = desk_of(gold(deadline_ms=100))
    desk.script(desk.otc, {1: Treatment(stuck=True, fill_at_cancel_lots=1)})
    desk.market(6.5)
    desk.step(600)
    assert (desk.otc.counts.cancels, desk.otc.counts.orders) == (1, 1)
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)


def test_f01_a_part_that_fills_while_the_cancel_is_in_flight_counts_and_the_rest_is_hedged(desk_of):
    desk = desk_of(gold(deadline_ms=100))
    desk.script(desk.shfe, {1: Treatment(stuck=True, fill_at_cancel_lots=1)})
    desk.market(6.5)
    desk.step(600)
    assert desk.orders(desk.au) == [-3, -2]
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)


def test_f02_r1_fourteen_of_ten_becomes_ten(desk_of):
    """The order's end with 4 of 10 traded comes 300 ms before the trades: nothing new is sent on half the story."""
    desk = desk_of(ratio(gold(), 10, -3, residual_bound=700))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=4, terminal_before_trade=True, gap_ms=300)})
    desk.market(6.5)
    desk.step(200)
    states = [row for row in desk.of_kind(records.ORDER_STATE) if row["total_lots"] == 10]
    assert (int(states[-1]["cum_lots"]), int(states[-1]["booked_lots"]), int(states[-1]["settled"])) == (4, 0, 0)
    assert desk.orders(desk.au) == [-10]
    desk.step(400)
    assert desk.orders(desk.au) == [-10, -6]
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-10, 3))


def test_f02_the_far_legs_end_before_its_trade_is_not_settled_until_the_trade_has_come(desk_of):
    desk = desk_of(gold(clip_units=2, max_units=2))
    desk.script(desk.otc, {1: Treatment(at_most_lots=1, terminal_before_trade=True, gap_ms=300)})
    desk.market(6.5)
    desk.step(200)
    assert (desk.orders(desk.gc), desk.outcomes()) == ([2], ["open"])
    desk.step(400)
    assert desk.orders(desk.gc) == [2, 1]
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-6, 2))


@AU_FIRST
def test_f03_a_late_fill_after_the_deals_end_reopens_it_in_repair_and_is_told(desk_of, leg):
    desk = desk_of(gold({"on_partial": "unwind"}))
    late, other = (desk.shfe, desk.otc) if leg.startswith("au") else (desk.otc, desk.shfe)
    desk.script(late, {1: Treatment(late_fill_ms=200)})
    desk.script(other, {1: Treatment(at_most_lots=0)})
    desk.market(6.5)
    desk.step(100)
    assert desk.outcomes() == ["not_done"]
    desk.step(600)
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))
    assert desk.alerts().count("late_fill") == 1
    assert desk.residual_g() == 0.0
    late_fills = [int(row["lots"]) for row in desk.of_kind(records.FILL) if row["flags"] & records.FILL_LATE]
    assert late_fills == ([3] if leg.startswith("au") else [1])


def test_f02_trades_that_are_never_told_are_asked_for_and_then_handed_to_a_person(desk_of):
    """The answer to a query says that 1 lot traded; in which trade it does not say, and nothing is made up."""
    desk = desk_of(gold({"naked_limit_ms": 60_000}))
    desk.script(desk.otc, {1: Treatment(drop_reports=True)})
    desk.market(6.5)
    desk.step(30_000, 50, keep_ms=500)
    assert desk.halts() == ["the venue never told of all its trades"]
    assert (desk.nets(), desk.otc.counts.orders) == (THREE_LOTS_SHORT, 1)
    assert sum(int(row["lots"]) for row in desk.of_kind(records.FILL)) == 3
    assert desk.otc.counts.queries <= 8


def test_f03_a_late_fill_of_one_leg_of_a_complete_deal_is_sold_back(desk_of):
    """The venue fills 2 lots more of an order that it had called cancelled at none, after its repair had filled."""
    desk = desk_of()
    desk.script(desk.shfe, {1: Treatment(late_fill_ms=700)})
    desk.market(6.5)
    desk.step(600)
    assert (desk.outcomes(), desk.nets(), desk.venue_net(desk.au)) == (["complete"], THREE_LOTS_SHORT, -6)
    desk.step(600)
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)
    assert desk.orders(desk.au) == [-3, -3, 3]
    assert desk.alerts().count("late_fill") == 1


def test_f04_r3_a_trade_before_the_order_report_is_booked_and_no_error(desk_of):
    desk = desk_of()
    desk.script(desk.otc, {1: Treatment(trade_before_ack=True, gap_ms=100)})
    desk.market(6.5)
    desk.step(400)
    events = [int(row["event"]) for row in desk.of_kind(records.REPORT) if row["venue"] == 1]
    assert events == [Event.TRADE, Event.ACK]
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)
    assert "bad_input" not in desk.alerts()


@AU_FIRST
def test_f04_rejected_and_then_accepted_follows_the_fills(desk_of, leg):
    """REJECTED is told at once, 60 ms later the truth: all of it traded. Both fills count, none is sent twice."""
    desk = desk_of(gold({"retry_ms": 1_000, "pay_up_ticks": [1]}))
    contradicted = desk.shfe if leg.startswith("au") else desk.otc
    desk.script(contradicted, {1: Treatment(reject_then_ack=True, delay_ms=60)})
    desk.market(6.5)
    desk.step(3_000, keep_ms=500)
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)
    assert "rejected" in desk.alerts()
    booked = sum(int(row["lots"]) for row in desk.of_kind(records.FILL) if row["purpose"] < records.REHEDGE)
    assert booked == 4


def early(desk: Desk, event: int, **fields) -> None:
    """A report under nothing but the venue's own id of the order."""
    report = {"venue": 1, "order_no": 0, "client_id": "", "instrument": desk.gc, "side": 1, "recv_ns": desk.now_ns}
    desk.loop.on_report(ExecReport(event=event, venue_order_id="V77", **(report | fields)))


def test_f04_a_report_under_the_venues_own_id_waits_for_the_one_that_names_the_order(desk_of):
    desk = desk_of()
    desk.script(desk.otc, {1: Treatment(drop_reports=True)})
    desk.market(6.5)
    desk.step(100)
    (order,) = desk.sent[1]
    early(desk, Event.TRADE, cum_lots=1, last_lots=1, last_ticks=13_951, trade_id="T-early")
    assert (desk.net(desk.gc), desk.alerts().count("foreign_order")) == (0, 0)
    row = desk.state.order_row(next(iter(desk.loop.core.live_orders)))
    early(desk, Event.ACK, order_no=int(row["order_no"]), client_id=order.client_id, cum_lots=0)
    assert (desk.net(desk.gc), desk.outcomes()) == (1, ["complete"])
    early(desk, Event.TRADE, cum_lots=1, last_lots=1, last_ticks=13_951, trade_id="T-early")  # once more, by its id
    assert (desk.net(desk.gc), len(desk.of_kind(records.FILL))) == (1, 2)


def test_f04_a_report_under_a_venues_id_that_no_order_gets_is_told_as_foreign(desk_of):
    desk = desk_of()
    early(desk, Event.TRADE, cum_lots=1, last_lots=1, last_ticks=13_951, trade_id="T-theirs")
    desk.step(700)
    assert "foreign_order" not in desk.alerts()
    desk.step(200)
    assert desk.alerts().count("foreign_order") == 1
    assert (desk.nets(), desk.shfe.counts.orders, desk.otc.counts.orders) == ((0, 0), 0, 0)


@AU_FIRST
def test_f05_duplicate_reports_are_booked_once(desk_of, leg):
    desk = desk_of()
    desk.script(desk.shfe if leg.startswith("au") else desk.otc, {}, Treatment(duplicate=True))
    desk.market(6.5)
    desk.step(300)
    assert (desk.outcomes(), desk.nets(), len(desk.of_kind(records.FILL))) == (["complete"], THREE_LOTS_SHORT, 2)


@AU_FIRST
def test_f05_what_is_replayed_after_a_reconnect_is_booked_once(desk_of, leg):
    """The trades were told; then the link breaks, and the snapshot (DIFF) or the resend (FIX) brings them again."""
    desk = desk_of()
    desk.market(6.5)
    desk.step(300)
    venue = desk.shfe if leg.startswith("au") else desk.otc
    for _ in range(3):
        venue.cut("pulled")
        desk.step(50)
        venue.join()
        desk.step(300)
    assert (desk.outcomes(), desk.nets(), len(desk.of_kind(records.FILL))) == (["complete"], THREE_LOTS_SHORT, 2)
    assert (desk.shfe.counts.orders, desk.otc.counts.orders) == (1, 1)
    assert "position_drift" not in desk.alerts()


@AU_FIRST
def test_f06_both_sides_of_one_trade_id_are_both_booked(desk_of, leg):
    """The exit's trade has the id of the entry's, as where both sides of a self-trade share one (SHFE)."""
    desk = desk_of(gold(cooldown_ms=100))
    desk.script(desk.shfe if leg.startswith("au") else desk.otc, {2: Treatment(shared_trade_id=True)})
    desk.market(6.5)
    desk.step(300)
    desk.market(5.98)
    desk.step(300)
    mine = desk.au if leg.startswith("au") else desk.gc
    fills = [row for row in desk.of_kind(records.FILL) if row["instrument"] == mine]
    assert len(fills) == 2 and fills[0]["trade_id"] == fills[1]["trade_id"]
    assert (desk.outcomes(), desk.nets()) == (["complete", "complete"], (0, 0))


def test_f13_a_lost_order_is_in_doubt_asked_for_and_never_resent(desk_of):
    """Nobody answers the far leg's order: an interval until its query is answered, then what is missing is hedged."""
    desk = desk_of()
    desk.script(desk.otc, {1: Treatment(lose_order=True)})
    desk.market(6.5)
    desk.step(780)
    assert "in_doubt" not in desk.alerts()
    desk.step(40)
    deal = desk.deals()[0]
    assert (int(deal["low_ubase"]), int(deal["high_ubase"])) == (-3_000_000_000, 110_347_680)
    assert (desk.alerts().count("in_doubt"), desk.otc.counts.queries, desk.rungs()) == (1, 0, [])
    desk.step(1_000, keep_ms=500)
    assert desk.otc.counts.queries >= 1
    assert desk.orders(desk.gc) == [1, 1]  # the second one only after the venue has said that it knows no first
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)


@pytest.mark.parametrize(
    "treatment", [{"drop_reports": True}, {"delay_ms": 1_500}, {"drop_ack": True, "delay_ms": 900}]
)
def test_f13_a_fill_of_which_nothing_was_told_in_time_is_found_and_not_sent_again(desk_of, treatment):
    desk = desk_of()
    desk.script(desk.otc, {1: Treatment(**treatment)})
    desk.market(6.5)
    desk.step(4_000, keep_ms=500)
    assert (desk.otc.counts.orders, desk.shfe.counts.orders) == (1, 1)
    assert desk.alerts().count("in_doubt") == 1
    assert desk.nets() == THREE_LOTS_SHORT


def test_f13_no_answer_to_a_cancel_is_doubt_and_a_query_settles_it(desk_of):
    desk = desk_of(gold({"on_partial": "unwind"}, deadline_ms=100))
    desk.script(desk.otc, {1: Treatment(stuck=True, drop_reports=True, drop_ack=False)})
    desk.market(6.5)
    desk.step(3_000, keep_ms=500)
    assert desk.otc.counts.orders == 1
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))


def test_f20_a_quantity_that_the_venue_raises_is_followed_and_the_surplus_sold_back(desk_of):
    desk = desk_of()
    desk.script(desk.otc, {1: Treatment(amend_lots=2)})
    desk.market(6.5)
    desk.step(400)
    assert desk.orders(desk.gc) == [1, -1]
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)


def test_f20_a_quantity_that_the_venue_lowers_is_followed_and_the_rest_bought(desk_of):
    """remaining = new total - the venue's cumulative: 2 asked, restated to 1, 1 filled; nothing waits for the other."""
    desk = desk_of(gold(clip_units=2, max_units=2))
    desk.script(desk.otc, {1: Treatment(amend_lots=1)})
    desk.market(6.5)
    desk.step(400)
    assert desk.orders(desk.gc) == [2, 1]
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-6, 2))


def test_f20_a_raised_quantity_that_fills_as_it_is_cancelled_is_sold_back_to_the_target(desk_of):
    """The hedge of 1 lot leans, is restated to 3 and fills all of them as its cancel arrives: 2 lots go back."""
    desk = desk_of(gold({"on_partial": "complete", "lean_ms": 1_000}, clip_units=2, max_units=2))
    treated = Treatment(stuck=True, amend_lots=3, fill_at_cancel_lots=3)
    desk.script(desk.otc, {1: Treatment(at_most_lots=1), 2: treated})
    desk.market(6.5)
    desk.step(3_000, keep_ms=500)
    assert desk.received(desk.gc) == [2, 1, -2]
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-6, 2))


def test_f21_a_bust_takes_the_fill_back_reopens_the_deal_and_is_repaired(desk_of):
    desk = desk_of(gold({"on_partial": "unwind"}))
    desk.script(desk.otc, {1: Treatment(bust_after_ms=300)})
    desk.market(6.5)
    desk.step(200)
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)
    desk.step(500)
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))
    busts = [row for row in desk.of_kind(records.FILL) if row["flags"] & records.FILL_BUST]
    assert [int(row["lots"]) for row in busts] == [1]
    assert "late_fill" in desk.alerts()
    assert desk.residual_g() == 0.0


def test_f21_a_bust_is_bought_again_where_the_policy_completes(desk_of):
    desk = desk_of(gold({"on_partial": "complete"}))
    desk.script(desk.otc, {1: Treatment(bust_after_ms=300)})
    desk.market(6.5)
    desk.step(700)
    assert desk.orders(desk.gc) == [1, 1]
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)
    assert desk.residual_g() == pytest.approx(110.34768)


def test_f21_a_correction_of_the_size_is_booked_as_its_difference_and_repaired(desk_of):
    desk = desk_of(gold(clip_units=2, max_units=2))
    desk.script(desk.otc, {1: Treatment(correct_after_ms=300, correct_lots=-1)})
    desk.market(6.5)
    desk.step(700)
    assert desk.orders(desk.gc) == [2, 1]
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-6, 2))


@AU_FIRST
def test_f24_another_programs_trade_is_told_and_never_traded_against(desk_of, leg):
    desk = desk_of()
    venue = desk.shfe if leg.startswith("au") else desk.otc
    desk.script(venue, {1: Treatment(foreign_lots=-2)})
    desk.market(6.5)
    desk.step(300)
    assert "foreign_order" in desk.alerts()
    venue.cut("pulled")
    desk.step(50)
    venue.join()
    desk.step(500)
    assert "position_drift" in desk.alerts()  # the venue's position holds lots that are not ours
    assert (desk.outcomes(), desk.nets()) == (["complete"], THREE_LOTS_SHORT)
    assert (desk.shfe.counts.orders, desk.otc.counts.orders) == (1, 1)
    assert (desk.shfe.counts.cancels, desk.otc.counts.cancels) == (0, 0)
