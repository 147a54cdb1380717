"""Storm venues for tests: one venue with a recording ear, or both venues of the demo behind the real loop."""

from collections.abc import Callable
from fractions import Fraction

from adapters.ports import NewOrder
from adapters.sim.exchange import Latency
from adapters.sim.terms import Terms
from bench.storm.clockwork import Clockwork
from bench.storm.treatment import NOTHING, Treatment
from bench.storm.venue import StormVenue
from desk.assembly import assemble, config_hash, config_record
from desk.build import Names, instruments_of
from desk.config import Config
from engine.ids import client_id, order_number
from engine.instruments import LONG_SHORT_TODAY, NET, Instrument
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.ports import BUY, IOC, OPEN, TRADING, Event, ExecReport, OrderRequest
from tests.world import BEGIN_NS, CALENDARS, MS, demo_config

LATENCY = Latency(entry_ns=2 * MS, report_ns=3 * MS, market_data_ns=MS)
DAY_LIMITS = {"lower_ticks": 14_200, "upper_ticks": 17_360}  # of Shanghai, as a DIFF venue tells them
MULTIPLIERS = {"SHFE.au2702": 1000, "SHFE.au2704": 1000, "COMEX.GCG7": 100, "COMEX.GCJ7": 100, "FX.USDCNH": 1}
MARKET_NS = 1_794_964_000 * 1_000_000_000  # 2026-11-18, in the morning session of Shanghai


class Ear:
    """`engine.ports.Inputs`: each call as a tuple, in the order of their coming."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *fields: self.calls.append((name, *fields))

    def reports(self) -> list[ExecReport]:
        return [call[1] for call in self.calls if call[0] == "on_report"]

    def told(self) -> list[tuple[str, int]]:
        """(event, cumulative lots) of each report; -1 where it states none."""
        return [(Event.NAMES[one.event], one.cum_lots) for one in self.reports()]

    def events(self) -> list[str]:
        return [event for event, _ in self.told()]

    def links(self, channel: int = TRADING) -> list[int]:
        return [call[3] for call in self.calls if call[0] == "on_link" and call[2] == channel]


class Alone:
    """One venue, quoted 31,000 to 31,004 with 6 lots, and orders by hand. pipes: what was written, for comparing."""

    def __init__(self, protocol: str, **treatment) -> None:
        mode = LONG_SHORT_TODAY if protocol == "diff" else NET
        contract = Instrument(
            index=0, id="SHFE.au2702", venue=0, symbol="au2702", exchange="SHFE", account=0, currency="CNY",
            position_mode=mode, tick=Fraction(1, 50),
        )  # fmt: skip
        self.treatment = Treatment(**treatment)
        self.clock = Clockwork(BEGIN_NS)
        terms = [Terms(instrument=contract, multiplier=Fraction(1000))]
        self.venue = StormVenue(0, protocol, terms, self.clock, LATENCY, self._treat)
        self.ear = Ear()
        self._count = 0
        self.venue.rebind(self.ear)
        self.venue.join()
        self.wait(50)
        self.venue.quote(0, 31_000, 6, 31_004, 6)
        self.wait(50)
        self.ear.calls.clear()

    def _treat(self, order: NewOrder) -> Treatment:
        treatment, self.treatment = self.treatment, NOTHING
        return treatment

    def wait(self, ms: int) -> None:
        self.clock.pump(self.clock.now_ns + ms * MS)

    def order(self, side: int = BUY, lots: int = 4, ticks: int = 31_004, tif: int = IOC) -> OrderRequest:
        self._count += 1
        number = order_number(1, self._count)
        order = OrderRequest(number, client_id(number), 0, side, OPEN, lots, ticks, tif)
        gateway = self.venue.gateway
        gateway.write(gateway.encode_order(order, self.clock.now_ns))
        return order

    def cancel(self, order: OrderRequest) -> None:
        self._count += 1
        name = client_id(order_number(1, self._count))
        gateway = self.venue.gateway
        gateway.write(gateway.encode_cancel(order, name, self.clock.now_ns))

    def query(self, order: OrderRequest) -> None:
        self._count += 1
        name = client_id(order_number(1, self._count))
        gateway = self.venue.gateway
        gateway.write(gateway.encode_query(order, name, self.clock.now_ns))

    def placed(self, **terms) -> OrderRequest:
        order = self.order(**terms)
        self.wait(30)
        return order


class Storm:
    """The demo's two venues, SHFE over DIFF and OTC over FIX, behind the real loop on a journal in memory."""

    def __init__(self, config: Config | None = None, market_ns: int = MARKET_NS) -> None:
        self.clock = Clockwork(BEGIN_NS)
        self.config = config or demo_config()
        self.market_ns = market_ns
        self.instruments = instruments_of(Names(self.config))
        self.record = config_record(self.config, CALENDARS, market_ns, "a storm's test")
        self.treat: dict[int, Callable[[NewOrder], Treatment]] = {}
        self.venues = [self._venue(index, spec.protocol) for index, spec in enumerate(self.config.venues)]
        self.au, self.gc, self.fx = (one.index for one in self.instruments[:3])
        self.loop: Loop
        self.start(1)

    def _venue(self, index: int, protocol: str) -> StormVenue:
        terms = [
            Terms(instrument=one, multiplier=Fraction(MULTIPLIERS[one.id]),
                  **(DAY_LIMITS if protocol == "diff" else {}))
            for one in self.instruments if one.venue == index
        ]  # fmt: skip

        def treat(order: NewOrder) -> Treatment:
            return self.treat.get(index, _as_usual)(order)

        return StormVenue(index, protocol, terms, self.clock, LATENCY, treat)

    def start(self, epoch: int) -> None:
        """A process starts, on a journal of its own: these tests look at the wires, not at recovery."""
        self.journal = MemoryJournal(1 << 25)
        gateways = [venue.gateway for venue in self.venues]
        self.loop = assemble(self.record, self.journal, gateways, self.clock.read_ns)
        fields = {
            "epoch": epoch, "config_hash": config_hash(self.record), "clock_base_ns": self.market_ns,
            "clock_start_ns": BEGIN_NS, "clock_speed_milli": 1000, "version": b"test",
        }  # fmt: skip
        self.loop.on_start(fields, self.record, self.clock.now_ns)
        for venue in self.venues:
            venue.rebind(self.loop)
            venue.join()
        self.step(50)

    def step(self, ms: int, beat_ms: int = 10) -> None:
        for _ in range(0, ms, beat_ms):
            self.clock.pump(self.clock.now_ns + beat_ms * MS)
            for venue in self.venues:
                venue.beat()
            self.loop.on_timer(self.clock.now_ns)

    def market(self, spread: float) -> None:
        """Quotes that put au dearer than converted gold by about `spread` CNY a gram."""
        shfe, otc = self.venues
        otc.quote(self.fx, 68_960, 500, 68_961, 500)
        otc.quote(self.gc, 13_950, 30, 13_951, 30)
        ticks = round((1395.05 / 31.1034768 * 6.89605 + spread) / 0.02)
        shfe.quote(self.au, ticks, 30, ticks + 1, 30)

    def net(self, instrument: int) -> int:
        row = self.loop.core.state.position[instrument]
        return int(row["long_today"] + row["long_yesterday"] - row["short_today"] - row["short_yesterday"])

    def venue_net(self, instrument: int) -> int:
        return self.venues[self.instruments[instrument].venue].net(instrument)


def _as_usual(order: NewOrder) -> Treatment:
    return NOTHING
