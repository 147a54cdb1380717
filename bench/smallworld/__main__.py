"""`python -m bench.smallworld`: walk small worlds and say what was found; 1 where an invariant broke."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import msgspec

from bench.smallworld.walk import walked
from bench.smallworld.world import WORLDS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.smallworld", description=__doc__.splitlines()[0])
    parser.add_argument("--states", type=int, default=1_000_000, help="distinct states a world (default: a million)")
    parser.add_argument("--depth", type=int, default=60, help="moves a path (default: 60)")
    parser.add_argument("--rare", type=int, default=2, help="rare events a path (default: 2)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample where a level is too large (default: 1)")
    parser.add_argument("--slow", type=int, default=-1,
                        help="beats a path that may pass while a venue owes something (default: any)")  # fmt: skip
    parser.add_argument("--whole", action="store_true", help="walk on from every state: breadth first, no sample")
    parser.add_argument("--world", action="append", choices=list(WORLDS), help="default: all of them")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--json", type=Path, help="file of the figures")
    return parser


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    names = asked.world or list(WORLDS)
    one = partial(walked, rare=asked.rare, states=asked.states, depth=asked.depth, seed=asked.seed,
                  whole=asked.whole, slow=asked.slow)  # fmt: skip
    if min(asked.jobs, len(names)) == 1:
        results = [one(name) for name in names]
    else:
        with ProcessPoolExecutor(min(asked.jobs, len(names)), get_context("spawn")) as pool:
            results = list(pool.map(one, names))
    for found in results:
        how = "closed" if found["closed"] else f"whole to depth {found['whole_to_depth']}, sampled to {found['depth']}"
        print(f"{found['world']}: {found['states']} distinct states, {found['moves']} moves, {how}, "
              f"{found['seconds']} s, {found['states_per_s']} states/s, {len(found['failures'])} failures")  # fmt: skip
        for failure in found["failures"]:
            print(failure)
    print(f"{sum(found['states'] for found in results)} distinct states in {len(results)} worlds")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    return 1 if any(found["failures"] for found in results) else 0


if __name__ == "__main__":
    sys.exit(main())
