"""The judge of journals: it finds nothing in what the engine does right, and every doctored record in what it did."""

import numpy as np
import pytest

from bench.storm.columns import Columns, written
from bench.storm.judge import Judge
from engine import records
from engine.ports import BUY, DOWN, QUOTE_LIMIT_UP, TRADING, Event, ExecReport
from engine.records import (
    ALERT,
    CANCEL,
    COMMAND,
    DEAL,
    DECISION,
    DTYPES,
    FILL,
    LEDGER,
    LINK,
    ORDER,
    ORDER_STATE,
    QUOTE,
    REPAIR,
    REPORT,
    START,
    VERDICT,
)
from engine.segments import Record
from riskgate.gate import REPAIR_SEQUENCE
from tests.test_fuzz import STEPS, Mischief
from tests.world import MS, World, demo_config, with_repair

HALTED_IN_LEDGER = True  # as the engine has it today: a Halted deal's exposure is in the ledger at once


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


@pytest.mark.parametrize("play", [completed, repaired, halted, doubtful, late, restarted, unsent, busted])
def test_what_the_engine_does_right_is_no_breach(play):
    world = play()
    result = judged(world)
    assert result.breaches == []
    assert result.tally.deals == len(world.deals())
    assert result.tally.orders == len(world.of_kind(ORDER))


@pytest.mark.parametrize("seed", range(6))
def test_mischief_is_no_breach(seed):
    mischief = Mischief(seed)
    for _ in range(STEPS):
        mischief.act()
    mischief.calm_down()
    assert judged(mischief.world).breaches == []


def test_records_written_again_are_the_same_journal():
    world = repaired()
    copy = written(of(world))
    end = int(world.journal.writer["offset"][0])
    assert int(copy.writer["offset"][0]) == end
    assert (copy.buffer[:end] == world.journal.buffer[:end]).all()


def test_1_an_order_sent_twice():
    world = completed()
    seen = of(world)
    at = at_of(seen, ORDER)
    again = changed(seen[at], order_no=int(seen[at].data["order_no"]) + 1000)
    caught(world, [*seen[: at + 1], again, *seen[at + 1 :]], 1, "beyond what the deal intends")


def test_1_an_order_sent_again_while_the_first_is_in_doubt():
    world = doubtful()
    seen = of(world)
    at = at_of(seen, ORDER_STATE, in_doubt=1)
    order = next(one for one in seen if one.kind == ORDER and one.data["order_no"] == seen[at].data["order_no"])
    again = changed(order, order_no=int(order.data["order_no"]) + 1000)
    caught(world, [*seen[: at + 1], again, *seen[at + 1 :]], 1, "beyond what the deal intends")


def test_1_a_hedge_that_is_too_large():
    world = repaired()
    seen = of(world)
    at = at_of(seen, ORDER, lots=2)
    seen[at] = changed(seen[at], lots=3)
    caught(world, seen, 1, "beyond what the deal intends")


def test_1_a_repair_that_was_never_planned():
    world = repaired()
    caught(world, [one for one in of(world) if one.kind != REPAIR], 1, "without a REPAIR record")


def test_1_a_repair_that_makes_it_worse():
    world = repaired()
    seen = of(world)
    at = at_of(seen, REPAIR)
    seen[at] = changed(seen[at], lots=(0, -9))
    caught(world, seen, 1, "would leave")


def test_2_an_exposure_beyond_the_largest_clip():
    world = completed()
    seen = of(world)
    at = at_of(seen, DEAL)
    seen[at] = changed(seen[at], exposure_ubase=4_000_000_000)
    caught(world, seen, 2, "net exposure")


def test_2_naked_for_longer_than_the_limit():
    world = repaired()
    seen = of(world)
    at = at_of(seen, DEAL, -1)
    seen[at] = changed(seen[at], naked_ns=9_000 * MS)
    caught(world, seen, 2, "naked for 9000000000 ns")


def test_2_naked_and_nothing_done_till_the_end():
    world = repaired()
    seen = of(world)
    at = at_of(seen, DEAL, state=records.REPAIRING)
    beat = Record(0, seen[at].now_ns + 9_000 * MS, 0, records.TIMER, 0, bytes(8))
    caught(world, [*seen[: at + 1], beat], 2, "at the journal's end")


def test_2_a_halt_that_nobody_is_told_of():
    world = halted()
    caught(world, [one for one in of(world) if one.kind != ALERT or one.data["code"] != "halted"], 2, "no alert")


def test_3_an_id_used_twice():
    world = completed()
    seen = of(world)
    at = at_of(seen, ORDER, 1)
    seen[at] = changed(seen[at], order_no=int(seen[at_of(seen, ORDER)].data["order_no"]))
    caught(world, seen, 3, "a second time")


def test_3_an_epoch_that_does_not_grow():
    world = restarted()
    seen = of(world)
    at = at_of(seen, START, 1)
    seen[at] = changed(seen[at], epoch=1)
    caught(world, seen, 3, "start with epoch 1 after epoch 1")
    caught(world, seen, 3, "not of the running epoch")


def test_3_a_cancel_while_one_is_unanswered():
    world = cancelled()
    seen = of(world)
    assert [b for b in judged(world).breaches if b.invariant != 8] == []
    at = at_of(seen, CANCEL)
    again = changed(seen[at], request_no=int(seen[at].data["request_no"]) + 1000)
    caught(world, [*seen[: at + 1], again, *seen[at + 1 :]], 3, "unanswered")


def test_3_a_second_live_order_on_a_leg():
    world = repaired()
    seen = of(world)
    order_no = seen[at_of(seen, ORDER, lots=3)].data["order_no"]
    caught(world, [one for one in seen if one.kind != ORDER_STATE or one.data["order_no"] != order_no], 3, "is alive")


def test_4_a_cumulative_quantity_that_falls():
    world = completed()
    seen = of(world)
    at = at_of(seen, ORDER_STATE, -1, event=Event.TRADE)
    seen.insert(at + 1, changed(seen[at], cum_lots=0, event=Event.STATUS, settled=0))
    caught(world, seen, 4, "falls from")


@pytest.mark.parametrize("fields", [{"in_doubt": 1}, {"cum_lots": 4}, {"state": 2}])
def test_4_settled_too_early(fields):
    world = completed()
    seen = of(world)
    at = at_of(seen, ORDER_STATE, settled=1)
    seen[at] = changed(seen[at], **fields)
    caught(world, seen, 4, "is settled")


def test_4_a_trade_booked_twice_and_one_not_booked():
    world = completed()
    seen = of(world)
    at = at_of(seen, FILL)
    caught(world, [*seen[: at + 1], seen[at], *seen[at + 1 :]], 4, "booked a second time")
    caught(world, seen[:at] + seen[at + 1 :], 4, "its fills sum to 0")


def test_4_a_bust_of_a_trade_that_is_not_booked():
    world = busted()
    seen = of(world)
    at = at_of(seen, FILL, flags=records.FILL_BUST | records.FILL_LATE)
    seen[at] = changed(seen[at], trade_id=b"other")
    caught(world, seen, 4, "not booked")


def test_5_an_entry_while_a_leg_is_in_doubt():
    world = completed()
    seen = of(world)
    at = at_of(seen, ORDER, 1)
    first = seen[at_of(seen, ORDER)].data
    doubt = made(ORDER_STATE, seen[at].now_ns, order_no=first["order_no"], deal_id=first["deal_id"], event=-1, state=1,
                 in_doubt=1, total_lots=first["lots"])  # fmt: skip
    caught(world, [*seen[:at], doubt, *seen[at:]], 5, "in doubt")


def test_5_an_entry_over_a_link_that_is_down():
    world = completed()
    seen = of(world)
    at = at_of(seen, QUOTE)
    down = made(LINK, seen[at].now_ns, venue=1, channel=TRADING, state=DOWN)
    caught(world, [*seen[:at], down, *seen[at:]], 5, "venue 1 is not ready")


@pytest.mark.parametrize("scope", range(5))
def test_5_an_entry_against_a_switch(scope):
    world = completed()
    seen = of(world)
    at = at_of(seen, QUOTE)
    reduce = made(COMMAND, seen[at].now_ns, code=records.COMMAND_REDUCE, choice=scope, scope=0)
    caught(world, [*seen[:at], reduce, *seen[at:]], 5, "switch")


def test_5_an_order_that_no_verdict_cleared():
    world = completed()
    seen = of(world)
    at = at_of(seen, VERDICT)
    caught(world, seen[:at] + seen[at + 1 :], 5, "no cleared verdict")


def test_5_more_lots_than_decided():
    world = completed()
    seen = of(world)
    at = at_of(seen, ORDER)
    seen[at] = changed(seen[at], lots=4)
    caught(world, seen, 5, "too many")


def test_6_a_repair_refused_by_a_throttle():
    world = repaired()
    seen = of(world)
    repair = seen[at_of(seen, DECISION, 1)].data["decision_id"]
    at = at_of(seen, VERDICT, decision_id=repair)
    assert 6 not in REPAIR_SEQUENCE
    seen[at] = changed(seen[at], cleared=0, reason=6)
    caught(world, seen, 6, "control 6 refused it")


def test_8_a_deal_that_does_not_end():
    world = completed()
    seen = of(world)
    last = at_of(seen, DEAL, -1)
    assert judged(world, must_be_quiet=True).breaches == []
    result = judged(world, written(seen[:last] + seen[last + 1 :]), must_be_quiet=True)
    assert [breach.what for breach in result.breaches if "has not ended" in breach.what]
    assert result.open_deals == [1]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"outcome": 0}, "do not go together"), ({"outcome": records.UNWOUND}, "does not fit"),
        ({"booked_lots": (0, -2)}, "its fills sum to -3"), ({"exposure_ubase": 5}, "its lots come to"),
    ],
)  # fmt: skip
def test_8_an_end_that_its_records_do_not_bear_out(fields, words):
    world = completed()
    seen = of(world)
    at = at_of(seen, DEAL, -1)
    seen[at] = changed(seen[at], **fields)
    caught(world, seen, 8, words)


def test_8_an_end_with_an_order_alive():
    world = completed()
    seen = of(world)
    at = at_of(seen, ORDER_STATE, -1, settled=1)
    seen[at] = changed(seen[at], settled=0)
    caught(world, seen, 8, "not settled")


def test_8_a_venue_that_holds_something_else():
    world = completed()
    caught(world, of(world), 8, "the venue holds -2 lots", venue_positions={"SHFE.au2702": -2, "COMEX.GCG7": 1})
    caught(world, of(world), 8, "the fills sum to -4", initial_positions={"SHFE.au2702": -1})


def test_8_a_ledger_that_does_not_add_up():
    world = completed()
    seen = of(world)
    at = at_of(seen, LEDGER)
    caught(world, [*seen[:at], changed(seen[at], residual_ubase=1), *seen[at + 1 :]], 8, "its changes sum to")
    caught(world, seen[:at] + seen[at + 1 :], 8, "deals that differ: [1]")


def test_9_more_cancels_than_a_day_allows():
    world = cancelled()
    caught(world, of(world), 9, "of the day, allowed are 1", judge={"cancels_a_day": 1})


def test_9_more_than_two_cancels_in_a_lock():
    world = cancelled()
    seen = of(world)
    at = at_of(seen, CANCEL)
    lock = made(QUOTE, seen[at].now_ns, instrument=world.au, flags=QUOTE_LIMIT_UP)
    more = []
    for number in range(3):
        answer = made(ORDER_STATE, seen[at].now_ns, order_no=seen[at].data["order_no"], event=Event.CANCEL_REJECTED,
                      state=2, total_lots=3)  # fmt: skip
        more += [changed(seen[at], request_no=int(seen[at].data["request_no"]) + 1000 + number), answer]
    caught(world, [*seen[:at], lock, *more], 9, "in one lock")


def test_10_an_order_that_meets_our_own():
    world = completed()
    seen = of(world)
    at = at_of(seen, ORDER)
    other = changed(seen[at], order_no=int(seen[at].data["order_no"]) + 1000, side=BUY)
    caught(world, [*seen[: at + 1], other, *seen[at + 1 :]], 10, "meets our own live order")


def test_the_tally_counts_and_groups_by_label():
    world = halted()
    result = judged(world, labels={1: "reject"})
    whole, group = result.tally, result.tally.groups["reject"]
    assert whole.outcomes == group.outcomes == {"halted": 1}
    assert whole.halted == {"naked limit reached": 1}
    assert whole.orders == group.orders == len(world.of_kind(ORDER))
    assert sum(whole.rungs.values()) == len(world.of_kind(REPAIR))
    assert group.alerts["halted"] == 1
    assert whole.worst_naked_ns > 500 * MS
    assert whole.flat()["outcome.halted"] == 1
    twice = type(whole)()
    twice.add(whole)
    twice.add(whole)
    assert twice.orders == 2 * whole.orders and twice.groups["reject"].deals == 2


def test_a_journal_that_breaks_off_is_said_to():
    world = completed()
    journal = written(of(world))
    journal.writer["offset"] -= 8
    with pytest.raises(ValueError, match="expected record"):
        judged(world, journal)


def test_reports_alone_change_nothing():
    """The judge goes by what the engine made of a report."""
    world = completed()
    assert judged(world, written([one for one in of(world) if one.kind != REPORT])).tally.deals == 1
