"""`tandem deals` and `tandem deal`: the deals of a journal as a table, and one of them on its page."""

from pathlib import Path

from desk.deal_page import page, to_do
from desk.fold import Fold, fold_of
from desk.fold_deals import DealView, outcome_name
from desk.fold_names import base_units
from desk.texts import DASH, aligned, amount_text, duration_text, time_text
from engine.records import HALT_REASONS, PURPOSES, RESOLUTIONS
from engine.segments import read


def list_deals(folder: Path, only_open: bool) -> int:
    """Print a line a deal, oldest first, and what those that wait for a person need; 1 where a deal is open or waits,
    so that a script can ask."""
    fold = fold_of(read(folder))
    shown = fold.deals.unbalanced() if only_open else list(fold.deals)
    rows = [("opened (UTC)", "deal", "spread", "what", "strategy", "repairs", "裸露 naked", "exposure", "outcome")]
    rows += [_row(fold, deal) for deal in shown]
    for line in aligned(rows, right=(1, 5, 6, 7)):
        print(line)
    for deal in shown:
        if deal.waits:
            print("\n".join(["", *to_do(fold, deal, folder)]))
    return int(bool(fold.deals.unbalanced()))


def _row(fold: Fold, deal: DealView) -> tuple[str, ...]:
    last = deal.last
    side = "buy" if last.side > 0 else "sell"
    naked = duration_text(last.naked_ns) if deal.fills else DASH
    exposure = f"{amount_text(base_units(last.exposure_ubase))} {fold.names.unit(last.spread)}".rstrip()
    return (
        time_text(fold.market_ns(last.opened_ns)), str(last.deal_id), fold.names.spread(last.spread),
        f"{PURPOSES[last.purpose]} {side} {last.units}", fold.names.strategy(last.strategy),
        str(last.repairs), naked, exposure, _outcome(deal),
    )  # fmt: skip


def _outcome(deal: DealView) -> str:
    """How it ended, why it was handed to a person, and who decided what."""
    said = outcome_name(deal).replace("_", " ")
    if deal.last.reason:
        said += f": {HALT_REASONS[deal.last.reason]}"
    if deal.resolutions:
        row = deal.resolutions[-1]
        said += f"; {RESOLUTIONS[row.choice]} by {row.who}"
    return said


def explain_deal(folder: Path, deal_id: int) -> int:
    """Print one deal: what was decided and why, every order, fill and repair, how it ended; 1 where it is open or
    waits for a person, 2 where there is none."""
    fold = fold_of(read(folder))
    deal = fold.deals.by_id.get(deal_id)
    if deal is None or deal.last is None:
        print(f"no deal {deal_id} in {folder}; `tandem deals` lists them")
        return 2
    for line in page(fold, deal, folder):
        print(line)
    return int(deal.is_open or deal.waits)
