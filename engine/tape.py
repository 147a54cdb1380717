"""A journal's pieces as tapes: whole records in memory, through which compiled code walks.

What Python takes of a tape it takes as a Record; quotes and quiet beats without outputs never become one.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.segments import HEADER_BYTES, Record, indexed, record_at

# What `desk.hot.walk` is handed. offsets: address of the records' offsets from `address`, int64. at: the next record,
# counted from 0. until_ns, until_market_ns: as `engine.watch.quiet_until` gives them. wrong: record `at` is a quote
# that caused a decision, and the tape holds none.
TAPE = np.dtype([
    ("address", "<i8"), ("offsets", "<i8"), ("records", "<i8"), ("at", "<i8"), ("takes_quotes", "<i8"),
    ("until_ns", "<i8"), ("until_market_ns", "<i8"), ("wrong", "<i8"),
])  # fmt: skip
_AT, _WRONG = TAPE.names.index("at"), TAPE.names.index("wrong")
_UNTIL, _UNTIL_MARKET = TAPE.names.index("until_ns"), TAPE.names.index("until_market_ns")


class Tape:
    """The records of one piece, the next of which is number `at`."""

    def __init__(self, words: np.ndarray, offsets: np.ndarray, takes_quotes: bool) -> None:
        self._words, self._offsets = words, offsets  # kept alive: the row holds their addresses
        self._row = np.zeros(1, TAPE)
        self._row[0] = (words.ctypes.data, offsets.ctypes.data, len(offsets), 0, takes_quotes, 0, 0, 0)
        self._fields = memoryview(self._row.view(np.int64))
        self.address = self._row.ctypes.data
        self._bytes = memoryview(words).cast("B")

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def at(self) -> int:
        return self._fields[_AT]

    @at.setter
    def at(self, value: int) -> None:
        self._fields[_AT] = value

    @property
    def wrong(self) -> bool:
        return bool(self._fields[_WRONG])

    def until(self, until_ns: int, until_market_ns: int) -> None:
        """Up to when beats are quiet."""
        self._fields[_UNTIL], self._fields[_UNTIL_MARKET] = until_ns, until_market_ns

    def record(self, at: int) -> Record:
        return record_at(self._bytes, int(self._offsets[at]))

    def kind(self, at: int) -> int:
        """The kind of a record, without the record."""
        place = int(self._offsets[at]) + HEADER_BYTES - 8
        return int.from_bytes(self._bytes[place : place + 2], "little")


def tapes(folder: Path, takes_quotes: bool) -> Iterator[Tape]:
    """A journal piece by piece, each to be used up before the next; Damaged as of `engine.segments.read`.

    takes_quotes: compiled code alone decides.
    """
    for words, offsets in indexed(folder):
        yield Tape(words, offsets, takes_quotes)
