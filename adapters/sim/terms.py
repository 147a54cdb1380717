"""What a simulated contract is worth and what the venue asks for it."""

from fractions import Fraction

import msgspec

from engine.instruments import INVERSE, Instrument

MICROS = 1_000_000
BPS = 10_000


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """One contract's terms. multiplier: units of the underlying in a lot; of an INVERSE contract its face value.

    margin_bps: of the notional at the mark. lower_ticks, upper_ticks: the day's price limits, both inside.
    max_order_lots: the largest order taken. ValueError where a tick of a lot is no whole number of micros.

    tick_worth_micros: what a tick of a lot is worth, computed once; 0 for an INVERSE contract, whose ticks differ.
    """

    instrument: Instrument
    multiplier: Fraction
    margin_bps: int = 0
    commission_micros_per_lot: int = 0
    lower_ticks: int | None = None
    upper_ticks: int | None = None
    max_order_lots: int | None = None
    tick_worth_micros: int = 0

    def __post_init__(self) -> None:
        if self.multiplier <= 0:
            raise ValueError(f"{self.instrument.id}: multiplier {self.multiplier} must be above 0")
        if self.instrument.kind != INVERSE and self.tick_micros.denominator != 1:
            raise ValueError(
                f"{self.instrument.id}: a tick of a lot is {float(self.tick_micros):g} micros of "
                f"{self.instrument.currency}; expected a whole number (a larger multiplier and lot step)"
            )
        worth = 0 if self.instrument.kind == INVERSE else self.tick_micros.numerator
        msgspec.structs.force_setattr(self, "tick_worth_micros", worth)

    @property
    def tick_micros(self) -> Fraction:
        return self.instrument.tick * self.multiplier * MICROS

    def worth_micros(self, ticks: int) -> int | Fraction:
        """A long lot's worth at a price, up to a constant: profit is the difference of two, notional its size.

        An inverse lot (a fixed face value, paid in the coin) is short the coin's reciprocal price, hence the minus.
        """
        if self.instrument.kind == INVERSE:
            return -(self.multiplier * MICROS) / (ticks * self.instrument.tick)
        return ticks * self.tick_worth_micros

    def margin_micros(self, lots: int, ticks: int) -> int:
        """Margin of so many lots at a price, rounded up."""
        return int(-(-lots * abs(self.worth_micros(ticks)) * self.margin_bps // BPS))
