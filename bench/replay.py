"""`replay`: journals with more and fewer deals through the same loop again, outputs compared byte for byte."""

import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.figures import Result, Row, demand, percentile
from bench.recordings import recorded
from desk.replay import replay
from engine.segments import indexed


class Mix(NamedTuple):
    """A kind of day: how many quotes, one deal in so many of them (0: none), one beat of the timer in so many."""

    what: str
    key: str
    quotes: int
    quotes_a_deal: int
    quotes_a_beat: int


MIXES = (
    Mix("no deal", "no_deals", 1_000_000, 0, 0),
    Mix("a deal in 10,000", "deal_in_10000", 400_000, 10_000, 0),
    Mix("a deal in 1,000", "deal_in_1000", 100_000, 1_000, 0),
    Mix("a deal in 8", "deal_in_8", 2_400, 8, 0),
    Mix("a beat in 50, a deal in 1,000", "mix", 100_000, 1_000, 50),
)


def measure(rounds: int) -> Result:
    """Replay each journal, made before the first round, once a round, behind a walk over its records alone."""
    with tempfile.TemporaryDirectory() as name:
        folders, records = [], []
        for mix in MIXES:
            folders.append(recorded(Path(name) / mix.key, mix.quotes, mix.quotes_a_deal, mix.quotes_a_beat))
            records.append(_walked(folders[-1]))
        rates, floors = [[] for _ in MIXES], [[] for _ in MIXES]
        for _ in range(rounds):
            for at, (mix, folder) in enumerate(zip(MIXES, folders, strict=True)):
                floors[at].append(mix.quotes / _seconds(lambda folder=folder: _walked(folder)))
                rates[at].append(mix.quotes / _seconds(lambda mix=mix, folder=folder: _replayed(mix, folder)))
    p50 = {mix.key: percentile(found, 50) for mix, found in zip(MIXES, rates, strict=True)}
    return Result(
        name="replay",
        measures="quotes a second of journals through desk.replay, from the folder to the verdict; deals of two orders",
        includes="reading the journal, assembling the loop, every input, every output compared",
        excludes="making the journals; checking their seals",
        floor="finding every record of the same journal in compiled code, nothing else",
        rounds=rounds, samples=rounds * len(MIXES),
        rows=[
            Row(mix.what, "1/s", percentile(rate, 50), percentile(rate, 1), percentile(floor, 50), more_is_better=True)
            for mix, rate, floor in zip(MIXES, rates, floors, strict=True)
        ],
        notes=["the last mix, which quotes_per_s is of, has 1,000 quotes, 20 beats, 4 samples and a deal a second"],
        flat={"quotes_per_s": p50["mix"], "quotes_per_s_no_deals": p50["no_deals"],
              **{f"quotes_per_s_{mix.key}": p50[mix.key] for mix in MIXES[1:4]}},
        details={"records": dict(zip((mix.key for mix in MIXES), records, strict=True)),
                 "rounds_quotes_per_s": {mix.key: rate for mix, rate in zip(MIXES, rates, strict=True)}},
    )  # fmt: skip


def _seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _walked(folder: Path) -> int:
    return sum(len(offsets) for _, offsets in indexed(folder))


def _replayed(mix: Mix, folder: Path) -> None:
    verdict = replay(folder)
    demand(verdict.identical, f"an identical replay, found {verdict.difference}")
    deals = mix.quotes // mix.quotes_a_deal if mix.quotes_a_deal else 0
    least = mix.quotes + 4 * deals
    demand(verdict.inputs >= least, f"{least} inputs and more, found {verdict.inputs}")
    demand(verdict.outputs >= 16 * deals, f"16 outputs a deal, found {verdict.outputs} of {deals} deals")
