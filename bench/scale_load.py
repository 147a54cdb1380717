"""Quotes at a planned rate into one engine, whether it keeps up or not: python -m bench.scale_load RATE; JSON."""

import fcntl
import gc
import os
import socket
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import msgspec

from bench.figures import demand, percentile
from bench.rig import connect, engine
from bench.scale_feeder import packed
from bench.sized import Sized, sized
from bench.stream import FixStream
from desk.build import Names, instruments_of
from desk.compile import warm
from desk.demo import ROOT
from engine.clock import OFFSET_NS, now_ns
from engine.loop import Loop

INSTRUMENTS, SPREADS = 101, 10
_SECONDS = 1.0
_MOST_BEHIND_S = 10.0
_LEAD_NS = 1_500_000_000  # for the feeder's process to start
_LOTS = 50
_COMEX_TICKS = 41_000
_LOOK_EVERY = 16  # reads between two looks at the socket's backlog


class Load(msgspec.Struct):
    """What came of a rate. late: from a message's planned time to the end of the call that took it, oldest of each
    call; merged: quotes that a newer one of their instrument had overtaken unread. backlog: bytes unread in the socket
    at the most; held: time that the venue spent in its writes. service: a message's share of its call."""

    rate: int
    messages: int
    told: int
    merged: int
    late_us_p50: float
    late_us_p99: float
    late_ms_max: float
    service_us: float
    busy: float
    backlog_bytes: int
    held_ms: float
    taken_per_s: float


def measure(rate: int) -> Load:
    """One second's worth of plain FIX snapshots over loopback TCP; the engine polls, and keeps its beat.
    Each process has a core of its own, where there are two."""
    made = sized(INSTRUMENTS, SPREADS)
    warm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with engine(folder, made.config, made.calendars) as loop:
            connect(loop)
            for at in range(made.fx + 1):
                loop.on_quote(at, *_quote(made, at, 0), now_ns(), now_ns(), 0, 0)
            known = [one for one in instruments_of(Names(made.config)) if one.venue == 1]
            stream = FixStream(1, known, loop)
            count = round(rate * _SECONDS)
            legs = [one.index for one in known if one.index != made.fx]
            messages = [stream.bytes_of((legs[n % len(legs)], *_quote(made, legs[n % len(legs)], n // len(legs))))
                        for n in range(count)]  # fmt: skip
            (folder / "messages").write_bytes(packed(messages))
            return _loaded(loop, stream, folder / "messages", rate, count)


def _quote(made: Sized, at: int, step: int) -> tuple[int, int, int, int]:
    bid = 71_000 if at == made.fx else 46_000 if at % 2 == 0 else _COMEX_TICKS + step % 2
    return bid, _LOTS, bid + 1, _LOTS


def _loaded(loop: Loop, stream: FixStream, file: Path, rate: int, count: int) -> Load:
    with socket.create_server(("127.0.0.1", 0)) as server:
        start_ns = time.monotonic_ns() + _LEAD_NS
        command = [sys.executable, "-m", "bench.scale_feeder", str(file), str(server.getsockname()[1]), str(rate)]
        feeder = subprocess.Popen([*command, str(start_ns)], cwd=ROOT, stdout=subprocess.PIPE)
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        os.sched_setaffinity(feeder.pid, {max(cores)})
        try:
            server.settimeout(20)
            sock, _ = server.accept()
            with sock:
                run = _Run(loop, stream, rate, start_ns + OFFSET_NS)
                run.read_all(sock, count)
                sock.send(b".")
            said, _ = feeder.communicate(timeout=20)
        finally:
            feeder.kill()
            feeder.wait()
    return run.load(count, int(said) / 1e6)


class _Run:
    """The engine's loop under load: read, take, and the timer at its planned beats."""

    def __init__(self, loop: Loop, stream: FixStream, rate: int, start_ns: int):
        self._loop, self._stream, self._rate, self._start_ns = loop, stream, rate, start_ns
        self._before, self._quotes = stream.messages, int(loop.core.state.head["quotes"])
        self.late, self.busy_ns, self.backlog, self.ended_ns = [], 0, 0, 0

    def read_all(self, sock: socket.socket, count: int) -> None:
        sock.setblocking(False)
        loop, stream, journal = self._loop, self._stream, self._loop.core.journal
        beat_ns, end_ns = self._start_ns, self._start_ns + round((_SECONDS + _MOST_BEHIND_S) * 1e9)
        taken, looks = 0, 0
        gc.collect()
        gc.disable()
        while taken < count:
            try:
                size = sock.recv_into(stream.room)
            except BlockingIOError:
                size = 0
            began_ns = now_ns()
            if size:
                stream.filled(size)
                done_ns, known = now_ns(), stream.messages - self._before
                if known > taken:
                    self.late.append(done_ns - self._start_ns - taken * 1_000_000_000 // self._rate)
                self.busy_ns += done_ns - began_ns
                taken, looks = known, looks + 1
                if looks % _LOOK_EVERY == 0:
                    unread = fcntl.ioctl(sock, termios.FIONREAD, b"\0\0\0\0")
                    self.backlog = max(self.backlog, int.from_bytes(unread, sys.byteorder))
            if began_ns >= beat_ns:
                loop.on_timer(now_ns(), max(began_ns - beat_ns, 0))
                beat_ns += 50_000_000
            journal.turn()
            demand(began_ns < end_ns, f"{count} messages taken, found {taken} after {_MOST_BEHIND_S:g} s more")
        self.ended_ns = now_ns()
        gc.enable()

    def load(self, count: int, held_ms: float) -> Load:
        told = int(self._loop.core.state.head["quotes"]) - self._quotes
        demand(self._stream.messages - self._before == count, f"{count} messages read in compiled code")
        demand(0 < told <= count, f"at most {count} quotes told, found {told}")
        seconds = (self.ended_ns - self._start_ns) / 1e9
        return Load(
            self._rate, count, told, count - told, percentile(self.late, 50) / 1e3, percentile(self.late, 99) / 1e3,
            max(self.late) / 1e6, self.busy_ns / count / 1e3, self.busy_ns / 1e9 / seconds, self.backlog, held_ms,
            count / seconds,
        )  # fmt: skip


if __name__ == "__main__":
    print(msgspec.json.encode(measure(int(sys.argv[1]))).decode(), flush=True)
