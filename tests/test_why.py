"""`tandem why` and `tandem quotas`: a decision and the day's quotas as a person reads them, from records alone."""

import pytest

from desk.cli import main
from engine.records import METER, MISSING
from engine.schema import FREQUENT, LARGE, NO_LIMIT, ORDERS, QUOTAS, SELF_TRADES, UNSET
from tests.journal_deals import complete_deal, record_into
from tests.journal_story import CONFIG_DATA, Story


def journal_of(tmp_path, story: Story):
    return record_into(tmp_path, story.records)


def shown(capsys, *words) -> tuple[int, list[str], str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


def row_of(lines: list[str], start: str) -> str:
    """The one line that begins so, its spaces made single."""
    (found,) = [line for line in lines if line.lstrip(" >!").startswith(start)]
    return " ".join(found.split())


def test_a_cleared_decision_says_what_was_decided_at_which_prices_and_what_every_control_saw(tmp_path, capsys):
    story = Story()
    complete_deal(story)
    code, lines, _ = shown(capsys, "why", journal_of(tmp_path, story), 1)
    assert code == 0
    assert lines[0] == "decision 1: entry sell 1 au-gc, by gold-cross, 2019-09-03 01:00:00.000 UTC"
    assert row_of(lines, "au1912") == "au1912 −3 345.00 344.90"
    assert row_of(lines, "GC1912") == "GC1912 1 1530.0 1530.2"
    assert "Cleared as deal 1, under limits version 1" in lines
    assert [line.split()[0] for line in lines if line.endswith(" pass")] == [str(number) for number in range(1, 29)]


def test_a_denied_decision_names_the_control_and_marks_its_line(tmp_path, capsys):
    story = Story()
    ids = story.decide()
    story.verdict(ids, 17, 8_720, 8_500)
    _, lines, _ = shown(capsys, "why", journal_of(tmp_path, story), 1)
    denied = "DENIED by control 17, capital pool use (资金占用): observed 87.20, limit 85.00 %; under limits version 1"
    assert denied in lines
    assert [line for line in lines if line.startswith("> ") and "17" in line]
    assert row_of(lines, "17 ") == "> 17 capital pool use (资金占用) 87.20 85.00 % deny"
    assert not [line for line in lines if line.startswith("!")]


def test_a_number_that_nobody_stated_and_a_limit_that_is_none_read_so(tmp_path, capsys):
    story = Story()
    ids = story.decide()
    story.verdict(ids, 18, UNSET, NO_LIMIT, MISSING)
    _, lines, _ = shown(capsys, "why", journal_of(tmp_path, story), 1)
    assert row_of(lines, "18 ") == "> 18 loss and drawdown not known none lost, of the scope's currency missing"


def test_a_decision_that_is_not_there_is_told_with_those_that_are(tmp_path, capsys):
    story = Story()
    for _ in range(3):
        complete_deal(story)
    journal = journal_of(tmp_path, story)
    code, lines, error = shown(capsys, "why", journal, 4)
    assert (code, lines) == (2, []) and error.endswith("it holds 1 to 3\n")
    (tmp_path / "none").mkdir()
    code, lines, error = shown(capsys, "why", journal_of(tmp_path / "none", Story()), 1)
    assert (code, lines) == (2, []) and error.endswith("it holds none\n")


def test_a_decision_on_which_the_journal_ends_has_no_verdict(tmp_path, capsys):
    story = Story()
    story.decide()
    code, lines, _ = shown(capsys, "why", journal_of(tmp_path, story), 1)
    assert code == 0 and lines[-1] == "no verdict: the journal ends before it"


def metered(story: Story, meter: int, next_fee: int = UNSET, **quotas: tuple) -> None:
    """A METER record: quota -> (used, held, reserved, limit, reserve); others have no limit."""
    columns = {name: [0] * len(QUOTAS) for name in ("used", "held", "reserved", "reserve")}
    columns["limit"] = [NO_LIMIT] * len(QUOTAS)
    for name, numbers in quotas.items():
        at = {"orders": ORDERS, "frequent": FREQUENT, "large": LARGE, "self_trades": SELF_TRADES}[name]
        for column, number in zip(("used", "held", "reserved", "limit", "reserve"), numbers, strict=True):
            columns[column][at] = number
    story.add(METER, meter=meter, trading_day=20190903, next_fee_micros=next_fee, **columns)


def metered_story() -> Story:
    names = CONFIG_DATA["names"] | {"meters": ["shfe-main", "desk:shfe:au1912"]}
    return Story(CONFIG_DATA | {"names": names})


def test_of_each_meter_the_last_word_is_shown_and_what_openings_may_still_use(tmp_path, capsys):
    story = metered_story()
    metered(story, 0, orders=(1, 0, 0, 20_000, 2_000))
    metered(story, 1, frequent=(410, 6, 12, 500, 50), self_trades=(4, 0, 0, 5, 1))
    metered(story, 0, orders=(1_200, 4, 16, 20_000, 2_000))
    code, lines, _ = shown(capsys, "quotas", journal_of(tmp_path, story))
    assert code == 0 and len(lines) == 4
    assert " ".join(lines[1].split()) == "shfe-main 20190903 orders 1,200 4 16 20,000 2,000 16,780"
    assert " ".join(lines[2].split()) == "desk:shfe:au1912 20190903 frequent cancels 410 6 12 500 50 22"
    assert " ".join(lines[3].split()) == "desk:shfe:au1912 20190903 self-trades 4 0 0 5 1 0"


def test_what_is_used_beyond_a_quota_leaves_nothing_and_never_less(tmp_path, capsys):
    story = metered_story()
    metered(story, 1, frequent=(499, 6, 12, 500, 50))
    _, lines, _ = shown(capsys, "quotas", journal_of(tmp_path, story))
    assert lines[1].split()[-1] == "0"


def test_a_quota_that_nobody_stated_says_so_and_a_message_fee_is_told_where_there_is_one(tmp_path, capsys):
    story = metered_story()
    metered(story, 1, next_fee=1_250_000, large=(3, 0, 0, UNSET, 0))
    _, lines, _ = shown(capsys, "quotas", journal_of(tmp_path, story))
    assert " ".join(lines[1].split()) == "desk:shfe:au1912 20190903 large cancels 3 0 0 not stated 0 –"
    assert lines[-1] == "next message (申报费) of desk:shfe:au1912: 1.25 of its currency"


@pytest.mark.parametrize("tell", [lambda story: None, lambda story: metered(story, 0)])
def test_a_journal_without_a_limited_quota_says_so(tmp_path, capsys, tell):
    story = metered_story()
    tell(story)
    code, lines, _ = shown(capsys, "quotas", journal_of(tmp_path, story))
    assert (code, lines) == (0, ["no quota with a limit was metered in this journal"])
