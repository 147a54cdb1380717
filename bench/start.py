"""`start`: a cold start of `tandem run`, from nothing to an engine that may trade: every link of every venue ready."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from bench.figures import Result, Row, demand
from bench.start_steps import FILE, STEPS
from desk.demo import ROOT, Plan, Wish, prepare
from desk.stage import toml
from engine.clock import OFFSET_NS, now_ns
from engine.ports import CHANNELS, READY
from engine.records import LINK
from engine.segments import Reader

_FLOOR = "import numba, uvloop, picows, orjson, msgspec, structlog; print(open('/proc/self/status').read(), flush=True)"
_PATIENCE_S = 60.0  # the first start may have to compile
_SEED = 11


class Started(NamedTuple):
    """One start: seconds from exec to ready, MB of anonymous memory of the engine and of its sealer then."""

    seconds: float
    engine_mb: float
    sealer_mb: float


def measure(rounds: int) -> Result:
    """The real command against two simulated venues, a bare process in turns with it, kernels already in their cache;
    and in a further start of each round, where the time goes."""
    taken, floors, steps = [], [], []
    with tempfile.TemporaryDirectory() as name, _venues(Path(name)) as plan:
        _started(plan, Path(name) / "first", "desk.cli")  # fills the cache where it is empty
        for number in range(rounds):
            floors.append(_bare())
            taken.append(_started(plan, Path(name) / f"run{number}", "desk.cli"))
            steps.append(_stepped(plan, Path(name) / f"steps{number}"))
    seconds, floor_s = [one.seconds for one in taken], [one[0] for one in floors]
    memory_mb, floor_mb = (median(each) for each in ([one.engine_mb for one in taken], [one[1] for one in floors]))
    spent = {step: median(each[step] for each in steps) for step in steps[0]}
    return Result(
        name="start",
        measures="`tandem run` on the demo's config: from exec to the last link's READY in the journal",
        includes="interpreter, imports, config checked, kernels from their cache, a new journal with its sealer, the "
        "state, START, connecting and logging in to two simulated venues that are up; anonymous memory at that moment",
        excludes="compiling (once an edit), the venues' own start, recovery of a past",
        floor="a new process that imports the same libraries and nothing of ours",
        rounds=rounds, samples=rounds,
        rows=[
            Row("ready to trade", "s", median(seconds), max(seconds), median(floor_s)),
            Row("anonymous memory", "MB", memory_mb, max(one.engine_mb for one in taken), floor_mb),
            Row("the sealer's beside it", "MB", median(one.sealer_mb for one in taken)),
            *(Row(f"of it: {step}", "s", value) for step, value in spent.items()),
        ],
        flat={"ready_s": median(seconds), "rss_anon_mb": memory_mb},
        details={"rounds_s": seconds, "floor_rounds_s": floor_s, "steps_s": spent},
        notes=["`of it` are the steps of further starts in the same rounds, one behind the other"],
    )  # fmt: skip


@contextmanager
def _venues(folder: Path) -> Iterator[Plan]:
    """The demo's venues, up and listening."""
    plan = prepare(Wish(folder, None, 60.0, None, _SEED, True))
    _keep_sessions(plan, folder / "sessions")
    venues = [_process("desk.cli", ["venue", str(path), "--origin-ns", str(plan.origin_ns)], subprocess.PIPE)
              for path in plan.venues]  # fmt: skip
    try:
        for venue in venues:
            demand(b"listens on" in venue.stdout.readline(), "a venue that listens")
        while now_ns() < plan.origin_ns:  # before its first moment there is no market time
            time.sleep(0.01)
        yield plan
    finally:
        for venue in venues:
            venue.terminate()
            venue.communicate(timeout=_PATIENCE_S)


def _keep_sessions(plan: Plan, folder: Path) -> None:
    """One store of FIX sequence numbers for all starts: the venue stays up, and refuses numbers that begin anew."""
    config = tomllib.loads(plan.engine.read_text())
    for venue in config["venues"]:
        if venue["protocol"] == "fix44":
            venue["settings"]["store_dir"] = str(folder)
    plan.engine.write_text(toml(config))


def _process(module: str, arguments: list[str], out, extra: dict[str, str] | None = None) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                            stderr=subprocess.STDOUT, env=os.environ | (extra or {}))  # fmt: skip


def _started(plan: Plan, folder: Path, module: str, extra: dict[str, str] | None = None) -> Started:
    """Start an engine, wait until it is ready, look at its memory, and end it in order."""
    began_ns = now_ns()
    arguments = ["run", str(plan.engine), "--journal", str(folder), "--origin-ns", str(plan.origin_ns)]
    with open(folder.with_suffix(".log"), "wb") as log:
        engine = _process(module, arguments, log, extra)
    try:
        ready_ns = _ready(folder, engine, links=len(plan.venues) * len(CHANNELS))
        sealer_mb = sum(map(_anonymous_mb, _children(engine)))
        found = Started((ready_ns - began_ns) / 1e9, _anonymous_mb(engine.pid), sealer_mb)
    finally:
        engine.send_signal(signal.SIGTERM)
        code = engine.wait(_PATIENCE_S)
    demand(code == 0, f"an engine that ends flat, found exit code {code}: {folder.with_suffix('.log').read_text()}")
    return found


def _ready(folder: Path, engine: subprocess.Popen, links: int) -> int:
    """When the last of so many links was ready, as the engine's journal says; engine time."""
    reader, ready, end_ns = None, {}, now_ns() + round(_PATIENCE_S * 1e9)
    while len(ready) < links:
        demand(now_ns() < end_ns and engine.poll() is None, f"{links} links ready, found {len(ready)}")
        time.sleep(0.005)
        if reader is None and (folder / "live").exists():
            reader = Reader(folder)
        for record in reader.poll() if reader else ():
            if record.kind == LINK and int(record.data["state"]) == READY:
                ready[int(record.data["venue"]), int(record.data["channel"])] = record.now_ns
    return max(ready.values())


def _stepped(plan: Plan, folder: Path) -> dict[str, float]:
    """Seconds of each step of a further start, in their order."""
    file = folder.with_suffix(".json")
    began_ns = now_ns()
    whole = _started(plan, folder, "bench.start_steps", {FILE: str(file)})
    stamps = msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    demand(set(stamps) == set(STEPS), f"every step of {STEPS}, found {stamps}")
    at_ns = [began_ns, *(stamps[step] + OFFSET_NS for step in STEPS), began_ns + round(whole.seconds * 1e9)]
    return {step: (after - before) / 1e9
            for step, (before, after) in zip((*STEPS, "logged in"), pairwise(at_ns), strict=True)}  # fmt: skip


def _anonymous_mb(pid: int) -> float:
    return _status_mb(Path(f"/proc/{pid}/status").read_text())


def _status_mb(status: str) -> float:
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")) / 1024


def _children(process: subprocess.Popen) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def _bare() -> tuple[float, float]:
    """(seconds until a process with the same libraries was there, MB of its anonymous memory then)."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", _FLOOR], cwd=ROOT, stdout=subprocess.PIPE) as process:
        status = process.stdout.readline() + process.stdout.read()
        seconds = time.perf_counter() - began
    demand(process.returncode == 0, "a process that starts")
    return seconds, _status_mb(status.decode())
