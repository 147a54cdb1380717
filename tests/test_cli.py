"""The command line: help that teaches, exit codes that tell, errors in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from desk.cli import main
from desk.resolutions import MEANINGS

ROOT = Path(__file__).parent.parent
COMMANDS = ("demo", "run", "check", "venue", "watch", "replay", "report", "deals", "deal", "alerts", "verify",
            "status", "halt", "reduce", "resume", "reload", "resolve", "storm", "why", "why-not", "quotas",
            "sweep")  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "usage: tandem " + command in capsys.readouterr().out


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {command}" in said for command in COMMANDS)


@pytest.mark.parametrize(
    ("command", "words"),
    [(command, []) for command in ("replay", "report", "alerts", "verify", "watch", "quotas")]
    + [("why", ["1"]), ("why-not", ["au-gc", "--at", "01:20:00"])],
)
def test_a_journal_that_is_not_there_is_one_line_and_exit_code_2(command, words, tmp_path, capsys):
    assert main([command, str(tmp_path / "nowhere"), *words]) == 2
    said = capsys.readouterr().err
    assert "expected the folder of a journal" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("decision", ["retry", "accept", "by-hand"])
def test_help_of_resolve_teaches_each_decision(decision, capsys):
    with pytest.raises(SystemExit):
        main(["resolve", "--help"])
    said = capsys.readouterr().out
    assert f"--{decision:<8} {MEANINGS[decision]}" in said
    assert f"\n  {decision:<8}  " in said


@pytest.mark.parametrize(
    "words",
    [
        ["resolve", "j", "3", "--why", "x"], ["resolve", "j", "3", "--retry", "--accept", "--why", "x"],
        ["resolve", "j", "3", "--retry"], ["halt", "j", "all"], ["halt", "j", "--why", "x"],
    ],
)  # fmt: skip
def test_a_command_without_its_decision_scope_or_reason_is_not_sent(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "required" in (said := capsys.readouterr().err) or "not allowed" in said


def test_an_empty_folder_is_no_journal(tmp_path, capsys):
    assert main(["replay", str(tmp_path)]) == 2
    assert "START" in capsys.readouterr().err


def test_check_says_no_problem_of_the_configs_that_come_with_it(capsys):
    for path in ("gold.toml", "copper.toml", "btc.toml", "demo/generated/engine.toml"):
        assert main(["check", str(ROOT / "configs" / path)]) == 0
        assert capsys.readouterr().out.rstrip().endswith("no problem")


def test_run_refuses_a_config_with_problems_and_says_all_of_them(tmp_path, capsys):
    path = tmp_path / "wrong.toml"
    path.write_text('[engine]\nnam = "x"\ntimer_ms = "fast"\n')
    assert main(["run", str(path)]) == 2
    said = capsys.readouterr().err
    assert "engine.nam" in said
    assert "nearest: name" in said
    assert "engine.timer_ms" in said


def test_demo_refuses_data_that_is_not_there(tmp_path, capsys):
    assert main(["demo", "--headless", "--out", str(tmp_path), "--data", str(tmp_path / "none")]) == 2
    assert "expected a folder with a recording" in capsys.readouterr().err


def test_a_venue_with_a_wrong_file_says_what_is_wrong(tmp_path, capsys):
    path = tmp_path / "venue.toml"
    path.write_text('[sim]\nid = "X"\nprotocol = "fox"\n')
    assert main(["venue", str(path)]) == 2
    assert "sim.protocol" in capsys.readouterr().out


def test_the_program_starts_from_any_folder(tmp_path):
    ran = subprocess.run([sys.executable, "-m", "desk.cli", "--help"], cwd=tmp_path, capture_output=True, check=False)
    assert ran.returncode == 0
