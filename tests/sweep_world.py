"""Recordings for the sweep's tests: days of the real engine on simulated venues in virtual time, written to disk."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from desk.config import Config
from desk.sweep_day import Day, load_day
from desk.sweep_run import run, task_of
from engine import records
from engine.journal import Journal
from engine.segments import Record
from tests.world import CALENDARS, MS, ROOT, World, demo_config

LATENCY_MS = 3
VENUES_FOLDER = ROOT / "configs" / "demo" / "generated"


def saw(world: World, turns: int, step_ms: int = 60, low: float = 5.5, high: float = 6.5) -> World:
    """A spread that swings as a saw of 40 steps between two levels, each step a new quote of all three contracts.

    Gold of Shanghai is quoted first: what it causes finds the same prices when it arrives.
    """
    for turn in range(turns):
        phase = turn % 40
        share = (phase if phase < 20 else 40 - phase) / 20
        ticks = round((1395.05 / 31.1034768 * 6.89605 + low + (high - low) * share) / 0.02)
        world.quote(world.au, ticks, ticks + 1)
        world.quote(world.gc, 13_950, 13_951, 100_000)  # the exchange takes what trades off an unchanged quote
        world.quote(world.fx, 68_960, 68_961, 500)
        world.step(step_ms)
    return world


def rich(config: Config) -> Config:
    """The same with so much capital that the gate clears all."""
    return msgspec.structs.replace(
        config, pools=[msgspec.structs.replace(pool, capital=1e10) for pool in config.pools]
    )


def written(world: World, base: Path) -> Path:
    """The world's journal as a folder on disk."""
    return written_records(world.journal.records(), base)


def written_records(source: Iterable[Record], base: Path) -> Path:
    """Records as the journal of a folder, numbered anew."""
    with Journal(base / "journal", base / "live", 1 << 24) as journal:
        for record in source:
            into = journal.append if record.kind >= records.FIRST_OUTPUT else journal.append_input
            into(record.kind, record.now_ns, record.payload, record.flags)
            journal.turn()
    return base / "journal"


def day_of(config: Config, folder: Path) -> Day:
    return load_day(config, folder, VENUES_FOLDER, config.engine.sample_ms * MS)


def swept(config: Config, day: Day, sets: Iterable | None = None, repair_ticks: int = 1, log_rows: int = 10_000):
    """The sweep's results and its log, both venues LATENCY_MS away."""
    chosen = list(sets or config.strategies)
    latency_ns = [LATENCY_MS * MS] * len(config.venues)
    return run(task_of(config, CALENDARS, day, chosen, latency_ns, repair_ticks, log_rows), day)


__all__ = ["LATENCY_MS", "day_of", "demo_config", "rich", "saw", "swept", "written", "written_records"]
