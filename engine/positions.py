"""Positions, holds and used margin: what a fill and a terminal report do to them, in whole lots and millionths."""

from engine.instruments import NET
from engine.jit import njit
from engine.money import maintenance_lot_micros, margin_lot_micros, notional_micros, worth_micros
from engine.offsets import promise
from engine.ports import CLOSE, OPEN
from engine.schema import MARGIN_LAST, UNSET
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
    revalue(base, row.instrument)


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
    revalue(base, row.instrument)


@njit
def mark(base, index, ticks):
    """Take `ticks` as the price of one instrument's position, and count what it is worth and uses by it."""
    position = positions_of(base)[index]
    if instruments_of(base)[index].account < 0 or ticks <= 0:
        return
    position.mark_ticks = ticks
    if position.unpriced:
        position.cash_micros = -worth_micros(instruments_of(base)[index], ticks, net_lots(position))
        position.unpriced = 0
    revalue(base, index)


@njit
def revalue(base, index):
    """Margin, value and whether they are known of one instrument's position, at its mark, into its account's sums.

    Unknown margin keeps the last. Working orders count at their worst case in the value.
    """
    instrument = instruments_of(base)[index]
    if instrument.account < 0:
        return
    position, account = positions_of(base)[index], accounts_of(base)[instrument.account]
    long = position.long_today + position.long_yesterday
    short = position.short_today + position.short_yesterday
    unmarked = 1 if long + short != 0 and position.mark_ticks <= 0 else 0
    account.unmarked += unmarked - position.unmarked
    position.unmarked = unmarked
    if position.mark_ticks <= 0:
        return
    _revalue_margin(instrument, position, account, long, short)
    lot = notional_micros(instrument, position.mark_ticks, 1)
    if lot == UNSET:
        return
    gross = lot * (abs(long) + abs(short) + position.working_buy + position.working_sell)
    high, low = long - short + position.working_buy, long - short - position.working_sell
    net = lot * (high if abs(high) >= abs(low) else low)
    account.gross_micros += gross - position.gross_micros
    account.net_micros += net - position.net_micros
    position.gross_micros, position.net_micros = gross, net


@njit
def _revalue_margin(instrument, position, account, long, short):
    """One-side margin (单边大边) is asked for the larger side alone; a settlement price, where margin goes by it."""
    ticks = position.mark_ticks if instrument.margin_base == MARGIN_LAST else instrument.settlement_ticks
    if ticks <= 0:
        return
    lots = max(abs(long), abs(short)) if instrument.one_side else abs(long + short)
    lot = margin_lot_micros(instrument, ticks)
    if lot != UNSET:
        account.used_micros += lots * lot - position.used_micros
        position.used_micros = lots * lot
    kept = maintenance_lot_micros(instrument, ticks)
    if kept != UNSET:
        account.maintenance_micros += lots * kept - position.maintenance_micros
        position.maintenance_micros = lots * kept


@njit
def take_over(base, index, before_lots):
    """The lots of a position are what its venue says, and were `before_lots` net: what has come or gone did so at the
    mark, now or as soon as there is one."""
    position, instrument = positions_of(base)[index], instruments_of(base)[index]
    net = net_lots(position)
    if position.mark_ticks > 0:
        before = worth_micros(instrument, position.mark_ticks, before_lots)
        after = worth_micros(instrument, position.mark_ticks, net)
        if before != UNSET and after != UNSET:
            position.cash_micros += before - after
    elif net != before_lots:
        position.unpriced = 1
    revalue(base, index)
