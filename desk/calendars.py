"""The session calendars of a file, built: what instruments name with `calendar`."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from desk.config import CalendarsConfig, CalendarSpec, HolidaySpec
from desk.toml_reader import Origin, Problem, Reading, nearest, read_all
from engine.calendar import Calendar, Holidays, always, parse_minute, parse_section, session_calendar

PROJECT_FILE = Path(__file__).parent.parent / "configs" / "calendars.toml"


def load_calendars(path: str | Path = PROJECT_FILE) -> tuple[dict[str, Calendar], list[Problem]]:
    """Every calendar of the file, with "always"; those with a problem are left out, and the problem is told."""
    calendars = {"always": always()}
    reading = read_all(path, CalendarsConfig)
    config = reading.value
    if config is None or not reading.is_whole(config):
        return calendars, reading.problems
    holidays = {name: _holidays(reading, spec) for name, spec in config.holidays.items()}
    for name, spec in config.calendars.items():
        calendar = _calendar(reading, name, spec, holidays)
        if calendar:
            calendars[name] = calendar
    return calendars, reading.problems


def _calendar(reading: Reading, name: str, spec: CalendarSpec, holidays: dict[str, Holidays | None]) -> Calendar | None:
    origin, before = reading.origins[id(spec)], len(reading.problems)
    sections = _each(reading, origin.at("sections"), spec.sections, parse_section)
    night = _tried(reading, origin.at("night"), spec.night, parse_section) if spec.night else None
    _tried(reading, origin.at("tz"), spec.tz, _zone)
    if spec.holidays not in holidays:
        reading.refuse(
            origin.at("holidays"), spec.holidays, "the name of a [holidays] table", nearest(spec.holidays, holidays)
        )
    days = holidays.get(spec.holidays)
    if days is None or len(reading.problems) > before:
        return None
    return session_calendar(name, spec.tz, sections, days, night)


def _holidays(reading: Reading, spec: HolidaySpec) -> Holidays | None:
    origin, before = reading.origins[id(spec)], len(reading.problems)
    years = {}
    for year, texts in spec.years.items():
        at = origin.at("years").at(year)
        number = _tried(reading, at, year, _year)
        if number:
            years[number] = frozenset(_days(reading, at, [_with_year(year, text) for text in texts]))
    early = {
        day: _tried(reading, origin.at("early_closes").at(close), close, parse_minute)
        for close, texts in spec.early_closes.items()
        for day in _days(reading, origin.at("early_closes").at(close), texts)
    }
    no_nights = frozenset(_days(reading, origin.at("no_nights"), spec.no_nights))
    if not years or max(years) - min(years) != len(years) - 1:
        reading.refuse(origin.at("years"), sorted(years), "years that follow one another")
    return None if len(reading.problems) > before else Holidays(years, early, no_nights)


def _with_year(year: str, text: str) -> str:
    return "..".join(f"{year}-{part}" for part in text.split(".."))


def _days(reading: Reading, origin: Origin, texts: Iterable[str]) -> list[date]:
    return [day for days in _each(reading, origin, texts, _range) for day in days]


def _range(text: str) -> list[date]:
    """The days of "2026-04-06" or "2026-10-01..2026-10-07", inclusive."""
    first, _, last = text.partition("..")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError as error:
        raise ValueError(f"{text!r} is no day or range of days such as 10-01..10-07 ({error})") from error
    if end < start:
        raise ValueError(f"{text!r} ends before it begins")
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]


def _year(text: str) -> int:
    if not (text.isdigit() and len(text) == 4):
        raise ValueError(f"{text!r} is not a year such as 2026")
    return int(text)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{text!r} is not a time zone such as Asia/Shanghai") from error


def _each(reading: Reading, origin: Origin, texts: Iterable[str], parse: Callable[[str], Any]) -> list[Any]:
    found = [_tried(reading, origin.at(index), text, parse) for index, text in enumerate(texts)]
    return [value for value in found if value is not None]


def _tried(reading: Reading, origin: Origin, text: str, parse: Callable[[str], Any]) -> Any:
    """parse(text), or None with the problem noted."""
    try:
        return parse(text)
    except ValueError as error:
        reading.refuse(origin, text, f"another text: {error}")
        return None
