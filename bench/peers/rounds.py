"""Our end of the protocol of `inside.py`: another engine, asked for rounds of the same quotes."""

import msgspec

from bench.figures import Samples, demand
from bench.peers.process import Process
from bench.rig import AU, GC
from bench.sent import Sent

Quote = tuple[int, int, int, int, int]
_INSTRUMENTS = {"au2702": AU, "GCG7": GC}
Order = tuple[int, int, int, int]  # instrument, side, limit_ticks, lots


class Hello(msgspec.Struct, forbid_unknown_fields=True):
    """What a peer says first: versions of its packages, and how it was set up."""

    versions: dict[str, str]
    set_up: dict[str, str]


class Round(msgspec.Struct, forbid_unknown_fields=True):
    """ns of each quote that moves until its second order is at the gateway, and of each other quote; all orders."""

    both_ns: list[int]
    idle_ns: list[int]
    orders: list[Order]


class Batch(msgspec.Struct):
    """A round's quotes and what must come of them. moves: of each quote, whether it must cause both orders."""

    quotes: list[Quote]
    moves: list[bool]
    orders: list[Order] = []

    @property
    def decisions(self) -> int:
        return sum(self.moves)

    def asked(self, collect: bool) -> str:
        rows = [[*quote, int(moves)] for quote, moves in zip(self.quotes, self.moves, strict=True)]
        return msgspec.json.encode({"quotes": rows, "collect": collect}).decode()


class Times:
    """Samples of one engine under one policy for garbage."""

    def __init__(self) -> None:
        self.both, self.idle = Samples(), Samples()


class Engine(Process):
    """A peer. own: times where garbage is collected as it does by itself; held: where none is in the rounds."""

    def __init__(self, name: str, command: list[str]) -> None:
        super().__init__(command)
        self.name = name
        self.own, self.held = Times(), Times()

    def greeted(self) -> None:
        self.hello = self.read(Hello)
        demand(bool(self.hello.versions), "a peer's versions")

    def play(self, batch: Batch, collect: bool) -> Round:
        """Refused where it did not do the work: every decision, and every order as ours was."""
        self.ask(batch.asked(collect))
        found = self.read(Round)
        wanted = (batch.decisions, len(batch.quotes) - batch.decisions)
        counts = (len(found.both_ns), len(found.idle_ns))
        demand(counts == wanted, f"{wanted} times of {self.name}, found {counts}")
        demand(min([*found.both_ns, *found.idle_ns]) > 0, f"times of {self.name} above 0")
        demand(found.orders == batch.orders, _differ(batch.orders, found.orders, self.name))
        return found

    def times(self, collect: bool) -> Times:
        return self.own if collect else self.held


def sent_as(orders: list[Sent]) -> list[Order]:
    """Our orders as a peer's are told."""
    return [(_INSTRUMENTS[order.symbol], order.side, order.limit_ticks, order.lots) for order in orders]


def _differ(wanted: list[Order], found: list[Order], whose: str) -> str:
    """The first difference in words."""
    for at, (ours, theirs) in enumerate(zip(wanted, found, strict=False)):
        if ours != theirs:
            return f"order {at} of {whose} to be {ours} as ours, found {theirs}"
    return f"{len(wanted)} orders of {whose} as ours, found {len(found)}"
