"""The benches: each runs for a round, refuses wrong work, and says its figures where scripts look for them."""

import json

import pytest

from bench import figures, gate, journal, levels, path, quote, replay, rig
from bench.__main__ import BENCHES, main, run
from bench.figures import Refused, Row, Samples
from engine.clock import now_ns
from engine.records import COMMAND_HALT

pytestmark = pytest.mark.slow

FLAT = {
    "path": {"both_us_p50", "both_us_p99", "floor_us_p50"},
    "quote": {"idle_us_p50", "idle_us_p99"},
    "gate": {"controls", "pair_us_p50", "pair_us_p99"},
    "journal": {"record_ns_p50"},
    "levels": {"hard_level_ms_p50", "hard_level_ms_p99"},
    "replay": {"quotes_per_s"},
}


@pytest.mark.parametrize("bench", [path, quote, gate, journal, levels, replay], ids=lambda bench: bench.__name__)
def test_a_round_of_each_bench_gives_its_named_figures(bench):
    found = bench.measure(1)
    assert found.name == bench.__name__.removeprefix("bench.")
    assert FLAT[found.name] <= set(found.flat)
    assert all(value >= 0 for value in found.flat.values())
    assert all(row.ratio is None or row.ratio > 0 for row in found.rows)


def test_the_command_prints_a_table_and_writes_the_flat_figures(tmp_path, capsys):
    file = tmp_path / "folder" / "figures.json"
    assert main(["gate", "--rounds", "1", "--json", str(file)]) == 0
    said = capsys.readouterr().out
    assert "included:" in said and "excluded:" in said and "floor p50" in said
    written = json.loads(file.read_text())
    assert FLAT["gate"] <= set(written)
    assert written["details"]["gate"]["samples"] > 0
    assert written["refused"] == [] and written["machine"]["versions"]["python"]


def test_the_list_names_every_bench(capsys):
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(BENCHES)


@pytest.mark.parametrize("wrong", [["nonsense"], ["gate", "--rounds", "0"], ["gate", "--rounds", "many"]])
def test_a_wrong_command_is_refused_with_what_was_expected(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_a_figure_whose_work_was_wrong_is_refused_and_not_printed(monkeypatch):
    monkeypatch.setitem(BENCHES, "gate", (lambda rounds: figures.demand(False, "two orders, found one"), 1))
    results, refused = run(["gate"], 1)
    assert results == []
    assert refused == ["gate: the figure is refused: expected two orders, found one"]


def test_a_denied_decision_is_noticed(tmp_path):
    config, calendars = rig.tuned()
    with rig.engine(tmp_path, config, calendars) as loop:
        market = rig.Market()
        rig.connect(loop)
        for each in market.opening():
            rig.feed(loop, each)
        loop.on_command(COMMAND_HALT, 0, -1, "test", "nothing may be sent", now_ns())
        rig.feed(loop, market.move())
        assert rig.answer(loop) == 0
        with pytest.raises(Refused, match="found"):
            rig.check_end(loop, 1)


def test_percentiles_are_samples_and_medians_are_of_the_rounds():
    samples = Samples()
    for each in ([1, 2, 3], [10, 20, 30], [100, 200, 300]):
        samples.add(each)
    assert (samples.p50, samples.p99, samples.count) == (20, 300, 9)
    assert figures.percentile([5, 1, 3], 50) == 3
    assert figures.percentile([5], 99) == 5


def test_a_ratio_says_how_far_above_its_floor_a_figure_lies():
    assert Row("time", "us", 6.0, None, 2.0).ratio == 3.0
    assert Row("rate", "1/s", 5.0, None, 20.0, more_is_better=True).ratio == 4.0
    assert Row("count", "count", 5.0).ratio is None


def test_the_table_is_aligned():
    lines = figures.table([("gate", Row("both legs", "us", 0.5, 1.0, 0.25)), ("start", Row("ready", "s", 0.6))])
    head, first, second = lines.splitlines()
    assert len(head) == len(first) == len(second)
    assert first.split()[-4:] == ["0.5", "1", "0.25", "2"]
    assert second.split()[-3:] == ["-", "-", "-"]
