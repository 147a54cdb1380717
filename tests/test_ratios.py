"""Ratios: which whole lots balance two legs, and what they leave."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ratios import best_ratios, ratio
from engine.units import convert, parse_quantity


def base(text: str, unit: str) -> Fraction:
    amount, source = parse_quantity(text)
    return convert(amount, source, unit)


def by_lots(first: Fraction, second: Fraction, max_lots: int = 40) -> dict:
    return {(found.first_lots, found.second_lots): found for found in best_ratios(first, second, max_lots)}


def percent(share: Fraction) -> float:
    return round(float(share) * 100, 3)


def test_shfe_gold_against_comex():
    found = by_lots(base("1000 g", "g"), base("100 oz", "g"))
    assert percent(found[3, 1].share) == 3.548
    assert found[3, 1].residual == Fraction("-110.34768")
    assert round(float(found[28, 9].residual), 1) == 6.9
    assert max(found) == (28, 9)


def test_shfe_copper_against_the_lme_is_exact_and_ends_the_list():
    found = best_ratios(base("5 t", "t"), base("25 t", "t"), 40)
    assert (found[-1].first_lots, found[-1].second_lots, found[-1].residual) == (5, 1, 0)


def test_shfe_copper_against_comex():
    first = base("5 t", "t")
    found = by_lots(first, base("25000 lb", "t"))
    assert round(float(-found[9, 4].residual / (9 * first)) * 100, 2) == 0.80  # of the SHFE side
    assert percent(found[9, 4].share) == 0.792  # of the larger side
    assert percent(found[34, 15].share) == 0.057


def test_shfe_silver_against_comex():
    found = by_lots(base("15 kg", "kg"), base("5000 oz", "kg"))
    assert percent(found[31, 3].share) == 0.333


def test_a_hedge_weight_moves_the_ratio():
    """13 % VAT in the SHFE price: 1 LME lot is hedged by 4.4 lots in money, though by 5 in metal."""
    without_vat = Fraction(100, 113)
    found = by_lots(base("25 t", "t") * without_vat, base("5 t", "t"), 31)
    assert (2, 9) in found and (5, 22) in found and (1, 5) not in found


def test_the_order_of_the_legs_only_turns_the_sign():
    there = best_ratios(base("1000 g", "g"), base("100 oz", "g"), 40)
    back = best_ratios(base("100 oz", "g"), base("1000 g", "g"), 40)
    assert [(r.second_lots, r.first_lots, -r.residual, r.share) for r in back] == [
        (r.first_lots, r.second_lots, r.residual, r.share) for r in there
    ]


SIZES = st.fractions(min_value=Fraction(1, 100), max_value=100, max_denominator=1000)


@given(SIZES, SIZES, st.integers(1, 30))
def test_every_ratio_beats_all_smaller_ones_and_none_is_missed(first, second, max_lots):
    found = best_ratios(first, second, max_lots)
    shares = [one.share for one in found]
    assert shares == sorted(shares, reverse=True) and len(set(shares)) == len(shares)
    half = [r for n in range(1, max_lots + 1) for m in range(1, max_lots + 1) if (r := ratio(n, m, first, second))]
    best = min(one.share for one in half)
    if best < Fraction(1, 3):  # nearest by residual is then nearest by share too
        assert shares[-1] == best


def test_sizes_without_meaning_are_refused():
    with pytest.raises(ValueError, match="positive"):
        best_ratios(Fraction(0), Fraction(1), 5)
    with pytest.raises(ValueError, match="positive"):
        best_ratios(Fraction(1), Fraction(1), 0)
    assert best_ratios(Fraction(1), Fraction(100), 10) == []
