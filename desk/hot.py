"""The hot half, composed: one compiled call a message (book, spreads, signal), one a decision (gate, holds, orders).

Live, replay and sweep run these same functions. They journal what they take in and what they make of it; nothing here
allocates, logs or waits.
"""

from desk.order_frames import fire, make_frames
from engine.append import DECISION_BYTES, append, append_input, has_room
from engine.book import apply_quote
from engine.core import NO_ROOM
from engine.deals import open_deal
from engine.jit import entry, njit
from engine.kernels import price_spread, price_touched, sample_spread
from engine.launch import THROTTLE
from engine.memory import mono_ns
from engine.messages import spend_message
from engine.orders import open_orders
from engine.positions import mark
from engine.records import (
    DECISION,
    DECISION_DTYPE,
    DENY,
    ENTRY,
    ORDER,
    ORDER_DTYPE,
    QUOTE,
    QUOTE_DTYPE,
    REHEDGE,
    VERDICT,
    VERDICT_DTYPE,
)
from engine.schema import CREATED, HALTED, SCRATCH
from engine.tables import (
    books_of,
    head_of,
    instruments_of,
    orders_of,
    scratch_of,
    spreads_of,
    strategies_of,
    venues_of,
)
from riskgate.gate import check_and_hold
from riskgate.repeat_controls import remember
from strategies.signals import ask_strategies

_AT_QUOTE = SCRATCH.fields["quote"][1]
_AT_DECISION = SCRATCH.fields["decision"][1]
_AT_VERDICT = SCRATCH.fields["verdict"][1]
_AT_ORDER = SCRATCH.fields["order"][1]
_QUOTE_BYTES = QUOTE_DTYPE.itemsize
_DECISION_BYTES = DECISION_DTYPE.itemsize
_VERDICT_BYTES = VERDICT_DTYPE.itemsize
_ORDER_BYTES = ORDER_DTYPE.itemsize


@njit
def _stamp_ns(scratch):
    """Engine time now; 0 where nobody measures: a clock read costs as much as a spread, and replay makes many."""
    offset_ns = scratch.clock_offset_ns
    return mono_ns() + offset_ns if offset_ns != 0 else 0


@njit
def book_quote(base, quote, recv_ns):
    """Put a quote into its book, as a sign of life of its venue too; False for an old one, after which nothing is to be
    priced."""
    head = head_of(base)
    head.now_ns = recv_ns
    head.quotes += 1
    book = books_of(base)[quote.instrument]
    venue = venues_of(base)[instruments_of(base)[quote.instrument].venue]
    venue.heard_ns[0] = max(venue.heard_ns[0], recv_ns)
    if not apply_quote(book, quote, recv_ns):
        return False
    if book.blocked:
        head.quotes_blocked += 1
    return True


@njit
def _journal_order(base, journal, slot, now_ns):
    head = head_of(base)
    row = orders_of(base)[slot]
    order = scratch_of(base).order
    order.order_no, order.decision_id, order.deal_id, order.leg = row.order_no, row.decision_id, row.deal_id, row.leg
    order.instrument, order.side, order.offset, order.tif = row.instrument, row.side, row.offset, row.tif
    order.purpose, order.lots, order.limit_ticks = row.purpose, row.lots, row.limit_ticks
    order.hold_micros = row.hold_micros
    append(journal, ORDER, 0, now_ns, base + head.at_scratch + _AT_ORDER, _ORDER_BYTES)
    spend_message(base, slot, now_ns)


@njit
def _is_shadow(base, decision):
    """Whether a decision is judged and journalled, and never sent. A repair is of a live deal, so it always is sent."""
    shadow = head_of(base).shadow or strategies_of(base)[decision.strategy].shadow
    return decision.purpose < REHEDGE and shadow != 0


@entry("tandem_decide")
def decide_now(base, journal, number, now_ns):
    """Steps 5 and 6: journal the decision, check and hold, open orders, journal all of it; make and send the bytes."""
    head = head_of(base)
    scratch = scratch_of(base)
    decision = scratch.decision[number]
    stamps = scratch.stamps.stamp
    at = base + head.at_scratch
    append(journal, DECISION, 0, now_ns, at + _AT_DECISION + number * _DECISION_BYTES, _DECISION_BYTES)
    cleared = check_and_hold(base, decision, now_ns)
    stamps[6] = _stamp_ns(scratch)
    sends = cleared and not _is_shadow(base, decision)
    count = open_orders(base, decision, now_ns) if sends else 0
    scratch.verdict.orders = count
    append(journal, VERDICT, 0, now_ns, at + _AT_VERDICT, _VERDICT_BYTES)
    if decision.purpose < REHEDGE:
        head.decisions += 1
        if cleared:
            # A shadow entry has happened too, for arming: it was Cleared, and only its orders are not made.
            if sends:
                open_deal(base, decision, now_ns)
            remember(base, decision, now_ns)
            head.cleared += 1
        else:
            head.denied += 1
            if scratch.verdict.level[THROTTLE - 1] == DENY:
                # So many in so short a time are a fault until a person says otherwise.
                strategies_of(base)[decision.strategy].switch = HALTED
            if decision.purpose == ENTRY:
                # A denied entry has not happened: the strategy stays armed.
                strategies_of(base)[decision.strategy].armed[0 if decision.side > 0 else 1] = 1
    for order in range(count):
        # An order that waits for another leg is journalled when it is released.
        if orders_of(base)[scratch.order_slot[order]].state != CREATED:
            _journal_order(base, journal, scratch.order_slot[order], now_ns)
    if scratch.board != 0:
        make_frames(base, scratch.board, count, now_ns)
    scratch.stamps.decision_id, scratch.stamps.deal_id = decision.decision_id, decision.deal_id
    stamps[7] = _stamp_ns(scratch)
    stamps[8] = stamps[9] = stamps[10] = stamps[11] = 0
    if scratch.board != 0:
        fire(base, scratch.board)
    return count


@njit
def decide(base, journal, number, now_ns):
    """Steps 5 and 6 for one decision in the scratch row. See `engine.core.Hot`."""
    return decide_now(base, journal, number, now_ns)


@entry("tandem_price_quote")
def price_quote(
    base, journal, instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags
):  # fmt: skip
    """Steps 1 to 4: journal the quote, book it, price what it touches, ask the strategies. As `on_quote`."""
    head = head_of(base)
    scratch = scratch_of(base)
    scratch.launched = 0
    if not has_room(journal, DECISION_BYTES):  # what the quote may cause has to fit as well
        return NO_ROOM
    stamps = scratch.stamps.stamp
    stamps[0], stamps[1], stamps[2] = venue_ns, recv_ns, _stamp_ns(scratch)
    quote = scratch.quote
    quote.instrument, quote.flags = instrument, flags
    quote.bid_ticks, quote.bid_lots, quote.ask_ticks, quote.ask_lots = bid_ticks, bid_lots, ask_ticks, ask_lots
    quote.venue_ns, quote.venue_seq = venue_ns, venue_seq
    if append_input(journal, QUOTE, 0, recv_ns, base + head.at_scratch + _AT_QUOTE, _QUOTE_BYTES) == 0:
        return NO_ROOM
    if not book_quote(base, quote, recv_ns):
        return 0
    stamps[3] = _stamp_ns(scratch)
    price_touched(base, instrument, recv_ns)
    stamps[4] = _stamp_ns(scratch)
    waiting = ask_strategies(base, instrument, recv_ns)
    stamps[5] = _stamp_ns(scratch)
    return waiting


@njit
def on_quote(
    base, journal, instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags
):  # fmt: skip
    """A quote up to the decisions that it causes, the first of them up to its orders. See `engine.core.Hot`."""
    waiting = price_quote(
        base, journal, instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags
    )
    scratch = scratch_of(base)
    if waiting > 0 and scratch.eager:
        scratch.launched, scratch.made = 1, decide_now(base, journal, 0, recv_ns)
    return waiting


@njit
def sample(base, now_ns):
    """Price and sample every spread, and mark every position at its mid."""
    for index in range(len(spreads_of(base))):
        price_spread(base, index, now_ns)
        sample_spread(base, index)
    books = books_of(base)
    for index in range(len(books)):
        if books[index].updates > 0 and books[index].blocked == 0:
            mark(base, index, (books[index].bid_ticks + books[index].ask_ticks) // 2)
