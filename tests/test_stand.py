"""Why a strategy does not decide: the answer is "ready" exactly where it would, and it changes nothing."""

import random
from collections import Counter

import pytest

from engine import records
from engine.ports import BUY, SELL
from engine.records import ENTRY, EXIT, STAND_READY, STANDS
from engine.schema import ACTIVE, HALTED, NO_LIMIT, REDUCE_ONLY, UNSET
from strategies.signals import PYTHON, RATIO_CROSS, SPREAD_CROSS, ask_strategy, may_ask
from strategies.stand import stand_of
from tests.spread_world import HOUR_NS, NOW_NS, UNIT, empty_state, fill_touches

pytestmark = pytest.mark.slow

SECOND = 1_000_000_000
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)  # exact in binary, so that equalities come up


def bare_state():
    """Two legs at two venues, one of each kind of strategy on their spread; an account at the first leg alone."""
    state = empty_state(instruments=2, spreads=1, window=4, strategies=3)
    row = state.spread[0]
    row["legs"], row["instrument"][:2], row["ratio"][:2], row["weight"][:2] = 2, (0, 1), (1, -1), (1.0, -1.0)
    row["strategy_n"] = 3
    state.venue["market"] = 0, 1
    state.instrument["account"] = 0, -1
    state.strategy["kind"] = SPREAD_CROSS, RATIO_CROSS, PYTHON
    state.strategy["flatten_ns"] = -1
    fill_touches(state)
    return state


def scatter(state, rng: random.Random) -> None:
    """Other numbers in every field that any condition looks at; most let pass, so that the late ones are met too."""
    seldom = lambda value, plain=0: value if rng.random() < 0.05 else plain
    spread = state.spread[0]
    spread["blocked"], spread["open_deals"] = seldom(rng.choice((1, 8, 32))), seldom(1)
    spread["samples"], spread["switch"] = rng.choice((2, 3, 4)), seldom(rng.choice((REDUCE_ONLY, HALTED)))
    for name in ("diff", "ratio_mid"):
        mid, half = rng.choice((-1, 1)) * rng.choice(STEPS), rng.choice(STEPS[:3])
        sides = ("buy", "sell") if name == "diff" else ("ratio_buy", "ratio_sell")
        spread[name], spread[sides[0]], spread[sides[1]] = mid, mid + half, mid - half
    spread["mean"], spread["sd"] = rng.choice(STEPS[:2]), rng.choice((0.5, 1.0))
    spread["cost"], spread["fee"], spread["second_mid"] = rng.choice(STEPS[:2]), 0.0, 1.0
    spread["buy_units"], spread["sell_units"] = (rng.choice((0, 1, 5)) for _ in range(2))
    for table in (state.venue, state.market, state.account):
        table["switch"] = [seldom(rng.choice((REDUCE_ONLY, HALTED))) for _ in table]
    state.head["switch"] = seldom(rng.choice((REDUCE_ONLY, HALTED)))
    for index in range(2):
        near = NOW_NS + rng.choice((-1, 0, 1)) + 300 * SECOND
        state.instrument[index]["close_ns"] = rng.choice((near, NOW_NS + HOUR_NS, UNSET))
    for row in state.strategy:
        row["entry"], row["exit"], row["rearm"] = rng.choice(STEPS), rng.choice(STEPS[:3]), rng.choice(STEPS[:4])
        row["center"], row["min_edge"] = rng.choice((-0.25, 0.0, 0.25)), rng.choice((-1.0, 0.0, 0.25))
        row["fixed_center"], row["band"], row["min_samples"] = rng.random() < 0.7, rng.random() < 0.3, 3
        row["clip_units"], row["max_units"] = rng.choice((1, 2)), rng.choice((0, 1, 3))
        row["cap_units"] = rng.choice((1, 2, NO_LIMIT, NO_LIMIT))
        row["position_units"] = rng.choice((0, 0, 0, 1, -1, 2, -2))
        row["cooldown_ns"], row["last_decision_ns"] = 5, NOW_NS - rng.choice((4, 5, 6, 100, 100))
        row["open_deals"], row["switch"] = seldom(1), seldom(rng.choice((REDUCE_ONLY, HALTED)))
        row["flatten_ns"] = rng.choice((-1, -1, 300 * SECOND))
        row["armed"] = rng.choice((0, 1)), rng.choice((0, 1))


def decided(state, index: int):
    """(side, purpose) of what the strategy decides when it is asked alone, on a copy; None where it does not."""
    copy = empty_state(instruments=2, spreads=1, window=4, strategies=3)
    copy.block[:] = state.block
    if not ask_strategy(copy.address, index, NOW_NS):
        return None
    decision = copy.scratch["decision"][0]
    assert decision["units"] > 0
    return int(decision["side"]), int(decision["purpose"])


def strictest(state, index: int) -> int:
    """Worked out the plain way: both venues, both markets, the one account."""
    one = [state.head["switch"], state.spread[0]["switch"], state.strategy[index]["switch"]]
    return int(max([*one, *state.venue["switch"], *state.market["switch"], *state.account["switch"]]))


def lets(switch: int, purpose: int) -> bool:
    """Whether a switch lets a decision of this purpose pass."""
    return switch == ACTIVE or (switch == REDUCE_ONLY and purpose == EXIT)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_strategy_is_ready_exactly_where_it_would_decide(seed):
    rng, state = random.Random(seed), bare_state()
    met, decisions = Counter(), Counter()
    for _ in range(3_000):
        scatter(state, rng)
        before = state.block.tobytes()
        for index in range(3):
            reason, switch, _, _ = stand_of(state.address, index, NOW_NS)
            made = decided(state, index)
            assert switch == strictest(state, index)
            would = made is not None and lets(switch, made[1])
            assert (reason == STAND_READY) == would, (seed, index, STANDS[reason], made)
            met[index, reason] += 1
            decisions[index, made] += 1
        assert state.block.tobytes() == before
    assert {reason for _, reason in met} == set(range(len(STANDS)))
    for index in (SPREAD_CROSS, RATIO_CROSS):
        assert min(decisions[index, (side, purpose)] for side in (BUY, SELL) for purpose in (ENTRY, EXIT)) > 10


def test_a_python_strategy_is_left_to_its_code_exactly_where_it_may_be_asked():
    rng, state = random.Random(4), bare_state()
    asked = 0
    for _ in range(3_000):
        scatter(state, rng)
        reason, switch, _, _ = stand_of(state.address, PYTHON, NOW_NS)
        open_to_it = lets(switch, ENTRY if state.strategy[PYTHON]["position_units"] == 0 else EXIT)
        may = bool(may_ask(state.address, PYTHON, NOW_NS)) and open_to_it
        assert (reason == records.STAND_CODE) == may
        asked += may
    assert asked > 300


def calm_state(**strategy):
    """All is well, and the difference lies at -2.0, far below the center 0: the first strategy would buy."""
    state = bare_state()
    spread = state.spread[0]
    spread["diff"], spread["buy"], spread["sell"], spread["samples"] = -2.0, -1.75, -2.25, 4
    spread["buy_units"] = spread["sell_units"] = 5
    spread["unit_ubase"] = UNIT
    chosen = {"entry": 1.0, "exit": 0.25, "fixed_center": 1, "clip_units": 2, "max_units": 3, "armed": 1,
              "min_edge": 0.5}  # fmt: skip
    for name, value in (chosen | strategy).items():
        state.strategy[0][name] = value
    return state


def told(state) -> tuple:
    reason, _, value, bound = stand_of(state.address, 0, NOW_NS)
    return STANDS[reason], value, bound


def test_a_calm_strategy_far_outside_its_band_is_ready():
    assert told(calm_state()) == ("ready", 2.0, 1.0)


@pytest.mark.parametrize("table", ["head", "market", "venue", "account", "spread", "strategy"])
def test_the_switch_of_any_scope_above_it_is_the_reason(table):
    state = calm_state()
    rows = getattr(state, table)
    (rows if table == "head" else rows[0])["switch"] = REDUCE_ONLY
    assert told(state) == ("switch", REDUCE_ONLY, ACTIVE)
    state.strategy[0]["position_units"] = 1
    assert told(state) == ("switch", REDUCE_ONLY, ACTIVE)  # it may be exited, and the price for that is not there
    state.spread[0]["sell"] = 0.0
    assert told(state) == ("ready", 1.0, 1.0)
    (rows if table == "head" else rows[0])["switch"] = HALTED
    assert told(state) == ("switch", HALTED, REDUCE_ONLY)


def test_a_blocked_price_comes_before_all_but_the_switch_and_says_its_bits():
    state = calm_state(open_deals=1)
    state.spread[0]["blocked"] = records.STALE | records.SKEWED
    assert told(state) == ("price blocked", records.STALE | records.SKEWED, 0)


def test_the_numbers_of_each_reason_are_what_was_seen_and_what_was_needed():
    state = calm_state(fixed_center=0, min_samples=9)
    assert told(state) == ("too few samples", 4, 9)
    state = calm_state(flatten_ns=3600 * SECOND)
    state.instrument["close_ns"] = NOW_NS + 600 * SECOND
    assert told(state) == ("close is near", pytest.approx(600), pytest.approx(3600))
    assert told(calm_state(open_deals=1)) == ("a deal is open", 1, 0)
    state = calm_state(cooldown_ns=10 * SECOND, last_decision_ns=NOW_NS - 4 * SECOND)
    assert told(state) == ("cooling down", pytest.approx(4), pytest.approx(10))
    assert told(calm_state(position_units=3)) == ("position is full", 3, 3)
    assert told(calm_state(entry=2.5)) == ("signal inside the band", 2.0, 2.5)
    assert told(calm_state(min_edge=1.75)) == ("edge too small", 1.5, 1.75)
    assert told(calm_state(armed=0, rearm=0.5)) == ("not armed again yet", 2.0, 0.5)
    state = calm_state()
    state.spread[0]["buy_units"] = 0
    assert told(state) == ("nothing to trade against", 0, 1)


def test_what_is_held_can_only_be_added_to_on_its_own_side():
    """Short one unit at -2.0: the signal lies on the other side of the center, two below what an entry needs."""
    state = calm_state(position_units=-1)
    state.spread[0]["buy"] = 0.5  # too dear to take it back
    assert told(state) == ("signal inside the band", -2.0, 1.0)


def test_the_ramps_cap_is_the_maximum_while_it_is_the_smaller_one():
    assert told(calm_state(position_units=2, cap_units=2)) == ("position is full", 2, 2)
    assert told(calm_state(position_units=2, cap_units=9)) == ("ready", 1.0, 1.0)
    state = calm_state(cap_units=1, clip_units=3)
    assert decided(state, 0) == (BUY, ENTRY)
    assert ask_strategy(state.address, 0, NOW_NS)
    assert state.scratch["decision"][0]["units"] == 1
