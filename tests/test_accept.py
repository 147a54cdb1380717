"""A desk's acceptance as a person starts it, on the simulated venues of the demo: processes, page, evidence."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from desk.accept_joint import Joint
from desk.accept_joint import run as run_joint
from desk.accept_seen import chain_of
from desk.check import check
from desk.stage import toml
from engine import records
from engine.segments import read
from engine.verify import verify

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent


def accept(config: Path, page: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "desk.cli", "accept", str(config), "--out", str(page), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


def measured(step: dict) -> str:
    """The verdict that the latency step must have: a bench refuses its figures on a machine that is too busy."""
    return "FAIL" if step["figures"]["refused"] else "pass"


def test_the_demo_is_accepted_and_its_evidence_lies_beside_the_page(tmp_path):
    page = tmp_path / "a folder" / "gold desk.html"
    config = ROOT / "configs" / "demo" / "generated" / "engine.toml"
    done = accept(config, page, "--seconds", "6", "--deals", "4", "--rounds", "1")
    found = json.loads(page.with_suffix(".json").read_text())
    assert done.stdout.strip() == str(page)
    steps = {one["name"]: one for one in found["steps"]}
    assert list(steps) == ["config", "joint", "kill", "storm", "latency"]
    latency = steps.pop("latency")
    assert {one["verdict"] for one in steps.values()} == {"pass"}, done.stderr
    assert latency["verdict"] == measured(latency)
    assert found["accepted"] == (latency["verdict"] == "pass") == (done.returncode == 0)
    assert all(one["seconds"] > 0 for one in found["steps"])
    assert len(done.stderr.strip().splitlines()) == len(found["steps"])
    journal = Path(steps["joint"]["figures"]["journal"])
    assert journal == page.with_suffix("") / "journal"
    assert verify(journal).problems == []
    assert steps["joint"]["figures"]["chain"] == chain_of(journal)
    codes = [int(record.data["code"]) for record in read(journal) if record.kind == records.COMMAND]
    assert codes == [records.COMMAND_KILL, records.COMMAND_STOP]
    assert steps["storm"]["figures"]["breaches"] == 0
    assert latency["figures"]["pair_us_p50"] > 0
    text = page.read_text()
    assert ("Accepted: every step passed." in text) == found["accepted"]
    assert "SIM_SHFE: asked " in text and str(journal) in text and chain_of(journal) in text


def test_venues_that_are_not_there_fail_by_name_and_the_journal_is_looked_at_all_the_same(tmp_path):
    """The demo's engine on two ports where nobody listens; its instruments and rules are included from afar."""
    config = check(ROOT / "configs" / "demo" / "generated" / "engine.toml").config
    dead = {"SIM_SHFE": {"md_url": "ws://127.0.0.1:9/md", "td_url": "ws://127.0.0.1:9/td"},
            "SIM_OTC": {"host": "127.0.0.1", "md_port": 9, "order_port": 9}}  # fmt: skip
    venues = [replace(venue, settings=venue.settings | dead[venue.id]) for venue in config.venues]
    path = tmp_path / "engine.toml"
    path.write_text(toml(msgspec.to_builtins(replace(config, venues=venues, include=[]))))
    work = tmp_path / "work"
    work.mkdir()
    joint, kill = asyncio.run(run_joint(Joint(path, check(path).config, [], 1.0, work)))
    assert joint.verdict == "FAIL"
    seen = {one.what: (one.passed, one.seen) for one in joint.checks}
    assert seen["every link came READY"][1].startswith("missing: SIM_SHFE market data, SIM_SHFE trading, SIM_OTC")
    assert seen["a snapshot of every account arrived"] == (False, "missing: cn, us")
    assert seen["the replay is identical"] == seen["the journal verifies"] == (True, "yes")
    assert seen["the engine ended flat"] == (True, "0")
    assert kill.verdict == "pass"
    assert "no order was alive at the word: nothing had to be cancelled" in kill.notes


def test_a_wrong_config_is_reported_whole_and_the_machine_is_measured_all_the_same(tmp_path):
    config = tmp_path / "wrong.toml"
    config.write_text('[engine]\nname = "wrong"\npoll = "buzy"\n')
    done = accept(config, tmp_path / "page.html", "--rounds", "1")
    found = json.loads((tmp_path / "page.json").read_text())
    assert done.returncode == found["exit_code"] == 1
    verdicts = [(one["name"], one["verdict"]) for one in found["steps"]]
    skipped = [(name, "skipped") for name in ("joint", "kill", "storm")]
    assert verdicts == [("config", "FAIL"), *skipped, ("latency", measured(found["steps"][-1]))]
    assert found["steps"][-1]["figures"]["pair_us_p50"] > 0
