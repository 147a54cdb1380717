"""`storm`: deals against misbehaving venues a second and core, and what of it is the engine's own share."""

import time
from statistics import median

from bench.figures import Result, Row, demand
from bench.storm.campaign import CONFIG, DAY_DEALS, Stage
from bench.storm.day import Day
from bench.storm.process import ROWS
from desk.assembly import assemble
from engine.journal import MemoryJournal
from engine.replay import SCRATCH_BYTES, SilentGateway, feed_all

_SEED = 1


def measure(rounds: int) -> Result:
    """A day of the storm's own config a round, each another one, judged; then its journal through a fresh loop."""
    stage, rates, floors, deals, records = Stage(CONFIG), [], [], 0, 0
    stage.play(_SEED, rounds)  # warms up
    for number in range(rounds):
        began_ns = time.process_time_ns()
        day = stage.day(_SEED, number)
        day.run(DAY_DEALS)
        found = stage.judged(day)
        rates.append(found.deals / (time.process_time_ns() - began_ns) * 1e9)
        demand(not found.breaches and not found.naked_at_end, f"no breach on day {number}, found {found.breaches}")
        demand(found.deals > 0, f"deals on day {number}, found none")
        taken, seconds = _replayed(day)
        floors.append(found.deals / seconds)
        deals, records = deals + found.deals, records + taken
    return Result(
        name="storm",
        measures=f"deals of `tandem storm` with seed {_SEED} a second of a core's time: {deals} on {rounds} days",
        includes="both ends of both protocols, matching, faults, crashes and restarts with their replays, the judge",
        excludes="starting the processes of a whole campaign",
        floor="the day's journal through a fresh loop again, every output compared: what the engine's share costs",
        rounds=rounds, samples=deals,
        rows=[Row("deals a second and core", "1/s", median(rates), min(rates), median(floors), more_is_better=True),
              Row("breaches", "count", 0)],
        flat={"deals_per_s": median(rates), "breaches": 0},
        details={"rounds_deals_per_s": rates, "floor_rounds_deals_per_s": floors, "deals": deals, "records": records},
    )  # fmt: skip


def _replayed(day: Day) -> tuple[int, float]:
    """(records, seconds) of a replay of the day. Refused where it differs."""
    records = day.process.journal.records()
    began_ns = time.process_time_ns()
    memory = MemoryJournal(SCRATCH_BYTES)
    silent = [SilentGateway() for _ in day.process.venues]
    verdict = feed_all(assemble(day.process.record, memory, silent, lambda: 0, ROWS), memory, records)
    seconds = (time.process_time_ns() - began_ns) / 1e9
    demand(verdict.identical, f"an identical replay of the day, found {verdict.difference}")
    return len(records), seconds
