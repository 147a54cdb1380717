"""The orders' bytes, made by the compiled half in the call that decides: a board of what it needs, and a row a frame.

The board lies outside the state, since session numbers and addresses are of this process alone: replay has no board,
and makes no bytes. A venue without an encoder (another protocol, a test) gets its orders from Python.
"""

from collections.abc import Callable

import numpy as np

from engine.ports import WRITTEN
from engine.schema import MAX_ORDERS

NO_PROTOCOL = 0
LARGEST_UNIT = 1000  # of a step: 2^53 of it stay below 2^63
HEAD_BYTES, CONTRACT_BYTES, FRAME_BYTES = 192, 160, 576

# A venue: its protocol (of `desk.order_frames`), and what all of its orders share.
ENCODER = np.dtype([
    ("protocol", "<i8"),
    ("number_at", "<i8"),  # address of the session's next message number, which is only read; 0: messages have none
    ("made", "<i8"),  # frames of the decision at hand
    ("fd", "<i8"),  # a socket that takes whole frames now; CLOSED: Python writes; DROP: they are made and go nowhere
    ("second", "<i8"), ("stamp", "u1", (24,)),  # the last second whose text was made, and the text
    ("head_n", "<i8"), ("head", "u1", (HEAD_BYTES,)),
], align=True)  # fmt: skip

# An instrument: how its prices and sizes are written, and the part of an order's frame that names it.
TERMS = np.dtype([
    ("price_unit", "<i8"), ("price_digits", "<i8"), ("size_unit", "<i8"), ("size_digits", "<i8"),  # as `put_steps`
    ("net", "<i8"),  # positions are one number: an order does not say whether it opens
    ("contract_n", "<i8"), ("contract", "u1", (CONTRACT_BYTES,)),
], align=True)  # fmt: skip

CLOSED, DROP = -1, -2

# The frame of one order: bytes[start : start + size]. number: the session's number in it. sent: bytes that compiled
# code got rid of, NOT_TRIED, or -1 where the kernel took none; sent_ns: when.
FRAME = np.dtype([
    ("slot", "<i8"), ("order_no", "<i8"), ("venue", "<i8"), ("number", "<i8"), ("start", "<i8"), ("size", "<i8"),
    ("sent", "<i8"), ("sent_ns", "<i8"),
    ("bytes", "u1", (FRAME_BYTES,)),
], align=True)  # fmt: skip

# What compiled code is handed: addresses of the three tables. count: frames that wait to be fired, in their order.
BOARD = np.dtype([("encoders", "<i8"), ("terms", "<i8"), ("frames", "<i8"), ("count", "<i8")])
_COUNT = BOARD.names.index("count")
_SLOT, _ORDER_NO, _VENUE, _NUMBER, _START, _SIZE, _SENT, _SENT_NS = range(8)
NOT_TRIED = -2


class Board:
    """The tables, by venue and by instrument; adapters fill their own rows (`furnish`)."""

    def __init__(self, venues: int, instruments: int) -> None:
        self.encoder = np.zeros(venues, ENCODER)
        self.terms = np.zeros(max(instruments, 1), TERMS)
        self._frames = np.zeros(MAX_ORDERS, FRAME)
        self._board = np.zeros(1, BOARD)
        self._board[0] = (*(table.ctypes.data for table in (self.encoder, self.terms, self._frames)), 0)
        self.address = self._board.ctypes.data
        self._head = memoryview(self._board.view(np.int64))
        self._rows = [memoryview(row.view(np.int64)) for row in self._frames.view(np.uint8).reshape(MAX_ORDERS, -1)]
        self._bytes = [memoryview(row) for row in self._frames["bytes"]]
        self.encoder["second"], self.encoder["fd"] = -1, CLOSED

    def socket_cell(self, venue: int) -> memoryview:
        """Where a venue's socket says whether it takes frames: its number, or CLOSED."""
        at = ENCODER.fields["fd"][1]
        return memoryview(self.encoder[venue : venue + 1].view(np.uint8)[at : at + 8]).cast("q")

    def fire(self, gateways: list, clock: Callable[[], int]) -> list[tuple[int, int, int, int, int, int]]:
        """Write what compiled code has not written; (slot, order number, session's number, status, when, size) of every
        frame. Once: what was fired does not wait any more, whatever comes of it."""
        count, self._head[_COUNT] = self._head[_COUNT], 0
        fired = []
        for one in range(count):
            row = self._rows[one]
            start, size, sent, sent_ns = row[_START], row[_SIZE], row[_SENT], row[_SENT_NS]
            status = WRITTEN
            if sent != size:
                frame, gateway = self._bytes[one][start : start + size], gateways[row[_VENUE]]
                status = gateway.put(frame, row[_NUMBER]) if sent == NOT_TRIED else gateway.go_on(frame, max(sent, 0))
                sent_ns = clock()
            fired.append((row[_SLOT], row[_ORDER_NO], row[_NUMBER], status, sent_ns, size))
        return fired


def fill(row, name: str, text: bytes) -> bool:
    """A text and its length into a row's `name` and `name`_n; False, and nothing is written, where it is too long."""
    if len(text) > row[name].shape[0]:
        return False
    row[name][: len(text)] = np.frombuffer(text, np.uint8)
    row[f"{name}_n"] = len(text)
    return True
