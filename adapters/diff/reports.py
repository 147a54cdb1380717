"""Changes of `orders` and `trades` become ExecReports: what happened is told from what is there now."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from adapters.diff.rows import OrderRow, TradeRow, read_order, read_trade
from engine.ids import order_no
from engine.instruments import Instrument
from engine.ports import UNKNOWN, Event, ExecReport, Inputs, OrderRequest

Complain = Callable[[str, int], None]


class Reports:
    """The orders and trades told so far on one connection.

    A new connection forgets them: its snapshot tells the whole day again, and the engine books each trade once.
    Orders and trades of one transaction are told as acknowledgements, trades, ends; across transactions as they come.
    A trade's cum_lots is UNKNOWN, for a DIFF trade states none; the order's row states it.
    """

    def __init__(self, venue: int, contracts: dict[str, Instrument], inputs: Inputs, complain: Complain) -> None:
        self._venue = venue
        self._contracts = contracts
        self._inputs = inputs
        self._complain = complain
        self._orders: dict[str, OrderRow] = {}
        self._trades: set[str] = set()

    def reset(self) -> None:
        self._orders.clear()
        self._trades.clear()

    def changed(
        self, account: dict[str, Any], orders: Iterable[str], trades: Iterable[str], path: str, recv_ns: int
    ) -> None:  # fmt: skip
        """Tell what is new of these orders and trades of the account's tree."""
        moved = [(self._orders.get(row.client_id), row) for row in self._changed_orders(account, orders, path, recv_ns)]
        for before, row in moved:
            self._orders[row.client_id] = row
            if row.alive and row.accepted and not (before and before.accepted):
                self._tell(row, Event.ACK, recv_ns, row.insert_ns)
        for row in self._new_trades(account, trades, path, recv_ns):
            self._tell_trade(row, recv_ns)
        for before, row in moved:
            if not row.alive and _end(before) != _end(row):
                self._tell(row, _final_event(row), recv_ns)
            elif row.alive and before and before.accepted and before.leaves_lots != row.leaves_lots:
                self._tell(row, Event.STATUS, recv_ns)

    def answer(self, order: OrderRequest, row: dict[str, Any] | None, path: str, now_ns: int) -> None:
        """The answer to a query: STATUS or DONE from the order's row, UNKNOWN_ORDER where the tree has none."""
        if row is None:
            self._inputs.on_report(
                ExecReport(
                    venue=self._venue,
                    order_no=order.order_no,
                    client_id=order.client_id,
                    instrument=order.instrument,
                    event=Event.UNKNOWN_ORDER,
                    side=order.side,
                    reason="the account's orders of today do not hold it",
                    recv_ns=now_ns,
                )
            )
            return
        try:
            read = read_order(order.client_id, row, self._contracts, path, partial(self._note, now_ns))
        except ValueError as error:
            self._complain(str(error), now_ns)
            return
        self._tell(read, Event.STATUS if read.alive else Event.DONE, now_ns)

    def _changed_orders(
        self, account: dict[str, Any], names: Iterable[str], path: str, recv_ns: int
    ) -> list[OrderRow]:  # fmt: skip
        rows = []
        table, note = account.get("orders") or {}, partial(self._note, recv_ns)
        for name in names:
            if name not in table:
                continue
            try:
                rows.append(read_order(name, table[name], self._contracts, f"{path}.orders.{name}", note))
            except ValueError as error:
                self._complain(str(error), recv_ns)
        return rows

    def _new_trades(
        self, account: dict[str, Any], names: Iterable[str], path: str, recv_ns: int
    ) -> list[TradeRow]:  # fmt: skip
        rows = []
        table, note = account.get("trades") or {}, partial(self._note, recv_ns)
        for name in names:
            if name not in table or name in self._trades:
                continue
            try:
                rows.append(read_trade(table[name], self._contracts, f"{path}.trades.{name}", note))
                self._trades.add(name)
            except ValueError as error:
                self._complain(str(error), recv_ns)
        return rows

    def _note(self, recv_ns: int, what: str) -> None:
        self._complain(what, recv_ns)

    def _tell(self, row: OrderRow, event: int, recv_ns: int, venue_ns: int = 0) -> None:
        self._inputs.on_report(
            ExecReport(
                venue=self._venue,
                order_no=order_no(row.client_id),
                client_id=row.client_id,
                instrument=row.instrument,
                event=event,
                cum_lots=row.cum_lots,
                leaves_lots=row.leaves_lots if row.alive else 0,
                total_lots=row.total_lots,
                venue_order_id=row.venue_id,
                side=row.side,
                reason=row.message if event in (Event.REJECTED, Event.CANCELLED) else "",
                venue_ns=venue_ns,
                recv_ns=recv_ns,
            )
        )

    def _tell_trade(self, row: TradeRow, recv_ns: int) -> None:
        self._inputs.on_report(
            ExecReport(
                venue=self._venue,
                order_no=order_no(row.client_id),
                client_id=row.client_id,
                instrument=row.instrument,
                event=Event.TRADE,
                cum_lots=UNKNOWN,
                last_lots=row.lots,
                last_ticks=row.ticks,
                trade_id=row.trade_id,
                venue_order_id=row.venue_id,
                side=row.side,
                venue_ns=row.trade_ns,
                recv_ns=recv_ns,
            )
        )


def _end(row: OrderRow | None) -> tuple[bool, int]:
    """What a terminal report says: told again only where this differs."""
    return (True, UNKNOWN) if row is None else (row.alive, row.leaves_lots)


def _final_event(row: OrderRow) -> int:
    """FINISHED means filled, cancelled or refused: told apart by what is left and by the exchange's order id."""
    if row.leaves_lots == 0:
        return Event.DONE
    if not row.accepted and row.cum_lots == 0:
        return Event.REJECTED
    return Event.CANCELLED
