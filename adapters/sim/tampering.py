"""What a fault makes of the reports on one order: pure functions of a batch of them."""

from typing import NamedTuple

import msgspec

from adapters.ports import VenueReport
from adapters.sim.faults import Fault
from engine.ports import Event

NS_PER_MS = 1_000_000


class Telling(NamedTuple):
    """A report and how much later than usual it is told."""

    report: VenueReport
    extra_ns: int = 0


def tampered(tellings: list[Telling], fault: Fault) -> list[Telling]:
    """One order's reports, caused by one event at the venue, as this fault lets them through."""
    change = _CHANGES.get(fault.do)
    return change(tellings, fault) if change else tellings


def _is(telling: Telling, event: int) -> bool:
    return telling.report.event == event


def _drop_ack(tellings: list[Telling], _: Fault) -> list[Telling]:
    return [telling for telling in tellings if not _is(telling, Event.ACK)]


def _drop_reports(tellings: list[Telling], _: Fault) -> list[Telling]:
    """Only the answer to a query gets through, so that a doubt can be lifted."""
    return [telling for telling in tellings if telling.report.query_id]


def _delay(tellings: list[Telling], fault: Fault) -> list[Telling]:
    return [Telling(report, extra_ns + int(fault.ms * NS_PER_MS)) for report, extra_ns in tellings]


def _duplicate(tellings: list[Telling], _: Fault) -> list[Telling]:
    return [telling for telling in tellings for _ in range(2)]


def _trade_before_ack(tellings: list[Telling], _: Fault) -> list[Telling]:
    return sorted(tellings, key=lambda telling: not _is(telling, Event.TRADE))


def _terminal_before_trade(tellings: list[Telling], _: Fault) -> list[Telling]:
    """The order's end, with its full cumulative quantity, comes before the trades that make that up."""
    trades = [telling for telling in tellings if _is(telling, Event.TRADE)]
    if not trades or tellings[-1].report.leaves_lots:
        return tellings
    last = tellings[-1]
    ended = last if not _is(last, Event.TRADE) else Telling(_done(last.report), last.extra_ns)
    acks = [telling for telling in tellings if _is(telling, Event.ACK)]
    return [*acks, ended, *map(_after_end, trades)]


def _after_end(trade: Telling) -> Telling:
    return Telling(msgspec.structs.replace(trade.report, leaves_lots=0), trade.extra_ns)


def _done(trade: VenueReport) -> VenueReport:
    return msgspec.structs.replace(trade, event=Event.DONE, last_lots=0, last_ticks=0, trade_id="")


def _late_fill(tellings: list[Telling], fault: Fault) -> list[Telling]:
    """The order is told as cancelled without a trade; its trades follow later."""
    trades = [telling for telling in tellings if _is(telling, Event.TRADE)]
    if not trades:
        return tellings
    told = [telling for telling in tellings if _is(telling, Event.ACK)]
    first = trades[0].report
    cancelled = msgspec.structs.replace(
        _done(first), event=Event.CANCELLED, cum_lots=first.cum_lots - first.last_lots, leaves_lots=0
    )
    return [*told, Telling(cancelled, trades[0].extra_ns), *_delay([_after_end(trade) for trade in trades], fault)]


_CHANGES = {
    "drop_ack": _drop_ack,
    "drop_reports": _drop_reports,
    "delay_ms": _delay,
    "duplicate": _duplicate,
    "trade_before_ack": _trade_before_ack,
    "terminal_before_trade": _terminal_before_trade,
    "late_fill_ms": _late_fill,
}
