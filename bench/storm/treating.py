"""A matching whose hand is guided: each order enters, is cancelled and told of as its treatment says."""

from collections.abc import Callable

import msgspec

from adapters.ports import NewOrder, VenueReport
from adapters.sim.matching import Matching
from adapters.sim.tampering import Telling, tampered
from bench.storm.clockwork import Strand
from bench.storm.treatment import NOTHING, Treatment, ns, report_faults
from engine.ports import IOC, OPEN, Event

_Key = tuple[str, str]
FOREIGN = "FOREIGN"


class Treating:
    """Orders, cancels and queries at the moment when the venue works on them; `tell` gets each report when it is told.

    treat: asked once an order. foreign_lots: net lots that others traded on the account, by symbol.
    """

    def __init__(
        self, matching: Matching, strand: Strand, treat: Callable[[NewOrder], Treatment] | None,
        tell: Callable[[VenueReport], None], has_bust: bool,
    ) -> None:  # fmt: skip
        self.foreign_lots: dict[str, int] = {}
        self._matching = matching
        self._strand = strand
        self._treat = treat
        self._tell_now = tell
        self._has_bust = has_bust
        self._treated: dict[_Key, Treatment] = {}
        self._refusals: dict[_Key, int] = {}
        self._foreign_count = 0

    # What arrives

    def enter(self, order: NewOrder) -> None:
        """A new order. ValueError for a bust or a correction where the protocol has none."""
        treatment = self._treat(order) if self._treat else NOTHING
        if treatment is NOTHING or treatment == NOTHING:
            self._tell(self._matching.submit(order, self._now_ns))
            return
        if treatment.needs_bust and not self._has_bust:
            raise ValueError("this venue's protocol has neither bust nor correction")
        if treatment.lose_order:
            return
        self._treated[order.owner, order.client_id] = treatment
        reports = self._match(order, treatment)
        if treatment.reject_then_ack and reports[0].event == Event.ACK:
            self._tell_now(VenueReport(event=Event.REJECTED, order=order, reason="refused", venue_ns=self._now_ns))
        self._tell(reports)
        self._schedule(order, treatment)
        if treatment.foreign_lots:
            self._trade_foreign(order, treatment.foreign_lots)

    def cancel(self, owner: str, client_id: str, cancel_id: str) -> None:
        key, now_ns, matching = (owner, client_id), self._now_ns, self._matching
        treatment = self._treated.get(key, NOTHING)
        refused = self._refusals.get(key, 0)
        if refused < treatment.refuse_cancels:
            self._refusals[key] = refused + 1
            self._tell(matching.refuse_cancel(owner, client_id, cancel_id, "not now", now_ns))
            return
        filled = []
        if treatment.fill_at_cancel_lots:
            filled = matching.fill(owner, client_id, treatment.fill_at_cancel_lots, now_ns)
        self._tell(filled + matching.cancel(owner, client_id, cancel_id, now_ns))

    def query(self, owner: str, client_id: str, query_id: str) -> None:
        self._tell(self._matching.query(owner, client_id, query_id, self._now_ns))

    def tell(self, reports: list[VenueReport]) -> None:
        """Reports that no client caused: fills of resting orders."""
        self._tell(reports)

    # What becomes of an order

    @property
    def _now_ns(self) -> int:
        return self._strand.clock.now_ns

    def _match(self, order: NewOrder, treatment: Treatment) -> list[VenueReport]:
        matching, now_ns = self._matching, self._now_ns
        if treatment.reject:
            refuse = matching.reject_entered if treatment.reject_late else matching.refuse
            return refuse(order, treatment.reject, now_ns)
        most = treatment.at_most_lots
        if most is None:
            # Told as cancelled, it must have ended at the venue too, whatever its tif.
            most = 0 if treatment.stuck else order.lots if treatment.late_fill_ms else None
        return matching.submit(
            order, now_ns, most, treatment.stuck, treatment.amend_lots or None, treatment.shared_trade_id
        )

    def _schedule(self, order: NewOrder, treatment: Treatment) -> None:
        if treatment.bust_after_ms:
            self._strand.after(ns(treatment.bust_after_ms), lambda: self._bust(order))
        if treatment.correct_after_ms:
            self._strand.after(ns(treatment.correct_after_ms), lambda: self._correct(order, treatment))

    def _bust(self, order: NewOrder) -> None:
        trade = self._last_trade(order)
        if trade is not None:
            self._tell(self._matching.bust(trade, self._now_ns))

    def _correct(self, order: NewOrder, treatment: Treatment) -> None:
        trade = self._last_trade(order)
        if trade is not None:
            lots = max(trade.last_lots + treatment.correct_lots, 1)
            ticks = trade.last_ticks + treatment.correct_ticks
            self._tell(self._matching.correct(trade, lots, ticks, self._now_ns))

    def _last_trade(self, order: NewOrder) -> VenueReport | None:
        trades = self._matching.trades(order.owner)
        return next((one for one in reversed(trades) if one.order.client_id == order.client_id), None)

    def _trade_foreign(self, order: NewOrder, lots: int) -> None:
        self._foreign_count += 1
        foreign = msgspec.structs.replace(
            order, client_id=f"{FOREIGN}{self._foreign_count}", side=order.side if lots > 0 else -order.side,
            offset=OPEN, lots=abs(lots), limit_ticks=None, tif=IOC,
        )  # fmt: skip
        reports = self._matching.submit(foreign, self._now_ns)
        traded = sum(one.last_lots for one in reports if one.event == Event.TRADE and one.order is foreign)
        self.foreign_lots[order.symbol] = self.foreign_lots.get(order.symbol, 0) + foreign.side * traded
        self._tell(reports)

    # What is told

    def _tell(self, reports: list[VenueReport]) -> None:
        if not self._treated:
            for report in reports:
                self._tell_now(report)
            return
        by_order: dict[_Key, list[Telling]] = {}
        for report in reports:
            by_order.setdefault((report.order.owner, report.order.client_id), []).append(Telling(report))
        for key, tellings in by_order.items():
            treatment = self._treated.get(key, NOTHING)
            for fault in report_faults(treatment):
                tellings = tampered(tellings, fault)
            if treatment.gap_ms:
                tellings = [_apart(telling, treatment) for telling in tellings]
            for telling in tellings:
                self._tell_one(telling)

    def _tell_one(self, telling: Telling) -> None:
        if telling.extra_ns:
            self._strand.after(telling.extra_ns, lambda: self._tell_now(telling.report))
        else:
            self._tell_now(telling.report)


def _apart(telling: Telling, treatment: Treatment) -> Telling:
    """What is told second comes a gap later."""
    is_second = (telling.report.event == Event.TRADE) == treatment.terminal_before_trade
    return telling._replace(extra_ns=telling.extra_ns + ns(treatment.gap_ms)) if is_second else telling
