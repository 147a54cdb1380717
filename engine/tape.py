"""A journal's pieces as tapes: whole records in memory, through which compiled code walks.

What Python takes of a tape it takes as a Record; quotes and quiet beats without outputs never become one.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.append import HEADER_BYTES, WORD
from engine.jit import njit
from engine.memory import view
from engine.records import FIRST_ASIDE, FIRST_OUTPUT, HEADER
from engine.segments import Record, indexed, record_at

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

    def next_input(self, at: int) -> int:
        """The first input behind a record; -1 where this piece ends before."""
        return next_input(self.address, at)

    def outputs(self, first: int, end: int) -> list[Record]:
        """The outputs among records [first, end)."""
        kinds = ((at, self.kind(at)) for at in range(first, end))
        return [self.record(at) for at, kind in kinds if FIRST_OUTPUT <= kind < FIRST_ASIDE]

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


@njit
def next_input(tape_address, at):
    """See `Tape.next_input`."""
    tape = view(tape_address, 1, TAPE)[0]
    offsets = view(tape.offsets, tape.records, WORD)
    for number in range(at + 1, tape.records):
        if view(tape.address + offsets[number], 1, HEADER)[0].kind < FIRST_OUTPUT:
            return number
    return -1


@njit
def same_outputs(tape_address, first, end, made_address, made_bytes):
    """Whether the outputs among a tape's records [first, end) are those of the records at made_address, in kind and
    payload: their number, -1 where they are not. Asides on either side are passed over."""
    tape = view(tape_address, 1, TAPE)[0]
    offsets = view(tape.offsets, tape.records, WORD)
    count, at = 0, _next_output(made_address, 0, made_bytes)
    for number in range(first, end):
        wanted = tape.address + offsets[number]
        if view(wanted, 1, HEADER)[0].kind >= FIRST_ASIDE:
            continue
        if at >= made_bytes or not _same(wanted, made_address + at):
            return -1
        count += 1
        at = _next_output(made_address, at + _bytes_of(made_address + at), made_bytes)
    return count if at >= made_bytes else -1


@njit
def _next_output(address, at, limit):
    """Where the next output begins at or behind `at`; the limit where none does."""
    while at < limit:
        kind = view(address + at, 1, HEADER)[0].kind
        if kind >= FIRST_OUTPUT and kind < FIRST_ASIDE:
            return at
        at += _bytes_of(address + at)
    return limit


@njit
def _bytes_of(record):
    return HEADER_BYTES + ((int(view(record, 1, HEADER)[0].size) + 7) & -8)


@njit
def _same(first, second):
    """Whether two records agree in kind and payload; what fills up the last word is zero in both."""
    one, other = view(first, 1, HEADER)[0], view(second, 1, HEADER)[0]
    if one.kind != other.kind or one.size != other.size:
        return False
    words = (int(one.size) + 7) >> 3
    left, right = view(first + HEADER_BYTES, words, WORD), view(second + HEADER_BYTES, words, WORD)
    same = True
    for at in range(words):
        same = same and left[at] == right[at]
    return same
