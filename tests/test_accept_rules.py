"""The rules of an acceptance on good and on broken figures: what is missing, wrong or of another kind never passes."""

import asyncio
import json

import msgspec
import pytest

from desk.accept import AcceptError, Wish, _checked, _joint, _storm, figures_in, run
from desk.accept_facts import facts, hash_of
from desk.accept_joint import _drill, simulated_beside
from desk.accept_page import as_json, page_html, write_page
from desk.accept_rules import (
    FAIL,
    PASS,
    SKIPPED,
    exit_code,
    failed,
    joint_checks,
    judged,
    kill_checks,
    latency_checks,
    skipped,
    storm_checks,
)
from desk.accept_seen import figures_of
from desk.check import check
from desk.cli import main
from engine import records
from tests.journal_deals import record_into
from tests.world import ROOT, World, demo_config

DEMO = ROOT / "configs" / "demo" / "generated" / "engine.toml"
CONFIG = {
    "venues": [{"id": "SIM_SHFE"}, {"id": "SIM_OTC"}], "accounts": [{"id": "cn"}, {"id": "us"}],
    "instruments": [{"id": "SHFE.au2702"}, {"id": "COMEX.GCG7"}, {"id": "FX.USDCNH"}],
}  # fmt: skip
LINKS = [f"{venue} {channel}" for venue in ("SIM_SHFE", "SIM_OTC") for channel in ("market data", "trading")]
JOINT = {
    "links_ready": LINKS, "accounts": ["cn", "us"], "quoted": ["SHFE.au2702", "COMEX.GCG7", "FX.USDCNH"],
    "bad_inputs": 0, "whole": True, "ended": "closed", "identical": True, "exit_code": 0,
}  # fmt: skip
KILL = {"kill_code": 0, "kills": {"SIM_SHFE": {}, "SIM_OTC": {}}, "kill_left": 0, "entries_after_kill": 0}
STORM = {"deals": 300, "breaches": 0, "naked_at_end": 0}
LATENCY = {"both_us_p50": 40.1, "both_us_p99": 90.0, "pair_us_p50": 1.0, "pair_us_p99": 2.1}

RULES = {
    "joint": (lambda figures: joint_checks(CONFIG, figures), JOINT),
    "kill": (lambda figures: kill_checks(CONFIG, figures), KILL),
    "storm": (lambda figures: storm_checks(0, figures, 300), STORM),
    "latency": (lambda figures: latency_checks(0, figures), LATENCY),
}
# rule, figure, a value that must not pass
BROKEN = [
    ("joint", "links_ready", LINKS[:3]), ("joint", "links_ready", []), ("joint", "accounts", ["cn"]),
    ("joint", "quoted", ["SHFE.au2702", "FX.USDCNH"]), ("joint", "bad_inputs", 1), ("joint", "whole", False),
    ("joint", "ended", "killed"), ("joint", "identical", False), ("joint", "identical", 1), ("joint", "exit_code", 3),
    ("joint", "exit_code", -9), ("joint", "exit_code", False), ("kill", "kill_code", 3), ("kill", "kill_left", 1),
    ("kill", "kills", {"SIM_SHFE": {}}), ("kill", "entries_after_kill", 2), ("storm", "breaches", 1),
    ("storm", "naked_at_end", 1), ("storm", "deals", 0), ("storm", "deals", "many"), ("storm", "breaches", "0"),
    ("latency", "both_us_p50", 0.0), ("latency", "pair_us_p99", float("nan")), ("latency", "both_us_p99", True),
    ("latency", "pair_us_p50", float("inf")),
]  # fmt: skip


def verdict_of(rule: str, figures: dict) -> str:
    checks, _ = RULES[rule]
    return judged(rule, rule, checks(figures), figures).verdict


@pytest.mark.parametrize("rule", RULES)
def test_good_figures_pass_and_none_of_them_may_be_missing(rule):
    _, good = RULES[rule]
    assert verdict_of(rule, good) == PASS
    for key in good:
        assert verdict_of(rule, {name: value for name, value in good.items() if name != key}) == FAIL, key
    assert verdict_of(rule, {}) == FAIL


@pytest.mark.parametrize(("rule", "key", "value"), BROKEN)
def test_a_broken_figure_fails_and_is_named(rule, key, value):
    checks, good = RULES[rule]
    step = judged(rule, rule, checks(good | {key: value}), {})
    assert step.verdict == FAIL
    assert sum(not one.passed for one in step.checks) == 1
    assert next(one.what for one in step.checks if not one.passed) in step.why


def test_a_storm_or_a_bench_that_ended_badly_fails_whatever_its_figures_say():
    for checks in (storm_checks(1, STORM, 300), latency_checks(-1, LATENCY)):
        assert judged("", "", checks, {}).verdict == FAIL


def test_a_storm_of_fewer_deals_than_asked_for_says_so():
    assert "11 of 300 asked for" in [one.seen for one in storm_checks(0, STORM | {"deals": 11}, 300)]


def test_a_step_without_a_check_and_a_config_that_names_nothing_do_not_pass():
    assert judged("", "", [], {}).verdict == FAIL
    assert judged("", "", joint_checks({}, JOINT), {}).verdict == FAIL


def test_the_exit_code_is_zero_for_passed_alone():
    good = judged("storm", "", storm_checks(0, STORM, 300), STORM)
    bad, left = failed("joint", "", "why"), skipped("kill", "", "why")
    assert [exit_code(steps) for steps in ([good], [good, left], [good, left, bad], [left], [])] == [0, 3, 1, 3, 1]


def test_a_wrong_config_fails_and_leaves_out_what_cannot_be_run_on_it(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(DEMO.read_text().replace("[engine]", "[engine]\npol = 1"))
    checked, step = _checked(path)
    assert (step.verdict, checked.config) == (FAIL, None)
    assert "engine.pol" in step.why and step.figures["problems"]
    wish = Wish(path, None, 1.0, 1, False)
    found = [*asyncio.run(_joint(wish, None, tmp_path)), asyncio.run(_storm(wish, None, tmp_path))]
    assert [(one.verdict, one.why) for one in found] == [(SKIPPED, "the config is wrong")] * 3


def test_simulated_venues_are_started_where_they_are_meant(tmp_path):
    config = check(DEMO).config
    assert [file.sim.id for file in simulated_beside(DEMO, config, False)] == ["SIM_SHFE", "SIM_OTC"]
    far = config.venues[1]
    far = msgspec.structs.replace(far, settings=far.settings | {"host": "192.0.2.1"})
    elsewhere = msgspec.structs.replace(config, venues=[config.venues[0], far])
    assert simulated_beside(DEMO, elsewhere, False) == []
    assert len(simulated_beside(DEMO, elsewhere, True)) == 2
    assert simulated_beside(tmp_path / "engine.toml", config, False) == []
    with pytest.raises(ValueError, match=r"SIM_SHFE\.toml.*found none"):
        simulated_beside(tmp_path / "engine.toml", config, True)


def test_what_a_journal_shows_is_taken_from_its_records(tmp_path):
    world = World(demo_config(max_units=1))
    world.market(6.5)
    world.step(100)
    world.loop.on_bad_input(0, "no JSON", b"{", world.now_ns)
    figures = figures_of(record_into(tmp_path, list(world.journal.records())))
    assert figures["links_ready"] == LINKS
    assert (figures["accounts"], figures["quoted"]) == (JOINT["accounts"], JOINT["quoted"])
    assert (figures["orders"], figures["fills"], figures["deals"], figures["outcomes"]) == (2, 2, 1, {"complete": 1})
    assert (figures["bad_inputs"], figures["identical"], figures["whole"]) == (1, True, True)
    assert (figures["kill_left"], figures["entries_after_kill"]) == (None, None)
    assert len(bytes.fromhex(figures["chain"])) == 32
    failing = [one.what for one in joint_checks(figures["config"], figures | {"exit_code": 0}) if not one.passed]
    assert failing == ["nothing came that could not be understood"]


def test_a_kill_in_the_journal_is_judged_by_what_came_after_it(tmp_path):
    world = World(demo_config(max_units=1))
    world.market(6.5)
    world.loop.on_command(records.COMMAND_KILL, 0, -1, "ann", "drill", world.now_ns)
    world.step(200)
    figures = figures_of(record_into(tmp_path, list(world.journal.records())))
    assert figures["kills"]["SIM_OTC"]["asked"] == 1
    assert all(one.passed for one in kill_checks(figures["config"], figures | {"kill_code": 0}))


def test_a_kill_that_could_not_be_given_is_skipped_with_its_reason():
    told = {"kill_missing": False, "kill_code": None, "kill_said": "", "kills": {}}
    assert _drill(CONFIG, told, 0.1).why == "the engine had ended before it"
    assert _drill(CONFIG, told | {"kill_missing": True, "kill_code": 2}, 0.1).verdict == SKIPPED


def test_figures_that_are_no_json_object_are_none(tmp_path):
    for content in ("", "[1, 2]", '{"deals": 3', "null"):
        (tmp_path / "storm.json").write_text(content)
        assert figures_in(tmp_path / "storm.json") == {}
    assert figures_in(tmp_path / "nowhere.json") == {}


def test_the_page_says_what_failed_and_the_json_beside_it_the_same(tmp_path):
    steps = [
        judged("storm", "Stress by storm", storm_checks(1, STORM | {"breaches": 2}, 300), STORM | {"breaches": 2}),
        skipped("kill", "Kill drill", "<no> such command"), failed("joint", "Joint test", "not every venue listens"),
    ]  # fmt: skip
    told = facts(DEMO, check(DEMO).config)
    write_page(tmp_path / "page.html", told, steps)
    page = (tmp_path / "page.html").read_text()
    assert "Not accepted: Stress by storm FAIL; Kill drill skipped; Joint test FAIL." in page
    assert "&lt;no&gt; such command" in page and "$" not in page
    found = json.loads((tmp_path / "page.json").read_text())
    assert (found["accepted"], found["exit_code"], found["name"]) == (False, 1, "demo")
    assert [(one["name"], one["verdict"]) for one in found["steps"]] == [
        ("storm", "FAIL"), ("kill", "skipped"), ("joint", "FAIL"),
    ]  # fmt: skip
    assert all(name in found for name in ("date", "host", "versions", "config_files_hash", "code_hash", "commit"))


def test_the_page_of_a_passed_acceptance_says_so():
    steps = [judged("storm", "Stress by storm", storm_checks(0, STORM, 300), STORM)]
    told = facts(DEMO, check(DEMO).config)
    assert "Accepted: every step passed." in page_html(told, steps)
    assert as_json(told, steps)["accepted"] is True
    assert "Not accepted" in page_html(told, [])


def test_a_hash_goes_by_names_and_contents(tmp_path):
    one, other = tmp_path / "a", tmp_path / "b"
    one.write_text("x")
    other.write_text("x")
    assert len({hash_of([one]), hash_of([other]), hash_of([one, other]), hash_of([other, one])}) == 4
    before = hash_of([one])
    one.write_text("y")
    assert hash_of([one]) != before


def test_an_earlier_acceptance_is_never_written_over(tmp_path, capsys):
    page = tmp_path / "page.html"
    page.write_text("evidence")
    with pytest.raises(AcceptError, match="nothing is there yet"):
        run(Wish(DEMO, page, 1.0, 1, False))
    assert main(["accept", str(DEMO), "--out", str(page)]) == 2
    assert "nothing is there yet" in capsys.readouterr().err
    assert page.read_text() == "evidence"
