"""The trading state as Python sees it: one block, one numpy view a table."""

import mmap

import numpy as np

from engine.schema import HEAD, TABLES

_ALIGN = 64
_HUGE_BYTES = 2 << 20


class State:
    """One block of memory with all tables. `address` goes to compiled code; `state.order[i]["lots"]` reads a field.

    rows: how many rows each table of `engine.schema.TABLES` gets; order and deal rows must be powers of two, since a
    counter finds its row by its low bits.
    """

    def __init__(self, **rows: int):
        for name in ("order", "deal"):
            if rows[name] & (rows[name] - 1):
                raise ValueError(f"{name} rows must be a power of two, not {rows[name]}")
        rows["scratch"] = 1
        offsets, size = {}, _up(HEAD.itemsize)
        for name, dtype in TABLES.items():
            offsets[name] = size
            size += _up(max(rows[name], 1) * dtype.itemsize)
        self.block = _huge(size)
        self.address = self.block.ctypes.data
        self.head = self.block[: HEAD.itemsize].view(HEAD)[0]
        self.head["size"] = size
        for name, dtype in TABLES.items():
            self.head[f"at_{name}"], self.head[f"n_{name}"] = offsets[name], rows[name]
            table = self.block[offsets[name] : offsets[name] + rows[name] * dtype.itemsize].view(dtype)
            setattr(self, name, table)
        self.scratch = self.scratch[0]

    def order_row(self, order_no: int):
        """The row of an order, None where the table does not hold it (any more)."""
        row = self.order[order_no & (len(self.order) - 1)]
        return row if order_no and row["order_no"] == order_no else None

    def deal_row(self, deal_id: int):
        row = self.deal[deal_id & (len(self.deal) - 1)]
        return row if deal_id and row["deal_id"] == deal_id else None

    def market_ns(self, now_ns: int) -> int:
        """Market time, which sessions and dated terms go by."""
        head = self.head
        elapsed_ns = now_ns - int(head["clock_start_ns"])
        return int(head["clock_base_ns"]) + elapsed_ns * int(head["clock_speed_milli"]) // 1000

    def snapshot(self) -> bytes:
        """All tables but the scratch row, whose content is of the moment."""
        return self.block[: int(self.head["at_scratch"])].tobytes()


def _huge(size: int) -> np.ndarray:
    """Zeroed memory on huge pages where the system has them: the tables of an engine then need no more than a few
    entries of the processor's page cache, which cold code is short of."""
    whole = size + _HUGE_BYTES if size > _HUGE_BYTES // 4 else size
    memory = mmap.mmap(-1, whole, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    raw = np.frombuffer(memory, np.uint8)
    start = -raw.ctypes.data % (_HUGE_BYTES if whole > size else _ALIGN)
    return raw[start : start + size]


def _up(size: int) -> int:
    return (size + _ALIGN - 1) // _ALIGN * _ALIGN
