"""The journal's writer: a WRITER struct over a mapped segment on tmpfs, rolled to the next one between turns.

Appending costs no system call and no page fault (engine.append); the sealer process copies to disk (engine.sealer).
"""

import contextlib
import ctypes
import mmap
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson

from engine import layout
from engine.append import HEADER_BYTES, WRITER, append, append_input
from engine.clock import now_ns
from engine.jit import ROOT
from engine.layout import CLOSED, PAGE_BYTES
from engine.memory import store_release
from engine.records import FIRST_OUTPUT, START
from engine.sealer import CLOSE, lock, recover
from engine.segments import Record, columns, read, records_in

SEGMENT_BYTES = 64 << 20
SYNC_MS = 1000
MAX_RESERVE_BYTES = 1 << 20
_STAGE_BYTES = 4096
STEP_BYTES = 128 << 10  # of a segment touched or let go in one turn: some 20 us
MAX_OVERHEAD = HEADER_BYTES + 8  # of a record beside its payload
LOOK_NS = 5_000_000  # how often a turn looks for the next segment and after the sealer
RESTART_NS = 10_000_000_000  # a dead sealer is restarted at most so often
CLOSE_TIMEOUT_S = 60
EPOCHS_BEGAN_S = 1_577_836_800  # 2020-01-01: 31 bits of seconds last until 2088
_ADDRESS, _CAPACITY, _OFFSET, _NEXT_SEQ = (WRITER.names.index(x) for x in ("address", "capacity", "offset", "next_seq"))

_FROM_ZERO = tuple(WRITER.names.index(x) for x in ("offset", "cause_seq", "records", "bytes", "refused"))


class JournalFull(Exception):
    """A record did not fit and no segment could follow: nothing was written, and the engine must not go on."""


class JournalBusy(Exception):
    """Another engine writes to this journal, or its live folder holds the segments of another journal."""


class _Writing:
    """What the file journal and the memory journal share: the WRITER struct and appends from Python."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.no_next = "no segment follows"
        self.writer = np.zeros(1, WRITER)
        self.address = self.writer.ctypes.data
        self._fields = memoryview(self.writer.view(np.int64))
        self._stage(_STAGE_BYTES)

    @property
    def room_bytes(self) -> int:
        """Bytes that can surely be appended; small where there is no room for a next segment."""
        return self._fields[_CAPACITY] - self._fields[_OFFSET]

    @property
    def next_seq(self) -> int:
        return self._fields[_NEXT_SEQ]

    def append(self, kind: int, now_ns: int, payload: bytes | np.void, flags: int = 0) -> int:
        """Append a record and return its seq; JournalFull where it does not fit, ValueError on a wrong size."""
        return self._put(append, kind, now_ns, payload, flags)

    def append_input(self, kind: int, now_ns: int, payload: bytes | np.void, flags: int = 0) -> int:
        """Append an input and make it the cause of what follows; as `append` otherwise."""
        return self._put(append_input, kind, now_ns, payload, flags)

    def append_json(self, kind: int, now_ns: int, what: dict) -> int:
        """Append a record of a JSON kind, keys sorted; an input kind becomes the cause of what follows."""
        into = append_input if kind < FIRST_OUTPUT else append
        return self._put(into, kind, now_ns, orjson.dumps(what, option=orjson.OPT_SORT_KEYS), 0)

    def append_at(self, kind: int, now_ns: int, address: int, size: int) -> int:
        """Append `size` bytes at an address that the caller keeps; as `append`, but the size is not checked."""
        return self._put_at(append, kind, now_ns, address, size, 0)

    def _put(self, into, kind: int, now_ns: int, payload: bytes | np.void, flags: int) -> int:
        data = payload if isinstance(payload, bytes) else payload.tobytes()
        expected = layout.SIZES[kind]
        if expected not in (None, len(data)):
            raise ValueError(f"record kind {kind}: expected {expected} payload bytes, got {len(data)}")
        if len(data) > len(self._staged):
            self._stage(2 * len(data))
        self._staged[: len(data)] = data
        return self._put_at(into, kind, now_ns, self._staged_at, len(data), flags)

    def _stage(self, size: int) -> None:
        """Memory of a known address for payloads from Python: to ask for the address of each costs more than a copy."""
        stage = np.zeros(size, np.uint8)
        self._staged, self._staged_at = memoryview(stage), stage.ctypes.data

    def _put_at(self, into, kind: int, now_ns: int, source: int, size: int, flags: int) -> int:
        if size + MAX_OVERHEAD > self.room_bytes:
            self._make_room()
        seq = into(self.address, kind, flags, now_ns, source, size)
        if not seq:
            raise JournalFull(
                f"{self.name}: record of kind {kind}, {size} bytes: room for {self.room_bytes}, {self.no_next}"
            )
        return seq

    def _make_room(self) -> None:
        """Go on in a next segment where there is one; no_next says why there is none."""


class MemoryJournal(_Writing):
    """A journal in a buffer of `size` bytes, for replay, rehearsal and tests."""

    def __init__(self, size: int) -> None:
        super().__init__("memory journal")
        self.buffer = np.zeros(size // 8 * 8, np.uint8)
        self._fields[_ADDRESS], self._fields[_CAPACITY] = self.buffer.ctypes.data, len(self.buffer)
        self.reset()

    def reset(self) -> None:
        """Forget every record; seq starts at 1 again."""
        for field in _FROM_ZERO:
            self._fields[field] = 0
        self._fields[_NEXT_SEQ] = 1

    def turn(self) -> None:
        """A buffer has no pages to turn."""

    @property
    def extent(self) -> tuple[int, int]:
        """Address and bytes of the records so far."""
        return self._fields[_ADDRESS], self._fields[_OFFSET]

    def records(self) -> list[Record]:
        """The records so far."""
        raw = self.buffer[: self._fields[_OFFSET]].tobytes()
        return [record for _, record in records_in(raw, 0, 1, self.name)]


class _Live:
    """One live segment, mapped. Its pages are touched, and later let go, a piece at a time."""

    def __init__(self, path: Path) -> None:
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.size = len(self._map)
        anchor = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(anchor)
        self.touched = self._dropped = 0

    @property
    def ready(self) -> bool:
        return self.touched == self.size

    def touch(self, size: int) -> None:
        """Map the next pages into this process, so that no append meets a page fault. On tmpfs a read does that."""
        stop = min(self.touched + size, self.size)
        np.frombuffer(self._map, np.uint8)[self.touched : stop : PAGE_BYTES].sum()
        self.touched = stop

    def drop(self, size: int) -> bool:
        """Unmap the next pages; True when the last are gone. At once it would stall the loop for a millisecond."""
        stop = min(self._dropped + size, self.size)
        self._map.madvise(mmap.MADV_DONTNEED, self._dropped, stop - self._dropped)
        self._dropped = stop
        if stop == self.size:
            self._map.close()
        return stop == self.size

    def start(self, seq: int) -> None:
        store_release(self.address + layout.FIRST_SEQ_AT, seq)


class Journal(_Writing):
    """A journal in `folder`, written on `live_dir` (tmpfs): created, or continued in a new segment.

    JournalBusy if another engine holds it; layout.Damaged if what is on disk is less than what was sealed; OSError if
    there is no room for the first segment. stalls: rolls for which the next segment was not ready.
    """

    def __init__(
        self, folder: Path, live_dir: Path, segment_bytes: int = SEGMENT_BYTES, name: str = "", sync_ms: int = SYNC_MS
    ) -> None:
        super().__init__(name or Path(folder).name)
        if segment_bytes < 4 * PAGE_BYTES or segment_bytes % PAGE_BYTES:
            raise ValueError(
                f"segment_bytes: expected a multiple of {PAGE_BYTES} from {4 * PAGE_BYTES}: {segment_bytes}"
            )
        self.folder, self.live_dir = Path(folder).resolve(), Path(live_dir).resolve()
        self.segment_bytes, self.sync_ms = segment_bytes, sync_ms
        self.reserve_bytes = min(MAX_RESERVE_BYTES, segment_bytes // 8)
        self.stalls = self.sealer_restarts = 0
        self._look_at_ns = 0
        self._restart_at_ns = 0
        self._sealer: subprocess.Popen | None = None
        self._current: _Live | None = None
        self._next: _Live | None = None
        self._old: _Live | None = None
        self._open()

    def turn(self) -> None:
        """Roll when the segment is nearly full, or do one small piece of what prepares a roll; once a loop turn."""
        if self.room_bytes < self.reserve_bytes and (self._next is not None or self._due()):
            self._make_room()
        elif self._next is not None and not self._next.ready:  # at half of this segment the next one is ready
            self._next.touch(max(STEP_BYTES, 2 * self._fields[_OFFSET] - self._next.touched))
        elif self._old is not None and self._next is not None:
            self._old = None if self._old.drop(STEP_BYTES) else self._old
        elif self._due():
            self._look()

    def close(self) -> None:
        """End the journal cleanly: everything sealed on disk, the live segments removed."""
        if self._sealer is None:
            return
        sealer, self._sealer = self._sealer, None
        self._fields[_CAPACITY] = self._fields[_OFFSET] = 0
        self._current = self._next = self._old = None
        self.no_next = "it is closed"
        try:
            sealer.communicate(CLOSE, timeout=CLOSE_TIMEOUT_S)
            if sealer.returncode:
                recover(self.folder, CLOSED)
            with contextlib.suppress(OSError):
                self.live_dir.rmdir()
        finally:
            self._unlock()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    @property
    def sealer_pid(self) -> int:
        return self._sealer.pid

    def _open(self) -> None:
        layout.make_folder(self.folder)
        self.live_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._locks = []
        try:
            self._lock()
            self._number, seq = recover(self.folder)
            if self.live_dir == self.folder or layout.numbers(self.live_dir):
                raise JournalBusy(f"{self.live_dir}: expected a folder of its own for the live segments")
            layout.claim_live(self.folder, self.live_dir)
            self.writer["next_seq"] = seq
            self._use(self._made(self._number))
            self._sealer = self._spawn()
        except BaseException:
            self._unlock()
            raise

    def _lock(self) -> None:
        try:
            self._locks.append(lock(self.folder / "engine.lock", wait=False))
        except BlockingIOError:
            raise JournalBusy(f"{self.folder}: another engine writes to this journal") from None
        # Held together with the sealer, which outlives a killed engine: the next engine waits here until it is done.
        self._locks.append(lock(self.folder / "sealer.lock", wait=True))

    def _unlock(self) -> None:
        while self._locks:
            os.close(self._locks.pop())

    def _spawn(self) -> subprocess.Popen:
        setup = [str(self.folder), str(self.live_dir), str(self.segment_bytes), str(self.sync_ms)]
        with open(self.folder / "sealer.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "engine.sealer", *setup],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log,
                pass_fds=self._locks[1:], start_new_session=True,
            )  # fmt: skip

    def _due(self) -> bool:
        now = now_ns()
        due = now >= self._look_at_ns
        if due:
            self._look_at_ns = now + LOOK_NS
        return due

    def _look(self) -> None:
        path = self.live_dir / layout.name(self._number + 1)
        if self._next is None and path.exists():
            self._next = _Live(path)
        if self._sealer.poll() is not None and now_ns() >= self._restart_at_ns:
            self._restart_at_ns = now_ns() + RESTART_NS
            self.sealer_restarts += 1
            self._sealer.stdin.close()
            self._sealer = self._spawn()

    def _make_room(self) -> None:
        if self._sealer is None:
            return
        try:
            following = self._next or self._made(self._number + 1)
        except OSError as error:
            self.no_next = f"no room for a next segment: {error}"
            return
        self.stalls += not following.ready or self._next is None
        if self._old is not None:
            self._old.drop(self._old.size)
        self._old, self._next = self._current, None
        self._number += 1
        self._use(following)

    def _made(self, number: int) -> _Live:
        path = self.live_dir / layout.name(number)
        if not path.exists():
            layout.make_segment(self.folder, self.live_dir, number, self.segment_bytes, now_ns())
        return _Live(path)

    def _use(self, live: _Live) -> None:
        if not live.ready:
            live.touch(live.size)
        live.start(self.next_seq)
        self._current = live
        self._fields[_ADDRESS], self._fields[_OFFSET] = live.address, PAGE_BYTES
        self._fields[_CAPACITY] = live.size


def next_epoch(folder: Path) -> int:
    """The id epoch of this start, on disk before it is returned: greater than any before it.

    From the file `epoch`; where that is lost or unreadable, from the journal's START records; Damaged where neither
    tells, because a client order id that was used must never be used again. A new journal begins at the second of its
    first start, since another journal may have traded the same account before.
    """
    folder = Path(folder).resolve()
    layout.make_folder(folder)
    stated = _stated_epoch(folder / "epoch")
    epoch = (_journal_epoch(folder) if stated is None else stated) + 1
    if epoch == 1:
        epoch = now_ns() // 1_000_000_000 - EPOCHS_BEGAN_S
    layout.write_durably(folder / "epoch", b"%d\n" % epoch)
    return epoch


def _stated_epoch(path: Path) -> int | None:
    raw = path.read_bytes() if path.exists() else b""
    return int(raw) if raw.endswith(b"\n") and raw[:-1].isdigit() else None


def _journal_epoch(folder: Path) -> int:
    is_new = next(read(folder), None) is None
    starts = [] if is_new else columns(folder, START)["data"]["epoch"].tolist()
    if starts:
        return max(starts)
    if (folder / "epoch").exists() or not is_new:
        raise layout.Damaged(f"{folder / 'epoch'}: expected the epoch of the last start, and no START record tells it")
    return 0
