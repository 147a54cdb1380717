"""`python -m bench.campaign`: the long runs into a dated JSON: every bench with more rounds, small worlds, a soak."""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.__main__ import BENCHES, as_json, run
from bench.figures import table
from bench.machine import machine, shown
from desk.demo import ROOT
from engine.clock import now_ns

_ROUNDS = 30
_SMALL_STATES = 500_000
_SOAK_SLACK_S = 120  # to start, stop, replay and report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.campaign", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help=f"of each bench (default: {_ROUNDS})")
    parser.add_argument("--soak-s", type=int, default=0, metavar="S", help="also run the demo for S seconds, headless")
    parser.add_argument("--small-states", type=int, default=_SMALL_STATES, metavar="N",
                        help=f"of each of two small worlds, 0: none (default: {_SMALL_STATES})")  # fmt: skip
    parser.add_argument("--out", type=Path, default=ROOT / "campaign", help="folder of the results")
    return parser


def small_worlds(states: int, file: Path) -> int:
    """Walk the small worlds, so many states in all of each; the exit code."""
    command = [sys.executable, "-m", "bench.smallworld", "--states", str(states), "--depth", "16", "--json", str(file)]
    return subprocess.run([*command, "--world", "pairs", "--world", "gold"], cwd=ROOT, check=False).returncode


def soak(seconds: int, out: Path) -> dict:
    """The demo without its view, for so long; its exit code and its summary, {} where it left none."""
    command = [sys.executable, "-m", "desk.cli", "demo", "--headless", "--seconds", str(seconds), "--out", str(out)]
    code = subprocess.run(command, cwd=ROOT, timeout=seconds + _SOAK_SLACK_S, check=False).returncode
    summary = out / "summary.json"
    return {
        "seconds": seconds,
        "exit_code": code,
        "summary": msgspec.json.decode(summary.read_bytes()) if summary.exists() else {},
    }


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where a figure was refused or the soak did not end well."""
    asked = _parser().parse_args(arguments)
    began = datetime.fromtimestamp(now_ns() / 1e9, UTC)
    name = began.strftime("%Y-%m-%dT%H%M")
    facts = machine()
    print(shown(facts) + "\n", flush=True)
    results, refused = run(list(BENCHES), asked.rounds)
    print(table([(result.name, row) for result in results for row in result.rows]), flush=True)
    found = {"began": began.isoformat(timespec="seconds"), **as_json(facts, results, refused)}
    asked.out.mkdir(parents=True, exist_ok=True)
    broken = asked.small_states and small_worlds(asked.small_states, asked.out / f"{name}-smallworld.json")
    if asked.soak_s:
        found["soak"] = soak(asked.soak_s, asked.out / f"{name}-soak")
    file = asked.out / f"{name}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    for why in refused:
        print(why, file=sys.stderr)
    print(file)
    return 1 if refused or broken or found.get("soak", {}).get("exit_code") else 0


if __name__ == "__main__":
    sys.exit(main())
