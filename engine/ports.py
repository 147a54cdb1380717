"""What the engine asks of the outside, and what the outside may tell the engine.

Adapters implement `Gateway` and call `Inputs`; `engine.loop` is the one `Inputs`. Every call is plain and immediate:
an adapter calls from the event loop's only thread, right after it has parsed a message.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

BUY, SELL = 1, -1

# Offset: what a Chinese exchange wants to know of an order; others ignore it.
OPEN, CLOSE, CLOSE_TODAY = range(3)
OFFSETS = ("OPEN", "CLOSE", "CLOSETODAY")

IOC, FOK, DAY = range(3)
TIMES_IN_FORCE = ("IOC", "FOK", "DAY")

# Channel of a venue and its state. READY: logged in, snapshot taken, may be traded on.
MARKET_DATA, TRADING = range(2)
CHANNELS = ("market data", "trading")
DOWN, CONNECTED, READY = range(3)
LINK_STATES = ("down", "connected", "ready")

# Quote flags: what the venue or the adapter knows of a quote beyond its numbers.
QUOTE_GAP = 1  # updates before this one are missing
QUOTE_CLOSED = 2  # the venue says the contract is not trading
QUOTE_LIMIT_UP = 4  # 涨停: no offers at the upper price limit
QUOTE_LIMIT_DOWN = 8  # 跌停
QUOTE_MERGED = 16  # older quotes of the contract were there too, unread: only this one was taken


# What a venue reports of an order. The order table maps (state, event) to a state.
class Event:
    ACK = 0  # accepted, working
    TRADE = 1  # a fill: last_lots, last_ticks, trade_id
    CANCELLED = 2  # terminal, the rest will not trade (also an expired IOC remainder)
    REJECTED = 3  # terminal, the venue refused the order
    CANCEL_REJECTED = 4  # the cancel was refused; says nothing of the order itself
    DONE = 5  # terminal by a merged or queried state: cum_lots says what traded
    STATUS = 6  # the answer to a query, not terminal: cum_lots, leaves_lots
    UNKNOWN_ORDER = 7  # the answer to a query: the venue has no such order
    SEND_FAILED = 8  # our own: no byte left this machine
    BUST = 9  # a trade was cancelled by the venue
    CORRECT = 10  # a trade was corrected by the venue
    AMENDED = 11  # the venue changed the order's quantity
    COUNT = 12

    NAMES = (
        "ACK", "TRADE", "CANCELLED", "REJECTED", "CANCEL_REJECTED", "DONE", "STATUS", "UNKNOWN_ORDER",
        "SEND_FAILED", "BUST", "CORRECT", "AMENDED",
    )  # fmt: skip


UNKNOWN = -1  # a quantity that the venue did not state


class OrderRequest(msgspec.Struct, gc=False):
    """One order as the gateway needs it. Sizes in lots, prices in ticks; side BUY or SELL."""

    order_no: int
    client_id: str
    instrument: int
    side: int
    offset: int
    lots: int
    limit_ticks: int
    tif: int = IOC


class ExecReport(msgspec.Struct, gc=False, kw_only=True):
    """The venue's statement on one order, in our integers. UNKNOWN (-1) where the venue is silent on a quantity.

    order_no: 0 for an order that is not ours (Foreign). cum_lots: the venue's cumulative traded quantity. last_lots,
    last_ticks and trade_id: of a TRADE, BUST or CORRECT. reason: the venue's text. venue_ns: its stamp, 0 if none.
    total_lots: the order's quantity as the venue states it. venue_order_id: the venue's own id of the order, "" where
    it has none yet; a report that comes under this id alone (order_no 0) finds its order by it.
    """

    venue: int
    order_no: int
    client_id: str
    instrument: int
    event: int
    cum_lots: int = UNKNOWN
    leaves_lots: int = UNKNOWN
    total_lots: int = UNKNOWN
    last_lots: int = 0
    last_ticks: int = 0
    trade_id: str = ""
    venue_order_id: str = ""
    side: int = 0
    reason: str = ""
    venue_ns: int = 0
    recv_ns: int


class AccountReport(msgspec.Struct, gc=False, kw_only=True):
    """A venue's account figures, money in millionths of the account's currency."""

    account: int
    balance_micros: int
    available_micros: int
    margin_micros: int
    recv_ns: int


class PositionReport(msgspec.Struct, gc=False, kw_only=True):
    """A venue's position in one instrument, in lots; a net venue fills long_today or short_today only."""

    instrument: int
    long_today: int = 0
    long_yesterday: int = 0
    short_today: int = 0
    short_yesterday: int = 0
    recv_ns: int


class View(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a Python strategy is shown of its spread: plain numbers, prices in spread currency a base unit.

    blocked: 0; while a spread is blocked nobody is asked. mean, sd, ratio_mean, ratio_sd: of the rolling window, of the
    difference and of the ratio. buy_units, sell_units: what the market shows. position_units: bought minus sold.
    cost: of a round trip, fees included.
    """

    diff: float
    buy: float
    sell: float
    ratio: float
    ratio_buy: float
    ratio_sell: float
    mean: float
    sd: float
    ratio_mean: float
    ratio_sd: float
    samples: int
    buy_units: int
    sell_units: int
    cost: float
    position_units: int
    clip_units: int
    max_units: int
    blocked: int
    now_ns: int


class Wish(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a Python strategy wants: side BUY or SELL the spread, purpose "entry" or "exit", so many units at most.

    signal, center, threshold: what it saw, in the difference's unit; the gate asks an entry to earn the strategy's
    min_edge from the executable price to the center, after costs.
    """

    side: int
    purpose: str
    units: int
    signal: float
    center: float
    threshold: float


class PythonStrategy(Protocol):
    """A strategy in plain Python: a function of what it is shown and of its parameters alone, or replay will differ."""

    def __call__(self, view: View, parameters: Mapping[str, float]) -> Wish | None: ...


class Inputs(Protocol):
    """All that may be told to the engine. Each call is journalled before it has any effect."""

    def on_quote(
        self, instrument: int, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int,
        venue_ns: int, recv_ns: int, venue_seq: int, flags: int,
    ) -> None:  # fmt: skip
        """A best quote; a side without a price has lots 0. venue_seq 0: the venue does not number its updates."""

    def on_stream(self, lane: int, recv_ns: int, waiting: int | None = None) -> None:
        """Quotes as a venue's bytes, in a lane at this address: the compiled half takes what is plain of them, each
        as `on_quote` would; what is left in the lane is for its session. waiting: what a poll's `take` has answered."""

    def on_report(self, report: ExecReport) -> None: ...

    def on_link(self, venue: int, channel: int, state: int, recv_ns: int, why: str) -> None:
        """The state of a venue's channel changed: MARKET_DATA or TRADING; DOWN, CONNECTED or READY."""

    def on_heard(self, venue: int, channel: int, recv_ns: int) -> None:
        """The link gave a sign of life (a heartbeat): silence is not the same as a quiet quote. Not journalled."""

    def on_account(self, report: AccountReport) -> None: ...

    def on_position(self, report: PositionReport) -> None: ...

    def on_band(self, instrument: int, lower_ticks: int, upper_ticks: int, recv_ns: int) -> None:
        """The price limits (涨跌停) of the day, UNSET (`engine.schema`) for one that is not told.

        Told with every quote, before it: the engine journals what is new, and forgets it when the trading day ends.
        """

    def on_bad_input(self, venue: int, what: str, raw: bytes, recv_ns: int) -> None:
        """A message that could not be understood: what was expected and where; the engine counts, journals, goes on."""


# What became of a write.
WRITTEN, QUEUED, FAILED = range(3)


class Gateway(Protocol):
    """One venue's trading side. `encode_*` makes the frame, `write` puts it on the wire in the same turn.

    A frame that was encoded must be written next, before another is encoded for the same gateway (FIX numbers them).
    write: WRITTEN, all bytes are with the kernel; QUEUED, some wait in the out-buffer; FAILED, none left (no link).
    """

    def encode_order(self, order: OrderRequest, now_ns: int) -> bytes: ...

    def encode_cancel(self, order: OrderRequest, cancel_id: str, now_ns: int) -> bytes:
        """A cancel of `order`; cancel_id is a fresh client id for protocols that want one."""

    def encode_query(self, order: OrderRequest, query_id: str, now_ns: int) -> bytes:
        """A question for the order's state, by client id; the answer comes as an ExecReport."""

    def write(self, frame: bytes) -> int: ...


class FastGateway(Gateway, Protocol):
    """A gateway whose orders' bytes the compiled half can make (`engine.frames`)."""

    def furnish(self, board, protocol: int) -> None:
        """Fill its rows of the board; from then on orders come by `put`."""

    def put(self, frame: memoryview, number: int) -> int:
        """Write an order's frame, as `write`. number: the session's number in it, 0 where there is none.

        Nothing is remembered of it before `noted`, which follows when all legs have left. The memory is used again.
        """

    def go_on(self, frame: memoryview, sent: int) -> int:
        """Write the rest of a frame of which compiled code has sent so many bytes; as `write`."""

    def noted(self, order: OrderRequest, number: int, status: int, now_ns: int) -> None:
        """What `put` has written, and with what result."""


class HotSocket(Protocol):
    """A socket of a venue that a busy poll may look at."""

    def fileno(self) -> int: ...

    def lane(self) -> int:
        """Address of the lane that its bytes may go to now, 0 where they may not."""

    def read(self) -> None:
        """Read what it holds, without blocking."""

    def taken(self, recv_ns: int, waiting: int) -> None:
        """A poll has read bytes into the lane and taken what it could: go on from `Hot.poll`'s answer."""


class Adapter(Gateway, Protocol):
    """A venue as the wiring sees it: its life, and `poll` for the busy mode."""

    async def start(self) -> None:
        """Connect and keep connected (reconnect with back-off) until stop. Returns at once."""

    async def stop(self) -> None:
        """Log out, close the sockets; no callback comes after it."""

    def hot(self) -> list[HotSocket]:
        """The sockets to be polled in busy mode, as they are now; none where the event loop owns them."""
