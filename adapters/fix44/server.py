"""FixServer: a FIX 4.4 venue's doors, a market data port and an order port, for whoever matches behind it."""

import asyncio
import socket
from collections.abc import Callable, Coroutine

from adapters.fix44 import tags
from adapters.fix44.codec import Bad, FieldError, Frames, get, header, text
from adapters.fix44.entry import EntryDesk
from adapters.fix44.link import Link, Owner
from adapters.fix44.listing import Listing
from adapters.fix44.publisher import Publisher
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.stamps import Stamps
from adapters.fix44.statements import Statements
from adapters.fix44.states import DOWN
from adapters.fix44.store import MemoryStore
from adapters.ports import Contracts, OrderEntry, VenueReport
from engine.ports import MARKET_DATA, TRADING, Event

LOGON_TIMEOUT_S = 10.0
LOGOUT_TIMEOUT_S = 1.0
FAULTS = ("garbage", "bad_checksum", "wrong_type", "disconnect", "silence", "gap")
_BACKLOG = 16


class FixServer:
    """Any number of clients, told apart by SenderCompID, which is the owner of their orders.

    Port 0 takes a free one; `md_port` and `order_port` say which. clock: ns since the epoch. Sequence numbers are kept
    while the server lives, so a client that was away asks for the reports it missed.
    """

    def __init__(
        self, comp_id: str, contracts: Contracts, host: str, md_port: int, order_port: int, clock: Callable[[], int]
    ) -> None:
        self.md_port = md_port
        self.order_port = order_port
        self._comp_id = comp_id
        self._host = host
        self._clock = clock
        listing = Listing(list(contracts.values()))
        self._stamps = Stamps()
        self._statements = Statements(listing)
        self._publisher = Publisher(listing)
        self._desk = EntryDesk(listing, self._statements)
        self._sessions: dict[tuple[int, str], Session] = {}
        self._links: dict[tuple[int, str], Link] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, entry: OrderEntry) -> None:
        """Orders go to `entry` from now on."""
        self._desk.open(entry)

    async def start(self, entry: OrderEntry) -> int:
        """Listen on both ports; the market data port. OSError where one is taken."""
        self.open(entry)
        self.md_port = self._listen(MARKET_DATA, self.md_port)
        self.order_port = self._listen(TRADING, self.order_port)
        return self.md_port

    async def stop(self) -> None:
        """Log every client out, give them LOGOUT_TIMEOUT_S to answer, and close."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        links = [link for link in self._links.values() if not link.closed.done()]
        for link in links:
            link.quit("the venue closes")
        if links:
            await asyncio.wait([link.closed for link in links], timeout=LOGOUT_TIMEOUT_S)
        for link in links:
            link.abort("the venue closed")

    def publish(
        self, symbol: str, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int, venue_ns: int, flags: int
    ) -> None:
        self._publisher.publish(symbol.encode(), bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, flags)

    def report(self, report: VenueReport) -> None:
        """To the order's owner; one who is away finds a gap at his next logon and is sent what he missed."""
        stamp = self._stamps.text(report.venue_ns or self._clock())
        if report.event == Event.CANCEL_REJECTED:
            kind, body = tags.CANCEL_REJECT, self._statements.cancel_reject(report, stamp)
        else:
            kind, body = tags.EXECUTION_REPORT, self._statements.execution(report, stamp)
        owner = TRADING, report.order.owner
        raw = self._session(*owner).send(kind, body, self._clock())
        if owner in self._links:
            self._links[owner].write(raw)

    def inject(self, fault: str) -> None:
        """A fault on every link that it can be on. ValueError for one that is none of FAULTS."""
        if fault not in FAULTS:
            raise ValueError(f"expected a fault of {', '.join(FAULTS)}; got {fault!r}")
        for (channel, _), link in tuple(self._links.items()):
            if fault == "disconnect":
                link.abort("injected disconnect")
            elif fault == "silence":
                link.muted = True
            elif fault == "gap" and channel == TRADING:
                link.session.store.next_out += 1
            elif fault == "garbage" and channel == MARKET_DATA:
                link.put(b"\x00\xff8=FIX.4.4\x019=xx\x0135=W\x01garbage\x0110=000\x01")
            elif channel == MARKET_DATA and fault in ("bad_checksum", "wrong_type"):
                self._publisher.tamper(link, fault)

    # Doors

    def _listen(self, channel: int, port: int) -> int:
        listener = socket.create_server((self._host, port), backlog=_BACKLOG)
        listener.setblocking(False)
        self._run(self._accept(channel, listener), listener)
        return listener.getsockname()[1]

    async def _accept(self, channel: int, listener: socket.socket) -> None:
        while True:
            sock, _ = await asyncio.get_running_loop().sock_accept(listener)
            self._run(self._greet(channel, sock), sock)

    async def _greet(self, channel: int, sock: socket.socket) -> None:
        """Read until the first message says who it is; a stranger who says anything but a Logon is cut off."""
        try:
            sock.setblocking(False)
            async with asyncio.timeout(LOGON_TIMEOUT_S):
                comp_id, data = await self._first(sock)
        except (OSError, TimeoutError, FieldError):
            sock.close()
            return
        link = self.welcome(channel, comp_id, lambda session, owner: Link(session, sock, self._clock, owner))
        if link is None:
            sock.close()
        else:
            link.receive(data)

    def welcome(self, channel: int, comp_id: str, connect: Callable[[Session, Owner], Link]) -> Link | None:
        """The link that `connect` makes for a client's session; None where he has one: the first one stays."""
        session = self._session(channel, comp_id)
        if session.state != DOWN:
            return None
        owner = self._publisher if channel == MARKET_DATA else self._desk
        link = self._links[channel, comp_id] = connect(session, owner)
        return link

    async def _first(self, sock: socket.socket) -> tuple[str, bytes]:
        """(SenderCompID of the Logon, all bytes read so far). ConnectionError where there is none."""
        frames, read = Frames(), b""
        while chunk := await asyncio.get_running_loop().sock_recv(sock, 4096):
            read += chunk
            for item in frames.feed(chunk):
                if isinstance(item, Bad) or header(item).type != tags.LOGON:
                    raise ConnectionError("expected a Logon")
                return text(get(item, tags.SENDER)), read
        raise ConnectionError("closed before the Logon")

    def _session(self, channel: int, comp_id: str) -> Session:
        """The client's session, which outlives its connections."""
        session = self._sessions.get((channel, comp_id))
        if session is None:
            settings = SessionSettings(sender=self._comp_id, target=comp_id, initiator=False)
            session = self._sessions[channel, comp_id] = Session(settings, MemoryStore())
        return session

    def _run(self, work: Coroutine[None, None, None], sock: socket.socket) -> None:
        """A task that owns `sock` until it returns; cancelled or failed, the socket is closed for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, sock))

    def _ended(self, task: asyncio.Task[None], sock: socket.socket) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception():
            sock.close()
