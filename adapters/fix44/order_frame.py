"""NewOrderSingle (35=D) in compiled code, the same bytes as `Session.send` makes around `Requests.new_order`.

Source: FIX 4.4 volume 4 (D), volume 1 (message format).
"""

from engine.append import WORD
from engine.ids import PREFIX
from engine.jit import njit
from engine.memory import view
from engine.ports import DAY, IOC, OPEN
from engine.text import SECOND_NS, letters, put, put_hexadecimal, put_number, put_padded, put_second, put_steps

_ROOM = 24  # before the body: BeginString and BodyLength, which is known when the body is there
_START = letters(b"8=FIX.4.4\x019=")
_KIND = letters(b"35=D")
_SENT_AT = letters(b"\x0152=")
_CLIENT_ID = letters(b"\x0111=" + PREFIX.encode())
_SIDE = letters(b"54=")
_LIMIT = letters(b"\x0140=2\x0159=")
_EFFECT = letters(b"77=")
_SIZE = letters(b"38=")
_PRICE = letters(b"\x0144=")
_TIME = letters(b"\x0160=")
_SUM = letters(b"10=")
_SOH, _ZERO, _O, _C, _POINT = 1, ord("0"), ord("O"), ord("C"), ord(".")
_SECOND_CHARS = 17


@njit
def new_order(encoder, terms, row, frame, now_ns):
    """The frame of an order's row, under the session's next number."""
    out = frame.bytes
    number = view(encoder.number_at, 1, WORD)[0] + encoder.made
    at = put(out, _ROOM, _KIND, 4)
    at = put(out, at, encoder.head, encoder.head_n)
    at = put_number(out, at, number)
    at = put(out, at, _SENT_AT, 4)
    stamp_at = at
    at = _put_stamp(encoder, out, at, now_ns)
    at = put(out, at, _CLIENT_ID, 6)
    at = put_hexadecimal(out, at, row.order_no, 16)
    out[at] = _SOH
    at = put(out, at + 1, terms.contract, terms.contract_n)
    at = put(out, at, _SIDE, 3)
    out[at] = _ZERO + (1 if row.side > 0 else 2)
    at = put(out, at + 1, _LIMIT, 9)
    out[at] = _ZERO + (3 if row.tif == IOC else 0 if row.tif == DAY else 4)
    out[at + 1] = _SOH
    at += 2
    if not terms.net:
        at = put(out, at, _EFFECT, 3)
        out[at] = _O if row.offset == OPEN else _C
        out[at + 1] = _SOH
        at += 2
    at = put(out, at, _SIZE, 3)
    at = put_steps(out, at, row.lots, terms.size_unit, terms.size_digits)
    at = put(out, at, _PRICE, 4)
    at = put_steps(out, at, row.limit_ticks, terms.price_unit, terms.price_digits)
    at = put(out, at, _TIME, 4)
    at = put(out, at, out[stamp_at:], _SECOND_CHARS + 4)
    out[at] = _SOH
    _close(frame, out, at + 1)
    frame.number = number


@njit
def _put_stamp(encoder, out, at, now_ns):
    """YYYYMMDD-HH:MM:SS.sss, cut and not rounded; the text of a second is made once."""
    second = now_ns // SECOND_NS
    if second != encoder.second:
        put_second(encoder.stamp, 0, second)
        encoder.second = second
    at = put(out, at, encoder.stamp, _SECOND_CHARS)
    out[at] = _POINT
    return put_padded(out, at + 1, now_ns % SECOND_NS // 1_000_000, 3)


@njit
def _close(frame, out, end):
    """What comes before the body, its length known, and the checksum behind it."""
    size = end - _ROOM
    digits = 2 if size < 100 else 3
    start = _ROOM - 1 - digits - 12
    at = put(out, start, _START, 12)
    at = put_padded(out, at, size, digits)
    out[at] = _SOH
    total = 0
    for one in range(start, end):
        total += out[one]
    at = put(out, end, _SUM, 3)
    at = put_padded(out, at, total & 255, 3)
    out[at] = _SOH
    frame.start, frame.size = start, at + 1 - start
