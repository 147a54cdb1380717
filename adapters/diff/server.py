"""DiffServer: the venue's side of DIFF, quotes on /md and trading on /td of one port; matching is handed in."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from picows import WSUpgradeRequest, ws_create_server

from adapters.diff.market import EPOCH
from adapters.diff.requests import read_order
from adapters.diff.session import Session
from adapters.diff.venue_rows import (
    account_row,
    head_row,
    limits_row,
    order_row,
    position_row,
    price,
    progress,
    quote_row,
    trade_key,
    trade_row,
)
from adapters.ports import Contracts, OrderEntry, VenueReport
from engine.instruments import Instrument
from engine.ports import MARKET_DATA, TRADING, Event

PATHS = {"/md": MARKET_DATA, "/td": TRADING}
CHINA = timedelta(hours=8)
GARBAGE = b'{"aid":"rtn_data","data":[{"quotes":'


class DiffServer:
    """A DIFF venue. contracts: "SHFE.au2702" -> instrument; users: name -> password; clock: ns since the epoch.

    limits: (lower, upper) price limits of the day in ticks, by symbol; None for one that the venue does not state.

    What it tells of orders and trades is the matching's own account: `report` for changes, its lists for a snapshot.
    """

    def __init__(
        self, contracts: Contracts, host: str, port: int, users: dict[str, str], clock: Callable[[], int],
        limits: Mapping[str, tuple[int | None, int | None]] | None = None,
    ) -> None:  # fmt: skip
        self._contracts = contracts
        self._host, self._port = host, port
        self._users = users
        self._clock = clock
        self._limits = {symbol: limits_row(contracts[symbol], *stated) for symbol, stated in (limits or {}).items()}
        self._quotes = {
            symbol: head_row(symbol, instrument) | self._limits.get(symbol, {})
            for symbol, instrument in contracts.items()
        }
        self._sessions: set[Session] = set()
        # What never reached the matching: (user, order id) -> row, beside every id that was used.
        self._refused: dict[str, dict[str, dict[str, Any]]] = {user: {} for user in users}
        self._used: set[tuple[str, str]] = set()
        # (user, order id) -> the report that its row shows.
        self._shown: dict[tuple[str, str], VenueReport] = {}
        self._entry: OrderEntry | None = None
        self._server: asyncio.Server | None = None

    def open(self, entry: OrderEntry) -> None:
        """Orders go to `entry` from now on."""
        self._entry = entry

    async def start(self, entry: OrderEntry) -> int:
        """Listen; the port."""
        self.open(entry)
        self._server = await ws_create_server(self._welcome, self._host, self._port, enable_auto_pong=False)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await asyncio.gather(*(session.close() for session in self._sessions))
            await self._server.wait_closed()

    def publish(
        self, symbol: str, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int, venue_ns: int, flags: int
    ) -> None:
        """A new best quote. QUOTE_CLOSED and QUOTE_GAP have no field in DIFF."""
        when = china_text(venue_ns or self._clock())
        row = quote_row(self._contracts[symbol], bid_ticks, bid_lots, ask_ticks, ask_lots, when, flags)
        for name, limit in self._limits.get(symbol, {}).items():
            if self._quotes[symbol][name] != limit:
                row.setdefault(name, limit)  # a lock that was played at another price is over
        self._quote(symbol, row)

    def report(self, report: VenueReport) -> None:
        """Tell the order's owner. ValueError for a bust or a correction: DIFF has none."""
        if report.event in (Event.BUST, Event.CORRECT):
            raise ValueError(f"DIFF cannot say {Event.NAMES[report.event]}")
        user = report.order.owner
        if report.event in (Event.CANCEL_REJECTED, Event.UNKNOWN_ORDER):
            for session in self._of(user):
                session.notify(f"{report.order.client_id}: {report.reason}")
            return
        instrument = self._contracts[report.order.symbol]
        change: dict[str, Any] = {"orders": {report.order.client_id: self._row(report, instrument)}}
        if report.event == Event.TRADE:
            change["trades"] = {trade_key(report): trade_row(report, instrument)}
            self._quote(report.order.symbol, {"last_price": price(instrument, report.last_ticks)})
        self._tell(user, change | self._holdings(user))

    def inject(self, fault: str) -> None:
        """'garbage' on every connection, 'wrong_type' in the quotes, 'disconnect', 'silence' of all that are open."""
        if fault not in ("garbage", "wrong_type", "disconnect", "silence"):
            raise ValueError(f"a DIFF server cannot do the fault {fault!r}")
        for session in tuple(self._sessions):
            if fault == "garbage":
                session.send(GARBAGE)
            elif fault == "disconnect":
                session.disconnect()
            elif fault == "silence":
                session.silent = True
            elif session.channel == MARKET_DATA:
                symbol = next(iter(self._contracts))
                patch = f'{{"aid":"rtn_data","data":[{{"quotes":{{"{symbol}":{{"bid_price1":"many"}}}}}}]}}'
                session.send(patch.encode())

    # The sessions' desk

    def joined(self, session: Session) -> None:
        self._sessions.add(session)
        if session.channel == MARKET_DATA:
            session.queue({"account_id": "", "ins_list": "", "mdhis_more_data": False})

    def left(self, session: Session) -> None:
        self._sessions.discard(session)

    def request(self, session: Session, message: dict[str, Any]) -> None:
        """Requests that a venue of ours does not serve (charts, transfers) go unanswered, as at a real one."""
        aid = message["aid"]
        if session.channel == MARKET_DATA:
            if aid == "subscribe_quote":
                self._subscribe(session, message)
        elif aid == "req_login":
            self._login(session, message)
        elif aid in ("insert_order", "cancel_order"):
            if not session.user or message.get("user_id") != session.user:
                raise ValueError(f"{aid}: not logged in as {message.get('user_id')!r:.40}")
            if aid == "insert_order":
                self._insert(session, message)
            else:
                self._entry.cancel(session.user, _order_id(message), "")

    def _welcome(self, request: WSUpgradeRequest) -> Session | None:
        channel = PATHS.get(request.path.decode("ascii", "replace").rstrip("/"))
        return None if channel is None else Session(channel, self)

    def _subscribe(self, session: Session, message: dict[str, Any]) -> None:
        ins_list = message.get("ins_list")
        if not isinstance(ins_list, str):
            raise ValueError("subscribe_quote.ins_list: expected a text, symbols with commas between")
        asked = frozenset(ins_list.split(",")) & self._quotes.keys()
        fresh = asked - session.symbols
        session.symbols = asked
        session.queue({"ins_list": ins_list, "quotes": {symbol: self._quotes[symbol] for symbol in sorted(fresh)}})

    def _login(self, session: Session, message: dict[str, Any]) -> None:
        user, password = message.get("user_name"), message.get("password")
        if not isinstance(user, str) or user not in self._users or self._users[user] != password:
            session.notify("login failed: unknown user or wrong password", "ERROR")
            return
        session.user = user
        day = china_text(self._clock())[:10].replace("-", "")
        session.queue({"trade": {user: {"user_id": user, "session": {"user_id": user, "trading_day": day}}}})
        session.queue({"trade": {user: {"trade_more_data": False, **self._snapshot(user)}}})

    def _insert(self, session: Session, message: dict[str, Any]) -> None:
        key = (session.user, _order_id(message))
        if key in self._used:
            raise ValueError(f"insert_order: order_id {key[1]} was used before")
        self._used.add(key)
        try:
            order = read_order(session.user, message, self._contracts)
        except ValueError as error:
            row = self._refused[session.user][key[1]] = _refused_row(message, str(error))
            self._tell(session.user, {"orders": {key[1]: row}})
            return
        self._entry.submit(order)

    # What is told

    def _quote(self, symbol: str, row: dict[str, Any]) -> None:
        self._quotes[symbol] |= row
        for session in self._sessions:
            if symbol in session.symbols:
                session.queue({"quotes": {symbol: row}})

    def _row(self, report: VenueReport, instrument: Instrument) -> dict[str, Any]:
        """The order's row. It is a state, not a message: a report that comes late does not turn it back."""
        key = report.order.owner, report.order.client_id
        shown = self._shown.get(key)
        if shown is None or progress(report) >= progress(shown):
            shown = self._shown[key] = report
        return order_row(shown, instrument)

    def _tell(self, user: str, change: dict[str, Any]) -> None:
        for session in self._of(user):
            session.queue({"trade": {user: change}})

    def _of(self, user: str) -> list[Session]:
        return [session for session in self._sessions if session.user == user]

    def _snapshot(self, user: str) -> dict[str, Any]:
        orders = {r.order.client_id: order_row(r, self._contracts[r.order.symbol]) for r in self._entry.orders(user)}
        trades = {trade_key(r): trade_row(r, self._contracts[r.order.symbol]) for r in self._entry.trades(user)}
        return {"orders": self._refused[user] | orders, "trades": trades, **self._holdings(user)}

    def _holdings(self, user: str) -> dict[str, Any]:
        account = self._entry.account(user)
        positions = {position.symbol: position_row(position) for position in self._entry.positions(user)}
        return {"positions": positions, "accounts": {account.currency: account_row(account, user)}}


def china_text(ns: int) -> str:
    """The `datetime` of a quote: 2026-11-18 09:00:00.500000, China time."""
    return f"{EPOCH + timedelta(microseconds=ns // 1000) + CHINA:%Y-%m-%d %H:%M:%S.%f}"


def _order_id(message: dict[str, Any]) -> str:
    order_id = message.get("order_id")
    if not isinstance(order_id, str) or not order_id:
        raise ValueError(f"{message['aid']}.order_id: expected a text")
    return order_id


def _refused_row(message: dict[str, Any], why: str) -> dict[str, Any]:
    """An order that could not be read: its own fields, as far as they go, FINISHED and without an exchange's id."""
    volume = message.get("volume")
    lots = volume if isinstance(volume, int) and volume > 0 else 0
    texts = {key: str(message.get(key, "")) for key in ("user_id", "order_id", "exchange_id", "instrument_id")}
    rest = {"direction": str(message.get("direction", "")), "volume_orign": lots, "volume_left": lots}
    return texts | rest | {"exchange_order_id": "", "status": "FINISHED", "last_msg": why}
