"""The meters of a trading day: what orders, cancels and fills use of each quota, and what is kept for what may come.

Every order of ours is counted in three meters: its account's, its contract's (of the account group) and its product's.
Before it is sent it holds its own cancel, so that a cancel never has to be refused; what it holds is used when it
happens and freed when it no longer can. An open deal reserves what its repair may need on each of its legs.
"""

from engine.jit import njit
from engine.ports import IOC
from engine.schema import (
    CANCELLED,
    CANCELS,
    FREQUENT,
    LARGE,
    MESSAGES,
    OPENED_LOTS,
    ORDERS,
    SELF_TRADES,
    TRADES,
    UNSET,
)
from engine.tables import accounts_of, deals_of, instruments_of, meters_of, orders_of, strategies_of, tiers_of

NO_METER = -1
NONE_LEFT = -1  # of ORDER.cancels_held: it was sent when there was no cancel for it


@njit
def meter_at(base, instrument, which):
    """The meter of a contract: 0 its account's, 1 its own, 2 its product's; NO_METER where it has none."""
    row = instruments_of(base)[instrument]
    if which == 0:
        return accounts_of(base)[row.account].meter if row.account >= 0 else NO_METER
    return row.contract if which == 1 else row.product


@njit
def is_large(meter, lots):
    """Whether the cancel of an order of so many lots is a large one (大额撤单); it is where that is not stated."""
    return lots >= meter.large_lots


@njit
def load(meter, kind):
    """Used, held and reserved."""
    return meter.used[kind] + meter.held[kind] + meter.reserved[kind]


@njit
def has_cancel(base, instrument, lots, orders):
    """Whether so many more orders of this contract, of at most these lots, could still be cancelled: by the exchange's
    own quotas alone."""
    at = meter_at(base, instrument, 1)
    if at < 0:
        return True
    meter = meters_of(base)[at]
    for kind in (FREQUENT, LARGE):
        if kind == LARGE and not is_large(meter, lots):
            continue
        if meter.limit[kind] != UNSET and meter.used[kind] + meter.held[kind] + orders > meter.limit[kind]:
            return False
    return True


@njit
def hold_order(base, slot, opening):
    """An order is opened: it holds itself, its cancel, a trade a lot, and the lots that it opens. What is large is so
    in all its meters, where it is in its contract's; only that one has a limit."""
    row = orders_of(base)[slot]
    row.cancels_held = 1 if has_cancel(base, row.instrument, row.lots, 1) else NONE_LEFT
    row.open_held, row.trades_held = opening, row.lots
    row.made_lots, row.opening_lots, row.opened_lots = row.lots, opening, 0
    at = meter_at(base, row.instrument, 1)
    row.large = 1 if at >= 0 and is_large(meters_of(base)[at], row.lots) else 0
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at < 0:
            continue
        meter = meters_of(base)[at]
        meter.held[ORDERS] += 1
        meter.held[MESSAGES] += 1
        meter.held[TRADES] += row.lots
        meter.held[OPENED_LOTS] += opening
        if row.cancels_held == 1:
            _hold_cancel(meter, row.large, 1)


@njit
def _hold_cancel(meter, large, sign):
    for kind in (CANCELS, FREQUENT, MESSAGES):
        meter.held[kind] += sign
    meter.held[LARGE] += sign * large


@njit
def shrink_order(base, slot):
    """It is sent with fewer lots than it was made for: its cancel may not be a large one any more."""
    row = orders_of(base)[slot]
    row.made_lots, row.opening_lots = row.lots, min(row.opening_lots, row.lots)
    at = meter_at(base, row.instrument, 1)
    if not row.large or at < 0 or is_large(meters_of(base)[at], row.lots):
        return
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at >= 0 and row.cancels_held == 1:
            meters_of(base)[at].held[LARGE] -= 1
    row.large = 0


@njit
def use_order(base, slot):
    """It is sent."""
    row = orders_of(base)[slot]
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at >= 0:
            meter = meters_of(base)[at]
            for kind in (ORDERS, MESSAGES):
                meter.held[kind] -= 1
                meter.used[kind] += 1


@njit
def use_cancel(base, slot):
    """Its cancel is sent: what it held for it, or, asked for again, one more."""
    row = orders_of(base)[slot]
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at < 0:
            continue
        meter = meters_of(base)[at]
        if row.cancels_held == 1:
            _hold_cancel(meter, row.large, -1)
        for kind in (CANCELS, FREQUENT, MESSAGES):
            meter.used[kind] += 1
        meter.used[LARGE] += row.large
    row.cancels_held = 0


@njit
def use_fill(base, slot, lots):
    """Its cumulative quantity moved: what it opens is opened, late and beyond its size too (a bust gives none back: the
    exchange has counted it)."""
    row = orders_of(base)[slot]
    if row.opening_lots == 0 or lots <= 0:
        return
    reached = min(row.cum_lots, row.opening_lots) + max(row.cum_lots - row.made_lots, 0)
    opened = max(reached - row.opened_lots, 0)
    held = min(row.open_held, opened)
    row.opened_lots += opened
    row.open_held -= held
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at >= 0:
            meter = meters_of(base)[at]
            meter.held[OPENED_LOTS] -= held
            meter.used[OPENED_LOTS] += opened


@njit
def use_trade(base, slot, lots):
    """A trade of so many lots is booked: it is one trade, and its lots can make no other."""
    row = orders_of(base)[slot]
    gone = min(row.trades_held, max(lots, 0))
    row.trades_held -= gone
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at >= 0:
            meter = meters_of(base)[at]
            meter.held[TRADES] -= gone
            meter.used[TRADES] += 1


@njit
def use_self_trade(base, instrument):
    """Two orders of ours have met (自成交)."""
    for which in range(3):
        at = meter_at(base, instrument, which)
        if at >= 0:
            meters_of(base)[at].used[SELF_TRADES] += 1


@njit
def end_order(base, slot):
    """It can trade no more: its cancel and what it would have opened are free. Where the exchange counts it, an IOC
    order's unfilled rest is a cancel, unless it was asked for and so counted before."""
    row = orders_of(base)[slot]
    rest = row.tif == IOC and row.state == CANCELLED and row.cum_lots < row.lots and row.cancels_held != 0
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at < 0:
            continue
        meter = meters_of(base)[at]
        meter.held[OPENED_LOTS] -= row.open_held
        if row.cancels_held == 1:
            _hold_cancel(meter, row.large, -1)
        if rest and meter.ioc_counts != 0:
            meter.used[FREQUENT] += 1
            meter.used[LARGE] += row.large
    row.open_held = row.cancels_held = 0


@njit
def drop_order(base, slot):
    """It was made and never sent: it is no order, and its end no cancel."""
    row = orders_of(base)[slot]
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at < 0:
            continue
        meter = meters_of(base)[at]
        for kind in (ORDERS, MESSAGES):
            meter.held[kind] -= 1
        if row.cancels_held == 1:
            _hold_cancel(meter, row.large, -1)
    row.cancels_held = 0


@njit
def settle_order(base, slot):
    """All its trades are told: what it still held for trades is free."""
    row = orders_of(base)[slot]
    for which in range(3):
        at = meter_at(base, row.instrument, which)
        if at >= 0:
            meters_of(base)[at].held[TRADES] -= row.trades_held
    row.trades_held = 0


@njit
def reserve_repair(base, deal_slot, keep):
    """Reserve (keep 1) what the repair of a deal may need, or free it (0). Once a deal, whatever is asked."""
    deal = deals_of(base)[deal_slot]
    if deal.reserved == keep:
        return
    deal.reserved = keep
    if keep:
        deal.large_legs = _large_legs(base, deal)
    sign = 1 if keep else -1
    tries = strategies_of(base)[deal.strategy].repair_tries
    for leg in range(deal.spread_legs):
        lots = abs(deal.target_lots[leg])
        if lots == 0:
            continue
        for which in range(3):
            at = meter_at(base, deal.instrument[leg], which)
            if at < 0:
                continue
            meter = meters_of(base)[at]
            for kind in (ORDERS, CANCELS, FREQUENT):
                meter.reserved[kind] += sign * tries
            meter.reserved[LARGE] += sign * tries * ((deal.large_legs >> leg) & 1)
            meter.reserved[MESSAGES] += sign * 2 * tries
            for kind in (TRADES, OPENED_LOTS):
                meter.reserved[kind] += sign * lots


@njit
def _large_legs(base, deal):
    bits = 0
    for leg in range(deal.spread_legs):
        at = meter_at(base, deal.instrument[leg], 1)
        if at >= 0 and is_large(meters_of(base)[at], abs(deal.target_lots[leg])):
            bits |= 1 << leg
    return bits


@njit
def message_fee(base, meter, messages, otr_e2):
    """What a message costs (申报费) at so many of a day and so many a trade x 100: the last tier that is reached."""
    tiers = tiers_of(base)
    fee = 0
    for at in range(meter.tier_at, meter.tier_at + meter.tier_n):
        if messages >= tiers[at].from_messages and otr_e2 >= tiers[at].from_otr_e2:
            fee = tiers[at].fee_micros
    return fee


@njit
def next_fee(base, at):
    """What the next message of a meter costs."""
    meter = meters_of(base)[at]
    messages = load(meter, MESSAGES) + 1
    return message_fee(base, meter, messages, otr_e2(meter, messages))


@njit
def otr_e2(meter, messages):
    """Messages a trade x 100, rounded up; a day without a trade counts as one."""
    return -((-messages * 100) // max(meter.used[TRADES], 1))


@njit
def roll_meter(base, at, day):
    """A new trading day: what was used is over; what live orders hold and open deals reserve goes on."""
    meter = meters_of(base)[at]
    meter.trading_day = day
    for kind in range(len(meter.used)):
        meter.used[kind] = 0
