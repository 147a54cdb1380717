"""One client's positions and money at a simulated venue."""

from collections import deque
from collections.abc import Iterable, Mapping
from fractions import Fraction

from adapters.ports import VenueAccount, VenuePosition
from adapters.sim.book import Order
from adapters.sim.terms import Terms
from engine.instruments import LONG_SHORT_TODAY, NET
from engine.ports import BUY, CLOSE, CLOSE_TODAY, OPEN, SELL

TODAY, YESTERDAY = True, False


class _Pool:
    """Lots of one side opened on one kind of day, first in first out. cost_micros: their worth when opened."""

    __slots__ = ("_opened", "cost_micros", "lots")

    def __init__(self) -> None:
        self._opened: deque[tuple[int, int | Fraction]] = deque()
        self.lots = 0
        self.cost_micros: int | Fraction = 0

    def add(self, lots: int, worth_micros: int | Fraction) -> None:
        self._opened.append((lots, worth_micros))
        self.lots += lots
        self.cost_micros += lots * worth_micros

    def take(self, lots: int) -> int | Fraction:
        """Remove the oldest lots; what they cost."""
        cost: int | Fraction = 0
        left = lots
        while left:
            held, worth = self._opened.popleft()
            used = min(held, left)
            cost += used * worth
            left -= used
            if used < held:
                self._opened.appendleft((held - used, worth))
        self.lots -= lots
        self.cost_micros -= cost
        return cost


class Position:
    """Long and short lots of one contract, today's and yesterday's apart; a NET contract holds one side only."""

    def __init__(self, mode: int) -> None:
        self._mode = mode
        self._pools = {(side, today): _Pool() for side in (BUY, SELL) for today in (TODAY, YESTERDAY)}

    def lots(self, side: int) -> int:
        return self._pools[side, TODAY].lots + self._pools[side, YESTERDAY].lots

    def cost_micros(self, side: int) -> int | Fraction:
        return self._pools[side, TODAY].cost_micros + self._pools[side, YESTERDAY].cost_micros

    def _closed_from(self, side: int, offset: int) -> tuple[_Pool, ...]:
        """The pools that an order of this side and offset closes, in order.

        SHFE and INE close yesterday's with CLOSE and today's with CLOSETODAY; elsewhere CLOSE takes both, oldest first.
        """
        yesterday, today = self._pools[-side, YESTERDAY], self._pools[-side, TODAY]
        if self._mode == NET:
            return (yesterday, today)
        if offset == OPEN:
            return ()
        if offset == CLOSE_TODAY:
            return (today,)
        return (yesterday,) if self._mode == LONG_SHORT_TODAY else (yesterday, today)

    def trade(self, side: int, offset: int, lots: int, worth_micros: int | Fraction) -> int | Fraction:
        """Book a trade; the profit of what it closed, in micros. ValueError where it closes more than is held."""
        profit: int | Fraction = 0
        for pool in self._closed_from(side, offset):
            closed = min(lots, pool.lots)
            profit -= side * (closed * worth_micros - pool.take(closed))
            lots -= closed
        if lots and self._mode != NET and offset != OPEN:
            raise ValueError(f"closing {lots} lots more than are held")
        if lots:
            self._pools[side, TODAY].add(lots, worth_micros)
        return profit

    def reverse(self, side: int, offset: int, lots: int, worth_micros: int | Fraction) -> int | Fraction:
        """Undo a trade that the venue has bust; the change of the close profit, in micros. The balance comes out as if
        the trade had never been.

        What it opened is taken off today's lots; where those are closed by now, the other side is open instead.
        """
        if self._mode == NET:
            return self.trade(-side, OPEN, lots, worth_micros)
        if offset != OPEN:
            today = offset == CLOSE_TODAY or self._mode != LONG_SHORT_TODAY
            self._pools[-side, today].add(lots, worth_micros)
            return 0
        pool = self._pools[side, TODAY]
        taken = min(lots, pool.lots)
        profit = side * (taken * worth_micros - pool.take(taken))
        if lots > taken:
            self._pools[-side, TODAY].add(lots - taken, worth_micros)
        return profit

    def closable_lots(self, side: int, offset: int, working: Iterable[Order]) -> int:
        """What a closing order may still ask for, beside the working orders that close the same side."""
        asked = {CLOSE: 0, CLOSE_TODAY: 0}
        for order in working:
            if order.entered.side == side and order.entered.offset != OPEN:
                asked[order.entered.offset] += order.leaves_lots
        if self._mode == LONG_SHORT_TODAY:
            return self._pools[-side, offset == CLOSE_TODAY].lots - asked[offset]
        left = self.lots(-side) - asked[CLOSE] - asked[CLOSE_TODAY]
        return min(left, self._pools[-side, TODAY].lots - asked[CLOSE_TODAY]) if offset == CLOSE_TODAY else left

    def margin_lots(self, working: Iterable[Order]) -> int:
        """The lots that margin is asked for, working orders at their worst: NET by the larger side, else gross."""
        buys = sells = opens = 0
        for order in working:
            if order.entered.side == BUY:
                buys += order.leaves_lots
            else:
                sells += order.leaves_lots
            if order.entered.offset == OPEN:
                opens += order.leaves_lots
        if self._mode != NET:
            return self.lots(BUY) + self.lots(SELL) + opens
        net = self.lots(BUY) - self.lots(SELL)
        return max(abs(net), net + buys, sells - net)

    def profit_micros(self, worth_micros: int | Fraction) -> int | Fraction:
        """What closing everything at this worth would bring."""
        return sum(side * (self.lots(side) * worth_micros - self.cost_micros(side)) for side in (BUY, SELL))

    def settle(self, worth_micros: int | Fraction) -> None:
        """The day ends: all lots become yesterday's, at the settlement's worth."""
        for side in (BUY, SELL):
            lots = self.lots(side)
            for today in (TODAY, YESTERDAY):
                self._pools[side, today].take(self._pools[side, today].lots)
            if lots:
                self._pools[side, YESTERDAY].add(lots, worth_micros)

    def report(self, symbol: str) -> VenuePosition:
        if self._mode == NET:
            return VenuePosition(symbol=symbol, long_today=self.lots(BUY), short_today=self.lots(SELL))
        held = {key: pool.lots for key, pool in self._pools.items()}
        return VenuePosition(
            symbol=symbol,
            long_today=held[BUY, TODAY],
            long_yesterday=held[BUY, YESTERDAY],
            short_today=held[SELL, TODAY],
            short_yesterday=held[SELL, YESTERDAY],
        )


class Account:
    """A client's money in micros of one currency: balance = pre_balance + close profit - commission + position profit.

    available = balance - margin, where margin covers what is held and what the working orders may come to hold.
    """

    def __init__(self, terms: Mapping[str, Terms], balance_micros: int, currency: str) -> None:
        self._terms = terms
        self._currency = currency
        self._pre_balance_micros = balance_micros
        self._close_profit_micros: int | Fraction = 0
        self._commission_micros = 0
        self.positions = {symbol: Position(terms[symbol].instrument.position_mode) for symbol in terms}
        self.working: dict[str, list[Order]] = {symbol: [] for symbol in terms}

    def trade(self, symbol: str, side: int, offset: int, lots: int, ticks: int) -> None:
        terms = self._terms[symbol]
        self._close_profit_micros += self.positions[symbol].trade(side, offset, lots, terms.worth_micros(ticks))
        self._commission_micros += lots * terms.commission_micros_per_lot

    def reverse(self, symbol: str, side: int, offset: int, lots: int, ticks: int) -> None:
        """Undo a trade, its commission too."""
        terms = self._terms[symbol]
        self._close_profit_micros += self.positions[symbol].reverse(side, offset, lots, terms.worth_micros(ticks))
        self._commission_micros -= lots * terms.commission_micros_per_lot

    def _margin_micros(self, symbol: str, mark_ticks: int, also: tuple[Order, ...] = ()) -> int:
        lots = self.positions[symbol].margin_lots((*self.working[symbol], *also))
        return self._terms[symbol].margin_micros(lots, mark_ticks)

    def extra_margin_micros(self, order: Order, mark_ticks: int) -> int:
        """How much more margin this order asks for, were it working."""
        symbol = order.entered.symbol
        return self._margin_micros(symbol, mark_ticks, (order,)) - self._margin_micros(symbol, mark_ticks)

    def report(self, marks: Mapping[str, int]) -> VenueAccount:
        """The figures at these marks; a contract without a mark was never traded nor ordered."""
        profit = sum(self.positions[s].profit_micros(self._terms[s].worth_micros(ticks)) for s, ticks in marks.items())
        margin = sum(self._margin_micros(symbol, ticks) for symbol, ticks in marks.items())
        closed, profit = int(self._close_profit_micros // 1), int(profit // 1)
        balance = self._pre_balance_micros + closed - self._commission_micros + profit
        return VenueAccount(
            currency=self._currency,
            balance_micros=balance,
            available_micros=balance - margin,
            margin_micros=margin,
            pre_balance_micros=self._pre_balance_micros,
            close_profit_micros=closed,
            position_profit_micros=profit,
            commission_micros=self._commission_micros,
        )

    def settle(self, marks: Mapping[str, int]) -> None:
        """The day ends at these marks: profit and commission go into the balance, positions become yesterday's."""
        self._pre_balance_micros = self.report(marks).balance_micros
        self._close_profit_micros = self._commission_micros = 0
        for symbol, ticks in marks.items():
            self.positions[symbol].settle(self._terms[symbol].worth_micros(ticks))
