"""Positions and money of a venue's clients: the account's identities, and what may be closed."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ports import VenuePosition
from adapters.sim.terms import Terms
from engine.instruments import LONG_SHORT, LONG_SHORT_TODAY, NET
from engine.ports import BUY, CLOSE, CLOSE_TODAY, DAY, IOC, OPEN, SELL, Event
from tests.sim_world import RICH, inverse, market, order, quote, said, terms

TICK_MICROS = 20_000_000  # 0.02 x 1,000 units

orders_made = st.tuples(
    st.sampled_from((BUY, SELL)), st.integers(97, 104), st.integers(1, 5), st.sampled_from((IOC, DAY)),
    st.sampled_from((OPEN, CLOSE, CLOSE_TODAY)), st.sampled_from(("ann", "bob")),
)  # fmt: skip
quotes_made = st.tuples(st.integers(97, 100), st.integers(0, 9), st.integers(101, 104), st.integers(0, 9))
days = st.lists(st.one_of(quotes_made, orders_made, orders_made), max_size=40)


def held(position: VenuePosition) -> int:
    long_lots = position.long_today + position.long_yesterday
    return long_lots - position.short_today - position.short_yesterday


def assert_money_adds_up(matching, contract: Terms, mark: int, rounding: int) -> None:
    """The figures against the plain sum of the day's trades: cash paid, and what is held at the mark."""
    for owner in ("ann", "bob"):
        account, trades = matching.account(owner), matching.trades(owner)
        net = sum(trade.order.side * trade.last_lots for trade in trades)
        paid = sum(trade.order.side * trade.last_lots * contract.worth_micros(trade.last_ticks) for trade in trades)
        commission = sum(trade.last_lots for trade in trades) * contract.commission_micros_per_lot
        profit = net * contract.worth_micros(mark) - paid
        assert held(matching.positions(owner)[0]) == net
        assert account.commission_micros == commission
        assert abs(account.close_profit_micros + account.position_profit_micros - profit) <= rounding
        assert account.balance_micros == (
            account.pre_balance_micros
            + account.close_profit_micros
            - account.commission_micros
            + account.position_profit_micros
        )
        assert account.available_micros == account.balance_micros - account.margin_micros


@pytest.mark.parametrize(
    ("contract", "rounding"),
    [
        (terms("X", NET, margin_bps=1_000, commission_micros_per_lot=10), 0),
        (terms("X", LONG_SHORT, margin_bps=1_000, commission_micros_per_lot=10), 0),
        (terms("X", LONG_SHORT_TODAY, margin_bps=1_000, commission_micros_per_lot=10), 0),
        (inverse("X"), 2),
    ],
)
@settings(max_examples=60, deadline=None)
@given(steps=days)
def test_the_accounts_identities_hold_and_nothing_is_closed_twice(contract, rounding, steps):
    matching, mark = market(contract), 100
    matching.quote(quote(100, 5, 101, 5, "X"), 0)
    for number, step in enumerate(steps):
        if len(step) == 4:
            matching.quote(quote(*step, "X"), number)
            sides = [step[i] for i in (0, 2) if step[i + 1]]
            mark = sum(sides) // len(sides) if sides else mark
        else:
            side, limit, lots, tif, offset, owner = step
            matching.submit(order(str(number), side, lots, limit, tif, owner, "X", offset), number)
        assert_money_adds_up(matching, contract, mark, rounding)
    for owner in ("ann", "bob"):
        position = matching.positions(owner)[0]
        assert min(position.long_today, position.long_yesterday, position.short_today, position.short_yesterday) >= 0


def test_a_round_trip_earns_its_ticks_less_commission():
    matching = market(terms("X", commission_micros_per_lot=3_000_000))
    matching.quote(quote(100, 5, 101, 5, "X"), 0)
    matching.submit(order("1", BUY, 2, 101, symbol="X"), 1)
    matching.quote(quote(105, 5, 106, 5, "X"), 2)
    assert matching.account("ann").position_profit_micros == 2 * 4 * TICK_MICROS
    matching.submit(order("2", SELL, 2, 105, symbol="X"), 3)
    account = matching.account("ann")
    assert (account.close_profit_micros, account.position_profit_micros) == (2 * 4 * TICK_MICROS, 0)
    assert account.balance_micros == RICH + 2 * 4 * TICK_MICROS - 4 * 3_000_000


def test_an_inverse_contract_earns_in_its_coin():
    matching = market(inverse("X"))
    matching.quote(quote(100, 500, 100, 500, "X"), 0)
    matching.submit(order("1", BUY, 100, 100, symbol="X"), 1)
    matching.quote(quote(200, 500, 200, 500, "X"), 2)
    # 100 lots of 1,000 bought at 2.00 and worth 4.00: 100,000 x (1/2 - 1/4) coins.
    assert matching.account("ann").position_profit_micros == 25_000 * 1_000_000


def test_margin_is_asked_for_what_is_held_and_what_may_come_to_be_held():
    lot_micros = 100 * TICK_MICROS // 10  # 10 % at the mark of 100
    for mode, margin_lots in ((NET, 5), (LONG_SHORT, 7)):
        matching = market(terms("X", mode, margin_bps=1_000))
        matching.quote(quote(100, 9, 100, 9, "X"), 0)
        matching.submit(order("1", BUY, 2, 100, symbol="X"), 1)
        matching.submit(order("2", BUY, 3, 98, DAY, symbol="X"), 2)
        matching.submit(order("3", SELL, 2, 103, DAY, symbol="X"), 3)
        assert matching.account("ann").margin_micros == margin_lots * lot_micros


def test_an_order_beyond_the_money_is_rejected_and_one_that_reduces_is_not():
    lot_micros = 100 * TICK_MICROS // 10
    matching = market(terms("X", margin_bps=1_000), balance_micros=5 * lot_micros)
    matching.quote(quote(100, 90, 100, 90, "X"), 0)
    assert matching.submit(order("1", BUY, 6, 100, symbol="X"), 1)[0].reason.startswith("insufficient margin")
    assert said(matching.submit(order("2", BUY, 5, 100, symbol="X"), 2)[-1]) == ("TRADE", 5, 0)
    assert matching.submit(order("3", BUY, 1, 90, DAY, symbol="X"), 3)[0].event == Event.REJECTED
    assert said(matching.submit(order("4", SELL, 10, 100, symbol="X"), 4)[-1]) == ("TRADE", 10, 0)
    assert matching.submit(order("5", SELL, 1, 100, symbol="X"), 5)[0].event == Event.REJECTED


def opened(mode: int, yesterday: int, today: int):
    """Ann is long so many lots of each day, at 100."""
    matching = market(terms("X", mode))
    matching.quote(quote(100, 99, 100, 99, "X"), 0)
    if yesterday:
        matching.submit(order("y", BUY, yesterday, 100, symbol="X"), 1)
        matching.new_day(2)
    if today:
        matching.submit(order("t", BUY, today, 100, symbol="X"), 3)
    return matching


@pytest.mark.parametrize(
    ("mode", "offset", "closable", "left"),
    [
        (LONG_SHORT_TODAY, CLOSE, 3, (2, 0)),
        (LONG_SHORT_TODAY, CLOSE_TODAY, 2, (0, 3)),
        (LONG_SHORT, CLOSE, 5, (0, 0)),
        (LONG_SHORT, CLOSE_TODAY, 2, (0, 3)),
    ],
)
def test_each_exchange_closes_its_own_days_lots_and_no_more(mode, offset, closable, left):
    matching = opened(mode, yesterday=3, today=2)
    refused = matching.submit(order("1", SELL, closable + 1, 100, symbol="X", offset=offset), 4)
    assert [report.event for report in refused] == [Event.REJECTED]
    assert f"position to close is {closable}" in refused[0].reason
    matching.submit(order("2", SELL, closable, 100, symbol="X", offset=offset), 5)
    position = matching.positions("ann")[0]
    assert (position.long_today, position.long_yesterday) == left


@pytest.mark.parametrize("mode", [LONG_SHORT, LONG_SHORT_TODAY])
def test_a_working_close_holds_its_lots_until_it_is_cancelled(mode):
    matching = opened(mode, yesterday=3, today=0)
    matching.submit(order("1", SELL, 2, 110, DAY, symbol="X", offset=CLOSE), 4)
    assert matching.submit(order("2", SELL, 2, 110, DAY, symbol="X", offset=CLOSE), 5)[0].event == Event.REJECTED
    matching.cancel("ann", "1", "c", 6)
    assert matching.submit(order("3", SELL, 3, 110, DAY, symbol="X", offset=CLOSE), 7)[0].event == Event.ACK


def test_a_long_and_a_short_of_one_contract_stand_side_by_side():
    matching = opened(LONG_SHORT_TODAY, yesterday=0, today=2)
    matching.submit(order("1", SELL, 3, 100, symbol="X", offset=OPEN), 4)
    assert matching.positions("ann") == [VenuePosition(symbol="X", long_today=2, short_today=3)]
    with_today = matching.submit(order("2", BUY, 3, 100, symbol="X", offset=CLOSE_TODAY), 5)
    assert said(with_today[-1]) == ("TRADE", 3, 0)


def test_the_days_turn_settles_at_the_mark():
    matching = opened(LONG_SHORT_TODAY, yesterday=0, today=2)
    matching.quote(quote(104, 9, 104, 9, "X"), 4)
    before = matching.account("ann")
    matching.new_day(5)
    after = matching.account("ann")
    assert after.pre_balance_micros == after.balance_micros == before.balance_micros
    assert (after.close_profit_micros, after.position_profit_micros, after.commission_micros) == (0, 0, 0)
    assert matching.positions("ann") == [VenuePosition(symbol="X", long_yesterday=2)]


def test_a_contract_whose_tick_is_no_whole_micro_is_refused():
    with pytest.raises(ValueError, match="expected a whole number"):
        Terms(instrument=terms("X").instrument, multiplier=Fraction(1, 10**6))
