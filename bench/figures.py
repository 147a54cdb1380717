"""Figures: samples of several rounds, the rows of the table that they make, and what one bench hands back."""

import math
from statistics import median
from typing import NamedTuple

import msgspec


class Refused(Exception):
    """The work that was to be measured came out wrong, so there is no figure."""


class Missing(Exception):
    """What a bench needs is not on this machine: it is not measured, and nothing is wrong with its work."""


def demand(held: bool, expected: str) -> None:
    """Refused, saying what was expected, where it does not hold."""
    if not held:
        raise Refused(f"the figure is refused: expected {expected}")


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that `percent` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


class Samples:
    """Samples by round, in ns. p50: median of the rounds' medians; p99: over all samples."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []

    def add(self, samples: list[int]) -> None:
        self.rounds.append(samples)

    @property
    def count(self) -> int:
        return sum(len(samples) for samples in self.rounds)

    @property
    def medians(self) -> list[float]:
        return [median(samples) for samples in self.rounds]

    @property
    def p50(self) -> float:
        return median(self.medians)

    @property
    def p99(self) -> float:
        return self.at(99)

    def at(self, percent: float) -> float:
        """A percentile over all samples."""
        return percentile([sample for samples in self.rounds for sample in samples], percent)

    def less(self, timer_ns: int) -> "Samples":
        """Without what the timer itself takes; at least 1 ns each."""
        found = Samples()
        for each in self.rounds:
            found.add([max(sample - timer_ns, 1) for sample in each])
        return found


class Row(NamedTuple):
    """One line of the table. floor: p50 of the least that the same work could cost, in the same unit; None: no floor.

    more_is_better: the ratio is floor over figure then.
    """

    what: str
    unit: str
    p50: float
    p99: float | None = None
    floor: float | None = None
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        if not self.floor or not self.p50:
            return None
        return self.floor / self.p50 if self.more_is_better else self.p50 / self.floor


class Result(msgspec.Struct, kw_only=True):
    """What a bench found. flat: its figures by the names that scripts read; details: all that is behind them.

    notes: lines to be read beside the table.
    """

    name: str
    measures: str
    includes: str
    excludes: str
    floor: str
    rounds: int
    samples: int
    rows: list[Row]
    flat: dict[str, float]
    details: dict = {}
    notes: list[str] = []


def micros(row_what: str, found: Samples, floor: Samples | None = None) -> Row:
    """A row in microseconds."""
    return Row(row_what, "us", found.p50 / 1e3, found.p99 / 1e3, floor.p50 / 1e3 if floor else None)


def table(rows: list[tuple[str, Row]]) -> str:
    """Aligned columns, one line a row; (bench, row)."""
    head = ("bench", "figure", "unit", "p50", "p99", "floor p50", "ratio")
    lines = [(name, row.what, row.unit, *map(shown, (row.p50, row.p99, row.floor, row.ratio))) for name, row in rows]
    return "\n".join(aligned([head, *lines], texts=3))


def aligned(lines: list[tuple[str, ...]], texts: int) -> list[str]:
    """Lines of cells as texts of equal columns; the first `texts` columns begin left, the numbers after them right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(
            cell.ljust(width) if at < texts else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def shown(value: float | None) -> str:
    """A figure with three digits; '-' where there is none."""
    if value is None:
        return "-"
    if value >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
