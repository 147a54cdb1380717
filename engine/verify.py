"""Is the journal whole? Checks seals, hash chain, records and the joints of segments, and names what is wrong where."""

import zlib
from pathlib import Path

import msgspec
import numpy as np

from engine import layout
from engine.layout import CHAIN_AT, CLOSED, ENDS, KILLED, NO_CHAIN, SEAL, Damaged
from engine.records import HEADER
from engine.segments import Segment, bad_record, misfits, offsets_of


class Verdict(msgspec.Struct, kw_only=True):
    """What `verify` found; `problems` is empty where the journal is whole.

    ended: "closed" by the engine, "killed" (sealed by the sealer all the same), or "open": running, or cut by a power
    failure. torn_bytes: of records begun and never committed, left out. unsealed_bytes: whole records without a seal.
    """

    segments: int = 0
    records: int = 0
    last_seq: int = 0
    sealed_seq: int = 0
    ended: str = "open"
    torn_bytes: int = 0
    unsealed_bytes: int = 0
    problems: list[str] = []

    @property
    def whole(self) -> bool:
        return not self.problems


def verify(folder: Path) -> Verdict:
    """Check a journal, live or not, from end to end."""
    return _Check(Path(folder)).run()


class _Check:
    def __init__(self, folder: Path) -> None:
        self.folder, self.verdict = folder, Verdict()
        self.next_seq, self.chain = 0, NO_CHAIN
        self.seals = layout.read_seals(folder)  # before the segments: what is sealed must be there

    def run(self) -> Verdict:
        # Which ones were started is asked first: the segment before a started one has its last record.
        numbers = {number for number in self._numbers() if self._opened(number) is not None}
        for number in sorted(numbers | set(self.seals["number"].tolist())):
            self._segment(number, self.seals[self.seals["number"] == number])
        for path in sorted(self.folder.glob("*.lost")):
            self._lost(path)
        self._sealed(max(numbers, default=0))
        return self.verdict

    def _numbers(self) -> list[int]:
        return layout.numbers(self.folder, layout.live_folder(self.folder))

    def _opened(self, number: int) -> Segment | None:
        try:
            return Segment.opened(self.folder, number)
        except Damaged as error:
            if str(error) not in self.verdict.problems:
                self.verdict.problems.append(str(error))
            return None

    def _segment(self, number: int, seals: np.ndarray) -> None:
        name = layout.name(number)
        segment = self._opened(number)
        if segment is None:
            self._problem(name, 0, f"missing: expected a segment with {int(seals['length'].sum())} sealed bytes")
            return
        words = segment.words()
        self._header(segment, words, len(seals) > 0)
        sealed = self._seals(name, words, seals)
        self._records(segment, words, sealed)

    def _header(self, segment: Segment, words: np.ndarray, sealed: bool) -> None:
        self.verdict.segments += 1
        if self.next_seq and segment.first_seq != self.next_seq:
            what = f"hole: expected record {self.next_seq} first, found {segment.first_seq}"
            self._problem(segment.path.name, layout.FIRST_SEQ_AT, what)
        before = words[CHAIN_AT // 8 : CHAIN_AT // 8 + 4].tobytes()
        if sealed and before != self.chain:
            self._problem(segment.path.name, CHAIN_AT, "hash chain: does not continue the last seal before it")

    def _seals(self, name: str, words: np.ndarray, seals: np.ndarray) -> int:
        raw, at = words.view(np.uint8), 0
        for seal in seals:
            end = int(seal["offset"] + seal["length"])
            block = raw[int(seal["offset"]) : end].tobytes()
            if seal["offset"] != at:
                self._problem(name, at, f"seals: expected one from here on, found {int(seal['offset'])}")
            if len(block) != seal["length"]:
                self._problem(name, at, f"cut: expected {int(seal['length'])} sealed bytes, found {len(block)}")
            elif zlib.crc32(block) != seal["crc32"]:
                self._problem(name, at, f"CRC of {len(block)} bytes: the bytes are not those that were sealed")
            elif layout.chain(self.chain, seal, block) != seal["chain"].tobytes():
                self._problem(name, at, "hash chain: the seal does not follow from the one before it")
            self.chain, at = seal["chain"].tobytes(), end
        return at

    def _records(self, segment: Segment, words: np.ndarray, sealed: int) -> None:
        name = segment.path.name
        offsets, end = offsets_of(words, segment.first_seq)
        self.next_seq = segment.first_seq + len(offsets)
        self.verdict.records += len(offsets)
        self.verdict.last_seq = self.next_seq - 1
        self.verdict.unsealed_bytes += max(end - max(sealed, layout.PAGE_BYTES), 0)
        bad = bad_record(words, offsets)
        if bad is not None:
            self._problem(name, bad, "a record of an unknown kind or of a wrong size")
        if end < sealed:
            self._problem(name, end, f"expected record {self.next_seq}; {sealed - end} sealed bytes can not be read")
        self._rest(name, end, words[end // 8 :], self.next_seq)

    def _rest(self, name: str, at: int, words: np.ndarray, next_seq: int) -> None:
        """What lies after the last whole record: nothing, a torn record, or a hole with valid records behind it."""
        behind = _first_record(words, next_seq)
        if behind is not None:
            what = f"hole of {behind * 8} bytes: expected record {next_seq}, found {int(words[behind])} behind it"
            self._problem(name, at, what)
        elif words.any():
            self.verdict.torn_bytes += int(words.nonzero()[0][-1] + 1) * 8

    def _lost(self, path: Path) -> None:
        raw = path.read_bytes()
        words = np.frombuffer(raw + bytes(-len(raw) % 8), np.int64)
        number, at = (int(part) for part in path.stem.split("-"))
        seals = self.seals[(self.seals["number"] <= number)]
        self._rest(path.name, at, words, int(seals["last_seq"][-1]) + 1 if len(seals) else 1)

    def _sealed(self, last_number: int) -> None:
        path = self.folder / "seals"
        self.verdict.torn_bytes += path.stat().st_size % SEAL.itemsize if path.exists() else 0
        if len(self.seals):
            last = self.seals[-1]
            self.verdict.sealed_seq = int(last["last_seq"])
            if last["number"] == last_number and last["end"] in (CLOSED, KILLED):
                self.verdict.ended = ENDS[last["end"]]

    def _problem(self, name: str, at: int, what: str) -> None:
        self.verdict.problems.append(f"{name} offset {at}: {what}")


def _first_record(words: np.ndarray, next_seq: int) -> int | None:
    """Index of the first word that reads as the header of a record after `next_seq`, where that one is not there."""
    maybe = ((words > next_seq) & (words <= next_seq + len(words) // 4)).nonzero()[0]
    maybe = maybe[maybe + HEADER.itemsize // 8 <= len(words)]
    maybe = maybe[~misfits(words, maybe * 8)]
    sizes = words.view(np.uint32)[maybe * 2 + 7]
    maybe = maybe[(sizes > 0) & (words[maybe + 2] < words[maybe]) & (maybe + sizes // 8 < len(words))]
    return int(maybe[0]) if len(maybe) and words[0] != next_seq else None
