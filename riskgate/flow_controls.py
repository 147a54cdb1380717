"""Controls of flow and state: 6 message rate, 7 working orders, 11 self-trade, 24 switch, 26 permission, 27 unbalanced
deals and naked time."""

from engine.jit import njit
from engine.messages import MESSAGE, refill
from engine.orders import room_for
from engine.records import DENY, ENTRY, EXIT, PASS, REHEDGE
from engine.schema import ACTIVE, HALTED, MAX_ORDERS, MAX_SLICES, NO_LIMIT, REDUCE_ONLY, UNSET
from engine.tables import (
    accounts_of,
    head_of,
    instruments_of,
    markets_of,
    meters_of,
    orders_of,
    positions_of,
    spreads_of,
    stakes_of,
    strategies_of,
    venues_of,
)
from riskgate.quota_controls import self_trades
from riskgate.verdict import at_most, note, seen

_MS = 1_000_000
KEPT_ROWS = 4 * MAX_ORDERS  # of the order table, next to be taken, that only repairs may use


@njit
def message_rate(base, decision, verdict, now_ns):
    """6: messages that each venue would get at the most from all, from its account and from the strategy, against their
    token buckets, less the reserve of repairs."""
    instruments = instruments_of(base)
    for leg in range(decision.legs):
        row = instruments[decision.instrument[leg]]
        at_venue = at_account = 0
        for other in range(decision.legs):
            another = instruments[decision.instrument[other]]
            at_venue += MAX_SLICES if another.venue == row.venue else 0
            at_account += MAX_SLICES if another.account == row.account else 0
        at_most(verdict, 6, at_venue, _tokens_left(venues_of(base)[row.venue], now_ns), leg)
        if row.account >= 0:
            at_most(verdict, 6, at_account, _tokens_left(accounts_of(base)[row.account], now_ns), leg)
    strategy = strategies_of(base)[decision.strategy]
    at_most(verdict, 6, decision.legs * MAX_SLICES, _tokens_left(strategy, now_ns), -1)


@njit
def _tokens_left(bucket, now_ns):
    refill(bucket, now_ns)
    return max((bucket.tokens - bucket.tokens_reserve) // MESSAGE, 0)


@njit
def working_orders(base, decision, verdict, now_ns):
    """7: orders alive with this decision's, against the table's room, and what account and contract may have. Half of
    the room is kept for repairs; a full table denies those too: see F9."""
    head = head_of(base)
    limit = head.n_order if decision.purpose >= REHEDGE else head.n_order // 2
    wanted = head.live_orders + decision.legs * MAX_SLICES
    if room_for(base, decision) and (decision.purpose >= REHEDGE or _leaves_rows(base, decision)):
        at_most(verdict, 7, wanted, limit, -1)
    else:
        note(verdict, 7, wanted, 0, DENY, -1)
    if decision.purpose >= REHEDGE:
        return
    instruments = instruments_of(base)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        row = instruments[decision.instrument[leg]]
        of_account = of_contract = 0
        for other in range(decision.legs):
            if decision.lots[other] != 0:
                same = decision.instrument[other] == decision.instrument[leg]
                of_contract += MAX_SLICES if same else 0
                of_account += MAX_SLICES if instruments[decision.instrument[other]].account == row.account else 0
        if row.account >= 0:
            account = accounts_of(base)[row.account]
            at_most(verdict, 7, account.live_orders + of_account, account.max_working_orders, leg)
        at_most(verdict, 7, row.live_orders + of_contract, row.max_working_orders, leg)


@njit
def _leaves_rows(base, decision):
    """Whether the rows behind those that an opening may take are free too. Orders take their rows in turn: one that
    lives long may lie ahead, and an opening that came right up to it would leave a repair nowhere to go."""
    head, orders = head_of(base), orders_of(base)
    first = head.order_counter + decision.legs * MAX_SLICES + 1
    for at in range(first, first + min(KEPT_ROWS, head.n_order // 4)):
        row = orders[at & (head.n_order - 1)]
        if row.order_no != 0 and row.settled == 0:
            return False
    return True


@njit
def strictest_switch(base, decision):
    """The strictest of all switches that cover a decision."""
    instruments = instruments_of(base)
    worst = head_of(base).switch
    worst = max(worst, strategies_of(base)[decision.strategy].switch, spreads_of(base)[decision.spread].switch)
    for leg in range(decision.legs):
        row = instruments[decision.instrument[leg]]
        venue = venues_of(base)[row.venue]
        worst = max(worst, venue.switch, markets_of(base)[venue.market].switch)
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
    """11: no order that could meet our own on the other side (自成交), over all strategies and accounts of the group;
    and the self-trades of the day, which only what opens or exits is asked for.

    Observed: ticks by which the limit price crosses our best own order, 0 where it does not, against 0.
    """
    for leg in range(decision.legs):
        lots, price = decision.lots[leg], decision.limit_ticks[leg]
        if lots == 0:
            continue
        own = _own_limit(base, decision.instrument[leg], lots)
        crossed = 0
        if own != UNSET:
            crossed = max(price - own + 1 if lots > 0 else own - price + 1, 0)
        at_most(verdict, 11, crossed, 0, leg)
        if decision.purpose < REHEDGE:
            self_trades(base, decision, verdict, leg)


@njit
def _own_limit(base, index, lots):
    """Our best live limit that an order of these lots would meet, in any account of the group; UNSET: none."""
    instruments, positions = instruments_of(base), positions_of(base)
    meter = instruments[index].contract
    if meter < 0:
        return positions[index].own_ask_ticks if lots > 0 else positions[index].own_bid_ticks
    best, at = UNSET, meters_of(base)[meter].first
    while at >= 0:
        own = positions[at].own_ask_ticks if lots > 0 else positions[at].own_bid_ticks
        if own != UNSET and (best == UNSET or (own < best if lots > 0 else own > best)):
            best = own
        at = instruments[at].next_of_contract
    return best


@njit
def unbalanced(base, decision, verdict, now_ns):
    """27: deals out of balance at this moment and naked time (裸露时间) of the day in ms, of all and of the strategy;
    an entry waits until there are few enough."""
    head, strategy = head_of(base), strategies_of(base)[decision.strategy]
    if decision.purpose != ENTRY:
        seen(verdict, 27, head.unbalanced_deals, -1)
        return
    at_most(verdict, 27, head.unbalanced_deals, head.max_unbalanced, -1)
    at_most(verdict, 27, strategy.unbalanced, strategy.max_unbalanced, -1)
    at_most(verdict, 27, head.naked_ns // _MS, _whole_ms(head.max_naked_ns), -1)
    at_most(verdict, 27, strategy.naked_ns // _MS, _whole_ms(strategy.max_naked_ns), -1)


@njit
def _whole_ms(limit_ns):
    return limit_ns if limit_ns in (UNSET, NO_LIMIT) else limit_ns // _MS


@njit
def permission(base, decision, verdict, now_ns):
    """26: on the allow-lists of account and strategy. Observed 1: not permitted; an exit passes all the same, since
    what is held must be able to go."""
    strategy, stakes = strategies_of(base)[decision.strategy], stakes_of(base)
    for leg in range(decision.legs):
        if decision.lots[leg] == 0:
            continue
        permitted = instruments_of(base)[decision.instrument[leg]].permitted
        if permitted == UNSET and decision.purpose != EXIT:
            note(verdict, 26, UNSET, 0, DENY, leg)
            continue
        listed = False
        for at in range(strategy.stake_at, strategy.stake_at + strategy.stake_n):
            listed |= stakes[at].instrument == decision.instrument[leg]
        denied = 0 if permitted == 1 and listed else 1
        if decision.purpose == EXIT:
            seen(verdict, 26, denied, leg)
        else:
            at_most(verdict, 26, denied, 0, leg)
