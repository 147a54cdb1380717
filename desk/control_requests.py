"""One request to a running engine: the line read, the command given to the loop, the answer. No sockets here.

A request is one JSON object:
  {"command": "halt" | "reduce" | "resume", "scope": "all" | "KIND:ID", "why": TEXT, "until_ns": engine time, or 0}
  {"command": "resolve", "deal": ID, "decision": "retry" | "accept" | "by-hand", "why": TEXT}
  {"command": "transfer", "sender": ACCOUNT, "receiver": ACCOUNT, "amount": TEXT, "arrived": BOOL, "why": TEXT}
  {"command": "kill", "why": TEXT, "repairs_too": BOOL}
  {"command": "kill-report", "drill": N}
  {"command": "reload", "path": ABSOLUTE PATH, "why": TEXT, "dry": true | false}
  {"command": "status"}
An answer is one too: {"result": DONE | REFUSED | WRONG, "said": TEXT}; of status also "deals", "switches", "set"
(who, why, until) and "transits", of a kill its "drill", of kill-report what `_kill_report` gives.
WRONG: the request cannot be understood. REFUSED: it can, and the engine will not do it. Neither changes anything.
"""

from collections.abc import Iterable

import msgspec
import orjson

from desk.reload import Candidate, carry_out, lines_of, look, plan
from desk.toml_reader import nearest, shown
from desk.transfer_request import Transfer, amount_micros, outcome, transits
from engine import command, kill, records, switches
from engine.loop import Loop
from engine.schema import ACTIVE, SWITCHES

DONE, REFUSED, WRONG, FAILED = "done", "refused", "wrong", "failed"
LONGEST_WHY = records.COMMAND_DTYPE["why"].itemsize
_DEALS_TOLD = 20
_CODES = {"halt": records.COMMAND_HALT, "reduce": records.COMMAND_REDUCE, "resume": records.COMMAND_RESUME}
_PLURALS = {records.SCOPES[choice]: plural for choice, plural in switches.NAMES.items()}


class Switch(msgspec.Struct, forbid_unknown_fields=True):
    command: str
    scope: str
    why: str
    until_ns: int = 0


class Kill(msgspec.Struct, forbid_unknown_fields=True):
    command: str
    why: str
    repairs_too: bool = False


class KillReport(msgspec.Struct, forbid_unknown_fields=True):
    command: str
    drill: int


class Resolve(msgspec.Struct, forbid_unknown_fields=True):
    command: str
    deal: int
    decision: str
    why: str


class Reload(msgspec.Struct, forbid_unknown_fields=True):
    command: str
    path: str
    why: str = ""
    dry: bool = False


class Status(msgspec.Struct, forbid_unknown_fields=True):
    command: str


Request = Switch | Resolve | Transfer | Reload | Kill | KillReport | Status
_KINDS = {
    **dict.fromkeys(_CODES, Switch), "resolve": Resolve, "reload": Reload, "kill": Kill, "kill-report": KillReport,
    "status": Status, "transfer": Transfer,
}  # fmt: skip


class Misread(Exception):
    """A request that cannot be understood, and why."""


def file_asked(line: bytes) -> str:
    """The file that must be read and checked before a line is answered; "" for none."""
    try:
        request = _read(line)
    except Misread:
        return ""
    return request.path if isinstance(request, Reload) else ""


def answer(loop: Loop, line: bytes, who: str, now_ns: int, candidate: Candidate | None = None) -> dict:
    """Do what one line asks. who: the peer's name, as it stands in the journal. Raises only what the engine raises.

    candidate: the file that the line asks for, where it was looked at before.
    """
    try:
        request = _read(line)
        if isinstance(request, Status):
            return _status(loop)
        if isinstance(request, Reload):
            return _reload(loop, request, candidate or look(request.path), who, now_ns)
        if isinstance(request, KillReport):
            return _kill_report(loop, request.drill)
        code, choice, scope, until_ns, amount = _meant(loop, request)
    except Misread as error:
        return {"result": WRONG, "said": str(error)}
    if loop.stopping and not isinstance(request, Kill):
        return {"result": REFUSED, "said": "the engine is stopping"}
    because = command.refusal(loop.core, code, choice, scope, until_ns, now_ns, amount)
    if because:
        return {"result": REFUSED, "said": because}
    seq = loop.core.journal.next_seq
    loop.on_command(code, choice, scope, who, request.why, now_ns, until_ns, amount)
    said = {"result": DONE, "said": f"{_outcome(loop, request)} (record {seq}, by {who})"}
    return said | {"drill": len(loop.core.drills)} if isinstance(request, Kill) else said


def _reload(loop: Loop, request: Reload, candidate: Candidate, who: str, now_ns: int) -> dict:
    chosen = plan(loop, candidate)
    lines = "\n".join(lines_of(chosen))
    if chosen.problems:
        return {"result": REFUSED, "said": f"nothing is changed by {request.path}:\n{lines}"}
    if request.dry:
        return {
            "result": DONE,
            "said": f"{request.path} would change, and nothing is changed now:\n{lines}",
        }
    if loop.stopping:
        return {"result": REFUSED, "said": "the engine is stopping"}
    seq = loop.core.journal.next_seq
    version = carry_out(loop, chosen, who, request.why, now_ns)
    return {"result": DONE, "said": f"limits of version {version} are in force (record {seq}, by {who}):\n{lines}"}


def _read(line: bytes) -> Request:
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Misread(f"expected one line of JSON: {error}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("command"), str):
        raise Misread(f'expected {{"command": one of {", ".join(_KINDS)}, ...}}')
    if raw["command"] not in _KINDS:
        raise Misread(_unknown("command", raw["command"], _KINDS))
    try:
        request = msgspec.convert(raw, _KINDS[raw["command"]])
    except msgspec.ValidationError as error:
        raise Misread(f"{raw['command']}: {error}") from None
    if isinstance(request, Reload) and not request.path.startswith("/"):
        raise Misread(f"path: expected an absolute path, got {shown(request.path)}")
    if not isinstance(request, Status | KillReport) and not (isinstance(request, Reload) and request.dry):
        _check_why(request.why)
    return request


def _check_why(why: str) -> None:
    if not why.strip():
        raise Misread("why: expected the reason in words; it stands in the journal beside your name")
    if not why.isprintable():
        raise Misread("why: expected printable text on one line")
    size = len(why.encode())
    if size > LONGEST_WHY:
        raise Misread(f"why: expected at most {LONGEST_WHY} bytes of text, got {size}")


def _meant(loop: Loop, request: Switch | Resolve | Transfer | Kill) -> tuple[int, int, int, int, int]:
    """The (code, choice, scope, until_ns, amount_micros) that `Loop.on_command` takes."""
    if isinstance(request, Kill):
        return records.COMMAND_KILL, int(request.repairs_too), -1, 0, 0
    if isinstance(request, Transfer):
        return _transfer(loop, request)
    if isinstance(request, Switch):
        if not 0 <= request.until_ns < 2**62:
            raise Misread(f"until_ns: expected nanoseconds of engine time, or 0, got {request.until_ns}")
        return _CODES[request.command], *scope_of(loop.core.names, request.scope), request.until_ns, 0
    decisions = records.RESOLUTIONS[1:]
    if request.decision not in decisions:
        raise Misread(_unknown("decision", request.decision, decisions))
    if not 0 < request.deal < 2**63:
        raise Misread(f"deal: expected the number of a deal, got {request.deal}")
    return records.COMMAND_RESOLVE, records.RESOLUTIONS.index(request.decision), request.deal, 0, 0


def _transfer(loop: Loop, request: Transfer) -> tuple[int, int, int, int, int]:
    known = loop.core.names["accounts"]
    for name in (request.sender, request.receiver):
        if name not in known:
            raise Misread(_unknown("account", name, known))
    try:
        amount = amount_micros(request.amount)
    except ValueError as error:
        raise Misread(str(error)) from None
    return request.code, known.index(request.sender), known.index(request.receiver), 0, amount


def scope_of(names: dict[str, list[str]], text: str) -> tuple[int, int]:
    """What a switch covers: (SCOPE_*, row). `all`, or a kind and a name, such as strategy:gold or market:domestic."""
    if text == "all":
        return records.SCOPE_ALL, -1
    kind, colon, name = text.partition(":")
    if kind not in _PLURALS or not colon:
        hint = _meant_scope(names, kind, name if colon else "", text)
        raise Misread(
            f"scope {shown(text)}: expected all, market:ID, venue:ID, account:ID, strategy:ID or spread:ID"
            + (f" (nearest: {hint})" if hint else "")
        )
    known = names[_PLURALS[kind]]
    if name not in known:
        raise Misread(_unknown(kind, name, known))
    return records.SCOPES.index(kind), known.index(name)


def _meant_scope(names: dict[str, list[str]], kind: str, name: str, text: str) -> str:
    """The scope that was probably meant: a name without its kind, or a kind with a slip in it."""
    owners = [one for one, plural in _PLURALS.items() if text in names[plural]]
    if owners:
        return f"{owners[0]}:{text}"
    near = nearest(kind, records.SCOPES)
    return f"{near}:{name or 'ID'}" if near in _PLURALS else near


def _unknown(what: str, got: str, known: Iterable[str]) -> str:
    known = list(known)
    near = nearest(got, known)
    return f"{what} {shown(got)}: expected one of {', '.join(known)}" + (f" (nearest: {near})" if near else "")


def _outcome(loop: Loop, request: Switch | Resolve | Transfer | Kill) -> str:
    """What is so now, in words."""
    if isinstance(request, Transfer):
        return outcome(loop.core, request)
    if isinstance(request, Kill):
        asked = sum(part.asked for part in loop.core.drills[-1].parts)
        repairs = "no repair is sent either" if request.repairs_too else "repairs of open deals go on"
        return f"killed: all is halted, {asked} orders are asked to end; {repairs}"
    if isinstance(request, Resolve):
        row = loop.core.state.deal_row(request.deal)
        exposure = int(row["exposure_ubase"]) / 1e6
        return f"deal {request.deal}: {request.decision}; it is {_state(row)} now, exposure {exposure:+,.3f} base units"
    level = {"halt": "halted", "reduce": "reduce only", "resume": "active"}[request.command]
    idle = [
        f"{name} {switch}"
        for name, switch in _switches(loop).items()
        if switch != SWITCHES[ACTIVE] and name != request.scope
    ]
    still = f"; not active still: {', '.join(idle)}" if idle and request.command != "halt" else ""
    return f"{request.scope} is {level}{still}"


def _state(row) -> str:
    return records.OUTCOMES[row["outcome"]].replace("_", " ")


def _switches(loop: Loop) -> dict[str, str]:
    """Every switch by its scope's name, the engine's own first."""
    core = loop.core
    return {
        switches.name_of(core, *one): SWITCHES[switches.setting_of(core, *one).level] for one in switches.scopes(core)
    }


def _set(loop: Loop) -> dict[str, dict]:
    """Who has set each switch that is not active, why, and until when (0: until somebody resumes it)."""
    core, found = loop.core, {}
    for one in switches.scopes(core):
        setting = switches.setting_of(core, *one)
        if setting.level != ACTIVE:
            found[switches.name_of(core, *one)] = {
                "switch": SWITCHES[setting.level], "who": setting.who, "why": setting.why,
                "until_ns": core.until.get(one, 0),
            }  # fmt: skip
    return found


def _status(loop: Loop) -> dict:
    """Open and halted deals, oldest first, and the switches."""
    core = loop.core
    ids = sorted({*core.open_deals, *core.halted})
    deals = [_deal(loop, deal_id) for deal_id in ids[:_DEALS_TOLD]]
    said = f"{len(core.open_deals)} deals open, {len(core.halted)} halted"
    said += f" (the oldest {_DEALS_TOLD} are listed)" if len(ids) > _DEALS_TOLD else ""
    version = int(core.state.head["limits_version"])
    said += f"; limits of version {version}" if version else ""
    return {
        "result": DONE, "said": said, "deals": deals, "switches": _switches(loop), "set": _set(loop),
        "transits": transits(core), "stopping": loop.stopping, "repairs_stopped": core.hands_off,
    }  # fmt: skip


def _kill_report(loop: Loop, number: int) -> dict:
    """How a kill stands: done once every venue's record is written; each venue's figures, what is left of its orders,
    and the orders there that are not ours."""
    core = loop.core
    if not 0 < number <= len(core.drills):
        return {"result": WRONG, "said": f"drill: there is no kill {number}"}
    drill, venues, left = core.drills[number - 1], [], []
    for part in drill.parts:
        name, still = core.names["venues"][part.venue], kill.left_of(core, part)
        venues.append({
            "venue": name, "asked": part.asked, "cancelled": part.cancelled, "filled": part.filled,
            "left": len(still), "over": part.over, "last_ns": 0 if still else part.last_ns,
        })  # fmt: skip
        left += [{"venue": name, **one} for one in still]
    foreign = [{"venue": core.names["venues"][venue], "order": name, "what": what}
               for (venue, name), what in core.foreign.items()]  # fmt: skip
    return {
        "result": DONE, "said": "the drill is over" if drill.done else "the drill goes on", "done": drill.done,
        "venues": venues, "left": left, "foreign": foreign,
    }  # fmt: skip


def _deal(loop: Loop, deal_id: int) -> dict:
    core = loop.core
    row = core.state.deal_row(deal_id)
    legs = {core.instrument_name(row["instrument"][leg]): int(row["booked_lots"][leg]) for leg in range(row["legs"])}
    return {
        "deal": deal_id, "state": _state(row), "reason": records.HALT_REASONS[row["reason"]],
        "spread": core.names["spreads"][row["spread"]], "strategy": core.names["strategies"][row["strategy"]],
        "lots": legs, "exposure_base_units": int(row["exposure_ubase"]) / 1e6, "in_doubt": int(row["in_doubt"]),
    }  # fmt: skip
