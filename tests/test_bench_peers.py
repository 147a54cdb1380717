"""The bench of peers without a peer's environment: its protocol at both ends, its ratios, and what it says then."""

import ast
import gc
import sys
from pathlib import Path

import pytest

from bench import __main__ as benches
from bench import rig
from bench.figures import Missing, Refused
from bench.peers import backtests, engines, inside, process, rounds
from bench.peers.rounds import Batch, Engine, Times
from bench.sent import Sent

FOLDER = Path(inside.__file__).parent
INSIDE = ["inside.py", "hft_loop.py", "nautilus_live.py", "nautilus_parts.py", "nautilus_sync.py", "vnpy_gate.py",
          "vnpy_parts.py", "vnpy_spread.py"]  # fmt: skip
# A peer that does its work: the same signal by its own arithmetic, each time a round number.
WORKS = """
import inside
from inside import AU, BUY, FX, GC, LOTS, SELL
books, held = {}, [False]
def order(at, side):
    ticks = books[at][1] + inside.SLIPPAGE_TICKS if side == BUY else books[at][0] - inside.SLIPPAGE_TICKS
    return [at, side, ticks, LOTS[at]]
def play(quotes):
    orders = []
    for at, bid, _, ask, _, moves in quotes:
        books[at] = bid, ask
        if len(books) == 3:
            mid = {at: sum(book) / 2 * inside.TICKS[at] for at, book in books.items()}
            away = mid[AU] - mid[GC] * mid[FX] / inside.GRAMS_AN_OUNCE - inside.CENTER
            if away > inside.ENTRY if not held[0] else away < inside.EXIT:
                side = BUY if held[0] else SELL
                orders += [order(AU, side), order(GC, -side)]
                held[0] = not held[0]
    decisions = sum(quote[5] for quote in quotes)
    return inside.answered([8_000] * decisions, [2_000] * (len(quotes) - decisions), orders, quotes)
inside.hello((), log="none")
"""
AU_SOLD = [(rig.AU, -1, 47_155, 3), (rig.GC, 1, 41_003, 1)]


def command(text: str) -> list[str]:
    return [sys.executable, "-Ec", f"import sys\nsys.path.insert(0, {str(FOLDER)!r})\n{text}"]


def engine_that(text: str) -> Engine:
    return Engine("fake", command(text))


def says(**answer: object) -> str:
    """A peer that answers every round with this, whatever it is asked."""
    return f"import inside\ninside.hello((), log='none')\nfor line in sys.stdin:\n    inside.say({answer})"


def a_decision() -> Batch:
    """The first quotes, and the one that moves."""
    market = rig.Market()
    opening = market.opening()
    return Batch([*opening, market.move()], [False] * len(opening) + [True], AU_SOLD)


def decisions(market: rig.Market, count: int) -> Batch:
    moves = ([False] * rig.IDLE_QUOTES + [True]) * count
    return Batch(market.decisions(count), moves)


def samples(times: Times, both: list[int], idle: list[int]) -> None:
    times.both.add(both)
    times.idle.add(idle)


def test_a_peer_that_does_the_same_work_has_its_times_and_orders_taken():
    with engine_that(WORKS + "inside.serve(play)") as peer:
        found = peer.play(a_decision(), collect=True)
    assert found.both_ns == [8_000] and found.idle_ns == [2_000] * 3
    assert found.orders == AU_SOLD
    assert peer.hello.set_up == {"log": "none"} and peer.hello.versions["python"]


def test_the_same_quotes_make_the_same_orders_round_after_round():
    market = rig.Market()
    with engine_that(WORKS + "inside.serve(play)") as peer:
        peer.play(Batch(market.opening(), [False] * 3), collect=True)
        for number in range(2):
            batch = decisions(market, 3)
            batch.orders = _by_the_books(batch, first_side=-1 if number % 2 == 0 else 1)
            found = peer.play(batch, collect=number == 0)
            assert len(found.both_ns) == 3 and len(found.idle_ns) == 3 * rig.IDLE_QUOTES


def _by_the_books(batch: Batch, first_side: int) -> list[tuple[int, int, int, int]]:
    """Both legs at each quote that moves, two ticks beyond the touch, the side in turns."""
    books, orders, side = {}, [], first_side
    for (at, bid, _, ask, _), moves in zip(batch.quotes, batch.moves, strict=True):
        books[at] = bid, ask
        for leg, way in ((rig.AU, side), (rig.GC, -side)) if moves else ():
            orders.append((leg, way, books[leg][1] + 2 if way > 0 else books[leg][0] - 2, rig.LEGS[leg]))
        side = -side if moves else side
    return orders


@pytest.mark.parametrize(
    "orders, expected",
    [
        ([AU_SOLD[0]], "2 orders of fake as ours, found 1"),
        (
            [AU_SOLD[0], (rig.GC, 1, 41_004, 1)],
            r"order 1 of fake to be \(1, 1, 41003, 1\) as ours, found \(1, 1, 41004, 1\)",
        ),
        ([(rig.AU, 1, 47_155, 3), AU_SOLD[1]], "order 0 of fake to be"),
        ([*AU_SOLD, AU_SOLD[0]], "2 orders of fake as ours, found 3"),
    ],
)
def test_a_peer_whose_orders_are_not_ours_is_refused(orders, expected):
    said = says(both_ns=[1], idle_ns=[1, 1, 1], orders=[list(order) for order in orders])
    with engine_that(said) as peer, pytest.raises(Refused, match=expected):
        peer.play(a_decision(), collect=True)


@pytest.mark.parametrize(
    "wrong, expected",
    [
        ({"both_ns": []}, r"\(1, 3\) times of fake, found \(0, 3\)"),
        ({"idle_ns": [1, 1]}, r"\(1, 3\) times of fake, found \(1, 2\)"),
        ({"both_ns": [0]}, "times of fake above 0"),
        ({"both_ns": [0.5]}, "the peer said"),
        ({"more": 1}, "the peer said"),
    ],
)
def test_a_peers_wrong_times_are_refused(wrong, expected):
    answer = {"both_ns": [1], "idle_ns": [1, 1, 1], "orders": [list(order) for order in AU_SOLD]}
    with engine_that(says(**answer | wrong)) as peer, pytest.raises(Refused, match=expected):
        peer.play(a_decision(), collect=True)


def test_a_peer_refuses_its_own_round_where_orders_are_missing():
    lazy = "inside.serve(lambda quotes: inside.answered([1], [1] * 3, [], quotes))"
    with engine_that(WORKS + lazy) as peer, pytest.raises(Refused, match="ended with 1: expected 2 orders at the gate"):
        peer.play(a_decision(), collect=True)


def test_a_peer_that_cannot_be_imported_is_refused_with_its_last_words():
    with pytest.raises(Refused, match="No module named 'nautilus'"), engine_that("import nautilus"):
        pass


def test_garbage_is_left_alone_in_a_held_round_and_as_it_was_in_the_other():
    gc.enable()  # as a process has it, whatever another test has left
    before = gc.isenabled(), gc.get_freeze_count()
    with inside.garbage(collect=False):
        assert not gc.isenabled() and gc.get_freeze_count() > before[1]
    with inside.garbage(collect=True):
        assert (gc.isenabled(), gc.get_freeze_count()) == before


def test_the_deal_that_peers_are_told_is_the_rigs():
    config, _ = rig.tuned()
    strategy = config.strategies[0]
    assert (inside.AU, inside.GC, inside.FX) == (rig.AU, rig.GC, rig.FX)
    assert (strategy.center, strategy.entry, strategy.exit) == (inside.CENTER, inside.ENTRY, inside.EXIT)
    assert strategy.slippage_ticks == inside.SLIPPAGE_TICKS
    assert inside.LOTS == rig.LEGS
    assert list(inside.TICKS[:2]) == list(rig.TICKS.values())
    assert [float(spec.tick) for spec in config.instruments[:3]] == list(inside.TICKS)


def test_ratios_say_how_often_our_p50_and_p99_fit_into_a_peers():
    mine = Times()
    samples(mine, [2_000, 2_000, 5_000], [500, 500])
    with engine_that(WORKS + "inside.serve(play)") as peer:
        samples(peer.own, [200_000, 300_000, 400_000], [8_000, 10_000])
        samples(peer.held, [100_000, 100_000, 250_000], [1, 1])
        found = engines.ratios(peer, mine)
    assert found == {
        "fake_us_p50": 300.0, "fake_us_p99": 400.0, "fake_idle_us_p50": 9.0, "over_fake_p50": 150.0,
        "over_fake_p99": 80.0, "over_fake_p50_held": 50.0, "over_fake_p99_held": 50.0, "idle_over_fake": 18.0,
    }  # fmt: skip


def test_the_result_has_the_ratios_by_peer_under_their_names():
    mine, peers = Times(), []
    samples(mine, [2_000], [500])
    for number, name in enumerate(engines.PEERS, 1):
        peer = Engine(name, command("import inside\ninside.hello(())"))
        with peer:
            samples(peer.own, [number * 100_000], [number * 1_000])
            samples(peer.held, [number * 50_000], [number * 1_000])
        peers.append(peer)
    found = engines.result(mine, peers, 1)
    wanted = {
        "over_nautilus_live_p50": 50, "over_nautilus_live_p99": 50, "over_nautilus_sync_p50": 100,
        "over_vnpy_threaded_p50": 150, "over_vnpy_threaded_p99": 150, "over_vnpy_inline_p50": 200,
        "idle_over_nautilus": 4, "idle_over_vnpy": 8, "ours_us_p50": 2,
    }  # fmt: skip
    assert {name: found.flat[name] for name in wanted} == wanted
    assert [row.ratio for row in found.rows if row.what.endswith("plain engines")] == [100]
    assert found.samples == 9


def test_without_an_environment_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(process, "ENVIRONMENTS", tmp_path)
    (tmp_path / "vnpy").mkdir()
    (tmp_path / "vnpy" / ".ready").touch()
    with pytest.raises(Missing, match="no environment for nautilus: run `make peers`"):
        process.need(["nautilus", "vnpy"])
    process.need(["vnpy"])


def test_without_its_environments_it_is_skipped_among_all_and_an_error_by_name(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(process, "ENVIRONMENTS", tmp_path)
    told = []
    assert benches.run(["peers"], 1, told.append, named=False) == ([], [])
    assert "peers: skipped: no environment for" in told[0] and "make peers" in told[0]
    assert benches.main(["peers"]) == 1
    assert "run `make peers`" in capsys.readouterr().err
    monkeypatch.setattr(benches, "BENCHES", {"peers": benches.BENCHES["peers"]})
    assert benches.main([]) == 0
    assert "skipped" in capsys.readouterr().out


TOLD = {"took_ns": 10**9, "decisions": 10_000, "steps": 80_004, "traded_lots": [30_000, 10_000], "held_lots": [0, 0]}


def loop_that_tells(told: dict) -> backtests.Loop:
    return backtests.Loop(command(says(**told)))


def test_a_backtest_that_did_every_deal_has_its_rate_taken():
    quotes = backtests.quotes_of(10_000)
    with loop_that_tells(TOLD) as loop:
        assert loop.play(quotes) == len(quotes) == 80_004


@pytest.mark.parametrize(
    "wrong, expected",
    [
        ({"decisions": 9_999}, r"of hftbacktest \(decisions, lots traded, lots held\) to be \(10000, "),
        ({"traded_lots": [29_997, 10_000]}, "lots traded"),
        ({"held_lots": [-3, 1]}, "lots held"),
        ({"steps": 80_003}, "80004 quotes looked at by hftbacktest, found 80003"),
        ({"took_ns": "fast"}, "the peer said"),
    ],
)
def test_a_backtest_that_did_anything_else_is_refused(wrong, expected):
    with loop_that_tells(TOLD | wrong) as loop, pytest.raises(Refused, match=expected):
        loop.play(backtests.quotes_of(10_000))


def test_a_sweep_is_set_against_a_backtest_by_quotes_times_sets():
    both = backtests.Backtests()
    both.one, both.all, both.loop = [4e6, 5e6, 6e6], [20e6, 30e6, 31e6], [1e6, 1.5e6, 2e6]
    assert both.flat()["over_hftbacktest"] == 20 and both.flat()["over_hftbacktest_one_set"] == pytest.approx(10 / 3)
    assert [row.ratio for row in both.rows()] == [pytest.approx(10 / 3), 20]


@pytest.mark.parametrize("name", INSIDE)
def test_what_runs_in_a_peers_environment_imports_nothing_of_ours(name):
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {"engine", "adapters", "riskgate", "strategies", "desk", "bench", "tests"}
    assert not {module.split(".")[0] for module in found} & ours


def test_our_orders_are_told_as_a_peers_are():
    sent = [Sent("au2702", -1, 0, 3, 47_155, 1), Sent("GCG7", 1, 0, 1, 41_003, 1)]
    assert rounds.sent_as(sent) == AU_SOLD
