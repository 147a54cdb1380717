"""The joint test (联调) of an acceptance: the engine against the venues of its config, and the kill at its end."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from desk.accept_rules import Step, failed, joint_checks, judged, kill_checks, skipped
from desk.accept_seen import figures_of
from desk.children import NS_PER_S, Child, NotUp, until
from desk.config import Config
from desk.stage import market_of, set_up
from desk.toml_reader import read
from desk.venue import VenueFile
from engine.clock import now_ns
from engine.layout import Damaged

JOINT, KILL = ("joint", "Joint test 联调"), ("kill", "Kill drill")
_START_S = 150.0  # a first start compiles
_KILL_S = 60.0
_LOOK_S = 0.05
_LOCAL = ("127.0.0.1", "localhost", "::1")
_SIMULATED = "the venues were simulated ones of this project, on this machine and without their fault scripts"


class Joint(NamedTuple):
    """What is run. simulated: the venue files beside the config, one a venue; empty: its venues run elsewhere."""

    path: Path
    config: Config
    simulated: list[VenueFile]
    seconds: float
    work: Path

    @property
    def journal(self) -> Path:
        return self.work / "journal"


def simulated_beside(path: Path, config: Config, asked: bool) -> list[VenueFile]:
    """The simulated venues that lie beside a config, where they are asked for or it points to this machine alone.

    ValueError where they are asked for and one of them is not there.
    """
    files = [path.parent / f"{venue.id}.toml" for venue in config.venues]
    missing = [str(file) for file in files if not file.is_file()]
    if missing and asked:
        raise ValueError(f"--with-sim: expected a simulated venue in {', '.join(missing)}, found none")
    if missing or not files or not (asked or all(_is_local(venue.settings) for venue in config.venues)):
        return []
    found = []
    for file in files:
        value, problems = read(file, VenueFile)
        if problems or value is None:
            raise ValueError("; ".join(str(problem) for problem in problems))
        found.append(value)
    return found


def _is_local(settings: dict) -> bool:
    """Whether every address of a venue is one of this machine."""
    texts = [value for key, value in settings.items() if key == "host" or key.endswith("_url")]
    hosts = [str(text).split("://")[-1].split("/")[0].rsplit(":", 1)[0] for text in texts]
    return bool(hosts) and all(host in _LOCAL for host in hosts)


async def run(joint: Joint) -> list[Step]:
    """The joint test and the kill drill, each with its verdict; what could not be run has failed."""
    began_ns = now_ns()
    try:
        figures, kill_seconds = await _played(joint)
        figures |= figures_of(joint.journal)
    except (NotUp, OSError, Damaged, ValueError) as error:
        step = failed(*JOINT, str(error))
        step.seconds = (now_ns() - began_ns) / 1e9
        return [step, skipped(*KILL, "the joint test did not come to its end")]
    config = figures.pop("config")
    of_kill = {key: figures.pop(key) for key in [*figures] if key.startswith("kill") or key == "entries_after_kill"}
    notes = [f"played: {figures['played']}"] + ([_SIMULATED] if joint.simulated else [])
    if not figures["orders"]:
        notes.append("no order was sent in this time: how the venues take orders was not seen")
    tested = judged(*JOINT, joint_checks(config, figures), figures, notes)
    tested.seconds = (now_ns() - began_ns) / 1e9 - kill_seconds
    return [tested, _drill(config, of_kill, kill_seconds)]


def _drill(config: dict, figures: dict[str, Any], seconds: float) -> Step:
    if figures["kill_missing"]:
        return skipped(*KILL, "this version has no kill command")
    if figures["kill_code"] is None:
        return skipped(*KILL, "the engine had ended before it")
    notes = [figures["kill_said"]] if figures["kill_said"] else []
    if not any(one["asked"] for one in figures["kills"].values()):
        notes.append("no order was alive at the word: nothing had to be cancelled")
    step = judged(*KILL, kill_checks(config, figures), figures, notes)
    step.seconds = seconds
    return step


class _Files(NamedTuple):
    """What the processes are started with. origin_ns: when a simulated market opens; 0: the venues run elsewhere."""

    engine: Path
    venues: list[Path]
    played: str
    origin_ns: int

    @property
    def origin(self) -> list[str]:
        return ["--origin-ns", str(self.origin_ns)] if self.origin_ns else []


def _files(joint: Joint) -> _Files:
    if not joint.simulated:
        return _Files(joint.path, [], f"live, {joint.path.name}", 0)
    market = market_of(joint.config, joint.simulated)
    calm = [_calm(file) for file in joint.simulated]
    staged = set_up(joint.config, calm, joint.path.parent, joint.work / "config", market.clock)
    return _Files(staged.engine, staged.venues, market.played, now_ns() + NS_PER_S)


async def _played(joint: Joint) -> tuple[dict[str, Any], float]:
    """Venues where they are simulated, the engine for so many seconds, the kill, the stop; and seconds of the kill."""
    files, stop = _files(joint), asyncio.Event()
    async with AsyncExitStack() as processes:
        children = [Child(path.stem, ["venue", str(path), *files.origin], joint.work) for path in files.venues]
        for child in children:
            await processes.enter_async_context(child)
        up = lambda: now_ns() >= files.origin_ns and all(child.says("listens on") for child in children)
        await until(up, "not every venue listens", children, stop, _START_S)
        arguments = ["run", str(files.engine), "--journal", str(joint.journal), *files.origin, "--played", files.played]
        engine = await processes.enter_async_context(Child("engine", arguments, joint.work))
        children.append(engine)
        await until((joint.journal / "live").exists, "the engine does not start", [engine], stop, _START_S)
        await _watched(children, joint.seconds)
        early = "; ".join(child.early_end() for child in children if not child.running)
        began_ns = now_ns()
        figures = await _killed(joint, engine)
        kill_seconds = (now_ns() - began_ns) / 1e9
        await engine.end()
    if early:
        raise NotUp(early)
    told = {"seconds": joint.seconds, "played": files.played, "exit_code": engine.code}
    return figures | told | {"last_words": engine.last_line()}, kill_seconds


async def _watched(children: list[Child], seconds: float) -> None:
    """Until the time is over, or one of them has ended."""
    end_ns = now_ns() + round(seconds * NS_PER_S)
    while now_ns() < end_ns and all(child.running for child in children):
        await asyncio.sleep(_LOOK_S)


def _calm(file: VenueFile) -> VenueFile:
    """Without its fault script: what venues do wrong is the storm's business."""
    return replace(file, sim=replace(file.sim, faults=""))


async def _killed(joint: Joint, engine: Child) -> dict[str, Any]:
    """The kill as a person gives it; its exit code, None where no engine was left to kill."""
    if not engine.running:
        return {"kill_code": None, "kill_missing": False, "kill_said": ""}
    arguments = ["kill", str(joint.journal), "--why", "acceptance: kill drill"]
    async with Child("kill", arguments, joint.work) as child:
        code = await child.done(_KILL_S)
    missing = code == 2 and child.says("invalid choice: 'kill'")
    said = "" if missing else child.log.read_text(errors="replace").strip()
    return {"kill_code": code, "kill_missing": missing, "kill_said": said}
