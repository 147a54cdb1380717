"""Venues and an engine as processes, for tests that kill, stop and watch them from outside."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

from desk.demo import Wish, prepare
from engine.clock import now_ns
from engine.segments import Reader

ROOT = Path(__file__).parent.parent
NS_PER_S = 1_000_000_000


class Processes:
    """Venues and engines of a test; all end with it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.plan = prepare(Wish(folder, None, 60.0, None, 11, True))
        self.journal = folder / "journal"
        self.alive: list[subprocess.Popen] = []
        for path in self.plan.venues:
            self._start("venue", str(path), name=path.stem)

    def _start(self, *arguments: str, name: str) -> subprocess.Popen:
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "desk.cli", *arguments, "--origin-ns", str(self.plan.origin_ns)], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.alive.append(process)
        return process

    def engine(self) -> subprocess.Popen:
        return self._start("run", str(self.plan.engine), "--journal", str(self.journal), name="engine")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def end(self) -> None:
        for process in self.alive:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.alive:
            process.wait(30)


def until(condition, seconds: float, what: str):
    """The first true value of `condition`, polled; fails after `seconds`."""
    end_ns, pause = now_ns() + round(seconds * NS_PER_S), threading.Event()
    while not (value := condition()):
        assert now_ns() < end_ns, f"{what} did not happen within {seconds} s"
        pause.wait(0.01)
    return value


def seen(journal: Path, wanted, count: int = 1):
    """A poll for `count` records that `wanted` accepts, in a journal that grows."""
    reader, found = None, []

    def look() -> bool:
        nonlocal reader
        if reader is None:
            if not (journal / "live").exists():
                return False
            reader = Reader(journal)
        found.extend(record for record in reader.poll() if wanted(record))
        return len(found) >= count

    return look
