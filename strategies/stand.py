"""Why a strategy does not decide at this moment: the conditions of `signals` and `band` in their order, and no effect.

Each answer is (reason, switch, value, bound): a STAND_* of `engine.records`, the strictest switch over the strategy,
what was seen, and what it was held against, in the reason's unit: seconds of a cooldown and of a close, counts of
samples, deals and units, bits of a blocked price, levels of a switch, and else the unit of the strategy's signal.
"""

from engine.jit import njit
from engine.records import (
    ENTRY,
    EXIT,
    STAND_ARMED,
    STAND_CLOSE,
    STAND_CODE,
    STAND_COOLDOWN,
    STAND_DEAL,
    STAND_EDGE,
    STAND_LIMIT,
    STAND_PRICE,
    STAND_READY,
    STAND_SAMPLES,
    STAND_SIGNAL,
    STAND_SIZE,
    STAND_SWITCH,
)
from engine.schema import ACTIVE, HALTED, NO_LIMIT, REDUCE_ONLY
from engine.tables import (
    accounts_of,
    head_of,
    instruments_of,
    markets_of,
    spreads_of,
    strategies_of,
    venues_of,
)
from strategies import ratio_cross, spread_cross
from strategies.band import QUIET, edges, exit_side, most_units, rearmed
from strategies.signals import PYTHON, SPREAD_CROSS, to_close_ns, wanted_units

_S = 1e-9  # of a nanosecond


@njit
def switch_over(base, strategy, spread):
    """The strictest switch of every scope that covers a strategy: all, its own, its spread's, its legs' venues', their
    markets' and their accounts'."""
    instruments = instruments_of(base)
    venues = venues_of(base)
    worst = max(head_of(base).switch, strategy.switch, spread.switch)
    for leg in range(spread.legs):
        row = instruments[spread.instrument[leg]]
        venue = venues[row.venue]
        worst = max(worst, venue.switch, markets_of(base)[venue.market].switch)
        if row.account >= 0:
            worst = max(worst, accounts_of(base)[row.account].switch)
    return worst


@njit
def stand_of(base, index, now_ns):
    """Why strategy `index` does not decide now; STAND_READY where it would, and nothing but the gate could stop it."""
    strategy = strategies_of(base)[index]
    spread = spreads_of(base)[strategy.spread]
    switch = switch_over(base, strategy, spread)
    reason, value, bound = _stand(base, strategy, spread, switch, now_ns)
    return reason, switch, value, bound


@njit
def _stand(base, strategy, spread, switch, now_ns):
    held, near_ns = strategy.position_units, strategy.flatten_ns
    if switch == HALTED or (switch == REDUCE_ONLY and held == 0):
        return STAND_SWITCH, float(switch), float(ACTIVE if held == 0 else REDUCE_ONLY)
    if spread.blocked:
        return STAND_PRICE, float(spread.blocked), 0.0
    if (not strategy.fixed_center or strategy.band) and spread.samples < strategy.min_samples:
        return STAND_SAMPLES, float(spread.samples), float(strategy.min_samples)
    left_ns = to_close_ns(base, spread, now_ns) if near_ns >= 0 else NO_LIMIT
    flattens = near_ns >= 0 and left_ns <= near_ns
    if flattens and held == 0:
        return STAND_CLOSE, left_ns * _S, near_ns * _S
    if strategy.kind == PYTHON and not flattens and spread.samples < strategy.min_samples:
        return STAND_SAMPLES, float(spread.samples), float(strategy.min_samples)
    if strategy.open_deals > 0 or spread.open_deals > 0:
        return STAND_DEAL, float(max(strategy.open_deals, spread.open_deals)), 0.0
    waited_ns = now_ns - strategy.last_decision_ns
    if waited_ns < strategy.cooldown_ns:
        return STAND_COOLDOWN, waited_ns * _S, strategy.cooldown_ns * _S
    if flattens:
        return _size(strategy, spread, -1 if held > 0 else 1, EXIT)
    if strategy.kind == PYTHON:
        return STAND_CODE, 0.0, 0.0
    return _band(strategy, spread, switch)


@njit
def _size(strategy, spread, side, purpose):
    """The last condition of all: a whole unit of what is wanted can be traded."""
    units = wanted_units(strategy, spread, side, purpose, strategy.clip_units)
    return STAND_READY if units > 0 else STAND_SIZE, float(units), 1.0


@njit
def _band(strategy, spread, switch):
    """The conditions of the band rule. Signals and edges are those of the side that is nearest to an entry."""
    if strategy.kind == SPREAD_CROSS:
        signal, buy, sell, cost, center, scale = spread_cross.sight(strategy, spread)
    else:
        signal, buy, sell, cost, center, scale = ratio_cross.sight(strategy, spread)
    back = exit_side(strategy, buy, sell, center, scale)
    if back != QUIET:
        return _size(strategy, spread, back, EXIT)
    if switch == REDUCE_ONLY:
        return STAND_SWITCH, float(switch), float(ACTIVE)
    held, most = strategy.position_units, most_units(strategy)
    if abs(held) >= most:
        return STAND_LIMIT, float(abs(held)), float(most)
    away, entry = signal - center, strategy.entry * scale
    cheap, dear = away <= -entry and held >= 0, away >= entry and held <= 0
    if not cheap and not dear:
        # What is held can only be added to, so a signal on its other side counts as below zero.
        return STAND_SIGNAL, abs(away) if held == 0 else (-away if held > 0 else away), entry
    buy_edge, sell_edge = edges(strategy, buy, sell, cost, center, scale)
    seen = buy_edge if cheap and (not dear or buy_edge >= sell_edge) else sell_edge
    cheap, dear = cheap and buy_edge >= strategy.min_edge, dear and sell_edge >= strategy.min_edge
    if not cheap and not dear:
        return STAND_EDGE, seen, strategy.min_edge
    armed_buy, armed_sell = rearmed(strategy, away, scale)
    if not (cheap and armed_buy) and not (dear and armed_sell):
        return STAND_ARMED, abs(away), (strategy.entry - strategy.rearm) * scale
    return _size(strategy, spread, 1 if cheap and armed_buy else -1, ENTRY)
