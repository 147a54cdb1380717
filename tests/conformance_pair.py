"""A pair for the conformance suite: a real client adapter on a real simulated venue over loopback, and what it told.

An adapter brings a `Kit`; the venue, its market, its other customer and the ear on the client are the same for all.
"""

import asyncio
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import NamedTuple, TypeVar

from adapters.ports import Contracts, NewOrder, VenueReport, VenueServer
from adapters.sim.exchange import Exchange, Latency
from adapters.sim.faults import Fault, FaultScript
from adapters.sim.matching import Matching
from adapters.sim.terms import Terms
from adapters.sim.venue import SimVenue
from adapters.ticks import NS, QuoteTick
from bench.lane_ear import LaneEar
from engine.clock import now_ns
from engine.ids import client_id, order_number
from engine.instruments import LONG_SHORT, Instrument
from engine.ports import (
    BUY,
    DAY,
    IOC,
    MARKET_DATA,
    OPEN,
    READY,
    TRADING,
    AccountReport,
    Adapter,
    Event,
    ExecReport,
    Inputs,
    OrderRequest,
    PositionReport,
)

VENUE, ACCOUNT = 3, 2
OWNER, OTHER = "TANDEM", "OTHER"
MONEY_MICROS = 10**13
DEADLINE_S = 10.0
BEAT_NS = NS // 500
MOST_FILES = 1024


def _contract(index: int, symbol: str, tick: Fraction) -> Instrument:
    return Instrument(
        index=index, id=f"SHFE.{symbol}", venue=VENUE, symbol=symbol, exchange="SHFE", account=ACCOUNT,
        currency="CNY", position_mode=LONG_SHORT, tick=tick,
    )  # fmt: skip


# Rows other than 0 and 1, so that none is right by chance; room inside the spread for a resting order.
AU, AG = _contract(5, "au2702", Fraction(1, 50)), _contract(6, "ag2702", Fraction(1))
STANDING = {AU.index: (31_000, 5, 31_004, 6), AG.index: (5_001, 7, 5_003, 8)}


class Kit(NamedTuple):
    """What an adapter brings. server: listening on free ports of 127.0.0.1; OWNER may log in, its password is empty.

    contracts: the venue's symbols for instruments. client: the adapter for a started server, which listens on `port`;
    back-off in tens of milliseconds, and no patience in asking again. capabilities: the room's own CAPABILITIES.
    """

    capabilities: dict[str, str]
    contracts: Callable[[list[Instrument]], Contracts]
    server: Callable[[Contracts], VenueServer]
    client: Callable[[VenueServer, int, list[Instrument], Inputs], Adapter]


class Quote(NamedTuple):
    instrument: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    venue_ns: int
    recv_ns: int
    venue_seq: int
    flags: int


class Link(NamedTuple):
    venue: int
    channel: int
    state: int
    recv_ns: int
    why: str


class Beat(NamedTuple):
    venue: int
    channel: int
    recv_ns: int


class Band(NamedTuple):
    instrument: int
    lower_ticks: int
    upper_ticks: int
    recv_ns: int


class Bad(NamedTuple):
    venue: int
    what: str
    raw: bytes
    recv_ns: int


_Call = TypeVar("_Call", Quote, Link, Beat, Band, Bad, ExecReport, AccountReport, PositionReport)


class Heard(LaneEar):
    """`engine.ports.Inputs`: every call, in the order of their coming. news: set by each of them."""

    def __init__(self, news: asyncio.Event) -> None:
        self.calls: list[object] = []
        self._news = news

    def _keep(self, call: object) -> None:
        self.calls.append(call)
        self._news.set()

    def on_quote(self, *fields: int) -> None:
        self._keep(Quote(*fields))

    def on_report(self, report: ExecReport) -> None:
        self._keep(report)

    def on_link(self, venue: int, channel: int, state: int, recv_ns: int, why: str) -> None:
        self._keep(Link(venue, channel, state, recv_ns, why))

    def on_heard(self, venue: int, channel: int, recv_ns: int) -> None:
        self._keep(Beat(venue, channel, recv_ns))

    def on_account(self, report: AccountReport) -> None:
        self._keep(report)

    def on_position(self, report: PositionReport) -> None:
        self._keep(report)

    def on_band(self, instrument: int, lower_ticks: int, upper_ticks: int, recv_ns: int) -> None:
        self._keep(Band(instrument, lower_ticks, upper_ticks, recv_ns))

    def on_bad_input(self, venue: int, what: str, raw: bytes, recv_ns: int) -> None:
        self._keep(Bad(venue, what, raw, recv_ns))

    def of(self, kind: type[_Call]) -> list[_Call]:
        return [call for call in self.calls if isinstance(call, kind)]

    def states(self, channel: int) -> list[int]:
        return [link.state for link in self.of(Link) if link.channel == channel]

    def quotes(self, instrument: Instrument) -> list[Quote]:
        return [quote for quote in self.of(Quote) if quote.instrument == instrument.index]

    def reports(self, name: str) -> list[ExecReport]:
        return [report for report in self.of(ExecReport) if report.client_id == name]

    def events(self, order: OrderRequest) -> list[int]:
        return [report.event for report in self.reports(order.client_id)]

    def trades(self, order: OrderRequest) -> dict[str, ExecReport]:
        """By trade id: one that is told again counts once."""
        told = self.reports(order.client_id)
        return {report.trade_id: report for report in told if report.event == Event.TRADE}

    def end(self, order: OrderRequest) -> ExecReport | None:
        """The last statement that the order has ended; a trade that leaves nothing is one too."""
        ends = (Event.CANCELLED, Event.REJECTED, Event.DONE)
        told = self.reports(order.client_id)
        ended = [r for r in told if r.event in ends or (r.event == Event.TRADE and r.leaves_lots == 0)]
        return ended[-1] if ended else None


class Tape:
    """An endless market: what stands in `quotes`, played again each BEAT_NS. A quote: bid, lots, ask, lots, flags."""

    def __init__(self, quotes: dict[str, tuple[int, ...]], news: asyncio.Event) -> None:
        self.quotes = quotes
        self.played = 0
        self._news = news

    def __iter__(self) -> Iterator[QuoteTick]:
        return self

    def __next__(self) -> QuoteTick:
        self._news.set()
        symbols = tuple(self.quotes)
        beat, turn = divmod(self.played, len(symbols))
        self.played += 1
        return QuoteTick(beat * BEAT_NS, symbols[turn], *self.quotes[symbols[turn]])


class Pair:
    """The venue, its client, and the ear. `until` looks again after every input and every beat of the market.

    sockets, tasks: what was there before the client.
    """

    def __init__(self, kit: Kit, faults: list[Fault]) -> None:
        self.capabilities = kit.capabilities
        self._kit = kit
        self._news = asyncio.Event()
        self._orders = self._asked = 0
        self.heard = Heard(self._news)
        contracts = kit.contracts([AU, AG])
        self._symbols = {one.index: symbol for symbol, one in contracts.items()}
        self.server = kit.server(contracts)
        self.tape = Tape({symbol: STANDING[index] for index, symbol in self._symbols.items()}, self._news)
        terms = {symbol: Terms(instrument=one, multiplier=Fraction(1_000)) for symbol, one in contracts.items()}
        self.matching = Matching(terms, {OWNER: MONEY_MICROS, OTHER: MONEY_MICROS}, "CNY")
        exchange = Exchange(self.matching, self.server, Latency(), FaultScript(faults))
        self.venue = SimVenue(exchange, self.server, self.tape)
        self.client: Adapter | None = None
        self.sockets = 0
        self.tasks: set[asyncio.Task] = set()

    async def open(self) -> None:
        port = await self.venue.start()
        self.sockets, self.tasks = open_sockets(), asyncio.all_tasks()
        self.client = self._kit.client(self.server, port, [AU, AG], self.heard)
        await self.client.start()

    async def stop(self) -> None:
        """The client's end; it is let go of."""
        client, self.client = self.client, None
        if client is not None:
            async with asyncio.timeout(DEADLINE_S):
                await client.stop()

    async def close(self) -> None:
        try:
            await self.stop()
        finally:
            async with asyncio.timeout(DEADLINE_S):
                await self.venue.stop()

    def can(self, capability: str) -> bool:
        """What the room says of itself steers what is expected of it."""
        return self.capabilities[capability].startswith("yes")

    async def until(self, reached: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not reached():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            said = [call for call in self.heard.calls if not isinstance(call, Quote | Beat)]
            raise AssertionError(f"not reached within {DEADLINE_S} s; heard besides quotes: {said}") from None

    async def ready(self, times: int = 1) -> None:
        """Both channels are up, each for this time at least."""
        told = lambda: [self.heard.states(channel) for channel in (MARKET_DATA, TRADING)]
        await self.until(lambda: all(states[-1:] == [READY] and states.count(READY) >= times for states in told()))

    # The market and its other customer

    async def quote(self, instrument: Instrument, *quote: int) -> Quote:
        """Let this be the market from now on; as it was told."""
        self.tape.quotes[self._symbols[instrument.index]] = quote
        sides = tuple(part for at in (0, 2) for part in (quote[at : at + 2] if quote[at + 1] else (0, 0)))
        await self.until(lambda: any(told[1:5] == sides for told in self.heard.quotes(instrument)[-1:]))
        return self.heard.quotes(instrument)[-1]

    def other(self, side: int, lots: int, limit_ticks: int, tif: int = IOC) -> None:
        """Somebody else sends the venue an order in AU."""
        self._orders += 1
        self.venue.submit(
            NewOrder(
                owner=OTHER, client_id=f"O{self._orders}", symbol=self._symbols[AU.index], side=side, offset=OPEN,
                lots=lots, limit_ticks=limit_ticks, tif=tif,
            )
        )  # fmt: skip

    # Our orders

    def order(self, lots: int, limit_ticks: int = 31_004, side: int = BUY, tif: int = IOC) -> OrderRequest:
        """A new one in AU; as it stands, it takes what is offered."""
        self._orders += 1
        number = order_number(7, self._orders)
        return OrderRequest(number, client_id(number), AU.index, side, OPEN, lots, limit_ticks, tif)

    def place(self, order: OrderRequest) -> int:
        return self.client.write(self.client.encode_order(order, now_ns()))

    async def rest(self, order: OrderRequest) -> OrderRequest:
        """Place an order that nothing meets, and wait for its acknowledgement."""
        assert order.tif == DAY
        self.place(order)
        await self.until(lambda: Event.ACK in self.heard.events(order))
        return order

    def cancel(self, order: OrderRequest) -> int:
        self._orders += 1
        return self.client.write(self.client.encode_cancel(order, client_id(order_number(7, self._orders)), now_ns()))

    def ask(self, order: OrderRequest) -> int:
        self._asked += 1
        return self.client.write(self.client.encode_query(order, f"Q{self._asked}", now_ns()))

    async def answer(self, order: OrderRequest) -> ExecReport:
        """Ask for the order's state, again after each reconnect that comes between, as the engine does."""
        told = len(self.heard.reports(order.client_id))
        while len(self.heard.reports(order.client_id)) == told:
            ready = self._times_ready
            self.ask(order)
            await self.until(lambda at=ready: len(self.heard.reports(order.client_id)) > told or self._times_ready > at)
        return self.heard.reports(order.client_id)[-1]

    @property
    def _times_ready(self) -> int:
        return self.heard.states(TRADING).count(READY)

    def truth(self, order: OrderRequest) -> VenueReport | None:
        """The venue's own last statement on an order, None where it never got it."""
        own = [report for report in self.matching.orders(OWNER) if report.order.client_id == order.client_id]
        return own[0] if own else None

    def settled(self, order: OrderRequest) -> bool:
        """The order has ended; its end, its trades' ids and their sum are the venue's."""
        truth, end, told = self.truth(order), self.heard.end(order), self.heard.trades(order)
        if truth is None or truth.leaves_lots or end is None:
            return False
        trades = {trade.trade_id for trade in self.matching.trades(OWNER) if trade.order.client_id == order.client_id}
        return end.cum_lots == truth.cum_lots == sum(one.last_lots for one in told.values()) and told.keys() == trades


def open_sockets() -> int:
    """How many sockets this process has open, whoever holds them."""
    count = 0
    for number in range(MOST_FILES):
        try:
            count += stat.S_ISSOCK(os.fstat(number).st_mode)
        except OSError:
            continue
    return count


@asynccontextmanager
async def paired(kit: Kit, faults: list[Fault]):
    """A pair whose client is ready. At its end nothing of it may be left, and every call named its place and time."""
    tasks = asyncio.all_tasks()
    here = Pair(kit, faults)
    try:
        await here.open()
        await here.ready()
        yield here
    finally:
        await here.close()
    assert asyncio.all_tasks() == tasks
    for call in here.heard.calls:
        assert 0 < call.recv_ns <= now_ns()
        assert getattr(call, "venue", VENUE) == VENUE
        assert getattr(call, "instrument", AU.index) in (AU.index, AG.index)
