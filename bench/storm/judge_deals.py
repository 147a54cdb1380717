"""The judge's walk, the part on deals: what is at risk on each leg, what a repair may do, how a deal stands.

Compiled; shares nothing with the engine but the records.
"""

from bench.storm import judge_codes as codes
from bench.storm.judge_tables import find
from engine.jit import njit
from engine.records import (
    CLOSED,
    COMPLETE,
    HALT,
    HALTED,
    HOLD_OFF,
    LEDGER_HEDGE,
    MAX_LEGS,
    NO_OUTCOME,
    NOT_DONE,
    RESOLVE_BY_HAND,
    RESOLVE_RETRY,
    UNRESOLVED,
    UNWOUND,
)


@njit
def note(found, code, seq, deal_id, a, b, c):
    """Write one breach down; beyond the table's end it is only counted. found[0, 0] is the count."""
    found[0, 0] += 1
    if found[0, 0] < len(found):
        row = found[found[0, 0]]
        row[0], row[1], row[2], row[3], row[4], row[5] = code, seq, deal_id, a, b, c


@njit
def begin_deal(t, rules, deal, decision):
    """The intentions of a decision that opens a deal: legs, targets, base units a lot at the decision's price."""
    deal.deal_id, deal.strategy, deal.spread = decision.deal_id, decision.strategy, decision.spread
    deal.purpose, deal.legs = decision.purpose, decision.legs
    deal.dead_at_ns = t.walk[0].dead_ns
    for leg in range(decision.legs):
        deal.instrument[leg], deal.target[leg] = decision.instrument[leg], decision.lots[leg]
        hedge = rules.hedge[decision.spread, leg]
        ticks = rules.inverse[decision.spread, leg]
        if ticks > 0.0 and decision.ref_ticks[leg] > 0:
            hedge = int(hedge * ticks / decision.ref_ticks[leg] + 0.5)
        deal.hedge[leg] = hedge


@njit
def weigh(deal, order, sign):
    """Add (or take out, sign -1) what an order has traded, and what it may come to, on its leg."""
    certain = order.terminal and not order.in_doubt
    risk = order.cum if certain else max(order.total_lots, order.cum)
    leg = order.leg
    if order.side > 0:
        deal.bought[leg] += sign * order.cum
        deal.bought_risk[leg] += sign * risk
    else:
        deal.sold[leg] += sign * order.cum
        deal.sold_risk[leg] += sign * risk
    deal.in_doubt += sign * order.in_doubt
    deal.unsettled += sign * (1 - order.settled)


@njit
def check_sent(t, seq, deal, order):
    """Invariant 1, when an order leaves: with all that may still trade its leg stays between flat and the target.

    A proxy's leg has no target: it stays within what the last REPAIR planned from where it stood.
    """
    leg, side = order.leg, order.side
    worst = deal.bought_risk[leg] - deal.sold[leg] if side > 0 else deal.sold_risk[leg] - deal.bought[leg]
    allowed = max(side * deal.target[leg], 0)
    if leg >= deal.legs:
        allowed = max(side * (deal.repair_from[leg] + deal.repair_lots[leg]), 0)
    if worst > allowed:
        note(t.found, codes.OVER_SENT, seq, deal.deal_id, order.order_no, leg, worst - allowed)


@njit
def own_exposure(deal):
    total = 0
    for leg in range(MAX_LEGS):
        total += (deal.bought[leg] - deal.sold[leg]) * deal.hedge[leg]
    return total


@njit
def own_worst(deal):
    """|exposure|; where an order is in doubt, the worst end of its interval."""
    if deal.in_doubt == 0:
        return abs(own_exposure(deal))
    low, high = 0, 0
    for leg in range(MAX_LEGS):
        hedge = deal.hedge[leg]
        most = (deal.bought_risk[leg] - deal.sold[leg]) * hedge
        least = (deal.bought[leg] - deal.sold_risk[leg]) * hedge
        low, high = low + min(most, least), high + max(most, least)
    return max(abs(low), abs(high))


@njit
def tolerance(deal):
    """Base units by which an inverse leg's hedge may be rounded otherwise than here."""
    total = 0
    for leg in range(MAX_LEGS):
        total += abs(deal.bought[leg] - deal.sold[leg]) * (1 + abs(deal.hedge[leg]) // 1000)
    return total


@njit
def on_repair(t, rules, seq, row):
    at = find(t.deal_keys, t.deal_at, row.deal_id)
    if at < 0:
        note(t.found, codes.UNKNOWN_DEAL, seq, row.deal_id, 0, 0, 0)
        return
    deal = t.deals[at]
    deal.repairs += 1
    deal.repair_seq, deal.repair_purpose = seq, row.purpose
    deal.repair_open = 1 if row.rung != HALT and row.rung != HOLD_OFF else 0
    if deal.repair_open:
        if row.attempt <= deal.tries:
            note(t.found, codes.TRIES, seq, row.deal_id, row.attempt, deal.tries, 0)
        deal.tries = row.attempt
    before = own_exposure(deal)
    after = before
    known = deal.unknown_hedge == 0
    for leg in range(MAX_LEGS):
        deal.repair_lots[leg] = row.lots[leg]
        deal.repair_from[leg] = deal.bought[leg] - deal.sold[leg]
        after += row.lots[leg] * deal.hedge[leg]
        known = known and (row.lots[leg] == 0 or deal.hedge[leg] != 0)
    bound = rules.bound[deal.spread]
    if deal.repair_open and known and not deal.by_hand and abs(after) > max(abs(before), bound):
        note(t.found, codes.REPAIR_RAISES, seq, row.deal_id, after, before, bound)


@njit
def covered_by_repair(t, seq, deal, decision):
    """A repair's DECISION: one for one REPAIR, on its legs, in its direction, of no more lots."""
    if not deal.repair_open or deal.repair_purpose != decision.purpose:
        note(t.found, codes.REPAIR_UNPLANNED, seq, deal.deal_id, decision.decision_id, decision.purpose, 0)
        return
    deal.repair_open = 0
    for leg in range(MAX_LEGS):
        lots, planned = decision.lots[leg], deal.repair_lots[leg]
        if leg >= decision.legs or lots == 0:
            continue
        if lots * planned <= 0 or abs(lots) > abs(planned):
            note(t.found, codes.OVER_REPAIR, seq, deal.deal_id, lots, leg, planned)


@njit
def on_deal(t, rules, seq, cause_seq, now_ns, row):
    """One DEAL record: its exposure and naked time against the limits, its end against its orders."""
    at = find(t.deal_keys, t.deal_at, row.deal_id)
    if at < 0:
        note(t.found, codes.UNKNOWN_DEAL, seq, row.deal_id, 0, 0, 0)
        return
    deal = t.deals[at]
    turned = row.outcome == HALTED and deal.outcome != HALTED
    deal.records += 1
    deal.last_seq, deal.state, deal.outcome, deal.reason = seq, row.state, row.outcome, row.reason
    deal.exposure_ubase, deal.naked_ns = row.exposure_ubase, row.naked_ns
    if deal.naked_base_ns < 0:
        deal.naked_base_ns = row.naked_ns
    deal.worst_naked_ns = max(deal.worst_naked_ns, row.naked_ns)
    deal.recorded_legs = max(row.legs, deal.legs)
    if row.resolution == RESOLVE_BY_HAND:
        deal.by_hand = 1
    deal.resolution = row.resolution
    for leg in range(MAX_LEGS):
        deal.booked[leg] = row.booked_lots[leg]
    if row.outcome == HALTED:
        deal.tries = 0  # taken up again, it has fresh ones
    if turned:
        deal.halted = 1
        t.switches[3, deal.strategy] = 2
        halt = t.halts[t.walk[0].halts]
        halt[0], halt[1], halt[2] = seq, row.deal_id, cause_seq
        t.walk[0].halts += 1
    _check_exposure(t, rules, seq, deal)
    _keep_naked_time(t, rules, seq, now_ns, deal)
    _check_end(t, rules, seq, deal)


@njit
def _check_exposure(t, rules, seq, deal):
    largest = 0
    for leg in range(deal.legs):
        largest = max(largest, abs(deal.target[leg] * deal.hedge[leg]))
    allowed = largest + largest // 1000 + rules.bound[deal.spread] + deal.late_ubase
    if abs(deal.exposure_ubase) > allowed:
        note(t.found, codes.OVER_EXPOSED, seq, deal.deal_id, deal.exposure_ubase, allowed, 0)
    if deal.by_hand or deal.unknown_hedge:
        return
    own = own_exposure(deal)
    inverse = rules.inverse[deal.spread].max() > 0.0
    if abs(own - deal.exposure_ubase) > (tolerance(deal) if inverse else 0):
        note(t.found, codes.EXPOSURE_DIFFERS, seq, deal.deal_id, deal.exposure_ubase, own, 0)


@njit
def _keep_naked_time(t, rules, seq, now_ns, deal):
    """The stated naked time, and our own of the same deal: neither may exceed the limit before the deal is halted.

    Time in which no engine ran counts for neither. A deal that was halted waits for a person: no limit, until RETRY.
    """
    dead_ns = t.walk[0].dead_ns
    worst = own_worst(deal) if not deal.unknown_hedge else abs(deal.exposure_ubase)
    slack = tolerance(deal) if rules.inverse[deal.spread].max() > 0.0 else 0
    if deal.since_ns:
        deal.own_naked_ns += now_ns - deal.since_ns - (dead_ns - deal.since_dead_ns)
        deal.since_ns = 0
    if worst > rules.bound[deal.spread] + slack and deal.purpose != LEDGER_HEDGE:
        deal.since_ns, deal.since_dead_ns = now_ns, dead_ns
    if deal.halted:
        return
    allowed = rules.naked_ns[deal.strategy]
    stated = deal.naked_ns - (deal.naked_base_ns if deal.naked_ns >= deal.naked_base_ns else 0)
    stated -= dead_ns - deal.dead_at_ns
    if max(stated, deal.own_naked_ns) > allowed:
        note(t.found, codes.NAKED, seq, deal.deal_id, max(stated, deal.own_naked_ns), allowed, 0)


@njit
def _check_end(t, rules, seq, deal):
    ended = deal.state == CLOSED
    if ended != (deal.outcome != NO_OUTCOME) or (deal.outcome == HALTED and deal.reason == 0):
        note(t.found, codes.NOT_ENDED, seq, deal.deal_id, deal.state, deal.outcome, deal.reason)
    if deal.unsettled:
        if ended and deal.outcome != HALTED and deal.resolution == UNRESOLVED:
            note(t.found, codes.ENDED_ALIVE, seq, deal.deal_id, deal.outcome, deal.unsettled, 0)
        return
    if deal.by_hand:
        return
    flat, complete = True, True
    for leg in range(MAX_LEGS):
        if deal.booked[leg] != deal.filled[leg]:
            note(t.found, codes.LEGS_DIFFER, seq, deal.deal_id, leg, deal.booked[leg], deal.filled[leg])
        flat = flat and deal.booked[leg] == 0
        complete = complete and (leg >= deal.legs or deal.booked[leg] == deal.target[leg])
    if not ended or deal.outcome == HALTED or deal.resolution != UNRESOLVED:
        return
    bound = rules.bound[deal.spread]
    # A hedge of the ledger is meant to leave something: what the ledger then holds is judged by its sums.
    wrong = abs(deal.exposure_ubase) > bound and deal.purpose != LEDGER_HEDGE
    wrong = wrong or ((deal.outcome == UNWOUND or deal.outcome == NOT_DONE) and not flat)
    wrong = wrong or (deal.outcome == COMPLETE and not complete and deal.recorded_legs == deal.legs)
    if wrong:
        note(t.found, codes.END_WRONG, seq, deal.deal_id, deal.outcome, deal.exposure_ubase, bound)


@njit
def on_resolve(t, choice, deal_id):
    """A person's word on a halted deal: RETRY starts its naked time anew, BY_HAND takes its lots out of our books."""
    at = find(t.deal_keys, t.deal_at, deal_id)
    if at < 0:
        return
    deal = t.deals[at]
    t.switches[3, deal.strategy] = 0
    if choice == RESOLVE_RETRY:
        deal.halted, deal.own_naked_ns, deal.naked_base_ns = 0, 0, -1  # from what the next record states
        deal.dead_at_ns = t.walk[0].dead_ns
        if deal.since_ns:
            deal.since_ns, deal.since_dead_ns = t.walk[0].now_ns, t.walk[0].dead_ns
    elif choice == RESOLVE_BY_HAND or deal.unsettled:
        # A person has traded the lots, or has taken the venue's word on orders whose trades it never told.
        deal.by_hand = 1
