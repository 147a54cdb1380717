"""`python -m bench [NAME ...]`: runs the benches and prints one table."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench import (
    codec,
    gate,
    journal,
    kernels,
    levels,
    means,
    path,
    replay,
    scale,
    soak,
    start,
    storm_rate,
    sweep,
    wire,
)
from bench.figures import Missing, Refused, Result, table
from bench.machine import machine, shown
from bench.peers import engines as peers

# Each with its rounds where nobody says otherwise: all that run unnamed take some six minutes together.
BENCHES: dict[str, tuple[Callable[[int], Result], int]] = {
    "wire": (wire.measure, 7),
    "path": (path.measure, 5),
    "means": (means.measure, 5),
    "gate": (gate.measure, 9),
    "kernels": (kernels.measure, 3),
    "codec": (codec.measure, 3),
    "peers": (peers.measure, 3),
    "journal": (journal.measure, 9),
    "levels": (levels.measure, 6),
    "replay": (replay.measure, 5),
    "sweep": (sweep.measure, 5),
    "start": (start.measure, 5),
    "storm": (storm_rate.measure, 6),
    "soak": (soak.measure, 10),
    "scale": (scale.measure, 1),
}
ONLY_NAMED = {"soak", "scale"}  # the long ones: run where they are asked for by name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Costs of the hot path, each beside a floor that the same run measured."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; where none is "
                        f"given all but {', '.join(sorted(ONLY_NAMED))}")
    parser.add_argument("--list", action="store_true", help="what each bench measures, in a line")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, flat, with their details")
    parser.add_argument("--rounds", type=_rounds, metavar="N", help="rounds of each bench (default: its own)")
    return parser


def _rounds(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000, got {text}")
    return int(text)


def run(names: list[str], rounds: int | None, tell=print, named: bool = True) -> tuple[list[Result], list[str]]:
    """The results of these benches, and one sentence for each that was refused.

    named: whether they were asked for by name. What a bench needs and is missing is told, and refused only then.
    """
    results, refused = [], []
    for name in names:
        measure, own_rounds = BENCHES[name]
        try:
            result = measure(rounds or own_rounds)
        except Refused as why:
            refused.append(f"{name}: {why}")
            continue
        except Missing as why:
            if named:
                refused.append(f"{name}: {why}")
            else:
                tell(f"{name}: skipped: {why}\n")
            continue
        results.append(result)
        tell(_explained(result))
    return results, refused


def _explained(result: Result) -> str:
    lines = [f"{result.name}: {result.measures}", f"  included: {result.includes}", f"  excluded: {result.excludes}",
             f"  floor: {result.floor}", f"  {result.rounds} rounds, {result.samples:,} samples"]  # fmt: skip
    lines += [f"  {note}" for note in result.notes]
    return "\n".join(lines) + "\n"


def as_json(facts: dict, results: list[Result], refused: list[str]) -> dict:
    """Every figure as "bench.key", and as plain "key" where one bench of the run alone has it; then what is behind."""
    flat = {f"{result.name}.{key}": value for result in results for key, value in result.flat.items()}
    owners = Counter(key for result in results for key in result.flat)
    flat |= {key: value for result in results for key, value in result.flat.items() if owners[key] == 1}
    details = {result.name: msgspec.to_builtins(result) for result in results}
    return flat | {"details": details, "machine": facts, "refused": refused}


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where a figure was refused or a named bench lacks what it needs; 2 for a bench that is not known."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in BENCHES]
    if unknown:
        parser.error(f"{', '.join(unknown)}: expected {', '.join(BENCHES)}")
    if asked.list:
        for name, (measure, rounds) in BENCHES.items():
            print(f"{name:<8}  {rounds:>2} rounds  {sys.modules[measure.__module__].__doc__.splitlines()[0]}")
        return 0
    facts = machine()
    print(shown(facts) + "\n", flush=True)
    names = asked.names or [name for name in BENCHES if name not in ONLY_NAMED]
    results, refused = run(names, asked.rounds, named=bool(asked.names))
    if results:
        print(table([(result.name, row) for result in results for row in result.rows]))
    for why in refused:
        print(why, file=sys.stderr)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(as_json(facts, results, refused))))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
