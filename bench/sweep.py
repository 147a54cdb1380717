"""`sweep`: quotes times parameter sets a second, with simulated fills; the decisions are those of the recording."""

import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import numba
import numpy as np

from bench.figures import Result, Row, demand, percentile
from bench.recordings import STEP_NS, recorded
from bench.rig import FOLDER, tuned
from desk.config import StrategySpec
from desk.replay import replay
from desk.sweep_day import Day, Turn, load_day
from desk.sweep_fills import DECIDED, EVENT, LOG
from desk.sweep_run import prepared, task_of
from engine.ports import MARKET_DATA, READY
from engine.records import DECISION, QUOTE
from engine.segments import columns

SETS = 64
_QUOTES, _QUOTES_A_DEAL, _QUOTES_A_BEAT = 200_010, 1_000, 50  # some quotes behind the last deal
_LATENCY_NS = STEP_NS // 8  # so that both answers are back before the next quote, as in the recording
_LOG_ROWS = 100_000


class Outcome(NamedTuple):
    """What the sweep made of quotes. seconds: of the run alone, without what prepares it."""

    decisions: np.ndarray  # rows of LOG, a leg each
    fills: np.ndarray  # likewise
    results: list[dict]
    seconds: float


def on_quotes(
    quotes: np.ndarray, sets: list[dict], latency_ns: int = _LATENCY_NS, log_rows: int = _LOG_ROWS
) -> Outcome:  # fmt: skip
    """Sweep best quotes in memory, for who compares: rows of `desk.sweep_fills.EVENT`, of which now_ns (ns since the
    epoch, ascending), instrument (`bench.rig` AU, GC, FX) and the touches matter. sets: fields of the bench's strategy
    that differ from `bench.rig.tuned`, a dict a set. latency_ns: one way. The log holds the first log_rows rows."""
    events = np.array(quotes, EVENT)
    events["kind"], events["venue_ns"] = QUOTE, events["now_ns"]
    config, _ = tuned()
    begin_ns, none = int(events["now_ns"][0]), np.zeros(0, np.int64)
    market_ns = _market_ns(config)
    start = {"epoch": 1, "config_hash": b"", "clock_base_ns": market_ns, "clock_start_ns": begin_ns,
             "clock_speed_milli": 1000, "version": b""}  # fmt: skip
    turns = [Turn(0, begin_ns, start=start)]
    turns += [Turn(0, begin_ns, link=(venue, MARKET_DATA, READY)) for venue in range(len(config.venues))]
    day = Day("quotes of a bench", events, turns, none, none, market_ns, len(events), 0, True)
    strategies = [msgspec.structs.replace(config.strategies[0], **one) for one in sets]
    return _timed(day, strategies, latency_ns, log_rows)


def _market_ns(config) -> int:
    from desk.run import market_base_ns

    return market_base_ns(config, 0)


def _timed(day: Day, strategies: list[StrategySpec], latency_ns: int, log_rows: int) -> Outcome:
    config, calendars = tuned()
    task = task_of(config, calendars, day, strategies, [latency_ns] * len(config.venues), 1, log_rows)
    play = prepared(task, day)
    began = time.perf_counter()
    play.through()
    seconds = time.perf_counter() - began
    results, log = play.results(), play.logged()
    return Outcome(log[log["kind"] == DECIDED], log[log["kind"] != DECIDED], results, seconds)


def measure(rounds: int) -> Result:
    """Sweep one recorded day, made before the first round; the floor in the same rounds."""
    config, _ = tuned()
    live = config.strategies[0]
    # The first set is the recording's own; the others enter a little later or never.
    sets = [msgspec.structs.replace(live, entry=live.entry + 0.02 * number) for number in range(SETS)]
    with tempfile.TemporaryDirectory() as name:
        folder = recorded(Path(name) / "day", _QUOTES, _QUOTES_A_DEAL, _QUOTES_A_BEAT)
        verdict = replay(folder)
        demand(verdict.identical, f"a recording that replays, found {verdict.difference}")
        day = load_day(config, folder, FOLDER, config.engine.sample_ms * 1_000_000)
        expected = _decided(columns(folder, DECISION))
    _check(_timed(day, sets[:1], _LATENCY_NS, _LOG_ROWS), expected)
    pairs, rates, single, floors = day.quotes * SETS, [], [], []
    entries = np.array([one.entry for one in sets])
    _bare(day.events["bid_ticks"][:1], entries)  # compiled here
    for _ in range(rounds):
        began = time.perf_counter()
        _bare(day.events["bid_ticks"], entries)
        floors.append(pairs / (time.perf_counter() - began))
        found = _timed(day, sets, _LATENCY_NS, 0)
        demand(found.results[0]["decisions"] == len(expected), f"{len(expected)} decisions of the recording's own set")
        rates.append(pairs / found.seconds)
        single.append(day.quotes / _timed(day, sets[:1], _LATENCY_NS, 0).seconds)
    fills = sum(row["fills"] for row in found.results)
    return Result(
        name="sweep",
        measures=f"{day.quotes:,} recorded quotes for {SETS} parameter sets at once, on one core, {fills:,} fills",
        includes="book, prices, samples, every set's signal, its orders' fills, fees, profit and drawdown",
        excludes="reading the recording into its array, making the state; the processes of a sweep on several cores",
        floor="a compiled loop over as many quotes and sets that compares one number of each",
        rounds=rounds, samples=rounds,
        rows=[
            Row(f"quotes x {SETS} sets", "1/s", percentile(rates, 50), percentile(rates, 1), percentile(floors, 50),
                more_is_better=True),
            Row("quotes, one set alone", "1/s", percentile(single, 50), percentile(single, 1)),
        ],
        notes=[f"the recording's own set makes its {len(expected)} decisions: same time, side, units and limits"],
        flat={"quotes_per_s": percentile(rates, 50), "quotes_per_s_one_set": percentile(single, 50)},
        details={"sets": SETS, "quotes": day.quotes, "fills": fills, "rounds_pairs_per_s": rates},
    )  # fmt: skip


@numba.njit
def _bare(bids, entries):
    above = 0
    for at in range(len(bids)):
        for number in range(len(entries)):
            if bids[at] > entries[number] + at:
                above += 1
    return above


def _decided(rows: np.ndarray) -> list[tuple]:
    """(time, side, purpose, units, each leg's limit) of a journal's decisions."""
    return [
        (int(row["header"]["now_ns"]), *(int(row["data"][name]) for name in ("side", "purpose", "units")),
         tuple(row["data"]["limit_ticks"][: int(row["data"]["legs"])].tolist()))
        for row in rows
    ]  # fmt: skip


def _check(found: Outcome, expected: list[tuple]) -> None:
    """Refused where the sweep decides anything else than the recording."""
    legs: dict[int, list] = {}
    for row in found.decisions:
        at = tuple(int(row[name]) for name in ("now_ns", "side", "purpose", "units"))
        legs.setdefault(int(row["decision"]), [at]).append(int(row["ticks"]))
    decided = [(*at, tuple(ticks)) for at, *ticks in legs.values()]
    demand(decided == expected, f"the recording's {len(expected)} decisions, found {len(decided)}")
    demand(len(found.fills) == 2 * len(expected), f"two fills a decision, found {len(found.fills)}")
    demand(found.decisions.dtype == LOG, "rows of the log")
