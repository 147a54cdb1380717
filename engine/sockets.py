"""`recv(2)` and `send(2)` for compiled code, without a Python call. By ctypes under NUMBA_DISABLE_JIT=1."""

import ctypes
import socket

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.jit import njit

NOW = getattr(socket, "MSG_DONTWAIT", 0)
_QUIETLY = NOW | getattr(socket, "MSG_NOSIGNAL", 0)
LOOK = NOW | socket.MSG_PEEK

# A socket to be polled. lane: address of what its bytes are read into, 0 where Python reads it; look: one byte, for
# such a one. fd: below 0, nothing is received, and what the lane holds already is taken as of recv_ns. recv_ns,
# waiting: of the read that has ended the poll, as `engine.core.Hot` says.
NO_SOCKET = -1
WATCH = np.dtype([("fd", "<i8"), ("lane", "<i8"), ("recv_ns", "<i8"), ("waiting", "<i8"), ("look", "<i8")])

if config.DISABLE_JIT:
    _libc = ctypes.CDLL(None)
    _libc.recv.restype = _libc.send.restype = ctypes.c_ssize_t

    def receive(fd, address, size, flags):
        return int(_libc.recv(int(fd), ctypes.c_void_p(int(address)), ctypes.c_size_t(int(size)), int(flags)))

    def send(fd, address, size):
        return int(_libc.send(int(fd), ctypes.c_void_p(int(address)), ctypes.c_size_t(int(size)), _QUIETLY))

else:

    def _call(name):
        """recv(2) or send(2), which take the same arguments, as compiled code calls it."""

        @intrinsic
        def call(typingctx, fd, address, size, flags):
            def codegen(context, builder, signature, args):
                i32, i64 = ir.IntType(32), ir.IntType(64)
                kind = ir.FunctionType(i64, [i32, cgutils.voidptr_t, i64, i32])
                function = cgutils.get_or_insert_function(builder.module, kind, name)
                pointer = builder.inttoptr(args[1], cgutils.voidptr_t)
                return builder.call(
                    function, [builder.trunc(args[0], i32), pointer, args[2], builder.trunc(args[3], i32)]
                )

            return types.int64(types.int64, types.int64, types.int64, types.int64), codegen

        return call

    _recv, _send = _call("recv"), _call("send")

    @njit
    def receive(fd, address, size, flags):
        """Bytes received into memory at `address`: at most `size`; 0 where the other side has closed; -1 where there is
        nothing (flags has NOW), or an error, which the event loop is told of as well."""
        return _recv(fd, address, size, flags)

    @njit
    def send(fd, address, size):
        """Bytes of the memory at `address` that the kernel took at once; -1 where it took none."""
        return _send(fd, address, size, _QUIETLY)
