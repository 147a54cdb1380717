"""A sweep decides as the engine would: its decisions are those of a replay of the same day."""

import pytest

from desk.replay import replay
from desk.sweep_fills import DECIDED
from engine import records
from tests.sweep_world import LATENCY_MS, day_of, demo_config, rich, saw, swept, written
from tests.world import World

MODES = {
    "around a fixed center": {},
    "around the rolling mean": {"center": None, "min_samples": 8, "entry": 0.2},
    "in deviations": {"center": None, "min_samples": 12, "band": "z", "entry": 1.2, "exit": 0.2},
    "of the ratio": {"center": None, "kind": "ratio_cross", "min_samples": 8, "band": "z", "entry": 1.2, "exit": 0.2},
    "armed again only inside": {"rearm": 0.2, "max_units": 2, "cooldown_ms": 0},
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
