"""The only file that touches the OS clock. Everything else is handed `now_ns`.

Engine time is CLOCK_MONOTONIC shifted once, at the import, to the epoch: it never steps back, and stamps of several
processes on one machine compare to within the drift of the wall clock since their start.
"""

import time

OFFSET_NS = time.time_ns() - time.monotonic_ns()


def now_ns() -> int:
    """Nanoseconds since the epoch, monotonic."""
    return time.monotonic_ns() + OFFSET_NS
