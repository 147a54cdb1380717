"""The judge's one walk over a journal's bytes: what depends on the order of things. One function a kind of record.

Compiled; shares nothing with the engine but the records. Breaches are noted as (code, seq, deal, three numbers).
"""

from bench.storm import judge_codes as codes
from bench.storm.judge_deals import begin_deal, covered_by_repair, note, on_deal, on_repair, on_resolve
from bench.storm.judge_orders import on_fill, on_order, on_request, on_sent, on_state
from bench.storm.judge_quota import check_opening, on_meter, turn_days
from bench.storm.judge_tables import find, put
from engine import records as rec
from engine.jit import njit
from engine.memory import view
from engine.ports import QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP
from engine.records import ENTRY, HEADER, LEDGER_HEDGE, REHEDGE, UNWIND

HEADER_BYTES = HEADER.itemsize
# What each record is read as, by name: compiled code wants them as globals.
START, QUOTE, REPORT, LINK = rec.START_DTYPE, rec.QUOTE_DTYPE, rec.REPORT_DTYPE, rec.LINK_DTYPE
COMMAND, DECISION, VERDICT, ORDER = rec.COMMAND_DTYPE, rec.DECISION_DTYPE, rec.VERDICT_DTYPE, rec.ORDER_DTYPE
REQUEST, STATE, FILL, DEAL = rec.REQUEST_DTYPE, rec.ORDER_STATE_DTYPE, rec.FILL_DTYPE, rec.DEAL_DTYPE
REPAIR, LEDGER, SENT, METER = rec.REPAIR_DTYPE, rec.LEDGER_DTYPE, rec.SENT_DTYPE, rec.METER_DTYPE


@njit
def walk_records(address, offsets, rules, t):
    """All records, each handed to the function of its kind."""
    walk = t.walk[0]
    for i in range(len(offsets)):
        at = address + offsets[i]
        header = view(at, 1, HEADER)[0]
        kind, seq, now_ns = int(header["kind"]), int(header["seq"]), int(header["now_ns"])
        body = at + HEADER_BYTES
        if kind < rec.FIRST_OUTPUT:
            walk.event, walk.killing = -1, 0
        if kind == rec.QUOTE:
            _on_quote(t, view(body, 1, QUOTE)[0])
        elif kind == rec.REPORT:
            report = view(body, 1, REPORT)[0]
            walk.event, walk.event_lots = report["event"], report["last_lots"]
        elif kind == rec.ORDER:
            on_order(t, rules, seq, view(body, 1, ORDER)[0])
        elif kind == rec.ORDER_STATE:
            on_state(t, rules, seq, view(body, 1, STATE)[0])
        elif kind == rec.FILL:
            on_fill(t, seq, view(body, 1, FILL)[0], body)
        elif kind == rec.DEAL:
            on_deal(t, rules, seq, int(header["cause_seq"]), now_ns, view(body, 1, DEAL)[0])
        elif kind == rec.DECISION:
            _on_decision(t, rules, seq, view(body, 1, DECISION)[0])
        elif kind == rec.VERDICT:
            _on_verdict(t, rules, seq, view(body, 1, VERDICT)[0])
        elif kind == rec.REPAIR:
            on_repair(t, rules, seq, view(body, 1, REPAIR)[0])
        elif kind == rec.CANCEL or kind == rec.QUERY:
            on_request(t, rules, seq, now_ns, kind == rec.CANCEL, view(body, 1, REQUEST)[0])
        elif kind == rec.SENT:
            on_sent(t, view(body, 1, SENT)[0])
        elif kind == rec.LINK:
            link = view(body, 1, LINK)[0]
            t.links[link["venue"], link["channel"]] = link["state"]
        elif kind == rec.LEDGER:
            _on_ledger(t, seq, view(body, 1, LEDGER)[0])
        elif kind == rec.COMMAND:
            _on_command(t, now_ns, view(body, 1, COMMAND)[0])
        elif kind == rec.TIMER:
            turn_days(t, rules, now_ns, True)
            if walk.timed:
                _run_out(t, now_ns)
        elif kind == rec.METER:
            on_meter(t, rules, seq, view(body, 1, METER)[0])
        elif kind == rec.LIMITS:
            walk.relimited = 1
        elif kind == rec.START:
            _on_start(t, seq, now_ns, view(body, 1, START)[0])
            turn_days(t, rules, now_ns, False)
        walk.now_ns = now_ns


@njit
def _on_start(t, seq, now_ns, row):
    """A new epoch: links down, the switch of all as last ordered; the time since the last record was nobody's."""
    walk = t.walk[0]
    if row["epoch"] <= walk.epoch:
        note(t.found, codes.EPOCH_BACK, seq, 0, row["epoch"], walk.epoch, 0)
    if walk.epoch:
        walk.dead_ns += now_ns - walk.now_ns
    walk.epoch = row["epoch"]
    walk.clock_base_ns, walk.clock_start_ns = row["clock_base_ns"], row["clock_start_ns"]
    walk.clock_speed_milli = row["clock_speed_milli"]
    t.links[:] = 0
    t.switches[rec.SCOPE_ALL, 0], walk.forced = walk.ordered, 0


@njit
def _on_command(t, now_ns, row):
    code, choice, scope, until_ns = row["code"], row["choice"], row["scope"], row["until_ns"]
    walk = t.walk[0]
    if code == rec.COMMAND_RESOLVE:
        on_resolve(t, choice, scope)
    if code > rec.COMMAND_KILL or code == rec.COMMAND_RESOLVE or 0 < until_ns <= now_ns:
        return  # of money, of a deal, or too late
    walk.killing = code == rec.COMMAND_KILL
    ends = code == rec.COMMAND_STOP or code == rec.COMMAND_NO_ROOM
    level = 2
    if code == rec.COMMAND_REDUCE:
        level = 1
    elif code == rec.COMMAND_RESUME:
        level = 0
    if ends:
        t.switches[rec.SCOPE_ALL, 0], walk.forced = level, 1
        return
    if walk.killing or choice == rec.SCOPE_ALL:
        choice, scope = rec.SCOPE_ALL, 0
        walk.ordered, walk.forced = level, 0
        if level == 0:  # whether a resume of all resumes a strategy that a Halted deal stopped is not ours to judge
            t.switches[rec.SCOPE_STRATEGY, :] = 0
    if scope < 0:
        t.switches[choice, :], t.untils[choice, :] = level, until_ns
    elif scope < t.switches.shape[1]:
        t.switches[choice, scope], t.untils[choice, scope] = level, until_ns
    walk.timed = int((t.untils > 0).any())


@njit
def _run_out(t, now_ns):
    """What has run out is active again; whether a Halted deal holds a strategy all the same is not ours to judge."""
    walk = t.walk[0]
    for choice in range(t.untils.shape[0]):
        for scope in range(t.untils.shape[1]):
            if 0 < t.untils[choice, scope] <= now_ns:
                t.untils[choice, scope] = 0
                if choice == rec.SCOPE_ALL:
                    walk.ordered = 0
                if choice != rec.SCOPE_ALL or not walk.forced:
                    t.switches[choice, scope] = 0
    walk.timed = int((t.untils > 0).any())


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
    repairs = row["purpose"] in (REHEDGE, UNWIND)
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
    repairs = decision.purpose in (REHEDGE, UNWIND)
    if row["cleared"] == 1 and decision.purpose in (ENTRY, LEDGER_HEDGE):
        check_opening(t, rules, seq, decision, t.deals[decision.deal])
    reason = row["reason"]
    if repairs and row["cleared"] != 1 and not (0 <= reason < len(rules.may_refuse) and rules.may_refuse[reason]):
        note(t.found, codes.REFUSED, seq, row["deal_id"], row["decision_id"], decision.purpose, reason)


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
