"""A process that plays ticks without an order under a filter of system calls: python -m tests.silent_ticks WAY FOLDER.

WAY: quote (Loop.on_quote), lane (Loop.on_stream, from FIX bytes), or planted (on_quote, with a getpid among them).
It ends with exit code 0 through exit_group; a system call that is not allowed ends it with SIGSYS.
"""

import gc
import os
import sys
import time
from pathlib import Path

from bench.rig import engine, tuned
from tests.seccomp import only
from tests.ticks import TICKS, laned, quoted, settled

# exit_group: its end. clock_gettime: only where the machine's clock cannot be read without the kernel (no vDSO). wait4:
# behind what a lane held the journal takes its turn, and each 5 ms looks whether its sealer is still there.
ALLOWED = {"quote": ("exit_group", "clock_gettime"), "lane": ("exit_group", "clock_gettime", "wait4")}
_LATEST_S = 10.0  # for the sealer's next segment to be there, mapped and touched
NO_FILTER = 77  # the exit code where the kernel will not have a filter


def main(way: str, folder: Path) -> None:
    config, calendars = tuned()
    with engine(folder, config, calendars) as loop:
        settled(loop)
        tick = laned(loop) if way == "lane" else quoted(loop)
        tick(TICKS)  # once without the filter: what is first done now is done
        journal, latest_s = loop.core.journal, time.monotonic() + _LATEST_S
        while not (journal._next and journal._next.ready) and time.monotonic() < latest_s:
            journal.turn()
        gc.collect()
        gc.disable()
        try:
            only(*ALLOWED.get(way, ALLOWED["quote"]))
        except OSError as error:
            print(error, file=sys.stderr)
            os._exit(NO_FILTER)
        tick(TICKS)
        if way == "planted":
            os.getpid()
        os._exit(0 if int(loop.core.state.head["decisions"]) == 0 else 1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
