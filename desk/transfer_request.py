"""A person's request about money in transit: what it says, what it means to the engine, what is so then."""

import re
from decimal import Decimal

import msgspec

from desk.toml_reader import shown
from engine import records
from engine.core import Core

_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,6})?")


class Transfer(msgspec.Struct, forbid_unknown_fields=True):
    """amount: as a person writes it, in the receiver's currency. arrived: it has come; else it is sent."""

    command: str
    sender: str
    receiver: str
    amount: str
    arrived: bool
    why: str

    @property
    def code(self) -> int:
        return records.COMMAND_ARRIVED if self.arrived else records.COMMAND_TRANSIT


def amount_micros(text: str) -> int:
    """Money such as 250000 or 1,000.50, in millionths. ValueError for anything else."""
    plain = text.replace(",", "").replace("_", "")
    if not _AMOUNT.fullmatch(plain):
        raise ValueError(f"amount {shown(text)}: expected a number above 0 such as 250000 or 1,000.50")
    return int(Decimal(plain) * 1_000_000)


def outcome(core: Core, request: Transfer) -> str:
    """What is so now, in words."""
    receiver = core.names["accounts"].index(request.receiver)
    rest = sum(one.amount_micros for one in core.transits if one.receiver == receiver)
    way = "has arrived" if request.arrived else "is in transit"
    still = f"; in transit to {request.receiver} now: {rest / 1e6:,.2f}"
    return f"{request.amount} from {request.sender} to {request.receiver} {way}{still}"


def transits(core: Core) -> list[str]:
    """What is in transit now, oldest first, a line each."""
    names = core.names["accounts"]
    return [
        f"{one.amount_micros / 1e6:,.2f} from {names[one.sender]} to {names[one.receiver]}" for one in core.transits
    ]
