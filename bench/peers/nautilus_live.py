"""nautilus_trader's live node, engines with their queues on its event loop: a process of its own."""

import asyncio
import os
import sys
import time

from inside import AU, GC, Quote, answered, asked, demand, garbage, hello, say
from nautilus_parts import CURRENCIES, RATE, VENUES, Spread, Venue, balance, instruments, quote_tick
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import LoggingConfig, RoutingConfig, TradingNodeConfig
from nautilus_trader.live.config import LiveDataClientConfig, LiveExecClientConfig, LiveRiskEngineConfig
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import AccountId, ClientId
from nautilus_trader.model.identifiers import Venue as VenueId

_PATIENCE_S = 30
_CLIENTS: dict[str, object] = {}
_DESK: list[Venue] = []


class Quotes(LiveMarketDataClient):
    """Takes subscriptions, and is handed quotes."""

    async def _connect(self) -> None: ...
    async def _disconnect(self) -> None: ...
    async def _subscribe_quote_ticks(self, command: object) -> None: ...


class Orders(LiveExecutionClient):
    """One venue's client: nothing is open there at the start."""

    async def _connect(self) -> None:
        name = self.id.value
        self._set_account_id(AccountId(f"{name}-001"))
        at = AU if name == VENUES[AU] else GC
        self.generate_account_state(balance(at), [], True, time.time_ns())

    async def _disconnect(self) -> None: ...

    async def generate_order_status_reports(self, command: object) -> list:
        return []

    async def generate_fill_reports(self, command: object) -> list:
        return []

    async def generate_position_status_reports(self, command: object) -> list:
        return []

    async def _submit_order(self, command: object) -> None:
        _DESK[0].take(self, command)


class QuotesFactory(LiveDataClientFactory):
    @staticmethod
    def create(loop, name, config, msgbus, cache, clock) -> Quotes:
        _CLIENTS[name] = Quotes(
            loop=loop, client_id=ClientId(name), venue=None, msgbus=msgbus, cache=cache, clock=clock,
            instrument_provider=InstrumentProvider(),
        )  # fmt: skip
        return _CLIENTS[name]


class OrdersFactory(LiveExecClientFactory):
    @staticmethod
    def create(loop, name, config, msgbus, cache, clock) -> Orders:
        at = AU if name == VENUES[AU] else GC
        return Orders(
            loop=loop, client_id=ClientId(name), venue=VenueId(name), oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN, base_currency=CURRENCIES[at], instrument_provider=InstrumentProvider(),
            msgbus=msgbus, cache=cache, clock=clock,
        )  # fmt: skip


def built(strategy: Spread) -> TradingNode:
    """A node as its documentation sets one up: its defaults, but for the log and how many orders a second may pass."""
    names = list(VENUES.values())
    config = TradingNodeConfig(
        trader_id="PEER-001", logging=LoggingConfig(log_level="OFF", print_config=False),
        risk_engine=LiveRiskEngineConfig(max_order_submit_rate=RATE),
        data_clients={"QUOTES": LiveDataClientConfig(routing=RoutingConfig(default=True))},
        exec_clients={name: LiveExecClientConfig() for name in names},
    )  # fmt: skip
    node = TradingNode(config=config)
    node.add_data_client_factory("QUOTES", QuotesFactory)
    for name in names:
        node.add_exec_client_factory(name, OrdersFactory)
    for instrument in instruments():
        node.kernel.cache.add_instrument(instrument)
    node.trader.add_strategy(strategy)
    node.build()
    return node


class Turns:
    """Quotes one after the other; the next one when all that the last one caused is done."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.venue = Venue(self._second)
        self.strategy = Spread(self._handled)
        self._moves = False
        self._done: asyncio.Future = loop.create_future()
        _DESK.append(self.venue)
        self.node = built(self.strategy)

    def _handled(self) -> None:
        if not self._moves and not self._done.done():
            self._done.set_result(time.perf_counter_ns())

    def _second(self, at_ns: int) -> None:
        self._done.set_result(at_ns)

    async def play(self, quotes: list[Quote]) -> dict:
        both_ns, idle_ns = [], []
        watch = self._loop.call_later(_PATIENCE_S, self._give_up)
        timer, handle = time.perf_counter_ns, _CLIENTS["QUOTES"]._handle_data
        for quote in quotes:
            tick = quote_tick(quote)
            self._moves = bool(quote[5])
            done = self._done = self._loop.create_future()
            began_ns = timer()
            handle(tick)
            ended_ns = await done
            (both_ns if self._moves else idle_ns).append(ended_ns - began_ns)
            if self._moves:
                self.venue.answer()
                await self._settled()
                demand(self.strategy.waits == 0, "both orders filled")
        watch.cancel()
        return answered(both_ns, idle_ns, self.venue.handed_over(), quotes)

    async def _settled(self) -> None:
        """Until no event waits in a queue, and the tasks of the last ones have run."""
        orders, risk = self.node.kernel.exec_engine, self.node.kernel.risk_engine
        while orders.evt_qsize() or orders.cmd_qsize() or risk.evt_qsize() or risk.cmd_qsize():
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _give_up(self) -> None:
        if not self._done.done():
            self._done.set_exception(TimeoutError(f"no answer to a quote in {_PATIENCE_S} s"))

    async def ready(self) -> asyncio.Task:
        """The node's task, once the strategy runs."""
        task = self._loop.create_task(self.node.run_async())
        until_s = time.monotonic() + _PATIENCE_S
        while not self.strategy.is_running:
            demand(time.monotonic() < until_s and not task.done(), "a node that runs")
            await asyncio.sleep(0.05)
        return task


async def run() -> None:
    loop = asyncio.get_running_loop()
    turns = Turns(loop)
    node = await turns.ready()
    hello(("nautilus_trader", "uvloop"), log="off", account="margin", loop=type(loop).__module__)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        quotes, collect = asked(line)
        with garbage(collect):
            found = await turns.play(quotes)
        demand(not node.done(), "a node that still runs")
        say(found)
    os._exit(0)  # a node that stops waits for what it might still hear; nothing is kept here


if __name__ == "__main__":
    asyncio.run(run())
