"""kill -9 of a trading engine: its journal reads clean, and the next start ends flat or says what is open."""

import os
import signal
import threading
from pathlib import Path

import pytest

from desk.replay import replay
from engine import records
from engine.segments import read
from engine.verify import verify
from tests.processes import Processes, seen, until


def is_start(record) -> bool:
    return record.kind == records.START


@pytest.fixture
def processes(tmp_path):
    started = Processes(tmp_path)
    yield started
    started.end()


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
    until(seen(processes.journal, is_start, 2), 40, "the second start")
    second = int((processes.journal / "epoch").read_text())
    trades_on = lambda record: record.kind == records.ORDER and int(record.data["order_no"]) >> 32 == second
    until(seen(processes.journal, trades_on), 40, "an order of the second start")
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0, processes.log("engine")
    assert processes.log("engine").rstrip().splitlines()[-1].startswith("flat")
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
    until(seen(processes.journal, is_start, 4), 40, "the last start")
    ready = lambda record: record.kind == records.ALERT and record.data["code"] == "link_ready"
    until(seen(processes.journal, ready, 4), 40, "the links")
    engine.send_signal(signal.SIGTERM)
    code = engine.wait(60)
    last = processes.log("engine").rstrip().splitlines()[-1]
    assert (code == 0 and last.startswith("flat")) or (code == 3 and last.startswith("NOT FLAT")), last
    assert replay(processes.journal).identical


@pytest.mark.slow
def test_alerts_reach_the_command_hook_of_a_run(processes, tmp_path):
    told = tmp_path / "told.jsonl"
    path = processes.plan.engine
    hook = f"""[{{level = "info", command = ["sh", "-c", "cat >> '{told}'; echo >> '{told}'"]}}]"""
    path.write_text(path.read_text().replace("hooks = []", f"hooks = {hook}"))
    engine = processes.engine()
    until(lambda: told.exists() and "link_ready" in told.read_text(), 40, "an alert at the hook")
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0, processes.log("engine")


def holds_signals(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM by now: before that the interpreter itself is still starting."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.15, 0.5, 1.0])
def test_a_signal_while_the_engine_starts_ends_it_in_order(processes, after_s):
    engine = processes.engine()
    until(lambda: holds_signals(engine.pid), 30, "a process that holds its signals")
    threading.Event().wait(after_s)
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0, processes.log("engine")
    assert processes.log("engine").rstrip().splitlines()[-1].startswith("flat")
