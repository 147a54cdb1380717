"""`python -m bench.crash.child run ...`: the engine itself, made to kill itself at a point of a deal.

The point is in TANDEM_DIE_AT. It is put in from outside, by replacing a few functions before anything imports them, so
that the engine needs no hook. Several appends happen inside one compiled call; NUMBA_DISABLE_JIT=1 makes plain Python
of the same functions, and each of their appends can be trapped like any other.
"""

import os
import signal
import sys

import numba

from bench.crash.points import AFTER, APPEND, BEFORE, WRITE, Point, Window, named_kinds, parsed
from engine import append as appending
from engine import sockets
from engine.records import DEAL, DEAL_DTYPE

DIE_AT = "TANDEM_DIE_AT"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # not one instruction more of the engine


class Trap:
    """Counts the appends to the engine's own journal and the writes of its gateways, and dies at the point."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self._kind = named_kinds().get(point.where)
        self._window = Window()
        self._journal = 0  # address of the WRITER struct of the journal on disk; replay and rehearsal have others

    def install(self) -> None:
        if not numba.config.DISABLE_JIT:
            raise RuntimeError("expected NUMBA_DISABLE_JIT=1: compiled appends cannot be trapped")
        appending.append = self._trapped(appending.append)
        appending.append_input = self._trapped(appending.append_input)
        sockets.send = self._sending(sockets.send)
        from desk import run

        made, of = run.Journal, run.adapters_of

        def journal(*arguments):
            opened = made(*arguments)
            self._journal = opened.address
            return opened

        def adapters(*arguments):
            found = of(*arguments)
            for adapter in found:
                adapter.write, adapter.put = self._sending(adapter.write), self._sending(adapter.put)
            return found

        run.Journal, run.adapters_of = journal, adapters

    def _trapped(self, append):
        def trapped(writer_address, kind, flags, now_ns, source_address, size):
            if writer_address != self._journal:
                return append(writer_address, kind, flags, now_ns, source_address, size)
            number = self._window.journalled(kind)
            due = self._point.what == APPEND and kind == self._kind and number == self._point.number
            if due and self._point.side == BEFORE:
                die()
            seq = append(writer_address, kind, flags, now_ns, source_address, size)
            if due and seq and self._point.side == AFTER:
                die()
            if kind == DEAL:
                self._window.dealt(int(appending.view(source_address, 1, DEAL_DTYPE)[0]["state"]))
            return seq

        return trapped

    def _sending(self, write):
        def sending(*what):
            due = self._point.what == WRITE and self._window.sent() == self._point.number
            if due and self._point.side == BEFORE:
                die()
            status = write(*what)
            if due:
                die()
            return status

        return sending


def main(arguments: list[str]) -> int:
    Trap(parsed(os.environ[DIE_AT])).install()
    from desk.cli import main as tandem

    return tandem(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
