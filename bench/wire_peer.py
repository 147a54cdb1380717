"""The other end of the wire: one process that owns the feed and both order sockets, and spins on them.

It prints its ports as a JSON line, then answers each block that it is asked for with what it found; when its input
ends, it prints the orders that it has read. `bench/wire_setup.py` has the messages.
"""

import gc
import select
import sys
from time import monotonic_ns
from typing import Protocol

import msgspec

from bench.far_end import Ledger
from bench.figures import demand
from bench.rig import AU, GC, IDLE_QUOTES, LEGS, Market
from bench.sent import Sent
from bench.wire_setup import DIFF, DIFF_FEED, FIX, GAP_NS, REST_NS, Ask, Block, Ports, Told, config_for
from bench.wire_sockets import Exchange, Wire
from bench.wire_venues import CHANNELS, DiffVenue, Venue, listening
from desk.build import Names, instruments_of
from engine.ports import MARKET_DATA, TRADING

TICK, IDLE, REPORT = b"T", b"I", b"R"  # what the floor's messages consist of
FLOOR_SOCKETS = 4  # two feeds, then one for each order
_REPORT_BYTES = 240
_LOOK_S = 0.005
PATIENCE_NS, _NUDGES = 20_000_000, 100
_LEAD_NS = 2_000_000  # before the first planned quote
_LEAST_REST_NS = 2_000_000  # behind the reports, however late it is: a tick within an open deal causes nothing


class Kind(Protocol):
    """What a block consists of: the engine's deals, or the floor's bare sends."""

    exchange: Exchange

    def pump(self) -> None:
        """Read what has come, and act on it."""

    def settled(self) -> bool:
        """Whether nothing is known that the engine has not worked off."""

    def idle(self) -> None:
        """Send a quote that causes nothing."""

    def tick(self) -> bytes:
        """The message that causes two orders."""

    def take(self, one: int, data: bytes) -> bool:
        """What has come on a socket: whether it is what was waited for."""

    def report(self) -> None:
        """Tell both orders' fate."""


class Deals:
    """The engine's: quotes of the rig's market, orders read by the real sessions, accepted and filled."""

    def __init__(self, leg: str):
        self._ledger, self._filled = Ledger(), 0
        self._market = Market(GC if leg == DIFF else AU)
        # The ports are not known yet, and no part of what is needed here.
        config = config_for(Ports([1, 1], [1, 1], 1), leg)[0]
        contracts = instruments_of(Names(config))
        kinds = (Venue if leg == FIX else DiffVenue, Venue)
        self.venues = [
            kind(spec.id, [one for one in contracts if one.venue == index], self._ledger)
            for index, (kind, spec) in enumerate(zip(kinds, config.venues, strict=True))
        ]
        self._feed = self.venues[leg == DIFF]
        self._asks = leg == DIFF_FEED  # the feed's client asks for each update
        for quote in self._market.opening():
            self._publish(quote)

    def connect(self) -> None:
        """Both sides are logged on."""
        feed, orders = self._feed.wires[MARKET_DATA], [venue.wires[TRADING] for venue in self.venues]
        self.exchange = Exchange(feed.sock, [wire.sock for wire in [*orders, *[feed] * self._asks]])

    def pump(self) -> None:
        for venue in self.venues:
            for channel in CHANNELS:
                venue.pump(channel)

    def settled(self) -> bool:
        return all(venue.settled() for venue in self.venues)

    def idle(self) -> None:
        self._publish(self._market.idle())

    def tick(self) -> bytes:
        wire = self._feed.wires[MARKET_DATA]
        wire.holds = True
        self._publish(self._market.move())
        return wire.take_held()

    def take(self, one: int, data: bytes) -> bool:
        known = len(self._ledger.taken)
        if one == len(LEGS):
            asked = self._feed.peeks
            self._feed.take(MARKET_DATA, data)
            return self._feed.peeks > asked
        self.venues[one].take(TRADING, data)
        return len(self._ledger.taken) > known

    def report(self) -> None:
        taken = self._ledger.taken
        demand(len(taken) == self._filled + len(LEGS), f"{len(LEGS)} orders for a tick, found {len(taken)}")
        for number in range(self._filled, len(taken)):
            order = taken[number]
            next(venue for venue in self.venues if venue.lists(order.symbol)).fill(order, number)
        self._filled = len(taken)

    def told(self) -> Told:
        orders = [Sent(one.symbol.rpartition(".")[2], one.side, one.offset, one.lots, one.limit_ticks, one.tif)
                  for one in self._ledger.taken]  # fmt: skip
        return Told(orders, sum(venue.peeks for venue in self.venues))

    def _publish(self, quote: tuple[int, int, int, int, int]) -> None:
        next(venue for venue in self.venues if venue.has(quote[0])).publish(quote)


class Sends:
    """The floor's: as many messages of as many bytes on as many sockets, with nothing in them."""

    def __init__(self) -> None:
        self.door = listening()
        self.wires: list[Wire] = []
        self.sizes: list[int] = []
        self._beat = 0

    def connect(self) -> None:
        feed, _, *orders = self.wires
        self.exchange = Exchange(feed.sock, [wire.sock for wire in orders])

    def pump(self) -> None:
        for wire in self.wires:
            demand(not wire.read(), "nothing of the floor but what a tick causes")

    def settled(self) -> bool:
        return True

    def idle(self) -> None:
        self._beat ^= 1
        self.wires[self._beat].write(IDLE * self.sizes[0])

    def tick(self) -> bytes:
        return TICK * self.sizes[0]

    def take(self, one: int, data: bytes) -> bool:
        demand(len(data) == self.sizes[1 + one], f"a frame of {self.sizes[1 + one]} bytes, found {len(data)}")
        return True

    def report(self) -> None:
        for wire in self.wires[2:]:
            for _ in range(2):
                wire.write(REPORT * _REPORT_BYTES)


def block(kind: Kind, decisions: int) -> Block:
    """So many decisions at their planned times, one after the other, whatever has become late."""
    found = Block()
    start_ns = monotonic_ns() + _LEAD_NS
    free_ns = 0  # when the engine can have worked off the decision before
    for _ in range(decisions):
        due_ns = start_ns + IDLE_QUOTES * GAP_NS
        _until(kind, free_ns)
        # The engine's last decision has reached into the time of this one, or its question for an update is overdue.
        stalled = max(free_ns, _settle(kind)) > start_ns
        nudges, held = _decision(kind, start_ns, due_ns)
        stalled |= held
        found.nudged, found.stalled = found.nudged + nudges, found.stalled + stalled
        sent_ns, arrived = kind.exchange.moments()
        found.from_ns.append(due_ns if stalled else sent_ns)
        found.late_ns.append(0 if stalled else sent_ns - due_ns)
        found.sent_ns.append(sent_ns)
        found.arrived_ns.append(arrived)
        found.sizes = [kind.exchange.told_bytes, *(len(kind.exchange.answer(one)) for one in range(len(LEGS)))]
        kind.report()
        free_ns = monotonic_ns() + _LEAST_REST_NS
        # What only the peer was late by moves the plan; a stall of the engine does not.
        start_ns = (due_ns if stalled else sent_ns) + REST_NS
    return found


def _decision(kind: Kind, start_ns: int, due_ns: int) -> tuple[int, bool]:
    """Idle quotes from `start_ns` on, then the tick; until both orders have come. (how often it had to be nudged,
    whether the tick could not be sent in time, since its update was not asked for yet)."""
    for at in range(IDLE_QUOTES):
        _until(kind, start_ns + at * GAP_NS)
        kind.idle()
    held = _settle(kind) > due_ns
    tick = kind.tick()
    _until(kind, due_ns - GAP_NS // 4)
    kind.exchange.fire(tick, due_ns)
    nudges, waiting = 0, set(range(kind.exchange.count))
    while waiting:
        if not kind.exchange.wait(PATIENCE_NS):
            nudges += 1
            demand(nudges < _NUDGES, "both orders for a tick")
            kind.idle()
        spoken = waiting & kind.exchange.spoken()
        ordered = {one for one in spoken if kind.take(one, kind.exchange.answer(one))}
        kind.exchange.again(spoken - ordered)  # DIFF's question for the next update has come first
        waiting -= ordered
    return nudges, held


def _settle(kind: Kind) -> int:
    """Read and act until all is settled: when that was, 0 where it was so at once."""
    if kind.settled():
        return 0
    while not kind.settled():
        kind.pump()
    return monotonic_ns()


def _until(kind: Kind, at_ns: int) -> None:
    """Read and act until a planned time, once at least."""
    kind.pump()
    while monotonic_ns() < at_ns:
        kind.pump()


class Peer:
    """The process: who knocks is let in, who speaks is answered, and what is asked is done, until the input ends."""

    def __init__(self, leg: str):
        self._deals, self._sends = Deals(leg), Sends()
        self._ready = False

    def serve(self) -> None:
        venues = self._deals.venues
        doors = {door: (venue, at) for venue in venues for at, door in enumerate(venue.doors)}
        ports = [[venue.doors[channel].getsockname()[1] for venue in venues] for channel in CHANNELS]
        _say(Ports(*ports, self._sends.door.getsockname()[1]))
        line = ""
        while not line or self._answered(line):
            ready, _, _ = select.select([sys.stdin, self._sends.door, *doors], [], [], _LOOK_S)
            for door in ready:
                if door in doors:
                    venue, channel = doors[door]
                    venue.let_in(channel)
                elif door is self._sends.door:
                    self._sends.wires.append(Wire(door.accept()[0]))
            self._deals.pump()
            line = sys.stdin.readline() or "end" if sys.stdin in ready else ""

    def _answered(self, line: str) -> bool:
        """One line of the input; False for its end."""
        if line == "end":
            _say(self._deals.told())
            return False
        ask = msgspec.json.decode(line, type=Ask)
        kind = self._sends if ask.floor else self._deals
        if not self._ready:
            demand(len(self._sends.wires) == FLOOR_SOCKETS, f"{FLOOR_SOCKETS} sockets of the floor")
            self._deals.connect()
            self._sends.connect()
            self._ready = True
        found = block(kind, ask.decisions)
        if not ask.floor:
            self._sends.sizes = found.sizes
        _say(found)
        return True


def _say(what: msgspec.Struct) -> None:
    print(msgspec.json.encode(what).decode(), flush=True)


if __name__ == "__main__":
    gc.disable()
    Peer(sys.argv[1]).serve()
