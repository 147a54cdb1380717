"""Matching against a slow twin that keeps every lot by itself, and the rules of entry one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sim.matching import Matching
from engine.ports import BUY, DAY, FOK, IOC, OPEN, QUOTE_CLOSED, SELL, Event
from tests.budget import examples
from tests.sim_world import market, order, quote, said, terms

prices, sizes, sides = st.integers(98, 103), st.integers(0, 4), st.sampled_from((BUY, SELL))
quotes_made = st.tuples(st.just("quote"), prices, sizes, prices, sizes)
orders_made = st.tuples(
    st.just("order"), sides, st.one_of(st.none(), prices), st.integers(1, 6), st.sampled_from((IOC, FOK, DAY)),
    st.sampled_from(("ann", "bob")),
)  # fmt: skip
cancels_made = st.tuples(st.just("cancel"), st.integers(0, 12))
steps = st.lists(st.one_of(quotes_made, orders_made, orders_made, cancels_made), max_size=30)


class Twin:
    """Every displayed lot and every resting lot is an entry of its own; the best one is looked for each time."""

    def __init__(self) -> None:
        self.played = {BUY: (0, 0), SELL: (0, 0)}
        self.displayed: list[tuple[int, int]] = []  # side, price
        self.resting: list[tuple[int, int, int]] = []  # side, price, order number: a lot each
        self.trades: list[tuple[int, int | None, int]] = []  # taker (None: the market), maker, price: a lot each

    def quote(self, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        for side, played in ((BUY, (bid, bid_lots)), (SELL, (ask, ask_lots))):
            if played != self.played[side]:
                self.played[side] = played
                self.displayed = [lot for lot in self.displayed if lot[0] != side] + [(side, played[0])] * played[1]
        for side in (BUY, SELL):
            while self._cross(side):
                pass

    def _cross(self, side: int) -> bool:
        shown = [lot for lot in self.displayed if lot[0] == side]
        waiting = sorted((lot for lot in self.resting if lot[0] == -side), key=lambda lot: (side * lot[1], lot[2]))
        if not shown or not waiting or side * (shown[0][1] - waiting[0][1]) < 0:
            return False
        self.displayed.remove(shown[0])
        self.resting.remove(waiting[0])
        self.trades.append((None, waiting[0][2], waiting[0][1]))
        return True

    def candidates(self, side: int, limit: int | None) -> list[tuple[int, int, int]]:
        """Lots on the other side, best first: price, then the market before clients, then time."""
        lots = [(price, 0, 0) for s, price in self.displayed if s == -side]
        lots += [(price, 1, number) for s, price, number in self.resting if s == -side]
        reached = [lot for lot in lots if limit is None or side * (limit - lot[0]) >= 0]
        return sorted(reached, key=lambda lot: (side * lot[0], lot[1], lot[2]))

    def order(self, number: int, side: int, limit: int | None, lots: int, tif: int) -> None:
        if tif == FOK and len(self.candidates(side, limit)) < lots:
            return
        for _ in range(lots):
            best = next(iter(self.candidates(side, limit)), None)
            if best is None:
                if tif == DAY and limit is not None:
                    self.resting.append((side, limit, number))
                continue
            price, is_client, maker = best
            if is_client:
                self.resting.remove((-side, price, maker))
            else:
                self.displayed.remove((-side, price))
            self.trades.append((number, maker if is_client else None, price))


def by_lot(reports: list) -> list[tuple[int, int]]:
    """TRADE reports as one (order number, price) a lot."""
    trades = (report for report in reports if report.event == Event.TRADE)
    return [(int(trade.order.client_id), trade.last_ticks) for trade in trades for _ in range(trade.last_lots)]


def play(steps_made: list[tuple]) -> tuple[Matching, Twin, list]:
    matching, twin, reports = market(), Twin(), []
    reports += matching.quote(quote(99, 2, 101, 2), 0)
    twin.quote(99, 2, 101, 2)
    for number, (what, *step) in enumerate(steps_made):
        if what == "quote":
            reports += matching.quote(quote(*step), number)
            twin.quote(*step)
        elif what == "order":
            side, limit, lots, tif, owner = step
            reports += matching.submit(order(str(number), side, lots, limit, tif, owner), number)
            twin.order(number, side, limit, lots, tif)
        else:
            for owner in ("ann", "bob"):
                reports += matching.cancel(owner, str(step[0]), "c", number)
            twin.resting = [lot for lot in twin.resting if lot[2] != step[0]]
    return matching, twin, reports


@settings(max_examples=examples(300), deadline=None)
@given(steps)
def test_every_lot_trades_as_the_slow_twin_says(steps_made):
    matching, twin, reports = play(steps_made)
    expected = [
        (number, price) for taker, maker, price in twin.trades for number in (taker, maker) if number is not None
    ]
    assert sorted(by_lot(reports)) == sorted(expected)
    working = {
        int(report.order.client_id): report.leaves_lots
        for owner in ("ann", "bob")
        for report in matching.orders(owner)
        if report.leaves_lots
    }
    resting = [number for _, _, number in twin.resting]
    assert working == {number: resting.count(number) for number in resting}


@settings(max_examples=examples(200), deadline=None)
@given(steps)
def test_traded_lots_balance_and_statements_add_up(steps_made):
    _, _, reports = play(steps_made)
    cum: dict[str, int] = {}
    sides: dict[str, list[tuple[int, int, int]]] = {}
    for report in reports:
        key = report.order.client_id
        if report.event == Event.TRADE:
            cum[key] = cum.get(key, 0) + report.last_lots
            sides.setdefault(report.trade_id, []).append((report.order.side, report.last_lots, report.last_ticks))
            limit = report.order.limit_ticks
            assert limit is None or report.order.side * (limit - report.last_ticks) >= 0
        if report.event in (Event.ACK, Event.TRADE, Event.CANCELLED):
            assert report.cum_lots == cum.get(key, 0)
            live = report.event != Event.CANCELLED
            assert report.leaves_lots == (report.order.lots - report.cum_lots if live else 0)
    for both in sides.values():
        assert len(both) in (1, 2)
        if len(both) == 2:
            assert both[0][0] == -both[1][0]
            assert both[0][1:] == both[1][1:]


def test_the_same_calls_give_the_same_answers():
    made = [("quote", 100, 3, 101, 3), ("order", BUY, 101, 5, DAY, "ann"), ("order", SELL, None, 4, IOC, "bob")]
    assert play(made)[2] == play(made)[2]


def test_displayed_size_is_used_up_until_that_side_changes():
    matching = market()
    matching.quote(quote(99, 5, 101, 5), 0)
    assert [said(r) for r in matching.submit(order("1", BUY, 4, 101), 1)][-1] == ("TRADE", 4, 0)
    matching.quote(quote(98, 5, 101, 5), 2)  # the offer is as it was
    assert [said(r) for r in matching.submit(order("2", BUY, 4, 101), 3)][1:] == [("TRADE", 1, 3), ("CANCELLED", 1, 0)]
    matching.quote(quote(98, 5, 101, 6), 4)
    assert said(matching.submit(order("3", BUY, 6, 101), 5)[-1]) == ("TRADE", 6, 0)


def test_a_resting_order_fills_when_the_quote_comes_to_it_and_at_its_own_price():
    matching = market()
    matching.quote(quote(99, 5, 101, 5), 0)
    assert [said(r) for r in matching.submit(order("1", SELL, 4, 102, DAY), 1)] == [("ACK", 0, 4)]
    (trade,) = matching.quote(quote(103, 3, 104, 5), 2)
    assert (said(trade), trade.last_ticks, trade.venue_ns) == (("TRADE", 3, 1), 102, 2)
    assert matching.quote(quote(103, 3, 104, 5), 3) == []  # the same bid again brings no new size


def test_clients_meet_each_other_and_themselves_under_one_trade_id():
    for maker in ("ann", "bob"):
        matching = market()
        matching.submit(order("1", SELL, 2, 100, DAY, owner=maker), 0)
        reports = matching.submit(order("2", BUY, 2, 100, owner="ann"), 1)
        assert [(r.order.owner, said(r)) for r in reports] == [
            ("ann", ("ACK", 0, 2)), ("ann", ("TRADE", 2, 0)), (maker, ("TRADE", 2, 0)),
        ]  # fmt: skip
        assert reports[1].trade_id == reports[2].trade_id != ""
        assert {(t.order.client_id, t.order.side) for t in matching.trades(maker)} >= {("1", SELL)}


def test_a_fill_or_kill_trades_all_or_nothing():
    matching = market()
    matching.quote(quote(99, 5, 101, 5), 0)
    assert [said(r) for r in matching.submit(order("1", BUY, 6, 101, FOK), 1)] == [("ACK", 0, 6), ("CANCELLED", 0, 0)]
    assert [said(r) for r in matching.submit(order("2", BUY, 5, 101, FOK), 2)] == [("ACK", 0, 5), ("TRADE", 5, 0)]


def test_a_market_order_takes_any_price_and_never_rests():
    matching = market()
    matching.quote(quote(99, 5, 101, 5), 0)
    assert [said(r) for r in matching.submit(order("1", BUY, 7, None, DAY), 1)][1:] == [
        ("TRADE", 5, 2), ("CANCELLED", 5, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entered", "reason"),
    [
        (order("1", BUY, 0, 100), "size 0 lots"),
        (order("1", BUY, 51, 100), "size 51 lots"),
        (order("1", BUY, 1, 0), "not above 0"),
        (order("1", BUY, 1, 89), "below the lower price limit"),
        (order("1", BUY, 1, 111), "above the upper price limit"),
        (order("1", BUY, 1, 100, symbol="GONE"), "no such contract 'GONE'"),
        (order("1", BUY, 1, 100, owner="eve"), "no account for 'eve'"),
        (order("1", 0, 1, 100), "side or time in force"),
        (order("1", BUY, 1, 100, tif=9), "side or time in force"),
        (order("1", BUY, 1, None), "no market price yet"),
    ],
)
def test_bad_orders_are_rejected_with_the_reason(entered, reason):
    matching = market(terms("NET", lower_ticks=90 if entered.limit_ticks else None, upper_ticks=110, max_order_lots=50))
    if entered.limit_ticks == 0:
        matching = market(terms("NET"))
    (report,) = matching.submit(entered, 5)
    assert (report.event, report.venue_id, report.venue_ns) == (Event.REJECTED, "", 5)
    assert reason in report.reason
    assert matching.orders(entered.owner) == [report]


def test_a_client_id_is_taken_once_and_the_first_order_lives_on():
    matching = market()
    matching.submit(order("1", BUY, 5, 100, DAY), 0)
    (report,) = matching.submit(order("1", BUY, 3, 100, DAY), 1)
    assert (report.event, report.reason) == (Event.REJECTED, "duplicate client order id")
    assert [said(r) for r in matching.orders("ann")] == [("ACK", 0, 5)]


def test_nothing_trades_while_the_contract_is_closed():
    matching = market()
    matching.submit(order("1", BUY, 5, 100, DAY), 0)
    assert matching.quote(quote(98, 5, 99, 5, flags=QUOTE_CLOSED), 1) == []
    assert matching.submit(order("2", BUY, 5, 100), 2)[0].reason == "the contract is not trading"
    assert said(matching.cancel("ann", "1", "c", 3)[0]) == ("CANCELLED", 0, 0)


def test_cancels_and_queries_answer_by_what_the_order_is():
    matching = market()
    matching.submit(order("live", BUY, 5, 100, DAY), 0)
    matching.submit(order("bad", BUY, 0, 100), 0)
    asked = {name: matching.query("ann", name, "q", 1)[0] for name in ("live", "bad", "none")}
    assert {name: Event.NAMES[report.event] for name, report in asked.items()} == {
        "live": "STATUS", "bad": "REJECTED", "none": "UNKNOWN_ORDER",
    }  # fmt: skip
    assert all(report.query_id == "q" for report in asked.values())
    (cancelled,) = matching.cancel("ann", "live", "c1", 2)
    assert (said(cancelled), cancelled.cancel_id) == (("CANCELLED", 0, 0), "c1")
    assert said(matching.query("ann", "live", "q2", 3)[0]) == ("DONE", 0, 0)
    late, unknown = matching.cancel("ann", "live", "c2", 4)[0], matching.cancel("ann", "none", "c3", 4)[0]
    assert (late.event, late.reason) == (Event.CANCEL_REJECTED, "the order has ended")
    assert (unknown.event, unknown.reason, unknown.order.client_id) == (Event.CANCEL_REJECTED, "unknown order", "none")
    assert matching.cancel("bob", "live", "c4", 5)[0].reason == "unknown order"


def test_the_days_turn_ends_working_orders():
    matching = market()
    matching.submit(order("1", BUY, 5, 100, DAY), 0)
    (ended,) = matching.new_day(9)
    assert (said(ended), ended.reason) == (("CANCELLED", 0, 0), "end of the trading day")
    assert matching.orders("ann") == []
    assert matching.submit(order("1", BUY, 5, 100, DAY, offset=OPEN), 10)[0].event == Event.ACK
