"""The gate: check and hold, all legs of a decision in one step. The only place that can make a decision Cleared."""

from engine.jit import njit
from engine.records import REHEDGE
from engine.schema import UNSET
from engine.tables import head_of, scratch_of
from riskgate import capital_controls as capital
from riskgate import exposure_controls as exposure
from riskgate import flow_controls as flow
from riskgate import market_controls as market
from riskgate import order_controls as order
from riskgate import quota_controls as quota
from riskgate import repeat_controls as repeat
from riskgate.verdict import clear_verdict

# The order of the checks, for people and tests; `_check_all` below must read the same. Its first denial is the reason.
SEQUENCE = (
    24, 26, 25, 23, 20, 5, 4, 1, 2, 3, 21, 22, 13, 14, 6, 7, 8, 9, 10, 11, 12, 19, 27, 18, 15, 16, 17, 28,
)  # fmt: skip
# Reducing risk has its own lesser set: nothing that counts messages, money or positions may refuse a repair. 7 is in it
# for the table's own room alone.
REPAIR_SEQUENCE = (23, 20, 5, 4, 3, 7, 11)


@njit
def _check_all(base, decision, verdict, now_ns):
    flow.switch(base, decision, verdict, now_ns)
    flow.permission(base, decision, verdict, now_ns)
    market.connection(base, decision, verdict, now_ns)
    market.session(base, decision, verdict, now_ns)
    market.market_data(base, decision, verdict, now_ns)
    order.validity(base, decision, verdict, now_ns)
    order.price_limits(base, decision, verdict, now_ns)
    order.order_size(base, decision, verdict, now_ns)
    order.order_value(base, decision, verdict, now_ns)
    order.price_collar(base, decision, verdict, now_ns)
    market.slippage(base, decision, verdict, now_ns)
    market.edge(base, decision, verdict, now_ns)
    repeat.duplicate(base, decision, verdict, now_ns)
    repeat.throttle(base, decision, verdict, now_ns)
    flow.message_rate(base, decision, verdict, now_ns)
    flow.working_orders(base, decision, verdict, now_ns)
    quota.day_counts(base, decision, verdict, now_ns)
    quota.frequent_cancels(base, decision, verdict, now_ns)
    quota.large_cancels(base, decision, verdict, now_ns)
    flow.self_trade(base, decision, verdict, now_ns)
    quota.opening(base, decision, verdict, now_ns)
    quota.order_to_trade(base, decision, verdict, now_ns)
    flow.unbalanced(base, decision, verdict, now_ns)
    exposure.loss(base, decision, verdict, now_ns)
    exposure.position(base, decision, verdict, now_ns)
    capital.margin(base, decision, verdict, now_ns)
    capital.capital_pool(base, decision, verdict, now_ns)
    exposure.residual(base, decision, verdict, now_ns)


@njit
def _check_repair(base, decision, verdict, now_ns):
    market.session(base, decision, verdict, now_ns)
    market.market_data(base, decision, verdict, now_ns)
    order.validity(base, decision, verdict, now_ns)
    order.price_limits(base, decision, verdict, now_ns)
    order.price_collar(base, decision, verdict, now_ns)
    flow.working_orders(base, decision, verdict, now_ns)
    flow.self_trade(base, decision, verdict, now_ns)


@njit
def check_and_hold(base, decision, now_ns):
    """Judge a decision and, where it is Cleared, say what each opened lot holds. True: Cleared.

    The verdict in the scratch row carries every control's observed value, limit and level. `engine.orders.open_orders`
    turns the clearance into holds and orders in the same compiled call, so nothing can come between.
    """
    head = head_of(base)
    scratch = scratch_of(base)
    verdict = scratch.verdict
    clear_verdict(verdict, decision)
    verdict.limits_version = head.limits_version
    quota.count_opening(base, decision)
    capital.hold_wanted(base, decision)
    if decision.purpose >= REHEDGE:
        _check_repair(base, decision, verdict, now_ns)
        # A repair that cannot be priced for margin still goes, holding nothing: being naked is worse.
        for leg in range(decision.legs):
            if scratch.hold_lot_micros[leg] == UNSET:
                scratch.hold_lot_micros[leg] = 0
    else:
        quota.add_up(base, decision)
        exposure.count_value(base, decision)
        _check_all(base, decision, verdict, now_ns)
    verdict.cleared = 1 if verdict.reason == 0 else 0
    return verdict.cleared == 1
