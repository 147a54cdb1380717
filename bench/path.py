"""`path`: from a quote in the adapter's hands to both orders at their gateways, in process."""

import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numba

from bench import sent
from bench.figures import Result, Row, Samples, demand, micros
from bench.hops import Way, lines, stamped
from bench.rig import GC, LEGS, Market, answer, check_end, connect, engine, feed, tuned
from bench.stream import FixStream
from bench.takers import Taker, furnish
from desk.build import Names, instruments_of
from desk.rehearsal import rehearsal_of
from desk.spin import Spinner
from engine.clock import now_ns
from engine.loop import Loop

Quote = tuple[int, int, int, int, int]
GAP_NS = 100_000
_DECISIONS, _GAP_DECISIONS, _IDLE = 200, 50, 4_000  # a round
_QUOTES_A_PAGE = 2_000  # between two turns of the journal's page
_ROOM_BYTES = 1 << 20


@contextmanager
def quiet() -> Iterator[None]:
    """Garbage is not collected, as in a live run while anything is open."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


class Ours:
    """The engine of a live run, whole, but for the wire: its gateways take the orders' bytes and do nothing else.

    A bench that compares hands the same quotes to this and to others. Not re-entrant; used as a context, which checks
    at its end what was sent. decisions: so far.
    """

    def __init__(self) -> None:
        self.market = Market()
        self.decisions = 0
        self.way = Way()
        self._orders: list[sent.Sent] = []
        self._exits = ExitStack()

    def __enter__(self) -> "Ours":
        folder = Path(self._exits.enter_context(tempfile.TemporaryDirectory()))
        config, calendars = tuned()
        self.loop: Loop = self._exits.enter_context(engine(folder, config, calendars))
        self._stamp = self.loop.core.state.scratch["stamps"]["stamp"]
        self.takers = furnish(config, self.loop)
        connect(self.loop)
        venue = int(self.loop.core.state.instrument[GC]["venue"])
        mine = [one for one in instruments_of(Names(config)) if one.venue == venue]
        core = self.loop.core
        self._spinner = Spinner(core, core.gateways, rehearsal_of(core, core.gateways))
        self._stream = FixStream(venue, mine, self.loop)
        for quote in self.market.opening():
            feed(self.loop, quote)
        return self

    def __exit__(self, kind: type | None, *_) -> None:
        with self._exits:
            if kind is None:
                check_end(self.loop, self.decisions)
                sent.check_orders(self._orders, self.decisions)

    def round(self, quotes: list[Quote], gap_ns: int = 0) -> list[int]:
        """Each decision's ns, from its quote handed over to the second order at its gateway; orders are answered
        between the quotes. gap_ns: in which the poll loop runs, before each quote."""
        both = []
        with quiet():
            for quote in quotes:
                if gap_ns:
                    self._spin(gap_ns)
                count = self.loop.core.state.head["decisions"]
                began_ns = now_ns()
                self.loop.on_quote(*quote, began_ns, began_ns, 0, 0)
                if self.loop.core.state.head["decisions"] != count:
                    both.append(self._taken(began_ns))
        return both

    def idle_round(self, quotes: list[Quote]) -> list[int]:
        """ns of each quote, the call and its return; none of them may cause an order."""
        found, on_quote, timer = [], self.loop.on_quote, time.monotonic_ns
        stamped = [(*quote, now_ns(), now_ns() + at, 0, 0) for at, quote in enumerate(quotes)]
        with quiet():
            for at, quote in enumerate(stamped):
                if at % _QUOTES_A_PAGE == 0:
                    self.make_room()
                began_ns = timer()
                on_quote(*quote)
                found.append(timer() - began_ns)
        demand(int(self.loop.core.state.head["decisions"]) == self.decisions, "no decision for an idle quote")
        return found

    def stream_round(self, quotes: list[Quote]) -> list[int]:
        """The same for quotes of the FIX venue as its bytes: from right behind the `recv` to the return."""
        found, stream, timer = [], self._stream, time.monotonic_ns
        messages = [stream.bytes_of(quote) for quote in quotes]
        known = stream.messages
        with quiet():
            for at, message in enumerate(messages):
                if at % _QUOTES_A_PAGE == 0:
                    self.make_room()
                size, filled = stream.fill(message), stream.filled
                began_ns = timer()
                filled(size)
                found.append(timer() - began_ns)
        demand(stream.messages == known + len(quotes), f"{len(quotes)} messages read in compiled code")
        demand(int(self.loop.core.state.head["decisions"]) == self.decisions, "no decision for an idle quote")
        return found

    def idle_quotes(self, count: int) -> list[Quote]:
        """Quotes that cause nothing, of both legs in turns."""
        return [self.market.idle() for _ in range(count)]

    def blocks(self, count: int) -> int:
        """Blocks of memory that so many idle quotes leave allocated."""
        self.make_room()
        quotes = [(*quote, now_ns(), now_ns() + at, 0, 0) for at, quote in enumerate(self.idle_quotes(count))]
        on_quote = self.loop.on_quote
        with quiet():
            before = sys.getallocatedblocks()
            for quote in quotes:
                on_quote(*quote)
            return sys.getallocatedblocks() - before

    def make_room(self) -> None:
        """Turn the journal's page where a round of quotes would not fit any more; a quote of a live run never waits."""
        journal = self.loop.core.journal
        while journal.room_bytes < _ROOM_BYTES:
            journal.turn()

    def _taken(self, began_ns: int) -> int:
        """ns of the decision just made; its orders are kept to be checked, then filled."""
        self.way.add(stamped(self._stamp.tolist()))
        orders = [sent.of(bytes(taker.frame)) for taker in self.takers]
        rows = [self.loop.core.state.order_row(number) for number in self.loop.core.live_orders]
        limits = [[int(row["limit_ticks"]) for row in rows], [order.limit_ticks for order in orders]]
        demand(sorted(limits[0]) == sorted(limits[1]), f"limits {limits[0]} on the wire, found {limits[1]}")
        self._orders += orders
        self.decisions += 1
        both_ns = max(taker.at_ns for taker in self.takers) - began_ns
        demand(answer(self.loop) == len(LEGS), f"{len(LEGS)} orders for a decision")
        return both_ns

    def _spin(self, gap_ns: int) -> None:
        until_ns = now_ns() + gap_ns
        while now_ns() < until_ns:
            self._spinner.turn()


def measure(rounds: int) -> Result:
    """Both orders back to back and with a gap, and quotes that cause none, with the floors of each in turns."""
    both, gap, idle, stream, floor, idle_floor = (Samples() for _ in range(6))
    blocks = []
    with Ours() as ours:
        ours.round(ours.market.decisions(_GAP_DECISIONS))  # warms up
        ways = {"back to back": Way(), "100 us between": Way()}
        bare = Floor(ours)
        for _ in range(rounds):
            ours.way = ways["back to back"]
            both.add(ours.round(ours.market.decisions(_DECISIONS)))
            floor.add(bare.round(_DECISIONS))
            ours.way = ways["100 us between"]
            gap.add(ours.round(ours.market.decisions(_GAP_DECISIONS), GAP_NS))
            idle.add(ours.idle_round(ours.idle_quotes(_IDLE)))
            fix = [quote for quote in ours.idle_quotes(2 * _IDLE) if quote[0] == GC]
            stream.add(ours.stream_round(fix))
            idle_floor.add(bare.idle_round(_IDLE))
            blocks.append(ours.blocks(_IDLE) / _IDLE)
    timed = (("both", both), ("gap", gap), ("idle", idle), ("stream", stream), ("floor", floor))
    return Result(
        name="path",
        measures="a quote handed over to the second of both orders taken by its gateway",
        includes="journal with its sealer, book, spread, both strategies, gate with all controls, holds, order table, "
        "deal, DIFF and FIX frames, stamps; with 100 us between quotes the poll loop runs in them",
        excludes="reading and parsing the quote's bytes, sockets, the venues' answers (given between the quotes)",
        floor="two bare njit calls with as many ints and two gateways that take frames of as many bytes; for a quote "
        "without an order the first call alone",
        rounds=rounds, samples=both.count + gap.count + idle.count + stream.count,
        rows=[micros("both orders, back to back", both, floor), micros("both orders, 100 us between", gap, floor),
              micros("no order, journalled", idle, idle_floor),
              micros("no order, from FIX bytes", stream, idle_floor),
              Row("blocks allocated, no order", "blocks", max(blocks))],
        flat={"both_us_p50": both.p50 / 1e3, "both_us_p99": both.p99 / 1e3, "gap_us_p50": gap.p50 / 1e3,
              "gap_us_p99": gap.p99 / 1e3, "gap_over_back_to_back": gap.p50 / both.p50,
              "idle_us_p50": idle.p50 / 1e3, "idle_us_p99": idle.p99 / 1e3, "fix_idle_us_p50": stream.p50 / 1e3,
              "fix_idle_us_p99": stream.p99 / 1e3, "allocated_blocks": max(blocks),
              "path_floor_us_p50": floor.p50 / 1e3},
        details={"hops": {name: way.hops() for name, way in ways.items()},
                 "round_medians_us": {name: [each / 1e3 for each in samples.medians] for name, samples in timed}},
        notes=lines(ways),
    )  # fmt: skip


@numba.njit
def _bare_quote(base, journal, contract, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags):
    """As many ints in as the compiled half takes of a quote, one out."""
    return flags


@numba.njit
def _bare_decision(base, journal, number, now_ns):
    """As many as it takes of a decision."""
    return number


class Floor:
    """The least that the same calls and frames could cost: bare calls into compiled code, and the same takers."""

    def __init__(self, ours: Ours):
        self._address, self._journal = ours.loop.core.state.address, ours.loop.core.journal.address
        self._market = Market()
        self._takers = [Taker() for _ in LEGS]
        self._frames = [bytes(len(taker.frame)) for taker in ours.takers]

    def round(self, count: int) -> list[int]:
        found = []
        first, second = self._takers
        one, other = self._frames
        with quiet():
            for _ in range(count):
                quote = self._market.idle()
                began_ns = now_ns()
                _bare_quote(self._address, self._journal, *quote, began_ns, began_ns, 0, 0)
                _bare_decision(self._address, self._journal, 0, began_ns)
                first.write(one)
                second.write(other)
                found.append(second.at_ns - began_ns)
        return found

    def idle_round(self, count: int) -> list[int]:
        found, timer = [], time.monotonic_ns
        quotes = [(*self._market.idle(), now_ns(), now_ns(), 0, 0) for _ in range(count)]
        with quiet():
            for quote in quotes:
                began_ns = timer()
                _bare_quote(self._address, self._journal, *quote)
                found.append(timer() - began_ns)
        return found
