"""The gate: check and hold, all legs of a decision in one step. The only place that can make a decision Cleared."""

from engine.jit import njit
from engine.records import REHEDGE
from engine.schema import UNSET
from engine.tables import head_of, scratch_of
from riskgate import capital_controls as capital
from riskgate import flow_controls as flow
from riskgate import market_controls as market
from riskgate import order_controls as order
from riskgate.verdict import clear_verdict

# The order of the checks, for people and tests; `_check_all` below must read the same. Its first denial is the reason.
SEQUENCE = (24, 25, 23, 20, 5, 1, 2, 3, 21, 22, 6, 7, 11, 27, 15, 16, 17, 28)
# Reducing risk has its own lesser set: nothing that counts messages, money or positions may refuse a repair. 7 is in it
# for the table's own room alone.
REPAIR_SEQUENCE = (23, 20, 5, 3, 7, 11)


@njit
def _check_all(base, decision, verdict, now_ns):
    flow.switch(base, decision, verdict, now_ns)
    market.connection(base, decision, verdict, now_ns)
    market.session(base, decision, verdict, now_ns)
    market.market_data(base, decision, verdict, now_ns)
    order.validity(base, decision, verdict, now_ns)
    order.order_size(base, decision, verdict, now_ns)
    order.order_value(base, decision, verdict, now_ns)
    order.price_collar(base, decision, verdict, now_ns)
    market.slippage(base, decision, verdict, now_ns)
    market.edge(base, decision, verdict, now_ns)
    flow.message_rate(base, decision, verdict, now_ns)
    flow.working_orders(base, decision, verdict, now_ns)
    flow.self_trade(base, decision, verdict, now_ns)
    flow.unbalanced(base, decision, verdict, now_ns)
    capital.position(base, decision, verdict, now_ns)
    capital.margin(base, decision, verdict, now_ns)
    capital.capital_pool(base, decision, verdict, now_ns)
    capital.residual(base, decision, verdict, now_ns)


@njit
def _check_repair(base, decision, verdict, now_ns):
    market.session(base, decision, verdict, now_ns)
    market.market_data(base, decision, verdict, now_ns)
    order.validity(base, decision, verdict, now_ns)
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
    capital.hold_wanted(base, decision)
    if decision.purpose >= REHEDGE:
        _check_repair(base, decision, verdict, now_ns)
        # A repair that cannot be priced for margin still goes, holding nothing: being naked is worse.
        for leg in range(decision.legs):
            if scratch.hold_lot_micros[leg] == UNSET:
                scratch.hold_lot_micros[leg] = 0
    else:
        _check_all(base, decision, verdict, now_ns)
    verdict.cleared = 1 if verdict.reason == 0 else 0
    return verdict.cleared == 1
