"""The Binance captures: best quotes by receive time, other frames counted, bad lines told, and the clocks' skew."""

import gzip
import os
from pathlib import Path

import pytest

from adapters.recorded.btc_2024 import FILES, STEPS, Capture, skew_bound_ns
from adapters.ticks import BadLine, QuoteTick, sift

DATA = Path(os.environ.get("TANDEM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "btc_2024"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no recordings in {DATA} (set TANDEM_DATA)")

CM = {"cm": STEPS["cm"]}


def ticker(bid: str = "61804.7", size: str = "35", stamp: int = 0) -> str:
    return (
        '{"stream":"btcusd_perp@bookTicker","data":{"u":1,"e":"bookTicker",'
        f'"b":"{bid}","B":"{size}","a":"61804.8","A":"1645","E":{stamp}}}}}'
    )


@pytest.fixture
def capture(tmp_path):
    """A capture of these lines as the cm market's file."""

    def write(*lines: str) -> Capture:
        with gzip.open(tmp_path / FILES["cm"][0], "wt") as file:
            file.write("\n".join(lines) + "\n")
        return Capture(tmp_path, CM)

    return write


def test_a_book_ticker_is_a_quote_and_other_frames_are_counted(capture):
    depth = '{"stream":"btcusd_perp@depth@0ms","data":{"e":"depthUpdate","E":3}}'
    made = capture(f"5 {ticker()}", f"6 {depth}", '7 {"lastUpdateId":1,"E":2}', f"8 {ticker(size='0.7')}")
    assert list(made.quotes()) == [
        QuoteTick(5, "cm", 618_047, 35, 618_048, 1_645),
        QuoteTick(8, "cm", 618_047, 0, 618_048, 1_645),
    ]
    assert made.ignored == {"cm depth": 1, "cm snapshot": 1}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nonsense", "a receive time in ns"),
        (f"x {ticker()}", "a receive time in ns"),
        ("9 {", "expected"),
        ('9 {"stream":"x@bookTicker","data":{"b":"1"}}', "missing required field"),
        (f"9 {ticker(bid='61804.75')}", "a multiple of 0.1"),
        (f"9 {ticker(bid='NaN')}", "a multiple of 0.1"),
        (f"9 {ticker(bid='-1')}", "a multiple of 0.1"),
        (f"9 {ticker(size='Infinity')}", "expected"),
        (f"9 {ticker(size='-1')}", "a size of 0 or more"),
        (f"4 {ticker()}", "a receive time not before"),
    ],
)
def test_a_bad_line_is_told_and_the_play_goes_on(capture, line, expected):
    bad: list[BadLine] = []
    made = capture(f"5 {ticker()}", line, f"10 {ticker()}")
    assert [tick.at_ns for tick in sift(made.quotes(), bad.append)] == [5, 10]
    assert [(item.file, item.line) for item in bad] == [(FILES["cm"][0], 2)]
    assert expected in bad[0].expected


def test_a_capture_that_breaks_off_ends_in_a_bad_line(capture, tmp_path):
    made = capture(*(f"{n} {ticker(size=str(n))}" for n in range(500)))
    path = tmp_path / FILES["cm"][0]
    path.write_bytes(path.read_bytes()[:-9])
    items = list(made.quotes())
    assert "a whole gzip stream" in items[-1].expected


def test_the_skew_bound_is_the_largest_stamp_ahead_of_its_receipt(capture, tmp_path):
    capture(f"5000000 {ticker(stamp=7)}", f"6000000 {ticker(stamp=9)}", f"9000000 {ticker(stamp=10)}")
    assert skew_bound_ns(tmp_path, "cm") == 3_000_000
    capture(f"5 {ticker()}")
    with pytest.raises(ValueError, match="no frame has a venue stamp"):
        skew_bound_ns(tmp_path, "cm")


@needs_data
@pytest.mark.slow
def test_the_captures_are_read_whole_and_by_receive_time():
    made, last_ns, counts = Capture(DATA), 0, dict.fromkeys(FILES, 0)
    for item in made.quotes():
        assert isinstance(item, QuoteTick)
        assert item.at_ns >= last_ns
        assert item.bid_ticks < item.ask_ticks
        last_ns = item.at_ns
        counts[item.symbol] += 1
    assert counts == {"spot": 73_174, "usdm": 66_089, "cm": 19_136}
    assert made.ignored["cm snapshot"] == made.ignored["spot snapshot"] == 1


@needs_data
@pytest.mark.parametrize("series", FILES)
def test_the_receiving_clock_was_behind_by_more_than_a_second(series):
    assert 1_270_000_000 < skew_bound_ns(DATA, series) < 1_280_000_000
