"""The ladder of repair, rung by rung: lean, pay up, bands, proxy, unwind; price limits; what raises a worst case."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ports import DAY, IOC
from engine.records import (
    CROSS_BAND,
    HOLD_OFF,
    LEAN,
    NO_COST,
    PAY_UP,
    PROXY,
    REHEDGE,
    UNWIND,
    UNWIND_RUNG,
    WIDE,
)
from engine.repair import CHEAPEST, COMPLETE_FIRST, UNWIND_FIRST, ProxyView, plan, raises_worst
from tests.test_repair import leg, limits_of, policy

WHOLE = {"lean_ns": 2 * 10**9, "lean_ticks": 1, "wide_band_bps": 60.0, "max_tries": 12}


def test_every_rung_is_reached_in_its_order_with_its_limit_and_its_life():
    steps = limits_of(policy(COMPLETE_FIRST, **WHOLE), [leg(3, 1), leg(-1, -1)], 7)
    assert [step.rung for step in steps] == [LEAN, PAY_UP, PAY_UP, CROSS_BAND, WIDE, WIDE, WIDE]
    assert [step.limit_ticks[0] for step in steps] == [10_001, 10_002, 10_004, 10_031, 10_061, 10_061, 10_061]
    assert [(step.tif, step.wait_ns) for step in steps] == [(DAY, 2 * 10**9)] + [(IOC, 0)] * 6
    assert {step.lots for step in steps} == {(2, 0)}


def test_the_lean_price_is_the_decisions_on_either_side_and_waiting_for_it_costs_time():
    rules = policy(COMPLETE_FIRST, risk_aversion=2.0, **WHOLE)
    sold = [leg(-3, -1, bid=9_990, sigma_ticks=5.0, fee_micros=3), leg(1, 1)]
    step = plan(sold, 0, rules, 0, 0.25)
    assert (step.rung, step.limit_ticks) == (LEAN, (9_999, 0))
    # Two lots a tick beyond the decision's price and their fees, not the touch; a lot naked for 2.25 s.
    assert step.cost_complete_micros == 2 * (10 + 3) + 2 * 50 * 1.5


def test_a_close_that_is_near_skips_what_only_waits_for_a_better_price():
    rules = policy(COMPLETE_FIRST, **WHOLE)
    steps = [plan([leg(3, 1), leg(-1, -1)], 0, rules, tries, 0.3, urgent=True) for tries in range(4)]
    assert [step.rung for step in steps] == [CROSS_BAND, WIDE, WIDE, WIDE]
    assert [step.tif for step in steps] == [IOC] * 4


def test_unwinding_pays_up_from_its_first_try_and_never_comes_back():
    rules = policy(UNWIND_FIRST, **WHOLE)
    steps = limits_of(rules, [leg(3, 1), leg(-1, -1)], 8)
    assert {(step.rung, step.lots) for step in steps} == {(UNWIND_RUNG, (-1, 1))}
    assert [step.limit_ticks[1] for step in steps] == [10_002, 10_002, 10_004, *[10_031] * 5]


def _locked_out(bid: int = 9_990, ask: int = 10_010, **named):
    """Three kilos bought, the ounces not to be had; kilos of another month stand in for them."""
    return [leg(3, 3), leg(-1, 0, bid=0, ask=0)], (ProxyView(1, 3_110_347_680, 10**9, bid, ask, 10, 7),)


def test_a_proxy_is_sized_by_base_units_and_costs_its_way_out_again():
    legs, proxies = _locked_out()
    step = plan(legs, 0, policy(COMPLETE_FIRST), 0, 0.3, proxies)
    assert (step.rung, step.purpose, step.proxy) == (PROXY, REHEDGE, 0)
    assert step.lots == (0, 0, -3)
    assert step.limit_ticks == (0, 0, 9_990 - 29)
    # Its width of 20 ticks and two fees a lot; or three lots sold back a tick lower.
    assert (step.cost_proxy_micros, step.cost_unwind_micros) == (3 * (20 * 10 + 2 * 7), 30)
    assert step.cost_complete_micros == NO_COST


@pytest.mark.parametrize(("edge", "rung"), [(611, UNWIND_RUNG), (613, PROXY)])
def test_a_proxy_and_an_unwinding_are_compared_by_cost(edge, rung):
    legs, proxies = _locked_out()
    assert plan(legs, edge, policy(), 0, 0.3, proxies).rung == rung


def test_the_cheapest_proxy_is_taken_and_one_without_a_price_or_of_another_leg_is_none():
    legs, (dear,) = _locked_out()
    dead, cheap = dear._replace(bid_ticks=0), dear._replace(ask_ticks=9_992)
    assert plan(legs, 0, policy(COMPLETE_FIRST), 0, 0.3, (dear, dead, cheap)).proxy == 2
    assert plan(legs, 0, policy(COMPLETE_FIRST), 0, 0.3, (dead, dear._replace(leg=0))).rung == UNWIND_RUNG
    whole_tons = dear._replace(hedge_ubase=10**12)  # less than half a lot of it is missing
    assert plan(legs, 0, policy(COMPLETE_FIRST), 0, 0.3, (whole_tons,)).rung == UNWIND_RUNG


@pytest.mark.parametrize(("close_fee", "purpose"), [(0, UNWIND), (389, UNWIND), (391, REHEDGE)])
def test_f18_the_fee_of_closing_todays_lots_weighs_against_unwinding(close_fee, purpose):
    # Completing costs 800; unwinding two ticks, 20, and the fee on both legs.
    legs = [leg(3, 1, ask=10_040, close_fee_micros=close_fee), leg(-1, -1, close_fee_micros=close_fee)]
    step = plan(legs, 0, policy(), 0, 0.3)
    assert (step.purpose, step.cost_unwind_micros) == (purpose, 20 + 2 * close_fee)


def _limit_up(**other):
    """Nobody sells Shanghai: it stands at its upper limit of 10,500, where three lots are to be bought."""
    return [leg(3, 0, bid=10_500, ask=0, queue_ticks=10_500), leg(-1, -1, **other)]


def test_f10_a_locked_leg_is_queued_for_where_completing_is_preferred():
    rules = policy(COMPLETE_FIRST, lock_wait_ns=5 * 10**9)
    step = plan(_limit_up(), 0, rules, 0, 0.3, may_queue=True)
    assert (step.rung, step.purpose, step.tif, step.wait_ns) == (LEAN, REHEDGE, DAY, 5 * 10**9)
    assert (step.lots, step.limit_ticks) == ((3, 0), (10_500, 0))
    assert plan(_limit_up(), 0, rules, 0, 0.3, may_queue=False).rung == UNWIND_RUNG
    assert plan(_limit_up(), 0, policy(COMPLETE_FIRST), 0, 0.3, may_queue=True).rung == UNWIND_RUNG
    # In the last third of the tries the other way is preferred.
    assert plan(_limit_up(), 0, rules, 4, 0.3, may_queue=True).rung == UNWIND_RUNG


@pytest.mark.parametrize("on_partial", [UNWIND_FIRST, CHEAPEST])
def test_f10_where_another_way_is_preferred_the_queue_is_for_when_there_is_none(on_partial):
    rules = policy(on_partial, lock_wait_ns=5 * 10**9)
    assert plan(_limit_up(), 0, rules, 0, 0.3, may_queue=True).rung == UNWIND_RUNG
    assert plan(_limit_up(ask=0), 0, rules, 0, 0.3, may_queue=True).rung == LEAN
    assert plan(_limit_up(ask=0), 0, rules, 0, 0.3, may_queue=False).rung == HOLD_OFF


def test_f10_who_sells_at_the_upper_limit_has_a_price_and_does_not_queue():
    legs = [leg(-3, 0, bid=10_500, ask=0, queue_ticks=10_500), leg(1, 1)]
    step = plan(legs, 0, policy(COMPLETE_FIRST, lock_wait_ns=5 * 10**9), 0, 0.3, may_queue=True)
    assert (step.rung, step.lots, step.tif) == (PAY_UP, (-3, 0), IOC)


@pytest.mark.parametrize(
    ("on_partial", "ways"),
    [
        (COMPLETE_FIRST, (UNWIND_RUNG, PROXY, CROSS_BAND)),
        (CHEAPEST, (UNWIND_RUNG, PROXY, CROSS_BAND)),
        (UNWIND_FIRST, (CROSS_BAND, PROXY, UNWIND_RUNG)),
    ],
)
def test_in_the_last_third_the_ways_are_tried_in_the_order_of_a_last_resort(on_partial, ways):
    _, proxies = _locked_out()
    proxies = (proxies[0]._replace(leg=0),)
    no_way = {
        UNWIND_RUNG: lambda legs: [legs[0], legs[1]._replace(ask_ticks=0)],
        CROSS_BAND: lambda legs: [legs[0]._replace(ask_ticks=0), legs[1]],
    }
    legs = [leg(3, 0), leg(-1, -1)]
    found = []
    for way in ways:
        step = plan(legs, 10**6, policy(on_partial), 5, 0.3, proxies)
        assert step.rung == way
        found.append(way)
        if way == PROXY:
            proxies = ()
        elif way in no_way:
            legs = no_way[way](legs)
    assert found == list(ways)
    assert plan(legs, 0, policy(on_partial), 5, 0.3, proxies).rung == HOLD_OFF


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(-20, 20), st.integers(0, 20), st.lists(st.integers(-6, 6), max_size=3))
def test_a_worst_case_is_raised_where_any_part_of_the_orders_can_raise_it(low, width, changes):
    high = low + width
    parts = [range(min(change, 0), max(change, 0) + 1) for change in changes]
    worst = max(abs(at + sum(filled)) for at in range(low, high + 1) for filled in product(*parts))
    assert raises_worst(low, high, changes) == (worst > max(abs(low), abs(high)))
