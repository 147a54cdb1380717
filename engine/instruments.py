"""An Instrument: one tradable contract on one venue, and the exact way between its texts and our integers."""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

import msgspec

LINEAR, INVERSE, FX = range(3)
KINDS = {"linear": LINEAR, "inverse": INVERSE, "fx": FX}

NET, LONG_SHORT, LONG_SHORT_TODAY = range(3)
POSITION_MODES = {"net": NET, "long_short": LONG_SHORT, "long_short_today": LONG_SHORT_TODAY}

# What a venue may say at most: larger numbers are nobody's, and sums of them would leave the journal's 64 bits.
LARGEST_STEPS = 2**53  # ticks of a price, lots of a quote; either sign
LARGEST_LOTS = 2**40  # of an order, a fill or a position
LARGEST_NS = 2**62 - 1  # a time: 1970 to 2116
_LARGEST_MONEY = Decimal(2**62) / 1_000_000  # of an account; either sign


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One contract on one venue. Prices inside Tandem are whole ticks, sizes whole lots.

    index: row in every per-instrument table. venue, account: rows too (account is -1 for a contract that is only
    watched, such as an FX rate). symbol: the venue's own name. exchange: the venue's exchange code, where it has one.
    tick: smallest price step, in price units. lot_step: what one of our lots is on the wire (1 for futures, 0.001 for
    a spot pair whose sizes come as decimals). decimals: digits after the point in a price text.
    """

    index: int
    id: str
    venue: int
    symbol: str
    exchange: str = ""
    account: int = -1
    currency: str
    kind: int = LINEAR
    position_mode: int = NET
    tick: Fraction
    lot_step: Fraction = Fraction(1)

    @property
    def decimals(self) -> int:
        return decimals_of(self.tick)

    def ticks(self, price: str | float | int | Decimal) -> int:
        """The price in ticks. ValueError where it is no multiple of the tick, or beyond +-LARGEST_STEPS."""
        return _steps(price, self.tick, f"{self.id} price")

    def lots(self, size: str | float | int | Decimal) -> int:
        """The size in lots. ValueError where it is no multiple of the lot step, or beyond +-LARGEST_STEPS."""
        return _steps(size, self.lot_step, f"{self.id} size")

    def price_text(self, ticks: int) -> str:
        return step_text(ticks, self.tick)

    def size_text(self, lots: int) -> str:
        return step_text(lots, self.lot_step)


@lru_cache(maxsize=1024)
def decimals_of(step: Fraction) -> int:
    """How many digits after the point a decimal step needs. ValueError for a step such as 1/3."""
    for digits in range(19):
        if (step * 10**digits).denominator == 1:
            return digits
    raise ValueError(f"step {step} is not a decimal number of at most 18 digits")


@lru_cache(maxsize=1024)
def step_scale(step: Fraction) -> tuple[int, int]:
    """(the step in units of its last digit, digits after the point)."""
    digits = decimals_of(step)
    return int(step * 10**digits), digits


def step_text(steps: int, step: Fraction) -> str:
    """steps x step as an exact decimal text with the digits of the step: step_text(3, 1/20) -> '0.15'."""
    unit, digits = step_scale(step)
    scaled = steps * unit
    if digits == 0:
        return str(scaled)
    sign, scaled = ("-", -scaled) if scaled < 0 else ("", scaled)
    return f"{sign}{scaled // 10**digits}.{scaled % 10**digits:0{digits}d}"


def _fraction(number: str | float | int | Decimal, what: str) -> Fraction:
    try:
        return Fraction(repr(number) if isinstance(number, float) else number)
    except (ValueError, OverflowError, TypeError, ZeroDivisionError) as error:
        raise ValueError(f"{what} {number!r} is not a number") from error


def _steps(number: str | float | int | Decimal, step: Fraction, what: str) -> int:
    """A float is taken at its shortest decimal text (309.95, not 309.94999999999999)."""
    steps = _fraction(number, what) / step
    if steps.denominator != 1:
        raise ValueError(f"{what} {number!r} is not a multiple of {float(step):g}")
    if abs(steps) > LARGEST_STEPS:
        raise ValueError(f"{what} {number!r} is beyond 2^53 steps of {float(step):g}")
    return int(steps)


def reported_lots(lots: int, what: str) -> int:
    """A quantity of an order, a fill or a position as a venue states it. ValueError outside 0 to LARGEST_LOTS."""
    if not 0 <= lots <= LARGEST_LOTS:
        raise ValueError(f"{what}: expected 0 to 2^40 lots, got {lots}")
    return lots


def reported_micros(amount: Decimal, what: str) -> int:
    """An amount of money in millionths, rounded. ValueError where it is no finite number or beyond 2^62."""
    try:
        if -_LARGEST_MONEY <= amount <= _LARGEST_MONEY:  # compared before any arithmetic: 1e999999 has none
            return round(amount * 1_000_000)
    except InvalidOperation:  # a NaN
        pass
    raise ValueError(f"{what}: expected an amount of money below 2^62 millionths, got {amount}")


def reported_ns(time_ns: int, what: str) -> int:
    """A venue's stamp, ns since the epoch. ValueError outside 1970 to 2116."""
    if not 0 <= time_ns <= LARGEST_NS:
        raise ValueError(f"{what}: expected a time from 1970 to 2116, got {time_ns} ns")
    return time_ns
