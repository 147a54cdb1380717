"""What a protocol's server and a matching engine say to each other: the venue's side of the wire.

`adapters.sim` matches and is handed a `VenueServer`; the protocol folders (`fix44`, `diff`) implement one each.
Prices are ticks and sizes lots of the venue's own `Contract` list, indexed by symbol.
"""

from typing import Protocol

import msgspec

from engine.instruments import Instrument


class NewOrder(msgspec.Struct, gc=False, kw_only=True):
    """An order as it reached the venue. owner: the session or user it came by. limit_ticks None: a market order."""

    owner: str
    client_id: str
    symbol: str
    side: int
    offset: int
    lots: int
    limit_ticks: int | None
    tif: int


class VenueReport(msgspec.Struct, gc=False, kw_only=True):
    """The venue's statement on one order, for the server to put into its protocol.

    event: `engine.ports.Event`. order: as entered. venue_id: the exchange's order id, empty where it never got one.
    cum_lots, leaves_lots: after this event. last_*: of a TRADE. cancel_id: the cancel that this answers, if any.
    query_id: the query that this answers, if any.
    """

    event: int
    order: NewOrder
    venue_id: str = ""
    cum_lots: int = 0
    leaves_lots: int = 0
    last_lots: int = 0
    last_ticks: int = 0
    trade_id: str = ""
    reason: str = ""
    cancel_id: str = ""
    query_id: str = ""
    venue_ns: int = 0


class VenuePosition(msgspec.Struct, gc=False, kw_only=True):
    """A user's position in a contract, in lots."""

    symbol: str
    long_today: int = 0
    long_yesterday: int = 0
    short_today: int = 0
    short_yesterday: int = 0


class VenueAccount(msgspec.Struct, gc=False, kw_only=True):
    """A user's money, in millionths of the currency. balance = static + profit; available = balance - margin."""

    currency: str
    balance_micros: int
    available_micros: int
    margin_micros: int
    pre_balance_micros: int = 0
    close_profit_micros: int = 0
    position_profit_micros: int = 0
    commission_micros: int = 0


class OrderEntry(Protocol):
    """What the server calls when a client speaks; `adapters.sim` implements it. Answers come through `report`."""

    def submit(self, order: NewOrder) -> None: ...

    def cancel(self, owner: str, client_id: str, cancel_id: str) -> None: ...

    def query(self, owner: str, client_id: str, query_id: str) -> None: ...

    def orders(self, owner: str) -> list[VenueReport]:
        """The last statement on every order of this owner today (a snapshot after login)."""

    def trades(self, owner: str) -> list[VenueReport]:
        """Every trade of this owner today."""

    def positions(self, owner: str) -> list[VenuePosition]: ...

    def account(self, owner: str) -> VenueAccount: ...


class VenueServer(Protocol):
    """A protocol's server. Bad input of a client is answered as the protocol says, and never stops the server."""

    async def start(self, entry: OrderEntry) -> int:
        """Listen; the port (useful where 0 was asked for)."""

    async def stop(self) -> None: ...

    def publish(
        self, symbol: str, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int, venue_ns: int, flags: int
    ) -> None:
        """A new best quote for whoever subscribed. flags: `engine.ports.QUOTE_*`."""

    def report(self, report: VenueReport) -> None:
        """Tell the order's owner; a report for a client that is away is kept, or is in the next snapshot."""

    def inject(self, fault: str) -> None:
        """A fault on the wire itself: 'garbage' (bytes that are no message), 'bad_checksum', 'wrong_type',
        'disconnect', 'silence' (stop sending heartbeats)... A server raises ValueError for one that it cannot do."""


Contracts = dict[str, Instrument]  # symbol -> instrument, as the venue's config lists them
