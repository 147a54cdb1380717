"""What the tests of the simulated venue share: contracts, a venue by hand-moved time, and a server that remembers."""

from fractions import Fraction

from adapters.ports import NewOrder, OrderEntry, VenueReport
from adapters.sim.exchange import Exchange, Latency
from adapters.sim.faults import FaultScript, parse_faults
from adapters.sim.matching import Matching
from adapters.sim.terms import Terms
from adapters.ticks import NS, Pace, QuoteTick
from engine.instruments import INVERSE, LINEAR, LONG_SHORT, LONG_SHORT_TODAY, NET, Instrument
from engine.ports import IOC, OPEN, Event

MS = NS // 1_000
RICH = 10**18


def terms(symbol: str, mode: int = NET, kind: int = LINEAR, **more: object) -> Terms:
    """A contract with a tick of 0.02 and 1,000 units a lot (20,000,000 micros a tick), without margin unless given."""
    instrument = Instrument(
        index=0, id=symbol, venue=0, symbol=symbol, currency="CNY", kind=kind, position_mode=mode, tick=Fraction(1, 50)
    )
    return Terms(instrument=instrument, multiplier=Fraction(1_000), **more)


def market(*listed: Terms, balance_micros: int = RICH, owners: tuple[str, ...] = ("ann", "bob")) -> Matching:
    listed = listed or (terms("NET"), terms("LS", LONG_SHORT), terms("SHFE", LONG_SHORT_TODAY))
    return Matching({one.instrument.symbol: one for one in listed}, {owner: balance_micros for owner in owners}, "CNY")


def inverse(symbol: str) -> Terms:
    return terms(symbol, kind=INVERSE, margin_bps=500, commission_micros_per_lot=7)


def quote(bid: int, bid_lots: int, ask: int, ask_lots: int, symbol: str = "NET", at_ns: int = 0, flags: int = 0):
    return QuoteTick(at_ns, symbol, bid, bid_lots, ask, ask_lots, flags)


def order(
    client_id: str, side: int, lots: int, limit: int | None, tif: int = IOC, owner: str = "ann", symbol: str = "NET",
    offset: int = OPEN,
) -> NewOrder:  # fmt: skip
    return NewOrder(
        owner=owner, client_id=client_id, symbol=symbol, side=side, offset=offset, lots=lots, limit_ticks=limit, tif=tif
    )


def said(report: VenueReport) -> tuple[str, int, int]:
    """A report in short: what happened, cumulative lots, lots left."""
    return Event.NAMES[report.event], report.cum_lots, report.leaves_lots


class RememberingServer:
    """A `VenueServer` without a wire: it keeps what it was told, with the time of its clock."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.entry: OrderEntry | None = None
        self.running = False
        self.reports: list[tuple[int, VenueReport]] = []
        self.quotes: list[tuple[int, str, int, int, int, int, int, int]] = []
        self.injected: list[tuple[int, str]] = []

    async def start(self, entry: OrderEntry) -> int:
        self.entry, self.running = entry, True
        return 4_000

    async def stop(self) -> None:
        self.running = False

    def publish(
        self, symbol: str, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int, venue_ns: int, flags: int
    ) -> None:
        self.quotes.append((self.now_ns, symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, flags))

    def report(self, report: VenueReport) -> None:
        self.reports.append((self.now_ns, report))

    def inject(self, fault: str) -> None:
        if fault == "gap":
            raise ValueError("this server numbers nothing, so it cannot leave a gap")
        self.injected.append((self.now_ns, fault))


class World:
    """An exchange on a clock that the test moves."""

    def __init__(self, faults: list[dict] = (), quotes: tuple[QuoteTick, ...] = (), **latency: int) -> None:
        self.server = RememberingServer()
        self.matching = market()
        script = FaultScript(parse_faults(list(faults), "test"))
        self.exchange = Exchange(self.matching, self.server, Latency(**latency), script)
        self.now_ns = 0
        self.exchange.begin(iter(quotes or (quote(100, 10, 101, 10),)), Pace(0), 0)
        self.run(0)

    def run(self, until_ns: int) -> None:
        """Let the time pass, one event's moment after the other."""
        while (due_ns := self.exchange.next_ns()) is not None and due_ns <= until_ns:
            self.server.now_ns = due_ns
            self.exchange.pump(due_ns)
        self.now_ns = until_ns

    def send(self, *orders: NewOrder) -> None:
        for one in orders:
            self.exchange.submit(one, self.now_ns)
        self.run(self.now_ns + 100 * MS)

    def told(self, client_id: str) -> list[tuple[str, int, int]]:
        return [said(report) for _, report in self.server.reports if report.order.client_id == client_id]

    def told_at(self, client_id: str) -> list[int]:
        return [at_ns for at_ns, report in self.server.reports if report.order.client_id == client_id]
