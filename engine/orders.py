"""The order table: orders are opened by one compiled step, and move by one visible table of (state, event)."""

from engine.ids import COUNTER_BITS
from engine.instruments import NET
from engine.jit import njit
from engine.meters import hold_order, use_order
from engine.money import locks_today
from engine.offsets import promise, reducing_lots, slice_lots
from engine.ports import OPEN, UNKNOWN, Event
from engine.positions import revalue
from engine.records import CLOSED, HALTED, LEDGER_HEDGE, UNRESOLVED
from engine.schema import (
    ALIGNED,
    CANCEL_SENT,
    CANCELLED,
    CONCURRENT,
    CREATED,
    FILLED,
    MAX_SLICES,
    REJECTED,
    SENT_STATE,
    UNSET,
    WORKING,
)
from engine.tables import (
    accounts_of,
    books_of,
    deals_of,
    head_of,
    instruments_of,
    orders_of,
    positions_of,
    scratch_of,
    strategies_of,
)

TERMINAL = (FILLED, CANCELLED, REJECTED)

# Events of the table: the venue's, with a TRADE split by whether it fills the order.
ACK, PART, FULL, ENDED, REFUSED, CANCEL_ASKED, CANCEL_REFUSED = range(7)
EVENTS = ("ack", "part", "full", "ended", "refused", "cancel asked", "cancel refused")

# A terminal order stays terminal. Late fills only move it on to FILLED; a REJECTED order that trades after all was not
# rejected, so it counts as CANCELLED. Protocols merge steps, so Sent -> Filled is a move.
MOVES = (
    #              ack          part         full    ended      refused    cancel asked  cancel refused
    (SENT_STATE,  WORKING,      FILLED, CANCELLED, REJECTED,  CANCEL_SENT,  CREATED),      # created
    (WORKING,     WORKING,      FILLED, CANCELLED, REJECTED,  CANCEL_SENT,  SENT_STATE),   # sent
    (WORKING,     WORKING,      FILLED, CANCELLED, REJECTED,  CANCEL_SENT,  WORKING),      # working
    (CANCEL_SENT, CANCEL_SENT,  FILLED, CANCELLED, REJECTED,  CANCEL_SENT,  WORKING),      # cancel sent
    (FILLED,      FILLED,       FILLED, FILLED,    FILLED,    FILLED,       FILLED),       # filled
    (CANCELLED,   CANCELLED,    FILLED, CANCELLED, CANCELLED, CANCELLED,    CANCELLED),    # cancelled
    (REJECTED,    CANCELLED,    FILLED, CANCELLED, REJECTED,  REJECTED,     REJECTED),     # rejected
)  # fmt: skip


@njit
def room_for(base, decision):
    """Whether the tables have free rows for all that a decision can open."""
    head = head_of(base)
    orders = orders_of(base)
    for ahead in range(1, decision.legs * MAX_SLICES + 1):
        row = orders[(head.order_counter + ahead) & (head.n_order - 1)]
        if row.order_no != 0 and row.settled == 0:
            return False
    deal = deals_of(base)[decision.deal_id & (head.n_deal - 1)]
    if deal.deal_id == 0 or deal.deal_id == decision.deal_id:
        return True
    waits = deal.outcome == HALTED and deal.resolution == UNRESOLVED
    return deal.state == CLOSED and not waits and deal.orders == 0


@njit
def _waits(base, decision, leg):
    """Whether an order of this leg is made now but sent later: behind the leading leg, or behind the far one.
    A hedge of the ledger has one leg alone, and a repair waits for nothing."""
    strategy = strategies_of(base)[decision.strategy]
    return decision.purpose < LEDGER_HEDGE and strategy.dispatch != CONCURRENT and leg != strategy.lead_leg


@njit
def _show(base, at, side, limit_ticks, lots, waits):
    """What a new order of ours means to the others: the size that it takes, and, once sent, the price not to cross."""
    book, position = books_of(base)[at], positions_of(base)[at]
    if side > 0:
        book.taken_ask_lots += lots
        own = position.own_bid_ticks
        if not waits:
            position.own_bid_ticks = limit_ticks if own == UNSET else max(own, limit_ticks)
    else:
        book.taken_bid_lots += lots
        own = position.own_ask_ticks
        if not waits:
            position.own_ask_ticks = limit_ticks if own == UNSET else min(own, limit_ticks)


@njit
def _open_order(base, decision, leg, offset, lots, lock, now_ns):
    """One order of a Cleared decision: its row, its hold, its worst case on the position."""
    head = head_of(base)
    scratch = scratch_of(base)
    head.order_counter += 1
    slot = head.order_counter & (head.n_order - 1)
    at = decision.instrument[leg]
    instrument = instruments_of(base)[at]
    position = positions_of(base)[at]
    side = 1 if decision.lots[leg] > 0 else -1
    row = orders_of(base)[slot]
    row.order_no = (head.epoch << COUNTER_BITS) | head.order_counter
    row.decision_id, row.deal_id, row.leg, row.instrument = decision.decision_id, decision.deal_id, leg, at
    row.side, row.offset, row.tif, row.purpose = side, offset, decision.tif, decision.purpose
    row.lots, row.limit_ticks = lots, decision.limit_ticks[leg]
    waits = _waits(base, decision, leg)
    row.state, row.in_doubt, row.cum_lots, row.booked_lots, row.settled = SENT_STATE, 0, 0, 0, 0
    row.release_ns = 0
    if waits:
        strategy = strategies_of(base)[decision.strategy]
        row.state = CREATED
        row.release_ns = now_ns + strategy.align_ns if strategy.dispatch == ALIGNED else 0
    opening = lots if offset == OPEN else 0
    if instrument.position_mode == NET:
        opening = lots - reducing_lots(NET, position, side, lots, lock)
    row.hold_lot_micros = scratch.hold_lot_micros[leg]
    row.hold_micros = row.hold_lot_micros * opening
    row.working_lots = lots
    row.sent_ns, row.asked_ns, row.asked, row.doubted, row.cancel_ns = now_ns, 0, 0, 0, 0
    row.strategy = decision.strategy
    account = accounts_of(base)[instrument.account]
    account.held_micros += row.hold_micros
    account.live_orders += 1
    instrument.live_orders += 1
    hold_order(base, slot, opening)
    if not waits:
        use_order(base, slot)
    promise(instrument.position_mode, position, side, offset, lots)
    if side > 0:
        position.working_buy += lots
    else:
        position.working_sell += lots
    revalue(base, at)
    _show(base, at, side, row.limit_ticks, lots, waits)
    row.deadline_ns = decision.deadline_ns
    head.live_orders += 1
    head.orders_sent += 1
    scratch.order_slot[scratch.orders] = slot
    scratch.orders += 1


@njit
def open_orders(base, decision, now_ns):
    """Turn the clearance in the scratch row into orders, sliced by offset; how many. Nothing without a clearance."""
    scratch = scratch_of(base)
    scratch.orders = 0
    if scratch.verdict.cleared != 1 or scratch.verdict.decision_id != decision.decision_id:
        return 0
    instruments = instruments_of(base)
    positions = positions_of(base)
    for leg in range(decision.legs):
        at = decision.instrument[leg]
        mode = instruments[at].position_mode
        side = 1 if decision.lots[leg] > 0 else -1
        left = abs(decision.lots[leg])
        lock = locks_today(instruments[at], decision.limit_ticks[leg])
        for number in range(MAX_SLICES):
            # What the slices before it took is promised by now, so each slice is asked with what is left.
            offset, lots = slice_lots(mode, positions[at], side, left, number, lock)
            if lots > 0:
                _open_order(base, decision, leg, offset, lots, lock, now_ns)
                left -= lots
    return scratch.orders


def trigger(event, cum_lots, total_lots):
    """The table's column for a venue event; None where the event says nothing of the order's life."""
    if event in (Event.ACK, Event.STATUS, Event.AMENDED):
        return FULL if cum_lots >= total_lots > 0 else (PART if cum_lots > 0 else ACK)
    if event in (Event.TRADE, Event.BUST, Event.CORRECT):
        return FULL if cum_lots >= total_lots else PART
    if event in (Event.CANCELLED, Event.DONE):
        return FULL if cum_lots >= total_lots else ENDED
    if event in (Event.REJECTED, Event.SEND_FAILED, Event.UNKNOWN_ORDER):
        return ENDED if cum_lots > 0 else REFUSED
    return CANCEL_REFUSED if event == Event.CANCEL_REJECTED else None


def learn(row, report) -> int:
    """Apply a venue's report to an order row; how many lots its cumulative quantity moved (negative by a bust).

    The cumulative quantity follows the venue's word and never falls but by a bust or correction. A stated total is
    the order's size (it may have been amended). Trades are booked by the caller; `settle` decides when it is done.
    """
    before = int(row["cum_lots"])
    if report.total_lots > 0 and report.event in (Event.AMENDED, Event.ACK, Event.STATUS, Event.DONE, Event.CANCELLED):
        row["lots"] = report.total_lots
    if report.event in (Event.BUST, Event.CORRECT):
        after = report.cum_lots if report.cum_lots != UNKNOWN else int(row["booked_lots"])
    else:
        after = max(before, int(row["booked_lots"]), report.cum_lots)
    row["cum_lots"] = after
    move = trigger(report.event, after, int(row["lots"]))
    if move is not None:
        row["state"] = MOVES[row["state"]][move]
    # Word of a trade or of a cancel says nothing of whether the rest of the order is alive.
    if row["state"] == FILLED or report.event not in (Event.CANCEL_REJECTED, Event.TRADE, Event.BUST, Event.CORRECT):
        row["in_doubt"] = 0
    return after - before


def settle(row) -> bool:
    """Settled: terminal, certain, and the trades booked sum to the venue's cumulative quantity. Never before."""
    done = row["state"] in TERMINAL and not row["in_doubt"] and row["booked_lots"] == row["cum_lots"]
    row["settled"] = int(done)
    return bool(done)
