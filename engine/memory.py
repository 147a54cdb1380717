"""From an int address to a typed view, a releasing store and the monotonic clock: what compiled code needs.

Handing compiled code one int instead of arrays saves some 200 ns an array and call. Under NUMBA_DISABLE_JIT=1 each
function below runs as plain Python on the same memory.
"""

import ctypes
import time

import numpy as np
from llvmlite import ir
from numba import carray, config, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.jit import njit

if config.DISABLE_JIT:

    class _Row(np.void):
        """A row with its fields as attributes, as compiled code has them.

        Not np.record, for which a field may not be called `flags` or `mean`.
        """

        def __getattribute__(self, name):
            if name in (np.void.__getattribute__(self, "dtype").names or ()):
                return _with_fields(self[name])
            return np.void.__getattribute__(self, name)

        def __setattr__(self, name, value):
            self[name] = value

    def _with_fields(value):
        return value.view(np.dtype((_Row, value.dtype))) if value.dtype.names else value

    def view(address, count, dtype):
        raw = (ctypes.c_char * (int(count) * dtype.itemsize)).from_address(int(address))
        return _with_fields(np.frombuffer(raw, dtype=dtype, count=count))

    def store_release(address, value):
        ctypes.c_int64.from_address(int(address)).value = value

    def copy(target, source, size):
        ctypes.memmove(int(target), int(source), int(size))

    def mono_ns():
        return time.monotonic_ns()

else:

    @intrinsic
    def _pointer(typingctx, address):
        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], cgutils.voidptr_t)

        return types.voidptr(types.int64), codegen

    @intrinsic
    def _store_release(typingctx, address, value):
        def codegen(context, builder, signature, args):
            pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
            builder.store_atomic(args[1], pointer, "release", 8)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), codegen

    @intrinsic
    def _copy(typingctx, target, source, size):
        def codegen(context, builder, signature, args):
            cgutils.raw_memcpy(
                builder,
                builder.inttoptr(args[0], cgutils.voidptr_t),
                builder.inttoptr(args[1], cgutils.voidptr_t),
                args[2],
                1,
            )
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64), codegen

    @intrinsic
    def _mono_ns(typingctx):
        def codegen(context, builder, signature, args):
            i64 = ir.IntType(64)
            spec = cgutils.alloca_once(builder, ir.ArrayType(i64, 2))
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.IntType(32), [ir.IntType(32), spec.type]), "clock_gettime"
            )
            builder.call(function, [ir.Constant(ir.IntType(32), time.CLOCK_MONOTONIC), spec])
            seconds = builder.load(cgutils.gep_inbounds(builder, spec, 0, 0))
            nanos = builder.load(cgutils.gep_inbounds(builder, spec, 0, 1))
            return builder.add(builder.mul(seconds, ir.Constant(i64, 1_000_000_000)), nanos)

        return types.int64(), codegen

    @njit
    def view(address, count, dtype):
        """`count` rows of `dtype` at `address`, as an array over the same memory."""
        return carray(_pointer(address), count, dtype)

    @njit
    def store_release(address, value):
        """Store 8 bytes at `address` after every store before it: whoever reads the value sees them all."""
        _store_release(address, value)

    @njit
    def copy(target, source, size):
        """Copy `size` bytes from address to address; the two must not overlap."""
        _copy(target, source, size)

    @njit
    def mono_ns():
        """CLOCK_MONOTONIC, ns."""
        return _mono_ns()
