"""What will happen and when: a heap of calls, pumped by an explicit clock."""

import heapq
from collections.abc import Callable

Action = Callable[[int], None]  # called with the time it was due at


class Schedule:
    """Calls in the order of their time; at one time, in the order they were asked for. Times are nanoseconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Action]] = []
        self._count = 0

    def at(self, due_ns: int, action: Action) -> None:
        self._count += 1
        heapq.heappush(self._heap, (due_ns, self._count, action))

    def next_ns(self) -> int | None:
        """When the next call is due, None where nothing waits."""
        return self._heap[0][0] if self._heap else None

    def pump(self, now_ns: int) -> None:
        """Make every call that is due, those that the calls themselves add included."""
        while self._heap and self._heap[0][0] <= now_ns:
            due_ns, _, action = heapq.heappop(self._heap)
            action(due_ns)
