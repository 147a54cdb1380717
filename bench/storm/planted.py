"""Planted bugs: the storm is itself tested by engines that do what engines of this kind have done wrong.

    with planted("book a trade twice"):
        ...                          every engine of this process has that bug, and nothing in production knows of it

Each replaces functions of the engine's Python half from outside. They are what the catalogue tells of other systems.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from bench.storm.planted_quota import QUOTA_BUGS
from engine import ledger, legs, loop, records, reports, settle
from engine.core import Core
from engine.orders import TERMINAL
from engine.ports import UNKNOWN, Event, ExecReport
from engine.schema import SENT_STATE, UNSET

_TOLD_OF_END = (Event.CANCELLED, Event.DONE, Event.STATUS)
_PATIENCE_NS = 300_000_000
_ENDLESS = 30

# A bug: (module or class, name, from the function that is there to the one that replaces it), once a function.
Swap = tuple[Any, str, Callable[[Callable], Callable]]
BUGS: dict[str, Callable[[], list[Swap]]] = dict(QUOTA_BUGS)


def bug(name: str) -> Callable:
    def kept(make: Callable[[], list[Swap]]) -> Callable[[], list[Swap]]:
        BUGS[name] = make
        return make

    return kept


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Every engine has this bug while the context lasts. KeyError for a name that is none of BUGS."""
    with ExitStack() as stack:
        for place, function, replace in BUGS[name]():
            stack.enter_context(patch.object(place, function, replace(getattr(place, function))))
        yield


def _on_report(changed: Callable[[Core, Any, ExecReport], bool]) -> list[Swap]:
    """`changed` sees each report of an order of ours first; False: the engine never hears of it."""

    def replace(apply_report: Callable) -> Callable:
        def apply(core: Core, report: ExecReport) -> None:
            row = core.state.order_row(core.requests.get(report.order_no, report.order_no))
            if row is None or changed(core, row, report):
                apply_report(core, report)

        return apply

    return [(loop, "apply_report", replace)]


@bug("forget an order at cancel")
def _forget_at_cancel() -> list[Swap]:
    """F1: once its cancel is out, what an order trades is not looked at any more."""

    def changed(core: Core, row, report: ExecReport) -> bool:
        if not row["cancel_ns"]:
            return True
        if report.event in _TOLD_OF_END:
            report.event, report.cum_lots = Event.CANCELLED, int(row["cum_lots"])
        return report.event not in (Event.TRADE, Event.CANCEL_REJECTED)

    return _on_report(changed)


@bug("drop a late fill")
def _drop_late_fill() -> list[Swap]:
    """F3: what is settled is done with."""
    return _on_report(lambda core, row, report: report.event != Event.TRADE or not row["settled"])


@bug("book a trade twice")
def _book_twice() -> list[Swap]:
    """F5: a trade is booked as often as it is told."""

    def replace(book_trade: Callable) -> Callable:
        def book(core: Core, row, deal, report: ExecReport) -> int:
            if report.event == Event.TRADE:
                core.trades.clear()
            return book_trade(core, row, deal, report)

        return book

    return [(reports, "_book_trade", replace)]


@bug("settle on terminal alone")
def _settle_on_terminal() -> list[Swap]:
    """F2, R1: a cancelled report that comes before its trades lets the leg end short."""

    def settled(row) -> bool:
        row["settled"] = int(row["state"] in TERMINAL and not row["in_doubt"])
        return bool(row["settled"])

    return [(reports, "settle_order", lambda before: settled)]


@bug("position follows trades")
def _trades_only() -> list[Swap]:
    """F1: the venue's cumulative quantity is not believed, only trades that were told."""

    def replace(learn: Callable) -> Callable:
        def learned(row, report: ExecReport) -> int:
            if report.event not in (Event.BUST, Event.CORRECT):
                report.cum_lots = UNKNOWN
            return learn(row, report)

        return learned

    return [(reports, "learn", replace)]


@bug("resend in doubt")
def _resend() -> list[Swap]:
    """F13: an order without an answer is sent once more."""

    def replace(query: Callable) -> Callable:
        def again(core: Core, row) -> None:
            if not row["in_doubt"] or row["state"] != SENT_STATE:
                query(core, row)
                return
            row["asked_ns"] = core.now_ns
            core.emit(
                records.ORDER, order_no=row["order_no"], decision_id=row["decision_id"], deal_id=row["deal_id"],
                leg=row["leg"], instrument=row["instrument"], side=row["side"], offset=row["offset"], tif=row["tif"],
                purpose=row["purpose"], lots=row["lots"], limit_ticks=row["limit_ticks"],
            )  # fmt: skip
            gateway = legs.gateway_of(core, row)
            gateway.write(gateway.encode_order(legs.request_of(row), core.now_ns))

        return again

    return [(legs, "query", replace)]


@bug("doubt lifted by time")
def _doubt_passes() -> list[Swap]:
    """F13: an order of which nobody has heard for so long is taken for one that never arrived."""

    def replace(check_patience: Callable) -> Callable:
        def check(core: Core, row) -> None:
            check_patience(core, row)
            if row["in_doubt"] and core.now_ns - row["sent_ns"] > core.timing.ack_timeout_ns + _PATIENCE_NS:
                reports.apply_report(core, ExecReport(
                    venue=int(core.state.instrument[row["instrument"]]["venue"]), order_no=int(row["order_no"]),
                    client_id="", instrument=int(row["instrument"]), event=Event.UNKNOWN_ORDER, recv_ns=core.now_ns,
                ))  # fmt: skip

        return check

    return [(legs, "check_patience", replace)]


@bug("hold not freed")
def _hold_kept() -> list[Swap]:
    """The hold of an order that ended unfilled stays."""

    def replace(apply: Callable) -> Callable:
        def applied(core: Core, row, report: ExecReport) -> None:
            held = int(row["hold_micros"])
            apply(core, row, report)
            if held and row["state"] in TERMINAL and row["cum_lots"] < row["lots"]:
                core.state.account[core.state.instrument[row["instrument"]]["account"]]["held_micros"] += held

        return applied

    return [(reports, "_apply", replace)]


@bug("balanced in units")
def _balanced_in_units() -> list[Swap]:
    """F16, R5: whole units count, what a ratio leaves over does not."""

    def replace(outcome_of: Callable) -> Callable:
        def outcome(deal, bound_ubase: int) -> int:
            legs_of = range(int(deal["spread_legs"]))
            wanted = [abs(int(deal["target_lots"][leg])) // max(int(deal["units"]), 1) for leg in legs_of]
            units = {abs(int(deal["booked_lots"][leg])) // max(wanted[leg], 1) for leg in legs_of}
            found = outcome_of(deal, bound_ubase)
            return records.PARTIAL_BALANCED if found == records.NO_OUTCOME and len(units) == 1 else found

        return outcome

    return [(settle, "outcome_of", replace)]


@bug("tries never counted")
def _tries_uncounted() -> list[Swap]:
    """F9: repair goes on with the same step, if not for ever, since a day must end, then far too long."""

    def replace(fire: Callable) -> Callable:
        def fired(core: Core, deal, step, instruments) -> None:
            tries, deal_id = int(deal["repairs"]), int(deal["deal_id"])
            fire(core, deal, step, instruments)
            key = ("planted", deal_id)  # the core's own memory, which a replay builds anew
            core.told[key] = int(core.told.get(key, 0)) + 1
            if core.told[key] < _ENDLESS:
                deal["repairs"] = tries

        return fired

    return [(settle, "_fire", replace)]


@bug("repair ignores live orders")
def _repair_over_live() -> list[Swap]:
    """A repair is sized by what has traded, whatever is still alive."""

    def replace(measure: Callable) -> Callable:
        def measured(deal, rows) -> None:
            measure(deal, rows)
            deal["alive"] = 0

        return measured

    return [(settle, "measure", replace)]


@bug("client id used again")
def _id_again() -> list[Swap]:
    """F14: a restart counts its orders from the same number as the start before."""

    def replace(on_start: Callable) -> Callable:
        def started(self, fields: dict, config: dict, now_ns: int) -> None:
            on_start(self, fields, config, now_ns)
            self.core.state.head["epoch"], self.core.state.head["order_counter"] = 1, 0

        return started

    return [(loop.Loop, "on_start", replace)]


@bug("ledger entry dropped")
def _ledger_dropped() -> list[Swap]:
    """F16: what a deal that was taken up again had left is not taken out of the ledger."""

    def replace(book: Callable) -> Callable:
        return lambda core, deal, sign: book(core, deal, sign) if sign > 0 else None

    return [(ledger, "book", replace)]


@bug("own quote not cancelled")
def _own_quote_stays() -> list[Swap]:
    """F19: nobody looks for orders of our own that a repair would meet, neither repair nor gate."""

    def blind(core: Core, at: int) -> None:
        core.state.position["own_bid_ticks"] = core.state.position["own_ask_ticks"] = UNSET

    def replace(send: Callable) -> Callable:
        def sent(core: Core, deal_id: int, count: int) -> None:
            send(core, deal_id, count)
            blind(core, 0)

        return sent

    return [
        (legs, "make_way", lambda before: lambda core, at, lots, limit_ticks: False),
        (legs, "refresh_own", lambda before: blind), (legs, "send", replace),
    ]  # fmt: skip


@bug("halted in silence")
def _halted_in_silence() -> list[Swap]:
    """A deal is given up, and nobody is told."""

    def replace(alert: Callable) -> Callable:
        def told(self, level: str, code: str, *said, **numbers) -> None:
            if code != "halted":
                alert(self, level, code, *said, **numbers)

        return told

    return [(Core, "alert", replace)]


@bug("cancelled again and again")
def _cancels_repeated() -> list[Swap]:
    """R4: what has not ended is cancelled at every beat."""

    def replace(check_patience: Callable) -> Callable:
        def check(core: Core, row) -> None:
            check_patience(core, row)
            if row["cancel_ns"] and row["state"] not in TERMINAL and not row["in_doubt"]:
                legs.cancel(core, row)

        return check

    return [(legs, "check_patience", replace)]


@bug("deal ends with an order alive")
def _ends_alive() -> list[Swap]:
    """F1: in balance is taken for over."""

    def replace(measure: Callable) -> Callable:
        def measured(deal, rows) -> None:
            measure(deal, rows)
            deal["alive"] = deal["orders"] = 0 if deal["exposure_ubase"] == 0 and deal["fills"] else deal["alive"]

        return measured

    return [(settle, "measure", replace)]


@bug("naked time forgotten")
def _no_naked_limit() -> list[Swap]:
    """F25: the limit on naked time is never reached, since nobody counts."""
    return [(settle, "naked_so_far", lambda before: lambda deal, now_ns: 0)]


@bug("late fill leaves the deal closed")
def _stays_closed() -> list[Swap]:
    """F3: the lots are booked, and the deal that they belong to is not looked at again."""

    def replace(review: Callable) -> Callable:
        def reviewed(core: Core, deal, doubt_since_ns: int = 0) -> None:
            if deal["state"] != records.CLOSED:
                review(core, deal, doubt_since_ns)

        return reviewed

    return [(settle, "review", replace)]
