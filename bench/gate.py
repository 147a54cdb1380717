"""`gate`: one decision through the full gate, both legs in one call."""

import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from bench.figures import Result, Row, Samples, demand, micros
from bench.peers import peer as peers
from bench.rig import IDLE_QUOTES, LEGS, Market, answer, connect, engine, feed, tuned
from engine.clock import now_ns
from engine.loop import Loop
from engine.records import LEVELS, PASS
from riskgate.gate import SEQUENCE

_DECISIONS = 1_000  # a round, hot
_MET = 40  # a round, as met on the way of real quotes
_PAUSE_NS = 100_000  # before each quote of these


@numba.njit
def _bare(base, journal, number, now_ns):
    """As many ints in as the compiled half takes, one out."""
    return number


def measure(rounds: int) -> Result:
    """The same decision again and again, the state put back after each; a peer's round behind each of ours."""
    timed, floor, empty, cold = Samples(), Samples(), Samples(), Samples()
    config, calendars = tuned()
    with (
        tempfile.TemporaryDirectory() as name,
        engine(Path(name), config, calendars) as loop,
        peers.beside() as peer,
    ):
        put_back = _decided(loop)
        for number in range(rounds + 1):  # the first one warms up
            for samples, found in zip((timed, floor, empty), _round(loop, put_back), strict=True):
                if number:
                    samples.add(found)
            put_back()
            if peer:
                peer.round(_DECISIONS, keep=number > 0)
        market = Market()
        for number in range(rounds + 1):
            met = _met(loop, market)
            if number:
                cold.add(met)
    clock = round(empty.p50)
    found, bare = timed.less(clock), floor.less(clock)
    result = Result(
        name="gate",
        measures=f"hot.decide on a decision of {len(LEGS)} legs: all controls, holds and orders of both, call included",
        includes="its records (decision, verdict, two orders) with the sealer on, two stamps",
        excludes=f"the spread's pricing and the strategy before it, frames and sends after it; the timer ({clock} ns)",
        floor="a bare njit call with the same four ints that returns one of them",
        rounds=rounds, samples=timed.count,
        rows=[micros(f"both legs, {len(SEQUENCE)} controls, hot", found, bare),
              micros("the same, as met behind real quotes", cold, None),
              Row("controls", "count", len(SEQUENCE))],
        flat={"controls": len(SEQUENCE), "pair_us_p50": found.p50 / 1e3, "pair_us_p99": found.p99 / 1e3,
              "pair_cold_us_p50": cold.p50 / 1e3, "pair_cold_us_p99": cold.p99 / 1e3},
        details={"sequence": list(SEQUENCE), "round_medians_ns": found.medians, "floor_round_medians_ns": bare.medians},
    )  # fmt: skip
    return peers.add(result, peer, found)


def _decided(loop: Loop) -> Callable[[], None]:
    """Bring the state to where a decision waits in the scratch row; a call that brings it back there."""
    connect(loop)
    market, core = Market(), loop.core
    for quote in market.opening():
        feed(loop, quote)
    at_ns = now_ns()
    waiting = core.hot.on_quote(core.state.address, core.journal.address, *market.move(), at_ns, at_ns, 0, 0)
    demand(waiting == 1, f"one decision that waits, found {waiting}")
    state = core.state
    # Every table but the long ones, orders and deals, lies before or behind those two.
    before, behind = slice(0, int(state.head["at_order"])), slice(int(state.head["at_scratch"]), None)
    saved = [(part, state.block[part].copy()) for part in (before, behind)]

    def put_back() -> None:
        state.order[state.scratch["order_slot"][: state.scratch["orders"]]] = np.zeros((), state.order.dtype)
        state.deal[int(state.scratch["verdict"]["deal_id"])] = np.zeros((), state.deal.dtype)
        for part, content in saved:
            state.block[part] = content

    return put_back


def _round(loop: Loop, put_back: Callable[[], None]) -> tuple[list[int], list[int], list[int]]:
    """(samples, the floor's, the timer's)."""
    core, timer = loop.core, time.perf_counter_ns
    decide, address, journal = core.hot.decide, core.state.address, core.journal.address
    timed, floor, empty = [], [], []
    gc.collect()
    gc.disable()
    for _ in range(_DECISIONS):
        at_ns = now_ns()
        began = timer()
        count = decide(address, journal, 0, at_ns)
        ended = timer()
        _bare(address, journal, 0, at_ns)
        called = timer()
        again = timer()
        timed.append(ended - began)
        floor.append(called - ended)
        empty.append(again - called)
        _check(loop, count)
        put_back()
        core.journal.turn()
    gc.enable()
    return timed, floor, empty


def _met(loop: Loop, market: Market) -> list[int]:
    """The same call where a live engine meets it: behind quotes 100 us apart, Python and reports between decisions."""
    found: list[int] = []
    core, timer = loop.core, time.perf_counter_ns
    decide = core.hot.decide

    def timed(address: int, journal: int, number: int, at_ns: int) -> int:
        began = timer()
        count = decide(address, journal, number, at_ns)
        found.append(timer() - began)
        return count

    core.hot = core.hot._replace(decide=timed)
    for quote in market.opening():
        feed(loop, quote)
    for _ in range(_MET):
        for _ in range(IDLE_QUOTES):
            _pause()
            feed(loop, market.idle())
        _pause()
        feed(loop, market.move())
        demand(answer(loop) == len(LEGS), f"{len(LEGS)} orders for a decision")
        core.journal.turn()
    core.hot = core.hot._replace(decide=decide)
    demand(len(found) == _MET, f"{_MET} decisions, found {len(found)}")
    return found


def _pause() -> None:
    end_ns = now_ns() + _PAUSE_NS
    while now_ns() < end_ns:
        pass


def _check(loop: Loop, count: int) -> None:
    """Refused unless the decision was Cleared with every control passed, into one order a leg."""
    scratch = loop.core.state.scratch
    verdict = scratch["verdict"]
    levels = {control: LEVELS[verdict["level"][control - 1]] for control in SEQUENCE}
    demand(set(levels.values()) == {LEVELS[PASS]}, f"every control to pass, found {levels}")
    rows = [loop.core.state.order[slot] for slot in scratch["order_slot"][:count]]
    lots = {int(row["instrument"]): int(row["lots"]) for row in rows}
    demand(count == len(LEGS) and lots == LEGS, f"orders of {LEGS} lots, found {lots}")
