"""Controls of a single order: 1 size, 2 value, 3 price collar, 5 validity."""

from engine.jit import njit
from engine.money import notional_micros
from engine.records import DENY, PASS, REHEDGE
from engine.schema import UNSET
from engine.tables import books_of, head_of, instruments_of, market_ns
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
    """2: value of each leg at its limit price, micros of the instrument's currency."""
    instruments = instruments_of(base)
    for leg in range(decision.legs):
        row = instruments[decision.instrument[leg]]
        if decision.lots[leg] == 0:
            continue
        value = notional_micros(row, decision.limit_ticks[leg], abs(decision.lots[leg]))
        at_most(verdict, 2, value, row.max_order_micros, leg)


@njit
def price_collar(base, decision, verdict, now_ns):
    """3: how far each limit price lies beyond the book's mid, in bps; a price on the passive side is free."""
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


@njit
def validity(base, decision, verdict, now_ns):
    """5: a tradable contract, not expired, a positive price within the day's limits. Observed 1: not valid."""
    head = head_of(base)
    instruments = instruments_of(base)
    market = market_ns(head, now_ns)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        row = instruments[decision.instrument[leg]]
        price = decision.limit_ticks[leg]
        wrong = row.account < 0 or price <= 0 or market >= row.expires_ns
        if row.upper_limit_ticks != UNSET and price > row.upper_limit_ticks:
            wrong = True
        if row.lower_limit_ticks != UNSET and price < row.lower_limit_ticks:
            wrong = True
        note(verdict, 5, 1 if wrong else 0, 0, DENY if wrong else PASS, leg)
