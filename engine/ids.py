"""Client order ids: an epoch that is fsynced before the first send of a start, and a counter in it. Never random."""

import re

PREFIX = "TD"
COUNTER_BITS = 32
_OURS = re.compile(PREFIX + "([0-7][0-9A-F]{15})")  # a number below 2^63: what a journal's integers hold


def order_number(epoch: int, counter: int) -> int:
    """The number of an order: unique for ever while each start has its own epoch."""
    return (epoch << COUNTER_BITS) | counter


def client_id(order_no: int) -> str:
    """The id the venue sees: 18 characters, TD and 16 hexadecimal digits."""
    return f"{PREFIX}{order_no:016X}"


def order_no(client_id: str) -> int:
    """The number behind a client id, 0 where the id is not one of ours (a Foreign order)."""
    ours = _OURS.fullmatch(client_id)
    return int(ours[1], 16) if ours else 0
