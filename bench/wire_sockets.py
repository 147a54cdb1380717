"""The peer's hot moment, compiled: send at the planned time, then read two sockets in turns until both have spoken."""

import socket

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from bench.figures import demand
from engine.memory import mono_ns
from engine.ports import WRITTEN

ROOM_BYTES = 1 << 16
_FLAGS = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_DUE, _SENT, _ARRIVED = range(3)  # of the moments; one arrival a socket


def _call_of(name: str):
    """send(2) or recv(2): (descriptor, address, bytes) -> bytes, negative where none could be moved now."""

    @intrinsic
    def call(typingctx, descriptor, address, size):
        def codegen(context, builder, signature, args):
            i32, i64, pointer = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()
            kind = ir.FunctionType(i64, [i32, pointer, i64, i32])
            function = next((one for one in builder.module.functions if one.name == name), None)
            function = function or ir.Function(builder.module, kind, name)
            where = builder.inttoptr(args[1], pointer)
            return builder.call(function, [builder.trunc(args[0], i32), where, args[2], ir.Constant(i32, _FLAGS)])

        return types.int64(types.int64, types.int64, types.int64), codegen

    return call


_send, _recv = _call_of("send"), _call_of("recv")


@numba.njit(nogil=True)
def _fire(descriptor, address, size, moments):
    """Wait for the planned time, stamp, send; False where the kernel did not take all bytes."""
    now_ns = mono_ns()
    while now_ns < moments[_DUE]:
        now_ns = mono_ns()
    moments[_SENT] = now_ns
    return _send(descriptor, address, size) == size


@numba.njit(nogil=True)
def _watch(descriptors, rooms, sizes, moments, until_ns):
    """Read each socket that has not spoken yet, in turns; True once all have, False at `until_ns`. Size -1: lost."""
    waiting = 0
    for one in range(len(descriptors)):
        waiting += sizes[one] == 0
    while waiting:
        for one in range(len(descriptors)):
            if sizes[one] == 0:
                size = _recv(descriptors[one], rooms[one], ROOM_BYTES)
                if size >= 0:
                    moments[_ARRIVED + one] = mono_ns()
                    sizes[one] = size if size > 0 else -1
                    waiting -= 1
        if mono_ns() > until_ns:
            return waiting == 0
    return True


class Exchange:
    """One socket that is told, and those that answer. Times: CLOCK_MONOTONIC, ns. told_bytes: of the last message."""

    told_bytes = 0

    def __init__(self, told: socket.socket, answer: list[socket.socket]):
        self._told = told.fileno()
        self._descriptors = np.array([sock.fileno() for sock in answer], np.int64)
        self._rooms = np.zeros((len(answer), ROOM_BYTES), np.uint8)
        self._addresses = np.array([room.ctypes.data for room in self._rooms], np.int64)
        self._sizes = np.zeros(len(answer), np.int64)
        self._moments = np.zeros(_ARRIVED + len(answer), np.int64)
        # Compiled now: no message, and nobody to answer.
        _fire(self._told, self._addresses[0], 0, self._moments)
        _watch(self._descriptors[:0], self._addresses[:0], self._sizes[:0], self._moments, 0)

    def fire(self, message: bytes, due_ns: int) -> None:
        """Send at the planned time, or at once where it is past."""
        self._sizes[:], self._moments[:] = 0, 0
        self._moments[_DUE] = due_ns
        self.told_bytes = len(message)
        whole = _fire(self._told, np.frombuffer(message, np.uint8).ctypes.data, len(message), self._moments)
        demand(whole, f"{len(message)} bytes taken by the feed's socket")

    def wait(self, patience_ns: int) -> bool:
        """Whether all have answered, within `patience_ns` from now."""
        return bool(_watch(self._descriptors, self._addresses, self._sizes, self._moments, mono_ns() + patience_ns))

    @property
    def count(self) -> int:
        return len(self._sizes)

    def spoken(self) -> set[int]:
        """Which have said something."""
        return set(np.flatnonzero(self._sizes).tolist())

    def answer(self, one: int) -> bytes:
        """What it has said. Refused where it has hung up."""
        size = int(self._sizes[one])
        demand(size > 0, "an engine that does not hang up")
        return self._rooms[one, :size].tobytes()

    def again(self, ones: set[int]) -> None:
        """These have not said what was waited for."""
        for one in ones:
            self._sizes[one] = 0

    def moments(self) -> tuple[int, list[int]]:
        """(sent, arrival of each answer)."""
        _, sent_ns, *arrived = self._moments.tolist()
        return sent_ns, arrived


class Wire:
    """The peer's end of a connection, as a link's transport; polled by hand. held: kept back, to be sent by `fire`."""

    def __init__(self, sock: socket.socket):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.holds = False
        self.held: list[bytes] = []

    def write(self, data: bytes) -> int:
        if self.holds:
            self.held.append(data)
        else:
            demand(self.sock.send(data) == len(data), f"{len(data)} bytes taken by a socket")
        return WRITTEN

    def read(self) -> bytes:
        """What has come, empty where nothing has, or it is over."""
        try:
            return self.sock.recv(ROOM_BYTES) if self.sock.fileno() >= 0 else b""
        except BlockingIOError:
            return b""

    def take_held(self) -> bytes:
        """What was kept back, and no longer."""
        data, self.held, self.holds = b"".join(self.held), [], False
        return data

    def open(self, whole: bool) -> None:
        """Nobody else writes to it."""

    def close(self) -> None:
        self.sock.close()
