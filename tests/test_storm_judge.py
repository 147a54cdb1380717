"""The judge of journals: it finds nothing in what the engine does right, and every doctored record in what it did."""

import pytest

from bench.storm.columns import Columns, written
from engine import records
from engine.journal import Journal
from engine.layout import Damaged, numbers
from engine.ports import BUY, DOWN, QUOTE_LIMIT_UP, TRADING, Event
from engine.records import (
    ALERT,
    CANCEL,
    COMMAND,
    DEAL,
    DECISION,
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
from tests.storm_worlds import (
    at_of,
    busted,
    cancelled,
    caught,
    changed,
    completed,
    doubtful,
    halted,
    judged,
    late,
    made,
    of,
    repaired,
    restarted,
    unsent,
)
from tests.test_fuzz import STEPS, Mischief
from tests.world import MS

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("scope", range(len(records.SCOPES)))
def test_5_an_entry_against_a_switch(scope):
    world = completed()
    seen = of(world)
    at = at_of(seen, QUOTE)
    reduce = made(COMMAND, seen[at].now_ns, code=records.COMMAND_REDUCE, choice=scope, scope=0)
    caught(world, [*seen[:at], reduce, *seen[at:]], 5, "switch")


@pytest.mark.parametrize("scope", range(len(records.SCOPES)))
def test_5_an_entry_behind_a_switch_that_has_run_out_is_none_against_it(scope):
    world = completed()
    seen = of(world)
    at, now_ns = at_of(seen, QUOTE), seen[at_of(seen, QUOTE)].now_ns
    reduce = made(COMMAND, now_ns - 2, code=records.COMMAND_REDUCE, choice=scope, scope=0, until_ns=now_ns - 1)
    timer = made(records.TIMER, now_ns)
    caught(world, [*seen[:at], reduce, *seen[at:]], 5, "switch")
    assert judged(world, written([*seen[:at], reduce, timer, *seen[at:]])).breaches == []


def test_5_an_entry_after_a_kill():
    world = completed()
    seen = of(world)
    at = at_of(seen, QUOTE)
    kill = made(COMMAND, seen[at].now_ns, code=records.COMMAND_KILL, scope=-1)
    caught(world, [*seen[:at], kill, *seen[at:]], 5, "switch")


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
    with pytest.raises(Damaged, match="expected record"):
        judged(world, journal)


def test_reports_alone_change_nothing():
    """The judge goes by what the engine made of a report."""
    world = completed()
    assert judged(world, written([one for one in of(world) if one.kind != REPORT])).tally.deals == 1


def test_a_journal_folder_is_judged_as_its_memory_is(tmp_path):
    world = restarted()  # two configs: more than one segment
    with Journal(tmp_path / "journal", tmp_path / "live", segment_bytes=1 << 15) as journal:
        for one in of(world):
            into = journal.append_input if one.kind < records.FIRST_OUTPUT else journal.append
            into(one.kind, one.now_ns, one.payload)
            journal.turn()
    ours, theirs = Columns.of_memory(world.journal), Columns.of_folder(tmp_path / "journal")
    assert len(numbers(tmp_path / "journal")) > 1
    assert (ours.words == theirs.words).all()
