"""What the gate adds up, keeps back and remembers: meters that legs share, reserves, repeats, and what comes back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.journal import MemoryJournal
from engine.records import DECISION_DTYPE, ENTRY, EXIT, LEDGER_HEDGE, MAX_LEGS
from engine.schema import CANCELS, HALTED, NO_LIMIT, OPENED_LOTS, ORDERS, TRADES, UNSET
from riskgate.repeat_controls import duplicate_key
from tests.gate_group import CALENDAR, EXECUTIONS, NEXT, SAME, SECOND, THREE
from tests.gate_levels import asked, expect_denied, meter_of
from tests.gate_levels_money import DOMESTIC
from tests.gate_world import AU, CN, GC, NOW_NS, decide, decision_of, judge, slot

pytestmark = pytest.mark.slow

JOURNAL = MemoryJournal(1 << 20)


# meters
@pytest.mark.parametrize(("purpose", "left"), [(ENTRY, 90), (LEDGER_HEDGE, 90), (EXIT, 100)])
@pytest.mark.parametrize("over", [0, 1])
def test_an_exit_may_use_what_is_kept_from_openings(purpose, left, over):
    state, _ = asked(purpose)
    row = meter_of(state, "contract")
    row["limit"][CANCELS], row["reserve"][CANCELS] = 100, 10
    row["used"][CANCELS] = left - 6 + over
    assert judge(state)["cleared"] == 1 - over
    if over:
        expect_denied(judge(state), 8)


@pytest.mark.parametrize(
    ("kind", "quota", "wanted"),
    [("account", ORDERS, 12), ("account", TRADES, 8), ("product", OPENED_LOTS, 8)],
)
@pytest.mark.parametrize("over", [0, 1])
def test_legs_of_one_account_and_product_add_up_in_its_meter(kind, quota, wanted, over):
    state, _ = asked(strategy=CALENDAR)
    row = meter_of(state, kind)
    row["limit"][quota], row["reserve"][quota], row["used"][quota] = 100, 0, 100 - wanted + over
    assert judge(state)["cleared"] == 1 - over


@pytest.mark.parametrize("over", [0, 1])
def test_two_accounts_of_a_group_share_the_contracts_meter(over):
    state, _ = asked(strategy=THREE)
    assert meter_of(state, "contract", AU)["first"] == meter_of(state, "contract", SAME)["first"]
    row = meter_of(state, "contract", SAME)
    row["limit"][OPENED_LOTS], row["used"][OPENED_LOTS] = (
        100,
        100 - 6 + over,
    )  # 2 in one account, 4 in the other
    assert judge(state)["cleared"] == 1 - over


@pytest.mark.parametrize("over", [0, 1])
def test_legs_that_open_the_same_side_of_a_contract_add_up_against_its_position_limit(over):
    state, _ = asked(strategy=THREE)
    state.position[SAME]["short_yesterday"] = 4
    meter_of(state, "contract")["max_position_lots"] = 7 - over
    verdict = judge(state)
    assert verdict["cleared"] == 1 - over
    if over:
        expect_denied(verdict, 12)


def test_what_closes_is_not_asked_for_a_position_limit():
    state, _ = asked(EXIT)
    meter_of(state, "contract")["max_position_lots"] = 0
    expect_denied(judge(state), 12)
    state.position[AU]["long_yesterday"] = 3
    assert judge(state)["cleared"] == 1


def test_a_net_position_is_closed_before_it_is_opened():
    """Five short and six bid for: one of these opens. The next one does too."""
    state, _ = asked()
    state.instrument[GC]["max_gross_lots"], state.instrument[GC]["max_position_lots"] = 5 + 1 + 1, 5
    row = state.position[GC]
    row["short_today"], row["working_buy"], row["closing_short_today"] = 5, 6, 6
    assert judge(state)["cleared"] == 1
    state.instrument[GC]["max_gross_lots"] = 6
    expect_denied(judge(state), 15)
    assert slot(judge(state), 15)[:2] == (7, 6)


# repeats
def _again(state, later_ns: int, **changed):
    """The same decision with another number, decided so much later; the verdict."""
    row = state.scratch["decision"][0]
    row["decision_id"] = row["deal_id"] = row["decision_id"] + 1
    for name, value in changed.items():
        row[name] = value
    state.position["own_bid_ticks"] = state.position["own_ask_ticks"] = UNSET  # they have traded
    state.book["taken_bid_lots"] = state.book["taken_ask_lots"] = 0
    decide(state, JOURNAL, NOW_NS + later_ns)
    return state.scratch["verdict"]


def test_the_same_decision_again_is_a_duplicate_until_its_window_is_over():
    state, _ = asked()
    state.strategy[0]["max_units"] = 10
    window_ns = int(state.strategy[0]["duplicate_window_ns"])
    assert decide(state, JOURNAL)
    verdict = _again(state, window_ns - 1)
    expect_denied(verdict, 13)
    assert slot(verdict, 13)[:2] == (1, 0)
    assert _again(state, window_ns)["cleared"] == 1
    expect_denied(_again(state, window_ns + 1), 13)  # counted from the last one that was Cleared


def test_a_decision_at_another_price_is_no_duplicate():
    state, decision = asked()
    assert decide(state, JOURNAL)
    decision["limit_ticks"][1] += 1
    assert _again(state, 1)["cleared"] == 1


def test_duplicates_that_are_allowed_are_counted_in_a_row():
    state, _ = asked()
    state.strategy[0]["max_duplicates"] = 2
    assert decide(state, JOURNAL)
    seen = [(slot(_again(state, number), 13)[0], int(state.scratch["verdict"]["cleared"])) for number in (1, 2, 3)]
    assert seen == [(1, 1), (2, 1), (3, 0)]


def test_a_strategy_that_decides_too_often_is_halted_until_a_person_resumes_it():
    state, decision = asked()
    state.strategy[0]["max_units"], state.instrument["max_position_lots"] = 100, 100
    assert decide(state, JOURNAL)
    for number in range(1, EXECUTIONS):
        decision["limit_ticks"][0] -= 1
        assert _again(state, number)["cleared"] == 1
    assert state.strategy[0]["switch"] != HALTED
    decision["limit_ticks"][0] -= 1
    expect_denied(_again(state, EXECUTIONS), 14)
    assert state.strategy[0]["switch"] == HALTED
    after_ns = int(state.strategy[0]["execution_window_ns"]) * 2
    state.book["recv_ns"] = state.venue["heard_ns"] = NOW_NS + after_ns
    expect_denied(_again(state, after_ns), 24)
    state.strategy[0]["switch"] = 0
    assert _again(state, after_ns)["cleared"] == 1


numbers = st.integers(-4, 4) | st.integers(-(2**40), 2**40)
fields = st.tuples(
    st.sampled_from((1, -1)), st.integers(0, 4), st.integers(0, 4) | st.integers(0, 2**40),
    st.tuples(*[st.tuples(numbers, numbers)] * 2),
)  # fmt: skip


@settings(max_examples=400, deadline=None, derandomize=True)
@given(one=fields, other=fields, part=st.integers(0, 6))
def test_decisions_that_differ_in_anything_have_different_keys(one, other, part):
    keys = [_key(it) for it in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)
    # And in one part alone, the others being the same.
    mixed = _with_part(one, other, part)
    assert (_key(mixed) == keys[0]) == (mixed == one)


def _with_part(one, other, part: int):
    flat, donor = (list(it[:3]) + [number for leg in it[3] for number in leg] for it in (one, other))
    flat[part] = donor[part]
    return (*flat[:3], ((flat[3], flat[4]), (flat[5], flat[6])))


def _key(it) -> int:
    decision = np.zeros(1, DECISION_DTYPE)[0]
    decision["legs"] = 2
    decision["side"], decision["purpose"], decision["units"] = it[:3]
    for leg, (lots, ticks) in enumerate(it[3]):
        decision["lots"][leg], decision["limit_ticks"][leg] = lots, ticks
    return duplicate_key(decision)


def test_a_key_does_not_go_by_the_number_of_a_decision_or_by_what_it_saw():
    state, decision = asked()
    before = duplicate_key(decision)
    decision_of(state)
    decision["signal"], decision["ref_ticks"][0], decision["deadline_ns"] = 7.0, 1, 2
    decision["lots"][MAX_LEGS - 1] = 9  # behind its last leg
    assert duplicate_key(decision) == before


# what comes back, and whom it concerns
@pytest.mark.parametrize(("net", "cleared"), [(10**13, 1), (-(10**13), 0), (0, 0)])
@pytest.mark.parametrize("scope", ["account", "market", "currency"])
def test_exposure_that_is_brought_back_towards_zero_passes_over_its_limit(scope, net, cleared):
    state, _ = asked()  # Shanghai is sold
    state.account[CN]["net_micros"] = net
    if scope == "currency":
        state.currency[0]["max_exposure_micros"] = 10**6
    else:
        getattr(state, scope)[DOMESTIC]["max_net_micros"] = 10**6
    verdict = judge(state)
    assert (verdict["cleared"], verdict["reason"]) == (cleared, 0 if cleared else 28 if scope == "currency" else 15)


def test_an_exit_and_a_hedge_are_not_asked_for_units_losses_exposure_or_naked_time():
    for purpose in (EXIT, LEDGER_HEDGE):
        state, _ = asked(purpose)
        state.strategy[0]["max_units"] = state.account[CN]["max_gross_micros"] = state.market[0]["max_net_micros"] = 0
        state.head["pnl_micros"] = state.strategy[0]["pnl_micros"] = UNSET
        state.head["unbalanced_deals"] = state.head["naked_ns"] = 10**18
        verdict = judge(state)
        assert verdict["cleared"] == 1
        assert (slot(verdict, 18)[0], slot(verdict, 27)[0]) == (0, 10**18)


def test_what_an_account_elsewhere_does_not_know_is_no_matter_where_no_limit_is_stated():
    state, _ = asked()
    state.account[SECOND]["unmarked"], state.account[SECOND]["pool"] = 1, 1  # neither a leg's nor of its pool
    assert judge(state)["cleared"] == 1
    state.market[DOMESTIC]["max_gross_micros"] = NO_LIMIT - 1
    expect_denied(judge(state), 15, level=5)


def test_the_next_month_counts_in_the_product_alone():
    state, _ = asked()
    state.position[NEXT]["short_today"] = 50
    meter_of(state, "contract")["max_position_lots"] = 3
    assert judge(state)["cleared"] == 1
    meter_of(state, "product")["max_position_lots"] = 52
    expect_denied(judge(state), 12)
