"""The server's order sessions: orders, cancels and queries in, statements, positions and account figures out."""

from adapters.fix44 import tags
from adapters.fix44.codec import FieldError, Message, clean, get, need, text
from adapters.fix44.holdings import TODAY, YESTERDAY, money_text
from adapters.fix44.link import Link
from adapters.fix44.listing import Listed, Listing
from adapters.fix44.requests import SIDES, TIFS
from adapters.fix44.statements import Statements
from adapters.ports import NewOrder, OrderEntry, VenuePosition
from engine.ports import CLOSE, DAY, OPEN

_SIDES = {text: side for side, text in SIDES.items()}
_TIFS = {text: tif for tif, text in TIFS.items()}
_OFFSETS = {b"O": OPEN, b"C": CLOSE}
UNKNOWN_SYMBOL, WRONG_QUANTITY, UNSUPPORTED, OTHER = b"1", b"13", b"11", b"99"  # OrdRejReason (103)


class Refused(ValueError):
    """A well-formed order that this venue does not take: OrdRejReason (103) and a sentence."""

    def __init__(self, reason: bytes, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class EntryDesk:
    """Owner of the clients' order links."""

    def __init__(self, listing: Listing, statements: Statements) -> None:
        self._listing = listing
        self._statements = statements
        self._entry: OrderEntry | None = None
        self._kinds = {
            tags.NEW_ORDER: self._new_order,
            tags.CANCEL: self._cancel,
            tags.STATUS_REQUEST: self._query,
            tags.POSITION_REQUEST: self._positions,
            tags.COLLATERAL_INQUIRY: self._account,
        }

    def open(self, entry: OrderEntry) -> None:
        """Orders go to `entry` from now on."""
        self._entry = entry

    # Link

    def on_logged_on(self, link: Link, recv_ns: int) -> None:
        """The client asks for what it wants to know."""

    def on_message(self, link: Link, message: Message, recv_ns: int) -> None:
        handle = self._kinds.get(message.type)
        try:
            if handle is not None:
                handle(link, message.raw)
            elif message.type not in (tags.REJECT, tags.BUSINESS_REJECT):
                fields = (message.seq, message.type)
                link.send(tags.BUSINESS_REJECT, b"45=%d\x01372=%b\x01380=3\x0158=unsupported message type\x01" % fields)
        except FieldError as error:
            link.reject(message, error)

    def on_doubt(self, link: Link, why: str, recv_ns: int) -> None:
        """The client asks for the state of its orders itself."""

    def on_bad(self, link: Link, what: str, raw: bytes, recv_ns: int) -> None:
        """Ignored, as the protocol says: the gap that it leaves is asked for."""

    def on_heard(self, link: Link, recv_ns: int) -> None:
        """Nobody watches a client's silence but the session."""

    def on_down(self, link: Link | None, why: str, now_ns: int) -> None:
        """Orders stay working."""

    # Orders

    def _new_order(self, link: Link, raw: bytes) -> None:
        try:
            order = self._read_order(link.session.settings.target, raw)
        except Refused as refused:
            stamp = link.session.stamps.text(link.session.heard_ns)
            link.send(tags.EXECUTION_REPORT, self._statements.refusal(raw, refused.reason, str(refused), stamp))
            return
        self._entry.submit(order)

    def _read_order(self, owner: str, raw: bytes) -> NewOrder:
        """FieldError where it is malformed; Refused where the venue does not take it."""
        client_id, symbol = text(need(raw, tags.CLIENT_ID)), need(raw, tags.SYMBOL)
        side = _choice(raw, tags.SIDE, _SIDES)
        kind, size = need(raw, tags.ORDER_TYPE), need(raw, tags.QUANTITY)
        listed = self._listing.by_symbol.get(symbol)
        if listed is None:
            raise Refused(UNKNOWN_SYMBOL, f"unknown symbol {text(symbol)!r}")
        tif = _TIFS.get(get(raw, tags.TIF) or TIFS[DAY])
        if tif is None or kind not in (b"1", b"2"):
            raise Refused(UNSUPPORTED, "expected a market or limit order (40), DAY, IOC or FOK (59)")
        return NewOrder(
            owner=owner,
            client_id=client_id,
            symbol=text(symbol),
            side=side,
            offset=_choice(raw, tags.POSITION_EFFECT, _OFFSETS) if get(raw, tags.POSITION_EFFECT) else OPEN,
            lots=_lots(listed, size),
            limit_ticks=_ticks(listed, need(raw, tags.PRICE)) if kind == b"2" else None,
            tif=tif,
        )

    def _cancel(self, link: Link, raw: bytes) -> None:
        client_id, cancel_id = text(need(raw, tags.ORIG_CLIENT_ID)), text(need(raw, tags.CLIENT_ID))
        self._entry.cancel(link.session.settings.target, client_id, cancel_id)

    def _query(self, link: Link, raw: bytes) -> None:
        client_id, query_id = text(need(raw, tags.CLIENT_ID)), text(get(raw, tags.STATUS_ID))
        self._entry.query(link.session.settings.target, client_id, query_id or client_id)

    # Holdings

    def _positions(self, link: Link, raw: bytes) -> None:
        request_id = need(raw, tags.POSITION_REQUEST_ID)
        try:
            positions = self._entry.positions(link.session.settings.target)
        except KeyError:
            link.send(tags.POSITION_REQUEST_ACK, b"710=%b\x01721=0\x01727=0\x01728=99\x01729=2\x01" % request_id)
            return
        if not positions:
            link.send(tags.POSITION_REQUEST_ACK, b"710=%b\x01721=0\x01727=0\x01728=2\x01729=0\x01" % request_id)
        for row, position in enumerate(positions, 1):
            head = b"721=%b-%d\x01710=%b\x01727=%d\x01728=0\x01" % (request_id, row, request_id, len(positions))
            link.send(tags.POSITION_REPORT, head + self._position(position))

    def _position(self, position: VenuePosition) -> bytes:
        listed = self._listing.named(position.symbol.encode())
        size = listed.sizes.text
        today = (TODAY, size(position.long_today), size(position.short_today))
        before = (YESTERDAY, size(position.long_yesterday), size(position.short_yesterday))
        entries = b"".join(b"703=%b\x01704=%b\x01705=%b\x01" % entry for entry in (today, before))
        return b"55=%b\x01702=2\x01%b" % (listed.symbol, entries)

    def _account(self, link: Link, raw: bytes) -> None:
        inquiry = need(raw, tags.COLLATERAL_ID)
        try:
            account = self._entry.account(link.session.settings.target)
        except KeyError:
            link.send(tags.COLLATERAL_INQUIRY_ACK, b"909=%b\x01945=2\x01946=99\x01" % inquiry)
            return
        money = (account.available_micros, account.balance_micros, account.pre_balance_micros)
        figures = b"899=%b\x01900=%b\x01901=%b\x01" % tuple(money_text(micros) for micros in money)
        head = b"908=R%b\x01909=%b\x01910=3\x0115=%b\x01" % (inquiry, inquiry, clean(account.currency))
        link.send(tags.COLLATERAL_REPORT, head + figures)


def _choice(raw: bytes, key: bytes, values: dict[bytes, int]) -> int:
    value = need(raw, key)
    if value not in values:
        tag = int(key[1:-1])
        raise FieldError(tag, tags.VALUE_INCORRECT, f"tag {tag}: expected one of {sorted(map(text, values))}")
    return values[value]


def _lots(listed: Listed, size: bytes) -> int:
    try:
        lots = listed.sizes.exact(size)
    except ValueError as error:
        raise Refused(WRONG_QUANTITY, str(error)) from error
    if lots <= 0:
        raise Refused(WRONG_QUANTITY, f"expected a quantity above 0, got {text(size)}")
    return lots


def _ticks(listed: Listed, price: bytes) -> int:
    try:
        return listed.prices.exact(price)
    except ValueError as error:
        raise Refused(OTHER, str(error)) from error
