"""FIX 4.4 in virtual time: the real client and server over in-memory links, their sessions outliving connections."""

from collections.abc import Callable

from adapters.fix44.feed import MarketData
from adapters.fix44.lane import Lane
from adapters.fix44.link import Link, Owner
from adapters.fix44.listing import Listing
from adapters.fix44.server import FixServer
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.store import MemoryStore
from adapters.fix44.trading import Trading
from adapters.ports import OrderEntry, VenueReport
from adapters.sim.exchange import Latency
from bench.storm.clockwork import Clockwork, Strand
from bench.storm.line import Line
from bench.storm.pipe import Pipe
from engine.instruments import Instrument
from engine.ports import FAILED, MARKET_DATA, TRADING, WRITTEN, Gateway, Inputs

CLIENT, VENUE = "TANDEM", "STORM"
OWNER = CLIENT  # who the venue thinks the orders are from


class _Closed:
    """A link's `closed`, without an event loop to wait for it."""

    __slots__ = ("_done",)

    def __init__(self) -> None:
        self._done = False

    def done(self) -> bool:
        return self._done

    def set_result(self, _: None) -> None:
        self._done = True


class _NoTimer:
    """Nothing beats here: silence is told by `beat`, and no time-out of a session is played."""

    def cancel(self) -> None:
        pass


class _End:
    """A pipe as the transport of a link."""

    __slots__ = ("_pipe", "close")

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.close = pipe.close

    def open(self, whole: bool) -> None:
        """Nobody else writes to a pipe."""

    def write(self, data: bytes) -> int:
        return WRITTEN if self._pipe.send(data) else FAILED


class WireLink(Link):
    """The real link, on two pipes in place of a socket. gone: called once, when it has closed."""

    def __init__(
        self, session: Session, clock: Clockwork, owner: Owner, out: Pipe, back: Pipe, gone: Callable[[], None]
    ) -> None:
        self.session = session
        self.closed = _Closed()
        self.logged_on = False
        self.muted = False
        self._clock = clock.read_ns
        self._owner = owner
        self._transport = _End(out)
        self._timer = _NoTimer()
        self._gone = gone
        back.receive, back.hang_up = self.receive, self._hung_up
        session.connect(clock.now_ns)
        self._flush()

    def receive(self, data: bytes) -> None:
        if not self.closed.done():
            super().receive(data)

    def _hung_up(self) -> None:
        self.abort("closed by the peer")

    def _finish(self, why: str) -> None:
        if not self.closed.done():
            super()._finish(why)
            self._gone()


class FixLine(Line):
    """One session's connections. session, owner: the client's, replaced when its process starts anew."""

    def __init__(self, strand: Strand, out_ns: int, back_ns: int, channel: int, server: FixServer) -> None:
        super().__init__(strand, out_ns, back_ns)
        self._channel = channel
        self._server = server
        self._link: WireLink | None = None
        self.session: Session | None = None
        self.owner: Owner | None = None

    @property
    def is_open(self) -> bool:
        return self._link is not None and not self._link.closed.done()

    def connect(self) -> None:
        clock, out, back = self.clock, self.out, self.back
        theirs = self._server.welcome(
            self._channel, CLIENT, lambda session, owner: WireLink(session, clock, owner, back, out, _nothing)
        )
        if theirs is None:
            self.owner.on_down(None, "refused: the venue still has the last connection", clock.now_ns)
            self.lost()
            return
        self._link = WireLink(self.session, clock, self.owner, out, back, self.lost)

    def break_off(self, why: str) -> None:
        self._link.abort(why)

    def die(self, lose_in_flight: bool) -> None:
        super().die(lose_in_flight)
        self._link = None

    def beat(self) -> None:
        if self.is_open and not self.back.muted:
            self.owner.on_heard(self._link, self.clock.now_ns)


class FixWire:
    """A FIX venue's doors and one client's two sessions.

    The sessions' stores outlive the client's process, as with `store_dir`; the server keeps its own sessions, so that
    a client that comes back is sent what it missed, by number.
    """

    has_bust = True

    def __init__(
        self, venue: int, instruments: list[Instrument], strand: Strand, latency: Latency,
        limits: dict[int, tuple[int | None, int | None]],
    ) -> None:  # fmt: skip
        """limits: the price limits of the day, which FIX does not tell."""
        self.contracts = {one.symbol: one for one in instruments}
        self.server = FixServer(VENUE, self.contracts, "", 0, 0, strand.clock.read_ns)
        self._venue = venue
        self._account = max(one.account for one in instruments)
        self._listing = Listing(instruments)
        self._stores = {channel: MemoryStore() for channel in (MARKET_DATA, TRADING)}
        entry_ns, report_ns, quote_ns = latency.entry_ns, latency.report_ns, latency.market_data_ns
        self.orders = FixLine(strand, entry_ns, report_ns, TRADING, self.server)
        self.quotes = FixLine(strand, quote_ns, quote_ns, MARKET_DATA, self.server)

    def open(self, entry: OrderEntry) -> None:
        self.server.open(entry)

    def bind(self, inputs: Inputs, asked: Callable[[], None]) -> Gateway:
        """A client process starts: objects of its own on the stores that are there. The gateway for its loop.

        asked: of no use here, a question reaches the venue itself.
        """
        for line, channel in ((self.orders, TRADING), (self.quotes, MARKET_DATA)):
            line.session = Session(SessionSettings(sender=CLIENT, target=VENUE, initiator=True), self._stores[channel])
        trading = Trading(self._venue, self.orders.session, self._listing, "", self._account, True, inputs)
        self.orders.owner = trading
        feed = self.quotes.session
        lane = Lane(self._listing, feed.store.in_address, feed.parties, feed.settings.max_skew_s)
        self.quotes.owner = MarketData(self._venue, lane, False, inputs)
        return trading

    def report(self, report: VenueReport) -> None:
        self.server.report(report)


def _nothing() -> None:
    """The server's end is gone: the client decides what follows."""
