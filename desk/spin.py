"""Busy mode: the hot sockets are polled in compiled code, and between two polls the whole path is rehearsed.

The event loop gets a turn after each: timers, people, WebSockets. A poll ends early where Python is needed.
"""

import asyncio
from collections.abc import Callable

import numpy as np

from desk.hot_poll import NOTHING
from desk.rehearsal import Rehearsal
from engine.clock import now_ns
from engine.core import Core
from engine.sockets import WATCH

POLL_NS = 20_000
POLLS_A_TURN = 10  # where the event loop owns no venue's socket; with one that it owns it gets a turn after each
MOST_SOCKETS = 64
_FD, _LANE, _RECV_NS, _WAITING = (WATCH.names.index(name) for name in ("fd", "lane", "recv_ns", "waiting"))
_FIELDS = len(WATCH.names)


class Spinner:
    """Polls the sockets of some adapters into one engine."""

    def __init__(self, core: Core, adapters: list, rehearsal: Rehearsal | None = None) -> None:
        self._core, self._adapters, self._rehearsal = core, adapters, rehearsal
        watches = np.zeros(MOST_SOCKETS, WATCH)
        self._rows, self._address = memoryview(watches.view(np.int64)), watches.ctypes.data

    def turn(self) -> None:
        """Polls of POLL_NS with a rehearsal behind each, until one has found something, which is seen to."""
        core, rows = self._core, self._rows
        hot = [adapter.hot() for adapter in self._adapters]
        sockets = [one for found in hot for one in found][:MOST_SOCKETS]
        for at, one in enumerate(sockets):
            rows[at * _FIELDS + _FD], rows[at * _FIELDS + _LANE] = one.fileno(), one.lane()
        for _ in range(POLLS_A_TURN if all(hot) else 1):
            at = core.hot.poll(
                core.state.address, core.journal.address, self._address, len(sockets), now_ns() + POLL_NS,
                bool(core.signals),
            )  # fmt: skip
            if at != NOTHING:
                row = at * _FIELDS
                if rows[row + _LANE]:
                    sockets[at].taken(rows[row + _RECV_NS], rows[row + _WAITING])
                sockets[at].read()
                return
            if self._rehearsal is not None:
                self._rehearsal.play()
        core.journal.turn()

    async def run(self, fail: Callable[[BaseException], None]) -> None:
        """Until it is cancelled. fail: is told an error of the engine, once."""
        try:
            while True:
                self.turn()
                await asyncio.sleep(0)
        except Exception as error:
            fail(error)
