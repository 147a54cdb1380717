"""The demo on recordings: it trades, ends flat, replays identically, and says what it assumes."""

import os
from pathlib import Path

import orjson
import pytest

from desk.demo import DemoError, Wish, run

DATA = Path(os.environ.get("TANDEM_DATA", Path(__file__).parents[2] / "shared" / "data"))


def recorded(name: str, *more):
    """A case that is run only where the recording is."""
    absent = pytest.mark.skipif(not (DATA / name).is_dir(), reason=f"no recording {name} in {DATA} (set TANDEM_DATA)")
    return pytest.param(name, *more, marks=absent, id=name)


def wish(out: Path, data: Path, seconds: float = 25.0) -> Wish:
    return Wish(out=out, data=data, seconds=seconds, speed=None, seed=None, headless=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "told"),
    [
        recorded("gold_2019", ["2019-06-20T01:01:00+00:00", "assumed width 30 ticks", "speed 90"]),
        recorded("btc_2024", ["2024-08-08T23:57:40+00:00", "trading is free", "at least 1.27 s (a bound)"]),
    ],
)
def test_a_recording_is_traded_flat_and_replays(tmp_path, capsys, name, told):
    out = tmp_path / "a folder with blanks"
    assert run(wish(out, DATA / name)) == 0
    figures = orjson.loads((out / "summary.json").read_bytes())
    report, said = (out / "report.html").read_text(), capsys.readouterr().out
    assert figures["replay_identical"] and figures["exposure_at_end"] == 0.0
    assert figures["complete"] > 0 and figures["open"] == figures["halted"] == figures["orders_unsettled"] == 0
    assert figures["bad_inputs"] == 0
    for words in told:
        assert words in said and words in figures["input"] and words in report


@pytest.mark.slow
@pytest.mark.parametrize("name", [recorded("btc_2024")])
def test_a_second_demo_replaces_the_first_ones_results(tmp_path, name):
    for _ in range(2):
        assert run(wish(tmp_path, DATA / name, seconds=2.0)) == 0
    assert orjson.loads((tmp_path / "summary.json").read_bytes())["duration_s"] < 10


@pytest.mark.slow
def test_a_market_that_ends_before_its_window_is_told_with_the_log(tmp_path):
    recording = tmp_path / "gold_2019"
    recording.mkdir()
    (recording / "SHFE.au1912_1m.csv.gz").write_bytes(b"")
    (recording / "XAUUSD_1m.csv.gz").write_bytes(b"")
    (recording / "USDCNY_daily.csv").write_text("date,Open,High,Low,Close\n2019-03-01,6.69,6.71,6.68,6.69\n")
    with pytest.raises(DemoError, match=r"the quotes end before it \(see .*SIM_\w+.log\)"):
        run(wish(tmp_path / "out", recording))


def test_a_folder_of_another_name_is_refused_with_the_names_that_are_known(tmp_path):
    with pytest.raises(DemoError, match="expected a folder named btc_2024 or gold_2019"):
        run(wish(tmp_path / "out", tmp_path))


def test_a_recording_that_lacks_a_file_is_refused_with_the_file(tmp_path):
    (tmp_path / "gold_2019").mkdir()
    with pytest.raises(DemoError, match=r"expected the recording's file SHFE.au1912_1m.csv.gz"):
        run(wish(tmp_path / "out", tmp_path / "gold_2019"))


def test_a_journal_that_no_demo_wrote_is_never_removed(tmp_path):
    kept = tmp_path / "journal" / "00000001.segment"
    kept.parent.mkdir()
    kept.write_bytes(b"a year's trades")
    with pytest.raises(DemoError, match="was not written by a demo"):
        run(Wish(out=tmp_path, data=None, seconds=1.0, speed=None, seed=None, headless=True))
    assert kept.read_bytes() == b"a year's trades"


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(DemoError, match=r"--out .*out: expected a folder"):
        run(wish(tmp_path / "out", tmp_path))
