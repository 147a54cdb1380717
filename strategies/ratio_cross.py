"""ratio_cross: the ratio (比值) of the converted legs against its band, in ratio points or as a z-score."""

from engine.jit import njit
from strategies.band import band_side


@njit
def sight(strategy, spread):
    """(signal, buy, sell, cost, center, scale) as the band rule wants them, ratios; the cost is a share of leg two."""
    center = strategy.center if strategy.fixed_center else spread.mean[1]
    scale = spread.sd[1] if strategy.band else 1.0
    cost = (spread.cost + spread.fee) / spread.second_mid * spread.ratio_k
    return spread.ratio_mid, spread.ratio_buy, spread.ratio_sell, cost, center, scale


@njit
def decide(strategy, spread, now_ns):
    """(side, purpose, signal, executable, center, threshold, cost), all as ratios."""
    signal, buy, sell, cost, center, scale = sight(strategy, spread)
    side, purpose = band_side(strategy, signal, buy, sell, cost, center, scale, now_ns)
    return side, purpose, signal, buy if side > 0 else sell, center, strategy.entry * scale, cost
