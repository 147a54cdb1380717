"""Units: exact conversion, prices per unit, ticks and lots as integers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.units import (
    Quantity,
    convert,
    dimension,
    inverse_lot,
    lot_ubase,
    parse_price_unit,
    parse_quantity,
    price_factor,
    tick_value_micros,
)  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "source", "target", "expected"),
    [
        (1, "oz", "g", "31.1034768"),
        (100, "oz", "g", "3110.34768"),
        (25_000, "lb", "t", "11.33980925"),
        (1, "bbl", "l", "158.987294928"),
        (1, "m3", "l", "1000"),
        (1, "t", "kg", "1000"),
        (3, "BTC", "BTC", "3"),
    ],
)
def test_the_defined_units_convert_exactly(amount, source, target, expected):
    assert convert(Fraction(amount), source, target) == Fraction(expected)


MASSES = st.sampled_from(["g", "kg", "t", "oz", "lb"])


@given(st.fractions(), MASSES, MASSES)
def test_there_and_back_loses_nothing(amount, source, target):
    assert convert(convert(amount, source, target), target, source) == amount


def test_a_mass_becomes_a_volume_only_by_a_stated_density():
    assert convert(Fraction(1), "t", "m3", Fraction(800)) == Fraction(5, 4)
    assert convert(Fraction(5, 4), "m3", "t", Fraction(800)) == 1
    with pytest.raises(ValueError, match=r"cannot convert t \(mass\) to bbl \(volume\) without a stated density"):
        convert(Fraction(1), "t", "bbl")
    with pytest.raises(ValueError, match="without a stated density"):
        convert(Fraction(1), "t", "bbl", Fraction(0))


def test_a_coin_converts_to_nothing_but_itself():
    with pytest.raises(ValueError, match=r"cannot convert BTC \(BTC\) to ETH \(ETH\)"):
        convert(Fraction(1), "BTC", "ETH", Fraction(1))
    with pytest.raises(ValueError, match="cannot convert"):
        convert(Fraction(1), "BTC", "g", Fraction(1))


def test_an_unknown_unit_is_refused_with_the_nearest_known_one():
    with pytest.raises(ValueError, match=r"unit 'kgs' is not one of .*nearest: kg"):
        dimension("kgs")


@pytest.mark.parametrize("text", ["1000g", "1000", "g", "-5 g", "0 g", "1e3 g", "1 000 g", "5 g g", ""])
def test_a_text_that_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match="is not a positive amount and a unit"):
        parse_quantity(text)


def test_quantities_and_price_units_are_read():
    assert parse_quantity("0.001 BTC") == Quantity(Fraction(1, 1000), "BTC")
    assert parse_quantity("1000 g") == (1000, "g")
    assert parse_price_unit("CNY/g") == ("CNY", "g")
    for text in ("CNY", "cny/g", "/g", "CNY/"):
        with pytest.raises(ValueError, match="is not"):
            parse_price_unit(text)


def test_a_price_an_ounce_becomes_a_price_a_gram():
    assert Fraction("3110.34768") * price_factor("USD/oz", "g") == 100
    assert price_factor("CNY/g", "g") == 1


def test_ticks_and_lots_become_integers_and_say_whether_exactly():
    gold, comex, copper = (parse_quantity(text) for text in ("1000 g", "100 oz", "25000 lb"))
    assert tick_value_micros(Fraction("0.02"), "CNY/g", gold) == (20_000_000, True)
    assert tick_value_micros(Fraction("0.1"), "USD/oz", comex) == (10_000_000, True)
    assert lot_ubase(gold, "g") == (1_000_000_000, True)
    assert lot_ubase(comex, "g") == (3_110_347_680, True)
    assert lot_ubase(copper, "t") == (11_339_809, False)
    assert lot_ubase(copper, "kg") == (11_339_809_250, True)


def test_an_inverse_contract_holds_coins_by_the_price():
    lot = inverse_lot(parse_quantity("100 USD"), Fraction(60_000), "BTC")
    assert lot == Quantity(Fraction(1, 600), "BTC")
    assert lot_ubase(lot, "BTC") == (1667, False)
    assert lot_ubase(inverse_lot(parse_quantity("100 USD"), Fraction(50_000), "BTC"), "BTC") == (2000, True)
    with pytest.raises(ValueError, match="positive price"):
        inverse_lot(parse_quantity("100 USD"), Fraction(0), "BTC")
