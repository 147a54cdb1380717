"""`tandem deals` and `tandem deal`: the deals of a journal as a table, and one of them explained on a page."""

from pathlib import Path

from desk.fold import Fold, fold_of
from desk.fold_deals import DealView, outcome_name
from desk.fold_names import base_units
from desk.report_timeline import moments
from desk.texts import DASH, aligned, amount_text, duration_text, number_text, time_text
from engine.records import HALT_REASONS, HALTED, PURPOSES
from engine.segments import read


def list_deals(folder: Path, only_open: bool) -> int:
    """Print a line a deal, oldest first; 1 where a deal is open or halted, so that a script can ask."""
    fold = fold_of(read(folder))
    shown = fold.deals.unbalanced() if only_open else list(fold.deals)
    rows = [("opened (UTC)", "deal", "spread", "what", "strategy", "outcome", "repairs", "裸露 naked", "exposure")]
    rows += [_row(fold, deal) for deal in shown]
    for line in aligned(rows):
        print(line)
    return int(bool(fold.deals.unbalanced()))


def _row(fold: Fold, deal: DealView) -> tuple[str, ...]:
    last = deal.last
    side = "buy" if last.side > 0 else "sell"
    naked = duration_text(last.naked_ns) if deal.fills else DASH
    return (
        time_text(fold.market_ns(last.opened_ns)), str(last.deal_id), fold.names.spread(last.spread),
        f"{PURPOSES[last.purpose]} {side} {last.units}", fold.names.strategy(last.strategy),
        outcome_name(deal).replace("_", " "), str(last.repairs), naked, amount_text(base_units(last.exposure_ubase)),
    )  # fmt: skip


def explain_deal(folder: Path, deal_id: int) -> int:
    """Print one deal: what was decided and why, every order, fill and repair, how it ended; 2 where there is none."""
    fold = fold_of(read(folder))
    deal = fold.deals.by_id.get(deal_id)
    if deal is None or deal.last is None:
        print(f"no deal {deal_id} in {folder}; `tandem deals` lists them")
        return 2
    for line in _page(fold, deal):
        print(line)
    return int(deal.is_open or deal.last.outcome == HALTED)


def _page(fold: Fold, deal: DealView) -> list[str]:
    last, decision = deal.last, deal.decision
    side = "buy" if last.side > 0 else "sell"
    title = f"{PURPOSES[last.purpose]} {side} {last.units} {fold.names.spread(last.spread)}"
    lines = [f"deal {last.deal_id}: {title}, by {fold.names.strategy(last.strategy)}"]
    if decision is not None:
        lines.append(
            f"  signal {decision.signal:.4f}, center {decision.center:.4f}, executable {decision.executable:.4f}, "
            f"threshold {decision.threshold:.4f}, cost {decision.cost:.4f}"
        )
    legs = fold.names.legs(last.spread)
    lines += ["", "legs"]
    rows = [("  instrument", "target", "filled", "average price")]
    for leg, instrument in enumerate(legs):
        _, average = deal.average_ticks(leg)
        price = fold.names.average_text(instrument, average) if average is not None else DASH
        lots = (number_text(last.target_lots[leg]), number_text(last.booked_lots[leg]))
        rows.append((f"  {fold.names.instrument(instrument)}", *lots, price))
    lines += [*aligned(rows), "", "what happened"]
    told = moments(fold, deal)
    first_ns = told[0].at_ns if told else 0
    rows = [("  after", "where", "what")]
    for one in told:
        where = fold.names.instrument(legs[one.lane]) if 0 <= one.lane < len(legs) else "deal"
        rows.append((f"  +{(one.at_ns - first_ns) / 1e6:.3f} ms", where, one.words))
    lines += aligned(rows)
    lines += ["", *_ending(fold, deal)]
    return lines


def _ending(fold: Fold, deal: DealView) -> list[str]:
    last = deal.last
    unit = fold.names.unit(last.spread) or "base units"
    exposure = f"{amount_text(base_units(last.exposure_ubase))} {unit}"
    name = outcome_name(deal).replace("_", " ")
    lines = [f"{name}; exposure {exposure}; naked {duration_text(last.naked_ns)}; {last.repairs} repairs"]
    if last.reason:
        lines.append(f"a person must act: {HALT_REASONS[last.reason]}; close or complete the lots above by hand")
    return lines
