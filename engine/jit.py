"""How hot functions are compiled: one `njit` for all of them, and a cache that cannot serve stale code.

numba's own cache looks only at the file of a function, not at the files of what it calls. So the cache lies in a folder
named after the hash of every hot file (one that compiles, or that lays out memory): an edit of any starts a new one.
"""

import hashlib
import os
from pathlib import Path

import numba
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

ROOT = Path(__file__).resolve().parent.parent
_ROOMS = ("engine", "adapters", "riskgate", "strategies", "desk")
_MARKS = (b"engine.jit import", b"np.dtype(")


def _hot_files() -> list[Path]:
    files = (path for room in _ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return [path for path in files if any(mark in path.read_bytes() for mark in _MARKS)]


def _cache_folder() -> Path:
    digest = hashlib.blake2b(digest_size=8)
    for path in _hot_files():
        digest.update(path.read_bytes())
    return Path(os.environ.get("TANDEM_CACHE", ROOT / ".numba_cache")) / digest.hexdigest()


CACHE = _cache_folder()
numba.config.CACHE_DIR = str(CACHE)


def njit(function):
    """Compile without fastmath and without parallel: replay must agree bit for bit on every machine."""
    return numba.njit(cache=True, error_model="numpy")(function)


def entry(name: str):
    """Compile a function of whole numbers into one copy of machine code, which all compiled callers call by its name.

    A plain @njit is compiled into each of its callers anew: that takes minutes, and what one of them has brought into
    the caches does nothing for another. Called from compiled code alone; compiled, or loaded, at once.
    """

    def made(function):
        if numba.config.DISABLE_JIT:
            return function
        count = function.__code__.co_argcount
        signature = types.int64(*[types.int64] * count)
        compiled = numba.cfunc(signature, cache=True, error_model="numpy")(function)
        _ENTRIES.append(compiled)
        binding.add_symbol(name, compiled.address)

        def call(typingctx, *args):
            def codegen(context, builder, _, values):
                i64 = ir.IntType(64)
                kind = ir.FunctionType(i64, [i64] * count)
                target = cgutils.get_or_insert_function(builder.module, kind, name)
                return builder.call(target, values)

            return signature, codegen

        return intrinsic(_WITH_ARGUMENTS[count](call))

    return made


_ENTRIES: list = []  # kept alive: their machine code is called by address
# numba looks at how many arguments an intrinsic names.
_WITH_ARGUMENTS = {
    4: lambda call: lambda context, a, b, c, d: call(context, a, b, c, d),
    11: lambda call: lambda context, a, b, c, d, e, f, g, h, i, j, k: call(context, a, b, c, d, e, f, g, h, i, j, k),
}
