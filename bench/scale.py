"""`scale`: what one engine costs by its number of spreads and instruments, and what it does with too many quotes."""

import subprocess
import sys
from statistics import median

import msgspec

from bench.figures import Result, Row, demand
from bench.scale_load import INSTRUMENTS, SPREADS, Load
from bench.scale_size import Size
from desk.demo import ROOT

# (instruments, spreads): one grows while the other stays; then both.
SIZES = ((11, 1), (11, 10), (11, 100), (11, 1_000), (101, 10), (1_001, 10), (10_001, 10), (10_001, 1_000))
RATES = (1_000, 10_000, 50_000, 100_000, 200_000)
_PATIENCE_S = 120


def measure(rounds: int) -> Result:
    """Each size and each rate in a process of its own, in turns; medians of the rounds."""
    sizes, loads = [], []
    for _ in range(rounds):
        sizes.append([_child("bench.scale_size", Size, *size) for size in SIZES])
        loads.append([_child("bench.scale_load", Load, rate) for rate in RATES])
    by_size = [_middle(each) for each in zip(*sizes, strict=True)]
    by_rate = [_middle(each) for each in zip(*loads, strict=True)]
    return Result(
        name="scale",
        measures=f"a quote, the beat, start and memory of {len(SIZES)} sizes; {RATES[0]:,} to {RATES[-1]:,} quotes a "
        f"second into {INSTRUMENTS} instruments and {SPREADS} spreads, for a second at their planned times",
        includes="Loop.on_quote of all instruments in turns, so their rows are cold; the whole timer; for the rates: "
        "loopback TCP, plain FIX snapshots, the lane, the beat",
        excludes="decisions; a start's imports and kernels (see `start`); making the messages",
        floor="a bare njit call with as many ints, in the same process; the beat's period of 50 ms; the planned rate",
        rounds=rounds, samples=rounds * (len(SIZES) + len(RATES)),
        rows=[row for size in by_size for row in _size_rows(size)]
        + [row for load in by_rate for row in _load_rows(load)],
        flat=_flat(by_size, by_rate),
        details={"sizes": msgspec.to_builtins(by_size), "loads": msgspec.to_builtins(by_rate)},
        notes=[_says(load) for load in by_rate],
    )  # fmt: skip


def _child(module: str, kind: type, *arguments: int):
    command = [sys.executable, "-m", module, *map(str, arguments)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    last = ran.stderr.strip().splitlines()[-1:]
    demand(ran.returncode == 0, f"{module} {arguments} to find its work right: {' '.join(last)}")
    return msgspec.json.decode(ran.stdout, type=kind)


def _middle(found: tuple):
    """Field by field the median; whole numbers stay whole."""
    kind = type(found[0])
    fields = {name: median(getattr(one, name) for one in found) for name in kind.__struct_fields__}
    return kind(**{name: type(getattr(found[0], name))(value) for name, value in fields.items()})


def _size_rows(size: Size) -> list[Row]:
    name = f"{size.instruments:,} instruments, {size.spreads:,} spreads"
    return [
        Row(f"{name}: a quote", "us", size.quote_us_p50, size.quote_us_p99, size.bare_us_p50),
        Row(f"{name}: the rate's", "us", size.rate_us_p50, None, size.bare_us_p50),
        Row(f"{name}: a beat with its sample", "ms", size.sample_ms_p50, size.beat_ms_max, 50.0),
        Row(f"{name}: start", "s", size.start_s),
        Row(f"{name}: memory", "MB", size.rss_anon_mb),
    ]


def _load_rows(load: Load) -> list[Row]:
    name = f"{load.rate:,} quotes a second"
    return [Row(f"{name}: late", "us", load.late_us_p50, load.late_us_p99),
            Row(f"{name}: taken", "1/s", load.taken_per_s, None, load.rate, more_is_better=True)]  # fmt: skip


def _says(load: Load) -> str:
    return (
        f"{load.rate:,} quotes a second: {load.merged / load.messages:.0%} overtaken and merged, "
        f"{load.service_us:.2f} us each, at most {load.backlog_bytes / 1024:,.0f} KB unread in the socket, latest "
        f"{load.late_ms_max:.1f} ms behind its plan"
    )


def _flat(sizes: list[Size], loads: list[Load]) -> dict[str, float]:
    found = {}
    for size in sizes:
        name = f"{size.instruments}i_{size.spreads}s"
        found |= {f"quote_us_{name}": size.quote_us_p50, f"sample_ms_{name}": size.sample_ms_p50,
                  f"start_s_{name}": size.start_s, f"rss_anon_mb_{name}": size.rss_anon_mb}  # fmt: skip
    for load in loads:
        found |= {f"late_us_p99_{load.rate}": load.late_us_p99, f"merged_{load.rate}": load.merged / load.messages}
    kept_up = [load.rate for load in loads if load.taken_per_s > 0.95 * load.rate]
    return found | {"kept_up_per_s": max(kept_up, default=0)}
