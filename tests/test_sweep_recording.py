"""A sweep over a recording: what the config's venues play of it, and what is said where it is not whole."""

import gzip
import re
import shutil
from pathlib import Path

import pytest

from desk.cli import main
from tests.world import ROOT

GOLD = ROOT / "configs" / "demo" / "gold_2019"
MINUTES = 240


@pytest.fixture
def stage(tmp_path) -> tuple[Path, Path]:
    """(config, recording): four hours of an autumn morning in the recording's form, the spread swinging slowly."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    folder = tmp_path / "configs" / "demo" / "gold_2019"
    for path in folder.glob("SIM_*.toml"):
        path.write_text(re.sub(r"start_s = [\d_]+", "start_s = 0", path.read_text()))
    data = tmp_path / "gold_2019"
    data.mkdir()
    stamps = [f"2019-06-20T{1 + minute // 60:02d}:{minute % 60:02d}:00Z" for minute in range(MINUTES)]
    swing = [abs(minute % 40 - 20) / 10 for minute in range(MINUTES)]  # CNY a gram, 0 to 2
    au = [f"{stamp},{311.5 + away:.2f}" for stamp, away in zip(stamps, swing, strict=True)]
    (data / "SHFE.au1912_1m.csv.gz").write_bytes(gzip.compress("\n".join(["bar_start_utc,close", *au]).encode()))
    xau = [f"{stamp},1380.00" for stamp in stamps]
    (data / "XAUUSD_1m.csv.gz").write_bytes(gzip.compress("\n".join(["bar_start_utc,close", *xau]).encode()))
    (data / "USDCNY_daily.csv").write_text("date,Close\n2019-06-18,6.9000\n2019-06-19,6.9000\n")
    return folder / "engine.toml", data


def sweep(stage: tuple[Path, Path], out: Path) -> int:
    config, data = stage
    return main(["sweep", str(config), "--strategy", "gold_spread", "--data", str(data), "--out", str(out), "--grid",
                 "strategy.entry=0.3,9", "--jobs", "1"])  # fmt: skip


def test_a_recording_is_played_as_the_configs_venues_play_it(stage, tmp_path, capsys):
    assert sweep(stage, tmp_path / "out") == 0
    rows = (tmp_path / "out" / "results.csv").read_text().splitlines()[1:]
    decisions = [int(row.split(",")[1]) for row in rows]
    assert decisions[0] > 4 and decisions[1] == 0
    assert f"gold_2019: {2 * MINUTES + 2:,} quotes" in capsys.readouterr().out


def test_a_recording_cut_in_half_is_told_with_its_file(stage, tmp_path, capsys):
    path = stage[1] / "SHFE.au1912_1m.csv.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert sweep(stage, tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert path.name in said and "whole CSV file" in said and said.count("\n") == 1


def test_a_recording_without_one_of_its_files_is_told(stage, tmp_path, capsys):
    (stage[1] / "XAUUSD_1m.csv.gz").unlink()
    assert sweep(stage, tmp_path / "out") == 2
    assert "XAUUSD_1m.csv.gz" in capsys.readouterr().err


def test_a_config_whose_venues_play_something_else_is_told(stage, tmp_path, capsys):
    other = stage[1].rename(tmp_path / "btc_2024")
    assert sweep((stage[0], other), tmp_path / "out") == 2
    assert "expected gold_2019" in capsys.readouterr().err
