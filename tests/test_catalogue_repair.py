"""The catalogue's rows of repair: which rung, how many tries, at what price, and what may not stop it."""

import msgspec
import pytest

from bench.storm.treatment import Treatment
from desk.config import Config, ProxySpec
from engine import records
from engine.ports import DAY, IOC
from tests.catalogue_world import gold, ratio

pytestmark = pytest.mark.slow

NOTHING_FILLS = Treatment(at_most_lots=0)


def test_f07_both_legs_part_filled_the_balanced_part_stands_and_the_residual_goes_by_policy(desk_of):
    desk = desk_of(gold({"on_partial": "unwind"}, clip_units=3, max_units=3))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=7)})
    desk.script(desk.otc, {1: Treatment(at_most_lots=2)})
    desk.market(6.5)
    desk.step(400)
    assert (desk.orders(desk.au), desk.orders(desk.gc)) == ([-9, 1], [3])
    assert (desk.outcomes(), desk.nets()) == (["partial_balanced"], (-6, 2))
    assert int(desk.state.strategy[0]["position_units"]) == -2
    assert desk.residual_g() == pytest.approx(2 * 110.34768)


def test_f07_both_legs_part_filled_are_completed_where_that_is_the_policy(desk_of):
    desk = desk_of(gold({"on_partial": "complete"}, clip_units=3, max_units=3))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=7)})
    desk.script(desk.otc, {1: Treatment(at_most_lots=2)})
    desk.market(6.5)
    desk.step(400)
    assert (desk.orders(desk.au), desk.orders(desk.gc)) == ([-9, -2], [3, 1])
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-9, 3))


@pytest.mark.parametrize(
    ("on_partial", "au", "gc", "nets", "outcome"),
    [("complete", [-28, -8], [9], (-28, 9), "complete"), ("unwind", [-28, 20], [9, -9], (0, 0), "unwound")],
)
def test_r5_a_ratio_of_28_to_9_with_20_of_28_filled_leaves_no_20_naked_lots(
    desk_of, on_partial, au, gc, nets, outcome
):  # fmt: skip
    desk = desk_of(ratio(gold({"on_partial": on_partial}), 28, -9))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=20)})
    desk.market(6.5)
    desk.step(400)
    assert (desk.orders(desk.au), desk.orders(desk.gc)) == (au, gc)
    assert (desk.outcomes(), desk.nets()) == ([outcome], nets)
    assert abs(int(desk.deals()[0]["exposure_ubase"])) < 7_000_000  # 6.9 g, or none


def test_r6_the_tenth_identical_hedge_is_sent(desk_of):
    """Nine hedges trade nothing; the tenth is the same order once more, and no rule of duplicates is in its way."""
    desk = desk_of(
        gold({"on_partial": "complete", "pay_up_ticks": [], "max_tries": 30, "retry_ms": 100, "band_bps": 30.0})
    )
    desk.script(desk.otc, dict.fromkeys(range(1, 11), NOTHING_FILLS))
    desk.market(6.5)
    desk.step(2_000)
    hedges = desk.sent[1][1:]
    assert len(hedges) == 10
    assert len({(one.symbol, one.side, one.lots, one.limit_ticks, one.tif) for one in hedges}) == 1
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-3, 1))


def test_f22_a_hedge_is_banded_and_escalates_and_is_never_a_market_order(desk_of):
    """Two ticks, paid up by 1 and by 3, the band of 20 bps, the wider one of 40, then the filled leg is unwound."""
    repair = {"on_partial": "complete", "pay_up_ticks": [1, 3], "band_bps": 20.0, "wide_band_bps": 40.0,
              "max_tries": 9, "retry_ms": 100}  # fmt: skip
    desk = desk_of(gold(repair))
    desk.script(desk.otc, {}, NOTHING_FILLS)
    desk.market(6.5)
    desk.step(1_500)
    assert desk.rungs() == ["pay up"] * 2 + ["cross to band"] + ["wider band"] * 3 + ["unwind"]
    assert desk.limits(desk.gc) == [13_953, 13_952, 13_954, 13_951 + 27] + [13_951 + 55] * 3
    assert all(order.limit_ticks is not None for orders in desk.sent for order in orders)
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))


def test_f22_both_costs_are_in_the_journal_and_the_cheaper_way_is_taken(desk_of):
    desk = desk_of(gold({"on_partial": "cheapest"}))
    desk.script(desk.otc, {1: NOTHING_FILLS})
    desk.market(6.5)
    desk.step(300)
    (step,) = desk.of_kind(records.REPAIR)
    assert 0 < int(step["cost_complete_micros"]) < int(step["cost_unwind_micros"]) < records.NO_COST
    assert (desk.rungs(), desk.outcomes()) == (["pay up"], ["complete"])


def test_f22_in_a_gap_the_cheaper_way_is_to_unwind(desk_of):
    """The far leg's offer jumps by 40 ticks, 2,750 CNY a lot, before its hedge: more than the edge that is left."""
    desk = desk_of(gold({"on_partial": "cheapest"}))
    desk.script(desk.otc, {1: Treatment(at_most_lots=0, delay_ms=200)})
    desk.market(6.5)
    desk.step(100)
    desk.show(desk.gc, 13_990, 30, 13_991, 30)
    desk.step(400)
    assert (desk.rungs(), desk.outcomes(), desk.nets()) == (["unwind"], ["unwound"], (0, 0))


def test_f23_a_price_band_may_refuse_a_hedge_and_that_escalates(desk_of):
    """The wider band lies beyond the collar of 50 bps: the gate refuses it each time, and the last tries unwind."""
    repair = {"on_partial": "complete", "pay_up_ticks": [1], "band_bps": 20.0, "wide_band_bps": 80.0, "max_tries": 6,
              "retry_ms": 100}  # fmt: skip
    desk = desk_of(gold(repair))
    desk.script(desk.otc, {}, NOTHING_FILLS)
    desk.market(6.5)
    desk.step(2_500)
    assert desk.limits(desk.gc) == [13_953, 13_952, 13_951 + 27]
    denied = [int(row["reason"]) for row in desk.of_kind(records.VERDICT) if not row["cleared"]]
    assert denied == [3, 3]
    assert (desk.outcomes(), desk.nets()) == (["unwound"], (0, 0))


@pytest.mark.parametrize(
    ("choice", "scope"),
    [(records.SCOPE_ALL, -1), (records.SCOPE_VENUE, 0), (records.SCOPE_ACCOUNT, 0), (records.SCOPE_STRATEGY, 0),
     (records.SCOPE_SPREAD, 0)],
)  # fmt: skip
def test_f23_a_switch_that_halts_stops_what_raises_risk_and_no_hedge(desk_of, choice, scope):
    desk = desk_of(gold(cooldown_ms=50, max_units=3))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=1, delay_ms=100)})
    desk.market(6.5)
    desk.step(20)
    desk.command(records.COMMAND_HALT, choice, scope)
    desk.step(1_000, keep_ms=100)
    assert desk.orders(desk.au) == [-3, -2]
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-3, 1))


def test_f23_an_empty_bucket_of_messages_holds_entries_and_no_hedge(desk_of):
    """Three messages in the bucket and none a second to come: the entry takes one, and nine hedges follow it."""
    config = gold({"on_partial": "complete", "pay_up_ticks": [], "max_tries": 30, "retry_ms": 100}, cooldown_ms=50,
                  max_units=3)  # fmt: skip
    venues = [
        msgspec.structs.replace(one, order_burst=3, orders_per_s=1, repair_reserve=0) for one in config.venues
    ]  # fmt: skip
    desk = desk_of(msgspec.structs.replace(config, venues=venues))
    desk.script(desk.otc, dict.fromkeys(range(1, 10), NOTHING_FILLS))
    desk.market(6.5)
    desk.step(2_000, keep_ms=100)
    assert desk.received(desk.gc) == [1] * 10
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-3, 1))
    denied = {int(row["reason"]) for row in desk.of_kind(records.VERDICT) if not row["cleared"]}
    assert denied == {6}


def test_lean_then_pay_up(desk_of):
    """The rest waits for 500 ms at the decision's price, as a working order; then it pays up a tick and fills."""
    desk = desk_of(gold({"on_partial": "complete", "lean_ms": 500, "pay_up_ticks": [1]}))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=1), 2: Treatment(stuck=True)})
    desk.market(6.5)
    bid = desk.shown[desk.au][0]
    desk.step(400)
    assert (desk.rungs(), desk.shfe.counts.cancels, desk.outcomes()) == (["lean"], 0, ["open"])
    desk.step(600)
    assert (desk.rungs(), desk.shfe.counts.cancels) == (["lean", "pay up"], 1)
    assert desk.orders(desk.au) == [-3, -2, -2]
    assert desk.limits(desk.au) == [bid - 2, bid, bid - 1]
    assert [order.tif for order in desk.sent[0]] == [IOC, DAY, IOC]
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-3, 1))


def test_lean_fills_at_the_lean_price_when_the_market_comes_back(desk_of):
    desk = desk_of(gold({"on_partial": "complete", "lean_ms": 800}))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=1, delay_ms=100)})
    desk.market(6.5)
    bid = desk.shown[desk.au][0]
    desk.step(50)
    desk.show(desk.au, bid - 4, 30, bid - 3, 30)
    desk.step(300)
    assert (desk.rungs(), desk.outcomes()) == (["lean"], ["open"])
    desk.show(desk.au, bid + 1, 30, bid + 2, 30)
    desk.step(100)
    assert [int(row["ticks"]) for row in desk.of_kind(records.FILL) if row["instrument"] == desk.au] == [bid, bid]
    assert (desk.outcomes(), desk.nets(), desk.shfe.counts.cancels) == (["complete"], (-3, 1), 0)


def two_spreads(repair: dict) -> Config:
    """A second strategy on a spread of its own over the same two contracts."""
    config = gold(repair, entry=0.3)
    spread = msgspec.structs.replace(config.spreads[0], id="AU_GC_2")
    other = msgspec.structs.replace(config.strategies[0], id="second", spread="AU_GC_2", entry=0.6)
    return msgspec.structs.replace(
        config, spreads=[*config.spreads, spread], strategies=[*config.strategies, other]
    )  # fmt: skip


def test_f19_our_own_quote_is_cancelled_before_a_hedge_that_would_cross_it(desk_of):
    """The second deal leans with a bid for 2 au; the first one's bust wants 3 au sold: the bid goes first."""
    desk = desk_of(two_spreads({"on_partial": "complete", "lean_ms": 5_000, "lean_ticks": 2, "retry_ms": 100}))
    desk.script(desk.otc, {1: Treatment(bust_after_ms=800)}, Treatment(reject="no margin"))
    desk.market(5.6)
    desk.step(300)
    assert desk.nets() == (3, -1)
    desk.script(desk.otc, {2: Treatment()}, Treatment(reject="no margin"))
    desk.script(desk.shfe, {2: Treatment(at_most_lots=1), 3: Treatment(stuck=True)})
    desk.market(5.3)
    desk.step(300)
    assert (desk.received(desk.au), desk.shfe.counts.cancels) == ([3, 3, 2], 0)
    desk.step(2_000, keep_ms=500)
    assert "hold off: own quote in the way" in desk.rungs()
    assert desk.shfe.counts.cancels == 1
    seen = [one for one in desk.journal.records() if one.kind in (records.ORDER, records.ORDER_STATE)]
    bid = next(one.data["order_no"] for one in seen if one.kind == records.ORDER and one.data["tif"] == DAY)
    ended = next(at for at, one in enumerate(seen) if one.data["order_no"] == bid and one.kind == records.ORDER_STATE
                 and one.data["settled"])  # fmt: skip
    sold = next(at for at, one in enumerate(seen) if one.kind == records.ORDER and one.data["side"] < 0
                and one.data["instrument"] == desk.au)  # fmt: skip
    assert ended < sold
    assert desk.received(desk.au) == [3, 3, 2, 2, -3]
    assert (desk.outcomes(), desk.nets()) == (["unwound", "complete"], (3, -1))


def proxied(leg: str, proxy: str, **repair) -> Config:
    """The config with another month of a leg's contract listed, as its proxy."""
    config = gold({"on_partial": "complete"} | repair)
    of = next(one for one in config.instruments if one.id == leg)
    month = msgspec.structs.replace(of, id=proxy, symbol=proxy.split(".")[1])
    repair_spec = msgspec.structs.replace(
        config.strategies[0].repair, proxies=[ProxySpec(leg=leg, instrument=proxy)]
    )  # fmt: skip
    strategy = msgspec.structs.replace(config.strategies[0], repair=repair_spec)
    return msgspec.structs.replace(config, instruments=[*config.instruments, month], strategies=[strategy])


def test_another_month_stands_in_for_a_leg_that_nobody_offers(desk_of):
    """Nobody sells gc any more: the deal is balanced in the next month's contract, and a person is told."""
    desk = desk_of(proxied("COMEX.GCG7", "COMEX.GCJ7"))
    desk.script(desk.otc, {1: Treatment(at_most_lots=0, delay_ms=200)})
    desk.show(3, 13_990, 30, 13_991, 30)
    desk.market(6.5)
    desk.step(50)
    desk.show(desk.gc, 13_950, 30, 0, 0)
    desk.step(600)
    assert desk.rungs() == ["proxy"]
    assert (desk.nets(), desk.net(3)) == ((-3, 0), 1)
    assert desk.outcomes() == ["partial_balanced"]
    assert desk.residual_g() == pytest.approx(110.34768)
    told = [row for row in desk.of_kind(records.ALERT) if row["code"] == "partial_balanced"]
    assert told[0]["level"] == "warn" and told[0]["numbers"]["COMEX.GCJ7"] == 1


def test_another_month_at_shanghai_stands_in_for_a_locked_contract(desk_of):
    desk = desk_of(proxied("SHFE.au2702", "SHFE.au2704"))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=1, delay_ms=200)})
    desk.market(6.5)
    desk.show(3, desk.shown[desk.au][0] + 50, 30, desk.shown[desk.au][0] + 51, 30)
    desk.step(50)
    desk.lock(desk.au, up=False)
    desk.step(600)
    assert desk.rungs() == ["proxy"]
    assert (desk.nets(), desk.net(3), desk.outcomes()) == ((-1, 1), -2, ["partial_balanced"])


def test_f21_a_bust_of_the_proxys_trade_is_hedged_again(desk_of):
    desk = desk_of(proxied("COMEX.GCG7", "COMEX.GCJ7"))
    desk.script(desk.otc, {1: Treatment(at_most_lots=0, delay_ms=200), 2: Treatment(bust_after_ms=800)})
    desk.show(3, 13_990, 30, 13_991, 30)
    desk.market(6.5)
    desk.step(50)
    desk.show(desk.gc, 13_950, 30, 0, 0)
    desk.step(3_000, keep_ms=500)
    assert (desk.rungs(), desk.received(3)) == (["proxy", "proxy"], [1, 1])
    assert (desk.nets(), desk.net(3), desk.outcomes()) == ((-3, 0), 1, ["partial_balanced"])


def test_a_deal_in_doubt_sends_nothing_where_it_may_be_in_balance(desk_of):
    """The near leg's order is lost, the far one's rejected: between none and 3 lots are naked, so nothing is sent."""
    desk = desk_of(gold({"on_partial": "complete"}))
    desk.script(desk.shfe, {1: Treatment(drop_reports=True)})
    desk.script(desk.otc, {1: Treatment(reject="no margin")})
    desk.market(6.5)
    desk.step(1_000)
    deal = desk.deals()[0]
    assert (int(deal["low_ubase"]), int(deal["high_ubase"])) == (-3_000_000_000, 0)
    assert (desk.rungs(), desk.received(desk.gc)) == ([], [1])
    desk.step(6_000, keep_ms=500)
    assert (desk.outcomes(), desk.nets()) == (["complete"], (-3, 1))


def test_a_deal_in_doubt_is_repaired_as_far_as_its_worst_case_does_not_grow(desk_of):
    """3 of 6 au are sold for certain, the link breaks over the rest: one gc is bought, and no second one."""
    desk = desk_of(gold({"on_partial": "complete", "naked_limit_ms": 60_000}, clip_units=2, max_units=2))
    desk.script(desk.shfe, {1: Treatment(at_most_lots=3, stuck=True)})
    desk.script(desk.otc, {1: Treatment(reject="no margin")})
    desk.market(6.5)
    desk.step(100)
    desk.shfe.cut("pulled")
    desk.step(500, keep_ms=100)
    deal = desk.deals()[0]
    assert desk.received(desk.gc) == [2, 1]
    assert (int(deal["low_ubase"]), int(deal["high_ubase"])) == (-6_000_000_000 + 3_110_347_680, 110_347_680)
    desk.shfe.join()
    desk.step(4_000, keep_ms=500)
    # What hung is cancelled at its deadline, and the unit that stands on both legs stays.
    assert (desk.outcomes(), desk.nets(), desk.shfe.counts.cancels) == (["partial_balanced"], (-3, 1), 1)
    assert desk.received(desk.gc) == [2, 1]
