"""Step 8: a deal is balanced and ends, or is out of balance and is repaired, or is handed to a person."""

import math

from engine import ledger, legs
from engine.core import Core
from engine.deals import (
    balanced_units,
    close_deal,
    keep_naked_time,
    measure,
    naked_so_far,
    outcome_of,
    reopen_deal,
)
from engine.money import lot_fee_reporting_micros, tick_reporting_micros
from engine.records import (
    CLOSED,
    DEAL,
    HALT,
    HALT_DOUBT,
    HALT_NAKED,
    HALT_REASONS,
    HALTED,
    NO_OUTCOME,
    OUTCOMES,
    PARTIAL_BALANCED,
    REPAIR,
    REPAIRING,
    UNWOUND,
    HOLD_OFF,
)
from engine.repair import LegView, Plan, plan
from engine.schema import HALTED as SWITCH_HALTED


def bound_of(core: Core, deal) -> int:
    return int(core.state.spread[deal["spread"]]["residual_bound_ubase"])


def review(core: Core, deal) -> None:
    """Look at a deal after something happened to one of its orders: measure it, end it or repair it."""
    reopened = deal["state"] == CLOSED
    if reopened:
        reopen_deal(core.state, deal)
        core.open_deals[int(deal["deal_id"])] = None
        ledger.book(core, deal, -1)
    measure(deal, core.rows_of(int(deal["deal_id"])))
    core.state.head["unbalanced_deals"] += keep_naked_time(deal, bound_of(core, deal), core.now_ns)
    if deal["orders"]:
        emit_deal(core, deal)
        return
    outcome = outcome_of(deal, bound_of(core, deal))
    if outcome != NO_OUTCOME:
        finish(core, deal, outcome)
        return
    if deal["state"] != REPAIRING:
        deal["state"] = REPAIRING
        deal["next_repair_ns"] = core.now_ns
    emit_deal(core, deal)
    if core.now_ns >= deal["next_repair_ns"]:
        repair(core, deal)


def finish(core: Core, deal, outcome: int, reason: int = 0) -> None:
    """End a deal; its residual goes to the ledger, and a person hears of every end but the two plain ones."""
    units = balanced_units(deal, core.state.spread[deal["spread"]]["ratio"])
    close_deal(core.state, deal, outcome, reason, units, core.now_ns)
    core.open_deals.pop(int(deal["deal_id"]), None)
    ledger.book(core, deal, 1)
    emit_deal(core, deal)
    if outcome in (UNWOUND, PARTIAL_BALANCED):
        core.alert(
            "info", OUTCOMES[outcome], f"deal {int(deal['deal_id'])} ended {OUTCOMES[outcome].replace('_', ' ')}",
            "nothing: it is in balance", int(deal["deal_id"]), repairs=int(deal["repairs"]), units=units,
            naked_ms=int(deal["naked_ns"]) // 1_000_000,
        )  # fmt: skip


def halt(core: Core, deal, reason: int) -> None:
    """Hand a deal to a person: its strategy stops, and what is naked stays counted until somebody has decided."""
    core.state.strategy[deal["strategy"]]["switch"] = SWITCH_HALTED
    lots = {core.instrument_name(deal["instrument"][leg]): int(deal["booked_lots"][leg]) for leg in range(deal["legs"])}
    finish(core, deal, HALTED, reason)
    core.alert(
        "error", "halted", f"deal {int(deal['deal_id'])} is out of balance and stays so: {HALT_REASONS[reason]}",
        "close or complete these lots by hand; its strategy is halted until then", int(deal["deal_id"]),
        exposure_ubase=int(deal["exposure_ubase"]), **lots,
    )  # fmt: skip


def check_deal(core: Core, deal) -> None:
    """On the timer: the naked limit, and the next repair where it is due."""
    core.state.head["unbalanced_deals"] += keep_naked_time(deal, bound_of(core, deal), core.now_ns)
    policy = core.policies[deal["strategy"]]
    if naked_so_far(deal, core.now_ns) > policy.naked_limit_ns:
        halt(core, deal, HALT_DOUBT if deal["in_doubt"] else HALT_NAKED)
    elif deal["state"] == REPAIRING and not deal["orders"] and core.now_ns >= deal["next_repair_ns"]:
        repair(core, deal)


def repair(core: Core, deal) -> None:
    """Plan the next step from what is, put it through the gate's repair rules, and send it."""
    policy = core.policies[deal["strategy"]]
    step = plan(_leg_views(core, deal), _edge_micros(core, deal), policy, int(deal["repairs"]), policy.retry_ns / 1e9)
    deal["next_repair_ns"] = core.now_ns + policy.retry_ns
    core.emit(
        REPAIR, deal_id=deal["deal_id"], rung=step.rung, attempt=int(deal["repairs"]) + 1, purpose=step.purpose,
        reason=step.reason, cost_complete_micros=step.cost_complete_micros, cost_unwind_micros=step.cost_unwind_micros,
        exposure_ubase=deal["exposure_ubase"], lots=_padded(step.lots), limit_ticks=_padded(step.limit_ticks),
    )  # fmt: skip
    if step.rung == HALT:
        halt(core, deal, step.reason)
    elif step.rung != HOLD_OFF:
        _fire(core, deal, step)


def _fire(core: Core, deal, step: Plan) -> None:
    state = core.state
    _write_decision(state, deal, step, core.now_ns + core.timing.ack_timeout_ns)
    count = core.hot.decide(state.address, core.journal.address, 0, core.now_ns)
    if count:
        deal["repairs"] += 1
        legs.send(core, int(deal["deal_id"]), count)
        measure(deal, core.rows_of(int(deal["deal_id"])))
        emit_deal(core, deal)


def _write_decision(state, deal, step: Plan, deadline_ns: int) -> None:
    """A repair as the gate reads a decision: only the legs that trade."""
    decision = state.scratch["decision"][0]
    state.head["decision_counter"] += 1
    decision["decision_id"], decision["deal_id"] = state.head["decision_counter"], deal["deal_id"]
    decision["strategy"], decision["spread"] = deal["strategy"], deal["spread"]
    decision["side"], decision["purpose"], decision["units"] = deal["side"], step.purpose, deal["units"]
    decision["slippage_ticks"], decision["deadline_ns"] = 0, deadline_ns
    for name in ("signal", "executable", "center", "threshold", "cost"):
        decision[name] = 0.0
    decision["legs"] = deal["legs"]
    for leg in range(deal["legs"]):
        # More than one order may hold goes in several repairs.
        most = int(state.instrument[deal["instrument"][leg]]["max_order_lots"])
        lots, book = max(min(step.lots[leg], most), -most), state.book[deal["instrument"][leg]]
        decision["instrument"][leg], decision["lots"][leg] = deal["instrument"][leg], lots
        decision["ref_ticks"][leg] = book["ask_ticks"] if lots > 0 else book["bid_ticks"]
        decision["limit_ticks"][leg] = step.limit_ticks[leg]


def _leg_views(core: Core, deal) -> list[LegView]:
    """The planner's view of the deal's legs. A cost that is not known counts as nothing: we are in it anyway."""
    state, spread = core.state, core.state.spread[deal["spread"]]
    views = []
    for leg in range(deal["legs"]):
        at, ref_ticks = int(deal["instrument"][leg]), int(deal["ref_ticks"][leg])
        book = state.book[at]
        view = LegView(
            booked_lots=int(deal["booked_lots"][leg]),
            target_lots=int(deal["target_lots"][leg]),
            ratio=int(spread["ratio"][leg] * deal["side"]),
            bid_ticks=int(book["bid_ticks"]) if book["bid_lots"] > 0 else 0,
            ask_ticks=int(book["ask_ticks"]) if book["ask_lots"] > 0 else 0,
            ref_ticks=ref_ticks,
            tick_micros=tick_reporting_micros(state.address, at),
            fee_micros=lot_fee_reporting_micros(state.address, at, ref_ticks),
            sigma_ticks=_sigma_ticks(core, spread, leg),
        )
        views.append(view)
    return views


def _sigma_ticks(core: Core, spread, leg: int) -> float:
    """Deviation of the spread over a second, in ticks of this leg: the rolling one, spread over its window."""
    window_s = float(spread["window"]) * core.timing.sample_ns / 1e9
    weight = abs(float(spread["weight"][leg]))
    return float(spread["sd"][0]) / weight / math.sqrt(window_s) if weight and window_s else 0.0


def _edge_micros(core: Core, deal) -> int:
    """What the deal was to earn before costs, in the spread's currency: edge x base units of all its units."""
    spread = core.state.spread[deal["spread"]]
    return round(float(deal["edge"]) * float(spread["unit_ubase"]) * int(deal["units"]))


def _padded(values: tuple[int, ...]) -> tuple[int, ...]:
    return values + (0,) * (4 - len(values))


def emit_deal(core: Core, deal) -> None:
    core.emit(
        DEAL, deal_id=deal["deal_id"], strategy=deal["strategy"], spread=deal["spread"], side=deal["side"],
        state=deal["state"], outcome=deal["outcome"], reason=deal["reason"], purpose=deal["purpose"],
        repairs=deal["repairs"], units=deal["units"], done_units=deal["done_units"],
        exposure_ubase=deal["exposure_ubase"], low_ubase=deal["low_ubase"], high_ubase=deal["high_ubase"],
        naked_ns=naked_so_far(deal, core.now_ns), opened_ns=deal["opened_ns"], closed_ns=deal["closed_ns"],
        booked_lots=deal["booked_lots"], target_lots=deal["target_lots"],
    )  # fmt: skip
