"""Replay says identical only where it is, and names the first difference where it is not."""

import numpy as np
import pytest

from desk.assembly import assemble
from desk.cli import main
from desk.replay import replay
from engine import records
from engine.journal import Journal, MemoryJournal
from engine.replay import SCRATCH_BYTES, SilentGateway, Verdict, feed_all
from engine.segments import Record
from engine.verify import verify
from tests.world import World, demo_config

CHANGES = [
    (records.DECISION, "units"), (records.VERDICT, "cleared"), (records.ORDER, "limit_ticks"),
    (records.FILL, "lots"), (records.DEAL, "outcome"), (records.ORDER_STATE, "state"),
]  # fmt: skip


@pytest.fixture(scope="module")
def past() -> World:
    world = World(demo_config(max_units=1), {"SIM_SHFE": [{"at_order": 1, "do": "partial", "lots": 1}]})
    world.market(6.5)
    world.step(300)
    world.market(5.98)
    world.step(300)
    assert world.outcomes() == ["complete", "complete"]
    return world


def fed(world: World, source: list[Record]) -> Verdict:
    memory = MemoryJournal(SCRATCH_BYTES)
    loop = assemble(world.record, memory, [SilentGateway(), SilentGateway()], lambda: 0)
    return feed_all(loop, memory, source)


def changed(record: Record, field: str) -> Record:
    """The same record with one field one higher."""
    row = np.frombuffer(record.payload, records.DTYPES[record.kind]).copy()
    row[field] += 1
    return Record(record.seq, record.now_ns, record.cause_seq, record.kind, record.flags, row.tobytes())


def test_an_honest_journal_is_identical(past):
    verdict = fed(past, past.journal.records())
    assert verdict.identical
    kinds = [record.kind for record in past.journal.records()]
    assert verdict.outputs == sum(records.FIRST_OUTPUT <= kind < records.FIRST_ASIDE for kind in kinds)
    assert verdict.inputs == sum(kind < records.FIRST_OUTPUT and kind != records.CONFIG for kind in kinds)


@pytest.mark.parametrize(("kind", "field"), CHANGES)
def test_a_changed_output_is_the_first_difference(past, kind, field):
    source = past.journal.records()
    at = next(number for number, record in enumerate(source) if record.kind == kind)
    source[at] = changed(source[at], field)
    verdict = fed(past, source)
    assert not verdict.identical
    assert verdict.difference.seq == source[at].seq
    assert verdict.difference.expected != verdict.difference.found


def test_a_missing_output_is_named(past):
    source = past.journal.records()
    at = max(number for number, record in enumerate(source) if record.kind == records.LEDGER)
    del source[at]
    assert not fed(past, source).identical


def test_a_changed_input_shows_in_what_follows(past):
    source = past.journal.records()
    at = max(number for number, record in enumerate(source) if record.kind == records.QUOTE)
    source[at] = changed(source[at], "bid_ticks")
    verdict = fed(past, source)
    assert verdict.difference.seq > source[at].seq or verdict.difference.seq == 0


def test_a_folder_is_replayed_by_the_command_and_a_tampered_one_is_found_out(past, tmp_path, capsys):
    folder = tmp_path / "journal"
    with Journal(folder, tmp_path / "live", 1 << 20) as journal:
        for record in past.journal.records():
            into = journal.append if record.kind >= records.FIRST_OUTPUT else journal.append_input
            into(record.kind, record.now_ns, record.payload, record.flags)
    assert main(["replay", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("identical")
    assert verify(folder).whole

    (segment,) = folder.glob("*.segment")
    raw = bytearray(segment.read_bytes())
    verdict_row = next(record for record in past.journal.records() if record.kind == records.ORDER)
    at = raw.index(verdict_row.payload)
    lots_at = at + records.ORDER_DTYPE.fields["lots"][1]
    raw[lots_at] ^= 1
    segment.write_bytes(raw)
    assert main(["replay", str(folder)]) == 1
    said = capsys.readouterr().out
    assert f"first at record {verdict_row.seq}" in said
    assert "lots 3" in said
    assert main(["verify", str(folder)]) == 1
    assert not verify(folder).whole
    assert not replay(folder).identical
