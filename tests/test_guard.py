"""The guard's comparison: what regressed, what got better, what is missing, and another machine's baseline."""

import msgspec
import pytest

from bench import guard
from bench.__main__ import BENCHES
from bench.figures import Result, Row, demand
from bench.guard import FINE, IMPROVED, MISSING, NEW, REGRESSED, Baseline, Figure

HERE = {"cpu": "A", "architecture": "x86_64", "cores": 2, "governor": "unknown", "virtual": "yes", "system": "Linux 6",
        "load_1m": 0.1, "versions": {"python": "3.11.7"}}  # fmt: skip
FIGURES = {"gate: pair": Figure(3.0, 0.2), "quote: no order": Figure(2.0, 0.5)}
BOTH = ["gate", "quote"]


def words(found: dict[str, float]) -> dict[str, str]:
    return {one.name: one.word for one in guard.compare(FIGURES, found)}


def result(ratio: float) -> Result:
    rows = [Row("pair", "us", 2.0 * ratio, None, 2.0), Row("controls", "count", 28)]
    texts = {name: "" for name in ("measures", "includes", "excludes", "floor")}
    return Result(name="gate", **texts, rounds=1, samples=1, rows=rows, flat={})


def test_within_its_band_a_figure_may_move_either_way():
    assert set(words({"gate: pair": 3.59, "quote: no order": 1.34}).values()) == {FINE}


def test_each_figure_is_judged_by_its_own_band():
    assert words({"gate: pair": 3.7, "quote: no order": 2.9}) == {"gate: pair": REGRESSED, "quote: no order": FINE}


def test_what_got_better_beyond_its_band_is_told():
    assert words({"gate: pair": 2.4, "quote: no order": 2.0})["gate: pair"] == IMPROVED


def test_a_figure_that_is_not_there_any_more_is_as_bad_as_one_that_regressed():
    baseline = Baseline("2026-11-26", HERE, FIGURES)
    verdicts, code = guard.judge(baseline, HERE, {"gate: pair": 3.0}, BOTH)
    assert (verdicts[1].word, code) == (MISSING, 1)


def test_a_new_figure_is_told_and_harms_nothing():
    verdicts, code = guard.judge(Baseline("", HERE, FIGURES), HERE, {"gate: pair": 3.0, "quote: no order": 2.0,
                                                                      "wire: both": 1.1}, BOTH)  # fmt: skip
    assert (verdicts[-1].word, verdicts[-1].was, code) == (NEW, None, 0)


def test_benches_that_were_not_asked_for_are_not_missed():
    _, code = guard.judge(Baseline("", HERE, FIGURES), HERE, {"gate: pair": 3.0}, ["gate"])
    assert code == 0


@pytest.mark.parametrize(("found", "code"), [({"gate: pair": 9.0}, 1), ({"gate: pair": 3.0}, 0)])
def test_a_regression_is_the_exit_code_on_the_baselines_machine_alone(found, code):
    baseline = Baseline("", HERE, {"gate: pair": FIGURES["gate: pair"]})
    elsewhere = HERE | {"cpu": "B"}
    assert guard.judge(baseline, HERE, found, BOTH)[1] == code
    assert guard.judge(baseline, elsewhere, found, BOTH)[1] == 0
    assert guard.judge(baseline, HERE | {"load_1m": 9.0}, found, BOTH)[1] == code


def test_only_rows_with_a_floor_are_figures():
    assert guard.ratios([result(3.5)]) == {"gate: pair": 3.5}


def test_the_band_of_a_new_baseline_is_what_its_repeats_showed_and_never_too_narrow():
    found = guard.stated([{"a": 1.0, "b": 2.0}, {"a": 1.2, "b": 2.0}, {"a": 1.1, "b": 2.0, "c": 1.0}])
    assert found == {"a": Figure(1.1, 0.4), "b": Figure(2.0, guard.LEAST_BAND)}


def test_a_baseline_is_written_and_then_holds(tmp_path, monkeypatch, capsys):
    now = [3.0]
    monkeypatch.setitem(BENCHES, "gate", (lambda rounds: result(now[0]), 1))
    file = ["gate", "--baseline", str(tmp_path / "baseline.json")]
    assert guard.main([*file, "--update"]) == 0
    assert guard.main(file) == 0
    now[0] = 3.6
    assert guard.main(file) == 1
    assert "gate: pair  REGRESSED" in capsys.readouterr().out


def test_an_update_of_one_bench_keeps_the_others_of_this_machine(tmp_path, monkeypatch):
    path = tmp_path / "baseline.json"
    monkeypatch.setitem(BENCHES, "gate", (lambda rounds: result(3.5), 1))
    for facts, names in ((guard.machine(), {"gate: pair", "quote: no order"}), (HERE, {"gate: pair"})):
        path.write_bytes(msgspec.json.encode(Baseline("", facts, FIGURES)))
        assert guard.main(["gate", "--baseline", str(path), "--update"]) == 0
        written = guard.read_baseline(path)
        assert set(written.figures) == names and written.figures["gate: pair"].ratio == 3.5


def test_a_baseline_that_would_see_little_says_so(tmp_path, monkeypatch, capsys):
    ratios = iter((2.0, 3.0, 4.0))
    monkeypatch.setitem(BENCHES, "gate", (lambda rounds: result(next(ratios)), 1))
    assert guard.main(["gate", "--baseline", str(tmp_path / "baseline.json"), "--update"]) == 0
    assert "gate: pair: its repeats lie so far apart" in capsys.readouterr().out


def test_a_refused_bench_writes_no_baseline_and_is_missing_from_a_comparison(tmp_path, monkeypatch, capsys):
    path = tmp_path / "baseline.json"
    path.write_bytes(msgspec.json.encode(Baseline("", guard.machine(), {"gate: pair": FIGURES["gate: pair"]})))
    before = path.read_bytes()
    monkeypatch.setitem(BENCHES, "gate", (lambda rounds: demand(False, "two orders"), 1))
    assert guard.main(["gate", "--baseline", str(path), "--update"]) == 1 and path.read_bytes() == before
    assert guard.main(["gate", "--baseline", str(path)]) == 1
    assert "two orders" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{}", "not JSON"])
def test_without_a_baseline_there_is_no_verdict(tmp_path, capsys, content):
    path = tmp_path / "baseline.json"
    if content is not None:
        path.write_text(content)
    assert guard.main(["gate", "--baseline", str(path)]) == 2
    assert "--update" in capsys.readouterr().err
