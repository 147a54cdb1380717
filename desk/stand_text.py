"""Why a strategy did not decide, in words: a STAND row's reason, and the numbers behind it."""

from desk.texts import number_text
from engine.records import (
    BLOCKED_NAMES,
    STAND_ARMED,
    STAND_CLOSE,
    STAND_COOLDOWN,
    STAND_DEAL,
    STAND_EDGE,
    STAND_LIMIT,
    STAND_PRICE,
    STAND_READY,
    STAND_SAMPLES,
    STAND_SIGNAL,
    STAND_SIZE,
    STAND_SWITCH,
    STANDS,
)
from engine.schema import SWITCHES

# What value and bound are, as texts.
_NUMBERS = {
    STAND_READY: "it decides at the next quote that finds it so",
    STAND_SAMPLES: "{value} of {bound}",
    STAND_CLOSE: "{value} s left, flat within {bound} s",
    STAND_DEAL: "{value} open",
    STAND_COOLDOWN: "{value} of {bound} s",
    STAND_SIGNAL: "{value} from the center, enters at {bound}",
    STAND_EDGE: "{value} after costs, needs {bound}",
    STAND_ARMED: "{value} from the center, arms within {bound}",
    STAND_LIMIT: "{value} of {bound} units",
    STAND_SIZE: "{value} units to be had",
}
_WHOLE = {STAND_SAMPLES, STAND_DEAL, STAND_LIMIT, STAND_SIZE, STAND_CLOSE}


def stand_name(reason: int) -> str:
    return STANDS[reason] if 0 <= reason < len(STANDS) else f"reason {reason}"


def label_of(reason: int, what: int) -> str:
    """The reason with what makes it another one: the bits of a blocked price, the level of a switch."""
    if reason == STAND_PRICE:
        return f"{stand_name(reason)}: {bits_text(what)}"
    if reason == STAND_SWITCH and 0 <= what < len(SWITCHES):
        return f"{stand_name(reason)}: {SWITCHES[what]}"
    return stand_name(reason)


def numbers_of(row) -> str:
    """What was seen and what was needed, empty where the reason says it all."""
    digits = 0 if row.reason in _WHOLE else 4
    value, bound = number_text(row.value, digits), number_text(row.bound, digits)
    return _NUMBERS.get(row.reason, "").format(value=value, bound=bound)


def bits_text(bits: int) -> str:
    return ", ".join(name for bit, name in BLOCKED_NAMES.items() if bits & bit) or "nothing wrong"
