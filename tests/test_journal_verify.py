"""What verify finds: every kind of damage, with its file and offset; and nothing where there is none."""

import os

import numpy as np
import pytest

from engine import layout
from engine.append import append
from engine.layout import CHAIN_AT, PAGE_BYTES, SEAL, Damaged
from engine.records import QUOTE
from engine.segments import read
from engine.verify import verify
from tests.journals import QUOTE_BYTES, first_segment, opened, quote, seqs, unsealed, whole, written, zero

AT = PAGE_BYTES + 100 * QUOTE_BYTES


def test_a_whole_journal_has_no_problems_live_or_closed(tmp_path):
    with opened(tmp_path) as journal:
        for number in range(1000):
            journal.append_input(QUOTE, number, quote(number))
            journal.turn()
        assert whole(journal.folder) == "open"
    verdict = verify(journal.folder)
    assert verdict.whole
    assert (verdict.records, verdict.last_seq, verdict.sealed_seq, verdict.ended) == (1000, 1000, 1000, "closed")
    assert (verdict.torn_bytes, verdict.unsealed_bytes) == (0, 0)


def test_a_hole_before_valid_records_is_reported_with_its_place_and_size(tmp_path):
    folder = written(tmp_path, 300)
    zero(first_segment(folder), AT, 3 * QUOTE_BYTES)
    hole = f"hole of {3 * QUOTE_BYTES} bytes: expected record 101, found 104 behind it"
    assert f"00000001.segment offset {AT}: {hole}" in verify(folder).problems
    found = []
    with pytest.raises(Damaged, match="expected record 101"):
        found.extend(read(folder))
    assert len(found) == 100


def test_a_hole_in_a_segment_before_another_is_never_read_over(tmp_path):
    folder = unsealed(tmp_path / "hole", written(tmp_path, 2000))
    zero(first_segment(folder), AT, QUOTE_BYTES)
    with pytest.raises(Damaged, match=f"00000001.segment offset {AT}: expected record 101"):
        seqs(folder)


def test_a_changed_byte_is_found_by_its_block(tmp_path):
    folder = written(tmp_path, 300)
    with open(first_segment(folder), "r+b") as file:
        file.seek(AT + 50)
        file.write(b"\x01")
    (problem,) = verify(folder).problems
    assert "00000001.segment offset" in problem
    assert "CRC" in problem


def test_a_changed_seal_breaks_the_hash_chain(tmp_path):
    folder = written(tmp_path, 300)
    with open(folder / "seals", "r+b") as file:
        file.seek(SEAL.fields["sealed_ns"][1])
        file.write(b"\x01")
    (problem,) = verify(folder).problems
    assert problem == "00000001.segment offset 0: hash chain: the seal does not follow from the one before it"


def test_a_segment_of_another_journal_is_found_by_the_chain(tmp_path):
    written(tmp_path / "a", 10)
    folder = written(tmp_path / "b", 10)
    written(tmp_path / "b", 10)
    zero(folder / layout.name(2), CHAIN_AT, 32)
    assert any(f"00000002.segment offset {CHAIN_AT}: hash chain" in problem for problem in verify(folder).problems)


def test_a_missing_segment_is_reported_and_never_read_over(tmp_path):
    folder = written(tmp_path, 3000)
    (folder / layout.name(2)).unlink()
    problems = verify(folder).problems
    assert problems[0].startswith("00000002.segment offset 0: missing: expected a segment with")
    with pytest.raises(Damaged, match="segments go on to"):
        seqs(folder)


def test_a_sealed_segment_that_was_cut_is_reported(tmp_path):
    folder = written(tmp_path, 300)
    path = first_segment(folder)
    os.truncate(path, path.stat().st_size - 10)
    problems = verify(folder).problems
    assert any("cut: expected" in problem for problem in problems)
    assert any("expected record 300" in problem for problem in problems)
    with pytest.raises(Damaged, match="sealed records to 300"):
        seqs(folder)


def test_a_record_of_an_unknown_kind_or_a_wrong_size_is_named(tmp_path):
    with opened(tmp_path) as journal:
        journal.append_input(QUOTE, 1, quote(1))
        append(journal.address, QUOTE, 0, 1, np.zeros(1).ctypes.data, 8)
    place = f"00000001.segment offset {PAGE_BYTES + QUOTE_BYTES}"
    assert verify(journal.folder).problems == [f"{place}: a record of an unknown kind or of a wrong size"]


def test_a_torn_record_at_the_end_is_stated_and_is_no_problem(tmp_path):
    folder = unsealed(tmp_path / "torn", written(tmp_path, 6))
    zero(first_segment(folder), PAGE_BYTES + 5 * QUOTE_BYTES, 8)
    verdict = verify(folder)
    assert verdict.whole
    assert (verdict.records, verdict.ended, verdict.unsealed_bytes) == (5, "open", 5 * QUOTE_BYTES)
    assert 0 < verdict.torn_bytes <= QUOTE_BYTES


def test_a_foreign_header_is_named(tmp_path):
    folder = written(tmp_path, 6)
    zero(first_segment(folder), 0, 4)
    assert "expected the header of journal format 1" in verify(folder).problems[0]
