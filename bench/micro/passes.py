"""Passes of pytest-benchmark over one file of micro-benches, as one bench's result.

Each micro-bench says in its extra_info what it is (`what`, `unit`), by which key scripts read it, and which other one
of its file is its floor. A pass takes some seconds and runs all of them, so its floors and its work stand side by side.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import msgspec

from bench.figures import Result, Row, demand
from desk.demo import ROOT

_UNITS = {"us": 1e6, "ns": 1e9}
_OPTIONS = ["-q", "-o", "python_files=bench_*.py", "-o", "python_functions=bench_*", "-o", "addopts=", "-p",
            "no:cacheprovider", "--benchmark-disable-gc", "--benchmark-min-rounds=5"]  # fmt: skip


class _Stats(msgspec.Struct):
    median: float
    rounds: int


class _Bench(msgspec.Struct):
    name: str
    stats: _Stats
    extra_info: dict


class _Report(msgspec.Struct):
    benchmarks: list[_Bench]


def passes(file: Path, count: int) -> list[dict[str, _Bench]]:
    """The benches of so many passes, by name. Refused where one of them found its work wrong."""
    return [_passed(file) for _ in range(count)]


def _passed(file: Path) -> dict[str, _Bench]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pytest", str(file), *_OPTIONS, f"--benchmark-json={report}"]
        # As a worker of somebody's parallel tests pytest-benchmark would not measure.
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        well = ran.returncode == 0 and report.exists()
        demand(well, f"every micro-bench to find its work right: {ran.stdout[-2000:]}{ran.stderr[-500:]}")
        found = msgspec.json.decode(report.read_bytes(), type=_Report).benchmarks
    return {bench.name: bench for bench in found}


def result(name: str, file: Path, rounds: int, words: dict[str, str]) -> Result:
    """A row and a flat key for each micro-bench that has a floor. words: the result's texts."""
    found = passes(file, rounds)
    rows, flat, details = [], {}, {}
    for bench in found[0].values():
        info = bench.extra_info
        if "floor" not in info:
            continue
        scale = _UNITS[info["unit"]]
        taken, floors = ([one[which].stats.median * scale for one in found] for which in (bench.name, info["floor"]))
        rows.append(Row(info["what"], info["unit"], median(taken), None, median(floors)))
        key = f"{info['key']}_{info['unit']}_p50"
        flat |= {key: median(taken), f"{info['key']}_over_floor": median(taken) / median(floors)}
        details[info["key"]] = {"rounds": taken, "floor_rounds": floors, "floor": info["floor"]}
    samples = sum(bench.stats.rounds for one in found for bench in one.values())
    return Result(name=name, rounds=rounds, samples=samples, rows=rows, flat=flat, details=details, **words)
