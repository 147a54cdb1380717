"""A venue's word on a position against ours: taken over, or told where the two differ."""

from engine import positions
from engine.core import Core


def reconcile(core: Core, instrument: int, theirs: dict[str, int]) -> None:
    """Compare a venue's position with ours while no order is alive. A difference is an alert, never a trade.

    Before the first decision of a journal the venue's position is taken over. Where each side's total agrees, the
    venue's split over days is: a new trading day made yesterday's of today's.
    """
    row = core.state.position[instrument]
    ours = {side: int(row[side]) for side in theirs}
    fresh = core.state.head["decision_counter"] == 0 or instrument in core.adopt
    core.adopt.discard(instrument)
    if fresh or _sides(ours) == _sides(theirs):
        for side, lots in theirs.items():
            row[side] = lots
        _drifts(core, instrument, False)
        positions.take_over(core.state.address, instrument, _net(ours))
        if ours != theirs and fresh:
            core.alert("info", "position_taken", f"{core.instrument_name(instrument)}: position taken over",
                       "nothing, if it is the one that was meant to be there", net=_net(theirs))  # fmt: skip
        return
    _drifts(core, instrument, True)
    if core.is_news(("drift", instrument), theirs):
        core.alert(
            "error", "position_drift", f"position in {core.instrument_name(instrument)} differs from the venue's",
            "nothing new is let through in its account: find out who else trades it, then correct it by hand, or "
            "`tandem resume` the account to take over the venue's word", ours=_net(ours), venue=_net(theirs),
        )  # fmt: skip


def _drifts(core: Core, instrument: int, drifts: bool) -> None:
    """Count the contracts of an account whose position nobody is sure of: the gate looks at that."""
    account = int(core.state.instrument[instrument]["account"])
    if account >= 0 and drifts != (instrument in core.drifted):
        core.state.account[account]["drifts"] += 1 if drifts else -1
        (core.drifted.add if drifts else core.drifted.discard)(instrument)


def _sides(position: dict[str, int]) -> tuple[int, int]:
    """Lots long and lots short, over both days."""
    return position["long_today"] + position["long_yesterday"], position["short_today"] + position["short_yesterday"]


def _net(sides: dict) -> int:
    return sides["long_today"] + sides["long_yesterday"] - sides["short_today"] - sides["short_yesterday"]
