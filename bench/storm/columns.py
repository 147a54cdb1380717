"""A journal's records as one piece of memory with an index, and as numpy columns a kind."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import orjson

from engine import layout
from engine.journal import MemoryJournal
from engine.layout import PAGE_BYTES
from engine.records import DTYPES, FIRST_OUTPUT, HEADER, JSON_KINDS
from engine.segments import Record, Segment, gather, index, misfits, offsets_of

_LEAST_RECORD_BYTES = 32


class Columns:
    """All records of a journal, in order. `raw` is kept alive for `address`; offsets are bytes from it."""

    def __init__(self, raw: np.ndarray, first_seq: int) -> None:
        self.words = raw.view(np.int64)
        self.address = self.words.ctypes.data
        self.first_seq = first_seq
        found = np.empty(self.words.nbytes // _LEAST_RECORD_BYTES + 1, np.int64)
        count, end = index(self.address, 0, self.words.nbytes, first_seq, found)
        if end != self.words.nbytes:
            raise layout.Damaged(f"offset {end}: expected record {first_seq + count}; {self.words.nbytes} bytes in all")
        self.offsets = found[:count].copy()
        if misfits(self.words, self.offsets).any():
            raise layout.Damaged("a record of an unknown kind or of a wrong size")
        self.kinds = self.words.view(np.uint16)[self.offsets // 2 + 12]

    @classmethod
    def of_memory(cls, journal: MemoryJournal) -> "Columns":
        """What a MemoryJournal holds now: read where it lies, so judge before it is reset."""
        return cls(journal.buffer[: int(journal.writer["offset"][0])], 1)

    @classmethod
    def of_folder(cls, folder: Path) -> "Columns":
        """A journal folder, its live segments too."""
        parts, first_seq = [], 1
        for number in layout.numbers(Path(folder), layout.live_folder(Path(folder))):
            segment = Segment.opened(Path(folder), number)
            if segment is None:
                break
            words = segment.words()
            first_seq = first_seq if parts else segment.first_seq
            parts.append(words.view(np.uint8)[PAGE_BYTES : offsets_of(words, segment.first_seq)[1]])
        return cls(np.concatenate(parts) if parts else np.zeros(0, np.uint8), first_seq)

    @property
    def last_ns(self) -> int:
        """Time of the last record, 0 where there is none."""
        return int(self.words[self.offsets[-1] // 8 + 1]) if len(self.offsets) else 0

    def count(self, kind: int) -> int:
        return int(np.count_nonzero(self.kinds == kind))

    def of(self, kind: int) -> np.ndarray:
        """Every record of a kind of fixed size, as rows with the fields `header` and `data`."""
        row = np.dtype([("header", HEADER), ("data", DTYPES[kind])])
        chosen = self.offsets[self.kinds == kind]
        rows = np.empty(len(chosen), row)
        gather(self.address, chosen, row.itemsize, rows.ctypes.data)
        return rows

    def texts(self, kind: int) -> Iterator[tuple[int, int, dict]]:
        """Every record of a JSON kind: (seq, cause_seq, body)."""
        raw = self.words.view(np.uint8).data
        for at in self.offsets[self.kinds == kind].tolist():
            seq, _, cause_seq, rest = self.words[at // 8 : at // 8 + 4].tolist()
            yield seq, cause_seq, orjson.loads(raw[at + 32 : at + 32 + (rest >> 32)])


def written(records: Iterable[Record]) -> MemoryJournal:
    """Records as a journal of their own, numbered anew: for doctored ones. An output is caused by the last input."""
    records = list(records)
    journal = MemoryJournal(sum(len(one.payload) + 40 for one in records) + 64)
    for one in records:
        is_input = one.kind < FIRST_OUTPUT
        into = journal.append_input if is_input else journal.append
        if one.kind in JSON_KINDS:
            journal.append_json(one.kind, one.now_ns, orjson.loads(one.payload))
        else:
            into(one.kind, one.now_ns, one.payload, one.flags)
    return journal
