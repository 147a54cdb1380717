"""Each control of the gate at, just under and just over its level, and without its input; then the gate as a whole."""

import pytest

from engine.journal import MemoryJournal
from engine.orders import open_orders
from engine.ports import CONNECTED
from engine.records import (
    CLOSED_MARKET,
    DENY,
    ENTRY,
    EXIT,
    GAP,
    MISSING,
    NO_QUOTE,
    OFF,
    ONE_SIDED,
    PASS,
    REHEDGE,
    SKEWED,
    STALE,
    UNWIND,
    WARN,
)
from engine.schema import HALTED, REDUCE_ONLY
from riskgate.gate import REPAIR_SEQUENCE, SEQUENCE
from riskgate.names import CONTROL_NAMES
from tests.gate_world import (
    AU,
    CN,
    FX,
    GC,
    HOUR_NS,
    NOW_NS,
    US,
    decide,
    decision_of,
    fresh_state,
    judge,
    quote,
    slot,
    without,
)

UNDER, AT, OVER = -1, 0, 1
BPS = 10_000


def _order_size(state, step):
    state.instrument[AU]["max_order_lots"] = 3 - step


def _order_value(state, step):
    state.instrument[AU]["max_order_micros"] = 3 * 15_461 * int(state.instrument[AU]["tick_micros"]) - step


def _price_collar(state, step):
    state.instrument[AU]["collar_bps"] = 2 - step


def _validity(state, step):
    state.instrument[AU]["lower_limit_ticks"] = 15_461 + step


def _message_rate(state, step):
    venue = state.venue[0]
    venue["tokens"] = venue["tokens_reserve"] + 3_000_000 - step


def _working_orders(state, step):
    state.head["live_orders"] = len(state.order) // 2 - 6 + step


def _position(state, step):
    state.instrument[AU]["max_position_lots"] = 7 - step
    state.position[AU]["short_yesterday"], state.position[AU]["working_sell"] = 3, 1


def _margin(state, step):
    state.account[CN]["capital_micros"] = 3 * int(_holds(state)[0]) + 500 - step
    state.account[CN]["held_micros"], state.account[CN]["used_micros"] = 200, 300


def _capital_pool(state, step):
    state.pool[0]["capital_micros"] = BPS  # a bps of it is one micro, so the observed value is the use itself
    observed, _, _ = slot(judge(state), 17)
    state.pool[0]["capital_micros"] = 10**13
    state.account[CN]["used_micros"] = (8_500 + step) * 10**9 - observed


def _market_data(state, step):
    state.book[AU]["recv_ns"] = NOW_NS - state.instrument[AU]["max_age_ns"] - step


def _slippage(state, step):
    state.spread[0]["max_slippage_bps"] = 2 - step


def _edge(state, step):
    state.scratch["decision"][0]["cost"] = 0.25
    state.strategy[0]["min_edge"] = 0.25 + step * 1e-6


def _session(state, step):
    state.instrument[AU]["close_ns"] = NOW_NS + state.instrument[AU]["close_guard_ns"] - step


def _switch(state, step):
    state.head["switch"] = max(step, 0)


def _connection(state, step):
    state.venue[1]["in_doubt"] = max(step, 0)


def _unbalanced(state, step):
    state.head["unbalanced_deals"] = max(step, 0)


def _residual(state, step):
    state.spread[0]["ledger_bound_ubase"] = 110_347_680 - step


def _holds(state):
    judge(state)
    return state.scratch["hold_lot_micros"]


# number -> how to bring it near its level, and whether it denies at the level itself.
LEVELS = {
    1: (_order_size, False), 2: (_order_value, False), 3: (_price_collar, False), 5: (_validity, False),
    6: (_message_rate, False), 7: (_working_orders, False), 15: (_position, False), 16: (_margin, False),
    17: (_capital_pool, True), 20: (_market_data, False), 21: (_slippage, False), 22: (_edge, False),
    23: (_session, True), 24: (_switch, False), 25: (_connection, False), 27: (_unbalanced, False),
    28: (_residual, False),
}  # fmt: skip

# number -> (table, row, field) whose number nobody has stated.
UNSTATED = {
    1: ("instrument", AU, "max_order_lots"), 2: ("instrument", GC, "max_order_micros"),
    3: ("instrument", AU, "collar_bps"), 15: ("instrument", GC, "max_position_lots"),
    16: ("account", US, "capital_micros"), 17: ("pool", 0, "capital_micros"), 21: ("spread", 0, "max_slippage_bps"),
    23: ("instrument", GC, "close_ns"), 28: ("spread", 0, "ledger_bound_ubase"),
}  # fmt: skip


def asked(purpose: int = ENTRY, **named):
    state = fresh_state()
    return state, decision_of(state, purpose, **named)


def expect_denied(verdict, number: int, level: int = DENY) -> None:
    assert (int(verdict["cleared"]), int(verdict["reason"])) == (0, number), CONTROL_NAMES.get(int(verdict["reason"]))
    assert slot(verdict, number)[2] == level


def expect_looks(verdict) -> None:
    """Every control of the sequence looked, and left what it saw."""
    for number in range(1, 29):
        assert (slot(verdict, number)[2] != OFF) == (number in SEQUENCE), CONTROL_NAMES[number]


def test_every_control_of_the_sequence_has_its_table_row():
    assert sorted(LEVELS) == sorted(SEQUENCE)


def test_the_plain_decision_clears():
    state, decision = asked()
    verdict = judge(state)
    assert (verdict["cleared"], verdict["reason"], verdict["leg"]) == (1, 0, -1)
    assert verdict["decision_id"] == decision["decision_id"]
    assert verdict["limits_version"] == 7
    expect_looks(verdict)


@pytest.mark.parametrize("number", SEQUENCE)
@pytest.mark.parametrize("step", (UNDER, AT, OVER))
def test_a_control_denies_beyond_its_level_and_only_there(number, step):
    state, _ = asked()
    arrange, denies_at = LEVELS[number]
    arrange(state, step)
    verdict = judge(state)
    expect_looks(verdict)
    if step == OVER or (step == AT and denies_at):
        expect_denied(verdict, number)
    else:
        assert (verdict["cleared"], slot(verdict, number)[2]) == (1, WARN if number == 17 else PASS)


@pytest.mark.parametrize("number", sorted(UNSTATED))
def test_a_number_that_nobody_stated_is_a_denial_of_its_control(number):
    state, _ = asked()
    without(state, *UNSTATED[number])
    expect_denied(judge(state), number, MISSING)


@pytest.mark.parametrize("field", ["margin_bps", "fee_micros"])
def test_a_margin_rate_or_fee_that_nobody_stated_is_a_denial_by_margin(field):
    state, _ = asked()
    without(state, "instrument", AU, field)
    expect_denied(judge(state), 16, MISSING)


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
def test_a_price_over_the_upper_limit_of_the_day_is_not_valid(above, cleared):
    state, decision = asked()
    state.instrument[GC]["upper_limit_ticks"] = decision["limit_ticks"][1] - above
    assert judge(state)["cleared"] == cleared


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


SCOPES = {
    "all": lambda state: state.head, "venue": lambda state: state.venue[1], "account": lambda state: state.account[US],
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


@pytest.mark.parametrize(("use_bps", "entry"), [(6_999, PASS), (7_000, WARN), (8_500, DENY), (9_000, DENY)])
def test_a_pool_warns_and_denies_entries_but_lets_exits_pass(use_bps, entry):
    for purpose, level in ((ENTRY, entry), (EXIT, min(entry, WARN))):
        state, _ = asked(purpose)
        _capital_pool(state, use_bps - 8_500)
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


def test_only_opening_lots_hold_margin():
    state, _ = asked()
    lot = int(_holds(state)[0])
    state.position[AU]["long_yesterday"], state.position[AU]["long_today"] = 1, 1
    assert slot(judge(state), 16)[0] == lot * 1
    state.position[AU]["closing_long_today"] = 1
    assert slot(judge(state), 16)[0] == lot * 2


def test_an_inverse_lot_holds_the_coins_of_the_lower_price():
    state, decision = asked()
    row = state.instrument[GC]
    row["kind"], row["tick_micros"], row["fee_e7"], row["fee_micros"] = 1, 100 * 10**6, 0, 0
    dear = int(_holds(state)[1])
    decision["limit_ticks"][1] += 1_000  # bought: the worst price is dearer, the touch takes more coins
    assert int(_holds(state)[1]) == dear
    decision["limit_ticks"][1] = 10_000
    assert int(_holds(state)[1]) > dear


REFUSES_NO_REPAIR = sorted(set(SEQUENCE) - set(REPAIR_SEQUENCE))


@pytest.mark.parametrize("purpose", [REHEDGE, UNWIND])
@pytest.mark.parametrize("number", REFUSES_NO_REPAIR)
def test_what_counts_messages_money_or_positions_refuses_no_repair(purpose, number):
    state, _ = asked(purpose)
    LEVELS[number][0](state, OVER)
    if number in UNSTATED and number != 23:
        without(state, *UNSTATED[number])
    verdict = judge(state)
    assert verdict["cleared"] == 1
    assert slot(verdict, number) == (0, 0, OFF)


def test_a_repair_without_a_margin_rate_goes_and_holds_nothing():
    state, _ = asked(REHEDGE)
    without(state, "instrument", AU, "margin_bps")
    assert judge(state)["cleared"] == 1
    assert list(state.scratch["hold_lot_micros"][:1]) == [0]


@pytest.mark.parametrize("number", [3, 5, 20])
def test_a_repair_is_still_bound_to_the_collar_validity_and_data(number):
    state, _ = asked(REHEDGE)
    LEVELS[number][0](state, OVER)
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


@pytest.mark.parametrize("purpose", [ENTRY, REHEDGE])
def test_a_full_table_denies_what_it_has_no_rows_for(purpose):
    state, _ = asked(purpose)
    state.order["order_no"] = 1
    expect_denied(judge(state), 7)


def test_a_deal_row_that_is_still_open_is_not_overwritten():
    state, decision = asked()
    state.deal[int(decision["deal_id"])]["deal_id"] = int(decision["deal_id"]) + len(state.deal)
    expect_denied(judge(state), 7)


def test_the_first_denial_of_the_sequence_is_the_reason():
    for number, following in zip(SEQUENCE, SEQUENCE[1:], strict=False):
        state, _ = asked()
        LEVELS[following][0](state, OVER)
        LEVELS[number][0](state, OVER)
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


def test_a_clearance_opens_all_legs_with_their_holds():
    state, decision = asked()
    verdict = judge(state)
    assert open_orders(state.address, decision, NOW_NS) == 2
    held = int(state.account[CN]["held_micros"])
    assert held == slot(verdict, 16)[0] == 3 * int(state.scratch["hold_lot_micros"][0])
    assert state.account[US]["held_micros"] == state.scratch["hold_lot_micros"][1]
    assert (state.position[AU]["working_sell"], state.position[GC]["working_buy"]) == (3, 1)


def test_two_decisions_do_not_see_the_same_free_money():
    state, decision = asked()
    _margin(state, AT)
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
