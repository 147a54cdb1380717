"""Offsets (开平): which part of an order closes yesterday's lots, which closes today's, and which opens.

A buy closes short lots, a sell long ones; yesterday's before today's, since closing today's costs more where the
exchange tells them apart. Where closing today's lots (平今) would cost more than opening the opposite and closing both
as yesterday's later (锁仓), and the config allows it, today's are left alone: `engine.money.locks_today` compares.
Lots promised to live close orders are not promised twice.
"""

from engine.instruments import LONG_SHORT_TODAY, NET
from engine.jit import njit
from engine.ports import CLOSE, CLOSE_TODAY, OPEN


@njit
def closable(mode, position, side, lock):
    """(yesterday's, today's) lots that an order of this side could close; all under the first where days are one.

    lock: today's lots are not closed.
    """
    if side > 0:
        yesterday = position.short_yesterday - position.closing_short_yesterday
        today = position.short_today - position.closing_short_today
    else:
        yesterday = position.long_yesterday - position.closing_long_yesterday
        today = position.long_today - position.closing_long_today
    if mode == LONG_SHORT_TODAY:
        return max(yesterday, 0), 0 if lock else max(today, 0)
    return max(yesterday + today, 0), 0


@njit
def reducing_lots(mode, position, side, lots, lock):
    """How many of `lots` reduce the position held, and so need no margin."""
    yesterday, today = closable(mode, position, side, lock)
    return min(lots, yesterday + today)


@njit
def slice_lots(mode, position, side, lots, number, lock):
    """(offset, lots) of slice `number` (0 yesterday's, 1 today's, 2 the rest); lots 0 where the slice is empty."""
    yesterday, today = closable(mode, position, side, lock)
    from_yesterday = min(lots, yesterday)
    from_today = min(lots - from_yesterday, today)
    if mode == NET:
        return OPEN, lots if number == 2 else 0
    if number == 0:
        return CLOSE, from_yesterday
    if number == 1:
        return CLOSE_TODAY, from_today
    return OPEN, lots - from_yesterday - from_today


@njit
def promise(mode, position, side, offset, lots):
    """Promise lots to a live close order; negative `lots` takes the promise back."""
    if mode == NET or offset == CLOSE_TODAY:
        if side > 0:
            position.closing_short_today += lots
        else:
            position.closing_long_today += lots
    elif offset == CLOSE:
        if side > 0:
            position.closing_short_yesterday += lots
        else:
            position.closing_long_yesterday += lots
