"""A desk's config made ready for a storm: its limits, lots, policies and rules as they are, its signals replaced.

A storm tests what becomes of decisions, not when they are taken. So every strategy gets a fixed center at the market's
own level and enters whenever the storm pushes its first leg away; edges are not asked for. All are live, at full size.
"""

from fractions import Fraction

import msgspec

from adapters.sim.terms import Terms
from bench.storm.quotas import with_small
from desk.build import Names, build_state, instruments_of
from desk.config import Config
from engine.instruments import FX, INVERSE, Instrument
from engine.units import convert, parse_price_unit, parse_quantity

TIMER_MS = 100
_LEVEL_TICKS = 10_000  # of a contract without a reference price
_PUSH_BPS = 40  # how far a signal pushes the first leg
_LEAST_PUSH_TICKS = 40


class Armed(msgspec.Struct, frozen=True):
    """config: to run. levels: ticks of each instrument's quiet bid. pushes: ticks of each spread's signal. assumed: the
    instruments whose level nobody has stated. small_quotas: whether a day comes near those of a contract."""

    config: Config
    levels: list[int]
    pushes: list[int]
    assumed: list[str]
    small_quotas: bool = False


def arm(config: Config, market_date: str, quotas: int = -1) -> Armed:
    """The config of a storm. quotas: which of `quotas.SMALL` it gets, -1: its own."""
    if quotas >= 0:
        config = with_small(config, quotas, market_date)
    names = Names(config)
    instruments = instruments_of(names)
    levels, assumed = [], []
    for spec, one in zip(config.instruments, instruments, strict=True):
        level = round(Fraction(spec.reference_price) / one.tick) if spec.reference_price else _LEVEL_TICKS
        levels.append(level)
        if not spec.reference_price and one.kind not in (FX, INVERSE):
            assumed.append(spec.id)
    first = [names.instruments[spread.legs[0].instrument] for spread in config.spreads]
    pushes = [max(levels[at] * _PUSH_BPS // 10_000, _LEAST_PUSH_TICKS) for at in first]
    state = build_state(names, market_date)
    released = [msgspec.structs.replace(spec, mode="live", ramp=[]) for spec in config.strategies]
    strategies = [_armed(state, names, levels, pushes, spec) for spec in released]
    engine = msgspec.structs.replace(config.engine, segment_mb=16, timer_ms=TIMER_MS, mode="live")
    armed = msgspec.structs.replace(config, strategies=strategies, engine=engine, hooks=[], include=[])
    return Armed(armed, levels, pushes, assumed, quotas >= 0)


def _armed(state, names: Names, levels: list[int], pushes: list[int], spec):
    """A strategy that enters when the first leg is pushed, and leaves when it is pushed the other way."""
    at = names.spreads[spec.spread]
    row = state.spread[at]
    tick_worth = abs(float(row["weight"][0])) * _fx(state, row, 0, levels, names)
    if spec.kind == "ratio_cross":
        center = _ratio(state, row, levels, names)
        entry = center * (pushes[at] - 12) / levels[int(row["instrument"][0])]
    else:
        center = _difference(state, row, levels, names)
        entry = tick_worth * (pushes[at] - 12)
    if spec.kind == "python":
        levels_of = {"center": center, "entry": entry, "raises": 1.6 * tick_worth * pushes[at]}
        return msgspec.structs.replace(
            spec,
            code="bench.storm.raising:signal",
            parameters=levels_of,
            min_edge=-1e6,
            cooldown_ms=1,
            min_samples=1,
        )
    return msgspec.structs.replace(
        spec, center=center, band="price", entry=entry, exit=0.0, rearm=0.0, min_edge=-1e6, cooldown_ms=1, min_samples=1
    )


def _fx(state, row, leg: int, levels: list[int], names: Names) -> float:
    at = int(row["fx"][leg])
    if at < 0:
        return float(row["landed"][leg])
    return float(row["landed"][leg]) * (levels[at] + 0.5) * float(state.instrument[at]["tick"])


def _leg(state, row, leg: int, levels: list[int], names: Names) -> float:
    mid = levels[int(row["instrument"][leg])] + 0.5
    return float(row["weight"][leg]) * mid * _fx(state, row, leg, levels, names)


def _difference(state, row, levels: list[int], names: Names) -> float:
    return float(row["premium"]) + sum(_leg(state, row, leg, levels, names) for leg in range(int(row["legs"])))


def _ratio(state, row, levels: list[int], names: Names) -> float:
    first, second = (abs(_leg(state, row, leg, levels, names)) for leg in range(2))
    return first / second * float(row["ratio_k"])


def terms_of(armed: Armed, one: Instrument, protocol: str) -> Terms:
    """A contract's terms; a DIFF venue tells price limits of the day, so wide that only a lock reaches them."""
    level = armed.levels[one.index]
    limits = {"lower_ticks": level // 2, "upper_ticks": level * 2} if protocol == "diff" else {}
    return Terms(instrument=one, multiplier=multiplier(armed, one), **limits)


def multiplier(armed: Armed, one: Instrument) -> Fraction:
    """Units a lot of a contract, as a venue counts its money."""
    spec = armed.config.instruments[one.index]
    if spec.kind == "inverse":
        return parse_quantity(spec.contract_value).amount
    if not spec.lot_size:
        return Fraction(1) / one.tick
    lot = parse_quantity(spec.lot_size)
    return convert(lot.amount, lot.unit, parse_price_unit(spec.price_unit).unit)
