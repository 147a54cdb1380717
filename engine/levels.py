"""The watch over accounts and pools on every beat: a move of prices, rates or money alone can cross a level.

Warn tells. Soft: the gate lets only through what reduces, by the same numbers. Hard, or margin short: opening orders
are cancelled at once, and their deals are repaired as any other. What is not known is told, and changes no level.
"""

from engine import legs, settle
from engine.core import Core
from engine.records import DENY, ENTRY, LEDGER_HEDGE, MISSING, PASS, SOFT, WARN
from engine.use import (
    account_level,
    account_use_micros,
    pool_capital_micros,
    pool_level,
    pool_use_micros,
    refresh,
    use_bps,
)

_LEVELS = (("account", account_level), ("pool", pool_level))
_NAMES = {WARN: "warn", SOFT: "soft", DENY: "hard"}
_DO = {
    WARN: "nothing yet",
    SOFT: "only what reduces is let through now; send it money, or reduce",
    DENY: "nothing that opens is let through, and what was to open is cancelled; send it money, or reduce",
}
_OPENS = (ENTRY, LEDGER_HEDGE)
_PATIENCE_NS = 3_000_000_000  # what is not known for longer is told: a rate may be missing for a moment


def watch(core: Core) -> None:
    """Mark what is held, find every level anew, cancel what may not go on, tell what has changed."""
    state = core.state
    refresh(state.address)
    crossed = []
    for table, level_of in _LEVELS:
        rows = getattr(state, table)
        for index in range(len(rows)):
            level, last = level_of(state.address, index), int(rows[index]["level"])
            if level == MISSING:
                _miss(core, table, index)
                continue
            if core.unknown_since and core.unknown_since.pop((table, index), 0):
                core.told.pop(("use unknown", table, index), None)
            if level != last:
                rows[index]["level"] = level
                crossed.append((table, index, max(last, PASS), level))
    hard = hard_accounts(core)
    cancelled = cancel_openings(core, hard) if hard else 0
    for table, index, last, level in crossed:
        if level != last:
            _tell(core, table, index, last, level, cancelled)


def hard_accounts(core: Core) -> set[int]:
    """Accounts that are at their hard level, or whose pool is."""
    state = core.state
    pools = {int(index) for index in (state.pool["level"] == DENY).nonzero()[0]}
    accounts = {int(index) for index in (state.account["level"] == DENY).nonzero()[0]}
    return accounts | {at for at, row in enumerate(state.account) if pools and row["pool"] in pools}


def cancel_openings(core: Core, accounts: set[int]) -> int:
    """Cancel what is to open in these accounts, once an order, and drop what was not sent yet; how many.

    Every beat looks again while the level holds: an order in doubt may turn out to be working.
    """
    state, touched, count = core.state, {}, 0
    for number in list(core.live_orders):
        row = state.order_row(number)
        if row["purpose"] not in _OPENS or int(state.instrument[row["instrument"]]["account"]) not in accounts:
            continue
        before = int(row["state"])
        legs.withdraw(core, row)
        if row["state"] != before:
            count += 1
            touched[int(row["deal_id"])] = None
    for deal_id in touched:
        deal = state.deal_row(deal_id)
        if deal is not None:
            settle.review(core, deal)
    return count


def _miss(core: Core, table: str, index: int) -> None:
    """Money is in use, and its share of the capital cannot be told: the gate denies what opens; a person hears once."""
    since_ns = core.unknown_since.setdefault((table, index), core.now_ns)
    if core.now_ns - since_ns < _PATIENCE_NS or not core.is_news(("use unknown", table, index), True):
        return
    core.alert(
        "warn", "use_unknown", f"how much of {table} {core.names[table + 's'][index]} is in use cannot be told",
        "see which is missing: its balance, a rate to the reporting currency, or the price or margin of what it holds",
    )  # fmt: skip


def _tell(core: Core, table: str, index: int, last: int, level: int, cancelled: int) -> None:
    row, of = getattr(core.state, table)[index], f"{table} {core.names[table + 's'][index]}"
    bps = _bps(core, table, index)
    short = table == "account" and row["capital_micros"] < row["maintenance_micros"]
    if level < last:
        core.alert("info", f"{table}_use", f"资金占用 of {of} is at {bps / 100:.1f} %, below its {_NAMES[level + 1]} "
                   "level again", "nothing", use_bps=bps)  # fmt: skip
    elif short:
        core.alert(
            "error", "margin_short", f"margin of {of} is short: its balance is less than what its positions need",
            _DO[DENY], use_bps=bps, cancelled=cancelled, balance_micros=int(row["capital_micros"]),
            maintenance_micros=int(row["maintenance_micros"]),
        )  # fmt: skip
    else:
        core.alert(
            "warn" if level == WARN else "error", f"{table}_use",
            f"资金占用 of {of} is at {bps / 100:.1f} %, over its {_NAMES[level]} level", _DO[level],
            use_bps=bps, **({"cancelled": cancelled} if level == DENY else {}),
        )  # fmt: skip


def _bps(core: Core, table: str, index: int) -> int:
    address = core.state.address
    if table == "pool":
        return use_bps(pool_use_micros(address, index), pool_capital_micros(address, index))
    return use_bps(account_use_micros(address, index), int(core.state.account[index]["capital_micros"]))
