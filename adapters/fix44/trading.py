"""The client's order session: frames out, reports in, and the question for every live order after any doubt."""

from collections.abc import Callable

from adapters.fix44 import tags
from adapters.fix44.codec import FieldError, Message, get, text
from adapters.fix44.holdings import Holdings
from adapters.fix44.link import Link
from adapters.fix44.listing import Listing
from adapters.fix44.live import LiveOrders
from adapters.fix44.reports import ENDS, Reports
from adapters.fix44.requests import Requests
from adapters.fix44.session import Session
from engine.frames import NO_PROTOCOL, Board, fill
from engine.ids import order_no
from engine.ports import CONNECTED, DOWN, FAILED, QUEUED, READY, TRADING, Event, ExecReport, Inputs, OrderRequest


class Trading:
    """Owner of the order session's link, and the venue's Gateway. account: row of the account, -1 for none."""

    def __init__(
        self, venue: int, session: Session, listing: Listing, account_name: str, account: int, snapshot: bool,
        inputs: Inputs,
    ) -> None:  # fmt: skip
        self._venue = venue
        self._session = session
        self._inputs = inputs
        self._snapshot = snapshot
        self._link: Link | None = None
        self._live = LiveOrders()
        self._requests = Requests(listing, account_name)
        self._reports = Reports(venue, listing, self._live, session.stamps, self._bad)
        self._holdings = Holdings(listing, account)
        self._asked = 0
        self._ready = False
        self._encoder, self._direct = None, None
        self._encoded: tuple[bytes, OrderRequest] | None = None
        self._kinds: dict[bytes, Callable[[Message, int], None]] = {
            tags.EXECUTION_REPORT: self._execution,
            tags.CANCEL_REJECT: self._cancel_reject,
            tags.REJECT: self._refused,
            tags.BUSINESS_REJECT: self._refused,
            tags.POSITION_REPORT: self._position,
            tags.COLLATERAL_REPORT: self._account,
            tags.POSITION_REQUEST_ACK: self._position_answer,
            tags.COLLATERAL_INQUIRY_ACK: self._account_answer,
        }

    # Gateway

    def encode_order(self, order: OrderRequest, now_ns: int) -> bytes:
        """Empty while the session is down: no number is spent, and `write` says FAILED."""
        return self._encode(tags.NEW_ORDER, order, self._requests.new_order(order, self._stamp(now_ns)), now_ns)

    def encode_cancel(self, order: OrderRequest, cancel_id: str, now_ns: int) -> bytes:
        body = self._requests.cancel(order, cancel_id, self._stamp(now_ns))
        return self._encode(tags.CANCEL, order, body, now_ns, cancel_id)

    def encode_query(self, order: OrderRequest, query_id: str, now_ns: int) -> bytes:
        return self._encode(tags.STATUS_REQUEST, order, self._requests.query(order, query_id), now_ns)

    def write(self, frame: bytes) -> int:
        """An order of which no byte left is not live; its number is spent, and gap-filled when it is missed."""
        result = self._link.write(frame) if self._link else FAILED
        if result == FAILED and self._encoded and self._encoded[0] == tags.NEW_ORDER:
            self._live.terminal(self._encoded[1].client_id)
        self._encoded = None
        return result

    # The orders whose bytes the compiled half makes

    def furnish(self, board: Board, protocol: int) -> None:
        """What the compiled encoder needs: the session's fixed header, where its number lies, and each contract."""
        encoder = board.encoder[self._venue]
        encoder["number_at"] = self._session.store.out_address
        self._requests.furnish(board.terms)
        if fill(encoder, "head", self._session.route):
            encoder["protocol"] = protocol
        self._encoder, self._direct = encoder, board.socket_cell(self._venue)
        if self._link is not None:
            self._link.direct(self._direct)

    def withdraw(self) -> None:
        """No more frames from compiled code: where the session's number lies is given back soon."""
        if self._encoder is not None:
            self._encoder["protocol"] = NO_PROTOCOL

    def put(self, frame: memoryview, number: int) -> int:
        """Write a frame that was made under the session's next number; FAILED spends no number."""
        link, store = self._link, self._session.store
        if link is None or not link.active or number != store.next_out:
            return FAILED
        store.next_out = number + 1  # before the first byte leaves: a number is never used twice
        return link.write(frame)

    def go_on(self, frame: memoryview, sent: int) -> int:
        """Write what the kernel did not take of a frame whose number is spent. Once a byte has left it did not fail."""
        link = self._link
        # Past the session: nothing of its own may come between the two halves of a frame.
        status = link.put(frame[sent:]) if link is not None else FAILED
        return QUEUED if status == FAILED and sent else status

    def noted(self, order: OrderRequest, number: int, status: int, now_ns: int) -> None:
        """After `put`: what answers, refusals and doubt will find the order by."""
        self._live.sent(tags.NEW_ORDER, number, order)
        if status == FAILED:
            self._live.terminal(order.client_id)

    def _encode(self, kind: bytes, order: OrderRequest, body: bytes, now_ns: int, cancel_id: str = "") -> bytes:
        if self._link is None or not self._link.active:
            self._encoded = None
            return b""
        self._live.sent(kind, self._session.store.next_out, order, cancel_id)
        self._encoded = kind, order
        return self._session.send(kind, body, now_ns)

    def _stamp(self, now_ns: int) -> bytes:
        return self._session.stamps.text(now_ns)

    # Link

    def on_logged_on(self, link: Link, recv_ns: int) -> None:
        self._link = link
        if self._direct is not None:
            link.direct(self._direct)
        if self._session.store.next_out <= 2:
            self._live.renumbered()
        self._inputs.on_link(self._venue, TRADING, CONNECTED, recv_ns, "logged on")
        self._query_live(recv_ns)
        if self._snapshot:
            self._ask_snapshot(link, recv_ns)
        else:
            self._inputs.on_link(self._venue, TRADING, READY, recv_ns, "logged on, without a snapshot")

    def on_message(self, link: Link, message: Message, recv_ns: int) -> None:
        handle = self._kinds.get(message.type)
        if handle is None:
            self._bad(f"orders: 35={text(message.type)} is not expected here", message.raw, recv_ns)
            return
        try:
            handle(message, recv_ns)
        except ValueError as error:
            self._bad(f"orders: 35={text(message.type)}: {error}", message.raw, recv_ns)
            if isinstance(error, FieldError):
                link.reject(message, error)
            if get(message.raw, tags.STATUS_ID) is None:  # an answer that cannot be read is not asked for again
                self._query_named(message, recv_ns)

    def on_doubt(self, link: Link, why: str, recv_ns: int) -> None:
        """Our messages or the venue's may be lost: ask about every order that is not known to be terminal."""
        self._bad(f"orders: {why}; asking about {len(self._live)} live orders", b"", recv_ns)
        self._query_live(recv_ns)

    def on_bad(self, link: Link, what: str, raw: bytes, recv_ns: int) -> None:
        self._bad(f"orders: {what}", raw, recv_ns)

    def on_heard(self, link: Link, recv_ns: int) -> None:
        self._inputs.on_heard(self._venue, TRADING, recv_ns)

    def on_down(self, link: Link | None, why: str, now_ns: int) -> None:
        self._link = None
        self._ready = False
        self._inputs.on_link(self._venue, TRADING, DOWN, now_ns, why)

    # Reports

    def _execution(self, message: Message, recv_ns: int) -> None:
        self._tell(self._reports.execution(message, recv_ns))

    def _cancel_reject(self, message: Message, recv_ns: int) -> None:
        self._tell(self._reports.cancel_reject(message, recv_ns))

    def _tell(self, report: ExecReport) -> None:
        if report.event in ENDS or (report.event == Event.TRADE and report.leaves_lots == 0):
            self._live.terminal(report.client_id)
        self._inputs.on_report(report)

    def _refused(self, message: Message, recv_ns: int) -> None:
        """A Reject (35=3, 35=j) of one of our messages: an order is then refused, a cancel too, a query unanswered."""
        raw = message.raw
        seq = get(raw, tags.REF_SEQ) or b""
        kind, client_id = self._live.message(int(seq) if seq.isdigit() and len(seq) <= 18 else 0)
        names = (tags.REF_TYPE, tags.REF_TAG, tags.REJECT_REASON, tags.BUSINESS_REASON, tags.TEXT)
        said = ", ".join(f"{int(key[1:-1])}={text(get(raw, key))}" for key in names if get(raw, key))
        self._bad(f"orders: the venue refused message {text(seq)}: {said}", raw, recv_ns)
        order = self._live.get(client_id)
        if order is None or kind == tags.STATUS_REQUEST:
            return
        self._tell(
            ExecReport(
                venue=self._venue,
                order_no=order_no(client_id),
                client_id=client_id,
                instrument=order.instrument,
                event=Event.REJECTED if kind == tags.NEW_ORDER else Event.CANCEL_REJECTED,
                side=order.side,
                reason=said,
                recv_ns=recv_ns,
            )
        )

    def _query_named(self, message: Message, recv_ns: int) -> None:
        """A report that cannot be read may hide a fill: ask about its order."""
        client_id, original = (text(get(message.raw, key)) for key in (tags.CLIENT_ID, tags.ORIG_CLIENT_ID))
        order = self._live.get(self._live.resolve(client_id, original))
        if order is not None:
            self._query(order, recv_ns)

    def _query_live(self, now_ns: int) -> None:
        for order in self._live:
            self._query(order, now_ns)

    def _query(self, order: OrderRequest, now_ns: int) -> None:
        self._asked += 1
        self.write(self.encode_query(order, f"Q{now_ns}-{self._asked}", now_ns))

    # Snapshot

    def _ask_snapshot(self, link: Link, now_ns: int) -> None:
        """One request each, so that READY means what the venue said after this logon."""
        self._asked += 1
        positions, account = b"P%d-%d" % (now_ns, self._asked), b"A%d-%d" % (now_ns, self._asked)
        self._holdings.expect(positions, account)
        link.send(tags.POSITION_REQUEST, self._requests.positions(positions, self._stamp(now_ns)))
        link.send(tags.COLLATERAL_INQUIRY, self._requests.account(account))

    def _position(self, message: Message, recv_ns: int) -> None:
        try:
            report = self._holdings.position(message.raw, recv_ns)
            if report is not None:
                self._inputs.on_position(report)
        finally:
            self._check_ready(recv_ns)

    def _account(self, message: Message, recv_ns: int) -> None:
        self._inputs.on_account(self._holdings.account(message.raw, recv_ns))
        self._check_ready(recv_ns)

    def _position_answer(self, message: Message, recv_ns: int) -> None:
        """RequestForPositionsAck: result 0 (valid) and 2 (no positions) are good, anything else is a refusal."""
        if get(message.raw, tags.POSITION_RESULT) not in (b"0", b"2"):
            self._bad("orders: the venue refused the request for positions", message.raw, recv_ns)
        elif self._holdings.acknowledged(message.raw):
            self._check_ready(recv_ns)

    def _account_answer(self, message: Message, recv_ns: int) -> None:
        """CollateralInquiryAck: status 0 and 1 are good, 2 is a refusal."""
        if get(message.raw, tags.COLLATERAL_STATUS) == b"2":
            self._bad("orders: the venue refused the inquiry for the account's figures", message.raw, recv_ns)

    def _check_ready(self, recv_ns: int) -> None:
        if self._snapshot and not self._ready and self._holdings.complete:
            self._ready = True
            self._inputs.on_link(self._venue, TRADING, READY, recv_ns, "positions and account received")

    def _bad(self, what: str, raw: bytes, recv_ns: int) -> None:
        self._inputs.on_bad_input(self._venue, what, raw, recv_ns)
