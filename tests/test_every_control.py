"""End to end through the venues: each of the 28 controls denies once, by config and inputs alone, and the journal tells
which, with what it saw and its limit. The denied decision sends nothing."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from adapters.ticks import QuoteTick
from engine import records
from engine.ports import DOWN, TRADING, AccountReport
from engine.records import ENTRY
from riskgate.gate import SEQUENCE
from riskgate.names import CONTROL_NAMES
from tests.world import World, demo_config

pytestmark = pytest.mark.slow

replace = msgspec.structs.replace


class Case(NamedTuple):
    """What makes a control deny. config: changes it; before: inputs ahead of the quotes. deals: how many are Cleared
    first. observed, limit: what the verdict must say, None where that is not one number."""

    number: int
    what: str
    config: Callable = lambda config: config
    before: Callable = lambda world: None
    observed: int | None = None
    limit: int | None = None
    deals: int = 0
    strategy: dict = {}


def contract(index: int, **changes) -> Callable:
    def changed(config):
        rows = list(config.instruments)
        rows[index] = replace(rows[index], **changes)
        return replace(config, instruments=rows)

    return changed


def rules(**changes) -> Callable:
    return lambda config: replace(config, rules=[replace(rule, **changes) for rule in config.rules])


def account(**changes) -> Callable:
    return lambda config: replace(config, accounts=[replace(row, **changes) for row in config.accounts])


def engine(**changes) -> Callable:
    return lambda config: replace(config, engine=replace(config.engine, **changes))


def spread(**changes) -> Callable:
    return lambda config: replace(config, spreads=[replace(row, **changes) for row in config.spreads])


def currency(**changes) -> Callable:
    return lambda config: replace(config, currencies=[replace(row, **changes) for row in config.currencies])


def balance(micros: int) -> Callable:
    def told(world):
        world.loop.on_account(
            AccountReport(account=0, balance_micros=micros, available_micros=micros, margin_micros=0,
                          recv_ns=world.now_ns)
        )  # fmt: skip

    return told


def reduced(world) -> None:
    world.loop.on_command(records.COMMAND_REDUCE, records.SCOPE_MARKET, 1, "officer", "news", world.now_ns)


def cut_off(world) -> None:
    world.loop.on_link(world.otc.venue, TRADING, DOWN, world.now_ns, "cut")


PYTHON = {
    "kind": "python",
    "code": "tests.python_strategies:hopes",
    "entry": None,
    "exit": None,
    "center": None,
    "min_samples": 0,
}
TIER = [{"from_messages": 0, "fee": 1.0}]

CASES = (
    Case(1, "an order of more lots than the contract may have", contract(0, max_order_lots=2), observed=3, limit=2),
    Case(2, "an order of more money than its account may send", account(max_order_value=1_000.0), limit=10**9),
    Case(3, "a limit price beyond the collar", contract(0, collar_bps=1.0), observed=2, limit=1),
    Case(4, "a price outside the band that the venue has told",
         before=lambda world: world.loop.on_band(world.au, 16_500, 17_500, world.now_ns), limit=0),
    Case(5, "a contract that has expired", contract(0, expires="2026-11-16"), observed=1, limit=0),
    Case(6, "more messages than the account's bucket holds", account(order_burst=12, repair_reserve=10), observed=3,
         limit=2),
    Case(7, "more working orders than the contract may have", contract(1, max_working_orders=2), observed=3, limit=2),
    Case(8, "more orders a day than the account may send", account(orders_a_day=5, day_reserve_pct=0.0), limit=5),
    Case(9, "a repair could need more cancels than the exchange counts as frequent",
         rules(frequent_cancels=8, frequent_reserve=4), observed=6, limit=4),
    Case(10, "a repair could need more large cancels than there are", rules(large_lots=3, large_cancels=5,
                                                                          large_reserve=0), observed=6, limit=5),
    Case(11, "one more self-trade would be one too many", rules(self_trades=1), observed=1, limit=0),
    Case(12, "more lots than may be opened in a day", rules(opening_lots=5), observed=6, limit=5),
    Case(13, "the same decision again", strategy={"duplicate_window_ms": 60_000, "cooldown_ms": 0, "max_units": 9},
         deals=1, observed=1, limit=0),
    Case(14, "more decisions than the window allows", strategy={"max_executions": 1, "execution_window_ms": 60_000},
         deals=1, observed=2, limit=1),
    Case(15, "more lots than the position may reach", contract(0, max_position_lots=2), observed=3, limit=2),
    Case(16, "more margin than the account has", before=balance(10**6), limit=10**6),
    Case(17, "more of the pool than entries may use",
         lambda config: replace(config, pools=[replace(row, capital=200_000.0) for row in config.pools]), limit=8_500),
    Case(18, "a loss of the day", engine(max_day_loss=0.0), deals=1, limit=0),
    Case(19, "the next message costs more than it may", rules(message_fees=TIER, max_message_fee=0.5),
         observed=10**6, limit=500_000),
    Case(20, "a quote that is too wide", contract(0, max_width_bps=0.0), observed=1 << 16, limit=0),
    Case(21, "slippage allowed beyond what it may cost", spread(max_slippage_bps=1.0), limit=1),
    Case(22, "nothing is left after costs", strategy=PYTHON, limit=0),
    Case(23, "a market that closes within its guard", contract(0, close_guard_s=86_400), limit=86_400),
    Case(24, "a market in which a person has allowed reducing only", before=reduced, observed=1, limit=0),
    Case(25, "a venue whose trading link is down", before=cut_off, observed=1, limit=0),
    Case(26, "a contract that is not on the account's list", account(allow=[]), observed=1, limit=0),
    Case(27, "naked time of the day is used up", engine(max_naked_day_ms=0), deals=1, limit=0),
    Case(28, "more of a currency than may be exposed", currency(max_exposure=1_000.0), limit=10**9),
)  # fmt: skip


def world_of(case: Case) -> World:
    config = case.config(demo_config(**case.strategy))
    config = msgspec.convert(msgspec.to_builtins(config), type(config))  # tiers given as plain tables
    return World(config)


def clear_one(world: World, number: int) -> None:
    """A decision that the gate lets through, and its deal's end."""
    world.market(7.0)
    if number == 27:
        # While the orders are on their way the far side goes: the near leg is alone for a while, then brought back.
        gone = QuoteTick(0, world.instruments[world.gc].symbol, 13_950, 0, 13_951, 0)
        world.otc.matching.quote(gone, world.now_ns)
    world.step(2_000)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number}: {case.what}")
def test_each_control_denies_and_the_journal_tells_why(case):
    world = world_of(case)
    case.before(world)
    for _ in range(case.deals):
        clear_one(world, case.number)
    assert [row["cleared"] for row in world.of_kind(records.VERDICT)].count(1) >= case.deals
    sent = [len(gateway.sent) for gateway in world.gateways]
    world.market(7.0)
    decision, verdict = world.of_kind(records.DECISION)[-1], world.of_kind(records.VERDICT)[-1]
    assert decision["decision_id"] == verdict["decision_id"] and decision["purpose"] == ENTRY
    assert (int(verdict["cleared"]), int(verdict["reason"])) == (0, case.number), CONTROL_NAMES[int(verdict["reason"])]
    slot = case.number - 1
    assert verdict["level"][slot] >= records.DENY
    if case.observed is not None:
        assert verdict["observed"][slot] == case.observed
    if case.limit is not None:
        assert verdict["limit"][slot] == case.limit
    assert [len(gateway.sent) for gateway in world.gateways] == sent
    world.check()


def test_every_control_of_the_sequence_has_its_case():
    assert sorted(case.number for case in CASES) == sorted(SEQUENCE) == list(range(1, 29))
