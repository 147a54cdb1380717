"""The journal and its sealer under kill -9: what was acknowledged is there, on tmpfs and then on disk."""

import multiprocessing
import os
import random
import shutil
import signal

import pytest

from engine import layout
from engine.clock import now_ns
from engine.journal import Journal, JournalBusy
from engine.layout import Damaged
from engine.records import LOG, QUOTE
from engine.sealer import recover
from engine.segments import read
from engine.verify import verify
from tests.journals import SEGMENT_BYTES, opened, quote, seqs, unsealed, wait_for_sealer, whole, write_until_killed

KILLS = 20
DEADLINE_NS = 20_000_000_000

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.journals"])


class _Victim:
    """A process that writes to the journal, until it is killed."""

    def __init__(self, folder) -> None:
        self._acks, theirs = _context.Pipe(duplex=False)
        self.process = _context.Process(target=write_until_killed, args=(folder, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.sealer_pid = int.from_bytes(self._acks.recv_bytes(), "little")

    def kill_after(self, acks: int) -> int:
        """The last seq it acknowledged."""
        heard = b""
        while len(heard) < acks * 8:
            heard += os.read(self._acks.fileno(), 4096)
        self.process.kill()
        self.process.join()
        while more := os.read(self._acks.fileno(), 4096):
            heard += more
        self._acks.close()
        return int.from_bytes(heard[len(heard) // 8 * 8 - 8 : len(heard) // 8 * 8], "little")


@pytest.mark.slow
def test_no_acknowledged_record_is_lost_by_kill_9_on_tmpfs_or_on_disk(tmp_path):
    rng = random.Random(20261122)
    folder = tmp_path / "journal"
    for _ in range(KILLS):
        victim = _Victim(tmp_path)
        os.kill(victim.sealer_pid, signal.SIGSTOP)
        acknowledged = victim.kill_after(rng.randrange(1, 1500))
        on_tmpfs = seqs(folder)
        assert on_tmpfs == list(range(1, len(on_tmpfs) + 1))
        assert len(on_tmpfs) >= acknowledged
        os.kill(victim.sealer_pid, signal.SIGCONT)
        wait_for_sealer(folder)
        assert list((tmp_path / "live").iterdir()) == []
        assert seqs(folder) == on_tmpfs
        assert whole(folder) == "killed"
    payloads = {record.seq: record for record in read(folder)}
    for seq, record in payloads.items():
        assert record.data["seq"] == seq - 1 if record.kind == LOG else record.data["bid_ticks"] == seq


def test_the_next_start_seals_what_a_killed_engine_and_its_killed_sealer_left(tmp_path):
    victim = _Victim(tmp_path)
    os.kill(victim.sealer_pid, signal.SIGSTOP)
    acknowledged = victim.kill_after(2000)
    os.kill(victim.sealer_pid, signal.SIGKILL)
    wait_for_sealer(tmp_path / "journal")
    left = seqs(tmp_path / "journal")
    assert len(left) >= acknowledged
    with opened(tmp_path) as journal:
        assert journal.next_seq == len(left) + 1
        journal.append_input(QUOTE, 1, quote(1))
    assert seqs(journal.folder) == [*left, len(left) + 1]
    assert whole(journal.folder) == "closed"


def test_a_dead_sealer_is_restarted_and_goes_on_where_the_seals_end(tmp_path):
    with opened(tmp_path) as journal:
        for number in range(1200):
            journal.append_input(QUOTE, number, quote(number))
            journal.turn()
        os.kill(journal.sealer_pid, signal.SIGKILL)
        deadline_ns = now_ns() + DEADLINE_NS
        while not journal.sealer_restarts:
            journal.turn()
            assert now_ns() < deadline_ns
        for number in range(1200):
            journal.append_input(QUOTE, number, quote(number))
            journal.turn()
    assert seqs(journal.folder) == list(range(1, 2401))
    assert whole(journal.folder) == "closed"


def test_a_sealer_that_died_before_the_close_is_made_good_by_the_close(tmp_path):
    with opened(tmp_path) as journal:
        journal.append_input(QUOTE, 1, quote(1))
        os.kill(journal.sealer_pid, signal.SIGKILL)
    assert seqs(journal.folder) == [1]
    assert whole(journal.folder) == "closed"


def test_a_signal_that_ends_the_engine_does_not_end_its_sealer(tmp_path):
    with opened(tmp_path) as journal:
        journal.append_input(QUOTE, 1, quote(1))
        deadline_ns = now_ns() + DEADLINE_NS
        while not len(layout.read_seals(journal.folder)):  # it is up
            assert now_ns() < deadline_ns
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(journal.sealer_pid, number)
        journal.append_input(QUOTE, 1, quote(2))
    assert journal.sealer_restarts == 0
    assert whole(journal.folder) == "closed"


def test_a_second_engine_on_the_journal_or_on_its_live_folder_is_refused(tmp_path):
    with opened(tmp_path) as journal:
        with pytest.raises(JournalBusy, match="another engine writes"):
            opened(tmp_path)
        with pytest.raises(JournalBusy, match="expected a folder of its own"):
            Journal(tmp_path / "other", tmp_path / "live", SEGMENT_BYTES)
        assert journal.append_input(QUOTE, 1, quote(1)) == 1
    assert whole(journal.folder) == "closed"


def test_the_live_folder_of_another_journal_is_never_read_as_ones_own(tmp_path):
    victim = _Victim(tmp_path)
    os.kill(victim.sealer_pid, signal.SIGSTOP)
    victim.kill_after(100)
    os.kill(victim.sealer_pid, signal.SIGKILL)
    wait_for_sealer(tmp_path / "journal")
    shutil.rmtree(tmp_path / "live")  # the machine started anew
    with Journal(tmp_path / "other", tmp_path / "live", SEGMENT_BYTES, sync_ms=5) as other:
        for number in range(50):
            other.append_input(QUOTE, number, quote(-1))
        recover(tmp_path / "journal")
        assert all(record.kind == LOG or record.data["bid_ticks"] > 0 for record in read(tmp_path / "journal"))
    assert seqs(other.folder) == list(range(1, 51))


def test_after_a_power_cut_the_hole_is_kept_and_reported_and_the_journal_goes_on(tmp_path):
    with opened(tmp_path) as journal:
        for number in range(20):
            journal.append_input(QUOTE, number, quote(number))
    folder = unsealed(tmp_path / "cut", journal.folder)
    path = folder / layout.name(1)
    raw = bytearray(path.read_bytes())
    raw[-10 * 88 : -5 * 88] = bytes(5 * 88)
    path.write_bytes(raw)
    hole = f"offset {len(raw) - 10 * 88}: hole of {5 * 88} bytes: expected record 11, found 16 behind it"
    assert verify(folder).problems == [f"00000001.segment {hole}"]
    with Journal(folder, tmp_path / "live", SEGMENT_BYTES) as journal:
        assert journal.append_input(QUOTE, 1, quote(1)) == 11
    assert seqs(folder) == list(range(1, 12))
    assert (folder / f"00000001-{len(raw) - 10 * 88}.lost").read_bytes() == bytes(raw[-10 * 88 :]).rstrip(b"\0")
    assert [problem.partition(" ")[2] for problem in verify(folder).problems] == [hole]


def test_a_journal_that_lost_what_was_sealed_does_not_go_on(tmp_path):
    with opened(tmp_path) as journal:
        for number in range(20):
            journal.append_input(QUOTE, number, quote(number))
    path = journal.folder / layout.name(1)
    size = path.stat().st_size
    os.truncate(path, size - 1)
    with pytest.raises(Damaged, match=f"offset {size - 1}: expected the {size} bytes that its seals state"):
        opened(tmp_path)
