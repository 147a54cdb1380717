"""The parts of the state that only limit: buckets, levels, losses, and the meters of a trading day."""

from decimal import Decimal

from desk.config import Config
from desk.rules import MICROS, MeterSpec, limit_micros, places_of
from engine.schema import NO_LIMIT
from engine.state import State


def fill_loss(row, spec) -> None:
    row["max_loss_micros"], row["max_drawdown_micros"] = (
        limit_micros(spec.max_day_loss),
        limit_micros(spec.max_drawdown),
    )


def fill_bucket(row, spec, reserve: int) -> None:
    row["tokens"] = row["tokens_max"] = spec.order_burst * MICROS
    row["tokens_per_s"] = spec.orders_per_s * MICROS
    row["tokens_reserve"] = reserve * MICROS


def fill_levels(row, spec) -> None:
    for level in ("warn", "soft", "hard"):
        row[f"{level}_bps"] = round(getattr(spec, f"{level}_pct") * 100)


def fill_meters(state: State, config: Config, meters: list[MeterSpec]) -> None:
    at = 0
    for row, spec in zip(state.meter, meters, strict=True):
        row["kind"], row["first"] = spec.kind, spec.first
        row["limit"], row["reserve"] = spec.limit, spec.reserve
        row["large_lots"] = row["max_otr_e2"] = row["max_fee_micros"] = NO_LIMIT
        for name, value in spec.numbers.items():
            row[name] = value
        row["tier_at"], row["tier_n"] = at, len(spec.tiers)
        for tier in sorted(spec.tiers, key=lambda tier: (tier.from_messages, tier.from_order_to_trade)):
            fee = micros(tier.fee)
            state.tier[at] = tier.from_messages, round(tier.from_order_to_trade * 100), fee
            at += 1
    last: dict[int, int] = {}
    state.instrument["next_of_contract"] = state.instrument["next_of_product"] = -1
    for index, places in enumerate(places_of(config, meters)):
        row = state.instrument[index]
        row["contract"], row["product"] = places
        for meter, link in zip(places, ("next_of_contract", "next_of_product"), strict=True):
            if meter in last and meter >= 0:
                state.instrument[last[meter]][link] = index
            last[meter] = index


def shares_out(config: Config, legs: list[str]) -> bool:
    """Whether a pool that these instruments draw on is shared out between strategies."""
    accounts = {spec.account for spec in config.instruments if spec.id in legs}
    pools = {spec.pool for spec in config.accounts if spec.id in accounts}
    return any(spec.policy != "shared" for spec in config.pools if spec.id in pools)


def micros(amount: float) -> int:
    return int(Decimal(repr(amount)) * MICROS)
