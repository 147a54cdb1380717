"""The storm finds bugs: engines that do what others have done wrong are caught, each in a day of a few deals."""

import pytest

from bench.storm.campaign import CONFIG, Stage
from bench.storm.planted import BUGS, planted
from bench.storm.quotas import SMALL
from bench.storm.shrink import kind_of, shrink_first, shrunk
from engine.records import VERDICT

pytestmark = pytest.mark.slow

DEALS, SEED, MOST_DAYS = 8, 1, 80
# A day of seed 1 that shows it, and what is found: the invariant's number, or the words it begins with. Where the deck
# of scripts has changed since, one of the days after it does.
CAUGHT = {
    "forget an order at cancel": (2, "8"),
    "drop a late fill": (1, "8"),
    "book a trade twice": (0, "4"),
    "settle on terminal alone": (5, "4"),
    "position follows trades": (5, "8"),
    "resend in doubt": (0, "3"),
    "doubt lifted by time": (1, "5"),
    "hold not freed": (0, "holds of"),
    "balanced in units": (0, "8"),
    "tries never counted": (0, "8"),
    "repair ignores live orders": (9, "1"),
    "client id used again": (0, "3"),
    "ledger entry dropped": (23, "8"),
    "own quote not cancelled": (29, "10"),
    "halted in silence": (1, "2"),
    "cancelled again and again": (0, "3"),
    "deal ends with an order alive": (5, "8"),
    "naked time forgotten": (1, "2"),
    "late fill leaves the deal closed": (4, "8"),
    "cancel not held": (2, "9"),
    "unfilled rest not counted": (0, "9"),
    "openings use the reserve": (167, "9"),
    "cancels without a quota": (23, "9"),
}
# Of the quotas, in which words: the judge's code is the right one.
QUOTA_WORDS = {
    "cancel not held": "live orders have had one left",
    "unfilled rest not counted": "cancels counted, the journal's orders come to",
    "openings use the reserve": "cancels may come to count; openings may use",
    "cancels without a quota": "of the trading day, allowed are",
}


@pytest.fixture(scope="module")
def stage():
    return Stage(CONFIG)


def day_of(stage, name: str) -> int:
    """The first day from the one stated on which the storm finds the bug."""
    first, kind = CAUGHT[name]
    with planted(name):
        for number in range(first, first + MOST_DAYS):
            if kind in {kind_of(what) for what, _, _ in stage.play(SEED, number, DEALS).breaches}:
                return number
    raise AssertionError(f"{name}: not caught in {MOST_DAYS} days of {DEALS} deals")


def test_every_planted_bug_has_its_day():
    assert sorted(CAUGHT) == sorted(BUGS)


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught_on_a_day_that_is_sound_without_it(stage, name):
    number = day_of(stage, name)
    assert stage.play(SEED, number, DEALS).breaches == []


@pytest.mark.parametrize("name", QUOTA_WORDS)
def test_a_bug_of_the_quotas_is_caught_by_its_own_code(stage, name):
    number = day_of(stage, name)
    with planted(name):
        breaches = stage.play(SEED, number, DEALS).breaches
    assert any(QUOTA_WORDS[name] in what for what, _, _ in breaches)


@pytest.mark.parametrize("quotas", range(len(SMALL)))
def test_days_under_small_quotas_are_sound_and_come_to_the_last_cancel(stage, quotas):
    denied = alerts = 0
    for number in range(6):
        day = stage.day(SEED, number, quotas)
        day.run(20)
        found = stage.judged(day)
        assert (found.breaches, found.naked_at_end) == ([], 0)
        told = found.tally.alerts
        alerts += told.get("no_cancel_left", 0) + told.get("kill_over_quota", 0) + told.get("quota_near", 0)
        verdicts = (one.data for one in day.process.journal.records() if one.kind == VERDICT)
        denied += sum(int(one["reason"] in (9, 10)) for one in verdicts)
    assert denied > 0
    assert alerts > 0


def test_a_bug_is_gone_when_its_context_ends(stage):
    number = day_of(stage, "client id used again")
    before = stage.play(SEED, number, DEALS).digest
    with planted("client id used again"):
        assert stage.play(SEED, number, DEALS).digest != before
    assert stage.play(SEED, number, DEALS).digest == before


@pytest.mark.parametrize("name", ["book a trade twice", "balanced in units", "settle on terminal alone"])
def test_a_breach_shrinks_to_at_most_two_deals_that_still_show_it(stage, name):
    number, kind = day_of(stage, name), CAUGHT[name][1]
    with planted(name):
        acts = shrunk(stage, SEED, number, kind, DEALS)
        assert len(acts) <= 2
        day = stage.day(SEED, number)
        day.play_list(acts)
        assert kind in {kind_of(what) for what, _, _ in stage.judged(day).breaches}
    healthy = stage.day(SEED, number)
    healthy.play_list(acts)
    assert stage.judged(healthy).breaches == []


def test_what_is_pasted_fails_with_the_bug_and_passes_without(stage):
    name = "balanced in units"
    number = day_of(stage, name)
    with planted(name):
        found = stage.play(SEED, number, DEALS).breaches
        lines = shrink_first(CONFIG, SEED, (number, *found[0]), DEALS)
        with pytest.raises(AssertionError):
            exec("\n".join(lines), {})
    exec("\n".join(lines), {})
