"""hftbacktest's loop with its simulated exchanges, and our sweep with its fills, in turns over the same quotes.

The same quotes a millisecond apart, the same signal, limits and latency, an entry or an exit each eighth quote, every
order filled at its touch: both count the same deals. Ours plays parameter sets: a quote is booked and priced once and
every set asked; hftbacktest is run once for each, so its quotes a second are set against ours times the sets. What one
set alone comes to is told too. Ours has the making of its state in its time, hftbacktest only its loop.
"""

import tempfile
from pathlib import Path
from statistics import median

import msgspec
import numpy as np

from bench.figures import Row, demand
from bench.peers.process import Process, command
from bench.peers.rounds import Hello
from bench.rig import AU, GC, LEGS, Market, tuned
from bench.sweep import on_quotes
from desk.sweep_fills import EVENT

_DECISIONS, _SETS = 10_000, 16
_BEGIN_NS, _STEP_NS, _LATENCY_NS = 10**18, 1_000_000, 100_000
LOOP = command("hftbacktest", "hft_loop.py")
COLUMNS = ("now_ns", "instrument", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")


class Told(msgspec.Struct, forbid_unknown_fields=True):
    """Of one run: ns of the loop alone; steps: how often it had something to look at; lots by leg."""

    took_ns: int
    decisions: int
    steps: int
    traded_lots: list[int]
    held_lots: list[int]


class Loop(Process):
    """hftbacktest's process."""

    def greeted(self) -> None:
        self.hello = self.read(Hello)

    def play(self, quotes: np.ndarray) -> float:
        """Quotes a second. Refused where not every deal was done, or something is held at the end."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "quotes.npy")
            np.save(file, np.stack([quotes[name] for name in COLUMNS], axis=1))
            self.ask(msgspec.json.encode({"file": str(file)}).decode())
            told = self.read(Told)
        wanted = _DECISIONS, [_DECISIONS * LEGS[at] for at in (AU, GC)], [0, 0]
        found = told.decisions, told.traded_lots, told.held_lots
        demand(found == wanted, f"of hftbacktest (decisions, lots traded, lots held) to be {wanted}, found {found}")
        demand(told.steps >= len(quotes), f"{len(quotes)} quotes looked at by hftbacktest, found {told.steps}")
        return len(quotes) / told.took_ns * 1e9


class Backtests:
    """Quotes times sets a second by round: of one set, of all sets together, and of hftbacktest."""

    def __init__(self) -> None:
        self.one: list[float] = []
        self.all: list[float] = []
        self.loop: list[float] = []
        self._quotes = quotes_of(_DECISIONS)
        entry = tuned()[0].strategies[0].entry
        # Each a set of its own, and all decide at the same quotes.
        self._sets = [{"entry": entry + number * 0.01} for number in range(_SETS)]

    def round(self, peer: Loop, keep: bool) -> None:
        found = self._swept(self._sets[:1]), self._swept(self._sets), peer.play(self._quotes)
        for rates, rate in zip((self.one, self.all, self.loop), found, strict=True):
            if keep:
                rates.append(rate)

    def _swept(self, sets: list[dict]) -> float:
        """Refused where a set has not done every deal."""
        found = on_quotes(self._quotes, sets, _LATENCY_NS, log_rows=0)
        lots = _DECISIONS * sum(LEGS.values())
        wanted = {"decisions": _DECISIONS, "complete": _DECISIONS, "lots_traded": lots, "open": 0}
        for number, row in enumerate(found.results):
            done = {name: row[name] for name in wanted}
            demand(done == wanted, f"of set {number} {wanted}, found {done}")
        return len(self._quotes) * len(sets) / found.seconds

    def rows(self) -> list[Row]:
        """Ours in the floor column, so that a ratio says how often as much."""
        loop, one, many = self._medians()
        return [
            Row("hftbacktest, quotes (ours: one set)", "1/s", loop, None, one, more_is_better=True),
            Row(f"hftbacktest, quotes (ours: times {_SETS} sets)", "1/s", loop, None, many, more_is_better=True),
        ]

    def flat(self) -> dict[str, float]:
        loop, one, many = self._medians()
        return {"hftbacktest_quotes_per_s": loop, "sweep_quote_sets_per_s": many, "over_hftbacktest": many / loop,
                "over_hftbacktest_one_set": one / loop}  # fmt: skip

    def _medians(self) -> tuple[float, float, float]:
        return median(self.loop), median(self.one), median(self.all)


def quotes_of(decisions: int) -> np.ndarray:
    """The rig's quotes as a sweep's events; a last one, by which the last deal is answered."""
    market = Market()
    quotes = [*market.opening(), *market.decisions(decisions), market.idle()]
    events = np.zeros(len(quotes), EVENT)
    events["now_ns"] = _BEGIN_NS + (np.arange(len(quotes)) + 1) * _STEP_NS
    for name, column in zip(COLUMNS[1:], zip(*quotes, strict=True), strict=True):
        events[name] = column
    return events
