"""Money in transit (在途资金) between accounts of a pool: a person sends it, and says so; the engine moves none.

Until a person says that it has come it counts neither where it was nor where it goes: its sender's balance is taken
down at once (its next snapshot then says what is there), its receiver's rises with the venue's word alone.
"""

from typing import NamedTuple

from engine import records
from engine.core import Core
from engine.schema import UNSET
from engine.use import refresh, reported

_LONG_NS = 86_400 * 1_000_000_000
_SAMPLE_MICROS = 10**12  # of a currency, to learn its rate to twelve digits
_MOST_MICROS = 10**16  # in transit to one account, and far less than what would overflow ...
_MOST_VALUE_MICROS = 10**18  # ... in any other currency


class Transit(NamedTuple):
    """amount_micros: in the receiver's currency. since_ns: when a person has said that it is sent."""

    sender: int
    receiver: int
    amount_micros: int
    since_ns: int


def refusal(core: Core, code: int, sender: int, receiver: int, amount_micros: int) -> str:
    """Why a person's word about money in transit cannot be taken, in words; empty where it can."""
    accounts, names = core.state.account, core.names["accounts"]
    for index in (sender, receiver):
        if not 0 <= index < len(accounts):
            return f"there is no account {index}"
    if sender == receiver:
        return f"money that stays in {names[sender]} is not in transit"
    if accounts[sender]["pool"] != accounts[receiver]["pool"]:
        return f"{names[sender]} and {names[receiver]} do not share a pool"
    if code == records.COMMAND_ARRIVED:
        return _not_under_way(core, sender, receiver, amount_micros)
    if amount_micros <= 0:
        return "expected an amount above 0"
    taken, rate = converted(core, amount_micros, receiver, sender), _rate(core, receiver)
    if taken == UNSET:
        return "a rate between their currencies is not known now: say it again when there is one"
    if (
        amount_micros + int(accounts[receiver]["transit_micros"]) > _MOST_MICROS
        or max(taken, amount_micros * rate // _SAMPLE_MICROS) > _MOST_VALUE_MICROS
    ):
        return "that is more money than can be counted"
    return _beyond_free(core, sender, taken)


def _beyond_free(core: Core, sender: int, taken_micros: int) -> str:
    """Money that is held, used or not there cannot have been sent: a slip of the hand would stop the account."""
    row, name = core.state.account[sender], core.names["accounts"][sender]
    if row["capital_micros"] == UNSET:
        return f"the balance of {name} is not known yet"
    free = int(row["capital_micros"]) - int(row["held_micros"]) - int(row["used_micros"])
    if taken_micros <= free:
        return ""
    return f"{name} has {max(free, 0) / 1e6:,.2f} free, and {taken_micros / 1e6:,.2f} would have left it"


def _not_under_way(core: Core, sender: int, receiver: int, amount_micros: int) -> str:
    between = [one.amount_micros for one in core.transits if (one.sender, one.receiver) == (sender, receiver)]
    if amount_micros in between:
        return ""
    names = core.names["accounts"]
    of = f"from {names[sender]} to {names[receiver]}"
    if not between:
        return f"nothing is in transit {of}"
    amounts = ", ".join(f"{amount / 1e6:,.2f}" for amount in between)
    return f"in transit {of} is {amounts}: say that sum, whatever came of it; the venue's balance tells what did"


def apply(core: Core, code: int, sender: int, receiver: int, amount_micros: int) -> None:
    """Take a person's word; `refusal` has let it pass."""
    row = core.state.account[receiver]
    if code == records.COMMAND_ARRIVED:
        done = next(one for one in core.transits if one[:3] == (sender, receiver, amount_micros))
        core.transits.remove(done)
        row["transit_micros"] -= amount_micros
        said, do = "has arrived", "nothing: its venue's balance counts it"
    else:
        core.transits.append(Transit(sender, receiver, amount_micros, core.now_ns))
        row["transit_micros"] += amount_micros
        _take_from(core, sender, converted(core, amount_micros, receiver, sender))
        said, do = "is in transit", "`tandem transfer` --arrived when it has come; it counts nowhere until then"
    refresh(core.state.address)
    names = core.names["accounts"]
    core.alert("info", "in_transit", f"{amount_micros / 1e6:,.2f} from {names[sender]} to {names[receiver]} {said}", do,
               amount_micros=amount_micros)  # fmt: skip


def _take_from(core: Core, sender: int, amount_micros: int) -> None:
    """What is sent may not be drawn on, whether or not the balance that we know of has fallen yet."""
    row = core.state.account[sender]
    if row["capital_micros"] != UNSET:
        row["capital_micros"] -= amount_micros


def converted(core: Core, amount_micros: int, of: int, to: int) -> int:
    """An amount of one account's currency in another account's, rounded up; UNSET where a rate is not known."""
    if core.state.account[of]["currency"] == core.state.account[to]["currency"]:
        return amount_micros
    rate, per = _rate(core, of), _rate(core, to)
    return UNSET if UNSET in (rate, per) or per <= 0 else -(-amount_micros * rate // per)


def _rate(core: Core, account: int) -> int:
    """What _SAMPLE_MICROS of an account's currency are in the reporting one; UNSET where that is not known."""
    return reported(core.state.address, int(core.state.account[account]["currency"]), _SAMPLE_MICROS)


def tell_late(core: Core) -> None:
    """Money that has been in transit for more than a day is told, once."""
    names = core.names["accounts"]
    for one in core.transits:
        if core.now_ns - one.since_ns > _LONG_NS and core.is_news(("transit late", *one), True):
            core.alert(
                "warn", "transit_late",
                f"{one.amount_micros / 1e6:,.2f} from {names[one.sender]} to {names[one.receiver]} has been in transit "
                "for more than a day", "ask both banks or venues where it is; `tandem transfer` --arrived when it has "
                "come", amount_micros=one.amount_micros,
            )  # fmt: skip
