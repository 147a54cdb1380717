"""`wire`: from a tick sent by a peer process to both orders read by it, against two bare sends of the same process."""

import tempfile
from collections import Counter
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

_DECISIONS = {FIX: 150, DIFF: 40, DIFF_FEED: 40}  # a block: at seven rounds a thousand with both legs FIX
_LEGS = {FIX: "both FIX", DIFF: "DIFF leg", DIFF_FEED: "DIFF feed and leg"}
_MODES = (BUSY, WAIT)
_ORDERS = len(LEGS)
_MOST_STALLED = 0.05  # of the floor's ticks; beyond, something else has had its core, and no ratio would mean anything


class Measured:
    """What one leg and mode have shown. both, floor: from a tick to the second order; skew: from order to order."""

    def __init__(self, leg: str, mode: str):
        self.leg, self.mode = leg, mode
        self.name = f"{_LEGS[leg]}, {mode}"
        self.both, self.floor, self.skew, self.floor_skew, self.peek = (Samples() for _ in range(5))
        self.blocks: list[Block] = []
        self.floors: list[Block] = []
        self.way = Way(("tick sent", *STAMPED, "both read"))

    def add(self, block: Block, floor: Block) -> None:
        """One of the engine's, one of the floor's."""
        self.blocks.append(block)
        self.floors.append(floor)
        for found, both, skew in ((block, self.both, self.skew), (floor, self.floor, self.floor_skew)):
            ended = zip(found.from_ns, found.arrived_ns, strict=True)
            both.add([max(each[:_ORDERS]) - from_ns for from_ns, each in ended])
            skew.add([abs(one - other) for one, other, *_ in found.arrived_ns])
        if self.leg == DIFF_FEED:
            ended = zip(block.from_ns, block.arrived_ns, strict=True)
            self.peek.add([each[_ORDERS] - from_ns for from_ns, each in ended])

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
                blocks = await side.deals(one.mode, _DECISIONS[leg]), await side.sends(one.mode, _DECISIONS[leg])
                if number:
                    one.add(*blocks)

    with peer(leg) as far, tempfile.TemporaryDirectory() as name:
        decisions = uvloop.run(hosted(leg, far, Path(name), work))
        told, journal = far.hang_up(), Path(name) / "journal"
        _check(journal, told, leg, decisions, (rounds + 1) * len(_MODES) * _DECISIONS[leg])
        _take_ways(journal, found, rounds)
    stalled, ticks = sum(one.floor_stalled for one in found), sum(one.floor.count for one in found)
    demand(stalled <= _MOST_STALLED * ticks, f"a core of its own: the bare floor was behind its plan in {stalled} of "
           f"{ticks} ticks, so other work runs here")  # fmt: skip
    return found


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
            block = one.blocks[number - 1] if number else None
            for at in range(_DECISIONS[one.leg]):
                stamp = next(stamps)
                if block:
                    sent_ns, read_ns = block.sent_ns[at] + OFFSET_NS, max(block.arrived_ns[at][:_ORDERS]) + OFFSET_NS
                    one.way.add([sent_ns, *stamped(stamp), read_ns])
