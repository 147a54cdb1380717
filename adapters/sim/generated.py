"""Generated gold quotes of two markets and their exchange rate: seeded, deterministic, with measured moments.

The moments are of public recordings of 2019-04-08 to 2019-07-09 (SHFE au1912 and spot XAUUSD 1-minute bars, COMEX GC
15-minute, CNH futures hourly, USDCNY daily), log returns of closes:
  GC 15-minute sd 7.50 bps = 0.250 bps per square root of a second (XAUUSD 1-minute: 2.28 bps = 0.295);
  USDCNH 1-hour sd 5.46 bps = 0.091; correlation of the gold and USDCNH hourly returns -0.07;
  au and XAUUSD: correlation 0.79 over 1 minute, 0.88 over 5;
  basis au - XAUUSD / 31.1034768 x USDCNY: mean 6.24 CNY/g, sd within a UTC day 0.256 (mean over the days), reverting to
  the day's mean with a half-life of hours.
Only the speed of the basis is not the recordings': it reverts in seconds, so that a minute shows whole trades.
"""

import heapq
import math
from collections.abc import Iterator

import msgspec
import numpy as np

from adapters.ticks import QuoteTick

GRAMS_PER_OUNCE = 31.1034768
BPS = 1e-4
AU, GC, USDCNH = SERIES = ("au", "gc", "usdcnh")

_NS_PER_MS = 1_000_000
_NORMALS = 4_096  # drawn at once


class SeriesModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one series is quoted: tick in price units, time between updates, displayed sizes.

    regular: updates each `update_ms` plus up to jitter_ms; else at random intervals of that mean. wide_share: of the
    quotes that are two ticks wide, the others are one.
    """

    tick: float
    update_ms: float
    jitter_ms: float = 0.0
    regular: bool = False
    min_lots: int = 1
    max_lots: int = 30
    wide_share: float = 0.15


class GoldModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The joint market: gold in USD per ounce and USDCNH walk at random, au = gold x USDCNH / 31.1 + basis, in CNY/g.

    The basis is an Ornstein-Uhlenbeck process. Volatilities are in bps of the price per square root of a second.
    """

    gold_usd_per_oz: float = 1395.2  # XAUUSD at the recordings' end
    usdcnh: float = 6.8964  # CNH future at the recordings' end
    gold_vol_bps_per_sqrt_s: float = 0.25
    usdcnh_vol_bps_per_sqrt_s: float = 0.091
    gold_usdcnh_correlation: float = -0.07
    basis_mean_cny_per_g: float = 6.24
    basis_sd_cny_per_g: float = 0.26
    basis_half_life_s: float = 3.0
    step_ms: int = 50
    au: SeriesModel = SeriesModel(tick=0.02, update_ms=500.0, jitter_ms=60.0, regular=True, max_lots=60)
    gc: SeriesModel = SeriesModel(tick=0.1, update_ms=220.0, max_lots=25)
    usd_cnh: SeriesModel = SeriesModel(tick=0.0001, update_ms=1_000.0, min_lots=50, max_lots=500)


class _Update(msgspec.Struct, gc=False, frozen=True):
    """When a series is quoted and how, but for its price."""

    at_ns: int
    series: str
    width_ticks: int
    bid_lots: int
    ask_lots: int


def quotes(model: GoldModel, seed: int) -> Iterator[QuoteTick]:
    """The joint quotes of the series au, gc and usdcnh, without end. at_ns: since the start.

    Every process that asks with the same model and seed gets the same path, whatever it keeps of it.
    """
    models = dict(zip(SERIES, (model.au, model.gc, model.usd_cnh), strict=True))
    streams = [_updates(name, models[name], seed, stream) for stream, name in enumerate(SERIES, start=1)]
    path, step_ns, step = _path(model, seed), model.step_ms * _NS_PER_MS, -1
    prices: dict[str, float] = {}
    for update in heapq.merge(*streams, key=lambda update: update.at_ns):
        while step < update.at_ns // step_ns:
            prices = next(path)
            step += 1
        mid_ticks = prices[update.series] / models[update.series].tick
        bid_ticks = math.floor(mid_ticks - update.width_ticks / 2 + 0.5)
        ask_ticks = bid_ticks + update.width_ticks
        yield QuoteTick(update.at_ns, update.series, bid_ticks, update.bid_lots, ask_ticks, update.ask_lots)


def _path(model: GoldModel, seed: int) -> Iterator[dict[str, float]]:
    """The fair prices at each step."""
    generator = np.random.Generator(np.random.PCG64([seed, 0]))
    step_s = model.step_ms / 1_000
    gold_sd = model.gold_vol_bps_per_sqrt_s * BPS * math.sqrt(step_s)
    usdcnh_sd = model.usdcnh_vol_bps_per_sqrt_s * BPS * math.sqrt(step_s)
    shared = model.gold_usdcnh_correlation
    own = math.sqrt(1 - shared * shared)
    keep = 0.5 ** (step_s / model.basis_half_life_s)
    basis_sd = model.basis_sd_cny_per_g * math.sqrt(1 - keep * keep)
    gold, usdcnh, away = model.gold_usd_per_oz, model.usdcnh, 0.0
    while True:
        for a, b, c in generator.standard_normal((_NORMALS, 3)).tolist():
            basis = model.basis_mean_cny_per_g + away
            yield {AU: gold * usdcnh / GRAMS_PER_OUNCE + basis, GC: gold, USDCNH: usdcnh}
            gold *= 1 + gold_sd * a
            usdcnh *= 1 + usdcnh_sd * (shared * a + own * b)
            away = keep * away + basis_sd * c


def _updates(series: str, model: SeriesModel, seed: int, stream: int) -> Iterator[_Update]:
    """The series' updates from time 0 on; a stream of random numbers of its own."""
    generator = np.random.Generator(np.random.PCG64([seed, stream]))
    period_ns, jitter_ns = int(model.update_ms * _NS_PER_MS), int(model.jitter_ms * _NS_PER_MS)
    at_ns = regular_ns = 0
    while True:
        width_ticks = 2 if generator.random() < model.wide_share else 1
        bid_lots, ask_lots = generator.integers(model.min_lots, model.max_lots, 2, endpoint=True).tolist()
        yield _Update(at_ns, series, width_ticks, bid_lots, ask_lots)
        if model.regular:
            regular_ns += period_ns
            at_ns = regular_ns + int(generator.integers(0, jitter_ns, endpoint=True))
        else:
            at_ns += 1 + int(generator.exponential(period_ns))
