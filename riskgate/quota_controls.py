"""Controls of the day's meters: 8 orders, cancels, trades, 9 frequent and 10 large cancels, 12 opened lots and
position, 19 order-to-trade ratio and message fee; and the second look of 11, self-trades."""

from engine.instruments import NET
from engine.jit import njit
from engine.meters import load, message_fee, meter_at, otr_e2, wanted
from engine.money import locks_today
from engine.offsets import reducing_lots
from engine.records import EXIT
from engine.schema import (
    CANCELS,
    FREQUENT,
    LARGE,
    MESSAGES,
    NO_LIMIT,
    OF_CONTRACT,
    OPENED_LOTS,
    ORDERS,
    SELF_TRADES,
    TRADES,
    UNSET,
)
from engine.tables import instruments_of, meters_of, positions_of, scratch_of, strategies_of
from riskgate.verdict import at_most, note, seen

ACCOUNT_METER, CONTRACT_METER, PRODUCT_METER = range(3)


@njit
def count_opening(base, decision):
    """Put the lots of each leg that open into the scratch row: beyond what closes lots held and not promised to another
    close."""
    scratch = scratch_of(base)
    for leg in range(decision.legs):
        at, lots = decision.instrument[leg], decision.lots[leg]
        row = instruments_of(base)[at]
        lock = locks_today(row, decision.limit_ticks[leg])
        side = 1 if lots > 0 else -1
        reducing = reducing_lots(row.position_mode, positions_of(base)[at], side, abs(lots), lock)
        scratch.opening_lots[leg] = abs(lots) - reducing


@njit
def _wanted(base, decision, at, which, kind):
    """What all legs of a decision that share a meter may come to use of one of its quotas."""
    total = 0
    tries = strategies_of(base)[decision.strategy].repair_tries
    for leg in range(decision.legs):
        lots = abs(decision.lots[leg])
        if lots != 0 and meter_at(base, decision.instrument[leg], which) == at:
            total += wanted(meters_of(base)[at], kind, lots, scratch_of(base).opening_lots[leg], tries)
    return total


@njit
def _left(meter, kind, purpose):
    """What of a quota may be used: an opening leaves its reserve alone."""
    limit = meter.limit[kind]
    return limit if limit in (UNSET, NO_LIMIT) or purpose == EXIT else limit - meter.reserve[kind]


@njit
def _look(base, decision, verdict, number, leg, which, kind):
    at = meter_at(base, decision.instrument[leg], which)
    if at < 0:
        note(verdict, number, UNSET, UNSET, 0, leg)
        return
    meter = meters_of(base)[at]
    limit = _left(meter, kind, decision.purpose)
    observed = load(meter, kind) + _wanted(base, decision, at, which, kind)
    at_most(verdict, number, observed, limit, leg)


@njit
def day_counts(base, decision, verdict, now_ns):
    """8: orders, cancels and trades of the day, of each leg's contract and account."""
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        for kind in (ORDERS, CANCELS, TRADES):
            _look(base, decision, verdict, 8, leg, CONTRACT_METER, kind)
            _look(base, decision, verdict, 8, leg, ACCOUNT_METER, kind)


@njit
def frequent_cancels(base, decision, verdict, now_ns):
    """9: 频繁报撤单, as the exchange counts them."""
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        at = meter_at(base, decision.instrument[leg], CONTRACT_METER)
        if at >= 0 and meters_of(base)[at].ioc_counts == UNSET:
            note(verdict, 9, UNSET, UNSET, 0, leg)
            continue
        _look(base, decision, verdict, 9, leg, CONTRACT_METER, FREQUENT)


@njit
def large_cancels(base, decision, verdict, now_ns):
    """10: 大额撤单."""
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        at = meter_at(base, decision.instrument[leg], CONTRACT_METER)
        if at >= 0 and meters_of(base)[at].large_lots == UNSET:
            note(verdict, 10, UNSET, UNSET, 0, leg)
            continue
        _look(base, decision, verdict, 10, leg, CONTRACT_METER, LARGE)


@njit
def self_trades(base, decision, verdict, leg):
    """Of 11: self-trades of the day, and one more."""
    at = meter_at(base, decision.instrument[leg], CONTRACT_METER)
    if at < 0:
        note(verdict, 11, UNSET, UNSET, 0, leg)
        return
    meter = meters_of(base)[at]
    at_most(verdict, 11, meter.used[SELF_TRADES] + 1, _left(meter, SELF_TRADES, decision.purpose), leg)


@njit
def opening(base, decision, verdict, now_ns):
    """12: 日内开仓限额, and, where a leg opens, 持仓限额: lots of the side that it opens, held and working to open."""
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        opens = scratch_of(base).opening_lots[leg]
        _look(base, decision, verdict, 12, leg, CONTRACT_METER, OPENED_LOTS)
        if instruments_of(base)[decision.instrument[leg]].product >= 0:
            _look(base, decision, verdict, 12, leg, PRODUCT_METER, OPENED_LOTS)
        if opens == 0:
            continue
        for which in (CONTRACT_METER, PRODUCT_METER):
            at = meter_at(base, decision.instrument[leg], which)
            if at >= 0:
                side = 1 if decision.lots[leg] > 0 else -1
                lots = _side_lots(base, meters_of(base)[at], side) + _opening_of(base, decision, at, which, side)
                at_most(verdict, 12, lots, meters_of(base)[at].max_position_lots, leg)


@njit
def _opening_of(base, decision, at, which, side):
    """Lots that all legs of a decision open on one side of a meter."""
    total = 0
    for leg in range(decision.legs):
        mine = meter_at(base, decision.instrument[leg], which) == at
        if mine and decision.lots[leg] * side > 0:
            total += scratch_of(base).opening_lots[leg]
    return total


@njit
def _side_lots(base, meter, side):
    """Lots held and working to open on one side, over all instruments of a meter."""
    instruments, positions = instruments_of(base), positions_of(base)
    total, at = 0, meter.first
    while at >= 0:
        total += side_lots(instruments[at], positions[at], side)
        at = instruments[at].next_of_contract if meter.kind == OF_CONTRACT else instruments[at].next_of_product
    return total


@njit
def side_lots(instrument, position, side):
    """Lots held and working to open on one side of one instrument; a net position's are those beyond the other side,
    which what is working closes first."""
    if side > 0:
        held, working = position.long_today + position.long_yesterday, position.working_buy
        closing = position.closing_short_today + position.closing_short_yesterday
        other = position.short_today + position.short_yesterday
    else:
        held, working = position.short_today + position.short_yesterday, position.working_sell
        closing = position.closing_long_today + position.closing_long_yesterday
        other = position.long_today + position.long_yesterday
    if instrument.position_mode == NET:
        return max(held - other, 0) + max(working - max(other - held, 0), 0)
    return held + max(working - closing, 0)


@njit
def order_to_trade(base, decision, verdict, now_ns):
    """19: messages a trade from so many messages on, and what the next message costs (申报费)."""
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        at = meter_at(base, decision.instrument[leg], CONTRACT_METER)
        if at < 0:
            note(verdict, 19, UNSET, UNSET, 0, leg)
            continue
        meter = meters_of(base)[at]
        messages = load(meter, MESSAGES) + _wanted(base, decision, at, CONTRACT_METER, MESSAGES)
        ratio = otr_e2(meter, messages)
        if decision.purpose == EXIT:
            seen(verdict, 19, ratio, leg)
            continue
        at_most(verdict, 19, ratio if messages > meter.otr_from else 0, meter.max_otr_e2, leg)
        at_most(verdict, 19, message_fee(base, meter, messages, ratio), meter.max_fee_micros, leg)
