"""The judge's one walk over a journal's bytes: what depends on the order of things. One function a kind of record.

Compiled; shares nothing with the engine but the records. Breaches are noted as (code, seq, deal, three numbers).
"""

from bench.storm import judge_codes as codes
from bench.storm.judge_deals import begin_deal, check_sent, covered_by_repair, note, on_deal, on_repair, on_resolve, weigh
from bench.storm.judge_tables import MAX_LIVE, find, place, put
from engine import records as rec
from engine.jit import njit
from engine.memory import view
from engine.ports import FAILED, QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP, READY, Event
from engine.records import HEADER, REHEDGE, UNWIND
from engine.schema import CANCELLED, FILLED, REJECTED

HEADER_BYTES = HEADER.itemsize
HEADER_DTYPE, TRADE_WORDS = HEADER, 6
TRADE_AT = rec.FILL_DTYPE.fields["trade_id"][1]
COUNTER_BITS = 32
NONE, ASKED, QUERIED = range(3)
NO_PRICE = 2**62
NS_PER_DAY = 86_400_000_000_000
EVENT_BUST, EVENT_CORRECT, EVENT_TRADE = Event.BUST, Event.CORRECT, Event.TRADE
EVENT_STATUS, EVENT_CANCEL_REJECTED = Event.STATUS, Event.CANCEL_REJECTED
WORD = rec.HEADER["seq"]
# What each record is read as, by name: compiled code wants them as globals.
START, QUOTE, REPORT, LINK, COMMAND = rec.START_DTYPE, rec.QUOTE_DTYPE, rec.REPORT_DTYPE, rec.LINK_DTYPE, rec.COMMAND_DTYPE
DECISION, VERDICT, ORDER, REQUEST = rec.DECISION_DTYPE, rec.VERDICT_DTYPE, rec.ORDER_DTYPE, rec.REQUEST_DTYPE
STATE, FILL, DEAL, REPAIR = rec.ORDER_STATE_DTYPE, rec.FILL_DTYPE, rec.DEAL_DTYPE, rec.REPAIR_DTYPE
LEDGER, SENT = rec.LEDGER_DTYPE, rec.SENT_DTYPE


@njit
def walk_records(address, offsets, rules, t):
    """All records, each handed to the function of its kind."""
    walk = t.walk[0]
    for i in range(len(offsets)):
        at = address + offsets[i]
        header = view(at, 1, HEADER_DTYPE)[0]
        kind, seq, now_ns = int(header["kind"]), int(header["seq"]), int(header["now_ns"])
        body = at + HEADER_BYTES
        if kind < rec.FIRST_OUTPUT:
            walk.event = -1
        if kind == rec.QUOTE:
            _on_quote(t, view(body, 1, QUOTE)[0])
        elif kind == rec.REPORT:
            report = view(body, 1, REPORT)[0]
            walk.event, walk.event_lots = report["event"], report["last_lots"]
        elif kind == rec.ORDER:
            _on_order(t, rules, seq, view(body, 1, ORDER)[0])
        elif kind == rec.ORDER_STATE:
            _on_state(t, seq, view(body, 1, STATE)[0])
        elif kind == rec.FILL:
            _on_fill(t, seq, view(body, 1, FILL)[0], body)
        elif kind == rec.DEAL:
            on_deal(t, rules, seq, int(header["cause_seq"]), now_ns, view(body, 1, DEAL)[0])
        elif kind == rec.DECISION:
            _on_decision(t, rules, seq, view(body, 1, DECISION)[0])
        elif kind == rec.VERDICT:
            _on_verdict(t, rules, seq, view(body, 1, VERDICT)[0])
        elif kind == rec.REPAIR:
            on_repair(t, rules, seq, view(body, 1, REPAIR)[0])
        elif kind == rec.CANCEL or kind == rec.QUERY:
            _on_request(t, rules, seq, now_ns, kind == rec.CANCEL, view(body, 1, REQUEST)[0])
        elif kind == rec.SENT:
            _on_sent(t, view(body, 1, SENT)[0])
        elif kind == rec.LINK:
            link = view(body, 1, LINK)[0]
            t.links[link["venue"], link["channel"]] = link["state"]
        elif kind == rec.LEDGER:
            _on_ledger(t, seq, view(body, 1, LEDGER)[0])
        elif kind == rec.COMMAND:
            _on_command(t, view(body, 1, COMMAND)[0])
        elif kind == rec.START:
            _on_start(t, seq, now_ns, view(body, 1, START)[0])
        walk.now_ns = now_ns


@njit
def _on_start(t, seq, now_ns, row):
    """A new epoch: links down, the switch of all active; the time since the last record was nobody's."""
    walk = t.walk[0]
    if row["epoch"] <= walk.epoch:
        note(t.found, codes.EPOCH_BACK, seq, 0, row["epoch"], walk.epoch, 0)
    if walk.epoch:
        walk.dead_ns += now_ns - walk.now_ns
    walk.epoch = row["epoch"]
    walk.clock_base_ns, walk.clock_start_ns = row["clock_base_ns"], row["clock_start_ns"]
    walk.clock_speed_milli = row["clock_speed_milli"]
    t.links[:] = 0
    t.switches[rec.SCOPE_ALL, 0] = 0


@njit
def _on_command(t, row):
    code, choice, scope = row["code"], row["choice"], row["scope"]
    if code == rec.COMMAND_RESOLVE:
        on_resolve(t, choice, scope)
        return
    level = 2
    if code == rec.COMMAND_REDUCE:
        level = 1
    elif code == rec.COMMAND_RESUME:
        level = 0
    if choice == rec.SCOPE_ALL or code == rec.COMMAND_STOP or code == rec.COMMAND_NO_ROOM:
        t.switches[rec.SCOPE_ALL, 0] = level
        if level == 0:  # whether a resume of all resumes a strategy that a Halted deal stopped is not ours to judge
            t.switches[rec.SCOPE_STRATEGY, :] = 0
    elif scope < 0:
        t.switches[choice, :] = level
    elif scope < t.switches.shape[1]:
        t.switches[choice, scope] = level


@njit
def _on_quote(t, row):
    """A lock at the price limit begins with a flagged quote and ends with one that is not."""
    at = row["instrument"]
    locked = 1 if row["flags"] & (QUOTE_LIMIT_UP | QUOTE_LIMIT_DOWN) else 0
    if locked and not t.locked[at]:
        t.lock_cancels[at] = 0
    t.locked[at] = locked


@njit
def _on_decision(t, rules, seq, row):
    walk = t.walk[0]
    number = walk.decisions
    walk.decisions += 1
    if not put(t.decision_keys, t.decision_at, row["decision_id"], number):
        note(t.found, codes.DECISION_AGAIN, seq, row["deal_id"], row["decision_id"], 0, 0)
    repairs = row["purpose"] == REHEDGE or row["purpose"] == UNWIND
    at = find(t.deal_keys, t.deal_at, row["deal_id"])
    if at < 0 and repairs:
        note(t.found, codes.UNKNOWN_DEAL, seq, row["deal_id"], 0, 0, 0)
    if at < 0:
        at = walk.deals
        walk.deals += 1
        put(t.deal_keys, t.deal_at, row["deal_id"], at)
    deal = t.deals[at]
    if not repairs and deal.orders == 0:
        begin_deal(t, rules, deal, row)
    decision = t.decisions[number]
    decision.decision_id, decision.deal, decision.purpose = row["decision_id"], at, row["purpose"]
    decision.legs = row["legs"]
    for leg in range(row["legs"]):
        decision.instrument[leg], decision.lots[leg] = row["instrument"][leg], row["lots"][leg]
        decision.limit_ticks[leg] = row["limit_ticks"][leg]
        if leg >= deal.legs:
            deal.instrument[leg] = row["instrument"][leg]
            deal.hedge[leg] = rules.proxy_hedge[deal.spread, row["instrument"][leg]]
    if repairs:
        covered_by_repair(t, seq, deal, row)


@njit
def _on_verdict(t, rules, seq, row):
    at = find(t.decision_keys, t.decision_at, row["decision_id"])
    if at < 0:
        return
    decision = t.decisions[at]
    decision.cleared = row["cleared"]
    repairs = decision.purpose == REHEDGE or decision.purpose == UNWIND
    reason = row["reason"]
    if repairs and row["cleared"] != 1 and not (0 <= reason < len(rules.may_refuse) and rules.may_refuse[reason]):
        note(t.found, codes.REFUSED, seq, row["deal_id"], row["decision_id"], decision.purpose, reason)


@njit
def _use_id(t, seq, deal_id, number):
    if not put(t.id_keys, t.id_at, number, 1):
        note(t.found, codes.ID_AGAIN, seq, deal_id, number, 0, 0)
    if number >> COUNTER_BITS != t.walk[0].epoch:
        note(t.found, codes.EPOCH_WRONG, seq, deal_id, number, t.walk[0].epoch, 0)


@njit
def _on_order(t, rules, seq, row):
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
    order.total_lots, order.limit_ticks = row["lots"], row["limit_ticks"]
    _check_decided(t, seq, deal, decision, order, row["purpose"])
    _check_allowed(t, rules, seq, deal, decision, number, row["purpose"])
    _check_crossing(t, seq, deal_id, order)
    if leg >= deal.legs and deal.hedge[leg] == 0:
        deal.unknown_hedge = 1
    weigh(deal, order, 1)
    deal.orders += 1
    check_sent(t, seq, deal, order)
    put(t.order_keys, t.order_at, number, slot)
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
    if purpose == REHEDGE or purpose == UNWIND:
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
        level = max(level, t.switches[rec.SCOPE_VENUE, venue])
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
def _on_state(t, seq, row):
    """Invariant 4, and what the state means for its deal."""
    slot = find(t.order_keys, t.order_at, row["order_no"])
    if slot < 0:
        note(t.found, codes.STRANGE_ORDER, seq, row["deal_id"], row["order_no"], 0, 0)
        return
    order = t.orders[slot]
    deal = t.deals[order.deal]
    event, cum, total, state = int(row["event"]), int(row["cum_lots"]), int(row["total_lots"]), int(row["state"])
    terminal = 1 if state == FILLED or state == CANCELLED or state == REJECTED else 0
    number, deal_id, booked = order.order_no, deal.deal_id, int(row["booked_lots"])
    if cum < order.cum and event != EVENT_BUST and event != EVENT_CORRECT:
        note(t.found, codes.CUM_FELL, seq, deal_id, number, order.cum, cum)
    if row["settled"] and (not terminal or row["in_doubt"] or booked != cum):
        note(t.found, codes.SETTLED_EARLY, seq, deal_id, number, booked, cum)
    if booked != order.booked:
        note(t.found, codes.BOOKED_DIFFERS, seq, deal_id, number, booked, order.booked)
    if order.terminal and not terminal:
        note(t.found, codes.REVIVED, seq, deal_id, number, state, 0)
    # What no engine can foresee: lots that trade after a certain end, or beyond the order.
    late = max(cum - max(order.cum, total), 0)
    if order.terminal and not order.in_doubt:
        late = max(cum - order.cum, 0)
    deal.late_ubase += late * abs(deal.hedge[order.leg])
    if terminal or event == EVENT_CANCEL_REJECTED or (event == EVENT_STATUS and order.cancel == QUERIED):
        order.cancel = NONE
    if terminal and not order.terminal:
        _end_life(t, slot)
    weigh(deal, order, -1)
    order.cum, order.total_lots, order.terminal = cum, total, terminal
    order.in_doubt, order.settled = int(row["in_doubt"]), int(row["settled"])
    weigh(deal, order, 1)


@njit
def _on_fill(t, seq, row, body):
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
def _on_request(t, rules, seq, now_ns, is_cancel, row):
    """CANCEL and QUERY: their ids; one unanswered cancel an order; cancels a day and in a lock."""
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
    at, walk = order.instrument, t.walk[0]
    market_ns = walk.clock_base_ns + (now_ns - walk.clock_start_ns) // 1000 * walk.clock_speed_milli
    if t.day[at] != market_ns // NS_PER_DAY:
        t.day[at], t.day_cancels[at] = market_ns // NS_PER_DAY, 0
    t.day_cancels[at] += 1
    if t.day_cancels[at] > rules.cancels[0]:
        note(t.found, codes.CANCELS, seq, row["deal_id"], at, t.day_cancels[at], rules.cancels[0])
    if t.locked[at]:
        t.lock_cancels[at] += 1
        if t.lock_cancels[at] > rules.lock_cancels[0]:
            note(t.found, codes.LOCK_CANCELS, seq, row["deal_id"], at, t.lock_cancels[at], rules.lock_cancels[0])


@njit
def _on_sent(t, row):
    """A cancel of which no byte left is no cancel."""
    slot = find(t.order_keys, t.order_at, row["order_no"])
    if slot >= 0 and row["kind"] == rec.CANCEL and row["status"] == FAILED:
        t.orders[slot].cancel = NONE


@njit
def _on_ledger(t, seq, row):
    spread = row["spread"]
    t.residual[spread] += row["change_ubase"]
    if row["residual_ubase"] != t.residual[spread]:
        note(t.found, codes.LEDGER_SUM, seq, row["deal_id"], spread, row["residual_ubase"], t.residual[spread])
        t.residual[spread] = row["residual_ubase"]
    at = find(t.deal_keys, t.deal_at, row["deal_id"])
    if at >= 0:
        t.deals[at].ledger_ubase += row["change_ubase"]
