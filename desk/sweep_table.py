"""What a sweep has found: days added up by parameter set, the table in the terminal, results.json and results.csv."""

import csv
import io
import json
from pathlib import Path

from desk.sweep_grid import Grid
from desk.sweep_run import COUNTS
from desk.texts import DASH, aligned

SHOWN = 20
_TEXT = "utf-8"


def added(days: list[dict]) -> dict:
    """One set over its days, in their order: counts and money are sums, the drawdown is that of all days joined.

    Profit and drawdown are None where the profit of one of them is not known.
    """
    total = dict.fromkeys(COUNTS, 0) | {"fees_micros": 0, "drawdown_micros": 0, "peak_micros": 0, "low_micros": 0}
    before = 0
    for day in days:
        for name in (*COUNTS, "fees_micros"):
            total[name] += day[name]
        fall = total["peak_micros"] - (before + day["low_micros"])
        total["drawdown_micros"] = max(total["drawdown_micros"], day["drawdown_micros"], fall)
        total["peak_micros"] = max(total["peak_micros"], before + day["peak_micros"])
        total["low_micros"] = min(total["low_micros"], before + day["low_micros"])
        before += day["pnl_micros"] or 0
    known = all(day["pnl_micros"] is not None for day in days)
    total["pnl_micros"] = before if known else None
    total["drawdown_micros"] = total["drawdown_micros"] if known else None
    del total["peak_micros"], total["low_micros"]
    return total


def deals_of(row: dict) -> int:
    return sum(row[name] for name in ("complete", "finished", "unwound", "not_done", "open"))


def best_first(rows: list[dict]) -> list[int]:
    """Numbers of the sets by their profit, equal ones in the grid's order; what is not known last."""
    worst = float("inf")
    return sorted(range(len(rows)), key=lambda at: worst if rows[at]["pnl_micros"] is None else -rows[at]["pnl_micros"])


def table(grid: Grid, rows: list[dict], currency: str, shown: int = SHOWN) -> str:
    """The best sets as aligned lines."""
    head = (*grid.names, "decisions", "deals", "repaired", "fills", f"P&L {currency}", "max drawdown", "fees", "hits")
    lines = [head]
    for at in best_first(rows)[:shown]:
        row = rows[at]
        rate = f"{100 * row['hits'] / row['trips']:.0f} %" if row["trips"] else DASH
        numbers = (row["decisions"], deals_of(row), row["finished"] + row["unwound"], row["fills"])
        money = (row["pnl_micros"], row["drawdown_micros"], row["fees_micros"])
        point = tuple(f"{value:g}" for value in grid.points[at])
        lines.append((*point, *(f"{number:,}" for number in numbers), *map(_money, money), rate))
    found = aligned(lines, right=tuple(range(len(head))))
    if len(rows) > shown:
        found.append(f"... and {len(rows) - shown:,} more sets")
    return "\n".join(found)


def _money(micros: int | None) -> str:
    return DASH if micros is None else f"{micros / 1e6:,.2f}"


def write_files(folder: Path, facts: dict, grid: Grid, sets: list[list[dict]]) -> list[dict]:
    """results.json and results.csv in the grid's order, the same bytes for the same results; the sets' sums.

    sets: of each set, its days.
    """
    rows = [added(days) for days in sets]
    named = [dict(zip(grid.names, point, strict=True)) for point in grid.points]
    body = facts | {
        "sets": [
            {"parameters": point, **row, "deals": deals_of(row), "days": days}
            for point, row, days in zip(named, rows, sets, strict=True)
        ]
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", _TEXT)
    out = io.StringIO()
    fields = [*grid.names, *COUNTS, "pnl_micros", "drawdown_micros", "fees_micros"]
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    for point, row in zip(named, rows, strict=True):
        writer.writerow(point | {name: row[name] for name in fields if name in row})
    (folder / "results.csv").write_text(out.getvalue(), _TEXT)
    return rows
