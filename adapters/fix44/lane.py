"""The lane of a market data session: a receive buffer and the best quotes of its symbols, shared with compiled code.

What is plain is taken in compiled code (`quick.py`): the next number in turn, the right parties, a snapshot or an
increment that can be read without a question. Everything else, and all that is wrong, is the session's (`session.py`)
and the feed's (`feed.py`), which read the same rows.
"""

import numpy as np

from adapters.fix44.listing import Listed, Listing

BUFFER_BYTES = 1 << 17
ROOM_BYTES = 1 << 16  # of one read
SYMBOL_BYTES, PARTY_BYTES = 48, 96
MAX_ENTRIES = 64  # of one increment
RESTART = -1

# Best quote of one symbol as the venue last told it. seq: the venue's number of its last update, 0 where it does not
# number them. told: the number that the engine was given last; RESTART while it may still hold one of an earlier
# numbering. broken: an update is missing; what increments say stays flagged until the next snapshot. waits: the engine
# has not been told of the last update yet.
TOP = np.dtype([
    ("index", "<i8"), ("symbol_n", "<i8"), ("symbol", "u1", (SYMBOL_BYTES,)),
    ("price_unit", "<i8"), ("price_digits", "<i8"), ("size_unit", "<i8"), ("size_digits", "<i8"),
    ("bid_ticks", "<i8"), ("bid_lots", "<i8"), ("ask_ticks", "<i8"), ("ask_lots", "<i8"),
    ("seq", "<i8"), ("told", "<i8"), ("broken", "<i8"), ("waits", "<i8"), ("merged", "<i8"), ("flags", "<i8"),
    ("venue_ns", "<i8"),
], align=True)  # fmt: skip

# data: address of the buffer; [at, filled) holds what is not taken yet. number_at: address of the session's next
# incoming number. parties: "49=..|56=.." as every good message says it. stamp, stamp_ns: the last second read.
# waiting: tops that the engine has to be told of, in `queue` from `told` on. status: why taking stopped. merged: quotes
# that were never told, because a later one of their symbol was there already. recv_ns: when it was last read into.
LANE = np.dtype([
    ("data", "<i8"), ("at", "<i8"), ("filled", "<i8"), ("status", "<i8"), ("messages", "<i8"), ("recv_ns", "<i8"),
    ("number_at", "<i8"),
    ("tops", "<i8"), ("n_tops", "<i8"), ("slots", "<i8"), ("mask", "<i8"), ("queue", "<i8"),
    ("waiting", "<i8"), ("told", "<i8"), ("max_skew_ns", "<i8"), ("merged", "<i8"),
    ("stamp_ns", "<i8"), ("stamp", "u1", (24,)),
    ("sender_n", "<i8"), ("sender", "u1", (PARTY_BYTES,)), ("target_n", "<i8"), ("target", "u1", (PARTY_BYTES,)),
    # The message at hand, field by field.
    ("seq", "<i8"), ("kind", "<i8"), ("sent_ns", "<i8"), ("venue_ns", "<i8"), ("closed", "<i8"),
    ("symbol_at", "<i8"), ("symbol_n", "<i8"), ("rpt_seq", "<i8"), ("count", "<i8"), ("entries", "<i8"),
    ("entry", [
        ("side", "<i8"), ("top", "<i8"), ("remove", "<i8"), ("level", "<i8"), ("rpt_seq", "<i8"),
        ("price_at", "<i8"), ("price_n", "<i8"), ("size_at", "<i8"), ("size_n", "<i8"),
        ("ticks", "<i8"), ("lots", "<i8"),
    ], (MAX_ENTRIES,)),
], align=True)  # fmt: skip
# status: nothing whole is left; the next message is for the session to judge; one was taken.
DONE, FOREIGN, UNDERSTOOD = range(3)


def _field(name: str) -> property:
    return property(lambda self: int(self._row[name]), lambda self, value: self._row.__setitem__(name, value))


class Top:
    """One symbol's row, for Python."""

    __slots__ = ("_row", "index", "listed")
    bid_ticks, bid_lots, ask_ticks, ask_lots = map(_field, ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))
    seq, told, broken = map(_field, ("seq", "told", "broken"))

    def __init__(self, listed: Listed, row) -> None:
        self.listed, self._row, self.index = listed, row, listed.instrument.index
        row["index"] = self.index
        row["price_unit"], row["price_digits"] = listed.prices.scale
        row["size_unit"], row["size_digits"] = listed.sizes.scale
        self.forget()

    def forget(self) -> None:
        for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "seq", "broken", "waits", "merged"):
            self._row[name] = 0
        self.told = RESTART

    def number(self, jumped: bool) -> int:
        """What to tell the engine as venue_seq: 0 where its numbering starts anew or a message merged updates.

        The engine takes a number that is not above its last one for an old quote, and any other step for a gap.
        """
        seq, told = self.seq, self.told
        follows = told == 0 or seq == told + 1 or (jumped and seq > told)
        self.told = told = seq if told != RESTART and follows else 0
        return told


class Lane:
    """The rows and the buffer, at one address. What a symbol's name has no room for is left to the session."""

    def __init__(self, listing: Listing, number_at: int, parties: tuple[bytes, bytes], max_skew_s: float) -> None:
        """parties: SenderCompID and TargetCompID as incoming messages have them; max_skew_s: 0 accepts any time."""
        self._buffer = np.zeros(BUFFER_BYTES, np.uint8)
        self._view = memoryview(self._buffer)
        self._lane = np.zeros(1, LANE)
        self._tops = np.zeros(len(listing.by_symbol) + 1, TOP)
        self._queue = np.zeros(len(self._tops), np.int64)
        self._slots = _slots(listing, self._tops)
        self.tops = {
            symbol: Top(listed, self._tops[at]) for at, (symbol, listed) in enumerate(listing.by_symbol.items())
        }
        row = self._lane[0]
        for name, table in (("data", self._buffer), ("tops", self._tops), ("slots", self._slots),
                            ("queue", self._queue)):  # fmt: skip
            row[name] = table.ctypes.data
        row["n_tops"], row["mask"], row["number_at"] = len(self.tops), len(self._slots) - 1, number_at
        row["max_skew_ns"] = int(max_skew_s * 1e9)
        self.fits = all(_name(row, name, text) for name, text in zip(("sender", "target"), parties, strict=True))
        self.address = self._lane.ctypes.data
        self._ints = memoryview(self._lane.view(np.uint8)[: 8 * (_RECV_NS + 1)]).cast("q")

    @property
    def room(self) -> memoryview:
        """Where the next read goes."""
        filled = self._ints[_FILLED]
        return self._view[filled : filled + ROOM_BYTES]

    def add(self, size: int, recv_ns: int) -> None:
        """So many bytes were read."""
        self._ints[_FILLED] += size
        self._ints[_RECV_NS] = recv_ns

    @property
    def recv_ns(self) -> int:
        return self._ints[_RECV_NS]

    def reset(self) -> None:
        """A new connection: nothing of the old one is left."""
        self._ints[_AT] = self._ints[_FILLED] = 0
        self._lane["waiting"] = self._lane["told"] = 0

    def fill(self, data: bytes) -> None:
        """These bytes and no others."""
        self._view[: len(data)] = data
        self._ints[_AT], self._ints[_FILLED] = 0, len(data)

    @property
    def foreign(self) -> bool:
        """The message that comes next is for the session."""
        return self._ints[_STATUS] == FOREIGN

    @property
    def messages(self) -> int:
        """Taken so far, ever."""
        return self._ints[_MESSAGES]

    def keep(self) -> None:
        """What is left is the beginning of a message: to the front, so that the next read finds room behind it."""
        at, filled = self._ints[_AT], self._ints[_FILLED]
        if at:
            rest = bytes(self._view[at:filled])
            self._view[: len(rest)] = rest
            self._ints[_AT], self._ints[_FILLED] = 0, len(rest)

    def drain(self) -> bytes:
        """What is left, for the session; the lane is empty then."""
        rest = bytes(self._view[self._ints[_AT] : self._ints[_FILLED]])
        self._ints[_AT] = self._ints[_FILLED] = 0
        return rest


_AT, _FILLED, _STATUS, _MESSAGES, _RECV_NS = range(1, 6)


def _name(row, name: str, text: bytes) -> bool:
    if len(text) > PARTY_BYTES:
        return False
    row[name][: len(text)] = np.frombuffer(text, np.uint8)
    row[f"{name}_n"] = len(text)
    return True


def hashed(text: bytes) -> int:
    """FNV-1a of a symbol, as compiled code has it (`quick.find_top`)."""
    found = 2166136261
    for byte in text:
        found = ((found ^ byte) * 16777619) & 0xFFFFFFFF
    return found


def _slots(listing: Listing, tops: np.ndarray) -> np.ndarray:
    """Symbols by hash, open addressing: a slot holds a top's row + 1, 0 where it is free."""
    size = 16
    while size < 4 * len(listing.by_symbol):
        size *= 2
    slots = np.zeros(size, np.int64)
    for at, symbol in enumerate(listing.by_symbol):
        if len(symbol) > SYMBOL_BYTES:
            continue
        tops[at]["symbol"][: len(symbol)] = np.frombuffer(symbol, np.uint8)
        tops[at]["symbol_n"] = len(symbol)
        slot = hashed(symbol) & (size - 1)
        while slots[slot]:
            slot = (slot + 1) & (size - 1)
        slots[slot] = at + 1
    return slots
