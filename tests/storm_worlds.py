"""Small worlds whose journals the judge is shown, and ways to doctor a journal."""

import numpy as np

from bench.storm.columns import Columns, written
from bench.storm.judge import Judge
from engine.ports import BUY, Event, ExecReport
from engine.records import DTYPES
from engine.segments import Record
from tests.world import World, demo_config, with_repair

HALTED_IN_LEDGER = False


def judged(world: World, journal=None, **named):
    positions = {world.instruments[at].id: world.venue_net(at) for at in (world.au, world.gc)}
    judge = Judge(world.record, halted_in_ledger=HALTED_IN_LEDGER, **named.pop("judge", {}))
    return judge.judge(Columns.of_memory(journal or world.journal), **({"venue_positions": positions} | named))


def of(world: World) -> list[Record]:
    return world.journal.records()


def changed(record: Record, **fields) -> Record:
    """The same record with fields set; a tuple as a name's value sets (index, value) of an array."""
    row = np.frombuffer(record.payload, DTYPES[record.kind]).copy()
    for name, value in fields.items():
        if isinstance(value, tuple):
            row[0][name][value[0]] = value[1]
        else:
            row[0][name] = value
    return Record(record.seq, record.now_ns, record.cause_seq, record.kind, record.flags, row.tobytes())


def made(kind: int, now_ns: int, **fields) -> Record:
    return changed(Record(0, now_ns, 0, kind, 0, bytes(DTYPES[kind].itemsize)), **fields)


def at_of(all_records: list[Record], kind: int, number: int = 0, **wanted) -> int:
    """Place of the number-th record of a kind with these fields."""
    found = [
        at for at, record in enumerate(all_records)
        if record.kind == kind and all(record.data[name] == value for name, value in wanted.items())
    ]  # fmt: skip
    return found[number]


def caught(world: World, all_records: list[Record], invariant: int, words: str, **named) -> None:
    """The doctored journal shows that breach, in words."""
    result = judged(world, written(all_records), **named)
    found = [breach for breach in result.breaches if breach.invariant == invariant and words in breach.what]
    assert found, result.breaches
    assert result.count >= 1


def completed() -> World:
    world = World(demo_config(max_units=1))
    world.market(6.5)
    world.step(50)
    return world


def repaired() -> World:
    world = World(demo_config(max_units=1), {"SIM_SHFE": [{"at_order": 1, "do": "partial", "lots": 1}]})
    world.market(6.5)
    world.step(50)
    return world


def halted() -> World:
    rejects = [{"every": 1, "do": "reject", "reason": "closed"}]
    config = with_repair(demo_config(max_units=1), naked_limit_ms=500, max_tries=50, pay_up_ticks=[1])
    world = World(config, {"SIM_OTC": rejects, "SIM_SHFE": [{"at_order": n, "do": "reject"} for n in range(2, 40)]})
    world.market(6.5)
    world.step(1500)
    return world


def doubtful() -> World:
    world = World(demo_config(max_units=1), {"SIM_OTC": [{"at_order": 1, "do": "delay_ms", "ms": 1500}]})
    world.market(6.5)
    world.step(2500)
    return world


def cancelled() -> World:
    """An order that is acknowledged and never ends: it is cancelled at its deadline."""
    world = World(demo_config(max_units=1, deadline_ms=100))
    world.shfe.deaf = True
    world.market(6.5)
    order = world.shfe.sent[0]
    own = {"venue": 0, "order_no": order.order_no, "client_id": order.client_id, "instrument": world.au, "side": -1}
    for _ in range(20):
        world.loop.on_report(ExecReport(event=Event.ACK, recv_ns=world.now_ns, **own))
        world.step(50)
        world.loop.on_report(ExecReport(event=Event.CANCEL_REJECTED, recv_ns=world.now_ns, **own))
        world.step(50)
    return world


def late() -> World:
    world = World(
        with_repair(demo_config(cooldown_ms=60_000), on_partial="unwind"),
        {"SIM_SHFE": [{"at_order": 1, "do": "late_fill_ms", "ms": 60}], "SIM_OTC": [{"at_order": 1, "do": "nofill"}]},
    )
    world.market(6.5)
    world.step(300)
    return world


def restarted() -> World:
    world = World(demo_config(max_units=1))
    world.otc.deaf = True
    world.market(6.5)
    world.step(20)
    _, loop = world.replayed()
    loop.core.journal, loop.core.gateways = world.journal, world.gateways
    world.loop, world.otc.deaf = loop, False
    world.start(2)
    for report in world.otc.matching.trades("us") + world.otc.matching.orders("us"):
        world.otc.report(report)
    world.step(100)
    world.market(5.98)
    world.step(200)
    return world


def unsent() -> World:
    world = World(with_repair(demo_config(max_units=1), on_partial="unwind"))
    world.otc.down = True
    world.market(6.5)
    world.step(100)
    return world


def busted() -> World:
    world = World(with_repair(demo_config(cooldown_ms=60_000), on_partial="unwind"))
    world.market(6.5)
    world.step(50)
    trade = next(report for report in world.otc.told if report.event == Event.TRADE)
    world.loop.on_report(
        ExecReport(
            venue=1, order_no=trade.order_no, client_id=trade.client_id, instrument=world.gc, event=Event.BUST,
            cum_lots=0, last_lots=1, last_ticks=trade.last_ticks, trade_id=trade.trade_id, side=BUY,
            recv_ns=world.now_ns,
        )
    )  # fmt: skip
    world.step(100)
    world.venue_net = lambda instrument: world.net(instrument)  # the exchange here knows nothing of the bust
    return world
