"""The deal table: the life of one decision, its imbalance in base units, its naked time, its outcome."""

import math

from engine.instruments import INVERSE
from engine.jit import njit
from engine.meters import reserve_repair
from engine.orders import TERMINAL
from engine.records import (
    CLOSED,
    COMPLETE,
    HALTED,
    LEDGER_HEDGE,
    MAX_LEGS,
    NO_OUTCOME,
    NOT_DONE,
    OPENING,
    PARTIAL_BALANCED,
    REPAIRING,
    UNRESOLVED,
    UNWOUND,
)
from engine.schema import CREATED
from engine.tables import deals_of, head_of, instruments_of, spreads_of, strategies_of


@njit
def open_deal(base, decision, now_ns):
    """The row of a Cleared decision's deal; base units a lot are fixed here, at the decision's price where inverse."""
    head = head_of(base)
    spread = spreads_of(base)[decision.spread]
    deal = deals_of(base)[decision.deal_id & (head.n_deal - 1)]
    deal.deal_id, deal.strategy, deal.spread = decision.deal_id, decision.strategy, decision.spread
    deal.side, deal.purpose, deal.units, deal.legs = decision.side, decision.purpose, decision.units, decision.legs
    deal.state, deal.outcome, deal.reason, deal.done_units = OPENING, NO_OUTCOME, 0, 0
    deal.executable, deal.edge = decision.executable, (decision.center - decision.executable) * decision.side
    deal.alive, deal.untold_ns = 0, 0
    deal.orders, deal.in_doubt, deal.repairs, deal.next_repair_ns, deal.fills = 0, 0, 0, 0, 0
    deal.spread_legs, deal.fails, deal.queued, deal.resolution = decision.legs, 0, 0, UNRESOLVED
    deal.granted_ns = 0
    deal.exposure_ubase = deal.low_ubase = deal.high_ubase = 0
    deal.opened_ns, deal.closed_ns, deal.naked_ns, deal.naked_since_ns = now_ns, 0, 0, 0
    for leg in range(decision.legs):
        instrument = instruments_of(base)[decision.instrument[leg]]
        deal.instrument[leg], deal.ref_ticks[leg] = decision.instrument[leg], decision.ref_ticks[leg]
        deal.target_lots[leg], deal.booked_lots[leg] = decision.lots[leg], 0
        deal.hedge_ubase[leg] = spread.hedge_ubase[leg]
        if instrument.kind == INVERSE:
            coins = instrument.tick_micros / (decision.ref_ticks[leg] * instrument.tick)
            deal.hedge_ubase[leg] = math.floor(coins * spread.hedge_weight[leg] + 0.5)
    deal.reserved = 0
    reserve_repair(base, decision.deal_id & (head.n_deal - 1), 1)
    head.live_deals += 1
    spread.open_deals += 1
    strategies_of(base)[decision.strategy].open_deals += 1


def measure(deal, orders) -> None:
    """Set a deal's exposure from what its orders traded, and its interval from what they still might.

    orders: its rows. A live or in-doubt order counts at its worst: any quantity from none to all that is left of it;
    one that has not been sent counts as nothing.
    """
    booked, hedge = deal["booked_lots"].tolist(), deal["hedge_ubase"].tolist()
    exposure = sum(booked[leg] * hedge[leg] for leg in range(int(deal["legs"])))
    low = high = exposure
    unsettled = doubtful = alive = 0
    for row in orders:
        if row["settled"]:
            continue
        unsettled += 1
        doubtful += int(row["in_doubt"])
        alive += int(row["in_doubt"] or row["state"] not in TERMINAL)
        if row["in_doubt"] or row["state"] not in (*TERMINAL, CREATED):
            might = (int(row["lots"]) - int(row["cum_lots"])) * hedge[row["leg"]] * int(row["side"])
            low, high = low + min(might, 0), high + max(might, 0)
    deal["exposure_ubase"], deal["low_ubase"], deal["high_ubase"] = exposure, low, high
    deal["orders"], deal["in_doubt"], deal["alive"] = unsettled, doubtful, alive


def certain_ubase(deal) -> int:
    """The least exposure that a deal has, whatever its doubtful orders have done: 0 where it may be in balance."""
    low, high = int(deal["low_ubase"]), int(deal["high_ubase"])
    return 0 if low <= 0 <= high else min(low, high, key=abs)


def assumed_lots(deal, orders) -> list[int]:
    """Lots a leg, with the doubtful orders taken as having done what leaves the least exposure."""
    lots = [int(deal["booked_lots"][leg]) for leg in range(int(deal["legs"]))]
    for row in orders:
        if row["settled"] or not row["in_doubt"]:
            continue
        leg, left = int(row["leg"]), int(row["lots"]) - int(row["cum_lots"])
        if int(row["side"]) * int(deal["hedge_ubase"][leg]) * int(deal["exposure_ubase"]) < 0:
            lots[leg] += int(row["side"]) * left
    return lots


def add_proxy(deal, instrument: int, hedge_ubase: int, ref_ticks: int) -> int | None:
    """The leg number of a proxy in a deal, made where it is new; None where the deal's row has no room for it."""
    legs = int(deal["legs"])
    for leg in range(int(deal["spread_legs"]), legs):
        if deal["instrument"][leg] == instrument:
            return leg
    if legs == MAX_LEGS:
        return None
    deal["instrument"][legs], deal["hedge_ubase"][legs], deal["ref_ticks"][legs] = instrument, hedge_ubase, ref_ticks
    deal["target_lots"][legs] = deal["booked_lots"][legs] = 0
    deal["legs"] = legs + 1
    return legs


def keep_naked_time(deal, bound_ubase: int, now_ns: int, since_ns: int = 0) -> int:
    """Count the time that |exposure| exceeds its bound, episodes summed. +1: became naked, -1: is so no more, else 0.

    since_ns: when an order that is in doubt was sent: from then on the worst case counts. After a restart it is the
    restart (0: now), so that the venue can be asked before the limit is up.
    """
    worst = abs(int(deal["exposure_ubase"]))
    if deal["in_doubt"]:
        worst = max(abs(int(deal["low_ubase"])), abs(int(deal["high_ubase"])))
    since = int(deal["naked_since_ns"])
    if worst > bound_ubase and since == 0:
        deal["naked_since_ns"] = since_ns or now_ns
        return 1
    if worst <= bound_ubase and since:
        deal["naked_ns"] += now_ns - since
        deal["naked_since_ns"] = 0
        return -1
    return 0


def watch_naked(state, deal, bound_ubase: int, now_ns: int, since_ns: int = 0) -> None:
    """`keep_naked_time`, and the counts of it that the gate looks at: of the strategy and of all."""
    before = int(deal["naked_ns"])
    change = keep_naked_time(deal, bound_ubase, now_ns, since_ns)
    _count_naked(state, deal, change, int(deal["naked_ns"]) - before)


def end_naked(state, deal, now_ns: int) -> None:
    """A person has taken a deal over: from now on it is not naked, whatever it holds."""
    if deal["naked_since_ns"]:
        spent = naked_so_far(deal, now_ns) - int(deal["naked_ns"])
        deal["naked_ns"] += spent
        deal["naked_since_ns"] = 0
        _count_naked(state, deal, -1, spent)


def _count_naked(state, deal, change: int, spent_ns: int) -> None:
    for row in (state.head, state.strategy[deal["strategy"]]):
        row["unbalanced_deals" if row is state.head else "unbalanced"] += change
        row["naked_ns"] += spent_ns


def naked_so_far(deal, now_ns: int) -> int:
    since = int(deal["naked_since_ns"])
    return int(deal["naked_ns"]) + (now_ns - since if since else 0)


def balanced_units(deal, ratios) -> int:
    """Units that stand on every leg, each leg's lots rounded to whole ones: the strategy's position counts in these."""
    if deal["purpose"] == LEDGER_HEDGE:
        return 0
    legs = range(int(deal["spread_legs"]))
    return min(round(abs(int(deal["booked_lots"][leg])) / abs(int(ratios[leg]))) for leg in legs)


def outcome_of(deal, bound_ubase: int) -> int:
    """How a deal without unsettled orders has ended; NO_OUTCOME where it is out of balance and needs repair."""
    legs = range(int(deal["legs"]))
    if abs(int(deal["exposure_ubase"])) > bound_ubase and deal["purpose"] != LEDGER_HEDGE:
        return NO_OUTCOME
    if all(deal["booked_lots"][leg] == 0 for leg in legs):
        return UNWOUND if deal["fills"] else NOT_DONE
    if all(deal["booked_lots"][leg] == deal["target_lots"][leg] for leg in legs):
        return COMPLETE
    return PARTIAL_BALANCED


def reopen_deal(state, deal, now_ns: int) -> None:
    """Take a closed deal up again, since late news changed it or a person wants it: the opposite of `close_deal`."""
    if deal["outcome"] == HALTED:
        # It waited for a person, or for news: what there is now is repaired with fresh tries and a fresh limit.
        deal["repairs"] = deal["fails"] = deal["queued"] = 0
        deal["granted_ns"] = naked_so_far(deal, now_ns)
    deal["resolution"] = UNRESOLVED
    deal["state"], deal["outcome"], deal["reason"], deal["closed_ns"] = REPAIRING, NO_OUTCOME, 0, 0
    deal["next_repair_ns"] = now_ns
    reserve_repair(state.address, int(deal["deal_id"]) & (len(state.deal) - 1), 1)
    state.head["live_deals"] += 1
    state.spread[deal["spread"]]["open_deals"] += 1
    strategy = state.strategy[deal["strategy"]]
    strategy["open_deals"] += 1
    strategy["position_units"] -= int(deal["side"]) * int(deal["done_units"])
    deal["done_units"] = 0


def close_deal(state, deal, outcome: int, reason: int, done_units: int, now_ns: int) -> None:
    """End a deal and tell its spread and strategy."""
    deal["state"], deal["outcome"], deal["reason"] = CLOSED, outcome, reason
    deal["done_units"], deal["closed_ns"] = done_units, now_ns
    reserve_repair(state.address, int(deal["deal_id"]) & (len(state.deal) - 1), 0)
    state.head["live_deals"] -= 1
    state.spread[deal["spread"]]["open_deals"] -= 1
    strategy = state.strategy[deal["strategy"]]
    strategy["open_deals"] -= 1
    strategy["position_units"] += int(deal["side"]) * done_units
