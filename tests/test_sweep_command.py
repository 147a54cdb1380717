"""`tandem sweep` as a person meets it: the same files however it is run, and a word on whatever is wrong."""

import json
import re
import shutil
from pathlib import Path

import pytest

from desk.cli import main
from desk.sweep_grid import FIELDS
from desk.sweep_table import added
from engine import records
from tests.sweep_world import LATENCY_MS, VENUES_FOLDER, demo_config, rich, saw, written
from tests.world import ROOT, World

CONFIG = str(VENUES_FOLDER / "engine.toml")
GRID = ["--grid", "strategy.entry=0.1:0.5:0.1", "--grid", "strategy.exit=0,0.05"]
FILES = ("results.json", "results.csv", "results.svg")


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    world = saw(World(rich(demo_config(center=None, min_samples=8, entry=0.2)), latency_ms=LATENCY_MS), 120)
    return written(world, tmp_path_factory.mktemp("day"))


def sweep(data: Path, out: Path, *words: str) -> int:
    return main(["sweep", CONFIG, "--strategy", "gold_spread", "--data", str(data), "--out", str(out), *words])


def contents(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in FILES]


def test_one_process_and_two_write_the_same_bytes(recording, tmp_path):
    assert sweep(recording, tmp_path / "one", *GRID, "--jobs", "1") == 0
    assert sweep(recording, tmp_path / "two", *GRID, "--jobs", "2") == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.slow
def test_a_dask_scheduler_with_two_workers_writes_the_same_bytes(recording, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the optional extra `sweep` is not installed")
    assert sweep(recording, tmp_path / "here", *GRID, "--jobs", "1") == 0
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        assert sweep(recording, tmp_path / "there", *GRID, "--dask", cluster.scheduler_address) == 0
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_the_table_shows_the_best_first_and_the_files_have_the_grids_order(recording, tmp_path, capsys):
    assert sweep(recording, tmp_path, *GRID, "--jobs", "1") == 0
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines() if re.match(r" *0\.\d +0", line)]
    earned = [float(line[6].replace(",", "")) for line in lines]
    assert len(earned) == 10 and earned == sorted(earned, reverse=True) and earned[0] > 0
    found = json.loads((tmp_path / "results.json").read_text())
    points = [(one["parameters"]["entry"], one["parameters"]["exit"]) for one in found["sets"]]
    assert points == [(entry, leave) for entry in (0.1, 0.2, 0.3, 0.4, 0.5) for leave in (0.0, 0.05)]
    assert all(one["deals"] == one["decisions"] for one in found["sets"])
    assert "the gate is not asked" in said and found["not_simulated"]
    assert (tmp_path / "results.svg").read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg"')


def test_decisions_that_the_gate_denied_are_told(tmp_path, capsys):
    world = World(demo_config(), latency_ms=LATENCY_MS)
    world.loop.on_command(records.COMMAND_HALT, 0, -1, "a person", "to be denied", world.now_ns)
    saw(world, 40)
    denied = sum(not row["cleared"] for row in world.of_kind(records.VERDICT))
    assert denied > 0
    assert sweep(written(world, tmp_path), tmp_path / "out", "--grid", "strategy.center=6.0", "--jobs", "1") == 0
    assert f"{denied:,} decisions were Denied" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--grid", "strategy.entri=1:2:1"], "(nearest: strategy.entry)"),
        (["--grid", "strategy.entry=0.9:0.3:0.1"], "the range is empty: expected TO of 0.9 or more"),
        (["--grid", "strategy.entry=0.3:0.9:0"], "expected a step above 0"),
        (["--grid", "strategy.entry="], "expected numbers, got nothing"),
        (["--grid", "strategy.entry=0.3:0.9"], "expected strategy.NAME=FROM:TO:STEP"),
        (["--grid", "entry=1"], "expected strategy.NAME=FROM:TO:STEP"),
        (["--grid", "strategy.max_units=1.5"], "expected whole numbers"),
        (["--grid", "strategy.entry=0.01"], "expected more than exit, 0.05"),
        (["--grid", "strategy.max_units=-1"], "expected more than 0"),
        (["--grid", "strategy.entry=1", "--grid", "strategy.entry=2"], "expected each parameter once"),
        (["--grid", "strategy.entry=0:1:0.000001"], "take a larger step"),
        (["--grid", "strategy.entry=1", "--latency-ms", "SIM_SHFF=2"], "(nearest: SIM_SHFE)"),
        (["--grid", "strategy.entry=1", "--latency-ms", "fast"], "expected milliseconds"),
        (["--grid", "strategy.entry=1", "--strategy", "gold_sprad"], "(nearest: gold_spread)"),
    ],
)  # fmt: skip
def test_a_grid_that_is_none_is_told_with_what_was_expected(words, expected, recording, tmp_path, capsys):
    assert sweep(recording, tmp_path / "out", *words) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_journal_cut_in_half_is_told_with_where_and_what_was_expected(recording, tmp_path, capsys):
    cut = tmp_path / "journal"
    shutil.copytree(recording, cut)
    (segment,) = cut.glob("*.segment")
    segment.write_bytes(segment.read_bytes()[: segment.stat().st_size // 2])
    assert sweep(cut, tmp_path / "out", "--grid", "strategy.entry=0.3") == 2
    said = capsys.readouterr().err
    assert segment.name in said and "cut: expected" in said


def test_a_journal_with_a_bit_that_is_another_is_not_played(recording, tmp_path, capsys):
    bad = tmp_path / "journal"
    shutil.copytree(recording, bad)
    (segment,) = bad.glob("*.segment")
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    assert sweep(bad, tmp_path / "out", "--grid", "strategy.entry=0.3") == 2
    assert "expected a whole journal" in capsys.readouterr().err


def test_where_the_results_cannot_go_is_told_before_any_work(recording, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert sweep(recording, tmp_path / "file", "--grid", "strategy.entry=0.3") == 2
    assert "expected a folder that can be written" in capsys.readouterr().err


def test_the_picture_of_another_grid_does_not_stay(recording, tmp_path):
    assert sweep(recording, tmp_path, *GRID, "--jobs", "1") == 0
    assert sweep(recording, tmp_path, "--grid", "strategy.entry=0.3", "--jobs", "1") == 0
    assert not (tmp_path / "results.svg").exists()


@pytest.mark.parametrize("value", ["1_0", "０.４", "0x1", "1e", "nan"])
def test_only_plain_numbers_make_a_grid(recording, tmp_path, capsys, value):
    assert sweep(recording, tmp_path, "--grid", f"strategy.entry={value}") == 2
    assert "expected numbers" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["nothing", "an empty folder"])
def test_data_that_is_no_recording_is_told(what, tmp_path, capsys):
    data = tmp_path / "data"
    if what == "an empty folder":
        data.mkdir()
    assert sweep(data, tmp_path / "out", "--grid", "strategy.entry=0.3") == 2
    assert "expected" in capsys.readouterr().err


def test_a_scheduler_that_is_not_there_is_told(recording, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed", reason="the optional extra `sweep` is not installed")
    monkeypatch.setattr("desk.sweep_work.CONNECT_S", 0.2)
    assert sweep(recording, tmp_path / "out", "--grid", "strategy.entry=0.3", "--dask", "tcp://127.0.0.1:1") == 2
    assert "expected a Dask scheduler" in capsys.readouterr().err


def test_the_page_names_every_parameter_that_can_be_swept():
    page = (ROOT / "docs" / "sweep.md").read_text(encoding="utf-8")
    listed = page.split("The parameters:\n", 1)[1].split("Each set", 1)[0]
    assert re.findall(r"`(\w+)`", listed) == list(FIELDS)


def day(pnl: int, peak: int, low: int, fall: int) -> dict:
    counts = dict.fromkeys(
        ("decisions", "complete", "finished", "unwound", "not_done", "open", "fills", "lots_traded", "trips", "hits"), 1
    )
    return counts | {"pnl_micros": pnl, "peak_micros": peak, "low_micros": low, "drawdown_micros": fall,
                     "fees_micros": 1}  # fmt: skip


def test_a_fall_that_goes_over_midnight_is_one_drawdown():
    total = added([day(50, 100, 0, 50), day(-40, 10, -60, 70)])
    assert (total["pnl_micros"], total["drawdown_micros"], total["fills"]) == (10, 110, 2)


def test_a_day_whose_profit_is_not_known_makes_the_sum_unknown():
    unknown = day(0, 0, 0, 0) | {"pnl_micros": None}
    assert added([day(50, 100, 0, 50), unknown])["pnl_micros"] is None
