"""`gate`: one decision of two legs through the full gate, hot and as a live engine meets it; and the whole call."""

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
from engine.tables import scratch_of
from riskgate.gate import SEQUENCE, check_and_hold

_DECISIONS = 1_000  # a round, hot
_MET = 40  # a round, as met on the way of real quotes
_PAUSE_NS = 100_000  # before each quote of these


@numba.njit
def _judge(base, number, now_ns):
    """The gate alone: all controls, and what both legs hold. It can be asked again: it opens nothing."""
    return check_and_hold(base, scratch_of(base).decision[number], now_ns)


@numba.njit
def _bare(base, journal, number, now_ns):
    """As many ints in as the compiled half takes, one out."""
    return number


def measure(rounds: int) -> Result:
    """The same decision again and again, the state put back after each; a peer's round behind each of ours."""
    gate, timed, floor, empty, cold = (Samples() for _ in range(5))
    config, calendars = tuned()
    with (
        tempfile.TemporaryDirectory() as name,
        engine(Path(name), config, calendars) as loop,
        peers.beside() as peer,
    ):
        put_back = _decided(loop)
        for number in range(rounds + 1):  # the first one warms up
            for samples, found in zip((gate, timed, floor, empty), _round(loop, put_back), strict=True):
                if number:
                    samples.add(found)
            put_back()
            if peer:
                peer.round(_DECISIONS, keep=number > 0)
        market = Market()
        for number in range(rounds + 1):
            behind = _met(loop, market)
            if number:
                cold.add(behind)
    clock = round(empty.p50)
    pair, call, bare, met = (samples.less(clock) for samples in (gate, timed, floor, cold))
    result = Result(
        name="gate",
        measures=f"check_and_hold on a decision of {len(LEGS)} legs: all controls, a limit in each of their scopes, "
        "and what both legs hold; the call from Python included",
        includes="in the whole call (hot.decide) also the orders, their places in meters and positions, the records "
        "(decision, verdict, two orders) with the sealer on, two stamps",
        excludes=f"the spread's pricing and the strategy before it, frames and sends after it; the timer ({clock} ns)",
        floor="a bare njit call with four ints that returns one of them",
        rounds=rounds, samples=timed.count,
        rows=[micros(f"both legs, {len(SEQUENCE)} controls, hot", pair, bare),
              micros("the same, as met behind real quotes", met),
              micros("the whole call, with orders and records", call),
              Row("controls", "count", len(SEQUENCE))],
        flat={"controls": len(SEQUENCE), "pair_us_p50": pair.p50 / 1e3, "pair_us_p99": pair.p99 / 1e3,
              "pair_cold_us_p50": met.p50 / 1e3, "pair_cold_us_p99": met.p99 / 1e3,
              "call_us_p50": call.p50 / 1e3, "call_us_p99": call.p99 / 1e3},
        details={"sequence": list(SEQUENCE), "round_medians_ns": pair.medians, "call_round_medians_ns": call.medians,
                 "floor_round_medians_ns": bare.medians},
    )  # fmt: skip
    return peers.add(result, peer, pair, call)


def _decided(loop: Loop) -> Callable[[], None]:
    """Bring the state to where a decision waits in the scratch row; a call that brings it back there."""
    connect(loop)
    market, core = Market(), loop.core
    core.state.scratch["eager"] = 0  # a quote's decision waits for the call that is measured here
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


def _round(loop: Loop, put_back: Callable[[], None]) -> tuple[list[int], list[int], list[int], list[int]]:
    """(samples of the gate, of the whole call, the floor's, the timer's). The gate is asked once before it is timed:
    putting the state back has filled the caches with copies."""
    core, timer = loop.core, time.perf_counter_ns
    decide, address, journal = core.hot.decide, core.state.address, core.journal.address
    gate, timed, floor, empty = [], [], [], []
    gc.collect()
    gc.disable()
    for _ in range(_DECISIONS):
        at_ns = now_ns()
        _judge(address, 0, at_ns)
        began = timer()
        _judge(address, 0, at_ns)
        judged = timer()
        count = decide(address, journal, 0, at_ns)
        ended = timer()
        _bare(address, journal, 0, at_ns)
        called = timer()
        again = timer()
        gate.append(judged - began)
        timed.append(ended - judged)
        floor.append(called - ended)
        empty.append(again - called)
        _check(loop, count)
        put_back()
        core.journal.turn()
    gc.enable()
    return gate, timed, floor, empty


def _met(loop: Loop, market: Market) -> list[int]:
    """The gate where a live engine meets it: behind quotes 100 us apart, Python and reports between decisions. It is
    asked in the place of the real call, which follows."""
    found: list[int] = []
    core, timer = loop.core, time.perf_counter_ns
    decide = core.hot.decide

    def timed(address: int, journal: int, number: int, at_ns: int) -> int:
        began = timer()
        _judge(address, number, at_ns)
        found.append(timer() - began)
        return decide(address, journal, number, at_ns)

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
