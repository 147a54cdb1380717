"""The repair planner as a pure function: plans restore balance, the cheaper way is taken, tries and prices end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.records import (
    CROSS_BAND,
    HALT,
    HALT_TRIES,
    HOLD_OFF,
    HOLD_PRICE,
    NO_COST,
    PAY_UP,
    REHEDGE,
    UNWIND,
    UNWIND_RUNG,
)
from engine.repair import (
    CHEAPEST,
    COMPLETE_FIRST,
    ON_PARTIAL,
    UNWIND_FIRST,
    LegView,
    Plan,
    RepairPolicy,
    missing_lots,
    plan,
    surplus_lots,
)
from tests.budget import examples


def policy(on_partial: int = CHEAPEST, **named) -> RepairPolicy:
    base = {
        "on_partial": on_partial, "retry_ns": 300_000_000, "pay_up_ticks": (1, 3), "band_bps": 30.0, "max_tries": 6,
        "naked_limit_ns": 10**10, "risk_aversion": 0.0,
    }  # fmt: skip
    return RepairPolicy(**(base | named))


def leg(ratio: int, booked: int, units: int = 1, bid: int = 9_999, ask: int = 10_001, ref: int = 10_000, **named):
    """A leg of a deal of `units`; tick value 10, fee 0 unless said otherwise."""
    base = {"tick_micros": 10, "fee_micros": 0, "sigma_ticks": 0.0}
    return LegView(
        booked_lots=booked, target_lots=ratio * units, ratio=ratio, bid_ticks=bid, ask_ticks=ask, ref_ticks=ref,
        **(base | named),
    )  # fmt: skip


def after(legs: list[LegView], lots: tuple[int, ...]) -> list[int]:
    return [one.booked_lots + count for one, count in zip(legs, lots, strict=True)]


def units_of(legs: list[LegView], booked: list[int]) -> set[float]:
    return {lots / one.ratio for one, lots in zip(legs, booked, strict=True)}


def test_r5_a_ratio_of_28_to_9_with_20_of_28_filled_leaves_no_20_lots():
    legs = [leg(28, 20), leg(-9, -9)]
    assert missing_lots(legs) == (8, 0)
    assert surplus_lots(legs) == (-20, 9)
    for on_partial in (COMPLETE_FIRST, UNWIND_FIRST, CHEAPEST):
        step = plan(legs, 0, policy(on_partial), 0, 0.3)
        assert step.lots in ((8, 0), (-20, 9))
        assert any(step.lots)


@pytest.mark.parametrize(
    ("booked", "missing", "surplus"),
    [
        ((1, 0), (2, -1), (-1, 0)),
        ((2, -1), (1, 0), (-2, 1)),
        ((0, -1), (3, 0), (0, 1)),
        ((3, 0), (0, -1), (-3, 0)),
        ((3, -1), (0, 0), (0, 0)),
    ],
)
def test_gold_three_to_one_filled_in_part(booked, missing, surplus):
    legs = [leg(3, booked[0]), leg(-1, booked[1])]
    assert missing_lots(legs) == missing
    assert surplus_lots(legs) == surplus


def test_f7_both_legs_part_filled_keeps_the_balanced_part():
    legs = [leg(3, 7, 4), leg(-1, -3, 4)]
    assert missing_lots(legs) == (2, 0)  # up to three units
    assert surplus_lots(legs) == (-1, 1)  # down to two
    assert units_of(legs, after(legs, surplus_lots(legs))) == {2.0}


def test_a_leg_that_traded_more_than_it_was_asked_for_opens_no_further_unit():
    legs = [leg(28, 30), leg(-9, -9)]
    assert missing_lots(legs) == (-2, 0)
    assert surplus_lots(legs) == (-2, 0)


def test_an_exit_is_repaired_with_its_signs_turned():
    legs = [leg(-3, -1), leg(1, 1)]
    assert missing_lots(legs) == (-2, 0)
    assert surplus_lots(legs) == (1, -1)


RATIOS = st.sampled_from([(28, -9), (3, -1), (5, -1), (9, -4), (31, -3), (1, -1), (2, -3, 1)])


@st.composite
def partial_deals(draw):
    """A deal of which any part of every leg has filled."""
    ratios, units = draw(RATIOS), draw(st.integers(1, 4))
    side = draw(st.sampled_from([1, -1]))
    legs = []
    for ratio in ratios:
        signed = ratio * side
        filled = draw(st.integers(0, abs(signed) * units)) * (1 if signed > 0 else -1)
        touch = draw(st.integers(1, 100_000))
        bid = draw(st.sampled_from([0, touch]))
        ask = draw(st.sampled_from([0, touch + draw(st.integers(1, 50))]))
        legs.append(leg(signed, filled, units, bid, ask, touch, fee_micros=draw(st.integers(0, 100))))
    return legs, units


@settings(max_examples=examples(300), deadline=None, derandomize=True)
@given(partial_deals())
def test_both_ways_end_in_whole_units_on_every_leg_within_the_deals_own(deal):
    legs, units = deal
    for lots in (missing_lots(legs), surplus_lots(legs)):
        left = units_of(legs, after(legs, lots))
        assert len(left) == 1
        assert left.pop() in range(units + 1)
    for one, more, less in zip(legs, missing_lots(legs), surplus_lots(legs), strict=True):
        assert more * one.ratio >= 0 >= less * one.ratio


@settings(max_examples=examples(300), deadline=None, derandomize=True)
@given(partial_deals(), st.sampled_from([COMPLETE_FIRST, UNWIND_FIRST, CHEAPEST]), st.integers(0, 7))
def test_every_plan_restores_balance_waits_or_halts_and_prices_what_it_trades(deal, on_partial, tries):
    legs, _ = deal
    rules = policy(on_partial)
    step = plan(legs, 0, rules, tries, 0.3)
    if step.rung in (HOLD_OFF, HALT):
        assert not any(step.lots)
        assert (step.rung == HALT) == (tries >= rules.max_tries)
        return
    assert len(units_of(legs, after(legs, step.lots))) == 1
    for one, lots, limit in zip(legs, step.lots, step.limit_ticks, strict=True):
        touch = one.ask_ticks if lots > 0 else one.bid_ticks
        assert (limit > 0) == (lots != 0)
        if lots:
            beyond = (limit - touch) * (1 if lots > 0 else -1)
            assert touch > 0
            assert -1 < beyond <= touch * rules.band_bps / 10_000


def test_tries_are_bounded_then_a_person_is_told():
    legs = [leg(3, 1), leg(-1, -1)]
    assert plan(legs, 0, policy(max_tries=4), 3, 0.3).rung != HALT
    step = plan(legs, 0, policy(max_tries=4), 4, 0.3)
    assert (step.rung, step.reason, step.lots) == (HALT, HALT_TRIES, (0, 0))


def test_without_any_price_it_waits():
    legs = [leg(3, 1, bid=0, ask=0), leg(-1, -1, bid=0, ask=0)]
    step = plan(legs, 0, policy(), 0, 0.3)
    assert (step.rung, step.reason, step.lots) == (HOLD_OFF, HOLD_PRICE, (0, 0))
    assert step.cost_complete_micros == step.cost_unwind_micros == NO_COST


@pytest.mark.parametrize("on_partial", [COMPLETE_FIRST, UNWIND_FIRST, CHEAPEST])
def test_f10_a_leg_locked_at_its_limit_leaves_the_one_way_that_has_a_price(on_partial):
    no_offers = [leg(3, 0, ask=0), leg(-1, -1)]
    assert plan(no_offers, 0, policy(on_partial), 0, 0.3).purpose == UNWIND
    nothing_to_sell_back_at = [leg(3, 0), leg(-1, -1, ask=0)]
    assert plan(nothing_to_sell_back_at, 0, policy(on_partial), 0, 0.3).purpose == REHEDGE


def test_the_cheaper_way_is_taken_and_both_costs_are_told():
    near = [leg(3, 1, ask=10_001), leg(-1, -1)]
    step = plan(near, 0, policy(), 0, 0.3)
    # Two lots a tick away; or one sold a tick lower and one bought back a tick higher.
    assert (step.purpose, step.cost_complete_micros, step.cost_unwind_micros) == (REHEDGE, 20, 20)
    far = [leg(3, 1, ask=10_040), leg(-1, -1)]
    step = plan(far, 0, policy(), 0, 0.3)
    assert (step.purpose, step.rung, step.lots) == (UNWIND, UNWIND_RUNG, (-1, 1))
    assert step.cost_complete_micros == 2 * 40 * 10 > step.cost_unwind_micros == 20


def test_the_edge_given_up_and_fees_weigh_against_unwinding():
    far = [leg(3, 1, ask=10_040), leg(-1, -1)]
    assert plan(far, 779, policy(), 0, 0.3).purpose == UNWIND
    assert plan(far, 780, policy(), 0, 0.3).purpose == REHEDGE
    dear = [leg(3, 1, ask=10_040, fee_micros=900), leg(-1, -1)]
    assert plan(dear, 779, policy(), 0, 0.3).purpose == UNWIND  # two lots more cost two fees, one back costs one
    losing = plan(far, -10_000, policy(), 0, 0.3)
    assert losing.cost_unwind_micros == 20  # a lost edge is no gain of the unwinding


def test_waiting_costs_risk_aversion_times_deviation_times_the_root_of_time():
    legs = [leg(3, 1, sigma_ticks=5.0), leg(-1, -1)]
    step = plan(legs, 0, policy(risk_aversion=2.0), 0, 0.25)
    # One lot out of balance, 5 ticks of 10 a root second, half a root second, twice.
    assert (step.cost_complete_micros, step.cost_unwind_micros) == (20 + 50, 20 + 50)


def test_a_stated_preference_goes_before_the_cost():
    far = [leg(3, 1, ask=10_040), leg(-1, -1)]
    assert plan(far, 0, policy(COMPLETE_FIRST), 0, 0.3).purpose == REHEDGE
    near = [leg(3, 1), leg(-1, -1)]
    assert plan(near, 10**9, policy(UNWIND_FIRST), 0, 0.3).purpose == UNWIND
    assert ON_PARTIAL == {"complete": COMPLETE_FIRST, "unwind": UNWIND_FIRST, "cheapest": CHEAPEST}


@pytest.mark.parametrize(
    ("on_partial", "early", "late"), [(COMPLETE_FIRST, REHEDGE, UNWIND), (UNWIND_FIRST, UNWIND, REHEDGE)]
)
def test_the_last_third_of_the_tries_goes_the_other_way(on_partial, early, late):
    legs = [leg(3, 1), leg(-1, -1)]
    purposes = [plan(legs, 0, policy(on_partial), tries, 0.3).purpose for tries in range(6)]
    assert purposes == [early] * 4 + [late] * 2


def test_a_single_try_follows_the_preference():
    legs = [leg(3, 1), leg(-1, -1)]
    assert plan(legs, 0, policy(COMPLETE_FIRST, max_tries=1), 0, 0.3).purpose == REHEDGE


def limits_of(rules: RepairPolicy, legs: list[LegView], tries: int) -> list[Plan]:
    return [plan(legs, 0, rules, number, 0.3) for number in range(tries)]


def test_limits_pay_up_with_each_try_then_cross_to_the_band():
    steps = limits_of(policy(COMPLETE_FIRST), [leg(3, 1), leg(-1, -1)], 4)
    assert [step.rung for step in steps] == [PAY_UP, PAY_UP, CROSS_BAND, CROSS_BAND]
    assert [step.limit_ticks for step in steps] == [(10_002, 0), (10_004, 0), (10_031, 0), (10_031, 0)]


def test_limits_of_what_is_sold_go_down():
    steps = limits_of(policy(COMPLETE_FIRST), [leg(-3, -1), leg(1, 1)], 3)
    assert [step.limit_ticks[0] for step in steps] == [9_998, 9_996, 9_999 - 29]


def test_a_band_narrower_than_the_schedule_is_the_widest_price():
    steps = limits_of(policy(COMPLETE_FIRST, band_bps=2.0), [leg(3, 1), leg(-1, -1)], 4)
    assert [step.limit_ticks[0] for step in steps] == [10_002, 10_003, 10_003, 10_003]


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(st.integers(1, 1_000_000), st.floats(0.5, 500.0), st.lists(st.integers(1, 500), max_size=4, unique=True))
def test_limits_never_come_back_with_more_tries(touch, band_bps, ticks):
    rules = policy(COMPLETE_FIRST, band_bps=band_bps, pay_up_ticks=tuple(sorted(ticks)), max_tries=30)
    legs = [leg(3, 1, bid=touch, ask=touch + 1, ref=touch), leg(-1, -1, bid=touch, ask=touch + 1, ref=touch)]
    limits = [step.limit_ticks[0] for step in limits_of(rules, legs, 10)]
    assert limits == sorted(limits)
    assert touch + 1 <= limits[0]
    assert limits[-1] <= (touch + 1) * (1 + band_bps / 10_000)
