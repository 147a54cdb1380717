"""The sealer: a sidecar process that copies a journal from tmpfs to disk, seals it, and prepares the next segment.

python -m engine.sealer FOLDER LIVE_DIR SEGMENT_BYTES SYNC_MS, with a pipe on stdin: its end tells that the engine is
gone, the word `close` before it that the engine meant to go. A killed engine loses nothing: the live pages outlive it
and are sealed here. A power cut costs what was appended since the last seal, SYNC_MS at most while the sealer keeps up.
"""

import fcntl
import mmap
import os
import select
import signal
import sys
import zlib
from pathlib import Path

import numpy as np

from engine import layout
from engine.clock import now_ns
from engine.cores import keep_off
from engine.layout import CLOSED, KILLED, MORE, NO_CHAIN, PAGE_BYTES, ROLLED, SEAL, Damaged

PREPARE_MS = 20  # how often the next segment is looked after
NICE = 10  # not SCHED_IDLE: beside a busy-polling engine that could stop the seals altogether
CLOSE = b"close\n"
_CHUNK = 1 << 20


class Sealer:
    """Seals a journal's segments in order, from where the seals on disk end. One at a time: sealer.lock."""

    def __init__(self, folder: Path, live: Path | None) -> None:
        self.folder, self.live = folder, live
        self.number, self.at, self.next_seq, self.chain = 1, 0, 1, NO_CHAIN
        seals = layout.read_seals(folder)
        if len(seals):
            self._continue_after(seals[-1])
        self._seals = os.open(folder / "seals", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(self._seals, seals.nbytes)
        self._map: mmap.mmap | None = None
        self._disk = -1

    def close(self) -> None:
        os.close(self._seals)

    def step(self) -> None:
        """Seal what was committed since the last step, over rolls."""
        while self._map is not None or self._open():
            rolled = self._started(self.number + 1)  # asked first: a roll comes after the last record
            self._seal_new()
            if not rolled:
                return
            self._end_segment(ROLLED)

    def prepare(self, size: int) -> None:
        """Have the next live segment ready; where there is no room the journal runs short of it, and shows it."""
        ahead = self.number + 1
        while self._started(ahead):
            ahead += 1
        if self._started(ahead - 1) and not (self.live / layout.name(ahead)).exists():
            layout.make_segment(self.folder, self.live, ahead, size, now_ns())

    def finish(self, end: int) -> None:
        """Seal all that is left, state how the journal ended (CLOSED or KILLED), and clear the live folder."""
        self.step()
        if self._map is not None:
            self._end_segment(end)
        self._clear_unstarted()
        if self.live:
            sealed = (number for number in layout.numbers(self.live) if number < self.number)
            layout.unlink_all(self.live / layout.name(number) for number in sealed)
            layout.unlink_all([*self.live.glob("*.segment.*"), self.live / "owner"])
        (self.folder / "live").unlink(missing_ok=True)
        layout.sync_folder(self.folder)

    def _continue_after(self, seal: np.void) -> None:
        self.number, self.next_seq, self.chain = int(seal["number"]), int(seal["last_seq"]) + 1, seal["chain"].tobytes()
        self.at = int(seal["offset"] + seal["length"])
        path = self.folder / layout.name(self.number)
        size = path.stat().st_size if path.exists() else 0
        if size < self.at:
            raise Damaged(f"{path} offset {size}: expected the {self.at} bytes that its seals state")
        if seal["end"] != MORE:
            self.number, self.at = self.number + 1, 0

    def _source(self, number: int) -> Path | None:
        places = [self.live, self.folder] if self.live else [self.folder]
        return next((place / layout.name(number) for place in places if (place / layout.name(number)).exists()), None)

    def _started(self, number: int) -> bool:
        path = self._source(number)
        return path is not None and _head(path) is not None

    def _open(self) -> bool:
        path = self._source(self.number)
        fields = _head(path) if path else None
        if fields is None:
            return False
        layout.check_header(fields, path)
        if not self.at and fields["first_seq"] != self.next_seq:
            raise Damaged(f"{path} offset {layout.FIRST_SEQ_AT}: expected seq {self.next_seq}, {fields['first_seq']}")
        self._disk = os.open(self.folder / path.name, os.O_RDWR | os.O_CREAT, 0o600)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        if not self.at:
            self._map[layout.CHAIN_AT : layout.CHAIN_AT + len(self.chain)] = self.chain
        layout.sync_folder(self.folder)
        return True

    def _seal_new(self) -> None:
        end, next_seq = layout.committed(self._map, max(self.at, PAGE_BYTES), self.next_seq)
        if end > self.at:
            with memoryview(self._map) as whole, whole[self.at : end] as block:
                self._seal(block, next_seq, MORE)
            self.at, self.next_seq = end, next_seq

    def _seal(self, block: memoryview, next_seq: int, end: int) -> None:
        """The bytes first, then the seal: a seal on disk says that its bytes are there."""
        layout.write_all(self._disk, block, self.at)
        os.fdatasync(self._disk)
        seal = np.zeros(1, SEAL)[0]
        seal["number"], seal["offset"], seal["length"] = self.number, self.at, len(block)
        seal["last_seq"], seal["sealed_ns"] = next_seq - 1, now_ns()
        seal["crc32"], seal["end"] = zlib.crc32(block), end
        self.chain = layout.chain(self.chain, seal, block)
        seal["chain"] = np.frombuffer(self.chain, np.uint8)
        os.write(self._seals, seal.tobytes())
        os.fdatasync(self._seals)

    def _end_segment(self, end: int) -> None:
        self._keep_lost(self._map, self.at)
        self._compare()
        self._map.close()
        self._map = None
        os.ftruncate(self._disk, self.at)
        os.fsync(self._disk)
        self._seal(memoryview(b""), self.next_seq, end)
        os.close(self._disk)
        if self.live:
            (self.live / layout.name(self.number)).unlink(missing_ok=True)
        self.number, self.at = self.number + 1, 0

    def _compare(self) -> None:
        for at in range(0, self.at, _CHUNK):
            stop = min(at + _CHUNK, self.at)
            if os.pread(self._disk, stop - at, at) != self._map[at:stop]:
                raise Damaged(
                    f"{self.folder / layout.name(self.number)} offset {at}: expected the live segment's bytes"
                )

    def _keep_lost(self, buffer, at: int) -> None:
        """Keep what lies after the last whole record: a torn record, or after a power cut what follows a hole."""
        rest = np.frombuffer(buffer, np.uint8, offset=at).nonzero()[0]
        if len(rest):
            path = self.folder / f"{self.number:08d}-{at}.lost"
            layout.write_durably(path, bytes(buffer[at : at + int(rest[-1]) + 1]))

    def _clear_unstarted(self) -> None:
        path = self.folder / layout.name(self.number)
        if path.exists():
            self._keep_lost(path.read_bytes(), 0)
        layout.unlink_all(place / path.name for place in (self.live, self.folder) if place)


def _head(path: Path) -> np.void | None:
    with open(path, "rb") as file:
        return layout.started(file.read(layout.SEGMENT.itemsize))


def recover(folder: Path, end: int = KILLED) -> tuple[int, int]:
    """Seal what an engine and its sealer left behind; the number and first seq of the segment to go on with."""
    sealer = Sealer(folder, layout.live_folder(folder))
    try:
        sealer.finish(end)
        return sealer.number, sealer.next_seq
    finally:
        sealer.close()


def lock(path: Path, wait: bool) -> int:
    """Lock a file until its descriptor is closed or its process ends; BlockingIOError if it is taken and not `wait`."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(file)
        raise
    return file


def _serve(sealer: Sealer, segment_bytes: int, sync_ms: int) -> int:
    """Until stdin ends; how the journal ended."""
    heard, due_ns, said = b"", 0, ""
    while True:
        try:
            sealer.prepare(segment_bytes)
        except OSError as error:
            if str(error) != said:
                said = str(error)
                print(f"no room for the next segment: {said}", file=sys.stderr, flush=True)
        if now_ns() >= due_ns:
            sealer.step()
            due_ns = now_ns() + sync_ms * 1_000_000
        if select.select([0], [], [], min(PREPARE_MS, sync_ms) / 1000)[0]:
            word = os.read(0, len(CLOSE))
            heard += word
            if not word:
                return CLOSED if heard == CLOSE else KILLED


def main(folder: str, live: str, segment_bytes: str, sync_ms: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends after the engine, never with it
    os.nice(NICE)
    keep_off()
    sealer = Sealer(Path(folder), Path(live))
    try:
        sealer.finish(_serve(sealer, int(segment_bytes), int(sync_ms)))
    finally:
        sealer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
