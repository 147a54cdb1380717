"""A played quote: what a recording or a generator yields, and the plain iterators between it and a venue."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

NS = 1_000_000_000


class QuoteTick(msgspec.Struct, gc=False, frozen=True):
    """A best quote at a market time. at_ns: since the epoch (recordings) or since the start; lots 0: no such side.

    symbol: the series of the source until `renamed` gives it a venue's symbol. flags: `engine.ports.QUOTE_*`.
    """

    at_ns: int
    symbol: str
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    flags: int = 0


class BadLine(msgspec.Struct, gc=False, frozen=True):
    """A line of a recording that could not be understood: where it is, and what was expected instead."""

    file: str
    line: int
    expected: str


class Pace(msgspec.Struct, gc=False, frozen=True):
    """When a market time is due on the clock: the market's zero is played at origin_ns, `speed` times as fast."""

    origin_ns: int
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"speed {self.speed!r}: expected a number above 0")

    def due_ns(self, at_ns: int) -> int:
        return self.origin_ns + (at_ns if self.speed == 1.0 else int(at_ns / self.speed))


def sift(items: Iterable[QuoteTick | BadLine], on_bad: Callable[[BadLine], None]) -> Iterator[QuoteTick]:
    """The quotes alone; each bad line goes to `on_bad`."""
    for item in items:
        if isinstance(item, BadLine):
            on_bad(item)
        else:
            yield item


def window(quotes: Iterable[QuoteTick], start_s: float = 0.0, seconds: float | None = None) -> Iterator[QuoteTick]:
    """The quotes from start_s after the first one, for `seconds`; their time then counts from the window's start.

    What stood before the window is not lost: the last quote of each symbol opens it, at time 0. ValueError where the
    source ends before the window begins.
    """
    standing: dict[str, QuoteTick] = {}
    zero_ns, end_ns = None, None
    for quote in quotes:
        if zero_ns is None:
            zero_ns = quote.at_ns + int(start_s * NS)
            end_ns = None if seconds is None else zero_ns + int(seconds * NS)
        if quote.at_ns < zero_ns:
            standing[quote.symbol] = quote
            continue
        for before in standing.values():
            yield msgspec.structs.replace(before, at_ns=0)
        standing.clear()
        if end_ns is not None and quote.at_ns >= end_ns:
            return
        yield msgspec.structs.replace(quote, at_ns=quote.at_ns - zero_ns)
    if standing:
        raise ValueError(f"start_s = {start_s}: the quotes end before it")


def renamed(quotes: Iterable[QuoteTick], symbols: dict[str, str]) -> Iterator[QuoteTick]:
    """Only the series named in `symbols`, under the venue's symbol. KeyError never: other series are left out."""
    for quote in quotes:
        symbol = symbols.get(quote.symbol)
        if symbol is not None:
            yield msgspec.structs.replace(quote, symbol=symbol)
