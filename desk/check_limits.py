"""Checks of what limits: each is stated or said to be "none", and those that belong together fit together.

The mode and the ramp of a strategy are checked with its release, the rules of exchanges in `desk/check_rules.py`.
"""

from collections.abc import Iterable
from fractions import Fraction

from msgspec import UNSET, Struct

from desk.config import (
    AccountSpec,
    CurrencySpec,
    EngineSpec,
    InstrumentSpec,
    MarketSpec,
    SpreadSpec,
    StrategySpec,
    VenueSpec,
)
from desk.findings import Findings, exact, is_number, known, positive_decimal, rows
from desk.rules import group_of
from engine.schema import MARGIN_BASES, MARKETS, POOL_POLICIES

MOST_RESERVE_PCT = 50.0
_SAID = 'a number, or "none": what nobody has said is denied'


def check_limits(found: Findings) -> None:
    """Check the limits of engine, currencies, markets, venues, accounts, pools, instruments, spreads and strategies."""
    config = found.config
    if config.engine is not UNSET:
        _engine(found, config.engine)
    for checks, specs in (
        (_currency, config.currencies), (_venue, config.venues), (_account, config.accounts),
        (_instrument, config.instruments), (_spread, config.spreads), (_strategy, config.strategies),
    ):  # fmt: skip
        for spec in rows(specs):
            checks(found, spec)
    _markets(found, rows(config.markets))
    for spec in rows(config.pools):
        found.one_of(spec, "policy", POOL_POLICIES)
    _pool_reserves(found)


def _said(found: Findings, spec: Struct, *fields: str) -> None:
    for field in fields:
        if getattr(spec, field) is None:
            found.wrong(spec, field, _SAID)


def _engine(found: Findings, spec: EngineSpec) -> None:
    _said(found, spec, "max_day_loss", "max_drawdown")
    found.not_negative(spec, "max_day_loss", "max_drawdown", "max_unbalanced", "max_naked_day_ms")
    found.positive(spec, "drawdown_window_h")


def _currency(found: Findings, spec: CurrencySpec) -> None:
    _said(found, spec, "max_exposure")
    found.not_negative(spec, "max_exposure")


def _venue(found: Findings, spec: VenueSpec) -> None:
    found.not_negative(spec, "repair_reserve")


def _markets(found: Findings, specs: list[MarketSpec]) -> None:
    seen = set()
    for spec in specs:
        found.one_of(spec, "id", MARKETS)
        if spec.id in seen:
            found.wrong(spec, "id", "a market that is stated once")
        seen.add(spec.id)
        _said(found, spec, "max_gross", "max_net")
        found.not_negative(spec, "max_gross", "max_net")


def _account(found: Findings, spec: AccountSpec) -> None:
    limits = (
        "max_order_value", "orders_a_day", "cancels_a_day", "trades_a_day", "max_gross", "max_net", "max_day_loss",
        "max_drawdown",
    )  # fmt: skip
    _said(found, spec, *limits)
    found.not_negative(spec, *limits, "max_working_orders", "repair_reserve")
    found.positive(spec, "orders_per_s", "order_burst")
    found.less(spec, "repair_reserve", "order_burst", "entries need some of it")
    if known(spec, "day_reserve_pct") and not 0 <= spec.day_reserve_pct <= MOST_RESERVE_PCT:
        found.wrong(spec, "day_reserve_pct", f"0 to {MOST_RESERVE_PCT:g}: the rest is for what is new")
    found.levels(spec)
    found.instruments_of(spec, "allow")
    if known(spec, "group") and spec.group:
        _group(found, spec)


def _group(found: Findings, spec: AccountSpec) -> None:
    """An exchange counts the accounts of a group as one, so they are in one market."""
    mine = found.venues.get(spec.venue) if known(spec, "venue") else None
    for other in rows(found.config.accounts):
        if not known(other, "id", "group", "venue") or other is spec or group_of(other) != spec.group:
            continue
        venue = found.venues.get(other.venue)
        if mine is not None and venue is not None and known(venue, "market") and mine.market != venue.market:
            found.wrong(spec, "group", f"accounts in one market: {other.id} of this group is {venue.market}")
            return


def _instrument(found: Findings, spec: InstrumentSpec) -> None:
    _said(found, spec, "collar_ticks", "max_gross_lots")
    found.not_negative(spec, "collar_ticks", "max_gross_lots", "max_working_orders")
    found.one_of(spec, "margin_base", MARGIN_BASES)
    if known(spec, "settlement", "margin_base"):
        _settlement(found, spec)
    kept, margin = spec.maintenance_pct, spec.margin_pct
    if is_number(kept) and kept <= 0:
        found.wrong(spec, "maintenance_pct", "more than 0")
    elif is_number(kept) and is_number(margin) and kept > margin:
        found.wrong(spec, "maintenance_pct", f"at most margin_pct, {margin:g}")


def _settlement(found: Findings, spec: InstrumentSpec) -> None:
    if not spec.settlement:
        if spec.margin_base == "settlement":
            found.wrong(spec, "settlement", "the settlement price of the day before: margin_base is settlement")
        return
    price = found.parsed(spec, "settlement", positive_decimal)
    tick = _tick(spec)
    if price is not None and tick is not None and (price / tick).denominator != 1:
        found.wrong(spec, "settlement", f"a multiple of the tick, {spec.tick}")


def _tick(spec: InstrumentSpec) -> Fraction | None:
    try:
        return positive_decimal(spec.tick) if known(spec, "tick") else None
    except ValueError:
        return None  # told of the tick itself


def _spread(found: Findings, spec: SpreadSpec) -> None:
    found.whole_bps(spec, "max_total_slippage_bps")
    _said(found, spec, "max_units")
    found.positive(spec, "max_units")


def _strategy(found: Findings, spec: StrategySpec) -> None:
    limits = ("max_day_loss", "max_drawdown")
    _said(found, spec, *limits)
    found.not_negative(
        spec, *limits, "duplicate_window_ms", "max_duplicates", "max_unbalanced", "max_naked_day_ms", "pool_priority",
        "pool_reserve",
    )  # fmt: skip
    found.positive(spec, "orders_per_s", "order_burst", "execution_window_ms", "max_executions", "pool_weight")
    found.instruments_of(spec, "allow")
    if known(spec, "allow", "spread", "id") and spec.allow is not None:
        missing = [name for name in legs_of(found, spec) if name not in spec.allow]
        if missing:
            found.wrong(spec, "allow", f"every leg of its spread among them, else it never trades: {missing[0]}")


def _pool_reserves(found: Findings) -> None:
    """What is kept for single strategies cannot be more than the pool."""
    for pool in rows(found.config.pools):
        if not known(pool, "id", "policy", "capital") or pool.policy != "reserve":
            continue
        kept = [spec for spec in rows(found.config.strategies)
                if known(spec, "pool_reserve") and pool.id in pools_of(found, spec)]  # fmt: skip
        total = sum((exact(spec.pool_reserve) for spec in kept), Fraction(0))
        if kept and total > exact(pool.capital):
            found.wrong(kept[-1], "pool_reserve", f"reserves of pool {pool.id} of at most {pool.capital:,g} together, "
                        f"not {float(total):,g}")  # fmt: skip


def pools_of(found: Findings, spec: StrategySpec) -> set[str]:
    """The pools that a strategy's legs draw on."""
    found_pools = set()
    for name in legs_of(found, spec):
        instrument = found.instruments.get(name)
        account = found.accounts.get(instrument.account) if instrument is not None else None
        if account is not None and known(account, "pool"):
            found_pools.add(account.pool)
    return found_pools


def legs_of(found: Findings, spec: StrategySpec) -> Iterable[str]:
    """The instruments of a strategy's spread, as far as they are known."""
    spread = found.spreads.get(spec.spread) if known(spec, "spread") else None
    legs = rows(spread.legs) if spread is not None else []
    return [leg.instrument for leg in legs if known(leg, "instrument")]
