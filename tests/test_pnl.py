"""Profit and loss of the day, and opened lots, where reports come late, are undone, corrected or told twice."""

import pytest

from engine import losses
from engine.ports import Event, ExecReport, PositionReport
from engine.schema import OPENED_LOTS, SELF_TRADES, UNSET
from tests.pools_world import CN, US
from tests.world import World, demo_config, with_repair


def done_world(**strategy) -> World:
    """A unit sold: 3 lots short in Shanghai, 1 long in New York, and nothing after it."""
    named = {"max_units": 1, "cooldown_ms": 3_600_000} | strategy
    world = World(with_repair(demo_config(**named), on_partial="unwind"))
    world.market(6.5)
    world.step(600)
    assert (world.net(world.au), world.net(world.gc)) == (-3, 1)
    return world


def told(world: World, event: int, of: ExecReport, venue: int, at: int, **more) -> None:
    fields = {"venue": venue, "order_no": of.order_no, "client_id": of.client_id, "instrument": at,
              "trade_id": of.trade_id, "side": of.side, "leaves_lots": 0}  # fmt: skip
    world.loop.on_report(ExecReport(event=event, recv_ns=world.now_ns, **(fields | more)))


def first_trade(gateway) -> ExecReport:
    return next(one for one in gateway.told if one.event == Event.TRADE)


def pnl_of(world: World) -> dict[tuple[int, int], int]:
    losses.look(world.loop.core)
    return {scope[:2]: int(scope[2]["pnl_micros"]) for scope in losses.scopes(world.loop.core)}


def opened(world: World) -> int:
    meter = world.state.meter[world.state.instrument[world.au]["contract"]]
    return int(meter["used"][OPENED_LOTS])


def test_a_position_at_its_own_price_has_lost_its_fees_and_its_half_spreads():
    world = done_world()
    au, gc = (world.state.instrument[at] for at in (world.au, world.gc))
    trade = first_trade(world.shfe)
    mark = int(world.state.position[world.au]["mark_ticks"])
    fee = 3 * int(au["fee_micros"]) + 3 * -(-trade.last_ticks * int(au["tick_micros"]) * int(au["fee_e7"]) // 10**7)
    earned = 3 * (trade.last_ticks - mark) * int(au["tick_micros"])
    assert pnl_of(world)[-1, CN] == earned - fee
    assert int(gc["tick_micros"]) > 0 and pnl_of(world)[0, -1] == pnl_of(world)[-1, -1]
    world.check()


@pytest.mark.parametrize("ticks", [0, 1, 99_999])
def test_a_bust_undoes_what_was_booked_whatever_price_it_names(ticks):
    world = done_world()
    told(world, Event.BUST, first_trade(world.shfe), 0, world.au, cum_lots=0, last_lots=3, last_ticks=ticks)
    row = next(row for row in world.state.stake if row["instrument"] == world.au)
    assert (int(row["lots"]), int(row["cash_micros"])) == (0, 0)
    assert (world.net(world.au), int(world.state.position[world.au]["cash_micros"])) == (0, 0)
    assert pnl_of(world)[-1, CN] == 0


def test_a_correction_of_the_price_alone_moves_the_result_by_the_difference():
    world = done_world()
    before, trade = pnl_of(world), first_trade(world.otc)
    told(world, Event.CORRECT, trade, 1, world.gc, cum_lots=1, last_lots=1, last_ticks=trade.last_ticks + 100)
    # A hundred ticks of ten dollars dearer, and the fee with it.
    worse = before[-1, US] - pnl_of(world)[-1, US]
    assert worse >= 100 * int(world.state.instrument[world.gc]["tick_micros"])


def test_what_was_taken_over_earns_nothing_by_that():
    world = World(demo_config())
    world.quote(world.fx, 68_960, 68_961, 500)
    world.loop.on_position(PositionReport(instrument=world.gc, long_today=2, long_yesterday=0, short_today=0,
                                          short_yesterday=0, recv_ns=world.now_ns))  # fmt: skip
    assert pnl_of(world)[-1, US] == UNSET  # no price yet
    world.quote(world.gc, 13_950, 13_951)
    world.step(300)
    assert pnl_of(world)[-1, US] == 0
    world.quote(world.fx, 68_960, 68_961, 500)
    world.quote(world.gc, 13_960, 13_961)
    world.step(300)
    assert pnl_of(world)[-1, US] == 2 * 10 * int(world.state.instrument[world.gc]["tick_micros"])


def test_lots_that_fill_after_the_orders_end_are_opened_lots():
    world = done_world()
    assert opened(world) == 3
    order = first_trade(world.shfe)
    told(world, Event.TRADE, order, 0, world.au, cum_lots=5, last_lots=2, last_ticks=order.last_ticks, trade_id="late")
    assert opened(world) == 5


def test_the_same_trade_id_on_another_trading_day_is_no_self_trade():
    world = done_world()
    contract = world.state.instrument[world.au]
    meter = world.state.meter[contract["contract"]]
    trade = first_trade(world.shfe)
    key = (0, int(contract["contract"]), int(contract["trading_day"]), trade.trade_id)
    assert world.loop.core.sides[key] == trade.side
    other = next(one for one in world.loop.core.sides if one[0] == 1)
    assert other[1] != key[1] and int(meter["used"][SELF_TRADES]) == 0
