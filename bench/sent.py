"""Orders read back from their bytes, and what the rig's strategy must have sent: the work that a figure is of."""

import json
from collections import Counter
from collections.abc import Iterable

import msgspec

from adapters.fix44.codec import checksum
from bench.figures import demand
from bench.rig import AU, GC, LEGS, SYMBOLS, TICKS
from engine.ports import BUY, CLOSE, CLOSE_TODAY, FOK, IOC, OFFSETS, OPEN, SELL

_TIFS = {"3": IOC, "4": FOK}
_SIDES = {"1": BUY, "2": SELL, "BUY": BUY, "SELL": SELL}
_EFFECTS = {None: OPEN, "O": OPEN, "C": CLOSE}


class Sent(msgspec.Struct, frozen=True):
    """An order as its bytes say it; lots and ticks of its contract."""

    symbol: str
    side: int
    offset: int
    lots: int
    limit_ticks: int
    tif: int


def of_fix(frame: bytes) -> Sent:
    """A NewOrderSingle. Refused where it is none, or its length or checksum is wrong."""
    fields = dict(field.split("=", 1) for field in frame.decode().split("\x01")[:-1])
    body, trailer = frame.find(b"\x0135=") + 1, frame.rfind(b"\x0110=") + 1
    right = fields["35"] == "D" and fields["40"] == "2"
    right &= int(fields["9"]) == trailer - body and int(fields["10"]) == checksum(frame[:trailer])
    demand(right, f"a limit order's frame, found {frame!r}")
    return Sent(
        fields["55"], _SIDES[fields["54"]], _EFFECTS[fields.get("77")], int(fields["38"]),
        _ticks(fields["55"], float(fields["44"])), _TIFS[fields["59"]],
    )  # fmt: skip


def of_diff(text: bytes) -> Sent:
    """An insert_order. Refused where it is none."""
    row = json.loads(text)
    right = row["aid"] == "insert_order" and row["price_type"] == "LIMIT" and row["time_condition"] == "IOC"
    demand(right, f"an insert_order, found {text!r}")
    return Sent(
        row["instrument_id"], _SIDES[row["direction"]], OFFSETS.index(row["offset"]), row["volume"],
        _ticks(row["instrument_id"], row["limit_price"]), IOC if row["volume_condition"] == "ANY" else FOK,
    )  # fmt: skip


def of(frame: bytes) -> Sent:
    """Of either protocol."""
    return of_fix(frame) if frame.startswith(b"8=FIX") else of_diff(frame)


def _ticks(symbol: str, price: float) -> int:
    """Whole ticks of the contract. Refused off the tick."""
    ticks = round(price / TICKS[symbol])
    demand(abs(ticks * TICKS[symbol] - price) < 1e-9, f"a price of {symbol} in ticks of {TICKS[symbol]}, found {price}")
    return ticks


def check_orders(orders: Iterable[Sent], decisions: int, closing: int = CLOSE_TODAY) -> None:
    """Refused unless these are both legs of so many decisions, in and out in turns, none of them twice.

    closing: the offset with which the Chinese leg is closed: FIX knows no close-today.
    """
    orders = list(orders)
    entries, exits = (decisions + 1) // 2, decisions // 2
    wanted = Counter()
    for at, side, number in ((0, SELL, entries), (1, BUY, exits)):
        wanted[SYMBOLS[AU], side, (OPEN, closing)[at], LEGS[AU], IOC] += number
        wanted[SYMBOLS[GC], -side, OPEN, LEGS[GC], IOC] += number
    found = Counter((order.symbol, order.side, order.offset, order.lots, order.tif) for order in orders)
    demand(found == +wanted, f"orders {dict(+wanted)}, found {dict(found)}")
    limits = Counter((order.symbol, order.side, order.limit_ticks) for order in orders)
    demand(not limits or max(limits.values()) == 1, "no order twice: each decision has prices of its own")
