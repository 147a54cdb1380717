"""insert_order in compiled code, the same bytes as `DiffVenue.encode_order` makes."""

from engine.ids import PREFIX
from engine.jit import njit
from engine.ports import CLOSE, DAY, FOK, OPEN
from engine.text import letters, put, put_hexadecimal, put_number, put_steps

_PREFIX = letters(PREFIX.encode())
_BUY, _SELL = (letters(f'","direction":"{side}","offset":"'.encode()) for side in ("BUY", "SELL"))
_OPEN, _CLOSE, _CLOSE_TODAY = (letters(f'{name}","volume":'.encode()) for name in ("OPEN", "CLOSE", "CLOSETODAY"))
_PRICE = letters(b',"price_type":"LIMIT","limit_price":')
_GFD = letters(b',"time_condition":"GFD","volume_condition":"ANY"}')
_ANY = letters(b',"time_condition":"IOC","volume_condition":"ANY"}')
_ALL = letters(b',"time_condition":"IOC","volume_condition":"ALL"}')


@njit
def insert_order(terms, row, frame):
    """The text of an order's row; the WebSocket frame around it is the link's."""
    out = frame.bytes
    at = put(out, 0, terms.contract, terms.contract_n)
    at = put(out, at, _PREFIX, 2)
    at = put_hexadecimal(out, at, row.order_no, 16)
    side = _BUY if row.side > 0 else _SELL
    at = put(out, at, side, len(side))
    effect = _OPEN if row.offset == OPEN else _CLOSE if row.offset == CLOSE else _CLOSE_TODAY
    at = put(out, at, effect, len(effect))
    at = put_number(out, at, row.lots)
    at = put(out, at, _PRICE, len(_PRICE))
    at = put_steps(out, at, row.limit_ticks, terms.price_unit, terms.price_digits)
    until = _GFD if row.tif == DAY else _ALL if row.tif == FOK else _ANY
    at = put(out, at, until, len(until))
    frame.start, frame.size, frame.number = 0, at, 0
