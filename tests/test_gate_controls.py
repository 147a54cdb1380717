"""Each control of the gate at, just under and just over its level, and without its input."""

import pytest

from engine.ports import CONNECTED
from engine.records import (
    CLOSED_MARKET,
    ENTRY,
    EXIT,
    GAP,
    MISSING,
    NO_QUOTE,
    ONE_SIDED,
    PASS,
    REHEDGE,
    SKEWED,
    STALE,
    UNWIND,
    WARN,
)
from riskgate.gate import SEQUENCE
from tests import twin_gate
from tests.gate_levels import AT, OVER, UNDER, asked, expect_denied, expect_looks
from tests.gate_levels_money import LEVELS, UNSTATED
from tests.gate_world import (
    AU,
    FX,
    GC,
    NOW_NS,
    judge,
    quote,
    slot,
)


def test_every_control_of_the_sequence_has_its_table_rows():
    assert {level.number for level in LEVELS} == set(SEQUENCE) == set(range(1, 29))
    assert len({str(one) for one in LEVELS}) == len(LEVELS)
    assert len({str(one) for one in UNSTATED}) == len(UNSTATED)


def test_the_plain_decision_clears():
    state, decision = asked()
    verdict = judge(state)
    assert (verdict["cleared"], verdict["reason"], verdict["leg"]) == (1, 0, -1)
    assert verdict["decision_id"] == decision["decision_id"]
    assert verdict["limits_version"] == 7
    expect_looks(verdict)


@pytest.mark.parametrize("level", LEVELS, ids=str)
@pytest.mark.parametrize("step", (UNDER, AT, OVER))
def test_a_control_denies_beyond_its_level_and_only_there(level, step):
    state, _ = asked()
    level.arrange(state, step)
    told = twin_gate.judge(state, NOW_NS)
    verdict = judge(state)
    expect_looks(verdict)
    assert told[2] == {number: slot(verdict, number) for number in SEQUENCE}
    if step == OVER or (step == AT and level.at):
        expect_denied(verdict, level.number)
    else:
        warned = level.number == 17 and level.at
        assert (verdict["cleared"], slot(verdict, level.number)[2]) == (1, WARN if warned else PASS)


@pytest.mark.parametrize("unstated", UNSTATED, ids=str)
def test_a_number_that_nobody_stated_is_a_denial_of_its_control(unstated):
    state, _ = asked()
    unstated.forget(state)
    expect_denied(judge(state), unstated.number, MISSING)


def test_a_reference_price_that_is_missing_is_a_denial_by_slippage():
    state, decision = asked()
    decision["ref_ticks"][0] = 0
    expect_denied(judge(state), 21, MISSING)


@pytest.mark.parametrize("name", ["executable", "center", "cost"])
def test_an_edge_that_is_no_number_is_a_denial_by_edge(name):
    state, decision = asked()
    decision[name] = float("nan")
    expect_denied(judge(state), 22, MISSING)


def test_an_account_without_a_currency_rate_is_a_denial_by_the_pool():
    state, _ = asked()
    state.spread[0]["fx"] = -1  # the price itself needs no rate
    state.book[FX]["updates"] = 0
    expect_denied(judge(state), 17, MISSING)


def test_a_pool_with_an_idle_account_without_a_rate_is_a_denial_by_the_pool():
    state, _ = asked()
    state.spread[0]["fx"] = -1
    state.book[FX]["blocked"] = GAP
    expect_denied(judge(state), 17, MISSING)


def test_a_link_that_was_never_made_is_a_denial_by_connection():
    state, _ = asked()
    state.venue[1]["link"] = 0
    expect_denied(judge(state), 25)


def test_a_contract_without_an_account_is_not_tradable():
    state, _ = asked()
    state.instrument[GC]["account"] = -1
    verdict = judge(state)
    expect_denied(verdict, 5)
    assert slot(verdict, 16)[2] == slot(verdict, 17)[2] == MISSING


def test_a_connected_link_that_is_not_ready_does_not_trade():
    state, _ = asked()
    state.venue[0]["link"][1] = CONNECTED
    expect_denied(judge(state), 25)


def _never_quoted(state, at):
    state.book[at]["updates"] = 0


def _stale(state, at):
    state.book[at]["recv_ns"] = NOW_NS - state.instrument[at]["max_age_ns"] - 1


def _silent(state, at):
    state.venue[state.instrument[at]["venue"]]["heard_ns"][0] = NOW_NS - 3600 * 10**9


def _gap(state, at):
    state.book[at]["blocked"] = GAP


def _one_sided(state, at):
    state.book[at]["blocked"] = ONE_SIDED


@pytest.mark.parametrize("at", [AU, GC, FX])
@pytest.mark.parametrize(
    ("spoil", "bits"),
    [(_never_quoted, NO_QUOTE), (_stale, STALE), (_silent, STALE), (_gap, GAP), (_one_sided, ONE_SIDED)],
)
def test_a_leg_or_rate_whose_quote_is_not_whole_is_a_denial_by_market_data(at, spoil, bits):
    state, _ = asked()
    spoil(state, at)
    verdict = judge(state)
    expect_denied(verdict, 20)
    assert slot(verdict, 20)[:2] == (bits, 0)


def test_a_quote_too_wide_is_a_denial_by_market_data():
    state, _ = asked()
    quote(state, AU, 15_463, 15_465)
    verdict = judge(state)
    expect_denied(verdict, 20)
    assert slot(verdict, 20)[0] == 1 << 16


@pytest.mark.parametrize(("extra_ns", "cleared"), [(-1, 1), (0, 1), (1, 0)])
def test_legs_too_far_apart_in_time_are_a_denial(extra_ns, cleared):
    state, _ = asked()
    state.spread[0]["max_skew_ns"] = 10**9
    state.book[GC]["recv_ns"] = NOW_NS - 10**9 - extra_ns
    verdict = judge(state)
    assert verdict["cleared"] == cleared
    if not cleared:
        assert slot(verdict, 20)[0] == SKEWED


@pytest.mark.parametrize(("left_ns", "cleared"), [(1, 1), (0, 0), (-1, 0)])
def test_an_expired_contract_is_not_valid(left_ns, cleared):
    state, _ = asked()
    state.instrument[GC]["expires_ns"] = NOW_NS + left_ns
    assert judge(state)["cleared"] == cleared


@pytest.mark.parametrize(("above", "cleared"), [(-1, 1), (0, 1), (1, 0)])
def test_a_price_over_the_upper_limit_of_the_day_is_outside_its_band(above, cleared):
    state, decision = asked()
    state.instrument[GC]["upper_limit_ticks"] = decision["limit_ticks"][1] - above
    assert judge(state)["cleared"] == cleared
    if not cleared:
        assert slot(judge(state), 4)[:2] == (1, 0)


def test_a_session_that_has_not_opened_is_a_denial():
    state, _ = asked()
    state.instrument[AU]["open_ns"] = NOW_NS + 1
    expect_denied(judge(state), 23)


@pytest.mark.parametrize("purpose", [ENTRY, EXIT, REHEDGE, UNWIND])
def test_a_venue_that_says_closed_is_a_closed_session_whatever_the_calendar_says(purpose):
    state, _ = asked(purpose)
    state.book[GC]["blocked"] = CLOSED_MARKET
    expect_denied(judge(state), 23)


def test_an_exit_may_go_within_the_guard_before_the_close():
    state, _ = asked(EXIT)
    state.instrument["close_ns"] = NOW_NS + 10**9
    assert judge(state)["cleared"] == 1


def test_a_collar_is_not_for_the_passive_side_and_a_hair_over_it_is_over():
    state, decision = asked()
    decision["limit_ticks"][0] = 20_000  # far above what others bid: it only rests
    assert slot(judge(state), 3)[0] <= 2
    decision["limit_ticks"][0] = 15_463 - 5  # 3.56 bps below the mid
    assert slot(judge(state), 3)[0] == 4


def test_lots_beyond_the_displayed_size_are_taken_for_one_more_width():
    state, _ = asked(slippage_ticks=3)
    assert slot(judge(state), 21)[0] == 2  # 3 of 15,463 ticks, rounded up
    state.book[AU]["bid_lots"] = 2
    assert slot(judge(state), 21)[0] == 3
