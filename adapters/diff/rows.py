"""Rows of the trade tree, read into our integers. ValueError, naming the path and the field, for one that cannot be."""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.diff.shape import number
from engine.instruments import Instrument, reported_lots, reported_ns
from engine.ports import BUY, SELL

SIDES = {"BUY": BUY, "SELL": SELL}
STATUSES = {"ALIVE": True, "FINISHED": False}


class OrderRow(msgspec.Struct, frozen=True, gc=False):
    """One row of `orders`. venue_id: exchange_order_id, "" until it is accepted. cum_lots = volume_orign - volume_left.
    """

    client_id: str
    instrument: int
    side: int
    alive: bool
    venue_id: str
    total_lots: int
    leaves_lots: int
    message: str
    insert_ns: int

    @property
    def accepted(self) -> bool:
        return bool(self.venue_id)

    @property
    def cum_lots(self) -> int:
        return self.total_lots - self.leaves_lots


class TradeRow(msgspec.Struct, frozen=True, gc=False):
    """One row of `trades`. trade_id: the exchange's where stated; both sides of a self-trade share it."""

    client_id: str
    venue_id: str
    instrument: int
    side: int
    lots: int
    ticks: int
    trade_id: str
    trade_ns: int


def read_order(
    client_id: str, row: dict[str, Any], contracts: dict[str, Instrument], path: str, note: Callable[[str], None]
) -> OrderRow:  # fmt: skip
    """note: is told of a field that is left out, because the row is worth more without it than nothing."""
    status = row.get("status")
    total, leaves = _lots(row, "volume_orign", path), _lots(row, "volume_left", path)
    if status not in STATUSES:
        raise ValueError(f"{path}.status: expected ALIVE or FINISHED, got {status!r:.40}")
    if not 0 <= leaves <= total:
        raise ValueError(f"{path}.volume_left: expected 0 to volume_orign {total}, got {leaves}")
    return OrderRow(
        client_id=client_id,
        instrument=_instrument(row, contracts, path).index,
        side=_side(row, path),
        alive=STATUSES[status],
        venue_id=row.get("exchange_order_id") or "",
        total_lots=total,
        leaves_lots=leaves,
        message=row.get("last_msg", ""),
        insert_ns=_time(row, "insert_date_time", path, note),
    )


def read_trade(
    row: dict[str, Any], contracts: dict[str, Instrument], path: str, note: Callable[[str], None]
) -> TradeRow:  # fmt: skip
    """note: as of `read_order`."""
    instrument = _instrument(row, contracts, path)
    lots = _lots(row, "volume", path)
    price = number(_field(row, "price", path))
    if lots <= 0 or price is None:
        raise ValueError(f"{path}: expected a positive volume and a price, got {lots} and {row['price']!r}")
    return TradeRow(
        client_id=_field(row, "order_id", path),
        venue_id=row.get("exchange_order_id") or "",
        instrument=instrument.index,
        side=_side(row, path),
        lots=lots,
        ticks=_ticks(instrument, price, path),
        trade_id=row.get("exchange_trade_id") or _field(row, "trade_id", path),
        trade_ns=_time(row, "trade_date_time", path, note),
    )


def _field(row: dict[str, Any], name: str, path: str) -> Any:
    if name not in row:
        raise ValueError(f"{path}.{name}: missing")
    return row[name]


def _lots(row: dict[str, Any], name: str, path: str) -> int:
    return reported_lots(int(_field(row, name, path)), f"{path}.{name}")


def _time(row: dict[str, Any], name: str, path: str, note: Callable[[str], None]) -> int:
    """The stamp; 0, with a note, where it is none: a strange time must not hide a fill."""
    try:
        return reported_ns(int(row.get(name, 0)), f"{path}.{name}")
    except ValueError as error:
        note(str(error))
        return 0


def _instrument(row: dict[str, Any], contracts: dict[str, Instrument], path: str) -> Instrument:
    symbol = f"{_field(row, 'exchange_id', path)}.{_field(row, 'instrument_id', path)}"
    if symbol not in contracts:
        raise ValueError(f"{path}: {symbol} is not among this venue's instruments")
    return contracts[symbol]


def _side(row: dict[str, Any], path: str) -> int:
    direction = _field(row, "direction", path)
    if direction not in SIDES:
        raise ValueError(f"{path}.direction: expected BUY or SELL, got {direction!r:.40}")
    return SIDES[direction]


def _ticks(instrument: Instrument, price: float, path: str) -> int:
    try:
        return instrument.ticks(price)
    except ValueError as error:
        raise ValueError(f"{path}.price: {error}") from error
