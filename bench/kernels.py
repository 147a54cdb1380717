"""`kernels`: a quote through the compiled half with 1, 10, 100 and 1,000 spreads on its instrument."""

from pathlib import Path

from bench.figures import Result
from bench.micro.passes import result

_FILE = Path(__file__).parent / "micro" / "bench_kernels.py"


def measure(rounds: int) -> Result:
    """Passes of pytest-benchmark; what a spread more costs is the difference between two rows."""
    found = result("kernels", _FILE, rounds, {
        "measures": "the median call: hot.on_quote of a leg that so many spreads share, and price_touched alone",
        "includes": "the quote's record, the book, every spread's price, its strategy asked; the call from Python",
        "excludes": "reading bytes; the journal's file (a buffer takes the records); a decision",
        "floor": "a bare njit call with as many ints (eleven, three) that returns one of them, in the same pass",
    })  # fmt: skip
    few, many = (found.flat[f"quote_{count}_us_p50"] for count in (1, 1_000))
    found.flat["a_spread_ns"] = (many - few) / 999 * 1e3
    found.notes.append(f"a spread more costs {found.flat['a_spread_ns']:.0f} ns (from 1 to 1,000)")
    return found
