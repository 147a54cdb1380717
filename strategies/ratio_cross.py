"""ratio_cross: the ratio (比值) of the converted legs against its band, in ratio points or as a z-score."""

from engine.jit import njit
from strategies.band import band_side


@njit
def decide(strategy, spread, now_ns):
    """(side, purpose, signal, executable, center, threshold, cost), all as ratios; the cost is a share of leg two."""
    center = strategy.center if strategy.fixed_center else spread.mean[1]
    scale = spread.sd[1] if strategy.band else 1.0
    cost = (spread.cost + spread.fee) / spread.second_mid * spread.ratio_k
    side, purpose = band_side(
        strategy, spread.ratio_mid, spread.ratio_buy, spread.ratio_sell, cost, center, scale, now_ns
    )
    executable = spread.ratio_buy if side > 0 else spread.ratio_sell
    return side, purpose, spread.ratio_mid, executable, center, strategy.entry * scale, cost
