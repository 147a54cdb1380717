"""`tandem run`: the engine as a process: its sockets and timer, its journal and control socket, its orderly end."""

import asyncio
import contextlib
import gc
import getpass
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog
import uvloop

from adapters.diff.client import DiffVenue
from adapters.diff.settings import DiffSettings
from adapters.fix44.client import FixVenue
from adapters.fix44.settings import FixSettings
from desk.assembly import assemble, config_hash, config_record, shown, versions
from desk.build import Names, instruments_of
from desk.compile import warm
from desk.config import Config
from desk.control import controlled
from desk.order_frames import furnished
from desk.rehearsal import rehearsal_of
from desk.spin import Spinner
from engine import records
from engine.calendar import Calendar
from engine.clock import OFFSET_NS, now_ns
from engine.cores import keep_to
from engine.journal import Journal, JournalBusy, JournalFull, MemoryJournal, next_epoch
from engine.layout import Damaged
from engine.loop import Loop
from engine.replay import SCRATCH_BYTES, SilentGateway, feed_folder
from engine.segments import Record, read

PROTOCOLS = {"diff": (DiffVenue, DiffSettings), "fix44": (FixVenue, FixSettings)}
FLAT, NOT_FLAT, FAILED = 0, 3, 1
_COLLECT_EVERY_S = 10.0
log = structlog.get_logger()


class Setup(NamedTuple):
    """What a run is given: a checked config and its file, calendars, the journal's folder, the clock's origin, the
    input in words."""

    source: Path
    config: Config
    calendars: Mapping[str, Calendar]
    folder: Path
    origin_ns: int
    played: str


class Refused(Exception):
    """The engine will not start, and says why."""


def live_dir_of(setup: Setup) -> Path:
    """Where the live segment lies: the config's folder, else tmpfs, else beside the journal."""
    spec = setup.config.engine
    shared = Path(spec.live_dir or "/dev/shm")
    base = shared if shared.is_dir() and os.access(shared, os.W_OK) else setup.folder
    return base / f"tandem-{os.getuid()}" / f"{spec.name}-{_digest(setup.folder)}"


def _digest(folder: Path) -> str:
    return hashlib.blake2b(str(folder.resolve()).encode(), digest_size=6).hexdigest()


def market_base_ns(config: Config, origin_ns: int) -> int:
    """Market time at the origin: the config's base, else the wall clock itself."""
    base = config.clock.base_utc
    return round(datetime.fromisoformat(base).timestamp() * 1_000_000) * 1_000 if base else origin_ns


def start_fields(setup: Setup, epoch: int, record: dict) -> dict:
    config = setup.config
    return {
        "epoch": epoch, "config_hash": config_hash(record), "clock_start_ns": setup.origin_ns,
        "clock_base_ns": market_base_ns(config, setup.origin_ns),
        "clock_speed_milli": round(config.clock.speed * 1000), "version": versions()["tandem"].encode(),
    }  # fmt: skip


def recover(setup: Setup, record: dict, journal: Journal) -> Loop:
    """A loop in the state that the journal's past left behind: fresh where there is none.

    Where the past ends in the middle of a turn, what that turn did not come to write is written now, so that the
    journal is whole again; orders among it were never sent, which the venue will say. Refused where the past was
    written under another config, or does not replay to what it says it did. Limits that were reloaded stay in force
    (`desk/reload.py`).
    """
    memory = MemoryJournal(SCRATCH_BYTES)
    silent = [SilentGateway() for _ in setup.config.venues]
    loop = assemble(record, memory, silent, now_ns)
    start = next((past for past in read(setup.folder) if past.kind == records.START), None)
    if start is None:
        return loop
    past = next(past.data for past in read(setup.folder) if past.kind == records.CONFIG)
    _refuse_strangers(setup, record, start, past)
    loop = assemble(past, memory, silent, now_ns)
    verdict = feed_folder(loop, memory, setup.folder)
    if not verdict.identical:
        raise Refused(f"{setup.folder} does not replay (record {verdict.difference.seq}); `tandem replay` says where")
    journal.writer["cause_seq"] = verdict.last_seq
    for untold in verdict.untold:
        journal.append(untold.kind, untold.now_ns, untold.payload)
    version = int(loop.core.state.head["limits_version"])
    log.info("recovered", inputs=verdict.inputs, untold=len(verdict.untold), live_orders=len(loop.core.live_orders),
             open_deals=len(loop.core.open_deals), limits_version=version)  # fmt: skip
    return loop


def _refuse_strangers(setup: Setup, record: dict, start: Record, past: dict) -> None:
    """The config must be the one that START names, or the one that was reloaded last."""
    if bytes(start.data["config_hash"]) == config_hash(record):
        return
    reloads = [past.data for past in read(setup.folder) if past.kind == records.LIMITS]
    if not reloads:
        raise Refused(
            f"{setup.folder} was written under another config; run that one to its end, or give this one a new folder"
        )
    last = reloads[-1]
    if config_hash(past | {"config": last["config"]}) != config_hash(record):
        raise Refused(
            f"{setup.folder} goes on with limits of version {last['version']}, reloaded by {last['who']}: give it the "
            "file that was reloaded then, or the one of its first start, and reload others when it runs"
        )


def in_force(record: dict, loop: Loop) -> dict:
    """The CONFIG record of a start: with the config whose limits hold, which may have been reloaded before."""
    return record | {"config": shown(loop.core.relimit.config)}


def adapters_of(config: Config, names: Names, folder: Path, inputs) -> list:
    """One adapter a venue, in the config's order. FIX sequence numbers are kept beside the journal unless told else,
    so that after a kill the venue sends again what was missed."""
    instruments = instruments_of(names)
    found = []
    for index, spec in enumerate(config.venues):
        adapter, settings = PROTOCOLS[spec.protocol]
        mine = [instrument for instrument in instruments if instrument.venue == index]
        chosen = msgspec.convert(spec.settings, settings)
        if isinstance(chosen, FixSettings) and not chosen.store_dir:
            chosen = msgspec.structs.replace(chosen, store_dir=str(folder / "sessions" / spec.id))
        found.append(adapter(index, chosen, mine, inputs, now_ns))
    return found


class Guarded:
    """`engine.ports.Inputs` for adapters, which are built before the loop. An error inside the engine ends the run,
    whatever the library around an adapter's callback would have made of it."""

    def bind(self, loop: Loop, ending: "_Ending") -> None:
        for name in (
            "on_quote", "on_stream", "on_report", "on_link", "on_heard", "on_account", "on_position", "on_band",
            "on_bad_input",
        ):  # fmt: skip
            setattr(self, name, _guarded(getattr(loop, name), ending))


def _guarded(method, ending: "_Ending"):
    def call(*arguments):
        try:
            return method(*arguments)
        except Exception as error:
            ending.fail(error)
            raise

    return call


async def serve(setup: Setup, asked: list[int]) -> int:
    """Run until a signal, then stop in order. asked: signals that came before. The exit code: FLAT or NOT_FLAT."""
    config = setup.config
    names = Names(config)
    market_ns = market_base_ns(config, setup.origin_ns) + round((now_ns() - setup.origin_ns) * config.clock.speed)
    record = config_record(config, setup.calendars, market_ns, setup.played)
    inputs, ending = Guarded(), _Ending()
    running = asyncio.get_running_loop()
    running.set_exception_handler(ending.on_error)
    for number in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(number, ending.asked.set)
    if asked:
        ending.asked.set()
    with Journal(
        setup.folder, live_dir_of(setup), config.engine.segment_mb << 20, config.engine.name, config.engine.sync_ms
    ) as journal:
        loop = recover(setup, record, journal)
        record = in_force(record, loop)
        adapters = adapters_of(config, names, setup.folder, inputs)
        epoch = next_epoch(setup.folder)
        loop.core.journal, loop.core.gateways = journal, adapters
        loop.core.state.scratch["clock_offset_ns"] = OFFSET_NS
        furnished(loop.core, [spec.protocol for spec in config.venues])
        keep_to(config.engine.cpu, journal.sealer_pid)
        loop.on_start(start_fields(setup, epoch, record), record, now_ns())
        inputs.bind(loop, ending)
        if config.hooks:
            _forward_alerts(setup, journal.next_seq - 1)
        async with controlled(loop, setup.folder, live_dir_of(setup), ending.fail):
            return await _trade(loop, adapters, config, ending)


def _forward_alerts(setup: Setup, after_seq: int) -> None:
    """A process of its own tails the journal for the hooks; it ends when this one has, with everything sent."""
    arguments = ["alerts", str(setup.folder), "--forward", str(setup.source), "--after-seq", str(after_seq)]
    subprocess.Popen([sys.executable, "-m", "desk.cli", *arguments], stdin=subprocess.DEVNULL, start_new_session=True)


class _Ending:
    """Why the run ends: a signal, or an error of ours, after which nothing new is risked."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.error = ""

    def on_error(self, running: asyncio.AbstractEventLoop, context: dict) -> None:
        """The event loop's handler: whatever a callback raised."""
        self.fail(context.get("exception") or RuntimeError(context["message"]))

    def fail(self, error: BaseException) -> None:
        """An error: told whole, and the end of the run; the first one is named in its last line."""
        if not self.error:
            log.error("an error of the engine: stopping", exc_info=error)
        self.error = self.error or f"{type(error).__name__}: {error}"
        self.asked.set()


async def _trade(loop: Loop, adapters: list, config: Config, ending: "_Ending") -> int:
    for adapter in adapters:
        await adapter.start()
    gc.collect()
    gc.freeze()
    gc.disable()
    beat = _Beat(loop, config.engine.timer_ms / 1000, ending)
    spinner = None
    if config.engine.poll == "busy":
        spinning = Spinner(loop.core, adapters, rehearsal_of(loop.core, adapters))
        spinner = asyncio.create_task(spinning.run(ending.fail))
    await ending.asked.wait()
    log.info("stopping", why=ending.error or "asked to")
    try:
        await _wind_down(loop, config, ending)
    except Exception as error:
        ending.fail(error)
    beat.stop()
    if spinner:
        spinner.cancel()
        await asyncio.gather(spinner, return_exceptions=True)
    left, held = loop.left_open(), loop.held()
    for adapter in adapters:
        try:
            await adapter.stop()
        except Exception as error:
            ending.fail(error)
    said = "NOT FLAT: " + "; ".join(left) if left else "flat"
    said += f"; held: {', '.join(held)}" if held else ""
    print(f"{said} (ended by an error: {ending.error})" if ending.error else said, flush=True)
    return NOT_FLAT if left else FAILED if ending.error else FLAT


async def _wind_down(loop: Loop, config: Config, ending: "_Ending") -> None:
    """No new risk, cancel, then wait for terminal states and repair, up to the stop's time-out."""
    loop.on_command(records.COMMAND_STOP, 0, -1, _user(), ending.error or "asked to stop", now_ns())
    deadline_ns = now_ns() + config.engine.stop_timeout_ms * 1_000_000
    while not loop.is_quiet() and now_ns() < deadline_ns:
        await asyncio.sleep(config.engine.timer_ms / 1000)


class _Beat:
    """The journalled timer, on its planned schedule; garbage is collected only here and only while all is quiet."""

    def __init__(self, loop: Loop, period_s: float, ending: "_Ending"):
        self._loop, self._period_s, self._ending = loop, period_s, ending
        self._running = asyncio.get_running_loop()
        self._due_s = self._running.time()
        self._collect_s = self._due_s + _COLLECT_EVERY_S
        self._handle = self._running.call_soon(self._tick)

    def _tick(self) -> None:
        # uvloop's timers may come up to a millisecond early: that is on time.
        late_s = max(self._running.time() - self._due_s, 0.0)
        # A beat that was missed is not made up for: the next planned one comes.
        self._due_s += self._period_s * (1 + late_s // self._period_s)
        self._handle = self._running.call_at(self._due_s, self._tick)
        self._loop.on_timer(now_ns(), round(late_s * 1e9))
        if self._loop.core.state.head["no_room"] and not self._ending.error:
            self._ending.fail(OSError("the journal has no room left: make room on its disk or its live folder"))
        if self._running.time() >= self._collect_s and self._loop.is_quiet():
            gc.collect(1)
            self._collect_s = self._running.time() + _COLLECT_EVERY_S

    def stop(self) -> None:
        self._handle.cancel()


def _user() -> str:
    with contextlib.suppress(OSError, KeyError):
        return getpass.getuser()
    return "unknown"


def main(setup: Setup, asked: list[int]) -> int:
    """The process: its exit code says flat (0), not flat (3), or that it did not start (1). asked: early signals."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    stamped = structlog.processors.TimeStamper(fmt="iso")
    structlog.configure([structlog.processors.add_log_level, stamped, renderer],
                        logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # fmt: skip
    warm()
    try:
        return uvloop.run(serve(setup, asked))
    except (Refused, JournalBusy, JournalFull, Damaged, OSError) as error:
        print(f"not started: {error}", file=sys.stderr)
        return FAILED
