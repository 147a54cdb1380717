"""The venues' side of a small world: what has become of each order, and what of it the engine has not been told."""

from engine.ids import client_id
from engine.ports import WRITTEN, Event, ExecReport, OrderRequest

FLYING, ALIVE, OVER = range(3)


_FIELDS = (
    "number", "leg", "side", "lots", "tif", "limit_ticks", "life", "filled", "gross", "trades", "told", "busted",
    "held", "last", "arrived", "asked", "cancelling",
)  # fmt: skip


class Order:
    """One order at its venue. filled: lots that stand; gross: lots that traded, busted ones too.

    trades: lots of each trade; told, busted: numbers of those that the engine has heard of. held: reports that wait, as
    (event, cum_lots, leaves_lots, trade); last: the one that came last. arrived: False once it is certain that the
    venue never had it. asked, cancelling: a query, a cancel is with the venue.
    """

    __slots__ = _FIELDS

    def __init__(self, *values):
        for name, value in zip(_FIELDS, values, strict=True):
            setattr(self, name, value)

    @classmethod
    def sent(cls, order: OrderRequest, arrives: bool) -> "Order":
        return cls(
            order.order_no, order.instrument, order.side, order.lots, order.tif, order.limit_ticks,
            FLYING if arrives else OVER, 0, 0, (), (), (), (), None, arrives, False, False,
        )  # fmt: skip

    def frozen(self) -> tuple:
        return tuple([getattr(self, name) for name in _FIELDS])

    @property
    def booked(self) -> int:
        """Lots that the engine must have booked: of the trades that it was told of, without the busted ones."""
        return sum(self.trades[one] for one in self.told if one not in self.busted)

    @property
    def left(self) -> int:
        return self.lots - self.gross if self.life != OVER else 0


class Venues:
    """All orders by age, and how much of each ration of rare events is spent."""

    def __init__(self, kinds: int):
        self.orders: list[Order] = []
        self.spent = [0] * kinds

    def keep(self) -> tuple:
        return tuple([order.frozen() for order in self.orders]), tuple(self.spent)

    def restore(self, kept: tuple) -> None:
        self.orders = [Order(*values) for values in kept[0]]
        self.spent = list(kept[1])

    def key(self) -> tuple:
        """The same without order numbers, in the words of what can still happen."""
        return tuple([order.frozen()[1:] for order in self.orders]), tuple(self.spent)

    def take(self, sent: list) -> None:
        """What the engine wrote in its last move."""
        for kind, order, status in sent:
            if kind == "order":
                self.orders.append(Order.sent(order, status == WRITTEN))
            elif status == WRITTEN:
                mine = next(one for one in self.orders if one.number == order.order_no)
                if kind == "query":
                    mine.asked = True
                else:
                    mine.cancelling = True

    def fill(self, order: Order, lots: int) -> tuple:
        """The venue trades `lots` of an order; its report."""
        if order.life != OVER:
            order.life = OVER if order.gross + lots == order.lots else ALIVE
        order.gross, order.filled = order.gross + lots, order.filled + lots
        order.trades += (lots,)
        return (Event.TRADE, order.filled, order.left, len(order.trades) - 1)

    def end(self, order: Order, event: int) -> tuple:
        order.life = OVER
        return (event, order.filled, 0, -1)

    def answer(self, order: Order, unknown: bool) -> tuple:
        """What a query finds; an order that may have been lost on the way is known, or has never come."""
        order.asked = False
        if unknown:
            order.life, order.arrived = OVER, False
        if not order.arrived:
            return (Event.UNKNOWN_ORDER, -1, -1, -1)
        if order.life == OVER:
            return (Event.DONE, order.filled, 0, -1)
        order.life = ALIVE
        return (Event.STATUS, order.filled, order.left, -1)

    def tell(self, loop, order: Order, report: tuple, now_ns: int) -> None:
        """Give the engine one report."""
        event, cum, leaves, trade = report
        order.last = report
        if event == Event.TRADE and trade not in order.told:
            order.told += (trade,)
        loop.on_report(
            ExecReport(
                venue=order.leg, order_no=order.number, client_id=client_id(order.number), instrument=order.leg,
                event=event, cum_lots=cum, leaves_lots=leaves, last_lots=order.trades[trade] if trade >= 0 else 0,
                last_ticks=order.limit_ticks if trade >= 0 else 0,
                trade_id=f"{order.number:x}.{trade}" if trade >= 0 else "", side=order.side, recv_ns=now_ns,
            )
        )  # fmt: skip
