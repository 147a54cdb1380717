"""vnpy with its spread engine and its risk manager, its events in its own thread or in the caller's: a process.

The spread, the standing algorithm at a price and the strategy that sets it up again after each deal are what vnpy's own
basic spread strategy does; only the algorithm sends all legs at once, as IOC (its FAK), where vnpy's own sends the
passive one when the active one has traded. That and no event of the strategy for a window make its figures lower.
"""

import sys
import threading
import time
from datetime import datetime

import inside
from inside import AU, BUY, GC, LOTS, SELL, Quote, answered, demand
from vnpy_parts import Still, compiled, widen

# isort: split
from vnpy.event import EVENT_TIMER, Event, EventEngine
from vnpy.trader.constant import Direction, Exchange, OrderType, Product, Status
from vnpy.trader.engine import MainEngine
from vnpy.trader.event import EVENT_TICK
from vnpy.trader.gateway import BaseGateway
from vnpy.trader.object import ContractData, OrderData, OrderRequest, TickData, TradeData
from vnpy_riskmanager import RiskManagerApp
from vnpy_spreadtrading import SpreadStrategyTemplate, SpreadTradingApp
from vnpy_spreadtrading.algo import SpreadTakerAlgo

_NAMES = (("au2702", Exchange.SHFE), ("GCG7", Exchange.COMEX), ("USDCNH", Exchange.OTC))
_SYMBOLS = tuple(f"{symbol}.{exchange.value}" for symbol, exchange in _NAMES)
_SIZES = (1000, 100, 100_000)
_LEGS = (("A", 1, LOTS[AU]), ("B", -1, -LOTS[GC]), ("C", -1, 0))  # its letter, direction and lots a unit
_DIRECTIONS = {Direction.LONG: BUY, Direction.SHORT: SELL}
_GATEWAY, _MARK, _PATIENCE_S = "MOCK", "eMark", 30


class Moment:
    """When what is waited for was done, ns, and who waits for it in another thread."""

    def __init__(self) -> None:
        self.at_ns, self.moves = 0, False
        self._lock = threading.Lock()
        self._lock.acquire()

    def done(self) -> None:
        self.at_ns = time.perf_counter_ns()
        self._lock.release()

    def wait(self) -> None:
        demand(self._lock.acquire(timeout=_PATIENCE_S), f"an answer to a quote in {_PATIENCE_S} s")


MOMENT = Moment()


class Both(SpreadTakerAlgo):
    """Takes all legs at once where its price is there."""

    algo_name = "Both"

    def take_active_leg(self) -> None:
        for symbol in _SYMBOLS[: len(LOTS)]:
            self.send_leg_order(symbol, self.spread.calculate_leg_volume(symbol, self.target))

    def send_order(self, vt_symbol: str, price: float, volume: float, direction: Direction, fak: bool = True) -> None:
        super().send_order(vt_symbol, price, volume, direction, fak=True)

    def on_order(self, order: OrderData) -> None:
        """No leg is sent behind another."""


class Standing(SpreadStrategyTemplate):
    """One algorithm stands: to go in where nothing is held, to come out where something is."""

    def on_spread_data(self) -> None:
        if self.algoids:
            return
        if self.get_spread_pos():
            self.start_long_algo(inside.CENTER + inside.EXIT, 1, inside.SLIPPAGE_TICKS, 1000)
        else:
            self.start_short_algo(inside.CENTER + inside.ENTRY, 1, inside.SLIPPAGE_TICKS, 1000)

    def on_init(self) -> None: ...
    def on_start(self) -> None: ...
    def on_stop(self) -> None: ...
    def on_spread_tick(self, tick: TickData) -> None: ...
    def on_spread_bar(self, bar: object) -> None: ...
    def on_spread_pos(self) -> None: ...
    def on_spread_algo(self, algo: object) -> None: ...


class Mock(BaseGateway):
    """Both markets: takes orders, and fills them when it is told to."""

    default_name = _GATEWAY
    exchanges = [exchange for _, exchange in _NAMES]

    def __init__(self, event_engine: EventEngine, gateway_name: str) -> None:
        super().__init__(event_engine, gateway_name)
        self.orders: list[list[int]] = []
        self._waiting: list[OrderData] = []
        self._count = 0

    def connect(self, setting: dict) -> None:
        for at, (symbol, exchange) in enumerate(_NAMES):
            self.on_contract(
                ContractData(
                    symbol=symbol, exchange=exchange, name=symbol, product=Product.FUTURES, size=_SIZES[at],
                    pricetick=inside.TICKS[at], max_volume=500, net_position=at != AU, gateway_name=self.gateway_name,
                )
            )  # fmt: skip

    def send_order(self, req: OrderRequest) -> str:
        """Stamped where the second one would go out; what follows is what vnpy asks of a gateway."""
        if len(self._waiting) == len(LOTS) - 1:
            MOMENT.done()
        self._count += 1
        order = req.create_order_data(str(self._count), self.gateway_name)
        order.status = Status.SUBMITTING
        self._waiting.append(order)
        self.on_order(order)
        return order.vt_orderid

    def answer(self) -> None:
        """Both orders are accepted and filled at their limits."""
        demand(len(self._waiting) == len(LOTS), f"both orders at the gateway, found {len(self._waiting)}")
        for order in self._waiting:
            self.on_order(self._moved(order, Status.NOTTRADED, 0))
            self.on_order(self._moved(order, Status.ALLTRADED, order.volume))
            self.on_trade(
                TradeData(
                    symbol=order.symbol, exchange=order.exchange, orderid=order.orderid, tradeid=order.orderid,
                    direction=order.direction, offset=order.offset, price=order.price, volume=order.volume,
                    datetime=datetime.now(), gateway_name=self.gateway_name,
                )
            )  # fmt: skip
            self.orders.append(_as_sent(order))
        self._waiting.clear()

    def _moved(self, order: OrderData, status: Status, traded: float) -> OrderData:
        return OrderData(
            symbol=order.symbol, exchange=order.exchange, orderid=order.orderid, type=order.type,
            direction=order.direction, offset=order.offset, price=order.price, volume=order.volume, traded=traded,
            status=status, datetime=order.datetime, reference=order.reference, gateway_name=self.gateway_name,
        )  # fmt: skip

    def handed_over(self) -> list[list[int]]:
        """The orders since it was asked last."""
        orders, self.orders = self.orders, []
        return orders

    def close(self) -> None: ...
    def subscribe(self, req: object) -> None: ...
    def cancel_order(self, req: object) -> None: ...
    def query_account(self) -> None: ...
    def query_position(self) -> None: ...


def _as_sent(order: OrderData) -> list[int]:
    """As our side compares it; refused where it is no limit order for at once."""
    demand(order.type == OrderType.FAK, f"an IOC, found {order}")
    at = _SYMBOLS.index(order.vt_symbol)
    return [at, _DIRECTIONS[order.direction], inside.ticks(at, order.price), int(order.volume)]


class Engines:
    """All of it, started. threaded: with vnpy's two threads, as it runs live."""

    def __init__(self, threaded: bool) -> None:
        self.threaded = threaded
        self._events = EventEngine() if threaded else Still()
        self.main = MainEngine(self._events)
        self._events.register(_MARK, lambda event: event.data.set())
        self.gateway = self.main.add_gateway(Mock)
        self.risk = self.main.add_app(RiskManagerApp)
        for rule in self.risk.rules.values():
            widen(rule)
        self.gateway.connect({})
        self._settle()
        self.spreads = self.main.add_app(SpreadTradingApp)
        self._spread()
        self._events.register(EVENT_TICK, self._seen)  # behind every other handler
        self._settle()

    def _seen(self, event: Event) -> None:
        if not MOMENT.moves:
            MOMENT.done()

    def _spread(self) -> None:
        engine = self.spreads
        engine.algo_engine.algo_class = Both
        engine.strategy_engine.classes[Standing.__name__] = Standing
        engine.start()
        legs = [
            {"variable": variable, "vt_symbol": symbol, "trading_direction": side, "trading_multiplier": lots}
            for symbol, (variable, side, lots) in zip(_SYMBOLS, _LEGS, strict=True)
        ]
        engine.add_spread("AU_GC", legs, f"A-B*C/{inside.GRAMS_AN_OUNCE}", _SYMBOLS[AU], 1, save=False)
        engine.add_strategy(Standing.__name__, "gold", "AU_GC", {})
        engine.init_strategy("gold").result(_PATIENCE_S)
        engine.start_strategy("gold")
        self._strategy = engine.strategy_engine.strategies["gold"]

    def _settle(self) -> None:
        """Until no event waits."""
        if not self.threaded:
            self._events.drain()
            return
        while True:
            reached = threading.Event()
            self._events.put(Event(_MARK, reached))
            demand(reached.wait(_PATIENCE_S), "events handled")
            if self._events._queue.empty():
                return

    def play(self, quotes: list[Quote]) -> dict:
        both_ns, idle_ns = [], []
        for quote in quotes:
            found = self._threaded(quote) if self.threaded else self._inline(quote)
            (both_ns if quote[5] else idle_ns).append(found)
            if quote[5]:
                self.gateway.answer()
                self._settle()
                demand(self._strategy.trading and not self._strategy.algoids, "a deal that is done")
        if not self.threaded:
            self._events.put(Event(EVENT_TIMER))
            self._settle()
        return answered(both_ns, idle_ns, self.gateway.handed_over(), quotes)

    def _threaded(self, quote: Quote) -> int:
        """ns until the second order, or until the last handler of the quote has looked at it."""
        tick, timer = _tick(quote), time.perf_counter_ns
        MOMENT.moves = bool(quote[5])
        began_ns = timer()
        self.gateway.on_tick(tick)
        MOMENT.wait()
        ended_ns = MOMENT.at_ns
        self._settle()
        return ended_ns - began_ns

    def _inline(self, quote: Quote) -> int:
        """ns until the second order, or until all that the quote caused is handled."""
        tick, timer = _tick(quote), time.perf_counter_ns
        MOMENT.moves = bool(quote[5])
        began_ns = timer()
        self.gateway.on_tick(tick)
        self._events.drain()
        ended_ns = timer()
        MOMENT.wait()
        return (MOMENT.at_ns if quote[5] else ended_ns) - began_ns


def _tick(quote: Quote) -> TickData:
    at, bid_ticks, bid_lots, ask_ticks, ask_lots, _ = quote
    symbol, exchange = _NAMES[at]
    bid, ask = inside.price(at, bid_ticks), inside.price(at, ask_ticks)
    return TickData(
        symbol=symbol, exchange=exchange, datetime=datetime.now(), last_price=bid, bid_price_1=bid,
        bid_volume_1=bid_lots, ask_price_1=ask, ask_volume_1=ask_lots, gateway_name=_GATEWAY,
    )  # fmt: skip


if __name__ == "__main__":
    engines = Engines(threaded=sys.argv[1] == "threaded")
    try:
        rules = engines.risk.rules.values()
        demand(len(rules) == 5 and all(rule.active for rule in rules), "five rules, all on")
        inside.hello(
            ("vnpy", "vnpy_spreadtrading", "vnpy_riskmanager"), log="off", events=sys.argv[1],
            rules=f"{len(rules)}, compiled {sum(compiled(rule) for rule in rules)}",
        )  # fmt: skip
        inside.serve(engines.play)
    finally:
        engines.main.close()
