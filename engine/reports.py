"""Step 7: a venue's report into the order table, the position and the deal. Cumulative truth, idempotent booking."""

from engine import legs, meters, pnl, positions, settle
from engine.core import Core
from engine.ids import client_id
from engine.orders import CANCEL_REFUSED, MOVES, TERMINAL, learn
from engine.orders import settle as settle_order
from engine.ports import UNKNOWN, Event, ExecReport
from engine.records import CLOSED, FILL, FILL_BUST, FILL_LATE, HALT_DOUBT, HALT_TRADES, REHEDGE
from engine.schema import CANCEL_SENT, REJECTED

_MOST_EARLY = _MOST_FOREIGN = 1024
_DOUBTS = (HALT_DOUBT, HALT_TRADES)
_OVER = (Event.CANCELLED, Event.REJECTED, Event.DONE, Event.UNKNOWN_ORDER, Event.SEND_FAILED)


def apply_report(core: Core, report: ExecReport) -> None:
    """Take one statement of a venue; what it means for the deal follows at once."""
    _name(core, report)
    row = core.state.order_row(report.order_no)
    if row is not None and _contradicts(core, row, report):
        _foreign(core, report)
        return
    if row is None:
        _unmatched(core, report)
        return
    _apply(core, row, report)
    if report.venue_order_id and core.early:
        _match_early(core, report)


def _contradicts(core: Core, row, report: ExecReport) -> bool:
    """Whether a report under an id of ours is not about that order: another venue, or a trade of another contract or
    side. (An answer to a question may leave out both: some venues echo nothing of an order that they do not know.)"""
    if core.state.instrument[row["instrument"]]["venue"] != report.venue:
        return True
    if report.event not in (Event.TRADE, Event.BUST, Event.CORRECT):
        return False
    return report.instrument not in (-1, int(row["instrument"])) or report.side not in (0, int(row["side"]))


def _name(core: Core, report: ExecReport) -> None:
    """Whose report it is: by our id, by the id of a cancel of ours, or by the venue's own id of the order."""
    report.order_no = core.requests.get(report.order_no, report.order_no)
    venue_order = (report.venue, report.venue_order_id)
    if report.order_no == 0 and not report.client_id and report.venue_order_id:
        report.order_no = core.venue_orders.get(venue_order, 0)
    elif report.order_no and report.venue_order_id:
        core.venue_orders[venue_order] = report.order_no


def _unmatched(core: Core, report: ExecReport) -> None:
    """A report under nothing but a venue's id may be early: it waits for the one that names the order (F4)."""
    if report.client_id or not report.venue_order_id or len(core.early) >= _MOST_EARLY:
        _foreign(core, report)
        return
    core.early.append((core.now_ns + core.timing.ack_timeout_ns, report))


def _match_early(core: Core, report: ExecReport) -> None:
    """Apply what waited for this order, in the order in which it came."""
    mine = [early for _, early in core.early if early.venue_order_id == report.venue_order_id
            and early.venue == report.venue]  # fmt: skip
    if not mine:
        return
    core.early = [kept for kept in core.early if kept[1] not in mine]
    for early in mine:
        early.order_no = report.order_no
        _apply(core, core.state.order_row(report.order_no), early)


def tell_unmatched(core: Core) -> None:
    """On the timer: what has waited in vain belongs to somebody else."""
    while core.early and core.now_ns >= core.early[0][0]:
        _foreign(core, core.early.pop(0)[1])


def _apply(core: Core, row, report: ExecReport) -> None:
    if report.event == Event.TRADE and _trade_key(row, report) in core.busted:
        return  # told again after it was undone: it is not done again
    # None: so long ago that its row serves another deal. What traded is booked all the same.
    deal = core.state.deal_row(int(row["deal_id"]))
    was_doubtful, was_live = bool(row["in_doubt"]), not row["settled"]
    booked = _book_trade(core, row, deal, report)
    was = int(row["state"])
    moved = learn(row, report)
    slot = report.order_no & (len(core.state.order) - 1)
    if moved:
        positions.book_lots(core.state.address, slot, moved)
        meters.use_fill(core.state.address, slot, moved)
    if report.event == Event.STATUS and row["state"] == CANCEL_SENT and _overdue(core, row):
        # It lives on although its cancel was to have ended it long ago: the cancel had no effect.
        row["state"] = MOVES[CANCEL_SENT][CANCEL_REFUSED]
    left = 0 if row["state"] in TERMINAL else max(int(row["lots"]) - int(row["cum_lots"]), 0)
    positions.keep_working(core.state.address, slot, left)
    if row["state"] in TERMINAL:
        meters.end_order(core.state.address, slot)
    known = int(core.state.position[row["instrument"]]["mark_ticks"]) or int(row["limit_ticks"])
    traded = report.last_ticks if report.event == Event.TRADE else 0  # a bust's price is no price of the market
    positions.mark(core.state.address, int(row["instrument"]), int(traded or known))
    if was_doubtful and not row["in_doubt"]:
        core.state.venue[report.venue]["in_doubt"] -= 1
    _follow_life(core, row, was_live)
    legs.emit_state(core, row, report.event)
    _keep_circuit(core, row, deal, report, was)
    _end_contradicted(core, row, report, was)
    _tell(core, row, deal, report, moved, was in TERMINAL)
    if deal is None:
        return
    deal["booked_lots"][row["leg"]] += int(row["side"]) * moved
    if moved:
        deal["fails"] = 0
    # News of an order whose deal is over, but no fill: taken up again only where it ends a doubt that halted it. What a
    # halt has withdrawn itself must not start the next try.
    ends = was_live and row["settled"] and deal["naked_since_ns"]
    if moved or booked or (ends and deal["reason"] in _DOUBTS) or (was_live and deal["state"] != CLOSED):
        settle.review(core, deal)
    elif ends:
        settle.keep_halted(core, deal)


def _follow_life(core: Core, row, was_live: bool) -> None:
    """Keep the list of live orders true: settled ones leave it, late news brings one back."""
    is_live = not settle_order(row)
    number = int(row["order_no"])
    if was_live and not is_live:
        legs.forget(core, row)
    elif is_live and not was_live:
        legs.count_live(core, row, 1)
        core.live_orders[number] = None
    if is_live and row["state"] in TERMINAL:
        legs.refresh_own(core, int(row["instrument"]))


def _keep_circuit(core: Core, row, deal, report: ExecReport, was: int) -> None:
    """So many rejects of a contract in a row, and nothing is sent there for a while (F9)."""
    contract, timing = core.state.instrument[row["instrument"]], core.timing
    if report.event == Event.TRADE:
        contract["rejects"] = 0
    if report.event != Event.REJECTED or was in TERMINAL:
        return
    contract["rejects"] += 1
    if deal is not None and row["purpose"] >= REHEDGE:
        deal["fails"] += 1
    if contract["rejects"] < timing.circuit_rejects:
        return
    contract["rejects"], contract["broken_until_ns"] = 0, core.now_ns + timing.circuit_ns
    if deal is not None:
        deal["next_repair_ns"] = core.now_ns  # another way is open, and need not wait
    core.alert(
        "warn", "circuit", f"{core.instrument_name(row['instrument'])}: {timing.circuit_rejects} orders in a row were "
        f"rejected: nothing is sent there for {timing.circuit_ns // 1_000_000} ms",
        "find out what the venue objects to" + (f": {report.reason}" if report.reason else ""), int(row["deal_id"]),
        rejects=timing.circuit_rejects,
    )  # fmt: skip


def _overdue(core: Core, row) -> bool:
    return core.now_ns - int(row["cancel_ns"]) > core.timing.ack_timeout_ns


def _end_contradicted(core: Core, row, report: ExecReport, was: int) -> None:
    """An order that was rejected, and of which the venue now says that it lives: asked for, then cancelled (F4).

    Its state stays terminal; what it trades is booked as a late fill.
    """
    if was != REJECTED or row["state"] not in TERMINAL or report.leaves_lots == 0:
        return
    if report.event == Event.ACK and not row["asked"]:
        legs.query(core, row)
    elif report.event == Event.STATUS and not row["cancel_ns"]:
        if not legs.has_cancel(core, row):
            legs.tell_no_cancel(core, int(row["instrument"]), int(row["deal_id"]))
            return
        legs.cancel(core, row)
        core.alert("warn", "contradicted",
                   f"order {client_id(int(row['order_no']))} was rejected and yet is alive at the venue",
                   "nothing: it is being cancelled", int(row["deal_id"]), lots=int(row["lots"]))  # fmt: skip


def _book_trade(core: Core, row, deal, report: ExecReport) -> int:
    """Book a trade once; how many lots (negative for a bust).

    The key holds side and order, since both sides of a self-trade share one trade id on Chinese exchanges. A trade
    without an id is booked as far as the venue's cumulative quantity covers it.
    """
    if report.event not in (Event.TRADE, Event.BUST, Event.CORRECT):
        return 0
    key = _trade_key(row, report)
    lots, flags = report.last_lots, FILL_LATE if deal is None or deal["state"] == CLOSED else 0
    if report.event == Event.TRADE:
        if not report.trade_id:
            known = report.cum_lots if report.cum_lots != UNKNOWN else int(row["booked_lots"])
            lots = max(min(lots, known - int(row["booked_lots"])), 0)
        elif key in core.trades:
            return 0
    elif report.event == Event.BUST:
        if key not in core.trades:
            return 0
        core.busted.add(key)
        lots = -(lots or core.trades[key][0])
    else:
        # A correction states the trade's new size; only the difference is booked.
        total = report.cum_lots if report.cum_lots != UNKNOWN else int(row["booked_lots"])
        lots = total - int(row["booked_lots"])
    if lots == 0 and report.event != Event.CORRECT:
        return 0
    row["booked_lots"] += lots
    slot = legs.slot_of(core, row)
    _book_money(core, slot, key, report, lots)
    if lots > 0:
        meters.use_trade(core.state.address, slot, lots)
    _count_self_trade(core, row, report)
    if deal is not None:
        deal["fills"] += 1
    core.emit(
        FILL, order_no=row["order_no"], deal_id=row["deal_id"], instrument=row["instrument"], leg=row["leg"],
        side=row["side"], offset=row["offset"], purpose=row["purpose"], flags=flags | (FILL_BUST if lots < 0 else 0),
        lots=abs(lots),
        ticks=report.last_ticks, venue_ns=report.venue_ns, trade_id=report.trade_id.encode(),
    )  # fmt: skip
    return lots


def _book_money(core: Core, slot: int, key: tuple, report: ExecReport, lots: int) -> None:
    """What a trade paid and cost. A bust or correction undoes what was booked under the trade's own key, whatever price
    it names itself; a correction then books what the trade is now."""
    had_lots, had_ticks = core.trades.pop(key, (0, 0))
    now_lots, now_ticks = had_lots + lots, report.last_ticks or had_ticks
    if report.event == Event.TRADE:
        pnl.book_trade(core.state.address, slot, lots, report.last_ticks)
    else:
        pnl.book_trade(core.state.address, slot, -had_lots, had_ticks)
        if report.event == Event.CORRECT:
            pnl.book_trade(core.state.address, slot, now_lots, now_ticks)
    if report.event != Event.BUST:
        core.trades[key] = (now_lots, now_ticks)


def _count_self_trade(core: Core, row, report: ExecReport) -> None:
    """Both sides of a self-trade (自成交) carry one trade id: the second one that is told makes it one."""
    if report.event != Event.TRADE or not report.trade_id:
        return
    side, contract = int(row["side"]), core.state.instrument[row["instrument"]]
    # A venue's ids are its exchanges', and begin anew with each trading day.
    of = (report.venue, int(contract["contract"]), int(contract["trading_day"]), report.trade_id)
    if core.sides.setdefault(of, side) == side:
        return
    meters.use_self_trade(core.state.address, int(row["instrument"]))
    core.alert(
        "error", "self_trade", f"{core.instrument_name(row['instrument'])}: two orders of ours have met (自成交)",
        "find out how: it counts with the exchange, and the gate should have kept them apart", int(row["deal_id"]),
        trade_id=report.trade_id,
    )  # fmt: skip


def _trade_key(row, report: ExecReport) -> tuple[int, str, int, int]:
    return report.venue, report.trade_id, int(row["side"]), report.order_no


def _foreign(core: Core, report: ExecReport) -> None:
    """An order that is not ours, or that our table no longer holds: an alert, never touched."""
    _keep_foreign(core, report)
    if not core.is_news(("foreign", report.venue, report.client_id), (report.event, report.cum_lots)):
        return
    name = core.instrument_name(report.instrument) if report.instrument >= 0 else "an unknown contract"
    ours = report.order_no != 0
    core.alert(
        "warn", "unknown_own_order" if ours else "foreign_order",
        f"{_event_name(report.event)} for order {report.client_id!r} on {name}, "
        + ("which the order table does not hold" if ours else "which is not ours"),
        "check who else trades this account; the order is left alone", lots=report.last_lots, cum_lots=report.cum_lots,
    )  # fmt: skip


def _keep_foreign(core: Core, report: ExecReport) -> None:
    """What is alive at a venue and not ours, for the person who kills: listed there, not cancelled."""
    key = report.venue, report.client_id or report.venue_order_id
    if report.event in _OVER or report.leaves_lots == 0:
        core.foreign.pop(key, None)
    elif report.event in (Event.ACK, Event.STATUS, Event.TRADE, Event.AMENDED) and (
        key in core.foreign or len(core.foreign) < _MOST_FOREIGN
    ):
        side = {1: "buy", -1: "sell"}.get(report.side, "side not told")
        lots = f"{report.leaves_lots} lots" if report.leaves_lots != UNKNOWN else "lots not told"
        name = core.instrument_name(report.instrument) if report.instrument >= 0 else "an unknown contract"
        core.foreign[key] = f"{side} {lots} of {name}"


def _event_name(event: int) -> str:
    return Event.NAMES[event] if 0 <= event < Event.COUNT else f"event {event}"


def _tell(core: Core, row, deal, report: ExecReport, moved: int, was_over: bool) -> None:
    """The reports that a person should hear of; the end of an order once."""
    name, number = core.instrument_name(row["instrument"]), client_id(int(row["order_no"]))
    said = f": {report.reason}" if report.reason else ""
    if report.event in (Event.REJECTED, Event.UNKNOWN_ORDER, Event.SEND_FAILED) and not was_over:
        what = {Event.REJECTED: "was rejected", Event.UNKNOWN_ORDER: "is unknown to the venue",
                Event.SEND_FAILED: "could not be sent"}[report.event]  # fmt: skip
        core.alert("warn", "rejected", f"order {number} on {name} {what}{said}",
                   "nothing: what the other legs filled is being repaired", int(row["deal_id"]),
                   lots=int(row["lots"]))  # fmt: skip
    if row["cum_lots"] > row["lots"]:
        core.alert("error", "over_fill", f"order {number} on {name} traded more than it asked for",
                   "ask the venue; repair follows the venue's quantity", int(row["deal_id"]),
                   lots=int(row["lots"]), cum_lots=int(row["cum_lots"]))  # fmt: skip
    if moved and deal is None:
        core.alert("error", "late_fill", f"order {number} on {name} moved by {moved} lots long after its deal's end",
                   "hedge these lots by hand: the deal is no longer held", int(row["deal_id"]), lots=moved)  # fmt: skip
    elif moved and deal["state"] == CLOSED:
        core.alert("warn", "late_fill", f"order {number} on {name} moved by {moved} lots after its deal had ended",
                   "nothing: the deal is open again and will be repaired", int(row["deal_id"]), lots=moved)  # fmt: skip
