"""The busy poll, compiled: hot sockets are looked at in turn; plain market data is read, parsed and priced on the spot.

It comes back to Python for a decision, for bytes that are not plain, for another socket's bytes, and when its time is
over.
"""

import numpy as np

from adapters.fix44.lane import BUFFER_BYTES, FOREIGN, LANE, ROOM_BYTES
from desk.hot_stream import take
from engine.jit import njit
from engine.memory import mono_ns, view
from engine.sockets import LOOK, NOW, WATCH, receive
from engine.tables import scratch_of

BYTE = np.dtype("u1")
_WATCH_BYTES = WATCH.itemsize
_AT_LOOK = WATCH.fields["look"][1]
NOTHING = -1


@njit
def poll(base, journal, watches_at, count, until_ns, each):
    """The number of the socket that Python must see to, NOTHING when it is until_ns."""
    watches = view(watches_at, count, WATCH)
    offset_ns = scratch_of(base).clock_offset_ns
    while True:
        for number in range(count):
            watch = watches[number]
            if watch.lane == 0:
                if receive(watch.fd, watches_at + number * _WATCH_BYTES + _AT_LOOK, 1, LOOK) >= 0:
                    return number
            else:
                lane = view(watch.lane, 1, LANE)[0]
                if watch.fd >= 0:
                    got = receive(watch.fd, lane.data + lane.filled, ROOM_BYTES, NOW)
                    if got < 0:
                        continue
                    if got == 0:
                        watch.waiting = 0
                        return number
                    lane.filled += got
                    watch.recv_ns = lane.recv_ns = mono_ns() + offset_ns
                watch.waiting = take(base, journal, watch.lane, watch.recv_ns, each)
                if watch.waiting != 0 or lane.status == FOREIGN or watch.fd < 0:
                    return number
                _keep(lane)
        if mono_ns() + offset_ns >= until_ns:
            return NOTHING


@njit
def _keep(lane):
    """What is left is the beginning of a message: to the front, so that the next read finds room behind it."""
    if lane.at == 0:
        return
    left = lane.filled - lane.at
    if left > 0:
        data = view(lane.data, BUFFER_BYTES, BYTE)
        for one in range(left):
            data[one] = data[lane.at + one]
    lane.at, lane.filled = 0, left
