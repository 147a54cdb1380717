"""What a FIX session remembers over a reconnect and a restart: both next sequence numbers, and what may be sent again.

Numbers are 8-byte stores into a shared memory map and messages are appended to a log: a killed process loses neither,
because the pages outlive it. Nothing is fsynced: after a power cut the numbers may be old, and the session protocol
itself finds that out (a number too low ends in a Logout that says so).
"""

import fcntl
import mmap
import os
import struct
from pathlib import Path
from urllib.parse import quote

import numpy as np

KEPT_MESSAGES = 100_000
_MAGIC = int.from_bytes(b"TANDEM44", "little")
_NUMBERS = struct.Struct("<QQQQ")
_RECORD = struct.Struct("<QI")


class MemoryStore:
    """Kept over a reconnect, gone with the process."""

    def __init__(self) -> None:
        self._keep(np.array([0, 1, 1, 0], np.uint64))
        self._messages: dict[int, bytes] = {}

    def _keep(self, where) -> None:
        """The numbers lie there: [_, next_out, next_in, _], 8 bytes each. The array of the address goes at once, since
        a map cannot be closed while there is one."""
        self._numbers = memoryview(where).cast("B").cast("Q")
        self._address = np.frombuffer(where, np.uint64).ctypes.data

    @property
    def out_address(self) -> int:
        """Where the next outgoing number lies, for compiled code; until `close`."""
        return self._address + 8

    @property
    def in_address(self) -> int:
        """The same of the next incoming one."""
        return self._address + 16

    @property
    def next_out(self) -> int:
        return self._numbers[1]

    @next_out.setter
    def next_out(self, seq: int) -> None:
        self._numbers[1] = seq

    @property
    def next_in(self) -> int:
        return self._numbers[2]

    @next_in.setter
    def next_in(self, seq: int) -> None:
        self._numbers[2] = seq

    def save(self, seq: int, raw: bytes) -> None:
        """Keep a message that may be sent again; of the oldest beyond KEPT_MESSAGES only a gap fill is left."""
        self._messages[seq] = raw
        if len(self._messages) > KEPT_MESSAGES:
            del self._messages[next(iter(self._messages))]

    def message(self, seq: int) -> bytes | None:
        return self._messages.get(seq)

    def reset(self) -> None:
        """Both numbers start at 1 again and nothing may be sent again."""
        self._messages.clear()
        self.next_out = self.next_in = 1

    def close(self) -> None:
        """Nothing is held outside the process."""


class FileStore(MemoryStore):
    """Two files in `folder` named for the session: `.seq` (the numbers) and `.log` (the messages).

    OSError where they cannot be written or another process has them; ValueError where `.seq` is no file of ours.
    """

    def __init__(self, folder: str | Path, name: str) -> None:
        super().__init__()
        path = Path(folder) / quote(name, safe="-.")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path.with_name(path.name + ".lock"))
        try:
            self._map = _open_numbers(path.with_name(path.name + ".seq"))
            self._keep(self._map)
            self._log = open(path.with_name(path.name + ".log"), "a+b", buffering=0)  # noqa: SIM115
            self._load()
        except BaseException:
            os.close(self._lock)
            raise

    def save(self, seq: int, raw: bytes) -> None:
        super().save(seq, raw)
        self._log.write(_RECORD.pack(seq, len(raw)) + raw)

    def reset(self) -> None:
        self._log.truncate(0)  # first: a message of the old numbering must never be sent under a new number
        super().reset()

    def close(self) -> None:
        self._log.close()
        self._numbers.release()
        self._map.close()
        os.close(self._lock)

    def _load(self) -> None:
        """Read the log back, up to a record that a kill tore off or that was never sent; the rest is cut off."""
        self._log.seek(0)
        data = self._log.read()
        at = 0
        while len(data) - at >= _RECORD.size:
            seq, size = _RECORD.unpack_from(data, at)
            if len(data) - at - _RECORD.size < size or seq >= self.next_out:
                break
            super().save(seq, data[at + _RECORD.size : at + _RECORD.size + size])
            at += _RECORD.size + size
        self._log.truncate(at)


def _lock(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise OSError(error.errno, "the FIX session's store is in use by another process", str(path)) from error
    return file


def _open_numbers(path: Path) -> mmap.mmap:
    """The map of the numbers; a new file appears whole, by rename."""
    if not path.exists():
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(_NUMBERS.pack(_MAGIC, 1, 1, 0))
        fresh.rename(path)
    if path.stat().st_size != _NUMBERS.size:
        raise ValueError(f"{path}: expected {_NUMBERS.size} bytes of sequence numbers, found {path.stat().st_size}")
    with open(path, "r+b") as file:
        numbers = mmap.mmap(file.fileno(), _NUMBERS.size)
    if _NUMBERS.unpack(numbers[:])[0] != _MAGIC:
        numbers.close()
        raise ValueError(f"{path}: not a file of FIX sequence numbers")
    return numbers


def open_store(folder: str, name: str) -> MemoryStore:
    """A file store in `folder`, or one in memory where no folder is given."""
    return FileStore(folder, name) if folder else MemoryStore()
