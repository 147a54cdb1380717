"""The book: a row an instrument, with the reasons for which it may not be traded on told apart."""

from engine.jit import njit
from engine.ports import QUOTE_CLOSED, QUOTE_GAP
from engine.records import CLOSED_MARKET, CROSSED, GAP, NO_QUOTE, ONE_SIDED, STALE
from engine.tables import market_ns


@njit
def apply_quote(row, quote, recv_ns):
    """Put a best quote into its book row; False where the venue's numbering says that it is an old one.

    Where the venue numbers its updates, a jump blocks the row (GAP) until the next update that follows without one:
    every quote is a whole best quote, so that update heals the row.
    """
    blocked = 0
    if quote.venue_seq > 0 and row.venue_seq > 0:
        if quote.venue_seq <= row.venue_seq:
            return False
        if quote.venue_seq != row.venue_seq + 1:
            blocked |= GAP
    if quote.flags & QUOTE_GAP:
        blocked |= GAP
    if quote.flags & QUOTE_CLOSED:
        blocked |= CLOSED_MARKET
    if quote.bid_lots <= 0 and quote.ask_lots <= 0:
        blocked |= NO_QUOTE
    elif quote.bid_lots <= 0 or quote.ask_lots <= 0:
        blocked |= ONE_SIDED
    elif quote.bid_ticks >= quote.ask_ticks:
        blocked |= CROSSED
    if blocked & GAP:
        row.gaps += 1
    row.bid_ticks = quote.bid_ticks
    row.bid_lots = quote.bid_lots
    row.ask_ticks = quote.ask_ticks
    row.ask_lots = quote.ask_lots
    row.venue_ns = quote.venue_ns
    row.recv_ns = recv_ns
    row.venue_seq = quote.venue_seq
    row.flags = quote.flags
    row.blocked = blocked
    row.taken_bid_lots = row.taken_ask_lots = 0
    row.updates += 1
    return True


@njit
def blocked_now(head, instrument, book, venue, now_ns):
    """Every reason (bits of `engine.records`) for which this instrument's quote may not be traded on at `now_ns`.

    Stale is the contract's own quote age or the silence of its link; quiet alone is neither.
    """
    return blocked_at(instrument, book, venue, now_ns, market_ns(head, now_ns))


@njit
def blocked_at(instrument, book, venue, now_ns, market):
    """The same with market time worked out before: a spread asks it of every leg and rate."""
    if book.updates == 0:
        return NO_QUOTE
    blocked = book.blocked
    if now_ns - book.recv_ns > instrument.max_age_ns or now_ns - venue.heard_ns[0] > venue.max_silence_ns:
        blocked |= STALE
    if market < instrument.open_ns or market >= instrument.close_ns:
        blocked |= CLOSED_MARKET
    return blocked
