"""One contract's market: the played best quote with its displayed size, and the clients' resting orders."""

from bisect import insort
from typing import NamedTuple

import msgspec

from adapters.ports import NewOrder, VenueReport
from adapters.ticks import QuoteTick
from engine.ports import BUY, QUOTE_CLOSED, SELL


class Order(msgspec.Struct, gc=False, eq=False, kw_only=True):
    """A client's order at the venue. seq: its place in time. last: the last statement made on it.

    stuck: it is working, but in no book: only a cancel or the venue's own hand ends it.
    """

    entered: NewOrder
    seq: int
    venue_id: str
    leaves_lots: int
    cum_lots: int = 0
    last: VenueReport | None = None
    stuck: bool = False

    def trade(self, lots: int) -> None:
        self.leaves_lots -= lots
        self.cum_lots += lots


class Match(NamedTuple):
    """Part of an order meets the other side. maker None: the market's displayed size."""

    lots: int
    ticks: int
    maker: Order | None


class _Displayed:
    """One side of the played quote; left_lots: what our trades have not yet used of it."""

    __slots__ = ("left_lots", "lots", "ticks")

    def __init__(self) -> None:
        self.ticks = self.lots = self.left_lots = 0

    def play(self, ticks: int, lots: int) -> None:
        if (ticks, lots) != (self.ticks, self.lots):
            self.ticks, self.lots, self.left_lots = ticks, lots, lots


def _priority(order: Order) -> tuple[int, int]:
    """Best price first, then time."""
    return -order.entered.side * order.entered.limit_ticks, order.seq


class Book:
    """Price-time matching. At one price the displayed size was there first, clients' orders trade after it."""

    def __init__(self) -> None:
        self.closed = False
        self._displayed = {BUY: _Displayed(), SELL: _Displayed()}
        self._resting: dict[int, list[Order]] = {BUY: [], SELL: []}

    def quote(self, tick: QuoteTick) -> list[Match]:
        """Play a quote; the resting orders that it crosses trade at their own price, up to its displayed size."""
        self.closed = bool(tick.flags & QUOTE_CLOSED)
        self._displayed[BUY].play(tick.bid_ticks, tick.bid_lots)
        self._displayed[SELL].play(tick.ask_ticks, tick.ask_lots)
        return [] if self.closed else self._crossed(BUY) + self._crossed(SELL)

    def _crossed(self, quoted: int) -> list[Match]:
        shown, resting, matches = self._displayed[quoted], self._resting[-quoted], []
        while resting and shown.left_lots and quoted * (shown.ticks - resting[0].entered.limit_ticks) >= 0:
            order = resting[0]
            lots = min(order.leaves_lots, shown.left_lots)
            shown.left_lots -= lots
            self._fill_maker(order, lots)
            matches.append(Match(lots, order.entered.limit_ticks, order))
        return matches

    def take(self, side: int, limit_ticks: int | None, lots: int) -> list[Match]:
        """Trade up to `lots` against what is there at the limit or better; limit None: at any price."""
        matches = []
        while lots and (best := self._best_against(side, limit_ticks)):
            ticks, maker = best
            shown = self._displayed[-side]
            size = min(lots, maker.leaves_lots if maker else shown.left_lots)
            if maker:
                self._fill_maker(maker, size)
            else:
                shown.left_lots -= size
            matches.append(Match(size, ticks, maker))
            lots -= size
        return matches

    def available(self, side: int, limit_ticks: int | None) -> int:
        """How many lots an order of this side could trade at once."""
        shown = self._displayed[-side]
        displayed = shown.left_lots if _reaches(side, limit_ticks, shown.ticks) else 0
        return displayed + sum(
            order.leaves_lots
            for order in self._resting[-side]
            if _reaches(side, limit_ticks, order.entered.limit_ticks)
        )

    def _best_against(self, side: int, limit_ticks: int | None) -> tuple[int, Order | None] | None:
        shown, resting = self._displayed[-side], self._resting[-side]
        maker = resting[0] if resting else None
        if shown.left_lots and (maker is None or side * (maker.entered.limit_ticks - shown.ticks) >= 0):
            maker, ticks = None, shown.ticks
        elif maker is None:
            return None
        else:
            ticks = maker.entered.limit_ticks
        return (ticks, maker) if _reaches(side, limit_ticks, ticks) else None

    def _fill_maker(self, order: Order, lots: int) -> None:
        order.trade(lots)
        if order.leaves_lots == 0:
            self.remove(order)

    def rest(self, order: Order) -> None:
        insort(self._resting[order.entered.side], order, key=_priority)

    def remove(self, order: Order) -> None:
        self._resting[order.entered.side].remove(order)

    def resting(self) -> list[Order]:
        """Every resting order, buys before sells, best first."""
        return self._resting[BUY] + self._resting[SELL]

    def touch_ticks(self, side: int) -> int | None:
        """The played best price of a side, None where there is none."""
        shown = self._displayed[side]
        return shown.ticks if shown.lots else None


def _reaches(side: int, limit_ticks: int | None, ticks: int) -> bool:
    return limit_ticks is None or side * (limit_ticks - ticks) >= 0
