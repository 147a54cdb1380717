"""Commands to a running engine: who may give them, what is refused and why, what stands in the journal."""

import asyncio
import contextlib
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import threading

import orjson
import pytest
import uvloop

from desk import command
from desk.cli import main
from desk.control import LONGEST_LINE, LONGEST_PATH, SOCKET, controlled, socket_path
from desk.control_requests import DONE, LONGEST_WHY, REFUSED, WRONG, answer, scope_of
from desk.fold_rows import row_of
from desk.replay import replay
from desk.resolutions import MEANINGS
from engine import records
from engine.schema import ACTIVE, HALTED, REDUCE_ONLY
from tests.journal_deals import record_into
from tests.processes import ROOT, Processes, seen, until
from tests.world import World, demo_config, with_repair

ME = pwd.getpwuid(os.geteuid()).pw_name
RUNS = {"asyncio": asyncio.run, "uvloop": uvloop.run}
STRATEGY = "gold_spread"


@pytest.fixture
def world():
    return World()


@pytest.fixture(params=RUNS)
def run(request):
    return RUNS[request.param]


def commands_of(world: World) -> list[tuple]:
    rows = [row_of(record) for record in world.journal.records() if record.kind == records.COMMAND]
    return [(row.code, row.choice, row.scope, row.who, row.why) for row in rows]


def asked(world: World, **request) -> dict:
    return answer(world.loop, orjson.dumps(request), "ann", world.now_ns)


def over_socket(run, world: World, folder, talk, **options):
    """What `talk` returns, run in a thread of its own against the world's control socket; and the errors told."""
    errors = []

    async def serve():
        async with controlled(world.loop, folder, folder / "live", errors.append, **options):
            return await asyncio.to_thread(talk)

    return run(serve()), errors


def raw(folder, data: bytes, end: bool = False) -> dict:
    """The answer to bytes as they are."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect((folder / "control").read_bytes())
        with contextlib.suppress(BrokenPipeError):
            line.sendall(data)
        if end:
            line.shutdown(socket.SHUT_WR)
        return orjson.loads(line.makefile("rb").readline())


# the socket


def test_the_peers_name_and_reason_stand_in_the_journal(run, world, tmp_path, capsys):
    talk = lambda: main(["halt", str(tmp_path), "all", "--why", "numbers at 14:30"])
    code, errors = over_socket(run, world, tmp_path, talk)
    assert (code, errors) == (0, [])
    assert commands_of(world) == [(records.COMMAND_HALT, records.SCOPE_ALL, -1, ME, "numbers at 14:30")]
    assert f"all is halted (record {world.journal.next_seq - 1}, by {ME})" in capsys.readouterr().out
    assert world.state.head["switch"] == HALTED


def test_the_socket_is_its_users_alone_and_goes_with_the_engine(run, world, tmp_path):
    look = lambda: stat.S_IMODE(os.stat((tmp_path / "control").read_text()).st_mode)
    mode, _ = over_socket(run, world, tmp_path, look)
    assert mode == 0o600
    assert list(tmp_path.iterdir()) == []


def test_another_user_is_refused_and_told_of_once(run, world, tmp_path):
    line = b'{"command": "halt", "scope": "all", "why": "x"}\n'
    talk = lambda: [raw(tmp_path, line) for _ in range(2)]
    answers, errors = over_socket(run, world, tmp_path, talk, allowed=[os.geteuid() + 1])
    assert [one["result"] for one in answers] == [REFUSED] * 2
    assert f"{ME} may not command this engine" in answers[0]["said"]
    assert (commands_of(world), errors) == ([], [])
    (told,) = world.of_kind(records.LOG)
    assert (told["level"], told["code"], told["numbers"]["uid"]) == ("warn", "control_stranger", os.geteuid())
    world.check()


def test_a_socket_left_by_a_kill_is_replaced(run, world, tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / SOCKET))
    talk = lambda: raw(tmp_path, b"{}\n")
    said, _ = over_socket(run, world, tmp_path, talk)
    assert said["result"] == WRONG


def test_a_journal_folder_with_a_long_path_has_its_socket_in_the_live_folder(run, world, tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    live = tmp_path / "live"
    live.mkdir()
    assert socket_path(deep, live) == live / SOCKET

    async def serve():
        async with controlled(world.loop, deep, live, lambda error: None):
            return await asyncio.to_thread(main, ["halt", str(deep), "all", "--why", "x"])

    assert run(serve()) == 0
    with pytest.raises(OSError, match="choose a shorter"):
        socket_path(deep, deep)
    assert len(os.fsencode(tmp_path / "live" / SOCKET)) <= LONGEST_PATH


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff\x00 what?\n", "expected one line of JSON"),
        (b"[" * 4000 + b"\n", "expected one line of JSON"),
        (b"x" * (LONGEST_LINE + 1000) + b"\n", f"at most {LONGEST_LINE} bytes"),
        (b"x" * 200_000, f"at most {LONGEST_LINE} bytes"),
        (b"\n", "expected one line of JSON"),
        (b"[1]\n", "expected {"),
    ],
)
def test_garbage_gets_a_clear_answer_and_changes_nothing(run, world, tmp_path, data, expected):
    before, seq = world.state.snapshot(), world.journal.next_seq

    def talk():
        said = raw(tmp_path, data)
        assert (world.state.snapshot(), world.journal.next_seq) == (before, seq)
        return said, raw(tmp_path, b'{"command": "halt", "scope": "all", "why": "still there"}\n')

    (said, after), errors = over_socket(run, world, tmp_path, talk)
    assert said["result"] == WRONG and expected in said["said"]
    assert (after["result"], errors) == (DONE, [])
    assert len(commands_of(world)) == 1


def test_a_line_without_its_end_and_a_peer_that_goes_are_their_own_affair(run, world, tmp_path):
    def talk():
        with socket.socket(socket.AF_UNIX) as line:
            line.connect((tmp_path / "control").read_bytes())
            line.sendall(b'{"comm')
        return raw(tmp_path, b'{"command"', end=True)

    said, errors = over_socket(run, world, tmp_path, talk)
    assert said["result"] == WRONG and "without one" in said["said"]
    assert errors == []


def test_more_peers_than_can_be_answered_are_turned_away_and_do_not_hold_up_the_end(run, world, tmp_path):
    with contextlib.ExitStack() as silent:

        def talk():
            for _ in range(8):
                line = silent.enter_context(socket.socket(socket.AF_UNIX))
                line.connect((tmp_path / "control").read_bytes())
            return raw(tmp_path, b"{}\n")

        said, errors = over_socket(run, world, tmp_path, talk)
    assert said["result"] == REFUSED and "try again" in said["said"]
    assert errors == []


def test_an_error_of_the_engine_is_told_to_the_run_and_to_the_peer(run, tmp_path):
    class Broken(Exception):
        pass

    world = World()

    def fail(*_, **__):
        raise Broken("the disk is gone")

    world.loop.on_command = fail
    talk = lambda: main(["halt", str(tmp_path), "all", "--why", "x"])
    code, errors = over_socket(run, world, tmp_path, talk)
    assert code == 1
    assert [type(error) for error in errors] == [Broken]


def test_no_engine_at_a_journal_is_a_sentence_that_says_how_to_start_one(tmp_path, capsys):
    (tmp_path / "control").write_text(str(tmp_path / SOCKET))  # as a kill leaves it
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert main(["halt", str(folder), "all", "--why", "x"]) == 2
        said = capsys.readouterr().err
        assert "no engine is running at this journal" in said
        assert f"tandem run CONFIG --journal {folder}" in said
        assert main(["status", str(folder)]) == 2


def test_a_client_whose_engine_goes_before_it_answers_says_where_to_look(tmp_path, capsys):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / SOCKET))
        listener.listen()
        (tmp_path / "control").write_text(str(tmp_path / SOCKET))
        gone = threading.Thread(target=lambda: listener.accept()[0].close())
        gone.start()
        code = command.send(tmp_path, {"command": "status"})
        gone.join()
    assert code == 2
    assert "in the journal" in capsys.readouterr().err


# requests


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"command": "hlat", "scope": "all", "why": "x"}, "(nearest: halt)"),
        ({"command": "halt", "scope": "all"}, "missing required field `why`"),
        ({"command": "halt", "scope": "all", "why": "  "}, "why: expected the reason"),
        ({"command": "halt", "scope": "all", "why": "a\x1b[2Jb"}, "why: expected printable"),
        ({"command": "halt", "scope": "all", "why": "x" * (LONGEST_WHY + 1)}, f"at most {LONGEST_WHY} bytes"),
        ({"command": "halt", "scope": "all", "why": "金" * 41}, "got 123"),
        ({"command": "halt", "scope": 3, "why": "x"}, "Expected `str`"),
        ({"command": "halt", "scope": "all", "why": "x", "force": True}, "unknown field `force`"),
        ({"command": "halt", "scope": "strategy:gold_spraed", "why": "x"}, f"(nearest: {STRATEGY})"),
        ({"command": "halt", "scope": "stratgy:gold_spread", "why": "x"}, f"(nearest: strategy:{STRATEGY})"),
        ({"command": "halt", "scope": STRATEGY, "why": "x"}, f"(nearest: strategy:{STRATEGY})"),
        ({"command": "halt", "scope": "al", "why": "x"}, "(nearest: all)"),
        ({"command": "halt", "scope": "venue:", "why": "x"}, "expected one of"),
        ({"command": "resolve", "deal": 1, "decision": "acept", "why": "x"}, "(nearest: accept)"),
        ({"command": "resolve", "deal": 0, "decision": "accept", "why": "x"}, "deal: expected the number"),
        ({"command": "resolve", "deal": 2**63, "decision": "accept", "why": "x"}, "deal: expected the number"),
        ({"command": "resolve", "deal": "1", "decision": "accept", "why": "x"}, "Expected `int`"),
        ({"command": 7}, "expected {"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_named_with_the_nearest_word(world, request_, expected):
    said = asked(world, **request_)
    assert said["result"] == WRONG
    assert expected in said["said"]
    assert commands_of(world) == []


def test_every_scope_of_the_config_has_its_name(world):
    names = world.loop.core.names
    assert scope_of(names, "all") == (records.SCOPE_ALL, -1)
    for choice, plural in enumerate(("venues", "accounts", "strategies", "spreads"), records.SCOPE_VENUE):
        for index, name in enumerate(names[plural]):
            assert scope_of(names, f"{records.SCOPES[choice]}:{name}") == (choice, index)


def test_the_decisions_that_help_explains_are_those_of_the_records():
    assert tuple(MEANINGS) == records.RESOLUTIONS[1:]


def test_a_stopping_engine_takes_no_commands(world):
    world.loop.on_command(records.COMMAND_STOP, 0, -1, "ann", "asked to stop", world.now_ns)
    said = asked(world, command="resume", scope="all", why="x")
    assert said == {"result": REFUSED, "said": "the engine is stopping"}
    assert len(commands_of(world)) == 1


def test_a_halted_strategy_takes_no_entry_and_takes_one_after_it_is_resumed(run, world, tmp_path, capsys):
    tell = lambda *words: main([*words[:1], str(tmp_path), f"strategy:{STRATEGY}", "--why", words[1]])
    assert over_socket(run, world, tmp_path, lambda: tell("halt", "lunch")) == (0, [])
    row = world.state.strategy[0]
    assert (row["switch"], world.state.head["switch"]) == (HALTED, ACTIVE)
    world.market(6.4)
    world.step(100)
    assert world.deals() == {}
    assert over_socket(run, world, tmp_path, lambda: tell("reduce", "slowly")) == (0, [])
    assert row["switch"] == REDUCE_ONLY
    assert over_socket(run, world, tmp_path, lambda: tell("resume", "back")) == (0, [])
    assert row["switch"] == ACTIVE
    world.step(1000)
    world.market(6.41)
    world.step(200)
    assert world.outcomes() == ["complete"]
    assert [(code, who, why) for code, _, _, who, why in commands_of(world)] == [
        (records.COMMAND_HALT, ME, "lunch"), (records.COMMAND_REDUCE, ME, "slowly"),
        (records.COMMAND_RESUME, ME, "back"),
    ]  # fmt: skip
    world.check()


def halted_world() -> World:
    """A deal whose second leg is never to be had, nor its first one to be given back: repair gives up on it."""
    faults = {"SIM_OTC": [{"every": 1, "do": "reject"}],
              "SIM_SHFE": [{"at_order": number, "do": "reject"} for number in range(2, 40)]}  # fmt: skip
    config = with_repair(demo_config(max_units=1), naked_limit_ms=500, max_tries=50, pay_up_ticks=[1])
    world = World(config, faults)
    world.market(6.5)
    world.step(1500)
    assert world.outcomes() == ["halted"]
    return world


def test_resolve_is_refused_where_nothing_waits_for_a_person(world):
    assert "holds no deal 9" in asked(world, command="resolve", deal=9, decision="retry", why="x")["said"]
    world.market(6.4)
    world.step(200)
    (deal_id,) = world.deals()
    said = asked(world, command="resolve", deal=deal_id, decision="accept", why="x")
    assert said["result"] == REFUSED and "does not wait for a person" in said["said"]
    assert commands_of(world) == []


def test_a_halted_deal_is_shown_by_status_and_accepted_over_the_socket(run, tmp_path, capsys):
    world = halted_world()
    deal_id = next(iter(world.loop.core.halted))
    talk = lambda: (
        main(["status", str(tmp_path)]),
        main(["resume", str(tmp_path), f"strategy:{STRATEGY}", "--why", "too early"]),
        main(["resolve", str(tmp_path), str(deal_id), "--accept", "--why", "we keep them"]),
        main(["resolve", str(tmp_path), str(deal_id), "--retry", "--why", "or not"]),
        main(["status", str(tmp_path)]),
    )
    codes, errors = over_socket(run, world, tmp_path, talk)
    assert (codes, errors) == ((0, 1, 0, 1, 0), [])
    said = capsys.readouterr()
    assert f"deal {deal_id} AU_GC by {STRATEGY}: halted" in said.out
    assert f"tandem resolve {tmp_path} {deal_id} --retry" in said.out
    assert f"deal {deal_id}: accept" in said.out
    assert "resolve that first" in said.err and "does not wait for a person" in said.err
    assert said.out.splitlines()[-2:] == ["0 deals open, 0 halted", "switches: all active"]
    (given,) = commands_of(world)
    assert given == (records.COMMAND_RESOLVE, records.RESOLVE_ACCEPT, deal_id, ME, "we keep them")
    world.check()


def test_a_resolved_deals_page_says_who_decided_and_what_became_of_it(tmp_path, capsys):
    """The engine's own records, through retry, a second end, and accept."""
    world = halted_world()
    deal_id = next(iter(world.loop.core.halted))
    assert asked(world, command="resolve", deal=deal_id, decision="retry", why="venue is back")["result"] == DONE
    world.step(1500)
    assert asked(world, command="resolve", deal=deal_id, decision="accept", why="we keep them")["result"] == DONE
    journal = record_into(tmp_path, list(world.journal.records()))
    assert main(["deal", str(journal), str(deal_id)]) == 0
    said = capsys.readouterr().out
    at = -1
    for word in ("ends halted", "ann decides retry: venue is back", "ends halted", "ann decides accept: we keep them"):
        at = said.index(word, at + 1)
    world.check()


# a whole engine


@pytest.fixture
def processes(tmp_path):
    started = Processes(tmp_path)
    yield started
    started.end()


def tandem(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "desk.cli", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_running_engine_is_halted_and_resumed_by_a_person(processes):
    journal = str(processes.journal)
    engine = processes.engine()
    order = seen(processes.journal, lambda record: record.kind == records.ORDER)
    until(order, 40, "an order")
    done = tandem("halt", journal, "all", "--why", "numbers at 14:30")
    assert done.returncode == 0, done.stderr
    commands = []
    keep = lambda record: record.kind == records.COMMAND and not commands.append(row_of(record))
    until(seen(processes.journal, keep), 10, "the halt in the journal")
    (halt,) = commands
    assert (halt.code, halt.choice, halt.scope) == (records.COMMAND_HALT, records.SCOPE_ALL, -1)
    assert (halt.who, halt.why) == (ME, "numbers at 14:30")
    assert tandem("halt", journal, "stratgy:x", "--why", "x").returncode == 2
    assert raw(processes.journal, b"not JSON\n")["result"] == WRONG
    assert tandem("resume", journal, "all", "--why", "they are out").returncode == 0
    entry = lambda record: record.kind == records.VERDICT and record.seq > halt.seq and record.data["cleared"]
    until(seen(processes.journal, entry), 40, "a decision cleared after the resume")
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0, processes.log("engine")
    assert not (processes.journal / "control").exists()
    assert replay(processes.journal).identical
    assert tandem("halt", journal, "all", "--why", "x").returncode == 2
