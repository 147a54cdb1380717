"""What a control saw, in words: its observed value and its limit, in the units that the gate's controls state."""

from desk.texts import number_text
from engine.records import BLOCKED_NAMES, LEVELS
from engine.schema import SWITCHES, UNSET
from riskgate.names import CONTROL_NAMES

TOO_WIDE = 1 << 16  # control 20's own bit beside those of the records

# (unit, how many of the journal's integers make one of it)
_UNITS = {
    1: ("lots", 1), 2: ("of currency", 1_000_000), 3: ("bps", 1), 6: ("messages", 1), 15: ("lots", 1),
    16: ("of account currency", 1_000_000), 17: ("%", 100), 21: ("bps", 1), 22: ("in the spread's price", 1_000_000),
    23: ("s to the close", 1), 25: ("links down or orders in doubt", 1), 27: ("unbalanced deals", 1),
    28: ("base units", 1_000_000),
}  # fmt: skip


def control_name(number: int) -> str:
    return CONTROL_NAMES.get(number, f"control {number}")


def verdict_text(verdict) -> str:
    """Why one verdict denied: 'observed 87.20, limit 85.00 %'. A number nobody stated reads so, never as a number."""
    number, slot = verdict.reason, verdict.reason - 1
    if not 0 <= slot < len(verdict.observed):
        return "no control named"
    observed, limit, level = verdict.observed[slot], verdict.limit[slot], LEVELS[verdict.level[slot]]
    why = "" if level == "deny" else f" ({level})"
    if number == 20:
        return f"observed {_bits_text(observed)}{why}"
    unit, _ = _UNITS.get(number, ("", 1))
    return f"observed {_value_text(number, observed)}, limit {_value_text(number, limit)} {unit}".rstrip() + why


def _bits_text(bits: int) -> str:
    if bits == UNSET:
        return "not known"
    names = {**BLOCKED_NAMES, TOO_WIDE: "too wide"}
    return ", ".join(name for bit, name in names.items() if bits & bit) or "nothing wrong"


def _value_text(number: int, value: int) -> str:
    if value == UNSET:
        return "not known"
    if number == 24 and 0 <= value < len(SWITCHES):
        return SWITCHES[value]
    _, scale = _UNITS.get(number, ("", 1))
    return number_text(value if scale == 1 else value / scale)
