"""Steps 5 and 6 for one decision in the scratch row: gate, orders, the legs' bytes; then the stamps that it left."""

from engine import legs, pools, settle
from engine.core import Core
from engine.deals import measure
from engine.records import STAMPS


def launch(core: Core, number: int) -> None:
    """Put a decision through the gate and, where it is Cleared, send its orders."""
    scratch = core.state.scratch
    count = core.hot.decide(core.state.address, core.journal.address, number, core.now_ns)
    if count:
        deal_id = int(scratch["verdict"]["deal_id"])
        core.open_deals[deal_id] = None
        legs.send(core, deal_id, count)
        deal = core.state.deal_row(deal_id)
        measure(deal, core.rows_of(deal_id))
        settle.emit_deal(core, deal)
        pools.after_draw(core, int(deal["strategy"]))
    core.journal.append(STAMPS, core.now_ns, scratch["stamps"].tobytes())
