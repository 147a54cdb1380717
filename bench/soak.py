"""`soak`: a live engine for minutes on end: does it get slower or bigger, and how long does it ever stand still?"""

import gc
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.figures import Result, Row, demand, percentile
from bench.rig import Market, answer, connect, engine, feed, tuned
from engine.clock import now_ns
from engine.loop import Loop
from engine.ports import CHANNELS
from engine.verify import verify

ROUND_S = 6  # a slice, of which figures are kept: 300 rounds are half an hour
_QUOTES_PER_S = 2_000
_DEAL_EVERY_S = 1.0
_COLLECT_EVERY_S = 10.0
_NS_PER_S = 1_000_000_000
_STATUS = Path("/proc/self/status")


class Slice(NamedTuple):
    """One round. service: a quote's call; late: from a quote's planned time to the end of its call."""

    service_ns_p50: float
    service_ns_p99: float
    late_ns_p99: float
    late_ns_max: int
    beat_ns_max: int
    rss_anon_mb: float


class _Collections:
    """Counts the garbage collections of this process, and times the longest."""

    def __init__(self) -> None:
        self.count = self.longest_ns = self._began_ns = 0

    def __call__(self, phase: str, info: dict) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
            return
        self.count += 1
        self.longest_ns = max(self.longest_ns, time.perf_counter_ns() - self._began_ns)


def measure(rounds: int) -> Result:
    """Quotes, beats and deals at their planned times; a stall is caught up with, and counts against all in it."""
    config, calendars = tuned()
    with tempfile.TemporaryDirectory() as name, engine(Path(name), config, calendars) as loop:
        with _as_live() as collections:
            run = _Soak(loop, config.engine.timer_ms * 1_000_000)
            slices = [run.slice() for _ in range(rounds)]
            run.end()
        stalls = loop.core.journal.stalls
        loop.core.journal.close()
        verdict = verify(Path(name) / "journal")
    demand(not verdict.problems, f"a journal without a problem, found {verdict.problems}")
    return _result(rounds, slices, run, collections, stalls)


def _result(rounds: int, slices: list[Slice], run: "_Soak", collections: _Collections, stalls: int) -> Result:
    tenth = max(rounds // 10, 1)
    first, last = (_middle(part) for part in (slices[:tenth], slices[-tenth:]))
    growth_mb = last.rss_anon_mb - first.rss_anon_mb
    longest = max(one.late_ns_max for one in slices)
    return Result(
        name="soak",
        measures=f"{rounds * ROUND_S:,} s of {_QUOTES_PER_S:,} quotes a second, a beat each {run.beat_ms:g} ms and a "
        f"deal each {_DEAL_EVERY_S:g} s, all at planned times: the last tenth against the first",
        includes="journal with its sealer, book, spread, strategies, gate, orders, reports, the timer; garbage "
        "collected as in a live run, between inputs and only while nothing is open",
        excludes="sockets: the gateways send nothing, the bench answers; the journal is verified afterwards",
        floor="the first tenth of the same run",
        rounds=rounds, samples=run.quotes,
        rows=[
            Row("a quote's call", "us", last.service_ns_p50 / 1e3, last.service_ns_p99 / 1e3,
                first.service_ns_p50 / 1e3),
            Row("its 99th percentile", "us", last.service_ns_p99 / 1e3, None, first.service_ns_p99 / 1e3),
            Row("a quote late, 99th percentile", "us", last.late_ns_p99 / 1e3, None, first.late_ns_p99 / 1e3),
            Row("anonymous memory", "MB", last.rss_anon_mb, None, first.rss_anon_mb),
            Row("longest stall", "ms", longest / 1e6),
            Row("longest beat", "ms", max(one.beat_ns_max for one in slices) / 1e6),
            Row("garbage collections", "count", collections.count, collections.longest_ns / 1e6),
        ],
        flat={"drift_p50": last.service_ns_p50 / first.service_ns_p50,
              "drift_p99": last.service_ns_p99 / first.service_ns_p99, "growth_mb": growth_mb,
              "longest_stall_ms": longest / 1e6, "collections": collections.count,
              "longest_collection_ms": collections.longest_ns / 1e6, "roll_stalls": stalls},
        details={"slices": [one._asdict() for one in slices], "deals": run.deals, "quotes": run.quotes},
        notes=[f"{run.deals:,} deals; {growth_mb * 1e3 / max(run.deals, 1):.1f} KB of growth a deal; the p99 of "
               "collections is the longest one, in ms"],
    )  # fmt: skip


def _middle(slices: list[Slice]) -> Slice:
    """Field by field the median of these slices."""
    return Slice(*(median(each) for each in zip(*slices, strict=True)))


@contextmanager
def _as_live():
    """The garbage collector as `desk.run` sets it; hands out what it did meanwhile."""
    collections = _Collections()
    gc.collect()
    gc.freeze()
    gc.disable()
    gc.callbacks.append(collections)
    try:
        yield collections
    finally:
        gc.callbacks.remove(collections)
        gc.enable()
        gc.unfreeze()


class _Soak:
    """The plan: when the next quote, beat, deal and collection are due, in engine time."""

    def __init__(self, loop: Loop, beat_ns: int):
        connect(loop)
        self._loop, self._market, self._beat_ns = loop, Market(), beat_ns
        for quote in self._market.opening():
            feed(loop, quote)
        self.quotes, self.deals = 3, 0
        self._step_ns = _NS_PER_S // _QUOTES_PER_S
        self._quote_ns = self._begins_ns = now_ns() + 10_000_000
        self._due_beat_ns = self._begins_ns
        self._deal_ns = self._begins_ns + round(_DEAL_EVERY_S * _NS_PER_S / 2)
        self._collect_ns = self._begins_ns + round(_COLLECT_EVERY_S * _NS_PER_S)

    @property
    def beat_ms(self) -> float:
        return self._beat_ns / 1e6

    def slice(self) -> Slice:
        """One round's worth of the plan."""
        ends_ns = self._begins_ns = self._begins_ns + ROUND_S * _NS_PER_S
        service, late, beats = [], [], [0]
        while self._quote_ns < ends_ns:
            while self._quote_ns <= now_ns():
                began_ns = now_ns()
                feed(self._loop, self._market.idle())
                done_ns = now_ns()
                service.append(done_ns - began_ns)
                late.append(done_ns - self._quote_ns)
                self._quote_ns += self._step_ns
                self.quotes += 1
            beats.append(self._turn())
            time.sleep(max(min(self._quote_ns, self._due_beat_ns) - now_ns(), 0) / 1e9)
        return Slice(median(service), percentile(service, 99), percentile(late, 99), max(late), max(beats), _rss_mb())

    def _turn(self) -> int:
        """What is due beside quotes; how long a beat took."""
        loop, took_ns = self._loop, 0
        if (began_ns := now_ns()) >= self._due_beat_ns:
            late_ns = began_ns - self._due_beat_ns
            self._due_beat_ns += self._beat_ns * (1 + late_ns // self._beat_ns)
            for venue in range(len(loop.core.state.venue)):
                for channel in range(len(CHANNELS)):
                    loop.on_heard(venue, channel, began_ns)
            loop.on_timer(now_ns(), late_ns)
            took_ns = now_ns() - began_ns
        if now_ns() >= self._deal_ns:
            self._deal_ns += round(_DEAL_EVERY_S * _NS_PER_S)
            self._deal()
        if now_ns() >= self._collect_ns and loop.is_quiet():
            gc.collect(1)
            self._collect_ns = now_ns() + round(_COLLECT_EVERY_S * _NS_PER_S)
        loop.core.journal.turn()
        return took_ns

    def _deal(self) -> None:
        """The quote that causes a decision, and both orders filled."""
        feed(self._loop, self._market.move())
        self.quotes += 1
        demand(answer(self._loop) == 2, "two orders for a decision")
        self.deals += 1

    def end(self) -> None:
        """Refused where a quote is lost, a deal open, or a decision denied."""
        head = self._loop.core.state.head
        found = {name: int(head[name]) for name in ("quotes", "decisions", "cleared", "live_orders", "live_deals")}
        wanted = {"quotes": self.quotes, "decisions": self.deals, "cleared": self.deals, "live_orders": 0,
                  "live_deals": 0}  # fmt: skip
        demand(found == wanted and self._loop.is_quiet(), f"{wanted} and all quiet, found {found}")


def _rss_mb() -> float:
    return next(int(line.split()[1]) for line in _STATUS.read_text().splitlines() if line.startswith("RssAnon:")) / 1024
