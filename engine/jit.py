"""How hot functions are compiled: one `njit` for all of them, and a cache that cannot serve stale code.

numba's own cache looks only at the file of a function, not at the files of what it calls. So the cache lies in a folder
named after the hash of every hot file (one that compiles, or that lays out memory): an edit of any starts a new one.
"""

import hashlib
import os
from pathlib import Path

import numba

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
