"""The append: one record into memory, the commit word last. It knows no file, so replay can write to a scratch buffer.

The loop and every compiled step of the engine write through one WRITER struct, whose address never changes; rolling to
the next segment changes the fields (engine.journal). One thread appends.
"""

import numpy as np

from engine.jit import njit
from engine.memory import copy, store_release, view
from engine.records import HEADER

# address: of the segment's first byte. offset: of the next record in it, capacity: its end, both bytes from address.
# cause_seq: the input whose effects are being written. refused: appends that did not fit.
WRITER = np.dtype([
    ("address", "<i8"), ("capacity", "<i8"), ("offset", "<i8"), ("next_seq", "<i8"), ("cause_seq", "<i8"),
    ("records", "<i8"), ("bytes", "<i8"), ("refused", "<i8"),
])  # fmt: skip

HEADER_BYTES = HEADER.itemsize
WORD = np.dtype("<i8")
DECISION_BYTES = 8192  # more than a decision, its verdict and its orders take together


@njit
def has_room(writer_address, size):
    """Whether so many bytes, headers counted, can still be appended."""
    writer = view(writer_address, 1, WRITER)[0]
    return writer["capacity"] - writer["offset"] >= size


@njit
def append(writer_address, kind, flags, now_ns, source_address, size):
    """Append a record caused by the writer's cause_seq; its seq, or 0 (and nothing written) where it does not fit."""
    writer = view(writer_address, 1, WRITER)[0]
    return _put(writer, kind, flags, now_ns, writer["cause_seq"], source_address, size)


@njit
def append_input(writer_address, kind, flags, now_ns, source_address, size):
    """Append an input, and make it the cause of what is appended next; its seq, or 0 where it does not fit."""
    writer = view(writer_address, 1, WRITER)[0]
    seq = _put(writer, kind, flags, now_ns, 0, source_address, size)
    if seq != 0:
        writer["cause_seq"] = seq
    return seq


@njit
def _put(writer, kind, flags, now_ns, cause_seq, source_address, size):
    padded = (size + 7) & -8
    total = HEADER_BYTES + padded
    offset = int(writer["offset"])
    if size < 0 or total > writer["capacity"] - offset:
        writer["refused"] += 1
        return 0
    target = int(writer["address"]) + offset
    seq = int(writer["next_seq"])
    header = view(target, 1, HEADER)[0]
    header["now_ns"] = now_ns
    header["cause_seq"] = cause_seq
    header["kind"] = kind
    header["flags"] = flags
    header["size"] = size
    if padded != size:  # the padding is part of the bytes that replay must repeat
        view(target + total - 8, 1, WORD)[0] = 0
    copy(target + HEADER_BYTES, source_address, size)
    writer["offset"] = offset + total
    writer["next_seq"] = seq + 1
    writer["records"] += 1
    writer["bytes"] += total
    store_release(target, seq)
    return seq
