"""The gold recordings: what a bar says and when it is known; bad lines are told, not raised."""

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.recorded.gold_2019 import Assumed, GoldBars, quotes
from adapters.ticks import NS, BadLine, QuoteTick, window

DATA = Path(os.environ.get("TANDEM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "gold_2019"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no recordings in {DATA} (set TANDEM_DATA)")

HEAD = "bar_start_utc,open,high,low,close\n"


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


@pytest.fixture
def folder(tmp_path):
    """A small folder of the same shape."""

    def write(au: str, xau: str = "", rate: str = "2019-04-05,1,1,1,6.7201\n") -> Path:
        with gzip.open(tmp_path / "SHFE.au1912_1m.csv.gz", "wt") as file:
            file.write(HEAD + au)
        with gzip.open(tmp_path / "XAUUSD_1m.csv.gz", "wt") as file:
            file.write(HEAD + xau)
        (tmp_path / "USDCNY_daily.csv").write_text("date,Open,High,Low,Close\n" + rate)
        return tmp_path

    return write


def test_a_bar_is_known_at_its_end_and_the_files_are_merged_by_that(folder):
    made = folder("2019-04-08T05:36:00Z,1,1,1,286.75\n", "2019-04-08T05:35:00Z,1,1,1,1296.387\n")
    assert list(quotes(made, GoldBars())) == [
        QuoteTick(ns("2019-04-06T00:00:00"), "usdcny", 67_199, 100, 67_204, 100),
        QuoteTick(ns("2019-04-08T05:36:00"), "xau", 129_638, 10, 129_668, 10),
        QuoteTick(ns("2019-04-08T05:37:00"), "au", 5_735, 20, 5_736, 20),
    ]


def test_widths_and_sizes_are_the_callers_and_are_said(folder):
    made = folder("2019-04-08T05:36:00Z,1,1,1,286.75\n")
    bars = GoldBars(au=Assumed("0.05", 4, 7))
    assert list(quotes(made, bars))[-1] == QuoteTick(ns("2019-04-08T05:37:00"), "au", 5_733, 7, 5_737, 7)
    assert "au 1 min bars (tick 0.05, assumed width 4 ticks, assumed size 7 lots)" in bars.description()
    assert "known at its end" in bars.description()
    with pytest.raises(ValueError, match="expected xau or gc"):
        GoldBars(gold="silver")


def test_bad_lines_are_told_with_file_line_and_expectation(folder):
    good = "2019-04-08T05:36:00Z,1,1,1,286.75\n"
    made = folder(good + "yesterday,1,1,1,286\n2019-04-08T05:40:00Z,1,1,1,dear\n2019-04-08T05:39:00Z\n" + good)
    bad = [item for item in quotes(made, GoldBars()) if isinstance(item, BadLine)]
    assert [(item.file, item.line) for item in bad] == [("SHFE.au1912_1m.csv.gz", line) for line in (3, 4, 5, 6)]
    expected = ("an ISO time, got 'yesterday'", "a price, got 'dear'", "a price, got None", "a time after that")
    assert all(text in item.expected for text, item in zip(expected, bad, strict=True))


def test_a_file_that_breaks_off_ends_in_a_bad_line(folder):
    made = folder("".join(f"2019-04-08T05:{minute}:00Z,1,1,1,286.75\n" for minute in range(10, 50)))
    path = made / "SHFE.au1912_1m.csv.gz"
    path.write_bytes(path.read_bytes()[:-12])
    items = list(quotes(made, GoldBars()))
    assert isinstance(items[-1], BadLine)
    assert "expected a whole CSV file" in items[-1].expected


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(quotes(tmp_path, GoldBars()))


@needs_data
@pytest.mark.parametrize(
    ("bars", "counts"),
    [
        (GoldBars(), {"au": 33_969, "xau": 89_681, "usdcny": 108}),
        (GoldBars(gold="gc", rate="usdcnh"), {"au": 33_969, "gc": 5_842, "usdcnh": 919}),
    ],
)
def test_the_recordings_are_read_whole_and_in_time(bars, counts):
    played, last_ns = dict.fromkeys(counts, 0), 0
    for item in quotes(DATA, bars):
        assert isinstance(item, QuoteTick)
        assert item.at_ns >= last_ns
        last_ns = item.at_ns
        played[item.symbol] += 1
    assert played == counts


@needs_data
def test_a_window_on_the_recordings_opens_with_every_series():
    opening = list(window(quotes(DATA, GoldBars()), start_s=60 * 86_400, seconds=120))
    assert {tick.symbol for tick in opening if tick.at_ns == 0} == {"au", "xau", "usdcny"}
