"""When a market trades: day, lunch and night sections, holidays, and the trading day that each section belongs to.

A calendar knows whole years. Outside them it is closed, with its reason: nothing is guessed. The first question makes a
table of all its windows, so that a start pays only for the calendars it uses; asking is one bisection, raises nothing.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

NEVER_NS = 2**62
_DAY = timedelta(days=1)
_DAY_MINUTES = 24 * 60
_FRIDAY = 4
_EPOCH = date(1970, 1, 1).toordinal()
_TIMES = re.compile(r"(\d\d):(\d\d)")


class Window(msgspec.Struct, frozen=True):
    """One section as it happens: open from open_ns until just before close_ns, in epoch ns.

    trading_day: YYYYMMDD, 0 where a market has none. reason: why it never opens (both times are NEVER_NS then), or "".
    """

    open_ns: int
    close_ns: int
    trading_day: int
    reason: str = ""


class Section(NamedTuple):
    """A stretch of the local day, in minutes from midnight; one that ends no later than it opens runs over midnight."""

    open_minute: int
    close_minute: int

    @property
    def over_midnight(self) -> bool:
        return self.close_minute <= self.open_minute


class Holidays(msgspec.Struct, frozen=True):
    """The days without trading, by year: a year that is not a key is unknown.

    early_closes: minutes from midnight at which that day ends. no_nights: evenings without the night section, beside
    those before a holiday.
    """

    years: Mapping[int, Collection[date]]
    early_closes: Mapping[date, int] = {}
    no_nights: Collection[date] = frozenset()


def parse_minute(text: str) -> int:
    """Minutes from midnight of "09:30", up to "24:00". ValueError for anything else."""
    match = _TIMES.fullmatch(text)
    minute = int(match[1]) * 60 + int(match[2]) if match else _DAY_MINUTES + 1
    if minute > _DAY_MINUTES or int(match[2]) > 59:
        raise ValueError(f'time {text!r} is not hours and minutes such as "09:30"')
    return minute


def parse_section(text: str) -> Section:
    """The section in "09:00-10:15" or, over midnight, "21:00-02:30". ValueError for anything else."""
    opens, dash, closes = text.partition("-")
    if not dash:
        raise ValueError(f'section {text!r} is not two times such as "09:00-10:15"')
    return Section(parse_minute(opens), parse_minute(closes))


class Calendar:
    """The windows of one market. Between them it is closed; outside what it knows it is closed with `reason`.

    make: makes the windows, in any order, when they are asked for first. known_from_ns: where knowledge begins; it ends
    with the last window.
    """

    def __init__(self, name: str, make: Callable[[], list[Window]], known_from_ns: int, reason: str) -> None:
        self.name = name
        self._make = make
        self._known_from_ns = known_from_ns
        self._unknown = Window(NEVER_NS, NEVER_NS, 0, reason)

    @cached_property
    def _windows(self) -> list[Window]:
        return sorted(self._make(), key=lambda window: window.open_ns)

    @cached_property
    def _closes(self) -> list[int]:
        return [window.close_ns for window in self._windows]

    @property
    def known_until_ns(self) -> int:
        return self._closes[-1] if self._closes else self._known_from_ns

    def window(self, market_ns: int) -> Window:
        """The section that holds this moment, or else the next one; one that never opens where none is known."""
        index = bisect_right(self._closes, market_ns)
        if market_ns < self._known_from_ns or index == len(self._windows):
            return self._unknown
        return self._windows[index]

    def section_at(self, market_ns: int) -> Window | None:
        """The section that holds this moment, None while the market is closed."""
        window = self.window(market_ns)
        return window if window.open_ns <= market_ns < window.close_ns else None


def always() -> Calendar:
    """A market that never closes and has no trading days."""
    return Calendar("always", lambda: [Window(0, NEVER_NS, 0)], 0, "before 1970")


def session_calendar(
    name: str, tz: str, sections: Sequence[Section], holidays: Holidays, night: Section | None = None
) -> Calendar:
    """A market with sections, in which two kinds of night are told apart.

    sections: of every trading day; one over midnight opens on the calendar day before (New York's 18:00-17:00).
    night: opens on the evening of the trading day before, belongs to the next one, and does not happen where anything
    but a weekend lies between them (the rule of the Chinese futures exchanges).
    ValueError where the known years leave a gap between them, or none is known; ZoneInfoNotFoundError (a KeyError).
    """
    years = sorted(holidays.years)
    if not years or years[-1] - years[0] != len(years) - 1:
        raise ValueError(f"calendar {name}: the years of its holidays must follow one another, not {years}")
    zone = ZoneInfo(tz)
    reason = f"calendar {name} knows the holidays of {years[0]} to {years[-1]} only"
    known_from_ns = _at(zone, date(years[0], 1, 1), 0)
    return Calendar(name, lambda: _windows(zone, sections, holidays, night), known_from_ns, reason)


def _windows(zone: ZoneInfo, sections: Sequence[Section], holidays: Holidays, night: Section | None) -> list[Window]:
    days = _trading_days(holidays)
    windows = [_day_window(zone, day, section, holidays) for day in days for section in sections]
    if night:
        pairs = pairwise(days)
        windows += [_night_window(zone, eve, day, night) for eve, day in pairs if _has_night(eve, day, holidays)]
    return [window for window in windows if window.open_ns < window.close_ns]


def _trading_days(holidays: Holidays) -> list[date]:
    first, last = date(min(holidays.years), 1, 1), date(max(holidays.years), 12, 31)
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if day.weekday() <= _FRIDAY and day not in holidays.years[day.year]]


def _has_night(eve: date, day: date, holidays: Holidays) -> bool:
    only_weekend_between = day - eve == _DAY or (eve.weekday() == _FRIDAY and day - eve == 3 * _DAY)
    return only_weekend_between and eve not in holidays.no_nights


def _day_window(zone: ZoneInfo, day: date, section: Section, holidays: Holidays) -> Window:
    opens = day - _DAY if section.over_midnight else day
    close_minute = min(section.close_minute, holidays.early_closes.get(day, _DAY_MINUTES))
    return Window(_at(zone, opens, section.open_minute), _at(zone, day, close_minute), _number(day))


def _night_window(zone: ZoneInfo, eve: date, day: date, night: Section) -> Window:
    closes = eve + _DAY if night.over_midnight else eve
    return Window(_at(zone, eve, night.open_minute), _at(zone, closes, night.close_minute), _number(day))


def _at(zone: ZoneInfo, day: date, minute: int) -> int:
    """Epoch ns of a local time. Where daylight saving makes it ambiguous, the earlier of the two."""
    ordinal = day.toordinal() + minute // _DAY_MINUTES
    minute %= _DAY_MINUTES
    offset_s = _midnight_offset_s(zone, ordinal)
    if offset_s != _midnight_offset_s(zone, ordinal + 1):  # the clock is put forward or back on this very day
        local = datetime.combine(date.fromordinal(ordinal), time(minute // 60, minute % 60), zone)
        return int(local.timestamp()) * 1_000_000_000
    return ((ordinal - _EPOCH) * _DAY_MINUTES * 60 + minute * 60 - offset_s) * 1_000_000_000


@cache
def _midnight_offset_s(zone: ZoneInfo, ordinal: int) -> int:
    """How far a zone's clock is ahead of UTC when this day of it begins."""
    return round(datetime.combine(date.fromordinal(ordinal), time(), zone).utcoffset().total_seconds())


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
