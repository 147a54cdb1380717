"""The frames of a decision's orders, in the order in which they are fired, by each venue's own protocol."""

from adapters.diff.order_frame import insert_order
from adapters.fix44.order_frame import new_order
from engine.append import WORD
from engine.core import Core
from engine.frames import BOARD, CLOSED, DROP, ENCODER, FRAME, NO_PROTOCOL, NOT_TRIED, TERMS, Board
from engine.jit import njit
from engine.memory import mono_ns, view
from engine.schema import CREATED, MAX_ORDERS
from engine.sockets import send
from engine.tables import head_of, instruments_of, orders_of, scratch_of

FIX44, DIFF = 1, 2
_FRAME, _BYTES = FRAME.itemsize, FRAME.fields["bytes"][1]
PROTOCOLS = {"fix44": FIX44, "diff": DIFF}


def furnished(core: Core, protocols: list[str]) -> Board:
    """A board for a core's venues, in use from here on: every gateway with an encoder has filled its rows."""
    board = Board(len(core.state.venue), len(core.state.instrument))
    for gateway, protocol in zip(core.gateways, protocols, strict=True):
        gateway.furnish(board, PROTOCOLS[protocol])
    core.board = board
    core.state.scratch["board"] = board.address
    return board


@njit
def make_frames(base, board_at, count, now_ns):
    """A frame each for the orders in the scratch row, but those that wait and those whose venue has no encoder.

    Fired are the first orders of all venues, then their second ones: no leg waits behind another leg's slices.
    """
    board = view(board_at, 1, BOARD)[0]
    head = head_of(base)
    scratch = scratch_of(base)
    orders = orders_of(base)
    instruments = instruments_of(base)
    terms = view(board.terms, head.n_instrument, TERMS)
    encoders = view(board.encoders, head.n_venue, ENCODER)
    frames = view(board.frames, MAX_ORDERS, FRAME)
    board.count = 0
    for venue in range(head.n_venue):
        encoders[venue].made = 0
    left = count
    turn = 0
    while left > 0:
        for number in range(count):
            row = orders[scratch.order_slot[number]]
            encoder = encoders[instruments[row.instrument].venue]
            if _turn_of(base, number) != turn:
                continue
            left -= 1
            if row.state == CREATED or encoder.protocol == NO_PROTOCOL or terms[row.instrument].contract_n == 0:
                continue
            frame = frames[board.count]
            frame.slot, frame.order_no = scratch.order_slot[number], row.order_no
            frame.venue = instruments[row.instrument].venue
            if encoder.protocol == FIX44:
                new_order(encoder, terms[row.instrument], row, frame, now_ns)
            else:
                insert_order(terms[row.instrument], row, frame)
            encoder.made += 1
            board.count += 1
        turn += 1


@njit
def fire(base, board_at):
    """Send the frames whose venue has a socket that takes them, one right after the other; Python sees to the rest.

    A session's number is spent before the first byte leaves, so that it is never used twice.
    """
    board = view(board_at, 1, BOARD)[0]
    encoders = view(board.encoders, head_of(base).n_venue, ENCODER)
    frames = view(board.frames, MAX_ORDERS, FRAME)
    offset_ns = scratch_of(base).clock_offset_ns
    for number in range(board.count):
        frame = frames[number]
        encoder = encoders[frame.venue]
        frame.sent = NOT_TRIED
        if encoder.fd == CLOSED:
            continue
        if encoder.number_at != 0:
            view(encoder.number_at, 1, WORD)[0] = frame.number + 1
        frame.sent = frame.size
        if encoder.fd != DROP:
            at = board.frames + number * _FRAME + _BYTES + frame.start
            frame.sent = send(encoder.fd, at, frame.size)
            if frame.sent != frame.size:
                encoder.fd = CLOSED  # what is left goes first: Python's now
        frame.sent_ns = mono_ns() + offset_ns


@njit
def _turn_of(base, number):
    """How many orders before this one go to the same venue."""
    scratch = scratch_of(base)
    orders = orders_of(base)
    instruments = instruments_of(base)
    venue = instruments[orders[scratch.order_slot[number]].instrument].venue
    before = 0
    for other in range(number):
        before += instruments[orders[scratch.order_slot[other]].instrument].venue == venue
    return before
