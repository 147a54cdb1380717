"""Step 8: a deal is balanced and ends, or is out of balance and is repaired, or is handed to a person."""

from engine import ledger, legs, release, switches, views
from engine.core import Core
from engine.deals import (
    add_proxy,
    assumed_lots,
    balanced_units,
    certain_ubase,
    close_deal,
    end_naked,
    measure,
    naked_so_far,
    outcome_of,
    reopen_deal,
    watch_naked,
)
from engine.orders import TERMINAL
from engine.ports import DAY, IOC
from engine.records import (
    CLOSED,
    DEAL,
    HALT,
    HALT_CLOSED,
    HALT_DENIED,
    HALT_DOUBT,
    HALT_LATE,
    HALT_LOCKED,
    HALT_NAKED,
    HALT_NO_PRICE,
    HALT_REASONS,
    HALT_STOPPED,
    HALT_TRIES,
    HALTED,
    HOLD_CLOSED,
    HOLD_DOUBT,
    HOLD_OFF,
    HOLD_OWN_QUOTE,
    HOLD_PRICE,
    LEDGER_HEDGE,
    MAX_LEGS,
    NO_OUTCOME,
    OUTCOMES,
    PARTIAL_BALANCED,
    PROXY,
    REPAIR,
    REPAIRING,
    RESOLUTIONS,
    RESOLVE_ACCEPT,
    RESOLVE_BY_HAND,
    RESOLVE_RETRY,
    UNRESOLVED,
    UNWOUND,
)
from engine.repair import Plan, plan, raises_worst
from engine.schema import HALTED as SWITCH_HALTED
from engine.schema import REDUCE_ONLY

_BACK_OFF_SHIFT = 3  # pauses between repairs that are refused double, to 8 times the first
_BIG_UBASE = 2**62


def bound_of(core: Core, deal) -> int:
    """What a deal may leave; a hedge of the ledger is meant to leave something."""
    if deal["purpose"] == LEDGER_HEDGE:
        return _BIG_UBASE
    return int(core.state.spread[deal["spread"]]["residual_bound_ubase"])


def review(core: Core, deal, doubt_since_ns: int = 0) -> None:
    """Look at a deal after something happened to one of its orders: measure it, end it or repair it.

    doubt_since_ns: when an order that has just become doubtful was sent.
    """
    if deal["state"] == CLOSED and deal["resolution"] == RESOLVE_BY_HAND:
        # What a person has traded for it is not known here: a repair could do it twice.
        _reopen(core, deal)
        measure(deal, core.rows_of(int(deal["deal_id"])))
        halt(core, deal, HALT_LATE)
        return
    if deal["state"] == CLOSED:
        _reopen(core, deal)
    rows = core.rows_of(int(deal["deal_id"]))
    release.due(core, rows)
    measure(deal, rows)
    bound = bound_of(core, deal)
    watch_naked(core.state, deal, bound, core.now_ns, doubt_since_ns)
    if not deal["orders"] or deal["alive"]:
        deal["untold_ns"] = 0
    elif not deal["untold_ns"]:
        deal["untold_ns"] = core.now_ns
    if deal["alive"]:
        if abs(int(deal["exposure_ubase"])) <= bound:
            legs.end_waiting(core, rows)
        emit_deal(core, deal)
        if _lacks_surely(deal, bound):
            _repair_if_due(core, deal)
        return
    outcome = outcome_of(deal, bound)
    if outcome != NO_OUTCOME:
        # In balance by the venues' word; it ends when the trades behind that word are all booked.
        if deal["orders"]:
            emit_deal(core, deal)
        else:
            finish(core, deal, outcome)
        return
    if deal["state"] != REPAIRING:
        deal["state"] = REPAIRING
        deal["next_repair_ns"] = core.now_ns
    emit_deal(core, deal)
    _repair_if_due(core, deal)


def _lacks_surely(deal, bound: int) -> bool:
    """Whether all that is alive is in doubt, and the deal is out of balance whatever that has done."""
    return 0 < deal["in_doubt"] == deal["alive"] and abs(certain_ubase(deal)) > bound


def _repair_if_due(core: Core, deal) -> None:
    """Trades that a venue has yet to tell are waited for, as long as an answer is; then its word on the quantity is
    enough, since a leg left alone is worse. Where a kill has stopped repairs a person has the deal instead."""
    untold_ns = int(deal["untold_ns"])
    if untold_ns and core.now_ns < untold_ns + core.timing.ack_timeout_ns:
        return
    if core.hands_off:
        halt(core, deal, HALT_STOPPED)
    elif core.now_ns >= deal["next_repair_ns"]:
        repair(core, deal)


def _reopen(core: Core, deal) -> None:
    if ledger.holds(deal):
        ledger.book(core, deal, -1)
    reopen_deal(core.state, deal, core.now_ns)
    core.open_deals[int(deal["deal_id"])] = None
    if core.halted.pop(int(deal["deal_id"]), 0) is None:
        core.alert(
            "warn", "taken_up", f"deal {int(deal['deal_id'])} was halted; news of it has come, it is repaired again",
            f"`tandem resume` strategy {core.names['strategies'][deal['strategy']]} when it is well: it stays halted",
            int(deal["deal_id"]), exposure_ubase=int(deal["exposure_ubase"]),
        )  # fmt: skip


def finish(core: Core, deal, outcome: int, reason: int = 0) -> None:
    """End a deal; its residual goes to the ledger, and a person hears of every end but the two plain ones."""
    units = balanced_units(deal, core.state.spread[deal["spread"]]["ratio"])
    close_deal(core.state, deal, outcome, reason, units, core.now_ns)
    core.open_deals.pop(int(deal["deal_id"]), None)
    if ledger.holds(deal):
        ledger.book(core, deal, 1)
    emit_deal(core, deal)
    if outcome in (UNWOUND, PARTIAL_BALANCED):
        proxies = {
            core.instrument_name(deal["instrument"][leg]): int(deal["booked_lots"][leg])
            for leg in range(int(deal["spread_legs"]), int(deal["legs"]))
        }
        if any(proxies.values()):
            # The strategy does not count these units as its own, so it may not add to them.
            switches.tighten(core, int(deal["strategy"]), REDUCE_ONLY, f"deal {int(deal['deal_id'])} holds a proxy")
        core.alert(
            "warn" if any(proxies.values()) else "info", OUTCOMES[outcome],
            f"deal {int(deal['deal_id'])} ended {OUTCOMES[outcome].replace('_', ' ')}",
            "trade the proxy's lots against the leg when it can be traded again, then `tandem resume` the strategy, "
            "which only reduces until then" if any(proxies.values())
            else "nothing: it is in balance", int(deal["deal_id"]), repairs=int(deal["repairs"]), units=units,
            naked_ms=int(deal["naked_ns"]) // 1_000_000, **proxies,
        )  # fmt: skip


def halt(core: Core, deal, reason: int) -> None:
    """Hand a deal to a person: its strategy stops, and what is naked stays counted until somebody has decided."""
    strategy = core.state.strategy[deal["strategy"]]
    if strategy["switch"] != SWITCH_HALTED:
        core.stopped[int(deal["strategy"])] = int(strategy["switch"])
    strategy["switch"] = SWITCH_HALTED
    for row in core.rows_of(int(deal["deal_id"])):
        legs.withdraw(core, row)
    lots = {core.instrument_name(deal["instrument"][leg]): int(deal["booked_lots"][leg]) for leg in range(deal["legs"])}
    deal["resolution"] = UNRESOLVED  # a retry that failed waits for a person anew
    finish(core, deal, HALTED, reason)
    core.halted[int(deal["deal_id"])] = None
    core.alert(
        "error", "halted", f"deal {int(deal['deal_id'])} waits for a person: {HALT_REASONS[reason]}",
        "decide with `tandem resolve`: retry, accept, or by-hand once you have traded these lots; its strategy is "
        "halted until then",
        int(deal["deal_id"]), exposure_ubase=int(deal["exposure_ubase"]), **lots,
    )  # fmt: skip


def keep_halted(core: Core, deal) -> None:
    """An order of a Halted deal has ended and traded nothing: its numbers follow, what to do is still a person's."""
    measure(deal, core.rows_of(int(deal["deal_id"])))
    emit_deal(core, deal)


def resolve(core: Core, deal, choice: int) -> None:
    """What a person has decided of a Halted deal; `engine.command` has made sure that it waits for one."""
    deal["resolution"] = choice
    if choice == RESOLVE_RETRY:
        reopen_deal(core.state, deal, core.now_ns)
        deal["resolution"] = choice
        core.open_deals[int(deal["deal_id"])] = None
        _unhalt(core, deal)
        review(core, deal)
        return
    end_naked(core.state, deal, core.now_ns)
    if choice == RESOLVE_ACCEPT:
        ledger.book(core, deal, 1)
    if choice == RESOLVE_BY_HAND:
        core.adopt.update(int(deal["instrument"][leg]) for leg in range(int(deal["legs"])))
    for row in core.rows_of(int(deal["deal_id"])):
        legs.take_word(core, row)
    _unhalt(core, deal)
    emit_deal(core, deal)
    core.alert("info", "resolved", f"deal {int(deal['deal_id'])} was resolved by a person: {RESOLUTIONS[choice]}",
               "nothing", int(deal["deal_id"]), exposure_ubase=int(deal["exposure_ubase"]))  # fmt: skip


def _unhalt(core: Core, deal) -> None:
    """The strategy of a deal that no longer waits for a person goes on as before, unless another of its deals waits, or
    a person has stopped it too."""
    if core.halted.pop(int(deal["deal_id"]), 0) == 0:
        return
    if all(core.state.deal_row(other)["strategy"] != deal["strategy"] for other in core.halted):
        strategy = core.state.strategy[deal["strategy"]]
        strategy["switch"] = core.stopped.pop(int(deal["strategy"]), int(strategy["switch"]))


def check_deal(core: Core, deal) -> None:
    """On the timer: orders to release, the naked limit, and the next repair where it is due."""
    rows = core.rows_of(int(deal["deal_id"]))
    if release.due(core, rows):
        review(core, deal)
        return
    watch_naked(core.state, deal, bound_of(core, deal), core.now_ns)
    policy = core.policies[deal["strategy"]]
    if naked_so_far(deal, core.now_ns) - int(deal["granted_ns"]) > policy.naked_limit_ns:
        halt(core, deal, _why_naked(core, deal))
    elif not deal["alive"] and outcome_of(deal, bound_of(core, deal)) == NO_OUTCOME:
        deal["state"] = REPAIRING
        _repair_if_due(core, deal)
    elif _lacks_surely(deal, bound_of(core, deal)):
        _repair_if_due(core, deal)


def _why_naked(core: Core, deal) -> int:
    if deal["in_doubt"]:
        return HALT_DOUBT
    at = [int(deal["instrument"][leg]) for leg in range(int(deal["spread_legs"]))]
    if any(views.locked_side(core, one) for one in at):
        return HALT_LOCKED
    return HALT_NO_PRICE if HOLD_PRICE in [views.obstacle(core, one) for one in at] else HALT_NAKED


def repair(core: Core, deal) -> None:
    """Plan the next step from what is, put it through the gate's repair rules, and send it."""
    policy = core.policies[deal["strategy"]]
    rows = core.rows_of(int(deal["deal_id"]))
    shown = views.leg_views(core, deal, assumed_lots(deal, rows))
    instruments, proxies = views.proxy_views(core, deal)
    step = plan(
        shown, views.edge_micros(core, deal), policy, int(deal["repairs"]), policy.retry_ns / 1e9, proxies,
        urgent=views.closes_soon(core, deal) or not legs.may_wait(core, deal), may_queue=views.may_queue(core, deal),
    )  # fmt: skip
    step = _held_off(core, deal, rows, step, instruments)
    deal["next_repair_ns"] = core.now_ns + (policy.retry_ns << min(int(deal["fails"]), _BACK_OFF_SHIFT))
    if step.rung == HOLD_OFF:
        deal["next_repair_ns"] = core.now_ns + policy.retry_ns
        if not core.is_news(("held off", int(deal["deal_id"])), (step.reason, int(deal["exposure_ubase"]))):
            return
    else:
        core.told.pop(("held off", int(deal["deal_id"])), None)
    _emit_repair(core, deal, step)
    if step.rung == HALT:
        halt(core, deal, HALT_DENIED if step.reason == HALT_TRIES and _was_denied(core, deal) else step.reason)
    elif step.rung != HOLD_OFF:
        _fire(core, deal, step, instruments)


def _held_off(core: Core, deal, rows: list, step: Plan, instruments: list[int]) -> Plan:
    """The step, or why it must wait: nothing to trade on, a leg in doubt, an order of our own in the way."""
    hold = lambda reason: step._replace(rung=HOLD_OFF, reason=reason, lots=(0,) * len(step.lots), proxy=-1)
    if step.rung == HALT:
        return step
    if step.rung == HOLD_OFF:
        return _nowhere(core, deal, step)
    traded = _traded(deal, step, instruments)
    if deal["alive"]:
        busy = {int(row["instrument"]) for row in rows if row["in_doubt"] or row["state"] not in TERMINAL}
        changes = [lots * hedge for _, lots, _, hedge in traded]
        worse = raises_worst(int(deal["low_ubase"]), int(deal["high_ubase"]), changes)
        if worse or any(at in busy for at, *_ in traded):
            return hold(HOLD_DOUBT)
    if any([legs.make_way(core, at, lots, limit) for at, lots, limit, _ in traded]):
        return hold(HOLD_OWN_QUOTE)
    return step


def _nowhere(core: Core, deal, step: Plan) -> Plan:
    """No way has a price. A market that is closed is told to a person at once: it may stay so for hours."""
    found = [views.obstacle(core, int(deal["instrument"][leg])) for leg in range(int(deal["spread_legs"]))]
    if HOLD_CLOSED in found:
        return step._replace(rung=HALT, reason=HALT_CLOSED)
    return step._replace(reason=max(found) or HOLD_PRICE)


def _was_denied(core: Core, deal) -> bool:
    return core.state.scratch["verdict"]["deal_id"] == deal["deal_id"] and not core.state.scratch["verdict"]["cleared"]


def _traded(deal, step: Plan, instruments: list[int]) -> list[tuple[int, int, int, int]]:
    """(instrument, lots, limit, base units a lot) of what a step trades."""
    found = []
    for leg, (lots, limit) in enumerate(zip(step.lots, step.limit_ticks, strict=True)):
        if lots and leg < deal["spread_legs"]:
            found.append((int(deal["instrument"][leg]), lots, limit, int(deal["hedge_ubase"][leg])))
        elif lots:
            found.append((instruments[step.proxy], lots, limit, 0))
    return found


def _emit_repair(core: Core, deal, step: Plan) -> None:
    core.emit(
        REPAIR, deal_id=deal["deal_id"], rung=step.rung, attempt=int(deal["repairs"]) + 1, purpose=step.purpose,
        reason=step.reason, cost_complete_micros=step.cost_complete_micros, cost_unwind_micros=step.cost_unwind_micros,
        cost_proxy_micros=step.cost_proxy_micros, exposure_ubase=deal["exposure_ubase"],
        lots=_padded(step.lots), limit_ticks=_padded(step.limit_ticks),
    )  # fmt: skip


def _fire(core: Core, deal, step: Plan, instruments: list[int]) -> None:
    state = core.state
    lots, limits = list(step.lots), list(step.limit_ticks)
    if step.rung == PROXY:
        at = instruments[step.proxy]
        hedge = next(
            ubase for one, ubase in core.policies[deal["strategy"]].proxies.values() if one == at
        )  # fmt: skip
        number = add_proxy(deal, at, hedge, step.limit_ticks[-1])
        if number is None:
            halt(core, deal, HALT_NO_PRICE)
            return
        lots = [0] * MAX_LEGS
        limits = [0] * MAX_LEGS
        lots[number], limits[number] = step.lots[-1], step.limit_ticks[-1]
    if step.tif == DAY and any(views.locked_side(core, at) for at, *_ in _traded(deal, step, instruments)):
        deal["queued"] = 1
    if step.tif == IOC and not legs.can_end(core, deal, lots):
        # Its rest could count as a cancel that the exchange does not allow any more: it waits at its price instead.
        step = step._replace(tif=DAY)
    _write_decision(state, deal, step, lots, limits, core.now_ns + (step.wait_ns or core.timing.ack_timeout_ns))
    deal["repairs"] += 1  # one that the gate refuses is a try too: the next is another rung
    count = core.hot.decide(state.address, core.journal.address, 0, core.now_ns)
    if count:
        legs.send(core, int(deal["deal_id"]), count)
        measure(deal, core.rows_of(int(deal["deal_id"])))
        emit_deal(core, deal)
    else:
        deal["fails"] += 1


def _write_decision(state, deal, step: Plan, lots: list[int], limits: list[int], deadline_ns: int) -> None:
    """A repair as the gate reads a decision: only the legs that trade."""
    decision = state.scratch["decision"][0]
    state.head["decision_counter"] += 1
    decision["decision_id"], decision["deal_id"] = state.head["decision_counter"], deal["deal_id"]
    decision["strategy"], decision["spread"] = deal["strategy"], deal["spread"]
    decision["side"], decision["purpose"], decision["units"] = deal["side"], step.purpose, deal["units"]
    decision["slippage_ticks"], decision["deadline_ns"], decision["tif"] = 0, deadline_ns, step.tif
    for name in ("signal", "executable", "center", "threshold", "cost"):
        decision[name] = 0.0
    decision["legs"] = deal["legs"]
    for leg in range(deal["legs"]):
        wanted, limit = (lots[leg], limits[leg]) if leg < len(lots) else (0, 0)
        # More than one order may hold goes in several repairs.
        most = int(state.instrument[deal["instrument"][leg]]["max_order_lots"])
        wanted, book = max(min(wanted, most), -most), state.book[deal["instrument"][leg]]
        decision["instrument"][leg], decision["lots"][leg] = deal["instrument"][leg], wanted
        decision["ref_ticks"][leg] = book["ask_ticks"] if wanted > 0 else book["bid_ticks"]
        decision["limit_ticks"][leg] = limit
        if wanted:
            decision["limit_ticks"][leg] = views.within_band(state, int(deal["instrument"][leg]), limit)


def _padded(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(values[:MAX_LEGS]) + (0,) * (MAX_LEGS - len(values))


def emit_deal(core: Core, deal) -> None:
    core.emit(
        DEAL, deal_id=deal["deal_id"], strategy=deal["strategy"], spread=deal["spread"], side=deal["side"],
        state=deal["state"], outcome=deal["outcome"], reason=deal["reason"], purpose=deal["purpose"],
        repairs=deal["repairs"], resolution=deal["resolution"], legs=deal["legs"], instrument=deal["instrument"],
        units=deal["units"], done_units=deal["done_units"],
        exposure_ubase=deal["exposure_ubase"], low_ubase=deal["low_ubase"], high_ubase=deal["high_ubase"],
        naked_ns=naked_so_far(deal, core.now_ns), opened_ns=deal["opened_ns"], closed_ns=deal["closed_ns"],
        booked_lots=deal["booked_lots"], target_lots=deal["target_lots"],
    )  # fmt: skip
