"""What must hold in every state of a small world, by arithmetic that is not the engine's own."""

from bench.smallworld.moves import Game
from bench.smallworld.venues import OVER
from bench.smallworld.world import AU, BEAT_NS, GC, Look
from engine.orders import TERMINAL
from engine.ports import OPEN
from engine.records import ALERT, CLOSED, FILL, FILL_BUST, HALTED, ORDER
from engine.schema import CREATED, UNSET

_LEGS = (AU, GC)
_NAMES = ("au", "gc")
_CLOSING = ("closing_long_today", "closing_long_yesterday", "closing_short_today", "closing_short_yesterday")


class Before:
    """What of a state the next one is compared with."""

    def __init__(self, game: Game):
        deal = game.world.look().deal
        self.orders = len(game.venues.orders)
        self.numbers = {order.number for order in game.venues.orders}
        self.outcome = deal["outcome"]
        self.booked = [order.booked for order in game.venues.orders]
        self.repairs = deal["repairs"]


def faults_of(game: Game, before: Before) -> list[str]:
    """What is wrong with this state and with the move that led to it, in words; empty where nothing is."""
    look, found = game.world.look(), []
    deal, rows = look.deal, look.rows
    _of_orders(game, rows, found)
    _of_exposure(game, deal, rows, found)
    _of_books(look, found)
    _of_counters(game, look, found)
    _of_sends(game, deal, rows, before, found)
    _of_ends(game, deal, before, found)
    return found


def _of_orders(game: Game, rows: dict, found: list[str]) -> None:
    for at, order in enumerate(game.venues.orders):
        row = rows[order.number]
        if row["booked_lots"] != order.booked:
            found.append(f"order {at + 1}: {row['booked_lots']} lots are booked, {order.booked} were told")
        if row["cum_lots"] > order.gross or row["cum_lots"] < order.booked:
            found.append(f"order {at + 1}: cum {row['cum_lots']}, traded {order.gross}, told {order.booked}")
        if row["settled"] and order.life != OVER:
            found.append(f"order {at + 1} is settled and yet alive at its venue")
    for leg in _LEGS:
        alive = [order for order in game.venues.orders if order.leg == leg and order.life != OVER]
        if len(alive) > 1:
            found.append(f"{len(alive)} orders are alive on {_NAMES[leg]}")
        live = [row for row in rows.values() if row["leg"] == leg and row["state"] not in TERMINAL]
        if len(live) > 1:
            found.append(f"{len(live)} orders are live on {_NAMES[leg]} in the engine's eyes")


def _spans(game: Game) -> list[tuple[int, int]]:
    """Lots a leg, from the least to the most that may have been traded by what the venues know."""
    spans = []
    for leg in _LEGS:
        low = high = 0
        for order in game.venues.orders:
            if order.leg == leg:
                done, might = order.side * order.filled, order.side * order.left
                low, high = low + done + min(might, 0), high + done + max(might, 0)
        spans.append((low, high))
    return spans


def _of_exposure(game: Game, deal, rows: dict, found: list[str]) -> None:
    spans = _spans(game)
    hedge = [deal["hedge_ubase", leg] for leg in _LEGS]
    low = sum(span[0] * each for span, each in zip(spans, hedge, strict=True))
    high = sum(span[1] * each for span, each in zip(spans, hedge, strict=True))
    # What was told out of order counts until its trades are told: a held report of an order that is over.
    if deal["state"] != CLOSED and not (deal["low_ubase"] <= low and high <= deal["high_ubase"]):
        found.append(f"exposure may be {low} to {high}, the deal says {deal['low_ubase']} to {deal['high_ubase']}")
    slack = [0, 0]
    for order in game.venues.orders:
        late = game.venues.spent[2] and order.life == OVER
        slack[order.leg] += (1 if late else 0) + sum(order.trades[one] for one in order.busted)
    for leg in _LEGS:
        target = deal["target_lots", leg]
        least, most = min(target, 0) - slack[leg], max(target, 0) + slack[leg]
        if spans[leg][0] < least or spans[leg][1] > most:
            found.append(f"{_NAMES[leg]} may come to {spans[leg]}, beyond its target of {target}")
    booked = [sum(row["side"] * row["cum_lots"] for row in rows.values() if row["leg"] == leg) for leg in _LEGS]
    if booked != [deal["booked_lots", leg] for leg in _LEGS]:
        found.append(f"the orders traded {booked}, the deal says otherwise")


def _of_books(look: Look, found: list[str]) -> None:
    """Positions, working lots, holds and our own best prices follow from the orders."""
    held = [0, 0]
    for leg in _LEGS:
        mine = [row for row in look.rows.values() if row["leg"] == leg]
        at = look.position[leg]
        net = at["long_today"] + at["long_yesterday"] - at["short_today"] - at["short_yesterday"]
        if net != sum(row["side"] * row["cum_lots"] for row in mine):
            found.append(f"position of {_NAMES[leg]} is {net}, its orders say otherwise")
        may = {1: 0, -1: 0}
        own = {1: UNSET, -1: UNSET}
        for row in mine:
            held[leg] += row["hold_micros"]
            if row["in_doubt"] or row["state"] not in (*TERMINAL, CREATED):
                side, limit = row["side"], row["limit_ticks"]
                own[side] = limit if own[side] == UNSET else side * max(side * own[side], side * limit)
            if row["state"] not in TERMINAL:
                may[row["side"]] += max(row["lots"] - row["cum_lots"], 0)
        if (at["working_buy"], at["working_sell"]) != (may[1], may[-1]):
            found.append(f"working lots of {_NAMES[leg]} are {at['working_buy']}, {at['working_sell']}, not {may}")
        if (at["own_bid_ticks"], at["own_ask_ticks"]) != (own[1], own[-1]):
            found.append(f"our own prices of {_NAMES[leg]} are {at['own_bid_ticks']}, {at['own_ask_ticks']}, not {own}")
        # Where the position is a net one, every order may close.
        closing = sum(row["working_lots"] for row in mine if leg == GC or row["offset"] != OPEN)
        if sum(at[name] for name in _CLOSING) != closing:
            found.append(f"lots promised to close orders of {_NAMES[leg]} are not {closing}")
        if look.account[leg]["held_micros"] != held[leg] or held[leg] < 0:
            found.append(f"account {leg} holds {look.account[leg]['held_micros']}, its orders {held[leg]}")


def _of_counters(game: Game, look: Look, found: list[str]) -> None:
    core, head, deal, rows = game.world.core, look.head, look.deal, look.rows.values()
    unsettled = sum(not row["settled"] for row in rows)
    is_open = int(deal["state"] != CLOSED)
    doubtful = [sum(row["in_doubt"] for row in rows if row["leg"] == leg) for leg in _LEGS]
    for what, says, is_so in (
        ("live orders", head["live_orders"], unsettled), ("live orders", len(core.live_orders), unsettled),
        ("live deals", head["live_deals"], is_open), ("open deals", len(core.open_deals), is_open),
        ("the spread's deals", look.spread[0]["open_deals"], is_open),
        ("the strategy's deals", look.strategy[0]["open_deals"], is_open),
        ("unbalanced deals", head["unbalanced_deals"], int(deal["naked_since_ns"] != 0)),
        ("doubts", [venue["in_doubt"] for venue in look.venue], doubtful),
        ("halted deals", len(core.halted), int(not is_open and deal["outcome"] == HALTED)),
    ):  # fmt: skip
        if says != is_so:
            found.append(f"{what}: {says}, not {is_so}")
    if is_open and deal["in_doubt"] != sum(doubtful):
        found.append(f"the deal counts {deal['in_doubt']} doubts, not {sum(doubtful)}")


def _of_sends(game: Game, deal, rows: dict, before: Before, found: list[str]) -> None:
    orders = game.venues.orders
    new = orders[before.orders :]
    world = game.world
    policy = world.core.policies[0]
    if deal["repairs"] > policy.max_tries:
        found.append(f"{deal['repairs']} repairs, of {policy.max_tries} allowed")
    if not new:
        return
    # A deal that was handed to a person and then heard news is repaired with fresh tries.
    repaired = before.repairs != deal["repairs"] or before.outcome == HALTED
    if len(new) > 2 or not (repaired or _was_waiting(new, rows)):
        found.append(f"{len(new)} orders were sent without a repair")
    if len({order.number for order in new} - before.numbers) < len(new):
        found.append("an order number was used twice")
    told = sum(record.kind == ORDER for record in world.journal.records())
    if told != len(new):
        found.append(f"{len(new)} orders were sent, {told} journalled")
    others = {number: row for number, row in rows.items() if all(order.number != number for order in new)}
    if any(row["in_doubt"] for row in others.values()):
        without, within = _worst(deal, others), _worst(deal, rows)
        if within > without:
            found.append(f"in doubt, and yet an order was sent that makes the worst case {within} of {without}")
    for order in new:
        # One that waited for its leading leg may find the link broken: its write fails, and a repair follows.
        if not world.links[order.leg] and not _was_waiting([order], rows):
            found.append(f"an order was sent over the broken link of {_NAMES[order.leg]}")
    for order in orders:
        row = rows[order.number]
        if row["lots"] <= 0 or row["limit_ticks"] <= 0:
            found.append(f"an order of {row['lots']} lots at {row['limit_ticks']} was sent")


def _was_waiting(new: list, rows: dict) -> bool:
    """An order that waited for its leading leg is released, which is no repair."""
    return all(rows[order.number]["purpose"] < 3 for order in new)


def _worst(deal, rows: dict) -> int:
    low = high = 0
    for row in rows.values():
        each = deal["hedge_ubase", row["leg"]] * row["side"]
        done, might = row["cum_lots"] * each, 0
        if row["in_doubt"] or row["state"] not in (*TERMINAL, CREATED):
            might = (row["lots"] - row["cum_lots"]) * each
        low, high = low + done + min(might, 0), high + done + max(might, 0)
    return max(abs(low), abs(high))


def _of_ends(game: Game, deal, before: Before, found: list[str]) -> None:
    world, outcome = game.world, deal["outcome"]
    if outcome == HALTED != before.outcome:
        records = world.journal.records()
        if not any(record.kind == ALERT and record.data["code"] == "halted" for record in records):
            found.append("a deal was halted and nobody was told")
    if [order.booked for order in game.venues.orders[: before.orders]] != before.booked:
        lots = sum(
            -record.data["lots"] if record.data["flags"] & FILL_BUST else record.data["lots"]
            for record in world.journal.records() if record.kind == FILL
        )  # fmt: skip
        if lots != sum(order.booked for order in game.venues.orders) - sum(before.booked):
            found.append(f"{lots} lots of fills were journalled")
    bound = world.look().spread[0]["residual_bound_ubase"]
    exposure = sum(
        order.side * order.filled * deal["hedge_ubase", order.leg] for order in game.venues.orders
    )  # fmt: skip
    if deal["state"] != CLOSED:
        since = deal["naked_since_ns"]
        spent = deal["naked_ns"] - deal["granted_ns"] + (world.now_ns - since if since else 0)
        if spent > world.core.policies[0].naked_limit_ns + BEAT_NS:
            found.append(f"the deal is open and has been naked for {spent / 1e9} s")
    elif outcome != HALTED:
        if any(order.life != OVER for order in game.venues.orders):
            found.append("the deal ended while an order of it is alive")
        elif abs(exposure) > bound and not any(order.held for order in game.venues.orders):
            found.append(f"the deal ended with an exposure of {exposure}")
    if _is_quiet(game):
        _of_quiet(game, deal, found)


def _is_quiet(game: Game) -> bool:
    """Nothing is to come: no order alive, nothing untold, no timer due."""
    over = all(order.life == OVER and not order.held for order in game.venues.orders)
    return over and all(game.world.links) and not game.due_ns()


def _of_quiet(game: Game, deal, found: list[str]) -> None:
    look = game.world.look()
    if deal["state"] != CLOSED:
        found.append("all is quiet and the deal is open")
    if any(account["held_micros"] for account in look.account):
        found.append("all is quiet and money is held")
    if any(position["working_buy"] or position["working_sell"] for position in look.position):
        found.append("all is quiet and lots are working")
    if game.world.core.live_orders:
        found.append("all is quiet and orders are live")
    units = look.strategy[0]["position_units"]
    if units != deal["side"] * deal["done_units"]:
        found.append(f"the strategy holds {units} units, its deal did {deal['done_units']}")
