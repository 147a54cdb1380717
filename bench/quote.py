"""`quote`: a quote that causes no order, journalled, against a bare call into compiled code."""

import gc
import sys
import tempfile
import time
from pathlib import Path

import numba

from bench.figures import Result, Row, Samples, demand
from bench.rig import Market, check_end, connect, engine, feed, tuned
from engine.clock import now_ns
from engine.journal import Journal
from engine.loop import Loop

_QUOTES = 4_000  # a round
_ROOM_BYTES = 1 << 20


@numba.njit
def bare(base, journal, instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags):
    """As many ints in as the compiled half takes, one out."""
    return flags


def measure(rounds: int) -> Result:
    """One quote at a time through `Loop.on_quote`, each timed by itself."""
    timed, floor, empty, blocks = Samples(), Samples(), Samples(), []
    config, calendars = tuned()
    with tempfile.TemporaryDirectory() as name, engine(Path(name), config, calendars) as loop:
        connect(loop)
        market = Market()
        for quote in market.opening():
            feed(loop, quote)
        for number in range(rounds + 1):  # the first one warms up
            taken = _round(loop, market)
            if number:
                for samples, found in zip((timed, floor, empty), taken[:3], strict=True):
                    samples.add(found)
                blocks.append(taken[3])
        quotes = int(loop.core.state.head["quotes"])
        check_end(loop, 0)
    demand(quotes == 3 + 2 * (rounds + 1) * _QUOTES, f"every quote taken, found {quotes}")
    clock = empty.p50
    per_quote = max(blocks) / _QUOTES
    return Result(
        name="quote",
        measures="a quote that causes no order: the call of Loop.on_quote to its return",
        includes="its journal record, the sealer on, book, spread, both strategies asked, five stamps, the Python call",
        excludes=f"reading and parsing bytes; the timer itself ({clock:.0f} ns, taken off)",
        floor="a bare njit call with the same eleven ints that returns one of them",
        rounds=rounds, samples=timed.count,
        rows=[
            Row("no order, journalled", "ns", timed.p50 - clock, timed.p99 - clock, floor.p50 - clock),
            Row("blocks allocated a quote", "blocks", per_quote),
        ],
        flat={"idle_us_p50": (timed.p50 - clock) / 1e3, "idle_us_p99": (timed.p99 - clock) / 1e3,
              "allocated_blocks": per_quote},
        details={"round_medians_ns": timed.medians, "floor_round_medians_ns": floor.medians, "timer_ns_p50": clock},
    )  # fmt: skip


def _round(loop: Loop, market: Market) -> tuple[list[int], list[int], list[int], int]:
    """(samples, the floor's, the timer's, blocks that as many quotes left allocated)."""
    core = loop.core
    quotes = [(*market.idle(), now_ns(), now_ns() + at, 0, 0) for at in range(_QUOTES)]
    _make_room(core.journal)
    gc.collect()
    gc.disable()
    before = sys.getallocatedblocks()
    for quote in quotes:
        loop.on_quote(*quote)
    blocks = sys.getallocatedblocks() - before
    _make_room(core.journal)
    timer = time.perf_counter_ns
    timed, floor, empty = [], [], []
    address, journal = core.state.address, core.journal.address
    for quote in quotes:
        began = timer()
        loop.on_quote(*quote)
        ended = timer()
        bare(address, journal, *quote)
        called = timer()
        again = timer()
        timed.append(ended - began)
        floor.append(called - ended)
        empty.append(again - called)
    gc.enable()
    return timed, floor, empty, blocks


def _make_room(journal: Journal) -> None:
    """Turn the journal's page where a round of quotes would not fit any more; a quote of a live run never waits."""
    while journal.room_bytes < _ROOM_BYTES:
        journal.turn()
