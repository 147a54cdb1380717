"""Checks of how capital is shared: levels of accounts, a pool's policy, and what each strategy asks of it."""

from desk.check_bounds import MONEY
from desk.config import AccountSpec, PoolSpec, StrategySpec
from desk.findings import Findings, known, rows
from engine.schema import POOL_POLICIES

_MOST_WEIGHT = 1_000_000


def check_pools(found: Findings) -> None:
    config = found.config
    for spec in rows(config.accounts):
        _levels(found, spec)
    for spec in rows(config.pools):
        found.one_of(spec, "policy", POOL_POLICIES)
    for spec in rows(config.strategies):
        _strategy(found, spec)
    for spec in rows(config.pools):
        _reserves(found, spec)


def _levels(found: Findings, spec: AccountSpec) -> None:
    found.positive(spec, "warn_pct")
    for low, high in (("warn_pct", "soft_pct"), ("soft_pct", "hard_pct")):
        if known(spec, low, high) and getattr(spec, high) <= getattr(spec, low):
            found.wrong(spec, high, f"more than {low}, {getattr(spec, low):g}")
    if known(spec, "hard_pct") and spec.hard_pct > 100:
        found.wrong(spec, "hard_pct", "at most 100")


def _strategy(found: Findings, spec: StrategySpec) -> None:
    found.not_negative(spec, "pool_weight", "pool_reserve")
    for field, most in (("pool_weight", _MOST_WEIGHT), ("pool_priority", _MOST_WEIGHT), ("pool_reserve", MONEY)):
        value = getattr(spec, field)
        if known(spec, field) and not abs(value) <= most:
            found.wrong(spec, field, f"at most {most:,}")
    pools = pools_of(found, spec)
    if len(pools) > 1 and any(known(pool, "policy") and pool.policy != "shared" for pool in pools.values()):
        found.wrong(
            spec, "spread",
            f"a spread (proxies too) in one pool, not in {', '.join(sorted(pools))}: what a strategy is allotted is "
            "of one pool, unless all of them are shared",
        )  # fmt: skip


def _reserves(found: Findings, spec: PoolSpec) -> None:
    """What each strategy is to be sure of must be there for all of them."""
    if not known(spec, "id", "policy", "capital") or spec.policy != "reserve":
        return
    drawing = [one for one in rows(found.config.strategies) if spec.id in pools_of(found, one)]
    total = sum(one.pool_reserve for one in drawing if known(one, "pool_reserve"))
    if total > spec.capital:
        found.wrong(spec, "capital", f"at least {total:,.0f}, the sum of its strategies' pool_reserve")


def pools_of(found: Findings, spec: StrategySpec) -> dict[str, PoolSpec]:
    """The pools that a strategy draws on: of the accounts of its legs and proxies. What cannot be read is passed over:
    its problem is known already."""
    spread = found.spreads.get(spec.spread) if known(spec, "spread") else None
    legs = [leg.instrument for leg in rows(spread.legs)] if spread is not None else []
    repair = spec.repair
    proxies = rows(repair.proxies) if known(spec, "repair") and known(repair, "proxies") else []
    pools = {}
    for name in [*legs, *(proxy.instrument for proxy in proxies)]:
        account = found.accounts.get(getattr(found.instruments.get(name), "account", None))
        pool = found.pools.get(getattr(account, "pool", None))
        if pool is not None:
            pools[pool.id] = pool
    return pools
