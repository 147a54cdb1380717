"""The summary of a run: a flat dict of plain numbers, each with its definition. None where nothing was to count."""

from collections.abc import Iterable

from desk.fold import Fold
from desk.fold_deals import DealView
from desk.fold_latency import LEG_SKEW, TICK_TO_ORDER
from desk.fold_names import base_units
from engine.records import (
    BAD_INPUT,
    COMPLETE,
    ENTRY,
    HALTED,
    MAX_LEGS,
    NO_OUTCOME,
    NOT_DONE,
    PARTIAL_BALANCED,
    QUOTE,
    UNWOUND,
)  # fmt: skip

DEFINITIONS = {
    "input": "What was played: the CONFIG record's own words.",
    "versions": "Versions of Tandem and of what it runs on, as the CONFIG record states them, in one text.",
    "duration_s": "Seconds of engine time from the first record of the journal to its last.",
    "decisions": "Decisions of strategies (entry, exit) that the gate answered: cleared + denied. Repairs are apart.",
    "cleared": "Decisions of strategies that the gate cleared.",
    "shadow": "Cleared decisions of strategies in shadow mode: judged as if live, and nothing was sent.",
    "denied": "Decisions of strategies that the gate denied.",
    "repair_decisions": "Decisions that repair took (re-hedge, unwind) and the gate answered, cleared or denied.",
    "deals": "Deals begun: every outcome, and those still open.",
    "complete": "Deals that ended with both legs filled as meant.",
    "unwound": "Deals that ended with what had been filled taken back.",
    "partial_balanced": "Deals that ended smaller than meant, balanced within the residual bound of their spread.",
    "halted": "Deals that repair gave up on and handed to a person.",
    "not_done": "Deals that ended without any fill.",
    "open": "Deals that are not over at the last record.",
    "orders_sent": "Orders less those of which no byte left this machine.",
    "orders_in_doubt": "Orders that were in doubt at least once: nobody knew their state for a while.",
    "orders_unsettled": "Orders that at the last record are not settled: not terminal, or trades still missing. Orders "
    "that were never sent are not counted.",
    "residual_base_units": "Sum of the spreads' residual ledgers, signed, in base units (裸敞口余额): lots that do not "
    "divide evenly. Null where spreads count in different units.",
    "exposure_at_end": "Worst-case size of what deals still open or halted hold unhedged, in base units, an order in "
    "doubt counted in full; never netted over deals. Null where such deals count in different units.",
    "naked_ms_p50": "裸露时间, naked time, median: ms a deal's exposure was above its bound, episodes summed, on our "
    "receive clock. Over deals that ended with any fill and were not halted.",
    "naked_ms_p99": "Naked time, 99th percentile (nearest rank) over the same deals.",
    "naked_ms_max": "Naked time, the longest of the same deals.",
    "naked_halted_ms_max": "Naked time so far of the worst halted deal; these are listed apart.",
    "leg_skew_us_p50": "Median time from the first leg's send to the last one's, microseconds.",
    "tick_to_order_us_p50": "Median time from the receipt of the quote to the last leg's send, microseconds.",
    "tick_to_order_us_p99": "99th percentile of the time from the receipt of the quote to the last leg's send.",
    "opportunities": "Episodes in which a strategy's entry was to be had: the signal beyond its threshold and the "
    "executable price (对价) earning its least edge after all costs; as the engine counted them.",
    "capture_pct": "Entry deals that ended complete or partial_balanced, of 100 opportunities. Null where none was "
    "seen. Above 100 where one long episode was traded more than once.",
    "failure_pct": "Deals unwound or halted, of 100 deals that are over and had any fill. Null where none had.",
    "slippage_bps_p50": "Median over the legs of deals of the average fill price (by lots) against the touch that the "
    "decision saw, in 1/10,000 of it, above zero where more was paid. Re-hedges count, unwinds do not.",
    "capital_used_pct_max": "资金占用: the highest use of any capital pool, margin used and held, % of its capital.",
    "capital_idle_pct": "100 less the average use of the pools over their samples, percent.",
    "quotes": "Quotes in the journal, after conflation.",
    "bad_inputs": "Messages that could not be understood; each is in the journal.",
    "alerts": "Alerts of every level.",
    "alerts_error": "Alerts of level error.",
    "journal_records": "Records of every kind.",
    "journal_bytes": "Bytes of the journal's records, headers included.",
    "replay_identical": "Whether replaying the inputs gave the same outputs, byte for byte. Null where not tried.",
}


def summary(fold: Fold, replay_identical: bool | None = None) -> dict:
    """Every key of `DEFINITIONS`; numbers, texts, booleans or None."""
    return {
        "input": fold.names.input,
        "versions": ", ".join(f"{name} {version}" for name, version in fold.names.versions.items()) or None,
        "duration_s": (fold.last_ns - fold.first_ns) / 1e9 if fold.records else None,
        **_decisions(fold),
        **_deals(fold),
        **_orders(fold),
        **_naked(fold),
        **_latencies(fold),
        **_quality(fold),
        **_capital(fold),
        "quotes": fold.kinds[QUOTE],
        "bad_inputs": fold.kinds[BAD_INPUT],
        "alerts": sum(fold.alert_levels.values()),
        "alerts_error": fold.alert_levels["error"],
        "journal_records": fold.records,
        "journal_bytes": fold.bytes,
        "replay_identical": replay_identical,
    }


def percentile(values: Iterable[float], percent: float) -> float | None:
    """Nearest rank: the smallest value that `percent` of all are not above. None where there is none."""
    ordered = sorted(values)
    return ordered[max(-int(-len(ordered) * percent // 100), 1) - 1] if ordered else None


def had_fill(deal: DealView) -> bool:
    return bool(deal.fills) or any(deal.last.booked_lots)


def naked_ms(fold: Fold) -> list[float]:
    """Naked time of each deal that ended with a fill and was not halted, ms."""
    over = (deal for deal in fold.deals if deal.last.outcome not in (NO_OUTCOME, HALTED))
    return [deal.last.naked_ns / 1e6 for deal in over if had_fill(deal)]


def slippages_bps(fold: Fold) -> list[float]:
    """Of every filled leg of every deal."""
    legs = (deal.slippage_bps(leg) for deal in fold.deals for leg in range(MAX_LEGS))
    return [bps for bps in legs if bps is not None]


def _decisions(fold: Fold) -> dict:
    cleared, denied = fold.verdicts[True, True], fold.verdicts[False, True]
    repairs = fold.verdicts[True, False] + fold.verdicts[False, False]
    return {
        "decisions": cleared + denied, "cleared": cleared, "shadow": fold.shadows, "denied": denied,
        "repair_decisions": repairs,
    }  # fmt: skip


def _deals(fold: Fold) -> dict:
    outcomes = {
        "complete": COMPLETE, "unwound": UNWOUND, "partial_balanced": PARTIAL_BALANCED, "halted": HALTED,
        "not_done": NOT_DONE, "open": NO_OUTCOME,
    }  # fmt: skip
    return {"deals": fold.deals.total(), **{name: fold.deals.count(outcome) for name, outcome in outcomes.items()}}


def _orders(fold: Fold) -> dict:
    sent = [order for order in fold.deals.orders.values() if not order.failed]
    exposed = [(deal.last.spread, deal.worst_exposure_ubase) for deal in fold.deals.unbalanced()]
    return {
        "orders_sent": len(sent),
        "orders_in_doubt": sum(order.doubted for order in sent),
        "orders_unsettled": sum(order.state is None or not order.state.settled for order in sent),
        "residual_base_units": _one_unit(fold, [(i, view.residual_ubase) for i, view in fold.spreads.items()]),
        "exposure_at_end": _one_unit(fold, exposed),
    }


def _one_unit(fold: Fold, amounts: list[tuple[int, int]]) -> float | None:
    """The sum of (spread, ubase), None where it would add grams to barrels."""
    units = {fold.names.unit(spread) for spread, ubase in amounts if ubase}
    return base_units(sum(ubase for _, ubase in amounts)) if len(units) < 2 else None


def _naked(fold: Fold) -> dict:
    over = naked_ms(fold)
    halted = [deal.last.naked_ns / 1e6 for deal in fold.deals if deal.last.outcome == HALTED]
    return {
        "naked_ms_p50": percentile(over, 50),
        "naked_ms_p99": percentile(over, 99),
        "naked_ms_max": max(over, default=None),
        "naked_halted_ms_max": max(halted, default=None),
    }


def _latencies(fold: Fold) -> dict:
    skew, order = fold.latencies.latency(LEG_SKEW), fold.latencies.latency(TICK_TO_ORDER)
    return {
        "leg_skew_us_p50": skew.p50_ns / 1000 if skew else None,
        "tick_to_order_us_p50": order.p50_ns / 1000 if order else None,
        "tick_to_order_us_p99": order.p99_ns / 1000 if order else None,
    }


def _quality(fold: Fold) -> dict:
    seen = sum(view.opportunities for view in fold.spreads.values())
    entries = (deal.last for deal in fold.deals if deal.last.purpose == ENTRY)
    captured = sum(last.outcome in (COMPLETE, PARTIAL_BALANCED) for last in entries)
    over = [deal for deal in fold.deals if not deal.is_open and had_fill(deal)]
    failed = sum(deal.last.outcome in (UNWOUND, HALTED) for deal in over)
    return {
        "opportunities": seen,
        "capture_pct": 100 * captured / seen if seen else None,
        "failure_pct": 100 * failed / len(over) if over else None,
        "slippage_bps_p50": percentile(slippages_bps(fold), 50),
    }


def _capital(fold: Fold) -> dict:
    pools = fold.pools.values()
    samples = sum(pool.samples.seen for pool in pools)
    return {
        "capital_used_pct_max": max((pool.top_bps for pool in pools), default=None) / 100 if samples else None,
        "capital_idle_pct": 100 - sum(pool.sum_bps for pool in pools) / samples / 100 if samples else None,
    }
