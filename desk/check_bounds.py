"""The largest numbers that make sense: beyond them sums would overflow, memory would run out, or nobody would wait."""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, Struct

from desk.config import (
    AccountSpec,
    ClockSpec,
    Config,
    CurrencySpec,
    EngineSpec,
    InstrumentSpec,
    LegSpec,
    MarketSpec,
    PoolSpec,
    ProxySpec,
    RepairSpec,
    SpreadSpec,
    StrategySpec,
    TermSpec,
    VenueSpec,
)
from desk.config_rules import RuleSpec, TierSpec
from desk.findings import Findings, is_number, rows

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
MONEY = 4_000_000_000_000  # below 2^62 millionths
PRICE = 1_000_000_000
TICKS = BPS = 10_000
LOTS = 1_000_000_000
UNITS = 1_000_000
COUNT = 1_000_000_000
DEALS = 1_000  # of one time
BUCKET = {"orders_per_s": 100_000, "order_burst": 1_000_000, "repair_reserve": 1_000_000}

# The largest magnitude of each number, either sign; what has a bound of its own elsewhere is not repeated.
MOST: dict[type[Struct], dict[str, float]] = {
    EngineSpec: {
        "timer_ms": MINUTE_MS, "sample_ms": HOUR_MS, "ack_timeout_ms": HOUR_MS, "query_every_ms": HOUR_MS,
        "stop_timeout_ms": HOUR_MS, "segment_mb": 4096, "sync_ms": HOUR_MS, "circuit_rejects": 1000,
        "circuit_ms": HOUR_MS, "max_day_loss": MONEY, "max_drawdown": MONEY, "drawdown_window_h": 24 * 366,
        "max_unbalanced": DEALS, "max_naked_day_ms": DAY_MS,
    },
    ClockSpec: {"speed": 100_000},
    CurrencySpec: {"fixed_rate": PRICE, "max_exposure": MONEY},
    VenueSpec: {"max_silence_ms": HOUR_MS} | BUCKET,
    MarketSpec: {"max_gross": MONEY, "max_net": MONEY},
    AccountSpec: {
        "max_order_value": MONEY, "max_working_orders": LOTS, "orders_a_day": COUNT, "cancels_a_day": COUNT,
        "trades_a_day": COUNT, "max_gross": MONEY, "max_net": MONEY, "max_day_loss": MONEY, "max_drawdown": MONEY,
    } | BUCKET,
    RuleSpec: {
        "orders": COUNT, "cancels": COUNT, "trades": COUNT, "reserve": COUNT, "frequent_cancels": COUNT,
        "frequent_reserve": COUNT, "large_lots": LOTS, "large_cancels": COUNT, "large_reserve": COUNT,
        "self_trades": COUNT, "opening_lots": LOTS, "position_lots": LOTS, "max_order_to_trade": 1_000_000,
        "order_to_trade_from": COUNT, "max_message_fee": MONEY,
    },
    TierSpec: {"from_messages": COUNT, "from_order_to_trade": 1_000_000, "fee": MONEY},
    PoolSpec: {"capital": MONEY},
    InstrumentSpec: {
        "fee_per_lot": MONEY, "fee_bps": BPS, "close_today_fee_per_lot": MONEY, "close_today_fee_bps": BPS,
        "max_age_ms": DAY_MS, "max_width_bps": BPS, "max_order_lots": LOTS, "max_order_value": MONEY,
        "max_position_lots": LOTS, "collar_bps": BPS, "close_guard_s": 86_400, "collar_ticks": LOTS,
        "max_gross_lots": LOTS, "max_working_orders": LOTS,
    },
    SpreadSpec: {
        "ratio_k": 1_000_000, "max_skew_ms": DAY_MS, "residual_bound": MONEY, "ledger_bound": MONEY,
        "max_slippage_bps": BPS, "window": 100_000, "max_total_slippage_bps": BPS, "max_units": UNITS,
    },
    LegSpec: {"ratio": 10_000, "price_weight": 1_000_000},
    TermSpec: {"vat_pct": 1000, "duty_pct": 1000, "premium": PRICE, "cost": PRICE},
    StrategySpec: {
        "entry": PRICE, "exit": PRICE, "center": PRICE, "min_edge": PRICE, "rearm": PRICE, "clip_units": UNITS,
        "max_units": UNITS, "cooldown_ms": DAY_MS, "slippage_ticks": TICKS, "deadline_ms": HOUR_MS,
        "align_ms": HOUR_MS, "flatten_s": 86_400, "orders_per_s": 100_000, "order_burst": 1_000_000,
        "duplicate_window_ms": HOUR_MS, "max_duplicates": COUNT, "execution_window_ms": DAY_MS,
        "max_executions": 100_000, "max_unbalanced": DEALS, "max_naked_day_ms": DAY_MS, "max_day_loss": MONEY,
        "max_drawdown": MONEY, "pool_weight": 1_000_000, "pool_priority": 1_000_000, "pool_reserve": MONEY,
    },
    RepairSpec: {
        "pay_up_ticks": TICKS, "band_bps": BPS, "risk_aversion": 1_000_000, "lean_ms": HOUR_MS, "lean_ticks": TICKS,
        "wide_band_bps": BPS, "lock_wait_ms": HOUR_MS,
    },
    ProxySpec: {"lot_base": 1_000_000_000},
}  # fmt: skip
# The smallest of those that may not come near 0.
LEAST: dict[type[Struct], dict[str, float]] = {ClockSpec: {"speed": 0.001}, CurrencySpec: {"fixed_rate": 1e-9}}
LARGEST_RUNGS = 20


def check_bounds(found: Findings) -> None:
    """Check every number of the config that has a bound here; that there is something to trade at all."""
    for spec in _specs(found.config):
        for field, most in MOST.get(type(spec), {}).items():
            _at_most(found, spec, field, most)
        for field, least in LEAST.get(type(spec), {}).items():
            value = getattr(spec, field)
            if value is not UNSET and 0 < value < least:
                found.wrong(spec, field, f"at least {least:g}")
    _ladders(found)
    _emptiness(found)


def _at_most(found: Findings, spec: Struct, field: str, most: float) -> None:
    numbers = getattr(spec, field)
    for number in rows(numbers) if isinstance(numbers, list) else [numbers]:
        if is_number(number) and abs(number) > most:
            found.wrong(spec, field, f"at most {most:,}")
            return


def _ladders(found: Findings) -> None:
    for spec in rows(found.config.strategies):
        repair = spec.repair
        if repair is not UNSET and isinstance(repair.pay_up_ticks, list) and len(repair.pay_up_ticks) > LARGEST_RUNGS:
            found.wrong(repair, "pay_up_ticks", f"at most {LARGEST_RUNGS} of them")


def _emptiness(found: Findings) -> None:
    for field, what in (("instruments", "instrument"), ("spreads", "spread")):
        if getattr(found.config, field) == []:
            found.wrong(found.config, field, f"at least one {what}: there is nothing to watch")
    if found.config.strategies == []:
        found.notes.append("no strategy: the engine watches its spreads and trades nothing")


def _specs(config: Config) -> Iterator[Any]:
    """Every readable table of the config, those inside others too."""
    yield from (spec for spec in (config.engine, config.clock) if spec is not UNSET)
    for table in (
        config.currencies, config.venues, config.accounts, config.markets, config.pools, config.rules,
        config.instruments, config.spreads,
    ):  # fmt: skip
        yield from rows(table)
    for rule in rows(config.rules):
        yield from rows(rule.message_fees)
    for spread in rows(config.spreads):
        yield from rows(spread.legs)
        yield from rows(spread.terms)
    for strategy in rows(config.strategies):
        yield strategy
        if strategy.repair is not UNSET:
            yield strategy.repair
            yield from rows(strategy.repair.proxies)
