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
MOST_SOCKETS = 64


class Spinner:
    """Polls the sockets of some adapters into one engine."""

    def __init__(self, core: Core, adapters: list, rehearsal: Rehearsal | None = None) -> None:
        self._core, self._adapters, self._rehearsal = core, adapters, rehearsal
        self._watches = np.zeros(MOST_SOCKETS, WATCH)
        self._address = self._watches.ctypes.data

    def turn(self) -> None:
        """One poll of POLL_NS at most, what it has found seen to, and a rehearsal where it has found nothing."""
        core = self._core
        sockets = [one for adapter in self._adapters for one in adapter.hot()][:MOST_SOCKETS]
        for row, one in zip(self._watches, sockets, strict=False):
            row["fd"], row["lane"] = one.fileno(), one.lane()
        at = core.hot.poll(
            core.state.address, core.journal.address, self._address, len(sockets), now_ns() + POLL_NS,
            bool(core.signals),
        )  # fmt: skip
        if at == NOTHING:
            core.journal.turn()
            if self._rehearsal is not None:
                self._rehearsal.play()
            return
        row, found = self._watches[at], sockets[at]
        if row["lane"]:
            found.taken(int(row["recv_ns"]), int(row["waiting"]))
        found.read()

    async def run(self, fail: Callable[[BaseException], None]) -> None:
        """Until it is cancelled. fail: is told an error of the engine, once."""
        try:
            while True:
                self.turn()
                await asyncio.sleep(0)
        except Exception as error:
            fail(error)
