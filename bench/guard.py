"""`python -m bench.guard`: ratios of the benches against a stored baseline; names what regressed, and exits with 1.

Only ratios are compared, each of work to its floor in the same run: absolute times are the machine's. Each figure has
its own band of noise, measured when the baseline was taken: how far its own repeats lay apart.
"""

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from bench.__main__ import BENCHES, run
from bench.figures import Result, aligned
from bench.machine import kind_of, machine, shown
from engine.clock import now_ns

BASELINE = Path(__file__).parent / "baseline.json"
CHOSEN = ("wire", "path", "gate", "kernels", "codec", "journal", "replay", "sweep", "storm", "start")
LEAST_BAND, BLIND_BAND = 0.15, 0.6
_REPEATS = 3
_TIMES_SPREAD = 2.0  # three repeats do not show how far a fourth may lie
FINE, REGRESSED, IMPROVED, MISSING, NEW = "", "REGRESSED", "improved", "MISSING", "new"


class Figure(msgspec.Struct, forbid_unknown_fields=True):
    """A baseline's ratio of a figure to its floor, less is better; band: by what share it may be worse unnoticed."""

    ratio: float
    band: float


class Baseline(msgspec.Struct, forbid_unknown_fields=True):
    """Figures as "bench: figure", and what they were taken with. taken: ISO, UTC."""

    taken: str
    machine: dict
    figures: dict[str, Figure]


class Verdict(NamedTuple):
    """One figure, then and now; None where it is not there. word: one of those above."""

    name: str
    was: float | None
    now: float | None
    band: float | None
    word: str


def ratios(results: list[Result]) -> dict[str, float]:
    """Every row that has a floor."""
    return {f"{result.name}: {row.what}": row.ratio for result in results for row in result.rows if row.ratio}


def compare(figures: Mapping[str, Figure], found: Mapping[str, float]) -> list[Verdict]:
    """In the baseline's order; what it does not have comes last. A missing figure is as bad as one that regressed."""
    verdicts = []
    for name, figure in figures.items():
        now = found.get(name)
        verdicts.append(Verdict(name, figure.ratio, now, figure.band, _word(figure, now)))
    return verdicts + [Verdict(name, None, now, None, NEW) for name, now in found.items() if name not in figures]


def _word(figure: Figure, now: float | None) -> str:
    if now is None:
        return MISSING
    if now > figure.ratio * (1 + figure.band):
        return REGRESSED
    return IMPROVED if now < figure.ratio / (1 + figure.band) else FINE


def stated(repeats: list[dict[str, float]]) -> dict[str, Figure]:
    """The figures of a new baseline: medians, and bands from how far the repeats lie apart."""
    names = [name for name in repeats[0] if all(name in found for found in repeats)]
    return {name: _figure([found[name] for found in repeats]) for name in names}


def _figure(values: list[float]) -> Figure:
    spread = max(values) / min(values) - 1
    return Figure(round(median(values), 4), round(max(LEAST_BAND, _TIMES_SPREAD * spread), 3))


def table(verdicts: list[Verdict]) -> str:
    head = ("figure", "verdict", "baseline", "now", "change", "band")
    lines = [(one.name, one.word, _number(one.was), _number(one.now), _change(one), _percent(one.band))
             for one in verdicts]  # fmt: skip
    return "\n".join(aligned([head, *lines], texts=2))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _change(one: Verdict) -> str:
    return "-" if one.was is None or one.now is None else f"{one.now / one.was - 1:+.0%}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def read_baseline(path: Path) -> Baseline:
    """ValueError where the file is no baseline."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Baseline)
    except (OSError, msgspec.DecodeError) as error:
        raise ValueError(f"{path}: expected a baseline, as --update writes it: {error}") from error


def judge(baseline: Baseline, facts: dict, found: Mapping[str, float], benches: list[str]) -> tuple[list[Verdict], int]:
    """The verdicts on these benches and the exit code: 1 where a figure regressed or is missing, on the machine that
    the baseline was taken on. On another one ratios may differ by themselves: then it advises and exits with 0."""
    figures = {name: figure for name, figure in baseline.figures.items() if name.partition(":")[0] in benches}
    verdicts = compare(figures, found)
    bad = any(one.word in (REGRESSED, MISSING) for one in verdicts)
    return verdicts, int(bad and kind_of(facts) == kind_of(baseline.machine))


def update(path: Path, facts: dict, benches: list[str], rounds: int | None) -> int:
    """Write a new baseline; 1, and nothing written, where a bench was refused. What the old one has of other benches
    stays, where it was taken on this machine."""
    repeats = []
    for number in range(_REPEATS):
        print(f"repeat {number + 1} of {_REPEATS}", flush=True)
        results, refused = run(benches, rounds, tell=lambda text: None)
        if refused:
            print("\n".join(refused), file=sys.stderr)
            return 1
        repeats.append(ratios(results))
    taken = datetime.fromtimestamp(now_ns() / 1e9, UTC).isoformat(timespec="seconds")
    baseline = Baseline(taken, facts, _others(path, facts, benches) | stated(repeats))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(baseline)) + b"\n")
    print(f"{len(baseline.figures)} figures in {path}, those of {', '.join(benches)} new")
    for name, figure in baseline.figures.items():
        if figure.band > BLIND_BAND:
            print(f"{name}: its repeats lie so far apart that it may get {figure.band:.0%} worse unnoticed; take it "
                  "again on a quieter machine")  # fmt: skip
    return 0


def _others(path: Path, facts: dict, benches: list[str]) -> dict[str, Figure]:
    """The figures of a baseline that is there already, but those of these benches."""
    if not path.exists():
        return {}
    old = read_baseline(path)
    same = kind_of(old.machine) == kind_of(facts)
    return {name: one for name, one in old.figures.items() if same and name.partition(":")[0] not in benches}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.guard", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"benches (default: {', '.join(CHOSEN)})")
    parser.add_argument("--update", action="store_true", help=f"write a new baseline, of {_REPEATS} runs")
    parser.add_argument("--baseline", type=Path, default=BASELINE, metavar="FILE",
                        help="(default: bench/baseline.json)")  # fmt: skip
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each bench (default: its own)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where a figure regressed or is missing; 2 for a wrong command or without a baseline."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    benches = asked.names or list(CHOSEN)
    if unknown := [name for name in benches if name not in BENCHES]:
        parser.error(f"{', '.join(unknown)}: expected {', '.join(BENCHES)}")
    facts = machine()
    print(shown(facts) + "\n", flush=True)
    try:
        if asked.update:
            return update(asked.baseline, facts, benches, asked.rounds)
        baseline = read_baseline(asked.baseline)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    results, refused = run(benches, asked.rounds, tell=lambda text: None)
    verdicts, code = judge(baseline, facts, ratios(results), benches)
    print(table(verdicts) + f"\n\nbaseline of {baseline.taken}")
    print("\n".join(refused), file=sys.stderr)
    if kind_of(facts) != kind_of(baseline.machine):
        print(f"taken on another machine, so this only advises: {shown(baseline.machine)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
