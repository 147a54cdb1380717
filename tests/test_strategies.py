"""Both strategies by situation, through the compiled `on_quote`: when they enter, leave, wait, and how much."""

import numpy as np
import pytest

from desk.composed import HOT
from engine.ports import BUY, SELL
from engine.records import ENTRY, EXIT
from engine.schema import HALTED, REDUCE_ONLY
from strategies.signals import RATIO_CROSS, SPREAD_CROSS
from tests.spread_world import MS, NOW_NS, Desk, empty_state, fill_touches

A, B = 0, 1
TICK = 0.01
FAIR = 10_000  # ticks of B's bid, always
EDGE = 1e-9


def desk_of(kinds=(SPREAD_CROSS,), **strategy) -> Desk:
    """A less B, one lot each, both at some 100.00 in ticks of 0.01: center 0, entry 0.10, exit 0.02."""
    state = empty_state(instruments=2, spreads=1, window=8, strategies=len(kinds))
    state.instrument["tick"] = TICK
    row = state.spread[0]
    row["legs"], row["instrument"][:2], row["ratio"][:2], row["weight"][:2] = 2, (A, B), (1, -1), (TICK, -TICK)
    row["strategy_n"] = len(kinds)
    chosen = {"entry": 0.10, "exit": 0.02, "fixed_center": 1, "clip_units": 2, "max_units": 3, "slippage_ticks": 1,
              "deadline_ns": 2_000 * MS, "min_samples": 4, "armed": 1}  # fmt: skip
    for number, kind in enumerate(kinds):
        state.strategy[number]["kind"] = kind
        for name, value in (chosen | strategy).items():
            state.strategy[number][name] = value
    fill_touches(state)
    desk = Desk(state)
    desk.quote(B, FAIR, FAIR + 1)
    return desk


def at(desk: Desk, mid_ticks: float, width: int = 1, **quote) -> list[tuple[int, int, int]]:
    """Quote A so that the difference's mid is so many ticks; the decisions as (side, purpose, units)."""
    bid = FAIR + round(mid_ticks + 0.5 - width / 2)
    count = desk.quote(A, bid, bid + width, **quote)
    return [(int(row["side"]), int(row["purpose"]), int(row["units"])) for row in decisions(desk, count)]


def decisions(desk: Desk, count: int):
    return desk.state.scratch["decision"][:count]


def only(desk: Desk):
    return desk.state.strategy[0]


def later(desk: Desk, ms: float) -> None:
    desk.now_ns += round(ms * MS)


def test_inside_the_band_nothing_happens():
    desk = desk_of()
    assert [at(desk, mid) for mid in (-9, -5, 0, 5, 9)] == [[]] * 5


def test_below_the_band_it_buys_and_above_it_sells():
    assert at(desk_of(), -11) == [(BUY, ENTRY, 2)]
    assert at(desk_of(), 11) == [(SELL, ENTRY, 2)]


def test_a_decision_says_all_that_it_saw():
    desk = desk_of(cooldown_ns=7)
    desk.state.spread[0]["cost"], desk.state.spread[0]["fee_micros"][:2] = 0.001, 1_000
    assert at(desk, -12) == [(BUY, ENTRY, 2)]
    row = decisions(desk, 1)[0]
    assert (row["signal"], row["executable"]) == (pytest.approx(-0.12), pytest.approx(-0.11))
    assert (row["center"], row["threshold"], row["cost"]) == (0.0, 0.10, pytest.approx(0.003))
    assert row["legs"] == 2 and row["instrument"][:2].tolist() == [A, B] and row["lots"][:2].tolist() == [2, -2]
    ask_a = FAIR - 11
    assert row["ref_ticks"][:2].tolist() == [ask_a, FAIR]
    assert row["limit_ticks"][:2].tolist() == [ask_a + 1, FAIR - 1]
    assert row["deadline_ns"] == NOW_NS + 2_000 * MS
    assert row["decision_id"] == row["deal_id"] == desk.state.head["decision_counter"] == 1


@pytest.mark.parametrize("side", [BUY, SELL])
def test_never_on_a_mid_alone(side):
    """The mid is far outside, but what can be executed across a wide quote earns nothing."""
    desk = desk_of()
    assert at(desk, -side * 12, width=25) == []
    assert only(desk)["opportunities"] == 0
    assert at(desk, -side * 12, width=1) == [(side, ENTRY, 2)]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_an_entry_must_earn_the_least_edge_after_all_costs(side):
    """At 12 ticks: executable 0.11 from the center, exit at 0.02, fees 0.03, cost 0.01 leave 0.05."""
    for min_edge, count in ((0.05 - EDGE, 1), (0.05 + EDGE, 0)):
        desk = desk_of(min_edge=min_edge)
        desk.state.spread[0]["cost"], desk.state.spread[0]["fee_micros"][:2] = 0.01, (10_000, 20_000)
        assert len(at(desk, -side * 12)) == count


def test_it_leaves_when_the_executable_price_is_back_not_the_mid():
    desk = desk_of()
    only(desk)["position_units"] = 2
    assert at(desk, -2, width=2) == []  # mid at the exit, the price to sell at is not
    assert at(desk, -1) == [(SELL, EXIT, 2)]
    only(desk)["position_units"] = -2
    assert at(desk, 2, width=2) == []
    assert at(desk, 1) == [(BUY, EXIT, 2)]


def test_an_exit_closes_what_is_held_and_no_more():
    desk = desk_of(clip_units=5, max_units=5)
    only(desk)["position_units"] = 3
    assert at(desk, 0) == [(SELL, EXIT, 3)]


def test_an_exit_needs_no_edge():
    desk = desk_of(min_edge=5.0)
    only(desk)["position_units"] = 1
    assert at(desk, 0) == [(SELL, EXIT, 1)]


def test_an_entry_disarms_its_side_until_the_signal_was_back_by_the_rearm():
    desk = desk_of(rearm=0.05)
    assert at(desk, -12) == [(BUY, ENTRY, 2)]
    assert at(desk, -12) == [] and at(desk, -6) == [] and at(desk, -12) == []  # inside the band, not by enough
    assert only(desk)["armed"].tolist() == [0, 1]
    assert at(desk, -4) == []
    assert at(desk, -12) == [(BUY, ENTRY, 2)]


def test_the_other_side_stays_armed():
    desk = desk_of(rearm=0.05)
    at(desk, -12)
    assert at(desk, 12) == [(SELL, ENTRY, 2)]


def test_without_rearm_it_enters_again_at_once():
    desk = desk_of(rearm=0.0)
    assert at(desk, -12) == at(desk, -12) == [(BUY, ENTRY, 2)]


def test_after_a_decision_it_waits_for_the_cooldown():
    desk = desk_of(cooldown_ns=100 * MS)
    assert len(at(desk, -12)) == 1
    later(desk, 99.9)
    assert at(desk, -12) == []
    later(desk, 0.1)
    assert len(at(desk, -12)) == 1


@pytest.mark.parametrize(("held", "units"), [(0, 2), (1, 2), (2, 1), (3, None), (4, None)])
def test_units_are_capped(held, units):
    for side in (BUY, SELL):
        desk = desk_of()
        only(desk)["position_units"] = side * held
        assert at(desk, -side * 12) == ([(side, ENTRY, units)] if units else [])


def test_what_the_market_shows_limits_the_units():
    desk = desk_of(clip_units=9, max_units=9)
    desk.state.spread[0]["ratio"][:2] = 3, -1
    assert at(desk, -12, lots=1, ask_lots=14) == [(BUY, ENTRY, 4)]
    assert at(desk, -12, lots=30, ask_lots=2) == []
    assert at(desk, 12, lots=8, ask_lots=1) == [(SELL, ENTRY, 2)]


def test_a_z_band_is_in_deviations_of_the_rolling_mean():
    desk = desk_of(fixed_center=0, band=1, entry=2.0, exit=0.5)
    for mid in (0, 4, 0, 4, 0, 4, 0, 4):
        at(desk, mid, now_ns=NOW_NS)
        HOT.sample(desk.state.address, NOW_NS)
    assert desk.state.spread[0]["mean"][0] == pytest.approx(0.02)
    assert desk.state.spread[0]["sd"][0] == pytest.approx(0.02)
    assert at(desk, 5) == []
    assert at(desk, 7) == [(SELL, ENTRY, 2)]  # 2.5 deviations away
    row = decisions(desk, 1)[0]
    assert (row["center"], row["threshold"]) == (pytest.approx(0.02), pytest.approx(0.04))


def test_a_z_band_of_the_ratio_goes_by_the_ratios_own_mean_and_deviation():
    desk = desk_of((RATIO_CROSS,), fixed_center=0, band=1, entry=2.0, exit=0.5)
    ratios = []
    for mid in (0, 4, 0, 4, 0, 4, 0, 4):
        at(desk, mid, now_ns=NOW_NS)
        HOT.sample(desk.state.address, NOW_NS)
        ratios.append(float(desk.state.spread[0]["ratio_mid"]))
    assert at(desk, 5) == []
    assert at(desk, -4) == [(BUY, ENTRY, 2)]  # 3 deviations away
    row = decisions(desk, 1)[0]
    assert (row["center"], row["threshold"]) == (pytest.approx(np.mean(ratios)), pytest.approx(2.0 * np.std(ratios)))


@pytest.mark.parametrize("wanting", [{"fixed_center": 0}, {"fixed_center": 1, "band": 1}])
def test_statistics_are_not_used_before_enough_samples(wanting):
    desk = desk_of(**wanting, entry=0.10 if "band" not in wanting else 0.5, exit=0.0)
    for mid in (0, 2, 0):
        at(desk, mid)
        HOT.sample(desk.state.address, NOW_NS)
    assert at(desk, -30) == []
    at(desk, 2)
    HOT.sample(desk.state.address, NOW_NS)
    assert at(desk, -30) == [(BUY, ENTRY, 2)]


def test_a_fixed_center_needs_no_samples():
    assert len(at(desk_of(min_samples=8), -12)) == 1


def test_ratio_cross_goes_by_the_ratio_of_executable_prices():
    desk = desk_of((RATIO_CROSS,), center=1.0, entry=0.001, exit=0.0002)
    desk.state.spread[0]["premium"] = 5.0  # of the difference, which the ratio does not know
    assert at(desk, -9) == [] and at(desk, 9) == []
    assert at(desk, -12) == [(BUY, ENTRY, 2)]
    row = decisions(desk, 1)[0]
    assert row["signal"] == pytest.approx((FAIR - 11.5) / (FAIR + 0.5))
    assert row["executable"] == pytest.approx((FAIR - 11) / FAIR)
    assert at(desk, 12) == [(SELL, ENTRY, 2)]
    row = decisions(desk, 1)[0]
    assert row["executable"] == pytest.approx((FAIR + 12) / (FAIR + 1))


def test_ratio_cross_counts_costs_as_a_share_of_the_second_leg():
    """At -12 ticks the ask over the bid is 0.9989: 0.0011 from the center, less 0.0002 exit and 0.05 / 100.005."""
    earned = (1.0 - 0.0002) - (FAIR - 11) / FAIR - 0.05 / (TICK * (FAIR + 0.5))
    for min_edge, count in ((earned - EDGE, 1), (earned + EDGE, 0)):
        desk = desk_of((RATIO_CROSS,), center=1.0, entry=0.001, exit=0.0002, min_edge=min_edge)
        desk.state.spread[0]["cost"] = 0.05
        assert len(at(desk, -12)) == count


def test_a_ratio_position_leaves_at_the_executable_ratio():
    desk = desk_of((RATIO_CROSS,), center=1.0, entry=0.001, exit=0.0002)
    only(desk)["position_units"] = 1
    assert at(desk, -2) == []
    assert at(desk, 0) == [(SELL, EXIT, 1)]


def test_a_halted_strategy_decides_nothing():
    desk = desk_of()
    only(desk)["switch"] = HALTED
    assert at(desk, -12) == []
    only(desk)["position_units"] = 1
    assert at(desk, 0) == []


def test_a_reduce_only_strategy_leaves_but_does_not_enter():
    desk = desk_of()
    only(desk)["switch"] = REDUCE_ONLY
    assert at(desk, -12) == []
    only(desk)["position_units"] = 1
    assert at(desk, 0) == [(SELL, EXIT, 1)]


def test_near_the_close_a_strategy_that_flattens_leaves_and_enters_no_more():
    """Else it would enter what it must exit at once, again and again until the guard holds it back."""
    desk = desk_of(flatten_ns=300 * 1000 * MS, cooldown_ns=0)
    desk.state.instrument["close_ns"][A] = desk.now_ns + 300 * 1000 * MS
    assert at(desk, -12) == []
    only(desk)["position_units"] = 2
    assert at(desk, -30) == [(SELL, EXIT, 2)]
    desk.state.instrument["close_ns"][A] += 1
    only(desk)["position_units"] = 0
    assert at(desk, -12) == [(BUY, ENTRY, 2)]


def test_a_blocked_spread_is_not_asked():
    desk = desk_of()
    assert at(desk, -12, width=0) == []
    assert at(desk, -12, ask_lots=0) == []
    assert only(desk)["opportunities"] == 0
    assert len(at(desk, -12)) == 1


def test_one_deal_a_spread_at_a_time():
    for table in ("spread", "strategy"):
        desk = desk_of()
        getattr(desk.state, table)[0]["open_deals"] = 1
        assert at(desk, -12) == []
        only(desk)["position_units"] = 1
        assert at(desk, 0) == []


def test_of_two_strategies_that_want_the_same_spread_the_first_gets_it():
    desk = desk_of((SPREAD_CROSS, SPREAD_CROSS))
    assert at(desk, -12) == [(BUY, ENTRY, 2)]
    assert decisions(desk, 1)[0]["strategy"] == 0
    desk.state.strategy[0]["switch"] = HALTED
    assert at(desk, -12) == [(BUY, ENTRY, 2)]
    assert decisions(desk, 1)[0]["strategy"] == 1


def test_a_denied_entry_stays_armed():
    """The gate of this bare state refuses everything: its links are down and its accounts unknown."""
    desk = desk_of(rearm=0.05)
    assert len(at(desk, -12)) == 1
    assert only(desk)["armed"].tolist() == [0, 1]
    assert desk.decide() == 0
    assert desk.state.scratch["verdict"]["cleared"] == 0 and desk.state.head["denied"] == 1
    assert only(desk)["armed"].tolist() == [1, 1]
    assert len(at(desk, -12)) == 1


def test_opportunities_are_counted_as_episodes():
    desk = desk_of(max_units=0)  # it may take none, and counts them all the same
    for mid in (-12, -12, -13, 0, -12, 0, 12, 12, 0):
        assert at(desk, mid) == []
    assert only(desk)["opportunities"] == 3
    assert only(desk)["opportunity_open"] == 0


def test_a_blocked_moment_does_not_end_an_episode():
    desk = desk_of(max_units=0)
    for quote in ({"width": 1}, {"width": 0}, {"width": 1}):
        at(desk, -12, **quote)
    assert only(desk)["opportunities"] == 1


def test_a_quote_of_either_leg_asks():
    desk = desk_of()
    at(desk, 0)
    assert desk.quote(B, FAIR + 12, FAIR + 13) == 1
    assert np.sign(decisions(desk, 1)[0]["side"]) == BUY
