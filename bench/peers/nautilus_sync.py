"""nautilus_trader's plain engines on a message bus, each call on the caller's stack: a process of its own."""

import time

from inside import AU, GC, Quote, answered, demand, hello, serve
from nautilus_parts import CURRENCIES, RATE, VENUES, Spread, Venue, balance, instruments, quote_tick
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.data.client import MarketDataClient
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.execution.engine import ExecutionEngine
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import AccountId, ClientId, TraderId
from nautilus_trader.model.identifiers import Venue as VenueId
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.risk.config import RiskEngineConfig
from nautilus_trader.risk.engine import RiskEngine


class Quotes(MarketDataClient):
    """Takes subscriptions, and is handed quotes."""

    def subscribe_quote_ticks(self, command: object) -> None:
        self._add_subscription_quote_ticks(command.instrument_id)


class Orders(ExecutionClient):
    """One venue's client."""

    def __init__(self, at: int, venue: Venue, parts: dict) -> None:
        name = VENUES[at]
        super().__init__(
            client_id=ClientId(name), venue=VenueId(name), oms_type=OmsType.NETTING, account_type=AccountType.MARGIN,
            base_currency=CURRENCIES[at], **parts,
        )  # fmt: skip
        self._at, self._desk = at, venue
        self._set_account_id(AccountId(f"{name}-001"))

    def tell_account(self) -> None:
        self.generate_account_state(balance(self._at), [], True, time.time_ns())

    def submit_order(self, command: object) -> None:
        self._desk.take(self, command)


class Engines:
    """All of it, started."""

    def __init__(self) -> None:
        trader, clock = TraderId("PEER-001"), LiveClock()
        bus, cache = MessageBus(trader, clock), Cache()
        parts = {"msgbus": bus, "cache": cache, "clock": clock}
        portfolio = Portfolio(**parts)
        self._data = DataEngine(**parts)
        risk = RiskEngine(portfolio, **parts, config=RiskEngineConfig(max_order_submit_rate=RATE))
        orders = ExecutionEngine(**parts)
        for instrument in instruments():
            cache.add_instrument(instrument)
        self.venue = Venue(self._second)
        self._quotes = Quotes(ClientId("QUOTES"), **parts)
        self._data.register_default_client(self._quotes)
        clients = [Orders(at, self.venue, parts) for at in (AU, GC)]
        self.strategy = Spread(lambda: None)
        self.strategy.register(trader, portfolio, **parts)
        for client in clients:
            orders.register_client(client)
        for part in (self._data, risk, orders, self._quotes, *clients):
            part.start()
        for client in clients:
            client.tell_account()
        portfolio.initialize_orders()
        portfolio.initialize_positions()
        self.strategy.start()
        self._second_ns = 0

    def _second(self, at_ns: int) -> None:
        self._second_ns = at_ns

    def play(self, quotes: list[Quote]) -> dict:
        timer, process = time.perf_counter_ns, self._quotes._handle_data
        both_ns, idle_ns = [], []
        for quote in quotes:
            tick = quote_tick(quote)
            began_ns = timer()
            process(tick)
            ended_ns = timer()
            if quote[5]:
                both_ns.append(self._second_ns - began_ns)
                self.venue.answer()
                demand(self.strategy.waits == 0, "both orders filled")
            else:
                idle_ns.append(ended_ns - began_ns)
        return answered(both_ns, idle_ns, self.venue.handed_over(), quotes)


if __name__ == "__main__":
    engines = Engines()
    hello(("nautilus_trader",), log="not set up", account="margin")
    serve(engines.play)
