"""A simulated venue on the running event loop: the exchange's schedule driven by the loop's timers."""

import asyncio
from collections.abc import Callable, Iterator

from adapters.ports import NewOrder, VenueAccount, VenuePosition, VenueReport, VenueServer
from adapters.sim.exchange import Exchange
from adapters.ticks import NS, Pace, QuoteTick
from engine.clock import now_ns


class SimVenue:
    """`adapters.ports.OrderEntry` for the server that it was handed, and the owner of that server's life.

    Snapshots (orders, trades, positions, account) are the exchange's truth at once; everything else takes its latency.
    finished: set when the quotes have ended; the venue stays open for orders.
    """

    def __init__(
        self, exchange: Exchange, server: VenueServer, quotes: Iterator[QuoteTick], speed: float = 1.0,
        clock: Callable[[], int] = now_ns,
    ) -> None:  # fmt: skip
        self.exchange = exchange
        self.finished = asyncio.Event()
        self._server = server
        self._quotes = quotes
        self._speed = speed
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_ns: int | None = None

    async def start(self, origin_ns: int | None = None) -> int:
        """Listen and play; the server's port. origin_ns: when the market's zero is played (now where None).

        Venues that shall see the same market at the same time are given the same origin.
        """
        self._loop = asyncio.get_running_loop()
        port = await self._server.start(self)
        now = self._clock()
        self.exchange.begin(self._quotes, Pace(now if origin_ns is None else origin_ns, self._speed), now)
        self._arm()
        return port

    async def stop(self) -> None:
        self._loop = None
        if self._timer:
            self._timer.cancel()
            self._timer = None
        await self._server.stop()

    def submit(self, order: NewOrder) -> None:
        self.exchange.submit(order, self._clock())
        self._arm()

    def cancel(self, owner: str, client_id: str, cancel_id: str) -> None:
        self.exchange.cancel(owner, client_id, cancel_id, self._clock())
        self._arm()

    def query(self, owner: str, client_id: str, query_id: str) -> None:
        self.exchange.query(owner, client_id, query_id, self._clock())
        self._arm()

    def orders(self, owner: str) -> list[VenueReport]:
        return self.exchange.matching.orders(owner)

    def trades(self, owner: str) -> list[VenueReport]:
        return self.exchange.matching.trades(owner)

    def positions(self, owner: str) -> list[VenuePosition]:
        return self.exchange.matching.positions(owner)

    def account(self, owner: str) -> VenueAccount:
        return self.exchange.matching.account(owner)

    def _arm(self) -> None:
        """One timer, for the next thing due. Never a call from here: the server may be in the middle of a message."""
        due_ns = self.exchange.next_ns()
        if self._loop is None or due_ns is None or (self._timer and self._armed_ns <= due_ns):
            return
        if self._timer:
            self._timer.cancel()
        self._armed_ns = due_ns
        self._timer = self._loop.call_at(self._loop.time() + (due_ns - self._clock()) / NS, self._wake)

    def _wake(self) -> None:
        self._timer = None
        try:
            self.exchange.pump(self._clock())
        finally:
            self._arm()
        if self.exchange.quotes_done:
            self.finished.set()
