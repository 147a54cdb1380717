"""The journal's reader: record by record, tailing a live journal, or all payloads of a kind as one array.

A reader touches nothing of the engine: it maps the live segments while they are there and reads the disk otherwise.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson

from engine import layout
from engine.jit import njit
from engine.layout import PAGE_BYTES, SIZES, Damaged
from engine.memory import copy, view
from engine.records import DTYPES, HEADER, JSON_KINDS, KIND_NAMES

_HEADER = struct.Struct("<qqqHHI")
_CHUNK = 1 << 20
_PIECE = 1 << 20
HEADER_BYTES = HEADER.itemsize
MAX_POLL = 100_000


class Record:
    """One record: its header's fields and its payload bytes."""

    __slots__ = ("cause_seq", "flags", "kind", "now_ns", "payload", "seq")

    def __init__(self, seq: int, now_ns: int, cause_seq: int, kind: int, flags: int, payload: bytes) -> None:
        self.seq, self.now_ns, self.cause_seq, self.kind, self.flags = seq, now_ns, cause_seq, kind, flags
        self.payload = payload

    @property
    def data(self) -> np.void | dict:
        """The payload as its dtype's fields, or the parsed JSON of a JSON kind."""
        if self.kind in JSON_KINDS:
            return orjson.loads(self.payload)
        return np.frombuffer(self.payload, DTYPES[self.kind])[0]

    def __repr__(self) -> str:
        return f"Record({self.seq}, {KIND_NAMES[self.kind]}, now_ns={self.now_ns}, cause_seq={self.cause_seq})"


def record_at(buffer: memoryview, at: int) -> Record:
    """The record at an offset that is known to hold a whole one."""
    seq, now_ns, cause_seq, kind, flags, size = _HEADER.unpack_from(buffer, at)
    start = at + _HEADER.size
    return Record(seq, now_ns, cause_seq, kind, flags, bytes(buffer[start : start + size]))


def records_in(buffer: bytes | mmap.mmap, at: int, seq: int, where: str, base: int = 0) -> Iterator[tuple[int, Record]]:
    """Whole records from `at` on, each with the offset after it; an error names the buffer `where`, begun at `base`."""
    limit = len(buffer)
    while at + _HEADER.size <= limit:
        found, now_ns, cause_seq, kind, flags, size = _HEADER.unpack_from(buffer, at)
        start, end = at + _HEADER.size, at + _HEADER.size + (size + 7) // 8 * 8
        if found != seq or end > limit:
            return
        if kind not in SIZES or SIZES[kind] not in (None, size):
            expected = SIZES.get(kind, "no such kind")
            raise Damaged(f"{where} offset {base + at}: record {seq} of kind {kind}, {size} bytes; expected {expected}")
        yield end, Record(seq, now_ns, cause_seq, kind, flags, buffer[start : start + size])
        at, seq = end, seq + 1


class Segment:
    """One started segment, open for reading: mapped while it is live, read in pieces where it may be cut."""

    def __init__(self, path: Path, head: bytes, buffer: mmap.mmap | None) -> None:
        fields = layout.started(head)
        layout.check_header(fields, path)
        self.path, self.first_seq, self.at = path, int(fields["first_seq"]), PAGE_BYTES
        self._map = buffer

    @classmethod
    def opened(cls, folder: Path, number: int) -> "Segment | None":
        """None where the segment does not exist or is only prepared."""
        for path in layout.places(folder, number):
            try:
                with open(path, "rb") as file:
                    head = file.read(layout.SEGMENT.itemsize)
                    if layout.started(head) is not None:
                        live = path.parent != folder
                        return cls(path, head, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if live else None)
            except FileNotFoundError:
                continue
        return None

    def records(self, seq: int) -> Iterator[Record]:
        """Records from where the last call stopped, `seq` the next one expected, to the last whole one."""
        if self._map is not None:
            yield from self._records_of(self._map, 0, seq)
            return
        size = _CHUNK
        with open(self.path, "rb") as file:
            while True:
                before = self.at
                file.seek(before)
                chunk = file.read(size)
                for record in self._records_of(chunk, before, seq):
                    seq = record.seq + 1
                    yield record
                if len(chunk) < size or (self.at == before and not _goes_on(chunk, seq)):
                    return
                if self.at == before:
                    size *= 2  # a record longer than the piece

    def pieces(self) -> Iterator[tuple[np.ndarray, int, np.ndarray]]:
        """(8-byte words, where in the segment they begin, offsets of whole records among them), to the last whole one.

        The words of a piece are overwritten by the next: a buffer that stays in the cache is read into.
        """
        seq, at, size = self.first_seq, PAGE_BYTES, _PIECE
        if self._map is not None:
            offsets, self.at = offsets_of(self.words(), seq)
            yield self.words(), 0, offsets
            return
        with open(self.path, "rb", buffering=0) as file:
            words = np.empty(size // 8, np.int64)
            while True:
                got = os.preadv(file.fileno(), [words], at)
                offsets, end = offsets_of(words[: got // 8], seq, 0)
                if len(offsets) == 0:
                    if got < size or words[0] != seq:
                        return
                    size *= 2  # a record longer than the piece
                    words = np.empty(size // 8, np.int64)
                    continue
                yield words[: got // 8], at, offsets
                seq, at = seq + len(offsets), at + end
                self.at = at

    def words(self) -> np.ndarray:
        """All its bytes as 8-byte words."""
        return np.fromfile(self.path, np.int64) if self._map is None else np.frombuffer(self._map, np.int64)

    def _records_of(self, buffer: bytes | mmap.mmap, base: int, seq: int) -> Iterator[Record]:
        for end, record in records_in(buffer, self.at - base, seq, self.path.name, base):
            self.at = base + end
            yield record


def _goes_on(chunk: bytes, seq: int) -> bool:
    return len(chunk) >= 8 and int.from_bytes(chunk[:8], "little") == seq


class Reader:
    """A journal from its oldest segment on: each `poll` gives what was committed since the last one.

    Damaged where the records do not follow one another: file, offset, what was expected.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.next_seq = 0
        self.number = 0
        self._segment: Segment | None = None

    def poll(self, limit: int = MAX_POLL) -> list[Record]:
        found = []
        for record in self.records():
            found.append(record)
            if len(found) == limit:
                break
        return found

    def records(self) -> Iterator[Record]:
        """What is committed and was not yet given, to the end."""
        while self._segment is not None or self._first():
            following = Segment.opened(self.folder, self.number + 1)  # asked first: it starts after the last record
            for record in self._segment.records(self.next_seq):
                self.next_seq = record.seq + 1
                yield record
            if following is None:
                return
            self._follow(following)

    def _first(self) -> bool:
        for number in layout.numbers(self.folder, layout.live_folder(self.folder))[:1]:
            self.number, self._segment = number, Segment.opened(self.folder, number)
        if self._segment is not None:
            self.next_seq = self._segment.first_seq
        return self._segment is not None

    def _follow(self, following: Segment) -> None:
        if following.first_seq != self.next_seq:
            raise _gap(self._segment.path, self._segment.at, self.next_seq, following)
        self._segment, self.number = following, self.number + 1


def read(folder: Path) -> Iterator[Record]:
    """Every record of a journal, to the last whole one; Damaged where one that was sealed or comes later is missing."""
    stated = _stated(folder)
    reader = Reader(folder)
    yield from reader.records()
    _check_reached(folder, stated, reader.number, reader.next_seq)


def columns(folder: Path, kind: int) -> np.ndarray:
    """All records of a fixed-size kind as one array with the fields `header` and `data`; errors as of `read`."""
    if kind not in DTYPES:
        raise ValueError(f"columns: expected a kind with a fixed size, got {KIND_NAMES.get(kind, kind)}")
    row = np.dtype([("header", HEADER), ("data", DTYPES[kind])])
    parts = [np.empty(0, row)]
    for words, offsets in indexed(Path(folder)):
        chosen = offsets[_kinds(words, offsets) == kind]
        rows = np.empty(len(chosen), row)
        gather(words.ctypes.data, chosen, row.itemsize, rows.ctypes.data)
        parts.append(rows)
    return np.concatenate(parts)


def offsets_of(words: np.ndarray, first_seq: int, begin: int = PAGE_BYTES) -> tuple[np.ndarray, int]:
    """Byte offsets of whole records, the first at `begin` (where a segment's are), and where they end."""
    offsets = np.empty(len(words) // 4 + 1, np.int64)
    count, end = index(words.ctypes.data, begin, words.nbytes, first_seq, offsets)
    return offsets[:count], end


def bad_record(words: np.ndarray, offsets: np.ndarray) -> int | None:
    """Offset of the first record of an unknown kind or of a size that its kind does not have."""
    wrong = first_misfit(words.ctypes.data, offsets, _SIZE_OF_KIND)
    return int(offsets[wrong]) if wrong < len(offsets) else None


def misfits(words: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Whether what stands at each offset has no known kind, or not the size of its kind."""
    expected = _SIZE_OF_KIND[_kinds(words, offsets)]
    return (expected != _ANY) & (expected != words.view(np.uint32)[offsets // 4 + 7])


def _kinds(words: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return words.view(np.uint16)[offsets // 2 + 12]


_ANY, _NO_KIND = -1, -2
_SIZE_OF_KIND = np.full(1 << 16, _NO_KIND, np.int64)
for _kind, _size in SIZES.items():
    _SIZE_OF_KIND[_kind] = _ANY if _size is None else _size


@njit
def index(address, at, limit, next_seq, offsets):
    """Write the offsets of the whole records in [at, limit) to `offsets`; their count and where they end."""
    count = 0
    while at + HEADER_BYTES <= limit:
        header = view(address + at, 1, HEADER)[0]
        end = at + HEADER_BYTES + ((int(header["size"]) + 7) & -8)
        if header["seq"] != next_seq + count or end > limit:
            break
        offsets[count] = at
        count += 1
        at = end
    return count, at


@njit
def first_misfit(address, offsets, size_of_kind):
    """Number of the first record whose size is not its kind's; as many as there are where all are."""
    for at in range(len(offsets)):
        header = view(address + offsets[at], 1, HEADER)[0]
        expected = size_of_kind[header["kind"]]
        if expected != _ANY and expected != header["size"]:
            return at
    return len(offsets)


@njit
def gather(address, offsets, size, target):
    """Copy `size` bytes from each offset to one row after the other."""
    for i in range(len(offsets)):
        copy(target + i * size, address + offsets[i], size)


def indexed(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Piece by piece: 8-byte words, and the offsets in bytes of the whole records among them. What a piece holds is
    overwritten by the next. Errors as of `read`."""
    stated = _stated(folder)
    number = next(iter(layout.numbers(folder, layout.live_folder(folder))), 0)
    segment, next_seq = Segment.opened(folder, number), 0
    while segment is not None:
        following = Segment.opened(folder, number + 1)
        next_seq = segment.first_seq
        for words, begin, offsets in segment.pieces():
            next_seq += len(offsets)
            bad = bad_record(words, offsets)
            if bad is not None:
                where = f"{segment.path.name} offset {begin + bad}"
                raise Damaged(f"{where}: a record of an unknown kind or of a wrong size")
            yield words, offsets
        if following is not None and following.first_seq != next_seq:
            raise _gap(segment.path, segment.at, next_seq, following)
        segment, number = following, number + 1
    _check_reached(folder, stated, max(number - 1, 0), next_seq)


def _stated(folder: Path) -> tuple[int, int]:
    """The last segment that was started, and the last record that was sealed."""
    there = reversed(layout.numbers(folder, layout.live_folder(folder)))
    seals = layout.read_seals(folder)
    return (
        next((number for number in there if Segment.opened(folder, number) is not None), 0),
        int(seals["last_seq"][-1]) if len(seals) else 0,
    )


def _check_reached(folder: Path, stated: tuple[int, int], number: int, next_seq: int) -> None:
    last_number, sealed_seq = stated
    if number < last_number or sealed_seq >= max(next_seq, 1):
        raise Damaged(
            f"{folder / layout.name(number)}: expected record {next_seq} and more; segments go on to {last_number}, "
            f"sealed records to {sealed_seq}"
        )


def _gap(path: Path, at: int, next_seq: int, following: Segment) -> Damaged:
    return Damaged(
        f"{path.name} offset {at}: expected record {next_seq}; {following.path.name} goes on with {following.first_seq}"
    )
