"""The moves of a small world: which are enabled, what each does, and what it is called in words.

A move is a tuple: its name and its numbers. Rare ones are rationed: `RATIONS` of a kind, `rare` of all kinds a path.
"""

from bench.smallworld.venues import ALIVE, FLYING, OVER, Order, Venues
from bench.smallworld.world import AU, BEAT_NS, BOOKS, GC, LOCKED, NORMAL, ONE_SIDED, SILENT, World
from engine.orders import TERMINAL
from engine.ports import DOWN, READY, TRADING, Event
from engine.records import CLOSED, COMMAND_STOP, REPAIRING
from engine.schema import CANCEL_SENT, CREATED, SENT_STATE, WORKING

_KINDS = ("unseen", "lose", "late", "bust", "again", "refuse", "down", "book", "stop", "restart")
RATIONS = dict(zip(_KINDS, (2, 1, 1, 1, 1, 1, 2, 2, 1, 1), strict=True))
_MOST_HELD = 3
_LEGS = ("au", "gc")


class Game:
    """A world, its venues and the rations; what is walked. slow: beats that may pass while a venue owes something, -1:
    any number."""

    def __init__(self, world: World, rare: int, slow: int = -1):
        self.world, self.rare, self.slow = world, rare, slow
        self.venues = Venues(len(_KINDS) + 1)
        self.venues.take(world.entered)

    def keep(self) -> tuple:
        return self.world.keep(), self.venues.keep()

    def restore(self, kept: tuple) -> None:
        self.world.restore(kept[0])
        self.venues.restore(kept[1])

    def key(self) -> bytes:
        return self.world.key(self.venues.key())

    def may(self, kind: str) -> bool:
        spent = self.venues.spent
        return sum(spent[:-1]) < self.rare and spent[_KINDS.index(kind)] < RATIONS[kind]

    def enabled(self) -> list[tuple]:
        """Every move that can be made now."""
        found = []
        for at, order in enumerate(self.venues.orders):
            if self.world.links[order.leg]:
                found += self._told(at, order)
            found += self._unseen(at, order)
        found += self._surroundings()
        if self.due_ns() and (self.slow < 0 or not self._is_owed() or self.venues.spent[-1] < self.slow):
            found.append(("time",))
        return found

    def _is_owed(self) -> bool:
        """A venue has an order to end, a question to answer or a report to bring."""
        return any(one.life != OVER or one.asked or one.cancelling or one.held for one in self.venues.orders)

    def _told(self, at: int, order: Order) -> list[tuple]:
        found = []
        if order.life != OVER:
            if order.life == FLYING:
                found += [("ack", at), ("reject", at)]
            found += [("fill", at, lots) for lots in range(1, order.left + 1)]
            found.append(("end", at))
        if order.asked:
            found.append(("answer", at))
            if order.life == FLYING:
                found.append(("unknown", at))
        if order.cancelling:
            if order.life == OVER:
                found.append(("cancel too late", at))
            else:
                found.append(("cancelled", at))
                if self.may("refuse"):
                    found.append(("refuse", at))
        found += [("deliver", at, number) for number in range(len(order.held))]
        if order.held and self.may("lose"):
            found += [("lose", at, number) for number in range(len(order.held))]
        if order.last and self.may("again"):
            found.append(("again", at))
        over = order.life == OVER and order.arrived and order.gross < order.lots and not order.held
        # A venue that reports an end and then one more trade.
        if over and order.last and order.last[0] in (Event.CANCELLED, Event.DONE) and self.may("late"):
            found.append(("late", at))
        if order.booked and not order.held and self.may("bust"):
            found.append(("bust", at))
        return found

    def _unseen(self, at: int, order: Order) -> list[tuple]:
        up = self.world.links[order.leg]
        if order.life == OVER or len(order.held) >= _MOST_HELD or (up and not self.may("unseen")):
            return []
        found = [("unseen fill", at, lots) for lots in range(1, order.left + 1)]
        found.append(("unseen end", at))
        if order.life == FLYING:
            found.append(("unseen reject", at))
        return found

    def _surroundings(self) -> list[tuple]:
        found, world = [], self.world
        for venue in range(2):
            if not world.links[venue]:
                found.append(("up", venue))
            elif self.may("down"):
                found.append(("down", venue))
        for leg in (AU, GC):
            if world.books[leg] != NORMAL:
                found.append(("book", leg, NORMAL))
            elif self.may("book"):
                found += [("book", leg, kind) for kind in (ONE_SIDED, LOCKED, SILENT)]
        if not world.loop.stopping and self.may("stop"):
            found.append(("stop",))
        if self.may("restart"):
            found.append(("restart",))
        return found

    def due_ns(self) -> int:
        """The next beat at which the engine's timer has something to do; 0: never, unless something else happens."""
        world, core, found = self.world, self.world.core, []
        timing = core.timing
        look = world.look()
        for row in look.rows.values():
            if row["settled"]:
                continue
            if row["in_doubt"] or row["state"] in TERMINAL:
                pause = timing.query_every_ns << min(row["asked"], 4)
                can = world.links[row["instrument"]]
                if can:
                    first = row["in_doubt"] and not row["asked"]
                    found.append(world.now_ns if first else (row["asked_ns"] or row["sent_ns"]) + pause)
            elif row["state"] == SENT_STATE:
                found.append(row["sent_ns"] + timing.ack_timeout_ns + 1)
            elif row["state"] == CANCEL_SENT:
                found.append(row["cancel_ns"] + timing.ack_timeout_ns + 1)
            elif row["state"] == CREATED and row["release_ns"]:
                found.append(row["release_ns"])
            elif row["state"] == WORKING and not row["cancel_ns"]:
                found.append(row["deadline_ns"] + 1)
            elif row["state"] == WORKING:
                pause = timing.query_every_ns << min(row["asked"], 4)
                found.append(max(row["asked_ns"], row["cancel_ns"]) + pause)
        deal = look.deal
        if deal["state"] != CLOSED:
            if deal["naked_since_ns"]:
                limit = core.policies[0].naked_limit_ns + deal["granted_ns"] - deal["naked_ns"]
                found.append(deal["naked_since_ns"] + limit + 1)
            if deal["state"] == REPAIRING and not deal["orders"]:
                found.append(deal["next_repair_ns"])
        if not found:
            return 0
        beats = -(-(min(found) - world.now_ns) // BEAT_NS)
        return world.now_ns + max(beats, 1) * BEAT_NS

    def play(self, move: tuple) -> None:
        """Make a move; afterwards the venues have what the engine wrote."""
        name, world, venues = move[0], self.world, self.venues
        kind = name.split()[0]
        rationed = kind in RATIONS and not (kind == "book" and move[2] == NORMAL)
        if rationed and not (kind == "unseen" and not world.links[venues.orders[move[1]].leg]):
            venues.spent[_KINDS.index(kind)] += 1
        if name in _OF_ORDERS:
            order = venues.orders[move[1]]
            report = _OF_ORDERS[name](venues, order, *move[2:])
            if report:
                venues.tell(world.loop, order, report, world.now_ns)
        else:
            getattr(self, f"_{name}")(*move[1:])
        venues.take(world.sent)
        world.moved()

    def _time(self) -> None:
        world = self.world
        if self.slow >= 0 and self._is_owed():
            self.venues.spent[-1] += 1
        world.now_ns = self.due_ns()
        for instrument in (2, GC, AU):
            world.quote(instrument)
        world.loop.on_timer(world.now_ns)

    def _up(self, venue: int) -> None:
        self.world.links[venue] = True
        for order in self.venues.orders:
            if order.leg == venue and order.life == FLYING:
                order.life, order.arrived = OVER, False
        self.world.loop.on_link(venue, TRADING, READY, self.world.now_ns, "")

    def _down(self, venue: int) -> None:
        self._cut(venue)
        self.world.loop.on_link(venue, TRADING, DOWN, self.world.now_ns, "")

    def _cut(self, venue: int) -> None:
        self.world.links[venue] = False
        for order in self.venues.orders:
            if order.leg == venue:
                order.asked = order.cancelling = False

    def _book(self, leg: int, kind: int) -> None:
        self.world.books[leg] = kind
        self.world.quote(leg)

    def _stop(self) -> None:
        self.world.loop.on_command(COMMAND_STOP, 0, -1, "walk", "", self.world.now_ns)

    def _restart(self) -> None:
        world = self.world
        for venue in range(2):
            self._cut(venue)
        world.restart(int(world.state.head["epoch"]) + 1)
        for instrument in (2, GC, AU):
            world.quote(instrument)


def _hold(venues: Venues, order: Order, report: tuple) -> None:
    order.held += (report,)


def _release(order: Order, number: int) -> tuple:
    report = order.held[number]
    order.held = order.held[:number] + order.held[number + 1 :]
    return report


def _acknowledge(order: Order) -> tuple:
    order.life = ALIVE
    return (Event.ACK, 0, order.lots, -1)


def _cancel(venues: Venues, order: Order, done: bool) -> tuple:
    order.cancelling = False
    return venues.end(order, Event.CANCELLED) if done else (Event.CANCEL_REJECTED, -1, -1, -1)


def _bust(order: Order) -> tuple:
    trade = next(one for one in order.told if one not in order.busted)
    order.busted += (trade,)
    order.filled -= order.trades[trade]
    return (Event.BUST, order.filled, order.left, trade)


_OF_ORDERS = {
    "ack": lambda venues, order: _acknowledge(order),
    "reject": lambda venues, order: venues.end(order, Event.REJECTED),
    "fill": lambda venues, order, lots: venues.fill(order, lots),
    "end": lambda venues, order: venues.end(order, Event.CANCELLED),
    "unseen fill": lambda venues, order, lots: _hold(venues, order, venues.fill(order, lots)),
    "unseen end": lambda venues, order: _hold(venues, order, venues.end(order, Event.CANCELLED)),
    "unseen reject": lambda venues, order: _hold(venues, order, venues.end(order, Event.REJECTED)),
    "deliver": lambda venues, order, number: _release(order, number),
    "lose": lambda venues, order, number: _release(order, number) and None,
    "answer": lambda venues, order: venues.answer(order, False),
    "unknown": lambda venues, order: venues.answer(order, True),
    "cancelled": lambda venues, order: _cancel(venues, order, True),
    "cancel too late": lambda venues, order: _cancel(venues, order, False),
    "refuse": lambda venues, order: _cancel(venues, order, False),
    "again": lambda venues, order: order.last,
    "late": lambda venues, order: venues.fill(order, 1),
    "bust": lambda venues, order: _bust(order),
}  # fmt: skip


def in_words(move: tuple) -> str:
    """A move as a person reads it."""
    name, *numbers = move
    if name in ("up", "down"):
        return f"the link of {_LEGS[numbers[0]]}'s venue goes {name}"
    if name == "book":
        return f"{_LEGS[numbers[0]]}'s book is {BOOKS[numbers[1]]}"
    if name in _OF_ORDERS:
        more = f" {numbers[1]}" if len(numbers) > 1 else ""
        return f"order {numbers[0] + 1}: {name}{more}"
    words = {"time": "time passes to the next beat", "stop": "a person stops the engine"}
    return words.get(name, "the engine restarts")
