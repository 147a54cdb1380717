"""Holds, worst cases and promises of closes under any interleaving of deals and reports; slices of offsets by table."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine import meters
from engine.instruments import LONG_SHORT, LONG_SHORT_TODAY, NET
from engine.journal import MemoryJournal
from engine.money import locks_today
from engine.offsets import closable, reducing_lots, slice_lots
from engine.orders import TERMINAL, learn, settle
from engine.ports import CLOSE, CLOSE_TODAY, OPEN, UNKNOWN, Event, ExecReport
from engine.positions import book_lots, keep_working, net_lots
from engine.records import ENTRY, EXIT, REHEDGE, UNWIND
from engine.schema import POSITION, UNSET
from tests.budget import examples
from tests.conserved import conserved
from tests.gate_world import AU, GC, decide, decision_of, fresh_state

JOURNAL = MemoryJournal(1 << 20)
HEARD = [Event.ACK, Event.TRADE, Event.CANCELLED, Event.REJECTED, Event.DONE, Event.STATUS]
SIDES = ("long_today", "long_yesterday", "short_today", "short_yesterday")


def position(long_today=0, long_yesterday=0, short_today=0, short_yesterday=0):
    row = np.zeros(1, POSITION)[0]
    for name, lots in zip(SIDES, (long_today, long_yesterday, short_today, short_yesterday), strict=True):
        row[name] = lots
    return row


@pytest.mark.parametrize(
    ("mode", "held", "side", "lots", "slices"),
    [
        # F18: a net venue knows one kind of order
        (NET, (0, 0, 5, 0), 1, 3, [(OPEN, 3)]),
        (NET, (0, 0, 0, 0), -1, 3, [(OPEN, 3)]),
        # one day for all: close what is there, open the rest
        (LONG_SHORT, (0, 0, 1, 1), 1, 3, [(CLOSE, 2), (OPEN, 1)]),
        (LONG_SHORT, (2, 2, 0, 0), -1, 3, [(CLOSE, 3)]),
        (LONG_SHORT, (2, 2, 0, 0), 1, 3, [(OPEN, 3)]),
        # yesterday's first, then today's, then open
        (LONG_SHORT_TODAY, (0, 0, 1, 1), 1, 3, [(CLOSE, 1), (CLOSE_TODAY, 1), (OPEN, 1)]),
        (LONG_SHORT_TODAY, (0, 0, 5, 0), 1, 3, [(CLOSE_TODAY, 3)]),
        (LONG_SHORT_TODAY, (0, 5, 0, 0), -1, 3, [(CLOSE, 3)]),
        (LONG_SHORT_TODAY, (2, 2, 0, 0), -1, 3, [(CLOSE, 2), (CLOSE_TODAY, 1)]),
        (LONG_SHORT_TODAY, (2, 2, 0, 0), 1, 3, [(OPEN, 3)]),
        (LONG_SHORT_TODAY, (0, 0, 0, 0), 1, 3, [(OPEN, 3)]),
    ],
)
def test_slices_by_table(mode, held, side, lots, slices):
    row = position(*held)
    found = [slice_lots(mode, row, side, lots, number, False) for number in range(3)]
    assert [(int(offset), int(count)) for offset, count in found if count] == slices
    assert sum(count for _, count in found) == lots
    if mode != NET:
        assert reducing_lots(mode, row, side, lots, False) == sum(count for offset, count in slices if offset != OPEN)


@pytest.mark.parametrize(
    ("held", "side", "lots", "slices"),
    [
        ((2, 2, 0, 0), -1, 3, [(CLOSE, 2), (OPEN, 1)]),  # today's two are left alone
        ((5, 0, 0, 0), -1, 3, [(OPEN, 3)]),
        ((0, 5, 0, 0), -1, 3, [(CLOSE, 3)]),
        ((0, 0, 4, 1), 1, 3, [(CLOSE, 1), (OPEN, 2)]),
    ],
)
def test_slices_by_table_where_todays_lots_are_locked(held, side, lots, slices):
    row = position(*held)
    found = [slice_lots(LONG_SHORT_TODAY, row, side, lots, number, True) for number in range(3)]
    assert [(int(offset), int(count)) for offset, count in found if count] == slices
    assert reducing_lots(LONG_SHORT_TODAY, row, side, lots, True) == sum(
        count for offset, count in slices if offset != OPEN
    )


def test_a_lock_is_for_venues_that_tell_the_days_apart():
    row = position(long_today=2, long_yesterday=1)
    assert [tuple(slice_lots(LONG_SHORT, row, -1, 4, number, True)) for number in range(3)] == [
        (CLOSE, 3), (CLOSE_TODAY, 0), (OPEN, 1),
    ]  # fmt: skip


def _fees(state, open_e7=230, today_e7=2_300, may_lock=1, mode=LONG_SHORT_TODAY, **flat):
    """Of the notional, in ten-millionths; CFFEX asks 0.23 bps, and 2.3 bps of who closes on the day."""
    row = state.instrument[AU]
    row["position_mode"], row["may_lock"] = mode, may_lock
    row["fee_e7"], row["fee_today_e7"] = open_e7, today_e7
    row["fee_micros"], row["fee_today_micros"] = flat.get("open", 0), flat.get("today", 0)
    return row


@pytest.mark.parametrize(
    ("fees", "locks"),
    [
        ({}, True),  # 0.23 bps to open and twice to close later, against 2.3 bps
        ({"today_e7": 230}, False),
        ({"today_e7": 0}, False),  # closing today's is free
        ({"today_e7": 690}, False),  # the same money: nothing is gained by two positions
        ({"today_e7": 691}, True),
        ({"may_lock": 0}, False),
        ({"mode": LONG_SHORT}, False),
        ({"mode": NET}, False),
        ({"open_e7": 0, "today_e7": 0, "open": 10, "today": 30}, False),
        ({"open_e7": 0, "today_e7": 0, "open": 10, "today": 31}, True),
        ({"open": UNSET}, False),
        ({"today": UNSET}, False),
    ],
)
def test_todays_lots_are_locked_where_that_is_cheaper(fees, locks):
    state = fresh_state()
    row = _fees(state, **fees)
    assert bool(locks_today(row, 15_000)) == locks


@pytest.mark.parametrize(
    ("today_e7", "slices"), [(2_300, [(CLOSE, 1), (OPEN, 2)]), (230, [(CLOSE, 1), (CLOSE_TODAY, 2)])]
)
def test_f18_an_exit_locks_or_closes_by_its_fees(today_e7, slices):
    state = fresh_state()
    _fees(state, today_e7=today_e7)
    state.position[AU]["long_today"], state.position[AU]["long_yesterday"] = 5, 1
    decision_of(state, EXIT, -1, 1)
    rows = [row for row in decide(state, MemoryJournal(1 << 16)) if row["instrument"] == AU]
    assert [(int(row["offset"]), int(row["lots"])) for row in rows] == slices
    # What opens holds margin, what closes holds none.
    opening = sum(lots for offset, lots in slices if offset == OPEN)
    held = sum(int(row["hold_micros"]) for row in rows)
    assert held == opening * int(state.scratch["hold_lot_micros"][0])
    assert bool(held) == bool(opening)


def test_promised_lots_are_not_promised_twice():
    row = position(short_today=3, short_yesterday=2)
    row["closing_short_yesterday"], row["closing_short_today"] = 2, 1
    assert tuple(closable(LONG_SHORT_TODAY, row, 1, False)) == (0, 2)
    assert tuple(closable(LONG_SHORT, row, 1, False)) == (2, 0)
    assert tuple(closable(LONG_SHORT_TODAY, row, -1, False)) == (0, 0)


@pytest.mark.parametrize(
    ("held", "side", "lots", "net"), [((0, 5, 0, 0), 1, 1, 6), ((0, 5, 0, 0), -1, 7, -2), ((1, 0, 0, 4), 1, 2, -1)]
)
def test_a_net_venue_that_tells_yesterdays_lots_keeps_one_net_position(held, side, lots, net):
    state = fresh_state()
    state.instrument["position_mode"][GC] = NET
    for name, count in zip(SIDES, held, strict=True):
        state.position[GC][name] = count
    row = state.order[1]
    row["order_no"], row["instrument"], row["side"], row["offset"] = 1, GC, side, OPEN
    book_lots(state.address, 1, lots)
    assert int(net_lots(state.position[GC])) == net
    assert sum(int(state.position[GC][name]) for name in SIDES) == abs(net)


class HoldMachine(RuleBasedStateMachine):
    """Deals through the gate, and a venue that fills, ends, busts and repeats in any order."""

    @initialize(au_mode=st.sampled_from([LONG_SHORT, LONG_SHORT_TODAY]), gc_mode=st.sampled_from([NET, LONG_SHORT]),
                held=st.lists(st.integers(0, 3), min_size=4, max_size=4))  # fmt: skip
    def start(self, au_mode, gc_mode, held):
        JOURNAL.reset()
        self.state = fresh_state()
        self.state.instrument["position_mode"][:2] = au_mode, gc_mode
        self.state.instrument["max_position_lots"] = 40
        for name, lots in zip(SIDES, held, strict=True):
            self.state.position[AU][name] = lots
        self.net = [int(net_lots(self.state.position[at])) for at in (AU, GC)]
        self.rows: list = []
        self.late = False  # a venue that fills an order after its end takes lots that others were promised

    @rule(purpose=st.sampled_from([ENTRY, EXIT, REHEDGE, UNWIND]), side=st.sampled_from([1, -1]),
          units=st.integers(1, 2))  # fmt: skip
    def ask(self, purpose, side, units):
        decision = decision_of(self.state, purpose, side, units)
        decision["executable"] = 6.0 - side
        self.state.venue["tokens"] = self.state.venue["tokens_max"]
        self.rows += decide(self.state, JOURNAL)

    @precondition(lambda self: self.rows)
    @rule(number=st.integers(0, 99), cum=st.integers(0, 6), event=st.sampled_from(HEARD))
    def hear(self, number, cum, event):
        row = self.rows[number % len(self.rows)]
        cum = min(cum, int(row["lots"]))
        self.late |= row["state"] in TERMINAL and cum > row["cum_lots"]
        self.tell(row, event, cum)

    def tell(self, row, event: int, cum: int) -> None:
        """As `engine.reports` applies a report, with the trades booked at once."""
        report = ExecReport(venue=0, order_no=1, client_id="", instrument=0, event=event, cum_lots=cum, recv_ns=0)
        moved = learn(row, report)
        slot = int(row["order_no"]) & (len(self.state.order) - 1)
        live = not row["settled"]
        if moved:
            book_lots(self.state.address, slot, moved)
            meters.use_fill(self.state.address, slot, moved)
            self.net[row["instrument"]] += int(row["side"]) * moved
        if row["booked_lots"] != row["cum_lots"]:
            meters.use_trade(self.state.address, slot, int(row["cum_lots"] - row["booked_lots"]))
        row["booked_lots"] = row["cum_lots"]
        left = 0 if row["state"] in TERMINAL else int(row["lots"] - row["cum_lots"])
        if row["state"] in TERMINAL:
            meters.end_order(self.state.address, slot)
        keep_working(self.state.address, slot, left)
        if settle(row):
            meters.settle_order(self.state.address, slot)
        self.count_live(row, int(not row["settled"]) - int(live))

    def count_live(self, row, change: int) -> None:
        contract = self.state.instrument[row["instrument"]]
        for counted in (self.state.head, contract, self.state.account[contract["account"]]):
            counted["live_orders"] += change

    @invariant()
    def holds_add_up(self):
        held = [0, 0]
        for row in self.rows:
            assert row["hold_micros"] >= 0
            held[self.state.instrument[row["instrument"]]["account"]] += int(row["hold_micros"])
        assert held == [int(row["held_micros"]) for row in self.state.account]

    @invariant()
    def every_sum_equals_its_parts(self):
        """Meters, accounts and counts, added up anew from orders, deals and positions."""
        conserved(self.state)

    @invariant()
    def worst_cases_add_up(self):
        for at in (AU, GC):
            working = {1: 0, -1: 0}
            for row in self.rows:
                if row["instrument"] == at:
                    working[int(row["side"])] += int(row["working_lots"])
            position = self.state.position[at]
            assert working == {1: position["working_buy"], -1: position["working_sell"]}

    @invariant()
    def promises_are_covered_and_positions_follow_the_fills(self):
        for at in (AU, GC):
            row, mode = self.state.position[at], self.state.instrument[at]["position_mode"]
            assert int(net_lots(row)) == self.net[at]
            if self.late:
                continue
            for side in ("long", "short"):
                today, yesterday = int(row[f"closing_{side}_today"]), int(row[f"closing_{side}_yesterday"])
                assert min(today, yesterday, int(row[f"{side}_today"]), int(row[f"{side}_yesterday"])) >= 0
                if mode == LONG_SHORT_TODAY:
                    assert today <= row[f"{side}_today"]
                    assert yesterday <= row[f"{side}_yesterday"]
                elif mode == LONG_SHORT:
                    assert today + yesterday <= row[f"{side}_today"] + row[f"{side}_yesterday"]

    def teardown(self):
        """When every order has ended, nothing is held, promised or counted any more."""
        for row in getattr(self, "rows", []):
            self.tell(row, Event.DONE, UNKNOWN)
            assert row["settled"]
        if hasattr(self, "state"):
            assert not self.state.account["held_micros"].any()
            for name in POSITION.names[4:10]:
                assert not self.state.position[name].any(), name


TestHolds = HoldMachine.TestCase
TestHolds.settings = settings(
    max_examples=examples(100), stateful_step_count=30, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
