"""The report: one file that needs nothing else, says how the run ended, and never breaks on what a venue wrote."""

import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from desk.control_text import look_texts, verdict_text
from desk.fold import Fold, fold_of
from desk.fold_rows import row_of
from desk.report import write_report
from desk.report_svg import Frame, line, log_ticks, nice_ticks
from desk.report_timeline import chosen_deal, moments
from desk.summary import DEFINITIONS
from desk.texts import duration_text, number_text, time_text
from engine.ports import Event
from engine.records import MISSING, SPREAD
from engine.schema import NO_LIMIT, UNSET
from riskgate.names import CONTROL_NAMES
from tests.journal_deals import believable_story, halted_deal, open_deal, record_into, repaired_deal
from tests.journal_story import CONFIG_DATA, Story

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Tags that close in the order they opened, and the text between them."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.tags, self.addresses, self.said = [], [], [], []
        self.feed(html)
        assert not self.open
        self.text = " ".join(self.said)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


def report(tmp_path, source, **options) -> Page:
    write_report(source, tmp_path / "report.html", **options)
    return Page((tmp_path / "report.html").read_text(encoding="utf-8"))


def whole(tmp_path, told, **options) -> Page:
    return report(tmp_path, fold_of(told), **options)


def test_the_file_needs_no_network_and_no_script(tmp_path):
    page = whole(tmp_path, believable_story())
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not page.addresses and "script" not in page.tags
    assert "url(" not in html and "@import" not in html and "http" not in html


def test_every_drawing_is_well_formed(tmp_path):
    whole(tmp_path, believable_story())
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    drawings = [piece.split("</svg>")[0] for piece in html.split("<svg")[1:]]
    assert len(drawings) > 10
    for drawing in drawings:
        ElementTree.fromstring(f"<svg{drawing}</svg>")
        assert "nan" not in drawing and "inf" not in drawing


def test_every_section_and_every_definition_is_there(tmp_path):
    page = whole(tmp_path, believable_story())
    titles = ["点差 and 对价", "Deals", "what repair did", "Why decisions were denied", "Latency by hop", "Leg skew"]
    for title in [*titles, "裸露时间 naked time", "资金占用 capital use: gold", "Alerts"]:
        assert title in page.text, title
    for key, words in DEFINITIONS.items():
        assert key in page.said and words in page.said


def test_a_run_that_ends_well_says_balanced(tmp_path):
    page = whole(tmp_path, believable_story(), replay_identical=True)
    assert "Balanced: no deal is open or halted" in page.text and "au-gc −3 units" in page.text
    assert "replay identical" in page.text


def test_a_run_that_ends_badly_says_what_is_open(tmp_path):
    told = believable_story(end_with=lambda story: (halted_deal(story), open_deal(story)))
    page = whole(tmp_path, told, replay_identical=False)
    wanted = "Not flat: 1 deal open; 1 deal halted; unhedged 6,000.00 g at the worst; the replay differs from the run."
    assert wanted in page.text
    assert "repair tries exhausted" in page.text


def test_an_empty_journal_makes_a_report_of_dashes(tmp_path):
    page = report(tmp_path, Fold())
    assert "No deal was begun." in page.text and "No decision was denied." in page.text
    assert "Flat:" in page.text


def test_what_others_wrote_is_escaped(tmp_path):
    nasty = "<script>alert('x')</script> & \"quoted\""
    names = {**CONFIG_DATA["names"], "spreads": [nasty], "instruments": [nasty, nasty, nasty], "pools": [nasty],
             "venues": [nasty, nasty]}  # fmt: skip
    story = Story({**CONFIG_DATA, "names": names, "input": nasty, "versions": {nasty: nasty}})
    repaired_deal(story)
    ids = story.decide()
    story.verdict(ids)
    story.deal(ids[1])
    number = story.order(ids, 0, -3, 6898)
    story.report(number, ids[1], 0, -3, Event.REJECTED, reason=nasty.encode())
    story.alert(nasty, nasty, nasty, nasty, {nasty: nasty})
    for diff in (1.0, 1.1):
        story.sample(diff, 1.0)
        story.capital(5_000)
        story.wait(1_000_000)
    page = whole(tmp_path, story.records)
    assert "script" not in page.tags and nasty in page.text


def test_a_journal_of_bare_records_still_reports(tmp_path):
    story = Story({})
    repaired_deal(story)
    story.add(SPREAD, spread=0, blocked=1)
    story.quotes(1, 1)
    page = whole(tmp_path, story.records)
    assert "spread 0" in page.text and "6900 ticks" in page.text


def test_the_report_reads_a_journal_folder(tmp_path):
    told = believable_story(30)
    folder = record_into(tmp_path, told)
    page = report(tmp_path, folder)
    assert f"{len(told):,}" in page.text


def test_the_timeline_tells_the_most_repaired_deal_in_order():
    fold = fold_of(believable_story())
    deal = chosen_deal(fold)
    told = moments(fold, deal)
    assert len(deal.repairs) == 2
    assert [moment.at_ns for moment in told] == sorted(moment.at_ns for moment in told)
    assert sum(moment.css == "repair" for moment in told) == 2
    assert told[-1].words == "deal ends complete"


def test_every_control_has_a_name_and_its_numbers_a_unit_or_words():
    assert list(CONTROL_NAMES) == list(range(1, 29))
    worded = {5, 20, 24, 26}
    assert {number for number in CONTROL_NAMES if not look_texts(number, 1, 1)[2]} == worded


@pytest.mark.parametrize(
    ("number", "observed", "limit", "level", "words"),
    [
        (17, 8_720, 8_500, 4, "observed 87.20, limit 85.00 %"),
        (17, 7_000_000_000, 5_000_000_000, 4, "observed 7,000.00, limit 5,000.00 allotted, of the reporting currency"),
        (1, 12, 10, 4, "observed 12, limit 10 lots"),
        (16, UNSET, 5_000_000, MISSING, "observed not known, limit 5.00 of account currency (missing)"),
        (20, 16 | 64, 0, 4, "observed stale, legs too far apart in time"),
        (24, 2, 0, 4, "observed halted, limit active"),
        (1, 12, UNSET, MISSING, "observed 12 lots, limit not known (missing)"),
        (4, 3, 0, 4, "observed 3, limit 0 ticks outside, or locked"),
        (5, 1, 0, 4, "observed not valid, limit valid"),
        (18, 1_250_000_000, 1_000_000_000, 4, "observed 1,250.00, limit 1,000.00 lost, of the scope's currency"),
        (26, 1, 0, 4, "observed not permitted, limit permitted"),
        (28, 3 * 10**9, NO_LIMIT, 4, "observed 3,000.00 base units, or of currency, limit none"),
    ],
)
def test_a_denial_is_told_in_the_controls_own_units(number, observed, limit, level, words):
    story = Story()
    story.verdict((1, 1), number, observed, limit, level)
    assert verdict_text(row_of(story.records[-1])) == words


def test_ticks_are_round_and_inside():
    assert nice_ticks(0.66, 1.42) == pytest.approx([0.8, 1.0, 1.2, 1.4])
    assert nice_ticks(3.0, 3.0) == [3.0]
    assert log_ticks(250, 150_000) == [1_000.0, 10_000.0, 100_000.0]


def test_a_line_breaks_where_there_is_no_number():
    frame = Frame(0, 4, 0, 1)
    assert line(frame, [0, 1, 2, 3, 4], [0, 1, float("nan"), 1, 0], "mid").count("M") == 2


@pytest.mark.parametrize(
    ("span_ns", "words"),
    [(None, "–"), (812, "812 ns"), (10_551, "10.6 µs"), (434e6, "434 ms"), (1.5e9, "1.50 s"), (723e9, "12 min 3 s"),
     (7_260e9, "2 h 1 min"), (-2_000, "−2 µs"), (0, "0 ns")],
)  # fmt: skip
def test_durations_read_in_the_unit_that_fits(span_ns, words):
    assert duration_text(span_ns) == words


def test_numbers_and_times_read_as_people_write_them():
    assert [number_text(value) for value in (None, True, -1_234, 0.5)] == ["–", "yes", "−1,234", "0.50"]
    assert time_text(1_567_472_400_123_456_789) == "01:00:00.123"
