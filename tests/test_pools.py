"""Pools: how capital is shared out, what counts as used, and what of a pool is idle, held, used and in transit."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import records
from engine.allocation import Ask, allocate
from engine.ports import DOWN, MARKET_DATA
from engine.schema import HALTED, NO_LIMIT, PRIORITY, PRO_RATA, RESERVE, SHARED, UNSET
from tests.pools_world import CN, US, balance, capital_of, config_of, held_position
from tests.world import World

pytestmark = pytest.mark.slow

MONEY = st.integers(0, 10**15)
ASKS = st.lists(
    st.builds(Ask, used=MONEY, need=MONEY, weight=st.integers(0, 20), priority=st.integers(-3, 3), reserve=MONEY,
              halted=st.booleans()), min_size=1, max_size=6,
)  # fmt: skip


# the pure part


@given(st.sampled_from([PRIORITY, PRO_RATA, RESERVE]), MONEY, ASKS)
def test_nobody_is_allotted_less_than_it_uses_and_all_of_it_in_whole_millionths(policy, capital, asks):
    given_out = allocate(policy, capital, asks)
    assert [type(amount) for amount in given_out] == [int] * len(asks)
    assert all(amount >= ask.used for amount, ask in zip(given_out, asks, strict=True))
    assert given_out == allocate(policy, capital, list(asks))


@given(st.sampled_from([PRIORITY, PRO_RATA]), MONEY, ASKS)
def test_no_more_is_shared_out_than_there_is_but_where_the_use_alone_exceeds_it(policy, capital, asks):
    used = sum(ask.used for ask in asks)
    total = sum(allocate(policy, capital, asks))
    assert total <= capital if used <= capital else total == used


@given(st.sampled_from([PRIORITY, PRO_RATA, RESERVE]), MONEY, ASKS, st.randoms(use_true_random=False))
def test_the_order_of_the_strategies_matters_only_between_equal_priorities(policy, capital, asks, random):
    if policy == PRIORITY:
        asks = [ask._replace(priority=at) for at, ask in enumerate(asks)]
    places = list(range(len(asks)))
    random.shuffle(places)
    shuffled = allocate(policy, capital, [asks[at] for at in places])
    plain = allocate(policy, capital, asks)
    assert shuffled == [plain[at] for at in places]


def test_shared_means_no_split():
    assert allocate(SHARED, 100, [Ask(1), Ask(2)]) == [NO_LIMIT, NO_LIMIT]


def test_by_priority_the_highest_has_its_need_first_and_equals_in_their_order():
    asks = [Ask(10, need=60, priority=1), Ask(0, need=80, priority=2), Ask(5, need=60, priority=1)]
    assert allocate(PRIORITY, 100, asks) == [15, 80, 5]
    assert allocate(PRIORITY, 12, asks) == [10, 0, 5]


def test_by_priority_a_halted_strategy_keeps_what_it_uses_and_no_more():
    assert allocate(PRIORITY, 100, [Ask(10, need=90, priority=9, halted=True), Ask(0, need=200)]) == [10, 90]


def test_pro_rata_goes_by_weight_and_the_share_of_the_halted_to_the_others():
    assert allocate(PRO_RATA, 100, [Ask(0, weight=1), Ask(0, weight=3)]) == [25, 75]
    assert allocate(PRO_RATA, 100, [Ask(0, weight=1), Ask(4, weight=2, halted=True), Ask(0, weight=2)]) == [32, 4, 64]


def test_pro_rata_who_uses_more_than_its_share_keeps_it_at_the_cost_of_the_others():
    assert allocate(PRO_RATA, 100, [Ask(60), Ask(0), Ask(0)]) == [60, 20, 20]
    assert allocate(PRO_RATA, 100, [Ask(60), Ask(30), Ask(0)]) == [60, 30, 10]


def test_a_reserve_is_sure_and_the_rest_is_for_each():
    assert allocate(RESERVE, 100, [Ask(0, reserve=30), Ask(40, reserve=10)]) == [60, 70]
    assert allocate(RESERVE, 50, [Ask(0, reserve=30), Ask(40, reserve=10)]) == [30, 40]


# in the engine


def two(policy: str, capital: float = 5e6, first: dict | None = None, **second):
    """Two strategies on the demo's spread; the first one alone trades."""
    other = {"id": "second", "entry": 1e6, **second}
    return config_of(capital, pool={"policy": policy}, strategies=(other,), **({"max_units": 1} | (first or {})))


def allotted(world: World) -> list[int]:
    return [int(row["allocated_micros"]) for row in world.state.strategy]


def uses(world: World) -> list[int]:
    return [int(row["pool_used_micros"]) for row in world.state.strategy]


def test_a_shared_pool_splits_nothing():
    world = World(two("shared"))
    world.market(6.5)
    world.step(300)
    assert allotted(world) == [NO_LIMIT, NO_LIMIT]
    assert world.of_kind(records.ALLOCATION) == []
    world.check()


def test_a_pool_that_is_shared_out_allots_nothing_that_is_known_before_the_first_sample():
    world = World(two("pro_rata"))
    assert allotted(world) == [UNSET, UNSET]
    world.check()


def test_pro_rata_splits_the_capital_and_a_halted_strategys_share_goes_to_the_other():
    world = World(two("pro_rata", pool_weight=3))
    world.market(6.0)
    world.step(300)
    assert allotted(world) == [1_250_000_000_000, 3_750_000_000_000]
    rows = [(row["strategy"], row["allocated_micros"]) for row in world.of_kind(records.ALLOCATION)]
    assert rows == [(0, 1_250_000_000_000), (1, 3_750_000_000_000)]  # once, since nothing changed
    world.loop.on_command(records.COMMAND_HALT, records.SCOPE_STRATEGY, 1, "ann", "a test", world.now_ns)
    assert world.state.strategy[1]["switch"] == HALTED
    world.step(300)
    assert allotted(world) == [5_000_000_000_000, 0]
    world.check()


def test_by_priority_the_first_has_the_margin_of_its_units_and_the_next_what_is_left():
    world = World(two("priority", capital=1e6, first={"pool_priority": 1, "max_units": 2}, max_units=9))
    world.market(6.0)
    world.step(300)
    first, second = allotted(world)
    margin = 2 * (3 * 315_320 * 0.19 + 139_500 * 0.10 * 6.896)  # about
    assert first == pytest.approx(margin * 1e6, rel=0.03)
    assert second == 10**12 - first
    world.check()


def test_an_entrys_holds_count_as_its_strategys_use_at_once():
    world = World(two("pro_rata"))
    world.market(6.0)
    world.step(300)
    assert uses(world) == [0, 0]
    world.market(6.5)  # an entry; no beat since
    held = int(world.loop.core.hot.pool_use(world.state.address, 0))
    assert uses(world) == [held, 0] and held > 0
    world.check()


def test_lots_of_its_own_are_used_by_a_strategy_and_all_uses_make_the_pools():
    world = held_position(capital=5e6, pool={"policy": "pro_rata"}, strategies=({"id": "second", "entry": 1e6},))
    world.step(300)
    pool = capital_of(world)
    assert uses(world) == [pool["used_micros"], 0] and pool["held_micros"] == 0
    world.check()


def test_through_a_swinging_day_nothing_is_lost_between_orders_positions_accounts_strategies_and_pool():
    faults = {"SIM_SHFE": [{"every": 3, "do": "partial", "lots": 1}], "SIM_OTC": [{"at_order": 4, "do": "reject"}]}
    config = config_of(50e6, pool={"policy": "pro_rata"}, strategies=({"id": "second", "entry": 1e6},), max_units=3)
    world = World(config, faults, latency_ms=40)
    state, seen = world.state, 0
    for turn in range(60):
        world.market(5.5 + 0.1 * (turn % 20))
        world.step(130)
        for at, account in enumerate(state.account):
            mine = state.instrument["account"] == at
            holds = [int(row["hold_micros"]) for row in state.order if row["order_no"] and mine[row["instrument"]]]
            assert account["held_micros"] == sum(holds)
            assert account["used_micros"] == sum(int(row["used_micros"]) for row in state.position[mine])
        world.market(5.5 + 0.1 * (turn % 20))
        world.step(250 - world.now_ns // 10**6 % 250)  # to the next sample
        pool = capital_of(world)
        assert sum(uses(world)) == pytest.approx(pool["held_micros"] + pool["used_micros"], abs=10)
        assert sum(allotted(world)) <= 50 * 10**12 and allotted(world)[0] >= uses(world)[0]
        idle = pool["capital_micros"] - pool["held_micros"] - pool["used_micros"] - pool["transit_micros"]
        assert 0 < idle <= pool["capital_micros"]
        seen += pool["held_micros"] > 0 and pool["used_micros"] > 0
    assert seen > 1 and len(world.outcomes()) > 5
    world.check()


def test_a_strategy_keeps_what_it_uses_where_the_capital_has_shrunk():
    world = held_position(capital=5e6, pool={"policy": "pro_rata"}, strategies=({"id": "second", "entry": 1e6},))
    balance(world, CN, 0)
    balance(world, US, 0)
    world.step(300)
    assert allotted(world) == [uses(world)[0], 0] and uses(world)[0] > 0
    world.check()


def test_what_is_shared_out_is_no_more_than_the_accounts_have():
    world = World(two("pro_rata"))
    world.market(6.0)
    balance(world, CN, 10**12)
    balance(world, US, 0)
    world.step(300)
    assert allotted(world) == [5 * 10**11] * 2
    world.check()


@pytest.mark.parametrize("missing", ["rate", "balance"])
def test_without_a_rate_or_a_balance_what_is_allotted_is_not_known(missing):
    world = World(two("pro_rata"))
    world.market(6.0)
    world.step(300)
    if missing == "rate":
        world.loop.on_link(1, MARKET_DATA, DOWN, world.now_ns, "a test")
    else:
        balance(world, US, UNSET)
    world.step(300)
    assert allotted(world) == [UNSET, UNSET]
    world.check()


def test_a_pools_record_tells_holds_from_margin():
    world = World(config_of(max_units=1), latency_ms=600)
    world.market(6.5)
    world.step(300)
    pool = capital_of(world)
    assert pool["held_micros"] > 0 and pool["used_micros"] == 0
    accounts = [capital_of(world, at) for at in (CN, US)]
    assert [row["held_micros"] for row in accounts] == [int(row["held_micros"]) for row in world.state.account]
    for _ in range(3):
        world.market(6.5)
        world.step(500)
    pool = capital_of(world)
    assert pool["held_micros"] == 0 and pool["used_micros"] > 0
    assert pool["used_micros"] == int(world.loop.core.hot.pool_use(world.state.address, 0))
    world.check()


def test_a_policy_that_is_reloaded_holds_at_once():
    world = World(config_of(5e6, max_units=1))
    world.market(6.0)
    world.step(300)
    for policy, amount in (("pro_rata", 5 * 10**12), ("shared", NO_LIMIT)):
        config = deepcopy(world.record["config"])
        config["pools"][0]["policy"] = policy
        changes = [{"key": "pools[0].policy", "old": "another", "new": policy}]
        body = {"version": 1, "who": "ann", "why": "a test", "changes": changes, "config": config}
        world.loop.on_limits(body, world.now_ns)
        assert allotted(world) == [amount]
    world.check()


def test_a_restart_knows_what_was_allotted_and_used():
    world = held_position(capital=5e6, pool={"policy": "reserve"}, pool_reserve=2e6)
    verdict, loop = world.replayed()
    assert verdict.identical
    assert allotted(world) == [int(row["allocated_micros"]) for row in loop.core.state.strategy]
    assert allotted(world)[0] == 5 * 10**12
