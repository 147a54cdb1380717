"""vnpy's risk manager, asked about two orders: a process of .venv-peers that imports nothing of ours.

It says once, as a line of JSON, what it is: versions, the rules, and those that were shown to refuse an order beyond
their limit. Then each line "round N" on stdin is answered with a line of JSON: N times in ns of a pair of orders
through the rules alone (RiskEngine.check_allowed), N through the patched send_order, N of the timer itself, and how
many orders passed. It ends, with a reason on stderr, where an order came out wrong.

vnpy's own code is used as it is installed. What is kept away from the times: its event thread (the events of a pair
are handled behind it, by the same handlers), its log's output, building the requests, a venue.
"""

import gc
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

from inside import demand, say
from vnpy_parts import Still, compiled, widen

# isort: split
from vnpy.trader.constant import Direction, Exchange, Offset, OrderType, Product
from vnpy.trader.engine import MainEngine
from vnpy.trader.gateway import BaseGateway
from vnpy.trader.object import ContractData, OrderRequest
from vnpy_riskmanager import RiskEngine, RiskManagerApp

_GATEWAY = "COUNTING"
_AU = OrderRequest("au2612", Exchange.SHFE, Direction.LONG, OrderType.LIMIT, 3, 950.02, Offset.OPEN)
_GC = OrderRequest("GCZ6", Exchange.COMEX, Direction.SHORT, OrderType.LIMIT, 1, 4100.0, Offset.OPEN)
_OFF_TICK = OrderRequest("au2612", Exchange.SHFE, Direction.LONG, OrderType.LIMIT, 3, 950.03, Offset.OPEN)
# How each rule is brought to refuse: (a setting, an order). A rule that is not here is not known, and is an error.
_BEYOND = {
    "ActiveOrderRule": ({"active_order_limit": 0}, _AU),
    "DailyLimitRule": ({"contract_order_limit": 0}, _AU),
    "DuplicateOrderRule": ({"duplicate_order_limit": 1}, _AU),
    "OrderSizeRule": ({"order_volume_limit": 2}, _AU),
    "OrderValidityRule": ({}, _OFF_TICK),
}


class Counting(BaseGateway):
    """Knows two contracts and counts the orders that reach it."""

    default_name = _GATEWAY
    exchanges = [Exchange.SHFE, Exchange.COMEX]
    orders = 0

    def connect(self, setting: dict) -> None:
        for order, size, tick in ((_AU, 1000, 0.02), (_GC, 100, 0.1)):
            self.on_contract(
                ContractData(
                    symbol=order.symbol, exchange=order.exchange, name=order.symbol, product=Product.FUTURES, size=size,
                    pricetick=tick, max_volume=500, gateway_name=self.gateway_name,
                )
            )  # fmt: skip

    def send_order(self, req: OrderRequest) -> str:
        self.orders += 1
        return "COUNTING.1"

    def close(self) -> None: ...
    def subscribe(self, req: object) -> None: ...
    def cancel_order(self, req: object) -> None: ...
    def query_account(self) -> None: ...
    def query_position(self) -> None: ...


def built() -> tuple[MainEngine, Counting, RiskEngine]:
    """vnpy with its risk manager, all rules on, at limits that are asked each time and never reached."""
    main = MainEngine(Still())
    gateway, risk = main.add_gateway(Counting), main.add_app(RiskManagerApp)
    gateway.connect({})
    main.event_engine.drain()
    for rule in risk.rules.values():
        widen(rule)
    return main, gateway, risk


def refuses(main: MainEngine, rule: object) -> bool:
    """Whether an order beyond this rule's limit is refused, and is not where this rule alone is off."""
    setting, order = _BEYOND[type(rule).__name__]
    rule.update_setting(setting)
    denied = main.send_order(order, _GATEWAY) == ""
    rule.update_setting({"active": False})
    passed = main.send_order(order, _GATEWAY) != ""
    widen(rule)
    return denied and passed


def pairs(main: MainEngine, ask: Callable[[OrderRequest, str], object], count: int) -> list[int]:
    """ns a pair; every order must pass."""
    timer, drain, found = time.perf_counter_ns, main.event_engine.drain, []
    gc.collect()
    gc.disable()
    for _ in range(count):
        began = timer()
        first = ask(_AU, _GATEWAY)
        second = ask(_GC, _GATEWAY)
        ended = timer()
        demand(bool(first) and bool(second), "both orders to pass all rules")
        found.append(ended - began)
        drain()
    gc.enable()
    return found


def clock(count: int) -> list[int]:
    timer, found = time.perf_counter_ns, []
    for _ in range(count):
        began = timer()
        found.append(timer() - began)
    return found


def answer(main: MainEngine, gateway: Counting, risk: RiskEngine, count: int) -> dict:
    demand(all(rule.active for rule in risk.rules.values()), "every rule to be on")
    checked = pairs(main, risk.check_allowed, count)
    before = gateway.orders
    sent = pairs(main, main.send_order, count)
    demand(gateway.orders - before == 2 * count, f"{2 * count} orders at the gateway")
    return {"check_ns": checked, "send_ns": sent, "timer_ns": clock(count), "passed": 2 * len(checked),
            "sent": gateway.orders - before}  # fmt: skip


def main() -> None:
    engine, gateway, risk = built()
    rules = {type(rule).__name__: rule for rule in risk.rules.values()}
    demand(rules.keys() == _BEYOND.keys(), f"the rules {sorted(_BEYOND)}, found {sorted(rules)}")
    versions = {name: version(name) for name in ("vnpy", "vnpy_riskmanager")}
    refused = [name for name, rule in rules.items() if refuses(engine, rule)]
    engine.event_engine.drain()
    say({"versions": versions | {"python": platform.python_version()}, "rules": list(rules), "refused": refused,
         "compiled": [name for name, rule in rules.items() if compiled(rule)]})  # fmt: skip
    for line in sys.stdin:
        word, _, count = line.strip().partition(" ")
        demand(word == "round" and count.isdigit() and int(count) > 0, f'"round N", found {line!r}')
        say(answer(engine, gateway, risk, int(count)))


if __name__ == "__main__":
    main()
