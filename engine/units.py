"""Units of quantity and of price, converted exactly: mass, volume, and coins or currencies, each a unit of its own.

Everything here is a Fraction, so a conversion loses nothing; where a result must become an integer, the answer says
whether that was exact. Used while a config is checked and compiled, never on the hot path.
"""

import difflib
import re
from fractions import Fraction
from typing import NamedTuple

MASS, VOLUME = "mass", "volume"

# Dimension, and size in grams or litres. The troy ounce, the avoirdupois pound and the barrel are defined exactly.
_UNITS = {
    "g": (MASS, Fraction(1)),
    "kg": (MASS, Fraction(1000)),
    "t": (MASS, Fraction(1_000_000)),
    "oz": (MASS, Fraction("31.1034768")),
    "lb": (MASS, Fraction("453.59237")),
    "l": (VOLUME, Fraction(1)),
    "m3": (VOLUME, Fraction(1000)),
    "bbl": (VOLUME, Fraction("158.987294928")),
}
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s+(\S+)")
_MICRO = 1_000_000


class Quantity(NamedTuple):
    """An amount of a unit: 1000 g, 0.001 BTC, 100 USD."""

    amount: Fraction
    unit: str

    def __str__(self) -> str:
        return f"{float(self.amount):.10g} {self.unit}"


class PriceUnit(NamedTuple):
    """What a price counts: `currency` for one `unit`."""

    currency: str
    unit: str


def dimension(unit: str) -> tuple[str, Fraction]:
    """What a unit measures, and its size in grams or litres (1 for a coin). ValueError for an unknown unit."""
    if unit in _UNITS:
        return _UNITS[unit]
    if _CODE.fullmatch(unit):
        return unit, Fraction(1)
    near = difflib.get_close_matches(unit.lower(), _UNITS, n=1, cutoff=0.5)
    hint = f" (nearest: {near[0]})" if near else ""
    raise ValueError(f"unit {unit!r} is not one of {', '.join(_UNITS)} or an upper-case code such as BTC{hint}")


def parse_quantity(text: str) -> Quantity:
    """The quantity in a text such as "1000 g". ValueError where it is not a positive decimal, a space and a unit."""
    match = _QUANTITY.fullmatch(text.strip())
    amount = Fraction(match[1]) if match else Fraction(0)
    if not match or amount == 0:
        raise ValueError(f'quantity {text!r} is not a positive amount and a unit, such as "1000 g"')
    dimension(match[2])
    return Quantity(amount, match[2])


def parse_price_unit(text: str) -> PriceUnit:
    """The unit of a price such as "CNY/g". ValueError where it is not a currency code, a slash and a unit."""
    currency, slash, unit = text.partition("/")
    if not slash or not _CODE.fullmatch(currency):
        raise ValueError(f'price unit {text!r} is not a currency and a unit, such as "CNY/g"')
    dimension(unit)
    return PriceUnit(currency, unit)


def convert(amount: Fraction, source: str, target: str, density_kg_m3: Fraction | None = None) -> Fraction:
    """The amount in another unit, exactly. Between mass and volume a density is needed; ValueError without one.

    density_kg_m3: kilograms a cubic metre, which is grams a litre.
    """
    (from_kind, from_size), (to_kind, to_size) = dimension(source), dimension(target)
    if from_kind == to_kind:
        return amount * from_size / to_size
    if {from_kind, to_kind} != {MASS, VOLUME}:
        raise ValueError(f"cannot convert {source} ({from_kind}) to {target} ({to_kind})")
    if density_kg_m3 is None or density_kg_m3 <= 0:
        raise ValueError(f"cannot convert {source} ({from_kind}) to {target} ({to_kind}) without a stated density")
    grams_a_litre = density_kg_m3 if from_kind == VOLUME else 1 / density_kg_m3
    return amount * from_size * grams_a_litre / to_size


def price_factor(price_unit: str, unit: str, density_kg_m3: Fraction | None = None) -> Fraction:
    """What to multiply a price by to have it per `unit`: "USD/oz" to g is 1 / 31.1034768. Errors as `convert`."""
    return 1 / convert(Fraction(1), parse_price_unit(price_unit).unit, unit, density_kg_m3)


def inverse_lot(contract_value: Quantity, price: Fraction, coin: str) -> Quantity:
    """The coins in an inverse contract at a price: 100 USD at 50,000 USD/BTC is 0.002 BTC.

    It moves with the price, so it is true at that price only. ValueError for a price that is not positive.
    """
    if price <= 0:
        raise ValueError(f"an inverse contract of {contract_value} needs a positive price, not {price}")
    return Quantity(contract_value.amount / price, coin)


def lot_ubase(lot: Quantity, unit: str, density_kg_m3: Fraction | None = None) -> tuple[int, bool]:
    """A lot in millionths of the base unit, and whether that integer is exact. Errors as `convert`."""
    return _whole(convert(lot.amount, lot.unit, unit, density_kg_m3) * _MICRO)


def tick_value_micros(tick: Fraction, price_unit: str, lot: Quantity) -> tuple[int, bool]:
    """What one tick of one lot is worth, in millionths of the price's currency, and whether that integer is exact."""
    return _whole(tick * convert(lot.amount, lot.unit, parse_price_unit(price_unit).unit) * _MICRO)


def _whole(value: Fraction) -> tuple[int, bool]:
    return round(value), value.denominator == 1
