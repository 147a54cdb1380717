"""Replay: the journal's inputs through the same loop, and every output compared with the journal's, byte for byte."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from engine import records
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.ports import WRITTEN, AccountReport, ExecReport, OrderRequest, PositionReport
from engine.records import FIRST_ASIDE, FIRST_OUTPUT, KIND_NAMES
from engine.segments import Record

SCRATCH_BYTES = 1 << 22


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
    data, now_ns = record.data, record.now_ns
    if record.kind == records.QUOTE:
        loop.on_quote(
            int(data["instrument"]), int(data["bid_ticks"]), int(data["bid_lots"]), int(data["ask_ticks"]),
            int(data["ask_lots"]), int(data["venue_ns"]), now_ns, int(data["venue_seq"]), int(data["flags"]),
        )  # fmt: skip
    elif record.kind == records.REPORT:
        loop.on_report(_exec_report(data, now_ns))
    elif record.kind == records.LINK:
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


def _exec_report(data, now_ns: int) -> ExecReport:
    texts = {name: _text(data[name]) for name in ("client_id", "venue_order_id", "trade_id", "reason")}
    numbers = {name: int(data[name]) for name in data.dtype.names if name not in texts}
    return ExecReport(recv_ns=now_ns, **texts, **numbers)


def feed_all(
    loop: Loop, journal: MemoryJournal, source: Iterable[Record], progress: Callable[[int], None] | None = None
) -> Verdict:
    """Feed every input of `source` to a loop that journals into `journal`, comparing outputs input by input.

    START and the CONFIG after it are fed as one. Stops at the first difference. progress is told the inputs so far.
    """
    inputs = outputs = 0
    wanted: list[Record] = []
    pending: list[Record] = []
    start: Record | None = None
    for record in source:
        if record.kind >= FIRST_ASIDE:
            continue
        if record.kind >= FIRST_OUTPUT:
            wanted.append(record)
            continue
        if start is not None and record.kind == records.CONFIG:
            pending, start = [start, record], None
            continue
        # An input inside another's outputs (a halt for want of room, a failed write) follows it: compare first.
        if pending:
            made = _made_of(loop, journal, pending)
            outputs, inputs = outputs + len(wanted), inputs + 1
            if difference := _compare(wanted, made, pending[0].seq) or _too_many(wanted, made, pending[0].seq):
                return Verdict(inputs, outputs, difference, [], pending[0].seq)
            if progress and inputs % 1000 == 0:
                progress(inputs)
        pending, wanted = ([], []) if record.kind == records.START else ([record], [])
        start = record if record.kind == records.START else None
    if not pending:
        return Verdict(inputs, outputs, None, [], start.seq if start else 0)
    made = _made_of(loop, journal, pending)
    difference = _compare(wanted, made, pending[0].seq)
    return Verdict(inputs + 1, outputs + len(wanted), difference, made[len(wanted) :], pending[0].seq)


def _made_of(loop: Loop, journal: MemoryJournal, pending: list[Record]) -> list[Record]:
    """Feed one input (START and its CONFIG are one); the outputs that the loop makes of it."""
    journal.reset()
    if pending[0].kind == records.START:
        fields = {name: pending[0].data[name] for name in pending[0].data.dtype.names}
        loop.on_start(fields, pending[1].data, pending[0].now_ns)
    else:
        feed(loop, pending[0])
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
