"""A TCP socket with one owner: what is written leaves in order, at once where the kernel takes it.

TLS is not spoken here: a venue that wants it is reached through a local TLS tunnel.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from engine.ports import FAILED, QUEUED, WRITTEN

RECV_BYTES = 1 << 16
SHUT = -1  # of a cell
MAX_QUEUED_BYTES = 1 << 24


class Lane(Protocol):
    """Where bytes are read to while nothing of them needs a look: see `adapters.fix44.link`."""

    @property
    def room(self) -> memoryview | None: ...

    def filled(self, size: int) -> None: ...


class Transport:
    """A connected socket. on_data(bytes) per read, on_lost(why) once, when the socket is gone by any hand but ours.

    lane: where its `room` is no None, what is read goes there, and `filled` is told in place of on_data.
    """

    def __init__(
        self, sock: socket.socket, on_data: Callable[[bytes], None], on_lost: Callable[[str], None],
        lane: "Lane | None" = None,
    ) -> None:  # fmt: skip
        self._sock: socket.socket | None = sock
        self._loop = asyncio.get_running_loop()
        self._queue = bytearray()
        self.cell: memoryview | None = None
        self._on_data = on_data
        self._on_lost = on_lost
        self._lane = lane
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(sock, self.read)

    def open(self, whole: bool) -> None:
        """Whether others may write whole frames to the socket; never while something waits to be written."""
        if self.cell is not None:
            self.cell[0] = self._sock.fileno() if whole and self._sock is not None and not self._queue else SHUT

    def fileno(self) -> int:
        """-1 once it is closed."""
        return self._sock.fileno() if self._sock is not None else -1

    def write(self, data: bytes) -> int:
        """WRITTEN, QUEUED (behind what waits already, or in part) or FAILED (nothing left)."""
        if self._sock is None:
            return FAILED
        if self._queue:
            return self._enqueue(data)
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lost(f"send: {error}")
            return FAILED
        return WRITTEN if sent == len(data) else self._enqueue(data[sent:])

    def read(self) -> None:
        """All that the socket holds now, without blocking."""
        while self._sock is not None:
            room = self._lane.room if self._lane is not None else None
            try:
                data = self._sock.recv(RECV_BYTES) if room is None else self._sock.recv_into(room)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._lost(f"receive: {error}")
                return
            if not data:
                self._lost("closed by the counterparty")
                return
            if room is None:
                self._on_data(data)
            else:
                self._lane.filled(data)
            if (len(data) if room is None else data) < RECV_BYTES:
                return

    def close(self) -> None:
        """Close at once; what is still queued is dropped. on_lost is not called."""
        if self._sock is not None:
            self.open(False)  # before its number can become another socket's
            sock, self._sock = self._sock, None
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
            self._queue.clear()
            sock.close()

    def _enqueue(self, data: bytes) -> int:
        self.open(False)
        if not self._queue:
            self._loop.add_writer(self._sock, self._flush)
        self._queue += data
        if len(self._queue) > MAX_QUEUED_BYTES:
            self._lost(f"the counterparty left {len(self._queue)} bytes unread")
        return QUEUED

    def _flush(self) -> None:
        try:
            sent = self._sock.send(self._queue)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(f"send: {error}")
            return
        del self._queue[:sent]
        if not self._queue:
            self._loop.remove_writer(self._sock)

    def _lost(self, why: str) -> None:
        """From a write, the owner hears of it in the next turn: he is in the middle of something."""
        self.close()
        self._loop.call_soon(self._on_lost, why)
