"""The stage of a rehearsal, compiled: the state as it is now, and a strategy for which any price is worth a trade."""

from engine.append import WORD, WRITER
from engine.frames import BOARD, ENCODER, FRAME, TERMS
from engine.jit import njit
from engine.memory import copy, mono_ns, view
from engine.schema import ACTIVE, DEAL, MAX_ORDERS, ORDER
from engine.sockets import WATCH
from engine.tables import deals_of, head_of, orders_of, scratch_of, spreads_of, strategies_of
from riskgate.flow_controls import KEPT_ROWS

_FAR = 1e12  # where no price ever is
_AHEAD_BYTES = 4096
_ORDERS = 4  # of two legs, one of them in slices
_TERMS = 64  # instruments whose terms are read: a few lines each
_ORDER_BYTES, _DEAL_BYTES = ORDER.itemsize, DEAL.itemsize
_ENCODER_BYTES, _TERMS_BYTES, _FRAME_BYTES = ENCODER.itemsize, TERMS.itemsize, FRAME.itemsize


@njit
def _look_at(address, size):
    """Read a word of every cache line, so that the next to write there does not wait for it."""
    words = view(address, size // 8, WORD)
    seen = 0
    for line in range(0, size // 8, 8):
        seen ^= words[line]
    return seen


@njit
def warm_rows(live, journal):
    """Read what the next decision will touch in the live engine beyond the tables: orders, deal, frames, journal."""
    head = head_of(live)
    rows = orders_of(live)
    seen = 0
    for at in range(1, MAX_ORDERS + KEPT_ROWS + 1):  # as control 7 looks at them
        row = rows[(head.order_counter + at) & (head.n_order - 1)]
        seen ^= row.order_no ^ row.settled
    for at in range(1, _ORDERS + 1):
        slot = (head.order_counter + at) & (head.n_order - 1)
        seen ^= _look_at(live + head.at_order + slot * _ORDER_BYTES, _ORDER_BYTES)
    slot = (head.decision_counter + 1) & (head.n_deal - 1)
    seen ^= _look_at(live + head.at_deal + slot * _DEAL_BYTES, _DEAL_BYTES)
    board_at = scratch_of(live).board
    if board_at != 0:
        board = view(board_at, 1, BOARD)[0]
        seen ^= _look_at(board.encoders, head.n_venue * _ENCODER_BYTES)
        seen ^= _look_at(board.terms, min(head.n_instrument, _TERMS) * _TERMS_BYTES)
        seen ^= _look_at(board.frames, _ORDERS * _FRAME_BYTES)
    writer = view(journal, 1, WRITER)[0]
    ahead = min(_AHEAD_BYTES, writer["capacity"] - writer["offset"])
    return seen ^ _look_at(writer["address"] + writer["offset"], ahead)


@njit
def set_stage(stage, live, size, layout, layout_size, strategy, journal, watch):
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
    view(watch, 1, WATCH)[0].recv_ns = mono_ns() + scratch_of(stage).clock_offset_ns
    writer = view(journal, 1, WRITER)[0]
    writer["offset"], writer["next_seq"], writer["cause_seq"] = 0, 1, 0
