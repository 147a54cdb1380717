"""Steps 5 and 6 for one decision in the scratch row: gate, orders, the legs' bytes; then the stamps that it left."""

from engine import legs, pools, settle, switches
from engine.append import DECISION_BYTES
from engine.core import Core
from engine.deals import measure
from engine.records import DENY, SCOPE_STRATEGY, STAMPS
from engine.schema import HALTED

THROTTLE = 14  # the control after which a strategy stands still


def launch(core: Core, number: int) -> None:
    """Put a decision through the gate and, where it is Cleared, send its orders."""
    scratch = core.state.scratch
    if number == 0 and scratch["launched"]:
        count = int(scratch["made"])  # in the call that took the quote
        scratch["launched"] = 0
    else:
        if core.journal.room_bytes < DECISION_BYTES:
            core.journal.turn()
        count = core.hot.decide(core.state.address, core.journal.address, number, core.now_ns)
    if count:
        deal_id = int(scratch["verdict"]["deal_id"])
        core.open_deals[deal_id] = None
        legs.send(core, deal_id, count)
        deal = core.state.deal_row(deal_id)
        measure(deal, core.rows_of(deal_id))
        settle.emit_deal(core, deal)
        pools.after_draw(core, int(deal["strategy"]))
    elif scratch["verdict"]["level"][THROTTLE - 1] == DENY:
        _tell_throttle(core, int(scratch["decision"][number]["strategy"]), scratch["verdict"])
    core.journal.append(STAMPS, core.now_ns, scratch["stamps"].tobytes())


def _tell_throttle(core: Core, strategy: int, verdict) -> None:
    name = core.names["strategies"][strategy]
    core.until.pop((SCOPE_STRATEGY, strategy), None)
    core.before.pop((SCOPE_STRATEGY, strategy), None)
    core.set_by[SCOPE_STRATEGY, strategy] = switches.Setting(HALTED, switches.ENGINE, "more decisions than it may make")
    core.alert(
        "error", "throttled", f"strategy {name} is halted: it has decided more often than it may in its window",
        "find out why it repeats itself, then `tandem resume` it", int(verdict["deal_id"]),
        executions=int(verdict["observed"][THROTTLE - 1]), limit=int(verdict["limit"][THROTTLE - 1]),
    )  # fmt: skip
