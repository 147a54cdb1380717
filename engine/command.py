"""A person's word to the engine: stop, kill, set a switch, decide what becomes of a Halted deal, or tell of money."""

from engine import kill, records, settle, switches, transit
from engine.core import Core
from engine.orders import TERMINAL
from engine.schema import ACTIVE, HALTED, REDUCE_ONLY

_LEVELS = {
    records.COMMAND_HALT: HALTED, records.COMMAND_REDUCE: REDUCE_ONLY, records.COMMAND_RESUME: ACTIVE,
}  # fmt: skip
_OF_MONEY = (records.COMMAND_TRANSIT, records.COMMAND_ARRIVED)
_ENDS = (records.COMMAND_STOP, records.COMMAND_NO_ROOM)


def refusal(
    core: Core, code: int, choice: int, scope: int, until_ns: int = 0, now_ns: int = 0, amount_micros: int = 0
) -> str:  # fmt: skip
    """Why a command cannot be carried out, in words; empty where it can. Asked before it is journalled; now_ns: when
    it is, else the time of the input at hand."""
    if until_ns and code not in (records.COMMAND_HALT, records.COMMAND_REDUCE):
        return "only a halt or a reduce can end by itself"
    if code in _OF_MONEY:
        return transit.refusal(core, code, choice, scope, amount_micros)
    if code == records.COMMAND_RESOLVE:
        return _resolve_refusal(core, choice, scope)
    if code == records.COMMAND_KILL:
        return "" if choice in (0, 1) else "a kill stops repairs too (1) or not (0)"
    if code in _ENDS:
        return ""
    if code not in _LEVELS:
        return f"there is no command {code}"
    return _switch_refusal(core, code, choice, scope) or _until_refusal(until_ns, now_ns or core.now_ns)


def _switch_refusal(core: Core, code: int, choice: int, scope: int) -> str:
    if choice != records.SCOPE_ALL and choice not in switches.TABLES:
        return f"there is no level {choice} of switches"
    if choice in switches.TABLES and not 0 <= scope < len(getattr(core.state, switches.TABLES[choice])):
        return f"there is no {records.SCOPES[choice]} {scope}"
    deal_id = switches.halted_deal(core, choice, scope)
    if deal_id and code != records.COMMAND_HALT:
        return f"its deal {deal_id} is Halted: resolve that first"
    return ""


def _until_refusal(until_ns: int, now_ns: int) -> str:
    return "the time at which it is to end has passed" if until_ns and until_ns <= now_ns else ""


def _resolve_refusal(core: Core, choice: int, deal_id: int) -> str:
    deal = core.state.deal_row(deal_id)
    if deal is None:
        return f"the engine holds no deal {deal_id}"
    if deal["outcome"] != records.HALTED or deal["resolution"]:
        return f"deal {deal_id} does not wait for a person"
    if choice not in (records.RESOLVE_RETRY, records.RESOLVE_ACCEPT, records.RESOLVE_BY_HAND):
        return f"expected one of {', '.join(records.RESOLUTIONS[1:])}"
    if choice == records.RESOLVE_RETRY and core.hands_off:
        return "a kill has stopped repairs: `tandem resume` all first, or accept, or trade it by hand"
    if choice != records.RESOLVE_RETRY and any(row["in_doubt"] or row["state"] not in TERMINAL
                                               for row in core.rows_of(deal_id)):  # fmt: skip
        return f"an order of deal {deal_id} is alive or in doubt: nobody knows yet what there is to decide on"
    return ""


def apply(
    core: Core, code: int, choice: int, scope: int, who: str = "", why: str = "", until_ns: int = 0,
    amount_micros: int = 0,
) -> None:  # fmt: skip
    """Carry out a journalled command; one that is refused changes nothing."""
    if refusal(core, code, choice, scope, until_ns, amount_micros=amount_micros):
        return
    if code in _OF_MONEY:
        transit.apply(core, code, choice, scope, amount_micros)
    elif code == records.COMMAND_RESOLVE:
        settle.resolve(core, core.state.deal_row(scope), choice)
    elif code == records.COMMAND_KILL:
        kill.begin(core, choice, who, why)
    elif code in _ENDS:
        core.state.head["switch"], core.forced = HALTED, True
    else:
        if choice == records.SCOPE_ALL and code == records.COMMAND_RESUME:
            core.hands_off = False
        if choice == records.SCOPE_ACCOUNT and code == records.COMMAND_RESUME:
            of = core.state.instrument["account"]
            core.adopt.update(index for index in core.drifted if of[index] == scope)  # the venue's next word holds
        switches.put(core, choice, scope, switches.Setting(_LEVELS[code], who, why), until_ns)
