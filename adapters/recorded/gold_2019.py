"""Gold of spring 2019 as quotes: SHFE au1912 1-minute bars, XAUUSD 1-minute or COMEX GC 15-minute, and USD/CNY.

A bar is known at its end, never before: the file's stamp plus the bar's length. The files hold trades or bids only, so
the width of a quote and its displayed size are assumptions, stated by `GoldBars.description`.
"""

import csv
import gzip
import heapq
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TextIO

import msgspec

from adapters.ticks import NS, BadLine, QuoteTick

_MINUTE_S = 60


class Bars(msgspec.Struct, frozen=True):
    """One file: its columns of time and price, the length of a bar, and whether the price is a bid, else a mid."""

    file: str
    time_column: str
    price_column: str
    bar_s: int
    is_bid: bool = False


FILES = {
    "au": Bars("SHFE.au1912_1m.csv.gz", "bar_start_utc", "close", _MINUTE_S),
    "xau": Bars("XAUUSD_1m.csv.gz", "bar_start_utc", "close", _MINUTE_S, is_bid=True),
    "gc": Bars("COMEX.GC_15m.csv", "bar_start_utc", "price", 15 * _MINUTE_S),
    "usdcny": Bars("USDCNY_daily.csv", "date", "Close", 24 * 60 * _MINUTE_S),
    "usdcnh": Bars("CNH_fut_1h.csv", "bar_start_utc", "price", 60 * _MINUTE_S),
}


class Assumed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bar does not say of a quote: the tick in price units (a text), the width and the displayed size."""

    tick: str
    width_ticks: int
    lots: int


class GoldBars(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files are played and what is assumed. gold: "xau" or "gc"; rate: "usdcny" (daily) or "usdcnh" (hourly).

    The tick of au was 0.05 CNY/g in 2019 (the exchange's instrument record); widths and sizes are ours.
    """

    gold: str = "xau"
    rate: str = "usdcny"
    au: Assumed = Assumed("0.05", 1, 20)
    xau: Assumed = Assumed("0.01", 30, 10)
    gc: Assumed = Assumed("0.1", 1, 10)
    usdcny: Assumed = Assumed("0.0001", 5, 100)
    usdcnh: Assumed = Assumed("0.0001", 5, 100)

    def __post_init__(self) -> None:
        if self.gold not in ("xau", "gc"):
            raise ValueError(f"gold = {self.gold!r}: expected xau or gc")
        if self.rate not in ("usdcny", "usdcnh"):
            raise ValueError(f"rate = {self.rate!r}: expected usdcny or usdcnh")

    def series(self) -> dict[str, Assumed]:
        return {name: getattr(self, name) for name in ("au", self.gold, self.rate)}

    def description(self) -> str:
        """One line for people: what is played and what is only assumed."""
        parts = [
            f"{name} {FILES[name].bar_s // _MINUTE_S} min bars (tick {assumed.tick}, assumed width "
            f"{assumed.width_ticks} ticks, assumed size {assumed.lots} lots)"
            for name, assumed in self.series().items()
        ]
        return "gold 2019, each bar known at its end: " + "; ".join(parts)


def quotes(folder: Path, bars: GoldBars) -> Iterator[QuoteTick | BadLine]:
    """The quotes of the series au, gold and rate in the order in which they were known (at_ns: epoch, UTC).

    Minutes without a trade are quotes too, unchanged. FileNotFoundError where the folder lacks a file.
    """
    streams = [_read(folder, name, assumed) for name, assumed in bars.series().items()]
    for _, item in heapq.merge(*streams, key=lambda pair: pair[0]):
        yield item


def _read(folder: Path, series: str, assumed: Assumed) -> Iterator[tuple[int, QuoteTick | BadLine]]:
    """A file's items with the time they take their place at; a bad line stands where the line before it stood."""
    bars, tick = FILES[series], Fraction(assumed.tick)
    known_ns = 0
    for row in _rows(folder / bars.file):
        item = row if isinstance(row, BadLine) else None
        if item is None:
            number, columns = row
            try:
                at_ns = _end_ns(columns[bars.time_column], bars.bar_s)
                if at_ns <= known_ns:
                    raise ValueError("a time after that of the line before")
                item = _quote(at_ns, series, _price(columns[bars.price_column]) / tick, bars.is_bid, assumed)
                known_ns = at_ns
            except ValueError as error:
                item = BadLine(bars.file, number, f"expected {error}")
            except KeyError as error:
                item = BadLine(bars.file, number, f"expected a column {error}")
        yield known_ns, item


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]] | BadLine]:
    """The rows with their line number; a file that breaks off ends in a bad line."""
    with _open(path) as text:
        rows = csv.DictReader(text)
        try:
            for row in rows:
                yield rows.line_num, row
        except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            yield BadLine(path.name, rows.line_num + 1, f"expected a whole CSV file: {error}")


def _open(path: Path) -> TextIO:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def _end_ns(stamp: str, bar_s: int) -> int:
    try:
        start = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    except (ValueError, AttributeError) as error:
        raise ValueError(f"an ISO time, got {stamp!r}") from error
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    return (int(start.timestamp()) + bar_s) * NS


def _price(text: str) -> Fraction:
    try:
        price = Fraction(text)
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise ValueError(f"a price, got {text!r}") from error
    if price <= 0:
        raise ValueError(f"a price above 0, got {text!r}")
    return price


def _quote(at_ns: int, series: str, price_ticks: Fraction, is_bid: bool, assumed: Assumed) -> QuoteTick:
    """A bid stands at or below the price of a bid file; a trade lies in the middle of the assumed width."""
    bid_ticks = int(price_ticks // 1) if is_bid else round(price_ticks - Fraction(assumed.width_ticks // 2))
    return QuoteTick(at_ns, series, bid_ticks, assumed.lots, bid_ticks + assumed.width_ticks, assumed.lots)
