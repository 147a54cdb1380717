"""One quote through the compiled half with 1 to 1,000 spreads on its instrument, beside a bare compiled call."""

import numba
import numpy as np
import pytest

from bench.rig import AU, FX, GC
from bench.sized import sized
from desk.build import Names, build_state
from desk.composed import HOT
from engine.journal import MemoryJournal
from engine.kernels import price_touched
from engine.ports import READY
from engine.state import State

SPREADS = (1, 10, 100, 1_000)
_NOW_NS, _HOUR_NS = 1_800_000_000 * 10**9, 3_600 * 10**9
_CALLS, _ROUNDS = 40, 60
_JOURNAL_BYTES = 1 << 24
_QUOTES = {AU: (46_000, 50, 46_001, 50), GC: (41_000, 50, 41_001, 50), FX: (71_000, 50, 71_001, 50)}


def _ready(spreads: int) -> tuple[State, MemoryJournal]:
    """A state in which every contract is quoted and every spread has its price."""
    made = sized(3, spreads)
    state, journal = build_state(Names(made.config), "2026-11-18"), MemoryJournal(_JOURNAL_BYTES)
    state.venue["link"] = READY
    state.venue["heard_ns"] = _NOW_NS
    state.head["clock_base_ns"] = state.head["clock_start_ns"] = _NOW_NS
    state.head["clock_speed_milli"] = 1000
    state.instrument["open_ns"], state.instrument["close_ns"] = _NOW_NS - _HOUR_NS, _NOW_NS + _HOUR_NS
    for at, quote in _QUOTES.items():
        HOT.on_quote(state.address, journal.address, at, *quote, _NOW_NS, _NOW_NS, 0, 0)
    return state, journal


def _check(state: State, spreads: int) -> None:
    """Every spread has the same price, which is the quotes' own, and none a reason against trading."""
    tick = [state.instrument["tick"][at] for at in range(3)]
    au, gc, fx = ((sum(_QUOTES[at][0::2]) / 2) * tick[at] for at in range(3))
    assert not state.spread["blocked"].any()
    assert len(state.spread) == spreads
    np.testing.assert_allclose(state.spread["diff"], au - gc * fx / 31.1034768, rtol=1e-9)


@pytest.mark.parametrize("spreads", SPREADS)
def bench_quote(benchmark, spreads: int) -> None:
    state, journal = _ready(spreads)
    quotes, records = int(state.head["quotes"]), journal.next_seq
    arguments = (state.address, journal.address, AU, *_QUOTES[AU], _NOW_NS, _NOW_NS, 0, 0)
    benchmark.extra_info |= {"what": f"a quote, {spreads:,} spreads on it", "unit": "us", "key": f"quote_{spreads}",
                             "floor": "bench_bare"}  # fmt: skip
    found = benchmark.pedantic(HOT.on_quote, args=arguments, iterations=_CALLS, rounds=_ROUNDS, warmup_rounds=3)
    assert found == 0
    assert int(state.head["quotes"]) - quotes == journal.next_seq - records > _ROUNDS * _CALLS
    _check(state, spreads)


@pytest.mark.parametrize("spreads", SPREADS)
def bench_price(benchmark, spreads: int) -> None:
    state, _ = _ready(spreads)
    state.spread["diff"] = 0.0
    benchmark.extra_info |= {"what": f"pricing alone, {spreads:,} spreads", "unit": "us", "key": f"price_{spreads}",
                             "floor": "bench_bare_three"}  # fmt: skip
    benchmark.pedantic(price_touched, args=(state.address, AU, _NOW_NS), iterations=_CALLS, rounds=_ROUNDS,
                       warmup_rounds=3)  # fmt: skip
    _check(state, spreads)


def bench_sample(benchmark) -> None:
    state, _ = _ready(SPREADS[-1])
    spreads = len(state.spread)
    benchmark.extra_info |= {"what": f"a sample of {spreads:,} spreads", "unit": "us", "key": f"sample_{spreads}",
                             "floor": "bench_bare_three"}  # fmt: skip
    benchmark.pedantic(HOT.sample, args=(state.address, _NOW_NS), iterations=5, rounds=_ROUNDS, warmup_rounds=3)
    assert (state.spread["samples"] == 64).all() and np.allclose(state.spread["sd"], 0.0, atol=1e-6)
    _check(state, spreads)


@numba.njit
def _bare(base, journal, instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags):
    return flags


@numba.njit
def _bare_three(base, instrument, now_ns):
    return instrument


def bench_bare_three(benchmark) -> None:
    """The floor of what takes three ints."""
    found = benchmark.pedantic(_bare_three, args=(1, AU, _NOW_NS), iterations=_CALLS, rounds=_ROUNDS, warmup_rounds=3)
    assert found == AU


def bench_bare(benchmark) -> None:
    """The floor of what takes a quote: as many ints into compiled code, one out."""
    found = benchmark.pedantic(_bare, args=(1, 2, AU, *_QUOTES[AU], _NOW_NS, _NOW_NS, 0, 7), iterations=_CALLS,
                               rounds=_ROUNDS, warmup_rounds=3)  # fmt: skip
    assert found == 7
