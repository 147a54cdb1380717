"""The id epoch: never twice the same, whatever was lost."""

import pytest

from engine.clock import now_ns
from engine.journal import EPOCHS_BEGAN_S, next_epoch
from engine.layout import Damaged
from engine.records import QUOTE, START
from tests.journals import opened, quote, start


def _run(folder) -> int:
    """One start of an engine: its epoch."""
    with opened(folder) as journal:
        epoch = next_epoch(journal.folder)
        journal.append_input(START, 1, start(epoch))
    return epoch


def test_each_start_has_its_own_epoch(tmp_path):
    first, *others = [_run(tmp_path) for _ in range(3)]
    assert others == [first + 1, first + 2]
    assert (tmp_path / "journal" / "epoch").read_text() == f"{first + 2}\n"


def test_a_new_journal_begins_at_the_second_of_its_first_start(tmp_path):
    """Another journal may have traded the same account today: its ids are not used again."""
    before_s = now_ns() // 10**9
    assert before_s <= _run(tmp_path) + EPOCHS_BEGAN_S <= now_ns() // 10**9
    assert 0 < before_s - EPOCHS_BEGAN_S < 2**31


def test_a_lost_file_is_made_good_from_the_journal(tmp_path):
    used = {_run(tmp_path), _run(tmp_path)}
    (tmp_path / "journal" / "epoch").unlink()
    assert _run(tmp_path) not in used


@pytest.mark.parametrize("raw", [b"", b"7", b"seven\n", b"-1\n", b"7\n\n"])
def test_a_corrupt_file_is_made_good_from_the_journal(tmp_path, raw):
    used = {_run(tmp_path), _run(tmp_path)}
    (tmp_path / "journal" / "epoch").write_bytes(raw)
    assert next_epoch(tmp_path / "journal") == max(used) + 1


def test_an_epoch_that_nothing_tells_is_an_error(tmp_path):
    (tmp_path / "epoch").write_bytes(b"?")
    with pytest.raises(Damaged, match="expected the epoch of the last start"):
        next_epoch(tmp_path)
    with opened(tmp_path) as journal:
        journal.append_input(QUOTE, 1, quote(1))
        with pytest.raises(Damaged, match="no START record tells it"):
            next_epoch(journal.folder)
