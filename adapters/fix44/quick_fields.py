"""Field values in compiled code: whole numbers, decimal numbers in steps, UTC times. Each says whether it was plain."""

from engine.jit import njit
from engine.text import SECOND_NS

_POINT, _MINUS, _ZERO, _NINE, _DASH, _COLON = (ord(sign) for sign in ".-09-:")
_SECOND_CHARS = 17
_MAX_DIGITS = 17
_LARGEST_STEPS = 2**53
_FIRST_YEAR, _LAST_YEAR = 1970, 2115


@njit
def equal(data, at, other, other_at, size):
    """Whether so many bytes are the same."""
    for one in range(size):  # noqa: SIM110 - compiled code has no generators
        if data[at + one] != other[other_at + one]:
            return False
    return True


@njit
def whole(data, at, end):
    """(whether it is a whole number of at most 17 digits, the number)."""
    if at >= end or end - at > _MAX_DIGITS:
        return False, 0
    number = 0
    for one in range(at, end):
        digit = int(data[one]) - _ZERO
        if digit < 0 or digit > 9:
            return False, 0
        number = number * 10 + digit
    return True, number


@njit
def decimal(data, at, end, unit, digits, exact):
    """(whether it is plain, the number in whole steps): of `unit` of the last of `digits` digits after the point.

    exact: a number between two steps is not plain; otherwise it is rounded down. Nothing with more digits is plain.
    """
    negative = data[at] == _MINUS
    if negative:
        at += 1
    number, seen, after = 0, 0, -1
    for one in range(at, end):
        if data[one] == _POINT:
            if after >= 0 or seen == 0:
                return False, 0
            after = 0
            continue
        digit = int(data[one]) - _ZERO
        if digit < 0 or digit > 9:
            return False, 0
        if after == digits:
            if digit != 0:
                return False, 0
            continue
        number = number * 10 + digit
        seen += 1
        after += after >= 0
    missing = digits - max(after, 0)
    if seen == 0 or seen + missing > _MAX_DIGITS or data[end - 1] == _POINT or (negative and not exact):
        return False, 0
    for _ in range(missing):
        number *= 10
    steps = number // unit
    if (exact and number % unit != 0) or steps > _LARGEST_STEPS:
        return False, 0
    return True, -steps if negative else steps


@njit
def time_ns(lane, data, at, end):
    """Nanoseconds since the epoch of YYYYMMDD-HH:MM:SS and at most nine digits of a second; -1 where it is not plain.

    The last second's text is remembered with what it comes to, in the lane.
    """
    size = end - at
    if size < _SECOND_CHARS or size > _SECOND_CHARS + 10 or size == _SECOND_CHARS + 1:
        return -1
    if not equal(data, at, lane.stamp, 0, _SECOND_CHARS):
        second = _second(data, at)
        if second < 0:
            return -1
        lane.stamp_ns = second * SECOND_NS
        for one in range(_SECOND_CHARS):
            lane.stamp[one] = data[at + one]
    if size == _SECOND_CHARS:
        return lane.stamp_ns
    ok, fraction = whole(data, at + _SECOND_CHARS + 1, end)
    if not ok or data[at + _SECOND_CHARS] != _POINT:
        return -1
    for _ in range(_SECOND_CHARS + 10 - size):
        fraction *= 10
    return lane.stamp_ns + fraction


@njit
def _second(data, at):
    """Seconds since the epoch of YYYYMMDD-HH:MM:SS, -1 where that is no time; days from the civil calendar by eras."""
    dated, date = whole(data, at, at + 8)
    good = dated and data[at + 8] == _DASH and data[at + 11] == _COLON and data[at + 14] == _COLON
    hours, hour = whole(data, at + 9, at + 11)
    minutes, minute = whole(data, at + 12, at + 14)
    seconds, second = whole(data, at + 15, at + 17)
    year, month, day = date // 10_000, date // 100 % 100, date % 100
    if not (good and hours and minutes and seconds) or hour > 23 or minute > 59 or second > 59:
        return -1
    if year < _FIRST_YEAR or year > _LAST_YEAR or month < 1 or month > 12 or day < 1 or day > _days(year, month):
        return -1
    shifted = year - (1 if month <= 2 else 0)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return ((days * 24 + hour) * 60 + minute) * 60 + second


@njit
def _days(year, month):
    """Of a month."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
