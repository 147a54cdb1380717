"""The journal in segments: rolls, restarts, readers beside it, cuts, and running out of room."""

import os
import resource
import shutil
import signal

import numpy as np
import pytest

from engine import layout
from engine.append import append
from engine.journal import JournalFull
from engine.layout import PAGE_BYTES, Damaged
from engine.records import ALERT, HEADER, QUOTE
from engine.sealer import recover
from engine.segments import Reader, columns, read
from tests.journals import QUOTE_BYTES, SEGMENT_BYTES, first_segment, opened, quote, seqs, unsealed, whole, written


def test_a_journal_over_many_segments_reads_back_in_order(tmp_path):
    folder = written(tmp_path, 3000)
    assert len(layout.numbers(folder)) > 3
    assert [record.data["bid_ticks"] for record in read(folder)] == list(range(3000))
    assert whole(folder) == "closed"
    assert not (tmp_path / "live").exists()


def test_a_restart_goes_on_in_a_new_segment_with_the_next_seq(tmp_path):
    folder = written(tmp_path, 10)
    written(tmp_path, 5)
    with opened(tmp_path) as journal:
        assert journal.next_seq == 16
    assert layout.numbers(folder) == [1, 2, 3]
    assert seqs(folder) == list(range(1, 16))
    assert whole(folder) == "closed"


def test_an_empty_journal_and_a_missing_one_hold_no_records(tmp_path):
    assert seqs(tmp_path / "journal") == []
    written(tmp_path, 0)
    assert seqs(tmp_path / "journal") == []
    assert len(columns(tmp_path / "journal", QUOTE)) == 0


def test_after_the_close_nothing_is_appended(tmp_path):
    with opened(tmp_path) as journal:
        journal.append_input(QUOTE, 1, quote(1))
    with pytest.raises(JournalFull, match="it is closed"):
        journal.append_input(QUOTE, 1, quote(2))
    journal.turn()
    journal.close()
    assert append(journal.address, QUOTE, 0, 1, quote(2).__array_interface__["data"][0], 56) == 0
    assert seqs(journal.folder) == [1]


def test_a_closed_segment_is_cut_to_its_used_length(tmp_path):
    folder = written(tmp_path, 10)
    assert first_segment(folder).stat().st_size == PAGE_BYTES + 10 * QUOTE_BYTES


def test_a_tailing_reader_sees_each_record_once_over_rolls_and_a_restart(tmp_path):
    reader = Reader(tmp_path / "journal")
    assert reader.poll() == []
    found = []
    for _ in range(2):
        with opened(tmp_path) as journal:
            for number in range(1500):
                journal.append_input(QUOTE, number, quote(number))
                journal.turn()
                if number % 7 == 0:
                    found += [record.seq for record in reader.poll(limit=5)]
    found += [record.seq for record in reader.poll()]
    assert found == list(range(1, 3001))
    assert reader.poll() == []


def test_a_reader_of_the_live_journal_sees_the_record_just_appended(tmp_path):
    with opened(tmp_path) as journal:
        seq = journal.append_json(ALERT, 1, {"what": "now"})
        assert [record.data for record in read(journal.folder)] == [{"what": "now"}]
        assert seqs(journal.folder) == [seq]


def test_columns_hold_every_record_of_a_kind_live_or_closed(tmp_path):
    with opened(tmp_path) as journal:
        for number in range(2000):
            journal.append_input(QUOTE, number, quote(number * 3))
            journal.append_json(ALERT, number, {"what": "x" * (number % 9)})
            journal.turn()
        live = columns(journal.folder, QUOTE)
    closed = columns(tmp_path / "journal", QUOTE)
    assert (live == closed).all()
    assert (closed["data"]["bid_ticks"] == np.arange(2000) * 3).all()
    assert (closed["header"]["seq"] == np.arange(2000) * 2 + 1).all()
    with pytest.raises(ValueError, match="fixed size, got alert"):
        columns(tmp_path / "journal", ALERT)


def test_a_cut_at_any_byte_leaves_the_whole_records_before_it(tmp_path):
    with opened(tmp_path) as journal:
        journal.append_input(QUOTE, 1, quote(1))
        for size in (0, 3, 11):
            journal.append_json(ALERT, 1, {"x": "x" * size})
    folder = unsealed(tmp_path / "cut", tmp_path / "journal")
    path = first_segment(folder)
    raw = path.read_bytes()
    ends = [PAGE_BYTES]
    while ends[-1] < len(raw):
        size = np.frombuffer(raw[ends[-1] :][: HEADER.itemsize], HEADER)["size"][0]
        ends.append(ends[-1] + HEADER.itemsize + (int(size) + 7) // 8 * 8)
    for cut in range(len(raw), PAGE_BYTES - 1, -1):
        os.truncate(path, cut)
        kept = sum(end <= cut for end in ends[1:])
        assert seqs(folder) == list(range(1, kept + 1))
        assert len(columns(folder, QUOTE)) == min(kept, 1)


def test_a_cut_journal_goes_on_after_its_last_whole_record(tmp_path):
    source = unsealed(tmp_path / "source", written(tmp_path, 6))
    for lost in (1, 40, QUOTE_BYTES, QUOTE_BYTES + 1):
        folder = tmp_path / f"cut-{lost}"
        shutil.copytree(source, folder)
        os.truncate(first_segment(folder), PAGE_BYTES + 6 * QUOTE_BYTES - lost)
        kept = (6 * QUOTE_BYTES - lost) // QUOTE_BYTES
        assert recover(folder) == (2, kept + 1)
        assert seqs(folder) == list(range(1, kept + 1))
        assert whole(folder) == "killed"


def test_a_record_without_its_commit_word_is_not_there(tmp_path):
    folder = unsealed(tmp_path / "torn", written(tmp_path, 6))
    with open(first_segment(folder), "r+b") as file:
        file.seek(PAGE_BYTES + 5 * QUOTE_BYTES)
        file.write(bytes(8))
    assert seqs(folder) == [1, 2, 3, 4, 5]


def test_a_record_longer_than_what_is_read_at_once_reads_back(tmp_path):
    with opened(tmp_path, 8 << 20) as journal:
        journal.append_json(ALERT, 1, {"what": "x" * (3 << 20)})
        journal.append_json(ALERT, 1, {"what": "y"})
    assert [len(record.data["what"]) for record in read(tmp_path / "journal")] == [3 << 20, 1]


def test_a_record_of_an_unknown_kind_or_size_is_an_error_with_its_place(tmp_path):
    for kind, size in ((999, 8), (QUOTE, 8)):
        with opened(tmp_path / str(kind)) as journal:
            journal.append_input(QUOTE, 1, quote(1))
            append(journal.address, kind, 0, 1, np.zeros(1).ctypes.data, size)
        place = f"00000001.segment offset {PAGE_BYTES + QUOTE_BYTES}"
        with pytest.raises(Damaged, match=place):
            seqs(journal.folder)
        with pytest.raises(Damaged, match=place):
            columns(journal.folder, QUOTE)


def test_without_room_for_a_next_segment_the_room_falls_until_appends_fail_and_recovers(tmp_path):
    size = 16 * SEGMENT_BYTES
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(tmp_path, size) as journal:
        os.kill(journal.sealer_pid, signal.SIGSTOP)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, hard))
        try:
            lowest, acknowledged = journal.room_bytes, []
            with pytest.raises(JournalFull, match="no room for a next segment"):
                while True:
                    acknowledged.append(journal.append_input(QUOTE, 1, quote(1)))
                    journal.turn()
                    lowest = min(lowest, journal.room_bytes)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            os.kill(journal.sealer_pid, signal.SIGCONT)
        assert lowest < journal.reserve_bytes // 8
        assert seqs(journal.folder) == acknowledged
        acknowledged.append(journal.append_input(QUOTE, 1, quote(1)))
        assert journal.room_bytes > journal.reserve_bytes
    assert seqs(journal.folder) == acknowledged
    assert whole(journal.folder) == "closed"
