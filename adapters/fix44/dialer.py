"""Keeps one initiator session connected: connect, run, wait, again, until stopped."""

import asyncio
import socket
from collections.abc import Callable

from adapters.fix44.lane import Lane
from adapters.fix44.link import Link, Owner
from adapters.fix44.session import Session
from adapters.fix44.settings import FixSettings


class Dialer:
    """One session's connections, one after the other. The wait doubles from reconnect_min_ms while none logs on."""

    def __init__(
        self, session: Session, settings: FixSettings, port: int, clock: Callable[[], int], owner: Owner,
        lane: Lane | None = None,
    ) -> None:  # fmt: skip
        self.link: Link | None = None
        self._session = session
        self._settings = settings
        self._port = port
        self._clock = clock
        self._owner = owner
        self._lane = lane
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Log out, wait for the answer for at most logout_timeout_ms, and close."""
        if self._task is None:
            return
        link = self.link
        if link is not None and not link.closed.done():
            link.quit("stopped")
            await asyncio.wait((link.closed,), timeout=self._settings.logout_timeout_ms / 1000)
            link.abort("stopped")
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        self._session.store.close()

    async def _run(self) -> None:
        wait_ms = self._settings.reconnect_min_ms
        while True:
            logged_on = await self._connection()
            wait_ms = self._settings.reconnect_min_ms if logged_on else wait_ms
            await asyncio.sleep(wait_ms / 1000)
            wait_ms = min(2 * wait_ms, self._settings.reconnect_max_ms)

    async def _connection(self) -> bool:
        """One connection from dial to end; whether its session logged on."""
        try:
            sock = await asyncio.wait_for(self._dial(), self._settings.connect_timeout_ms / 1000)
        except (OSError, TimeoutError) as error:
            why = f"{self._settings.host}:{self._port}: {error or 'no connection in time'}"
            self._owner.on_down(None, why, self._clock())
            return False
        self.link = link = Link(self._session, sock, self._clock, self._owner, self._lane)
        await asyncio.shield(link.closed)
        return link.logged_on

    async def _dial(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._settings.host, self._port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock
