"""The hot half from a venue's bytes on: parse, and for every quote what `on_quote` does, in one compiled call."""

from adapters.fix44.lane import LANE, TOP, UNDERSTOOD
from adapters.fix44.quick import next_message, number_of
from desk.hot import on_quote
from engine.append import WORD
from engine.core import NO_ROOM, QUOTED
from engine.jit import njit
from engine.memory import view
from engine.ports import QUOTE_CLOSED, QUOTE_MERGED

BEHIND_BYTES = 8192  # unread in the buffer, some forty messages: from there on only the newest quotes count


@njit
def take(base, journal, lane_at, recv_ns, each):
    """Take what a lane's buffer holds, message by message, and tell the quotes. See `engine.core.Hot`.

    While more than BEHIND_BYTES wait, a symbol's quotes are merged into its newest one, flagged so.
    """
    lane = view(lane_at, 1, LANE)[0]
    tops = view(lane.tops, lane.n_tops, TOP)
    queue = view(lane.queue, lane.n_tops, WORD)
    while True:
        while lane.told < lane.waiting:
            top = tops[queue[lane.told]]
            told = top.told
            flags = (QUOTE_CLOSED if top.flags else 0) | (QUOTE_MERGED if top.merged else 0)
            waiting = on_quote(
                base, journal, top.index, top.bid_ticks, top.bid_lots, top.ask_ticks, top.ask_lots, top.venue_ns,
                recv_ns, number_of(top), flags,
            )  # fmt: skip
            if waiting < 0:
                top.told = told
                return NO_ROOM
            top.waits = top.merged = 0
            lane.told += 1
            if waiting or each:
                return waiting if waiting else QUOTED
        lane.told = lane.waiting = 0
        lane.status = next_message(lane, recv_ns)
        while lane.status == UNDERSTOOD and lane.filled - lane.at > BEHIND_BYTES:
            lane.status = next_message(lane, recv_ns)
        if lane.waiting == 0 and lane.status != UNDERSTOOD:  # a message that tells nothing is none to stop at
            return 0
