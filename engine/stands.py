"""Why each strategy does not decide: journalled where it has changed, and again in every ten seconds.

So that "why did it not trade?" has an answer for each second, without a record for each.
"""

from engine.core import Core
from engine.records import STAND

AGAIN_NS = 10_000_000_000


def emit_stands(core: Core) -> None:
    """One STAND record of every strategy whose reason, blocked bits or switch are not those told last. The value at
    hand is no news: it changes with every quote."""
    for index, row in enumerate(core.state.strategy):
        reason, switch, value, bound = core.hot.stand(core.state.address, index, core.now_ns)
        blocked = int(core.state.spread[row["spread"]]["blocked"])
        stands = (reason, blocked, switch, core.now_ns // AGAIN_NS)
        if core.stood.get(index) != stands:
            core.stood[index] = stands
            core.emit(
                STAND, strategy=index, reason=reason, blocked=blocked, switch=switch, value=value, bound=bound
            )  # fmt: skip
