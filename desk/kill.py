"""`tandem kill`: the word to a running engine, and the drill's report once the venues have answered."""

import sys
import time
from pathlib import Path

from desk.command import OK, USAGE, NoEngine, ask, print_answer

LEFT = 3
_ASK_EVERY_S = 0.05
_HEADS = ("venue", "orders asked", "cancelled", "filled", "left", "ms to last ack")


def kill(folder: Path, why: str, repairs_too: bool, wait_s: float) -> int:
    """Kill, wait for the venues up to wait_s, print what became of it. 0: nothing is left, 3: something is; 1: refused,
    2: not understood, or no engine there."""
    try:
        said = ask(folder, {"command": "kill", "why": why, "repairs_too": repairs_too})
        code = print_answer(said)
        if code != OK:
            return code
        report = _waited(folder, said["drill"], wait_s)
    except NoEngine as error:
        print(error, file=sys.stderr)
        return USAGE
    print("\n".join(lines(report)))
    return LEFT if report["left"] or not report["done"] else OK


def _waited(folder: Path, drill: int, wait_s: float) -> dict:
    """The report when every venue is done, else as it stands after wait_s."""
    for _ in range(max(round(wait_s / _ASK_EVERY_S), 0)):
        report = _report(folder, drill)
        if report["done"]:
            return report
        time.sleep(_ASK_EVERY_S)
    return _report(folder, drill)


def _report(folder: Path, drill: int) -> dict:
    report = ask(folder, {"command": "kill-report", "drill": drill})
    if "venues" not in report:
        raise NoEngine(f"{folder}: the kill was given, and its report cannot be had: {report.get('said', '')}")
    return report


def lines(report: dict) -> list[str]:
    """The drill's report as a person reads it."""
    rows = [_HEADS] + [
        (one["venue"], str(one["asked"]), str(one["cancelled"]), str(one["filled"]), str(one["left"]),
         f"{one['last_ns'] / 1e6:.1f}" if one["last_ns"] else "-")
        for one in report["venues"]
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    found = [
        " | ".join(cell.rjust(width) if at else cell.ljust(width)
                   for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]  # fmt: skip
    found += [f"{one['venue']}: {one['over']} cancels beyond the day's quota of frequent cancels"
              for one in report["venues"] if one["over"]]  # fmt: skip
    if report["left"]:
        found += ["could not be cancelled:"]
        found += [f"  order {one['order']}, {one['contract']} at {one['venue']}: {one['state']}; {one['why']}"
                  for one in report["left"]]  # fmt: skip
    if report["foreign"]:
        found += ["not ours, not touched:"]
        found += [f"  order {one['order']} at {one['venue']}: {one['what']}" for one in report["foreign"]]
    return found
