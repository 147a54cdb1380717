"""Shadow mode: the same decisions and verdicts as live, and not one order."""

import msgspec
import pytest

from bench.storm.arm import arm
from desk.cli import main
from desk.config import RampSpec
from desk.fold import fold_of
from desk.report import report_html
from desk.summary import summary
from engine import records
from engine.ports import DOWN, TRADING
from engine.records import DTYPES
from tests.journal_deals import record_into
from tests.world import BEGIN_NS, World, demo_config, with_repair


@pytest.fixture
def world_of():
    """Makes worlds; each is checked when its scenario is over."""
    made = []

    def make(*arguments, **named) -> World:
        made.append(World(*arguments, **named))
        return made[-1]

    yield make
    for world in made:
        world.check()


def shadow_engine(**strategy):
    config = demo_config(**strategy)
    return msgspec.structs.replace(config, engine=msgspec.structs.replace(config.engine, mode="shadow"))


SHADOWS = {"the strategy": lambda: demo_config(mode="shadow"), "the whole engine": shadow_engine}


def but_orders(verdict) -> dict:
    return {name: verdict[name].tolist() for name in DTYPES[records.VERDICT].names if name != "orders"}


@pytest.mark.parametrize("whose", SHADOWS)
def test_the_same_market_makes_the_same_first_decision_and_verdict_and_no_order(world_of, whose):
    live, shadow = world_of(), world_of(SHADOWS[whose]())
    for world in (live, shadow):
        world.market(6.5)
        world.step(50)
    decided, seen = (world.of_kind(records.DECISION)[0] for world in (live, shadow))
    assert decided.tobytes() == seen.tobytes()
    judged, told = (world.of_kind(records.VERDICT)[0] for world in (live, shadow))
    assert but_orders(judged) == but_orders(told)
    assert (judged["cleared"], judged["orders"], told["orders"]) == (1, 2, 0)
    for kind in (records.ORDER, records.DEAL, records.SENT):
        assert live.of_kind(kind) and not shadow.of_kind(kind)
    assert not shadow.shfe.sent and not shadow.otc.sent
    assert [int(shadow.state.head[name]) for name in ("decisions", "cleared", "live_deals", "live_orders")] == [
        1,
        1,
        0,
        0,
    ]
    assert (shadow.state.strategy["position_units"] == 0).all()


def test_a_shadow_entry_has_happened_and_the_next_waits_for_the_signal_to_come_back(world_of):
    world = world_of(demo_config(mode="shadow", rearm=0.1))
    for spread in (6.5, 6.5, 6.1, 6.5):
        world.market(spread)
        world.step(200)
    assert len(world.of_kind(records.DECISION)) == 2


def test_a_shadow_entry_that_is_denied_leaves_the_strategy_armed(world_of):
    world = world_of(demo_config(mode="shadow", rearm=0.1))
    world.loop.on_link(1, TRADING, DOWN, world.now_ns, "test")
    world.market(6.5)
    assert [int(row["cleared"]) for row in world.of_kind(records.VERDICT)] == [0]
    assert world.state.strategy[0]["armed"].tolist() == [1, 1]


def test_a_hedge_of_the_ledger_is_shadow_too():
    """A ledger from live days (put there by hand, so no replay is asked for) in an engine that sends nothing now."""
    world = World(demo_config(mode="shadow"))
    world.market(6.0)
    world.state.spread[0]["residual_ubase"] = 1_100_000_000
    world.step(600)
    (decision,) = world.of_kind(records.DECISION)
    (verdict,) = world.of_kind(records.VERDICT)
    assert (decision["purpose"], verdict["cleared"], verdict["orders"]) == (records.LEDGER_HEDGE, 1, 0)
    assert not world.of_kind(records.ORDER) and not world.loop.core.open_deals


def test_a_live_deal_is_repaired_although_its_strategy_has_become_a_shadow(world_of):
    """A mode may change while a deal is open: what is out of balance is brought back all the same."""
    config = with_repair(demo_config(max_units=1), retry_ms=50)
    world = world_of(config, faults={"SIM_SHFE": [{"at_order": 1, "do": "partial", "lots": 1}]})
    world.market(6.5)
    world.state.strategy["shadow"] = 1
    world.step(100)
    assert world.outcomes() == ["complete"]
    assert [order.lots for order in world.shfe.sent] == [3, 2]
    world.state.strategy["shadow"] = 0  # as its journal says


@pytest.mark.parametrize("kind", ["spread_cross", "python"])
def test_a_shadow_keeps_no_live_strategy_of_its_spread_from_trading(world_of, kind):
    """Live beside shadow on one spread, the shadow asked first: the same deal as live alone."""
    config = demo_config(max_units=1)
    live, shadow = config.strategies[0], msgspec.structs.replace(config.strategies[0], id="shadow", mode="shadow")
    if kind == "python":
        levels = {"center": 6.0, "entry": 0.25, "exit": 0.05}
        live = msgspec.structs.replace(live, kind=kind, code="tests.python_strategies:fade", parameters=levels,
                                       min_samples=1)  # fmt: skip
    world = world_of(msgspec.structs.replace(config, strategies=[shadow, live]))
    world.market(6.0)
    world.step(600)
    world.market(6.5)
    world.step(50)
    made = {int(row["strategy"]): int(row["side"]) for row in world.of_kind(records.DECISION)}
    assert made == {0: -1, 1: -1}
    assert [(int(row["strategy"]), int(row["outcome"])) for row in world.deals().values()] == [(1, records.COMPLETE)]


def test_report_and_summary_say_shadow_and_invent_no_deal(world_of):
    world = world_of(demo_config(mode="shadow"))
    world.market(6.5)
    world.step(300)
    fold = fold_of(world.journal.records())
    figures = summary(fold)
    assert figures["shadow"] == figures["cleared"] == figures["decisions"] > 0
    assert (figures["deals"], figures["orders_sent"]) == (0, 0)
    assert list(fold.deals.by_id) == []
    assert "Shadow mode: " in report_html(fold, figures)


def test_why_and_why_not_say_shadow(world_of, tmp_path, capsys):
    world = world_of(demo_config(mode="shadow"))
    world.market(6.5)
    world.step(3_000)
    journal = record_into(tmp_path, list(world.journal.records()))
    assert main(["why", str(journal), "1"]) == 0
    assert "Cleared in shadow mode: no deal, nothing was sent" in capsys.readouterr().out
    assert main(["why-not", str(journal), "AU_GC", "--at", str(BEGIN_NS)]) == 0
    assert "Cleared, shadow (decision 1)" in capsys.readouterr().out


def test_a_live_run_says_nothing_of_shadows(world_of):
    world = world_of()
    world.market(6.5)
    world.step(50)
    fold = fold_of(world.journal.records())
    figures = summary(fold)
    assert figures["shadow"] == 0 and figures["cleared"] == 1
    assert "Shadow mode" not in report_html(fold, figures)


def test_a_storm_plays_a_shadow_desk_live_and_at_full_size():
    """A storm tests what becomes of orders: those of a desk that does not send yet, too."""
    ramp = [RampSpec(units=1, min_deals=9), RampSpec(units=3)]
    armed = arm(shadow_engine(mode="shadow", ramp=ramp), "2026-11-18").config
    assert (armed.engine.mode, armed.strategies[0].mode, armed.strategies[0].ramp) == ("live", "live", [])
