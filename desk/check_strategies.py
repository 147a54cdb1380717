"""Checks of strategies: levels that make sense, sizes that contracts and bounds allow."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from desk.code import BadCode, load
from desk.config import LegSpec, SpreadSpec, StrategySpec
from desk.findings import Findings, exact, known, rows

STRATEGY_KINDS = ("spread_cross", "ratio_cross", "python")
BANDS = ("price", "z")


def check_strategies(found: Findings, residuals: Mapping[str, Fraction]) -> None:
    """Check every strategy. residuals: what one unit of a spread leaves, in base units."""
    for spec in rows(found.config.strategies):
        spread = found.refer(spec, "spread", found.spreads, "the id of a spread")
        _levels(found, spec)
        _sizes(found, spec)
        if spread is not None:
            _samples(found, spec, spread)
            _traded(found, spec, spread)
            _lots(found, spec, spread)
            _residuals(found, spec, spread, residuals.get(spread.id, Fraction(0)))


def _levels(found: Findings, spec: StrategySpec) -> None:
    found.one_of(spec, "kind", STRATEGY_KINDS)
    found.one_of(spec, "band", BANDS)
    found.not_negative(spec, "min_edge", "rearm")
    if spec.kind == "python":
        _code(found, spec)
        return
    for field in ("code", "parameters"):
        if known(spec, field) and getattr(spec, field):
            found.wrong(spec, field, "nothing: only a strategy of kind python has code and parameters")
    for field in ("entry", "exit"):
        if getattr(spec, field) is None:
            found.wrong(spec, field, "it to be there: a number")
    stated = known(spec, "entry", "exit") and None not in (spec.entry, spec.exit)
    if stated and spec.entry <= spec.exit:
        found.wrong(spec, "entry", f"more than exit, {spec.exit:g}")


def _code(found: Findings, spec: StrategySpec) -> None:
    """The function must be there, and every level is its own."""
    for field, nothing in (("entry", None), ("exit", None), ("center", None), ("band", "price"), ("rearm", 0.0)):
        if known(spec, field) and getattr(spec, field) != nothing:
            found.wrong(spec, field, "nothing: a python strategy has levels of its own, in its parameters")
    if not known(spec, "code"):
        return
    try:
        load(spec.code)
    except BadCode as error:
        found.wrong(spec, "code", str(error), error.nearest)


def _sizes(found: Findings, spec: StrategySpec) -> None:
    found.positive(spec, "clip_units", "max_units", "deadline_ms", "min_samples")
    found.not_negative(spec, "cooldown_ms", "slippage_ticks")
    if known(spec, "clip_units", "max_units") and spec.clip_units > spec.max_units:
        found.wrong(spec, "clip_units", f"at most max_units, {spec.max_units}")


def _samples(found: Findings, spec: StrategySpec, spread: SpreadSpec) -> None:
    if known(spec, "min_samples") and known(spread, "window") and spec.min_samples > spread.window:
        found.wrong(spec, "min_samples", f"at most the window of {spread.id}, {spread.window} samples")
    if spec.kind == "ratio_cross" and known(spread, "legs"):
        _sides(found, spec, spread)


def _sides(found: Findings, spec: StrategySpec, spread: SpreadSpec) -> None:
    if len(spread.legs) != 2:
        found.wrong(spec, "spread", f"a spread of two legs, not {len(spread.legs)}: a ratio has two sides")
        return
    first, second = (leg.ratio if known(leg, "ratio") else 0 for leg in spread.legs)
    if first and second and not first > 0 > second:
        found.wrong(spec, "spread", "a first leg that is bought, a second that is sold: the ratio is first / second")


def _traded(found: Findings, spec: StrategySpec, spread: SpreadSpec) -> None:
    for leg in _known_legs(spread):
        instrument = found.instruments.get(leg.instrument)
        if instrument is not None and instrument.account == "":
            found.wrong(spec, "spread", f"a spread that can be traded: {leg.instrument} has no account")


def _lots(found: Findings, spec: StrategySpec, spread: SpreadSpec) -> None:
    """A clip must fit an order of each leg, and the largest position its position limit."""
    for leg in _known_legs(spread):
        instrument = found.instruments.get(leg.instrument)
        for field, limit in (("clip_units", "max_order_lots"), ("max_units", "max_position_lots")):
            if instrument is None or not instrument.account or not known(instrument, limit) or not known(spec, field):
                continue
            most = getattr(instrument, limit) // abs(leg.ratio)
            if getattr(spec, field) > most:
                found.wrong(spec, field, f"at most {most} units: {limit} of {leg.instrument} allows no more")


def _residuals(found: Findings, spec: StrategySpec, spread: SpreadSpec, left: Fraction) -> None:
    """Whole clips and the whole position must stay within the bounds, where one unit does."""
    for field, bound in (("clip_units", "residual_bound"), ("max_units", "ledger_bound")):
        if left == 0 or not known(spec, field) or not known(spread, bound):
            continue
        most = int(exact(getattr(spread, bound)) / left)
        if getattr(spec, field) > most >= 1:
            found.wrong(spec, field, f"at most {most} units: {bound} of {spread.id} allows no more residual")


def _known_legs(spread: SpreadSpec) -> Iterable[LegSpec]:
    return (leg for leg in rows(spread.legs) if known(leg, "instrument", "ratio") and leg.ratio != 0)
