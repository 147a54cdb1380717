"""`tandem why-not`: what kept a spread from trading, second by second: records told by hand, and a real loop."""

import pytest

from desk.cli import main
from desk.fold import fold_of
from desk.moment_reader import Runs, read_moment
from engine import records
from engine.ports import DOWN, MARKET_DATA, READY, TRADING
from engine.records import (
    COMMAND,
    COMMAND_HALT,
    COMMAND_KILL,
    COMMAND_RESUME,
    COMMAND_STOP,
    CONFIG,
    LINK,
    SCOPE_ALL,
    SCOPE_VENUE,
    STAND,
    STAND_EDGE,
    STAND_LIMIT,
    STAND_PRICE,
    STAND_SIGNAL,
    STAND_SWITCH,
    START,
    TIMER,
)
from engine.schema import ACTIVE, HALTED
from tests.journal_deals import record_into
from tests.journal_story import CONFIG_DATA, MARKET_T0, SECOND, T0, Story
from tests.world import World, demo_config


def plain_story() -> Story:
    """A journal whose market time goes at the pace of the engine's; both venues' links are ready."""
    story = Story()
    story.records.clear()
    start(story, 1)
    story.add_json(CONFIG, CONFIG_DATA)
    for venue in (0, 1):
        for channel in (MARKET_DATA, TRADING):
            story.add(LINK, venue=venue, channel=channel, state=READY)
    return story


def start(story: Story, epoch: int) -> None:
    story.add(START, epoch=epoch, clock_base_ns=MARKET_T0, clock_start_ns=T0, clock_speed_milli=1_000, version=b"0.1.0")


def stand(story: Story, reason: int, value: float = 0.0, bound: float = 0.0, blocked: int = 0, switch: int = 0) -> None:
    story.add(STAND, strategy=0, reason=reason, value=value, bound=bound, blocked=blocked, switch=switch)


def beat(story: Story, seconds: float) -> None:
    """The engine lives on for so long."""
    story.wait(round(seconds * SECOND))
    story.add(TIMER)


def told(tmp_path, capsys, story: Story, at: str, seconds: int = 10) -> list[str]:
    folder = record_into(tmp_path, story.records)
    assert main(["why-not", str(folder), "au-gc", "--at", at, "--seconds", str(seconds)]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_reason_holds_until_the_next_one_and_equal_seconds_are_one_line(tmp_path, capsys):
    story = plain_story()
    stand(story, STAND_SIGNAL, 0.12, 0.25)
    beat(story, 4)
    stand(story, STAND_EDGE, 0.02, 0.1)
    beat(story, 2.5)
    lines = told(tmp_path, capsys, story, "01:00:03")
    assert lines == [
        "au-gc, 2019-09-03 01:00:00 to 01:00:06 UTC",
        "01:00:00 - 01:00:03 gold-cross signal inside the band (0.1200 from the center, enters at 0.2500)",
        "01:00:04 - 01:00:06 gold-cross edge too small (0.0200 after costs, needs 0.1000)",
        "",
        "gold-cross, 7 seconds by reason: signal inside the band 4, edge too small 3",
    ]


def test_of_a_second_with_two_reasons_the_one_that_held_longer_is_told(tmp_path, capsys):
    story = plain_story()
    stand(story, STAND_SIGNAL, 0.12, 0.25)
    beat(story, 1.3)
    stand(story, STAND_EDGE, 0.02, 0.1)
    beat(story, 0.6)
    stand(story, STAND_SIGNAL, 0.13, 0.25)
    beat(story, 1)
    lines = told(tmp_path, capsys, story, "01:00:01")
    assert [line.split(" (")[0] for line in lines[1:4]] == [
        "01:00:00 gold-cross signal inside the band",
        "01:00:01 gold-cross edge too small",
        "01:00:02 gold-cross signal inside the band",
    ]


def test_a_blocked_price_says_why_and_which_link_is_not_ready(tmp_path, capsys):
    story = plain_story()
    stand(story, STAND_SIGNAL, 0.12, 0.25)
    beat(story, 2)
    story.add(LINK, venue=1, channel=MARKET_DATA, state=DOWN)
    stand(story, STAND_PRICE, records.NO_QUOTE, blocked=records.NO_QUOTE)
    beat(story, 2)
    lines = told(tmp_path, capsys, story, "01:00:02", 4)
    assert lines[2] == "01:00:02 - 01:00:03 gold-cross price blocked: no quote yet [COMEX market data down]"


def test_a_switch_says_who_turned_it_and_why(tmp_path, capsys):
    story = plain_story()
    story.add(COMMAND, code=COMMAND_HALT, choice=SCOPE_VENUE, scope=1, who=b"ann", why=b"strange prices")
    stand(story, STAND_SWITCH, HALTED, switch=HALTED)
    beat(story, 2)
    story.add(COMMAND, code=COMMAND_RESUME, choice=SCOPE_VENUE, scope=1, who=b"ann", why=b"well again")
    stand(story, STAND_SWITCH, HALTED, switch=HALTED)
    beat(story, 2)
    lines = told(tmp_path, capsys, story, "01:00:01", 4)
    assert lines[1].endswith("switch: halted [venue halted by ann: strange prices]")
    assert lines[2].endswith("switch: halted [by the engine itself: see its alerts]")


def test_a_switch_that_has_ended_by_itself_is_no_reason_any_more(tmp_path, capsys):
    story = plain_story()
    story.add(COMMAND, code=COMMAND_HALT, choice=SCOPE_VENUE, scope=1, who=b"ann", why=b"news", until_ns=T0 + SECOND)
    story.add(COMMAND, code=COMMAND_KILL, choice=1, scope=-1, who=b"bob", why=b"fire")
    stand(story, STAND_SWITCH, HALTED, switch=HALTED)
    beat(story, 2)
    stand(story, STAND_SWITCH, HALTED, switch=HALTED)
    beat(story, 2)
    lines = told(tmp_path, capsys, story, "01:00:01", 4)
    assert lines[1].endswith("[killed by bob: fire, venue halted by ann: news]")
    assert lines[2].endswith("[killed by bob: fire]")


def test_a_verdict_outranks_what_stood_and_cleared_outranks_denied(tmp_path, capsys):
    story = plain_story()
    stand(story, STAND_SIGNAL, 0.12, 0.25)
    for _ in range(3):
        story.verdict(story.decide(), 17, 8_720, 8_500)
    beat(story, 1)
    story.verdict(story.decide(), 17, 8_720, 8_500)
    story.verdict(story.decide())
    beat(story, 1)
    story.verdict(story.decide(purpose=records.REHEDGE, deal_id=5))  # a repair is no word on the strategy
    beat(story, 0.5)
    lines = told(tmp_path, capsys, story, "01:00:01")
    denied = "DENIED by control 17, capital pool use (资金占用)"
    assert lines[1] == f"01:00:00 gold-cross {denied} (3 times; the last: observed 87.20, limit 85.00 %)"
    assert lines[2] == "01:00:01 gold-cross Cleared (deal 5)"
    assert "signal inside the band" in lines[3]
    assert lines[-1] == f"gold-cross, 3 seconds by reason: {denied} 1, Cleared 1, signal inside the band 1"


def restarted_story() -> Story:
    """Three seconds of an engine, four without one, and two more."""
    story = plain_story()
    stand(story, STAND_SIGNAL, 0.12, 0.25)
    beat(story, 3)
    story.add(COMMAND, code=COMMAND_STOP, choice=SCOPE_ALL, scope=-1, who=b"ann", why=b"night")
    story.wait(4 * SECOND)
    start(story, 2)
    beat(story, 2)
    return story


def test_while_no_engine_ran_that_is_the_reason(tmp_path, capsys):
    lines = told(tmp_path, capsys, restarted_story(), "01:00:05", 20)
    assert lines[2] == "01:00:03 - 01:00:06 gold-cross no engine ran"
    assert "SHFE market data down" not in lines[1] and "SHFE market data down" in lines[3]
    assert lines[-1] == "gold-cross, 10 seconds by reason: signal inside the band 6, no engine ran 4"


def test_the_report_counts_no_time_in_which_no_engine_ran():
    fold = fold_of(restarted_story().records)
    assert fold.stands.spans(fold.last_ns) == {0: [(STAND_SIGNAL, 5 * SECOND)]}


def test_an_older_journal_without_reasons_tells_at_least_whether_there_was_a_price(tmp_path, capsys):
    story = plain_story()
    story.sample(1.0, 1.0, blocked=records.STALE)
    beat(story, 2)
    story.sample(1.0, 1.0)
    beat(story, 1.5)
    lines = told(tmp_path, capsys, story, "01:00:01")
    assert lines[1:3] == [
        "01:00:00 - 01:00:01 gold-cross price blocked: stale",
        "01:00:02 - 01:00:03 gold-cross the journal does not tell",
    ]


def test_a_spread_or_a_time_that_is_not_there_is_one_line_and_exit_code_2(tmp_path, capsys):
    story = plain_story()
    beat(story, 5)
    folder = str(record_into(tmp_path, story.records))
    for words, said in (
        (["cu-hg", "--at", "01:00:01"], "no spread cu-hg; the journal has au-gc"),
        (["au-gc", "--at", "01:00:06"], "holds 2019-09-03T01:00:00 to 2019-09-03T01:00:05 UTC"),
        (["au-gc", "--at", "soon"], "expected HH:MM:SS"),
    ):
        assert main(["why-not", folder, *words]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def runs_of(*told: tuple[int, int, int, int]) -> Runs:
    """Runs of (engine time, length, market time at the first, speed), in seconds and thousandths."""
    runs = Runs()
    for now_s, length_s, market_s, milli in told:
        story = Story()
        story.records.clear()
        story.now_ns = now_s * SECOND
        story.add(START, clock_base_ns=market_s * SECOND, clock_start_ns=now_s * SECOND, clock_speed_milli=milli)
        runs.begin(fold_of(story.records).starts[0])
        runs.reach((now_s + length_s) * SECOND)
    return runs


DAY = 86_400


def test_a_moment_is_read_as_a_time_of_day_a_date_or_the_journals_own_time():
    runs = runs_of((1_000_000, 100, 10 * DAY + 3_600, 60_000))
    for text in ("01:30:00", "1:30:00", "1970-01-11T01:30:00", "1970-01-11T09:30:00+08:00", "1000030000000000"):
        assert read_moment(text, runs) == 1_000_030 * SECOND
    assert read_moment("01:30:00.6", runs) == 1_000_030 * SECOND + SECOND // 100


def test_a_time_of_day_is_of_the_latest_day_that_the_journal_holds():
    runs = runs_of((1_000_000, 3 * DAY, 10 * DAY, 1_000))
    assert read_moment("12:00:00", runs) == (1_000_000 + 2 * DAY + DAY // 2) * SECOND
    runs = runs_of((1_000_000, 100, 10 * DAY, 1_000), (2_000_000, 100, 10 * DAY, 1_000))
    assert read_moment("00:00:30", runs) == 2_000_030 * SECOND


def test_the_second_in_which_a_run_began_is_of_the_run():
    runs = Runs()
    story = Story()
    story.records.clear()
    story.add(START, clock_base_ns=DAY * SECOND + SECOND // 2, clock_start_ns=story.now_ns, clock_speed_milli=1_000)
    runs.begin(fold_of(story.records).starts[0])
    runs.reach(story.now_ns + 10 * SECOND)
    assert read_moment("00:00:00", runs) == story.now_ns
    with pytest.raises(ValueError, match="holds 1970-01-02T00:00:00"):
        read_moment("23:59:59", runs)


def test_a_real_engine_tells_why_it_stands_where_it_changes_and_each_ten_seconds():
    world = World(demo_config(max_units=1))
    for diff in (6.0, 6.0, 5.0, 5.0):
        world.market(diff)
        world.step(1_000)
    world.loop.on_command(COMMAND_HALT, SCOPE_ALL, -1, "ann", "lunch", world.now_ns)
    world.step(21_000)
    world.check()
    rows = [(record.now_ns, record.data) for record in world.journal.records() if record.kind == STAND]
    switched, old = (STAND_SWITCH, 0, HALTED), (STAND_SWITCH, records.STALE, HALTED)
    assert [(row["reason"], row["blocked"], row["switch"]) for _, row in rows] == [
        (STAND_SIGNAL, 0, ACTIVE), (STAND_LIMIT, 0, ACTIVE), switched, old, old, old,
    ]  # fmt: skip
    assert [now_ns // (10 * SECOND) % 10 for now_ns, _ in rows] == [0, 0, 0, 0, 1, 2]


def test_the_reason_of_the_first_second_is_that_of_its_engine_not_of_the_time_before_it(tmp_path, capsys):
    story = Story()
    story.records.clear()
    story.now_ns += SECOND * 7 // 10
    start(story, 1)
    story.add_json(CONFIG, CONFIG_DATA)
    stand(story, STAND_EDGE, 0.02, 0.1)
    beat(story, 1)
    assert told(tmp_path, capsys, story, "01:00:00", 1)[1].startswith("01:00:00 gold-cross edge too small")
