"""The generated gold market: the same for everyone who asks, with the moments it is said to have."""

import itertools
import math
from collections import Counter

import msgspec
import numpy as np
import pytest

from adapters.sim.generated import AU, GC, GRAMS_PER_OUNCE, SERIES, USDCNH, GoldModel, quotes
from adapters.ticks import NS, QuoteTick, renamed, window

MODEL = GoldModel()
HOUR = 3_600


@pytest.fixture(scope="module")
def hours() -> list[QuoteTick]:
    return list(window(quotes(MODEL, seed=7), seconds=3 * HOUR))


def mids(ticks: list[QuoteTick], series: str, tick: float, each_s: float) -> np.ndarray:
    """The series' mid price at each so many seconds."""
    of = [quote for quote in ticks if quote.symbol == series]
    times = np.array([quote.at_ns for quote in of])
    prices = np.array([(quote.bid_ticks + quote.ask_ticks) / 2 * tick for quote in of])
    at = np.arange(each_s, 3 * HOUR, each_s) * NS
    return prices[np.searchsorted(times, at, side="right") - 1]


def basis(ticks: list[QuoteTick], each_s: float) -> np.ndarray:
    gold, rate = mids(ticks, GC, 0.1, each_s), mids(ticks, USDCNH, 0.0001, each_s)
    return mids(ticks, AU, 0.02, each_s) - gold * rate / GRAMS_PER_OUNCE


def test_the_same_seed_gives_the_same_quotes_and_another_seed_others():
    def first(seed: int) -> list[QuoteTick]:
        return list(itertools.islice(quotes(MODEL, seed), 500))

    assert first(3) == first(3) != first(4)


def test_a_venue_that_keeps_its_own_series_sees_the_joint_path():
    joint = list(window(quotes(MODEL, 3), seconds=60))
    domestic = list(renamed(window(quotes(MODEL, 3), seconds=60), {AU: AU}))
    foreign = list(renamed(window(quotes(MODEL, 3), seconds=60), {GC: GC, USDCNH: USDCNH}))
    assert sorted(domestic + foreign, key=lambda quote: (quote.at_ns, SERIES.index(quote.symbol))) == joint


def test_another_update_rate_of_one_series_leaves_the_others_as_they_were():
    faster = msgspec.structs.replace(MODEL, gc=msgspec.structs.replace(MODEL.gc, update_ms=50.0))
    before = list(renamed(window(quotes(MODEL, 3), seconds=60), {AU: AU}))
    assert list(renamed(window(quotes(faster, 3), seconds=60), {AU: AU})) == before


def test_every_quote_is_in_time_and_two_sided(hours):
    assert all(a.at_ns <= b.at_ns for a, b in itertools.pairwise(hours))
    for quote in hours:
        assert quote.ask_ticks - quote.bid_ticks in (1, 2)
        assert quote.bid_lots > 0 < quote.ask_lots
    assert {quote.symbol for quote in hours[:3]} == set(SERIES)
    assert {quote.at_ns for quote in hours[:3]} == {0}


def test_series_update_as_often_as_they_are_said_to(hours):
    seen = Counter(quote.symbol for quote in hours)
    assert seen[AU] == 3 * HOUR * 2
    assert seen[GC] == pytest.approx(3 * HOUR / 0.22, rel=0.03)
    au_ns = [quote.at_ns for quote in hours if quote.symbol == AU]
    gaps_ms = [(b - a) / 1e6 for a, b in itertools.pairwise(au_ns)]
    assert 440 <= min(gaps_ms) < max(gaps_ms) <= 560


def test_returns_vary_as_measured(hours):
    for series, tick, vol_bps in ((GC, 0.1, MODEL.gold_vol_bps_per_sqrt_s), (USDCNH, 0.0001, 0.091)):
        returns = np.diff(np.log(mids(hours, series, tick, 30)))
        assert returns.std() * 1e4 / math.sqrt(30) == pytest.approx(vol_bps, rel=0.15)


def test_the_basis_has_its_mean_deviation_and_memory(hours):
    each_s = 1.0
    away = basis(hours, each_s) - MODEL.basis_mean_cny_per_g
    assert away.mean() == pytest.approx(0, abs=0.03)
    assert away.std() == pytest.approx(MODEL.basis_sd_cny_per_g, rel=0.08)
    lag = int(MODEL.basis_half_life_s / each_s)
    assert np.corrcoef(away[:-lag], away[lag:])[0, 1] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("seed", range(5))
def test_a_minute_holds_several_entries_and_exits_of_a_spread(seed):
    last, trips, side = {}, 0, 0
    for quote in window(quotes(MODEL, seed), seconds=60):
        last[quote.symbol] = quote
        if len(last) < 3:
            continue
        au, gc, rate = (last[series] for series in SERIES)
        buy = au.ask_ticks * 0.02 - gc.bid_ticks * 0.1 * rate.bid_ticks * 1e-4 / GRAMS_PER_OUNCE - 6.24
        sell = au.bid_ticks * 0.02 - gc.ask_ticks * 0.1 * rate.ask_ticks * 1e-4 / GRAMS_PER_OUNCE - 6.24
        if side == 0:
            side = 1 if buy < -0.25 else -1 if sell > 0.25 else 0
        elif (side == 1 and sell > 0) or (side == -1 and buy < 0):
            side, trips = 0, trips + 1
    assert trips >= 3
