"""Limits reloaded into a running engine: as a whole or not at all, with a reason either way, and the same in replay."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import orjson
import pytest

from desk.assembly import config_hash, config_record, shown
from desk.check import check
from desk.control_requests import DONE, REFUSED, WRONG, answer
from desk.replay import replay
from desk.run import Refused, Setup, in_force, recover
from engine import records
from engine.journal import Journal, MemoryJournal
from tests.journal_deals import record_into
from tests.processes import ROOT, Processes, seen, until
from tests.world import CALENDARS, World, banded

pytestmark = pytest.mark.slow

DEMO = ROOT / "configs" / "demo" / "generated"
ENGINE = (DEMO / "engine.toml").read_text().replace('"contracts.toml"', f'"{DEMO}/contracts.toml"')
ENGINE = ENGINE.replace('"../../rules.toml"', f'"{ROOT}/configs/rules.toml"')
CN = '[[accounts]]\nid = "cn"\n'
NARROW = (CN, f"{CN}max_order_value = 1\n")


def written(folder: Path, *changes: tuple[str, str], name: str = "engine.toml") -> Path:
    """The demo's engine, with texts replaced."""
    text = ENGINE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / name
    path.write_text(text)
    return path


def world_of(path: Path) -> World:
    config = check(path).config
    assert config is not None
    return World(config)


@pytest.fixture
def world(tmp_path):
    return world_of(written(tmp_path))


def asked(world: World, path: Path, **request) -> dict:
    line = {"command": "reload", "path": str(path), "why": "a test"} | request
    return answer(world.loop, orjson.dumps(line), "ann", world.now_ns)


def told(world: World, code: str) -> list[dict]:
    return [row for row in world.of_kind(records.ALERT) if row["code"] == code]


# What is taken


def test_a_reload_is_one_input_with_its_version_its_reason_and_all_that_it_changes(world, tmp_path):
    said = asked(world, written(tmp_path, (CN, f"{CN}orders_a_day = 900\n"), ("capital = 1_150_000", "capital = 990")))
    assert said["result"] == DONE, said
    (body,) = world.of_kind(records.LIMITS)
    assert (body["version"], body["who"], body["why"]) == (1, "ann", "a test")
    assert body["changes"] == [
        {"key": "accounts[cn].orders_a_day", "old": 20000, "new": 900},
        {"key": "pools[main].capital", "old": 1150000.0, "new": 990.0},
    ]
    assert "accounts[cn].orders_a_day 20000 -> 900" in said["said"] and "limits of version 1" in said["said"]
    assert int(world.state.pool[0]["capital_micros"]) == 990_000_000
    assert list(world.state.meter[0]["limit"][:2]) == [900, 10_000]
    assert int(world.state.meter[0]["reserve"][0]) == 45  # 5 % of 900
    (alert,) = told(world, "limits_reloaded")
    assert alert["level"] == "info" and "pools[main].capital 1150000.0 -> 990.0" in alert["what"]
    world.check()


def test_every_verdict_names_the_version_of_its_limits(tmp_path):
    path = written(tmp_path, ("entry = 0.25", "entry = 0.25\ncenter = 6.0"))
    world = world_of(path)
    world.market(6.5)
    world.step(900)
    change = ("entry = 0.25", "entry = 0.25\ncenter = 6.0"), ("max_units = 3", "max_units = 2")
    assert asked(world, written(tmp_path, *change, name="other.toml"))["result"] == DONE
    world.market(6.5)
    world.step(900)
    versions = [int(row["limits_version"]) for row in world.of_kind(records.VERDICT)]
    assert versions[0] == 0 and versions[-1] == 1 and versions == sorted(versions)
    assert int(world.state.strategy[0]["max_units"]) == 2
    world.check()


def test_a_bucket_keeps_its_tokens_as_far_as_they_fit(world, tmp_path):
    row = world.state.account[0]
    row["tokens"] = 40_000_000
    assert asked(world, written(tmp_path, (CN, f"{CN}order_burst = 30\n")))["result"] == DONE
    assert (int(row["tokens"]), int(row["tokens_max"])) == (30_000_000, 30_000_000)
    assert asked(world, written(tmp_path, (CN, f"{CN}order_burst = 200\n")))["result"] == DONE
    assert (int(row["tokens"]), int(row["tokens_max"])) == (30_000_000, 200_000_000)
    assert int(world.state.head["limits_version"]) == 2
    status = answer(world.loop, b'{"command": "status"}', "ann", world.now_ns)
    assert status["said"] == "0 deals open, 0 halted; limits of version 2"


def test_a_reload_between_quotes_leaves_what_the_engine_remembers(world, tmp_path):
    world.market(6.0)
    world.step(500)
    before = world.state.snapshot()
    at = int(world.state.head["at_book"]), int(world.state.head["at_spread"])
    assert asked(world, written(tmp_path, NARROW))["result"] == DONE
    after = world.state.snapshot()
    assert after != before and after[at[0] : at[1]] == before[at[0] : at[1]]
    assert asked(world, written(tmp_path))["result"] == DONE
    restored = np.frombuffer(world.state.snapshot(), np.int64)
    differs = np.flatnonzero(restored != np.frombuffer(before, np.int64))
    assert len(differs) == 1, "the version alone"
    world.check()


def test_rules_of_an_exchange_may_be_added_and_taken_away(world, tmp_path):
    rule = '[[rules]]\nbook = "SHFE"\nproduct = "au"\nvalid_from = "2026-11-01"\nsource = "a notice"\norders = 800\n'
    said = asked(world, written(tmp_path, ("[engine]", f"{rule}\n[engine]")))
    assert said["result"] == DONE and "rules[SHFE au 2026-11-01] nothing -> " in said["said"]
    contract = world.loop.core.state.instrument[world.au]["contract"]
    assert int(world.state.meter[contract]["limit"][0]) == 800
    assert asked(world, written(tmp_path))["result"] == DONE
    assert int(world.state.meter[contract]["limit"][0]) == 2000
    world.check()


def test_a_told_band_outlives_a_reload(tmp_path):
    world = World(banded(check(written(tmp_path)).config))
    world.loop.on_band(world.au, 14_300, 17_300, world.now_ns)
    new = msgspec.structs.replace(world.config, pools=[msgspec.structs.replace(world.config.pools[0], capital=1e6)])
    body = {"version": 1, "who": "ann", "why": "x", "changes": [], "config": shown(new)}
    world.loop.on_limits(body, world.now_ns)
    assert int(world.state.instrument[world.au]["upper_limit_ticks"]) == 17_300
    world.check()


# What is refused

REFUSALS = [
    ("a bad file", ("capital = 1_150_000", "capital = -1"), "pools[0].capital = -1.0: expected more than 0"),
    ("no TOML at all", ("[engine]", "[engine"), "expected valid TOML"),
    ("what a strategy decides by", ("entry = 0.25", "entry = 0.5"),
     "strategies[gold_spread].entry 0.25 -> 0.5: this is"),
    ("the repair", ("max_tries = 3", "max_tries = 2"), "strategies[gold_spread].repair.max_tries 3 -> 2: this is"),
    ("another hedge", ("ratio = 3", "ratio = 3\nhedge_weight = 0.99"),
     "spreads[AU_GC].legs[SHFE.au2702].hedge_weight 1.0 -> 0.99: this is"),
    ("a venue's address", ("7601/md", "7609/md"), "venues[SIM_SHFE].settings"),
    ("the ring of executions", ("entry = 0.25", "entry = 0.25\nmax_executions = 5"), "is laid out at the start"),
    ("going live", ("entry = 0.25", 'entry = 0.25\nmode = "shadow"'), "goes live, or into the shadow, by a restart"),
    ("a strategy less", (ENGINE[ENGINE.rindex("[[strategies]]") :], ""), "strategies[gold_ratio]"),
    ("no change", ("max_tries = 3", "max_tries = 3"), "the file says what is in force already"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS])
def test_a_file_that_cannot_be_taken_changes_nothing_and_says_why(world, tmp_path, change, reason):
    good = (CN, f"{CN}orders_a_day = 900\n")
    changes = [change] if change[0] == change[1] else [change, good]
    state, seq = world.state.snapshot(), world.journal.next_seq
    said = asked(world, written(tmp_path, *changes))
    assert said["result"] == REFUSED and reason in said["said"], said["said"]
    assert said["said"].startswith("nothing is changed by ")
    assert (world.state.snapshot(), world.journal.next_seq) == (state, seq)


def test_every_reason_is_told_at_once(world, tmp_path):
    said = asked(world, written(tmp_path, ("entry = 0.25", "entry = 0.5"), ("max_tries = 3", "max_tries = 2")))
    assert len(said["said"].splitlines()) == 3


def test_a_dry_run_shows_the_changes_and_makes_none(world, tmp_path):
    state, seq = world.state.snapshot(), world.journal.next_seq
    said = asked(world, written(tmp_path, NARROW), dry=True, why="")
    assert said["result"] == DONE and 'accounts[cn].max_order_value "none" -> 1.0' in said["said"]
    assert (world.state.snapshot(), world.journal.next_seq) == (state, seq)


def test_a_reload_needs_a_reason_and_an_absolute_path(world, tmp_path):
    path = written(tmp_path, NARROW)
    assert asked(world, path, why=" ")["result"] == WRONG
    assert "absolute path" in asked(world, Path("engine.toml"))["said"]
    assert "a readable file" in asked(world, tmp_path / "none.toml")["said"]


def test_an_engine_that_stops_takes_no_limits(world, tmp_path):
    world.loop.on_command(records.COMMAND_STOP, 0, -1, "ann", "the end", world.now_ns)
    assert asked(world, written(tmp_path, NARROW)) == {"result": REFUSED, "said": "the engine is stopping"}


def test_the_journal_holds_no_secret_of_a_reloaded_file(world, tmp_path):
    asked(world, written(tmp_path, NARROW))
    (body,) = world.of_kind(records.LIMITS)
    assert body["config"]["venues"][0]["settings"]["password"] == "***"


# A restart after a reload


class Restart:
    """The journal of a world on disk, and what a start with one file or another makes of it."""

    def __init__(self, folder: Path, world: World):
        self.folder, self.journal = folder, record_into(folder, list(world.journal.records()))

    def loop(self, path: Path):
        config = check(path).config
        setup = Setup(path, config, CALENDARS, self.journal, 0, "a test")
        record = config_record(config, CALENDARS, 1_794_964_000 * 10**9, "a scenario")
        with Journal(self.journal, self.folder / "live", 1 << 20) as journal:
            loop = recover(setup, record, journal)
        return loop, in_force(record, loop)


def test_a_restart_with_the_file_of_the_first_start_keeps_the_reloaded_limits(world, tmp_path):
    asked(world, written(tmp_path, NARROW, name="narrow.toml"))
    loop, record = Restart(tmp_path, world).loop(written(tmp_path))
    assert int(loop.core.state.account[0]["max_order_micros"]) == 1_000_000
    assert int(loop.core.state.head["limits_version"]) == 1
    assert record["config"]["accounts"][0]["max_order_value"] == 1.0, "CONFIG of the new start says what holds"


def test_a_restart_with_the_file_that_was_reloaded_last_is_as_good(world, tmp_path):
    asked(world, written(tmp_path, (CN, f"{CN}max_order_value = 2\n"), name="first.toml"))
    last = written(tmp_path, NARROW, name="last.toml")
    asked(world, last)
    restart = Restart(tmp_path, world)
    loop, record = restart.loop(last)
    assert int(loop.core.state.account[0]["max_order_micros"]) == 1_000_000
    assert config_hash(record) == config_hash(restart.loop(written(tmp_path))[1])


def test_a_restart_with_any_other_file_is_refused_and_says_what_to_give(world, tmp_path):
    first = written(tmp_path, (CN, f"{CN}max_order_value = 2\n"), name="first.toml")
    asked(world, first)
    asked(world, written(tmp_path, NARROW, name="last.toml"))
    with pytest.raises(Refused, match="limits of version 2, reloaded by ann"):
        Restart(tmp_path, world).loop(first)


def test_a_reload_after_a_restart_counts_on(world, tmp_path):
    asked(world, written(tmp_path, NARROW))
    world.start(2)
    assert asked(world, written(tmp_path))["result"] == DONE
    assert [body["version"] for body in world.of_kind(records.LIMITS)] == [1, 2]
    world.check()


def tandem(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "desk.cli", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def processes(tmp_path):
    started = Processes(tmp_path)
    yield started
    started.end()


@pytest.mark.slow
def test_a_reload_of_a_running_engine_outlives_its_kill(processes):
    journal, path = str(processes.journal), processes.plan.engine
    engine = processes.engine()
    until(seen(processes.journal, lambda record: record.kind == records.ORDER), 40, "an order")
    text = path.read_text()
    assert "capital = 1150000.0" in text
    other = path.with_name("other.toml")
    other.write_text(text.replace("capital = 1150000.0", "capital = 1150001.0"))
    dry = tandem("reload", journal, str(other), "--dry")
    assert dry.returncode == 0 and "pools[main].capital 1150000.0 -> 1150001.0" in dry.stdout, dry.stderr
    done = tandem("reload", journal, str(other), "--why", "more room")
    assert done.returncode == 0 and "limits of version 1 are in force" in done.stdout, done.stderr
    again = tandem("reload", journal, str(other), "--why", "more room")
    assert again.returncode == 1 and "in force already" in again.stderr
    verdict = lambda record: record.kind == records.VERDICT and int(record.data["limits_version"]) == 1
    until(seen(processes.journal, verdict), 40, "a verdict under the new limits")
    engine.kill()
    engine.wait()
    engine = processes.engine()
    until(seen(processes.journal, lambda record: record.kind == records.START, 2), 40, "the second start")
    until(seen(processes.journal, verdict, 2), 40, "a verdict of the second start")
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0, processes.log("engine")
    assert replay(processes.journal).identical


def test_a_fresh_journal_begins_at_version_0(tmp_path):
    world = World()
    assert int(world.state.head["limits_version"]) == 0 and isinstance(world.journal, MemoryJournal)
