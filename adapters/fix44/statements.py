"""The server's statements on orders: `adapters.ports.VenueReport` into ExecutionReport (35=8) and CancelReject (35=9).

Source: FIX 4.4 volume 4.
"""

from adapters.fix44 import tags
from adapters.fix44.codec import clean, get
from adapters.fix44.listing import Listing
from adapters.fix44.requests import SIDES, TIFS
from adapters.ports import VenueReport
from engine.ports import Event

NEW, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED = b"0", b"1", b"2", b"4", b"8"

EXEC_TYPES = {
    Event.ACK: b"0",
    Event.TRADE: b"F",
    Event.CANCELLED: b"4",
    Event.REJECTED: b"8",
    Event.DONE: b"I",
    Event.STATUS: b"I",
    Event.UNKNOWN_ORDER: b"I",
    Event.BUST: b"H",
    Event.CORRECT: b"G",
    Event.AMENDED: b"D",
}
_UNKNOWN_ORDER, _OTHER = b"5", b"99"


class Statements:
    """Writes them, with the average price of each order's trades so far."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._written = 0
        self._notional: dict[tuple[str, str], int] = {}  # lots x ticks traded, by owner and client id

    def execution(self, report: VenueReport, stamp: bytes) -> bytes:
        """The body of an ExecutionReport. KeyError for an event that is none."""
        if report.event == Event.TRADE:
            self._add_trade(report)
        kind = EXEC_TYPES[report.event]
        if report.event == Event.REJECTED and report.query_id:
            kind = b"I"
        parts = [
            self._ids(report, kind),
            b"150=%b\x0139=%b\x01" % (kind, _status(report)),
            self._terms(report),
            self._quantities(report),
            b"60=%b\x01" % stamp,
        ]
        if report.event in (Event.REJECTED, Event.UNKNOWN_ORDER):
            parts.append(b"103=%b\x01" % (_UNKNOWN_ORDER if report.event == Event.UNKNOWN_ORDER else _OTHER))
        if report.reason:
            parts.append(b"58=%b\x01" % clean(report.reason))
        return b"".join(parts)

    def cancel_reject(self, report: VenueReport, stamp: bytes) -> bytes:
        """The body of an OrderCancelReject."""
        order_id = clean(report.venue_id or "NONE")
        ids = b"37=%b\x0111=%b\x0141=%b\x01" % (order_id, clean(report.cancel_id), clean(report.order.client_id))
        why = b"0" if report.venue_id else b"1"  # too late; unknown order
        status = _status(report) if report.venue_id else REJECTED
        fields = (ids, status, why, stamp, clean(report.reason or "no reason given"))
        return b"%b39=%b\x01434=1\x01102=%b\x0160=%b\x0158=%b\x01" % fields

    def refusal(self, raw: bytes, reason: bytes, why: str, stamp: bytes) -> bytes:
        """The body of a Rejected ExecutionReport for an order that cannot even be entered; its own words come back."""
        echo = b"".join(b"%b%b" % (key[1:], get(raw, key) or b"0") + b"\x01" for key in _ECHOED)
        fields = (self._next_id(), echo, reason, stamp, clean(why))
        state = b"150=8\x0139=8\x0114=0\x01151=0\x016=0\x01"
        return b"37=NONE\x0117=%b\x01%b" % fields[:2] + state + b"103=%b\x0160=%b\x0158=%b\x01" % fields[2:]

    def _ids(self, report: VenueReport, kind: bytes) -> bytes:
        order_id, client_id = clean(report.venue_id or "NONE"), clean(report.order.client_id)
        exec_id = clean(report.trade_id) if report.event == Event.TRADE else self._next_id()
        parts = [b"37=%b\x0117=%b\x01" % (order_id, exec_id)]
        if report.event in (Event.BUST, Event.CORRECT):
            parts.append(b"19=%b\x01" % clean(report.trade_id))
        if report.event == Event.CANCELLED and report.cancel_id:
            parts.append(b"11=%b\x0141=%b\x01" % (clean(report.cancel_id), client_id))
        else:
            parts.append(b"11=%b\x01" % client_id)
        if report.query_id:
            parts.append(b"790=%b\x01" % clean(report.query_id))
        return b"".join(parts)

    def _terms(self, report: VenueReport) -> bytes:
        order = report.order
        listed = self._listing.by_symbol.get(order.symbol.encode())
        if listed is None:
            return b"55=%b\x0154=%b\x01" % (clean(order.symbol or "[N/A]"), SIDES.get(order.side, b"1"))
        lots = order.lots if report.event != Event.AMENDED else report.cum_lots + report.leaves_lots
        fields = (listed.symbol, SIDES[order.side], listed.sizes.text(lots), TIFS[order.tif])
        price = (
            b"40=1\x01" if order.limit_ticks is None else b"40=2\x0144=%b\x01" % listed.prices.text(order.limit_ticks)
        )
        return b"55=%b\x0154=%b\x0138=%b\x0159=%b\x01" % fields + price

    def _quantities(self, report: VenueReport) -> bytes:
        listed = self._listing.by_symbol.get(report.order.symbol.encode())
        if listed is None:
            return b"14=0\x01151=0\x016=0\x01"
        cum, leaves = listed.sizes.text(report.cum_lots), listed.sizes.text(report.leaves_lots)
        parts = [b"14=%b\x01151=%b\x016=%b\x01" % (cum, leaves, self._average(report))]
        if report.event in (Event.TRADE, Event.BUST, Event.CORRECT):
            last, price = listed.sizes.text(report.last_lots), listed.prices.text(report.last_ticks)
            parts.append(b"32=%b\x0131=%b\x01" % (last, price))
        return b"".join(parts)

    def _add_trade(self, report: VenueReport) -> None:
        name = report.order.owner, report.order.client_id
        self._notional[name] = self._notional.get(name, 0) + report.last_lots * report.last_ticks

    def _average(self, report: VenueReport) -> bytes:
        notional = self._notional.get((report.order.owner, report.order.client_id), 0)
        if not notional or not report.cum_lots:
            return b"0"
        tick = self._listing.named(report.order.symbol.encode()).instrument.tick
        return b"%.8f" % float(tick * notional / report.cum_lots)

    def _next_id(self) -> bytes:
        self._written += 1
        return b"E%d" % self._written


_ECHOED = (tags.CLIENT_ID, tags.SYMBOL, tags.SIDE, tags.QUANTITY)


def _status(report: VenueReport) -> bytes:
    """OrdStatus after the event."""
    if report.event in (Event.REJECTED, Event.UNKNOWN_ORDER):
        return REJECTED
    if report.event == Event.CANCELLED:
        return CANCELED
    if report.leaves_lots:
        return PARTIALLY_FILLED if report.cum_lots else NEW
    return FILLED if report.cum_lots >= report.order.lots > 0 else CANCELED
