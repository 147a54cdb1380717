"""`path`: from a quote in the adapter's hands to both orders at their gateways, in process."""

import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numba
import numpy as np

from bench import sent
from bench.figures import Result, Row, Samples, demand, micros
from bench.hops import Way, lines, stamped
from bench.rig import GC, LEGS, Market, answer, check_end, connect, engine, feed, tuned, with_both_fix
from bench.stream import FixStream
from bench.takers import furnish
from desk.build import Names, instruments_of
from desk.rehearsal import rehearsal_of
from desk.spin import Spinner
from engine.clock import OFFSET_NS, now_ns
from engine.frames import BOARD, FRAME
from engine.loop import Loop
from engine.memory import copy, mono_ns, view
from engine.ports import CLOSE, CLOSE_TODAY
from engine.sockets import NO_SOCKET, WATCH

Quote = tuple[int, int, int, int, int]
GAP_NS = 100_000
_SETTLE_NS = 100_000  # of the poll loop behind the answers, before the next quotes
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
    at its end what was sent. diff: the Chinese leg's orders go by DIFF, else both legs' by FIX. decisions and orders:
    so far; sizes: bytes of the last ones. turns: ns of each decision's whole turn, its book-keeping behind the orders
    included.
    """

    def __init__(self, diff: bool = False) -> None:
        self.market = Market()
        self.decisions = 0
        self.orders: list[sent.Sent] = []
        self.sizes: list[int] = []
        self.turns: list[int] = []
        self.way = Way()
        self._diff = diff
        self._exits = ExitStack()

    def __enter__(self) -> "Ours":
        folder = Path(self._exits.enter_context(tempfile.TemporaryDirectory()))
        config, calendars = tuned()
        if not self._diff:
            config = with_both_fix(config, config.venues[1].settings)
        self.loop: Loop = self._exits.enter_context(engine(folder, config, calendars))
        self._stamp = self.loop.core.state.scratch["stamps"]["stamp"]
        furnish(config, self.loop)
        board = view(self.loop.core.board.address, 1, BOARD)[0]
        self._frames = view(int(board["frames"]), len(LEGS), FRAME)
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
                sent.check_orders(self.orders, self.decisions, CLOSE_TODAY if self._diff else CLOSE)

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
                ended_ns = now_ns()
                if self.loop.core.state.head["decisions"] != count:
                    self.turns.append(ended_ns - began_ns)
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

    def polled_round(self, quotes: list[Quote]) -> list[int]:
        """The same as the busy poll has them: its call, from the bytes in the lane to the return."""
        core, stream, timer, found = self.loop.core, self._stream, time.monotonic_ns, []
        messages = [stream.bytes_of(quote) for quote in quotes]
        known = stream.messages
        watch = np.array([(NO_SOCKET, stream.lane, 0, 0, 0)], WATCH)
        call = core.state.address, core.journal.address, watch.ctypes.data, 1, 0, False
        poll = core.hot.poll
        with quiet():
            for at, message in enumerate(messages):
                if at % _QUOTES_A_PAGE == 0:
                    self.make_room()
                stream.read(message)
                watch["recv_ns"] = now_ns()
                began_ns = timer()
                poll(*call)
                found.append(timer() - began_ns)
                stream.settle()
        demand(stream.messages == known + len(quotes), f"{len(quotes)} messages read in compiled code")
        demand(int(core.state.head["decisions"]) == self.decisions, "no decision for an idle quote")
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

    def last_frames(self) -> list[bytes]:
        """The bytes of the orders made last."""
        return [bytes(row["bytes"][row["start"] : row["start"] + row["size"]]) for row in self._frames]

    def _taken(self, began_ns: int) -> int:
        """ns of the decision just made; its orders are kept to be checked, then filled."""
        moments = stamped(self._stamp.tolist())
        self.way.add(moments)
        frames = self.last_frames()
        orders = [sent.of(frame) for frame in frames]
        rows = [self.loop.core.state.order_row(number) for number in self.loop.core.live_orders]
        limits = [[int(row["limit_ticks"]) for row in rows], [order.limit_ticks for order in orders]]
        demand(sorted(limits[0]) == sorted(limits[1]), f"limits {limits[0]} in the bytes, found {limits[1]}")
        self.orders += orders
        self.sizes = [len(frame) for frame in frames]
        self.decisions += 1
        both_ns = max(moments[-len(LEGS) :]) - began_ns
        demand(answer(self.loop) == len(LEGS), f"{len(LEGS)} orders for a decision")
        self._spin(_SETTLE_NS)
        return both_ns

    def _spin(self, gap_ns: int) -> None:
        until_ns = now_ns() + gap_ns
        while now_ns() < until_ns:
            self._spinner.turn()


class _Path:
    """What one pair of protocols has shown."""

    def __init__(self, name: str):
        self.name = name
        self.both, self.gap, self.turn, self.floor = (Samples() for _ in range(4))
        self.ways = {f"{name}, back to back": Way(), f"{name}, 100 us between": Way()}

    def round(self, ours: Ours, bare: "Floor") -> None:
        """Back to back, the floor, and with a gap."""
        ours.turns = []
        ours.way, gapped = self.ways.values()
        self.both.add(ours.round(ours.market.decisions(_DECISIONS)))
        self.turn.add(ours.turns)
        self.floor.add(bare.round(_DECISIONS))
        ours.way = gapped
        self.gap.add(ours.round(ours.market.decisions(_GAP_DECISIONS), GAP_NS))

    def rows(self) -> list[Row]:
        return [micros(f"both orders, {self.name}, back to back", self.both, self.floor),
                micros(f"both orders, {self.name}, 100 us between", self.gap, self.floor),
                micros(f"the whole turn, {self.name}, back to back", self.turn)]  # fmt: skip

    def details(self) -> dict:
        found = {"both": self.both, "gap": self.gap, "turn": self.turn, "floor": self.floor}
        medians = {name: [each / 1e3 for each in samples.medians] for name, samples in found.items()}
        return {"hops": {name: way.hops() for name, way in self.ways.items()}, "round_medians_us": medians}


def measure(rounds: int) -> Result:
    """Both orders back to back and with a gap, and quotes that cause none, with the floors of each in turns."""
    fix, diff = _Path("both FIX"), _Path("DIFF and FIX")
    idle, stream, polled, idle_floor = (Samples() for _ in range(4))
    blocks = []
    with Ours() as ours, Ours(diff=True) as other:
        for one in (ours, other):
            one.round(one.market.decisions(_GAP_DECISIONS))  # warms up
        bare, other_bare = Floor(ours), Floor(other)
        for _ in range(rounds):
            fix.round(ours, bare)
            diff.round(other, other_bare)
            idle.add(ours.idle_round(ours.idle_quotes(_IDLE)))
            of_fix = [quote for quote in ours.idle_quotes(2 * _IDLE) if quote[0] == GC]
            stream.add(ours.stream_round(of_fix))
            of_fix = [quote for quote in ours.idle_quotes(2 * _IDLE) if quote[0] == GC]
            polled.add(ours.polled_round(of_fix))
            idle_floor.add(bare.idle_round(_IDLE))
            blocks.append(ours.blocks(_IDLE) / _IDLE)
    return Result(
        name="path",
        measures="a quote handed over to the second of both orders taken by its gateway",
        includes="journal with its sealer, book, spread, both strategies, gate with all controls, holds, order table, "
        "both orders' bytes, stamps; with 100 us between quotes the poll loop runs and rehearses in them",
        excludes="reading and parsing the quote's bytes (but where FIX bytes are said), sockets (FIX bytes are dropped "
        "where send(2) would take them, DIFF bytes by a gateway in Python), the venues' answers (given between the "
        "quotes, behind which the poll loop runs as live)",
        floor="a bare njit call with as many ints that moves as many bytes as both frames have; for a quote without an "
        "order the bare call alone",
        rounds=rounds, samples=fix.both.count + fix.gap.count + diff.both.count + diff.gap.count + idle.count,
        rows=[*fix.rows(), *diff.rows(), micros("no order, journalled", idle, idle_floor),
              micros("no order, from FIX bytes, busy poll", polled, idle_floor),
              micros("no order, from FIX bytes, event loop", stream, idle_floor),
              Row("blocks allocated, no order", "blocks", max(blocks))],
        flat={"both_us_p50": fix.both.p50 / 1e3, "both_us_p99": fix.both.p99 / 1e3,
              "gap_us_p50": fix.gap.p50 / 1e3, "gap_us_p99": fix.gap.p99 / 1e3,
              "gap_over_back_to_back": fix.gap.p50 / fix.both.p50, "turn_us_p50": fix.turn.p50 / 1e3,
              "diff_both_us_p50": diff.both.p50 / 1e3, "idle_us_p50": idle.p50 / 1e3, "idle_us_p99": idle.p99 / 1e3,
              "fix_idle_us_p50": polled.p50 / 1e3, "fix_idle_us_p99": polled.p99 / 1e3,
              "fix_wait_idle_us_p50": stream.p50 / 1e3, "fix_wait_idle_us_p99": stream.p99 / 1e3,
              "allocated_blocks": max(blocks)},
        details={one.name: one.details() for one in (fix, diff)}, notes=lines(fix.ways | diff.ways),
    )  # fmt: skip


@numba.njit
def _bare_quote(base, journal, contract, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags):
    """As many ints in as the compiled half takes of a quote, one out."""
    return flags


@numba.njit
def _bare_frames(base, journal, contract, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, target, source):
    """The same, and as many bytes as both frames have moved from one place to another; when that was done."""
    copy(target, source, bid_lots)
    copy(target + bid_lots, source, ask_lots)
    return mono_ns() + venue_ns


class Floor:
    """The least that the same calls and frames could cost: bare calls into compiled code, and the frames' bytes."""

    def __init__(self, ours: Ours):
        self._address, self._journal = ours.loop.core.state.address, ours.loop.core.journal.address
        self._market = Market()
        self._sizes = ours.sizes
        self._bytes = np.zeros(4096, np.uint8)

    def round(self, count: int) -> list[int]:
        found = []
        source = self._bytes.ctypes.data
        one, other = self._sizes
        with quiet():
            for _ in range(count):
                began_ns = now_ns()
                done_ns = _bare_frames(self._address, self._journal, 0, 0, one, 0, other, OFFSET_NS, began_ns,
                                       source + 2048, source)  # fmt: skip
                found.append(done_ns - began_ns)
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
