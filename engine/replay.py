"""Replay: the journal's inputs through the same loop, and every output compared with the journal's, byte for byte."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine import records
from engine.core import Core, struct_of
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.ports import WRITTEN, AccountReport, ExecReport, OrderRequest, PositionReport
from engine.records import FIRST_ASIDE, FIRST_OUTPUT, KIND_NAMES
from engine.segments import Record
from engine.tape import Tape, same_outputs, tapes
from engine.watch import quiet_until

SCRATCH_BYTES = 1 << 22
_WALKED = (records.QUOTE, records.TIMER)
_FIRST_FED = records.QUOTE  # START and CONFIG are fed as one
_TELL_EVERY = 1000
_REPORT_TEXTS = ("client_id", "venue_order_id", "trade_id", "reason")
_QUOTE, _REPORT = struct_of(records.QUOTE_DTYPE), struct_of(records.REPORT_DTYPE)


class SilentGateway:
    """A gateway that sends nothing: in replay the venue's answers come from the journal."""

    def encode_order(self, order: OrderRequest, now_ns: int) -> bytes:
        return b""

    def encode_cancel(self, order: OrderRequest, cancel_id: str, now_ns: int) -> bytes:
        return b""

    def encode_query(self, order: OrderRequest, query_id: str, now_ns: int) -> bytes:
        return b""

    def write(self, frame: bytes) -> int:
        return WRITTEN


class Difference(NamedTuple):
    """The first place where replay and journal part. seq: of the journal's record; 0 where it has none left."""

    seq: int
    expected: str
    found: str


class Verdict(NamedTuple):
    """What a replay found: how many inputs were fed, how many outputs compared, and where they part, if they do.

    untold: the outputs of the last input that a process which died in that turn did not come to write; last_seq: of
    that input.
    """

    inputs: int
    outputs: int
    difference: Difference | None
    untold: list[Record]
    last_seq: int

    @property
    def identical(self) -> bool:
        return self.difference is None


def feed(loop: Loop, record: Record) -> None:
    """Give one journalled input to the loop."""
    now_ns = record.now_ns
    if record.kind == records.QUOTE:
        instrument, flags, bid, bid_lots, ask, ask_lots, venue_ns, venue_seq = _QUOTE.unpack(record.payload)
        loop.on_quote(instrument, bid, bid_lots, ask, ask_lots, venue_ns, now_ns, venue_seq, flags)
    elif record.kind == records.REPORT:
        loop.on_report(_exec_report(record.payload, now_ns))
    else:
        _feed_rare(loop, record, record.data, now_ns)


def _feed_rare(loop: Loop, record: Record, data, now_ns: int) -> None:
    if record.kind == records.LINK:
        loop.on_link(int(data["venue"]), int(data["channel"]), int(data["state"]), now_ns, _text(data["why"]))
    elif record.kind == records.TIMER:
        loop.on_timer(now_ns, int(data["late_ns"]))
    elif record.kind == records.COMMAND:
        loop.on_command(
            int(data["code"]), int(data["choice"]), int(data["scope"]), _text(data["who"]), _text(data["why"]), now_ns,
            int(data["until_ns"]), int(data["amount_micros"]),
        )  # fmt: skip
    elif record.kind == records.ACCOUNT:
        loop.on_account(AccountReport(recv_ns=now_ns, **_ints(data, AccountReport)))
    elif record.kind == records.POSITION:
        loop.on_position(PositionReport(recv_ns=now_ns, **_ints(data, PositionReport)))
    elif record.kind == records.BAND:
        loop.on_band(int(data["instrument"]), int(data["lower_ticks"]), int(data["upper_ticks"]), now_ns)
    elif record.kind == records.LIMITS:
        loop.on_limits(data, now_ns)
    elif record.kind == records.BAD_INPUT:
        loop.on_bad_input(data["venue"], data["what"], bytes.fromhex(data["raw"]), now_ns)
    else:
        raise ValueError(f"record {record.seq}: kind {record.kind} is not an input that can be fed")


def _text(value: bytes) -> str:
    return bytes(value).decode()


def _ints(data, struct) -> dict[str, int]:
    return {name: int(data[name]) for name in struct.__struct_fields__ if name != "recv_ns"}


def _exec_report(payload: bytes, now_ns: int) -> ExecReport:
    fields = dict(zip(records.REPORT_DTYPE.names, _REPORT.unpack(payload), strict=True))
    for name in _REPORT_TEXTS:
        fields[name] = fields[name].rstrip(b"\0").decode()
    return ExecReport(recv_ns=now_ns, **fields)


def feed_all(
    loop: Loop, journal: MemoryJournal, source: Iterable[Record], progress: Callable[[int], None] | None = None
) -> Verdict:
    """Feed every input of `source` to a loop that journals into `journal`, comparing outputs input by input.

    START and the CONFIG after it are fed as one. Stops at the first difference. progress is told the inputs so far.
    """
    feeding = _Feeding(loop, journal, progress)
    for record in source:
        if not feeding.take(record):
            return feeding.verdict([])
    return feeding.end()


def feed_folder(
    loop: Loop, journal: MemoryJournal, folder: Path, progress: Callable[[int], None] | None = None
) -> Verdict:
    """`feed_all` of a journal on disk: what only compiled code has to do with is fed without leaving it."""
    feeding = _Feeding(loop, journal, progress)
    for tape in tapes(folder, takes_quotes=not loop.core.signals):
        if not all(_pieces(feeding, tape)):
            return feeding.verdict([])
    return feeding.end()


def _pieces(feeding: "_Feeding", tape: Tape) -> Iterator[bool]:
    """Feed one tape, in runs where that goes and else record by record; whether each piece was as the journal says."""
    while tape.at < len(tape):
        kind = tape.kind(tape.at)
        if kind in _WALKED and feeding.settled():
            yield feeding.walk(tape)
            if tape.at == len(tape):
                return
            kind = tape.kind(tape.at)
        following = tape.next_input(tape.at)
        if _FIRST_FED <= kind < FIRST_OUTPUT and following >= 0 and feeding.settled():
            yield feeding.feed_with(tape, following)
            tape.at = following
        else:
            yield feeding.take(tape.record(tape.at))
            tape.at += 1


class _Feeding:
    """What feeding a journal's records has come to.

    pending: the input that waits for its outputs, which come behind it, to be fed and compared; wanted: these outputs.
    """

    def __init__(self, loop: Loop, journal: MemoryJournal, progress: Callable[[int], None] | None) -> None:
        self._loop, self._journal, self._progress = loop, journal, progress
        self._inputs = self._outputs = self._told = 0
        self._pending: list[Record] = []
        self._wanted: list[Record] = []
        self._start: Record | None = None
        self._difference: Difference | None = None
        self._last_seq = 0

    def take(self, record: Record) -> bool:
        """The next record; False where the input before it made something else than the journal holds."""
        if record.kind >= FIRST_ASIDE:
            return True
        if record.kind >= FIRST_OUTPUT:
            self._wanted.append(record)
            return True
        if self._start is not None and record.kind == records.CONFIG:
            self._pending, self._start = [self._start, record], None
            return True
        # An input inside another's outputs (a halt for want of room, a failed write) follows it: compare first.
        if not self.settled():
            return False
        self._pending = [] if record.kind == records.START else [record]
        self._start = record if record.kind == records.START else None
        self._last_seq = record.seq
        return True

    def settled(self) -> bool:
        """Feed what is pending, and compare; False where the two differ."""
        if self._pending:
            made, seq = self._fed(), self._pending[0].seq
            self._difference = _compare(self._wanted, made, seq) or _too_many(self._wanted, made, seq)
            self._pending = []
        self._wanted = []
        return self._difference is None

    def walk(self, tape: Tape) -> bool:
        """Feed a tape's next inputs as far as compiled code goes; False where one made what the tape does not hold."""
        core, begun = self._loop.core, tape.at
        tape.until(*quiet_until(core))
        core.hot.walk(core.state.address, self._journal.address, tape.address)
        if tape.at > begun:
            last = tape.record(tape.at - 1)
            core.now_ns, self._last_seq = last.now_ns, last.seq
            self._count(tape.at - begun)
        if tape.wrong:
            self._difference = _unexpected(core, tape.record(tape.at))
            self._count(1)
        return not tape.wrong

    def feed_with(self, tape: Tape, following: int) -> bool:
        """Feed a tape's next input, whose outputs end before record `following`, and compare them in compiled code."""
        record = tape.record(tape.at)
        self._journal.reset()
        feed(self._loop, record)
        self._last_seq = record.seq
        count = same_outputs(tape.address, tape.at + 1, following, *self._journal.extent)
        if count < 0:
            wanted, made = tape.outputs(tape.at + 1, following), _outputs(self._journal)
            self._difference = _compare(wanted, made, record.seq) or _too_many(wanted, made, record.seq)
            count = len(wanted)
        self._outputs += count
        self._start = None
        self._count(1)
        return self._difference is None

    def end(self) -> Verdict:
        """What the last input made, as far as the journal holds it; the rest is untold."""
        if not self._pending:
            return self.verdict([])
        made = self._fed()
        self._difference = _compare(self._wanted, made, self._pending[0].seq)
        return self.verdict(made[len(self._wanted) :])

    def verdict(self, untold: list[Record]) -> Verdict:
        return Verdict(self._inputs, self._outputs, self._difference, untold, self._last_seq)

    def _fed(self) -> list[Record]:
        made = _made_of(self._loop, self._journal, self._pending)
        self._outputs += len(self._wanted)
        self._count(1)
        return made

    def _count(self, inputs: int) -> None:
        self._inputs += inputs
        if self._progress and self._inputs - self._told >= _TELL_EVERY:
            self._told = self._inputs
            self._progress(self._inputs)


def _unexpected(core: Core, quote: Record) -> Difference:
    """A quote that causes a decision now, where the journal holds none."""
    decision = Record(0, quote.now_ns, 0, records.DECISION, 0, core.state.scratch["decision"][0].tobytes())
    return Difference(quote.seq, f"nothing more of record {quote.seq}", describe(decision))


def _made_of(loop: Loop, journal: MemoryJournal, pending: list[Record]) -> list[Record]:
    """Feed one input (START and its CONFIG are one); the outputs that the loop makes of it."""
    journal.reset()
    if pending[0].kind == records.START:
        fields = {name: pending[0].data[name] for name in pending[0].data.dtype.names}
        loop.on_start(fields, pending[1].data, pending[0].now_ns)
    else:
        feed(loop, pending[0])
    return _outputs(journal)


def _outputs(journal: MemoryJournal) -> list[Record]:
    return [record for record in journal.records() if FIRST_OUTPUT <= record.kind < FIRST_ASIDE]


def _compare(wanted: list[Record], made: list[Record], input_seq: int) -> Difference | None:
    """The first place where what was made is not what the journal holds."""
    for expected, found in zip(wanted, made, strict=False):
        if expected.kind != found.kind or bytes(expected.payload) != bytes(found.payload):
            return Difference(expected.seq, describe(expected), describe(found))
    if len(wanted) > len(made):
        return Difference(wanted[len(made)].seq, describe(wanted[len(made)]), f"nothing more after record {input_seq}")
    return None


def _too_many(wanted: list[Record], made: list[Record], input_seq: int) -> Difference | None:
    """Outputs that the journal lacks although it went on with the next input."""
    if len(made) <= len(wanted):
        return None
    seq = wanted[-1].seq if wanted else input_seq
    return Difference(seq, f"nothing more of record {input_seq}", describe(made[len(wanted)]))


def describe(record: Record) -> str:
    """One line about a record: its kind and its fields."""
    data = record.data
    if isinstance(data, dict):
        return f"{KIND_NAMES[record.kind]} {data}"
    if not isinstance(data, np.void):
        return KIND_NAMES[record.kind]
    fields = ", ".join(f"{name} {_plain(data[name])}" for name in data.dtype.names)
    return f"{KIND_NAMES[record.kind]} ({fields})"


def _plain(value) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
