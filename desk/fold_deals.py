"""The deals of a journal: each with its orders, fills, repairs, decisions and stamps, and the sums over them."""

from collections import Counter

import msgspec

from engine.ports import FAILED, Event
from engine.records import (
    CANCEL,
    CLOSED,
    ENTRY,
    EXIT,
    FILL_BUST,
    HALTED,
    NO_OUTCOME,
    OUTCOMES,
    QUERY,
    REHEDGE,
    RESOLVE_ACCEPT,
    RESOLVE_BY_HAND,
)  # fmt: skip

# A venue's first word on an order itself; answers to queries and to cancels say nothing of the way there and back.
ANSWERS = frozenset({Event.ACK, Event.TRADE, Event.CANCELLED, Event.REJECTED, Event.DONE})


class OrderView(msgspec.Struct):
    """One order: its ORDER row, and what has become of it. doubted: it was in doubt at least once. doubts: the
    ORDER_STATE rows at which it went in doubt or out of it. requests: the (kind, row) of its CANCELs and QUERYs."""

    row: object
    state: object = None
    doubted: bool = False
    doubts: list = msgspec.field(default_factory=list)
    requests: list = msgspec.field(default_factory=list)
    failed: bool = False
    sent_ns: int = 0
    answered_ns: int = 0
    venue_text: str = ""


class DealView(msgspec.Struct):
    """One deal. last: its latest DEAL row. path: every DEAL row's (now_ns, state, exposure, low, high in ubase). ends:
    the DEAL rows with which it ended, more than one where it was opened again. verdicts: on its decisions, denied ones
    too. ledger: its LEDGER rows. resolutions: the COMMANDs of people who decided on it."""

    deal_id: int
    last: object = None
    decisions: list = msgspec.field(default_factory=list)
    orders: dict = msgspec.field(default_factory=dict)
    fills: list = msgspec.field(default_factory=list)
    repairs: list = msgspec.field(default_factory=list)
    stamps: list = msgspec.field(default_factory=list)
    path: list = msgspec.field(default_factory=list)
    ends: list = msgspec.field(default_factory=list)
    verdicts: list = msgspec.field(default_factory=list)
    ledger: list = msgspec.field(default_factory=list)
    resolutions: list = msgspec.field(default_factory=list)

    @property
    def decision(self):
        """The strategy's decision that the deal lives for, None where the journal does not hold it."""
        return next((row for row in self.decisions if row.purpose in (ENTRY, EXIT)), None)

    @property
    def is_open(self) -> bool:
        return self.last.outcome == NO_OUTCOME

    @property
    def waits(self) -> bool:
        """Halted, and nobody has decided yet, or only that it be tried again, which has ended here."""
        return self.last.outcome == HALTED and self.last.resolution not in (RESOLVE_ACCEPT, RESOLVE_BY_HAND)

    @property
    def worst_exposure_ubase(self) -> int:
        """The largest size the exposure may have now, whatever the orders in doubt turn out to be."""
        return max(abs(self.last.exposure_ubase), abs(self.last.low_ubase), abs(self.last.high_ubase))

    @property
    def doubted(self) -> bool:
        return any(order.doubted for order in self.orders.values())

    def average_ticks(self, leg: int, purposes=(ENTRY, EXIT, REHEDGE)) -> tuple[int, float | None]:
        """(signed lots, average price) of a leg's fills, busts taken off; None where the lots cancel out."""
        lots = value = 0
        for fill in self.fills:
            if fill.leg == leg and fill.purpose in purposes:
                signed = fill.side * fill.lots * (-1 if fill.flags & FILL_BUST else 1)
                lots += signed
                value += signed * fill.ticks
        return lots, (value / lots if lots else None)

    def slippage_bps(self, leg: int) -> float | None:
        """What the leg paid beyond the touch that the decision saw, bps of it; below zero: better. Unwinds are not in
        it. None where nothing was filled, or the decision or its price is not known."""
        decision = self.decision
        lots, average = self.average_ticks(leg)
        if decision is None or average is None or not decision.ref_ticks[leg]:
            return None
        ref = decision.ref_ticks[leg]
        cost = average - ref if lots > 0 else ref - average
        return cost / abs(ref) * 10_000


class Deals:
    """All deals by id and all orders by number, fed by `Fold`."""

    def __init__(self):
        self.by_id: dict[int, DealView] = {}
        self.orders: dict[int, OrderView] = {}
        self.outcomes: Counter = Counter()

    def __iter__(self):
        """The deals that the journal has a DEAL record of, oldest first."""
        return (deal for deal in self.by_id.values() if deal.last is not None)

    def count(self, outcome: int) -> int:
        return self.outcomes[outcome]

    def total(self) -> int:
        return sum(self.outcomes.values())

    def latest(self, count: int) -> list[DealView]:
        """The last `count` deals, newest first."""
        return [self.by_id[deal_id] for deal_id in list(self.by_id)[: -count - 1 : -1] if self.by_id[deal_id].last]

    def unbalanced(self) -> list[DealView]:
        """Deals that are not over, or are halted and wait for a person: what somebody must know of at the end."""
        return [deal for deal in self if deal.is_open or deal.waits]

    def of(self, deal_id: int) -> DealView:
        deal = self.by_id.get(deal_id)
        if deal is None:
            deal = self.by_id[deal_id] = DealView(deal_id)
        return deal

    def on_deal(self, row) -> None:
        deal = self.of(row.deal_id)
        if deal.last is not None:
            self.outcomes[deal.last.outcome] -= 1
        if row.outcome != (deal.last.outcome if deal.last is not None else NO_OUTCOME) and row.outcome != NO_OUTCOME:
            deal.ends.append(row)
        self.outcomes[row.outcome] += 1
        deal.last = row
        deal.path.append((row.now_ns, row.state, row.exposure_ubase, row.low_ubase, row.high_ubase))

    def on_order(self, row) -> None:
        order = self.orders[row.order_no] = OrderView(row)
        if row.deal_id:
            self.of(row.deal_id).orders[row.order_no] = order

    def on_state(self, row) -> None:
        order = self.orders.get(row.order_no)
        if order is not None:
            if row.in_doubt != (order.state.in_doubt if order.state is not None else 0):
                order.doubts.append(row)
            order.state = row
            order.doubted |= bool(row.in_doubt)
            order.failed |= row.event == Event.SEND_FAILED

    def on_cancel(self, row) -> None:
        self._on_request(CANCEL, row)

    def on_query(self, row) -> None:
        self._on_request(QUERY, row)

    def _on_request(self, kind: int, row) -> None:
        order = self.orders.get(row.order_no)
        if order is not None:
            order.requests.append((kind, row))

    def on_fill(self, row) -> None:
        if row.deal_id:
            self.of(row.deal_id).fills.append(row)

    def on_repair(self, row) -> None:
        self.of(row.deal_id).repairs.append(row)

    def on_sent(self, row) -> None:
        order = self.orders.get(row.order_no)
        if order is None:
            return
        if row.status == FAILED:
            order.failed = True
        elif not order.sent_ns:
            order.sent_ns = row.sent_ns

    def on_report(self, row) -> int | None:
        """The round trip in ns where this is the venue's first word on a sent order, else None."""
        order = self.orders.get(row.order_no)
        if order is None or row.event not in ANSWERS:
            return None
        order.venue_text = row.reason or order.venue_text
        if order.answered_ns or not order.sent_ns:
            return None
        order.answered_ns = row.now_ns
        return row.now_ns - order.sent_ns


def outcome_name(deal: DealView, row=None) -> str:
    """How a deal ended, by its latest DEAL row or by the one given."""
    last = row or deal.last
    return "open" if last.state != CLOSED and last.outcome == NO_OUTCOME else OUTCOMES[last.outcome]
