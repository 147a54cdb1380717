"""A small world for scenario tests: the real loop over a demo config, the simulated exchanges, and time by hand.

Nothing sleeps and nothing is random: `World.step` moves time, the exchanges do what is due, the engine's timer beats.
Orders go from the loop through a gateway that hands them to the exchange; the exchange's reports come back as the
adapters would put them.
"""

from copy import deepcopy
from functools import cache
from pathlib import Path

import msgspec

from adapters.ports import NewOrder, VenueReport
from adapters.sim.exchange import Exchange, Latency
from adapters.sim.faults import FaultScript, parse_faults
from adapters.sim.matching import Matching
from adapters.sim.terms import Terms
from adapters.ticks import Pace, QuoteTick
from desk.assembly import assemble, config_hash, config_record
from desk.build import Names, instruments_of
from desk.calendars import load_calendars
from desk.config import Config
from desk.toml_reader import read
from engine import records
from engine.ids import order_no
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.ports import FAILED, MARKET_DATA, READY, TRADING, WRITTEN, AccountReport, ExecReport, OrderRequest
from engine.replay import SCRATCH_BYTES, SilentGateway, Verdict, feed_all
from engine.schema import OPENED_LOTS
from tests.conserved import conserved, day_used

ROOT = Path(__file__).parent.parent
MS = 1_000_000
BEGIN_NS = 1_800_000_000 * 1_000_000_000
CALENDARS, _ = load_calendars()


@cache
def _demo() -> Config:
    """Read once a process; whoever changes it changes a copy."""
    config, problems = read(ROOT / "configs" / "demo" / "generated" / "engine.toml", Config)
    assert not problems
    return config


def demo_config(**strategy) -> Config:
    """The demo's engine config with one strategy on a fixed center, changed as asked."""
    config = deepcopy(_demo())
    chosen = {"center": 6.0, "entry": 0.25, "exit": 0.05, "min_edge": 0.0, "cooldown_ms": 100, "max_units": 3}
    one = msgspec.structs.replace(config.strategies[0], **(chosen | strategy))
    return banded(msgspec.structs.replace(config, strategies=[one], include=[]))


def banded(config: Config) -> Config:
    """The config with the price limits of Shanghai's day stated: here no venue tells them."""
    limits = {"lower_limit": "284.00", "upper_limit": "347.20"}
    rows = [msgspec.structs.replace(row, **(limits if row.rules == "SHFE" else {})) for row in config.instruments]
    return msgspec.structs.replace(config, instruments=rows)


def with_repair(config: Config, **repair) -> Config:
    """The same config with the strategy's repair policy changed."""
    one = config.strategies[0]
    one = msgspec.structs.replace(one, repair=msgspec.structs.replace(one.repair, **repair))
    return msgspec.structs.replace(config, strategies=[one])


class ExchangeGateway:
    """`engine.ports.Gateway` to a simulated exchange, and its `VenueServer` back to the loop."""

    def __init__(self, world: "World", venue: int, faults: list[dict], latency_ms: int):
        self.world, self.venue = world, venue
        mine = [one for one in world.instruments if one.venue == venue]
        terms = {
            one.symbol: Terms(instrument=one, multiplier=world.multipliers[one.id], margin_bps=0,
                              commission_micros_per_lot=0)
            for one in mine
        }  # fmt: skip
        self.of_symbol = {one.symbol: one for one in mine}
        self.matching = Matching(terms, {"us": 10**15}, "CNY")
        latency = Latency(entry_ns=latency_ms * MS, report_ns=latency_ms * MS)
        self.exchange = Exchange(self.matching, self, latency, FaultScript(parse_faults(faults, "test")))
        self.exchange.begin(iter(()), Pace(world.now_ns), world.now_ns)
        self.sent: list[OrderRequest] = []
        self.cancels = self.queries = 0
        self.down = self.deaf = False
        self.told: list[ExecReport] = []
        self._pending = None

    # the gateway's side
    def encode_order(self, order: OrderRequest, now_ns: int) -> bytes:
        self._pending = lambda: self._submit(order)
        return b"order"

    def encode_cancel(self, order: OrderRequest, cancel_id: str, now_ns: int) -> bytes:
        self.cancels += 1
        self._pending = lambda: self.exchange.cancel("us", order.client_id, cancel_id, self.world.now_ns)
        return b"cancel"

    def encode_query(self, order: OrderRequest, query_id: str, now_ns: int) -> bytes:
        self.queries += 1
        self._pending = lambda: self.exchange.query("us", order.client_id, query_id, self.world.now_ns)
        return b"query"

    def write(self, frame: bytes) -> int:
        if self.down:
            return FAILED
        self._pending()
        return WRITTEN

    def _submit(self, order: OrderRequest) -> None:
        self.sent.append(order)
        symbol = self.world.instruments[order.instrument].symbol
        self.exchange.submit(
            NewOrder(owner="us", client_id=order.client_id, symbol=symbol, side=order.side, offset=order.offset,
                     lots=order.lots, limit_ticks=order.limit_ticks, tif=order.tif),
            self.world.now_ns,
        )  # fmt: skip

    # the server's side
    def publish(self, symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, flags) -> None:
        """Quotes are given to the loop by the test itself."""

    def inject(self, fault: str) -> None:
        raise AssertionError(f"no wire here for {fault}")

    def report(self, report: VenueReport) -> None:
        if not self.deaf:
            self.tell(self.exec_report(report))

    def tell(self, report: ExecReport) -> None:
        self.told.append(report)
        self.world.loop.on_report(report)

    def exec_report(self, report: VenueReport) -> ExecReport:
        order = report.order
        return ExecReport(
            venue=self.venue, order_no=order_no(order.client_id), client_id=order.client_id,
            instrument=self.of_symbol[order.symbol].index, event=report.event, cum_lots=report.cum_lots,
            leaves_lots=report.leaves_lots, last_lots=report.last_lots, last_ticks=report.last_ticks,
            trade_id=report.trade_id, side=order.side, reason=report.reason, venue_ns=report.venue_ns,
            recv_ns=self.world.now_ns,
        )  # fmt: skip


class World:
    """The loop, its two venues and the clock."""

    def __init__(self, config: Config | None = None, faults: dict[str, list[dict]] | None = None, latency_ms: int = 2):
        self.config = config or demo_config()
        self.now_ns = BEGIN_NS
        names = Names(self.config)
        self.instruments = instruments_of(names)
        self.multipliers = {"SHFE.au2702": 1000, "COMEX.GCG7": 100, "FX.USDCNH": 1}
        market_ns = 1_794_964_000 * 1_000_000_000  # 2026-11-18, in the morning session of Shanghai
        self.record = config_record(self.config, CALENDARS, market_ns, "a scenario")
        self.journal = MemoryJournal(1 << 25)
        self.gateways: list[ExchangeGateway] = []
        self.loop: Loop = assemble(self.record, self.journal, self.gateways, lambda: self.now_ns)
        for index, venue in enumerate(self.config.venues):
            self.gateways.append(ExchangeGateway(self, index, (faults or {}).get(venue.id, []), latency_ms))
        self.au, self.gc, self.fx = (one.index for one in self.instruments)
        self.shfe, self.otc = self.gateways
        self.market_ns = market_ns
        self.start(1)

    @property
    def state(self):
        return self.loop.core.state

    def start(self, epoch: int) -> None:
        fields = {
            "epoch": epoch, "config_hash": config_hash(self.record), "clock_base_ns": self.market_ns,
            "clock_start_ns": BEGIN_NS, "clock_speed_milli": 1000, "version": b"test",
        }  # fmt: skip
        self.loop.on_start(fields, self.record, self.now_ns)
        for venue in range(2):
            for channel in (MARKET_DATA, TRADING):
                self.loop.on_link(venue, channel, READY, self.now_ns, "test")
        for account in range(2):
            self.loop.on_account(
                AccountReport(account=account, balance_micros=10**13, available_micros=10**13, margin_micros=0,
                              recv_ns=self.now_ns)
            )  # fmt: skip

    def quote(self, instrument: int, bid: int, ask: int, lots: int = 30, ask_lots: int | None = None) -> None:
        """A new best quote, in ticks, at its exchange and at the engine."""
        one = self.instruments[instrument]
        asked = lots if ask_lots is None else ask_lots
        self.gateways[one.venue].matching.quote(QuoteTick(0, one.symbol, bid, lots, ask, asked), self.now_ns)
        self.loop.on_quote(instrument, bid, lots, ask, asked, self.now_ns - MS, self.now_ns, 0, 0)

    def market(self, spread: float) -> None:
        """Quotes that put au dearer than converted gold by about `spread` CNY a gram, all three fresh."""
        self.quote(self.fx, 68_960, 68_961, 500)
        self.quote(self.gc, 13_950, 13_951)
        fair = 1395.05 / 31.1034768 * 6.89605
        ticks = round((fair + spread) / 0.02)
        self.quote(self.au, ticks, ticks + 1)

    def step(self, ms: int, beat_ms: int = 10) -> None:
        """Let time pass: what is due at the exchanges happens on its instant, the timer beats."""
        for _ in range(0, ms, beat_ms):
            end_ns = self.now_ns + beat_ms * MS
            while (due := [g.exchange.next_ns() for g in self.gateways if g.exchange.next_ns() is not None]) and min(
                due
            ) <= end_ns:
                self.now_ns = max(min(due), self.now_ns)
                for gateway in self.gateways:
                    gateway.exchange.pump(self.now_ns)
            self.now_ns = end_ns
            self.loop.on_timer(self.now_ns)

    def of_kind(self, kind: int) -> list:
        return [record.data for record in self.journal.records() if record.kind == kind]

    def deals(self) -> dict[int, object]:
        """The last DEAL record of each deal."""
        return {int(row["deal_id"]): row for row in self.of_kind(records.DEAL)}

    def outcomes(self) -> list[str]:
        return [records.OUTCOMES[row["outcome"]] for row in self.deals().values()]

    def alerts(self) -> list[str]:
        return [row["code"] for row in self.of_kind(records.ALERT)]

    def net(self, instrument: int) -> int:
        row = self.state.position[instrument]
        return int(row["long_today"] + row["long_yesterday"] - row["short_today"] - row["short_yesterday"])

    def venue_net(self, instrument: int) -> int:
        """The exchange's own account of the position."""
        one = self.instruments[instrument]
        for row in self.gateways[one.venue].matching.positions("us"):
            if row.symbol == one.symbol:
                return row.long_today + row.long_yesterday - row.short_today - row.short_yesterday
        return 0

    def replayed(self) -> tuple[Verdict, Loop]:
        """The journal's inputs through a fresh loop."""
        memory = MemoryJournal(SCRATCH_BYTES)
        loop = assemble(self.record, memory, [SilentGateway(), SilentGateway()], lambda: 0)
        return feed_all(loop, memory, self.journal.records()), loop

    def check(self) -> None:
        """What must hold at the end of every scenario: replay is identical, accounts agree, holds are all freed."""
        verdict, loop = self.replayed()
        assert verdict.identical, verdict.difference
        assert loop.core.state.snapshot() == self.state.snapshot()
        for instrument in (self.au, self.gc):
            if not self.loop.core.live_orders:
                assert self.net(instrument) == self.venue_net(instrument)
        held = [0] * len(self.state.account)
        for row in self.state.order[self.state.order["order_no"] != 0]:
            held[self.state.instrument[row["instrument"]]["account"]] += int(row["hold_micros"])
        assert held == [int(row["held_micros"]) for row in self.state.account]
        conserved(self.state)
        for instrument, counts in day_used(list(self.journal.records()), self.state).items():
            meter = self.state.meter[self.state.instrument[instrument]["contract"]]
            for kind, count in counts.items():
                if kind == OPENED_LOTS and self.loop.core.live_orders:
                    continue  # its trades may be untold yet
                assert int(meter["used"][kind]) == count, (instrument, kind)
        if not self.loop.core.live_orders:
            assert held == [0] * len(held)
            for row in self.state.position:
                assert row["working_buy"] == row["working_sell"] == 0
        ids = [order.client_id for gateway in self.gateways for order in gateway.sent]
        assert len(ids) == len(set(ids))
