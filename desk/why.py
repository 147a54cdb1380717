"""`tandem why`: one decision and its verdict, with what each of the gate's controls saw."""

import sys
from pathlib import Path

from desk.control_text import control_name, look_texts, verdict_text
from desk.fold import Fold
from desk.fold_rows import row_of
from desk.texts import DASH, aligned, day_text, number_text, time_text
from engine.records import CONFIG, CONTROLS, DECISION, DENY, ENTRY, EXIT, LEVELS, OFF, PURPOSES, START, VERDICT
from engine.segments import read


def explain_decision(folder: Path, decision_id: int) -> int:
    """Print one decision, whether it was Cleared, and all that the gate saw; 2 where the journal holds none such."""
    fold, decision, verdict = Fold(), None, None
    first = last = 0
    for record in read(folder):
        if record.kind in (START, CONFIG):
            fold.feed(record)
        elif record.kind == DECISION:
            last = int(record.data["decision_id"])
            first = first or last
            decision = row_of(record) if last == decision_id else decision
        elif record.kind == VERDICT and record.data["decision_id"] == decision_id:
            verdict = row_of(record)
    if decision is None:
        held = f"it holds {first} to {last}" if first else "it holds none"
        print(f"no decision {decision_id} in {folder}; {held}", file=sys.stderr)
        return 2
    for line in page(fold, decision, verdict):
        print(line)
    return 0


def page(fold: Fold, decision, verdict) -> list[str]:
    """Every line: the decision, its legs, the verdict, the controls. verdict: None where the journal ends before it."""
    at_ns, side = fold.market_ns(decision.now_ns), "buy" if decision.side > 0 else "sell"
    lines = [
        f"decision {decision.decision_id}: {PURPOSES[decision.purpose]} {side} {number_text(decision.units)} "
        f"{fold.names.spread(decision.spread)}, by {fold.names.strategy(decision.strategy)}, "
        f"{day_text(at_ns)} {time_text(at_ns)} UTC",
        *_signal(decision), "", *_legs(fold, decision), "",
    ]  # fmt: skip
    if verdict is None:
        return [*lines, "no verdict: the journal ends before it"]
    return [*lines, verdict_line(fold, decision, verdict), "", *_controls(verdict)]


def _signal(decision) -> list[str]:
    """What a strategy saw; repairs and ledger hedges go by no signal."""
    if decision.purpose not in (ENTRY, EXIT):
        return []
    names = ("signal", "center", "executable", "threshold", "cost")
    return ["  " + ", ".join(f"{name} {number_text(float(getattr(decision, name)), 4)}" for name in names)]


def _legs(fold: Fold, decision) -> list[str]:
    rows = [("legs", "lots", "decision saw", "limit")]
    for leg in range(decision.legs):
        at, lots = decision.instrument[leg], decision.lots[leg]
        prices = (decision.ref_ticks[leg], decision.limit_ticks[leg])
        shown = (fold.names.price_text(at, ticks) if lots else DASH for ticks in prices)
        rows.append((f"  {fold.names.instrument(at)}", number_text(lots), *shown))
    return aligned(rows, right=(1, 2, 3))


def verdict_line(fold: Fold, decision, verdict) -> str:
    """Cleared, with its deal; or by which control it was DENIED, on which leg, and why."""
    under = f"under limits version {verdict.limits_version}"
    if fold.names.was_shadow(decision, verdict):
        return f"Cleared in shadow mode: no deal, nothing was sent; {under}"
    if verdict.cleared:
        return f"Cleared as deal {verdict.deal_id}, {under}"
    on = f" on {fold.names.instrument(decision.instrument[verdict.leg])}" if verdict.leg >= 0 else ""
    return f"DENIED by control {verdict.reason}, {control_name(verdict.reason)}{on}: {verdict_text(verdict)}; {under}"


def _controls(verdict) -> list[str]:
    """A line for each control that looked, the denying one marked; then those that were not asked."""
    rows, silent = [("", "no.", "control", "observed", "limit", "unit", "level")], []
    for slot in range(CONTROLS):
        number, level = slot + 1, verdict.level[slot]
        if level == OFF:
            silent.append(str(number))
            continue
        mark = ">" if number == verdict.reason else "!" if level >= DENY else ""
        looks = look_texts(number, verdict.observed[slot], verdict.limit[slot])
        rows.append((mark, str(number), control_name(number), *looks, LEVELS[level]))
    lines = aligned(rows, right=(1, 3, 4))
    if any(row[0] for row in rows):
        lines.append("> denied it first; ! would have denied it too")
    return [*lines, f"not asked of such a decision: {', '.join(silent)}"] if silent else lines
