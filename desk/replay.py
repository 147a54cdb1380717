"""`tandem replay`: a journal's inputs through the loop again, and a plain answer."""

import sys
from pathlib import Path

from desk.assembly import assemble
from engine import records
from engine.journal import MemoryJournal
from engine.replay import SCRATCH_BYTES, SilentGateway, Verdict, feed_folder
from engine.segments import read


def no_clock() -> int:
    """Replay measures nothing: stamps are asides."""
    return 0


def replay(folder: Path, progress=None) -> Verdict:
    """Replay a journal; ValueError where it holds no start."""
    config = next((record.data for record in read(folder) if record.kind == records.CONFIG), None)
    if config is None:
        raise ValueError(f"{folder}: expected a journal that begins with a START and a CONFIG record, found neither")
    journal = MemoryJournal(SCRATCH_BYTES)
    loop = assemble(config, journal, [SilentGateway() for _ in config["names"]["venues"]], no_clock)
    return feed_folder(loop, journal, folder, progress)


def main(folder: Path) -> int:
    """Print what the replay found; 0: identical, 1: not."""

    def progress(inputs: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{inputs:,} inputs", end="", file=sys.stderr, flush=True)

    verdict = replay(folder, progress)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    if verdict.identical:
        print(f"identical: {verdict.inputs:,} inputs gave the same {verdict.outputs:,} outputs, byte for byte")
        if verdict.untold:
            print(
                f"the process died in the turn of record {verdict.last_seq}: {len(verdict.untold)} of its outputs "
                "were not written; the next start writes them"
            )
        return 0
    place = f"record {verdict.difference.seq}" if verdict.difference.seq else "the end"
    print(f"NOT identical, first at {place}, after {verdict.inputs:,} inputs")
    print(f"  journal: {verdict.difference.expected}")
    print(f"  replay:  {verdict.difference.found}")
    return 1
