"""spread_cross: the difference (点差) as the signal, the executable price (对价) as the limit."""

from engine.jit import njit
from strategies.band import band_side


@njit
def decide(strategy, spread, now_ns):
    """(side, purpose, signal, executable, center, threshold, cost), prices in spread currency a base unit."""
    center = strategy.center if strategy.fixed_center else spread.mean[0]
    scale = spread.sd[0] if strategy.band else 1.0
    cost = spread.cost + spread.fee
    side, purpose = band_side(strategy, spread.diff, spread.buy, spread.sell, cost, center, scale, now_ns)
    executable = spread.buy if side > 0 else spread.sell
    return side, purpose, spread.diff, executable, center, strategy.entry * scale, cost
