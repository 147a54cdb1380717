"""Text from integers into a byte array, compiled: decimal and hexadecimal numbers, prices, UTC stamps.

Each function writes at `at` and returns where it stopped. Nothing here looks for room: the caller has it.
"""

import numpy as np

from engine.jit import njit

SECOND_NS = 1_000_000_000
_DAY_S = 86_400
_POINT, _MINUS, _ZERO, _A, _DASH, _COLON = (ord(sign) for sign in ".-0A-:")


def letters(text: bytes) -> np.ndarray:
    """A constant of compiled code."""
    return np.frombuffer(text, np.uint8)


@njit
def put(out, at, source, size):
    """The first `size` bytes of another array."""
    for one in range(size):
        out[at + one] = source[one]
    return at + size


@njit
def put_padded(out, at, value, digits):
    """Exactly so many digits, with zeros before the number."""
    for one in range(digits):
        out[at + digits - 1 - one] = _ZERO + value % 10
        value //= 10
    return at + digits


@njit
def put_number(out, at, value):
    """A whole number, not negative."""
    digits, left = 1, value // 10
    while left > 0:
        digits += 1
        left //= 10
    return put_padded(out, at, value, digits)


@njit
def put_steps(out, at, steps, unit, digits):
    """steps x unit, where `unit` counts in the last of `digits` digits after the point; as `step_text` does."""
    scaled = steps * unit
    if scaled < 0:
        out[at] = _MINUS
        at += 1
        scaled = -scaled
    if digits == 0:
        return put_number(out, at, scaled)
    scale = 1
    for _ in range(digits):
        scale *= 10
    at = put_number(out, at, scaled // scale)
    out[at] = _POINT
    return put_padded(out, at + 1, scaled % scale, digits)


@njit
def put_hexadecimal(out, at, value, digits):
    """Exactly so many upper-case hexadecimal digits."""
    for one in range(digits):
        nibble = value & 15
        out[at + digits - 1 - one] = _ZERO + nibble if nibble < 10 else _A + nibble - 10
        value >>= 4
    return at + digits


@njit
def put_second(out, at, second):
    """YYYYMMDD-HH:MM:SS of a UTC second; the civil calendar from days, by eras of 400 years that begin in March."""
    days = second // _DAY_S + 719_468
    era = days // 146_097
    day_of_era = days - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    at = put_padded(out, at, year, 4)
    at = put_padded(out, at, month, 2)
    at = put_padded(out, at, day_of_year - (153 * shifted + 2) // 5 + 1, 2)
    out[at] = _DASH
    left = second % _DAY_S
    at = put_padded(out, at + 1, left // 3_600, 2)
    out[at] = _COLON
    at = put_padded(out, at + 1, left // 60 % 60, 2)
    out[at] = _COLON
    return put_padded(out, at + 1, left % 60, 2)
