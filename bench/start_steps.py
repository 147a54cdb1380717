"""`tandem run` with a stamp at each step of its start, for `start`: python -m bench.start_steps run CONFIG ...

The process is the real one, with real sockets; the steps are called as always, each through a function that notes when
it was over. The stamps go to the file that TANDEM_START_STEPS names, once the engine takes its first beat.
"""

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

STEPS = ("interpreter", "imports", "config checked", "kernels loaded", "journal opened", "state assembled",
         "links opened")  # fmt: skip
FILE = "TANDEM_START_STEPS"


def noted(stamps: dict[str, int], step: str, call: Callable) -> Callable:
    """The same call, which notes when it was last over, in ns of CLOCK_MONOTONIC."""

    def run(*arguments, **named):
        found = call(*arguments, **named)
        stamps[step] = time.monotonic_ns()
        return found

    return run


def main() -> int:
    stamps = {"interpreter": time.monotonic_ns()}
    gc.disable()  # as the command does before its imports
    from desk import check, cli, run

    stamps["imports"] = time.monotonic_ns()
    check.check = noted(stamps, "config checked", check.check)
    run.warm = noted(stamps, "kernels loaded", run.warm)
    run.Journal = noted(stamps, "journal opened", run.Journal)
    run.recover = noted(stamps, "state assembled", run.recover)

    def begin(*arguments):
        stamps["links opened"] = time.monotonic_ns()
        Path(os.environ[FILE]).write_bytes(msgspec.json.encode(stamps))
        return beat(*arguments)

    beat, run._Beat = run._Beat, begin
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
