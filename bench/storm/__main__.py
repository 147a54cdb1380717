"""`python -m bench.storm`, started by `tandem storm`: the campaign, its progress, its tables, its JSON."""

import argparse
import os
import sys
from pathlib import Path

import msgspec

from bench.storm.campaign import CONFIG, BadConfig, Result, as_json, storm
from desk.texts import aligned, duration_text, number_text

_ABOUT = """\
Plays deals of a desk's own config against two or more simulated venues that do whatever venues do: reports that are
lost, late, twice, out of order or against each other; rejects, locks, closes, disconnects, crashes, foreign orders,
amended and busted trades. The engine is the real one: loop, gate, journal, sessions and parsers; only time and sockets
are not. Each deal is judged by the journal alone. The desk's limits and repair policies hold; its signals are replaced.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tandem storm", description=_ABOUT,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("config", nargs="?", type=Path, default=CONFIG, metavar="CONFIG",
                        help="a desk's config (default: the storm's own, with every policy in it)")  # fmt: skip
    parser.add_argument("--deals", type=_count, default=5_000, metavar="N", help="how many (default: 5,000)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same journals")
    parser.add_argument("--jobs", type=_count, default=os.cpu_count() or 1, metavar="J", help="processes side by side")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--shrink", action="store_true", help="shrink the first breach to a short script")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 100_000_000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text}")
    return value


def main(arguments: list[str] | None = None) -> int:
    """0: no breach; 1: a breach; 2: the config is wrong; 130: interrupted."""
    asked = _parser().parse_args(arguments)
    try:
        return _stormed(asked)
    except KeyboardInterrupt:
        return 130


def _stormed(asked) -> int:
    try:
        result = storm(asked.config, asked.deals, asked.seed, asked.jobs, _progress)
    except BadConfig as error:
        print(error, file=sys.stderr)
        return 2
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print("\n".join(page(result)))
    found = as_json(result)
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if asked.shrink and result.breaches:
        from bench.storm.shrink import shrink_first

        print("\n".join(shrink_first(asked.config, asked.seed, result.breaches[0], asked.deals)))
    return 1 if result.breach_count or result.naked_at_end else 0


def _progress(result: Result, days: int) -> None:
    if sys.stderr.isatty():
        share = result.days / days
        bar = "█" * round(30 * share) + "░" * (30 - round(30 * share))
        left_s = result.seconds / share - result.seconds
        print(f"\r{bar} {result.deals:,} deals, {result.breach_count} breaches, "
              f"{duration_text(left_s * 1e9)} left \033[K", end="", file=sys.stderr, flush=True)  # fmt: skip
    elif result.days * 10 // days > (result.days - 1) * 10 // days:
        print(f"{100 * result.days // days} %: {result.deals:,} deals, {result.breach_count} breaches", file=sys.stderr,
              flush=True)  # fmt: skip


def page(result: Result) -> list[str]:
    """The tables of a campaign."""
    lines = [f"storm of {result.config}, seed {result.seed}: {result.deals:,} deals in {result.days:,} days, "
             f"{duration_text(result.seconds * 1e9)}"]  # fmt: skip
    if result.assumed:
        lines.append(f"no reference_price, so 10,000 ticks: {', '.join(result.assumed)}")
    return [*lines, "", *_faults(result), "", *_hits(result), "", *_end(result)]


def _faults(result: Result) -> list[str]:
    head = ("fault class", "deals", "complete", "unwound", "partial", "not done", "halted", "裸露 worst naked",
            "residual", "orders", "cancels", "breaches")  # fmt: skip
    rows = [head]
    for name, group in sorted(result.tally.groups.items()):
        if name:
            rows.append(_row(name, group, sum(1 for one in result.breaches if one[3] == name)))
    rows.append(_row("all", result.tally, result.breach_count))
    return aligned([tuple(_right(cell, at, rows) for at, cell in enumerate(row)) for row in rows])


def _row(name: str, group, breaches: int) -> tuple[str, ...]:
    ends = tuple(number_text(group.outcomes.get(one, 0))
                 for one in ("complete", "unwound", "partial_balanced", "not_done", "halted"))  # fmt: skip
    return (name, number_text(group.deals), *ends, duration_text(group.worst_naked_ns),
            number_text(group.worst_residual_ubase / 1e6, 1), number_text(group.orders), number_text(group.cancels),
            number_text(breaches))  # fmt: skip


def _right(cell: str, at: int, rows: list[tuple[str, ...]]) -> str:
    """Numbers stand on the right of their column."""
    from rich.cells import cell_len

    width = max(cell_len(row[at]) for row in rows)
    return cell if at == 0 else " " * (width - cell_len(cell)) + cell


def _hits(result: Result) -> list[str]:
    rungs = "  ".join(f"{name} {number_text(count)}" for name, count in result.tally.rungs.items())
    rows = "  ".join(f"{name} {number_text(count)}"
                     for name, count in sorted(result.rows.items(), key=lambda one: int(one[0][1:])))  # fmt: skip
    return [f"rungs of repair: {rungs}", f"rows of the catalogue: {rows}"]


def _end(result: Result) -> list[str]:
    halted = sum(result.halted.values())
    reasons = "; ".join(f"{why} {number_text(count)}" for why, count in sorted(result.halted.items()))
    lines = [
        f"halted, before a person looked: {number_text(halted)} ({100 * halted / max(result.deals, 1):.2f} %)"
        + (f": {reasons}" if reasons else ""),
        f"{result.deals / max(result.cpu_seconds, 1e-9):,.0f} deals a second and core; journal hash "
        f"{result.journal_hash}",
        f"{number_text(result.breach_count)} breaches, {number_text(result.naked_at_end)} naked at the end",
    ]  # fmt: skip
    for day, what, deal, script in result.breaches[:20]:
        lines.append(f"  day {day}, deal {deal} ({script}): {what}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
