"""The rule that both strategies share: enter outside a band around a center, leave when back, never on a mid alone."""

from engine.jit import njit
from engine.ports import BUY, SELL
from engine.records import ENTRY, EXIT

QUIET = 0


@njit
def most_units(strategy):
    """Units that a strategy may hold now: its own maximum, within the cap of its ramp."""
    return min(strategy.max_units, strategy.cap_units)


@njit
def edges(strategy, buy, sell, cost, center, scale):
    """What an entry on each side (buying, selling) earns after all costs, when taken back at the exit band."""
    leave = strategy.exit * scale
    return (center - leave) - buy - cost, sell - (center + leave) - cost


@njit
def exit_side(strategy, buy, sell, center, scale):
    """The side that exits what is held, QUIET where nothing is or the executable price is not back yet."""
    leave, held = strategy.exit * scale, strategy.position_units
    if held > 0 and sell >= center - leave:
        return SELL
    if held < 0 and buy <= center + leave:
        return BUY
    return QUIET


@njit
def rearmed(strategy, away, scale):
    """Whether each side (buying, selling) is armed by a signal so far away from the center."""
    inside = (strategy.entry - strategy.rearm) * scale
    free = strategy.rearm <= 0.0
    return strategy.armed[0] != 0 or free or away > -inside, strategy.armed[1] != 0 or free or away < inside


@njit
def band_side(strategy, signal, buy, sell, cost, center, scale, now_ns):
    """(side, purpose) of the band rule, (QUIET, ENTRY) where it sees nothing to do.

    signal: the mid, which must be outside `center +- entry * scale`. buy, sell: what can be executed; an entry must
    still earn min_edge after all costs when it is taken back at the exit band. Exits go by the executable price alone.
    Also keeps the strategy's arming (hysteresis) and counts the episodes in which an entry was to be had.
    """
    away, entry = signal - center, strategy.entry * scale
    armed_buy, armed_sell = rearmed(strategy, away, scale)
    strategy.armed[0] = 1 if armed_buy else 0
    strategy.armed[1] = 1 if armed_sell else 0
    buy_edge, sell_edge = edges(strategy, buy, sell, cost, center, scale)
    cheap = away <= -entry and buy_edge >= strategy.min_edge
    dear = away >= entry and sell_edge >= strategy.min_edge
    if (cheap or dear) and strategy.opportunity_open == 0:
        strategy.opportunities += 1
    strategy.opportunity_open = 1 if cheap or dear else 0
    if strategy.open_deals > 0 or now_ns - strategy.last_decision_ns < strategy.cooldown_ns:
        return QUIET, ENTRY
    back = exit_side(strategy, buy, sell, center, scale)
    if back != QUIET:
        return back, EXIT
    held, most = strategy.position_units, most_units(strategy)
    if cheap and held >= 0 and held < most and armed_buy:
        return BUY, ENTRY
    if dear and held <= 0 and -held < most and armed_sell:
        return SELL, ENTRY
    return QUIET, ENTRY
