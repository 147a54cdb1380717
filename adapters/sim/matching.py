"""The simulated exchange's core: orders, trades, positions and money, by explicit time, without input or output."""

from collections.abc import Mapping

import msgspec

from adapters.ports import NewOrder, VenueAccount, VenuePosition, VenueReport
from adapters.sim.account import Account
from adapters.sim.book import Book, Match, Order
from adapters.sim.terms import Terms
from adapters.ticks import QuoteTick
from engine.instruments import LONG_SHORT_TODAY, NET
from engine.ports import BUY, CLOSE, CLOSE_TODAY, DAY, FOK, IOC, OPEN, SELL, Event

_Key = tuple[str, str]


class Matching:
    """`adapters.ports.OrderEntry` with the time as an argument: each call returns the statements that it causes.

    Orders meet the played quotes' displayed sizes and each other by price and time; a client may trade with itself,
    and both sides of any trade share its trade id, as on Chinese exchanges. The same calls give the same answers.
    """

    def __init__(self, terms: Mapping[str, Terms], balances_micros: Mapping[str, int], currency: str) -> None:
        """terms: by symbol. balances_micros: each client's money at the day's start, by owner."""
        self._terms = terms
        self._books = {symbol: Book() for symbol in terms}
        self._marks: dict[str, int] = {}
        self._accounts = {owner: Account(terms, micros, currency) for owner, micros in balances_micros.items()}
        self._orders: dict[_Key, Order] = {}
        self._trades: list[VenueReport] = []
        self._side_ids: dict[int, str] = {}  # side -> the id of the last trade with an order of it
        self._order_count = self._trade_count = 0

    def quote(self, tick: QuoteTick, now_ns: int) -> list[VenueReport]:
        """Play a best quote. KeyError for a contract that the venue does not list."""
        matches = self._books[tick.symbol].quote(tick)
        sides = [ticks for ticks, lots in ((tick.bid_ticks, tick.bid_lots), (tick.ask_ticks, tick.ask_lots)) if lots]
        if sides:
            self._marks[tick.symbol] = sum(sides) // len(sides)
        return [self._trade(match.maker, match, self._trade_id(), now_ns) for match in matches]

    def submit(
        self, order: NewOrder, now_ns: int, at_most_lots: int | None = None, stuck: bool = False,
        total_lots: int | None = None, share_id: bool = False,
    ) -> list[VenueReport]:  # fmt: skip
        """A new order. at_most_lots: a fault's cap on what may trade; the rest is then cancelled, whatever its tif.

        stuck: the rest stays working, whatever its tif. total_lots: the venue restates the quantity as it enters.
        share_id: its first trade has the id of the last one of the other side, as if they had met.
        """
        if (order.owner, order.client_id) in self._orders:
            return [_rejection(order, "duplicate client order id", now_ns)]
        reason = self._refusal(order)
        if reason:
            return self.refuse(order, reason, now_ns)
        entered = self._enter(order)
        book = self._books[order.symbol]
        reports = [self._state(entered, Event.ACK, now_ns)]
        if total_lots is not None:
            reports.append(self._amend(entered, total_lots, now_ns))
        asked = entered.leaves_lots
        lots = asked if at_most_lots is None else min(asked, at_most_lots)
        killed = order.tif == FOK and min(lots, book.available(order.side, order.limit_ticks)) < asked
        shared = self._side_ids.get(-order.side, "") if share_id else ""
        for match in () if killed else book.take(order.side, order.limit_ticks, lots):
            reports += self._both_sides(entered, match, now_ns, shared)
            shared = ""
        if not entered.leaves_lots:
            return reports
        if stuck:
            entered.stuck = True
            return reports
        if order.tif == DAY and order.limit_ticks is not None and at_most_lots is None:
            book.rest(entered)
            return reports
        return [*reports, self._end(entered, now_ns, reason="remainder cancelled")]

    def refuse(self, order: NewOrder, reason: str, now_ns: int) -> list[VenueReport]:
        """Reject a new order for a reason from outside (a fault), or from the checks."""
        report = _rejection(order, reason, now_ns)
        self._orders[order.owner, order.client_id] = Order(
            entered=order, seq=0, venue_id="", leaves_lots=0, last=report
        )
        return [report]

    def cancel(self, owner: str, client_id: str, cancel_id: str, now_ns: int) -> list[VenueReport]:
        order = self._orders.get((owner, client_id))
        if order is None or not order.leaves_lots:
            why = "the order has ended" if order else "unknown order"
            return [self._answer(owner, client_id, Event.CANCEL_REJECTED, now_ns, reason=why, cancel_id=cancel_id)]
        self._withdraw(order)
        return [self._end(order, now_ns, cancel_id=cancel_id)]

    def refuse_cancel(
        self, owner: str, client_id: str, cancel_id: str, reason: str, now_ns: int
    ) -> list[VenueReport]:  # fmt: skip
        """A cancel that the venue does not take; the order lives on."""
        return [self._answer(owner, client_id, Event.CANCEL_REJECTED, now_ns, reason=reason, cancel_id=cancel_id)]

    def fill(self, owner: str, client_id: str, lots: int, now_ns: int) -> list[VenueReport]:
        """Somebody outside trades with a working order, at its limit; nothing where it has ended."""
        order = self._orders.get((owner, client_id))
        lots = min(lots, order.leaves_lots) if order else 0
        if not lots:
            return []
        if lots == order.leaves_lots:
            self._withdraw(order)
        order.trade(lots)
        ticks = self._marks[order.entered.symbol] if order.entered.limit_ticks is None else order.entered.limit_ticks
        return [self._trade(order, Match(lots, ticks, None), self._trade_id(), now_ns)]

    def reject_entered(self, order: NewOrder, reason: str, now_ns: int) -> list[VenueReport]:
        """The order is taken, and refused a moment later."""
        reports = self.submit(order, now_ns, at_most_lots=0)
        entered = self._orders[order.owner, order.client_id]
        if reports[-1].event == Event.CANCELLED:
            reports[-1] = entered.last = _rejection(order, reason, now_ns)
        return reports

    def bust(self, trade: VenueReport, now_ns: int) -> list[VenueReport]:
        """A trade never was: the account is put back and the order's cumulative quantity falls; it stays ended.

        Nothing where the trade is bust already.
        """
        return self._restate(trade, Event.BUST, 0, trade.last_ticks, now_ns)

    def correct(self, trade: VenueReport, lots: int, ticks: int, now_ns: int) -> list[VenueReport]:
        """A trade was of another size or price."""
        return self._restate(trade, Event.CORRECT, lots, ticks, now_ns)

    def _restate(self, trade: VenueReport, event: int, lots: int, ticks: int, now_ns: int) -> list[VenueReport]:
        at = next((at for at, one in enumerate(self._trades) if one is trade), None)
        if at is None:
            return []
        entered = self._orders[trade.order.owner, trade.order.client_id]
        order, account = entered.entered, self._accounts[trade.order.owner]
        account.reverse(order.symbol, order.side, order.offset, trade.last_lots, trade.last_ticks)
        entered.cum_lots += lots - trade.last_lots
        if lots:
            account.trade(order.symbol, order.side, order.offset, lots, ticks)
        said = lots or trade.last_lots
        report = self._state(entered, event, now_ns, last_lots=said, last_ticks=ticks, trade_id=trade.trade_id)
        held = msgspec.structs.replace(report, event=Event.TRADE)
        self._trades[at : at + 1] = [held] if lots else []
        return [report]

    def _amend(self, order: Order, total_lots: int, now_ns: int) -> VenueReport:
        order.entered = msgspec.structs.replace(order.entered, lots=total_lots)
        order.leaves_lots = total_lots - order.cum_lots
        return self._state(order, Event.AMENDED, now_ns)

    def _withdraw(self, order: Order) -> None:
        """Out of its book, if it is in one."""
        if not order.stuck:
            self._books[order.entered.symbol].remove(order)

    def query(self, owner: str, client_id: str, query_id: str, now_ns: int) -> list[VenueReport]:
        order = self._orders.get((owner, client_id))
        if order is None:
            event = Event.UNKNOWN_ORDER
        elif order.leaves_lots:
            event = Event.STATUS
        else:
            event = Event.REJECTED if order.last.event == Event.REJECTED else Event.DONE
        why = order.last.reason if order else "unknown order"
        return [self._answer(owner, client_id, event, now_ns, reason=why, query_id=query_id)]

    def owners(self) -> list[str]:
        return list(self._accounts)

    def orders(self, owner: str) -> list[VenueReport]:
        """The last statement on each of today's orders, in the order of their entry."""
        return [order.last for (who, _), order in self._orders.items() if who == owner]

    def trades(self, owner: str) -> list[VenueReport]:
        return [trade for trade in self._trades if trade.order.owner == owner]

    def positions(self, owner: str) -> list[VenuePosition]:
        """Every listed contract, flat ones too. KeyError for an owner without an account."""
        return [position.report(symbol) for symbol, position in self._accounts[owner].positions.items()]

    def account(self, owner: str) -> VenueAccount:
        """The owner's money at the present marks. KeyError for an owner without an account."""
        return self._accounts[owner].report(self._marks)

    def new_day(self, now_ns: int) -> list[VenueReport]:
        """The trading day turns: working orders expire, accounts settle at the marks, today's lots are yesterday's."""
        reports = []
        for book in self._books.values():
            for order in book.resting():
                book.remove(order)
                reports.append(self._end(order, now_ns, reason="end of the trading day"))
        for order in self._orders.values():
            if order.stuck and order.leaves_lots:
                reports.append(self._end(order, now_ns, reason="end of the trading day"))
        for account in self._accounts.values():
            account.settle(self._marks)
        self._orders.clear()
        self._trades.clear()
        return reports

    def _refusal(self, order: NewOrder) -> str:
        """Why the venue does not take this order, empty where it does."""
        if order.owner not in self._accounts:
            return f"no account for {order.owner!r}"
        if order.symbol not in self._terms:
            return f"no such contract {order.symbol!r}"
        return self._malformed(order) or self._off_market(order) or self._not_held(order) or self._unfunded(order)

    def _malformed(self, order: NewOrder) -> str:
        most = self._terms[order.symbol].max_order_lots
        if order.side not in (BUY, SELL) or order.tif not in (IOC, FOK, DAY):
            return "side or time in force not supported"
        if order.lots <= 0 or (most is not None and order.lots > most):
            return f"size {order.lots} lots is outside 1 to {most or 'any'}"
        if self._mode(order) != NET and order.offset not in (OPEN, CLOSE, CLOSE_TODAY):
            return f"offset {order.offset} not supported"
        return ""

    def _off_market(self, order: NewOrder) -> str:
        terms, limit = self._terms[order.symbol], order.limit_ticks
        if self._books[order.symbol].closed:
            return "the contract is not trading"
        if limit is None:
            return "" if order.symbol in self._marks else "no market price yet"
        if limit <= 0 and (terms.lower_ticks is None or terms.lower_ticks > limit):
            return f"price {limit} ticks is not above 0"
        if terms.lower_ticks is not None and limit < terms.lower_ticks:
            return "price below the lower price limit"
        if terms.upper_ticks is not None and limit > terms.upper_ticks:
            return "price above the upper price limit"
        return ""

    def _not_held(self, order: NewOrder) -> str:
        if self._mode(order) == NET or order.offset == OPEN:
            return ""
        account = self._accounts[order.owner]
        closable = account.positions[order.symbol].closable_lots(
            order.side, order.offset, account.working[order.symbol]
        )
        if order.lots <= closable:
            return ""
        which = "today's " if order.offset == CLOSE_TODAY else ""
        which = "yesterday's " if self._mode(order) == LONG_SHORT_TODAY and not which else which
        return f"closing {order.lots} lots, {which}position to close is {closable}"

    def _unfunded(self, order: NewOrder) -> str:
        account, terms = self._accounts[order.owner], self._terms[order.symbol]
        # Until a first quote, the first order's own price is all that a lot can be valued at.
        mark_ticks = self._marks.setdefault(order.symbol, order.limit_ticks)
        trial = Order(entered=order, seq=0, venue_id="", leaves_lots=order.lots)
        margin = account.extra_margin_micros(trial, mark_ticks)
        needed = margin + order.lots * max(terms.commission_micros_per_lot, 0)
        if margin <= 0 or needed <= account.report(self._marks).available_micros:
            return ""
        return f"insufficient margin: {needed} micros needed"

    def _mode(self, order: NewOrder) -> int:
        return self._terms[order.symbol].instrument.position_mode

    def _enter(self, order: NewOrder) -> Order:
        self._order_count += 1
        entered = Order(
            entered=order, seq=self._order_count, venue_id=f"S{self._order_count:08d}", leaves_lots=order.lots
        )
        self._orders[order.owner, order.client_id] = entered
        self._accounts[order.owner].working[order.symbol].append(entered)
        return entered

    def _trade_id(self) -> str:
        self._trade_count += 1
        return f"T{self._trade_count:08d}"

    def _both_sides(self, taker: Order, match: Match, now_ns: int, shared_id: str = "") -> list[VenueReport]:
        # Not where an order meets another: that one may have this very id already, and an id is one trade an order.
        trade_id = (not match.maker and shared_id) or self._trade_id()
        taker.trade(match.lots)
        reports = [self._trade(taker, match, trade_id, now_ns)]
        if match.maker:
            reports.append(self._trade(match.maker, match, trade_id, now_ns))
        return reports

    def _trade(self, order: Order, match: Match, trade_id: str, now_ns: int) -> VenueReport:
        """Book one side of a trade; the order's own lots are already counted."""
        entered = order.entered
        account = self._accounts[entered.owner]
        account.trade(entered.symbol, entered.side, entered.offset, match.lots, match.ticks)
        if not order.leaves_lots:
            account.working[entered.symbol].remove(order)
        report = self._state(
            order, Event.TRADE, now_ns, last_lots=match.lots, last_ticks=match.ticks, trade_id=trade_id
        )
        self._trades.append(report)
        self._side_ids[entered.side] = trade_id
        return report

    def _end(self, order: Order, now_ns: int, **why: str) -> VenueReport:
        order.leaves_lots = 0
        self._accounts[order.entered.owner].working[order.entered.symbol].remove(order)
        return self._state(order, Event.CANCELLED, now_ns, **why)

    def _state(self, order: Order, event: int, now_ns: int, **more: int | str) -> VenueReport:
        """A statement on the order as it stands, kept as its last one."""
        order.last = VenueReport(
            event=event,
            order=order.entered,
            venue_id=order.venue_id,
            cum_lots=order.cum_lots,
            leaves_lots=order.leaves_lots,
            venue_ns=now_ns,
            **more,
        )
        return order.last

    def _answer(self, owner: str, client_id: str, event: int, now_ns: int, **why: str) -> VenueReport:
        """An answer to a cancel or a query, which is no statement of its own. An unknown order is echoed as empty."""
        order = self._orders.get((owner, client_id))
        if order is None:
            nothing = NewOrder(
                owner=owner, client_id=client_id, symbol="", side=0, offset=OPEN, lots=0, limit_ticks=None, tif=IOC
            )
            return VenueReport(event=event, order=nothing, venue_ns=now_ns, **why)
        return VenueReport(
            event=event,
            order=order.entered,
            venue_id=order.venue_id,
            cum_lots=order.cum_lots,
            leaves_lots=order.leaves_lots,
            venue_ns=now_ns,
            **why,
        )


def _rejection(order: NewOrder, reason: str, now_ns: int) -> VenueReport:
    return VenueReport(event=Event.REJECTED, order=order, reason=reason, venue_ns=now_ns)
