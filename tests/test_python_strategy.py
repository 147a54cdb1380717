"""Python strategies through the real loop: they decide like compiled ones, and one that fails harms nobody (F26)."""

import msgspec
import pytest

from desk.check import check
from desk.code import BadCode, load
from engine import records
from engine.ports import BUY, SELL
from engine.schema import ACTIVE, HALTED, REDUCE_ONLY
from engine.signals import _view
from tests import python_strategies
from tests.test_check import CONFIGS, NOW_NS, checked
from tests.world import BEGIN_NS, MS, World, demo_config

HERE = "tests.python_strategies"
LEVELS = {"center": 6.0, "entry": 0.25, "exit": 0.05}


def config_of(function: str = "fade", parameters: dict | None = None, **strategy):
    """The demo's config with one strategy, in Python."""
    chosen = {"kind": "python", "entry": None, "exit": None, "center": None, "min_samples": 1,
              "code": f"tests.python_strategies:{function}", "parameters": parameters or LEVELS}  # fmt: skip
    return demo_config(**(chosen | strategy))


def world_of(function: str = "fade", parameters: dict | None = None, faults=None, **strategy) -> World:
    return begun(World(config_of(function, parameters, **strategy), faults))


def begun(world: World) -> World:
    """A sample is there, and nothing to do yet."""
    world.market(6.0)
    world.step(600)
    return world


def raised(world: World) -> list[str]:
    return [row["what"] for row in world.of_kind(records.ALERT) if row["code"] == "strategy_raised"]


def decisions(world: World) -> list:
    return world.of_kind(records.DECISION)


def switch(world: World, strategy: int = 0) -> int:
    return int(world.state.strategy[strategy]["switch"])


def test_it_enters_and_leaves_like_a_compiled_one():
    world = world_of(max_units=1)
    assert decisions(world) == []
    world.market(6.5)
    world.step(50)
    assert (world.net(world.au), world.net(world.gc)) == (-3, 1)
    world.market(6.5)
    assert len(decisions(world)) == 1, "its cooldown"
    world.step(100)
    world.market(6.0)
    world.step(300)
    assert (world.net(world.au), world.net(world.gc)) == (0, 0)
    assert world.outcomes() == ["complete", "complete"]
    entry, leave = decisions(world)
    assert (entry["side"], entry["purpose"], entry["units"]) == (SELL, records.ENTRY, 1)
    assert (entry["center"], entry["threshold"]) == (6.0, 0.25)
    assert entry["signal"] == pytest.approx(6.5, abs=0.05)
    assert entry["executable"] == pytest.approx(6.49, abs=0.05) and entry["cost"] > 0
    assert entry["lots"][:2].tolist() == [-3, 1]
    assert (leave["side"], leave["purpose"]) == (BUY, records.EXIT)
    assert raised(world) == []
    world.check()


def test_its_units_are_capped_by_its_clip_and_its_position_by_its_maximum():
    world = world_of("greedy", max_units=2)
    for _ in range(5):
        world.market(6.5)
        world.step(200)
    assert [int(row["units"]) for row in decisions(world)] == [1, 1]
    assert world.state.strategy[0]["position_units"] == -2
    world.check()


def test_the_cap_of_its_ramp_is_the_maximum_that_it_is_shown_and_held_to():
    world = world_of("greedy", max_units=5)
    world.state.strategy[0]["cap_units"] = 2
    view = _view(world.state.strategy[0], world.state.spread[0], world.now_ns)
    assert view.max_units == 2
    for _ in range(5):
        world.market(6.5)
        world.step(200)
    assert world.state.strategy[0]["position_units"] == -2


def test_the_gate_asks_its_entries_for_the_edge_that_it_states():
    world = world_of(min_edge=5.0)
    world.market(6.5)
    assert len(decisions(world)) == world.state.head["denied"] == 1
    world.check()


def test_it_is_not_asked_before_the_samples_are_there_nor_while_the_spread_is_blocked():
    world = World(config_of("breaks", min_samples=16))
    while world.state.spread[0]["samples"] < 16:
        world.market(6.5)
        assert raised(world) == []
        world.step(200)
    world.quote(world.au, 30_000, 30_000)  # crossed
    world.quote(world.gc, 13_950, 13_951)
    assert raised(world) == []
    world.market(6.5)
    assert len(raised(world)) == 1
    world.check()


def test_a_switch_holds_for_it_too():
    world = world_of()
    world.loop.on_command(records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0, "a test", "", world.now_ns)
    assert switch(world) == REDUCE_ONLY
    world.market(6.5)
    world.step(200)
    assert decisions(world) == []
    world.loop.on_command(records.COMMAND_RESUME, records.SCOPE_STRATEGY, 0, "a test", "", world.now_ns)
    world.market(6.5)
    assert len(decisions(world)) == 1
    world.step(200)
    world.loop.on_command(records.COMMAND_REDUCE, records.SCOPE_STRATEGY, 0, "a test", "", world.now_ns)
    world.market(6.0)
    assert [row["purpose"] for row in decisions(world)] == [records.ENTRY, records.EXIT]
    world.step(200)
    world.check()


@pytest.mark.parametrize(
    ("function", "what"),
    [
        ("breaks", r"raised RuntimeError at {}: no idea what <object object at 0x...> is"),
        ("leaves", "raised SystemExit at {}: 3"),
        ("recurses", "raised RecursionError at {}: maximum recursion depth exceeded"),
        ("scribbles", "raised TypeError at {}: 'mappingproxy' object does not support item"),
    ],
)
def test_one_that_raises_is_halted_and_a_person_is_told_once(function, what):
    line = getattr(python_strategies, function).__code__.co_firstlineno + 1
    world = World(config_of(function))
    world.market(6.5)
    world.step(600)
    assert raised(world) == []
    quotes = int(world.state.head["quotes"])
    for _ in range(3):
        world.market(6.5)
        world.step(200)
    assert world.state.head["quotes"] == quotes + 9, "every quote is booked"
    assert len(raised(world)) == 1 and raised(world)[0].startswith(
        f"strategy gold_spread {what.format(f'python_strategies.py:{line}')}"
    )
    assert switch(world) == HALTED and world.state.head["switch"] == ACTIVE
    assert decisions(world) == []
    world.check()


NONSENSE = [
    "expected side 1 or -1, got 0", "expected side 1 or -1, got 'SELL'",
    "expected purpose 'entry' or 'exit', got 'leave'", "expected purpose 'entry' or 'exit', got 1",
    "expected a whole number of units above 0, got 0", "expected a whole number of units above 0, got 1.5",
    "expected a whole number of units above 0, got None", "expected a whole number of units above 0, got True",
    "expected signal to be a finite number, got nan", "expected center to be a finite number, got inf",
    "expected threshold to be a finite number, got '1'", "expected center to be a finite number, got None",
    "expected an exit to bring +0 units nearer to 0",
    *(f"expected a Wish or None, got {kind}" for kind in ("str", "int", "object", "dict")),
]  # fmt: skip


@pytest.mark.parametrize(("number", "what"), list(enumerate(NONSENSE)))
def test_one_that_answers_nonsense_is_halted(number, what):
    world = world_of("answers", {"number": float(number)})
    world.market(6.5)
    assert raised(world) == [f"strategy gold_spread answered nonsense: {what}"]
    assert switch(world) == HALTED and decisions(world) == []
    world.check()


def two(world_strategies: list, faults=None) -> World:
    """Several strategies on the demo's one spread, in this order."""
    config = config_of()
    specs = [msgspec.structs.replace(config.strategies[0], id=f"s{number}", **one)
             for number, one in enumerate(world_strategies)]  # fmt: skip
    return begun(World(msgspec.structs.replace(config, strategies=specs), faults))


COMPILED = {"kind": "spread_cross", "entry": 0.25, "exit": 0.05, "center": 6.0, "code": "", "parameters": {}}


def test_others_go_on_when_one_raises():
    world = two([{"code": "tests.python_strategies:breaks"}, {}, COMPILED])
    world.market(6.5)
    assert [int(row["strategy"]) for row in decisions(world)] == [2], "the compiled one is asked first"
    world.step(200)
    assert raised(world) == [] or switch(world, 0) == HALTED
    world.loop.on_command(records.COMMAND_HALT, records.SCOPE_STRATEGY, 2, "a test", "", world.now_ns)
    world.step(200)
    world.market(6.5)
    assert len(raised(world)) == 1 and switch(world, 0) == HALTED
    assert [int(row["strategy"]) for row in decisions(world)] == [2, 1]
    world.step(200)
    world.check()


def test_one_decision_a_spread_and_quote_whoever_decides():
    world = two([{}, COMPILED, {}])
    world.market(6.5)
    assert [int(row["strategy"]) for row in decisions(world)] == [1]
    world = two([{}, {}])
    world.market(6.5)
    assert [int(row["strategy"]) for row in decisions(world)] == [0]
    world.step(100)
    world.check()


def test_its_open_deal_is_repaired_after_it_raised():
    """Nothing filled, the deal was over, and the strategy failed: then a late fill, which is taken back to balance."""
    late = [{"at_order": 1, "do": "late_fill_ms", "ms": 60}]
    nothing = [{"at_order": 1, "do": "nofill"}]
    until = LEVELS | {"since_ns": float(BEGIN_NS + 610 * MS)}
    faults = {"SIM_SHFE": late, "SIM_OTC": nothing}
    world = world_of("breaks_after_its_first_wish", until, faults, cooldown_ms=20)
    world.market(6.5)
    world.step(40)
    assert world.outcomes() == ["not_done"]
    world.market(6.5)
    assert len(raised(world)) == 1 and switch(world) == HALTED and len(world.loop.core.open_deals) == 0
    for _ in range(20):
        world.step(50)
        world.market(6.5)
    assert "late_fill" in world.alerts()
    assert world.loop.is_quiet() and world.outcomes() in (["complete"], ["unwound"])
    assert len(raised(world)) == 1 and switch(world) == HALTED
    assert len(world.of_kind(records.REPAIR)) >= 1
    world.check()


def test_a_repeated_number_of_the_venue_launches_nothing_twice():
    """An old update prices nothing, even where it comes in the same instant as the one that decided."""
    world = world_of(cooldown_ms=0)
    bid = int(world.state.book[world.au]["bid_ticks"]) + 25
    quote = (world.au, bid, 30, bid + 1, 30, world.now_ns - MS, world.now_ns, 7, 0)
    world.loop.on_quote(*quote)
    assert len(decisions(world)) == 1
    world.loop.on_quote(*quote)
    assert len(decisions(world)) == 1
    world.step(100)
    world.check()


# The check, and the journal's memory of the code

STRATEGY = 'kind = "python"\ncode = "tests.python_strategies:fade"\nspread = "AU_GC"\n'
PLAIN = 'kind = "ratio_cross"\nspread = "AU_GC"\nentry = 0.0030\nexit = 0.0005\nrearm = 0.0010\n'


@pytest.mark.parametrize(
    ("name", "expected", "near"),
    [
        ("fade", 'a name such as "package.module:function"', ""),
        (f"{HERE}:fad", f"a function of {HERE}: there is no fad", f"{HERE}:fade"),
        ("tests.nowhere:fade",
         "a module that can be imported: ModuleNotFoundError: No module named 'tests.nowhere'", ""),
        (f"{HERE}:VALUE", "a plain function of (view, parameters)", ""),
        (f"{HERE}:waits", "a plain function of (view, parameters)", ""),
        (f"{HERE}:wants_more", "a function of (view, parameters), not wants_more(view, parameters, book)", ""),
    ],
)  # fmt: skip
def test_code_that_is_no_strategy_is_refused(tmp_path, name, expected, near):
    (problem,) = checked(tmp_path, (PLAIN, STRATEGY.replace(f"{HERE}:fade", name))).problems
    assert (problem.key, problem.expected, problem.nearest) == ("strategies[1].code", expected, near)


def test_a_module_that_ends_the_process_is_refused(tmp_path, monkeypatch):
    (tmp_path / "ending.py").write_text("raise SystemExit(1)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadCode, match="SystemExit"):
        load("ending:signal")


def test_a_good_python_strategy_passes_the_check_and_its_levels_belong_to_its_parameters(tmp_path):
    result = checked(tmp_path, (PLAIN, f"{STRATEGY}parameters = {{center = 6, entry = 0.25, exit = 0.05}}\n"))
    assert result.problems == [] and result.config.strategies[1].parameters == LEVELS
    result = checked(tmp_path, (PLAIN, f"{STRATEGY}entry = 1.0\nrearm = 0.5\n"))
    assert [problem.key for problem in result.problems] == ["strategies[1].entry", "strategies[1].rearm"]


def test_other_kinds_need_their_levels_and_have_no_code(tmp_path):
    result = checked(tmp_path, (PLAIN, 'kind = "ratio_cross"\nspread = "AU_GC"\ncode = "a:b"\nparameters = {x = 1}\n'))
    assert {problem.key.split(".")[-1] for problem in result.problems} == {"code", "parameters", "entry", "exit"}
    assert check(CONFIGS / "gold.toml", now_ns=NOW_NS).problems == []


def test_a_journal_knows_the_code_that_it_began_with():
    world = world_of()
    assert list(world.record["code"]) == ["gold_spread"]
    world.record["code"]["gold_spread"] = "another"
    with pytest.raises(ValueError, match="is not the one that the journal began with"):
        world.replayed()
