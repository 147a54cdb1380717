"""The rules about the rules: switches, pools, what binds a repair, and that only a clearance opens orders."""

from itertools import pairwise

import pytest

from engine.journal import MemoryJournal
from engine.orders import open_orders
from engine.records import (
    DENY,
    ENTRY,
    EXIT,
    LEDGER_HEDGE,
    MISSING,
    OFF,
    ONE_SIDED,
    PASS,
    REHEDGE,
    UNWIND,
    WARN,
)
from engine.schema import HALTED, REDUCE_ONLY, UNSET
from riskgate.gate import REPAIR_SEQUENCE, SEQUENCE
from tests.gate_levels import AT, OVER, asked, expect_denied
from tests.gate_levels_money import LEVELS, UNSTATED, capital_pool, holds, level_of, margin
from tests.gate_world import (
    AU,
    CN,
    GC,
    HOUR_NS,
    NOW_NS,
    US,
    decide,
    judge,
    slot,
    without,
)

SCOPES = {
    "all": lambda state: state.head, "market": lambda state: state.market[1],
    "venue": lambda state: state.venue[1], "account": lambda state: state.account[US],
    "strategy": lambda state: state.strategy[0], "spread": lambda state: state.spread[0],
}  # fmt: skip


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("switch", "purpose", "cleared"),
    [(REDUCE_ONLY, ENTRY, 0), (REDUCE_ONLY, EXIT, 1), (HALTED, ENTRY, 0), (HALTED, EXIT, 0), (HALTED, REHEDGE, 1)],
)
def test_the_strictest_switch_of_all_scopes_decides(scope, switch, purpose, cleared):
    state, _ = asked(purpose)
    SCOPES[scope](state)["switch"] = switch
    verdict = judge(state)
    assert verdict["cleared"] == cleared
    assert cleared or verdict["reason"] == 24


@pytest.mark.parametrize(
    ("use_bps", "entry", "hedge"),
    [(6_999, PASS, PASS), (7_000, WARN, WARN), (8_500, DENY, WARN), (8_999, DENY, WARN), (9_000, DENY, DENY)],
)
def test_a_pool_warns_then_denies_entries_then_all_that_opens_but_lets_exits_pass(use_bps, entry, hedge):
    for purpose, level in ((ENTRY, entry), (LEDGER_HEDGE, hedge), (EXIT, min(entry, WARN))):
        state, _ = asked(purpose)
        capital_pool(state, use_bps - 8_500)
        verdict = judge(state)
        assert slot(verdict, 17) == (use_bps, 8_500 if purpose == ENTRY else 9_000, level)
        assert verdict["cleared"] == (level < DENY)


def test_capital_of_nothing_is_all_used():
    state, _ = asked()
    state.pool[0]["capital_micros"] = 0
    expect_denied(judge(state), 17)


def test_a_decision_that_brings_the_ledger_back_passes_over_its_bound():
    state, decision = asked(side=1)
    decision["executable"] = 5.5
    assert 3 * 10**9 - int(state.spread[0]["hedge_ubase"][1]) == -110_347_680
    state.spread[0]["residual_ubase"], state.spread[0]["ledger_bound_ubase"] = 5 * 10**9, 10**9
    assert judge(state)["cleared"] == 1
    state.spread[0]["residual_ubase"] = -5 * 10**9
    expect_denied(judge(state), 28)


def test_only_opening_lots_holdmargin():
    state, _ = asked()
    lot = int(holds(state)[0])
    state.position[AU]["long_yesterday"], state.position[AU]["long_today"] = 1, 1
    assert slot(judge(state), 16)[0] == lot * 1
    state.position[AU]["closing_long_today"] = 1
    assert slot(judge(state), 16)[0] == lot * 2


def test_an_inverse_lot_holds_the_coins_of_the_lower_price():
    state, decision = asked()
    row = state.instrument[GC]
    row["kind"], row["tick_micros"], row["fee_e7"], row["fee_micros"] = 1, 100 * 10**6, 0, 0
    dear = int(holds(state)[1])
    decision["limit_ticks"][1] += 1_000  # bought: the worst price is dearer, the touch takes more coins
    assert int(holds(state)[1]) == dear
    decision["limit_ticks"][1] = 10_000
    assert int(holds(state)[1]) > dear


@pytest.mark.parametrize("purpose", [REHEDGE, UNWIND])
@pytest.mark.parametrize("level", [one for one in LEVELS if one.number not in REPAIR_SEQUENCE], ids=str)
def test_what_counts_messages_money_or_positions_refuses_no_repair(purpose, level):
    state, _ = asked(purpose)
    level.arrange(state, OVER)
    for unstated in UNSTATED:
        if unstated.number == level.number:
            unstated.forget(state)
    verdict = judge(state)
    assert verdict["cleared"] == 1
    assert slot(verdict, level.number) == (0, 0, OFF)


@pytest.mark.parametrize(
    "scope", ["3 beyond the far touch", "4 locked up", "4 locked down", "7 account", "7 instrument", "11 self-trades"]
)
def test_some_looks_of_a_control_are_for_openings_and_exits_alone(scope):
    level = next(one for one in LEVELS if str(one) == scope)
    for purpose, cleared in ((ENTRY, 0), (EXIT, int(level.number == 11)), (REHEDGE, 1), (UNWIND, 1)):
        state, _ = asked(purpose)
        level.arrange(state, OVER)
        assert judge(state)["cleared"] == cleared, purpose


def test_a_repair_without_a_margin_rate_goes_and_holds_nothing():
    state, _ = asked(REHEDGE)
    without(state, "instrument", AU, "margin_bps")
    assert judge(state)["cleared"] == 1
    assert list(state.scratch["hold_lot_micros"][:1]) == [0]


@pytest.mark.parametrize("number", [3, 4, 5, 11, 20])
def test_a_repair_is_still_bound_to_collar_band_validity_own_orders_and_data(number):
    state, _ = asked(REHEDGE)
    level_of(number).arrange(state, OVER)
    expect_denied(judge(state), number)


def test_a_repair_is_bound_to_the_session_but_not_to_its_guard():
    state, _ = asked(REHEDGE)
    state.instrument[AU]["close_ns"] = NOW_NS + 1
    assert judge(state)["cleared"] == 1
    state.instrument[AU]["close_ns"] = NOW_NS
    expect_denied(judge(state), 23)


def test_a_leg_that_a_repair_does_not_trade_may_be_stale_closed_and_locked():
    state, decision = asked(REHEDGE)
    decision["lots"][1] = 0
    state.book[GC]["updates"] = 0
    state.instrument[GC]["close_ns"] = NOW_NS - HOUR_NS
    state.instrument[GC]["expires_ns"] = NOW_NS - HOUR_NS
    assert judge(state)["cleared"] == 1


@pytest.mark.parametrize(("purpose", "cleared"), [(ENTRY, 0), (EXIT, 0), (REHEDGE, 1), (UNWIND, 1)])
def test_half_of_the_table_is_kept_for_repairs(purpose, cleared):
    state, _ = asked(purpose)
    level_of(7).arrange(state, OVER)
    assert judge(state)["cleared"] == cleared


@pytest.mark.parametrize("purpose", [ENTRY, REHEDGE])
def test_a_full_table_denies_what_it_has_no_rows_for(purpose):
    state, _ = asked(purpose)
    state.order["order_no"] = 1
    expect_denied(judge(state), 7)


@pytest.mark.parametrize(("ahead", "entry", "repair"), [(6, 0, 0), (7, 0, 1), (54, 0, 1), (55, 1, 1)])
def test_an_order_that_lives_long_stops_openings_before_it_stops_a_repair(ahead, entry, repair):
    """Orders take their rows in turn: six for the decision, and 48 that are for repairs."""
    for purpose, cleared in ((ENTRY, entry), (EXIT, entry), (REHEDGE, repair), (UNWIND, repair)):
        state, _ = asked(purpose)
        state.order[(int(state.head["order_counter"]) + ahead) % len(state.order)]["order_no"] = 1
        assert judge(state)["cleared"] == cleared, purpose


def test_a_deal_row_that_is_still_open_is_not_overwritten():
    state, decision = asked()
    state.deal[int(decision["deal_id"])]["deal_id"] = int(decision["deal_id"]) + len(state.deal)
    expect_denied(judge(state), 7)


def test_the_first_denial_of_the_sequence_is_the_reason():
    for number, following in pairwise(SEQUENCE):
        state, _ = asked()
        level_of(following).arrange(state, OVER)
        level_of(number).arrange(state, OVER)
        assert judge(state)["reason"] == number, (number, following)


def test_the_gravest_leg_is_kept_and_named():
    state, _ = asked()
    state.instrument[GC]["max_order_lots"] = 0
    verdict = judge(state)
    assert (verdict["reason"], verdict["leg"], slot(verdict, 1)[:2]) == (1, 1, (1, 0))


def test_a_bucket_fills_with_time_up_to_its_burst():
    state, _ = asked()
    venue = state.venue[0]
    venue["tokens"], venue["tokens_per_s"] = venue["tokens_reserve"], 4_000_000
    for after_ns, left in ((0, 0), (500_000_000, 2), (750_000_000, 3), (2 * 3600 * 10**9, None)):
        most = (int(venue["tokens_max"]) - int(venue["tokens_reserve"])) // 1_000_000
        assert slot(judge(state, NOW_NS + after_ns), 6)[1] <= most
        if left is not None:
            assert (venue["tokens"] - venue["tokens_reserve"]) // 1_000_000 == left


def test_no_order_opens_without_a_clearance():
    state, decision = asked()
    assert open_orders(state.address, decision, NOW_NS) == 0
    state.instrument[AU]["max_order_lots"] = 1
    expect_denied(judge(state), 1)
    assert open_orders(state.address, decision, NOW_NS) == 0
    assert state.head["live_orders"] == state.head["order_counter"] == 0


def test_no_order_opens_with_the_clearance_of_another_decision():
    state, decision = asked()
    judge(state)
    decision["decision_id"] += 1
    before = state.snapshot()
    assert open_orders(state.address, decision, NOW_NS) == 0
    assert state.snapshot() == before


def test_a_clearance_opens_all_legs_with_theirholds():
    state, decision = asked()
    verdict = judge(state)
    assert open_orders(state.address, decision, NOW_NS) == 2
    held = int(state.account[CN]["held_micros"])
    assert held == slot(verdict, 16)[0] == 3 * int(state.scratch["hold_lot_micros"][0])
    assert state.account[US]["held_micros"] == state.scratch["hold_lot_micros"][1]
    assert (state.position[AU]["working_sell"], state.position[GC]["working_buy"]) == (3, 1)


def test_two_decisions_do_not_see_the_same_free_money():
    state, decision = asked()
    margin(state, AT)
    state.head["unbalanced_deals"] = 0
    assert judge(state)["cleared"] == 1
    open_orders(state.address, decision, NOW_NS)
    decision["decision_id"] += 1
    decision["deal_id"] += 1
    expect_denied(judge(state), 16)


def test_a_denied_decision_of_the_compiled_call_opens_no_deal_and_keeps_the_strategy_armed():
    state, _ = asked()
    state.strategy[0]["armed"] = 0
    state.head["switch"] = HALTED
    assert decide(state, MemoryJournal(1 << 16)) == []
    assert (state.head["live_deals"], state.head["denied"], state.strategy[0]["armed"][1]) == (0, 1, 1)


@pytest.mark.parametrize("purpose", [ENTRY, EXIT, REHEDGE, UNWIND])
@pytest.mark.parametrize(("side", "own"), [(-1, "own_bid_ticks"), (1, "own_ask_ticks")])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_f19_no_order_meets_our_own_not_even_a_repair(purpose, side, own, beyond):
    state, decision = asked(purpose, side=side)
    decision["executable"] = 6.0 - side
    limit = int(decision["limit_ticks"][0])
    state.position[AU][own] = limit - side * beyond
    verdict = judge(state)
    crossed = max(beyond + 1, 0)
    assert slot(verdict, 11)[:2] == (crossed, 0)
    assert (verdict["cleared"], verdict["reason"]) == ((1, 0) if beyond < 0 else (0, 11))


def test_our_own_orders_of_the_same_side_and_legs_without_lots_are_in_nobodys_way():
    state, decision = asked(REHEDGE)
    state.position[AU]["own_ask_ticks"] = 1
    state.position[GC]["own_bid_ticks"] = 10**6
    assert judge(state)["cleared"] == 1
    state.position[GC]["own_ask_ticks"] = 1
    expect_denied(judge(state), 11)
    decision["lots"][1] = 0
    assert judge(state)["cleared"] == 1


@pytest.mark.parametrize(("until_ns", "cleared"), [(NOW_NS, 1), (NOW_NS + 1, 0)])
def test_a_broken_circuit_is_a_denial_by_connection_until_its_time(until_ns, cleared):
    state, _ = asked()
    state.instrument[GC]["broken_until_ns"] = until_ns
    assert judge(state)["cleared"] == cleared
    if not cleared:
        expect_denied(judge(state), 25)


@pytest.mark.parametrize(("taken", "cleared"), [(0, 1), (27, 1), (28, 0)])
def test_f15_two_spreads_do_not_count_on_the_same_displayed_size(taken, cleared):
    state, _ = asked()
    state.book[AU]["taken_bid_lots"] = taken  # three of thirty are wanted
    assert judge(state)["cleared"] == cleared
    if not cleared:
        expect_denied(judge(state), 21)


@pytest.mark.parametrize(("purpose", "cleared"), [(ENTRY, 0), (EXIT, 0), (REHEDGE, 1), (UNWIND, 1)])
def test_a_repair_goes_in_a_one_sided_book_within_the_collar_of_the_side_that_is_there(purpose, cleared):
    state, decision = asked(purpose)
    row = state.book[AU]
    row["ask_lots"], row["ask_ticks"], row["blocked"] = 0, 0, ONE_SIDED
    verdict = judge(state)
    assert verdict["cleared"] == cleared
    if cleared:
        assert slot(verdict, 3)[0] == 2  # two of 15,463 ticks, rounded up
        decision["limit_ticks"][0] -= 1_000
        expect_denied(judge(state), 3)


@pytest.mark.parametrize("purpose", [REHEDGE, UNWIND])
def test_a_book_without_any_side_prices_no_repair(purpose):
    state, _ = asked(purpose)
    state.book[AU]["ask_lots"] = state.book[AU]["bid_lots"] = 0
    expect_denied(judge(state), 3, MISSING)


def test_an_exit_that_opens_nothing_needs_no_capital_no_rate_and_no_list():
    state, _ = asked(EXIT, side=1)
    held = state.position
    held[AU]["short_yesterday"], held[GC]["long_today"] = 3, 1
    state.account["capital_micros"], state.account["used_micros"] = 10, 10**9
    state.pool["capital_micros"], state.instrument["permitted"] = UNSET, 0
    verdict = judge(state)
    assert verdict["cleared"] == 1, int(verdict["reason"])
    held[AU]["short_yesterday"] = 2  # now a lot of it opens
    assert judge(state)["cleared"] == 0
