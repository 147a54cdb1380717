"""The live view: tidy in a small and in a large terminal, and following a journal while it is written."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console as Terminal

from desk.console import Console, watch
from desk.fold import Fold, fold_of
from engine.journal import Journal
from engine.ports import DOWN, TRADING
from engine.records import LINK, QUOTE, SPREAD, STALE
from tests.journal_deals import believable_story, halted_deal, open_deal, record_into
from tests.journal_story import AU, Story


def terminal(width: int, height: int) -> Terminal:
    return Terminal(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)


def shown(fold: Fold, width: int = 100, height: int = 30) -> list[str]:
    screen = terminal(width, height)
    screen.print(Console(fold, "gold").render(), height=height)
    return screen.file.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), [(100, 30), (140, 40)])
def test_a_busy_run_fills_the_terminal_exactly(width, height):
    lines = shown(fold_of(believable_story(end_with=open_deal)), width, height)
    assert len(lines) == height
    assert {cell_len(line) for line in lines} == {width}


def test_everything_a_desk_looks_for_is_on_a_small_screen():
    text = "\n".join(shown(fold_of(believable_story(end_with=lambda story: (halted_deal(story), open_deal(story))))))
    prices = ("GC1912", "7×1530.4", "au-gc  1.2222", "1.2772 | 1.1672", "pos −3", "residual 221/400 g", "360 quotes")
    work = ("halted", "open", "tick to order", "round trip COMEX", "75.1 %", "70/85/90", "edge after all costs")
    for words in (*prices, *work, "deal 23 halted", "links ready"):
        assert words in text, words


def test_an_empty_journal_is_waited_for():
    lines = shown(Fold())
    assert len(lines) == 30 and "waiting for the journal" in lines[1]


def test_ages_count_to_the_time_given():
    story = Story()
    story.quotes(6900, 15300)
    fold = fold_of(story.records)
    screen = terminal(100, 30)
    screen.print(Console(fold, "gold").render(fold.last_ns + 1_500_000_000), height=30)
    assert "1.50 s" in screen.file.getvalue()


@pytest.mark.parametrize(("hours", "age"), [(1, "1 h"), (95, "95 h"), (96, "4 d"), (24 * 4_000, "4000 d")])
def test_the_age_of_an_old_journal_leaves_the_names_whole(hours, age):
    fold = fold_of(believable_story(20))
    screen = terminal(100, 30)
    screen.print(Console(fold, "gold").render(fold.last_ns + hours * 3_600_000_000_000 + 1), height=30)
    text = screen.file.getvalue()
    assert "GC1912" in text and "USDCNY" in text and age in text


def test_a_link_that_is_down_and_a_blocked_spread_are_said():
    story = Story()
    story.add(LINK, venue=1, channel=TRADING, state=DOWN, why=b"reset by peer")
    story.add(SPREAD, spread=0, blocked=STALE)
    text = "\n".join(shown(fold_of(story.records)))
    assert "COMEX trading down" in text and "no tradable price: stale" in text


def test_a_side_without_a_price_is_a_dash():
    story = Story()
    story.add(QUOTE, instrument=AU, bid_ticks=6900, bid_lots=5)
    line = next(line for line in shown(fold_of(story.records)) if " au1912" in line)
    assert "5×345.00" in line and "–" in line and "×0" not in line


def test_names_with_markup_in_them_are_shown_as_they_are():
    story = Story()
    story.alert("warn", "odd", "a [bold]word[/] in brackets", "none")
    assert any("a [bold]word[/] in brackets" in line for line in shown(fold_of(story.records)))


def test_watch_reads_what_is_there_and_ends_when_told(tmp_path):
    told = believable_story(20)
    folder = record_into(tmp_path, told)
    screen = terminal(100, 30)
    fold = watch(folder, stop=lambda: True, terminal=screen)
    assert fold.records == len(told) and "GC1912" in screen.file.getvalue()


def test_watch_follows_a_journal_while_it_is_written(tmp_path):
    told = believable_story(20)
    with Journal(tmp_path / "journal", tmp_path / "live", 1 << 20) as journal:
        waiting = iter([told[:100], told[100:]])

        def one_half_more() -> bool:
            half = next(waiting, None)
            for record in half or ():
                journal.append(record.kind, record.now_ns, record.payload)
            return half is None

        fold = watch(tmp_path / "journal", stop=one_half_more, terminal=terminal(100, 30))
    assert (fold.records, fold.last_seq) == (len(told), len(told))


def test_watch_ends_after_its_seconds(tmp_path):
    assert watch(tmp_path / "none", seconds=0, terminal=terminal(100, 30)).records == 0
