"""One direction of a connection: what is sent arrives in its order after a latency, or is lost with the connection."""

from collections import deque
from collections.abc import Callable

from bench.storm.clockwork import Strand

_END = None


class Pipe:
    """Payloads (bytes) from a sender to `receive`; after `close`, `hang_up` follows the last of them.

    latency_ns may change: what is sent later never overtakes. muted: a dead network, all bytes vanish, but not the end.
    count: how many payloads were sent, size_bytes: their sum.
    """

    __slots__ = (
        "_due_ns", "_open", "_queue", "_strand", "count", "hang_up", "latency_ns", "muted", "receive", "size_bytes",
    )  # fmt: skip

    def __init__(self, strand: Strand, latency_ns: int) -> None:
        self.latency_ns = latency_ns
        self.receive: Callable[[bytes], None] = _nobody
        self.hang_up: Callable[[], None] = _nobody
        self.muted = False
        self.count = self.size_bytes = 0
        self._strand = strand
        self._queue: deque[bytes | None] = deque()
        self._due_ns = 0
        self._open = True

    def send(self, payload: bytes) -> bool:
        """Whether the pipe took it: False once this side has closed."""
        if not self._open:
            return False
        self.count += 1
        self.size_bytes += len(payload)
        if not self.muted:
            self._put(payload)
        return True

    def close(self) -> None:
        """No more is sent; the other side hears of it when all that is in flight has arrived."""
        if self._open:
            self._open = False
            self._put(_END)

    def lose(self) -> None:
        """All bytes in flight never arrive; what is sent from now on does, and so does an end that is under way."""
        ends = bool(self._queue) and not self._open
        self._queue.clear()  # their calls are still due, and find nothing
        self._queue = deque()
        if ends:
            self._put(_END)

    def deafen(self) -> None:
        """The receiver is gone: nothing is handed over any more."""
        self.lose()
        self.receive = self.hang_up = _nobody

    def _put(self, payload: bytes | None) -> None:
        strand = self._strand
        due_ns = strand.clock.now_ns + self.latency_ns
        self._due_ns = due_ns = due_ns if due_ns > self._due_ns else self._due_ns
        queue = self._queue
        queue.append(payload)
        strand.at(due_ns, lambda: self._arrive(queue))

    def _arrive(self, sent_in: deque[bytes | None]) -> None:
        if not sent_in:
            return  # lost meanwhile
        payload = sent_in.popleft()
        if payload is _END:
            self.hang_up()
        else:
            self.receive(payload)


def _nobody(*_: object) -> None:
    """Nobody listens."""
