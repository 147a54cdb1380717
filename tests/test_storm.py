"""The storm as a user starts it: the same seed gives the same journals, the JSON's keys, configs, exit codes."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.storm.__main__ import main
from bench.storm.campaign import CONFIG, as_json, storm
from engine.records import RUNGS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
KEYS = {"deals", "breaches", "naked_at_end", "journal_hash", "outcomes", "by_fault", "by_rung"}
CI_DEALS = 5_000


def tandem(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "desk.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_journals_whatever_the_number_of_processes():
    one, two, other = (storm(CONFIG, 120, seed, jobs) for seed, jobs in ((5, 1), (5, 2), (6, 1)))
    assert one.journal_hash == two.journal_hash != other.journal_hash
    assert as_json(one)["by_fault"] == as_json(two)["by_fault"]


def test_the_figures_are_written_as_json(tmp_path, capsys):
    file = tmp_path / "out" / "storm.json"
    assert main(["--deals", "12", "--seed", "3", "--jobs", "1", "--json", str(file)]) == 0
    found = msgspec.json.decode(file.read_bytes())
    assert found.keys() >= KEYS
    assert found["deals"] >= 12
    assert (found["breaches"], found["naked_at_end"]) == (0, 0)
    assert sum(found["outcomes"].values()) >= found["deals"]
    assert found["journal_hash"] in capsys.readouterr().out


@pytest.mark.parametrize("name", ["gold", "copper", "btc"])
def test_a_desks_own_config_is_stormed(name):
    """Three venues, inverse contracts, a ledger hedge, guards of a minute: as they are."""
    result = storm(ROOT / "configs" / f"{name}.toml", 80, 1, 1)
    assert (result.breaches, result.naked_at_end) == ([], 0)
    assert result.deals >= 80
    assert result.tally.outcomes["complete"] > result.deals // 4


def test_a_bad_config_is_exit_code_2_with_the_reason(tmp_path):
    config = tmp_path / "bad.toml"
    config.write_text('[engine]\nname = "bad"\n')
    ended = tandem("storm", str(config), "--deals", "5")
    assert ended.returncode == 2
    assert "expected at least one spread" in ended.stderr


@pytest.mark.parametrize("wrong", [["--deals", "0"], ["--seed", "x"], ["--nonsense"]])
def test_arguments_that_are_not_understood_are_exit_code_2(wrong):
    ended = tandem("storm", *wrong)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: tandem storm")


@pytest.mark.slow
def test_tandem_storm_hands_arguments_and_exit_code_through(tmp_path):
    file = tmp_path / "storm.json"
    ended = tandem("storm", str(ROOT / "configs" / "btc.toml"), "--deals=8", "--seed=2", "--jobs=1", f"--json={file}")
    assert ended.returncode == 0, ended.stderr
    found = msgspec.json.decode(file.read_bytes())
    assert (found["seed"], Path(found["config"]).name) == (2, "btc.toml")


@pytest.mark.slow
def test_a_storm_of_5000_deals_has_no_breach_and_plays_every_row_and_every_rung():
    result = storm(CONFIG, CI_DEALS, 1, 2)
    assert result.breaches == []
    assert (result.breach_count, result.naked_at_end) == (0, 0)
    assert result.deals >= CI_DEALS
    assert result.rows.keys() == {f"F{row}" for row in range(1, 27)}
    assert all(result.tally.rungs.get(rung) for rung in RUNGS)
