"""Where the money was at the end: what was held, used, in transit and idle, of each pool and account; who may draw."""

from html import escape

from desk.fold import Fold
from desk.report_tables import table
from desk.texts import DASH, number_text
from engine.schema import NO_LIMIT, UNSET

_MICROS = 1_000_000


def capital_table(fold: Fold) -> str:
    """A line a pool and, below it, one for each of its accounts; empty where no sample was taken."""
    rows = []
    for pool, view in sorted(fold.pools.items()):
        rows.append(_row(f"<b>{escape(fold.names.pool(pool))}</b>", "", view.last, view.last.transit_micros))
        for account, last in sorted(fold.accounts.items()):
            if last.pool == pool:
                # What is on its way to an account is no part of its capital yet.
                rows.append(_row(escape(fold.names.account(account)), fold.names.account_currency(account), last, 0))
    head = ["pool, account", "currency", "capital", "冻结 held", "占用 used", "在途 in transit", "idle", "use"]
    return table(head, rows) if rows else ""


def _row(name: str, currency: str, last, away_micros: int) -> list[str]:
    idle = last.capital_micros - last.held_micros - last.used_micros - away_micros
    amounts = (last.capital_micros, last.held_micros, last.used_micros, last.transit_micros, idle)
    return [name, escape(currency), *map(money_text, amounts), f"{last.use_bps / 100:.1f} %"]


def allocation_table(fold: Fold) -> str:
    """What each strategy of a pool that is shared out was allotted last; empty where none is shared out."""
    rows = [
        [escape(fold.names.strategy(strategy)), escape(fold.names.pool(row.pool)), money_text(row.allocated_micros),
         money_text(row.used_micros)]
        for strategy, row in sorted(fold.allocations.items())
    ]  # fmt: skip
    return table(["strategy", "pool", "allotted", "used then"], rows) if rows else ""


def money_text(micros: int) -> str:
    """Whole units; what is not known, or has no limit, is no number."""
    if micros == UNSET:
        return DASH
    return "no limit" if micros == NO_LIMIT else number_text(round(micros / _MICROS))
