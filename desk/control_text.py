"""What a control saw, in words: its observed value and its limit, in the units that the gate's controls state."""

from desk.texts import number_text
from engine.records import BLOCKED_NAMES, LEVELS
from engine.schema import NO_LIMIT, SWITCHES, UNSET
from riskgate.names import CONTROL_NAMES

TOO_WIDE = 1 << 16  # control 20's own bit beside those of the records
_DATA, _POOL = 20, 17
_ALL_BPS = 10_000
_ALLOTTED = ("allotted, of the reporting currency", 1_000_000)

# (unit, how many of the journal's integers make one of it). Where a control looks at several things, the gravest look
# is kept, and the journal does not say which it was: the unit names both.
_UNITS = {
    1: ("lots", 1), 2: ("of currency", 1_000_000), 3: ("bps", 1), 4: ("ticks outside, or locked", 1),
    6: ("messages", 1), 7: ("orders", 1), 8: ("a day", 1), 9: ("cancels", 1), 10: ("large cancels", 1),
    11: ("ticks crossed, or self-trades", 1), 12: ("lots", 1), 13: ("duplicates", 1),
    14: ("executions in the window", 1), 15: ("lots, units, or millionths of currency", 1),
    16: ("of account currency", 1_000_000), 17: ("%", 100), 18: ("lost, of the scope's currency", 1_000_000),
    19: ("messages a trade x 100, or millionths of fee", 1), 21: ("bps", 1), 22: ("in the spread's price", 1_000_000),
    23: ("s to the close", 1), 25: ("links down, in doubt, broken, drifts", 1),
    27: ("unbalanced deals, or ms of naked time", 1), 28: ("base units, or of currency", 1_000_000),
}  # fmt: skip
# Numbers that are words: an index into these.
_WORDS = {5: ("valid", "not valid"), 24: SWITCHES, 26: ("permitted", "not permitted")}


def control_name(number: int) -> str:
    return CONTROL_NAMES.get(number, f"control {number}")


def look_texts(number: int, observed: int, limit: int) -> tuple[str, str, str]:
    """(observed value, limit, unit) of one look; the unit is empty where the numbers are words."""
    unit, scale = _unit_of(number, limit)
    return _value_text(number, observed, scale), _value_text(number, limit, scale), unit


def _unit_of(number: int, limit: int) -> tuple[str, int]:
    """A pool's level is more than nothing and at most all of it, in bps: any other limit of 17 is money."""
    if number == _POOL and _is_number(limit) and not 0 < limit <= _ALL_BPS:
        return _ALLOTTED
    return _UNITS.get(number, ("", 1))


def _value_text(number: int, value: int, scale: int) -> str:
    """A number nobody stated reads so, as does a limit that is stated to be none."""
    if value == UNSET:
        return "not known"
    if value == NO_LIMIT:
        return "none"
    if number == _DATA:
        return _bits_text(value)
    words = _WORDS.get(number, ())
    if 0 <= value < len(words):
        return words[value]
    return number_text(value if scale == 1 else value / scale)


def verdict_text(verdict) -> str:
    """Why one verdict denied: 'observed 87.20, limit 85.00 %'."""
    number, slot = verdict.reason, verdict.reason - 1
    if not 0 <= slot < len(verdict.observed):
        return "no control named"
    observed, limit, level = verdict.observed[slot], verdict.limit[slot], LEVELS[verdict.level[slot]]
    why = "" if level == "deny" else f" ({level})"
    said, bound, unit = look_texts(number, observed, limit)
    if number == _DATA:
        return f"observed {said}{why}"
    if _is_number(limit):
        return f"observed {said}, limit {bound} {unit}".rstrip() + why
    return f"observed {said} {unit if _is_number(observed) else ''}".rstrip() + f", limit {bound}{why}"


def _is_number(value: int) -> bool:
    return value not in (UNSET, NO_LIMIT)


def _bits_text(bits: int) -> str:
    names = {**BLOCKED_NAMES, TOO_WIDE: "too wide"}
    return ", ".join(name for bit, name in names.items() if bits & bit) or "nothing wrong"
