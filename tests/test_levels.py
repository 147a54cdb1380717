"""Levels of accounts and pools on every beat: what crosses them with no order pending, and what becomes of orders."""

import pytest

from engine.ports import DOWN, MARKET_DATA, READY, Event, ExecReport
from engine.records import DENY, MISSING, PASS, SOFT, WARN
from engine.schema import CANCEL_SENT, CREATED, UNSET, WORKING
from engine.use import account_level, use_bps
from tests.gate_world import decision_of, fresh_state, judge, slot
from tests.pools_world import BIG, CN, US, balance, config_of, held_position, told
from tests.world import World, with_repair

pytestmark = pytest.mark.slow


def level(world: World, account: int = CN) -> int:
    return int(world.state.account[account]["level"])


def used(world: World, account: int = CN) -> int:
    return int(world.state.account[account]["used_micros"])


def at_use(world: World, pct: float, account: int = CN) -> None:
    """A balance of which the account's positions use so much."""
    balance(world, account, round(used(world, account) * 100 / pct))


def gold_at(world: World, times: float) -> None:
    """Shanghai gold at so many times the price at which it was sold, New York's as it was."""
    world.market(6.5 + 315.8 * (times - 1))


def later(world: World, seconds: int) -> None:
    """Time goes by, with quotes."""
    for _ in range(seconds):
        world.market(6.5)
        world.step(1000, 50)


def acknowledged(world: World) -> list:
    """Every live order is at its venue and working; their rows."""
    rows = []
    for number in world.loop.core.live_orders:
        row = world.state.order_row(number)
        rows.append(row)
        world.loop.on_report(
            ExecReport(event=Event.ACK, venue=int(world.state.instrument[row["instrument"]]["venue"]), cum_lots=0,
                       order_no=number, client_id="", instrument=int(row["instrument"]), side=int(row["side"]),
                       leaves_lots=int(row["lots"]), recv_ns=world.now_ns)
        )  # fmt: skip
    return rows


def opening(**strategy) -> World:
    """A world whose entry takes 1.5 seconds to reach its venues; it is acknowledged before that."""
    world = World(config_of(**strategy), latency_ms=1500)
    world.market(6.5)
    return world


def test_a_price_move_alone_crosses_every_level_and_falls_back():
    world = held_position()
    at_use(world, 60)
    world.step(10)
    assert level(world) == PASS and told(world, "account_use") == []
    for times, reached in ((1.2, WARN), (1.45, SOFT), (1.55, DENY)):
        gold_at(world, times)
        world.step(10)
        assert level(world) == reached
    assert [alert["level"] for alert in told(world, "account_use")] == ["warn", "error", "error"]
    gold_at(world, 1.0)
    world.step(10)
    assert level(world) == PASS
    assert told(world, "account_use")[-1]["level"] == "info"
    world.check()


def test_the_rate_alone_crosses_a_pools_level():
    world = held_position()
    world = held_position(capital=(_pool_use(world) / 1e6) / 0.695, cooldown_ms=600_000)
    assert int(world.state.pool[0]["level"]) == PASS
    for rate in (70_000, 72_000):
        world.quote(world.fx, rate, rate + 1, 500)
        world.step(10)
    assert int(world.state.pool[0]["level"]) == WARN
    assert [alert["level"] for alert in told(world, "pool_use")] == ["warn"]
    world.check()


def _pool_use(world: World) -> int:
    return int(world.loop.core.hot.pool_use(world.state.address, 0))


def test_a_margin_rate_that_rises_crosses_a_level_without_any_quote():
    world = held_position()
    at_use(world, 60)
    world.step(10)
    world.state.instrument[world.au]["margin_bps"] = 1900 * 3 // 2  # as a reload of the limits would
    world.step(10)
    assert level(world) == DENY


def test_a_balance_that_falls_crosses_a_level():
    world = held_position()
    at_use(world, 88)
    world.step(10)
    assert level(world) == SOFT
    world.check()


def test_a_price_that_dances_on_a_level_is_told_of_once():
    world = held_position()
    at_use(world, 70)
    for times in (1.001, 0.999) * 10:
        gold_at(world, times)
        world.step(10)
    assert len(told(world, "account_use")) == 1
    gold_at(world, 0.98)
    world.step(10)
    assert [alert["level"] for alert in told(world, "account_use")] == ["warn", "info"]
    world.check()


def test_at_the_hard_level_opening_orders_are_cancelled_on_the_next_beat():
    world = opening(max_units=1)
    world.step(10)
    rows = acknowledged(world)
    assert [int(row["state"]) for row in rows] == [WORKING, WORKING]
    held = int(world.state.account[CN]["held_micros"])
    balance(world, CN, held)
    world.step(10)
    (alert,) = told(world, "account_use")
    assert (alert["level"], alert["numbers"]["cancelled"]) == ("error", 1)
    assert [int(row["state"]) for row in rows] == [CANCEL_SENT, WORKING]  # the other account has money
    assert (world.shfe.cancels, world.otc.cancels) == (1, 0)
    world.step(50)
    assert world.shfe.cancels == 1  # asked for once
    later(world, 12)
    assert world.outcomes()[0] in ("not_done", "unwound", "complete")
    world.check()


def test_at_a_pools_hard_level_the_opening_orders_of_all_its_accounts_are_cancelled():
    world = World(config_of(max_units=1), latency_ms=1500)
    world.market(6.5)
    capital = (_pool_use(world) / 1e6) / 0.80
    world = World(config_of(capital=capital, max_units=1), latency_ms=1500)
    world.market(6.5)
    world.step(10)
    rows = acknowledged(world)
    assert len(rows) == 2 and int(world.state.pool[0]["level"]) == WARN
    for rate in (80_000, 95_000):  # holds stay as they were; their value in the reporting currency does not
        world.quote(world.fx, rate, rate + 1, 500)
    world.step(10)
    assert int(world.state.pool[0]["level"]) == DENY
    assert [int(row["state"]) for row in rows] == [CANCEL_SENT, CANCEL_SENT]
    assert told(world, "pool_use")[-1]["numbers"]["cancelled"] == 2
    later(world, 12)
    world.check()


def test_at_the_hard_level_a_leg_that_waits_is_dropped_unsent():
    config = config_of(max_units=1, dispatch="lead_lag", lead="COMEX.GCG7")
    world = World(with_repair(config, on_partial="unwind"), latency_ms=1500)
    world.market(6.5)
    world.step(10)
    waiting = [row for row in map(world.state.order_row, world.loop.core.live_orders) if row["state"] == CREATED]
    assert len(waiting) == 1
    balance(world, CN, int(world.state.account[CN]["held_micros"]))
    world.step(10)
    assert waiting[0]["settled"] and world.shfe.sent == []
    assert int(world.state.account[CN]["held_micros"]) == 0
    assert told(world, "account_use")[0]["numbers"]["cancelled"] == 1
    later(world, 12)
    assert world.net(world.gc) == world.net(world.au) == 0  # what led was traded back
    world.check()


def test_at_the_hard_level_an_exit_and_a_repair_go_on():
    world = held_position()
    at_use(world, 95)
    world.step(10)
    assert level(world) == DENY
    world.market(5.9)
    world.step(300)
    assert world.outcomes() == ["complete", "complete"]
    assert world.net(world.au) == 0 and level(world) == PASS
    world.check()


def test_what_was_in_doubt_is_cancelled_when_it_turns_out_to_be_working():
    world = opening(max_units=1)
    world.step(900)  # no answer: both in doubt
    balance(world, CN, int(world.state.account[CN]["held_micros"]))
    world.step(10)
    assert level(world) == DENY and world.shfe.cancels == 0
    acknowledged(world)
    world.step(10)
    assert world.shfe.cancels == 1 and world.otc.cancels == 0
    later(world, 15)
    world.check()


def test_margin_that_is_short_is_the_hard_level():
    world = held_position()
    world.state.account[CN]["maintenance_micros"] = BIG  # as its positions' margins would say
    world.step(10)
    assert level(world) == DENY
    (alert,) = told(world, "margin_short")
    assert alert["level"] == "error"


def test_a_rate_that_is_missing_is_told_once_and_changes_no_level():
    world = held_position()
    before = int(world.state.pool[0]["level"])
    for times in range(2):
        world.loop.on_link(1, MARKET_DATA, DOWN, world.now_ns, "a test")
        world.step(2_000, 50)
        assert len(told(world, "use_unknown")) == times  # not yet: a rate may be away for a moment
        world.step(4_000, 50)
        assert len(told(world, "use_unknown")) == times + 1
        assert int(world.state.pool[0]["level"]) == before
        world.loop.on_link(1, MARKET_DATA, READY, world.now_ns, "a test")
        gold_at(world, 1.0)
        world.step(10)
    world.check()


def test_the_gate_denies_where_what_is_in_transit_has_no_rate():
    state = fresh_state()
    state.pool["transit_micros"] = UNSET  # as of the last beat; the rate may be back by now
    decision_of(state)
    assert slot(judge(state), 17)[2] == MISSING


def test_where_nothing_is_in_use_nothing_needs_to_be_known():
    world = World(config_of())
    world.step(5_000, 50)
    assert world.alerts().count("use_unknown") == 0
    world.check()


def test_a_position_without_any_mark_is_no_position_of_nothing():
    world = held_position()
    world.state.position[world.gc]["mark_ticks"] = 0
    assert account_level(world.state.address, US) == MISSING


@pytest.mark.parametrize(("use", "capital", "bps"), [(0, 0, 0), (1, 0, 10_000_000), (1, -5, 10_000_000),
                                                     (70, 10**6, 1), (7 * 10**17, 10**18, 7000)])  # fmt: skip
def test_use_is_rounded_up_and_capital_of_nothing_is_all_used(use, capital, bps):
    assert use_bps(use, capital) == bps
