"""A sweep decides as the engine would: its decisions are those of a replay of the same day."""

from itertools import pairwise

import pytest

from desk.replay import replay
from desk.sweep_day import BadData
from desk.sweep_fills import DECIDED
from engine import records
from engine.ports import DOWN, MARKET_DATA, READY
from tests.sweep_world import LATENCY_MS, day_of, demo_config, rich, saw, swept, written
from tests.world import World

MODES = {
    "around a fixed center": {},
    "around the rolling mean": {"center": None, "min_samples": 8, "entry": 0.2},
    "in deviations": {"center": None, "min_samples": 12, "band": "z", "entry": 1.2, "exit": 0.2},
    "of the ratio": {"center": None, "kind": "ratio_cross", "min_samples": 8, "band": "z", "entry": 1.2, "exit": 0.2},
    "armed again only inside": {"rearm": 0.2, "max_units": 2, "cooldown_ms": 0},
    "flat before the close": {"at_close": "flatten", "flatten_s": 4_094, "max_units": 2},
    "two units at a time": {"clip_units": 2, "max_units": 4, "cooldown_ms": 300},
}  # fmt: skip


def decisions_of(world: World) -> list[tuple]:
    """(time, side, purpose, units, each leg's lots and limit) of every decision in a journal."""
    found = []
    for record in world.journal.records():
        if record.kind == records.DECISION:
            row = record.data
            legs = [(int(row["lots"][leg]), int(row["limit_ticks"][leg])) for leg in range(int(row["legs"]))]
            found.append((record.now_ns, int(row["side"]), int(row["purpose"]), int(row["units"]), legs))
    return found


def decisions_in(log, number: int = 0) -> list[tuple]:
    """The same of one set's log."""
    found: dict[int, tuple] = {}
    for row in log[(log["number"] == number) & (log["kind"] == DECIDED)]:
        at = int(row["now_ns"]), int(row["side"]), int(row["purpose"]), int(row["units"])
        found.setdefault(int(row["decision"]), (*at, []))[-1].append((int(row["lots"]), int(row["ticks"])))
    return list(found.values())


@pytest.mark.parametrize("mode", MODES)
def test_a_sweep_decides_what_a_replay_of_the_same_day_decides(mode, tmp_path):
    world = saw(World(rich(demo_config(**MODES[mode])), latency_ms=LATENCY_MS), 240)
    world.check()
    assert {int(row["cleared"]) for row in world.of_kind(records.VERDICT)} == {1}
    assert set(world.outcomes()) == {"complete"}
    folder = written(world, tmp_path)
    assert replay(folder).identical
    day = day_of(world.config, folder)
    (result,), log = swept(world.config, day)
    expected = decisions_of(world)
    assert len(expected) > 4
    assert decisions_in(log) == expected
    assert result["decisions"] == result["complete"] == len(expected)
    assert day.denied == 0


def test_a_break_between_two_sessions_and_a_link_that_broke_are_what_they_were(tmp_path):
    """An hour of silence, Shanghai's morning break in it, then a broken feed while the saw goes on."""
    world = saw(World(rich(demo_config(center=None, min_samples=8, entry=0.2)), latency_ms=LATENCY_MS), 60)
    before = len(decisions_of(world))
    world.step(5_400_000, beat_ms=1_000)  # closed from 02:15 to 02:30
    opened = world.now_ns
    for _ in range(40):
        world.quote(world.au, 16_000, 16_001)  # a first quote each, so that the next saw finds no stale leg
        world.step(60)
    saw(world, 80)
    world.loop.on_link(0, MARKET_DATA, DOWN, world.now_ns, "cut")
    world.quote(world.gc, 13_950, 13_951, 100_000)
    world.step(120)
    world.loop.on_link(0, MARKET_DATA, READY, world.now_ns, "back")
    saw(world, 80)
    world.check()
    assert {int(row["cleared"]) for row in world.of_kind(records.VERDICT)} == {1}
    day = day_of(world.config, written(world, tmp_path))
    _, log = swept(world.config, day)
    expected = decisions_of(world)
    assert before > 2 and sum(at > opened for at, *_ in expected) > 2
    assert decisions_in(log) == expected


def test_a_day_without_quotes_of_a_leg_is_refused(tmp_path):
    world = World(demo_config())
    for _ in range(5):
        world.quote(world.au, 15_760, 15_761)
        world.step(60)
    with pytest.raises(BadData, match=r"expected quotes of COMEX\.GCG7, FX"):
        swept(world.config, day_of(world.config, written(world, tmp_path)))


def test_lots_that_our_own_orders_went_for_are_not_counted_on_twice_as_live(tmp_path):
    """Four lots shown, three a unit; COMEX quotes twice as often, so that live would decide on it too early."""
    world = World(rich(demo_config(max_units=3, cooldown_ms=0)), latency_ms=LATENCY_MS)
    fair = round((1395.05 / 31.1034768 * 6.89605 + 6.0) / 0.02)
    world.quote(world.fx, 68_960, 68_961, 500)
    for turn in range(48):
        away = 25 if turn // 12 % 2 else -25 if turn // 6 % 2 else 0
        away += turn % 2  # an unchanged quote shows nothing new at the exchange
        world.quote(world.au, fair + away, fair + away + 1, 4)
        for _ in range(2):
            world.step(20)
            world.quote(world.gc, 13_950, 13_951, 100_000)
        world.step(20)
    world.check()
    assert {int(row["cleared"]) for row in world.of_kind(records.VERDICT)} == {1}
    expected = decisions_of(world)
    quoted = [record.now_ns for record in world.journal.records() if record.kind == records.QUOTE
              and record.data["instrument"] == world.au]  # fmt: skip
    assert len(expected) > 6
    assert set(world.outcomes()) == {"complete"}
    for first, end in pairwise(quoted):
        sides = [side for at, side, *_ in expected if first <= at < end]
        assert len(sides) == len(set(sides)), "no side of the same quote was gone for twice"
    _, log = swept(world.config, day_of(world.config, written(world, tmp_path)))
    assert decisions_in(log) == expected
