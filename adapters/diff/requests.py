"""An `insert_order` read by the server. ValueError, naming the field, for one that the venue cannot take."""

from typing import Any

from adapters.diff.shape import is_whole, number
from adapters.diff.venue_rows import SIDES, TERMS
from adapters.ports import Contracts, NewOrder
from engine.instruments import Instrument
from engine.ports import OFFSETS


def read_order(owner: str, message: dict[str, Any], contracts: Contracts) -> NewOrder:
    symbol = f"{message.get('exchange_id')}.{message.get('instrument_id')}"
    if symbol not in contracts:
        raise ValueError(f"instrument_id: {symbol!r:.60} is not traded here")
    volume = message.get("volume")
    if not is_whole(volume) or volume <= 0:
        raise ValueError(f"volume: expected a positive whole number, got {volume!r:.40}")
    return NewOrder(
        owner=owner,
        client_id=message["order_id"],
        symbol=symbol,
        side=SIDES[_one_of(message, "direction", tuple(SIDES))],
        offset=OFFSETS.index(_one_of(message, "offset", OFFSETS)),
        lots=int(volume),
        limit_ticks=_limit_ticks(message, contracts[symbol]),
        tif=_tif(message),
    )


def _one_of(message: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = message.get(name)
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {', '.join(allowed)}, got {value!r:.40}")
    return value


def _limit_ticks(message: dict[str, Any], instrument: Instrument) -> int | None:
    """None for a market order (price_type ANY)."""
    if _one_of(message, "price_type", ("LIMIT", "ANY")) == "ANY":
        return None
    limit = message.get("limit_price")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or number(limit) is None:
        raise ValueError(f"limit_price: expected a number, got {limit!r:.40}")
    return instrument.ticks(limit)


def _tif(message: dict[str, Any]) -> int:
    time_condition = _one_of(message, "time_condition", ("IOC", "GFD"))
    volume_condition = _one_of(message, "volume_condition", ("ANY", "ALL"))
    if (time_condition, volume_condition) not in TERMS:
        raise ValueError(f"volume_condition: {volume_condition} is not taken with {time_condition}")
    return TERMS[time_condition, volume_condition]
