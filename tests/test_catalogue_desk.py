"""The catalogue's rows of people and of lots: stop, resolve, residuals and their ledger, close today or lock."""

import pytest

from bench.storm.treatment import Treatment
from engine import records
from engine.schema import ACTIVE, HALTED
from tests.catalogue_world import changed, gold, ratio

pytestmark = pytest.mark.slow

NEVER = Treatment(reject="never")


def test_f16_a_clip_leaves_its_residual_in_the_ledger_to_the_milligram(desk_of):
    """3,000 g against 3,110.34768 g, three times over, and nothing once the deals are taken back."""
    desk = desk_of(gold(cooldown_ms=100, max_units=3))
    desk.market(6.5, lots=3)
    desk.step(1_000, keep_ms=200)
    assert (desk.outcomes(), desk.nets()) == (["complete"] * 3, (-9, 3))
    assert desk.residual_g() == pytest.approx(3 * 110.34768)
    desk.market(5.98)
    desk.step(1_000, keep_ms=200)
    assert (desk.nets(), desk.residual_g()) == ((0, 0), 0.0)


def test_f16_lots_of_28_to_9_leave_seven_grams(desk_of):
    desk = desk_of(ratio(gold(), 28, -9))
    desk.market(6.5)
    desk.step(300)
    assert desk.nets() == (-28, 9)
    assert desk.residual_g() == pytest.approx(9 * 3_110.34768 - 28_000, abs=1e-3)


def wide(**spread):
    """Ten units of 3:-1 have room in every limit."""
    return ratio(gold(cooldown_ms=100, max_units=12), 3, -1, **spread)


def test_f16_the_ledger_is_hedged_when_a_lots_worth_has_gathered(desk_of):
    """Twelve units leave 1,324 g: one au lot is sold in a deal of its own, 324 g stay, and nothing more is sent."""
    desk = desk_of(wide())
    desk.market(6.5, lots=3)
    desk.step(10_000, 20, keep_ms=200)
    assert desk.orders(desk.au, (records.LEDGER_HEDGE,)) == [-1]
    assert desk.nets() == (-3 * 12 - 1, 12)
    assert desk.residual_g() == pytest.approx(12 * 110.34768 - 1_000)
    assert set(desk.outcomes()) == {"complete"}


def test_f16_the_ledger_is_bounded_and_an_entry_that_would_break_its_bound_is_denied(desk_of):
    desk = desk_of(wide(ledger_hedge=False, ledger_bound=1_200))
    desk.market(6.5, lots=3)
    desk.step(6_000, 20, keep_ms=200)
    assert desk.nets() == (-30, 10)
    assert desk.residual_g() == pytest.approx(10 * 110.34768)
    denied = {int(row["reason"]) for row in desk.of_kind(records.VERDICT) if not row["cleared"]}
    assert denied == {28}


@pytest.mark.parametrize(
    ("fee", "may_lock", "offset", "long_and_short"),
    [(60.0, True, "open", (3, 3)), (60.0, False, "close today", (0, 0)), (20.0, True, "close today", (0, 0))],
)
def test_f18_todays_lots_are_locked_where_that_is_cheaper_than_to_close_them(
    desk_of, fee, may_lock, offset, long_and_short
):  # fmt: skip
    """平今 at 60 CNY a lot against one lot opened and two closed later at 10: the opposite is opened (锁仓)."""
    config = changed(gold(cooldown_ms=100), "SHFE.au2702", close_today_fee_per_lot=fee, may_lock=may_lock)
    desk = desk_of(config)
    desk.market(6.5)
    desk.step(300)
    desk.market(5.9)
    desk.step(300)
    assert desk.slices(desk.au) == [(-3, "open"), (3, offset)]
    row = next(one for one in desk.shfe.positions() if one.symbol.endswith("au2702"))
    assert (row.long_today, row.short_today) == long_and_short
    assert (desk.outcomes(), desk.nets()) == (["complete"] * 2, (0, 0))


def test_f18_an_exit_is_sliced_into_yesterdays_lots_and_todays(desk_of):
    """One unit from yesterday and one of today: the exit of both closes 3 as yesterday's and 3 as today's."""
    desk = desk_of(gold(cooldown_ms=100, clip_units=2, max_units=2))
    desk.market(6.5, lots=3)
    desk.step(150)
    assert desk.nets() == (-3, 1)
    desk.shfe.cut("the trading day turns")
    desk.shfe.matching.new_day(desk.now_ns)
    desk.step(50)
    desk.shfe.join()
    desk.step(300)
    desk.market(6.5, lots=4)
    desk.step(300)
    assert desk.nets() == (-6, 2)
    desk.market(5.9)
    desk.step(300)
    assert desk.slices(desk.au) == [(-3, "open"), (-3, "open"), (3, "close"), (3, "close today")]
    assert (desk.outcomes(), desk.nets()) == (["complete"] * 3, (0, 0))


def test_f25_a_stop_while_unbalanced_takes_no_new_risk_and_repairs_first(desk_of):
    desk = desk_of(gold({"on_partial": "unwind"}, cooldown_ms=50, max_units=3))
    desk.script(desk.otc, {1: Treatment(at_most_lots=0, delay_ms=100)})
    desk.market(6.5)
    desk.step(50)
    desk.command(records.COMMAND_STOP)
    assert not desk.loop.is_quiet()
    desk.step(1_000, keep_ms=100)
    assert desk.loop.is_quiet() and desk.loop.left_open() == [] and desk.loop.held() == []
    assert (desk.outcomes(), desk.nets(), desk.received(desk.au)) == (["unwound"], (0, 0), [-3, 3])


def test_f25_a_stop_cancels_what_works_once_and_not_the_repair_that_follows(desk_of):
    desk = desk_of(gold({"on_partial": "unwind"}))
    desk.script(desk.shfe, {1: Treatment(stuck=True, at_most_lots=1)})
    desk.market(6.5)
    desk.step(100)
    desk.command(records.COMMAND_STOP)
    desk.step(500)
    # One cancel of what worked, none of the repair that follows it.
    assert (desk.received(desk.au), desk.shfe.counts.cancels) == ([-3, 1], 1)
    assert (desk.outcomes(), desk.nets(), desk.loop.is_quiet()) == (["unwound"], (0, 0), True)


def halted(desk_of, far: dict | None = None, **spread):
    """3 au sold, gc rejected, and the way back too: Halted with 3,000 g open. The deal's id."""
    desk = desk_of(changed(gold({"on_partial": "complete", "max_tries": 4}), spread=spread))
    desk.script(desk.otc, far or {}, NEVER)
    desk.script(desk.shfe, {1: Treatment()}, NEVER)
    desk.market(6.5)
    desk.step(6_000, keep_ms=500)
    assert desk.halts() == ["repair tries exhausted"]
    assert int(desk.state.strategy[0]["switch"]) == HALTED
    assert (int(desk.state.head["unbalanced_deals"]), desk.residual_g()) == (1, 0.0)
    desk.script(desk.otc, {})
    desk.script(desk.shfe, {})
    desk.step(12_000, 50, keep_ms=500)
    assert desk.nets() == (-3, 0)  # a Halted deal is nobody's but a person's
    return desk, int(desk.deals()[0]["deal_id"])


def test_resolve_retry_repairs_a_halted_deal_with_fresh_tries(desk_of):
    desk, deal = halted(desk_of)
    desk.command(records.COMMAND_RESOLVE, records.RESOLVE_RETRY, deal)
    desk.step(500, keep_ms=100)
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-3, 1))
    assert int(desk.state.strategy[0]["switch"]) == ACTIVE
    assert int(desk.state.head["unbalanced_deals"]) == 0
    assert desk.residual_g() == pytest.approx(110.34768)


def test_resolve_accept_leaves_the_lots_and_books_their_exposure(desk_of):
    desk, deal = halted(desk_of, ledger_hedge=False)
    desk.command(records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, deal)
    desk.step(2_000, keep_ms=500)
    assert (desk.nets(), desk.residual_g()) == ((-3, 0), -3_000.0)
    assert int(desk.state.strategy[0]["switch"]) == ACTIVE
    assert int(desk.state.head["unbalanced_deals"]) == 0
    assert {"residual", "resolved"} <= set(desk.alerts())


def test_f03_a_late_fill_after_a_person_has_accepted_takes_the_ledger_entry_back(desk_of):
    """The far leg's first order had filled after all: 3 au and 1 gc are a whole unit, and 110 g are left of 3,000."""
    desk, deal = halted(desk_of, {1: Treatment(late_fill_ms=25_000)}, ledger_hedge=False)
    desk.command(records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, deal)
    assert desk.residual_g() == -3_000.0
    desk.step(12_000, 50, keep_ms=500)
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-3, 1))
    assert desk.residual_g() == pytest.approx(110.34768)
    assert int(desk.state.head["unbalanced_deals"]) == 0


def test_resolve_by_hand_takes_over_the_venues_word_on_the_positions(desk_of):
    """A person has bought the 3 au back on another terminal: an alert, nothing traded against it, then our word too."""
    desk, deal = halted(desk_of)
    desk.shfe._treating._trade_foreign(desk.sent[0][0], -3)
    desk.step(300, keep_ms=100)
    assert "foreign_order" in desk.alerts()
    desk.command(records.COMMAND_RESOLVE, records.RESOLVE_BY_HAND, deal)
    desk.shfe.cut("pulled")
    desk.step(50)
    desk.shfe.join()
    desk.step(500, keep_ms=100)
    assert (desk.net(desk.au), desk.venue_net(desk.au)) == (0, 0)
    assert (desk.residual_g(), int(desk.state.head["unbalanced_deals"])) == (0.0, 0)
    assert int(desk.state.strategy[0]["switch"]) == ACTIVE
    desk.shfe._treating.foreign_lots.clear()  # they are ours now


def test_resolve_is_refused_while_an_order_of_the_deal_is_in_doubt_and_for_a_deal_that_does_not_wait(desk_of):
    desk = desk_of(gold({"naked_limit_ms": 1_500, "on_partial": "unwind"}))
    desk.script(desk.otc, {1: Treatment(lose_order=True)})
    desk.market(6.5)
    desk.clock.pump(desk.now_ns + 3_000_000)
    desk.otc.cut("pulled")
    desk.step(3_000, keep_ms=500)
    assert desk.halts() == ["order in doubt too long"]
    desk.command(records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, 1)
    assert (desk.halts(), int(desk.deals()[0]["resolution"])) == (["order in doubt too long"], 0)
    desk.otc.join()
    desk.step(3_000, keep_ms=500)
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))
    before = desk.state.snapshot()
    desk.command(records.COMMAND_RESOLVE, records.RESOLVE_BY_HAND, 1)
    assert desk.state.snapshot() == before
    desk.complaints = [0, int(desk.loop.bad_inputs[1])]
