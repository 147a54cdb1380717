"""`wire`: from a tick sent by a peer process to both orders read by it, against two bare sends of the same process."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bench.figures import Result, Row, Samples, demand, percentile
from bench.hops import STAMPED, Way, lines, stamped
from bench.rig import LEGS, SYMBOLS
from bench.sent import Sent, check_orders
from bench.wire_engine import BUSY, WAIT, EngineSide, hosted, peer
from bench.wire_setup import DIFF, DIFF_FEED, FIX, GAP_NS, REST_NS, Block, Told
from engine.clock import OFFSET_NS
from engine.ports import CLOSE, CLOSE_TODAY
from engine.records import ORDER, STAMPS
from engine.segments import read

_DECISIONS = 25  # a block
_PAIRS = {FIX: 6, DIFF: 2, DIFF_FEED: 2}  # of blocks a round, the engine's and the floor's: machines change their speed
_LEGS = {FIX: "both FIX", DIFF: "DIFF leg", DIFF_FEED: "DIFF feed and leg"}
_MODES = (BUSY, WAIT)
_ORDERS = len(LEGS)
_MOST_STALLED = 0.05  # of the floor's ticks


class Measured:
    """What one leg and mode have shown. both, floor: from a tick to the second order; skew: from order to order."""

    def __init__(self, leg: str, mode: str):
        self.leg, self.mode = leg, mode
        self.name = f"{_LEGS[leg]}, {mode}"
        self.both, self.floor, self.skew, self.floor_skew, self.peek = (Samples() for _ in range(5))
        self.blocks: list[Block] = []
        self.floors: list[Block] = []
        self.way = Way(("tick sent", *STAMPED, "both read"))

    def add(self, pairs: list[tuple[Block, Block]]) -> None:
        """A round: blocks of the engine's, each with one of the floor's."""
        blocks, floors = ([pair[at] for pair in pairs] for at in range(2))
        self.blocks += blocks
        self.floors += floors
        for found, both, skew in ((blocks, self.both, self.skew), (floors, self.floor, self.floor_skew)):
            both.add([max(arrived[:_ORDERS]) - from_ns for from_ns, arrived in _ticks(found)])
            skew.add([abs(arrived[0] - arrived[1]) for _, arrived in _ticks(found)])
        if self.leg == DIFF_FEED:
            self.peek.add([arrived[_ORDERS] - from_ns for from_ns, arrived in _ticks(blocks)])

    @property
    def ratio(self) -> float:
        return self.both.p50 / self.floor.p50

    def rows(self) -> list[Row]:
        rows = [
            Row(f"tick to both orders, {self.name}", "us", self.both.p50 / 1e3, self.both.p99 / 1e3,
                self.floor.p50 / 1e3),
            Row(f"the same at p99, {self.name}", "us", self.both.p99 / 1e3, None, self.floor.p99 / 1e3),
            Row(f"the same at p99.9, {self.name}", "us", self.both.at(99.9) / 1e3, None, self.floor.at(99.9) / 1e3),
            Row(f"between the orders, {self.name}", "us", self.skew.p50 / 1e3, self.skew.p99 / 1e3,
                self.floor_skew.p50 / 1e3),
        ]  # fmt: skip
        if self.leg == DIFF_FEED:
            rows.append(Row(f"tick to peek_message, {self.name}", "us", self.peek.p50 / 1e3, self.peek.p99 / 1e3))
        return rows

    def details(self) -> dict:
        late = [late_ns for block in self.blocks for late_ns in block.late_ns]
        return {
            "hops": self.way.hops(),
            "round_medians_us": [each / 1e3 for each in self.both.medians],
            "floor_round_medians_us": [each / 1e3 for each in self.floor.medians],
            "peer_late_us_p99": percentile(late, 99) / 1e3, "peer_late_us_max": max(late) / 1e3,
            "nudged": sum(block.nudged for block in self.blocks), "bytes": self.blocks[-1].sizes,
            "stalled": sum(block.stalled for block in self.blocks), "floor_stalled": self.floor_stalled,
        }  # fmt: skip

    @property
    def floor_stalled(self) -> int:
        return sum(block.stalled for block in self.floors)


def _ticks(blocks: list[Block]) -> Iterator[tuple[int, list[int]]]:
    """(from when it counts, arrivals) of each tick."""
    for block in blocks:
        yield from zip(block.from_ns, block.arrived_ns, strict=True)


def measure(rounds: int) -> Result:
    """Blocks of the engine's and of the floor's, one after the other, in both modes; with both legs FIX, then DIFF."""
    found = [one for leg in _LEGS for one in _of_leg(leg, rounds)]
    busy, wait, diff, _, feed, _ = found
    sizes = busy.blocks[-1].sizes
    return Result(
        name="wire",
        measures="a tick's planned time (its sending, where only the peer was late) to the second order read, by the "
        "peer's clock",
        includes="the kernel's loopback both ways; in the engine reading, parsing, journal with its sealer, book, "
        "spread, both strategies, gate with all controls, holds, order table, deal, frames, one send(2) a leg; real "
        "adapters, logged in; idle quotes, fills and the timer between the ticks",
        excludes="TLS, a network, heartbeats (none falls due); the peer's own parsing of the orders",
        floor=f"in the engine's process, loop and core, in turns with it: as many sockets polled the same way, "
        f"compiled as well, a message of {sizes[0]} bytes answered by two sends of {sizes[1]} and {sizes[2]}, no logic",
        rounds=rounds, samples=sum(one.both.count for one in found),
        rows=[row for one in found for row in one.rows()],
        flat={"over_floor_p50": busy.ratio, "over_floor_p99": busy.both.p99 / busy.floor.p99,
              "over_floor_p999": busy.both.at(99.9) / busy.floor.at(99.9),
              "minus_floor_us_p50": (busy.both.p50 - busy.floor.p50) / 1e3,
              "wire_us_p50": busy.both.p50 / 1e3, "wire_us_p99": busy.both.p99 / 1e3,
              "skew_us_p50": busy.skew.p50 / 1e3, "skew_us_p99": busy.skew.p99 / 1e3,
              "wait_over_floor_p50": wait.ratio, "wait_over_floor_p99": wait.both.p99 / wait.floor.p99,
              "wait_minus_floor_us_p50": (wait.both.p50 - wait.floor.p50) / 1e3,
              "diff_over_floor_p50": diff.ratio, "diff_minus_floor_us_p50": (diff.both.p50 - diff.floor.p50) / 1e3,
              "diff_feed_over_floor_p50": feed.ratio, "diff_peek_us_p50": feed.peek.p50 / 1e3},
        details={one.name: one.details() for one in found},
        notes=_notes(found),
    )  # fmt: skip


def _notes(found: list[Measured]) -> list[str]:
    plan = f"a quote each {GAP_NS / 1e3:g} us by plan, {REST_NS / 1e3:g} us behind a tick for its four reports"
    late = max(one.details()["peer_late_us_max"] for one in found)
    nudged = sum(one.details()["nudged"] for one in found)
    return [
        f"{plan}; the peer was late by {late:.0f} us at most, which is not counted; {nudged} ticks needed another "
        "quote, since their deal before was still open",
        "DIFF leg: one order leaves over a WebSocket, the tick comes by FIX; DIFF feed: so comes the tick, and the "
        "peek_message that asks for the next update follows behind both orders, and is told apart",
        *lines({one.name: one.way for one in found}),
    ]


def _of_leg(leg: str, rounds: int) -> list[Measured]:
    """One engine and one peer; the journal's own stamps and orders are held against what the peer has seen."""
    found = [Measured(leg, mode) for mode in _MODES]

    async def work(side: EngineSide) -> None:
        for number in range(rounds + 1):  # the first one warms up
            for one in found:
                pairs = [(await side.deals(one.mode, _DECISIONS), await side.sends(one.mode, _DECISIONS))
                         for _ in range(_PAIRS[leg])]  # fmt: skip
                if number:
                    one.add(pairs)

    with peer(leg) as far, tempfile.TemporaryDirectory() as name:
        decisions = uvloop.run(hosted(leg, far, Path(name), work))
        told, journal = far.hang_up(), Path(name) / "journal"
        _check(journal, told, leg, decisions, (rounds + 1) * len(_MODES) * _PAIRS[leg] * _DECISIONS)
        _take_ways(journal, found, rounds)
    check_quiet(found)
    return found


def check_quiet(found: list[Measured]) -> None:
    """Refused where the bare floor has not kept its plan: both figures are then the other work's, and their ratio is
    near one whatever the engine does."""
    stalled, ticks = sum(one.floor_stalled for one in found), sum(one.floor.count for one in found)
    demand(stalled <= _MOST_STALLED * ticks, f"a core of its own: the bare floor was behind its plan in {stalled} of "
           f"{ticks} ticks, so other work runs here")  # fmt: skip


def _check(journal: Path, told: Told, leg: str, decisions: int, asked: int) -> None:
    """Refused unless the peer has read what was asked for, and just what the engine says that it sent."""
    demand(decisions == asked, f"{asked} decisions, found {decisions}")
    check_orders(told.orders, decisions, CLOSE if leg == FIX else CLOSE_TODAY)
    sent = Counter()
    for record in read(journal):
        if record.kind == ORDER:
            row = record.data
            symbol = SYMBOLS[int(row["instrument"])]
            sent[Sent(symbol, *(int(row[name]) for name in ("side", "offset", "lots", "limit_ticks", "tif")))] += 1
    demand(sent == Counter(told.orders), "at the peer just the orders of the journal")
    demand((told.peeks > 0) == (leg != FIX), f"questions for updates from DIFF alone, found {told.peeks}")


def _take_ways(journal: Path, found: list[Measured], rounds: int) -> None:
    """The stamps of every decision, in the order of the blocks, between what the peer has stamped of it."""
    stamps = iter([record.data["stamp"].tolist() for record in read(journal) if record.kind == STAMPS])
    for number in range(rounds + 1):
        for one in found:
            pairs = _PAIRS[one.leg]
            blocks = one.blocks[(number - 1) * pairs : number * pairs] if number else [None] * pairs
            for block in blocks:
                _take_block(one.way, block, [next(stamps) for _ in range(_DECISIONS)])


def _take_block(way: Way, block: Block | None, stamps: list[list[int]]) -> None:
    """None: of the round that warms up."""
    if block:
        for sent_ns, arrived, stamp in zip(block.sent_ns, block.arrived_ns, stamps, strict=True):
            way.add([sent_ns + OFFSET_NS, *stamped(stamp), max(arrived[:_ORDERS]) + OFFSET_NS])
