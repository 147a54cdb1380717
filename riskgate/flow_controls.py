"""Controls of flow and state: 6 message rate, 7 working orders, 24 switch, 27 concurrent unbalanced deals."""

from engine.jit import njit
from engine.orders import room_for
from engine.records import DENY, ENTRY, PASS
from engine.schema import ACTIVE, HALTED, MAX_SLICES, REDUCE_ONLY
from engine.tables import accounts_of, head_of, instruments_of, spreads_of, strategies_of, venues_of
from riskgate.verdict import at_most, note

_MESSAGE = 1_000_000  # of the bucket's unit


@njit
def refill(venue, now_ns):
    """Bring a venue's token bucket up to now."""
    gone_ns = max(now_ns - venue.tokens_ns, 0)
    if gone_ns > 3_600_000_000_000:
        venue.tokens = venue.tokens_max
    else:
        # Microseconds, so that the product stays far below 2^63; what is left over waits in tokens_ns.
        gone_us = gone_ns // 1000
        venue.tokens = min(venue.tokens + gone_us * (venue.tokens_per_s // 1000) // 1000, venue.tokens_max)
        now_ns = venue.tokens_ns + gone_us * 1000
    venue.tokens_ns = now_ns


@njit
def message_rate(base, decision, verdict, now_ns):
    """6: messages that each venue would get at the most against its token bucket, less the reserve of repairs."""
    instruments = instruments_of(base)
    venues = venues_of(base)
    for leg in range(decision.legs):
        at = instruments[decision.instrument[leg]].venue
        wanted = 0
        for other in range(decision.legs):
            if instruments[decision.instrument[other]].venue == at:
                wanted += MAX_SLICES
        refill(venues[at], now_ns)
        left = (venues[at].tokens - venues[at].tokens_reserve) // _MESSAGE
        at_most(verdict, 6, wanted, max(left, 0), leg)


@njit
def spend_message(base, venue, now_ns):
    """Take one message from a venue's bucket: sends, cancels and queries alike. May go below zero for repairs."""
    row = venues_of(base)[venue]
    refill(row, now_ns)
    row.tokens -= _MESSAGE


@njit
def working_orders(base, decision, verdict, now_ns):
    """7: orders alive with this decision's, against the table's room. A full table denies repairs too: see F9."""
    head = head_of(base)
    wanted = head.live_orders + decision.legs * MAX_SLICES
    if room_for(base, decision):
        at_most(verdict, 7, wanted, head.n_order // 2, -1)
    else:
        note(verdict, 7, wanted, 0, DENY, -1)


@njit
def strictest_switch(base, decision):
    """The strictest of all switches that cover a decision."""
    instruments = instruments_of(base)
    worst = head_of(base).switch
    worst = max(worst, strategies_of(base)[decision.strategy].switch, spreads_of(base)[decision.spread].switch)
    for leg in range(decision.legs):
        row = instruments[decision.instrument[leg]]
        worst = max(worst, venues_of(base)[row.venue].switch)
        if row.account >= 0:
            worst = max(worst, accounts_of(base)[row.account].switch)
    return worst


@njit
def switch(base, decision, verdict, now_ns):
    """24: the strictest switch of all scopes: halted denies all, reduce only denies entries."""
    worst = strictest_switch(base, decision)
    wrong = worst == HALTED or (worst == REDUCE_ONLY and decision.purpose == ENTRY)
    note(verdict, 24, worst, REDUCE_ONLY if decision.purpose != ENTRY else ACTIVE, DENY if wrong else PASS, -1)


@njit
def unbalanced(base, decision, verdict, now_ns):
    """27: deals out of balance at this moment; an entry waits until there are none."""
    count = head_of(base).unbalanced_deals
    if decision.purpose != ENTRY:
        note(verdict, 27, count, count, PASS, -1)
        return
    at_most(verdict, 27, count, 0, -1)
