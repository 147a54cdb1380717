"""One stage of the campaign: two simulated venues and an engine as processes, in a market that trades all the time."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import tomli_w

from bench.crash.child import DIE_AT
from bench.crash.points import Point
from desk.check import check
from desk.config import Config
from desk.demo import ROOT, Wish, prepare
from engine import layout
from engine.clock import now_ns

NS_PER_S = 1_000_000_000
_PATIENCE_S = 30.0
_ENGINE = {"sample_ms": 50, "timer_ms": 20, "ack_timeout_ms": 300, "query_every_ms": 150, "segment_mb": 4}
_STRATEGY = {
    "id": "often", "kind": "spread_cross", "spread": "AU_GC", "entry": 0.12, "exit": 0.03, "min_edge": 0.01,
    "clip_units": 1, "max_units": 3, "cooldown_ms": 60, "min_samples": 8,
    "repair": {"on_partial": "cheapest", "retry_ms": 100, "pay_up_ticks": [1, 3, 6], "max_tries": 6,
               "naked_limit_ms": 15_000},
}  # fmt: skip
_MARKET = {
    "basis_half_life_s": 0.4, "basis_sd_cny_per_g": 0.4, "step_ms": 20,
    "au": {"tick": 0.02, "update_ms": 60.0, "jitter_ms": 20.0, "regular": True, "min_lots": 3, "max_lots": 60,
           "wide_share": 0.05},
    "gc": {"tick": 0.1, "update_ms": 60.0, "min_lots": 2, "max_lots": 25, "wide_share": 0.05},
}  # fmt: skip
# Each so many orders of the venue something goes wrong, so that deals are repaired too, and killed in their repairs.
_FAULTS = {
    "SIM_SHFE": [
        {"every": 4, "do": "duplicate"}, {"every": 5, "do": "partial", "lots": 1},
        {"every": 7, "do": "trade_before_ack"}, {"every": 9, "do": "terminal_before_trade"},
        {"every": 13, "do": "delay_ms", "ms": 400}, {"every": 17, "do": "reject", "reason": "by the script"},
    ],
    "SIM_OTC": [
        {"every": 5, "do": "duplicate"}, {"every": 6, "do": "nofill"}, {"every": 8, "do": "trade_before_ack"},
        {"every": 11, "do": "delay_ms", "ms": 400}, {"every": 14, "do": "reject", "reason": "by the script"},
        {"at_s": 7.0, "do": "disconnect"},
    ],
}  # fmt: skip


def until(condition, seconds: float):
    """The first true value of `condition`, polled; its last value, which is not true, after so long."""
    end_ns, pause = now_ns() + round(seconds * NS_PER_S), threading.Event()
    while not (value := condition()) and now_ns() < end_ns:
        pause.wait(0.003)
    return value


class Stage:
    """The files, the venues and the engines of one stage. `with` ends whatever still runs."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.journal = folder, folder / "journal"
        folder.mkdir(parents=True)
        self._plan = prepare(Wish(folder, None, 60.0, None, seed, True))
        self._tune()
        self.venues = [path.stem for path in self._plan.venues]
        self._alive: list[subprocess.Popen] = []

    def _tune(self) -> None:
        engine = tomllib.loads(self._plan.engine.read_text())
        engine["engine"] |= _ENGINE
        engine["strategies"] = [_STRATEGY]
        for pool in engine["pools"]:
            pool["capital"] = 50_000_000
        for venue in engine["venues"]:
            venue |= {"orders_per_s": 1000, "order_burst": 2000}
            if venue["protocol"] == "fix44":
                venue["settings"] |= {"reconnect_min_ms": 20, "reconnect_max_ms": 200}
        self._plan.engine.write_text(tomli_w.dumps(engine))
        for path in self._plan.venues:
            venue = tomllib.loads(path.read_text())
            faults = path.with_name(f"crash_{path.stem}.toml")
            faults.write_text(tomli_w.dumps({"fault": _FAULTS[path.stem]}))
            venue["sim"] |= {"gold": _MARKET, "faults": faults.name}
            path.write_text(tomli_w.dumps(venue))

    def __enter__(self) -> "Stage":
        for path in self._plan.venues:
            self._start("bench.crash.venue", [str(self.notes(path.stem)), "venue", str(path)], path.stem)
        ready = until(lambda: all("listens on" in self.log(name) for name in self.venues), _PATIENCE_S)
        if not ready:
            self.end()
            raise RuntimeError(f"not every venue listens; see {self.folder}")
        until(lambda: now_ns() >= self._plan.origin_ns, 5.0)
        return self

    def __exit__(self, *_) -> None:
        self.end()

    @property
    def config(self) -> Config:
        return check(self._plan.engine).config

    def notes(self, venue: str) -> Path:
        return self.folder / f"{venue}.notes"

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def engine(self, point: Point | None = None) -> subprocess.Popen:
        """`tandem run`, always by the same command; with a point, in the trap of that."""
        arguments = ["run", str(self._plan.engine), "--journal", str(self.journal)]
        if point is None:
            return self._start("desk.cli", arguments, "engine")
        return self._start("bench.crash.child", arguments, "engine", {DIE_AT: point.text, "NUMBA_DISABLE_JIT": "1"})

    def _start(self, module: str, arguments: list[str], name: str, environment: dict | None = None) -> subprocess.Popen:
        command = [sys.executable, "-m", module, *arguments, "--origin-ns", str(self._plan.origin_ns)]
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        self._alive = [*(child for child in self._alive if child.poll() is None), process]
        return process

    def end(self) -> None:
        """End what still runs, and remove what a killed engine left on tmpfs."""
        for child in self._alive:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self._alive:
            try:
                child.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._alive = []
        live = layout.live_folder(self.journal) if self.journal.exists() else None
        if live is not None:
            shutil.rmtree(live, ignore_errors=True)
