"""One size of an engine, in a process of its own: python -m bench.scale_size INSTRUMENTS SPREADS; one JSON line."""

import gc
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numba

from bench.figures import demand, percentile
from bench.rig import connect, engine
from bench.sized import Sized, sized
from desk.compile import warm
from engine.clock import now_ns
from engine.loop import Loop

_QUOTES = 4_000
_RATE_QUOTES = 200  # of the dollar rate, which every spread of the config needs
_BEATS = 24
_PRICES = (46_000, 41_000)  # Shanghai, COMEX; ticks
_FX_TICKS, _LOTS = 71_000, 50


class Size(msgspec.Struct):
    """What an engine of this size costs. start_s: config record, state and START, without imports and kernels.

    quote_*: of quotes of all instruments in turns; rate_us: of the one that every spread is priced by; beat_*: of the
    timer between two samples; sample_ms_p50: of a beat that samples; beat_ms_max: of all, the first one among them,
    which tells every meter. memory: anonymous, of the process, and the state's own block.
    """

    instruments: int
    spreads: int
    start_s: float
    quote_us_p50: float
    quote_us_p99: float
    rate_us_p50: float
    bare_us_p50: float
    beat_ms_p50: float
    sample_ms_p50: float
    beat_ms_max: float
    rss_anon_mb: float
    state_mb: float


@numba.njit
def _bare(base, journal, instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags):
    return flags


def measure(instruments: int, spreads: int) -> Size:
    """Assemble it, quote every instrument, and time what comes after."""
    made = sized(instruments, spreads)
    warm()
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        with engine(Path(name), made.config, made.calendars) as loop:
            start_s = time.perf_counter() - began
            return _measured(loop, made, start_s)


def _measured(loop: Loop, made: Sized, start_s: float) -> Size:
    connect(loop)
    for at in range(made.fx + 1):
        loop.on_quote(at, *_quote(made, at, 0), now_ns(), now_ns(), 0, 0)
    beats, samples = _beats(loop, made)
    gc.collect()
    gc.freeze()
    gc.disable()
    quotes, bare = _timed(loop, made, [at % made.fx for at in range(_QUOTES)])
    rates, _ = _timed(loop, made, [made.fx] * _RATE_QUOTES)
    state = loop.core.state
    wanted = made.fx + 1 + _QUOTES + _RATE_QUOTES + _BEATS * (made.quoted + 1)
    demand(int(state.head["quotes"]) == wanted, f"{wanted} quotes taken, found {int(state.head['quotes'])}")
    demand(int(state.head["decisions"]) == 0 and not state.spread["blocked"].any(), "spreads priced, no decision")
    return Size(
        made.fx + 1, len(state.spread), start_s, percentile(quotes, 50) / 1e3, percentile(quotes, 99) / 1e3,
        percentile(rates, 50) / 1e3, percentile(bare, 50) / 1e3, percentile(beats, 50) / 1e6,
        percentile(samples[1:], 50) / 1e6, max(beats + samples) / 1e6, _rss_mb(), state.block.nbytes / 2**20,
    )  # fmt: skip


def _quote(made: Sized, at: int, step: int) -> tuple[int, int, int, int]:
    bid = _FX_TICKS if at == made.fx else _PRICES[at % 2] + step % 2
    return bid, _LOTS, bid + 1, _LOTS


def _timed(loop: Loop, made: Sized, order: list[int]) -> tuple[list[int], list[int]]:
    """(ns of each quote, of a bare call behind each), the instruments in this order."""
    took, bare, timer, journal = [], [], time.perf_counter_ns, loop.core.journal
    for step, at in enumerate(order):
        if step % 1_000 == 0:
            journal.turn()
        quote = (at, *_quote(made, at, step // made.fx), now_ns(), now_ns(), 0, 0)
        began = timer()
        loop.on_quote(*quote)
        ended = timer()
        _bare(1, 2, *quote)
        took.append(ended - began)
        bare.append(timer() - ended)
    return took[len(took) // 10 :], bare[len(bare) // 10 :]


def _beats(loop: Loop, made: Sized) -> tuple[list[int], list[int]]:
    """(ns of beats between samples, of those that sample), 50 ms apart, with fresh quotes of all that spreads need."""
    beats, samples = [], []
    for number in range(_BEATS):
        for at in [*range(made.quoted), made.fx]:
            loop.on_quote(at, *_quote(made, at, number), now_ns(), now_ns(), 0, 0)
        due_ns, began = loop.core.next_sample_ns, time.perf_counter_ns()
        loop.on_timer(now_ns(), 0)
        (beats if loop.core.next_sample_ns == due_ns else samples).append(time.perf_counter_ns() - began)
        loop.core.journal.turn()
        time.sleep(0.05)
    return beats, samples


def _rss_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


if __name__ == "__main__":
    print(msgspec.json.encode(measure(int(sys.argv[1]), int(sys.argv[2]))).decode(), flush=True)
