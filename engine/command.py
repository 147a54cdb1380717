"""A person's word to the engine: stop, set a switch, decide what becomes of a Halted deal, or tell of money."""

from engine import records, settle, transit
from engine.core import Core
from engine.orders import TERMINAL
from engine.schema import ACTIVE, HALTED, REDUCE_ONLY

_SWITCHES = {
    records.COMMAND_STOP: HALTED, records.COMMAND_HALT: HALTED, records.COMMAND_REDUCE: REDUCE_ONLY,
    records.COMMAND_RESUME: ACTIVE, records.COMMAND_NO_ROOM: HALTED,
}  # fmt: skip
_OF_MONEY = (records.COMMAND_TRANSIT, records.COMMAND_ARRIVED)
_TABLES = {
    records.SCOPE_VENUE: "venue", records.SCOPE_ACCOUNT: "account", records.SCOPE_STRATEGY: "strategy",
    records.SCOPE_SPREAD: "spread",
}  # fmt: skip


def refusal(core: Core, code: int, choice: int, scope: int, amount_micros: int = 0) -> str:
    """Why a command cannot be carried out, in words; empty where it can. Asked before it is journalled."""
    if code in _OF_MONEY:
        return transit.refusal(core, code, choice, scope, amount_micros)
    if code == records.COMMAND_RESOLVE:
        return _resolve_refusal(core, choice, scope)
    if choice in _TABLES and not 0 <= scope < len(getattr(core.state, _TABLES[choice])):
        return f"there is no {records.SCOPES[choice]} {scope}"
    if code == records.COMMAND_RESUME and choice == records.SCOPE_STRATEGY:
        halted = [deal_id for deal_id in core.halted if core.state.deal_row(deal_id)["strategy"] == scope]
        if halted:
            return f"its deal {halted[0]} is Halted: resolve that first"
    return ""


def _resolve_refusal(core: Core, choice: int, deal_id: int) -> str:
    deal = core.state.deal_row(deal_id)
    if deal is None:
        return f"the engine holds no deal {deal_id}"
    if deal["outcome"] != records.HALTED or deal["resolution"]:
        return f"deal {deal_id} does not wait for a person"
    if choice not in (records.RESOLVE_RETRY, records.RESOLVE_ACCEPT, records.RESOLVE_BY_HAND):
        return f"expected one of {', '.join(records.RESOLUTIONS[1:])}"
    if choice != records.RESOLVE_RETRY and any(row["in_doubt"] or row["state"] not in TERMINAL
                                               for row in core.rows_of(deal_id)):  # fmt: skip
        return f"an order of deal {deal_id} is alive or in doubt: nobody knows yet what there is to decide on"
    return ""


def apply(core: Core, code: int, choice: int, scope: int, amount_micros: int = 0) -> None:
    """Carry out a journalled command; one that is refused changes nothing."""
    if refusal(core, code, choice, scope, amount_micros):
        return
    if code in _OF_MONEY:
        transit.apply(core, code, choice, scope, amount_micros)
    elif code == records.COMMAND_RESOLVE:
        settle.resolve(core, core.state.deal_row(scope), choice)
    elif choice == records.SCOPE_ALL:
        core.state.head["switch"] = _SWITCHES[code]
        if code not in (records.COMMAND_STOP, records.COMMAND_NO_ROOM):
            core.ordered = _SWITCHES[code]
    else:
        if choice == records.SCOPE_STRATEGY:
            core.stopped.pop(scope, None)  # from now on its switch is a person's
        if choice == records.SCOPE_ACCOUNT and code == records.COMMAND_RESUME:
            of = core.state.instrument["account"]
            core.adopt.update(index for index in core.drifted if of[index] == scope)  # the venue's next word holds
        getattr(core.state, _TABLES[choice])[scope]["switch"] = _SWITCHES[code]
