"""The append: what it writes, what it refuses, and that fast and slow readers see the same."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import layout
from engine.append import WRITER, append, append_input
from engine.jit import ROOT
from engine.journal import JournalFull, MemoryJournal
from engine.records import ALERT, CONFIG, DTYPES, FIRST_OUTPUT, HEADER, JSON_KINDS, ORDER, QUOTE, QUOTE_DTYPE
from engine.segments import index
from tests.journals import QUOTE_BYTES, quote


def test_what_does_not_fit_is_refused_and_nothing_is_written():
    memory = np.full(QUOTE_BYTES + 8, 0x55, np.uint8)
    writer = np.zeros(1, WRITER)
    writer["address"], writer["capacity"], writer["next_seq"] = memory.ctypes.data, QUOTE_BYTES - 1, 1
    source = np.zeros(1, QUOTE_DTYPE)
    before = writer.copy()
    for into in (append, append_input):
        assert into(writer.ctypes.data, QUOTE, 0, 5, source.ctypes.data, QUOTE_DTYPE.itemsize) == 0
    assert (memory == 0x55).all()
    assert writer["refused"][0] == 2
    before["refused"] = 2
    assert writer == before


def test_a_record_that_fits_to_the_byte_is_written():
    journal = MemoryJournal(QUOTE_BYTES)
    assert journal.append_input(QUOTE, 5, quote(7)) == 1
    assert journal.room_bytes == 0
    with pytest.raises(JournalFull, match="room for 0"):
        journal.append_input(QUOTE, 5, quote(7))
    assert len(journal.records()) == 1


def test_an_input_causes_what_follows_until_the_next_input():
    journal = MemoryJournal(4096)
    order = np.zeros(1, DTYPES[ORDER])[0]
    journal.append_json(CONFIG, 1, {})
    journal.append(ORDER, 2, order)
    journal.append_input(QUOTE, 3, quote(1), flags=9)
    journal.append(ORDER, 4, order)
    journal.append_json(ALERT, 5, {"what": "x"})
    found = [(record.seq, record.cause_seq, record.now_ns, record.flags) for record in journal.records()]
    assert found == [(1, 0, 1, 0), (2, 1, 2, 0), (3, 0, 3, 9), (4, 3, 4, 0), (5, 3, 5, 0)]


def test_a_payload_of_the_wrong_size_is_refused_by_name():
    with pytest.raises(ValueError, match=f"record kind {QUOTE}: expected {QUOTE_DTYPE.itemsize} payload bytes, got 3"):
        MemoryJournal(4096).append(QUOTE, 1, b"abc")


def test_a_reset_buffer_repeats_the_same_bytes_whatever_lay_there():
    journal = MemoryJournal(4096)
    journal.append_json(ALERT, 1, {"b": 1, "a": [1, 2]})
    size = 4096 - journal.room_bytes
    first = journal.buffer[:size].tobytes()
    assert journal.records()[0].payload == b'{"a":[1,2],"b":1}'
    journal.buffer[:] = 0xFF
    journal.reset()
    journal.append_json(ALERT, 1, {"a": [1, 2], "b": 1})
    assert journal.buffer[:size].tobytes() == first
    assert journal.records()[0].data == {"a": [1, 2], "b": 1}


@st.composite
def _records(draw):
    kind = draw(st.sampled_from(sorted(DTYPES.keys() | JSON_KINDS)))
    if kind in JSON_KINDS:
        return kind, draw(st.dictionaries(st.text(max_size=4), st.text(max_size=9) | st.integers(-9, 9), max_size=3))
    return kind, draw(st.binary(min_size=DTYPES[kind].itemsize, max_size=DTYPES[kind].itemsize))


@given(st.lists(_records(), max_size=30), st.integers(0, 2**62), st.integers(0, 2**16 - 1))
def test_what_was_appended_is_read_back(records, now_ns, flags):
    journal = MemoryJournal(64 << 10)
    for kind, what in records:
        if kind in JSON_KINDS:
            journal.append_json(kind, now_ns, what)
        elif kind < FIRST_OUTPUT:
            journal.append_input(kind, now_ns, what, flags)
        else:
            journal.append(kind, now_ns, what, flags)
    found = journal.records()
    assert [record.seq for record in found] == list(range(1, len(records) + 1))
    assert [record.kind for record in found] == [kind for kind, _ in records]
    for record, (kind, what) in zip(found, records, strict=True):
        assert record.now_ns == now_ns
        assert record.data == what if kind in JSON_KINDS else record.data.tobytes() == what


@settings(deadline=None)  # the first example may compile
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.data())
def test_the_compiled_index_stops_where_the_plain_walk_stops(sizes, data):
    journal = MemoryJournal(4096)
    for size in sizes:
        journal.append_json(ALERT, 1, {"what": "x" * size})
    used = 4096 - journal.room_bytes
    cut = data.draw(st.integers(0, used))
    end, next_seq = layout.committed(journal.buffer[:cut].tobytes(), 0, 1)
    offsets = np.empty(used // HEADER.itemsize + 1, np.int64)
    assert index(journal.buffer.ctypes.data, 0, cut, 1, offsets) == (next_seq - 1, end)


def test_plain_python_writes_the_same_bytes():
    script = (
        "from engine.journal import MemoryJournal; from tests.journals import quote; journal = MemoryJournal(4096)\n"
        "journal.append_input(3, 5, quote(7)); journal.append_json(42, 6, {'what': 'x'})\n"
        "print(journal.buffer.tobytes().hex())"
    )
    plain = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    journal = MemoryJournal(4096)
    journal.append_input(QUOTE, 5, quote(7))
    journal.append_json(ALERT, 6, {"what": "x"})
    assert plain.stdout.strip() == journal.buffer.tobytes().hex()
