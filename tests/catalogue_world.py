"""The world of the catalogue's tests: both venues of the demo behind their real protocols, treated order by order.

A test makes a desk (the fixture `desk_of` checks it at its end), scripts what becomes of a venue's orders by their
number, and shows a market: at 6.5 au is dear, so the strategy sells 3 au and buys 1 gc.
"""

from collections.abc import Callable

import msgspec

from adapters.ports import NewOrder
from bench.storm.treatment import NOTHING, Treatment
from bench.storm.venue import StormVenue
from desk.assembly import assemble, config_hash
from desk.config import Config
from engine import records
from engine.journal import MemoryJournal
from engine.ports import CLOSE, CLOSE_TODAY, OPEN, QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP
from engine.replay import SCRATCH_BYTES, SilentGateway, feed_all
from tests.conserved import conserved
from tests.storm_world import BEGIN_NS, MARKET_NS, Storm
from tests.world import demo_config, with_repair

OFFSETS = {OPEN: "open", CLOSE: "close", CLOSE_TODAY: "close today"}
FAIR = 1395.05 / 31.1034768 * 6.89605  # CNY a gram of converted gold


def gold(repair: dict | None = None, **strategy) -> Config:
    """The demo's config with one strategy that trades a unit once: no second entry comes between."""
    config = demo_config(**({"max_units": 1, "cooldown_ms": 3_600_000} | strategy))
    return with_repair(config, **repair) if repair else config


def changed(config: Config, instrument: str = "", spread: dict | None = None, **fields) -> Config:
    """The config with an instrument's fields changed, or with its one spread's."""
    kept = [
        msgspec.structs.replace(one, **fields) if one.id == instrument else one for one in config.instruments
    ]  # fmt: skip
    spreads = [msgspec.structs.replace(one, **(spread or {})) for one in config.spreads]
    return msgspec.structs.replace(config, instruments=kept, spreads=spreads)


def ratio(config: Config, au: int, gc: int, **spread) -> Config:
    """The config with another ratio of lots, and room for it in every limit."""
    legs = [msgspec.structs.replace(leg, ratio=lots)
            for leg, lots in zip(config.spreads[0].legs, (au, gc), strict=True)]  # fmt: skip
    for name in ("SHFE.au2702", "COMEX.GCG7"):
        config = changed(config, name, max_order_lots=60, max_position_lots=120, max_order_value=10**9)
    config = changed(config, spread={"legs": legs} | spread)
    return msgspec.structs.replace(
        config, pools=[msgspec.structs.replace(config.pools[0], capital=100_000_000)]
    )  # fmt: skip


class Desk(Storm):
    """A storm with a script a venue, and its check. sent, sent_ns: every order as the venue received it, and when.

    untold: instruments of which the engine cannot know the venue's position, since the scenario hides a trade.
    complaints: bad inputs that are to be told, by venue.
    """

    def __init__(self, config: Config | None = None, market_ns: int = MARKET_NS) -> None:
        self.sent: tuple[list[NewOrder], ...] = ([], [])
        self.sent_ns: tuple[list[int], ...] = ([], [])
        self.shown: dict[int, tuple] = {}
        self.flips = 0
        self.untold: tuple[int, ...] = ()
        self.complaints = [0, 0]
        super().__init__(config or gold(), market_ns)
        for venue in range(len(self.venues)):
            self.script(self.venues[venue], {})

    @property
    def shfe(self) -> StormVenue:
        return self.venues[0]

    @property
    def otc(self) -> StormVenue:
        return self.venues[1]

    @property
    def state(self):
        return self.loop.core.state

    @property
    def now_ns(self) -> int:
        return self.clock.now_ns

    def script(self, venue: StormVenue, by_number: dict[int, Treatment], rest: Treatment = NOTHING) -> None:
        """What becomes of each order at a venue: by its number there, counted from 1, and of all others."""
        index = self.venues.index(venue)

        def treat(order: NewOrder) -> Treatment:
            self.sent[index].append(order)
            self.sent_ns[index].append(self.now_ns)
            return by_number.get(len(self.sent[index]), rest)

        self.treat[index] = treat

    # the market

    def show(self, instrument: int, bid: int, bid_lots: int, ask: int, ask_lots: int, flags: int = 0) -> None:
        self.shown[instrument] = (bid, bid_lots, ask, ask_lots, flags)
        self.venues[self.instruments[instrument].venue].quote(instrument, bid, bid_lots, ask, ask_lots, flags)

    def market(self, spread: float, lots: int = 30) -> None:
        """Quotes that put au dearer than converted gold by about `spread` CNY a gram, arriving at once."""
        self.show(self.fx, 68_960, 500, 68_961, 500)
        self.show(self.gc, 13_950, lots, 13_951, lots)
        ticks = round((FAIR + spread) / 0.02)
        self.show(self.au, ticks, lots, ticks + 1, lots)

    def lock(self, instrument: int, up: bool) -> None:
        """涨停, 跌停 where the last quote stands."""
        bid, bid_lots, ask, ask_lots, _ = self.shown[instrument]
        if up:
            self.show(instrument, bid, bid_lots, 0, 0, QUOTE_LIMIT_UP)
        else:
            self.show(instrument, 0, 0, ask, ask_lots, QUOTE_LIMIT_DOWN)

    def refresh(self) -> None:
        """Every quote again, with a size that differs, so that nothing is stale and what was taken is there again."""
        self.flips ^= 1
        for instrument, (bid, bid_lots, ask, ask_lots, flags) in list(self.shown.items()):
            shown = (bid, bid_lots + self.flips * (bid_lots > 0), ask, ask_lots + self.flips * (ask_lots > 0), flags)
            self.venues[self.instruments[instrument].venue].quote(instrument, *shown)

    def step(self, ms: int, beat_ms: int = 10, keep_ms: int = 0) -> None:
        if not keep_ms:
            super().step(ms, beat_ms)
            return
        for _ in range(0, ms, keep_ms):
            super().step(keep_ms, beat_ms)
            self.refresh()

    def command(self, code: int, choice: int = 0, scope: int = -1) -> None:
        self.loop.on_command(code, choice, scope, "test", "a scenario", self.now_ns)

    # what the journal says

    def of_kind(self, kind: int) -> list:
        return [record.data for record in self.journal.records() if record.kind == kind]

    def orders(self, instrument: int, purposes: tuple[int, ...] = ()) -> list[int]:
        """Signed lots of every order of a contract that was journalled (and so sent), in order."""
        return [
            int(row["lots"] * row["side"]) for row in self.of_kind(records.ORDER)
            if row["instrument"] == instrument and (not purposes or row["purpose"] in purposes)
        ]  # fmt: skip

    def received(self, instrument: int) -> list[int]:
        """Signed lots of every order of a contract, as the venue received them."""
        one = self.instruments[instrument]
        return [order.side * order.lots for order in self.sent[one.venue] if order.symbol.endswith(one.symbol)]

    def slices(self, instrument: int) -> list[tuple[int, str]]:
        """(signed lots, offset) of every order of a contract."""
        return [
            (int(row["lots"] * row["side"]), OFFSETS[int(row["offset"])]) for row in self.of_kind(records.ORDER)
            if row["instrument"] == instrument
        ]  # fmt: skip

    def limits(self, instrument: int) -> list[int]:
        return [int(row["limit_ticks"]) for row in self.of_kind(records.ORDER) if row["instrument"] == instrument]

    def rungs(self) -> list[str]:
        """The repairs' rungs, a held-off one with its reason."""
        return [
            records.RUNGS[row["rung"]] + (f": {records.HOLD_REASONS[row['reason']]}"
                                          if row["rung"] == records.HOLD_OFF else "")
            for row in self.of_kind(records.REPAIR)
        ]  # fmt: skip

    def deals(self) -> list:
        """The last DEAL record of each deal."""
        return list({int(row["deal_id"]): row for row in self.of_kind(records.DEAL)}.values())

    def outcomes(self) -> list[str]:
        return [records.OUTCOMES[row["outcome"]] for row in self.deals()]

    def refusals(self) -> list[tuple[int, int]]:
        """(control, leg) of every Denied decision, repeats left out."""
        found = ((int(row["reason"]), int(row["leg"])) for row in self.of_kind(records.VERDICT) if not row["cleared"])
        return list(dict.fromkeys(found))

    def halts(self) -> list[str]:
        return [records.HALT_REASONS[row["reason"]] for row in self.deals() if row["outcome"] == records.HALTED]

    def alerts(self) -> list[str]:
        return [row["code"] for row in self.of_kind(records.ALERT)]

    def nets(self) -> tuple[int, int]:
        """Our position in both legs."""
        return self.net(self.au), self.net(self.gc)

    def residual_g(self) -> float:
        return int(self.state.spread[0]["residual_ubase"]) / 1e6

    def worst_exposure_g(self) -> float:
        """The widest end of the exposure's interval that any deal ever had while nothing of it was in flight."""
        return max((abs(int(row["exposure_ubase"])) for row in self.of_kind(records.DEAL)), default=0) / 1e6

    # a process that dies and one that starts

    def die(self) -> None:
        """The process is killed: nobody hears what is on its way."""
        for venue in self.venues:
            venue.rebind(_Nobody())

    def restart(self, epoch: int) -> None:
        """Another process replays the journal, and goes on with it."""
        _, loop = self.replayed()
        loop.core.journal = self.journal
        loop.core.gateways = [venue.gateway for venue in self.venues]
        loop.core.clock = self.clock.read_ns
        self.loop = loop
        fields = {
            "epoch": epoch, "config_hash": config_hash(self.record), "clock_base_ns": self.market_ns,
            "clock_start_ns": BEGIN_NS, "clock_speed_milli": 1000, "version": b"test",
        }  # fmt: skip
        loop.on_start(fields, self.record, self.now_ns)
        for venue in self.venues:
            venue.rebind(loop)
            venue.join()

    # what must hold

    def replayed(self):
        memory = MemoryJournal(SCRATCH_BYTES)
        loop = assemble(self.record, memory, [SilentGateway() for _ in self.venues], lambda: 0)
        return feed_all(loop, memory, self.journal.records()), loop

    def check(self, *untold: int) -> None:
        """Replay is identical and its state the same bytes; positions agree with the venue's; holds are all freed."""
        verdict, loop = self.replayed()
        assert verdict.identical, verdict.difference
        assert loop.core.state.snapshot() == self.state.snapshot()
        live = bool(self.loop.core.live_orders)
        for one in self.instruments:
            if one.account >= 0 and one.index not in untold and not live:
                foreign = self.venues[one.venue].foreign_lots.get(one.index, 0)
                assert self.net(one.index) + foreign == self.venue_net(one.index), one.id
        held = [0] * len(self.state.account)
        for row in self.state.order[self.state.order["order_no"] != 0]:
            held[self.state.instrument[row["instrument"]]["account"]] += int(row["hold_micros"])
        assert held == [int(row["held_micros"]) for row in self.state.account]
        conserved(self.state)
        if not live:
            assert held == [0] * len(held)
            assert not any(row["working_buy"] or row["working_sell"] for row in self.state.position)
        ids = [order.client_id for orders in self.sent for order in orders]
        assert len(ids) == len(set(ids))
        assert self.loop.bad_inputs == self.complaints


class _Nobody:
    """`engine.ports.Inputs` of a process that is dead."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *fields: None
