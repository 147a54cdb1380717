"""What the command line's files share: what an argument may be, and how a file that is none is told."""

import argparse
import sys
from pathlib import Path


def positive(text: str) -> float:
    """An argument that is a number above 0."""
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


def count(text: str) -> int:
    """An argument that is a whole number from 0."""
    value = int(text)
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text}")
    return value


def some(text: str) -> int:
    """An argument that is a whole number from 1, of things that are printed."""
    value = int(text)
    if not 1 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to a million, got {text}")
    return value


def checked(path: Path):
    """The check of a file that has no problem; else its problems are printed, and None."""
    from desk.check import check, render

    result = check(path)
    if result.config is None:
        print(render(result), file=sys.stderr)
        return None
    return result


def on_journal(folder: Path, work) -> int:
    """Do something with a journal; 2 and one line where the folder holds none or a damaged one."""
    from engine.layout import Damaged

    if not folder.is_dir():
        print(f"{folder}: expected the folder of a journal, found none", file=sys.stderr)
        return 2
    try:
        return work()
    except (Damaged, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
