"""The summary: plain figures, each defined, None where there was nothing to count."""

import math

from desk.fold import Fold, fold_of
from desk.summary import DEFINITIONS, percentile, summary
from engine.ports import BUY, FAILED
from engine.records import EXIT, SPREAD
from tests.journal_deals import (
    believable_story,
    complete_deal,
    doubtful_deal,
    halted_deal,
    open_deal,
    partial_deal,
    repaired_deal,
    unwound_deal,
)
from tests.journal_story import CONFIG_DATA, Story


def figures_of(*deals) -> dict:
    story = Story()
    for tell in deals:
        tell(story)
    return summary(fold_of(story.records))


def test_every_figure_is_defined_and_nothing_else_is():
    assert set(summary(Fold())) == set(summary(fold_of(believable_story()))) == set(DEFINITIONS)


def test_an_empty_journal_has_nothing_to_count_and_guesses_nothing():
    figures = summary(Fold())
    unknown = {
        "input", "versions", "duration_s", "naked_ms_p50", "naked_ms_p99", "naked_ms_max", "naked_halted_ms_max",
        "capture_pct", "failure_pct", "slippage_bps_p50", "capital_used_pct_max", "capital_idle_pct", "leg_skew_us_p50",
        "tick_to_order_us_p50", "tick_to_order_us_p99", "replay_identical",
    }  # fmt: skip
    assert {key for key, value in figures.items() if value is None} == unknown
    assert figures["deals"] == figures["quotes"] == figures["journal_bytes"] == 0


def test_every_figure_is_one_flat_value_and_the_versions_are_one_text():
    figures = summary(fold_of(believable_story()))
    assert all(value is None or isinstance(value, str | int | float) for value in figures.values())
    assert figures["versions"] == "tandem 0.1.0, python 3.11.4, numpy 2.4.6"


def test_the_sums_of_a_whole_run_agree():
    told = believable_story(end_with=lambda story: (halted_deal(story), open_deal(story)))
    figures = summary(fold_of(told), replay_identical=True)
    assert figures["decisions"] == figures["cleared"] + figures["denied"] == 24
    ended = ("complete", "unwound", "partial_balanced", "halted", "not_done", "open")
    assert figures["deals"] == sum(figures[name] for name in ended) == figures["cleared"]
    assert [figures[name] for name in ended] == [13, 1, 1, 1, 1, 1]
    assert figures["journal_records"] == len(told)
    assert figures["replay_identical"] is True
    assert figures["repair_decisions"] == 3


def test_the_journals_bytes_are_headers_and_padded_payloads():
    told = believable_story(5)
    assert summary(fold_of(told))["journal_bytes"] == sum(32 + math.ceil(len(r.payload) / 8) * 8 for r in told)


def test_a_repaired_deal_is_complete_and_its_naked_time_counts():
    figures = figures_of(repaired_deal)
    assert (figures["complete"], figures["naked_ms_max"], figures["failure_pct"]) == (1, 434.0, 0.0)


def test_a_halted_deal_is_exposed_at_the_end_and_its_naked_time_is_listed_apart():
    figures = figures_of(halted_deal, complete_deal)
    assert (figures["exposure_at_end"], figures["naked_halted_ms_max"]) == (3000.0, 3062.0)
    assert (figures["naked_ms_max"], figures["failure_pct"]) == (7.0, 50.0)


def test_an_open_deal_counts_its_exposure_at_the_worst():
    def unknown_leg(story):
        ids = story.decide()
        story.verdict(ids)
        story.deal(ids[1], exposure=-1_000_000_000, low=-3_000_000_000, high=500_000_000)

    figures = figures_of(unknown_leg)
    assert (figures["open"], figures["exposure_at_end"]) == (1, 3000.0)


def test_an_order_without_a_terminal_word_is_unsettled_and_one_never_sent_is_not():
    def two_orders(story):
        ids = story.decide()
        story.verdict(ids)
        story.order(ids, 0, -3, 6898)
        story.order(ids, 1, 1, 15302, status=FAILED)

    figures = figures_of(two_orders)
    assert (figures["orders_sent"], figures["orders_unsettled"]) == (1, 1)


def test_a_deal_without_a_fill_was_never_naked():
    figures = figures_of(doubtful_deal)
    assert (figures["not_done"], figures["orders_in_doubt"], figures["naked_ms_p50"]) == (1, 1, None)
    assert figures["failure_pct"] is None


def test_capture_counts_entries_that_stand_whole_or_in_part():
    def four_opportunities(story):
        story.opportunities = 4
        story.sample(1.2, 1.0)

    def leave(story):
        complete_deal(story, BUY, EXIT)

    assert figures_of(complete_deal, partial_deal, unwound_deal, leave, four_opportunities)["capture_pct"] == 50.0


def test_opportunities_of_a_restarted_engine_add_up():
    story = Story()
    for count in (3, 5, 1, 2):
        story.opportunities = count
        story.sample(1.0, 1.0)
    assert summary(fold_of(story.records))["opportunities"] == 7


def test_residuals_of_different_units_are_not_added():
    story = Story({**CONFIG_DATA, "spreads": [{"id": "au-gc", "unit": "g"}, {"id": "sc-wti", "unit": "bbl"}]})
    story.add(SPREAD, spread=0, residual_ubase=2_500_000)
    assert summary(fold_of(story.records))["residual_base_units"] == 2.5
    story.add(SPREAD, spread=1, residual_ubase=1_000_000)
    assert summary(fold_of(story.records))["residual_base_units"] is None


def test_capital_use_is_of_pools_and_idle_is_its_average_complement():
    story = Story()
    for use_bps in (2_000, 8_000):
        story.capital(use_bps)
    figures = summary(fold_of(story.records))
    assert (figures["capital_used_pct_max"], figures["capital_idle_pct"]) == (80.0, 50.0)


def test_the_percentile_is_the_nearest_rank():
    assert percentile([5, 1, 3, 2], 50) == 2
    assert percentile([1, 2], 99) == 2
    assert percentile([], 50) is None
