"""The venue's instruments as FIX sees them: by symbol, with the ways between wire texts and our integers."""

from adapters.fix44.codec import text
from adapters.fix44.steps import Steps
from engine.instruments import LONG_SHORT_TODAY, Instrument


class Listed:
    """One instrument with its prices and sizes as texts."""

    __slots__ = ("instrument", "prices", "sizes", "symbol")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol.encode()
        self.prices = Steps(instrument.tick, f"{instrument.id} price")
        self.sizes = Steps(instrument.lot_step, f"{instrument.id} size")


class Listing:
    """All instruments of one venue. ValueError for a symbol that is there twice, or a position mode FIX cannot say."""

    def __init__(self, instruments: list[Instrument]) -> None:
        self.by_symbol: dict[bytes, Listed] = {}
        self.by_index: dict[int, Listed] = {}
        for instrument in instruments:
            if instrument.position_mode == LONG_SHORT_TODAY:
                raise ValueError(f"{instrument.id}: FIX 4.4 has no close-today; expected net or long_short")
            listed = Listed(instrument)
            if listed.symbol in self.by_symbol:
                raise ValueError(f"{instrument.id}: symbol {instrument.symbol} is listed twice on its venue")
            self.by_symbol[listed.symbol] = self.by_index[instrument.index] = listed

    def named(self, symbol: bytes) -> Listed:
        """ValueError for a symbol that is not listed."""
        listed = self.by_symbol.get(symbol)
        if listed is None:
            raise ValueError(f"tag 55: {text(symbol)!r} is no instrument of this venue")
        return listed
