"""`path`: from a quote in the adapter's hands to both orders in the kernel's."""

import asyncio
import gc
import os
import socket
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median

import uvloop

from bench.far_end import HOST, FarEnd, Sent, far_end
from bench.figures import Result, Row, Samples, aligned, demand, micros, percentile, shown
from bench.rig import AU, GC, IDLE_QUOTES, LEGS, Market, answer, check_end, engine, feed, tuned
from desk.build import Names
from desk.run import adapters_of
from engine.clock import now_ns
from engine.loop import Loop
from engine.ports import BUY, CLOSE_TODAY, IOC, OPEN, READY, SELL
from engine.records import HOPS

_RECV, _SENT_ALL = HOPS.index("recv_ns"), HOPS.index("sent_all_ns")
_GAP_NS = 100_000
_READY_S = 10.0


class Pace:
    """How long the engine does nothing before each quote, and what it does meanwhile. decisions: a round."""

    def __init__(self, name: str, decisions: int, idle_quotes: int):
        self.name, self.decisions, self.idle_quotes = name, decisions, idle_quotes
        self.both, self.turn, self.floor = Samples(), Samples(), Samples()
        self.hops: list[list[int]] = []

    async def wait(self, adapters: list) -> None:
        """Back to back: not at all."""


class Gap(Pace):
    """100 us, in which the loop turns and polls as in busy mode."""

    async def wait(self, adapters: list) -> None:
        until_ns = now_ns() + _GAP_NS
        while now_ns() < until_ns:
            for adapter in adapters:
                adapter.poll()
            await asyncio.sleep(0)


class Asleep(Pace):
    """20 ms asleep in the kernel, as in wait mode on a quiet market."""

    async def wait(self, adapters: list) -> None:
        await asyncio.sleep(0.02)


def measure(rounds: int) -> Result:
    """Both orders of a decision, written by the real gateways to their servers in another process."""
    paces = [
        Pace("back to back", 200, IDLE_QUOTES),
        Gap("100 us between", 50, IDLE_QUOTES),
        Asleep("after 20 ms asleep", 12, 1),
    ]
    with far_end() as far:
        sizes = uvloop.run(_run(far, paces, rounds))
    first = paces[0]
    return Result(
        name="path",
        measures="a quote that causes a decision: recv stamp to both orders written (sent_all - recv)",
        includes="journal with its sealer, book, spread, both strategies, gate, holds, orders, DIFF and FIX frames, "
        "one send(2) each; real adapters, logged in to real servers in another process on another core",
        excludes="reading and parsing the quote's bytes; the venues; their answers (given between the quotes)",
        floor=f"two send(2) of as many bytes ({sizes[0]} and {sizes[1]}) on two TCP sockets to the same process, in "
        "turns with the decisions; sockets of their own, since a FIX session takes no stray bytes",
        rounds=rounds, samples=sum(pace.both.count for pace in paces),
        rows=[row for pace in paces for row in _rows(pace)],
        flat={"both_us_p50": first.both.p50 / 1e3, "both_us_p99": first.both.p99 / 1e3,
              "floor_us_p50": first.floor.p50 / 1e3},
        details={pace.name: _details(pace) for pace in paces}, notes=_hops_shown(paces),
    )  # fmt: skip


def _rows(pace: Pace) -> list[Row]:
    return [micros(f"both orders, {pace.name}", pace.both, pace.floor),
            micros(f"whole turn, {pace.name}", pace.turn)]  # fmt: skip


def _details(pace: Pace) -> dict:
    return {"hops": _hops(pace), "round_medians_us": [each / 1e3 for each in pace.both.medians],
            "floor_round_medians_us": [each / 1e3 for each in pace.floor.medians]}  # fmt: skip


def _hops(pace: Pace) -> dict[str, dict[str, float]]:
    """From stamp to stamp, us."""
    hops = {}
    for at in range(_RECV + 1, _SENT_ALL):
        steps = [(stamp[at] - stamp[at - 1]) / 1e3 for stamp in pace.hops]
        hops[f"{HOPS[at - 1][:-3]} -> {HOPS[at][:-3]}"] = {"us_p50": median(steps), "us_p99": percentile(steps, 99)}
    return hops


def _hops_shown(paces: list[Pace]) -> list[str]:
    """A line a hop, p50 and p99 of each pace."""
    found = [_hops(pace) for pace in paces]
    head = ("hop, us: p50 p99", *(cell for pace in paces for cell in (pace.name, "")))
    lines = [(hop, *(shown(value) for hops in found for value in hops[hop].values())) for hop in found[0]]
    return aligned([head, *lines], texts=1)


async def _run(far: FarEnd, paces: list[Pace], rounds: int) -> tuple[int, int]:
    """All rounds, each pace in turn; (DIFF, FIX) bytes of an order."""
    ports = far.ports
    config, calendars = tuned(
        {
            "SIM_SHFE": {"md_url": f"ws://{HOST}:{ports.diff}/md", "td_url": f"ws://{HOST}:{ports.diff}/td"},
            "SIM_OTC": {"host": HOST, "md_port": ports.fix_md, "order_port": ports.fix_orders},
        }
    )
    with tempfile.TemporaryDirectory() as name, engine(Path(name), config, calendars) as loop:
        adapters = loop.core.gateways = adapters_of(config, Names(config), Path(name), loop)
        allowed = os.sched_getaffinity(0)
        # Apart, as engine and venue are: on one core the kernel lets the reader interrupt the sender within his send.
        os.sched_setaffinity(0, {min(allowed)})
        far.stay_on(max(allowed))
        try:
            for adapter in adapters:
                await adapter.start()
            await _until_ready(loop)
            sizes = await _measure(loop, adapters, paces, rounds, ports.drain)
        finally:
            for adapter in adapters:
                await adapter.stop()
            os.sched_setaffinity(0, allowed)
        decisions = 1 + rounds * sum(pace.decisions for pace in paces)
        check_end(loop, decisions)
    far.hang_up()
    _check_orders(far.orders, decisions)
    return sizes


async def _until_ready(loop: Loop) -> None:
    end_ns = now_ns() + round(_READY_S * 1e9)
    while not (loop.core.state.venue["link"] == READY).all():
        demand(now_ns() < end_ns, f"all links ready within {_READY_S:g} s")
        await asyncio.sleep(0.01)


async def _measure(loop: Loop, adapters: list, paces: list[Pace], rounds: int, port: int) -> tuple[int, int]:
    market = Market()
    for quote in market.opening():
        feed(loop, quote)
    sizes = _first(loop, market)
    floor = Floor(port, sizes)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for _ in range(rounds):
            for pace in paces:
                await _round(pace, loop, adapters, market, floor)
    finally:
        gc.enable()
        gc.unfreeze()
        floor.close()
    return sizes


def _first(loop: Loop, market: Market) -> tuple[int, int]:
    """The first decision, not counted; bytes of its two orders on the wire."""
    written: list[int] = []
    gateways = loop.core.gateways
    loop.core.gateways = [_Sizes(gateway, written) for gateway in gateways]
    feed(loop, market.move())
    loop.core.gateways = gateways
    answer(loop)
    return written[0] + 8, written[1]  # a masked WebSocket frame of this size has 8 bytes of head


class _Sizes:
    """A gateway that notes the size of what it writes."""

    def __init__(self, gateway, written: list[int]):
        self.encode_order, self._write, self._written = gateway.encode_order, gateway.write, written

    def write(self, frame: bytes) -> int:
        self._written.append(len(frame))
        return self._write(frame)


async def _round(pace: Pace, loop: Loop, adapters: list, market: Market, floor: "Floor") -> None:
    """Decisions and pairs of bare sends in turns, each after the same idle quotes and the same pause."""
    both, turn, bare = [], [], []
    scratch = loop.core.state.scratch
    for _ in range(pace.decisions):
        await _approach(pace, loop, adapters, market)
        bare.append(floor.send())
        await _approach(pace, loop, adapters, market)
        began_ns = now_ns()
        feed(loop, market.move())
        turn.append(now_ns() - began_ns)
        stamp = scratch["stamps"]["stamp"].tolist()
        both.append(stamp[_SENT_ALL] - stamp[_RECV])
        pace.hops.append(stamp)
        demand(answer(loop) == len(LEGS), f"{len(LEGS)} orders for a decision")
    for samples, found in ((pace.both, both), (pace.turn, turn), (pace.floor, bare)):
        samples.add(found)
    await asyncio.sleep(0.001)  # heartbeats and whatever the venues say


async def _approach(pace: Pace, loop: Loop, adapters: list, market: Market) -> None:
    for _ in range(pace.idle_quotes):
        await pace.wait(adapters)
        feed(loop, market.idle())
    await pace.wait(adapters)


class Floor:
    """Two plain sockets to the far end, and two frames as long as the orders'."""

    def __init__(self, port: int, sizes: tuple[int, int]):
        self._frames = [bytes(size) for size in sizes]
        self._socks = [socket.create_connection((HOST, port)) for _ in sizes]
        for sock in self._socks:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> int:
        """Both frames, one after the other; ns."""
        (one, other), (first, second) = self._socks, self._frames
        began_ns = now_ns()
        one.send(first)
        other.send(second)
        return now_ns() - began_ns

    def close(self) -> None:
        for sock in self._socks:
            sock.close()


def _check_orders(orders: list[Sent], decisions: int) -> None:
    """Refused unless the venues read from the wire what was decided: both legs, in and out, with their limits."""
    entries, exits = (decisions + 1) // 2, decisions // 2
    wanted = Counter()
    for at, side, number in ((0, SELL, entries), (1, BUY, exits)):
        wanted["SHFE.au2702", side, (OPEN, CLOSE_TODAY)[at], LEGS[AU], IOC] += number
        wanted["GCG7", -side, OPEN, LEGS[GC], IOC] += number
    found = Counter((o.symbol, o.side, o.offset, o.lots, o.tif) for o in orders)
    demand(found == wanted, f"at the venues {dict(wanted)}, found {dict(found)}")
