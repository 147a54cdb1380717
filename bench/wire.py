"""`wire`: from a tick sent by a peer process to both orders read by it, against two bare sends of the same process."""

import tempfile
from collections import Counter
from pathlib import Path

import uvloop

from bench.figures import Result, Row, Samples, demand, percentile
from bench.hops import STAMPED, Way, lines, stamped
from bench.rig import SYMBOLS
from bench.sent import Sent, check_orders
from bench.wire_engine import BUSY, WAIT, EngineSide, hosted, peer
from bench.wire_setup import DIFF, FIX, GAP_NS, REST_NS, Ask, Block, Told
from engine.clock import OFFSET_NS
from engine.ports import CLOSE, CLOSE_TODAY
from engine.records import ORDER, STAMPS
from engine.segments import read

_DECISIONS = 60  # a block; two modes, the engine's and the floor's turn by turn
_LEGS = (FIX, DIFF)
_MODES = (BUSY, WAIT)


class Measured:
    """What one leg and mode have shown. both, floor: from a tick to the second order; skew: from order to order."""

    def __init__(self, leg: str, mode: str):
        self.leg, self.mode = leg, mode
        self.name = f"{'both FIX' if leg == FIX else 'DIFF leg'}, {mode}"
        self.both, self.floor, self.skew, self.floor_skew = (Samples() for _ in range(4))
        self.blocks: list[Block] = []
        self.floors: list[Block] = []
        self.way = Way(("tick sent", *STAMPED, "both read"))

    def add(self, block: Block, floor: bool) -> None:
        (self.floors if floor else self.blocks).append(block)
        ended = zip(block.from_ns, block.arrived_ns, strict=True)
        (self.floor if floor else self.both).add([max(arrived) - from_ns for from_ns, arrived in ended])
        (self.floor_skew if floor else self.skew).add([max(each) - min(each) for each in block.arrived_ns])

    @property
    def ratio(self) -> float:
        return self.both.p50 / self.floor.p50

    def rows(self) -> list[Row]:
        return [
            Row(f"tick to both orders, {self.name}", "us", self.both.p50 / 1e3, self.both.p99 / 1e3,
                self.floor.p50 / 1e3),
            Row(f"p99 of it, {self.name}", "us", self.both.p99 / 1e3, None, self.floor.p99 / 1e3),
            Row(f"p99.9 of it, {self.name}", "us", self.both.at(99.9) / 1e3, None, self.floor.at(99.9) / 1e3),
            Row(f"between the orders, {self.name}", "us", self.skew.p50 / 1e3, self.skew.p99 / 1e3,
                self.floor_skew.p50 / 1e3),
        ]  # fmt: skip

    def details(self) -> dict:
        late = [late_ns for block in self.blocks for late_ns in block.late_ns]
        return {
            "hops": self.way.hops(),
            "round_medians_us": [each / 1e3 for each in self.both.medians],
            "floor_round_medians_us": [each / 1e3 for each in self.floor.medians],
            "peer_late_us_p99": percentile(late, 99) / 1e3, "peer_late_us_max": max(late) / 1e3,
            "nudged": sum(block.nudged for block in self.blocks), "bytes": self.blocks[-1].sizes,
        }  # fmt: skip


def measure(rounds: int) -> Result:
    """Blocks of the engine's and of the floor's, one after the other, in both modes; with both legs FIX, then DIFF."""
    found = [one for leg in _LEGS for one in _of_leg(leg, rounds)]
    busy, wait = found[:2]
    sizes = busy.blocks[-1].sizes
    return Result(
        name="wire",
        measures="a tick's planned time (its sending, where only the peer was late) to the second order read, by the "
        "peer's clock",
        includes="the kernel's loopback both ways; in the engine reading, parsing, journal with its sealer, book, "
        "spread, both strategies, gate with all controls, holds, order table, deal, frames, one send(2) a leg; real "
        "adapters, logged in; idle quotes, fills and the timer between the ticks",
        excludes="TLS, a network, heartbeats (none falls due); the peer's own parsing of the orders",
        floor=f"in the engine's process, loop and core, in turns with it: as many sockets polled the same way, a "
        f"message of {sizes[0]} bytes answered by two sends of {sizes[1]} and {sizes[2]}, no logic",
        rounds=rounds, samples=sum(one.both.count for one in found),
        rows=[row for one in found for row in one.rows()],
        flat={"over_floor_p50": busy.ratio, "over_floor_p99": busy.both.p99 / busy.floor.p99,
              "over_floor_p999": busy.both.at(99.9) / busy.floor.at(99.9),
              "minus_floor_us_p50": (busy.both.p50 - busy.floor.p50) / 1e3,
              "wire_us_p50": busy.both.p50 / 1e3, "wire_us_p99": busy.both.p99 / 1e3,
              "skew_us_p50": busy.skew.p50 / 1e3, "skew_us_p99": busy.skew.p99 / 1e3,
              "wait_over_floor_p50": wait.ratio, "wait_over_floor_p99": wait.both.p99 / wait.floor.p99,
              "wait_minus_floor_us_p50": (wait.both.p50 - wait.floor.p50) / 1e3,
              "diff_over_floor_p50": found[2].ratio, "diff_minus_floor_us_p50":
              (found[2].both.p50 - found[2].floor.p50) / 1e3},
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
        "DIFF: the tick comes by FIX, one order leaves over a WebSocket; the client's peek_message follows each update "
        "behind the orders that it caused, so none lies on this way",
        *lines({one.name: one.way for one in found}),
    ]


def _of_leg(leg: str, rounds: int) -> list[Measured]:
    """One engine and one peer; the journal's own stamps and orders are held against what the peer has seen."""
    found = [Measured(leg, mode) for mode in _MODES]

    async def work(side: EngineSide) -> None:
        for number in range(rounds + 1):  # the first one warms up
            for one in found:
                for floor in (False, True):
                    block = await side.block(one.mode, Ask(floor, _DECISIONS))
                    if number:
                        one.add(block, floor)

    with peer(leg) as far, tempfile.TemporaryDirectory() as name:
        decisions = uvloop.run(hosted(leg, far, Path(name), work))
        told, journal = far.hang_up(), Path(name) / "journal"
        _check(journal, told, leg, decisions, (rounds + 1) * len(_MODES) * _DECISIONS)
        _take_ways(journal, found, rounds)
    return found


def _check(journal: Path, told: Told, leg: str, decisions: int, asked: int) -> None:
    """Refused unless the peer has read what was asked for, and just what the engine says that it sent."""
    demand(decisions == asked, f"{asked} decisions, found {decisions}")
    check_orders(told.orders, decisions, CLOSE_TODAY if leg == DIFF else CLOSE)
    sent = Counter()
    for record in read(journal):
        if record.kind == ORDER:
            row = record.data
            symbol = SYMBOLS[int(row["instrument"])]
            sent[Sent(symbol, *(int(row[name]) for name in ("side", "offset", "lots", "limit_ticks", "tif")))] += 1
    demand(sent == Counter(told.orders), "at the peer just the orders of the journal")
    demand((told.peeks > 0) == (leg == DIFF), f"questions for updates from DIFF alone, found {told.peeks}")


def _take_ways(journal: Path, found: list[Measured], rounds: int) -> None:
    """The stamps of every decision, in the order of the blocks, between what the peer has stamped of it."""
    stamps = iter([record.data["stamp"].tolist() for record in read(journal) if record.kind == STAMPS])
    for number in range(rounds + 1):
        for one in found:
            block = one.blocks[number - 1] if number else None
            for at in range(_DECISIONS):
                stamp = next(stamps)
                if block:
                    sent_ns, read_ns = block.sent_ns[at] + OFFSET_NS, max(block.arrived_ns[at]) + OFFSET_NS
                    one.way.add([sent_ns, *stamped(stamp), read_ns])
