"""The compiled kernels against their plain twin, against numbers worked out by hand, and against numpy."""

import random
from collections import deque

import numpy as np
import pytest

from desk.composed import HOT
from engine.ports import QUOTE_CLOSED, QUOTE_GAP, QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP
from engine.records import CLOSED_MARKET, CROSSED, GAP, NO_QUOTE, ONE_SIDED, SKEWED, STALE
from tests.spread_world import MS, NOW_NS, Desk, empty_state, fill_touches
from tests.twin_rows import plain
from tests.twin_spread import Twin

pytestmark = pytest.mark.slow

OZ_G = 31.1034768
PRICED = ("blocked", "diff", "buy", "sell", "ratio_mid", "ratio_buy", "ratio_sell", "second_mid", "fee", "buy_units",
          "sell_units", "oldest_ns", "newest_ns", "ring_next", "samples")  # fmt: skip


def random_state(seed: int):
    """Six spreads of two to four legs over six instruments; the last two are rates, of legs on either side."""
    rng = random.Random(seed)
    state = empty_state(instruments=6, spreads=6, window=37)
    state.instrument["tick"] = [0.02, 0.1, 10.0, 0.5, 0.0001, 0.0005]
    state.instrument["max_age_ns"] = 400 * MS
    state.venue["max_silence_ns"] = 90 * MS
    # Market time runs four times as fast: instrument 3 closes for good towards the end.
    state.head["clock_speed_milli"] = 4000
    state.instrument["close_ns"][3] = NOW_NS + 4 * 19_000 * MS
    for number, row in enumerate(state.spread):
        legs = row["legs"] = 2 + number % 3
        row["instrument"][:legs] = rng.sample(range(4), legs)
        for leg in range(legs):
            sign = 1 if leg % 2 == number % 2 else -1
            row["ratio"][leg] = sign * rng.choice((1, 2, 3, 7))
            row["weight"][leg] = sign * rng.uniform(0.001, 2.0)
            row["fx"][leg] = rng.choice((-1, 4, 5))
            row["landed"][leg] = rng.uniform(0.5, 8.0) if row["fx"][leg] < 0 else 1.0
            row["fee_micros"][leg], row["fee_e7"][leg] = rng.randrange(20_000_000), rng.randrange(20_000)
        row["ratio"][legs - 1] *= number != 5  # a leg that is priced, not traded
        row["premium"], row["ratio_k"] = rng.uniform(-5, 5), rng.choice((1.0, 100.0, OZ_G))
        row["unit_ubase"], row["max_skew_ns"] = rng.randrange(1, 3_000_000_000), 60 * MS
    fill_touches(state)
    return state


def random_quote(rng: random.Random, seq: list[int]) -> tuple:
    """(instrument, bid, lots, ask, lots, seq, flags): mostly sound, at times each way of being wrong."""
    at = rng.randrange(6)
    bid = rng.randrange(5_000, 90_000) if rng.random() < 0.98 else rng.randrange(-500, 5)
    ask = bid + rng.choice((1, 1, 1, 2, 9, 0, -3))
    bid_lots, ask_lots = (rng.choice((0, 1, 5, 40, 40, 40, 300)) for _ in range(2))
    flags = 0
    if rng.random() < 0.05:
        flags = rng.choice((QUOTE_GAP, QUOTE_CLOSED, QUOTE_LIMIT_UP, QUOTE_LIMIT_DOWN, QUOTE_GAP | QUOTE_CLOSED))
    if at % 2:
        seq[at] += rng.choice((1, 1, 1, 1, 1, 1, 2, 0, -1))
    return at, bid, bid_lots, ask, ask_lots, max(seq[at], 0), flags


def assert_same(state, twin: Twin, at: int) -> None:
    assert plain("book", state.book[at]) == twin.book[at]
    for row, other in zip(state.spread, twin.spread, strict=True):
        assert {name: row[name].item() for name in PRICED} == {name: other[name] for name in PRICED}
        for name in ("mean", "m2", "sd"):
            assert row[name].tolist() == other[name]


@pytest.mark.parametrize("seed", [1, 2])
def test_kernels_and_twin_agree_bit_for_bit(seed):
    state = random_state(seed)
    desk, twin, rng = Desk(state), Twin(state), random.Random(1000 + seed)
    seq, now_ns, seen = [0] * 6, NOW_NS, 0
    for number in range(10_000):
        now_ns += rng.choice((0, 1, MS, 2 * MS, 3 * MS)) if rng.random() < 0.999 else 500 * MS
        at, bid, bid_lots, ask, ask_lots, number_seq, flags = random_quote(rng, seq)
        assert desk.quote(at, bid, ask, bid_lots, ask_lots, number_seq, flags, now_ns) == 0
        twin.quote(at, bid, bid_lots, ask, ask_lots, now_ns - MS, now_ns, number_seq, flags)
        if rng.random() < 0.3:
            side, taken = rng.choice(("taken_bid_lots", "taken_ask_lots")), rng.choice((1, 5, 40, 41))
            at_any = rng.randrange(6)
            state.book[at_any][side] += taken
            twin.book[at_any][side] += taken
        if number % 3 == 0:
            HOT.sample(state.address, now_ns)
            twin.sample(now_ns)
        assert_same(state, twin, at)
        for spread in twin.spread:
            seen |= spread["blocked"]
            if not spread["blocked"]:
                assert spread["buy"] >= spread["diff"] >= spread["sell"]
    assert seen == NO_QUOTE | GAP | CROSSED | ONE_SIDED | STALE | CLOSED_MARKET | SKEWED
    assert max(spread["samples"] for spread in twin.spread) == 37


def gold_state(window: int = 8):
    """Shanghai gold in CNY/g less COMEX gold in USD/oz at the offshore rate: 3 lots of 1 kg to 1 of 100 oz."""
    state = empty_state(instruments=3, spreads=1, window=window)
    state.instrument["tick"] = [0.02, 0.1, 0.0001]
    row = state.spread[0]
    row["legs"], row["instrument"][:2], row["ratio"][:2] = 2, (0, 1), (3, -1)
    row["weight"][:2], row["fx"][1] = (0.02, -0.1 / OZ_G), 2
    row["unit_ubase"] = 3_000_000_000
    fill_touches(state)
    return state


def gold_desk(window: int = 8) -> Desk:
    desk = Desk(gold_state(window))
    desk.quote(2, 68_960, 68_961, 500)
    desk.quote(1, 13_950, 13_951, 4, 9)
    desk.quote(0, 15_800, 15_801, 14, 7)
    return desk


def test_gold_by_hand():
    row = gold_desk().state.spread[0]
    # 9619.92 / 31.1034768, 9620.74911 / 31.1034768, and of the mids 9620.3345525 / 31.1034768.
    gc_bid, gc_ask, gc_mid = 309.28760993047568, 309.31426643596320, 309.30093810284254
    assert row["blocked"] == 0
    assert row["diff"] == pytest.approx(6.70906189715743, abs=1e-12) == 316.01 - gc_mid
    # Buy Shanghai at the ask and sell COMEX at the bid, and the other way.
    assert row["buy"] == pytest.approx(6.73239006952432, abs=1e-12) == 316.02 - gc_bid
    assert row["sell"] == pytest.approx(6.68573356403680, abs=1e-12) == 316.00 - gc_ask
    assert row["ratio_mid"] == pytest.approx(1.02169104930075, abs=1e-12)
    assert row["ratio_buy"] == pytest.approx(1.02176740953521, abs=1e-12)
    assert row["ratio_sell"] == pytest.approx(1.02161469511598, abs=1e-12)


def test_executable_size_is_the_least_of_whole_units_on_the_side_that_is_taken():
    row = gold_desk().state.spread[0]
    assert row["buy_units"] == min(7 // 3, 4 // 1)  # Shanghai's asks, COMEX's bids
    assert row["sell_units"] == min(14 // 3, 9 // 1)


def test_what_our_own_orders_went_for_is_no_longer_there_until_the_next_quote():
    desk = gold_desk()
    row, book = desk.state.spread[0], desk.state.book[0]
    book["taken_ask_lots"], book["taken_bid_lots"] = 2, 14
    HOT.sample(desk.state.address, NOW_NS)
    assert (row["buy_units"], row["sell_units"]) == ((7 - 2) // 3, 0)
    desk.quote(0, 15_800, 15_801, 14, 7)
    assert (row["buy_units"], row["sell_units"]) == (7 // 3, 14 // 3)
    assert (book["taken_ask_lots"], book["taken_bid_lots"]) == (0, 0)


def test_fee_is_of_a_round_trip_a_base_unit():
    state = gold_state()
    state.spread[0]["fee_micros"][:2] = 20_000_000, 5_000_000  # 20 CNY a lot, 5 USD a lot
    state.spread[0]["fee_e7"][0] = 1000  # 1 bp
    desk = Desk(state)
    desk.quote(2, 68_960, 68_961)
    desk.quote(1, 13_950, 13_951)
    desk.quote(0, 15_800, 15_801)
    expected = 3 * 20 / 3000 + 316.01 * 1e-4 + 5 * 6.89605 / 3000
    assert state.spread[0]["fee"] == pytest.approx(expected, abs=1e-12)


def test_a_rate_moves_the_price_of_its_spread():
    desk = gold_desk()
    before = float(desk.state.spread[0]["diff"])
    desk.quote(2, 69_960, 69_961, 500)
    # One jiao more on the dollar: 1395.05 / 31.1034768 x 0.1.
    assert desk.state.spread[0]["diff"] == pytest.approx(before - 4.485190, abs=1e-6)


def test_without_a_positive_second_leg_there_is_no_ratio():
    desk = gold_desk()
    desk.quote(1, 0, 1)
    assert desk.state.spread[0]["blocked"] == NO_QUOTE


def test_a_blocked_spread_is_no_sample():
    desk = gold_desk()
    HOT.sample(desk.state.address, NOW_NS)
    desk.quote(0, 15_801, 15_801)
    HOT.sample(desk.state.address, NOW_NS)
    assert desk.state.spread[0]["samples"] == 1


def rolled(desk: Desk, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample a walk; the last window of differences and ratios."""
    state, rng = desk.state, random.Random(seed)
    row, book = state.spread[0], state.book[0]
    window = int(row["window"])
    diffs, ratios, bid = deque(maxlen=window), deque(maxlen=window), 15_800
    for _ in range(samples):
        bid = min(max(bid + rng.randrange(-3, 4), 10_000), 30_000)
        book["bid_ticks"], book["ask_ticks"] = bid, bid + 1
        HOT.sample(state.address, NOW_NS)
        diffs.append(float(row["diff"]))
        ratios.append(float(row["ratio_mid"]))
    return np.array(diffs), np.array(ratios)


def assert_rolling(row, diffs: np.ndarray, ratios: np.ndarray) -> None:
    for series, values in enumerate((diffs, ratios)):
        assert row["mean"][series] == pytest.approx(values.mean(), rel=1e-9)
        assert row["sd"][series] == pytest.approx(values.std(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("samples", [1, 2, 7, 8, 9, 500, 20_003])
def test_rolling_mean_and_deviation_are_numpys(samples):
    desk = gold_desk(window=8)
    assert_rolling(desk.state.spread[0], *rolled(desk, samples, seed=samples))


def test_a_million_samples_leave_no_drift():
    desk = gold_desk(window=601)
    diffs, ratios = rolled(desk, 1_000_003, seed=5)
    assert len(diffs) == 601
    assert_rolling(desk.state.spread[0], diffs, ratios)


def test_a_price_that_no_longer_moves_has_no_deviation():
    desk = gold_desk(window=8)
    rolled(desk, 100, seed=3)
    for _ in range(16):
        HOT.sample(desk.state.address, NOW_NS)
    assert desk.state.spread[0]["sd"].tolist() == [0.0, 0.0]


def test_a_snapshot_keeps_the_accumulators_bits():
    desk = gold_desk(window=64)
    rolled(desk, 200, seed=7)
    copy = gold_desk(window=64)
    kept = desk.state.snapshot()
    copy.state.block[: len(kept)] = np.frombuffer(kept, np.uint8)
    for one in (desk, copy):
        rolled(one, 300, seed=8)
    assert copy.state.snapshot() == desk.state.snapshot()
    assert copy.state.spread[0]["m2"].tobytes() == desk.state.spread[0]["m2"].tobytes()
