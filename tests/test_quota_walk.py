"""A desk with small quotas trades at random for as long as one likes, and no quota is ever crossed.

TANDEM_WALK_ACTIONS=1000000 walks a million actions; TANDEM_WALK_SEED another way.
"""

import os
import random

import msgspec
import pytest

from engine.meters import roll_meter
from engine.records import COMMAND_RESOLVE, COMMAND_RESUME, RESOLVE_ACCEPT, RESOLVE_RETRY, SCOPE_STRATEGY
from engine.schema import FREQUENT, LARGE, MESSAGES, NO_LIMIT, OPENED_LOTS, ORDERS, QUOTAS, SELF_TRADES, TRADES
from tests.conserved import conserved
from tests.world import World, demo_config, with_repair

pytestmark = pytest.mark.slow

ACTIONS = int(os.environ.get("TANDEM_WALK_ACTIONS", "30000"))
SEED = int(os.environ.get("TANDEM_WALK_SEED", "20261126"))
LIMITED = (ORDERS, FREQUENT, LARGE, TRADES, SELF_TRADES, OPENED_LOTS)
SMALL = {
    "orders": 400, "cancels": 400, "trades": 1_500, "reserve": 60, "frequent_cancels": 40, "frequent_reserve": 6,
    "ioc_counts": True, "large_lots": 3, "large_cancels": 34, "large_reserve": 4, "self_trades": 5,
    "opening_lots": 300, "position_lots": 60, "max_order_to_trade": 60.0, "order_to_trade_from": 100,
}  # fmt: skip


def small_desk() -> World:
    """The demo's desk under quotas that a day of it uses up."""
    config = demo_config(cooldown_ms=10, clip_units=2, max_units=3, execution_window_ms=1000, max_naked_day_ms=10**9)
    config = with_repair(config, max_tries=3, retry_ms=40, lean_ms=60, lean_ticks=1, naked_limit_ms=3_000)
    rules = [msgspec.structs.replace(rule, **SMALL) for rule in config.rules]
    spreads = [msgspec.structs.replace(one, residual_bound=2_000.0, ledger_bound=10**6) for one in config.spreads]
    engine = msgspec.structs.replace(config.engine, max_naked_day_ms=10**9, max_day_loss="none")
    return World(msgspec.structs.replace(config, rules=rules, engine=engine, spreads=spreads))


class Walk:
    """One desk, its market and its venues' bad days, drawn from a seed."""

    def __init__(self, seed: int):
        self.draw, self.world = random.Random(seed), small_desk()
        self.most = {kind: 0 for kind in LIMITED}
        self.days = 1

    def act(self) -> None:
        draw, world = self.draw, self.world
        if draw.random() < 0.02:
            self.decide_as_a_person()
        what = draw.random()
        if what < 0.45:
            world.market(6.0 + draw.uniform(-0.8, 0.8))
        elif what < 0.6:
            mid = 15_463 + draw.randint(-40, 40)
            world.quote(world.au, mid, mid + 1, draw.randint(1, 6))
        elif what < 0.72:
            mid = 13_950 + draw.randint(-2, 2)
            world.quote(world.gc, mid, mid + 1, draw.randint(1, 2))
        elif what < 0.995:
            world.step(draw.choice((10, 10, 20, 60)))
        elif what < 0.9975:
            gateway = draw.choice(world.gateways)
            gateway.deaf = not gateway.deaf
        elif what < 0.9995:
            gateway = draw.choice(world.gateways)
            gateway.down = not gateway.down
        else:
            self.next_day()

    def decide_as_a_person(self) -> None:
        core, world = self.world.loop.core, self.world
        for gateway in world.gateways:
            gateway.deaf = gateway.down = False
        for deal_id in list(core.halted):
            choice = self.draw.choice((RESOLVE_RETRY, RESOLVE_ACCEPT, RESOLVE_ACCEPT))
            world.loop.on_command(COMMAND_RESOLVE, choice, deal_id, "a person", "", world.now_ns)
        world.loop.on_command(COMMAND_RESUME, SCOPE_STRATEGY, 0, "a person", "", world.now_ns)

    def next_day(self) -> None:
        """The counts begin anew, as with the first section of a new trading day."""
        for at in range(len(self.world.state.meter)):
            roll_meter(self.world.state.address, at, self.days)
        self.days += 1

    def look(self) -> None:
        """No quota is crossed, not even with what live orders may still use of the exchange's."""
        for row in self.world.state.meter:
            used, held, limit = row["used"], row["held"], row["limit"]
            for kind in LIMITED:
                if 0 <= limit[kind] < NO_LIMIT:
                    count = int(used[kind] + (held[kind] if kind in (FREQUENT, LARGE) else 0))
                    assert count <= limit[kind], QUOTAS[kind]
                    self.most[kind] = max(self.most[kind], count * 100 // int(limit[kind]))
            most = int(row["max_otr_e2"])
            if most < NO_LIMIT and used[MESSAGES] > row["otr_from"]:
                assert used[MESSAGES] * 100 <= most * max(int(used[TRADES]), 1), "order-to-trade"


def test_no_quota_is_crossed_in_a_random_walk():
    walk = Walk(SEED)
    for number in range(ACTIONS):
        walk.act()
        walk.look()
        if number % 1000 == 0:
            conserved(walk.world.state)
            walk.world.journal.reset()
    conserved(walk.world.state)
    # A walk that came nowhere near its quotas would show nothing.
    assert min(walk.most[FREQUENT], walk.most[LARGE]) >= 60, walk.most
    assert walk.world.state.head["cleared"] > 20
