"""nautilus_trader's instruments, strategy and venue for the bench of peers: what its live and its plain engines share.

The strategy is written as its documentation shows: quotes in `on_quote_tick`, orders by the order factory, its state
moved by order events. It decides on the difference of mids against a fixed center, as ours does, and remembers only
what it must. The venue stamps when an order is handed to its execution client, and answers when it is told to.
"""

import time
from collections.abc import Callable
from decimal import Decimal

import inside
from inside import AU, BUY, FX, GC, LOTS, SELL, TICKS, Quote, demand
from nautilus_trader.model.currencies import CNY, USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AssetClass, LiquiditySide, OrderSide, OrderType, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, VenueOrderId
from nautilus_trader.model.instruments import CurrencyPair, FuturesContract
from nautilus_trader.model.objects import AccountBalance, Currency, Money, Price, Quantity
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

IDS = tuple(InstrumentId.from_str(name) for name in ("au2702.SHFE", "GCG7.COMEX", "USDCNH.FX"))
VENUES = {AU: "SHFE", GC: "COMEX"}
CURRENCIES = {AU: CNY, GC: USD}
RATE = "1000000/00:00:01"  # orders that its risk engine lets pass in a second
_SIDES = {BUY: OrderSide.BUY, SELL: OrderSide.SELL}
_YEAR_NS = 365 * 86_400 * 10**9


def instruments() -> list:
    """The three contracts, by index."""
    now_ns = time.time_ns()
    return [
        _future(AU, "0.02", 2, "1000", now_ns), _future(GC, "0.1", 1, "100", now_ns),
        CurrencyPair(
            instrument_id=IDS[FX], raw_symbol=Symbol("USDCNH"), base_currency=USD,
            quote_currency=Currency.from_str("CNH"), price_precision=4, size_precision=0,
            price_increment=Price.from_str("0.0001"), size_increment=Quantity.from_int(1), ts_event=now_ns,
            ts_init=now_ns,
        ),
    ]  # fmt: skip


def _future(at: int, tick: str, precision: int, multiplier: str, now_ns: int) -> FuturesContract:
    return FuturesContract(
        instrument_id=IDS[at], raw_symbol=Symbol(IDS[at].symbol.value), asset_class=AssetClass.COMMODITY,
        currency=CURRENCIES[at], price_precision=precision, price_increment=Price.from_str(tick),
        multiplier=Quantity.from_str(multiplier), lot_size=Quantity.from_int(1), underlying="GOLD",
        activation_ns=now_ns - _YEAR_NS, expiration_ns=now_ns + _YEAR_NS, ts_event=now_ns, ts_init=now_ns,
        margin_init=Decimal("0.1"), margin_maint=Decimal("0.1"),
    )  # fmt: skip


class Spread(Strategy):
    """In at center plus entry, out at center plus exit, both legs at once. handled: called after each quote."""

    def __init__(self, handled: Callable[[], None]) -> None:
        super().__init__(StrategyConfig(strategy_id="SPREAD-001"))
        self._handled = handled
        self._mids: dict[InstrumentId, float] = {}
        self._held = False
        self.waits = 0  # orders that are not filled yet

    def on_start(self) -> None:
        self._legs = {at: self.cache.instrument(IDS[at]) for at in LOTS}
        self._lots = {at: Quantity.from_int(lots) for at, lots in LOTS.items()}
        self._beyond = {at: Price(inside.SLIPPAGE_TICKS * TICKS[at], inside.DIGITS[at]) for at in LOTS}
        for instrument_id in IDS:
            self.subscribe_quote_ticks(instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self._mids[tick.instrument_id] = (tick.bid_price.as_double() + tick.ask_price.as_double()) * 0.5
        if len(self._mids) == len(IDS) and not self.waits:
            self._look()
        self._handled()

    def _look(self) -> None:
        mids = self._mids
        away = mids[IDS[AU]] - mids[IDS[GC]] * mids[IDS[FX]] / inside.GRAMS_AN_OUNCE - inside.CENTER
        if not self._held and away > inside.ENTRY:
            self._trade(SELL)
        elif self._held and away < inside.EXIT:
            self._trade(BUY)

    def _trade(self, side: int) -> None:
        """The spread's side: the Chinese leg with it, the other one against it."""
        self.waits = len(LOTS)
        self._order(AU, side)
        self._order(GC, -side)

    def _order(self, at: int, side: int) -> None:
        quote = self.cache.quote_tick(IDS[at])
        limit = quote.ask_price + self._beyond[at] if side > 0 else quote.bid_price - self._beyond[at]
        self.submit_order(
            self.order_factory.limit(
                instrument_id=IDS[at], order_side=_SIDES[side], quantity=self._lots[at],
                price=self._legs[at].make_price(limit), time_in_force=TimeInForce.IOC,
            )
        )  # fmt: skip

    def on_order_filled(self, event: object) -> None:
        self.waits -= 1
        if not self.waits:
            self._held = not self._held


class Venue:
    """What the execution clients of both venues share. second: called once both orders of a decision are there."""

    def __init__(self, second: Callable[[int], None]) -> None:
        self.orders: list[list[int]] = []
        self._second = second
        self._waiting: list[tuple] = []
        self._count = 0

    def take(self, client: object, command: object) -> None:
        """An order at its client; stamped first, then told to be submitted, as its adapters do."""
        at_ns = time.perf_counter_ns()
        order = command.order
        client.generate_order_submitted(order.strategy_id, order.instrument_id, order.client_order_id, time.time_ns())
        self._waiting.append((client, order))
        if len(self._waiting) == len(LOTS):
            self._second(at_ns)

    def answer(self) -> None:
        """Both orders are accepted and filled at their limits."""
        demand(len(self._waiting) == len(LOTS), f"both orders at the venues, found {len(self._waiting)}")
        for client, order in self._waiting:
            self._count += 1
            now_ns, number = time.time_ns(), VenueOrderId(str(self._count))
            names = order.strategy_id, order.instrument_id, order.client_order_id, number
            currency = CURRENCIES[IDS.index(order.instrument_id)]
            client.generate_order_accepted(*names, now_ns)
            client.generate_order_filled(
                *names, None, TradeId(str(self._count)), order.side, OrderType.LIMIT, order.quantity, order.price,
                currency, Money(0, currency), LiquiditySide.TAKER, now_ns,
            )  # fmt: skip
            self.orders.append(_as_sent(order))
        self._waiting.clear()

    def handed_over(self) -> list[list[int]]:
        """The orders since it was asked last."""
        orders, self.orders = self.orders, []
        return orders


def _as_sent(order: object) -> list[int]:
    """As our side compares it; refused where it is no limit order for at once."""
    kind = order.order_type, order.time_in_force
    demand(kind == (OrderType.LIMIT, TimeInForce.IOC), f"a limit IOC, found {order}")
    at = IDS.index(order.instrument_id)
    side = BUY if order.side == OrderSide.BUY else SELL
    return [at, side, inside.ticks(at, order.price.as_double()), int(order.quantity)]


def balance(at: int) -> list[AccountBalance]:
    money = Money(1_000_000_000, CURRENCIES[at])
    return [AccountBalance(total=money, locked=Money(0, CURRENCIES[at]), free=money)]


def quote_tick(quote: Quote) -> QuoteTick:
    """The object that an adapter makes of a quote."""
    at, bid_ticks, bid_lots, ask_ticks, ask_lots, _ = quote
    now_ns, precision = time.time_ns(), inside.DIGITS[at]
    return QuoteTick(
        IDS[at], Price(bid_ticks * TICKS[at], precision), Price(ask_ticks * TICKS[at], precision),
        Quantity.from_int(bid_lots), Quantity.from_int(ask_lots), now_ns, now_ns,
    )  # fmt: skip
