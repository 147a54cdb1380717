"""Sequence numbers of a session: what came out of turn is held, what is missing is asked for, what we sent is resent.

An order is never sent again (`tags.NEVER_RESENT`): it is gap-filled, and a Doubt tells the owner that what he sent may
never have arrived. Source: FIX 4.4 volume 2, "resend request" and "sequence reset".
"""

from collections.abc import Callable, Iterator

import msgspec

from adapters.fix44 import tags
from adapters.fix44.codec import FieldError, Message, get, number
from adapters.fix44.store import MemoryStore

MAX_HELD = 10_000
Handler = Callable[[Message, int], Iterator]


class Doubt(msgspec.Struct):
    """Messages of one side may be lost for the other: whatever is not known to be terminal is to be queried."""

    why: str


class Sequence:
    """The incoming turn and the outgoing memory. `broken` says why the session cannot go on, empty while it can."""

    def __init__(self, store: MemoryStore, emit: Callable[..., None], repeat: Callable[..., None]) -> None:
        """emit, repeat: the session's way out, for a message of its own and for one that was sent before."""
        self._store = store
        self._emit = emit
        self._repeat = repeat
        self.clear()

    def clear(self) -> None:
        """A new connection: what was held is not counted as received and will be asked for again."""
        self._held: dict[int, Message | None] = {}  # None: handled already, out of its turn
        self._asked_to = 0
        self._asked_ns = 0
        self.broken = ""

    @property
    def idle(self) -> bool:
        """No gap is open and nothing is held."""
        return not self._asked_to and not self._held

    def waiting_ns(self, now_ns: int) -> int:
        """How long the open gap has been asked for, 0 without one."""
        return now_ns - self._asked_ns if self._asked_to else 0

    # In

    def take(self, message: Message, handle: Handler, now_ns: int) -> Iterator:
        """A message whose number is not too low: handled now, or held until its turn, with all that then follows."""
        if message.type == tags.SEQUENCE_RESET and get(message.raw, tags.GAP_FILL) != b"Y":
            yield from self._reset(message, now_ns)
        elif message.seq == self._store.next_in:
            yield from self._turn(message, handle, now_ns)
        elif message.type == tags.LOGOUT:
            yield from handle(message, now_ns)  # not counted: the next connection asks for what is missing
        elif message.type == tags.RESEND_REQUEST:
            # Both sides may miss something: not to answer until our own gap is closed would be a deadlock.
            yield from handle(message, now_ns)
            self._hold(message.seq, None, now_ns)
        else:
            self._hold(message.seq, message, now_ns)
        yield from self._drain(handle, now_ns)

    def arrived(self, message: Message, now_ns: int) -> None:
        """A message that is handled whatever its number: the Logon."""
        if message.seq == self._store.next_in:
            self._store.next_in += 1
        else:
            self._hold(message.seq, None, now_ns)

    def _turn(self, message: Message, handle: Handler, now_ns: int) -> Iterator:
        if message.type == tags.SEQUENCE_RESET:
            yield from self._gap_fill(message, handle, now_ns)
        else:
            yield from handle(message, now_ns)
            self._store.next_in = message.seq + 1

    def _hold(self, seq: int, message: Message | None, now_ns: int) -> None:
        if len(self._held) >= MAX_HELD:
            self.broken = f"{MAX_HELD} messages arrived while a gap was open"
            return
        self._held.setdefault(seq, message)
        self._ask(now_ns)

    def _ask(self, now_ns: int) -> None:
        """One ResendRequest for what is missing before the first held message."""
        if self._store.next_in > self._asked_to:
            self._asked_to = min(self._held) - 1
            self._asked_ns = now_ns
            self._emit(tags.RESEND_REQUEST, b"7=%d\x0116=%d\x01" % (self._store.next_in, self._asked_to), now_ns)

    def _drain(self, handle: Handler, now_ns: int) -> Iterator:
        while self._store.next_in in self._held:
            held = self._held.pop(self._store.next_in)
            if held is None:
                self._store.next_in += 1
            else:
                yield from self._turn(held, handle, now_ns)
        if not self._asked_to or self._store.next_in <= self._asked_to:
            return
        if self._held:
            self._ask(now_ns)
        else:
            self._asked_to = 0
            yield Doubt("a gap in the counterparty's messages was closed")

    def _gap_fill(self, message: Message, handle: Handler, now_ns: int) -> Iterator:
        new = self._new_seq(message, message.seq + 1, now_ns)
        if not new:
            self._store.next_in = message.seq + 1
            return
        for seq in sorted(seq for seq in self._held if message.seq < seq < new):
            held = self._held.pop(seq)  # the fill reaches over what did arrive
            if held is not None and held.type != tags.SEQUENCE_RESET:
                yield from handle(held, now_ns)
        self._store.next_in = new
        if not self._asked_to:
            yield Doubt(f"the counterparty skipped its messages {message.seq} to {new - 1}")

    def _reset(self, message: Message, now_ns: int) -> Iterator:
        new = self._new_seq(message, self._store.next_in, now_ns)
        if new:
            self.clear()
            self._store.next_in = new
            yield Doubt(f"the counterparty reset its next message to {new}")

    def _new_seq(self, message: Message, lowest: int, now_ns: int) -> int:
        """NewSeqNo, or 0 after a Reject: numbers only go up."""
        try:
            new = number(message.raw, tags.NEW_SEQ)
            if new < lowest:
                raise FieldError(36, tags.VALUE_INCORRECT, f"NewSeqNo {new} is below {lowest}")
            return new
        except FieldError as error:
            self._reject(message, error, now_ns)
            return 0

    def _reject(self, message: Message, error: FieldError, now_ns: int) -> None:
        fields = (message.seq, error.tag, message.type, error.reason, str(error).encode())
        self._emit(tags.REJECT, b"45=%d\x01371=%d\x01372=%b\x01373=%d\x0158=%b\x01" % fields, now_ns)

    # Out

    def resend(self, message: Message, now_ns: int) -> Iterator[Doubt]:
        """Answer a ResendRequest. FieldError where its range was never sent."""
        first, last = number(message.raw, tags.BEGIN_SEQ), number(message.raw, tags.END_SEQ)
        end = self._store.next_out - 1
        last = min(last or end, end)
        if not 0 < first <= last:
            raise FieldError(7, tags.VALUE_INCORRECT, f"cannot resend {first} to {last}: the last number sent is {end}")
        fill_from, filled = 0, 0
        for seq in range(first, last + 1):
            raw = self._store.message(seq)
            if raw is None:
                fill_from, filled = fill_from or seq, filled + 1
                continue
            if fill_from:
                self._fill(fill_from, seq, now_ns)
            fill_from = 0
            self._again(seq, raw, now_ns)
        if fill_from:
            self._fill(fill_from, last + 1, now_ns)
        if filled:
            yield Doubt(f"{filled} of our messages {first} to {last} were asked for and not sent again")

    def _fill(self, seq: int, new: int, now_ns: int) -> None:
        self._repeat(tags.SEQUENCE_RESET, b"123=Y\x0136=%d\x01" % new, now_ns, seq)

    def _again(self, seq: int, raw: bytes, now_ns: int) -> None:
        """Our own frame once more: the same fields after the header, PossDup, and when it was first sent."""
        start, _, rest = raw.partition(tags.SENT_AT)
        stamp, _, body = rest.partition(tags.SOH)
        kind = start[start.find(tags.MSG_TYPE) + len(tags.MSG_TYPE) :].partition(tags.SOH)[0]
        self._repeat(kind, body[: -len("10=000\x01")], now_ns, seq, stamp)
