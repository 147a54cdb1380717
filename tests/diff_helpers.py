"""A small DIFF venue for tests: a recorder of the engine's inputs, a matching of one quote a side, both ends wired."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from fractions import Fraction

import msgspec

from adapters.diff.client import DiffVenue
from adapters.diff.server import DiffServer
from adapters.diff.settings import DiffSettings
from adapters.ports import NewOrder, VenueAccount, VenuePosition, VenueReport
from engine.clock import now_ns
from engine.ids import client_id, order_number
from engine.instruments import LONG_SHORT_TODAY, Instrument
from engine.ports import BUY, IOC, MARKET_DATA, OPEN, READY, TRADING, Event, OrderRequest

VENUE = 3
USER, PASSWORD = "trader", "secret"
DEADLINE_S = 10.0


def gold(index: int = 5, symbol: str = "au2702") -> Instrument:
    return Instrument(
        index=index, id=f"shfe.{symbol}", venue=VENUE, symbol=symbol, exchange="SHFE", account=1, currency="CNY",
        position_mode=LONG_SHORT_TODAY, tick=Fraction(1, 50),
    )  # fmt: skip


AU, AG = gold(), gold(6, "ag2702")
CONTRACTS = {"SHFE.au2702": AU, "SHFE.ag2702": AG}


def settings(port: int, **changes: object) -> DiffSettings:
    values = {
        "md_url": f"ws://127.0.0.1:{port}/md", "td_url": f"ws://127.0.0.1:{port}/td", "broker": "sim", "user": USER,
        "password": PASSWORD, "reconnect_min_ms": 10, "reconnect_max_ms": 50,
    }  # fmt: skip
    return DiffSettings(**(values | changes))


def request(counter: int, side: int = BUY, lots: int = 2, limit: str = "620.00", tif: int = IOC) -> OrderRequest:
    number = order_number(7, counter)
    return OrderRequest(number, client_id(number), AU.index, side, OPEN, lots, AU.ticks(limit), tif)


class Quote(msgspec.Struct):
    instrument: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    venue_ns: int
    recv_ns: int
    venue_seq: int
    flags: int


class Recorder:
    """The engine's Inputs, kept in the order of their coming; `until` waits for a condition on them."""

    def __init__(self) -> None:
        self.all: list[object] = []
        self.quotes: list[Quote] = []
        self.reports: list = []
        self.links: list[tuple[int, int, str]] = []
        self.accounts: list = []
        self.positions: list = []
        self.bands: list[tuple[int, int, int]] = []
        self.bad: list[str] = []
        self.heard = {MARKET_DATA: 0, TRADING: 0}
        self.on_each_quote: Callable[[Quote], None] | None = None
        self.news = asyncio.Event()

    def _keep(self, what: object, table: list) -> None:
        self.all.append(what)
        table.append(what)
        self.news.set()

    def on_quote(self, *fields: int) -> None:
        quote = Quote(*fields)
        self._keep(quote, self.quotes)
        if self.on_each_quote is not None:
            self.on_each_quote(quote)

    def on_report(self, report: object) -> None:
        self._keep(report, self.reports)

    def on_link(self, venue: int, channel: int, state: int, recv_ns: int, why: str) -> None:
        self._keep((channel, state, why), self.links)

    def on_heard(self, venue: int, channel: int, recv_ns: int) -> None:
        self.heard[channel] += 1
        self.news.set()

    def on_account(self, report: object) -> None:
        self._keep(report, self.accounts)

    def on_position(self, report: object) -> None:
        self._keep(report, self.positions)

    def on_band(self, instrument: int, lower_ticks: int, upper_ticks: int, recv_ns: int) -> None:
        self._keep((instrument, lower_ticks, upper_ticks), self.bands)

    def on_bad_input(self, venue: int, what: str, raw: bytes, recv_ns: int) -> None:
        self._keep(what, self.bad)

    def count(self, channel: int, state: int) -> int:
        return sum(link[:2] == (channel, state) for link in self.links)

    def events(self, order: OrderRequest | None = None) -> list[str]:
        return [
            Event.NAMES[report.event]
            for report in self.reports
            if order is None or report.order_no == order.order_no
        ]  # fmt: skip

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def ready(self, times: int = 1) -> None:
        await self.until(lambda: all(self.count(c, READY) >= times for c in (MARKET_DATA, TRADING)))


class Match:
    """OrderEntry: fills against the one quote that `quote` shows, rests a DAY remainder, refuses more than 100 lots."""

    def __init__(self) -> None:
        self.server: DiffServer | None = None
        self.book: dict[str, list[int]] = {}
        self.last: dict[tuple[str, str], VenueReport] = {}
        self.deals: list[VenueReport] = []
        self.seen: list[str] = []
        self.held = 0

    def quote(self, symbol: str, bid: str, bid_lots: int, ask: str, ask_lots: int, flags: int = 0) -> None:
        self.book[symbol] = [AU.ticks(bid), bid_lots, AU.ticks(ask), ask_lots]
        self.server.publish(symbol, *self.book[symbol], 0, flags)

    def submit(self, order: NewOrder) -> None:
        self.seen.append(order.client_id)
        if order.lots > 100:
            self._say(Event.REJECTED, order, reason="more than 100 lots")
            return
        self._say(Event.ACK, order)
        side = 2 if order.side == BUY else 0
        ticks, size = self.book.get(order.symbol, [0, 0, 0, 0])[side : side + 2]
        reaches = order.limit_ticks is None or (order.limit_ticks - ticks) * order.side >= 0
        lots = min(order.lots, size) if reaches else 0
        if lots:
            self.trade(order, lots, ticks)
        if lots < order.lots and order.tif == IOC:
            self._say(Event.CANCELLED, order, reason="IOC remainder")

    def trade(self, order: NewOrder, lots: int, ticks: int) -> None:
        self.held += order.side * lots
        cum = self.last[order.owner, order.client_id].cum_lots + lots
        self._say(Event.TRADE, order, cum, last_lots=lots, last_ticks=ticks, trade_id=f"T{len(self.deals) + 1}")

    def cancel(self, owner: str, name: str, cancel_id: str) -> None:
        last = self.last.get((owner, name))
        if last is None:
            order = NewOrder(
                owner=owner, client_id=name, symbol="SHFE.au2702", side=BUY, offset=OPEN, lots=1, limit_ticks=1, tif=IOC
            )
            self.server.report(VenueReport(event=Event.CANCEL_REJECTED, order=order, reason="no such order"))
        elif last.cum_lots < last.order.lots:
            self._say(Event.CANCELLED, last.order, last.cum_lots, reason="cancelled")

    def query(self, owner: str, name: str, query_id: str) -> None:
        raise AssertionError("DIFF has no query")

    def orders(self, owner: str) -> list[VenueReport]:
        return [report for (of, _), report in self.last.items() if of == owner]

    def trades(self, owner: str) -> list[VenueReport]:
        return [report for report in self.deals if report.order.owner == owner]

    def positions(self, owner: str) -> list[VenuePosition]:
        held = self.held
        return [VenuePosition(symbol="SHFE.au2702", long_today=max(held, 0), short_today=max(-held, 0))]

    def account(self, owner: str) -> VenueAccount:
        margin = abs(self.held) * 50_000_000_000
        return VenueAccount(
            currency="CNY", balance_micros=10**12, available_micros=10**12 - margin, margin_micros=margin,
            pre_balance_micros=10**12,
        )  # fmt: skip

    def _say(self, event: int, order: NewOrder, cum: int = 0, **more: object) -> None:
        last = self.last.get((order.owner, order.client_id))
        cum = cum or (last.cum_lots if last else 0)
        venue_id = "" if event == Event.REJECTED else f"X{order.client_id[-4:]}"
        report = VenueReport(
            event=event, order=order, venue_id=venue_id, cum_lots=cum, leaves_lots=order.lots - cum,
            venue_ns=now_ns(), **more,
        )  # fmt: skip
        self.last[order.owner, order.client_id] = report
        if event == Event.TRADE:
            self.deals.append(report)
        self.server.report(report)


class World:
    def __init__(self, server: DiffServer, match: Match, port: int) -> None:
        self.server, self.match, self.port = server, match, port
        self.heard = Recorder()
        self.venue: DiffVenue | None = None

    async def connect(self, **changes: object) -> None:
        self.venue = DiffVenue(VENUE, settings(self.port, **changes), [AU, AG], self.heard, now_ns)
        await self.venue.start()

    def place(self, order: OrderRequest) -> int:
        return self.venue.write(self.venue.encode_order(order, now_ns()))

    def cancel(self, order: OrderRequest) -> int:
        return self.venue.write(self.venue.encode_cancel(order, "", now_ns()))

    def ask(self, order: OrderRequest) -> int:
        return self.venue.write(self.venue.encode_query(order, "", now_ns()))


@asynccontextmanager
async def world(**changes: object) -> AsyncIterator[World]:
    """A server with a matching, and a venue that has been started; nothing is left over at the end."""
    match = Match()
    server = DiffServer(CONTRACTS, "127.0.0.1", 0, {USER: PASSWORD}, now_ns)
    match.server = server
    here = World(server, match, await server.start(match))
    try:
        await here.connect(**changes)
        yield here
    finally:
        if here.venue is not None:
            await here.venue.stop()
        await server.stop()


Scenario = Callable[[World], Awaitable[None]]


def play(scenario: Scenario, **changes: object) -> None:
    async def run() -> None:
        async with world(**changes) as here:
            await scenario(here)

    asyncio.run(run())
