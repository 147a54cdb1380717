"""`python -m bench.campaign`: the long runs, one after the other, each a process with its own page; one dated JSON."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.soak import ROUND_S
from desk.demo import ROOT
from engine.clock import now_ns

_LONG_S = 1800


def _benches(file: Path) -> list[str]:
    return ["bench", "--rounds", "30", "--json", str(file)]


def _storm(file: Path) -> list[str]:
    return ["bench.storm", "--deals", "100000", "--json", str(file)]


def _crash(file: Path) -> list[str]:
    return ["bench.crash", "--points", "all", "--kills", "1000", "--json", str(file)]


def _small_worlds(file: Path) -> list[str]:
    worlds = ["--world", "pairs", "--world", "gold"]
    return ["bench.smallworld", "--states", "500000", "--depth", "16", *worlds, "--json", str(file)]


def _soak(file: Path) -> list[str]:
    return ["bench", "soak", "--rounds", str(_LONG_S // ROUND_S), "--json", str(file)]


def _demo(file: Path) -> list[str]:
    """The demo without its view, all its processes; its summary is the page."""
    return ["desk.cli", "demo", "--headless", "--seconds", str(_LONG_S), "--out", str(file.with_suffix(""))]


# What there is, how it is run, and about how long it takes on two cores.
PARTS: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "benches": (_benches, "20 min"),
    "storm": (_storm, "15 min"),
    "crash": (_crash, "60 min"),
    "smallworld": (_small_worlds, "10 min"),
    "soak": (_soak, f"{_LONG_S // 60} min"),
    "demo": (_demo, f"{_LONG_S // 60} min"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.campaign", description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=_names, default=list(PARTS), metavar="A,B",
                        help="of " + ", ".join(f"{name} ({span})" for name, (_, span) in PARTS.items()))  # fmt: skip
    parser.add_argument("--out", type=Path, default=ROOT / "campaign", help="folder of the results")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected some of {', '.join(PARTS)}")
    return names


def run(name: str, file: Path) -> dict:
    """One part: its exit code, how long it took, and the figures that it wrote."""
    command, span = PARTS[name]
    print(f"\n== {name} (about {span}): {' '.join(command(file))}", file=sys.stderr, flush=True)
    began_ns = now_ns()
    code = subprocess.run([sys.executable, "-m", *command(file)], cwd=ROOT, check=False).returncode
    written = file if file.exists() else file.with_suffix("") / "summary.json"
    figures = msgspec.json.decode(written.read_bytes()) if written.exists() else {}
    return {"exit_code": code, "seconds": (now_ns() - began_ns) / 1e9, "figures": figures}


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where a part did not end well."""
    asked = _parser().parse_args(arguments)
    began = datetime.fromtimestamp(now_ns() / 1e9, UTC)
    asked.out = asked.out.resolve()
    asked.out.mkdir(parents=True, exist_ok=True)
    stem = asked.out / began.strftime("%Y-%m-%dT%H%M")
    found = {name: run(name, stem.with_name(f"{stem.name}-{name}.json")) for name in asked.only}
    whole = stem.with_suffix(".json")
    whole.write_bytes(msgspec.json.format(msgspec.json.encode({"began": began.isoformat(timespec="seconds"), **found})))
    for name, part in found.items():
        print(f"{name:<10}  {'well' if part['exit_code'] == 0 else 'NOT WELL'}  {part['seconds']:,.0f} s")
    print(whole)
    return int(any(part["exit_code"] for part in found.values()))


if __name__ == "__main__":
    sys.exit(main())
