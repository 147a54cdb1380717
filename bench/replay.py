"""`replay`: a journal's inputs through the same loop again, outputs compared byte for byte."""

import tempfile
import time
from pathlib import Path

from bench.figures import Result, Row, demand, percentile
from bench.rig import IDLE_QUOTES, Market, answer, check_end, connect, engine, feed, tuned
from desk.replay import replay
from engine.records import QUOTE
from engine.segments import read

_DEALS = 400


def measure(rounds: int) -> Result:
    """Replay one journal, made before the first round, again and again; one quote in eight causes a deal."""
    with tempfile.TemporaryDirectory() as name:
        folder = _made(Path(name))
        records = list(read(folder))
        quotes = sum(record.kind == QUOTE for record in records)
        rates, floors = [], []
        for _ in range(rounds):
            floors.append(quotes / _seconds(lambda: sum(1 for _ in read(folder))))
            rates.append(quotes / _seconds(lambda: _replayed(folder)))
    return Result(
        name="replay",
        measures=f"a journal of {quotes:,} quotes and {_DEALS} deals ({len(records):,} records) through desk.replay",
        includes="reading the journal, assembling the loop, every input, every output compared",
        excludes="making the journal; checking its seals",
        floor="reading the same journal record by record, nothing else",
        rounds=rounds, samples=rounds,
        rows=[
            Row("quotes a second", "1/s", percentile(rates, 50), percentile(rates, 1), percentile(floors, 50),
                more_is_better=True),
        ],
        flat={"quotes_per_s": percentile(rates, 50)},
        details={"quotes": quotes, "records": len(records), "deals": _DEALS, "rounds_quotes_per_s": rates},
    )  # fmt: skip


def _seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _replayed(folder: Path) -> None:
    verdict = replay(folder)
    demand(verdict.identical, f"an identical replay, found {verdict.difference}")


def _made(base: Path) -> Path:
    """A journal of a run with deals; its folder."""
    config, calendars = tuned()
    with engine(base, config, calendars) as loop:
        connect(loop)
        market = Market()
        for quote in market.opening():
            feed(loop, quote)
        for _ in range(_DEALS):
            for _ in range(IDLE_QUOTES):
                feed(loop, market.idle())
            feed(loop, market.move())
            answer(loop)
            loop.core.journal.turn()
        check_end(loop, _DEALS)
    return base / "journal"
