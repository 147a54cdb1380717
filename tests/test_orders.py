"""The order table under reports that come twice, late, out of order or against each other."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.orders import EVENTS, MOVES, PART, TERMINAL, learn, settle, trigger
from engine.ports import UNKNOWN, Event, ExecReport
from engine.schema import (
    CANCEL_SENT,
    CANCELLED,
    CREATED,
    FILLED,
    ORDER,
    ORDER_STATES,
    REJECTED,
    SENT_STATE,
    WORKING,
)
from tests.budget import examples

LOWERS = (Event.BUST, Event.CORRECT)
QUANTITIES = st.one_of(st.just(UNKNOWN), st.integers(0, 14))


def row_of(state: int = SENT_STATE, lots: int = 10, cum: int = 0, booked: int = 0, in_doubt: int = 0):
    row = np.zeros(1, ORDER)[0]
    row["order_no"], row["state"], row["lots"] = 1, state, lots
    row["cum_lots"], row["booked_lots"], row["in_doubt"] = cum, booked, in_doubt
    return row


def report(event: int, cum: int = UNKNOWN, total: int = UNKNOWN) -> ExecReport:
    return ExecReport(
        venue=0, order_no=1, client_id="TD0000000000000001", instrument=0, event=event, cum_lots=cum,
        total_lots=total, recv_ns=0,
    )  # fmt: skip


def test_the_table_has_a_move_for_every_state_and_event():
    assert len(MOVES) == len(ORDER_STATES) == 7
    for moves in MOVES:
        assert len(moves) == len(EVENTS) == 7
        assert set(moves) <= set(range(len(ORDER_STATES)))


def test_a_terminal_state_leads_to_terminal_states_only_and_filled_to_itself():
    for state in TERMINAL:
        assert set(MOVES[state]) <= set(TERMINAL)
    assert set(MOVES[FILLED]) == {FILLED}
    assert set(MOVES[CANCELLED]) == {CANCELLED, FILLED}


def test_no_move_leads_back_before_the_send_but_a_refused_cancel_of_an_unsent_order():
    back = [(state, move) for state, moves in enumerate(MOVES) for move, to in enumerate(moves) if to == CREATED]
    assert back == [(CREATED, EVENTS.index("cancel refused"))]


def test_every_event_of_a_venue_has_a_column():
    for event in range(Event.COUNT):
        assert trigger(event, 0, 10) in range(len(EVENTS))
    assert trigger(99, 0, 10) is None


@pytest.mark.parametrize(
    ("state", "event", "cum", "to"),
    [
        (SENT_STATE, Event.TRADE, 10, FILLED),  # an acknowledgement may be merged into the trade
        (SENT_STATE, Event.TRADE, 3, WORKING),
        (SENT_STATE, Event.ACK, 0, WORKING),
        (WORKING, Event.CANCELLED, 4, CANCELLED),
        (WORKING, Event.DONE, 10, FILLED),
        (CANCEL_SENT, Event.TRADE, 10, FILLED),  # F1: the fill overtakes the cancel
        (CANCEL_SENT, Event.CANCEL_REJECTED, UNKNOWN, WORKING),
        (CANCELLED, Event.TRADE, 10, FILLED),  # F3: a late fill
        (CANCELLED, Event.ACK, 0, CANCELLED),
        (REJECTED, Event.ACK, 0, REJECTED),  # F4: rejected, then submitting: the table is monotone
        (REJECTED, Event.TRADE, 4, CANCELLED),
        (FILLED, Event.BUST, 4, FILLED),
        (SENT_STATE, Event.UNKNOWN_ORDER, UNKNOWN, REJECTED),
        (SENT_STATE, Event.SEND_FAILED, UNKNOWN, REJECTED),
        (WORKING, Event.REJECTED, 4, CANCELLED),  # traded, so not refused
        (WORKING, Event.STATUS, 10, FILLED),
    ],
)
def test_moves_that_matter(state, event, cum, to):
    row = row_of(state)
    learn(row, report(event, cum))
    assert ORDER_STATES[row["state"]] == ORDER_STATES[to]


@pytest.mark.parametrize(
    ("total", "state", "left"), [(6, WORKING, 2), (4, FILLED, 0), (3, FILLED, -1), (12, WORKING, 8)]
)
def test_an_amended_quantity_counts_from_the_venues_cumulative(total, state, left):
    row = row_of(WORKING, cum=4, booked=4)
    learn(row, report(Event.AMENDED, 4, total))
    assert (row["state"], row["lots"] - row["cum_lots"]) == (state, left)


@pytest.mark.parametrize("event", [Event.AMENDED, Event.ACK, Event.STATUS, Event.DONE, Event.CANCELLED])
@pytest.mark.parametrize(("total", "lots"), [(5, 5), (12, 12), (0, 10), (UNKNOWN, 10)])
def test_a_total_that_a_venue_states_is_the_orders_size(event, total, lots):
    row = row_of(WORKING)
    learn(row, report(event, 2, total))
    assert row["lots"] == lots


@pytest.mark.parametrize("event", [Event.TRADE, Event.BUST, Event.CORRECT, Event.REJECTED, Event.CANCEL_REJECTED])
def test_a_total_beside_a_trade_or_a_refusal_says_nothing_of_the_size(event):
    row = row_of(WORKING)
    learn(row, report(event, 2, 5))
    assert row["lots"] == 10


@pytest.mark.parametrize(
    ("event", "cum", "in_doubt"),
    [
        (Event.CANCEL_REJECTED, UNKNOWN, 1),  # says nothing of the order itself
        (Event.TRADE, 3, 1),  # an old trade may come after any silence
        (Event.TRADE, 10, 0),
        (Event.BUST, 2, 1),  # of a trade, not of the order
        (Event.CORRECT, 3, 1),
        (Event.CORRECT, 10, 0),
        (Event.STATUS, 3, 0),
        (Event.UNKNOWN_ORDER, UNKNOWN, 0),
        (Event.CANCELLED, 3, 0),
    ],
)
def test_doubt_is_lifted_by_what_tells_the_orders_state(event, cum, in_doubt):
    row = row_of(SENT_STATE, in_doubt=1)
    learn(row, report(event, cum))
    assert row["in_doubt"] == in_doubt


def test_terminal_before_its_trades_is_not_settled():
    row = row_of(WORKING)
    assert learn(row, report(Event.CANCELLED, 4)) == 4
    assert not settle(row)
    row["booked_lots"] = 4
    assert settle(row)
    assert row["settled"] == 1


def test_a_bust_without_a_quantity_falls_to_what_is_booked():
    row = row_of(FILLED, cum=10, booked=7)
    assert learn(row, report(Event.BUST)) == -3
    assert settle(row)


class ReportMachine(RuleBasedStateMachine):
    """One order of ten lots and a venue that says anything in any order; trades are booked once, as the engine does."""

    @initialize()
    def send(self):
        self.row = row_of()
        self.trades: dict[int, int] = {}
        self.before = self.row.copy()
        self.event = Event.ACK

    def hear(self, event: int, cum: int, total: int = UNKNOWN) -> None:
        self.before, self.event = self.row.copy(), event
        moved = learn(self.row, report(event, cum, total))
        assert moved == self.row["cum_lots"] - self.before["cum_lots"]
        settle(self.row)

    @rule(event=st.sampled_from([e for e in range(Event.COUNT) if e not in (Event.TRADE, *LOWERS)]), cum=QUANTITIES,
          total=st.integers(1, 14))  # fmt: skip
    def say(self, event, cum, total):
        self.hear(event, cum, total if event == Event.AMENDED else UNKNOWN)

    @rule(trade=st.integers(0, 5), lots=st.integers(1, 4), cum=QUANTITIES)
    def trade(self, trade, lots, cum):
        """A trade, or the same one again: its state is applied, its lots are booked once."""
        if trade not in self.trades:
            self.trades[trade] = lots
            self.row["booked_lots"] += lots
        self.hear(Event.TRADE, cum)

    @precondition(lambda self: self.trades)
    @rule(data=st.data(), stated=st.booleans())
    def bust(self, data, stated):
        lots = self.trades.pop(data.draw(st.sampled_from(sorted(self.trades))))
        cum = max(int(self.row["cum_lots"]) - lots, 0) if stated else UNKNOWN
        self.row["booked_lots"] -= lots
        self.hear(Event.BUST, cum)

    @precondition(lambda self: self.trades)
    @rule(data=st.data(), lots=st.integers(1, 4))
    def correct(self, data, lots):
        trade = data.draw(st.sampled_from(sorted(self.trades)))
        self.row["booked_lots"] += lots - self.trades[trade]
        self.trades[trade] = lots
        self.hear(Event.CORRECT, int(self.row["booked_lots"]))

    @rule()
    def lose_sight(self):
        self.row["in_doubt"] = 1
        self.before = self.row.copy()
        settle(self.row)

    @invariant()
    def every_move_is_in_the_table(self):
        assert self.row["state"] in (self.before["state"], *MOVES[self.before["state"]])
        assert self.before["state"] not in TERMINAL or self.row["state"] in TERMINAL
        assert self.before["state"] != FILLED or self.row["state"] == FILLED

    @invariant()
    def the_quantity_falls_by_a_bust_or_correction_alone(self):
        assert self.row["cum_lots"] >= (0 if self.event in LOWERS else self.before["cum_lots"])
        assert self.event in LOWERS or self.row["cum_lots"] >= self.row["booked_lots"]

    @invariant()
    def settled_is_terminal_certain_and_all_trades_booked(self):
        row = self.row
        expected = row["state"] in TERMINAL and not row["in_doubt"] and row["booked_lots"] == row["cum_lots"]
        assert bool(row["settled"]) == expected

    @invariant()
    def a_rejected_order_has_not_traded(self):
        if self.row["state"] == REJECTED:
            assert self.row["cum_lots"] == 0
        assert MOVES[REJECTED][PART] == CANCELLED


TestReports = ReportMachine.TestCase
TestReports.settings = settings(
    max_examples=examples(150), stateful_step_count=30, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
