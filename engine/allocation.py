"""How a pool's capital is shared out between the strategies that draw on it. Pure: whole millionths in, as many out.

Nobody is allotted less than it uses: what it has cannot be taken from it. So the sum exceeds the capital only where
what is used does already; or, under RESERVE, since what is common is there for each.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.schema import NO_LIMIT, PRIORITY, PRO_RATA, RESERVE, SHARED


class Ask(NamedTuple):
    """What is known of one strategy: money in millionths of the reporting currency.

    need: for all the units that it may have. halted: it opens nothing, so it needs no more than it uses.
    """

    used: int
    need: int = 0
    weight: int = 1
    priority: int = 0
    reserve: int = 0
    halted: bool = False


def allocate(policy: int, capital: int, asks: Sequence[Ask]) -> list[int]:
    """What each strategy is allotted, in the order of the asks."""
    return _POLICIES[policy](capital, asks)


def _shared(capital: int, asks: Sequence[Ask]) -> list[int]:
    """No split: whoever comes first."""
    return [NO_LIMIT] * len(asks)


def _priority(capital: int, asks: Sequence[Ask]) -> list[int]:
    """Each has what it uses. What is left goes to the highest priority as far as its need, then to the next; ties by
    their order."""
    given = [ask.used for ask in asks]
    left = max(capital - sum(given), 0)
    for at in sorted(range(len(asks)), key=lambda at: -asks[at].priority):
        more = 0 if asks[at].halted else min(left, max(asks[at].need - asks[at].used, 0))
        given[at] += more
        left -= more
    return given


def _pro_rata(capital: int, asks: Sequence[Ask]) -> list[int]:
    """By weight over those that are not halted. Who uses more than its share keeps that, at the cost of the others'."""
    given = [ask.used for ask in asks]
    sharing = {at for at, ask in enumerate(asks) if not ask.halted and ask.weight > 0}
    while sharing:
        left = capital - sum(given[at] for at in range(len(asks)) if at not in sharing)
        weights = sum(asks[at].weight for at in sharing)
        share = {at: left * asks[at].weight // weights for at in sorted(sharing)}
        over = {at for at in sharing if share[at] < asks[at].used}
        if not over:
            for at, amount in share.items():
                given[at] = amount
            break
        sharing -= over
    return given


def _reserve(capital: int, asks: Sequence[Ask]) -> list[int]:
    """Each is sure of its reserve, halted or not; what no reserve and no use takes is there for each of them."""
    given = [max(ask.used, ask.reserve) for ask in asks]
    common = max(capital - sum(given), 0)
    return [amount + common for amount in given]


_POLICIES: dict[int, Callable[[int, Sequence[Ask]], list[int]]] = {
    SHARED: _shared, PRIORITY: _priority, PRO_RATA: _pro_rata, RESERVE: _reserve,
}  # fmt: skip
