"""The benches: each runs for a round, refuses wrong work, and says its figures where scripts look for them."""

import json
import sys

import msgspec
import pytest

from bench import figures, gate, rig
from bench.__main__ import BENCHES, as_json, main, run
from bench.figures import Refused, Result, Row, Samples
from bench.micro.passes import passes
from bench.peers import peer as peers
from engine.clock import now_ns
from engine.records import COMMAND_HALT

pytestmark = pytest.mark.slow

FLAT = {
    "wire": {"over_floor_p50", "over_floor_p99", "minus_floor_us_p50", "wait_over_floor_p50", "skew_us_p50"},
    "path": {"both_us_p50", "both_us_p99", "idle_us_p50", "gap_us_p50", "gap_over_back_to_back", "allocated_blocks"},
    "means": {"all_us_p50", "no_rehearsal_us_p50", "two_calls_us_p50", "python_frames_us_p50", "none_us_p50"},
    "gate": {"controls", "pair_us_p50", "pair_us_p99", "pair_cold_us_p50", "call_us_p50"},
    "journal": {"record_ns_p50"},
    "levels": {"hard_level_ms_p50", "hard_level_ms_p99"},
    "replay": {"quotes_per_s", "quotes_per_s_no_deals"},
    "sweep": {"quotes_per_s"},
    "start": {"ready_s", "rss_anon_mb"},
    "storm": {"deals_per_s", "breaches"},
    "soak": {"drift_p50", "drift_p99", "growth_mb", "longest_stall_ms", "collections"},
    "kernels": {"quote_1_us_p50", "quote_1000_us_p50", "quote_1_over_floor", "a_spread_ns"},
    "codec": {"fix_quote_us_p50", "fix_order_us_p50", "fix_frame_us_p50", "diff_quote_us_p50", "diff_order_us_p50"},
}


@pytest.mark.parametrize("name", FLAT)
def test_a_round_of_each_bench_gives_its_named_figures(name):
    try:
        found = BENCHES[name][0](1)
    except Refused as why:
        if "a core of its own" in str(why):
            pytest.skip(str(why))
        raise
    assert found.name == name
    assert FLAT[name] <= set(found.flat)
    # Memory may shrink, and on a busy machine the engine may come out ahead of its floor.
    assert all(value >= 0 for key, value in found.flat.items() if key not in ("growth_mb", "minus_floor_us_p50"))
    assert all(row.ratio is None or row.ratio > 0 for row in found.rows)


def test_the_command_prints_a_table_and_writes_the_flat_figures(tmp_path, capsys):
    file = tmp_path / "folder" / "figures.json"
    assert main(["gate", "--rounds", "1", "--json", str(file)]) == 0
    said = capsys.readouterr().out
    assert "included:" in said and "excluded:" in said and "floor p50" in said
    written = json.loads(file.read_text())
    assert FLAT["gate"] <= set(written)
    assert written["gate.pair_us_p50"] == written["pair_us_p50"]
    assert written["details"]["gate"]["samples"] > 0
    assert written["refused"] == [] and written["machine"]["versions"]["python"]


def test_a_key_of_two_benches_is_only_told_with_its_bench():
    path, quote = (msgspec.structs.replace(ours(), name=name, flat=flat)
                   for name, flat in (("path", {"idle_us_p50": 1.0, "both_us_p50": 2.0}),
                                      ("quote", {"idle_us_p50": 3.0})))  # fmt: skip
    written = as_json({}, [path, quote], [])
    assert (written["path.idle_us_p50"], written["quote.idle_us_p50"], written["both_us_p50"]) == (1.0, 3.0, 2.0)
    assert "idle_us_p50" not in written
    assert as_json({}, [quote], [])["idle_us_p50"] == 3.0


def test_a_micro_bench_that_finds_its_work_wrong_is_refused(tmp_path):
    file = tmp_path / "bench_wrong.py"
    file.write_text("def bench_wrong(benchmark):\n    assert benchmark(lambda: 1) == 2\n")
    with pytest.raises(Refused, match="its work right"):
        passes(file, 1)


def test_the_list_names_every_bench(capsys):
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(BENCHES)


@pytest.mark.parametrize("wrong", [["nonsense"], ["gate", "--rounds", "0"], ["gate", "--rounds", "many"]])
def test_a_wrong_command_is_refused_with_what_was_expected(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_a_figure_whose_work_was_wrong_is_refused_and_not_printed(monkeypatch):
    monkeypatch.setitem(BENCHES, "gate", (lambda rounds: figures.demand(False, "two orders, found one"), 1))
    results, refused = run(["gate"], 1)
    assert results == []
    assert refused == ["gate: the figure is refused: expected two orders, found one"]


def test_a_denied_decision_is_noticed(tmp_path):
    config, calendars = rig.tuned()
    with rig.engine(tmp_path, config, calendars) as loop:
        market = rig.Market()
        rig.connect(loop)
        for each in market.opening():
            rig.feed(loop, each)
        loop.on_command(COMMAND_HALT, 0, -1, "test", "nothing may be sent", now_ns())
        rig.feed(loop, market.move())
        assert rig.answer(loop) == 0
        with pytest.raises(Refused, match="found"):
            rig.check_end(loop, 1)


def test_percentiles_are_samples_and_medians_are_of_the_rounds():
    samples = Samples()
    for each in ([1, 2, 3], [10, 20, 30], [100, 200, 300]):
        samples.add(each)
    assert (samples.p50, samples.p99, samples.count) == (20, 300, 9)
    assert figures.percentile([5, 1, 3], 50) == 3
    assert figures.percentile([5], 99) == 5


def test_a_ratio_says_how_far_above_its_floor_a_figure_lies():
    assert Row("time", "us", 6.0, None, 2.0).ratio == 3.0
    assert Row("rate", "1/s", 5.0, None, 20.0, more_is_better=True).ratio == 4.0
    assert Row("count", "count", 5.0).ratio is None


def test_the_table_is_aligned():
    lines = figures.table([("gate", Row("both legs", "us", 0.5, 1.0, 0.25)), ("start", Row("ready", "s", 0.6))])
    head, first, second = lines.splitlines()
    assert len(head) == len(first) == len(second)
    assert first.split()[-4:] == ["0.5", "1", "0.25", "2"]
    assert second.split()[-3:] == ["-", "-", "-"]


RULES = ["SizeRule", "DayRule"]
HELLO = {"versions": {"vnpy": "4"}, "rules": RULES, "refused": RULES, "compiled": []}
ANSWER = {
    "check_ns": "[9_000, 11_000]", "send_ns": "[20_000, 20_000]", "timer_ns": "[1_000, 1_000]", "passed": "4",
    "sent": "4",
}  # fmt: skip


def peer_that_says(hello: object, answer: dict[str, str] = ANSWER) -> peers.Peer:
    """A process that keeps to the protocol and says these things; the answer's values are Python."""
    said = ", ".join(f"{name!r}: {value}" for name, value in answer.items())
    return peers.Peer([
        sys.executable, "-Ic",
        f"import json, sys\nprint({json.dumps(json.dumps(hello))}, flush=True)\n"
        f"for line in sys.stdin:\n    assert line == 'round 2\\n'\n    print(json.dumps({{{said}}}), flush=True)",
    ])  # fmt: skip


def ours() -> Result:
    empty = {name: "" for name in ("name", "measures", "includes", "excludes", "floor")}
    return Result(**empty, rounds=1, samples=1, rows=[], flat={"pair_us_p50": 2.0}, details={}, notes=[])


def test_a_peers_rounds_become_rows_and_ratios_to_our_pair():
    pair = Samples()
    pair.add([2_000])
    call = Samples()
    call.add([4_000])
    with peer_that_says(HELLO) as peer:
        peer.round(2, keep=False)
        peer.round(2)
        found = peers.add(ours(), peer, pair, call)
    rules, send = found.rows
    assert rules == Row("vnpy_riskmanager, 2 rules, two orders", "us", 9.0, 10.0, 2.0)
    assert (send.p50, send.ratio) == (19.0, 4.75)
    assert (found.flat["vnpy_pair_us_p50"], found.flat["over_vnpy"], found.flat["over_vnpy_send"]) == (9.0, 4.5, 4.75)
    assert found.details["vnpy"] | HELLO == found.details["vnpy"]
    assert found.details["vnpy"]["pairs"] == 2


@pytest.mark.parametrize(
    "hello, expected",
    [
        ("ready", "the peer said"),
        (HELLO | {"rules": [], "refused": []}, "a peer with rules"),
        (HELLO | {"refused": RULES[:1]}, "each rule of the peer to refuse"),
        ({name: HELLO[name] for name in ("rules", "refused")}, "the peer said"),
    ],
)
def test_a_peer_that_begins_wrong_is_refused(hello, expected):
    with pytest.raises(Refused, match=expected), peer_that_says(hello):
        pass


@pytest.mark.parametrize(
    "wrong, expected",
    [
        ({"passed": "3"}, "4 orders of the peer to pass"),
        ({"sent": "0"}, "4 orders of the peer to pass"),
        ({"check_ns": "[9_000]"}, "2 times in check_ns"),
        ({"send_ns": "[9_000, -1]"}, "2 times in send_ns"),
        ({"timer_ns": "[9_000, 0.5]"}, "the peer said"),
        ({"more": "1"}, "the peer said"),
        ({"sent": "sys.exit('an order was refused')"}, "ended with 1: an order was refused"),
    ],
)
def test_a_peers_wrong_round_is_refused(wrong, expected):
    with peer_that_says(HELLO, ANSWER | wrong) as peer, pytest.raises(Refused, match=expected):
        peer.round(2)


def test_a_peer_that_is_gone_is_refused_with_its_last_words():
    wrong = peers.Peer([sys.executable, "-Ic", "import sys; sys.exit('no module named vnpy')"])
    with pytest.raises(Refused, match="ended with 1: no module named vnpy"), wrong:
        pass


def test_without_its_environment_there_is_no_peer_and_a_note_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "READY", tmp_path / "absent")
    found = gate.measure(1)
    assert found.notes == [peers.HOW] and "make peers" in peers.HOW
    assert [name for name in found.flat if "vnpy" in name] == []
    assert [row.what for row in found.rows if "vnpy" in row.what] == []


@pytest.mark.skipif(not peers.READY.exists(), reason="no .venv-peers: `make peers`")
def test_vnpys_rules_each_refuse_and_pass_in_the_gates_own_rounds():
    found = gate.measure(1)
    assert found.flat["over_vnpy"] > 0 and found.flat["over_vnpy_send"] > 0
    assert len(found.details["vnpy"]["rules"]) == 5
    assert found.notes == [peers.NOTE]
