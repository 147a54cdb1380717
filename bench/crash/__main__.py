"""`python -m bench.crash`: the crash campaign from the command line; a table, and a JSON with every kill."""

import argparse
import signal
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import msgspec

from bench.crash.campaign import MODES, Kill, Result, campaign, progress
from bench.machine import machine


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, metavar="N",
                        help="kills in all (mixed), or at random moments (all, random); default 30")  # fmt: skip
    parser.add_argument("--seed", type=int, default=7, metavar="S", help="of the markets and the moments (default 7)")
    words = "mixed: some of each sort; all: moments, and every point once; random: moments"
    parser.add_argument("--points", choices=MODES, default="mixed", help=words)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every kill there")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="a new folder for what the stages write (default: a temporary one)")  # fmt: skip
    return parser


def table(result: Result) -> str:
    """A line for each sort of point: kills, how many came to their point, seconds a kill, breaches at the kill."""
    groups: dict[str, list[Kill]] = defaultdict(list)
    for kill in result.kills:
        groups[kill.group].append(kill)
    lines = [f"{'where the engine died':<32}  {'kills':>5}  {'reached':>7}  {'s a kill':>8}  {'breaches':>8}"]
    for group, kills in sorted(groups.items()):
        seconds = sum(kill.seconds for kill in kills) / len(kills)
        bad = sum(len(kill.breaches) for kill in kills)
        reached = sum(kill.reached for kill in kills)
        lines.append(f"{group:<32}  {len(kills):>5}  {reached:>7}  {seconds:>8.2f}  {bad:>8}")
    return "\n".join(lines)


def as_json(result: Result) -> dict:
    """The figures flat, every kill and stage below them."""
    kills = result.kills
    return {
        "kills": len(kills), "reached": sum(kill.reached for kill in kills), "breaches": len(result.breaches),
        "stages": len(result.rounds), "orders": sum(stage.orders for stage in result.rounds),
        "deals": sum(stage.deals for stage in result.rounds), "torn": sum(stage.torn for stage in result.rounds),
        "mid_deal": sum(stage.mid_deal for stage in result.rounds), "seconds": result.seconds,
        "s_per_kill": result.seconds / max(len(kills), 1), "seed": result.seed, "said": result.breaches,
        "rounds": msgspec.to_builtins(result.rounds),
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where something did not hold, and the stages' folders are kept."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the processes of a stage end with it
    folder = asked.out or Path(tempfile.mkdtemp(prefix="tandem-crash-"))
    result = campaign(asked.kills, asked.seed, folder, asked.points, progress)
    figures = as_json(result)
    print(table(result))
    print(f"\n{figures['kills']} kills in {figures['seconds']:.0f} s ({figures['s_per_kill']:.1f} s each), "
          f"{figures['reached']} at their point, {figures['stages']} stages, {figures['deals']} deals, "
          f"{figures['orders']} orders; {figures['mid_deal']} restarts found a deal open, {figures['torn']} a turn cut "
          f"short: {figures['breaches']} breaches")  # fmt: skip
    for what in result.breaches:
        print(f"BREACH {what}")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        facts = {"machine": machine()} | figures
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(facts)))
    return 1 if result.breaches else 0


if __name__ == "__main__":
    sys.exit(main())
