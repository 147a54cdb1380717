"""The rehearsal: the way from a venue's bytes to both orders, walked between two polls so that none of it is cold.

It plays on a state of its own, a copy of the live one made just before: the same compiled entry, with a strategy that
always wants to trade. Nothing of it is journalled and nothing leaves: its journal is scratch memory, its frames are
dropped. The live state is only read.
"""

import numpy as np

from adapters.fix44.sample import Sample
from desk.hot_rehearsal import set_stage, warm_rows
from engine.core import Core
from engine.frames import DROP, Board
from engine.journal import MemoryJournal
from engine.schema import HEAD, TABLES
from engine.sockets import NO_SOCKET, WATCH
from engine.state import State

_ORDERS, _DEALS = 256, 16
_JOURNAL_BYTES = 1 << 16
_WRITE_EVERY = 2_000  # plays: some tens of milliseconds


class Rehearsal:
    """One for a core whose board is furnished; nothing of the core is ever changed.

    sample: a venue's quote, played as if it had just been read. played: how often so far.
    """

    def __init__(self, core: Core, sample: Sample, instrument: int, strategy: int) -> None:
        head = core.state.head
        rows = {name: int(head[f"n_{name}"]) for name in TABLES if name not in ("scratch", "order", "deal")}
        self._core, self._sample, self._instrument = core, sample, instrument
        self._state = State(**rows, order=_ORDERS, deal=_DEALS)
        self._layout = self._state.block[: HEAD.fields["now_ns"][1]].copy()
        self._journal = MemoryJournal(_JOURNAL_BYTES)
        self._board = Board(len(core.state.venue), len(core.state.instrument))
        self._board.encoder[:], self._board.terms[:] = core.board.encoder, core.board.terms
        self._numbers = np.ones(1, np.int64)
        self._board.encoder["number_at"] = self._numbers.ctypes.data
        scratch = self._state.scratch
        scratch["clock_offset_ns"], scratch["board"] = core.state.scratch["clock_offset_ns"], self._board.address
        scratch["eager"] = 1
        self._watch = np.zeros(1, WATCH)
        self._watch["fd"], self._watch["lane"] = NO_SOCKET, sample.lane.address
        self._board.encoder["fd"] = DROP
        self._stage = (
            self._state.address, core.state.address, int(head["at_order"]), self._layout.ctypes.data,
            self._layout.nbytes, strategy, self._journal.address, self._watch.ctypes.data,
        )  # fmt: skip
        self._call = self._state.address, self._journal.address, self._watch.ctypes.data, 1, 0, False
        self.played = 0

    def play(self) -> None:
        """Once through the path: poll, parse, book, price, signal, gate, orders, frames, up to the send."""
        if self.played % _WRITE_EVERY == 0:
            book = self._core.state.book[self._instrument]
            sides = (int(book[name]) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))
            self._sample.write(self._instrument, *sides, self._core.clock())
        self.played += 1
        set_stage(*self._stage)
        self._sample.play()
        self._core.hot.poll(*self._call)
        warm_rows(self._core.state.address, self._core.journal.address)

    @property
    def reached(self) -> tuple[int, int]:
        """How far the last one came: decisions, and orders made."""
        scratch = self._state.scratch
        return int(scratch["launched"]), int(scratch["made"])


def rehearsal_of(core: Core, adapters: list) -> Rehearsal | None:
    """For the first strategy with a leg whose quotes come through a lane; None where there is none."""
    for adapter in adapters:
        sample = adapter.sample()
        for strategy, row in enumerate(core.state.strategy):
            spread = core.state.spread[row["spread"]]
            legs = spread["instrument"][: int(spread["legs"])].tolist()
            seen = [at for at in legs if sample is not None and at in sample.instruments]
            if seen:
                return Rehearsal(core, sample, seen[0], strategy)
    return None
