"""Controls of the day's meters: 8 orders, cancels, trades, 9 frequent and 10 large cancels, 12 opened lots and
position, 19 order-to-trade ratio and message fee; and the second look of 11, self-trades."""

from engine.instruments import NET
from engine.jit import njit
from engine.meters import NO_METER, is_large, load, message_fee, meter_at, otr_e2
from engine.money import locks_today
from engine.offsets import reducing_lots
from engine.records import EXIT
from engine.schema import (
    CANCELS,
    FREQUENT,
    LARGE,
    MAX_SLICES,
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
SHARED_METER = -2  # an earlier leg has looked at it for all


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
def add_up(base, decision):
    """Put into the scratch row what the legs of a decision that share a meter come to; the first of them stands for
    all."""
    scratch, meters = scratch_of(base), meters_of(base)
    for leg in range(decision.legs):
        for which in range(3):
            at = meter_at(base, decision.instrument[leg], which) if decision.lots[leg] != 0 else NO_METER
            first = leg
            for earlier in range(leg):
                if at >= 0 and scratch.meter[earlier][which] == at:
                    first = earlier
            if first == leg:
                scratch.meter[leg][which], scratch.meter_legs[leg][which] = at, 0
                scratch.meter_lots[leg][which] = scratch.meter_opening[leg][which] = 0
                scratch.meter_large[leg][which] = 0
            else:
                scratch.meter[leg][which] = SHARED_METER
            if at < 0:
                continue
            lots = abs(decision.lots[leg])
            scratch.meter_legs[first][which] += 1
            scratch.meter_lots[first][which] += lots
            scratch.meter_opening[first][which] += scratch.opening_lots[leg]
            scratch.meter_large[first][which] += 1 if is_large(meters[at], lots) else 0


@njit
def _left(meter, kind, purpose):
    """What of a quota may be used: an opening leaves its reserve alone."""
    limit = meter.limit[kind]
    return limit if limit in (UNSET, NO_LIMIT) or purpose == EXIT else limit - meter.reserve[kind]


@njit
def _tries(base, decision):
    """Orders that a leg may come to: its slices, and a try of its repair each; a try in slices draws on the reserve."""
    return MAX_SLICES + strategies_of(base)[decision.strategy].repair_tries


@njit
def _look(base, decision, verdict, number, leg, which, kind, wanted):
    """One quota of one meter: what is used, held, reserved and wanted. Once for all legs that share it."""
    at = scratch_of(base).meter[leg][which]
    if at == SHARED_METER:
        return
    if at < 0:
        note(verdict, number, UNSET, UNSET, 0, leg)
        return
    meter = meters_of(base)[at]
    at_most(verdict, number, load(meter, kind) + wanted, _left(meter, kind, decision.purpose), leg)


@njit
def day_counts(base, decision, verdict, now_ns):
    """8: orders, cancels and trades of the day, of each leg's contract and account."""
    scratch, tries = scratch_of(base), _tries(base, decision)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        for kind in (ORDERS, CANCELS, TRADES):
            for which in (CONTRACT_METER, ACCOUNT_METER):
                lots, legs = scratch.meter_lots[leg][which], scratch.meter_legs[leg][which]
                wanted = 2 * lots if kind == TRADES else legs * tries
                _look(base, decision, verdict, 8, leg, which, kind, wanted)


@njit
def frequent_cancels(base, decision, verdict, now_ns):
    """9: 频繁报撤单, as the exchange counts them."""
    scratch, tries = scratch_of(base), _tries(base, decision)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        at = scratch.meter[leg][CONTRACT_METER]
        if at >= 0 and meters_of(base)[at].ioc_counts == UNSET:
            note(verdict, 9, UNSET, UNSET, 0, leg)
            continue
        wanted = scratch.meter_legs[leg][CONTRACT_METER] * tries
        _look(base, decision, verdict, 9, leg, CONTRACT_METER, FREQUENT, wanted)


@njit
def large_cancels(base, decision, verdict, now_ns):
    """10: 大额撤单."""
    scratch, tries = scratch_of(base), _tries(base, decision)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        at = scratch.meter[leg][CONTRACT_METER]
        if at >= 0 and meters_of(base)[at].large_lots == UNSET:
            note(verdict, 10, UNSET, UNSET, 0, leg)
            continue
        wanted = scratch.meter_large[leg][CONTRACT_METER] * tries
        _look(base, decision, verdict, 10, leg, CONTRACT_METER, LARGE, wanted)


@njit
def self_trades(base, decision, verdict, leg):
    """Of 11: self-trades of the day, and one more."""
    _look(base, decision, verdict, 11, leg, CONTRACT_METER, SELF_TRADES, 1)


@njit
def opening(base, decision, verdict, now_ns):
    """12: 日内开仓限额, and, where a leg opens, 持仓限额: lots of the side that it opens, held and working to open."""
    scratch = scratch_of(base)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        for which in (CONTRACT_METER, PRODUCT_METER):
            if which == PRODUCT_METER and scratch.meter[leg][which] == NO_METER:
                continue
            wanted = scratch.meter_opening[leg][which] + scratch.meter_lots[leg][which]
            _look(base, decision, verdict, 12, leg, which, OPENED_LOTS, wanted)
        if scratch.opening_lots[leg] == 0:
            continue
        for which in (CONTRACT_METER, PRODUCT_METER):
            at = meter_at(base, decision.instrument[leg], which)
            if at >= 0 and meters_of(base)[at].max_position_lots != NO_LIMIT:
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
    """19: messages a trade from so many messages on, and what the next message costs (申报费); what repairs may still
    send is counted as sent."""
    scratch, tries = scratch_of(base), _tries(base, decision)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        at = scratch.meter[leg][CONTRACT_METER]
        if at == SHARED_METER:
            continue
        if at < 0:
            note(verdict, 19, UNSET, UNSET, 0, leg)
            continue
        meter = meters_of(base)[at]
        wanted = 2 * tries * scratch.meter_legs[leg][CONTRACT_METER]
        messages = load(meter, MESSAGES) + meter.reserve[MESSAGES] + wanted
        ratio = otr_e2(meter, messages)
        if decision.purpose == EXIT:
            seen(verdict, 19, ratio, leg)
            continue
        at_most(verdict, 19, ratio if messages > meter.otr_from else 0, meter.max_otr_e2, leg)
        at_most(verdict, 19, message_fee(base, meter, messages, ratio), meter.max_fee_micros, leg)
