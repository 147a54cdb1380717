"""`tandem quotas`: what of the trading day's quotas is used, kept for repairs, and left for openings."""

from pathlib import Path

from desk.fold_names import Names
from desk.fold_rows import row_of
from desk.texts import DASH, aligned, number_text
from engine.records import CONFIG, METER
from engine.schema import NO_LIMIT, QUOTAS, UNSET
from engine.segments import read

_MICROS = 1_000_000


def show_quotas(folder: Path) -> int:
    """Print the last word on every meter of a journal."""
    names, meters = Names(), {}
    for record in read(folder):
        if record.kind == CONFIG:
            names = Names(record.data)
        elif record.kind == METER:
            row = row_of(record)
            meters[row.meter] = row
    for line in page(names, meters):
        print(line)
    return 0


def page(names: Names, meters: dict) -> list[str]:
    """A line for each quota that has a limit, or of which nobody has said whether it has one; then message fees."""
    rows = [("meter", "day", "quota", "used", "held", "reserved", "limit", "kept for repairs", "left")]
    for index, row in sorted(meters.items()):
        rows += [
            (names.meter(index), str(row.trading_day), *_quota(row, quota))
            for quota in range(len(QUOTAS))
            if row.limit[quota] != NO_LIMIT
        ]
    if len(rows) == 1:
        return ["no quota with a limit was metered in this journal"]
    lines = aligned(rows, right=(1, 3, 4, 5, 6, 7, 8))
    fees = [
        f"next message (申报费) of {names.meter(index)}: {_fee(row.next_fee_micros)}"
        for index, row in sorted(meters.items())
        if row.next_fee_micros != UNSET
    ]
    return [*lines, "", *fees] if fees else lines


def _quota(row, quota: int) -> tuple[str, ...]:
    used, held, reserved = row.used[quota], row.held[quota], row.reserved[quota]
    limit, reserve = row.limit[quota], row.reserve[quota]
    if limit == UNSET:
        shown, left = "not stated", DASH
    else:
        shown, left = number_text(limit), number_text(max(limit - reserve - used - held - reserved, 0))
    counts = (number_text(count) for count in (used, held, reserved))
    return QUOTAS[quota], *counts, shown, number_text(reserve), left


def _fee(fee_micros: int) -> str:
    return "free" if fee_micros == 0 else f"{number_text(fee_micros / _MICROS)} of its currency"
