"""Kill and timed switches over the control socket: what the command line asks, prints, and ends with."""

import asyncio
import signal
from datetime import datetime

import orjson
import pytest

from desk import control, until
from desk.cli import main
from desk.control import controlled
from desk.control_requests import DONE, REFUSED, WRONG, answer
from desk.kill import lines
from desk.replay import replay
from engine import records
from engine.ports import SELL, Event, ExecReport
from engine.schema import ACTIVE, HALTED, REDUCE_ONLY
from tests.processes import Processes, seen
from tests.processes import until as wait_until
from tests.test_control import ME, STRATEGY, tandem
from tests.world import MS, World, demo_config

NO_FILL = {"at_order": 1, "do": "nofill"}


@pytest.fixture
def world():
    return World(demo_config(max_units=1), faults={"SIM_OTC": [NO_FILL]})


def asked(world: World, **request) -> dict:
    return answer(world.loop, orjson.dumps(request), "ann", world.now_ns)


def commands_of(world: World) -> list[tuple]:
    names = ("code", "choice", "scope", "until_ns")
    return [tuple(int(row[name]) for name in names) for row in world.of_kind(records.COMMAND)]


def over_socket(world: World, folder, monkeypatch, *words: str) -> int:
    """The exit code of a command; once it is a kill's turn the world's clock goes on by hand."""
    monkeypatch.setattr(control, "now_ns", lambda: world.now_ns)
    errors = []

    async def serve() -> int:
        async with controlled(world.loop, folder, folder / "live", errors.append):
            told = asyncio.create_task(asyncio.to_thread(main, list(words)))
            while not (await asyncio.wait({told}, timeout=0.002))[0]:
                if world.loop.core.drills:
                    world.step(50)
            return told.result()

    code = asyncio.run(serve())
    assert errors == []
    return code


# the command line


def test_a_kill_is_answered_at_once_and_its_report_has_a_line_a_venue(world, tmp_path, monkeypatch, capsys):
    world.market(6.5)
    assert over_socket(world, tmp_path, monkeypatch, "kill", str(tmp_path), "--why", "a drill") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("killed: all is halted, 2 orders are asked to end; repairs of open deals go on (record ")
    assert [cell.strip() for cell in said[1].split("|")] == [
        "venue", "orders asked", "cancelled", "filled", "left", "ms to last ack",
    ]  # fmt: skip
    rows = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in (line.split("|") for line in said[2:])}
    assert rows["SIM_SHFE"][:4] == ["1", "0", "1", "0"]
    assert rows["SIM_OTC"][:4] == ["1", "1", "0", "0"]
    assert all(0 < float(row[4]) < 50 for row in rows.values())
    assert commands_of(world) == [(records.COMMAND_KILL, 0, -1, 0)]
    world.check()


def test_a_kill_that_leaves_something_ends_with_3_and_says_what(world, tmp_path, monkeypatch, capsys):
    world.otc.deaf = True
    world.market(6.5)
    world.step(1200)
    theirs = ExecReport(venue=0, order_no=0, client_id="hand-7", instrument=world.au, side=SELL, event=Event.ACK,
                        leaves_lots=4, recv_ns=world.now_ns)  # fmt: skip
    world.loop.on_report(theirs)
    words = ("kill", str(tmp_path), "--why", "now", "--repairs-too", "--wait", "9")
    assert over_socket(world, tmp_path, monkeypatch, *words) == 3
    said = capsys.readouterr().out
    left, foreign = said.split("could not be cancelled:\n")[1].split("not ours, not touched:\n")
    assert "COMEX.GCG7 at SIM_OTC: cancel sent, in doubt; the venue does not say what became of it" in left
    assert foreign == "  order hand-7 at SIM_SHFE: sell 4 lots of SHFE.au2702\n"
    assert commands_of(world) == [(records.COMMAND_KILL, 1, -1, 0)]
    assert over_socket(world, tmp_path, monkeypatch, "status", str(tmp_path)) == 0
    said = capsys.readouterr().out
    assert f"  all halted by {ME}: now\n" in said
    assert "no repair is sent since a kill has stopped them" in said


def test_a_kill_is_not_waited_for_longer_than_is_asked(world, tmp_path, monkeypatch, capsys):
    world.otc.deaf = True
    world.market(6.5)
    monkeypatch.setattr(world, "step", lambda ms: None)  # the world stands still: no venue is ever done
    assert over_socket(world, tmp_path, monkeypatch, "kill", str(tmp_path), "--why", "x", "--wait", "0.1") == 3
    assert "no answer to its cancel yet" in capsys.readouterr().out


def test_a_halt_for_a_while_says_until_when_and_ends(world, tmp_path, monkeypatch, capsys):
    command = ("halt", str(tmp_path), "market:domestic", "--for", "2m", "--why", "numbers")
    with monkeypatch.context() as patch:
        patch.setattr("engine.clock.now_ns", lambda: world.now_ns)
        assert over_socket(world, tmp_path, monkeypatch, *command) == 0
    ((code, choice, scope, until_ns),) = commands_of(world)
    assert (code, choice, scope) == (records.COMMAND_HALT, records.SCOPE_MARKET, 0)
    assert 119_000 * MS < until_ns - world.now_ns <= 120_000 * MS
    assert over_socket(world, tmp_path, monkeypatch, "status", str(tmp_path)) == 0
    told = f"  market:domestic halted by {ME}: numbers; until {until.shown(until_ns)}"
    assert told in capsys.readouterr().out.splitlines()
    world.now_ns = until_ns
    world.step(10)
    assert world.state.market[0]["switch"] == ACTIVE


@pytest.mark.parametrize(
    "words",
    [
        ["halt", "j", "all", "--why", "x", "--until", "25:00"], ["halt", "j", "all", "--why", "x", "--until", "noon"],
        ["reduce", "j", "all", "--why", "x", "--for", "10"], ["reduce", "j", "all", "--why", "x", "--for", "0m"],
        ["halt", "j", "all", "--why", "x", "--for", "8000h"],
        ["halt", "j", "all", "--why", "x", "--for", "1m", "--until", "12:00"],
        ["resume", "j", "all", "--why", "x", "--for", "1m"], ["kill", "j"], ["kill", "j", "--why", "x", "--wait", "0"],
    ],
)  # fmt: skip
def test_an_end_that_is_none_is_not_sent(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_a_time_of_the_day_is_the_next_one_that_comes():
    now_ns = int(datetime(2026, 11, 26, 14, 30, 5).timestamp()) * 10**9
    for text, day, hour, minute in (("14:31", 26, 14, 31), ("14:30:06", 26, 14, 30), ("14:30", 27, 14, 30),
                                    ("14:30:05", 27, 14, 30), ("0:00", 27, 0, 0)):  # fmt: skip
        found = datetime.fromtimestamp(until.next_ns(until.time_of_day(text), now_ns) / 1e9)
        assert (found.day, found.hour, found.minute) == (day, hour, minute), text


# requests


def test_a_switch_with_an_end_is_refused_where_that_has_passed_or_it_is_a_resume(world):
    for name, until_ns, because in (("halt", world.now_ns, "has passed"), ("resume", world.now_ns + MS, "only a halt")):
        said = asked(world, command=name, scope="all", why="x", until_ns=until_ns)
        assert said["result"] == REFUSED and because in said["said"]
    assert asked(world, command="halt", scope="all", why="x", until_ns=-1)["result"] == WRONG
    assert commands_of(world) == []


def test_status_says_of_each_switch_that_is_not_active_who_why_and_until_when(world):
    until_ns = world.now_ns + MS
    for name, scope in (("halt", "all"), ("reduce", f"strategy:{STRATEGY}"), ("halt", "market:foreign")):
        assert asked(world, command=name, scope=scope, why="x", until_ns=until_ns)["result"] == DONE
    assert asked(world, command="resume", scope="all", why="x")["result"] == DONE
    said = asked(world, command="status")
    assert said["set"] == {
        f"strategy:{STRATEGY}": {"switch": "reduce only", "who": "ann", "why": "x", "until_ns": until_ns},
        "market:foreign": {"switch": "halted", "who": "ann", "why": "x", "until_ns": until_ns},
    }  # fmt: skip
    assert said["switches"]["market:domestic"] == "active"
    assert world.state.strategy[0]["switch"] == REDUCE_ONLY


def test_a_kill_is_taken_while_the_engine_stops_and_its_report_asked_for_by_its_number(world):
    assert asked(world, command="kill-report", drill=1)["result"] == WRONG
    world.market(6.5)
    world.loop.on_command(records.COMMAND_STOP, 0, -1, "ann", "evening", world.now_ns)
    said = asked(world, command="kill", why="x")
    assert (said["result"], said["drill"]) == (DONE, 1)
    assert world.state.head["switch"] == HALTED
    report = asked(world, command="kill-report", drill=1)
    assert (report["done"], [one["asked"] for one in report["venues"]]) == (False, [1, 1])
    world.step(50)
    report = asked(world, command="kill-report", drill=1)
    assert (report["done"], report["left"], report["foreign"]) == (True, [], [])


def test_a_report_tells_of_cancels_beyond_the_quota():
    venue = {"venue": "X", "asked": 3, "cancelled": 3, "filled": 0, "left": 0, "over": 2, "last_ns": 1_250_000}
    said = lines({"venues": [venue], "left": [], "foreign": []})
    assert said[1].split("|")[-1].strip() == "1.2"
    assert said[2:] == ["X: 2 cancels beyond the day's quota of frequent cancels"]


# a whole engine


@pytest.fixture
def processes(tmp_path):
    started = Processes(tmp_path)
    yield started
    started.end()


@pytest.mark.slow
def test_a_running_engine_is_killed_reports_its_drill_and_is_resumed(processes):
    journal = str(processes.journal)
    engine = processes.engine()
    wait_until(seen(processes.journal, lambda record: record.kind == records.ORDER), 40, "an order")
    done = tandem("kill", journal, "--why", "the drill of the month")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIM_OTC" in done.stdout and "SIM_SHFE" in done.stdout
    wait_until(seen(processes.journal, lambda record: record.kind == records.KILL, 2), 10, "both venues' records")
    assert f"all halted by {ME}: the drill of the month" in tandem("status", journal).stdout
    assert tandem("resume", journal, "all", "--why", "it is over").returncode == 0
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0, processes.log("engine")
    assert replay(processes.journal).identical
