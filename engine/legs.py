"""What acts on a deal's legs: sends orders in one turn, asks, cancels, and loses patience with silence."""

from engine import meters, records, views
from engine.core import Core
from engine.ids import client_id
from engine.instruments import NET
from engine.messages import spend_message
from engine.orders import CANCEL_ASKED, ENDED, MOVES, TERMINAL
from engine.ports import FAILED, IOC, TRADING, OrderRequest
from engine.positions import keep_working
from engine.records import CANCEL, ORDER, QUERY, SENT
from engine.schema import (
    CANCEL_SENT,
    CREATED,
    FREQUENT,
    LARGE,
    MAX_SLICES,
    SENT_STATE,
    UNSET,
    WORKING,
)

_ASK_LIMIT_SHIFT = 4  # queries back off by doubling, to 16 times the first pause


def request_of(row) -> OrderRequest:
    """An order row as a gateway needs it."""
    number = int(row["order_no"])
    return OrderRequest(
        number, client_id(number), int(row["instrument"]), int(row["side"]), int(row["offset"]), int(row["lots"]),
        int(row["limit_ticks"]), int(row["tif"]),
    )  # fmt: skip


def gateway_of(core: Core, row):
    return core.gateways[core.state.instrument[row["instrument"]]["venue"]]


def send(core: Core, deal_id: int, count: int) -> None:
    """Write the orders in the scratch row, the legs of all venues back to back; they are in the journal already.

    Frames that the compiled half has made go first, before anything else is done. The others are made here, all before
    the first of them is written; a gateway's second order waits for its first to be written.
    """
    fired = core.board.fire(core.gateways, core.clock) if core.board else []
    state = core.state
    rows = [state.order[slot] for slot in state.scratch["order_slot"][:count]]
    gone = {number for _, number, *_ in fired}
    numbers = core.deal_orders.setdefault(deal_id, [])
    queues: dict[int, list] = {}
    for row in rows:
        numbers.append(int(row["order_no"]))
        core.live_orders[int(row["order_no"])] = None
        if row["state"] == CREATED:  # it waits for another leg
            if row["release_ns"]:
                core.wake(int(row["release_ns"]))
        elif int(row["order_no"]) not in gone:
            queues.setdefault(int(state.instrument[row["instrument"]]["venue"]), []).append(row)
    note_sent(core, deal_id, [_noted(core, *one) for one in fired] + _write(core, queues))


def _noted(core: Core, slot: int, number: int, session_number: int, status: int, sent_ns: int, size: int) -> tuple:
    """Tell its gateway of an order that was fired."""
    row = core.state.order[slot]
    gateway_of(core, row).noted(request_of(row), session_number, status, core.now_ns)
    return row, ORDER, status, sent_ns, size


def _write(core: Core, queues: dict[int, list]) -> list:
    """Encode and write orders by venue, in rounds: the first ones of all, then the second ones."""
    sent = []
    while queues:
        frames = []
        for venue in list(queues):
            row = queues[venue].pop(0)
            if not queues[venue]:
                del queues[venue]
            gateway = core.gateways[venue]
            frames.append((gateway, row, gateway.encode_order(request_of(row), core.now_ns)))
        for gateway, row, frame in frames:
            status = gateway.write(frame)
            sent.append((row, ORDER, status, core.clock(), len(frame)))
    return sent


def drop(core: Core, row) -> None:
    """End an order that was made and never sent."""
    row["state"], row["settled"] = MOVES[CREATED][ENDED], 1
    keep_working(core.state.address, slot_of(core, row), 0)
    meters.drop_order(core.state.address, slot_of(core, row))
    forget(core, row)


def take_word(core: Core, row) -> None:
    """A person has decided on a deal whose venue never told of all trades of an order: its word on the quantity stands,
    and nothing is made up."""
    if not row["settled"] and row["state"] in TERMINAL and not row["in_doubt"]:
        row["settled"] = 1
        forget(core, row)
        emit_state(core, row, records.NO_EVENT)


def forget(core: Core, row) -> None:
    """A settled order is no longer live, and its price no longer ours."""
    core.live_orders.pop(int(row["order_no"]), None)
    count_live(core, row, -1)
    meters.end_order(core.state.address, slot_of(core, row))
    meters.settle_order(core.state.address, slot_of(core, row))
    refresh_own(core, int(row["instrument"]))


def count_live(core: Core, row, change: int) -> None:
    """One order more or less that lives, of its account and its contract too."""
    contract = core.state.instrument[row["instrument"]]
    core.state.head["live_orders"] += change
    contract["live_orders"] += change
    core.state.account[contract["account"]]["live_orders"] += change


def slot_of(core: Core, row) -> int:
    return int(row["order_no"]) & (len(core.state.order) - 1)


def refresh_own(core: Core, at: int) -> None:
    """Our best live limits in a contract, from the orders that may still trade."""
    position = core.state.position[at]
    bid = ask = UNSET
    for number in core.live_orders:
        row = core.state.order_row(number)
        if row["instrument"] != at or not _at_venue(row):
            continue
        limit = int(row["limit_ticks"])
        if row["side"] > 0:
            bid = limit if bid == UNSET else max(bid, limit)
        else:
            ask = limit if ask == UNSET else min(ask, limit)
    position["own_bid_ticks"], position["own_ask_ticks"] = bid, ask


def make_way(core: Core, at: int, lots: int, limit_ticks: int) -> bool:
    """Cancel our own orders that an order of `lots` at this limit could meet; True where there are any (F19)."""
    met = met_by(core, at, lots, limit_ticks)
    for row in met:
        withdraw(core, row)
    return bool(met)


def met_by(core: Core, at: int, lots: int, limit_ticks: int) -> list:
    rows = (core.state.order_row(number) for number in core.live_orders)
    contract = core.state.instrument[at]["contract"]
    same = lambda other: other == at or (contract >= 0 and core.state.instrument[other]["contract"] == contract)
    others = (row for row in rows if same(row["instrument"]) and row["side"] * lots < 0 and _at_venue(row))
    return [row for row in others if (limit_ticks - int(row["limit_ticks"])) * lots >= 0]


def _at_venue(row) -> bool:
    """Whether the order may be in the venue's book: sent, and not known to be over."""
    return bool(row["in_doubt"]) or row["state"] not in (*TERMINAL, CREATED)


def end_waiting(core: Core, rows: list) -> None:
    """The deal is in balance: what still waits at a price for it is cancelled."""
    for row in rows:
        if row["tif"] != IOC:
            withdraw(core, row)


def withdraw(core: Core, row) -> None:
    """Cancel an order that is known to be working, once; one that was never sent is dropped. In a price-limit lock no
    more than two cancels are spent on a contract: then its place in the queue is kept."""
    if row["state"] == CREATED:
        drop(core, row)
    elif _can_cancel(row) and not row["in_doubt"] and not row["cancel_ns"] and has_cancel(core, row):
        at = int(row["instrument"])
        if not views.locked_side(core, at) or core.state.instrument[at]["lock_cancels"] < views.MOST_LOCK_CANCELS:
            cancel(core, row)


def has_cancel(core: Core, row) -> bool:
    """Whether the exchange's quota has room for its cancel: held when it was sent, or there is one more. An order sent
    when there was none (a repair, which is never refused) stays until it trades, its session ends or a person kills."""
    if row["cancels_held"] == 1:
        return True
    return bool(meters.has_cancel(core.state.address, int(row["instrument"]), int(row["lots"]), 1))


def may_wait(core: Core, deal) -> bool:
    """Whether an order of each leg could be cancelled: one that waits for a better price and cannot be would stay there
    for good."""
    lots = {leg: abs(int(deal["target_lots"][leg])) for leg in range(int(deal["spread_legs"]))}
    at = [(int(deal["instrument"][leg]), most) for leg, most in lots.items() if most]
    return all(meters.has_cancel(core.state.address, index, most, 1) for index, most in at)


def can_end(core: Core, deal, lots: list[int]) -> bool:
    """Whether an order of these lots on each leg may be immediate-or-cancel: what is left of it may count as a cancel,
    once for each of the orders that it is sliced into. A person is told, once a deal, where no cancel is left."""
    wanted: dict[int, int] = {}
    for leg in (leg for leg in range(len(lots)) if lots[leg]):
        at = int(deal["instrument"][leg])
        row = core.state.instrument[at]
        contract = int(row["contract"])
        wanted[contract] = wanted.get(contract, 0) + (1 if row["position_mode"] == NET else MAX_SLICES)
        if not meters.has_cancel(core.state.address, at, abs(lots[leg]), wanted[contract]):
            tell_no_cancel(core, at, int(deal["deal_id"]))
            return False
    return True


def tell_no_cancel(core: Core, at: int, deal_id: int) -> None:
    """What a repair sends in this contract can be cancelled no more, or too few of its orders can."""
    contract = int(core.state.instrument[at]["contract"])
    if not core.is_news(("no cancel left", deal_id), contract):
        return
    meter = core.state.meter[contract]
    core.alert(
        "warn", "no_cancel_left", f"{core.instrument_name(at)}: no cancel of the trading day is left for a repair of "
        f"deal {deal_id}: its order waits at its price, and may have to stay there",
        "see that it trades; where it must not stay, `tandem kill` cancels beyond the quota, which the exchange counts",
        deal_id, frequent=int(meter["used"][FREQUENT]), frequent_limit=int(meter["limit"][FREQUENT]),
        large=int(meter["used"][LARGE]), large_limit=int(meter["limit"][LARGE]),
    )  # fmt: skip


def _can_cancel(row) -> bool:
    """An order that waits can be cancelled before it is acknowledged; one that ends by itself need not be."""
    return row["state"] == WORKING or (row["state"] == SENT_STATE and row["tif"] != IOC)


def note_sent(core: Core, deal_id: int, sent: list) -> None:
    """Journal what was measured, and remember the writes that failed: they become inputs when this one is done."""
    stamps = core.state.scratch["stamps"]
    for number, (row, kind, status, sent_ns, size) in enumerate(sent):
        if number < 2:
            stamps["stamp"][8 + number] = sent_ns
        stamps["stamp"][10] = sent_ns
        if status == FAILED:
            core.failed.append(int(row["order_no"]))
        core.emit(
            SENT, order_no=row["order_no"], deal_id=deal_id, kind=kind, status=status, sent_ns=sent_ns, bytes=size
        )


def _request_number(core: Core, row) -> int:
    """A fresh number for a cancel or a query, from the same counter as the orders'; it costs a message."""
    spend_message(core.state.address, slot_of(core, row), core.now_ns)
    from_counter = core.state.head
    from_counter["order_counter"] += 1
    return (int(from_counter["epoch"]) << 32) | int(from_counter["order_counter"])


def cancel(core: Core, row) -> None:
    """Ask the venue to cancel a live order."""
    number = _request_number(core, row)
    meters.use_cancel(core.state.address, slot_of(core, row))
    row["state"] = MOVES[row["state"]][CANCEL_ASKED]
    row["asked"] += bool(row["cancel_ns"])
    row["cancel_ns"] = core.now_ns
    core.requests[number] = int(row["order_no"])
    if views.locked_side(core, int(row["instrument"])):
        core.state.instrument[row["instrument"]]["lock_cancels"] += 1
        core.locked.add(int(row["instrument"]))
    core.emit(CANCEL, order_no=row["order_no"], deal_id=row["deal_id"], request_no=number)
    gateway = gateway_of(core, row)
    status = gateway.write(gateway.encode_cancel(request_of(row), client_id(number), core.now_ns))
    core.emit(SENT, order_no=row["order_no"], deal_id=row["deal_id"], kind=CANCEL, status=status, sent_ns=core.clock())


def query(core: Core, row) -> None:
    """Ask the venue for an order's state by its id; the pause before the next asking doubles."""
    number = _request_number(core, row)
    row["asked_ns"] = core.now_ns
    row["asked"] += 1
    core.emit(QUERY, order_no=row["order_no"], deal_id=row["deal_id"], request_no=number)
    gateway = gateway_of(core, row)
    status = gateway.write(gateway.encode_query(request_of(row), client_id(number), core.now_ns))
    core.emit(SENT, order_no=row["order_no"], deal_id=row["deal_id"], kind=QUERY, status=status, sent_ns=core.clock())


def doubt(core: Core, row, why: str) -> None:
    """From now on nobody knows this order's state: its deal's exposure is an interval until the venue has spoken."""
    if row["in_doubt"]:
        return
    row["in_doubt"] = 1
    row["doubted"] = 1
    row["asked_ns"] = 0  # it is asked for at once; how often it was asked before still lengthens the pauses
    core.state.venue[core.state.instrument[row["instrument"]]["venue"]]["in_doubt"] += 1
    emit_state(core, row, records.NO_EVENT)
    name = core.instrument_name(row["instrument"])
    core.alert(
        "warn", "in_doubt", f"order {client_id(int(row['order_no']))} on {name}: {why}",
        "nothing: the venue is being asked; nothing that raises risk is sent meanwhile", int(row["deal_id"]),
        lots=int(row["lots"]), cum_lots=int(row["cum_lots"]),
    )  # fmt: skip


def emit_state(core: Core, row, event: int) -> None:
    core.emit(
        records.ORDER_STATE, order_no=row["order_no"], deal_id=row["deal_id"], event=event, state=row["state"],
        in_doubt=row["in_doubt"], settled=row["settled"], cum_lots=row["cum_lots"], booked_lots=row["booked_lots"],
        total_lots=row["lots"],
    )  # fmt: skip


def check_patience(core: Core, row) -> None:
    """What silence makes of one live order: doubt, a query, or a cancel of what should have ended at once."""
    now_ns, timing = core.now_ns, core.timing
    if row["in_doubt"] or row["state"] in TERMINAL:
        # Terminal but not settled: trades are still to come, and a query brings the total again.
        pause_ns = timing.query_every_ns << min(int(row["asked"]), _ASK_LIMIT_SHIFT)
        asked_ns = int(row["asked_ns"]) or int(row["sent_ns"])
        first = row["in_doubt"] and not row["asked_ns"]
        if (first or now_ns - asked_ns >= pause_ns) and _can_ask(core, row):
            query(core, row)
    elif row["state"] == SENT_STATE and now_ns - row["sent_ns"] > timing.ack_timeout_ns:
        doubt(core, row, f"no answer within {timing.ack_timeout_ns // 1_000_000} ms")
    elif row["state"] == CANCEL_SENT and now_ns - row["cancel_ns"] > timing.ack_timeout_ns:
        doubt(core, row, f"no answer to its cancel within {timing.ack_timeout_ns // 1_000_000} ms")
    elif row["state"] == WORKING and now_ns > row["deadline_ns"]:
        _end_working(core, row)


def _end_working(core: Core, row) -> None:
    """Cancel what should have ended by itself; a cancel that was refused is followed by queries and cancels in turn,
    with pauses that double."""
    at = int(row["instrument"])
    if views.locked_side(core, at) and core.state.instrument[at]["lock_cancels"] >= views.MOST_LOCK_CANCELS:
        return
    if not row["cancel_ns"]:
        if has_cancel(core, row):
            cancel(core, row)
        return
    pause_ns = core.timing.query_every_ns << min(int(row["asked"]), _ASK_LIMIT_SHIFT)
    if core.now_ns - max(int(row["asked_ns"]), int(row["cancel_ns"])) >= pause_ns:
        (cancel if row["asked"] % 2 and has_cancel(core, row) else query)(core, row)


def _can_ask(core: Core, row) -> bool:
    return bool(core.state.venue[core.state.instrument[row["instrument"]]["venue"]]["link"][TRADING])
