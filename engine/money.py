"""Notional, margin and currency: whole millionths, rounded against us, UNSET where an input is not known."""

import math

from engine.instruments import INVERSE, LONG_SHORT_TODAY
from engine.jit import njit
from engine.schema import UNSET
from engine.tables import books_of, currencies_of, head_of, instruments_of

_LARGEST_MICROS = 4e18


@njit
def notional_micros(instrument, ticks, lots):
    """Value of `lots` at `ticks`, in the instrument's currency (an inverse contract's is the coin).

    UNSET where it has no price, or one so far off that the value fits no integer: nothing is computed with that.
    """
    if instrument.kind == INVERSE:
        if ticks <= 0:
            return UNSET
        return math.ceil(instrument.tick_micros * lots / (ticks * instrument.tick))
    if abs(float(ticks) * float(instrument.tick_micros) * float(lots)) > _LARGEST_MICROS:
        return UNSET
    return ticks * instrument.tick_micros * lots


@njit
def margin_lot_micros(instrument, ticks):
    """Initial margin of one lot, rounded up."""
    notional = notional_micros(instrument, ticks, 1)
    if instrument.margin_bps == UNSET or notional == UNSET:
        return UNSET
    return -((-abs(notional) * instrument.margin_bps) // 10_000)


@njit
def maintenance_lot_micros(instrument, ticks):
    """Maintenance margin of one lot, rounded up."""
    notional = notional_micros(instrument, ticks, 1)
    if instrument.maintenance_bps == UNSET or notional == UNSET:
        return UNSET
    return -((-abs(notional) * instrument.maintenance_bps) // 10_000)


@njit
def worth_micros(instrument, ticks, lots):
    """What signed `lots` at `ticks` are worth for profit and loss: buying costs it, holding is it at the mark. An
    inverse contract's is negative coins: the higher the price, the fewer are owed. UNSET without a price."""
    notional = notional_micros(instrument, ticks, abs(lots))
    if notional == UNSET:
        return UNSET
    side = 1 if lots >= 0 else -1
    return -side * notional if instrument.kind == INVERSE else side * notional


@njit
def fee_lot_micros(instrument, ticks):
    """Fee of trading one lot once, rounded up; UNSET where the config does not state it."""
    notional = notional_micros(instrument, ticks, 1)
    if instrument.fee_micros == UNSET or notional == UNSET:
        return UNSET
    return instrument.fee_micros - ((-abs(notional) * instrument.fee_e7) // 10_000_000)


@njit
def fee_today_lot_micros(instrument, ticks):
    """Fee of closing one of today's lots (平今), rounded up; UNSET where the config does not state it."""
    notional = notional_micros(instrument, ticks, 1)
    if instrument.fee_today_micros == UNSET or notional == UNSET:
        return UNSET
    return instrument.fee_today_micros - ((-abs(notional) * instrument.fee_today_e7) // 10_000_000)


@njit
def locks_today(instrument, ticks):
    """Whether today's lots are better locked (锁仓) than closed: one lot opened now and two closed as yesterday's later
    cost less than one closed today. Never where the config does not allow it, or a fee is not known."""
    if instrument.may_lock == 0 or instrument.position_mode != LONG_SHORT_TODAY:
        return False
    fee, today = fee_lot_micros(instrument, ticks), fee_today_lot_micros(instrument, ticks)
    return fee != UNSET and today != UNSET and 3 * fee < today


@njit
def is_aged(base, currency):
    """Whether a currency's rate is older than its instrument allows: then it is no number to count limits with."""
    at = currencies_of(base)[currency].instrument
    return at >= 0 and head_of(base).now_ns - books_of(base)[at].recv_ns > instruments_of(base)[at].max_age_ns


@njit
def reporting_micros(base, currency, micros):
    """An amount in the reporting currency, on the dear side of the FX quote; UNSET without one that is usable now."""
    return UNSET if is_aged(base, currency) else last_reporting_micros(base, currency, micros)


@njit
def last_reporting_micros(base, currency, micros):
    """The same at the last rate, whatever its age: for costs that are weighed against each other."""
    row = currencies_of(base)[currency]
    if micros == UNSET:
        return UNSET
    if row.instrument < 0:
        return math.ceil(micros * row.fixed_rate)
    book = books_of(base)[row.instrument]
    if book.updates == 0 or book.blocked or book.ask_lots <= 0:
        return UNSET
    rate = book.ask_ticks * instruments_of(base)[row.instrument].tick
    return math.ceil(micros * rate)


@njit
def result_reporting_micros(base, currency, micros):
    """A profit or loss in the reporting currency, on the side of the FX quote that is worse for us."""
    row = currencies_of(base)[currency]
    if micros == UNSET:
        return UNSET
    if row.instrument < 0:
        return math.floor(micros * row.fixed_rate)
    book = books_of(base)[row.instrument]
    if micros == 0:
        return 0
    if is_aged(base, currency) or book.updates == 0 or book.blocked or book.bid_lots <= 0 or book.ask_lots <= 0:
        return UNSET
    rate = (book.bid_ticks if micros > 0 else book.ask_ticks) * instruments_of(base)[row.instrument].tick
    return math.floor(micros * rate)


@njit
def lot_fee_reporting_micros(base, index, ticks, closes_today):
    """Fee of trading one lot of an instrument once, in the reporting currency; 0 where it is not known."""
    instrument = instruments_of(base)[index]
    fee = fee_today_lot_micros(instrument, ticks) if closes_today else fee_lot_micros(instrument, ticks)
    fee = last_reporting_micros(base, instrument.currency, fee)
    return 0 if fee == UNSET else fee


@njit
def tick_reporting_micros(base, index):
    """Value of one tick of one lot in the reporting currency (inverse: at the bid, to first order); 0 if not known."""
    instrument = instruments_of(base)[index]
    micros = float(instrument.tick_micros)
    if instrument.kind == INVERSE:
        price = max(books_of(base)[index].bid_ticks, 1) * instrument.tick
        micros = micros / (price * price) * instrument.tick
    value = last_reporting_micros(base, instrument.currency, math.ceil(micros))
    return 0 if value == UNSET else value
