"""The rule that both strategies share: enter outside a band around a center, leave when back, never on a mid alone."""

from engine.jit import njit
from engine.ports import BUY, SELL
from engine.records import ENTRY, EXIT

QUIET = 0


@njit
def band_side(strategy, signal, buy, sell, cost, center, scale, now_ns):
    """(side, purpose) of the band rule, (QUIET, ENTRY) where it sees nothing to do.

    signal: the mid, which must be outside `center +- entry * scale`. buy, sell: what can be executed; an entry must
    still earn min_edge after all costs when it is taken back at the exit band. Exits go by the executable price alone.
    Also keeps the strategy's arming (hysteresis) and counts the episodes in which an entry was to be had.
    """
    away = signal - center
    entry, leave = strategy.entry * scale, strategy.exit * scale
    inside = (strategy.entry - strategy.rearm) * scale
    if strategy.rearm <= 0.0 or away > -inside:
        strategy.armed[0] = 1
    if strategy.rearm <= 0.0 or away < inside:
        strategy.armed[1] = 1
    cheap = away <= -entry and (center - leave) - buy - cost >= strategy.min_edge
    dear = away >= entry and sell - (center + leave) - cost >= strategy.min_edge
    if (cheap or dear) and strategy.opportunity_open == 0:
        strategy.opportunities += 1
    strategy.opportunity_open = 1 if cheap or dear else 0
    if strategy.open_deals > 0 or now_ns - strategy.last_decision_ns < strategy.cooldown_ns:
        return QUIET, ENTRY
    held = strategy.position_units
    if held > 0 and sell >= center - leave:
        return SELL, EXIT
    if held < 0 and buy <= center + leave:
        return BUY, EXIT
    if cheap and held >= 0 and held < strategy.max_units and strategy.armed[0]:
        return BUY, ENTRY
    if dear and held <= 0 and -held < strategy.max_units and strategy.armed[1]:
        return SELL, ENTRY
    return QUIET, ENTRY
