"""The engine as a process of the storm: a real loop on a journal in memory, that dies at any write and starts anew."""

from collections.abc import Callable

from bench.storm.venue import StormVenue
from desk.assembly import assemble, config_hash
from engine import records
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.ports import OrderRequest
from engine.replay import SCRATCH_BYTES, SilentGateway, feed_all
from engine.state import State

JOURNAL_BYTES = 48 << 20
ROWS = (2048, 1024)  # of the order and deal tables: a day needs no more


class Death(BaseException):
    """The process was killed here. Not an Exception: nothing in the engine may catch it."""


class Tap:
    """A gateway through which the process can die: before the bytes of a write, or after them."""

    def __init__(self, process: "Process", venue: StormVenue) -> None:
        self._process = process
        self._gateway = venue.gateway

    def encode_order(self, order: OrderRequest, now_ns: int) -> bytes:
        return self._gateway.encode_order(order, now_ns)

    def encode_cancel(self, order: OrderRequest, cancel_id: str, now_ns: int) -> bytes:
        return self._gateway.encode_cancel(order, cancel_id, now_ns)

    def encode_query(self, order: OrderRequest, query_id: str, now_ns: int) -> bytes:
        return self._gateway.encode_query(order, query_id, now_ns)

    def write(self, frame: bytes) -> int:
        process = self._process
        if process.writes_left is None:
            return self._gateway.write(frame)
        before, process.writes_left = process.writes_left, process.writes_left - 2
        if before in (0, 1):
            process.writes_left = None
            if before == 1:
                self._gateway.write(frame)
            raise Death
        return self._gateway.write(frame)


class Process:
    """loop, journal: of the process that lives. writes_left: it dies at a write, None: it does not; two a write, since
    an even number dies before the bytes and an odd one after them. whole: whether the last death was between turns."""

    def __init__(
        self, record: dict, venues: list[StormVenue], clock_ns: Callable[[], int], market_ns: int,
        wake: Callable[[int], None],
    ) -> None:  # fmt: skip
        self.record, self.venues = record, venues
        self.journal = MemoryJournal(JOURNAL_BYTES)
        self.taps = [Tap(self, venue) for venue in venues]
        self.loop: Loop = assemble(record, self.journal, self.taps, clock_ns, ROWS)
        self.epoch = 0
        self.writes_left: int | None = None
        self._clock_ns, self._wake = clock_ns, wake
        self._begin_ns, self._market_ns = clock_ns(), market_ns

    @property
    def state(self) -> State:
        return self.loop.core.state

    def start(self, lose_in_flight: bool = False) -> None:
        """Open a new id epoch, and connect."""
        self.epoch += 1
        self.loop.core.wake = self._wake
        for venue in self.venues:
            venue.rebind(self.loop, lose_in_flight)
        fields = {
            "epoch": self.epoch, "config_hash": config_hash(self.record), "clock_base_ns": self._market_ns,
            "clock_start_ns": self._begin_ns, "clock_speed_milli": 1000, "version": b"storm",
        }  # fmt: skip
        self.loop.on_start(fields, self.record, self._clock_ns())
        for venue in self.venues:
            venue.join()

    def die_at_write(self, number: int) -> None:
        """Die at a write to come: of 2n before the bytes of the n-th from now, of 2n + 1 after them."""
        self.writes_left = number

    def restart(self, lose_in_flight: bool, in_a_turn: bool) -> str:
        """Die and come back by replay, as `tandem run` does; what did not replay, in words, "" where all did.

        in_a_turn: it died in the middle of one, so its own state is ahead of what can be known.
        """
        self.writes_left = None
        before = self.state.snapshot()
        loop, verdict = self.replayed()
        wrong = ""
        if not verdict.identical:
            wrong = (
                f"replay differs at record {verdict.difference.seq}: {verdict.difference.expected[:200]} <> "
                + (verdict.difference.found[:200])
            )
        elif not in_a_turn and loop.core.state.snapshot() != before:
            wrong = "replay leaves another state than the process that died"
        self.journal.writer["cause_seq"] = verdict.last_seq
        for untold in verdict.untold:
            self.journal.append(untold.kind, untold.now_ns, untold.payload)
        loop.core.journal, loop.core.gateways = self.journal, self.taps
        loop.core.clock = self._clock_ns
        self.loop = loop
        self.start(lose_in_flight)
        return wrong

    def replayed(self):
        """A fresh loop that was fed the journal so far, and what the comparison of its outputs found."""
        memory = MemoryJournal(SCRATCH_BYTES)
        loop = assemble(self.record, memory, [SilentGateway() for _ in self.venues], lambda: 0, ROWS)
        return loop, feed_all(loop, memory, self.journal.records())

    def command(self, code: int, choice: int, scope: int, why: str) -> None:
        self.loop.on_command(code, choice, scope, "storm", why, self._clock_ns())

    def resolve(self, deal_id: int, choice: int) -> None:
        self.command(records.COMMAND_RESOLVE, choice, deal_id, "the storm's person decides")
