"""The fold: deals, denials, latencies and market time as the journal's records say, no more and no less."""

import pytest

from desk.fold import Fold, fold_of
from desk.fold_latency import GATE, LEG_SKEW, TICK_TO_DECISION, TICK_TO_ORDER, Latencies
from desk.fold_rows import ROWS, row_of
from desk.fold_series import Series
from engine.ports import BUY, SELL, Event
from engine.records import DTYPES, FILL, FILL_BUST, HOPS, JSON_KINDS, REHEDGE, START
from tests.journal_deals import complete_deal, doubtful_deal, repaired_deal, unwound_deal
from tests.journal_story import MARKET_T0, MS, SECOND, T0, Story


def folded(*deals) -> Fold:
    story = Story()
    for tell in deals:
        tell(story)
    return fold_of(story.records)


def test_every_kind_with_a_dtype_has_a_row_with_its_fields():
    assert set(ROWS) == set(DTYPES) and not set(ROWS) & JSON_KINDS
    for kind, dtype in DTYPES.items():
        assert ROWS[kind].__struct_fields__ == ("seq", "now_ns", *dtype.names)


def test_a_row_is_plain_python():
    row = row_of(Story().records[0])
    assert (row.seq, row.now_ns, row.clock_base_ns, row.version) == (1, T0, MARKET_T0, "0.1.0")
    assert type(row.clock_speed_milli) is int


def test_a_deal_holds_its_decisions_orders_fills_repairs_and_way():
    (deal,) = folded(repaired_deal).deals
    assert (len(deal.decisions), len(deal.orders), len(deal.fills), len(deal.repairs)) == (3, 4, 2, 2)
    assert deal.decision is deal.decisions[0]
    assert [exposure for _, _, exposure, _, _ in deal.path][-2:] == [-3_000_000_000, 110_347_680]


def test_an_order_that_was_once_in_doubt_stays_marked():
    (deal,) = folded(doubtful_deal).deals
    assert deal.doubted and not any(order.state.in_doubt for order in deal.orders.values())


def test_denials_keep_the_control_and_an_example_and_repairs_are_apart():
    story = Story()
    for observed in (8_640, 8_720):
        story.verdict(story.decide(), 17, observed, 8_500)
    story.verdict(story.decide(purpose=REHEDGE), 3, 120, 100)
    fold = fold_of(story.records)
    assert (fold.denials[17].count, fold.denials[17].of_repairs) == (2, 0)
    assert (fold.denials[3].count, fold.denials[3].of_repairs) == (0, 1)
    assert fold.denials[17].examples[-1][2].observed[16] == 8_720


def test_a_verdict_whose_decision_is_not_in_the_journal_is_counted_apart():
    story = Story()
    story.verdict((99, 99))
    fold = fold_of(story.records)
    assert fold.unmatched == 1 and not fold.verdicts


def test_slippage_is_a_cost_on_both_sides():
    fold = folded(lambda story: complete_deal(story, SELL, slip=2), lambda story: complete_deal(story, BUY, slip=2))
    assert [deal.slippage_bps(0) for deal in fold.deals] == [pytest.approx(20_000 / 6900)] * 2
    assert [deal.slippage_bps(1) for deal in fold.deals] == [0.0, 0.0]


def test_a_re_hedge_is_slippage_of_its_leg_and_an_unwind_is_not():
    (repaired,), (unwound,) = folded(repaired_deal).deals, folded(unwound_deal).deals
    assert repaired.slippage_bps(1) == pytest.approx(2 / 15_300 * 10_000 * 3)
    assert unwound.slippage_bps(0) == 0.0 and unwound.slippage_bps(1) is None


def test_a_busted_fill_no_longer_counts():
    story = Story()
    deal_id = complete_deal(story, SELL)
    story.add(FILL, order_no=1, deal_id=deal_id, leg=0, side=SELL, flags=FILL_BUST, lots=3, ticks=6900)
    (deal,) = fold_of(story.records).deals
    assert deal.average_ticks(0) == (0, None)


def test_hops_are_taken_between_stamps_that_were_reached():
    latencies = Latencies()
    stamp = dict.fromkeys(HOPS, 0) | {"recv_ns": 1_000, "priced_ns": 1_500, "decided_ns": 1_600, "cleared_ns": 1_900}
    latencies.add_stamps(list(stamp.values()), from_strategy=True)
    assert latencies.names() == ["recv → priced", "priced → decided", "decided → cleared", TICK_TO_DECISION, GATE]
    assert latencies.latency(GATE).p50_ns == 300
    assert latencies.latency(TICK_TO_ORDER) is None


def test_leg_skew_and_tick_to_order_end_with_the_last_send():
    latencies = Latencies()
    stamp = dict.fromkeys(HOPS, 0)
    stamp |= {"recv_ns": 1_000, "sent_a_ns": 5_000, "sent_b_ns": 7_000, "sent_all_ns": 8_000}
    latencies.add_stamps(list(stamp.values()), from_strategy=True)
    assert latencies.latency(LEG_SKEW).max_ns == 3_000
    assert latencies.latency(TICK_TO_ORDER).max_ns == 7_000


def test_a_single_send_has_no_skew():
    latencies = Latencies()
    stamp = dict.fromkeys(HOPS, 0) | {"recv_ns": 1_000, "sent_a_ns": 5_000, "sent_all_ns": 5_000}
    latencies.add_stamps(list(stamp.values()), from_strategy=True)
    assert latencies.latency(LEG_SKEW) is None and latencies.latency(TICK_TO_ORDER).count == 1


def test_a_repairs_decision_has_no_tick_to_be_measured_from():
    latencies = Latencies()
    latencies.add_stamps([1_000 * (hop + 1) for hop in range(len(HOPS))], from_strategy=False)
    assert latencies.latency(TICK_TO_ORDER) is None and latencies.latency(GATE).count == 1


def test_a_latency_below_zero_or_over_an_hour_is_counted_apart():
    latencies = Latencies()
    for latency_ns in (-5, 7 * 365 * 86_400 * SECOND, 900):
        latencies.record(GATE, latency_ns)
    assert (latencies.latency(GATE).count, latencies.outside(GATE)) == (1, 2)


def test_a_round_trip_ends_with_the_venues_first_word_on_the_order_itself():
    story = Story()
    ids = story.decide()
    story.verdict(ids)
    number = story.order(ids, 0, -3, 6898)
    for event, cum in ((Event.STATUS, 0), (Event.ACK, 0), (Event.TRADE, 3)):
        story.wait(3 * MS)
        story.report(number, ids[1], 0, -3, event, cum, cum, 6900)
    latency = fold_of(story.records).latencies.latency("round trip SHFE")
    assert (latency.count, latency.max_ns) == (1, 6 * MS)


def test_market_time_follows_the_start_that_it_belongs_to():
    story = Story()
    story.wait(10 * SECOND)
    story.add(START, epoch=2, clock_base_ns=MARKET_T0, clock_start_ns=story.now_ns, clock_speed_milli=1_000)
    fold = fold_of(story.records)
    assert fold.market_ns(T0 + SECOND) == MARKET_T0 + 60 * SECOND
    assert fold.market_ns(T0 + 11 * SECOND) == MARKET_T0 + SECOND


def test_a_config_without_its_optional_keys_gives_numbers_for_names():
    story = Story({})
    complete_deal(story)
    story.quotes(6900, 15300)
    names = fold_of(story.records).names
    assert (names.spread(0), names.price_text(0, 6900), names.venue_of(0)) == ("spread 0", "6900 ticks", "")
    assert names.legs(0) == [] and names.pool_levels_pct(0) == (70.0, 85.0, 90.0)


def test_prices_are_exact_texts_of_their_ticks():
    names = fold_of(Story().records).names
    assert (names.price_text(0, 6901), names.price_text(2, -5)) == ("345.05", "-0.0005")
    assert (names.average_text(0, 6901.0), names.average_text(0, 6900 + 1 / 3)) == ("345.05", "345.0167")


def test_a_full_series_keeps_evenly_spaced_samples():
    series = Series("value", limit=8)
    for number in range(50):
        series.add(number, number * 1.0)
    assert list(series.time_ns) == list(range(0, 50, series.every)) and len(series) <= 8
    assert series.seen == 50
