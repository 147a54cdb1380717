"""The peer's venues: the real servers' sessions over sockets polled by hand, and what they answer to orders."""

import base64
import hashlib
import socket
from collections.abc import Callable

from adapters.diff.client import contracts_of
from adapters.diff.server import PATHS, DiffServer
from adapters.diff.session import Session as DiffSession
from adapters.diff.stream import PEEK
from adapters.fix44.server import FixServer
from adapters.ports import NewOrder, VenueReport
from bench.far_end import Ledger
from bench.figures import demand
from bench.polled import PolledLink
from bench.wire_setup import CLIENT, HOST
from bench.wire_sockets import Wire
from engine.clock import now_ns
from engine.instruments import Instrument
from engine.ports import MARKET_DATA, TRADING, Event

_ACCEPT_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Websocket:
    """The server's end of a WebSocket (RFC 6455), and the transport of its session. Frames come whole or in parts.

    asked: the client waits for the next update, so it has worked off the one before. peeks: how often it has asked.
    """

    def __init__(self, wire: Wire, make: Callable[[str], DiffSession]) -> None:
        self._wire, self._make = wire, make
        self._session: DiffSession | None = None
        self._rest = b""
        self.asked, self.peeks = False, 0

    def receive(self, data: bytes) -> None:
        self._rest += data
        if self._session is None:
            if b"\r\n\r\n" in self._rest:
                self._shake_hands()
            return
        while frame := _unmasked(self._rest):
            size, text = frame
            self._rest = self._rest[size:]
            if text == PEEK:
                self.asked, self.peeks = True, self.peeks + 1
            self._session.received(text)

    def send(self, kind: int, text: bytes) -> None:
        self.asked = False
        size = len(text)
        head = bytes([0x81, size]) if size < 126 else b"\x81\x7e" + size.to_bytes(2)
        self._wire.write((head if size < 65_536 else b"\x81\x7f" + size.to_bytes(8)) + text)

    def disconnect(self, graceful: bool = True) -> None:
        self._wire.close()

    def _shake_hands(self) -> None:
        request, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = request.decode().split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        digest = hashlib.sha1(fields["sec-websocket-key"].encode() + _ACCEPT_KEY).digest()
        answer = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                  f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}", "", "")  # fmt: skip
        self._wire.write("\r\n".join(answer).encode())
        self._session = self._make(first.split()[1])
        self._session.on_ws_connected(self)


def _unmasked(data: bytes) -> tuple[int, bytes] | None:
    """(its bytes on the wire, its text) of a client's text frame at the start of `data`, None while it is not whole."""
    if len(data) < 6:
        return None
    demand(data[0] == 0x81 and data[1] >= 128, f"a masked text frame, found {data[:2].hex()}")
    wide = {126: 2, 127: 8}.get(data[1] & 127, 0)
    size = int.from_bytes(data[2 : 2 + wide]) if wide else data[1] & 127
    start = 2 + wide + 4
    if len(data) < start + size:
        return None
    key = (data[start - 4 : start] * (size // 4 + 1))[:size]
    text = int.from_bytes(data[start : start + size]) ^ int.from_bytes(key)
    return start + size, text.to_bytes(size)


class Venue:
    """A venue of one client: two doors, and what waits behind them, by MARKET_DATA and TRADING. peeks: DIFF's."""

    peeks = 0

    def __init__(self, name: str, mine: list[Instrument], ledger: Ledger):
        self.doors = [listening(), listening()]
        self.wires: list[Wire | None] = [None, None]
        self._receivers: list[Callable[[bytes], None]] = [_nobody, _nobody]
        self._symbols = {one.index: one.symbol for one in mine}
        self.server = self._serve(name, mine)
        self.server.open(ledger)

    def _serve(self, name: str, mine: list[Instrument]):
        return FixServer(name, {one.symbol: one for one in mine}, "", 0, 0, now_ns)

    def let_in(self, channel: int) -> None:
        """Take who knocks; the first one stays."""
        sock, _ = self.doors[channel].accept()
        self.wires[channel] = Wire(sock)
        self._receivers[channel] = self._greet(channel, self.wires[channel])

    def close(self) -> None:
        for one in (*self.doors, *filter(None, self.wires)):
            one.close()

    def _greet(self, channel: int, wire: Wire) -> Callable[[bytes], None]:
        link = self.server.welcome(channel, CLIENT, lambda session, owner: PolledLink(session, wire, owner))
        demand(link is not None, "one client a venue")
        return link.receive

    def pump(self, channel: int) -> None:
        """Read what a socket holds, and act on it."""
        wire = self.wires[channel]
        if wire is not None and (data := wire.read()):
            self.take(channel, data)

    def take(self, channel: int, data: bytes) -> None:
        self._receivers[channel](data)

    def publish(self, quote: tuple[int, int, int, int, int]) -> None:
        instrument, *numbers = quote
        self.server.publish(self._symbols[instrument], *numbers, now_ns(), 0)

    def has(self, instrument: int) -> bool:
        return instrument in self._symbols

    def settled(self) -> bool:
        """Whether the client is known to have worked off what it was told; FIX does not say."""
        return True

    def lists(self, symbol: str) -> bool:
        return symbol in self._symbols.values()

    def fill(self, order: NewOrder, number: int) -> None:
        """Accept an order, then fill it at its limit."""
        known = {"order": order, "venue_id": f"V{number}", "venue_ns": now_ns()}
        self.server.report(VenueReport(event=Event.ACK, leaves_lots=order.lots, **known))
        self.server.report(
            VenueReport(event=Event.TRADE, cum_lots=order.lots, last_lots=order.lots, last_ticks=order.limit_ticks,
                        trade_id=f"T{number}", **known)
        )  # fmt: skip


class DiffVenue(Venue):
    """The Chinese venue over DIFF: quotes and orders on a WebSocket each."""

    def _serve(self, name: str, mine: list[Instrument]):
        self._websockets: list[Websocket] = []
        contracts = contracts_of(mine)
        self._symbols = {one.index: symbol for symbol, one in contracts.items()}
        return DiffServer(contracts, "", 0, {"tandem": "tandem"}, now_ns)

    def _greet(self, channel: int, wire: Wire) -> Callable[[bytes], None]:
        opened = Websocket(wire, lambda path: DiffSession(PATHS[path], self.server))
        self._websockets.append(opened)
        return opened.receive

    def settled(self) -> bool:
        return all(one.asked for one in self._websockets)

    @property
    def peeks(self) -> int:
        return sum(one.peeks for one in self._websockets)


def listening() -> socket.socket:
    """A door at a free port."""
    door = socket.create_server((HOST, 0))
    door.setblocking(False)
    return door


def _nobody(data: bytes) -> None:
    """No one is connected yet."""


CHANNELS = (MARKET_DATA, TRADING)
