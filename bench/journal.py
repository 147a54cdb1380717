"""`journal`: appending records inside compiled code, while the sealer copies, hashes and syncs behind it."""

import tempfile
import time
from pathlib import Path

import numpy as np

from bench.figures import Result, Row, Samples, demand
from bench.rig import live_folder
from engine.append import append
from engine.clock import now_ns
from engine.jit import njit
from engine.journal import Journal
from engine.memory import copy
from engine.records import HEADER, QUOTE, QUOTE_DTYPE
from engine.verify import verify

_BATCH = 500  # records a sample
_BATCHES = 40  # a round
_SEGMENT_BYTES = 16 << 20
RECORD_BYTES = HEADER.itemsize + QUOTE_DTYPE.itemsize


@njit
def _append_many(journal, source, size, count, now_ns):
    for _ in range(count):
        append(journal, QUOTE, 0, now_ns, source, size)


@njit
def _copy_many(target, source, size, count):
    for at in range(count):
        copy(target + at * size, source, size)


def measure(rounds: int) -> Result:
    """Batches of quote records; between two batches the journal takes its turn, as after each input of a live run."""
    timed, floor, turns = Samples(), Samples(), Samples()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with live_folder(folder) as live, Journal(folder / "journal", live, _SEGMENT_BYTES, "bench") as journal:
            for number in range(rounds + 1):  # the first one warms up
                for samples, found in zip((timed, floor, turns), _round(journal), strict=True):
                    if number:
                        samples.add(found)
            stalls, written = journal.stalls, journal.next_seq - 1
        verdict = verify(folder / "journal")
    wanted = (rounds + 1) * _BATCHES * _BATCH
    demand(written == wanted and not verdict.problems, f"{wanted} sealed records, found {written}: {verdict}")
    record, bare = timed.p50 / _BATCH, floor.p50 / _BATCH
    return Result(
        name="journal",
        measures=f"one record of {RECORD_BYTES} bytes appended inside a kernel, the mean of {_BATCH}",
        includes="header, payload, commit word; the sealer runs and syncs beside it; all records verified afterwards",
        excludes="the call into the kernel; the journal's turn between batches (its own row)",
        floor="as many bytes copied to ordinary memory, in the same kind of loop",
        rounds=rounds, samples=timed.count,
        rows=[
            Row("a record", "ns", record, timed.p99 / _BATCH, bare),
            Row("records a second", "1/s", 1e9 / record, None, 1e9 / bare, more_is_better=True),
            Row("a turn between batches", "us", turns.p50 / 1e3, turns.p99 / 1e3),
            Row("rolls that stalled", "count", stalls),
        ],
        flat={"record_ns_p50": record, "records_per_s": 1e9 / record, "stalls": stalls},
        details={"record_bytes": RECORD_BYTES, "records": written,
                 "round_medians_ns": [each / _BATCH for each in timed.medians]},
    )  # fmt: skip


def _round(journal: Journal) -> tuple[list[int], list[int], list[int]]:
    """(samples, the floor's, the turns'), each of a batch, in ns."""
    payload = np.zeros(1, QUOTE_DTYPE)
    target = np.zeros(_BATCH * RECORD_BYTES, np.uint8)
    source = np.zeros(RECORD_BYTES, np.uint8)
    timer = time.perf_counter_ns
    timed, floor, turns = [], [], []
    for _ in range(_BATCHES):
        at_ns = now_ns()
        began = timer()
        _append_many(journal.address, payload.ctypes.data, QUOTE_DTYPE.itemsize, _BATCH, at_ns)
        ended = timer()
        _copy_many(target.ctypes.data, source.ctypes.data, RECORD_BYTES, _BATCH)
        copied = timer()
        journal.turn()
        turned = timer()
        timed.append(ended - began)
        floor.append(copied - ended)
        turns.append(turned - copied)
    return timed, floor, turns
