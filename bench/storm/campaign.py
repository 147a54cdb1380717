"""The campaign: many days side by side, each judged, their figures added up in their order."""

import hashlib
import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog

from bench.storm.arm import Armed, arm
from bench.storm.columns import Columns
from bench.storm.day import Day
from bench.storm.judge import Judge
from bench.storm.quotas import chosen
from bench.storm.sessions import record_of
from bench.storm.tally import Tally
from desk.check import check, render
from engine.clock import now_ns
from engine.records import HALT_REASONS, HALTED, LEDGER_HEDGE, OUTCOMES

DAY_DEALS = 30
MARKET_DATE = "2026-11-18"
MOST_BREACHES = 200
CONFIG = Path(__file__).parent.parent.parent / "configs" / "storm" / "storm.toml"


class BadConfig(ValueError):
    """The config cannot be stormed: what is wrong with it, in lines."""


@dataclass
class DayResult:
    """What one day comes to. breaches: (what, deal, script)."""

    number: int
    deals: int
    digest: bytes
    tally: Tally
    fired: dict[str, int]
    halted: dict[str, int]
    breaches: list[tuple[str, int, str]]
    naked_at_end: int
    cpu_ns: int = 0


@dataclass
class Result:
    """The whole campaign. needless: deals Halted although their script left another way (they are breaches too)."""

    config: str
    seed: int
    days: int = 0
    deals: int = 0
    tally: Tally = field(default_factory=Tally)
    rows: dict[str, int] = field(default_factory=dict)
    halted: dict[str, int] = field(default_factory=dict)
    breaches: list[tuple[int, str, int, str]] = field(default_factory=list)
    breach_count: int = 0
    naked_at_end: int = 0
    journal_hash: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    assumed: list[str] = field(default_factory=list)


class Stage:
    """What a process needs to play days of one config: made once."""

    def __init__(self, path: Path) -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        checked = check(path)
        if checked.config is None:
            raise BadConfig(render(checked))
        if not checked.config.spreads or not checked.config.strategies:
            raise BadConfig(f"{path}: expected at least one spread with a strategy")
        self._checked = checked
        self._worlds: dict[int, tuple[Armed, dict, Judge]] = {}
        self.armed = self._world(-1)[0]

    def _world(self, quotas: int) -> tuple[Armed, dict, Judge]:
        """The config under its own quotas (-1) or small ones, its record and the judge of its journals."""
        if quotas not in self._worlds:
            armed = arm(self._checked.config, MARKET_DATE, quotas)
            record = record_of(armed, self._checked.calendars)
            self._worlds[quotas] = armed, record, Judge(record)
        return self._worlds[quotas]

    def day(self, seed: int, number: int, quotas: int | None = None) -> Day:
        """A day to be played. quotas: which of `quotas.SMALL` it runs under; None: as the seed says."""
        armed, record, _ = self._world(chosen(seed, number) if quotas is None else quotas)
        return Day(armed, record, seed, number)

    def play(self, seed: int, number: int, deals: int = DAY_DEALS) -> DayResult:
        """One day, judged."""
        began_ns = time.process_time_ns()
        day = self.day(seed, number)
        day.run(deals)
        found = self.judged(day)
        found.cpu_ns = time.process_time_ns() - began_ns
        return found

    def judged(self, day: Day) -> DayResult:
        labels = {deal_id: script.name for deal_id, script in day.scripts.items()}
        theirs = {
            one.id: day.venues[one.venue].net(one.index) - day.venues[one.venue].foreign_lots.get(one.index, 0)
            for one in day.instruments if one.account >= 0
        }  # fmt: skip
        judge = next(judge for armed, _, judge in self._worlds.values() if armed is day.armed)
        found = judge.judge(Columns.of_memory(day.process.journal), labels, True, theirs)
        breaches = [(one.what, one.deal_id, one.script) for one in day.breaches]
        breaches += [(f"{one.invariant}: {one.what} (record {one.seq})", one.deal_id, labels.get(one.deal_id, ""))
                     for one in found.breaches]  # fmt: skip
        halted: dict[str, int] = {}
        for one in day.played:
            if one.halted:
                halted[HALT_REASONS[one.halted]] = halted.get(HALT_REASONS[one.halted], 0) + 1
        naked = _naked(day)
        return DayResult(day.number, len(day.played), day.digest(), found.tally, day.fired, halted, breaches, naked)


def _naked(day: Day) -> int:
    """Deals out of balance, by more than their spread allows, that nobody has been told of as Halted."""
    state = day.process.state
    bounds = state.spread["residual_bound_ubase"][state.deal["spread"]]
    worst = np.maximum(np.abs(state.deal["low_ubase"]), np.abs(state.deal["high_ubase"]))
    told = (state.deal["outcome"] == HALTED) | (state.deal["purpose"] == LEDGER_HEDGE)
    return int(((state.deal["deal_id"] > 0) & (worst > bounds) & ~told).sum())


_stage: Stage | None = None


def _ready(path: Path) -> None:
    global _stage
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the campaign's own process ends them
    _stage = Stage(path)


def _played(task: tuple[int, int, int]) -> DayResult:
    return _stage.play(*task)


def storm(
    path: Path, deals: int, seed: int, jobs: int, tell: Callable[[Result, int], None] = lambda result, days: None
) -> Result:
    """Storm a config. BadConfig where it cannot be. The result does not depend on jobs.

    Days follow until so many deals were played: on some the gate lets nothing through for a while, as where somebody
    else has traded the account. After twice the days that full ones would take it ends with fewer.
    """
    stage = Stage(path)
    days = max(-(-deals // DAY_DEALS), 1)
    result = Result(str(path), seed, assumed=stage.armed.assumed)
    chained = hashlib.blake2b(digest_size=16)
    began_ns = now_ns()
    for day in _days(stage, path, seed, days, min(deals, DAY_DEALS), jobs):
        result.days += 1
        result.deals += day.deals
        result.tally.add(day.tally)
        for row, count in day.fired.items():
            result.rows[row] = result.rows.get(row, 0) + count
        for why, count in day.halted.items():
            result.halted[why] = result.halted.get(why, 0) + count
        result.breach_count += len(day.breaches)
        result.breaches += [(day.number, *one) for one in day.breaches[: MOST_BREACHES - len(result.breaches)]]
        result.naked_at_end += day.naked_at_end
        result.cpu_seconds += day.cpu_ns / 1e9
        chained.update(day.digest)
        result.seconds = (now_ns() - began_ns) / 1e9
        tell(result, days)
        if result.deals >= deals:
            break
    result.journal_hash = chained.hexdigest()
    return result


def _days(stage: Stage, path: Path, seed: int, days: int, deals: int, jobs: int) -> Iterator[DayResult]:
    tasks = [(seed, number, deals) for number in range(2 * days)]
    if jobs == 1 or days == 1:
        yield from (stage.play(*task) for task in tasks)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _ready, (path,)) as pool:
        yield from pool.imap(_played, tasks)


def as_json(result: Result) -> dict:
    """The figures, flat where they are asked for by name."""
    outcomes = {name: result.tally.outcomes.get(name, 0) for name in OUTCOMES}
    by_fault = {
        name: group.flat() | {"breaches": sum(1 for one in result.breaches if one[3] == name)}
        for name, group in sorted(result.tally.groups.items()) if name
    }  # fmt: skip
    return {
        "deals": result.deals, "breaches": result.breach_count, "naked_at_end": result.naked_at_end,
        "journal_hash": result.journal_hash, "outcomes": outcomes, "by_fault": by_fault,
        "by_rung": result.tally.rungs, "by_row": dict(sorted(result.rows.items(), key=lambda one: int(one[0][1:]))),
        "halted": result.halted, "halted_share": sum(result.halted.values()) / max(result.deals, 1),
        "deals_per_s_core": result.deals / result.cpu_seconds if result.cpu_seconds else 0.0,
        "seconds": result.seconds, "seed": result.seed, "days": result.days, "config": result.config,
        "orders": result.tally.orders, "cancels": result.tally.cancels, "queries": result.tally.queries,
        "worst_naked_ms": result.tally.worst_naked_ns / 1e6, "alerts": result.tally.alerts,
        "assumed_levels": result.assumed,
        "first_breaches": [
            {"day": day, "what": what, "deal": deal, "script": script} for day, what, deal, script in result.breaches
        ],
    }  # fmt: skip
