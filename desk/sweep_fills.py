"""The sweep's simulated venues: what becomes of a decision of one parameter set, what it holds, earns and costs.

Each leg goes out at the decision, IOC at its limit. It arrives latency_ns later (a venue's, one way), trades at the
touch shown then, up to the lots shown, and the answer takes as long again. Once all legs are answered: all filled, the
deal is complete; none, it is not done; else it is repaired in full, finished or undone, whichever costs less by the
touch then, trading at the touch on arrival and repair_ticks worse, whatever the size shown.
"""

import numpy as np

from engine.instruments import LONG_SHORT_TODAY
from engine.jit import njit
from engine.kernels import price_spread
from engine.memory import view
from engine.money import fee_lot_micros, fee_today_lot_micros, result_reporting_micros, worth_micros
from engine.records import MAX_LEGS, NO_QUOTE
from engine.schema import UNSET
from engine.tables import books_of, instruments_of, positions_of, scratch_of, spreads_of, strategies_of

NEVER = 2**62

# One event of a recorded day: QUOTE, TIMER (of a sample) or a venue's sign of life; instrument: the venue then.
EVENT = np.dtype([
    ("now_ns", "<i8"), ("kind", "<i4"), ("instrument", "<i4"), ("bid_ticks", "<i8"), ("bid_lots", "<i8"),
    ("ask_ticks", "<i8"), ("ask_lots", "<i8"), ("venue_ns", "<i8"), ("venue_seq", "<i8"), ("flags", "<i8"),
])  # fmt: skip

# One parameter set: the deal that it has open, what it holds a leg, and what has come of it. due_ns: when something of
# its deal happens next. taken: lots that its orders went for since a leg's last quote, which is number `seen`.
SET = np.dtype([
    ("due_ns", "<i8"), ("decision", "<i8"), ("side", "<i8"), ("purpose", "<i8"), ("units", "<i8"), ("repairs", "<i8"),
    ("undoes", "<i8"), ("taken", "<i8"),
    ("lots", "<i8", (MAX_LEGS,)), ("limit_ticks", "<i8", (MAX_LEGS,)), ("filled", "<i8", (MAX_LEGS,)),
    ("paid_ticks", "<i8", (MAX_LEGS,)),  # sum of lots x ticks of the deal's fills
    ("arrives_ns", "<i8", (MAX_LEGS,)), ("answered_ns", "<i8", (MAX_LEGS,)),
    ("taken_bid", "<i8", (MAX_LEGS,)), ("taken_ask", "<i8", (MAX_LEGS,)), ("seen", "<i8", (MAX_LEGS,)),
    ("held", "<i8", (MAX_LEGS,)), ("before", "<i8", (MAX_LEGS,)), ("day", "<i8", (MAX_LEGS,)),
    ("cash_micros", "<i8", (MAX_LEGS,)),
    ("decisions", "<i8"), ("complete", "<i8"), ("unwound", "<i8"), ("not_done", "<i8"), ("finished", "<i8"),
    ("fills", "<i8"), ("lots_traded", "<i8"), ("trips", "<i8"), ("hits", "<i8"), ("flat_micros", "<i8"),
    ("pnl_micros", "<i8"), ("peak_micros", "<i8"), ("low_micros", "<i8"), ("drawdown_micros", "<i8"),
    ("fee_micros", "<i8", (MAX_LEGS,)),  # of each leg, in its currency
    ("fees_reported_micros", "<i8"), ("known", "<i8"),  # at the end: whether its profit and loss is
])  # fmt: skip

# What one call is handed: addresses of events, sets and log, and how venues are. logged: rows wanted, log_rows: room.
PLAN = np.dtype([
    ("events", "<i8"), ("begin", "<i8"), ("end", "<i8"), ("sets", "<i8"), ("count", "<i8"), ("spread", "<i8"),
    ("log", "<i8"), ("log_rows", "<i8"), ("logged", "<i8"), ("asked", "<i8"), ("repair_ticks", "<i8"),
    ("due_ns", "<i8"),  # the earliest of the sets'
    ("latency_ns", "<i8", (MAX_LEGS,)),
])  # fmt: skip

# A leg of a decision, or a fill of one. ticks: the limit, or the price.
LOG = np.dtype([
    ("now_ns", "<i8"), ("number", "<i4"), ("kind", "<i4"), ("decision", "<i8"), ("side", "<i4"), ("purpose", "<i4"),
    ("units", "<i8"), ("leg", "<i8"), ("lots", "<i8"), ("ticks", "<i8"),
])  # fmt: skip
DECIDED, FILLED, REPAIRED = range(3)


@njit
def after_decision(base, plan, number, now_ns):
    """Send what a set has just decided."""
    decision, strategy = scratch_of(base).decision[0], strategies_of(base)[number]
    row, spread = view(plan.sets, plan.count, SET)[number], spreads_of(base)[plan.spread]
    row.decisions += 1
    row.decision, row.side, row.purpose, row.units = row.decisions, decision.side, decision.purpose, decision.units
    row.repairs = row.undoes = 0
    strategy.open_deals = 1
    row.due_ns = NEVER
    for leg in range(spread.legs):
        row.lots[leg], row.limit_ticks[leg] = decision.lots[leg], decision.limit_ticks[leg]
        row.filled[leg] = row.paid_ticks[leg] = 0
        row.arrives_ns[leg], row.answered_ns[leg] = now_ns + plan.latency_ns[leg], NEVER
        row.due_ns = min(row.due_ns, row.arrives_ns[leg])
        plan.due_ns = min(plan.due_ns, row.due_ns)
        _take(base, row, spread.instrument[leg], leg, decision.lots[leg])
        _tell(plan, number, row, DECIDED, leg, decision.lots[leg], decision.limit_ticks[leg], now_ns)


@njit
def _take(base, row, instrument, leg, lots):
    """As live: the size shown is counted without what our own orders have gone for, until the next quote."""
    book = books_of(base)[instrument]
    if row.seen[leg] != book.updates:
        row.seen[leg], row.taken_bid[leg], row.taken_ask[leg] = book.updates, 0, 0
    if lots > 0:
        row.taken_ask[leg] += lots
    else:
        row.taken_bid[leg] -= lots
    row.taken = 1


@njit
def price_without(base, plan, row, now_ns):
    """Price the spread without the lots that a set's own orders went for; False where none of them is still shown."""
    spread, books, there = spreads_of(base)[plan.spread], books_of(base), False
    for leg in range(spread.legs):
        book = books[spread.instrument[leg]]
        if row.seen[leg] == book.updates:
            book.taken_bid_lots, book.taken_ask_lots = row.taken_bid[leg], row.taken_ask[leg]
            there = True
    if there:
        price_spread(base, plan.spread, now_ns)
    else:
        row.taken = 0
    return there


@njit
def price_again(base, plan, now_ns):
    """Price the spread as the other sets see it."""
    spread, books = spreads_of(base)[plan.spread], books_of(base)
    for leg in range(spread.legs):
        book = books[spread.instrument[leg]]
        book.taken_bid_lots = book.taken_ask_lots = 0
    price_spread(base, plan.spread, now_ns)


@njit
def pass_time(base, plan, number, now_ns):
    """All that happens to a set's deal up to now_ns, while the books stay as they are."""
    row, spread = view(plan.sets, plan.count, SET)[number], spreads_of(base)[plan.spread]
    while row.due_ns <= now_ns:
        row.due_ns, last_ns, open_legs = NEVER, 0, 0
        for leg in range(spread.legs):
            if row.answered_ns[leg] == NEVER and row.arrives_ns[leg] <= now_ns:
                _arrive(base, plan, number, row, leg, now_ns)
            if row.answered_ns[leg] == NEVER:
                row.due_ns = min(row.due_ns, row.arrives_ns[leg])
                open_legs += 1
            else:
                last_ns = max(last_ns, row.answered_ns[leg])
        if open_legs == 0:
            if last_ns > now_ns:
                row.due_ns = last_ns
            else:
                _answered(base, plan, number, row, last_ns)


@njit
def _arrive(base, plan, number, row, leg, now_ns):
    """A leg's order is at its venue: it trades, or does not."""
    at = spreads_of(base)[plan.spread].instrument[leg]
    book, lots, at_ns = books_of(base)[at], row.lots[leg], row.arrives_ns[leg]
    touch, shown = (book.ask_ticks, book.ask_lots) if lots > 0 else (book.bid_ticks, book.bid_lots)
    there = book.updates > 0 and book.blocked & NO_QUOTE == 0 and shown > 0
    if row.repairs != 0:
        if not there:
            row.arrives_ns[leg] = now_ns + 1  # it waits for a price
            return
        ticks = touch + (plan.repair_ticks if lots > 0 else -plan.repair_ticks)
        if lots != 0:
            _fill(base, plan, number, row, leg, lots, ticks, REPAIRED, at_ns)
    elif there and (touch <= row.limit_ticks[leg] if lots > 0 else touch >= row.limit_ticks[leg]):
        done = min(abs(lots), shown)
        _fill(base, plan, number, row, leg, done if lots > 0 else -done, touch, FILLED, at_ns)
    row.answered_ns[leg] = at_ns + plan.latency_ns[leg]


@njit
def _fill(base, plan, number, row, leg, lots, ticks, kind, now_ns):
    """Book a trade of a leg: what it costs and its fee, in the leg's currency; where no fee is stated, none."""
    at = spreads_of(base)[plan.spread].instrument[leg]
    instrument = instruments_of(base)[at]
    fee = _fee(instrument, row, leg, lots, ticks)
    worth = worth_micros(instrument, ticks, lots)
    if worth != UNSET:
        row.cash_micros[leg] -= worth + fee
        row.fee_micros[leg] += fee
    row.held[leg] += lots
    row.filled[leg] += lots
    row.paid_ticks[leg] += lots * ticks
    row.fills += 1
    row.lots_traded += abs(lots)
    _tell(plan, number, row, kind, leg, lots, ticks, now_ns)


@njit
def _fee(instrument, row, leg, lots, ticks):
    """Fee of a trade. What closes takes lots of the days before first, and pays for today's what that costs (平今)."""
    if row.day[leg] != instrument.trading_day:
        row.day[leg], row.before[leg] = instrument.trading_day, row.held[leg]
    held = row.held[leg]
    closes = min(abs(lots), abs(held)) if (held > 0) != (lots > 0) else 0
    old = min(closes, abs(row.before[leg]))
    if row.before[leg] != 0:
        row.before[leg] += old if row.before[leg] < 0 else -old
    today = closes - old if instrument.position_mode == LONG_SHORT_TODAY else 0
    fee, fee_today = fee_lot_micros(instrument, ticks), fee_today_lot_micros(instrument, ticks)
    fee, fee_today = 0 if fee == UNSET else fee, 0 if fee_today == UNSET else fee_today
    return fee * (abs(lots) - today) + fee_today * today


@njit
def _answered(base, plan, number, row, now_ns):
    """Every leg is answered: the deal ends, or is repaired."""
    spread, strategy = spreads_of(base)[plan.spread], strategies_of(base)[number]
    missing = done = 0
    for leg in range(spread.legs):
        done += abs(row.filled[leg])
        missing += abs(row.lots[leg] - row.filled[leg])
    if row.repairs == 0 and done > 0 and missing > 0:
        _repair(base, plan, row, now_ns)
        return
    if row.repairs != 0:
        row.finished, row.unwound = row.finished + 1 - row.undoes, row.unwound + row.undoes
    elif done > 0:
        row.complete += 1
    else:
        row.not_done += 1
    if done > 0 and row.undoes == 0:
        strategy.position_units += row.side * row.units
    strategy.open_deals = 0
    _see_trip(base, plan, row, strategy)


@njit
def _repair(base, plan, row, now_ns):
    """Finish what is missing or undo what is done, whichever costs less at the touches shown; finishing where they are
    equal, or where one of them has no price."""
    spread = spreads_of(base)[plan.spread]
    finish, undo, known = 0, 0, True
    for leg in range(spread.legs):
        finish_leg = _cost_micros(base, plan, row, leg, row.lots[leg] - row.filled[leg], False)
        undo_leg = _cost_micros(base, plan, row, leg, -row.filled[leg], True)
        known = known and finish_leg != UNSET and undo_leg != UNSET
        finish, undo = finish + finish_leg, undo + undo_leg
    row.repairs, row.undoes = 1, 1 if known and undo < finish else 0
    row.due_ns = NEVER
    for leg in range(spread.legs):
        row.lots[leg] = -row.filled[leg] if row.undoes else row.lots[leg] - row.filled[leg]
        if row.lots[leg] != 0:
            row.arrives_ns[leg], row.answered_ns[leg] = now_ns + plan.latency_ns[leg], NEVER
            row.due_ns = min(row.due_ns, row.arrives_ns[leg])


@njit
def _cost_micros(base, plan, row, leg, lots, undoes):
    """What trading `lots` now costs in the reporting currency, fee included: against the price of the leg's fills where
    it undoes them, else against the limit of its order. UNSET where it has no price."""
    if lots == 0:
        return 0
    at = spreads_of(base)[plan.spread].instrument[leg]
    instrument, book = instruments_of(base)[at], books_of(base)[at]
    ticks, shown = (book.ask_ticks, book.ask_lots) if lots > 0 else (book.bid_ticks, book.bid_lots)
    if book.updates == 0 or book.blocked & NO_QUOTE != 0 or shown <= 0:
        return UNSET
    worth = worth_micros(instrument, ticks, lots)
    if undoes:
        was = worth_micros(instrument, row.paid_ticks[leg] // row.filled[leg], lots)
    else:
        was = worth_micros(instrument, row.limit_ticks[leg], lots)
    fee = fee_lot_micros(instrument, ticks)
    if worth == UNSET or was == UNSET:
        return UNSET
    cost = worth - was + (0 if fee == UNSET else fee * abs(lots))
    result = result_reporting_micros(base, instrument.currency, -cost)
    return UNSET if result == UNSET else -result


@njit
def equity_micros(base, plan, row):
    """Profit and loss of a set with what it holds at the last marks, in the reporting currency; UNSET where a mark or a
    rate is not known."""
    spread, total = spreads_of(base)[plan.spread], 0
    for leg in range(spread.legs):
        at = spread.instrument[leg]
        instrument, cash = instruments_of(base)[at], row.cash_micros[leg]
        if row.held[leg] != 0:
            mark = positions_of(base)[at].mark_ticks
            worth = worth_micros(instrument, mark, row.held[leg])
            if mark <= 0 or worth == UNSET:
                return UNSET
            cash += worth
        result = result_reporting_micros(base, instrument.currency, cash)
        if result == UNSET:
            return UNSET
        total += result
    return total


@njit
def see_equity(base, row, equity):
    """Keep the last known profit and loss, its peak, its low and the deepest fall from a peak."""
    if equity == UNSET:
        return
    row.pnl_micros = equity
    row.peak_micros, row.low_micros = max(row.peak_micros, equity), min(row.low_micros, equity)
    row.drawdown_micros = max(row.drawdown_micros, row.peak_micros - equity)


@njit
def _see_trip(base, plan, row, strategy):
    """A set that is flat again has made a round trip: a hit where it has earned since it was flat before."""
    equity = equity_micros(base, plan, row)
    see_equity(base, row, equity)
    if strategy.position_units != 0 or row.fills == 0 or equity == UNSET:
        return
    if equity != row.flat_micros:
        row.trips += 1
        row.hits += 1 if equity > row.flat_micros else 0
    row.flat_micros = equity


@njit
def _tell(plan, number, row, kind, leg, lots, ticks, now_ns):
    """A row of the log, where somebody wants one."""
    if plan.logged < plan.log_rows:
        told = view(plan.log, plan.log_rows, LOG)[plan.logged]
        told.now_ns, told.number, told.kind, told.decision = now_ns, number, kind, row.decision
        told.side, told.purpose, told.units = row.side, row.purpose, row.units
        told.leg, told.lots, told.ticks = leg, lots, ticks
    plan.logged += 1
