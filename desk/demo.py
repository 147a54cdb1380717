"""`tandem demo`: simulated venues, the engine and the live view as processes; results in one folder."""

import asyncio
import os
import shutil
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson

from desk.children import NS_PER_S, ROOT, Child, NotUp, until
from desk.config import Config
from desk.console import watch
from desk.fold import Fold
from desk.replay import replay
from desk.report import write_report
from desk.stage import market_of, set_up
from desk.summary import summary
from desk.toml_reader import read
from desk.venue import LEFT_OUT, VenueFile, files_of
from engine.clock import now_ns
from engine.layout import Damaged
from engine.sealer import lock
from engine.segments import read as read_journal

DEMOS = ROOT / "configs" / "demo"
GENERATED = "generated"
FAILED = 1
_START_S, _LOOK_S = 20.0, 0.05
_OPEN_S, _OPEN_RECORDED_S = 1.0, 2.5  # until the market opens: for venues to be up, and to read into a recording


class Wish(NamedTuple):
    """What the person asked of the demo."""

    out: Path
    data: Path | None
    seconds: float
    speed: float | None
    seed: int | None
    headless: bool


class DemoError(Exception):
    """The demo cannot run, and says why."""


class Plan(NamedTuple):
    """The resolved files of a demo: the engine's config, one file a venue, when it starts, what it plays."""

    engine: Path
    venues: list[Path]
    origin_ns: int
    played: str


def prepare(wish: Wish) -> Plan:
    """Write the demo's files, with free ports, into the output folder; what an earlier demo left there is removed."""
    source = _source_of(wish)
    config: Config = _read(source / "engine.toml", Config)
    files = [_tuned(_read(source / f"{venue.id}.toml", VenueFile), wish) for venue in config.venues]
    _check_recordings(files)
    market = market_of(config, files)
    _clear(wish.out)
    staged = set_up(config, files, source, wish.out / "config", market.clock)
    opens_s = _OPEN_RECORDED_S if wish.data else _OPEN_S
    return Plan(staged.engine, staged.venues, now_ns() + round(opens_s * NS_PER_S), market.played)


def _source_of(wish: Wish) -> Path:
    """The folder of the demo's configs."""
    if wish.data is None:
        return DEMOS / GENERATED
    if not wish.data.is_dir():
        raise DemoError(f"--data {wish.data}: expected a folder with a recording, found none")
    known = sorted(path.name for path in DEMOS.iterdir() if path.is_dir() and path.name != GENERATED)
    name = wish.data.resolve().name
    if name not in known:
        raise DemoError(f"--data {wish.data}: expected a folder named {' or '.join(known)}")
    return DEMOS / name


def _read(path: Path, kind: type):
    value, problems = read(path, kind)
    if problems or value is None:
        raise DemoError("\n".join(str(problem) for problem in problems))
    return value


def _tuned(file: VenueFile, wish: Wish) -> VenueFile:
    asked = {"speed": wish.speed, "seed": wish.seed, "data_folder": wish.data and str(wish.data.resolve())}
    changes = {name: value for name, value in asked.items() if value is not None}
    return msgspec.structs.replace(file, sim=msgspec.structs.replace(file.sim, **changes))


def _check_recordings(files: list[VenueFile]) -> None:
    """All venues play the same, and all of it is there."""
    first = files[0]
    for file in files:
        for what in ("source", "start_s", "speed"):
            if getattr(file.sim, what) != getattr(first.sim, what):
                raise DemoError(f"{what} of {file.sim.id}: expected that of {first.sim.id}: they play one market")
        if (file.bars, file.assumes) != (first.bars, first.assumes):
            raise DemoError(f"bars and assumes of {file.sim.id}: expected those of {first.sim.id}, which are told")
    for path in files_of(first):
        if not path.is_file():
            raise DemoError(f"--data {path.parent}: expected the recording's file {path.name} in it, found none")


def _clear(out: Path) -> None:
    """Remove what an earlier demo left; DemoError where that is no demo's, or where one is still running."""
    journal, config = out / "journal", out / "config"
    if journal.exists() and not (config / "engine.toml").exists():
        raise DemoError(f"{journal} was not written by a demo: give another folder with --out")
    if (journal / "engine.lock").exists():
        try:
            os.close(lock(journal / "engine.lock", wait=False))
        except BlockingIOError as error:
            raise DemoError(f"a demo is running in {out}: end it, or give another folder with --out") from error
    for folder in (journal, config):
        if folder.exists():
            shutil.rmtree(folder)
    for result in ("summary.json", "report.html"):
        (out / result).unlink(missing_ok=True)


def run(wish: Wish) -> int:
    """The whole demo; the engine's exit code, or 1 where the results are not whole. DemoError where it cannot run."""
    wish = wish._replace(out=wish.out.absolute())
    try:
        wish.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"--out {wish.out}: expected a folder that can be written to: {error.strerror}") from error
    try:
        plan = prepare(wish)
        print(f"plays {plan.played}", flush=True)
        return asyncio.run(_play(wish, plan))
    except NotUp as error:
        raise DemoError(str(error)) from error
    except (OSError, Damaged, ValueError) as error:
        raise DemoError(f"{error} (the logs are in {wish.out})") from error


async def _play(wish: Wish, plan: Plan) -> int:
    """Venues, then the engine; at the end the engine first, then the venues, then the results.

    A signal ends the play early and changes nothing else, however often it comes.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    journal = wish.out / "journal"
    origin = ["--origin-ns", str(plan.origin_ns)]
    async with AsyncExitStack() as processes:
        children = [Child(path.stem, ["venue", str(path), *origin], wish.out) for path in plan.venues]
        for child in children:
            await processes.enter_async_context(child)
        await until(lambda: _is_open(plan, children), "not every venue listens", children, stop, _START_S)
        arguments = ["run", str(plan.engine), "--journal", str(journal), *origin, "--played", plan.played]
        engine = await processes.enter_async_context(Child("engine", arguments, wish.out))
        children.append(engine)
        await until((journal / "live").exists, "the engine does not start", [engine], stop, _START_S)
        await _look_on(wish, journal, children, stop)
        early = [child.early_end() for child in children if not child.running]
        print("\n".join(early) or "stopping: no new risk, orders out, deals repaired", flush=True)
    for child in children:
        if child.says(LEFT_OUT):
            print(f"{child.name} could not read all of the recording (see {child.log})")
    code = _results(wish, journal, engine)
    return code or (FAILED if early else 0)


def _is_open(plan: Plan, venues: list[Child]) -> bool:
    """The engine is started into an open market: before its first moment there is no market time."""
    return now_ns() >= plan.origin_ns and all(venue.says("listens on") for venue in venues)


async def _look_on(wish: Wish, journal: Path, children: list[Child], stop: asyncio.Event) -> None:
    """Show the live view, or wait, until the time is over, a child has ended or a signal came."""

    def over() -> bool:
        return stop.is_set() or not all(child.running for child in children)

    if not wish.headless and sys.stdout.isatty():
        await asyncio.to_thread(watch, journal, wish.seconds, over, "Tandem demo")
        return
    end_ns = now_ns() + round(wish.seconds * NS_PER_S)
    while now_ns() < end_ns and not over():
        await asyncio.sleep(_LOOK_S)


def _results(wish: Wish, journal: Path, engine: Child) -> int:
    """Write and tell them; the engine's exit code, or 1 where replay differs."""
    fold = Fold()
    for record in read_journal(journal):
        fold.feed(record)
    verdict = replay(journal)
    figures = summary(fold, verdict.identical)
    (wish.out / "summary.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    write_report(fold, wish.out / "report.html", verdict.identical)
    print(
        f"{figures['decisions']} decisions ({figures['denied']} denied), {figures['deals']} deals "
        f"({figures['complete']} complete, {figures['partial_balanced']} partial, {figures['unwound']} unwound, "
        f"{figures['not_done']} not done, {figures['halted']} halted, {figures['open']} open), "
        f"{figures['alerts']} alerts, replay {'identical' if verdict.identical else 'NOT IDENTICAL'}"
    )
    print("  ".join(str(wish.out / name) for name in ("summary.json", "report.html", "journal")))
    print(engine.last_line() if engine.code == 0 else f"exit code {engine.code}: {engine.last_line()} ({engine.log})")
    if engine.code < 0 or not verdict.identical:
        return FAILED
    return engine.code
