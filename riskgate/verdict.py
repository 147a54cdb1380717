"""How a control writes down what it saw: observed value, limit and level, in the verdict's slot of its number."""

from engine.jit import njit
from engine.records import CONTROLS, DENY, MISSING, OFF, PASS
from engine.schema import NO_LIMIT, UNSET


@njit
def clear_verdict(verdict, decision):
    verdict.decision_id, verdict.deal_id = decision.decision_id, decision.deal_id
    verdict.cleared = 0
    verdict.reason = 0
    verdict.leg = -1
    verdict.orders = 0
    for slot in range(CONTROLS):
        verdict.observed[slot] = 0
        verdict.limit[slot] = 0
        verdict.level[slot] = OFF


@njit
def note(verdict, number, observed, limit, level, leg):
    """Record one look of control `number`. Of several (one a leg) the gravest stays, the first among equals.

    An observed value or limit that is UNSET is MISSING, whatever the level said: a missing number is a Denied.
    """
    if observed == UNSET or limit == UNSET:
        level = MISSING
    slot = number - 1
    if level <= verdict.level[slot]:
        return
    verdict.observed[slot], verdict.limit[slot], verdict.level[slot] = observed, limit, level
    if level >= DENY and verdict.reason == 0:
        verdict.reason = number
        verdict.leg = leg


@njit
def at_most(verdict, number, observed, limit, leg):
    """A control whose observed value may not exceed its limit; where it is said that there is none, nothing does."""
    if limit == NO_LIMIT and observed == UNSET:
        observed = 0
    note(verdict, number, observed, limit, DENY if observed > limit else PASS, leg)


@njit
def seen(verdict, number, observed, leg):
    """A control that does not judge this purpose: it leaves what it saw, 0 where that is not known."""
    value = 0 if observed == UNSET else observed
    note(verdict, number, value, value, PASS, leg)


@njit
def drawn_to_zero(before, limit):
    """The limit of a signed sum that a decision moves: what brings it back towards 0 is let through in any case."""
    return limit if limit in (UNSET, NO_LIMIT) else max(limit, abs(before))
