"""The floor of the wire: as many sockets, polls and sends in the engine's process and loop, no logic between."""

import asyncio
import socket

import numba
import numpy as np

from bench.wire_peer import FLOOR_SOCKETS, TICK
from bench.wire_setup import HOST
from desk.spin import POLL_NS
from engine.memory import mono_ns, view
from engine.sockets import NOW, receive

_RECV_BYTES = 1 << 16
_FD = np.dtype("i8")
_TICK = TICK[0]


@numba.njit
def _poll(descriptors_at, count, room_at, until_ns):
    """Read the sockets in turns, as the engine's poll does: bytes of the first that has some, -1 where it is time."""
    descriptors = view(descriptors_at, count, _FD)
    while True:
        for one in range(count):
            size = receive(descriptors[one], room_at, _RECV_BYTES, NOW)
            if size >= 0:
                return size
        if mono_ns() >= until_ns:
            return -1


class Floor:
    """As many sockets to the same peer as the engine has; a tick is answered by two frames that are there already."""

    def __init__(self, port: int):
        self._socks = [socket.create_connection((HOST, port)) for _ in range(FLOOR_SOCKETS)]
        for sock in self._socks:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._descriptors = np.array([sock.fileno() for sock in self._socks], np.int64)
        self._room = np.zeros(_RECV_BYTES, np.uint8)
        self._bytes = memoryview(self._room)
        self._first, self._second = (sock.send for sock in self._socks[2:])
        self._tick_bytes, self._frames = 0, [b"", b""]
        _poll(self._descriptors.ctypes.data, 0, self._room.ctypes.data, 0)  # compiles

    def take_sizes(self, sizes: list[int]) -> None:
        """Bytes of a tick and of each order."""
        self._tick_bytes, self._frames = sizes[0], [bytes(size) for size in sizes[1:]]

    def listen(self) -> None:
        """The loop reads them too, as it does the engine's."""
        for sock in self._socks:
            asyncio.get_running_loop().add_reader(sock, self._read, sock.recv_into)

    def leave(self) -> None:
        for sock in self._socks:
            asyncio.get_running_loop().remove_reader(sock)

    async def spin(self) -> None:
        """Busy mode, until it is cancelled: a poll of as long as the engine's, then a turn of the loop."""
        arguments = self._descriptors.ctypes.data, len(self._descriptors), self._room.ctypes.data
        while True:
            size = _poll(*arguments, mono_ns() + POLL_NS)
            if size > 0:
                self._answer(size)
            await asyncio.sleep(0)

    def _read(self, recv_into) -> None:
        try:
            self._answer(recv_into(self._bytes))
        except BlockingIOError:
            return

    def _answer(self, size: int) -> None:
        """Where there is a tick, which more may be in front of, or behind, when it was not read in time."""
        if size and (self._bytes[size - 1] == _TICK or (size > self._tick_bytes and TICK in bytes(self._bytes[:size]))):
            one, other = self._frames
            self._first(one)
            self._second(other)

    def close(self) -> None:
        for sock in self._socks:
            sock.close()
