"""`tandem sweep`: a strategy's parameters over recorded days; a table, files and a picture of what each had made."""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from desk.assembly import versions
from desk.check import CheckResult
from desk.sweep_day import BadData, Day, load_day
from desk.sweep_grid import Grid, GridError, chosen_strategy, parse_grid, variants
from desk.sweep_picture import picture
from desk.sweep_run import task_of, warm
from desk.sweep_table import table, write_files
from desk.sweep_work import Piece, WorkError, cores, dask_client, on_cores, on_dask, sizes, workers_of
from desk.toml_reader import nearest
from engine.layout import Damaged

NS_PER_MS = 1_000_000
LATENCY_MS, REPAIR_TICKS = 5.0, 1
LIMITS_OF_IT = (
    "the gate is not asked: what it would have denied is traded here",
    "orders trade at the touch shown on arrival, up to the lots shown, and move no price; nobody is ahead of them",
    "a part-filled deal is finished or undone in full, at the touch and a few ticks worse",
    "other strategies of the config, the ramp, the residual ledger and people's commands are left out",
)  # fmt: skip


class Wish(NamedTuple):
    """What was asked for. latency: `VENUE=MS` or `MS`, one way."""

    config: Path
    grid: list[str]
    data: list[Path]
    out: Path
    strategy: str | None = None
    latency: list[str] = []
    repair_ticks: int = REPAIR_TICKS
    jobs: int | None = None
    dask: str | None = None


def latencies(texts: list[str], venues: list[str]) -> list[int]:
    """The one way latency of each venue in ns; GridError says what was expected."""
    found = dict.fromkeys(venues, LATENCY_MS)
    for text in texts:
        venue, equals, value = text.rpartition("=")
        if equals and venue not in found:
            hint = f" (nearest: {near})" if (near := nearest(venue, venues)) else ""
            raise GridError(f"--latency-ms {text}: expected a venue of {', '.join(venues)}{hint}")
        try:
            ms = float(value)
        except ValueError:
            ms = -1.0
        if not 0 <= ms <= 60_000:
            raise GridError(f"--latency-ms {text}: expected milliseconds from 0 to 60000")
        found |= {venue: ms} if equals else dict.fromkeys(venues, ms)
    return [round(found[venue] * NS_PER_MS) for venue in venues]


def sweep(wish: Wish, checked: CheckResult, say=print) -> int:
    """The whole job; 0. GridError, BadData, WorkError and Damaged say what is wrong with what was asked."""
    config = checked.config
    grid, spec = parse_grid(wish.grid), chosen_strategy(config, wish.strategy)
    sets = variants(config, checked.calendars, spec, grid)
    latency_ns = latencies(wish.latency, [venue.id for venue in config.venues])
    _make_folder(wish.out)
    days = []
    for source in wish.data:
        days.append(load_day(config, source, wish.config.parent, config.engine.sample_ms * NS_PER_MS))
        _tell_day(days[-1], say)

    def tasks(size: int) -> list[Piece]:
        return [
            Piece(at, first, task_of(config, checked.calendars, day, sets[first : first + size], latency_ns,
                                     wish.repair_ticks))
            for at, day in enumerate(days) for first in range(0, len(sets), size)
        ]  # fmt: skip

    results: list[list] = [[None] * len(days) for _ in sets]
    _run(wish, tasks, days, results)
    facts = {
        "strategy": spec.id, "currency": config.engine.currency, "tandem": versions()["tandem"],
        "latency_ns": dict(zip((venue.id for venue in config.venues), latency_ns, strict=True)),
        "repair_ticks": wish.repair_ticks, "not_simulated": list(LIMITS_OF_IT),
        "days": [{"data": day.name, "quotes": day.quotes, "denied_when_recorded": day.denied} for day in days],
    }  # fmt: skip
    _show(wish, grid, facts, results, say)
    return 0


def _make_folder(out: Path) -> None:
    """Before any work: where the results go can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise GridError(f"--out {out}: expected a folder that can be written: {error.strerror}") from error


def _tell_day(day: Day, say) -> None:
    say(f"{day.name}: {day.quotes:,} quotes")
    if day.denied:
        say(f"  {day.denied:,} decisions were Denied by the gate when it was recorded; a sweep does not ask it")


def _run(wish: Wish, tasks, days: list[Day], results: list[list]) -> None:
    """Fill `results`, set by set and day by day, with a bar that tells how far it is."""
    columns = (TextColumn("sweep"), BarColumn(), MofNCompleteColumn(), TextColumn("sets x days"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("", total=len(results) * len(days))

        def done(piece: Piece, rows: list[dict]) -> None:
            for number, row in enumerate(rows):
                results[piece.first + number][piece.day] = row
            progress.advance(bar, len(rows))

        if wish.dask:
            with dask_client(wish.dask) as client:
                on_dask(client, tasks(sizes(len(results), len(days), workers_of(client))), days, done)
            return
        jobs = wish.jobs or cores()
        warm()  # once, so that no two processes compile the same
        on_cores(tasks(sizes(len(results), len(days), jobs)), days, jobs, done)


def _show(wish: Wish, grid: Grid, facts: dict, results: list[list[dict]], say) -> None:
    rows = write_files(wish.out, facts, grid, results)
    drawn = picture(grid, rows, facts["currency"])
    if drawn is not None:
        (wish.out / "results.svg").write_text(drawn, "utf-8")
    else:
        (wish.out / "results.svg").unlink(missing_ok=True)  # of another grid
    say("\n" + table(grid, rows, facts["currency"]) + "\n")
    for sentence in LIMITS_OF_IT:
        say(f"note: {sentence}")
    files = ["results.json", "results.csv", *(["results.svg"] if drawn is not None else [])]
    say(f"{', '.join(files)} in {wish.out}")


def main(wish: Wish, checked: CheckResult) -> int:
    """Exit code 0; 2 and one line where the grid, the data or the workers are not what they must be."""
    try:
        return sweep(wish, checked)
    except (GridError, BadData, WorkError, Damaged, ValueError) as error:
        print(f"sweep: {error}", file=sys.stderr)
        return 2
