"""What the benches run on: the demo's own engine, tuned so that the bench alone says when it trades."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.figures import demand
from desk.assembly import assemble, config_hash, config_record, versions
from desk.check import check
from desk.compile import warm
from desk.config import Config, MarketSpec
from desk.config_rules import TierSpec
from desk.demo import DEMOS, GENERATED
from desk.run import market_base_ns
from engine.calendar import Calendar
from engine.clock import OFFSET_NS, now_ns
from engine.ids import client_id
from engine.journal import Journal
from engine.loop import Loop
from engine.ports import MARKET_DATA, READY, TRADING, AccountReport, Event, ExecReport
from engine.replay import SilentGateway
from engine.schema import MARKETS

FOLDER = DEMOS / GENERATED
AU, GC, FX = range(3)  # the demo's contracts: SHFE gold, COMEX gold, the dollar rate
IDLE_QUOTES = 7  # between two that cause a decision
LEGS = {AU: 3, GC: 1}  # lots that a decision trades
SYMBOLS = {AU: "au2702", GC: "GCG7"}
TICKS = {"au2702": 0.02, "GCG7": 0.1}
_LOTS = 50  # displayed on each side: a deep book
_GC_TICKS, _FX_TICKS = 41_000, 71_000
_AU_TICK, _GC_TICK_CNY = 0.02, 0.1 * _FX_TICKS * 0.0001 / 31.1034768  # CNY a gram
_CENTER, _AWAY = 6.0, 1.2  # CNY a gram
_NEVER = 1e9
# Limits that are asked each time, and never reached.
_MANY, _MUCH = 1_000_000_000, 1e12
_ACCOUNT = {
    "orders_per_s": 1_000_000, "order_burst": 1_000_000, "max_working_orders": 10_000, "orders_a_day": _MANY,
    "cancels_a_day": _MANY, "trades_a_day": _MANY, "max_order_value": _MUCH, "max_gross": _MUCH, "max_net": _MUCH,
}  # fmt: skip
_CONTRACT = {
    "max_age_ms": 600_000, "collar_ticks": 10_000, "max_gross_lots": _MANY, "max_working_orders": 10_000,
}  # fmt: skip
_RULE = {
    "orders": _MANY, "cancels": _MANY, "trades": _MANY, "frequent_cancels": _MANY, "large_cancels": _MANY,
    "large_lots": 300, "self_trades": _MANY, "opening_lots": _MANY, "position_lots": _MANY,
    "max_order_to_trade": 1e9, "message_fees": [TierSpec(from_messages=0, fee=0.01)], "max_message_fee": 1.0,
}  # fmt: skip
_DAY_LIMITS = {"lower_limit": "800.00", "upper_limit": "1100.00"}  # where no venue tells them


def tuned(venue_settings: Mapping[str, dict] | None = None) -> tuple[Config, Mapping[str, Calendar]]:
    """The demo's config, read and checked as any, then changed; and its calendars.

    One strategy trades one unit around a fixed center, in and out again, without a pause; the other one is asked too
    but never wants anything. Every control has a limit in each of its scopes, raised so far that none stops a run: each
    still computes.
    """
    checked = check(FOLDER / "engine.toml")
    demand(checked.config is not None, f"a demo config without a problem, found {checked.problems}")
    config, replace = checked.config, msgspec.structs.replace
    venues = [
        replace(venue, settings=venue.settings | (venue_settings or {}).get(venue.id, {}), orders_per_s=1_000_000,
                order_burst=1_000_000, max_silence_ms=600_000)
        for venue in config.venues
    ]  # fmt: skip
    losses = {"max_day_loss": _MUCH, "max_drawdown": _MUCH}
    return replace(
        config, include=[], venues=venues,
        engine=replace(config.engine, name="bench", **losses),
        currencies=[replace(spec, max_exposure=_MUCH) for spec in config.currencies],
        markets=[MarketSpec(id=name, max_gross=_MUCH, max_net=_MUCH) for name in MARKETS],
        accounts=[replace(spec, **_ACCOUNT, **losses) for spec in config.accounts],
        rules=[replace(spec, **_RULE) for spec in config.rules],
        pools=[replace(pool, capital=1e9) for pool in config.pools],
        instruments=[
            replace(spec, **_CONTRACT, **(_DAY_LIMITS if spec.rules == "SHFE" else {})) for spec in config.instruments
        ],
        spreads=[replace(spec, max_skew_ms=600_000, max_units=_MANY) for spec in config.spreads],
        strategies=[
            replace(config.strategies[0], center=_CENTER, entry=0.5, exit=0.3, min_edge=0.0, max_units=1,
                    cooldown_ms=0, min_samples=0, orders_per_s=1_000_000, order_burst=1_000_000,
                    max_executions=1_000, execution_window_ms=1, **losses),
            replace(config.strategies[1], center=1.0, band="price", entry=_NEVER, exit=0.0, min_samples=0),
        ],
    ), checked.calendars  # fmt: skip


def with_both_fix(config: Config, settings: dict) -> Config:
    """The same with the domestic venue reached by FIX, at these settings. Its lots of today are no lots apart then,
    since FIX knows no close-today."""
    replace = msgspec.structs.replace
    domestic = replace(config.venues[0], protocol="fix44", settings=settings)
    gold = replace(config.instruments[AU], position_mode="long_short")
    return replace(config, venues=[domestic, *config.venues[1:]], instruments=[gold, *config.instruments[1:]])


@contextmanager
def engine(folder: Path, config: Config, calendars: Mapping[str, Calendar]) -> Iterator[Loop]:
    """A started loop on a real journal with its sealer, assembled as a live one, with gateways that send nothing."""
    warm()
    spec, began_ns = config.engine, now_ns()
    market_ns = market_base_ns(config, began_ns)
    record = config_record(config, calendars, market_ns, "bench")
    with (
        live_folder(folder) as live,
        Journal(folder / "journal", live, spec.segment_mb << 20, spec.name, spec.sync_ms) as journal,
    ):
        loop = assemble(record, journal, [SilentGateway() for _ in config.venues], now_ns)
        loop.core.state.scratch["clock_offset_ns"] = OFFSET_NS
        fields = {
            "epoch": 1, "config_hash": config_hash(record), "clock_base_ns": market_ns, "clock_start_ns": began_ns,
            "clock_speed_milli": 1000, "version": versions()["tandem"].encode(),
        }  # fmt: skip
        loop.on_start(fields, record, began_ns)
        yield loop


@contextmanager
def live_folder(folder: Path) -> Iterator[Path]:
    """Where a bench's live segments lie: on tmpfs, as those of a live run; beside its journal where there is none."""
    shared = Path("/dev/shm")
    live = (shared if shared.is_dir() else folder) / f"tandem-bench-{folder.name}"
    try:
        yield live
    finally:
        shutil.rmtree(live, ignore_errors=True)


def connect(loop: Loop) -> None:
    """Tell a loop without adapters what adapters would: links ready, money there."""
    for venue in range(len(loop.core.state.venue)):
        for channel in (MARKET_DATA, TRADING):
            loop.on_link(venue, channel, READY, now_ns(), "bench")
    for account in range(len(loop.core.state.account)):
        loop.on_account(
            AccountReport(account=account, balance_micros=10**15, available_micros=10**15, margin_micros=0,
                          recv_ns=now_ns())
        )  # fmt: skip


class Market:
    """The quotes of a bench, as (instrument, bid_ticks, bid_lots, ask_ticks, ask_lots), a deep book one tick wide.

    The spread lies at its center or 1.2 CNY a gram above; each move from one to the other causes a decision, and what
    lies between two moves none. Prices rise slowly, so that no order has the price of one before it. mover: the leg
    whose quote moves.
    """

    def __init__(self, mover: int = AU) -> None:
        self._mover = mover
        self._gc_ticks = _GC_TICKS
        self._above = 0.0
        self._beat = 0
        self._au_ticks = self._au_for(_GC_TICKS)

    def opening(self) -> list[tuple[int, int, int, int, int]]:
        """A first quote of every contract."""
        return [_quote(AU, self._au_ticks), _quote(GC, self._gc_ticks), _quote(FX, _FX_TICKS)]

    def idle(self) -> tuple[int, int, int, int, int]:
        """A quote of one of the legs, of GC first after a move, that causes nothing."""
        self._beat += 1
        if self._beat & 1:
            return _quote(GC, self._gc_ticks + (self._beat >> 1 & 1))
        return _quote(AU, self._au_ticks + (self._beat >> 1 & 1))

    def move(self) -> tuple[int, int, int, int, int]:
        """The quote that causes the next decision: an entry, then its exit, and so on."""
        self._above = 0.0 if self._above else _AWAY
        self._beat = 0
        if self._mover == AU:
            self._gc_ticks += 1
            self._au_ticks = self._au_for(self._gc_ticks)
            return _quote(AU, self._au_ticks)
        self._au_ticks += 2
        self._gc_ticks = round((self._au_ticks * _AU_TICK - _CENTER - self._above) / _GC_TICK_CNY)
        return _quote(GC, self._gc_ticks)

    def decisions(self, count: int) -> list[tuple[int, int, int, int, int]]:
        """The quotes of so many decisions: idle ones, then the one that moves, and so on."""
        return [quote for _ in range(count) for quote in [*(self.idle() for _ in range(IDLE_QUOTES)), self.move()]]

    def _au_for(self, gc_ticks: int) -> int:
        """Where SHFE gold must be for the spread to be where it should."""
        return round((gc_ticks * _GC_TICK_CNY + _CENTER + self._above) / _AU_TICK)


def _quote(instrument: int, bid_ticks: int) -> tuple[int, int, int, int, int]:
    return instrument, bid_ticks, _LOTS, bid_ticks + 1, _LOTS


def feed(loop: Loop, quote: tuple[int, int, int, int, int]) -> None:
    """Hand a quote over as an adapter does, received now."""
    at_ns = now_ns()
    loop.on_quote(*quote, at_ns, at_ns, 0, 0)


def answer(loop: Loop) -> int:
    """Every live order is accepted and filled at its limit; how many there were. Refused where the deal stays open."""
    core = loop.core
    numbers = list(core.live_orders)
    for number in numbers:
        row = core.state.order_row(number)
        fixed = {
            "venue": int(core.state.instrument[row["instrument"]]["venue"]), "order_no": number,
            "client_id": client_id(number), "instrument": int(row["instrument"]), "side": int(row["side"]),
        }  # fmt: skip
        lots, ticks = int(row["lots"]), int(row["limit_ticks"])
        loop.on_report(ExecReport(event=Event.ACK, cum_lots=0, leaves_lots=lots, recv_ns=now_ns(), **fixed))
        loop.on_report(
            ExecReport(event=Event.TRADE, cum_lots=lots, leaves_lots=0, last_lots=lots, last_ticks=ticks,
                       trade_id=f"T{number}", recv_ns=now_ns(), **fixed)
        )  # fmt: skip
    demand(loop.is_quiet(), f"a closed deal after its {len(numbers)} orders were filled, found {loop.left_open()}")
    return len(numbers)


def check_end(loop: Loop, decisions: int) -> None:
    """Refused unless the run did what it was to do: every decision cleared, two orders each, and flat at its end."""
    state = loop.core.state
    head = state.head
    seen = {name: int(head[name]) for name in ("decisions", "cleared", "denied", "orders_sent", "live_orders")}
    wanted = {"decisions": decisions, "cleared": decisions, "denied": 0, "orders_sent": 2 * decisions, "live_orders": 0}
    demand(seen == wanted, f"{wanted}, found {seen}")
    held = {name: int(state.position[name].sum()) for name in ("long_today", "short_today")}
    demand(not any(held.values()) or decisions % 2 == 1, f"no position after an even number of deals, found {held}")
