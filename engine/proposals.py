"""Proposes to send money from an account that has some idle to one of its pool that needs it. A person decides."""

from typing import NamedTuple

from engine.core import Core
from engine.records import SOFT
from engine.schema import UNSET
from engine.transit import converted
from engine.use import account_use_micros, reported

_WHOLE = 1_000_000  # proposed are whole units of the receiver's currency


class Proposal(NamedTuple):
    """Amounts in each account's own currency. whole: it brings the receiver under its warn level."""

    sender: int
    receiver: int
    sent_micros: int
    received_micros: int
    whole: bool


def propose(core: Core) -> None:
    """Tell of every account over its soft level that another one could help, once until something else is so."""
    for index, row in enumerate(core.state.account):
        if row["level"] < SOFT:
            core.told.pop(("proposal", index), None)
            continue
        found = proposal_for(core, index)
        if found is not None and core.is_news(
            ("proposal", index), (found.sender, found.whole, int(row["transit_micros"]))
        ):
            _tell(core, found)


def proposal_for(core: Core, receiver: int) -> Proposal | None:
    """From the account of its pool that has most to spare; None where none has, or what is needed is not known."""
    state = core.state
    need = _lacks(core, receiver)
    if need is None or need <= 0:
        return None
    best, most = -1, 0
    for at, row in enumerate(state.account):
        if at != receiver and row["pool"] == state.account[receiver]["pool"]:
            spare = -(_lacks(core, at) or 0)
            value = reported(state.address, int(row["currency"]), spare) if spare > 0 else 0
            if value > most:
                best, most = at, value
    if best < 0:
        return None
    spare = converted(core, -_lacks(core, best), best, receiver)
    received = min(-(-need // _WHOLE) * _WHOLE, spare // _WHOLE * _WHOLE)
    sent = converted(core, received, receiver, best)
    if received <= 0 or sent == UNSET:
        return None
    return Proposal(best, receiver, sent, received, received >= need)


def _lacks(core: Core, index: int) -> int | None:
    """What an account lacks to be just under its warn level; below zero: what it could spare. None: not known. What is
    on its way to it counts as there for what it lacks."""
    row = core.state.account[index]
    use, capital = account_use_micros(core.state.address, index), int(row["capital_micros"])
    if UNSET in (use, capital):
        return None
    wanted = use * 10_000 // int(row["warn_bps"]) + 1
    lacks = wanted - capital
    return lacks if lacks <= 0 else max(lacks - int(row["transit_micros"]), 0)


def _tell(core: Core, found: Proposal) -> None:
    names, state = core.names, core.state
    sender, receiver = names["accounts"][found.sender], names["accounts"][found.receiver]
    units = [names["currencies"][state.account[at]["currency"]] for at in (found.sender, found.receiver)]
    amounts = [f"{micros / 1e6:,.2f} {unit}" for micros, unit in
               zip((found.sent_micros, found.received_micros), units, strict=True)]  # fmt: skip
    brings = "brings it just under its warn level" if found.whole else "is all that the other can spare"
    core.alert(
        "warn", "transfer_proposed",
        f"{receiver} is over its soft level and {sender} has idle money: {amounts[0]} of it, {amounts[1]} there, "
        f"{brings}",
        f"if you want it, send it yourself, then say so: `tandem transfer JOURNAL {sender} {receiver} "
        f"{found.received_micros // _WHOLE} --why TEXT`; the engine moves no money",
        sender=sender, receiver=receiver, sent_micros=found.sent_micros, received_micros=found.received_micros,
    )  # fmt: skip
