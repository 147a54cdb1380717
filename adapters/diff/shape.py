"""What this room reads of the DIFF tree, and the type of each field; every other field is free.

Source: the DIFF protocol of open-trade-gateway and tqsdk (docs.shinnytech.com), and recorded sessions of both.
"""

import math
from typing import Any

from adapters.diff.tree import Shape

MISSING_TEXTS = ("NaN", "nan", "-", "")
NO_PRICE = 1e300
MAX_WHOLE = 2**63


def _number(value: Any) -> str:
    """A JSON number, or one of the texts that stand for 'no number'."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ""
    return "" if isinstance(value, str) and value in MISSING_TEXTS else "a number"


def _whole(value: Any) -> str:
    return "" if is_whole(value) else "a whole number"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) else "a text"


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "true or false"


def is_whole(value: Any) -> bool:
    """True for 3 and 3.0, not for 3.5, true, '3' or what no 64-bit integer holds."""
    if isinstance(value, float):
        return value.is_integer() and abs(value) < MAX_WHOLE
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_WHOLE


def number(value: Any) -> float | int | None:
    """The number behind a price field; None where the venue states none: absent, null, NaN (bare or a text) or '-'.

    The largest double, the exchanges' own sign for 'no price', counts as none too.
    """
    if value is None or isinstance(value, str) or abs(value) > NO_PRICE or not math.isfinite(value):
        return None
    return value


MARKET_DATA_SHAPE: Shape = {
    "ins_list": _text,
    "mdhis_more_data": _flag,
    "quotes": {
        "*": {
            "datetime": _text,
            "bid_price1": _number,
            "bid_volume1": _number,
            "ask_price1": _number,
            "ask_volume1": _number,
            "upper_limit": _number,
            "lower_limit": _number,
        }
    },
}

_ORDER: Shape = {
    "order_id": _text,
    "exchange_id": _text,
    "instrument_id": _text,
    "direction": _text,
    "status": _text,
    "exchange_order_id": _text,
    "last_msg": _text,
    "volume_orign": _whole,
    "volume_left": _whole,
    "insert_date_time": _whole,
}
_TRADE: Shape = {
    "order_id": _text,
    "trade_id": _text,
    "exchange_trade_id": _text,
    "exchange_id": _text,
    "instrument_id": _text,
    "direction": _text,
    "volume": _whole,
    "price": _number,
    "trade_date_time": _whole,
}
_POSITION: Shape = {
    "volume_long_today": _whole,
    "volume_long_his": _whole,
    "volume_short_today": _whole,
    "volume_short_his": _whole,
}
_ACCOUNT: Shape = {"balance": _number, "available": _number, "margin": _number}

TRADING_SHAPE: Shape = {
    "notify": {"*": {"level": _text, "content": _text}},
    "trade": {
        "*": {
            "session": {},
            "trade_more_data": _flag,
            "accounts": {"*": _ACCOUNT},
            "positions": {"*": _POSITION},
            "orders": {"*": _ORDER},
            "trades": {"*": _TRADE},
        }
    },
}
