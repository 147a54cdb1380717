"""Plays quotes onto a callback at their own pace, by the running loop's timers."""

import asyncio
from collections.abc import Callable, Iterator

from adapters.ticks import NS, Pace, QuoteTick
from engine.clock import now_ns

Publish = Callable[[QuoteTick, int], None]  # the quote and when it was due


class Player:
    """One pass over a source. finished: set when the source has ended, and by stop."""

    def __init__(
        self, quotes: Iterator[QuoteTick], publish: Publish, speed: float = 1.0, clock: Callable[[], int] = now_ns
    ) -> None:
        """The quotes' times count from the start (`adapters.ticks.window`). speed: market time over real time."""
        self.finished = asyncio.Event()
        self._quotes = quotes
        self._publish = publish
        self._speed = speed
        self._clock = clock
        self._pace = Pace(0, speed)
        self._next: QuoteTick | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, origin_ns: int | None = None) -> None:
        """Begin; origin_ns: when the market's zero is played, now where None."""
        self._pace = Pace(self._clock() if origin_ns is None else origin_ns, self._speed)
        self._next = next(self._quotes, None)
        self._arm()

    def stop(self) -> None:
        """No quote is published after this."""
        self._next = None
        if self._timer:
            self._timer.cancel()
        self.finished.set()

    def _arm(self) -> None:
        if self._next is None:
            self.finished.set()
            return
        loop = asyncio.get_running_loop()
        wait_ns = self._pace.due_ns(self._next.at_ns) - self._clock()
        self._timer = loop.call_at(loop.time() + wait_ns / NS, self._play)

    def _play(self) -> None:
        """Publish what is due, then wait for the next. An error of the callback does not end the play."""
        now = self._clock()
        try:
            while self._next and (due_ns := self._pace.due_ns(self._next.at_ns)) <= now:
                quote, self._next = self._next, next(self._quotes, None)
                self._publish(quote, due_ns)
        finally:
            self._arm()
