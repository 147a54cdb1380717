"""DIFF in virtual time: the real client and server over in-memory links, a fresh tree with each connection."""

from collections.abc import Callable

from adapters.diff.client import DiffVenue, contracts_of
from adapters.diff.server import DiffServer
from adapters.diff.session import Session
from adapters.diff.settings import DiffSettings
from adapters.diff.stream import Stream
from adapters.ports import OrderEntry, VenueReport
from adapters.sim.exchange import Latency
from bench.storm.clockwork import Strand
from bench.storm.line import Line
from bench.storm.pipe import Pipe
from engine.instruments import Instrument
from engine.ports import FAILED, MARKET_DATA, TRADING, WRITTEN, Gateway, Inputs

OWNER = "tandem"
_SETTINGS = DiffSettings(md_url="ws://storm/md", td_url="ws://storm/td", broker="storm", user=OWNER, password="storm")


class _WireLink:
    """A client's link on a line; an error of its owner is not caught here, it is a finding."""

    def __init__(self, line: "DiffLine", owner: Stream) -> None:
        self._line = line
        self._owner = owner
        self._out: Pipe | None = None
        self.refused = False

    @property
    def is_open(self) -> bool:
        return self._out is not None

    def open(self, out: Pipe, back: Pipe) -> None:
        self._out = out
        back.receive, back.hang_up = self._received, self._hung_up
        self._owner.opened(self._line.clock.now_ns)

    def write(self, frame: bytes) -> int:
        return WRITTEN if self._out is not None and self._out.send(frame) else FAILED

    def drop(self, why: str) -> None:
        out, self._out = self._out, None
        if out is not None:
            out.close()
            self._owner.closed(why, self._line.clock.now_ns)
            self._line.lost()

    def refuse(self, why: str) -> None:
        """The login was refused, which no venue of a storm does: told, and dialled again."""
        self.refused = True
        self.drop(why)

    def ready(self) -> None:
        """The pause before the next dialling is the same always."""

    def beat(self) -> None:
        self._owner.heard(self._line.clock.now_ns)

    def _received(self, text: bytes) -> None:
        if self._out is not None:
            self._owner.received(text, self._line.clock.now_ns)

    def _hung_up(self) -> None:
        self.drop("the connection was lost")


class _Transport:
    """The server's end of a line, as its session writes to it."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def send(self, kind: int, text: bytes) -> None:
        self._pipe.send(text)

    def disconnect(self, graceful: bool = True) -> None:
        self._pipe.close()


class DiffLine(Line):
    """One WebSocket's connections. stream: the client's, replaced when its process starts anew."""

    def __init__(self, strand: Strand, out_ns: int, back_ns: int, channel: int, server: DiffServer) -> None:
        super().__init__(strand, out_ns, back_ns)
        self._channel = channel
        self._server = server
        self._link: _WireLink | None = None

    def take(self, stream: Stream) -> None:
        self._link = stream.link = _WireLink(self, stream)

    @property
    def is_open(self) -> bool:
        return self._link.is_open

    def connect(self) -> None:
        session, transport = Session(self._channel, self._server), _Transport(self.back)
        self.out.receive = session.received
        self.out.hang_up = lambda: session.on_ws_disconnected(transport)
        session.on_ws_connected(transport)
        self._link.open(self.out, self.back)

    def break_off(self, why: str) -> None:
        self._link.drop(why)

    def beat(self) -> None:
        if self.is_open and not self.back.muted:
            self._link.beat()


class _Client(DiffVenue):
    """The real client; a query is answered from its tree in a later turn of the virtual time."""

    def __init__(
        self, venue: int, instruments: list[Instrument], inputs: Inputs, strand: Strand, asked: Callable[[], None]
    ) -> None:  # fmt: skip
        super().__init__(venue, _SETTINGS, instruments, inputs, strand.clock.read_ns)
        self.market, self.trading = self._market, self._trading
        self.is_dead = False
        self._strand = strand
        self._note = asked

    def _soon(self, call: Callable[[], None]) -> None:
        self._note()
        self._strand.after(0, lambda: None if self.is_dead else call())


class DiffWire:
    """A DIFF venue's doors and one client's two sockets. Of a connection the venue keeps nothing."""

    has_bust = False

    def __init__(
        self, venue: int, instruments: list[Instrument], strand: Strand, latency: Latency,
        limits: dict[int, tuple[int | None, int | None]],
    ) -> None:  # fmt: skip
        self.contracts = contracts_of(instruments)
        clock_ns = strand.clock.read_ns
        told = {symbol: limits[one.index] for symbol, one in self.contracts.items() if one.index in limits}
        self.server = DiffServer(self.contracts, "", 0, {OWNER: _SETTINGS.password}, clock_ns, told)
        self._client: _Client | None = None
        self._venue = venue
        self._instruments = instruments
        self._strand = strand
        entry_ns, report_ns, quote_ns = latency.entry_ns, latency.report_ns, latency.market_data_ns
        self.orders = DiffLine(strand, entry_ns, report_ns, TRADING, self.server)
        self.quotes = DiffLine(strand, quote_ns, quote_ns, MARKET_DATA, self.server)

    def open(self, entry: OrderEntry) -> None:
        self.server.open(entry)

    def bind(self, inputs: Inputs, asked: Callable[[], None]) -> Gateway:
        """A client process starts, with objects of its own. The gateway for its loop.

        asked: called at each question, which the client's own tree answers: it never reaches the venue.
        """
        if self._client is not None:
            self._client.is_dead = True
        self._client = client = _Client(self._venue, self._instruments, inputs, self._strand, asked)
        self.orders.take(client.trading)
        self.quotes.take(client.market)
        return client

    def report(self, report: VenueReport) -> None:
        self.server.report(report)
