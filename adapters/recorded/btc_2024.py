"""Binance BTC captures of 2024-08-08: spot, linear (usdm) and inverse (cm) perpetual best quotes.

A line is the receive time in ns and the JSON frame as it came. Played by receive time: that order is what was seen.
"""

import gzip
import heapq
import zlib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from adapters.ticks import BadLine, QuoteTick

FILES = {
    "spot": ("spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"),
    "usdm": ("usdm_btcusdt_20240808.gz",),
    "cm": ("cm_btcusd_perp_20240808.gz",),
}
_NS_PER_MS = 1_000_000


class Steps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A market's price tick and lot step, as texts; sizes are rounded down to whole lots."""

    tick: str
    lot_step: str


# The exchange's contract rules of the time; a cm lot is a contract of 100 USD.
STEPS = {"spot": Steps("0.01", "0.00001"), "usdm": Steps("0.1", "0.001"), "cm": Steps("0.1", "1")}


class _BookTicker(msgspec.Struct, gc=False):
    """Best bid and offer: prices b and a, sizes B and A."""

    b: str
    B: str
    a: str
    A: str


class _Stamp(msgspec.Struct, gc=False):
    """The venue's stamp E (ms) of any frame; spot's bookTicker has none."""

    E: int = 0


class _Frame(msgspec.Struct, gc=False):
    """A stream's frame; a REST snapshot has no stream."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


_frame = msgspec.json.Decoder(_Frame)
_book = msgspec.json.Decoder(_BookTicker)
_stamp = msgspec.json.Decoder(_Stamp)

_Line = tuple[int, int, bytes]  # line number, receive time, frame


class Capture:
    """The recorded markets as one stream of quotes. ignored: the frames of other kinds that were passed over."""

    def __init__(self, folder: Path, steps: dict[str, Steps] = STEPS) -> None:
        """steps: of the markets to play, by series (spot, usdm, cm). KeyError for an unknown one."""
        self._files = {series: [folder / name for name in FILES[series]] for series in steps}
        self._steps = steps
        self.ignored: Counter[str] = Counter()

    def quotes(self) -> Iterator[QuoteTick | BadLine]:
        """The quotes by receive time (at_ns: epoch of the receiving clock), and what could not be understood."""
        for _, item in heapq.merge(*(self._series(name) for name in self._files), key=lambda pair: pair[0]):
            yield item

    def _series(self, series: str) -> Iterator[tuple[int, QuoteTick | BadLine]]:
        steps = self._steps[series]
        tick, lot_step = Decimal(steps.tick), Decimal(steps.lot_step)
        known_ns = 0
        for path in self._files[series]:
            for line in _lines(path):
                item = line if isinstance(line, BadLine) else self._item(path, series, line, known_ns, tick, lot_step)
                if isinstance(item, QuoteTick):
                    known_ns = item.at_ns
                if item is not None:
                    yield known_ns, item

    def _item(
        self, path: Path, series: str, line: _Line, known_ns: int, tick: Decimal, lot_step: Decimal
    ) -> QuoteTick | BadLine | None:
        """The line's quote; None for a frame of another kind, which is counted."""
        number, at_ns, raw = line
        try:
            if at_ns < known_ns:
                raise ValueError("a receive time not before that of the line before")
            frame = _frame.decode(raw)
            kind = frame.stream.partition("@")[2].partition("@")[0] or "snapshot"
            if kind != "bookTicker":
                self.ignored[f"{series} {kind}"] += 1
                return None
            data = _book.decode(frame.data)
            bid_ticks, ask_ticks = _ticks(data.b, tick), _ticks(data.a, tick)
            bid_lots, ask_lots = _lots(data.B, lot_step), _lots(data.A, lot_step)
        except (msgspec.DecodeError, ValueError, ArithmeticError) as error:
            return BadLine(path.name, number, f"expected {error}")
        return QuoteTick(at_ns, series, bid_ticks, bid_lots, ask_ticks, ask_lots)


def skew_bound_ns(folder: Path, series: str) -> int:
    """The least by which the venue's clock is ahead of the receiving one: the largest venue stamp - receive time.

    No message arrives before it was stamped, so the true offset is this or more; stamps that go one way give no upper
    bound. ValueError where no frame of the series has a stamp.
    """
    bounds = [
        stamp.E * _NS_PER_MS - line[1]
        for name in FILES[series]
        for line in _lines(folder / name)
        if not isinstance(line, BadLine) and (stamp := _stamp_of(line[2])) is not None and stamp.E
    ]
    if not bounds:
        raise ValueError(f"{series}: no frame has a venue stamp (E)")
    return max(bounds)


def _stamp_of(raw: bytes) -> _Stamp | None:
    try:
        return _stamp.decode(_frame.decode(raw).data)
    except msgspec.DecodeError:
        return None


def _lines(path: Path) -> Iterator[_Line | BadLine]:
    number = 0
    try:
        with gzip.open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                stamp, _, frame = line.partition(b" ")
                if stamp.isdigit() and frame:
                    yield number, int(stamp), frame
                else:
                    yield BadLine(path.name, number, "expected a receive time in ns, a blank and a JSON frame")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield BadLine(path.name, number + 1, f"expected a whole gzip stream: {error}")


def _ticks(text: str, tick: Decimal) -> int:
    ticks, rest = divmod(Decimal(text), tick)
    if rest or ticks <= 0:
        raise ValueError(f"a price that is a multiple of {tick} above 0, got {text!r}")
    return int(ticks)


def _lots(text: str, lot_step: Decimal) -> int:
    lots = Decimal(text) // lot_step
    if lots < 0:
        raise ValueError(f"a size of 0 or more, got {text!r}")
    return int(lots)
