"""An engine killed at every sort of point of a deal: restarted, it agrees with its venues; and the judge can say no."""

from collections import Counter

import pytest

from bench.crash.campaign import campaign, evidence_of
from bench.crash.judge import Evidence, breaches, of
from bench.crash.points import BEFORE, DEAL, MOMENTS, SIDES, WRITE, Point, parsed
from bench.crash.stage import Stage, until
from engine import records
from engine.ids import client_id
from engine.segments import Record
from tests.processes import seen

KINDS = {"DECISION", "VERDICT", "ORDER", "SENT", "DEAL", "STAMPS", "REPORT", "ORDER_STATE", "FILL", "LEDGER", "REPAIR"}


@pytest.mark.slow
def test_thirty_kills_at_every_sort_of_point_leave_nothing_forgotten_and_nothing_sent_twice(tmp_path):
    lines = []
    result = campaign(30, 7, tmp_path / "campaign", "mixed", lines.append)
    assert result.breaches == [], "\n".join(lines)
    assert len(result.kills) >= 30
    reached = Counter(kill.group for kill in result.kills if kill.reached)
    kinds = {group.split(":")[2] for group in reached if group.startswith("append:")}
    assert kinds >= KINDS
    assert {f"write:{side}" for side in SIDES} <= reached.keys()
    assert {f"moment:{where}" for where in MOMENTS} <= {kill.group for kill in result.kills}
    assert sum(stage.orders for stage in result.rounds) > 100


@pytest.fixture(scope="module")
def evidence(tmp_path_factory) -> Evidence:
    """Of an engine that was stopped in order, after some deals."""
    with Stage(tmp_path_factory.mktemp("crash") / "stage", 11) as stage:
        engine = stage.engine()
        ended = lambda record: record.kind == records.DEAL and record.data["outcome"] == records.COMPLETE
        assert until(seen(stage.journal, ended, 3), 40), stage.log("engine")
        return evidence_of(stage, engine)


def _order_doubled(found: Evidence) -> Evidence:
    order = next(of(found.past, records.ORDER))
    again = Record(len(found.past) + 1, order.now_ns, order.cause_seq, order.kind, order.flags, order.payload)
    return found._replace(past=[*found.past, again])


def _arrived_twice(found: Evidence) -> Evidence:
    notes = found.notes[0]
    return found._replace(notes=[notes._replace(arrived=[*notes.arrived, notes.arrived[-1]]), *found.notes[1:]])


def _arrived_unknown(found: Evidence) -> Evidence:
    notes = found.notes[0]
    return found._replace(notes=[notes._replace(arrived=[*notes.arrived, client_id(1 << 40)]), *found.notes[1:]])


def _position_differs(found: Evidence) -> Evidence:
    at, (long_lots, short_lots) = next(iter(found.asked.items()))
    return found._replace(asked=found.asked | {at: (long_lots + 1, short_lots)})


def _trade_untold(found: Evidence) -> Evidence:
    notes = found.notes[0]
    name, lots = next(iter(notes.lots.items()))
    return found._replace(notes=[notes._replace(lots=notes.lots | {name: 2 * lots}), *found.notes[1:]])


def _without(found: Evidence, wanted) -> Evidence:
    return found._replace(past=[record for record in found.past if not wanted(record)])


def _deal_never_ends(found: Evidence) -> Evidence:
    deal_id = next(of(found.past, records.DEAL)).data["deal_id"]
    is_end = lambda record: record.kind == records.DEAL and record.data["state"] == records.CLOSED
    return _without(found, lambda record: is_end(record) and record.data["deal_id"] == deal_id)


def _order_never_settles(found: Evidence) -> Evidence:
    number = next(of(found.past, records.ORDER)).data["order_no"]
    is_state = lambda record: record.kind == records.ORDER_STATE
    return _without(found, lambda record: is_state(record) and record.data["order_no"] == number)


def _record_lost(found: Evidence) -> Evidence:
    return _without(found, lambda record: record.seq == len(found.past) // 2)


def _ends_badly(found: Evidence) -> Evidence:
    return found._replace(exit_code=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("doctored", "says"),
    [
        (_order_doubled, "2 times in the journal"), (_arrived_twice, "arrived 2 times"),
        (_arrived_unknown, "is not in the journal"), (_position_differs, "the venue holds"),
        (_trade_untold, "the venue traded"), (_deal_never_ends, "is forgotten"),
        (_order_never_settles, "never settled"), (_record_lost, "was expected"), (_ends_badly, "exit code 1"),
    ],
)  # fmt: skip
def test_the_judge_says_what_is_wrong_of_doctored_evidence(evidence, doctored, says):
    assert breaches(evidence) == []
    said = breaches(doctored(evidence))
    assert any(says in one for one in said), said


def test_the_text_of_a_point_tells_it_whole():
    for point in (Point("append", BEFORE, "ORDER", 2), Point(WRITE, "after", "", 3)):
        assert parsed(point.text) == point
    for text in ("append:before:QUOTE:1", "append:ORDER:1", "write:between:1", f"moment:{DEAL}:1", "write:before:x"):
        with pytest.raises(ValueError, match="expected"):
            parsed(text)
