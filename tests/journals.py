"""Journals to test on: small ones, written by this process or by one that will be killed."""

import fcntl
import os
from pathlib import Path

import numpy as np

from engine import layout
from engine.journal import Journal
from engine.records import HEADER, LOG, QUOTE, QUOTE_DTYPE, START_DTYPE
from engine.segments import read
from engine.verify import verify

SEGMENT_BYTES = 64 << 10
QUOTE_BYTES = HEADER.itemsize + QUOTE_DTYPE.itemsize


def opened(folder: Path, segment_bytes: int = SEGMENT_BYTES) -> Journal:
    return Journal(folder / "journal", folder / "live", segment_bytes, sync_ms=5)


def quote(bid_ticks: int) -> np.void:
    row = np.zeros(1, QUOTE_DTYPE)
    row["bid_ticks"] = bid_ticks
    return row[0]


def start(epoch: int) -> np.void:
    row = np.zeros(1, START_DTYPE)
    row["epoch"] = epoch
    return row[0]


def written(folder: Path, records: int) -> Path:
    """A closed journal of that many quotes; its folder."""
    with opened(folder) as journal:
        for number in range(records):
            journal.append_input(QUOTE, number, quote(number))
            journal.turn()
    return folder / "journal"


def unsealed(folder: Path, source: Path) -> Path:
    """The segments alone, as if no sealer had ever run."""
    folder.mkdir()
    for path in source.glob("*.segment"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def seqs(folder: Path) -> list[int]:
    return [record.seq for record in read(folder)]


def wait_for_sealer(folder: Path) -> None:
    """Until the sealer of a killed engine has ended, which frees its lock."""
    with open(folder / "sealer.lock", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def whole(folder: Path) -> str:
    """How a journal without any problem ended."""
    verdict = verify(folder)
    assert verdict.problems == []
    return verdict.ended


def zero(path: Path, at: int, size: int) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes(size))


def write_until_killed(folder: Path, acks) -> None:
    """Append for ever; each seq is acknowledged on the pipe after its append. First of all the sealer's pid."""
    journal = opened(folder)
    acks.send_bytes(journal.sealer_pid.to_bytes(8, "little"))
    while True:
        seq = journal.append_input(QUOTE, 1, quote(journal.next_seq))
        os.write(acks.fileno(), seq.to_bytes(8, "little"))
        if seq % 3 == 0:
            journal.append_json(LOG, 2, {"seq": seq, "text": "x" * (seq % 60)})
        journal.turn()


def first_segment(folder: Path) -> Path:
    return folder / layout.name(1)
