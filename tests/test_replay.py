"""Replay says identical only where it is, and names the first difference where it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.assembly import assemble
from desk.cli import main
from desk.replay import replay
from engine import records
from engine.journal import Journal, MemoryJournal
from engine.ports import Event, ExecReport
from engine.replay import SCRATCH_BYTES, SilentGateway, Verdict, feed_all
from engine.segments import Record
from engine.verify import verify
from tests.budget import examples
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


def test_a_journal_cut_in_any_turn_is_made_whole_by_the_next_start(past):
    source = past.journal.records()
    fields = {name: source[0].data[name] for name in source[0].data.dtype.names} | {"epoch": 2}
    torn = 0
    for length in range(2, len(source)):
        memory = MemoryJournal(SCRATCH_BYTES)
        loop = assemble(past.record, memory, [SilentGateway(), SilentGateway()], lambda: 0)
        verdict = feed_all(loop, memory, source[:length])
        assert verdict.identical, (length, verdict.difference)
        torn += bool(verdict.untold)
        journal = MemoryJournal(1 << 22)
        for record in [*source[:length], *verdict.untold]:
            into = journal.append if record.kind >= records.FIRST_OUTPUT else journal.append_input
            into(record.kind, record.now_ns, record.payload)
        loop.core.journal = journal
        loop.on_start(fields, past.record, source[length].now_ns)
        assert fed(past, journal.records()).identical
    assert torn > 20


TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=90)


@given(reason=TEXTS, why=TEXTS, client_id=TEXTS, trade_ids=st.lists(TEXTS, min_size=1, max_size=3))
@settings(max_examples=examples(60), deadline=None)
def test_whatever_a_venue_writes_replays_as_it_was_taken(reason, why, client_id, trade_ids):
    world = World(demo_config(max_units=1))
    world.shfe.deaf = True
    world.market(6.5)
    order = world.shfe.sent[0]
    own = {"venue": 0, "order_no": order.order_no, "client_id": order.client_id, "instrument": world.au, "side": -1}
    for trade_id in ["x" * 47 + trade_id for trade_id in trade_ids]:
        world.loop.on_report(
            ExecReport(
                event=Event.TRADE, last_lots=1, last_ticks=15_000, trade_id=trade_id, recv_ns=world.now_ns, **own
            )
        )
    foreign = own | {"order_no": 0, "client_id": client_id}
    world.loop.on_report(ExecReport(event=Event.ACK, recv_ns=world.now_ns, **foreign))
    world.loop.on_report(ExecReport(event=Event.REJECTED, reason=reason * 3, recv_ns=world.now_ns, **own))
    world.loop.on_link(1, 1, 0, world.now_ns, why * 3)
    world.loop.on_bad_input(0, why * 9, reason.encode(errors="replace"), world.now_ns)
    world.loop.on_command(records.COMMAND_REDUCE, 0, -1, client_id, why * 3, world.now_ns)
    verdict, loop = world.replayed()
    assert verdict.identical, verdict.difference
    assert loop.core.state.snapshot() == world.state.snapshot()
    assert loop.core.trades == world.loop.core.trades
