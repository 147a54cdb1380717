"""A Row: one journal record as a plain Python object, its attributes named as in `engine.records`.

A row is a copy, so it outlives the journal block it came from. Texts are decoded, leg arrays are lists.
"""

import msgspec

from engine.records import DTYPES, KIND_NAMES


def _row_class(kind: int) -> type:
    fields = [("seq", int), ("now_ns", int), *((name, object) for name in DTYPES[kind].names)]
    name = KIND_NAMES[kind].title().replace(" ", "") + "Row"
    return msgspec.defstruct(name, fields, gc=False, frozen=True, module=__name__)


ROWS = {kind: _row_class(kind) for kind in DTYPES}
_FLAT = {
    kind: all(dtype[name].shape == () and dtype[name].kind != "S" for name in dtype.names)
    for kind, dtype in DTYPES.items()
}


def _plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.tolist() if hasattr(value, "tolist") else value


def row_of(record):
    """The row of a record that has a dtype (not CONFIG, BAD_INPUT, ALERT or LOG, whose data is a dict)."""
    values = record.data.item()
    if not _FLAT[record.kind]:
        values = map(_plain, values)
    return ROWS[record.kind](record.seq, record.now_ns, *values)
