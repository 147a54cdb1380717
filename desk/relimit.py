"""What of the trading state is a limit: which columns a reload and a new date write anew, and which they never touch.

Every column of `engine/schema.py` stands in exactly one of three lists. LIMITS: stated by the config, written anew.
FIXED: stated by the config too, and the same as long as the journal is: ids, legs, ticks, places of other rows.
REMEMBERED: the engine's own. A reload therefore is one copy of columns between two inputs: nobody sees half of it.
"""

import msgspec
import numpy as np

from desk.build import Names, build_state
from desk.config import Config
from engine.core import Core
from engine.schema import TABLES
from engine.state import State

_BUCKET = ("tokens_max", "tokens_per_s", "tokens_reserve")
_LOSS = ("max_loss_micros", "max_drawdown_micros")
_PERCENT = ("warn_bps", "soft_bps", "hard_bps")
_SIZES = ("max_gross_micros", "max_net_micros")

LIMITS: dict[str, tuple[str, ...]] = {
    "head": ("max_unbalanced", "max_naked_ns", *_LOSS),
    "market": _SIZES,
    "venue": ("max_silence_ns", *_BUCKET),
    "account": ("max_working_orders", "max_order_micros", *_SIZES, *_PERCENT, *_BUCKET, *_LOSS),
    "pool": ("capital_micros", "policy", *_PERCENT),
    "currency": ("max_exposure_micros",),
    "instrument": (
        "margin_bps", "fee_micros", "fee_e7", "fee_today_micros", "fee_today_e7", "max_order_lots", "max_order_micros",
        "max_position_lots", "collar_bps", "collar_ticks", "max_age_ns", "max_width_bps", "lower_limit_ticks",
        "upper_limit_ticks", "close_guard_ns", "banded", "max_gross_lots", "max_working_orders", "margin_base",
        "settlement_ticks", "maintenance_bps", "one_side", "permitted",
    ),
    "spread": (
        "weight", "premium", "cost", "fee_micros", "fee_e7", "max_skew_ns", "residual_bound_ubase",
        "ledger_bound_ubase", "max_slippage_bps", "max_total_slippage_bps", "max_units",
    ),
    "strategy": (
        "min_edge", "max_units", "duplicate_window_ns", "max_duplicates", "execution_window_ns", "max_unbalanced",
        "max_naked_ns", "weight", "priority", "reserve_micros", *_BUCKET, *_LOSS,
    ),
    "meter": (
        "limit", "reserve", "large_lots", "ioc_counts", "max_position_lots", "max_otr_e2", "otr_from", "tier_at",
        "tier_n", "max_fee_micros",
    ),
    "tier": ("from_messages", "from_otr_e2", "fee_micros"),
}  # fmt: skip
FIXED: dict[str, tuple[str, ...]] = {
    "head": ("size", *(f"{kind}_{name}" for kind in ("at", "n") for name in TABLES), "shadow"),
    "venue": ("market",),
    "account": ("venue", "pool", "currency", "meter"),
    "currency": ("instrument", "fixed_rate"),
    "instrument": (
        "venue", "account", "currency", "kind", "position_mode", "tick", "tick_micros", "may_lock", "expires_ns",
        "touch_at", "touch_n", "contract", "product", "next_of_contract", "next_of_product",
    ),
    "spread": (
        "legs", "instrument", "fx", "ratio", "landed", "hedge_ubase", "hedge_weight", "unit_ubase", "ratio_k",
        "strategy_at", "strategy_n", "window", "ring_at", "hedge_leg",
    ),
    "touch": ("spread",),
    "strategy": (
        "kind", "spread", "band", "fixed_center", "entry", "exit", "center", "rearm", "clip_units", "cooldown_ns",
        "slippage_ticks", "deadline_ns", "min_samples", "dispatch", "lead_leg", "align_ns", "flatten_ns", "shadow",
        "execution_at", "execution_n", "stake_at", "stake_n", "repair_tries",
    ),
    "stake": ("strategy", "instrument"),
    "meter": ("kind", "first"),
}  # fmt: skip
REMEMBERED: dict[str, tuple[str, ...]] = {
    "head": (
        "now_ns", "clock_base_ns", "clock_start_ns", "clock_speed_milli", "epoch", "order_counter", "decision_counter",
        "switch", "limits_version", "quotes", "quotes_blocked", "decisions", "cleared", "denied", "orders_sent",
        "live_orders", "live_deals", "unbalanced_deals", "no_room", "naked_ns", "trading_day", "pnl_micros",
        "peak_micros",
    ),
    "market": ("switch",),
    "venue": ("link", "heard_ns", "switch", "in_doubt", "tokens", "tokens_ns"),
    "account": (
        "capital_micros", "held_micros", "used_micros", "maintenance_micros", "transit_micros", "switch", "live_orders",
        "gross_micros", "net_micros", "drifts", "unmarked", "level", "tokens", "tokens_ns", "pnl_micros", "peak_micros",
    ),
    "pool": ("level", "transit_micros"),
    "instrument": ("open_ns", "close_ns", "trading_day", "live_orders", "rejects", "broken_until_ns", "lock_cancels"),
    "book": TABLES["book"].names,
    "position": TABLES["position"].names,
    "spread": (
        "switch", "blocked", "diff", "buy", "sell", "ratio_mid", "ratio_buy", "ratio_sell", "second_mid", "fee",
        "buy_units", "sell_units", "oldest_ns", "newest_ns", "ring_next", "samples", "mean", "m2", "sd", "open_deals",
        "residual_ubase", "hedge_next_ns",
    ),
    "ring": ("value",),
    "strategy": (
        "switch", "cap_units", "allocated_micros", "pool_used_micros", "duplicate_key", "duplicate_ns", "duplicates",
        "execution_next", "executions", "unbalanced", "naked_ns", "tokens", "tokens_ns", "pnl_micros", "peak_micros",
        "position_units", "open_deals", "last_decision_ns", "armed", "opportunities", "opportunity_open",
    ),
    "stake": ("lots", "cash_micros"),
    "execution": ("at_ns",),
    "meter": ("trading_day", "used", "held", "reserved"),
    "order": TABLES["order"].names,
    "deal": TABLES["deal"].names,
    "scratch": TABLES["scratch"].names,
}  # fmt: skip
_PRICED_BY = ("weight", "premium")
_ROLLING = ("ring_next", "samples", "mean", "m2", "sd")
_BANDS = ("lower_limit_ticks", "upper_limit_ticks")
_LEAST_ROWS = (1, 1)  # of orders and deals, in a state that is only read for its limits


class Relimit:
    """`core.relimit`: writes a config's limits of a date into the running tables. config: whose limits are in force."""

    def __init__(self, core: Core, config: Config):
        self.config = config
        self._core = core

    def __call__(self, config: dict | None, market_date: str) -> int:
        """How many numbers have changed. config: as the journal holds it, None for the one in force."""
        if config is not None:
            self.config = msgspec.convert(config, Config)
        return copy_limits(self._core.state, limits_of(self.config, market_date), self._core.told_bands)


def limits_of(config: Config, market_date: str) -> State:
    """A state that holds the limits of a config on a date."""
    return build_state(Names(config), market_date, _LEAST_ROWS)


def misfit(state: State, fresh: State) -> str:
    """Why the limits of a fresh state do not fit into the running tables, in words; "" where they do."""
    if len(fresh.tier) > len(state.tier):
        return f"at most {len(state.tier)} steps of message fees in all, not {len(fresh.tier)}: a restart makes room"
    for name in LIMITS:
        if name not in ("head", "tier") and len(getattr(fresh, name)) != len(getattr(state, name)):
            return f"as many rows of {name} as the journal began with"
    return ""


def copy_limits(state: State, fresh: State, told_bands: set[int]) -> int:
    """Copy every limit; how many numbers were others. told_bands: contracts whose price limits are the venue's word.

    A token bucket keeps its tokens, as far as they fit into it. A spread whose price is made otherwise from now on (a
    duty, a premium) forgets its rolling statistics: against the old mean every price would look like a signal.
    """
    changed = 0
    _begin_anew(state.spread, fresh.spread)
    for name, columns in LIMITS.items():
        table, other = getattr(state, name), getattr(fresh, name)
        for column in columns:
            mine = table[column]
            theirs = np.array(other[column])
            if name == "tier":
                theirs = np.concatenate([theirs, np.zeros(len(mine) - len(theirs), theirs.dtype)])
            if column in _BANDS:
                kept = sorted(told_bands)
                theirs[kept] = mine[kept]
            changed += int(np.count_nonzero(mine != theirs))
            table[column] = theirs
    for table in (state.venue, state.account, state.strategy):
        table["tokens"] = np.minimum(table["tokens"], table["tokens_max"])
    return changed


def _begin_anew(spreads: np.ndarray, fresh: np.ndarray) -> None:
    for row, other in zip(spreads, fresh, strict=True):
        if any((row[name] != other[name]).any() for name in _PRICED_BY):
            for name in _ROLLING:
                row[name] = 0
