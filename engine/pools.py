"""Pools (资金池) on the timer's sample: what of them is held, used, in transit and idle, and who may draw on how much.

Several accounts, in several markets and currencies, share a pool; several strategies draw on it. A strategy draws on
the pool of its legs' accounts: `tandem check` allows several of them only where none is shared out.
"""

from engine.allocation import Ask, allocate
from engine.core import Core
from engine.records import ALLOCATION, CAPITAL
from engine.schema import HALTED, NO_LIMIT, SHARED, UNSET
from engine.use import (
    need_micros,
    pool_capital_micros,
    pool_held_micros,
    pool_use_micros,
    reported,
    stake_micros,
    use_bps,
)

_ROOM_BPS = 200  # a need is counted at the mid: limit prices lie beyond it, and it moves until the next sample


def sample(core: Core) -> None:
    """Emit every account's and pool's capital, and share the pools out anew."""
    for index, row in enumerate(core.state.account):
        capital = int(row["capital_micros"])
        held, used = int(row["held_micros"]), int(row["used_micros"])
        bps = use_bps(held + used, capital)
        core.emit(
            CAPITAL, pool=row["pool"], account=index, capital_micros=max(capital, 0), held_micros=held,
            used_micros=used, use_bps=max(bps, 0), transit_micros=row["transit_micros"],
        )  # fmt: skip
    for index, row in enumerate(core.state.pool):
        _emit_pool(core, index, row)
    share(core)


def _emit_pool(core: Core, index: int, row) -> None:
    """Nothing where something in it has no rate or no margin: the watch tells of that."""
    address = core.state.address
    held, use = pool_held_micros(address, index), pool_use_micros(address, index)
    bps = use_bps(use, pool_capital_micros(address, index))
    if UNSET not in (held, use, bps):
        core.emit(
            CAPITAL, pool=index, account=-1, capital_micros=row["capital_micros"], held_micros=held,
            used_micros=use - held, use_bps=bps, transit_micros=row["transit_micros"],
        )  # fmt: skip


def after_draw(core: Core, strategy: int) -> None:
    """What a decision holds counts at once where its pool is shared out, not only from the next sample on."""
    if core.state.strategy[strategy]["allocated_micros"] != NO_LIMIT:
        share(core)


def share(core: Core) -> None:
    """Count what each strategy uses, and allot each pool's capital by its policy; a record where that has changed."""
    state = core.state
    pool_of = [_pool_of(core, row) for row in state.strategy]
    for index, used in enumerate(_uses(core)):
        state.strategy[index]["pool_used_micros"] = used
    for pool in range(len(state.pool)):
        drawing = [index for index, at in enumerate(pool_of) if at == pool]
        for index, amount in zip(drawing, _allotted(core, pool, drawing), strict=True):
            strategy = state.strategy[index]
            if strategy["allocated_micros"] != amount:
                strategy["allocated_micros"] = amount
                core.emit(ALLOCATION, pool=pool, strategy=index, allocated_micros=amount,
                          used_micros=strategy["pool_used_micros"])  # fmt: skip


def _allotted(core: Core, pool: int, drawing: list[int]) -> list[int]:
    """UNSET for each of them where a part of the sum is not known; without a split nothing need be."""
    policy = int(core.state.pool[pool]["policy"])
    if policy == SHARED:
        return [NO_LIMIT] * len(drawing)
    capital, asks = capital_to_share(core, pool), [_ask(core, index) for index in drawing]
    if capital == UNSET or any(ask.used == UNSET for ask in asks):
        return [UNSET] * len(drawing)
    return allocate(policy, capital, asks)


def capital_to_share(core: Core, pool: int) -> int:
    """A pool's capital as far as it is there: the least of what is stated and of what its accounts have, without what
    is in transit; UNSET where a balance or a rate is not known."""
    state, there = core.state, 0
    for row in state.account:
        if row["pool"] == pool:
            capital = int(row["capital_micros"])
            amount = UNSET if capital == UNSET else reported(state.address, int(row["currency"]), capital)
            if amount == UNSET:
                return UNSET
            there += amount
    transit = int(state.pool[pool]["transit_micros"])
    return UNSET if transit == UNSET else min(int(state.pool[pool]["capital_micros"]), there) - transit


def _pool_of(core: Core, strategy) -> int:
    """The pool that a strategy draws on: of its first leg that is traded."""
    spread = core.state.spread[strategy["spread"]]
    for leg in range(int(spread["legs"])):
        account = int(core.state.instrument[spread["instrument"][leg]]["account"])
        if account >= 0:
            return int(core.state.account[account]["pool"])
    return -1


def _ask(core: Core, index: int) -> Ask:
    row = core.state.strategy[index]
    units = min(int(row["max_units"]), int(row["cap_units"]))
    need = need_micros(core.state.address, index, units)
    return Ask(
        used=int(row["pool_used_micros"]),
        # Without a price it can open nothing, and needs nothing.
        need=0 if need == UNSET else need * (10_000 + _ROOM_BPS) // 10_000,
        weight=int(row["weight"]), priority=int(row["priority"]), reserve=int(row["reserve_micros"]),
        halted=max(int(row["switch"]), int(core.state.spread[row["spread"]]["switch"])) == HALTED,
    )  # fmt: skip


def _uses(core: Core) -> list[int]:
    """What each strategy uses, in the reporting currency: the holds of its live orders and the margin of its own lots;
    UNSET where a rate, a price or a margin is missing."""
    state = core.state
    held: dict[tuple[int, int], int] = {}
    for number in core.live_orders:
        row = state.order_row(number)
        if row["hold_micros"]:
            key = int(row["strategy"]), int(state.instrument[row["instrument"]]["currency"])
            held[key] = held.get(key, 0) + int(row["hold_micros"])
    uses = [stake_micros(state.address, index) for index in range(len(state.strategy))]
    for (strategy, currency), micros in held.items():
        amount = reported(state.address, currency, micros)
        uses[strategy] = UNSET if UNSET in (amount, uses[strategy]) else uses[strategy] + amount
    return uses
