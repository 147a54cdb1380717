"""A FIX market data session without a wire: the real client's link, logged on to the real server in process."""

from adapters.fix44.feed import MarketData
from adapters.fix44.lane import Lane
from adapters.fix44.listing import Listing
from adapters.fix44.server import FixServer
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.store import MemoryStore
from bench.figures import demand
from bench.polled import PolledLink
from engine.clock import now_ns
from engine.instruments import Instrument
from engine.loop import Loop
from engine.ports import MARKET_DATA, WRITTEN

_CLIENT, _VENUE = "TANDEM", "BENCH"


class _End:
    """What one side writes, until the other takes it."""

    def __init__(self) -> None:
        self._waits = bytearray()

    def write(self, data: bytes) -> int:
        self._waits += data
        return WRITTEN

    def taken(self) -> bytes:
        data = bytes(self._waits)
        self._waits.clear()
        return data

    def open(self, whole: bool) -> None:
        """Nobody else writes to it."""

    def close(self) -> None:
        """There is nothing to close."""


class FixStream:
    """A venue's quotes as bytes, and the link that reads them. messages: what the compiled half has read."""

    def __init__(self, venue: int, mine: list[Instrument], loop: Loop):
        self._symbols = {one.index: one.symbol for one in mine}
        self._server = FixServer(_VENUE, {one.symbol: one for one in mine}, "", 0, 0, now_ns)
        client = Session(SessionSettings(sender=_CLIENT, target=_VENUE, initiator=True), MemoryStore())
        self._lane = Lane(Listing(mine), client.store.in_address, client.parties, client.settings.max_skew_s)
        self._down, up = _End(), _End()
        theirs = self._server.welcome(
            MARKET_DATA, _CLIENT, lambda session, owner: PolledLink(session, self._down, owner)
        )
        self._link = PolledLink(client, up, MarketData(venue, self._lane, False, loop), self._lane)
        while said := up.taken():
            theirs.receive(said)
            self._link.receive(self._down.taken())
        demand(self._link.room is not None, "a session whose plain messages the compiled half may read")

    @property
    def messages(self) -> int:
        return self._lane.messages

    def bytes_of(self, quote: tuple[int, int, int, int, int]) -> bytes:
        """The message with which the venue tells this quote next."""
        instrument, *numbers = quote
        self._server.publish(self._symbols[instrument], *numbers, now_ns(), 0)
        return self._down.taken()

    @property
    def room(self) -> memoryview:
        """Where a transport reads to."""
        return self._link.room

    def fill(self, data: bytes) -> int:
        """Put bytes where `recv_into` would; how many."""
        self._link.room[: len(data)] = data
        return len(data)

    @property
    def lane(self) -> int:
        """Address of the lane, as a poll takes it."""
        return self._lane.address

    def read(self, data: bytes) -> None:
        """Bytes that a poll has read, before it takes them."""
        self._lane.add(self.fill(data), now_ns())

    def settle(self) -> None:
        """What a poll does with the lane when it has taken everything."""
        self._lane.keep()

    @property
    def filled(self):
        """What a transport calls after that."""
        return self._link.filled
