"""Virtual time: one clock, one heap of calls, and for each venue a strand of it that knows what it still waits for."""

import heapq
from collections.abc import Callable

Action = Callable[[], None]


class Clockwork:
    """The time of a campaign, ns since the epoch. Calls come in the order of their time, ties as they were asked for.

    `pump` alone moves the time, on the very instant of each call; an action reads `now_ns`.
    """

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns
        self._heap: list[tuple[int, int, Action, Strand]] = []
        self._count = 0

    def read_ns(self) -> int:
        """The time, as the clock that adapters are given."""
        return self.now_ns

    def strand(self) -> "Strand":
        return Strand(self)

    def next_ns(self) -> int | None:
        """When the next call is due, None where nothing waits."""
        return self._heap[0][0] if self._heap else None

    def push(self, due_ns: int, action: Action, strand: "Strand") -> None:
        """What is asked for too late happens at the next pump, without turning the time back."""
        self._count += 1
        heapq.heappush(self._heap, (due_ns, self._count, action, strand))

    def pump(self, until_ns: int) -> None:
        """Make every call that is due until then, those that the calls themselves add included; then it is then."""
        heap = self._heap
        while heap and heap[0][0] <= until_ns:
            due_ns, _, action, strand = heapq.heappop(heap)
            if due_ns > self.now_ns:
                self.now_ns = due_ns
            strand.waiting -= 1
            action()
        if until_ns > self.now_ns:
            self.now_ns = until_ns


class Strand:
    """One party's calls. waiting: how many of them are still to come."""

    __slots__ = ("clock", "waiting")

    def __init__(self, clock: Clockwork) -> None:
        self.clock = clock
        self.waiting = 0

    def at(self, due_ns: int, action: Action) -> None:
        self.waiting += 1
        self.clock.push(due_ns, action, self)

    def after(self, delay_ns: int, action: Action) -> None:
        self.at(self.clock.now_ns + delay_ns, action)
