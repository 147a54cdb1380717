"""The trading channel: login, snapshot, reports, and queries answered from the tree."""

from collections.abc import Callable, Iterable
from typing import Any

from adapters.diff.holdings import Holdings
from adapters.diff.reports import Reports
from adapters.diff.settings import DiffSettings
from adapters.diff.shape import TRADING_SHAPE
from adapters.diff.stream import Stream, log
from engine.instruments import Instrument
from engine.ports import CONNECTED, DOWN, READY, TRADING, Inputs, OrderRequest

LOUD_LEVELS = ("WARNING", "ERROR")


class Trading(Stream):
    """CONNECTED when the session appears; READY when `trade_more_data` is false: the snapshot is complete.

    sent: client id -> when an order was encoded on this connection. Its absence from the tree proves nothing yet.
    """

    channel = TRADING
    shape = TRADING_SHAPE

    def __init__(
        self, venue: int, settings: DiffSettings, contracts: dict[str, Instrument], inputs: Inputs,
        clock: Callable[[], int],
    ) -> None:  # fmt: skip
        super().__init__(venue, settings.td_url, settings, inputs, clock)
        self._path = f"trade.{settings.user}"
        self._reports = Reports(venue, contracts, inputs, self.complain)
        self._holdings = Holdings(_account(contracts.values()), contracts, inputs, self.complain)
        self.sent: dict[str, int] = {}

    def greet(self, now_ns: int) -> None:
        self.sent.clear()
        self._reports.reset()
        self._holdings.reset()
        login = {"bid": self.settings.broker, "user_name": self.settings.user, "password": self.settings.password}
        self.send({"aid": "req_login", **login})

    def changed(self, patches: list[dict[str, Any]], recv_ns: int) -> None:
        account = self._account_of(self.tree)
        if self.state == DOWN and account.get("session"):
            self.announce(CONNECTED, recv_ns)
            self.send({"aid": "confirm_settlement"})
        for patch in patches:
            self._notified(patch)
        self._tell(account, [self._account_of(patch) for patch in patches], recv_ns)

    def answer(self, order: OrderRequest, asked_ns: int, connection: int) -> None:
        """Answer a query from the tree; silent while the tree cannot tell: the engine asks again."""
        if connection != self.connection or self.state != READY:
            return
        row = (self._account_of(self.tree).get("orders") or {}).get(order.client_id)
        sent_ns = self.sent.get(order.client_id)
        if row is None and sent_ns is not None:
            waited_ms = (asked_ns - sent_ns) // 1_000_000
            if waited_ms >= self.settings.query_patience_ms:
                self.link.drop(f"a fresh snapshot is wanted: {order.client_id} is not in the tree after {waited_ms} ms")
            return
        self._reports.answer(order, row, f"{self._path}.orders.{order.client_id}", asked_ns)

    def _account_of(self, tree: dict[str, Any]) -> dict[str, Any]:
        return (tree.get("trade") or {}).get(self.settings.user) or {}

    def _tell(self, account: dict[str, Any], changes: list[dict[str, Any]], recv_ns: int) -> None:
        """Orders and trades first, then positions and money, then the end of the snapshot."""
        orders, trades = _keys(changes, "orders"), _keys(changes, "trades")
        self._reports.changed(account, orders, trades, self._path, recv_ns)
        if self.state == READY:
            self._holdings.changed(account, _keys(changes, "positions"), self._path, recv_ns)
        elif self.state == CONNECTED and account.get("trade_more_data") is False:
            self._holdings.snapshot(account, self._path, recv_ns)
            self.announce(READY, recv_ns)

    def _notified(self, patch: dict[str, Any]) -> None:
        """Messages for people go to the log; a warning in place of a session is the refusal of the login."""
        for notice in (patch.get("notify") or {}).values():
            level, content = (notice or {}).get("level"), (notice or {}).get("content", "")
            if level not in LOUD_LEVELS:
                continue
            log.warning("the venue notifies", venue=self.venue, level=level, content=content)
            if self.state == DOWN:
                self.link.refuse(f"login refused: {content}")


def _keys(changes: Iterable[dict[str, Any]], table: str) -> dict[str, None]:
    """The rows of a table that a transaction names, in its order."""
    return dict.fromkeys(key for change in changes for key in change.get(table) or ())


def _account(instruments: Iterable[Instrument]) -> int:
    """The one account behind a DIFF login, -1 where nothing is traded. ValueError where the instruments name two."""
    accounts = {instrument.account for instrument in instruments if instrument.account >= 0}
    if len(accounts) > 1:
        raise ValueError(f"a DIFF login is one account, its instruments name {sorted(accounts)}")
    return accounts.pop() if accounts else -1
