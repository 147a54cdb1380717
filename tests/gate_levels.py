"""How to bring each control of the gate near its level, and which number it cannot do without."""

from engine.records import (
    DENY,
    ENTRY,
    OFF,
)
from riskgate.gate import SEQUENCE
from riskgate.names import CONTROL_NAMES
from tests.gate_world import (
    AU,
    CN,
    GC,
    NOW_NS,
    US,
    decision_of,
    fresh_state,
    judge,
    slot,
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


def _self_trade(state, step):
    state.position[AU]["own_bid_ticks"] = 15_460 + step  # the decision sells at 15,461


def _working_orders(state, step):
    state.head["live_orders"] = len(state.order) // 2 - 6 + step


def _position(state, step):
    state.instrument[AU]["max_position_lots"] = 7 - step
    state.position[AU]["short_yesterday"], state.position[AU]["working_sell"] = 3, 1


def margin(state, step):
    state.account[CN]["capital_micros"] = 3 * int(holds(state)[0]) + 500 - step
    state.account[CN]["held_micros"], state.account[CN]["used_micros"] = 200, 300


def capital_pool(state, step):
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


def holds(state):
    judge(state)
    return state.scratch["hold_lot_micros"]


# number -> how to bring it near its level, and whether it denies at the level itself.
LEVELS = {
    1: (_order_size, False), 2: (_order_value, False), 3: (_price_collar, False), 5: (_validity, False),
    6: (_message_rate, False), 7: (_working_orders, False), 11: (_self_trade, False), 15: (_position, False),
    16: (margin, False), 17: (capital_pool, True), 20: (_market_data, False), 21: (_slippage, False),
    22: (_edge, False), 23: (_session, True), 24: (_switch, False), 25: (_connection, False), 27: (_unbalanced, False),
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
