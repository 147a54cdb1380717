"""Controls of a single order: 1 size, 2 value, 3 price collar, 4 price limits and lock, 5 validity."""

from engine.jit import njit
from engine.ports import QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP
from engine.records import DENY, PASS, REHEDGE
from engine.schema import UNSET
from engine.tables import accounts_of, books_of, head_of, instruments_of, market_ns, scratch_of
from riskgate.verdict import at_most, note

_LARGEST_TICKS = 1 << 40  # beyond it a price is no price, and its product with 10,000 fits no integer


@njit
def order_size(base, decision, verdict, now_ns):
    """1: lots of each leg against the instrument's largest order."""
    instruments = instruments_of(base)
    for leg in range(decision.legs):
        limit = instruments[decision.instrument[leg]].max_order_lots
        at_most(verdict, 1, abs(decision.lots[leg]), limit, leg)


@njit
def order_value(base, decision, verdict, now_ns):
    """2: value of each leg at its limit price against its contract's and its account's largest, micros."""
    instruments = instruments_of(base)
    for leg in range(decision.legs):
        row = instruments[decision.instrument[leg]]
        if decision.lots[leg] == 0:
            continue
        value = scratch_of(base).value_micros[leg]
        at_most(verdict, 2, value, row.max_order_micros, leg)
        if row.account >= 0:
            at_most(verdict, 2, value, accounts_of(base)[row.account].max_order_micros, leg)


@njit
def price_collar(base, decision, verdict, now_ns):
    """3: how far each limit price lies beyond the book's mid, in bps, and beyond the far touch, in ticks (a repair's
    band is its own); a price on the passive side is free."""
    instruments = instruments_of(base)
    books = books_of(base)
    for leg in range(decision.legs):
        lots = decision.lots[leg]
        if lots == 0:
            continue
        at = decision.instrument[leg]
        book = books[at]
        twice_mid = book.bid_ticks + book.ask_ticks
        shown = book.bid_lots > 0 and book.ask_lots > 0
        if decision.purpose >= REHEDGE and not shown and (book.bid_lots > 0 or book.ask_lots > 0):
            # A repair in a one-sided book is measured from the side that is there.
            twice_mid = 2 * (book.bid_ticks if book.bid_lots > 0 else book.ask_ticks)
            shown = True
        if book.updates == 0 or not shown or not 0 < twice_mid < _LARGEST_TICKS:
            note(verdict, 3, UNSET, instruments[at].collar_bps, DENY, leg)
            continue
        beyond = 2 * decision.limit_ticks[leg] - twice_mid
        if lots < 0:
            beyond = -beyond
        # Rounded up, so that a hair over the collar is over it.
        at_most(verdict, 3, -((-max(beyond, 0) * 10_000) // twice_mid), instruments[at].collar_bps, leg)
        if decision.purpose < REHEDGE:
            limit = decision.limit_ticks[leg]
            past = limit - book.ask_ticks if lots > 0 else book.bid_ticks - limit
            at_most(verdict, 3, max(past, 0), instruments[at].collar_ticks, leg)


@njit
def validity(base, decision, verdict, now_ns):
    """5: a tradable contract, not expired, a price above 0. Observed 1: not valid."""
    head = head_of(base)
    instruments = instruments_of(base)
    market = market_ns(head, now_ns)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        row = instruments[decision.instrument[leg]]
        price = decision.limit_ticks[leg]
        wrong = row.account < 0 or price <= 0 or market >= row.expires_ns
        note(verdict, 5, 1 if wrong else 0, 0, DENY if wrong else PASS, leg)


@njit
def is_locked(instrument, book):
    """Whether a contract is locked at a price limit (涨跌停): the quote's own flag, or one side empty at the limit."""
    if book.flags & (QUOTE_LIMIT_UP | QUOTE_LIMIT_DOWN):
        return True
    upper, lower = instrument.upper_limit_ticks, instrument.lower_limit_ticks
    if upper != UNSET and book.ask_lots <= 0 < book.bid_lots and book.bid_ticks >= upper:
        return True
    return lower != UNSET and book.bid_lots <= 0 < book.ask_lots and book.ask_ticks <= lower


@njit
def price_limits(base, decision, verdict, now_ns):
    """4: ticks by which each limit price lies outside the day's band; 1 where it lies inside and the contract is
    locked, which a repair does not ask: it may queue."""
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        at, price = decision.instrument[leg], decision.limit_ticks[leg]
        row = instruments_of(base)[at]
        upper, lower = row.upper_limit_ticks, row.lower_limit_ticks
        if row.banded and (upper == UNSET or lower == UNSET):
            note(verdict, 4, UNSET, 0, DENY, leg)
            continue
        outside = max(price - upper, 0) if upper != UNSET else 0
        if lower != UNSET:
            outside = max(outside, lower - price)
        if outside == 0 and decision.purpose < REHEDGE and is_locked(row, books_of(base)[at]):
            outside = 1
        at_most(verdict, 4, outside, 0, leg)
