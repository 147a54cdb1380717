"""What a journal's folder holds: names, the header page of a segment, seals, and how a segment file is made.

FOLDER/00000001.segment ...  the records on disk, byte for byte those of the live segment of that number
FOLDER/seals                 one SEAL for each block that is on disk
FOLDER/00000001-4096.lost    bytes found after the last whole record of a segment, from that offset on
FOLDER/live                  the folder of the live segments, while there are any; its file `owner` says the same
FOLDER/epoch                 the id epoch of the last start
FOLDER/engine.lock, sealer.lock, sealer.log
"""

import contextlib
import hashlib
import os
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.records import DTYPES, HEADER, JSON_KINDS

PAGE_BYTES = 4096
MAGIC = b"TANDEMJ\n"
VERSION = 1

# The first page of a segment. first_seq: of its first record, stored last, 0 while the segment is only prepared.
# chain: of the last seal of the segment before, written by the sealer with the first block.
SEGMENT = np.dtype([
    ("magic", "S8"), ("version", "<i8"), ("number", "<i8"), ("first_seq", "<i8"), ("size", "<i8"),
    ("created_ns", "<i8"), ("chain", "u1", (32,)),
])  # fmt: skip
FIRST_SEQ_AT = SEGMENT.fields["first_seq"][1]
CHAIN_AT = SEGMENT.fields["chain"][1]

# Bytes [offset, offset + length) of a segment are on disk and end with record last_seq. crc32: of these bytes.
# chain: blake2b of the chain before, the fields before it, and the bytes. end: MORE, or how the segment ended.
SEAL = np.dtype([
    ("number", "<i8"), ("offset", "<i8"), ("length", "<i8"), ("last_seq", "<i8"), ("sealed_ns", "<i8"),
    ("crc32", "<u4"), ("end", "<u4"), ("chain", "u1", (32,)),
])  # fmt: skip
MORE, ROLLED, CLOSED, KILLED = range(4)
ENDS = ("open", "rolled", "closed", "killed")
NO_CHAIN = bytes(32)
_PAGE = bytes(PAGE_BYTES)

# Payload bytes by kind; None: as many as the JSON has.
SIZES = {kind: dtype.itemsize for kind, dtype in DTYPES.items()} | dict.fromkeys(JSON_KINDS)

_SEQ_AND_SIZE = struct.Struct("<q20xI")


class Damaged(Exception):
    """The journal's bytes contradict themselves: which file, at which offset, and what was expected."""


def name(number: int) -> str:
    return f"{number:08d}.segment"


def numbers(*folders: Path | None) -> list[int]:
    """Numbers of the segments in any of the folders, ascending."""
    return sorted({int(path.stem) for folder in folders if folder for path in folder.glob("*.segment")})


def live_folder(folder: Path) -> Path | None:
    """Where the live segments of a journal lie; None where it has none, or the folder is another journal's by now."""
    try:
        path, owner = (folder / "live").read_text().splitlines()
        return Path(path) if (Path(path) / "owner").read_text() == owner else None
    except FileNotFoundError:
        return None


def claim_live(folder: Path, live: Path) -> None:
    """Make `live` the folder of a journal's live segments."""
    owner = os.urandom(16).hex()
    (live / "owner").write_text(owner)
    write_durably(folder / "live", f"{live}\n{owner}".encode())


def places(folder: Path, number: int) -> list[Path]:
    """Where a segment may lie, best first: the live one is complete where the disk's is still being written."""
    return [place / name(number) for place in (live_folder(folder), folder) if place]


def started(head: bytes) -> np.void | None:
    """The SEGMENT fields in a segment's first bytes; None where the segment is only prepared, or not even that."""
    if len(head) < SEGMENT.itemsize:
        return None
    fields = np.frombuffer(head[: SEGMENT.itemsize], SEGMENT)[0]
    return fields if fields["first_seq"] else None


def check_header(fields: np.void, path: Path) -> None:
    if fields["magic"] != MAGIC or fields["version"] != VERSION or name(fields["number"]) != path.name:
        raise Damaged(f"{path} offset 0: expected the header of journal format {VERSION}, segment {path.stem}")


def read_seals(folder: Path) -> np.ndarray:
    """Every whole SEAL, in order; a torn one at the end was never in force."""
    try:
        raw = (folder / "seals").read_bytes()
    except FileNotFoundError:
        raw = b""
    return np.frombuffer(raw[: len(raw) // SEAL.itemsize * SEAL.itemsize], SEAL)


def chain(before: bytes, seal: np.void, block: bytes | memoryview) -> bytes:
    digest = hashlib.blake2b(before, digest_size=32)
    digest.update(seal.tobytes()[: SEAL.fields["chain"][1]])
    digest.update(block)
    return digest.digest()


def committed(buffer, at: int, next_seq: int) -> tuple[int, int]:
    """Where the whole records from `at` on end, and the seq that would come next."""
    limit = len(buffer)
    while at + HEADER.itemsize <= limit:
        seq, size = _SEQ_AND_SIZE.unpack_from(buffer, at)
        end = at + HEADER.itemsize + (size + 7) // 8 * 8
        if seq != next_seq or end > limit:
            break
        at, next_seq = end, next_seq + 1
    return at, next_seq


def make_segment(folder: Path, live: Path, number: int, size: int, now_ns: int) -> None:
    """Prepare an empty segment, its room on tmpfs and on disk reserved. OSError where there is no room for it.

    Linked to its name when complete: a segment of that name that exists already stays as it is.
    """
    path, disk = live / name(number), folder / name(number)
    temporary = live / f"{name(number)}.{os.getpid()}"
    header = np.zeros(1, SEGMENT)
    header[0] = (MAGIC, VERSION, number, 0, size, now_ns, 0)
    try:
        _reserve(temporary, size)
        _fill(temporary, size, header.tobytes())
        _reserve(disk, size)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    except OSError:
        if not path.exists():
            disk.unlink(missing_ok=True)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _reserve(path: Path, size: int) -> None:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(file, 0, size)
    finally:
        os.close(file)


def _fill(path: Path, size: int, head: bytes) -> None:
    """Write every page: reserved ones are cleared at their first use only, which would be the engine's."""
    with open(path, "r+b", buffering=0) as file:
        for _ in range(0, size, PAGE_BYTES):
            file.write(_PAGE)
        file.seek(0)
        file.write(head)


def sync_folder(folder: Path) -> None:
    """Make names in a folder outlive a power cut."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def make_folder(folder: Path) -> None:
    """Make a folder, and its parents, that outlive a power cut."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def write_durably(path: Path, data: bytes) -> None:
    """Replace a small file whole: after a power cut it is the old one or the new one."""
    temporary = path.with_name(path.name + ".new")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def write_all(file: int, data: memoryview, offset: int) -> None:
    while data:
        done = os.pwrite(file, data, offset)
        data, offset = data[done:], offset + done


def unlink_all(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
