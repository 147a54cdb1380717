"""The report's section of capital: what was held, used, in transit and idle, and who may draw on it."""

from desk.console import Console
from desk.fold import fold_of
from desk.report_capital import allocation_table, capital_table, money_text
from engine.records import ALLOCATION, CAPITAL
from engine.schema import NO_LIMIT, UNSET
from tests.journal_story import Story
from tests.test_console import terminal

MILLION = 10**12


def story() -> Story:
    told = Story()
    told.add(CAPITAL, pool=0, account=0, capital_micros=6 * MILLION, held_micros=MILLION, used_micros=2 * MILLION,
             use_bps=5000, transit_micros=4 * MILLION)  # fmt: skip
    told.add(CAPITAL, pool=0, account=-1, capital_micros=20 * MILLION, held_micros=MILLION, used_micros=2 * MILLION,
             use_bps=1875, transit_micros=4 * MILLION)  # fmt: skip
    return told


def test_what_is_idle_is_neither_held_nor_used_nor_in_transit():
    html = capital_table(fold_of(story().records))
    pool, account = (line.split("</td><td>") for line in html.split("<tr><td>")[1:])
    assert pool[2:7] == ["20,000,000", "1,000,000", "2,000,000", "4,000,000", "13,000,000"]
    assert account[2:7] == ["6,000,000", "1,000,000", "2,000,000", "4,000,000", "3,000,000"]


def test_a_share_that_is_not_known_reads_as_no_number():
    told = story()
    told.add(ALLOCATION, pool=0, strategy=0, allocated_micros=MILLION, used_micros=0)
    told.add(ALLOCATION, pool=0, strategy=0, allocated_micros=UNSET, used_micros=UNSET)
    assert "–" in allocation_table(fold_of(told.records))
    assert (money_text(UNSET), money_text(NO_LIMIT), money_text(-MILLION)) == ("–", "no limit", "−1,000,000")
    assert allocation_table(fold_of(story().records)) == ""


def test_the_live_view_says_what_is_in_transit():
    screen = terminal(120, 34)
    screen.print(Console(fold_of(story().records), "gold").render(), height=34)
    assert "in transit 4,000,000" in screen.file.getvalue()
