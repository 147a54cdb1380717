"""Step 7: a venue's report into the order table, the position and the deal. Cumulative truth, idempotent booking."""

from engine import legs, positions, settle
from engine.core import Core
from engine.ids import client_id
from engine.orders import TERMINAL, learn
from engine.orders import settle as settle_order
from engine.ports import UNKNOWN, Event, ExecReport
from engine.records import CLOSED, FILL, FILL_BUST, FILL_LATE


def apply_report(core: Core, report: ExecReport) -> None:
    """Take one statement of a venue; what it means for the deal follows at once."""
    row = core.state.order_row(report.order_no)
    if row is None:
        _foreign(core, report)
        return
    # None: so long ago that its row serves another deal. What traded is booked all the same.
    deal = core.state.deal_row(int(row["deal_id"]))
    was_doubtful, was_live = bool(row["in_doubt"]), not row["settled"]
    booked = _book_trade(core, row, deal, report)
    moved = learn(row, report)
    slot = report.order_no & (len(core.state.order) - 1)
    if moved:
        positions.book_lots(core.state.address, slot, moved)
    left = 0 if row["state"] in TERMINAL else max(int(row["lots"]) - int(row["cum_lots"]), 0)
    positions.keep_working(core.state.address, slot, left)
    positions.mark(core.state.address, int(row["instrument"]), int(report.last_ticks or row["limit_ticks"]))
    if was_doubtful and not row["in_doubt"]:
        core.state.venue[report.venue]["in_doubt"] -= 1
    _follow_life(core, row, was_live)
    legs.emit_state(core, row, report.event)
    _tell(core, row, deal, report, moved)
    if deal is None:
        return
    deal["booked_lots"][row["leg"]] += int(row["side"]) * moved
    # News of an order whose deal is over, but no fill: taken up again only where it ends a doubt that halted it.
    ends_doubt = was_live and row["settled"] and deal["naked_since_ns"]
    if moved or booked or ends_doubt or (was_live and deal["state"] != CLOSED):
        settle.review(core, deal)


def _follow_life(core: Core, row, was_live: bool) -> None:
    """Keep the list of live orders true: settled ones leave it, late news brings one back."""
    is_live = not settle_order(row)
    number = int(row["order_no"])
    if was_live and not is_live:
        core.state.head["live_orders"] -= 1
        core.live_orders.pop(number, None)
    elif is_live and not was_live:
        core.state.head["live_orders"] += 1
        core.live_orders[number] = None


def _book_trade(core: Core, row, deal, report: ExecReport) -> int:
    """Book a trade once; how many lots (negative for a bust).

    The key holds side and order, since both sides of a self-trade share one trade id on Chinese exchanges. A trade
    without an id is booked as far as the venue's cumulative quantity covers it.
    """
    if report.event not in (Event.TRADE, Event.BUST, Event.CORRECT):
        return 0
    key = (report.venue, report.trade_id, int(row["side"]), report.order_no)
    lots, flags = report.last_lots, FILL_LATE if deal is None or deal["state"] == CLOSED else 0
    if report.event == Event.TRADE:
        if not report.trade_id:
            known = report.cum_lots if report.cum_lots != UNKNOWN else int(row["booked_lots"])
            lots = max(min(lots, known - int(row["booked_lots"])), 0)
        elif key in core.trades:
            return 0
        core.trades.add(key)
    elif report.event == Event.BUST:
        if key not in core.trades:
            return 0
        core.trades.discard(key)
        lots = -lots
    else:
        # A correction states the trade's new size; only the difference is booked.
        total = report.cum_lots if report.cum_lots != UNKNOWN else int(row["booked_lots"])
        lots = total - int(row["booked_lots"])
    if lots == 0 and report.event != Event.CORRECT:
        return 0
    row["booked_lots"] += lots
    if deal is not None:
        deal["fills"] += 1
    core.emit(
        FILL, order_no=row["order_no"], deal_id=row["deal_id"], instrument=row["instrument"], leg=row["leg"],
        side=row["side"], offset=row["offset"], purpose=row["purpose"], flags=flags | (FILL_BUST if lots < 0 else 0),
        lots=abs(lots),
        ticks=report.last_ticks, venue_ns=report.venue_ns, trade_id=report.trade_id.encode(),
    )  # fmt: skip
    return lots


def _foreign(core: Core, report: ExecReport) -> None:
    """An order that is not ours, or that our table no longer holds: an alert, never touched."""
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


def _event_name(event: int) -> str:
    return Event.NAMES[event] if 0 <= event < Event.COUNT else f"event {event}"


def _tell(core: Core, row, deal, report: ExecReport, moved: int) -> None:
    """The reports that a person should hear of."""
    name, number = core.instrument_name(row["instrument"]), client_id(int(row["order_no"]))
    said = f": {report.reason}" if report.reason else ""
    if report.event in (Event.REJECTED, Event.UNKNOWN_ORDER, Event.SEND_FAILED):
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
