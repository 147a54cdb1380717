"""The engine's side of the wire: the real loop, adapters and journal on one core, and the floor in the same process."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic_ns

import msgspec

from bench.figures import demand
from bench.path import quiet
from bench.rig import check_end, engine
from bench.wire_floor import Floor
from bench.wire_setup import Ask, Block, Ports, Told, config_for
from desk.build import Names
from desk.config import Config
from desk.demo import ROOT
from desk.order_frames import furnished
from desk.rehearsal import rehearsal_of
from desk.run import adapters_of
from desk.spin import Spinner
from engine.clock import now_ns
from engine.loop import Loop
from engine.ports import READY

BUSY, WAIT = "busy", "wait"
_RECV_BYTES = 1 << 16
_READY_S, _ANSWER_S = 10.0, 120.0


class PeerProcess:
    """The peer as the bench sees it."""

    def __init__(self, process: subprocess.Popen):
        self._process = process
        self._said = bytearray()
        self.ports = msgspec.json.decode(process.stdout.readline(), type=Ports)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def block(self, ask: Ask) -> Block:
        """Asked for, and what it found. Refused where the peer is gone."""
        self._process.stdin.write(msgspec.json.encode(ask) + b"\n")
        self._process.stdin.flush()
        async with asyncio.timeout(_ANSWER_S):
            return msgspec.json.decode(await self._line(), type=Block)

    async def _line(self) -> bytes:
        """The next line, read as it comes, so that the event loop goes on."""
        running, descriptor = asyncio.get_running_loop(), self._process.stdout.fileno()
        whole = running.create_future()

        def read() -> None:
            self._said += os.read(descriptor, _RECV_BYTES)
            if self._said.endswith(b"\n") or self._process.poll() is not None:
                running.remove_reader(descriptor)
                whole.set_result(None)

        running.add_reader(descriptor, read)
        await whole
        line, self._said = bytes(self._said), bytearray()
        demand(line.endswith(b"\n"), f"an answer of the peer, which ended with {self._process.poll()}")
        return line

    def hang_up(self) -> Told:
        """End it; what it was sent."""
        said, _ = self._process.communicate(timeout=_READY_S)
        return msgspec.json.decode(said, type=Told)


@contextmanager
def peer(leg: str) -> Iterator[PeerProcess]:
    """A running peer; killed where the bench left it running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.wire_peer", leg], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield PeerProcess(process)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


class Beat:
    """The engine's timer at its planned times, while it is in this context."""

    def __init__(self, loop: Loop, period_s: float):
        self._loop, self._period_s = loop, period_s
        self._running = asyncio.get_running_loop()

    def __enter__(self) -> None:
        self._due_s = self._running.time()
        self._tick()

    def __exit__(self, *_) -> None:
        self._handle.cancel()

    def _tick(self) -> None:
        late_s = max(self._running.time() - self._due_s, 0.0)
        self._due_s += self._period_s * (1 + late_s // self._period_s)
        self._handle = self._running.call_at(self._due_s, self._tick)
        self._loop.on_timer(now_ns(), round(late_s * 1e9))


class EngineSide:
    """A running engine, logged in to the peer, and the floor beside it; each works in its own blocks alone."""

    def __init__(self, loop: Loop, config: Config, folder: Path, far: PeerProcess):
        self.loop, self._far = loop, far
        self._adapters = loop.core.gateways = adapters_of(config, Names(config), folder, loop)
        furnished(loop.core, [spec.protocol for spec in config.venues])
        self._spinner = Spinner(loop.core, self._adapters, rehearsal_of(loop.core, self._adapters))
        self._floor = Floor(far.ports.floor)
        self._beat = Beat(loop, config.engine.timer_ms / 1000)
        self._errors: list[BaseException] = []

    async def start(self) -> None:
        for adapter in self._adapters:
            await adapter.start()
        await self._until(lambda: (self.loop.core.state.venue["link"] == READY).all(), "all links ready")

    async def stop(self) -> None:
        self._floor.close()
        for adapter in self._adapters:
            await adapter.stop()

    async def deals(self, mode: str, decisions: int) -> Block:
        """A block of the engine's, as a live run polls in this mode."""
        with self._beat:
            async with _beside(self._spinner.run(self._errors.append) if mode == BUSY else None):
                found = await self._far.block(Ask(False, decisions))
                await self._until(self.loop.is_quiet, "every deal closed behind a block")
        if self._errors:
            raise self._errors[0]
        self._floor.take_sizes(found.sizes)
        return found

    async def sends(self, mode: str, decisions: int) -> Block:
        """A block of the floor's."""
        self._floor.listen()
        try:
            async with _beside(self._floor.spin() if mode == BUSY else None):
                return await self._far.block(Ask(True, decisions))
        finally:
            self._floor.leave()

    async def _until(self, held: Callable[[], bool], expected: str) -> None:
        end_ns = monotonic_ns() + round(_READY_S * 1e9)
        while not held():
            demand(monotonic_ns() < end_ns, f"{expected} within {_READY_S:g} s, found {self.loop.left_open()}")
            await asyncio.sleep(0.005)


@asynccontextmanager
async def _beside(spin: Coroutine | None) -> AsyncIterator[None]:
    """It spins meanwhile."""
    task = asyncio.create_task(spin) if spin else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextmanager
def apart(far: PeerProcess, sealer_pid: int) -> Iterator[None]:
    """Engine and peer on a core each; the sealer keeps off the engine's, as `cpu` of a live run has it."""
    allowed = os.sched_getaffinity(0)
    demand(len(allowed) > 1, "two cores or more: the engine and the peer spin on one each")
    os.sched_setaffinity(sealer_pid, allowed - {min(allowed)})
    os.sched_setaffinity(far.pid, {max(allowed)})
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


async def hosted(leg: str, far: PeerProcess, folder: Path, work) -> int:
    """`work(side)` on a running engine; the decisions that it has made. Refused where it does not end flat."""
    config, calendars = config_for(far.ports, leg)
    with engine(folder, config, calendars) as loop, apart(far, loop.core.journal.sealer_pid):
        side = EngineSide(loop, config, folder, far)
        try:
            await side.start()
            with quiet():
                await work(side)
        finally:
            await side.stop()
        decisions = int(loop.core.state.head["decisions"])
        check_end(loop, decisions)
        return decisions
