"""The judge's walk, the part on orders: their ids, their lives, their trades, their cancels.

Compiled; shares nothing with the engine but the records.
"""

from bench.storm import judge_codes as codes
from bench.storm.judge_deals import check_sent, note, weigh
from bench.storm.judge_quota import cancel_leaves, market_time, order_ends, order_leaves
from bench.storm.judge_tables import MAX_LIVE, find, place, put
from engine import records as rec
from engine.jit import njit
from engine.memory import view
from engine.ports import FAILED, READY, Event
from engine.records import REHEDGE, UNWIND
from engine.schema import CANCELLED, FILLED, REJECTED

TRADE_AT, TRADE_WORDS, WORD = rec.FILL_DTYPE.fields["trade_id"][1], 6, rec.HEADER["seq"]
COUNTER_BITS = 32
NONE, ASKED, QUERIED = range(3)
NO_PRICE = 2**62
NS_PER_DAY = 86_400_000_000_000
EVENT_BUST, EVENT_CORRECT, EVENT_TRADE = Event.BUST, Event.CORRECT, Event.TRADE
EVENT_STATUS, EVENT_CANCEL_REJECTED = Event.STATUS, Event.CANCEL_REJECTED


@njit
def _use_id(t, seq, deal_id, number):
    if not put(t.id_keys, t.id_at, number, 1):
        note(t.found, codes.ID_AGAIN, seq, deal_id, number, 0, 0)
    if number >> COUNTER_BITS != t.walk[0].epoch:
        note(t.found, codes.EPOCH_WRONG, seq, deal_id, number, t.walk[0].epoch, 0)


@njit
def on_order(t, rules, seq, row):
    walk = t.walk[0]
    number, deal_id, leg = int(row["order_no"]), int(row["deal_id"]), int(row["leg"])
    _use_id(t, seq, deal_id, number)
    at = find(t.deal_keys, t.deal_at, deal_id)
    decided = find(t.decision_keys, t.decision_at, row["decision_id"])
    if at < 0 or decided < 0 or t.decisions[decided].deal != at:
        note(t.found, codes.STRANGE_ORDER, seq, deal_id, number, row["decision_id"], 0)
        return
    deal, decision, slot = t.deals[at], t.decisions[decided], walk.orders
    order = t.orders[slot]
    walk.orders += 1
    order.order_no, order.decision, order.deal, order.leg = number, decided, at, leg
    order.instrument, order.side, order.lots = row["instrument"], row["side"], row["lots"]
    order.total_lots, order.limit_ticks, order.tif = row["lots"], row["limit_ticks"], row["tif"]
    _check_decided(t, seq, deal, decision, order, row["purpose"])
    _check_allowed(t, rules, seq, deal, decision, number, row["purpose"])
    _check_crossing(t, seq, deal_id, order)
    if leg >= deal.legs and deal.hedge[leg] == 0:
        deal.unknown_hedge = 1
    weigh(deal, order, 1)
    deal.orders += 1
    check_sent(t, seq, deal, order)
    put(t.order_keys, t.order_at, number, slot)
    order_leaves(t, rules, order)
    _begin_life(t, seq, slot)


@njit
def _check_decided(t, seq, deal, decision, order, purpose):
    """Invariant 5: cleared, and no more or worse than decided."""
    leg = order.leg
    if decision.cleared != 1:
        note(t.found, codes.NOT_CLEARED, seq, deal.deal_id, order.order_no, decision.decision_id, 0)
    decision.sent[leg] += order.lots
    over = decision.sent[leg] - order.side * decision.lots[leg]
    worse = order.side * (order.limit_ticks - decision.limit_ticks[leg]) > 0
    other = order.instrument != decision.instrument[leg] or purpose != decision.purpose
    if over > 0 or worse or other:
        note(t.found, codes.OVER_DECISION, seq, deal.deal_id, order.order_no, leg, over)


@njit
def _check_allowed(t, rules, seq, deal, decision, number, purpose):
    """Invariant 5: what raises risk waits for certainty, for its venues and for its switches."""
    if purpose in (REHEDGE, UNWIND):
        return
    if deal.in_doubt:
        note(t.found, codes.IN_DOUBT, seq, deal.deal_id, number, purpose, deal.in_doubt)
    level = max(t.switches[rec.SCOPE_ALL, 0], t.switches[rec.SCOPE_STRATEGY, deal.strategy])
    level = max(level, t.switches[rec.SCOPE_SPREAD, deal.spread])
    for leg in range(decision.legs):
        venue = rules.venue[decision.instrument[leg]]
        account = rules.account[decision.instrument[leg]]
        if t.links[venue, 0] != READY or t.links[venue, 1] != READY:
            note(t.found, codes.LINK_DOWN, seq, deal.deal_id, number, purpose, venue)
        level = max(level, t.switches[rec.SCOPE_VENUE, venue], t.switches[rec.SCOPE_MARKET, rules.market[venue]])
        if account >= 0:
            level = max(level, t.switches[rec.SCOPE_ACCOUNT, account])
    if level and purpose == rec.ENTRY:
        note(t.found, codes.SWITCHED_OFF, seq, deal.deal_id, number, level, 0)


@njit
def _check_crossing(t, seq, deal_id, order):
    """Invariant 10, and one live order a leg and decision. A buy without a limit meets every sell, and the reverse."""
    price = order.limit_ticks if order.limit_ticks > 0 or order.side < 0 else NO_PRICE
    at = order.instrument
    for i in range(t.live_count[at]):
        other = t.orders[t.live[at, i]]
        theirs = other.limit_ticks if other.limit_ticks > 0 or other.side < 0 else NO_PRICE
        if other.side != order.side and order.side * (price - theirs) >= 0:
            note(t.found, codes.CROSSED, seq, deal_id, order.order_no, other.order_no, order.limit_ticks)
        if other.deal == order.deal and other.leg == order.leg and other.decision != order.decision:
            note(t.found, codes.TWO_LIVE, seq, deal_id, order.order_no, other.order_no, order.leg)


@njit
def _begin_life(t, seq, slot):
    at = t.orders[slot].instrument
    if t.live_count[at] == MAX_LIVE:
        note(t.found, codes.TOO_MANY_LIVE, seq, 0, at, MAX_LIVE, 0)
        return
    t.live[at, t.live_count[at]] = slot
    t.live_count[at] += 1


@njit
def _end_life(t, slot):
    at = t.orders[slot].instrument
    for i in range(t.live_count[at]):
        if t.live[at, i] == slot:
            t.live_count[at] -= 1
            t.live[at, i] = t.live[at, t.live_count[at]]
            return


@njit
def on_state(t, rules, seq, row):
    """Invariant 4, and what the state means for its deal."""
    slot = find(t.order_keys, t.order_at, row["order_no"])
    if slot < 0:
        note(t.found, codes.STRANGE_ORDER, seq, row["deal_id"], row["order_no"], 0, 0)
        return
    order = t.orders[slot]
    deal = t.deals[order.deal]
    event, cum, total, state = int(row["event"]), int(row["cum_lots"]), int(row["total_lots"]), int(row["state"])
    terminal = 1 if state in (FILLED, CANCELLED, REJECTED) else 0
    number, deal_id, booked = order.order_no, deal.deal_id, int(row["booked_lots"])
    if cum < order.cum and event != EVENT_BUST and event != EVENT_CORRECT:
        note(t.found, codes.CUM_FELL, seq, deal_id, number, order.cum, cum)
    if row["settled"] and (not terminal or row["in_doubt"] or (booked != cum and not deal.by_hand)):
        note(t.found, codes.SETTLED_EARLY, seq, deal_id, number, booked, cum)
    if booked != order.booked:
        note(t.found, codes.BOOKED_DIFFERS, seq, deal_id, number, booked, order.booked)
    if order.terminal and not terminal:
        note(t.found, codes.REVIVED, seq, deal_id, number, state, 0)
    if t.walk[0].event < 0 and ((terminal and not order.terminal) or (order.in_doubt and not row["in_doubt"])):
        note(t.found, codes.CERTAIN_ALONE, seq, deal_id, number, 0, 0)
    # What no engine can foresee: lots that trade after a certain end, or beyond the order.
    late = max(cum - max(order.cum, min(total, order.lots)), 0)  # a venue may amend it beyond what was sent
    if order.terminal and not order.in_doubt:
        late = max(cum - order.cum, 0)
    deal.late_ubase += late * abs(deal.hedge[order.leg])
    if terminal or event == EVENT_CANCEL_REJECTED or (event == EVENT_STATUS and order.cancel == QUERIED):
        order.cancel = NONE
    if terminal and not order.terminal:
        _end_life(t, slot)
        order_ends(t, rules, seq, deal_id, order, state, cum, total)
    weigh(deal, order, -1)
    order.cum, order.total_lots, order.terminal = cum, total, terminal
    order.in_doubt, order.settled = int(row["in_doubt"]), int(row["settled"])
    weigh(deal, order, 1)


@njit
def on_fill(t, seq, row, body):
    """Invariant 4: every trade is booked once; a bust takes back one that was."""
    slot = find(t.order_keys, t.order_at, row["order_no"])
    if slot < 0:
        note(t.found, codes.FILL_STRANGE, seq, row["deal_id"], row["order_no"], row["lots"], 0)
        return
    order = t.orders[slot]
    deal = t.deals[order.deal]
    event, lots = t.walk[0].event, int(row["lots"])
    if row["side"] != order.side or row["instrument"] != order.instrument or row["leg"] != order.leg or lots < 0:
        note(t.found, codes.FILL_STRANGE, seq, deal.deal_id, order.order_no, lots, 0)
        return
    signed = -lots if row["flags"] & rec.FILL_BUST else lots
    order.booked += signed
    deal.filled[order.leg] += order.side * signed
    words = view(body + TRADE_AT, TRADE_WORDS, WORD)
    if words[0] == 0 or event == EVENT_CORRECT:
        return
    if event == EVENT_TRADE and lots != t.walk[0].event_lots:
        note(t.found, codes.FILL_STRANGE, seq, deal.deal_id, order.order_no, lots, 0)
    key = int(order.order_no)
    for i in range(TRADE_WORDS):
        key = ((key ^ words[i]) * 0x2545F4914F6CDD1D) ^ (key >> 29)
    at = place(t.trade_keys, key)
    is_booked = t.trade_keys[at] == key and t.trade_at[at] == 1
    if signed < 0 and not is_booked:
        note(t.found, codes.BUST_UNKNOWN, seq, deal.deal_id, order.order_no, lots, 0)
    elif signed > 0 and is_booked:
        note(t.found, codes.TRADE_AGAIN, seq, deal.deal_id, order.order_no, lots, 0)
    put(t.trade_keys, t.trade_at, key, 1 if signed > 0 else 0)


@njit
def on_request(t, rules, seq, now_ns, is_cancel, row):
    """CANCEL and QUERY: their ids; one unanswered cancel an order; cancels a day and in a lock, but a kill's."""
    _use_id(t, seq, row["deal_id"], row["request_no"])
    slot = find(t.order_keys, t.order_at, row["order_no"])
    if slot < 0:
        note(t.found, codes.STRANGE_ORDER, seq, row["deal_id"], row["order_no"], 0, 0)
        return
    order = t.orders[slot]
    if not is_cancel:
        order.cancel = QUERIED if order.cancel != NONE else NONE
        return
    if order.cancel != NONE:
        note(t.found, codes.CANCEL_AGAIN, seq, row["deal_id"], order.order_no, row["request_no"], 0)
    order.cancel = ASKED
    cancel_leaves(t, rules, seq, row["deal_id"], order)
    at, walk = order.instrument, t.walk[0]
    market_ns = market_time(walk, now_ns)
    if t.day[at] != market_ns // NS_PER_DAY:
        t.day[at], t.day_cancels[at] = market_ns // NS_PER_DAY, 0
    t.day_cancels[at] += 1
    if t.day_cancels[at] > rules.cancels[0] and not walk.killing:
        note(t.found, codes.CANCELS, seq, row["deal_id"], at, t.day_cancels[at], rules.cancels[0])
    if t.locked[at]:
        t.lock_cancels[at] += 1
        if t.lock_cancels[at] > rules.lock_cancels[0] and not walk.killing:
            note(t.found, codes.LOCK_CANCELS, seq, row["deal_id"], at, t.lock_cancels[at], rules.lock_cancels[0])


@njit
def on_sent(t, row):
    """A cancel of which no byte left is no cancel."""
    slot = find(t.order_keys, t.order_at, row["order_no"])
    if slot >= 0 and row["kind"] == rec.CANCEL and row["status"] == FAILED:
        t.orders[slot].cancel = NONE
