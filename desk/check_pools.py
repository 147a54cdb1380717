"""The check of strategies across pools: what a strategy is allotted is of one pool."""

from desk.config import PoolSpec, StrategySpec
from desk.findings import Findings, known, rows


def check_pools(found: Findings) -> None:
    """A strategy draws on one pool, unless none that it draws on is shared out."""
    for spec in rows(found.config.strategies):
        pools = pools_of(found, spec)
        if len(pools) > 1 and any(known(pool, "policy") and pool.policy != "shared" for pool in pools.values()):
            found.wrong(
                spec, "spread",
                f"a spread (proxies too) in one pool, not in {', '.join(sorted(pools))}: what one is allotted is "
                "of one pool, unless all of them are shared",
            )  # fmt: skip


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
