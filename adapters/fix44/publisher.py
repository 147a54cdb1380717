"""The server's market data: subscriptions (35=V) in, full refreshes (35=W) out, numbered by symbol (RptSeq, 83)."""

import msgspec

from adapters.fix44 import tags
from adapters.fix44.codec import FieldError, Message, groups, need, text
from adapters.fix44.link import Link
from adapters.fix44.listing import Listed, Listing
from adapters.fix44.stamps import Stamps
from engine.ports import QUOTE_CLOSED


class Shown(msgspec.Struct):
    """The last published best quote of a symbol and its number."""

    seq: int = 0
    body: bytes = b""


class Publisher:
    """Owner of the clients' market data links."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._shown = {symbol: Shown() for symbol in listing.by_symbol}
        self._subscribed: dict[Link, dict[bytes, bytes]] = {}  # link -> symbol -> MDReqID
        self._stamps = Stamps()

    def publish(
        self, symbol: bytes, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int, venue_ns: int, flags: int
    ) -> None:
        """A new best quote to all subscribers. KeyError for a symbol that is not listed."""
        shown, listed = self._shown[symbol], self._listing.by_symbol[symbol]
        sides = ((b"0", bid_ticks, bid_lots), (b"1", ask_ticks, ask_lots))
        entries = [_entry(listed, *side, flags) for side in sides if side[2]]
        shown.seq += 1
        fields = (symbol, shown.seq, self._stamps.text(venue_ns), len(entries), b"".join(entries))
        shown.body = b"55=%b\x0183=%d\x0160=%b\x01268=%d\x01%b" % fields
        for link, wanted in tuple(self._subscribed.items()):
            if symbol in wanted:
                self._send(link, wanted[symbol], shown.body)

    def tamper(self, link: Link, fault: str) -> None:
        """Send this client its first symbol's next update spoilt: 'bad_checksum', or 'wrong_type' (a price of text)."""
        for symbol, request_id in self._subscribed.get(link, {}).items():
            shown = self._shown[symbol]
            shown.seq += 1
            spoilt = b"269=0\x01270=%b\x01271=1\x01" % (b"none" if fault == "wrong_type" else b"1")
            body = b"262=%b\x0155=%b\x0183=%d\x01268=1\x01%b" % (request_id, symbol, shown.seq, spoilt)
            raw = link.session.send(tags.MD_SNAPSHOT, body, link.session.heard_ns)
            last = b"1" if raw[-2:-1] == b"0" else b"0"
            link.write(raw if fault == "wrong_type" else raw[:-2] + last + tags.SOH)
            return

    # Link

    def on_logged_on(self, link: Link, recv_ns: int) -> None:
        self._subscribed[link] = {}

    def on_message(self, link: Link, message: Message, recv_ns: int) -> None:
        try:
            if message.type == tags.MD_REQUEST:
                self._request(link, message.raw)
            elif message.type != tags.REJECT:
                raise FieldError(35, 11, f"35={text(message.type)} is not served here")
        except FieldError as error:
            link.reject(message, error)

    def on_doubt(self, link: Link, why: str, recv_ns: int) -> None:
        """The client asks for a snapshot when it misses something."""

    def on_bad(self, link: Link, what: str, raw: bytes, recv_ns: int) -> None:
        """Ignored, as the protocol says: the gap that it leaves is asked for."""

    def on_heard(self, link: Link, recv_ns: int) -> None:
        """Nobody watches a client's silence but the session."""

    def on_down(self, link: Link | None, why: str, now_ns: int) -> None:
        self._subscribed.pop(link, None)

    # Requests

    def _request(self, link: Link, raw: bytes) -> None:
        request_id, kind = need(raw, tags.REQUEST_ID), need(raw, tags.SUBSCRIPTION)
        if kind not in (b"0", b"1", b"2"):
            raise FieldError(263, tags.VALUE_INCORRECT, f"tag 263: expected 0, 1 or 2, got {text(kind)!r}")
        symbols = [need(entry, tags.SYMBOL) for entry in groups(raw, tags.SYMBOL_COUNT, tags.SYMBOL)]
        unknown = [symbol for symbol in symbols if symbol not in self._shown]
        if unknown:
            fields = (request_id, b", ".join(unknown))
            link.send(tags.MD_REQUEST_REJECT, b"262=%b\x01281=0\x0158=not listed: %b\x01" % fields)
            return
        for symbol in symbols:
            self._serve(link, request_id, kind, symbol)

    def _serve(self, link: Link, request_id: bytes, kind: bytes, symbol: bytes) -> None:
        if kind == b"2":
            self._subscribed[link].pop(symbol, None)
            return
        if kind == b"1":
            self._subscribed[link][symbol] = request_id
        if self._shown[symbol].body:
            self._send(link, request_id, self._shown[symbol].body)

    def _send(self, link: Link, request_id: bytes, body: bytes) -> None:
        link.send(tags.MD_SNAPSHOT, b"262=%b\x01%b" % (request_id, body))


def _entry(listed: Listed, side: bytes, ticks: int, lots: int, flags: int) -> bytes:
    """One side; QuoteCondition (276) B says that the contract is not trading."""
    fields = (side, listed.prices.text(ticks), listed.sizes.text(lots))
    return b"269=%b\x01270=%b\x01271=%b\x01" % fields + (b"276=B\x01" if flags & QUOTE_CLOSED else b"")
