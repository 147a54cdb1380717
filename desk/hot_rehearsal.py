"""The stage of a rehearsal, compiled: the state as it is now, and a strategy for which any price is worth a trade."""

from engine.append import WRITER
from engine.jit import njit
from engine.memory import copy, view
from engine.schema import ACTIVE, MAX_ORDERS
from engine.tables import deals_of, head_of, orders_of, spreads_of, strategies_of

_FAR = 1e12  # where no price ever is


@njit
def set_stage(stage, live, size, layout, layout_size, strategy, journal):
    """Copy `size` bytes of the live state, all before its orders, and keep the stage's layout; empty its journal."""
    copy(stage, live, size)
    copy(stage, layout, layout_size)
    head = head_of(stage)
    head.shadow = head.live_deals = 0
    orders = orders_of(stage)
    for at in range(1, MAX_ORDERS + 1):  # what the last rehearsal has left there
        orders[(head.order_counter + at) & (head.n_order - 1)].order_no = 0
    deals_of(stage)[(head.decision_counter + 1) & (head.n_deal - 1)].deal_id = 0
    row = strategies_of(stage)[strategy]
    row.entry = row.center = row.min_edge = -_FAR
    row.exit = 0.0
    row.fixed_center, row.band, row.min_samples, row.cooldown_ns = 1, 0, 0, 0
    row.armed[0] = row.armed[1] = 1
    row.open_deals = row.position_units = row.last_decision_ns = row.shadow = 0
    row.switch = ACTIVE
    row.clip_units, row.max_units = 1, 1
    spreads_of(stage)[row.spread].open_deals = 0
    writer = view(journal, 1, WRITER)[0]
    writer["offset"], writer["next_seq"], writer["cause_seq"] = 0, 1, 0
