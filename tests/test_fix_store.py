"""What a FIX session remembers over a restart."""

import os
from collections.abc import Iterator

import pytest

from adapters.fix44.store import FileStore, MemoryStore, open_store
from tests.fix_pair import logged_on


def stores(tmp_path) -> Iterator[MemoryStore]:
    yield MemoryStore()
    yield open_store("", "x")
    yield open_store(str(tmp_path), "US->THEM/1")


def test_stores_keep_and_forget_alike(tmp_path):
    for store in stores(tmp_path):
        store.save(1, b"one")
        store.next_out = 2
        assert (store.message(1), store.message(2), store.next_out) == (b"one", None, 2)
        store.reset()
        assert (store.message(1), store.next_out, store.next_in) == (None, 1, 1)
        store.close()


def test_a_file_store_survives_a_kill_and_a_torn_record(tmp_path):
    store = FileStore(tmp_path, "s")
    store.save(1, b"one")
    store.next_out, store.next_in = 2, 7
    store.save(2, b"numbered but never sent")
    store.close()
    with open(tmp_path / "s.log", "ab") as log:
        log.write(b"\x03\x00")
    again = FileStore(tmp_path, "s")
    assert (again.next_out, again.next_in) == (2, 7)
    assert (again.message(1), again.message(2)) == (b"one", None)
    assert os.path.getsize(tmp_path / "s.log") == 12 + 3
    again.close()


def test_a_file_store_has_one_user_and_one_format(tmp_path):
    store = FileStore(tmp_path, "s")
    with pytest.raises(OSError, match="in use by another process"):
        FileStore(tmp_path, "s")
    store.close()
    (tmp_path / "t.seq").write_bytes(b"x" * 32)
    with pytest.raises(ValueError, match="not a file of FIX sequence numbers"):
        FileStore(tmp_path, "t")
    (tmp_path / "u.seq").write_bytes(b"x")
    with pytest.raises(ValueError, match="expected 32 bytes"):
        FileStore(tmp_path, "u")


def test_a_session_goes_on_with_the_numbers_of_a_file_store(tmp_path):
    acceptor = MemoryStore()
    for expected in (3, 5):
        ours = FileStore(tmp_path, "us")
        pair = logged_on(stores=(ours, acceptor))
        pair.app(pair.us, b"AN")
        pair.settle()
        assert pair.us.session.store.next_out == expected == acceptor.next_in
        ours.close()
