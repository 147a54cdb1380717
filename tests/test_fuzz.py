"""Seeded mischief over the small world: faults, link flaps, deaf windows, restarts, late copies, and a moving market.

Whatever happens, the books must agree with each other, with the venue and with a replay, and nothing may end naked
outside a Halted deal. A failing seed is the reproduction: `play(seed)`.
"""

import random

import msgspec
import pytest

from engine import ledger, records
from engine.ports import DOWN, READY, TRADING
from engine.records import HALTED, LEDGER_HEDGE
from tests.world import ExchangeGateway, World, demo_config, with_repair

FAULTS = (
    "reject", "partial", "nofill", "drop_ack", "drop_reports", "delay_ms", "duplicate", "trade_before_ack",
    "terminal_before_trade", "late_fill_ms",
)  # fmt: skip
PAUSES_MS = (5, 50, 300, 700, 1500, 4000)
STEPS = 60
DISPATCH = (
    {}, {}, {"dispatch": "lead_lag", "lead": "SHFE.au2702"}, {"dispatch": "lead_lag", "lead": "COMEX.GCG7"},
    {"dispatch": "arrival_aligned", "far": "COMEX.GCG7", "align_ms": 40.0},
)  # fmt: skip
CHOICES = (records.RESOLVE_RETRY, records.RESOLVE_ACCEPT, records.RESOLVE_BY_HAND)


class Mischief:
    """One seeded run. dice: its only source of chance."""

    def __init__(self, seed: int):
        self.dice = random.Random(seed)
        dice = self.dice
        config = demo_config(
            max_units=dice.choice([1, 3]), clip_units=dice.choice([1, 1, 2, 3]), **dice.choice(DISPATCH)
        )  # fmt: skip
        config = with_repair(
            config, on_partial=dice.choice(["cheapest", "complete", "unwind"]), max_tries=dice.choice([1, 3, 6]),
            naked_limit_ms=dice.choice([800, 3000, 8000]), pay_up_ticks=dice.choice([[1], [1, 3]]),
            lean_ms=dice.choice([0, 0, 400]), wide_band_bps=dice.choice([0.0, 60.0]),
        )  # fmt: skip
        density = dice.choice([0.1, 0.3, 0.6, 0.9])
        faults = {name: self._faults(density) for name in ("SIM_SHFE", "SIM_OTC")}
        self.world = World(config, faults, latency_ms=dice.choice([0, 1, 2, 20]))
        self.down: list[ExchangeGateway] = []
        self.epoch = 1

    def _faults(self, density: float) -> list[dict]:
        found = []
        for number in range(1, 60):
            while self.dice.random() < density * 0.7:
                fault = {"at_order": number, "do": self.dice.choice(FAULTS)}
                if fault["do"] == "partial":
                    fault["lots"] = self.dice.choice([0, 1, 2])
                if fault["do"] in ("delay_ms", "late_fill_ms"):
                    fault["ms"] = self.dice.choice(PAUSES_MS)
                found.append(fault)
        return found

    def act(self) -> None:
        """One thing happens, then some time passes."""
        acts = (self.move, self.thin_quote, self.cut_link, self.mend_link, self.copy_report, self.go_deaf, self.restart,
                self.resolve)  # fmt: skip
        self.dice.choices(acts, (55, 7, 8, 12, 4, 4, 2, 4))[0]()
        self.world.step(self.dice.choice([10, 20, 100, 300, 1000]))

    def move(self) -> None:
        self.world.market(self.dice.choice([5.4, 5.6, 5.9, 6.0, 6.1, 6.5, 6.6]))

    def thin_quote(self) -> None:
        bid = 13_950 + self.dice.randint(-3, 3)
        self.world.quote(self.world.gc, bid, bid + 1, self.dice.choice([0, 1, 30]), self.dice.choice([0, 1, 30]))

    def cut_link(self) -> None:
        gateway = self.dice.choice(self.world.gateways)
        if gateway not in self.down:
            self.down.append(gateway)
            gateway.down = gateway.deaf = True
            self.world.loop.on_link(gateway.venue, TRADING, DOWN, self.world.now_ns, "flap")

    def mend_link(self) -> None:
        if self.down:
            gateway = self.down.pop(self.dice.randrange(len(self.down)))
            gateway.down = gateway.deaf = False
            self.world.loop.on_link(gateway.venue, TRADING, READY, self.world.now_ns, "back")
            self.tell_again(gateway)

    def tell_again(self, gateway: ExchangeGateway) -> None:
        """What a venue's snapshot after a login holds: every trade and the last state of every order."""
        for report in gateway.matching.trades("us") + gateway.matching.orders("us"):
            gateway.report(report)

    def copy_report(self) -> None:
        gateway = self.dice.choice(self.world.gateways)
        if gateway.told:
            copied = msgspec.structs.replace(self.dice.choice(gateway.told), recv_ns=self.world.now_ns)
            self.world.loop.on_report(copied)

    def resolve(self) -> None:
        """A person's word on a deal, whether it waits for one or not."""
        halted = list(self.world.loop.core.halted)
        deal_id = self.dice.choice([*halted, *halted, self.dice.randint(1, 9)])
        self.world.loop.on_command(
            records.COMMAND_RESOLVE, self.dice.choice(CHOICES), deal_id, "fuzz", "mischief", self.world.now_ns
        )

    def go_deaf(self) -> None:
        gateway = self.dice.choice(self.world.gateways)
        gateway.deaf = True
        self.world.step(self.dice.choice([20, 900]))
        gateway.deaf = gateway in self.down

    def restart(self) -> None:
        _, loop = self.world.replayed()
        loop.core.journal, loop.core.gateways = self.world.journal, self.world.gateways
        self.world.loop = loop
        self.epoch += 1
        self.world.start(self.epoch)
        self.down.clear()
        for gateway in self.world.gateways:
            gateway.down = gateway.deaf = False
            self.tell_again(gateway)

    def calm_down(self) -> None:
        """Links come back, everything is told again, and there is time enough for every query's longest pause."""
        while self.down:
            self.mend_link()
        for gateway in self.world.gateways:
            gateway.deaf = False
            self.tell_again(gateway)
        for _ in range(60):
            self.world.market(6.0)
            self.world.step(500, 50)


def judge(world: World) -> None:
    """The books against each other: deals, orders, positions, ledger, counters."""
    world.check()
    state, deals = world.state, world.deals()
    bound = int(state.spread[0]["residual_bound_ubase"])
    assert not world.loop.core.open_deals
    assert int(state.head["live_deals"]) == int(state.spread[0]["open_deals"]) == 0
    for row in deals.values():
        assert row["state"] == records.CLOSED
        meant = row["purpose"] == LEDGER_HEDGE  # it leaves the opposite of what others left
        assert row["outcome"] == HALTED or meant or abs(int(row["exposure_ubase"])) <= bound
    for leg, instrument in enumerate((world.au, world.gc)):
        if not world.loop.core.live_orders:
            assert sum(int(row["booked_lots"][leg]) for row in deals.values()) == world.net(instrument)
    booked = sum(int(row["exposure_ubase"]) for row in deals.values() if ledger.holds(row))
    assert booked == int(state.spread[0]["residual_ubase"])
    assert booked == sum(int(row["change_ubase"]) for row in world.of_kind(records.LEDGER))
    assert sum(bool(row["naked_since_ns"]) for row in state.deal) == int(state.head["unbalanced_deals"])
    for venue in range(2):
        here = state.instrument["venue"][state.order["instrument"]] == venue
        assert int((state.order["in_doubt"] * here).sum()) == int(state.venue[venue]["in_doubt"])
    waiting = {at for at, row in deals.items() if row["outcome"] == HALTED and not row["resolution"]}
    assert set(world.loop.core.halted) == waiting
    if waiting:
        assert world.loop.left_open()
        assert "halted" in world.alerts()


def play(seed: int) -> World:
    mischief = Mischief(seed)
    for _ in range(STEPS):
        mischief.act()
    mischief.calm_down()
    judge(mischief.world)
    return mischief.world


@pytest.mark.parametrize("seed", range(12))
def test_the_books_agree_after_mischief(seed):
    assert play(seed).deals()


@pytest.mark.slow
@pytest.mark.parametrize("block", range(12))
def test_the_books_agree_after_much_mischief(block):
    for seed in range(100 + 15 * block, 115 + 15 * block):
        play(seed)
