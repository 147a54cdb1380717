"""Orders that wait for another leg: what led has ended, or their time has come, and they are sent or dropped."""

from engine import legs, meters, records
from engine.core import Core
from engine.messages import spend_message
from engine.orders import TERMINAL
from engine.ports import READY
from engine.positions import keep_working
from engine.records import ORDER
from engine.schema import ACTIVE, CREATED, SENT_STATE


def due(core: Core, rows: list) -> bool:
    """Send the deal's orders that waited and need not wait any longer, as much of them as what led has filled.

    Behind a leading leg: once all its orders are over and certain. Behind a far leg: when their time has come, whole
    where nothing is known of it yet; never while it is in doubt. What may not raise risk any more by then (a link, a
    switch) is dropped: repair goes on from what has traded.
    """
    waiting = [row for row in rows if row["state"] == CREATED]
    if not waiting:
        return False
    of = int(waiting[0]["decision_id"])
    leading = [row for row in rows if row["decision_id"] == of and row["state"] != CREATED]
    far_first = bool(waiting[0]["release_ns"])
    if far_first and core.now_ns < waiting[0]["release_ns"]:
        return False
    if any(row["in_doubt"] for row in leading):
        return False
    filled, asked = (sum(int(row[name]) for row in leading) for name in ("cum_lots", "lots"))
    if any(row["state"] not in TERMINAL for row in leading):
        if not far_first:
            return False
        filled = asked  # it is on its way, and meant to be met
    if not _may_raise(core, waiting + leading):
        filled = 0
    for leg in sorted({int(row["leg"]) for row in waiting}):
        mine = [row for row in waiting if row["leg"] == leg]
        _release(core, mine, min(sum(int(row["lots"]) for row in mine) * filled // max(asked, 1), 2**40))
    return True


def _may_raise(core: Core, rows: list) -> bool:
    """Whether an entry or exit may still go on: every venue there, no switch against it."""
    state = core.state
    deal = state.deal_row(int(rows[0]["deal_id"]))
    instruments = [state.instrument[row["instrument"]] for row in rows]
    links = all((state.venue[one["venue"]]["link"] == READY).all() for one in instruments)
    switches = [state.head["switch"], state.strategy[deal["strategy"]]["switch"]]
    switches += [state.spread[deal["spread"]]["switch"]]
    switches += [state.venue[one["venue"]]["switch"] for one in instruments]
    switches += [state.market[state.venue[one["venue"]]["market"]]["switch"] for one in instruments]
    switches += [state.account[one["account"]]["switch"] for one in instruments]
    return links and (max(switches) == ACTIVE or rows[0]["purpose"] != records.ENTRY)


def _release(core: Core, rows: list, lots: int) -> None:
    """Send `lots` of one leg's waiting orders, in their order; what is not needed of them is ended here, unsent."""
    for row in rows:
        wanted = min(int(row["lots"]), lots)
        lots -= wanted
        if wanted == 0 or legs.met_by(core, int(row["instrument"]), int(row["side"]), int(row["limit_ticks"])):
            legs.drop(core, row)
            continue
        row["lots"], row["state"], row["sent_ns"] = wanted, SENT_STATE, core.now_ns
        row["deadline_ns"] = max(int(row["deadline_ns"]), core.now_ns + core.timing.ack_timeout_ns)
        slot = legs.slot_of(core, row)
        keep_working(core.state.address, slot, wanted)
        meters.shrink_order(core.state.address, slot)
        meters.use_order(core.state.address, slot)
        legs.refresh_own(core, int(row["instrument"]))
        core.emit(
            ORDER, order_no=row["order_no"], decision_id=row["decision_id"], deal_id=row["deal_id"], leg=row["leg"],
            instrument=row["instrument"], side=row["side"], offset=row["offset"], tif=row["tif"],
            purpose=row["purpose"], lots=row["lots"], limit_ticks=row["limit_ticks"], hold_micros=row["hold_micros"],
        )  # fmt: skip
        spend_message(core.state.address, slot, core.now_ns)
        gateway = legs.gateway_of(core, row)
        frame = gateway.encode_order(legs.request_of(row), core.now_ns)
        legs.note_sent(core, int(row["deal_id"]), [(row, ORDER, gateway.write(frame), core.clock(), len(frame))])
