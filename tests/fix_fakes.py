"""What the FIX tests share: instruments, an engine that records, a venue that fills by the book, and waiting."""

import asyncio
from collections.abc import Awaitable, Callable
from fractions import Fraction

from adapters.ports import NewOrder, VenueAccount, VenuePosition, VenueReport
from bench.lane_ear import LaneEar
from engine.clock import now_ns
from engine.ids import client_id
from engine.instruments import FX, Instrument
from engine.ports import BUY, DAY, IOC, AccountReport, Event, ExecReport, OrderRequest, PositionReport

CU = Instrument(index=0, id="LME.CA", venue=0, symbol="CA", account=0, currency="USD", tick=Fraction(1, 2))
GC = Instrument(index=1, id="COMEX.GC", venue=0, symbol="GC", account=0, currency="USD", tick=Fraction(1, 10))
FX_RATE = Instrument(
    index=2, id="FX.USDCNH", venue=0, symbol="USD/CNH", currency="CNH", kind=FX, tick=Fraction(1, 10_000),
    lot_step=Fraction(1, 100),
)  # fmt: skip
INSTRUMENTS = [CU, GC, FX_RATE]
DEADLINE_S = 10.0


def order(number: int, side: int = BUY, lots: int = 3, ticks: int = 19_000, tif: int = IOC, instrument: int = 0):
    """An order with the client id of `number`."""
    return OrderRequest(number, client_id(number), instrument, side, 0, lots, ticks, tif)


class Recorder(LaneEar):
    """An engine's `Inputs` that keeps everything and lets a test wait for something."""

    def __init__(self) -> None:
        self.quotes: list[tuple] = []
        self.reports: list[ExecReport] = []
        self.links: list[tuple[int, int, str]] = []
        self.accounts: list[AccountReport] = []
        self.positions: list[PositionReport] = []
        self.bad: list[tuple[str, bytes]] = []
        self.heard = 0
        self._changed = asyncio.Event()

    def on_quote(self, *quote) -> None:
        self._keep(self.quotes, quote)

    def on_report(self, report: ExecReport) -> None:
        self._keep(self.reports, report)

    def on_link(self, venue: int, channel: int, state: int, recv_ns: int, why: str) -> None:
        self._keep(self.links, (channel, state, why))

    def on_heard(self, venue: int, channel: int, recv_ns: int) -> None:
        self.heard += 1
        self._changed.set()

    def on_account(self, report: AccountReport) -> None:
        self._keep(self.accounts, report)

    def on_position(self, report: PositionReport) -> None:
        self._keep(self.positions, report)

    def on_band(self, *band: int) -> None:
        raise AssertionError(f"FIX tells no price limits: {band}")

    def on_bad_input(self, venue: int, what: str, raw: bytes, recv_ns: int) -> None:
        self._keep(self.bad, (what, raw))

    def _keep(self, where: list, what: object) -> None:
        where.append(what)
        self._changed.set()

    async def until(self, reached: Callable[[], object]) -> None:
        """Until the condition holds, looked at after every input."""
        async with asyncio.timeout(DEADLINE_S):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    def states(self, channel: int) -> list[int]:
        return [state for where, state, _ in self.links if where == channel]

    def events(self, client: str = "") -> list[int]:
        return [report.event for report in self.reports if client in ("", report.client_id)]


class SmallVenue:
    """An `OrderEntry` with one contract's worth of rules: fills up to `depth` lots of an IOC order, rests DAY ones."""

    def __init__(self) -> None:
        self.server = None
        self.depth = 2
        self.answers = True
        self.seen: list[NewOrder] = []
        self.queries: list[str] = []
        self.last: dict[str, VenueReport] = {}

    def submit(self, order: NewOrder) -> None:
        self.seen.append(order)
        self.tell(order, Event.ACK, leaves_lots=order.lots)
        if order.tif == DAY or order.limit_ticks is None:
            return
        filled = min(self.depth, order.lots)
        trade = {"last_lots": filled, "last_ticks": order.limit_ticks, "trade_id": f"T{len(self.seen)}"}
        self.tell(order, Event.TRADE, cum_lots=filled, leaves_lots=order.lots - filled, **trade)
        if filled < order.lots:
            self.tell(order, Event.CANCELLED, cum_lots=filled, reason="remainder cancelled")

    def cancel(self, owner: str, client_id: str, cancel_id: str) -> None:
        last = self.last.get(client_id)
        if last is None or not last.leaves_lots:
            stranger = NewOrder(
                owner=owner, client_id=client_id, symbol="", side=0, offset=0, lots=0, limit_ticks=0, tif=0
            )
            self.send(VenueReport(event=Event.CANCEL_REJECTED, order=stranger, cancel_id=cancel_id, reason="too late"))
        else:
            self.tell(last.order, Event.CANCELLED, cum_lots=last.cum_lots, cancel_id=cancel_id)

    def query(self, owner: str, client_id: str, query_id: str) -> None:
        self.queries.append(client_id)
        last = self.last.get(client_id)
        if last is None:
            stranger = NewOrder(
                owner=owner, client_id=client_id, symbol="", side=0, offset=0, lots=0, limit_ticks=0, tif=0
            )
            self.send(VenueReport(event=Event.UNKNOWN_ORDER, order=stranger, query_id=query_id))
            return
        event = Event.STATUS if last.leaves_lots else Event.DONE
        quantities = {"cum_lots": last.cum_lots, "leaves_lots": last.leaves_lots}
        self.send(VenueReport(event=event, order=last.order, venue_id="V", query_id=query_id, **quantities))

    def tell(self, order: NewOrder, event: int, **quantities) -> None:
        report = VenueReport(event=event, order=order, venue_id="V", venue_ns=now_ns(), **quantities)
        self.last[order.client_id] = report
        self.send(report)

    def send(self, report: VenueReport) -> None:
        if self.answers:
            self.server.report(report)

    def orders(self, owner: str) -> list[VenueReport]:
        return list(self.last.values())

    def trades(self, owner: str) -> list[VenueReport]:
        return []

    def positions(self, owner: str) -> list[VenuePosition]:
        return [VenuePosition(symbol="CA", long_today=5, short_yesterday=2), VenuePosition(symbol="GC")]

    def account(self, owner: str) -> VenueAccount:
        figures = {"balance_micros": 1_000_000_500_000, "available_micros": 900_000_000_000, "margin_micros": 1}
        return VenueAccount(currency="USD", **figures)


def run(work: Awaitable[None]) -> None:
    """One async test."""
    asyncio.run(work)
