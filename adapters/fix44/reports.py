"""ExecutionReport (35=8) and OrderCancelReject (35=9) into `engine.ports.ExecReport`.

Source: FIX 4.4 volume 4 and its order state matrices. A number that cannot be understood never hides a fill: what can
be known is reported, with the trouble beside it.
"""

from collections.abc import Callable

from adapters.fix44 import tags
from adapters.fix44.codec import FieldError, Message, get, need, text
from adapters.fix44.listing import Listed, Listing
from adapters.fix44.live import LiveOrders
from adapters.fix44.stamps import Stamps
from engine.ids import order_no
from engine.instruments import reported_lots
from engine.ports import BUY, UNKNOWN, Event, ExecReport

# ExecType (150) -> event. 1 and 2 are how FIX 4.2 said F; a status answer (I) goes by OrdStatus.
EVENTS = {
    b"0": Event.ACK,
    b"1": Event.TRADE,
    b"2": Event.TRADE,
    b"3": Event.DONE,
    b"4": Event.CANCELLED,
    b"5": Event.AMENDED,
    b"6": Event.STATUS,
    b"7": Event.STATUS,
    b"8": Event.REJECTED,
    b"9": Event.STATUS,
    b"A": Event.STATUS,
    b"B": Event.STATUS,
    b"C": Event.CANCELLED,
    b"D": Event.AMENDED,
    b"E": Event.STATUS,
    b"F": Event.TRADE,
    b"G": Event.CORRECT,
    b"H": Event.BUST,
    b"I": Event.STATUS,
}
TRADES = (Event.TRADE, Event.CORRECT, Event.BUST)
DONE_STATES = (b"2", b"3", b"4", b"8", b"C")
ENDS = (Event.CANCELLED, Event.REJECTED, Event.DONE, Event.UNKNOWN_ORDER)
NO_ORDER_ID = "NONE"  # OrderID (37) of an order that the venue never took
_UNKNOWN_ORDER = b"5"  # OrdRejReason
_SIDES = {b"1": BUY, b"2": -BUY, b"5": -BUY}


class Reports:
    """Reads one venue's reports. trouble(what, raw, recv_ns) is told of everything that is not as it should be."""

    def __init__(
        self, venue: int, listing: Listing, live: LiveOrders, stamps: Stamps, trouble: Callable[[str, bytes, int], None]
    ) -> None:
        self._venue = venue
        self._listing = listing
        self._live = live
        self._stamps = stamps
        self._trouble = trouble

    def execution(self, message: Message, recv_ns: int) -> ExecReport:
        """FieldError where the message does not even say which order it is about, or what happened to it."""
        raw = message.raw
        kind = need(raw, tags.EXEC_TYPE)
        event = self._event(kind, raw)
        client_id, venue_id = self._ids(raw)
        listed = self._listed(client_id, raw)
        report = ExecReport(
            venue=self._venue,
            order_no=order_no(client_id),
            client_id=client_id,
            instrument=listed.instrument.index,
            event=event,
            venue_order_id=venue_id,
            side=_SIDES.get(get(raw, tags.SIDE), 0),
            reason=text(get(raw, tags.TEXT)),
            venue_ns=self._time(raw, recv_ns),
            recv_ns=recv_ns,
        )
        report.cum_lots = self._lots(listed, raw, tags.CUM_QUANTITY, recv_ns)
        report.leaves_lots = self._lots(listed, raw, tags.LEAVES_QUANTITY, recv_ns)
        report.total_lots = self._lots(listed, raw, tags.QUANTITY, recv_ns)
        if event in TRADES:
            self._add_trade(report, listed, raw, recv_ns)
        return report

    def cancel_reject(self, message: Message, recv_ns: int) -> ExecReport:
        """The cancel was refused: says nothing of the order. FieldError where it names none that we know.

        Under nothing but the venue's id the engine knows whose it is; its instrument is not stated then.
        """
        raw = message.raw
        client_id, venue_id = self._ids(raw)
        order = self._live.get(client_id)
        if order is None and client_id:
            raise FieldError(41, tags.VALUE_INCORRECT, f"tag 41: {client_id!r} is no order of this connection's client")
        return ExecReport(
            venue=self._venue,
            order_no=order_no(client_id),
            client_id=client_id,
            instrument=order.instrument if order else -1,
            event=Event.CANCEL_REJECTED,
            venue_order_id=venue_id,
            side=order.side if order else 0,
            reason=text(get(raw, tags.TEXT)),
            venue_ns=self._time(raw, recv_ns),
            recv_ns=recv_ns,
        )

    def _event(self, kind: bytes, raw: bytes) -> int:
        event = EVENTS.get(kind)
        if event is None:
            raise FieldError(150, tags.VALUE_INCORRECT, f"tag 150: expected an ExecType of FIX 4.4, got {text(kind)!r}")
        status = get(raw, tags.ORDER_STATUS)
        asked = kind == b"I" or get(raw, tags.STATUS_ID) is not None
        if asked and status == b"8" and get(raw, tags.ORDER_REJECT) == _UNKNOWN_ORDER:
            return Event.UNKNOWN_ORDER
        return Event.DONE if kind == b"I" and status in DONE_STATES else event

    def _ids(self, raw: bytes) -> tuple[str, str]:
        """(client id, venue's id), either "" where it is not stated. A report that comes under the venue's id alone is
        the engine's to match; FieldError where there is neither."""
        ours, original = text(get(raw, tags.CLIENT_ID)), text(get(raw, tags.ORIG_CLIENT_ID))
        client_id, venue_id = self._live.resolve(ours, original), text(get(raw, tags.ORDER_ID))
        if venue_id == NO_ORDER_ID:
            venue_id = ""
        if not client_id and not venue_id:
            raise FieldError(11, tags.TAG_MISSING, "required tag 11 is missing, and tag 37 names no order either")
        return client_id, venue_id

    def _listed(self, client_id: str, raw: bytes) -> Listed:
        """By our own order where it is one; a foreign one by its symbol. FieldError where neither is known."""
        order = self._live.get(client_id)
        if order is not None:
            return self._listing.by_index[order.instrument]
        try:
            return self._listing.named(need(raw, tags.SYMBOL))
        except FieldError:
            raise
        except ValueError as error:
            raise FieldError(55, tags.VALUE_INCORRECT, str(error)) from error

    def _lots(self, listed: Listed, raw: bytes, key: bytes, recv_ns: int) -> int:
        """UNKNOWN where the venue is silent or says no quantity; rounded down, with a note, off the lot step."""
        value = get(raw, key)
        if not value:
            return UNKNOWN
        try:
            return reported_lots(listed.sizes.exact(value), listed.instrument.id)
        except ValueError as error:
            self._trouble(f"tag {int(key[1:-1])}: {error}", raw, recv_ns)
        try:
            return reported_lots(listed.sizes.floor(value), listed.instrument.id)
        except ValueError:
            return UNKNOWN

    def _add_trade(self, report: ExecReport, listed: Listed, raw: bytes, recv_ns: int) -> None:
        """The fill. Where the venue gives no id, no size or no price, only the cumulative quantity is reported."""
        reference = tags.EXEC_ID if report.event == Event.TRADE else tags.EXEC_REF_ID
        try:
            report.trade_id = text(need(raw, reference))
            report.last_lots = reported_lots(self._last_lots(listed, raw), "tag 32")
            report.last_ticks = self._last_ticks(listed, raw, recv_ns)
        except ValueError as error:
            self._trouble(f"trade without its terms: {error}", raw, recv_ns)
            report.event = Event.STATUS

    def _last_lots(self, listed: Listed, raw: bytes) -> int:
        """LastQty; off the lot step, the whole lots by which it moved CumQty, so that the lots still sum to CumQty."""
        last = need(raw, tags.LAST_QUANTITY)
        try:
            return listed.sizes.exact(last)
        except ValueError:
            cum = need(raw, tags.CUM_QUANTITY)
            return listed.sizes.floor(cum) - listed.sizes.floor_difference(cum, last)

    def _last_ticks(self, listed: Listed, raw: bytes, recv_ns: int) -> int:
        """LastPx; off the tick (an average, a foreign venue's price) the nearest tick, with a note."""
        price = need(raw, tags.LAST_PRICE)
        try:
            return listed.prices.exact(price)
        except ValueError as error:
            ticks = listed.prices.nearest(price)
            self._trouble(f"tag 31: {error}; booked at {text(listed.prices.text(ticks))}", raw, recv_ns)
            return ticks

    def _time(self, raw: bytes, recv_ns: int) -> int:
        stamp = get(raw, tags.TRANSACT_TIME) or get(raw, tags.SENT_AT) or b""
        try:
            return self._stamps.ns(stamp)
        except ValueError as error:
            self._trouble(f"tag 60: {error}", raw, recv_ns)
            return 0
