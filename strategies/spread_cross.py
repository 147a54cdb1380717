"""spread_cross: the difference (点差) as the signal, the executable price (对价) as the limit."""

from engine.jit import njit
from strategies.band import band_side


@njit
def sight(strategy, spread):
    """(signal, buy, sell, cost, center, scale) as the band rule wants them, in spread currency a base unit."""
    center = strategy.center if strategy.fixed_center else spread.mean[0]
    scale = spread.sd[0] if strategy.band else 1.0
    return spread.diff, spread.buy, spread.sell, spread.cost + spread.fee, center, scale


@njit
def decide(strategy, spread, now_ns):
    """(side, purpose, signal, executable, center, threshold, cost), prices in spread currency a base unit."""
    signal, buy, sell, cost, center, scale = sight(strategy, spread)
    side, purpose = band_side(strategy, signal, buy, sell, cost, center, scale, now_ns)
    return side, purpose, signal, buy if side > 0 else sell, center, strategy.entry * scale, cost
