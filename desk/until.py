"""When a switch is to end by itself, as a person says it: a time of the day, or how long from now."""

import argparse
import re
from datetime import datetime, timedelta

_UNITS_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_LONGEST_NS = 7 * 24 * _UNITS_NS["h"]


def time_of_day(text: str) -> tuple[int, int, int]:
    """An argument such as 14:30 or 14:30:00, as hour, minute, second."""
    found = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text)
    parts = tuple(int(part or 0) for part in found.groups()) if found else (24, 0, 0)
    if parts[0] > 23 or parts[1] > 59 or parts[2] > 59:
        raise argparse.ArgumentTypeError(f"expected a time of the day such as 14:30 or 14:30:00, got {text}")
    return parts


def duration_ns(text: str) -> int:
    """An argument such as 90s, 10m or 2h, in ns."""
    found = re.fullmatch(r"(\d{1,6})([smh])", text)
    span_ns = int(found[1]) * _UNITS_NS[found[2]] if found else 0
    if not 0 < span_ns <= _LONGEST_NS:
        raise argparse.ArgumentTypeError(f"expected a time such as 90s, 10m or 2h, at most a week, got {text}")
    return span_ns


def next_ns(at: tuple[int, int, int], now_ns: int) -> int:
    """When this time of the day comes next by the machine's local time, in ns since the epoch."""
    hour, minute, second = at
    today = datetime.fromtimestamp(now_ns / 1e9).replace(hour=hour, minute=minute, second=second, microsecond=0)
    day = today if int(today.timestamp()) * 10**9 > now_ns else today + timedelta(days=1)
    return int(day.timestamp()) * 10**9


def shown(until_ns: int) -> str:
    """The same for a person: local date and time."""
    return datetime.fromtimestamp(until_ns / 1e9).strftime("%Y-%m-%d %H:%M:%S")
