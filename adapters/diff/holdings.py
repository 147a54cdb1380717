"""Positions and money of the trade tree become PositionReports and AccountReports."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from adapters.diff.shape import number
from engine.instruments import Instrument, reported_lots, reported_micros
from engine.ports import AccountReport, Inputs, PositionReport

CURRENCY = "CNY"
VOLUMES = ("volume_long_today", "volume_long_his", "volume_short_today", "volume_short_his")


class Holdings:
    """Tells all of them once a snapshot, zero where the tree has no row, and afterwards each one that changed."""

    def __init__(
        self, account: int, contracts: dict[str, Instrument], inputs: Inputs, complain: Callable[[str, int], None]
    ) -> None:  # fmt: skip
        self._account = account
        self._contracts = contracts
        self._inputs = inputs
        self._complain = complain
        self._positions: dict[str, tuple[int, ...]] = {}
        self._money: tuple[int, ...] = ()

    def reset(self) -> None:
        self._positions.clear()
        self._money = ()

    def snapshot(self, tree: dict[str, Any], path: str, recv_ns: int) -> None:
        held = [symbol for symbol, instrument in self._contracts.items() if instrument.account >= 0]
        self.changed(tree, {**dict.fromkeys(held), **(tree.get("positions") or {})}, path, recv_ns)

    def changed(self, tree: dict[str, Any], symbols: Iterable[str], path: str, recv_ns: int) -> None:
        """Tell these positions, and the account, where they differ from what was told."""
        rows = tree.get("positions") or {}
        for symbol in symbols:
            self._position(symbol, rows.get(symbol), f"{path}.positions.{symbol}", recv_ns)
        money = (tree.get("accounts") or {}).get(CURRENCY)
        if money is not None and self._account >= 0:
            self._tell_money(money, f"{path}.accounts.{CURRENCY}", recv_ns)

    def _position(self, symbol: str, row: dict[str, Any] | None, path: str, recv_ns: int) -> None:
        """A row that is incomplete is reported as bad input, never taken for zero."""
        if row is not None and any(name not in row for name in VOLUMES):
            self._complain(f"{path}: expected {', '.join(VOLUMES)}", recv_ns)
            return
        try:
            volumes = tuple(0 if row is None else reported_lots(int(row[name]), name) for name in VOLUMES)
        except ValueError as error:
            self._complain(f"{path}.{error}", recv_ns)
            return
        instrument = self._contracts.get(symbol)
        if instrument is None:
            if any(volumes):
                self._complain(f"{path}: a position in a contract that is not among this venue's instruments", recv_ns)
            return
        if self._positions.get(symbol) != volumes:
            self._positions[symbol] = volumes
            long_today, long_yesterday, short_today, short_yesterday = volumes
            self._inputs.on_position(
                PositionReport(
                    instrument=instrument.index,
                    long_today=long_today,
                    long_yesterday=long_yesterday,
                    short_today=short_today,
                    short_yesterday=short_yesterday,
                    recv_ns=recv_ns,
                )
            )

    def _tell_money(self, row: dict[str, Any], path: str, recv_ns: int) -> None:
        figures = {name: number(row.get(name)) for name in ("balance", "available", "margin")}
        if None in figures.values():
            self._complain(f"{path}: expected the numbers balance, available and margin", recv_ns)
            return
        try:
            money = tuple(reported_micros(Decimal(repr(figure)), name) for name, figure in figures.items())
        except ValueError as error:
            self._complain(f"{path}.{error}", recv_ns)
            return
        if money != self._money:
            self._money = money
            balance, available, margin = money
            self._inputs.on_account(
                AccountReport(
                    account=self._account,
                    balance_micros=balance,
                    available_micros=available,
                    margin_micros=margin,
                    recv_ns=recv_ns,
                )
            )
