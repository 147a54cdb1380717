"""Controls of the market: 20 data, 21 slippage against displayed size, 22 edge, 23 session, 25 connection."""

import math

from engine.book import blocked_now
from engine.jit import njit
from engine.ports import READY
from engine.records import CLOSED_MARKET, DENY, ENTRY, MISSING, ONE_SIDED, PASS, REHEDGE, SKEWED
from engine.schema import UNSET
from engine.tables import (
    accounts_of,
    books_of,
    head_of,
    instruments_of,
    market_ns,
    spreads_of,
    strategies_of,
    venues_of,
)
from riskgate.verdict import at_most, note


@njit
def market_data(base, decision, verdict, now_ns):
    """20: every leg and FX rate fresh, whole and not too wide, and the legs not too far apart.

    Observed: bits of `engine.records` (2^16: too wide); limit 0.
    """
    head = head_of(base)
    instruments = instruments_of(base)
    books = books_of(base)
    venues = venues_of(base)
    spread = spreads_of(base)[decision.spread]
    repair = decision.purpose >= REHEDGE
    oldest = newest = books[spread.instrument[0]].recv_ns
    for leg in range(decision.legs):
        at = decision.instrument[leg]
        if repair and decision.lots[leg] == 0:
            continue
        book = books[at]
        seen = blocked_now(head, instruments[at], book, venues[instruments[at].venue], now_ns) & ~CLOSED_MARKET
        width = (book.ask_ticks - book.bid_ticks) * 10_000
        if repair:
            seen &= ~ONE_SIDED  # the planner has seen that the side it wants is there, or queues at the price limit
        if seen == 0 and width > instruments[at].max_width_bps * book.bid_ticks and not repair:
            seen |= 1 << 16
        oldest, newest = min(oldest, book.recv_ns), max(newest, book.recv_ns)
        fx = spread.fx[leg]
        if fx >= 0 and not repair:
            row = instruments[fx]
            seen |= blocked_now(head, row, books[fx], venues[row.venue], now_ns) & ~CLOSED_MARKET
            width = (books[fx].ask_ticks - books[fx].bid_ticks) * 10_000
            if seen == 0 and width > row.max_width_bps * books[fx].bid_ticks:
                seen |= 1 << 16
        note(verdict, 20, seen, 0, DENY if seen else PASS, leg)
    if newest - oldest > spread.max_skew_ns and not repair:
        note(verdict, 20, SKEWED, 0, DENY, -1)


@njit
def slippage(base, decision, verdict, now_ns):
    """21: what the allowance, the size beyond the displayed one and half the width of the leg's exchange rate may cost,
    bps of the leg's price; then the sum over the legs."""
    books = books_of(base)
    spread = spreads_of(base)[decision.spread]
    limit, total = spread.max_slippage_bps, 0
    for leg in range(decision.legs):
        book = books[decision.instrument[leg]]
        lots, ref = decision.lots[leg], decision.ref_ticks[leg]
        if lots == 0:
            continue
        rate_bps = _rate_bps(base, spread.fx[leg])
        if ref <= 0 or book.updates == 0 or rate_bps == UNSET:
            note(verdict, 21, UNSET, limit, DENY, leg)
            total = UNSET
            continue
        allowed = abs(decision.limit_ticks[leg] - ref)
        taken = book.taken_ask_lots if lots > 0 else book.taken_bid_lots
        shown = (book.ask_lots if lots > 0 else book.bid_lots) - taken
        if taken > 0 and abs(lots) > shown:
            # Another of our orders has gone for the size that this decision counts on.
            note(verdict, 21, 10_000, limit, DENY, leg)
            total = UNSET if total == UNSET else total + 10_000
            continue
        if abs(lots) > shown:
            # Nobody shows what lies behind the touch: take it for one more width of the quote.
            allowed += max(book.ask_ticks - book.bid_ticks, 1)
        bps = -((-allowed * 10_000) // ref) + rate_bps
        total = UNSET if total == UNSET else total + bps
        at_most(verdict, 21, bps, limit, leg)
    if total != UNSET:
        at_most(verdict, 21, total, spread.max_total_slippage_bps, -1)


@njit
def _rate_bps(base, fx):
    """Half the width of an exchange rate's quote, bps of its bid, rounded up; 0 where there is none to pay."""
    if fx < 0:
        return 0
    book = books_of(base)[fx]
    if book.updates == 0 or book.bid_lots <= 0 or book.ask_lots <= 0 or book.bid_ticks <= 0:
        return UNSET
    return -((-(book.ask_ticks - book.bid_ticks) * 10_000) // (2 * book.bid_ticks))


@njit
def edge(base, decision, verdict, now_ns):
    """22: what an entry earns after all costs, against the strategy's least edge; millionths of a price unit.

    The signal and its executable price are the decision's own; an exit has no edge to ask for.
    """
    if decision.purpose != ENTRY:
        note(verdict, 22, 0, 0, PASS, -1)
        return
    strategy = strategies_of(base)[decision.strategy]
    earned = (decision.center - decision.executable) * decision.side - decision.cost
    if not math.isfinite(earned):
        note(verdict, 22, UNSET, 0, DENY, -1)
        return
    floor, least = math.floor(earned * 1e6), math.ceil(strategy.min_edge * 1e6)
    note(verdict, 22, floor, least, DENY if floor < least else PASS, -1)


@njit
def session(base, decision, verdict, now_ns):
    """23: every leg's session open, by the calendar and by the venue's own word, and for an entry not within its guard
    before the close. Seconds left; least."""
    head = head_of(base)
    instruments = instruments_of(base)
    books = books_of(base)
    market = market_ns(head, now_ns)
    for leg in range(decision.legs):
        row = instruments[decision.instrument[leg]]
        if decision.lots[leg] == 0:
            continue
        if row.open_ns == UNSET or row.close_ns == UNSET:
            note(verdict, 23, UNSET, 0, MISSING, leg)
            continue
        guard = row.close_guard_ns if decision.purpose == ENTRY else 0
        closed = market < row.open_ns or books[decision.instrument[leg]].blocked & CLOSED_MARKET != 0
        left = -1 if closed else row.close_ns - market
        note(verdict, 23, left // 1_000_000_000, guard // 1_000_000_000, DENY if left <= guard else PASS, leg)


@njit
def connection(base, decision, verdict, now_ns):
    """25: trading link of every leg's venue ready, no order of unknown state there, no circuit broken, the account's
    positions as the venue says. Observed: how many of these are wrong."""
    instruments = instruments_of(base)
    venues = venues_of(base)
    for leg in range(decision.legs):
        venue = venues[instruments[decision.instrument[leg]].venue]
        wrong = venue.in_doubt + (0 if venue.link[1] == READY else 1)
        row = instruments[decision.instrument[leg]]
        wrong += 1 if row.broken_until_ns > now_ns else 0
        wrong += accounts_of(base)[row.account].drifts if row.account >= 0 else 0
        at_most(verdict, 25, wrong, 0, leg)
