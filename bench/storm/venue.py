"""A venue of a storm: a matching with an ill will, behind the real protocol, in virtual time.

    clock = Clockwork(begin_ns)
    venue = StormVenue(0, "fix44", terms, clock, latency, treat)   terms: of each contract; treat: NewOrder -> Treatment
    loop = assemble(record, journal, [venue.gateway, ...], clock.read_ns); loop.on_start(...)
    venue.rebind(loop)            the client's objects for this loop; again for the next loop, when its process has died
    venue.join()                  connect: logon, snapshot, what was missed, READY; after a cut too
    venue.quote(instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, flags)   at the matching now, at the engine later
    clock.pump(until_ns)          whatever is due happens, each on its instant
    venue.beat()                  the links give a sign of life (on_heard); no protocol timer runs
    venue.cut(why, lose_in_flight)    both channels break; no connection until join()
    venue.silence(on)             the network is dead under connections that stand: no bytes, no beats
    venue.set_closed(instrument)  the contract does not trade: orders are refused, a flagged quote where FIX has a flag
    venue.lock(instrument, limit_up)  涨停, 跌停: one side empty
    venue.positions(), net(instrument), trades(), foreign_lots   the venue's own account, the truth to compare with
    venue.counts                  orders, cancels, queries as the venue received them (a DIFF query: as its tree did)
    venue.is_quiet()              nothing of this venue is scheduled

Not played: heartbeats and time-outs of a FIX session, pings of a WebSocket, TLS, partial reads of a stream. A cut loses
what is on its way to the client; what is on its way to the venue arrives, unless lose_in_flight.
"""

from collections.abc import Callable

import msgspec

from adapters.ports import NewOrder, VenueAccount, VenuePosition, VenueReport
from adapters.sim.exchange import Latency
from adapters.sim.matching import Matching
from adapters.sim.terms import Terms
from adapters.ticks import QuoteTick
from bench.storm import diff_wire, fix_wire
from bench.storm.clockwork import Clockwork
from bench.storm.treating import Treating
from bench.storm.treatment import Treatment
from engine.ports import QUOTE_CLOSED, QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP, Inputs

BALANCE_MICROS = 10**15
WIRES = {"diff": (diff_wire.DiffWire, diff_wire.OWNER), "fix44": (fix_wire.FixWire, fix_wire.OWNER)}


class Counts(msgspec.Struct):
    """What the venue received."""

    orders: int = 0
    cancels: int = 0
    queries: int = 0


class PortHole:
    """`engine.ports.Gateway` that stays while the client behind it is replaced: its methods are the client's own."""

    __slots__ = ("encode_cancel", "encode_order", "encode_query", "write")


class StormVenue:
    """One venue with one client. index: its row in the engine. protocol: "diff" or "fix44".

    latency: one way, to the venue, back, and of quotes. treat: what becomes of each order, None for the usual. It is
    the matching's `adapters.ports.OrderEntry`. KeyError for a protocol that is none; ValueError for contracts that the
    protocol cannot name.
    """

    def __init__(
        self, index: int, protocol: str, terms: list[Terms], clock: Clockwork, latency: Latency,
        treat: Callable[[NewOrder], Treatment] | None = None, currency: str = "CNY",
    ) -> None:  # fmt: skip
        wire, self.owner = WIRES[protocol]
        self.counts = Counts()
        self.gateway = PortHole()
        self._strand = clock.strand()
        self._clock = clock
        limits = {one.instrument.index: (one.lower_ticks, one.upper_ticks) for one in terms}
        self._wire = wire(index, [one.instrument for one in terms], self._strand, latency, limits)
        self._symbols = {one.index: symbol for symbol, one in self._wire.contracts.items()}
        by_index = {one.instrument.index: one for one in terms}
        listed = {symbol: by_index[one.index] for symbol, one in self._wire.contracts.items()}
        self.matching = Matching(listed, {self.owner: BALANCE_MICROS}, currency)
        self._treating = Treating(self.matching, self._strand, treat, self._wire.report, self._wire.has_bust)
        self._quotes: dict[int, tuple[int, int, int, int]] = {}
        self._wire.open(self)

    # The client

    def rebind(self, inputs: Inputs, lose_in_flight: bool = False) -> None:
        """A client process starts; one that was there is dead, and never calls anybody again. `join` connects it."""
        for line in self.lines:
            line.die(lose_in_flight)
        client = self._wire.bind(inputs, self._count_query)
        for name in PortHole.__slots__:
            setattr(self.gateway, name, getattr(client, name))

    def _count_query(self) -> None:
        self.counts.queries += 1

    def join(self) -> None:
        for line in self.lines:
            line.join()

    def cut(self, why: str, lose_in_flight: bool = False) -> None:
        for line in self.lines:
            line.cut(why, lose_in_flight)

    def silence(self, on: bool) -> None:
        for line in self.lines:
            line.silence(on)

    def beat(self) -> None:
        for line in self.lines:
            line.beat()

    @property
    def lines(self) -> tuple:
        return self._wire.quotes, self._wire.orders

    # The market

    def quote(
        self, instrument: int, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int, flags: int = 0
    ) -> None:  # fmt: skip
        """A new best quote; a side without a price has lots 0. Resting orders that it crosses trade."""
        symbol, now_ns = self._symbols[instrument], self._clock.now_ns
        self._quotes[instrument] = bid_ticks, bid_lots, ask_ticks, ask_lots
        tick = QuoteTick(now_ns, symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, flags)
        reports = self.matching.quote(tick, now_ns)
        if reports:
            self._treating.tell(reports)
        self._wire.server.publish(symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, now_ns, flags)

    def set_closed(self, instrument: int) -> None:
        """The contract stops trading, at its last quote; the next quote without the flag opens it."""
        self.quote(instrument, *self._quotes.get(instrument, (0, 0, 0, 0)), QUOTE_CLOSED)

    def lock(self, instrument: int, limit_up: bool) -> None:
        """The price limit is reached where the last quote stands: only buyers at limit up, only sellers at limit down.

        DIFF flags it; FIX shows a book with one side.
        """
        bid_ticks, bid_lots, ask_ticks, ask_lots = self._quotes[instrument]
        if limit_up:
            self.quote(instrument, bid_ticks, bid_lots, 0, 0, QUOTE_LIMIT_UP)
        else:
            self.quote(instrument, 0, 0, ask_ticks, ask_lots, QUOTE_LIMIT_DOWN)

    # The truth

    def positions(self, owner: str = "") -> list[VenuePosition]:
        return self.matching.positions(owner or self.owner)

    def net(self, instrument: int) -> int:
        """Net lots of a contract on the account, what others traded included."""
        symbol = self._symbols[instrument]
        row = next(one for one in self.positions() if one.symbol == symbol)
        return row.long_today + row.long_yesterday - row.short_today - row.short_yesterday

    @property
    def foreign_lots(self) -> dict[int, int]:
        """Net lots that others traded on the account, by instrument."""
        foreign = self._treating.foreign_lots
        return {index: foreign[symbol] for index, symbol in self._symbols.items() if symbol in foreign}

    def trades(self, owner: str = "") -> list[VenueReport]:
        """Every trade of the account that stands: bust ones are gone, corrected ones as they are now."""
        return self.matching.trades(owner or self.owner)

    @property
    def has_bust(self) -> bool:
        """Whether the protocol can say that a trade was busted or corrected."""
        return self._wire.has_bust

    def skip_number(self) -> None:
        """The venue's next message on orders never comes: a gap, FIX only."""
        self._wire.server.inject("gap")

    def is_quiet(self) -> bool:
        return self._strand.waiting == 0

    # adapters.ports.OrderEntry: what the server calls, in the middle of a message, so the matching has its own turn

    def submit(self, order: NewOrder) -> None:
        self.counts.orders += 1
        self._strand.after(0, lambda: self._treating.enter(order))

    def cancel(self, owner: str, client_id: str, cancel_id: str) -> None:
        self.counts.cancels += 1
        self._strand.after(0, lambda: self._treating.cancel(owner, client_id, cancel_id))

    def query(self, owner: str, client_id: str, query_id: str) -> None:
        self.counts.queries += 1
        self._strand.after(0, lambda: self._treating.query(owner, client_id, query_id))

    def orders(self, owner: str) -> list[VenueReport]:
        return self.matching.orders(owner)

    def account(self, owner: str) -> VenueAccount:
        return self.matching.account(owner)
