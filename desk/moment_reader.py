"""A moment of a journal as a person writes it: a time of day, a date and time, or a journal's own nanoseconds."""

import re
from datetime import UTC, datetime

_SECOND = 1_000_000_000
_DAY_NS = 86_400 * _SECOND
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?")
_EXPECTED = "expected HH:MM:SS, a date and time such as 2026-11-18T01:20:00, or a journal time in ns"


class Runs:
    """Which market time was when: by the clock of one START until the next, or until the journal's last record."""

    def __init__(self) -> None:
        self._runs: list[list[int]] = []  # first and last engine time, market time at the first, speed in thousandths

    def begin(self, start) -> None:
        """A START row."""
        self.reach(start.now_ns)
        market_ns = start.clock_base_ns + (start.now_ns - start.clock_start_ns) * start.clock_speed_milli // 1000
        self._runs.append([start.now_ns, start.now_ns, market_ns, start.clock_speed_milli])

    def reach(self, now_ns: int) -> None:
        """Any record: the clock of the run goes on until it."""
        if self._runs:
            self._runs[-1][1] = max(self._runs[-1][1], now_ns)

    def span(self) -> tuple[int, int]:
        """Engine time of the first record and of the last; ValueError where nothing ran."""
        if not self._runs:
            raise ValueError("the journal has no START: nothing ran")
        return self._runs[0][0], self._runs[-1][1]

    def market_ns(self, now_ns: int) -> int:
        """Market time by the clock of the run that was on last."""
        first_ns, _, market_ns, milli = self._run_at(now_ns)
        return market_ns + (now_ns - first_ns) * milli // 1000

    def speed_milli(self, now_ns: int) -> int:
        """Thousandths of market time over engine time."""
        return self._run_at(now_ns)[3]

    def _run_at(self, now_ns: int) -> list[int]:
        return next((run for run in reversed(self._runs) if run[0] <= now_ns), self._runs[0])

    def engine_ns(self, market_ns: int) -> int | None:
        """The latest engine time at which it was so late by market time, the second in which a run began being of it;
        None where it never was."""
        for first_ns, last_ns, base_ns, milli in reversed(self._runs):
            now_ns = first_ns + -((base_ns - market_ns) * 1000 // milli)
            if now_ns <= last_ns and base_ns - market_ns < _SECOND:
                return max(now_ns, first_ns)
        return None


def read_moment(text: str, runs: Runs) -> int:
    """The engine time of a moment; ValueError where it cannot be understood or the journal does not hold it.

    A time of day is market time in UTC, as every page shows it, of the latest day on which the journal holds it; a
    date and time without a zone is too.
    """
    first_ns, last_ns = runs.span()
    if re.fullmatch(r"\d{12,}", text):
        found = int(text) if first_ns <= int(text) <= last_ns else None
    elif clock := _CLOCK.fullmatch(text):
        found = _of_day(clock, runs)
    else:
        found = runs.engine_ns(_of_date(text))
    if found is None:
        first, last = (
            datetime.fromtimestamp(runs.market_ns(at_ns) // _SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            for at_ns in (first_ns, last_ns)
        )
        raise ValueError(f"the journal does not reach {text}: it holds {first} to {last} UTC, market time")
    return found


def _of_day(clock: re.Match, runs: Runs) -> int | None:
    hours, minutes, seconds, fraction = clock.groups()
    of_day_ns = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * _SECOND + int((fraction or "0").ljust(9, "0"))
    first_ns, last_ns = (runs.market_ns(at_ns) for at_ns in runs.span())
    for day in range(last_ns // _DAY_NS, first_ns // _DAY_NS - 1, -1):
        found = runs.engine_ns(day * _DAY_NS + of_day_ns)
        if found is not None:
            return found
    return None


def _of_date(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text}: {_EXPECTED}") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    delta = found - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * _SECOND + delta.microseconds * 1000
