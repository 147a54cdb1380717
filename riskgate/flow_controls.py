"""Controls of flow and state: 6 message rate, 7 working orders, 11 self-trade, 24 switch, 27 unbalanced deals."""

from engine.jit import njit
from engine.messages import MESSAGE, refill
from engine.orders import room_for
from engine.records import DENY, ENTRY, PASS, REHEDGE
from engine.schema import ACTIVE, HALTED, MAX_SLICES, REDUCE_ONLY, UNSET
from engine.tables import accounts_of, head_of, instruments_of, positions_of, spreads_of, strategies_of, venues_of
from riskgate.verdict import at_most, note


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
        left = (venues[at].tokens - venues[at].tokens_reserve) // MESSAGE
        at_most(verdict, 6, wanted, max(left, 0), leg)


@njit
def working_orders(base, decision, verdict, now_ns):
    """7: orders alive with this decision's, against the table's room. Half of it is kept for repairs; a full table
    denies those too: see F9."""
    head = head_of(base)
    limit = head.n_order if decision.purpose >= REHEDGE else head.n_order // 2
    wanted = head.live_orders + decision.legs * MAX_SLICES
    if room_for(base, decision):
        at_most(verdict, 7, wanted, limit, -1)
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
def self_trade(base, decision, verdict, now_ns):
    """11: no order that could meet our own on the other side, over all strategies (自成交 is prevented, not counted).

    Observed: ticks by which the limit price crosses our best own order, 0 where it does not; limit 0.
    """
    positions = positions_of(base)
    for leg in range(decision.legs):
        lots, price = decision.lots[leg], decision.limit_ticks[leg]
        if lots == 0:
            continue
        row = positions[decision.instrument[leg]]
        own = row.own_ask_ticks if lots > 0 else row.own_bid_ticks
        crossed = 0
        if own != UNSET:
            crossed = max(price - own + 1 if lots > 0 else own - price + 1, 0)
        at_most(verdict, 11, crossed, 0, leg)


@njit
def unbalanced(base, decision, verdict, now_ns):
    """27: deals out of balance at this moment; an entry waits until there are none."""
    count = head_of(base).unbalanced_deals
    if decision.purpose != ENTRY:
        note(verdict, 27, count, count, PASS, -1)
        return
    at_most(verdict, 27, count, 0, -1)
