"""The rehearsal: the way from a venue's bytes to both orders, walked between two polls so that none of it is cold.

It plays on a state of its own, a copy of the live one made just before: the same compiled entry, with a strategy that
always wants to trade. Nothing of it is journalled and nothing leaves: its journal is scratch memory, its frames are
dropped. The live state is only read.
"""

import ctypes

import numpy as np

from adapters.fix44.sample import Sample
from desk.hot_poll import WATCH
from engine.core import Core
from engine.frames import DROP, Board
from engine.journal import MemoryJournal
from engine.schema import ACTIVE, HEAD, TABLES
from engine.state import State

_ORDERS, _DEALS = 256, 16
_JOURNAL_BYTES = 1 << 16
_FAR = 1e12  # where no price ever is
_WRITE_EVERY = 2_000  # plays: some tens of milliseconds


class Rehearsal:
    """One for a core whose board is furnished; nothing of the core is ever changed.

    sample: a venue's quote, played as if it had just been read. played, decided, fired: how often so far, how often a
    decision came of it, and orders' frames.
    """

    def __init__(self, core: Core, sample: Sample, instrument: int, strategy: int) -> None:
        head = core.state.head
        rows = {name: int(head[f"n_{name}"]) for name in TABLES if name not in ("scratch", "order", "deal")}
        self._core, self._sample, self._instrument, self._strategy = core, sample, instrument, strategy
        self._state = State(**rows, order=_ORDERS, deal=_DEALS)
        self._bytes = int(head["at_order"])
        self._layout = self._state.block[: HEAD.fields["now_ns"][1]].tobytes()
        self._journal = MemoryJournal(_JOURNAL_BYTES)
        self._board = Board(len(core.state.venue), len(core.state.instrument))
        self._board.encoder[:], self._board.terms[:] = core.board.encoder, core.board.terms
        self._numbers = np.ones(1, np.int64)
        self._board.encoder["number_at"] = self._numbers.ctypes.data
        scratch = self._state.scratch
        scratch["clock_offset_ns"], scratch["board"] = core.state.scratch["clock_offset_ns"], self._board.address
        scratch["eager"] = 1
        self._watch = np.zeros(1, WATCH)
        self._watch["fd"], self._watch["lane"] = -1, sample.lane.address
        self._board.encoder["fd"] = DROP
        self.played = self.decided = self.fired = 0

    def play(self) -> None:
        """Once through the path: poll, parse, book, price, signal, gate, orders, frames, up to the send."""
        if self.played % _WRITE_EVERY == 0:
            book = self._core.state.book[self._instrument]
            sides = (int(book[name]) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))
            self._sample.write(self._instrument, *sides, self._core.clock())
        self.played += 1
        self._set()
        self._sample.play()
        self._core.hot.poll(self._state.address, self._journal.address, self._watch.ctypes.data, 1, 0, False)
        self.decided += int(self._state.scratch["launched"])
        self.fired += int(self._state.scratch["made"])
        self._journal.reset()

    def _set(self) -> None:
        """The state as it is now, and a strategy for which any price is worth a trade."""
        state, live = self._state, self._core.state
        ctypes.memmove(state.address, live.address, self._bytes)
        ctypes.memmove(state.address, self._layout, len(self._layout))
        row = state.strategy[self._strategy]
        row["entry"], row["center"], row["min_edge"], row["exit"] = -_FAR, -_FAR, -_FAR, 0.0
        row["fixed_center"], row["band"], row["min_samples"], row["armed"] = 1, 0, 0, 1
        row["open_deals"] = row["position_units"] = row["last_decision_ns"] = row["shadow"] = 0
        row["switch"] = ACTIVE
        state.spread[row["spread"]]["open_deals"] = 0
        state.head["shadow"] = 0


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
