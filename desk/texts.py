"""Numbers as people read them: durations, times, money, percentages. None reads as a dash, never as a zero."""

import math
from datetime import UTC, datetime

from rich.cells import cell_len

DASH = "–"
_STEPS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))


def duration_text(span_ns: float | None) -> str:
    """Three digits and the unit that fits: 812 ns, 10.6 µs, 434 ms, 1.50 s, 12 min 3 s."""
    if span_ns is None:
        return DASH
    if span_ns < 0:
        return f"−{duration_text(-span_ns)}"
    if span_ns >= 120e9:
        minutes, seconds = divmod(round(span_ns / 1e9), 60)
        return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {seconds} s"
    size, unit = next((step for step in _STEPS if span_ns >= step[0]), _STEPS[-1])
    return f"{digits3(span_ns / size)} {unit}"


def digits3(value: float) -> str:
    """About three digits, and no more zeros than a whole number needs: 3, 10.6, 0.25."""
    size = abs(value)
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def number_text(value, digits: int = 2) -> str:
    """A number with thousands commas and a real minus sign; yes and no for truths."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"
    return text.replace("-", "−")


def amount_text(value: float | None, digits: int = 4) -> str:
    """An amount of base units with about so many digits, whether grams or a hundredth of a coin; never an exponent."""
    if not value:
        return DASH if value is None else "0"
    whole_digits = math.floor(math.log10(abs(value))) + 1
    text = number_text(float(value), min(max(digits - whole_digits, 0), 6))
    return text.rstrip("0").rstrip(".") if "." in text else text


def count_text(count: int, one: str, many: str) -> str:
    return f"{number_text(count)} {one if count == 1 else many}"


def signed_text(value: float, digits: int = 0) -> str:
    return f"{value:+,.{digits}f}".replace("-", "−")


def time_text(at_ns: int, fraction: int = 3) -> str:
    """HH:MM:SS.mmm of the day, UTC."""
    whole = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%H:%M:%S")
    return f"{whole}.{at_ns % 1_000_000_000 // 10 ** (9 - fraction):0{fraction}d}" if fraction else whole


def day_text(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d")


def aligned(rows: list[tuple[str, ...]], right: tuple[int, ...] = ()) -> list[str]:
    """Rows as lines with aligned columns, those of `right` to the right; Chinese characters count as two cells."""
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
            gap = " " * (width - cell_len(cell))
            cells.append(gap + cell if at in right else cell + gap)
        lines.append("  ".join(cells).rstrip())
    return lines
