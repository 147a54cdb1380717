"""Ticks that cause no order, ready to be played without anything of their own: by quotes, and by bytes in a lane."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from adapters.fix44.codec import frame
from adapters.fix44.lane import Lane
from adapters.fix44.listing import Listing
from bench.rig import GC, Market, connect, feed
from engine.clock import now_ns
from engine.instruments import Instrument
from engine.loop import Loop

TICKS = 1_000
_SENDER, _TARGET = b"SIM_OTC", b"TANDEM"
_LISTED = Instrument(index=GC, id="COMEX.GCG7", venue=1, symbol="GCG7", account=1, currency="USD", tick=Fraction(1, 10))


def settled(loop: Loop) -> Market:
    """Links up, every contract quoted."""
    connect(loop)
    market = Market()
    for quote in market.opening():
        feed(loop, quote)
    return market


def quoted(loop: Loop) -> Callable[[int], None]:
    """Plays so many quotes, at most TICKS, through `Loop.on_quote`."""
    market = Market()
    quotes = [(*market.idle(), now_ns(), now_ns(), 0, 0) for _ in range(TICKS)]
    on_quote = loop.on_quote

    def tick(count: int) -> None:
        for at in range(count):
            on_quote(*quotes[at])

    return tick


def laned(loop: Loop) -> Callable[[int], None]:
    """Plays so many snapshots, at most TICKS, through `Loop.on_stream`: each read into the lane and taken from it."""
    number = np.ones(1, np.int64)
    lane = Lane(Listing([_LISTED]), number.ctypes.data, (_SENDER, _TARGET), 0.0)
    messages = [_snapshot(at) for at in range(10)]
    sizes = [len(message) for message in messages]
    room, read, on_stream, at_ns = lane.room, memoryview(number), loop.on_stream, now_ns()

    def tick(count: int) -> None:
        for at in range(count):
            size = sizes[at % 10]
            room[:size] = messages[at % 10]
            lane.reset()
            lane.add(size, at_ns)
            read[0] = 1
            on_stream(lane.address, at_ns)

    return tick


def _snapshot(at: int) -> bytes:
    """A whole 35=W, numbered 1, of a price that moves by a tick and back."""
    price = b"4100.%d" % (at & 1)
    above = b"4100.%d" % ((at & 1) + 1)
    head = b"35=W\x0149=%b\x0156=%b\x0134=1\x0152=20261118-01:05:07.123\x01" % (_SENDER, _TARGET)
    book = b"269=0\x01270=%b\x01271=50\x01269=1\x01270=%b\x01271=50\x01" % (price, above)
    return frame(head + b"262=1\x0155=GCG7\x0160=20261118-01:05:07.122\x01268=2\x01" + book)
