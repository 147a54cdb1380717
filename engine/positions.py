"""Positions, holds and used margin: what a fill and a terminal report do to them, in whole lots and millionths."""

from engine.instruments import NET
from engine.jit import njit
from engine.money import margin_lot_micros
from engine.offsets import promise
from engine.ports import CLOSE, OPEN
from engine.schema import UNSET
from engine.tables import accounts_of, instruments_of, orders_of, positions_of


@njit
def net_lots(position):
    """Long minus short."""
    return position.long_today + position.long_yesterday - position.short_today - position.short_yesterday


@njit
def book_lots(base, slot, lots):
    """Book `lots` more (negative: a bust) of an order's cumulative quantity into its position."""
    row = orders_of(base)[slot]
    position = positions_of(base)[row.instrument]
    if instruments_of(base)[row.instrument].position_mode == NET:
        net = net_lots(position) + row.side * lots
        position.long_today, position.short_today = max(net, 0), max(-net, 0)
        # A net venue may have told yesterday's lots apart; they are in the net.
        position.long_yesterday = position.short_yesterday = 0
    elif row.offset == OPEN:
        if row.side > 0:
            position.long_today += lots
        else:
            position.short_today += lots
    else:
        _close_lots(position, row.side, lots, row.offset == CLOSE)


@njit
def _close_lots(position, side, lots, yesterday_first):
    """A close takes from the other side: yesterday's lots as far as they go where the order may, then today's."""
    if side > 0:
        from_yesterday = min(lots, max(position.short_yesterday, 0)) if yesterday_first else 0
        position.short_yesterday -= from_yesterday
        position.short_today -= lots - from_yesterday
    else:
        from_yesterday = min(lots, max(position.long_yesterday, 0)) if yesterday_first else 0
        position.long_yesterday -= from_yesterday
        position.long_today -= lots - from_yesterday


@njit
def keep_working(base, slot, left):
    """Bring an order's worst case and its hold to what `left` lots need: fills use a hold, terminal reports free it."""
    row = orders_of(base)[slot]
    instrument = instruments_of(base)[row.instrument]
    position = positions_of(base)[row.instrument]
    gone = row.working_lots - left
    if row.side > 0:
        position.working_buy -= gone
    else:
        position.working_sell -= gone
    promise(instrument.position_mode, position, row.side, row.offset, -gone)
    row.working_lots = left
    keep = min(row.hold_micros, row.hold_lot_micros * left)
    accounts_of(base)[instrument.account].held_micros -= row.hold_micros - keep
    row.hold_micros = keep


@njit
def mark(base, index, ticks):
    """Margin of one instrument's position at `ticks`, into its account's used money. Unknown margin keeps the last."""
    instrument = instruments_of(base)[index]
    position = positions_of(base)[index]
    if instrument.account < 0 or ticks <= 0:
        return
    lot = margin_lot_micros(instrument, ticks)
    if lot == UNSET:
        return
    held = position.long_today + position.long_yesterday + position.short_today + position.short_yesterday
    used = abs(held) * lot
    accounts_of(base)[instrument.account].used_micros += used - position.used_micros
    position.used_micros = used
