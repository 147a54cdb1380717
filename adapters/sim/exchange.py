"""A venue's life by explicit time: orders arrive late, are matched, and are told of later, as the faults allow."""

from collections.abc import Iterator

import msgspec
import numpy as np

from adapters.ports import NewOrder, VenueReport, VenueServer
from adapters.sim.faults import REPORT_FAULTS, WIRE_FAULTS, Fault, FaultScript
from adapters.sim.matching import Matching
from adapters.sim.schedule import Action, Schedule
from adapters.sim.tampering import NS_PER_MS, Telling, tampered
from adapters.ticks import NS, Pace, QuoteTick
from engine.ports import BUY, IOC, OPEN, SELL

# Quotes older than this when the venue comes up (again) are not played one by one: only the last of each symbol is.
CATCH_UP_NS = 1_000 * NS_PER_MS

_Key = tuple[str, str]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """One-way delays between a client and the matching, in ns. jitter_ns: up to so much more, drawn from the seed."""

    entry_ns: int = 0
    report_ns: int = 0
    market_data_ns: int = 0
    jitter_ns: int = 0
    seed: int = 0


class Exchange:
    """Matching behind delays and faults. Every method is told the time; `pump` makes what is due happen.

    What one client sends arrives in its order, and the reports of one order come in theirs, unless a fault says
    otherwise. fired: the faults that happened, as texts with their time, for people.
    """

    def __init__(self, matching: Matching, server: VenueServer, latency: Latency, faults: FaultScript) -> None:
        self.matching = matching
        self.fired: list[tuple[int, str]] = []
        self.quotes_done = False
        self._server = server
        self._latency = latency
        self._faults = faults
        self._schedule = Schedule()
        # Streams apart, so that an order does not change the delay of the quotes after it.
        self._entry_jitter, self._report_jitter, self._quote_jitter = (
            np.random.Generator(np.random.PCG64([latency.seed, stream])) for stream in range(3)
        )
        self._arrived_ns: dict[str, int] = {}
        self._told_ns: dict[_Key, int] = {}
        self._published_ns = 0
        self._treated: dict[_Key, list[Fault]] = {}
        self._foreign_count = 0
        self._last_owner = ""

    def begin(self, quotes: Iterator[QuoteTick], pace: Pace, now_ns: int) -> None:
        """Start the quotes and the timed faults at the pace's origin; a fault whose moment has passed stays out."""
        for seconds, fault in self._faults.timed():
            due_ns = pace.origin_ns + int(seconds * NS)
            if due_ns >= now_ns:
                self._schedule.at(due_ns, lambda at_ns, fault=fault: self._set_off(fault, at_ns, None))
        self._catch_up(quotes, pace, now_ns)

    def next_ns(self) -> int | None:
        return self._schedule.next_ns()

    def pump(self, now_ns: int) -> None:
        self._schedule.pump(now_ns)

    def submit(self, order: NewOrder, now_ns: int) -> None:
        self._arrive(order.owner, now_ns, lambda at_ns: self._enter(order, at_ns))

    def cancel(self, owner: str, client_id: str, cancel_id: str, now_ns: int) -> None:
        self._arrive(
            owner, now_ns, lambda at_ns: self._tell(self.matching.cancel(owner, client_id, cancel_id, at_ns), at_ns)
        )

    def query(self, owner: str, client_id: str, query_id: str, now_ns: int) -> None:
        self._arrive(
            owner, now_ns, lambda at_ns: self._tell(self.matching.query(owner, client_id, query_id, at_ns), at_ns)
        )

    def _arrive(self, owner: str, now_ns: int, action: Action) -> None:
        due_ns = now_ns + self._latency.entry_ns + self._jitter_ns(self._entry_jitter)
        due_ns = max(due_ns, self._arrived_ns.get(owner, 0))
        self._arrived_ns[owner] = due_ns
        self._schedule.at(due_ns, action)

    def _jitter_ns(self, stream: np.random.Generator) -> int:
        return int(stream.integers(0, self._latency.jitter_ns, endpoint=True)) if self._latency.jitter_ns else 0

    def _enter(self, order: NewOrder, now_ns: int) -> None:
        self._last_owner = order.owner
        faults = self._faults.on_order(order)
        treated = [fault for fault in faults if fault.do in REPORT_FAULTS]
        if treated:
            self._treated[order.owner, order.client_id] = treated
        self._tell(self._match(order, faults, now_ns), now_ns)
        for fault in faults:
            self._set_off(fault, now_ns, order)

    def _match(self, order: NewOrder, faults: list[Fault], now_ns: int) -> list[VenueReport]:
        at_most_lots = None
        for fault in faults:
            if fault.do == "reject":
                return self.matching.refuse(order, fault.reason or "rejected by the fault script", now_ns)
            cap = {"partial": fault.lots, "nofill": 0, "late_fill_ms": order.lots}.get(fault.do)
            if cap is not None:
                at_most_lots = cap if at_most_lots is None else min(cap, at_most_lots)
        return self.matching.submit(order, now_ns, at_most_lots)

    def _set_off(self, fault: Fault, now_ns: int, order: NewOrder | None) -> None:
        if order is None and fault.is_for_orders:
            self._faults.arm(fault)
            return
        self.fired.append((now_ns, f"{fault.do} {order.client_id}" if order else fault.do))
        if fault.do == "foreign_order":
            self._enter_foreign(fault, order, now_ns)
        elif fault.do in WIRE_FAULTS:
            self._server.inject(fault.do)

    def _enter_foreign(self, fault: Fault, order: NewOrder | None, now_ns: int) -> None:
        """Somebody else trades the client's account: at market, in the order's contract or in the fault's."""
        self._foreign_count += 1
        foreign = NewOrder(
            owner=order.owner if order else self._last_owner or self.matching.owners()[0],
            client_id=f"FOREIGN{self._foreign_count}",
            symbol=order.symbol if order else fault.symbol,
            side=order.side if order else (SELL if fault.side == "SELL" else BUY),
            offset=OPEN,
            lots=1 if fault.lots is None else fault.lots,
            limit_ticks=None,
            tif=IOC,
        )
        self._tell(self.matching.submit(foreign, now_ns), now_ns)

    def _tell(self, reports: list[VenueReport], now_ns: int) -> None:
        """Schedule the reports, each order's for itself."""
        by_order: dict[_Key, list[Telling]] = {}
        for report in reports:
            by_order.setdefault((report.order.owner, report.order.client_id), []).append(Telling(report))
        for key, tellings in by_order.items():
            for fault in self._treated.get(key, ()):
                tellings = tampered(tellings, fault)
            for telling in tellings:
                self._tell_one(key, telling, now_ns)

    def _tell_one(self, key: _Key, telling: Telling, now_ns: int) -> None:
        due_ns = now_ns + self._latency.report_ns + self._jitter_ns(self._report_jitter)
        due_ns = max(due_ns, self._told_ns.get(key, 0))
        # A fault's extra delay is its own: what the venue says later of the order does not wait for it.
        self._told_ns[key] = due_ns
        self._schedule.at(due_ns + telling.extra_ns, lambda _: self._server.report(telling.report))

    def _catch_up(self, quotes: Iterator[QuoteTick], pace: Pace, now_ns: int) -> None:
        missed: dict[str, QuoteTick] = {}
        for tick in quotes:
            if pace.due_ns(tick.at_ns) >= now_ns - CATCH_UP_NS:
                for before in missed.values():
                    self._play(before, now_ns)
                self._schedule_quote(tick, quotes, pace)
                return
            missed[tick.symbol] = tick
        self.quotes_done = True

    def _schedule_quote(self, tick: QuoteTick, quotes: Iterator[QuoteTick], pace: Pace) -> None:
        def play(at_ns: int) -> None:
            following = next(quotes, None)
            if following is None:
                self.quotes_done = True
            else:
                self._schedule_quote(following, quotes, pace)
            self._play(tick, at_ns)

        self._schedule.at(pace.due_ns(tick.at_ns), play)

    def _play(self, tick: QuoteTick, now_ns: int) -> None:
        self._tell(self.matching.quote(tick, now_ns), now_ns)
        due_ns = now_ns + self._latency.market_data_ns + self._jitter_ns(self._quote_jitter)
        self._published_ns = max(due_ns, self._published_ns)
        self._schedule.at(self._published_ns, lambda _: self._publish(tick, now_ns))
        for fault in self._faults.on_quote(tick.symbol):
            self._set_off(fault, now_ns, None)

    def _publish(self, tick: QuoteTick, venue_ns: int) -> None:
        self._server.publish(
            tick.symbol, tick.bid_ticks, tick.bid_lots, tick.ask_ticks, tick.ask_lots, venue_ns, tick.flags
        )
