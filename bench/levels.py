"""`levels`: from the quote that takes an account over its hard level to the bytes of its last cancel, under load."""

import asyncio
import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvloop

from bench.far_end import HOST, far_end
from bench.figures import Result, Row, Samples, demand
from bench.rig import AU, GC, LEGS, Market, engine, feed, tuned
from desk.build import Names
from desk.config import Config
from desk.run import adapters_of
from engine.clock import now_ns
from engine.ids import client_id
from engine.launch import launch
from engine.loop import Loop
from engine.ports import IOC, READY, AccountReport, Event, ExecReport, PositionReport
from engine.records import DENY, ENTRY, WARN

_TRIALS = 50  # a round
_RESTING = 5  # working orders of the account that are to go
_QUOTES_PER_S = 2_000
_HELD_LOTS = 30  # sold before; their margin is what a price moves
_JUMP = 1.15
_CN = 0
_MS = 1_000_000
_PATIENCE_S = 10.0


def measure(rounds: int) -> Result:
    """A price that jumps at every phase of the beat, with quotes at their planned times all the while."""
    found, floor = Samples(), Samples()
    with far_end() as far:
        period_ns, quotes = uvloop.run(_run(far, rounds, found, floor))
    beat_ms = period_ns / 1e6
    return Result(
        name="levels",
        measures="a quote's planned time to the last of an account's cancels written, at its hard level",
        includes=f"the timer at its planned beats of {beat_ms:g} ms, {_QUOTES_PER_S:,} quotes a second at theirs, "
        f"marks, levels of all accounts and pools, {_RESTING} cancels as DIFF frames, one send(2) each; journal with "
        "its sealer; real adapters, logged in to real servers in another process on another core",
        excludes="reading and parsing the quote's bytes; the venues and their answers (given between the trials)",
        floor="half a beat at p50, and nearly a whole one at p99: a level is looked at once a beat (the row's floor is "
        "the planned time from the quote to the next beat, of the same trials)",
        rounds=rounds, samples=found.count,
        rows=[Row("quote to last cancel", "ms", found.p50 / 1e6, found.p99 / 1e6, floor.p50 / 1e6)],
        flat={"hard_level_ms_p50": found.p50 / 1e6, "hard_level_ms_p99": found.p99 / 1e6},
        details={"max_ms": max(max(samples) for samples in found.rounds) / 1e6, "quotes": quotes,
                 "floor_ms_p99": floor.p99 / 1e6, "round_medians_ms": [each / 1e6 for each in found.medians]},
        notes=[f"max {max(max(samples) for samples in found.rounds) / 1e6:.1f} ms"],
    )  # fmt: skip


def _config(ports) -> tuple[Config, dict]:
    """The rig's, whose strategies never want anything here, and whose counts of a day never end."""
    config, calendars = tuned(
        {
            "SIM_SHFE": {"md_url": f"ws://{HOST}:{ports.diff}/md", "td_url": f"ws://{HOST}:{ports.diff}/td"},
            "SIM_OTC": {"host": HOST, "md_port": ports.fix_md, "order_port": ports.fix_orders},
        }
    )
    replace = msgspec.structs.replace
    return replace(
        config,
        engine=replace(config.engine, max_day_loss="none", max_drawdown="none"),  # a jump costs millions on paper
        accounts=[replace(one, orders_per_s=100_000, order_burst=1_000_000) for one in config.accounts],
        instruments=[replace(one, rules="free", max_position_lots=1_000, max_order_value=1e9)
                     for one in config.instruments],
        strategies=[replace(config.strategies[0], entry=1e9, max_units=100, max_duplicates=10**6, deadline_ms=60_000,
                            max_executions=10_000, orders_per_s=100_000, order_burst=1_000_000)],
    ), calendars  # fmt: skip


async def _run(far, rounds: int, found: Samples, floor: Samples) -> tuple[int, int]:
    """All rounds; (the beat's period in ns, quotes taken)."""
    config, calendars = _config(far.ports)
    period_ns = config.engine.timer_ms * _MS
    with tempfile.TemporaryDirectory() as name, engine(Path(name), config, calendars) as loop:
        adapters = adapters_of(config, Names(config), Path(name), loop)
        wires = loop.core.gateways = [_Wire(adapter) for adapter in adapters]
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})
        far.stay_on(max(allowed))
        try:
            for adapter in adapters:
                await adapter.start()
            await _until(lambda: (loop.core.state.venue["link"] == READY).all(), "all links ready")
            with _quiet():
                bench = _Bench(loop, wires, period_ns)
                try:
                    for _ in range(rounds):
                        for samples, taken in zip((found, floor), await bench.round(), strict=True):
                            samples.add(taken)
                finally:
                    bench.stop()
        finally:
            for adapter in adapters:
                await adapter.stop()
            os.sched_setaffinity(0, allowed)
        return period_ns, int(loop.core.state.head["quotes"])


class _quiet:
    """Garbage is not collected in a trial, as in a live run while anything is open."""

    def __enter__(self) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()

    def __exit__(self, *_) -> None:
        gc.enable()
        gc.unfreeze()


class _Wire:
    """A gateway that notes when each cancel's bytes were written. cancelled_ns: of this trial, in their order."""

    def __init__(self, gateway):
        self.encode_order, self.encode_query, self._gateway = gateway.encode_order, gateway.encode_query, gateway
        self.cancelled_ns: list[int] = []
        self._cancel = b""

    def encode_cancel(self, order, cancel_id: str, at_ns: int) -> bytes:
        self._cancel = self._gateway.encode_cancel(order, cancel_id, at_ns)
        return self._cancel

    def write(self, frame: bytes) -> int:
        status = self._gateway.write(frame)
        if frame is self._cancel:
            self.cancelled_ns.append(now_ns())
        return status


class _Bench:
    """The load and the beat, each on its planned schedule, and the trials between them."""

    def __init__(self, loop: Loop, wires: list[_Wire], period_ns: int):
        self._loop, self._wires, self._period_ns = loop, wires, period_ns
        self._market, self._jumped = Market(), False
        self._trial = 0
        for quote in self._market.opening():
            feed(loop, quote)
        loop.on_position(
            PositionReport(instrument=AU, long_today=0, long_yesterday=0, short_today=_HELD_LOTS, short_yesterday=0,
                           recv_ns=now_ns())
        )  # fmt: skip
        self._calm_ticks = int(loop.core.state.book[AU]["bid_ticks"])
        self._running = asyncio.get_running_loop()
        self._offset_ns = now_ns() - round(self._running.time() * 1e9)
        self._beat_ns = self._quote_ns = now_ns() + 10 * _MS
        self._handle = self._running.call_at(self._seconds(self._beat_ns), self._beat)
        self._load = asyncio.create_task(self._quotes())

    def stop(self) -> None:
        self._handle.cancel()
        self._load.cancel()

    def _seconds(self, at_ns: int) -> float:
        return (at_ns - self._offset_ns) / 1e9

    def _beat(self) -> None:
        late_ns = max(now_ns() - self._beat_ns, 0)
        self._beat_ns += self._period_ns * (1 + late_ns // self._period_ns)
        self._handle = self._running.call_at(self._seconds(self._beat_ns), self._beat)
        self._loop.on_timer(now_ns(), late_ns)

    async def _quotes(self) -> None:
        """Quotes that are due, whatever came between, at the price that holds."""
        while True:
            while self._quote_ns <= now_ns():
                feed(self._loop, self._priced(self._market.idle()))
                self._quote_ns += 1_000_000_000 // _QUOTES_PER_S
            await asyncio.sleep(0.0005)

    def _priced(self, quote: tuple[int, int, int, int, int]) -> tuple[int, int, int, int, int]:
        """A quote at the price that holds: Shanghai's may have jumped."""
        instrument, bid, lots, ask, asked = quote
        if instrument == AU and self._jumped:
            bid = round(bid * _JUMP)
            ask = bid + 1
        return instrument, bid, lots, ask, asked

    def _jump(self) -> None:
        """The quote that causes it all."""
        self._jumped = True
        while (quote := self._priced(self._market.idle()))[0] != AU:
            feed(self._loop, quote)
        feed(self._loop, quote)

    async def round(self) -> tuple[list[int], list[int]]:
        """(from the planned time of the quote that jumped to the last cancel, to the next planned beat), ns."""
        found, floor = [], []
        for _ in range(_TRIALS):
            await self._prepare()
            due_ns = await self._at_phase()
            floor.append(self._beat_ns - due_ns)
            self._jump()
            wire = self._wires[_CN]
            await _until(lambda wire=wire: len(wire.cancelled_ns) == _RESTING, f"{_RESTING} cancels written")
            demand(int(self._loop.core.state.account[_CN]["level"]) == DENY, "the account at its hard level")
            found.append(wire.cancelled_ns[-1] - due_ns)
            self._end_orders()
        return found, floor

    async def _prepare(self) -> None:
        """The price back, the account's money so that its orders and lots use 84 % of it, its orders working."""
        self._jumped = False
        state = self._loop.core.state
        _money(self._loop, 10**15)
        self._wires[_CN].cancelled_ns.clear()
        await _until(lambda: state.account[_CN]["level"] < WARN and self._is_back(), "the price and the level back")
        for _ in range(_RESTING):
            _enter(self._loop)
        for row in _live(self._loop):
            self._loop.on_report(_report(self._loop, row, Event.ACK, int(row["lots"])))
        row = state.account[_CN]
        _money(self._loop, int(row["held_micros"] + row["used_micros"]) * 100 // 84)

    def _is_back(self) -> bool:
        """Whether what is held is marked at the price from before the jump."""
        return 0 < int(self._loop.core.state.position[AU]["mark_ticks"]) < self._calm_ticks * 1.05

    async def _at_phase(self) -> int:
        """Wait for another moment between two beats in each trial; when it was planned."""
        self._trial += 1
        phase_ns = (self._trial * 17) % (self._period_ns // _MS) * _MS + _MS // 2
        due_ns = self._beat_ns + self._period_ns + phase_ns
        while now_ns() < due_ns:
            await asyncio.sleep(0.0005)
        return due_ns

    def _end_orders(self) -> None:
        """The venues cancel all: nothing has traded."""
        for row in list(_live(self._loop)):
            self._loop.on_report(_report(self._loop, row, Event.CANCELLED, 0))
        demand(self._loop.is_quiet(), f"no order and no deal open, found {self._loop.left_open()}")


def _enter(loop: Loop) -> None:
    """An entry of one unit at the touch, decided by nobody."""
    state = loop.core.state
    decision = state.scratch["decision"][0]
    state.head["decision_counter"] += 1
    decision["decision_id"] = decision["deal_id"] = state.head["decision_counter"]
    decision["strategy"] = decision["spread"] = decision["slippage_ticks"] = 0
    decision["side"], decision["purpose"], decision["units"], decision["tif"] = -1, ENTRY, 1, IOC
    decision["deadline_ns"], decision["legs"] = now_ns() + 60 * 10**9, 2
    decision["signal"] = decision["executable"] = 6.0 + 1e6
    decision["center"], decision["threshold"], decision["cost"] = 6.0, 0.0, 0.0
    for leg, (at, side) in enumerate(((AU, -1), (GC, 1))):
        touch = state.book[at]["bid_ticks"] if side < 0 else state.book[at]["ask_ticks"]
        decision["instrument"][leg], decision["lots"][leg] = at, side * LEGS[at]
        decision["ref_ticks"][leg] = decision["limit_ticks"][leg] = touch
    loop.core.now_ns = now_ns()
    launch(loop.core, 0)
    demand(
        bool(state.scratch["verdict"]["cleared"]), f"the entry cleared, denied by {state.scratch['verdict']['reason']}"
    )


def _live(loop: Loop) -> Iterator:
    for number in list(loop.core.live_orders):
        yield loop.core.state.order_row(number)


def _report(loop: Loop, row, event: int, leaves_lots: int) -> ExecReport:
    number, at = int(row["order_no"]), int(row["instrument"])
    return ExecReport(
        event=event, venue=int(loop.core.state.instrument[at]["venue"]), order_no=number, client_id=client_id(number),
        instrument=at, side=int(row["side"]), cum_lots=0, leaves_lots=leaves_lots, recv_ns=now_ns(),
    )  # fmt: skip


def _money(loop: Loop, micros: int) -> None:
    loop.on_account(
        AccountReport(account=_CN, balance_micros=micros, available_micros=micros, margin_micros=0, recv_ns=now_ns())
    )


async def _until(done, what: str) -> None:
    end_ns = now_ns() + round(_PATIENCE_S * 1e9)
    while not done():
        demand(now_ns() < end_ns, f"{what} within {_PATIENCE_S:g} s")
        await asyncio.sleep(0.0005)
