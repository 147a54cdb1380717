"""kill -9 of a trading engine: its journal reads clean, and the next start ends flat or says what is open."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from desk.demo import Wish, prepare
from desk.replay import replay
from engine import records
from engine.clock import now_ns
from engine.segments import Reader, read
from engine.verify import verify

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


@pytest.fixture
def processes(tmp_path):
    started = Processes(tmp_path)
    yield started
    started.end()


def until(condition, seconds: float, what: str):
    """The first true value of `condition`, polled; fails after `seconds`."""

    async def poll():
        end_ns = now_ns() + round(seconds * NS_PER_S)
        while not (value := condition()):
            assert now_ns() < end_ns, f"{what} did not happen within {seconds} s"
            await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.01)
        return value

    return asyncio.run(poll())


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


@pytest.mark.slow
def test_a_killed_engine_leaves_a_clean_journal_and_its_next_start_ends_flat(processes):
    engine = processes.engine()
    is_order = lambda record: record.kind == records.ORDER
    until(seen(processes.journal, is_order, 3), 40, "a few orders")
    os.kill(engine.pid, signal.SIGKILL)
    engine.wait()
    past = list(read(processes.journal))
    assert [record.seq for record in past] == list(range(1, len(past) + 1))
    assert verify(processes.journal).problems == []

    engine = processes.engine()
    is_second = lambda record: record.kind == records.START and record.data["epoch"] == 2
    until(seen(processes.journal, is_second), 40, "the second start")
    trades_on = lambda record: record.kind == records.ORDER and int(record.data["order_no"]) >> 32 == 2
    until(seen(processes.journal, trades_on), 40, "an order of the second start")
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0, processes.log("engine")
    assert processes.log("engine").rstrip().endswith("flat")
    assert replay(processes.journal).identical
    numbers = [int(record.data["order_no"]) for record in read(processes.journal) if record.kind == records.ORDER]
    assert len(numbers) == len(set(numbers))


@pytest.mark.slow
def test_a_kill_in_the_turn_of_a_send_is_resolved_by_asking_the_venue(processes):
    for _ in range(3):
        engine = processes.engine()
        before = len(list(read(processes.journal))) if (processes.journal / "live").exists() else 0
        is_new_order = lambda record: record.kind == records.ORDER and record.seq > before  # noqa: B023
        until(seen(processes.journal, is_new_order), 60, "an order")
        os.kill(engine.pid, signal.SIGKILL)
        engine.wait()
    engine = processes.engine()
    is_timer = lambda record: record.kind == records.START and record.data["epoch"] == 4
    until(seen(processes.journal, is_timer), 40, "the last start")
    ready = lambda record: record.kind == records.ALERT and record.data["code"] == "link_ready"
    until(seen(processes.journal, ready, 4), 40, "the links")
    engine.send_signal(signal.SIGTERM)
    code = engine.wait(60)
    last = processes.log("engine").rstrip().splitlines()[-1]
    assert (code, last) == (0, "flat") or (code == 3 and last.startswith("NOT FLAT")), last
    assert replay(processes.journal).identical
