"""Calendars: what is open when, by situation."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from desk.calendars import load_calendars
from engine.calendar import NEVER_NS, Holidays, always, parse_minute, parse_section, session_calendar

CALENDARS, PROBLEMS = load_calendars()
SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


def ns(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000_000


def text(at_ns: int, zone: ZoneInfo = SHANGHAI) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, zone).strftime("%m-%d %H:%M")


def test_the_project_s_calendars_have_no_problem():
    assert not PROBLEMS
    assert {"always", "shfe_au", "shfe_cu", "dce", "czce", "cffex_index", "comex_metals", "fx_24x5"} <= set(CALENDARS)


SHANGHAI_CASES = [
    ("in the morning", "shfe_au", "2026-11-20 09:30", True, "11-20 09:00", "11-20 10:15", 20261120),
    ("the first moment", "shfe_au", "2026-11-20 09:00", True, "11-20 09:00", "11-20 10:15", 20261120),
    ("the last moment is closed", "shfe_au", "2026-11-20 10:15", False, "11-20 10:30", "11-20 11:30", 20261120),
    ("lunch", "shfe_au", "2026-11-20 12:00", False, "11-20 13:30", "11-20 15:00", 20261120),
    ("index lunch", "cffex_index", "2026-11-20 12:00", False, "11-20 13:00", "11-20 15:00", 20261120),
    ("index has no night", "cffex_index", "2026-11-19 22:00", False, "11-20 09:30", "11-20 11:30", 20261120),
    ("after the close", "shfe_au", "2026-11-19 16:00", False, "11-19 21:00", "11-20 02:30", 20261120),
    ("night", "shfe_au", "2026-11-19 23:59", True, "11-19 21:00", "11-20 02:30", 20261120),
    ("night, over midnight", "shfe_au", "2026-11-20 02:29", True, "11-19 21:00", "11-20 02:30", 20261120),
    ("copper sleeps earlier", "shfe_cu", "2026-11-20 01:00", False, "11-20 09:00", "11-20 10:15", 20261120),
    ("iron sleeps earliest", "dce", "2026-11-19 23:00", False, "11-20 09:00", "11-20 10:15", 20261120),
    ("Friday night is Monday's", "shfe_au", "2026-11-20 22:00", True, "11-20 21:00", "11-21 02:30", 20261123),
    ("Saturday, over midnight", "shfe_au", "2026-11-21 01:00", True, "11-20 21:00", "11-21 02:30", 20261123),
    ("weekend", "shfe_au", "2026-11-21 12:00", False, "11-23 09:00", "11-23 10:15", 20261123),
    ("Monday before dawn is closed", "shfe_au", "2026-11-23 01:00", False, "11-23 09:00", "11-23 10:15", 20261123),
    ("no night before a holiday", "shfe_au", "2026-09-24 22:00", False, "09-28 09:00", "09-28 10:15", 20260928),
    ("no Friday night before one", "shfe_au", "2026-04-03 22:00", False, "04-07 09:00", "04-07 10:15", 20260407),
    ("night after a holiday's first day", "shfe_au", "2026-04-07 22:00", True, "04-07 21:00", "04-08 02:30", 20260408),
    ("holiday", "shfe_au", "2026-10-05 10:00", False, "10-08 09:00", "10-08 10:15", 20261008),
    ("make-up Saturday is closed", "shfe_au", "2025-02-08 10:00", False, "02-10 09:00", "02-10 10:15", 20250210),
    ("spring 2020: nights suspended", "shfe_au", "2020-03-10 22:00", False, "03-11 09:00", "03-11 10:15", 20200311),
    ("the first night after that", "shfe_au", "2020-05-06 22:00", True, "05-06 21:00", "05-07 02:30", 20200507),
    ("New Year's Eve", "shfe_au", "2025-12-31 22:00", False, "01-05 09:00", "01-05 10:15", 20260105),
]


@pytest.mark.parametrize(("name", "at", "is_open", "opens", "closes", "day"), [case[1:] for case in SHANGHAI_CASES],
                         ids=[case[0] for case in SHANGHAI_CASES])  # fmt: skip
def test_chinese_sections(name, at, is_open, opens, closes, day):
    window = CALENDARS[name].window(ns(at))
    assert (text(window.open_ns), text(window.close_ns), window.trading_day) == (opens, closes, day)
    assert (CALENDARS[name].section_at(ns(at)) is not None) == is_open


NEW_YORK_CASES = [
    ("the daily break", "comex_metals", "2026-11-18 17:30", False, "11-18 18:00", "11-19 17:00"),
    ("Sunday evening", "comex_metals", "2026-11-15 18:00", True, "11-15 18:00", "11-16 17:00"),
    ("Friday evening", "comex_metals", "2026-11-13 18:30", False, "11-15 18:00", "11-16 17:00"),
    ("Thanksgiving, open", "comex_metals", "2026-11-26 14:29", True, "11-25 18:00", "11-26 14:30"),
    ("Thanksgiving, after the early close", "comex_metals", "2026-11-26 15:00", False, "11-26 18:00", "11-27 13:45"),
    ("Christmas Eve", "comex_metals", "2025-12-24 14:00", False, "12-25 18:00", "12-26 17:00"),
    ("Good Friday", "comex_metals", "2026-04-03 10:00", False, "04-05 18:00", "04-06 17:00"),
    ("currencies at the weekend", "fx_24x5", "2026-11-21 12:00", False, "11-22 17:00", "11-23 17:00"),
    ("currencies on a Wednesday night", "fx_24x5", "2026-11-18 23:00", True, "11-18 17:00", "11-19 17:00"),
]


@pytest.mark.parametrize(("name", "at", "is_open", "opens", "closes"), [case[1:] for case in NEW_YORK_CASES],
                         ids=[case[0] for case in NEW_YORK_CASES])  # fmt: skip
def test_new_york_sections(name, at, is_open, opens, closes):
    window = CALENDARS[name].window(ns(at, NEW_YORK))
    assert (text(window.open_ns, NEW_YORK), text(window.close_ns, NEW_YORK)) == (opens, closes)
    assert (CALENDARS[name].section_at(ns(at, NEW_YORK)) is not None) == is_open


@pytest.mark.parametrize(
    ("sunday", "utc_open"), [("2026-03-01", 23), ("2026-03-08", 22), ("2026-10-25", 22), ("2026-11-01", 23)]
)
def test_new_york_opens_at_another_utc_hour_after_the_clocks_change(sunday, utc_open):
    window = CALENDARS["comex_metals"].window(ns(f"{sunday} 12:00", NEW_YORK))
    assert text(window.open_ns, ZoneInfo("UTC")) == f"{sunday[5:]} {utc_open}:00"


@pytest.mark.parametrize("at", ["2018-06-05 10:00", "2027-01-04 10:00", "2026-12-31 22:00", "2090-01-01 00:00"])
def test_an_unknown_year_is_closed_with_its_reason(at):
    window = CALENDARS["shfe_au"].window(ns(at))
    assert (window.open_ns, window.close_ns, window.trading_day) == (NEVER_NS, NEVER_NS, 0)
    assert window.reason == "calendar shfe_au knows the holidays of 2019 to 2026 only"
    assert CALENDARS["shfe_au"].section_at(ns(at)) is None


def test_times_beyond_any_date_are_closed_too():
    for at_ns in (-(2**63), -1, 2**63 - 1):
        assert CALENDARS["comex_metals"].section_at(at_ns) is None


def test_always_is_always_open():
    for at in ("2019-01-01 00:00", "2026-11-22 03:00", "2100-01-01 00:00"):
        assert always().section_at(ns(at)) is not None


def test_windows_follow_one_another_without_overlap():
    for name, calendar in CALENDARS.items():
        window = calendar.window(ns("2019-01-01 00:00"))
        while not window.reason and window.close_ns != NEVER_NS:
            following = calendar.window(window.close_ns)
            assert window.open_ns < window.close_ns <= following.open_ns, name
            assert following.reason or following.trading_day >= window.trading_day, name
            window = following


def test_years_with_a_gap_are_refused():
    holidays = Holidays({2024: [], 2026: []})
    with pytest.raises(ValueError, match="must follow one another"):
        session_calendar("x", "UTC", [parse_section("09:00-10:00")], holidays)


def test_an_early_close_before_a_section_opens_removes_it():
    holidays = Holidays({2026: []}, {date(2026, 3, 4): 12 * 60})
    sections = [parse_section("09:00-11:00"), parse_section("11:30-13:00"), parse_section("14:00-15:00")]
    calendar = session_calendar("x", "UTC", sections, holidays)
    utc = ZoneInfo("UTC")
    assert text(calendar.window(ns("2026-03-04 11:45", utc)).close_ns, utc) == "03-04 12:00"
    assert text(calendar.window(ns("2026-03-04 12:00", utc)).open_ns, utc) == "03-05 09:00"


@pytest.mark.parametrize("wrong", ["9:00", "24:01", "12:60", "noon", ""])
def test_a_text_that_is_no_time_is_refused(wrong):
    with pytest.raises(ValueError, match="is not hours and minutes"):
        parse_minute(wrong)


def test_a_file_of_calendars_with_mistakes_tells_them_all(tmp_path):
    path = tmp_path / "calendars.toml"
    path.write_text(
        """
[calendars.good]
tz = "UTC"
sections = ["09:00-10:00"]
holidays = "some"
[calendars.bad]
tz = "Asia/Shangai"
sections = ["9-10"]
night = "21:00"
holidays = "sone"
[calendars.lost]
tz = "UTC"
sections = ["09:00-10:00"]
holidays = "broken"
[holidays.some]
source = "a test"
[holidays.some.years]
2026 = ["01-01"]
[holidays.broken]
source = "a test"
no_nights = ["tomorrow"]
[holidays.broken.years]
2026 = ["02-30", "05-03..05-01"]
"""
    )
    calendars, problems = load_calendars(path)
    assert set(calendars) == {"always", "good"}
    assert {problem.key for problem in problems} == {
        "calendars.bad.tz", "calendars.bad.sections[0]", "calendars.bad.night", "calendars.bad.holidays",
        "holidays.broken.no_nights[0]", "holidays.broken.years.2026[0]", "holidays.broken.years.2026[1]",
    }  # fmt: skip
    assert next(problem for problem in problems if problem.key.endswith("holidays")).nearest == "some"
