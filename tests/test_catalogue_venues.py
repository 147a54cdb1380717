"""The catalogue's rows of a venue that refuses, locks, or closes."""

import pytest

from bench.storm.treatment import Treatment
from engine import records
from engine.ports import DAY, QUOTE_CLOSED
from tests.catalogue_world import changed, gold, ratio
from tests.storm_world import MS

pytestmark = pytest.mark.slow

CLOSE_NS = 1_794_968_100 * 1_000_000_000  # 2026-11-18 10:15 in Shanghai: the first section ends
S = 1_000_000_000
NEVER = Treatment(reject="never")


@pytest.mark.parametrize(
    ("what", "config", "refusal"),
    [
        ("size", changed(gold(), "COMEX.GCG7", max_order_lots=0), (1, 1)),
        ("value", changed(gold(), "COMEX.GCG7", max_order_value=1_000), (2, 1)),
        ("price band", changed(gold(slippage_ticks=5), "COMEX.GCG7", collar_bps=2.0), (3, 1)),
        ("expiry", changed(gold(), "COMEX.GCG7", expires="2026-11-01"), (5, 1)),
        ("margin", changed(gold(), "COMEX.GCG7", margin_pct=None), (16, 1)),
        ("position limit", changed(gold(), "COMEX.GCG7", max_position_lots=0), (15, 1)),
    ],
)
def test_f08_where_the_second_leg_is_known_to_be_impossible_nothing_is_sent(desk_of, what, config, refusal):
    desk = desk_of(config)
    desk.market(6.5)
    desk.step(500, keep_ms=100)
    assert (desk.shfe.counts.orders, desk.otc.counts.orders) == (0, 0)
    assert desk.refusals() == [refusal]
    assert (desk.deals(), desk.nets()) == ([], (0, 0))


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("leg", ["au", "gc"])
def test_f08_f09_a_leg_rejected_for_good_is_tried_three_times_and_the_other_unwound(desk_of, leg, late):
    """Entry, two hedges: the circuit of that contract breaks, and the filled leg goes back at once."""
    if late and leg == "au":
        pytest.skip("a DIFF order that ends with nothing traded is CANCELLED: the protocol has no later refusal")
    desk = desk_of(gold({"on_partial": "complete", "max_tries": 9}))
    desk.script(desk.shfe if leg == "au" else desk.otc, {}, Treatment(reject="no margin", reject_late=late))
    desk.market(6.5)
    desk.step(2_000, keep_ms=500)
    mine, other = (desk.au, desk.gc) if leg == "au" else (desk.gc, desk.au)
    assert desk.received(mine) == ([-3] * 3 if leg == "au" else [1] * 3)
    assert desk.received(other) == ([1, -1] if leg == "au" else [-3, 3])
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))
    assert (desk.alerts().count("circuit"), desk.alerts().count("rejected")) == (1, 3)


def test_r2_f09_a_thousand_ticks_of_rejects_are_six_sends(desk_of):
    """An order every 100 ms is wanted for ten seconds, and each is rejected: three, a circuit of 5 s, three more."""
    desk = desk_of(gold({"on_partial": "complete", "max_tries": 9}, cooldown_ms=100, max_units=3))
    desk.script(desk.otc, {}, NEVER)
    desk.market(6.5)
    desk.step(10_000, keep_ms=10)
    assert len(desk.of_kind(records.QUOTE)) > 3_000
    assert (desk.otc.counts.orders, desk.otc.counts.cancels) == (6, 0)
    assert (desk.outcomes(), desk.nets()) == (["unwound", "unwound"], (0, 0))


def test_r2_f09_both_legs_rejected_for_a_thousand_ticks_are_bounded_too(desk_of):
    desk = desk_of(gold(cooldown_ms=100, max_units=3))
    desk.script(desk.shfe, {}, NEVER)
    desk.script(desk.otc, {}, NEVER)
    desk.market(6.5)
    desk.step(10_000, keep_ms=10)
    assert desk.shfe.counts.orders == desk.otc.counts.orders == 6
    assert desk.outcomes() == ["not_done"] * 6
    assert desk.worst_exposure_g() == 0.0


def test_f09_neither_way_out_is_taken_for_ever(desk_of):
    """The far leg is rejected and so is the way back: so many tries, then a person is told; pauses double."""
    desk = desk_of(gold({"on_partial": "complete", "max_tries": 6, "naked_limit_ms": 60_000}))
    desk.script(desk.otc, {}, NEVER)
    desk.script(desk.shfe, {1: Treatment()}, NEVER)
    desk.market(6.5)
    desk.step(60_000, 50, keep_ms=500)
    assert desk.halts() == ["repair tries exhausted"]
    assert desk.otc.counts.orders + desk.shfe.counts.orders == 2 + 6
    assert desk.alerts().count("halted") == 1
    assert desk.loop.left_open() == ["deal 1 on AU_GC: -3000.000 base units"]


def test_f10_a_locked_leg_queues_at_the_limit_and_fills_when_the_lock_opens(desk_of):
    """跌停: nobody bids for au. Its 3 lots wait in the queue at the limit, keep their place, and trade."""
    desk = desk_of(gold({"on_partial": "complete", "lock_wait_ms": 5_000}))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=0, delay_ms=100)})
    desk.market(6.5)
    ask = desk.shown[desk.au][2]
    desk.step(50)
    desk.lock(desk.au, up=False)
    desk.step(3_000, keep_ms=500)
    assert (desk.received(desk.au), desk.shfe.counts.cancels) == ([-3, -3], 0)
    assert (desk.sent[0][1].tif, desk.sent[0][1].limit_ticks) == (DAY, ask)
    desk.show(desk.au, ask, 30, ask + 1, 30)
    desk.step(300)
    assert (desk.outcomes(), desk.nets(), desk.shfe.counts.cancels) == (["complete"], (-3, 1), 0)


def test_f10_a_locked_leg_that_nobody_takes_is_cancelled_once_and_the_other_unwound(desk_of):
    desk = desk_of(gold({"on_partial": "complete", "lock_wait_ms": 2_000, "naked_limit_ms": 60_000}))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=0, delay_ms=100)})
    desk.market(6.5)
    desk.step(50)
    desk.lock(desk.au, up=False)
    desk.step(5_000, keep_ms=500)
    assert (desk.received(desk.au), desk.shfe.counts.cancels) == ([-3, -3], 1)
    assert desk.received(desk.gc) == [1, -1]
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))


def test_f10_an_exit_that_is_locked_at_limit_up_queues_and_is_not_cancelled(desk_of):
    """涨停 on the way out: 1 of 3 au bought back, the other 2 wait at the limit until somebody sells."""
    desk = desk_of(gold({"on_partial": "complete", "lock_wait_ms": 5_000, "naked_limit_ms": 60_000}, cooldown_ms=100))
    desk.market(6.5)
    desk.step(300)
    desk.script(desk.shfe, {2: Treatment(at_most_lots=1, delay_ms=100)})
    desk.market(5.9)
    desk.step(50)
    desk.lock(desk.au, up=True)
    desk.step(3_000, keep_ms=500)
    assert (desk.received(desk.au), desk.outcomes()) == ([-3, 3, 2], ["complete", "open"])
    bid = desk.shown[desk.au][0]
    desk.show(desk.au, bid - 1, 30, bid, 30)
    desk.step(500)
    assert (desk.outcomes(), desk.nets(), desk.shfe.counts.cancels) == (["complete"] * 2, (0, 0), 0)


@pytest.mark.parametrize("wait_ms", [5_000, 600_000])
def test_r4_f10_an_hour_of_limit_down_at_five_seconds_is_at_most_two_cancels(desk_of, wait_ms):
    """600 orders and 600 cancels become 2 orders and 1 cancel: neither leg can be traded, so a person is told."""
    desk = desk_of(
        gold({"on_partial": "complete", "lock_wait_ms": wait_ms, "retry_ms": 5_000, "max_tries": 100,
              "naked_limit_ms": 3_000_000}, cooldown_ms=100, max_units=3)
    )  # fmt: skip
    desk.script(desk.shfe, {1: Treatment(at_most_lots=0, delay_ms=100)})
    desk.market(6.5)
    desk.step(50)
    desk.lock(desk.au, up=False)
    desk.show(desk.gc, 0, 0, 13_951, 30)  # and nobody bids for the other leg either
    desk.step(3_600_000, 1_000, keep_ms=5_000)
    assert desk.halts() == ["its contract is locked at the price limit"]
    assert (desk.shfe.counts.orders, desk.shfe.counts.cancels) == (2, 1)
    assert (desk.otc.counts.orders, desk.otc.counts.cancels) == (1, 0)
    assert len(desk.deals()) == 1  # nothing is opened while a leg is locked


def test_f11_no_new_risk_within_the_guard_of_a_close(desk_of):
    desk = desk_of(gold(), market_ns=CLOSE_NS - 50 * S)
    desk.market(6.5)
    desk.step(1_000, keep_ms=100)
    assert desk.refusals() == [(23, 0)]
    assert (desk.shfe.counts.orders, desk.otc.counts.orders) == (0, 0)


def test_f11_no_new_risk_within_the_guard_of_the_other_legs_close(desk_of):
    """The calendars are exchanged: the far leg's market is the one that closes."""
    config = changed(changed(gold(), "SHFE.au2702", calendar="always"), "COMEX.GCG7", calendar="shfe_au")
    desk = desk_of(config, market_ns=CLOSE_NS - 50 * S)
    desk.market(6.5)
    desk.step(1_000, keep_ms=100)
    assert desk.refusals() == [(23, 1)]
    assert (desk.shfe.counts.orders, desk.otc.counts.orders) == (0, 0)


def test_f11_a_repair_near_a_close_skips_waiting(desk_of):
    """The policy would lean for 5 s and pay up twice; 60 s before the close the first step crosses to the band."""
    policy = {"on_partial": "complete", "lean_ms": 5_000, "pay_up_ticks": [1, 3]}
    desk = desk_of(gold(policy), market_ns=CLOSE_NS - 60 * S - 300 * MS)
    desk.script(desk.shfe, {1: Treatment(at_most_lots=1, delay_ms=400)})
    desk.market(6.5)
    desk.step(1_000)
    assert (desk.rungs(), desk.outcomes(), desk.nets()) == (["cross to band"], ["complete"], (-3, 1))


def test_f11_a_market_that_closes_over_a_deal_halts_it_at_once_and_nothing_is_sent_in_the_break(desk_of):
    """Over the whole of the break, a quarter of an hour, no order and no cancel (vnpy sent 20,000)."""
    desk = desk_of(changed(gold(), "SHFE.au2702", close_guard_s=0), market_ns=CLOSE_NS - 300 * MS)
    desk.script(desk.shfe, {1: Treatment(at_most_lots=1, delay_ms=400)})
    desk.market(6.5)
    desk.step(200)
    assert desk.outcomes() == ["open"]
    desk.step(899_000, 1_000, keep_ms=1_000)
    assert (desk.halts(), desk.rungs()) == (["a market of it is closed"], ["halt"])
    assert (desk.received(desk.au), desk.received(desk.gc)) == ([-3], [1])
    assert desk.shfe.counts.cancels == desk.otc.counts.cancels == 0
    assert desk.alerts().count("halted") == 1


def close_gc(desk) -> None:
    """The far venue says that gc does not trade any more (DIFF has no such word)."""
    desk.show(desk.gc, *desk.shown[desk.gc][:4], QUOTE_CLOSED)


def test_f11_a_closed_leg_halts_the_deal_at_once_where_no_way_is_left(desk_of):
    """28:-9 with 4 of 9 gc bought, and gc stops trading: neither way is open, so a person hears of it in that turn."""
    desk = desk_of(ratio(gold({"on_partial": "complete", "naked_limit_ms": 60_000}), 28, -9))
    desk.script(desk.otc, {1: Treatment(at_most_lots=4, delay_ms=200)})
    desk.market(6.5)
    desk.step(50)
    close_gc(desk)
    desk.step(300)
    assert desk.halts() == ["a market of it is closed"]
    assert (desk.shfe.counts.orders, desk.otc.counts.orders) == (1, 1)
    halted = next(row for row in desk.of_kind(records.ALERT) if row["code"] == "halted")
    assert halted["numbers"]["SHFE.au2702"] == -28 and halted["numbers"]["COMEX.GCG7"] == 4
    assert 190 * MS < int(desk.deals()[0]["naked_ns"]) < 220 * MS  # from the near leg's fill to the far one's report


def test_f11_a_closed_leg_of_which_nothing_filled_lets_the_other_be_unwound(desk_of):
    desk = desk_of(gold({"on_partial": "complete", "naked_limit_ms": 60_000}))
    desk.script(desk.otc, {1: Treatment(at_most_lots=0, delay_ms=200)})
    desk.market(6.5)
    desk.step(50)
    close_gc(desk)
    desk.step(500)
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))
    assert (desk.received(desk.au), desk.received(desk.gc)) == ([-3, 3], [1])


@pytest.mark.parametrize(("at_close", "nets"), [("flatten", (0, 0)), ("carry", (-3, 1))])
def test_f11_a_position_is_flattened_before_a_close_or_carried_as_the_policy_says(desk_of, at_close, nets):
    """Opened 310 s before the close; flattened from 300 s on, once, and not entered again."""
    desk = desk_of(gold(at_close=at_close, flatten_s=300, cooldown_ms=100), market_ns=CLOSE_NS - 310 * S)
    desk.market(6.5)
    desk.step(5_000, 50, keep_ms=500)
    assert desk.nets() == (-3, 1)
    desk.step(60_000, 50, keep_ms=500)
    assert desk.nets() == nets
    assert desk.received(desk.au) == ([-3, 3] if at_close == "flatten" else [-3])
