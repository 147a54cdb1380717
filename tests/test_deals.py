"""A deal's exposure and its interval, its naked time, and how it has ended."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import records
from engine.deals import balanced_units, keep_naked_time, measure, naked_so_far, outcome_of
from engine.records import COMPLETE, NO_OUTCOME, NOT_DONE, PARTIAL_BALANCED, UNWOUND
from engine.schema import CANCELLED, DEAL, FILLED, ORDER, SENT_STATE, WORKING
from tests.budget import examples
from tests.world import World

HEDGE = (1_000_000_000, 3_110_347_680)  # of a lot of Shanghai and of COMEX gold, millionths of a gram
BOUND = 400_000_000
MS = 1_000_000


def deal_of(booked=(0, 0), target=(3, -1), fills: int = 0):
    deal = np.zeros(1, DEAL)[0]
    deal["legs"] = deal["spread_legs"] = 2
    deal["fills"] = fills
    deal["hedge_ubase"][:2], deal["booked_lots"][:2], deal["target_lots"][:2] = HEDGE, booked, target
    deal["exposure_ubase"] = sum(lots * hedge for lots, hedge in zip(booked, HEDGE, strict=True))
    return deal


def order_of(leg: int, side: int, lots: int, cum: int = 0, state: int = WORKING, in_doubt: int = 0, settled: int = 0):
    row = np.zeros(1, ORDER)[0]
    row["leg"], row["side"], row["lots"], row["cum_lots"] = leg, side, lots, cum
    row["state"], row["in_doubt"], row["settled"] = state, in_doubt, settled
    return row


@pytest.mark.parametrize(
    ("booked", "fills", "outcome"),
    [
        ((0, 0), 0, NOT_DONE),
        ((0, 0), 4, UNWOUND),
        ((3, -1), 2, COMPLETE),
        ((6, -2), 2, PARTIAL_BALANCED),  # balanced, but not what was asked for
        ((3, 0), 1, NO_OUTCOME),
        ((0, -1), 1, NO_OUTCOME),
        ((1, 0), 1, NO_OUTCOME),
        ((2, -1), 2, NO_OUTCOME),
    ],
)
def test_a_deal_without_live_orders_has_one_outcome_or_needs_repair(booked, fills, outcome):
    assert outcome_of(deal_of(booked, fills=fills), BOUND) == outcome


def test_r5_20_of_28_is_no_end():
    deal = deal_of((20, -9), (28, -9), 2)
    assert outcome_of(deal, BOUND) == NO_OUTCOME
    assert outcome_of(deal_of((28, -9), (28, -9), 2), BOUND) == COMPLETE


def test_one_of_three_units_is_balanced_in_part():
    deal = deal_of((3, -1), (9, -3), 2)
    assert outcome_of(deal, BOUND) == PARTIAL_BALANCED
    assert balanced_units(deal, (3, -1)) == 1


@pytest.mark.parametrize(
    ("booked", "ratios", "units"),
    [
        ((3, 0), (3, -1), 0),  # a leg that never filled: no unit stands
        ((9, -1), (3, -1), 1),
        ((0, -2), (3, -1), 0),
        ((27, -9), (28, -9), 1),  # within the bound, a lot short
        ((-6, 2), (3, -1), 2),
    ],
)
def test_a_unit_stands_on_every_leg(booked, ratios, units):
    assert balanced_units(deal_of(booked), ratios) == units


@pytest.mark.parametrize(("exposure", "outcome"), [(BOUND, PARTIAL_BALANCED), (BOUND + 1, NO_OUTCOME)])
def test_the_bound_itself_is_within(exposure, outcome):
    for sign in (1, -1):
        deal = deal_of((1, 0))
        deal["exposure_ubase"] = sign * exposure
        assert outcome_of(deal, BOUND) == outcome


@st.composite
def live_deals(draw):
    booked = (draw(st.integers(-5, 5)), draw(st.integers(-3, 3)))
    orders = []
    for _ in range(draw(st.integers(0, 4))):
        lots = draw(st.integers(1, 4))
        state = draw(st.sampled_from([SENT_STATE, WORKING, CANCELLED, FILLED]))
        row = order_of(draw(st.integers(0, 1)), draw(st.sampled_from([1, -1])), lots, draw(st.integers(0, lots)), state,
                       draw(st.integers(0, 1)))  # fmt: skip
        row["settled"] = state in (CANCELLED, FILLED) and not row["in_doubt"] and draw(st.booleans())
        orders.append(row)
    return deal_of(booked), orders


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(live_deals())
def test_the_interval_holds_every_outcome_that_live_orders_can_still_reach_and_no_more(found):
    deal, orders = found
    measure(deal, orders)
    live = [row for row in orders if row["in_doubt"] or row["state"] in (SENT_STATE, WORKING)]
    reached = []
    for lots in product(*(range(int(row["lots"] - row["cum_lots"]) + 1) for row in live)):
        more = sum(count * int(row["side"]) * HEDGE[row["leg"]] for count, row in zip(lots, live, strict=True))
        reached.append(int(deal["exposure_ubase"]) + more)
    assert (min(reached), max(reached)) == (deal["low_ubase"], deal["high_ubase"])
    assert deal["low_ubase"] <= deal["exposure_ubase"] <= deal["high_ubase"]
    assert deal["orders"] == sum(not row["settled"] for row in orders)
    assert deal["in_doubt"] == sum(bool(row["in_doubt"]) and not row["settled"] for row in orders)


def test_naked_episodes_are_summed():
    deal = deal_of((3, 0))
    assert keep_naked_time(deal, BOUND, 10 * MS) == 1
    assert keep_naked_time(deal, BOUND, 20 * MS) == 0
    assert naked_so_far(deal, 30 * MS) == 20 * MS
    deal["exposure_ubase"] = BOUND
    assert keep_naked_time(deal, BOUND, 40 * MS) == -1
    assert keep_naked_time(deal, BOUND, 90 * MS) == 0
    deal["exposure_ubase"] = -BOUND - 1
    assert keep_naked_time(deal, BOUND, 100 * MS) == 1
    deal["exposure_ubase"] = 0
    assert keep_naked_time(deal, BOUND, 105 * MS) == -1
    assert (deal["naked_ns"], naked_so_far(deal, 900 * MS)) == (35 * MS, 35 * MS)


@pytest.mark.parametrize(("in_doubt", "naked"), [(0, 0), (1, 1)])
def test_a_leg_in_doubt_counts_at_its_worst_from_the_doubt_on(in_doubt, naked):
    deal = deal_of()
    measure(deal, [order_of(0, 1, 3, state=SENT_STATE, in_doubt=in_doubt)])
    assert (deal["low_ubase"], deal["high_ubase"]) == (0, 3 * HEDGE[0])
    assert keep_naked_time(deal, BOUND, 500 * MS) == naked
    assert naked_so_far(deal, 600 * MS) == naked * 100 * MS


def test_the_worst_case_counts_on_the_short_side_too():
    deal = deal_of()
    measure(deal, [order_of(1, -1, 1, in_doubt=1)])
    assert (deal["low_ubase"], deal["high_ubase"]) == (-HEDGE[1], 0)
    assert keep_naked_time(deal, BOUND, MS) == 1


def test_the_first_word_of_a_deal_says_what_its_orders_may_do():
    world = World()
    world.market(6.5)
    first = world.of_kind(records.DEAL)[0]
    assert (first["exposure_ubase"], first["low_ubase"], first["high_ubase"]) == (0, -3_000_000_000, 3_110_347_680)
