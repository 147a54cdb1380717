"""The judge's walk, the part on quotas: cancels as an exchange counts them (频繁报撤单, 大额撤单), a contract and day.

Counted is a cancel that we asked for, and, where the exchange's rules say so, the unfilled rest of an IOC order whose
cancel we did not ask for. A kill's cancels count, but break no limit. Compiled; shares nothing with the engine but the
records.
"""

from bench.storm import judge_codes as codes
from bench.storm.judge_deals import note
from bench.storm.judge_rules import NO_QUOTA, SLICES
from engine.jit import njit
from engine.ports import IOC
from engine.schema import CANCELLED, FREQUENT, LARGE

NS_PER_DAY = 86_400_000_000_000
LEAST_ROOM = 12  # an order that leaves with less room than this may have had no cancel left: some may wait unsent
KINDS = (FREQUENT, LARGE)


@njit
def market_time(walk, now_ns):
    return walk.clock_base_ns + (now_ns - walk.clock_start_ns) // 1000 * walk.clock_speed_milli


@njit
def turn_days(t, rules, now_ns, dates_too):
    """On the timer, and at a start: the counts of a contract whose trading day is over begin anew. Where a market has
    no trading days, its day is the date, which turns on the timer."""
    walk = t.walk[0]
    market_ns = market_time(walk, now_ns)
    if market_ns < walk.next_turn_ns:
        return
    if dates_too:
        walk.date = market_ns // NS_PER_DAY
    walk.next_turn_ns = (market_ns // NS_PER_DAY + 1) * NS_PER_DAY if dates_too else market_ns
    for at in range(len(t.quotas)):
        quota, calendar = t.quotas[at], rules.quota[at].calendar
        while rules.closes[calendar, quota.section] <= market_ns:
            quota.section += 1
        walk.next_turn_ns = min(walk.next_turn_ns, rules.closes[calendar, quota.section])
        day = rules.days[calendar, quota.section]
        day = walk.date if day < 0 else day
        if day != quota.day:
            quota.day = day
            quota.used[:] = 0
            quota.killed[:] = 0


@njit
def _count(t, rules, seq, order, deal_id, at):
    """One more that the exchange counts."""
    quota, rule, killing = t.quotas[at], rules.quota[at], t.walk[0].killing
    order.counted = 1
    for kind in range(2):
        more = 1 if kind == 0 else order.large
        quota.used[kind] += more
        quota.killed[kind] += more * killing
        over = quota.used[kind] - quota.killed[kind] > rule.most[kind]
        if more and over and not killing and not t.walk[0].relimited:
            note(t.found, codes.OVER_QUOTA, seq, deal_id, order.instrument, quota.used[kind], rule.most[kind])


@njit
def order_leaves(t, rules, order):
    """An order is sent. Where there is room without a doubt, a cancel was held for it before."""
    at = rules.meter[order.instrument]
    if at < 0:
        return
    quota, rule = t.quotas[at], rules.quota[at]
    order.large = 1 if order.lots >= rule.large_lots else 0
    room = rule.most[0] - quota.used[0] - quota.live[0]
    if order.large:
        room = min(room, rule.most[1] - quota.used[1] - quota.live[1])
    order.kept = 1 if room >= LEAST_ROOM else 0
    order.alive = 1
    _live(quota, order, 1)


@njit
def _live(quota, order, sign):
    quota.live[0] += sign
    quota.live[1] += sign * order.large
    quota.kept[0] += sign * order.kept
    quota.kept[1] += sign * order.kept * order.large


@njit
def cancel_leaves(t, rules, seq, deal_id, order):
    """A cancel is asked for, for the first time or again."""
    at = rules.meter[order.instrument]
    if at < 0:
        return
    _no_more(t.quotas[at], order)
    _count(t, rules, seq, order, deal_id, at)


@njit
def order_ends(t, rules, seq, deal_id, order, state, cum, total):
    """The first word that an order is over."""
    at = rules.meter[order.instrument]
    if at < 0:
        return
    _no_more(t.quotas[at], order)
    rest = order.tif == IOC and state == CANCELLED and cum < total
    if rest and not order.counted and rules.quota[at].ioc_counts:
        _count(t, rules, seq, order, deal_id, at)


@njit
def _no_more(quota, order):
    if order.alive:
        _live(quota, order, -1)
        order.alive = 0


@njit
def check_opening(t, rules, seq, decision, deal):
    """A Cleared opening leaves the reserve alone: with what is counted, with what live orders may come to, and with its
    own slices and repair."""
    for leg in range(decision.legs):
        at = rules.meter[decision.instrument[leg]]
        if at < 0 or decision.lots[leg] == 0 or t.walk[0].relimited:
            continue
        quota, rule = t.quotas[at], rules.quota[at]
        for kind in range(2):
            own = 0
            for other in range(decision.legs):
                lots = abs(decision.lots[other])
                mine = lots > 0 and rules.meter[decision.instrument[other]] == at
                if mine and (kind == 0 or lots >= rule.large_lots):
                    own += SLICES + rules.tries[deal.strategy]
            worst, most = quota.used[kind] + quota.kept[kind] + own, rule.most[kind] - rule.reserve[kind]
            if own and rule.most[kind] != NO_QUOTA and worst > most:
                note(t.found, codes.OPENED_INTO_RESERVE, seq, deal.deal_id, decision.decision_id, worst, most)


@njit
def on_meter(t, rules, seq, row):
    """What the engine says of a contract's day, as of this record."""
    at = row["meter"] - rules.first_meter[0]
    if at < 0 or at >= len(t.quotas) or t.walk[0].relimited:
        return
    quota = t.quotas[at]
    for kind in range(2):
        used, held = row["used"][KINDS[kind]], row["held"][KINDS[kind]]
        off = used - quota.used[kind]
        if off != quota.off[kind] and off != 0:
            note(t.found, codes.METER_WRONG, seq, 0, row["meter"], used, quota.used[kind])
        quota.off[kind] = off
        if held < quota.kept[kind]:
            note(t.found, codes.NOT_HELD, seq, 0, row["meter"], held, quota.kept[kind])
