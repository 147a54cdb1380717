"""The floor of the wire: as many sockets, polls and sends in the engine's process and loop, no logic between."""

import asyncio
import socket

import numba
import numpy as np

from bench.wire_peer import FLOOR_SOCKETS, TICK
from bench.wire_setup import HOST
from desk.spin import POLL_NS
from engine.memory import mono_ns, view
from engine.sockets import NOW, receive, send

_RECV_BYTES = 1 << 16
_BYTE, _TICK = np.dtype("u1"), TICK[0]

# The descriptors of all sockets, orders last; where bytes are received, and the two frames.
PLAN = np.dtype([("fd", "<i8", (FLOOR_SOCKETS,)), ("room", "<i8"), ("frame", "<i8", (2,)), ("size", "<i8", (2,))])
_FIRST_ORDER = FLOOR_SOCKETS - 2


@numba.njit
def _answer(plan_at, size):
    """Both frames at once where the bytes received hold a tick, whatever else was not read in time."""
    plan = view(plan_at, 1, PLAN)[0]
    room = view(plan.room, size, _BYTE)
    for at in range(size - 1, -1, -1):
        if room[at] == _TICK:
            for one in range(2):
                send(plan.fd[_FIRST_ORDER + one], plan.frame[one], plan.size[one])
            return


@numba.njit
def _poll(plan_at, until_ns):
    """Read the sockets in turns, as the engine's poll does, and answer; back to Python with any bytes, or when it is
    time."""
    plan = view(plan_at, 1, PLAN)[0]
    while True:
        for one in range(FLOOR_SOCKETS):
            size = receive(plan.fd[one], plan.room, _RECV_BYTES, NOW)
            if size > 0:
                _answer(plan_at, size)
                return
        if mono_ns() >= until_ns:
            return


class Floor:
    """As many sockets to the same peer as the engine has; a tick is answered by two frames that are there already."""

    def __init__(self, port: int):
        self._socks = [socket.create_connection((HOST, port)) for _ in range(FLOOR_SOCKETS)]
        for sock in self._socks:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._room = np.zeros(_RECV_BYTES, np.uint8)
        self._plan = np.zeros(1, PLAN)
        self._plan["fd"] = [sock.fileno() for sock in self._socks]
        self._plan["room"] = self._room.ctypes.data
        self._at, self._bytes = self._plan.ctypes.data, memoryview(self._room)
        self.take_sizes([1, 1, 1])
        _answer(self._at, 1)  # compiles: there is no tick
        _poll(self._at, 0)

    def take_sizes(self, sizes: list[int]) -> None:
        """Bytes of a tick and of each order."""
        self._frames = np.zeros((2, max(sizes[1:])), np.uint8)
        self._plan["frame"] = [frame.ctypes.data for frame in self._frames]
        self._plan["size"] = sizes[1:]

    def listen(self) -> None:
        """The loop reads them too, as it does the engine's."""
        for sock in self._socks:
            asyncio.get_running_loop().add_reader(sock, self._read, sock.recv_into)

    def leave(self) -> None:
        for sock in self._socks:
            asyncio.get_running_loop().remove_reader(sock)

    async def spin(self) -> None:
        """Busy mode, until it is cancelled: a poll of as long as the engine's, then a turn of the loop."""
        while True:
            _poll(self._at, mono_ns() + POLL_NS)
            await asyncio.sleep(0)

    def _read(self, recv_into) -> None:
        """Wait mode: as the engine's transport reads."""
        try:
            _answer(self._at, recv_into(self._bytes))
        except BlockingIOError:
            return

    def close(self) -> None:
        for sock in self._socks:
            sock.close()
