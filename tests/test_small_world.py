"""Small worlds, walked state by state over the real loop; and that the walk finds what is planted.

`make campaign` walks a million states; here it is a sample of each world. A failure prints its path, as short as it
gets: `replayed` below makes a named test of it.
"""

import msgspec
import pytest

from bench.smallworld.__main__ import main
from bench.smallworld.judge import Before
from bench.smallworld.moves import Game
from bench.smallworld.walk import Walk, follow, step
from bench.smallworld.world import WORLDS, World
from engine import reports, settle
from engine.records import COMPLETE

pytestmark = pytest.mark.slow


def replayed(name: str, rare: int, path: list[tuple]) -> list[str]:
    """The faults at the end of a path that a walk printed."""
    game = Game(World(name), rare)
    start = game.keep()
    return follow(game, start, path) or []


@pytest.mark.parametrize("name", WORLDS)
def test_nothing_breaks_in_a_sample_of_a_small_world(name):
    walk = Walk(name, rare=2, states=2_500, depth=24, seed=1)
    walk.run()
    assert not walk.failures, "\n".join(str(failure) for failure in walk.failures)
    assert len(walk.seen) > 2_000
    assert walk.cut >= 1


def test_a_world_of_single_lots_is_walked_to_its_end():
    walk = Walk("single", rare=1, states=20_000, depth=100, seed=1, whole=True, slow=0)
    walk.run()
    assert not walk.failures, "\n".join(str(failure) for failure in walk.failures)
    assert walk.closed
    assert len(walk.seen) > 5_000


def test_a_world_without_surprises_goes_deep():
    walk = Walk("gold", rare=0, states=2_000, depth=60, seed=2)
    walk.run()
    assert not walk.failures
    assert len(walk.sizes) > 14


def test_a_moment_comes_back_as_it_was():
    game = Game(World("pairs"), 3)
    start, key, block = game.keep(), game.key(), game.world.state.snapshot()
    for move in (("ack", 0), ("down", 1), ("time",), ("unseen fill", 1, 2), ("up", 1), ("restart",), ("time",)):
        assert move in game.enabled()
        assert step(game, move, Before(game)) == []
        assert game.key() != key
    game.restore(start)
    assert game.key() == key
    assert game.world.state.snapshot() == block


def test_orders_that_came_to_the_same_by_other_ways_are_one_state():
    keys = []
    for path in ([("ack", 0), ("reject", 1)], [("reject", 1), ("ack", 0)]):
        game = Game(World("pairs"), 0)
        for move in path:
            assert step(game, move) == []
        keys.append(game.key())
    assert keys[0] == keys[1]


def planted(name: str, rare: int, states: int = 4_000) -> Walk:
    walk = Walk(name, rare, states, depth=16, seed=1, most_failures=1)
    walk.run()
    assert walk.failures, "the walk did not see the planted bug"
    return walk


def test_a_trade_that_is_booked_again_is_found(monkeypatch):
    book = reports._book_trade

    def forgetful(core, row, deal, report):
        core.trades.clear()
        return book(core, row, deal, report)

    monkeypatch.setattr(reports, "_book_trade", forgetful)
    failure = planted("pairs", rare=1).failures[0]
    assert "lots are booked, " in failure.faults[0]
    assert [move[0] for move in failure.path] == ["fill", "again"]


def test_a_deal_that_is_called_complete_too_early_is_found(monkeypatch):
    monkeypatch.setattr(settle, "outcome_of", lambda deal, bound_ubase: COMPLETE)
    failure = planted("gold", rare=0).failures[0]
    assert any("ended with an exposure" in fault for fault in failure.faults)
    assert len(failure.path) <= 4


def test_a_repair_that_does_not_wait_for_a_doubt_is_found(monkeypatch):
    review = settle.review

    def hasty(core, deal, doubt_since_ns=0):
        review(core, deal, doubt_since_ns)
        if deal["alive"] and deal["in_doubt"]:
            deal["alive"] = 0
            settle._repair_if_due(core, deal)

    monkeypatch.setattr(settle, "review", hasty)
    assert planted("pairs", rare=1).failures[0].path


def test_a_halt_that_nobody_is_told_of_is_found(monkeypatch):
    monkeypatch.setattr(settle, "halt", lambda core, deal, reason: settle.finish(core, deal, 4, reason))
    assert planted("pairs", rare=0).failures[0].path


def test_the_figures_are_written(tmp_path, capsys):
    file = tmp_path / "small.json"
    assert main(["--states", "300", "--depth", "6", "--world", "lean", "--jobs", "1", "--json", str(file)]) == 0
    found = msgspec.json.decode(file.read_bytes())
    assert found[0]["states"] >= 300
    assert not found[0]["failures"]
    assert f"{found[0]['states']} distinct states" in capsys.readouterr().out
