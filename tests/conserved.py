"""What must be so of every state between two inputs: sums equal their parts, and no quota is crossed. Recomputed from
the rows alone, in plain Python."""

from engine import records
from engine.instruments import NET
from engine.ports import OPEN
from engine.schema import (
    CANCELS,
    CREATED,
    FREQUENT,
    LARGE,
    MESSAGES,
    NO_LIMIT,
    OPENED_LOTS,
    ORDERS,
    QUOTAS,
    TRADES,
)

SUMS = ("used_micros", "maintenance_micros", "gross_micros", "net_micros", "unmarked")


def conserved(state) -> None:
    """Assert it of a state."""
    held, reserved = _held(state), _reserved(state)
    for at, row in enumerate(state.meter):
        for kind, name in enumerate(QUOTAS):
            assert int(row["held"][kind]) == held[at][kind], f"meter {at}, {name} held"
            assert int(row["reserved"][kind]) == reserved[at][kind], f"meter {at}, {name} reserved"
        for kind in (FREQUENT, LARGE):
            limit = int(row["limit"][kind])
            if 0 <= limit < NO_LIMIT:
                assert int(row["used"][kind] + row["held"][kind]) <= limit, f"meter {at}, {QUOTAS[kind]}"
    for at, account in enumerate(state.account):
        mine = [index for index, row in enumerate(state.instrument) if row["account"] == at]
        for name in SUMS:
            assert int(account[name]) == sum(int(state.position[index][name]) for index in mine), name
        orders = [row for row in _orders(state) if row["instrument"] in mine]
        assert int(account["held_micros"]) == sum(int(row["hold_micros"]) for row in orders)
        assert int(account["live_orders"]) == sum(not row["settled"] for row in orders)
    live = [row for row in _orders(state) if not row["settled"]]
    assert int(state.head["live_orders"]) == len(live)
    for index, row in enumerate(state.instrument):
        assert int(row["live_orders"]) == sum(order["instrument"] == index for order in live)


def _orders(state) -> list:
    return list(state.order[state.order["order_no"] != 0])


def _meters(state, instrument: int) -> list[int]:
    row = state.instrument[instrument]
    account = int(state.account[row["account"]]["meter"]) if row["account"] >= 0 else -1
    return [at for at in (account, int(row["contract"]), int(row["product"])) if at >= 0]


def _held(state) -> list[list[int]]:
    found = [[0] * len(QUOTAS) for _ in state.meter]
    for row in _orders(state):
        unsent, cancel = int(row["state"] == CREATED and not row["settled"]), int(row["cancels_held"] == 1)
        for at in _meters(state, int(row["instrument"])):
            for kind, more in (
                (ORDERS, unsent), (CANCELS, cancel), (FREQUENT, cancel), (LARGE, cancel * int(row["large"])),
                (MESSAGES, unsent + cancel), (TRADES, int(row["trades_held"])), (OPENED_LOTS, int(row["open_held"])),
            ):  # fmt: skip
                found[at][kind] += more
    return found


def _reserved(state) -> list[list[int]]:
    found = [[0] * len(QUOTAS) for _ in state.meter]
    for deal in state.deal[(state.deal["deal_id"] != 0) & (state.deal["reserved"] != 0)]:
        tries = int(state.strategy[deal["strategy"]]["repair_tries"])
        for leg in range(int(deal["spread_legs"])):
            lots = abs(int(deal["target_lots"][leg]))
            for at in _meters(state, int(deal["instrument"][leg])) if lots else ():
                large = (int(deal["large_legs"]) >> leg) & 1
                for kind, more in (
                    (ORDERS, tries), (CANCELS, tries), (FREQUENT, tries), (LARGE, tries * large),
                    (MESSAGES, 2 * tries), (TRADES, lots), (OPENED_LOTS, lots),
                ):  # fmt: skip
                    found[at][kind] += more
    return found


def day_used(journal_records: list, state) -> dict[int, dict[int, int]]:
    """Instrument -> what its contract's meter must have used of orders, cancels, trades and, where the venue tells the
    two apart, opened lots, by the journal alone."""
    found: dict[int, dict[int, int]] = {}
    at_order: dict[int, int] = {}
    for record in journal_records:
        if record.kind == records.ORDER:
            at_order[int(record.data["order_no"])] = int(record.data["instrument"])
            _count(found, int(record.data["instrument"]), ORDERS)
        elif record.kind == records.CANCEL:
            _count(found, at_order[int(record.data["order_no"])], CANCELS)
        elif record.kind == records.FILL and not record.data["flags"] & records.FILL_BUST and record.data["lots"]:
            at = int(record.data["instrument"])
            _count(found, at, TRADES)
            if state.instrument[at]["position_mode"] != NET and record.data["offset"] == OPEN:
                _count(found, at, OPENED_LOTS, int(record.data["lots"]))
    return found


def _count(found: dict, instrument: int, kind: int, more: int = 1) -> None:
    row = found.setdefault(instrument, {ORDERS: 0, CANCELS: 0, TRADES: 0})
    row[kind] = row.get(kind, 0) + more
