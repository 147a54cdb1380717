"""Replay of a folder walks through quotes and quiet beats in compiled code, and finds what replay by records finds."""

from pathlib import Path

import pytest

import engine.replay
from desk.assembly import assemble
from engine import records
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.replay import SCRATCH_BYTES, SilentGateway, Verdict, feed_folder
from tests.sweep_world import demo_config, saw, written, written_records
from tests.world import World


@pytest.fixture(scope="module")
def past() -> World:
    """Deals, beats of which most are quiet, and a pool that crosses its level by prices alone between two samples."""
    world = saw(World(demo_config(center=None, min_samples=8, entry=0.2)), 160)
    assert "pool_use" in world.alerts() and len(world.deals()) > 4
    return world


def walked(world: World, folder: Path) -> tuple[Verdict, Loop]:
    memory = MemoryJournal(SCRATCH_BYTES)
    loop = assemble(world.record, memory, [SilentGateway(), SilentGateway()], lambda: 0)
    return feed_folder(loop, memory, folder), loop


def test_the_verdict_and_the_state_are_those_of_replay_by_records(past, tmp_path):
    by_records, _ = past.replayed()
    verdict, loop = walked(past, written(past, tmp_path))
    assert verdict == by_records and verdict.identical
    assert loop.core.state.snapshot() == past.state.snapshot()
    assert loop.core.now_ns == past.loop.core.now_ns


def test_most_quotes_and_beats_never_become_a_record(past, tmp_path, monkeypatch):
    """Counted by what is fed from Python."""
    fed, feed = [], engine.replay.feed
    monkeypatch.setattr("engine.replay.feed", lambda loop, record: (fed.append(record.kind), feed(loop, record)))
    verdict, _ = walked(past, written(past, tmp_path))
    assert verdict.identical
    quotes = sum(record.kind == records.QUOTE for record in past.journal.records())
    assert fed.count(records.QUOTE) < quotes / 4
    assert fed.count(records.TIMER) < 160 * 6 / 4


def test_a_quote_that_causes_a_decision_which_the_journal_lacks_is_found(past, tmp_path):
    source = past.journal.records()
    at = next(number for number, record in enumerate(source) if record.kind == records.DECISION)
    end = next(number for number in range(at, len(source)) if source[number].kind < records.FIRST_OUTPUT)
    verdict, _ = walked(past, written_records([*source[:at], *source[end:]], tmp_path))
    assert verdict.difference.seq == source[at - 1].seq
    assert verdict.difference.found.startswith("decision (decision_id 1,")


def test_a_quote_that_was_changed_in_a_run_shows_in_what_follows(past, tmp_path):
    source = past.journal.records()
    last = max(number for number, record in enumerate(source) if record.kind == records.DECISION)
    at = max(number for number in range(last - 1) if source[number].kind == records.QUOTE)
    row = bytearray(source[at].payload)
    row[records.QUOTE_DTYPE.fields["ask_ticks"][1]] ^= 4
    source[at].payload = bytes(row)
    verdict, _ = walked(past, written_records(source, tmp_path))
    assert not verdict.identical and verdict.difference.seq > source[at].seq


def test_a_beat_of_which_an_output_was_left_out_is_found(past, tmp_path):
    source = past.journal.records()
    at = max(number for number, record in enumerate(source) if record.kind == records.SPREAD)
    verdict, _ = walked(past, written_records([*source[:at], *source[at + 1 :]], tmp_path))
    assert not verdict.identical and verdict.difference.found.startswith("spread")


def test_a_journal_that_ends_in_the_middle_of_a_turn_is_identical_so_far(past, tmp_path):
    source = past.journal.records()
    at = max(number for number, record in enumerate(source) if record.kind == records.VERDICT)
    verdict, _ = walked(past, written_records(source[:at], tmp_path))
    assert verdict.identical and verdict.untold
    assert verdict.untold[0].kind == records.VERDICT
