"""Checks of how far a strategy is let loose: its mode, and the steps of its ramp (gray release)."""

from desk.config import RampSpec, StrategySpec
from desk.findings import Findings, known, rows

MODES = ("live", "shadow")
LONGEST_S, MOST_DEALS, MOST_MONEY = 366 * 86_400, 1_000_000, 4_000_000_000_000
MOST_STEPS = 20


def check_release(found: Findings) -> None:
    """Check the engine's mode, and every strategy's mode and ramp."""
    if known(found.config, "engine"):
        found.one_of(found.config.engine, "mode", MODES)
    for spec in rows(found.config.strategies):
        found.one_of(spec, "mode", MODES)
        if known(spec, "ramp"):
            _ramp(found, spec)


def _ramp(found: Findings, spec: StrategySpec) -> None:
    steps = rows(spec.ramp)
    if len(steps) > MOST_STEPS:
        found.wrong(spec, "ramp", f"at most {MOST_STEPS} steps")
    for number, step in enumerate(steps):
        _numbers(found, step)
        below = steps[number - 1].units if number and known(steps[number - 1], "units") else 0
        if known(step, "units") and step.units <= below:
            found.wrong(step, "units", f"more than {below}: each step of a ramp allows more than the one before it")
        if known(step, "units") and known(spec, "max_units") and step.units > spec.max_units:
            found.wrong(step, "units", f"at most max_units, {spec.max_units}")
        if number < len(steps) - 1 and known(step, "min_deals", "min_s") and step.min_deals == step.min_s == 0:
            found.wrong(step, "min_deals", "min_deals or min_s above 0: else the step is over as soon as it begins")
    if steps and known(steps[-1], "units") and known(spec, "id", "max_units") and steps[-1].units < spec.max_units:
        found.notes.append(
            f"strategy {spec.id}: the last step of its ramp allows {steps[-1].units} units, so max_units = "
            f"{spec.max_units} is never reached"
        )


def _numbers(found: Findings, step: RampSpec) -> None:
    for field, most in (("min_deals", MOST_DEALS), ("min_s", LONGEST_S)):
        if known(step, field) and not 0 <= getattr(step, field) <= most:
            found.wrong(step, field, f"0 to {most:,}")
    if known(step, "max_loss") and step.max_loss != "none" and not (step.max_loss or 0) >= 0:
        found.wrong(step, "max_loss", '0 or more, or "none"')
    elif known(step, "max_loss") and isinstance(step.max_loss, float) and step.max_loss > MOST_MONEY:
        found.wrong(step, "max_loss", f"at most {MOST_MONEY:,}")
