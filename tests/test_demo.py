"""The demo, as a person starts it: processes, sockets, faults, an orderly end, and results that hold together."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from desk.alerts import alerts_in
from desk.summary import DEFINITIONS
from engine import records
from engine.segments import columns, read
from engine.verify import verify

ROOT = Path(__file__).parent.parent


def demo(out: Path, *arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "desk.cli", "demo", "--headless", "--out", str(out), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One default run, in a folder with a space in its name, and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "a folder"
    return out, demo(out)


@pytest.mark.slow
def test_the_demo_ends_flat_with_everything_to_be_shown(whole):
    out, ran = whole
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.rstrip().splitlines()[-1].startswith("flat")
    figures = orjson.loads((out / "summary.json").read_bytes())
    assert set(figures) == set(DEFINITIONS)
    assert figures["decisions"] == figures["cleared"] + figures["denied"]
    ends = ("complete", "unwound", "partial_balanced", "halted", "not_done", "open")
    assert figures["deals"] == sum(figures[end] for end in ends)
    assert figures["replay_identical"] is True
    assert figures["exposure_at_end"] == 0.0
    for key in ("complete", "unwound", "denied", "alerts", "orders_in_doubt", "bad_inputs", "quotes"):
        assert figures[key] >= 1, key
    assert "seed" in figures["input"]


@pytest.mark.slow
def test_a_part_filled_leg_was_rehedged_and_its_deal_completed(whole):
    out, _ = whole
    repaired = {int(row["deal_id"]) for row in columns(out / "journal", records.REPAIR)["data"]
                if row["purpose"] == records.REHEDGE}  # fmt: skip
    ends = {int(row["deal_id"]): int(row["outcome"]) for row in columns(out / "journal", records.DEAL)["data"]}
    assert records.COMPLETE in {ends[deal] for deal in repaired}


@pytest.mark.slow
def test_the_report_stands_alone(whole):
    out, _ = whole
    page = (out / "report.html").read_text()
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "@import" not in page
    assert "url(" not in page
    for words in ("AU_GC", "点差", "对价", "gold_spread", "SHFE.au2702"):
        assert words in page


@pytest.mark.slow
def test_the_journal_is_whole_and_every_order_has_a_verdict_before_it(whole):
    out, _ = whole
    seen = verify(out / "journal")
    assert (seen.problems, seen.ended) == ([], "closed")
    cleared, sent = set(), {}
    for record in read(out / "journal"):
        if record.kind == records.VERDICT and record.data["cleared"]:
            cleared.add(int(record.data["decision_id"]))
        elif record.kind == records.ORDER:
            assert int(record.data["decision_id"]) in cleared
            sent[int(record.data["order_no"])] = record.seq
        elif record.kind == records.SENT and record.data["kind"] == records.ORDER:
            assert sent[int(record.data["order_no"])] < record.seq  # journal before the wire


@pytest.mark.slow
def test_secrets_stay_out_of_the_journal(whole):
    out, _ = whole
    config = next(record.data for record in read(out / "journal") if record.kind == records.CONFIG)
    assert config["config"]["venues"][0]["settings"]["password"] == "***"


@pytest.mark.slow
def test_alerts_are_listed_worst_things_with_what_to_do(whole):
    out, _ = whole
    found = list(alerts_in(out / "journal", "warn"))
    assert {"rejected", "in_doubt", "bad_input"} <= {alert["code"] for alert in found}
    assert all(alert["do"] for alert in found)


@pytest.mark.slow
def test_a_second_run_in_the_same_folder_and_an_early_end_leave_whole_results(whole):
    out, _ = whole
    command = [sys.executable, "-m", "desk.cli", "demo", "--headless", "--out", str(out), "--seconds", "60"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    line = process.stdout.readline()
    assert line.startswith("plays ")
    try:
        process.wait(12)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
    said = process.stdout.read()
    assert process.wait(60) == 0, said
    process.stdout.close()
    assert said.rstrip().splitlines()[-1].startswith("flat")
    assert orjson.loads((out / "summary.json").read_bytes())["replay_identical"] is True
