"""Controls of what repeats itself: 13 duplicate decision, 14 executions in a window."""

import numpy as np

from engine.jit import njit
from engine.schema import UNSET
from engine.tables import executions_of, strategies_of
from riskgate.verdict import at_most

_MIX = -7046029254386353131  # 2^64 / the golden ratio, as a signed integer
_LOW_35_BITS = (1 << 35) - 1  # what is left of a shift by 29


@njit
def _mix(key, word):
    """One word more in a key: another word, or another key before it, gives another key."""
    return (key ^ ((key >> 29) & _LOW_35_BITS) ^ np.int64(word)) * np.int64(_MIX)


@njit
def duplicate_key(decision):
    """One integer for what a decision is: side, purpose, units, and each leg's lots and limit price."""
    key = _mix(_mix(_mix(np.int64(0), decision.side), decision.purpose), decision.units)
    for leg in range(decision.legs):
        key = _mix(_mix(key, decision.lots[leg]), decision.limit_ticks[leg])
    return key


@njit
def _repeats(strategy, decision, now_ns):
    """How often this decision has been Cleared in a row within the window, with this one; 0 where it is new."""
    same = strategy.duplicate_ns > 0 and strategy.duplicate_key == duplicate_key(decision)
    if same and now_ns - strategy.duplicate_ns < strategy.duplicate_window_ns:
        return strategy.duplicates + 1
    return 0


@njit
def duplicate(base, decision, verdict, now_ns):
    """13: the same decision again within the window."""
    strategy = strategies_of(base)[decision.strategy]
    at_most(verdict, 13, _repeats(strategy, decision, now_ns), strategy.max_duplicates, -1)


@njit
def throttle(base, decision, verdict, now_ns):
    """14: decisions Cleared within the window, with this one. `remember` writes them down."""
    strategy = strategies_of(base)[decision.strategy]
    size = strategy.execution_n
    if size <= 0:
        at_most(verdict, 14, UNSET, UNSET, -1)
        return
    ring = executions_of(base)
    while strategy.executions > 0:
        oldest = ring[strategy.execution_at + (strategy.execution_next - strategy.executions) % size].at_ns
        if now_ns - oldest < strategy.execution_window_ns:
            break
        strategy.executions -= 1
    at_most(verdict, 14, strategy.executions + 1, size, -1)


@njit
def remember(base, decision, now_ns):
    """A decision was Cleared: the next ones are measured against it."""
    strategy = strategies_of(base)[decision.strategy]
    strategy.duplicates = _repeats(strategy, decision, now_ns)
    strategy.duplicate_key, strategy.duplicate_ns = duplicate_key(decision), now_ns
    size = strategy.execution_n
    if size > 0:
        executions_of(base)[strategy.execution_at + strategy.execution_next % size].at_ns = now_ns
        strategy.execution_next += 1
        strategy.executions = min(strategy.executions + 1, size)
