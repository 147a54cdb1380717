"""A listener without an engine: what a lane takes is told as single quotes, by the same compiled call as live."""

import numpy as np

from desk.composed import HOT
from engine.journal import MemoryJournal
from engine.records import QUOTE
from engine.sockets import NO_SOCKET, WATCH
from engine.state import State

_ROWS = dict.fromkeys(
    ("market", "stake", "execution", "meter", "tier", "venue", "account", "pool", "currency", "spread", "ring", "touch",
     "strategy", "order", "deal"), 1,
)  # fmt: skip
_INSTRUMENTS = 64


class LaneEar:
    """For an `engine.ports.Inputs` that hears quotes by `on_quote` alone; instruments below 64."""

    def on_stream(self, lane: int, recv_ns: int, waiting: int | None = None) -> None:
        tables = dict.fromkeys(("instrument", "book", "position"), _INSTRUMENTS)
        state, journal = State(**_ROWS, **tables), MemoryJournal(1 << 14)
        watch = np.array([(NO_SOCKET, lane, recv_ns, 0, 0)], WATCH)
        while HOT.poll(state.address, journal.address, watch.ctypes.data, 1, 0, True) == 0 and watch[0]["waiting"]:
            for record in journal.records():
                assert record.kind == QUOTE
                data = record.data
                self.on_quote(
                    *(int(data[name]) for name in ("instrument", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")),
                    int(data["venue_ns"]), recv_ns, int(data["venue_seq"]), int(data["flags"]),
                )  # fmt: skip
            journal.reset()
            state.book["venue_seq"] = 0
