"""`tandem demo`: simulated venues, the engine and the live view as processes; results in one folder."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson
import tomli_w

from adapters.recorded.btc_2024 import skew_bound_ns
from adapters.ticks import QuoteTick
from desk.config import Config
from desk.console import watch
from desk.fold import Fold
from desk.replay import replay
from desk.report import write_report
from desk.summary import summary
from desk.toml_reader import read
from desk.venue import VenueFile, source_of
from engine.clock import now_ns
from engine.segments import read as read_journal

ROOT = Path(__file__).resolve().parent.parent
DEMOS = ROOT / "configs" / "demo"
GENERATED = "generated"
_START_S, _STOP_S = 20.0, 30.0
NS_PER_S = 1_000_000_000


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
    """Write the demo's files, with free ports, into the output folder."""
    name = wish.data.name if wish.data else GENERATED
    if wish.data and not wish.data.is_dir():
        raise DemoError(f"--data {wish.data}: expected a folder with a recording, found none")
    source = DEMOS / name
    if not (source / "engine.toml").exists():
        known = ", ".join(sorted(path.name for path in DEMOS.iterdir() if path.name != GENERATED))
        raise DemoError(f"--data {wish.data}: expected a folder named one of {known}")
    for left in ("journal", "config"):
        shutil.rmtree(wish.out / left, ignore_errors=True)
    folder = wish.out / "config"
    folder.mkdir(parents=True, exist_ok=True)
    config: Config = _read(source / "engine.toml", Config)
    files = [_read(source / f"{venue.id}.toml", VenueFile) for venue in config.venues]
    files = [_tuned(file, wish) for file in files]
    settings, files = _with_ports(config, files)
    base_ns, played = _market(files, config)
    clock = config.clock if base_ns is None else {"base_utc": _utc(base_ns), "speed": files[0].sim.speed}
    shown = msgspec.to_builtins(config) | {"include": [], "clock": msgspec.to_builtins(clock)}
    for venue, own in zip(shown["venues"], settings, strict=True):
        venue["settings"] |= own
    engine = folder / "engine.toml"
    engine.write_text(tomli_w.dumps(_without_none(shown)))
    venues = []
    for file in files:
        path = folder / f"{file.sim.id}.toml"
        path.write_text(tomli_w.dumps(_without_none(msgspec.to_builtins(file) | {"include": []})))
        venues.append(path)
        if file.sim.faults:
            shutil.copy(source / file.sim.faults, folder / file.sim.faults)
    return Plan(engine, venues, now_ns() + NS_PER_S, played)


def _read(path: Path, kind: type):
    value, problems = read(path, kind)
    if problems or value is None:
        raise DemoError("\n".join(str(problem) for problem in problems))
    return value


def _tuned(file: VenueFile, wish: Wish) -> VenueFile:
    changes = {}
    if wish.speed is not None:
        changes["speed"] = wish.speed
    if wish.seed is not None:
        changes["seed"] = wish.seed
    if wish.data:
        changes["data_folder"] = str(wish.data.resolve())
    return msgspec.structs.replace(file, sim=msgspec.structs.replace(file.sim, **changes))


def _with_ports(config: Config, files: list[VenueFile]) -> tuple[list[dict], list[VenueFile]]:
    """Free ports for every venue: what the engine's settings must say, and the venues' files."""
    settings, found = [], []
    for venue, file in zip(config.venues, files, strict=True):
        port, market_data_port = _free_ports(2)
        found.append(
            msgspec.structs.replace(
                file, sim=msgspec.structs.replace(file.sim, port=port, market_data_port=market_data_port)
            )
        )
        if venue.protocol == "diff":
            settings.append({"md_url": f"ws://127.0.0.1:{port}/md", "td_url": f"ws://127.0.0.1:{port}/td"})
        else:
            settings.append({"host": "127.0.0.1", "order_port": port, "md_port": market_data_port})
    return settings, found


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _market(files: list[VenueFile], config: Config) -> tuple[int | None, str]:
    """Market time at which a recording's window begins (None for a generated market), and what is played, in words."""
    sim = files[0].sim
    if sim.source == "generated":
        return None, f"generated gold market, seed {sim.seed}, speed {sim.speed:g}"
    first = next(item for item in source_of(files[0]) if isinstance(item, QuoteTick))
    begin_ns = first.at_ns + int(sim.start_s * NS_PER_S)
    words = f"{Path(sim.data_folder).name} from {_utc(begin_ns)}, speed {sim.speed:g}"
    if sim.source == "gold_2019":
        words += f"; {files[0].bars.description()}"
    if sim.source == "btc_2024":
        bound_s = max(skew_bound_ns(Path(sim.data_folder), series) for series in ("usdm", "cm")) / 1e9
        words += f"; the receiving clock is behind the venues' by at least {bound_s:.2f} s (a bound, not a measurement)"
    return begin_ns, words


def _utc(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="seconds")


def _without_none(value):
    """TOML has no null: a key without a value is left out."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value


class Child:
    """One process of the demo, its output in a log file."""

    def __init__(self, name: str, arguments: list[str], out: Path):
        self.name, self.log = name, out / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "desk.cli", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def says(self, words: str) -> bool:
        return words in self.log.read_text(errors="replace")

    def last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def end(self) -> int:
        """SIGTERM, and SIGKILL for one that does not obey; its exit code."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


async def _until(condition: Callable[[], bool], seconds: float, what: str, children: list[Child]) -> None:
    end_ns = now_ns() + round(seconds * NS_PER_S)
    while not condition():
        for child in children:
            if not child.running:
                raise DemoError(f"{child.name} ended early: {child.last_line()} (see {child.log})")
        if now_ns() > end_ns:
            raise DemoError(f"{what} did not happen within {seconds:g} s")
        await asyncio.sleep(0.05)


def run(wish: Wish) -> int:
    """The whole demo; the engine's exit code, or 1 where the results are not whole."""
    wish.out.mkdir(parents=True, exist_ok=True)
    plan = prepare(wish)
    print(f"plays {plan.played}", flush=True)
    children: list[Child] = []
    journal = wish.out / "journal"
    try:
        for path in plan.venues:
            children.append(Child(path.stem, ["venue", str(path), "--origin-ns", str(plan.origin_ns)], wish.out))
        listening = lambda: all(child.says("listens on") for child in children)
        asyncio.run(_until(listening, _START_S, "the venues' listening", children))
        engine = Child(
            "engine",
            ["run", str(plan.engine), "--journal", str(journal), "--origin-ns", str(plan.origin_ns), "--played",
             plan.played],
            wish.out,
        )  # fmt: skip
        children.append(engine)
        asyncio.run(_until(lambda: (journal / "live").exists(), _START_S, "the engine's start", children))
        _look_on(wish, journal, engine)
        code = engine.end()
        last = engine.last_line()
    finally:
        for child in reversed(children):
            child.end()
    return _results(wish, journal, code, last)


def _look_on(wish: Wish, journal: Path, engine: Child) -> None:
    """Show the live view, or wait, until the time is over, the engine has ended or the user has had enough."""
    gone = lambda: not engine.running
    if not wish.headless and sys.stdout.isatty():
        watch(journal, wish.seconds, gone, "Tandem demo")
        return
    end_ns = now_ns() + round(wish.seconds * NS_PER_S)
    try:
        while now_ns() < end_ns and not gone():
            asyncio.run(asyncio.sleep(0.2))
    except KeyboardInterrupt:
        print("stopping", flush=True)


def _results(wish: Wish, journal: Path, code: int, last: str) -> int:
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
    print(f"{wish.out}/summary.json  {wish.out}/report.html  {wish.out}/journal/")
    print(last)
    return code or (0 if verdict.identical else 1)
