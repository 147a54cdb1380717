"""Plain market data messages in compiled code: framed, checked, read and put into the tops of a lane.

Nothing is changed before a message is understood whole, so whatever is not plain can still be handed to the session as
it came. Each function answers whether it could go on. The slow twin is `session.py` with `feed.py`.
Source: FIX 4.4 volume 1 (message format), volume 3 (35=W, 35=X).
"""

import numpy as np

from adapters.fix44.lane import DONE, FOREIGN, MAX_ENTRIES, TOP, UNDERSTOOD
from adapters.fix44.quick_fields import decimal, equal, time_ns, whole
from engine.append import WORD
from engine.jit import njit
from engine.memory import view
from engine.text import letters

BYTE = np.dtype("u1")
_START = letters(b"8=FIX.4.4\x019=")
_SUM = letters(b"10=")
_SOH, _EQUALS, _ZERO, _NINE, _W, _X, _B = 1, ord("="), ord("0"), ord("9"), ord("W"), ord("X"), ord("B")
_HEAD_BYTES, _SUM_BYTES, _MAX_BODY = 12, 7, 1 << 15
_NONE = -1


@njit
def next_message(lane, now_ns):
    """Take one message of the lane's buffer into its tops; DONE where no whole one is left, FOREIGN, or UNDERSTOOD."""
    data = view(lane.data, lane.filled, BYTE)
    body, end = _frame(data, lane.at, lane.filled)
    if end == 0:
        return DONE
    if end < 0 or not _read(lane, data, body, end - _SUM_BYTES) or not _acceptable(lane, now_ns):
        return FOREIGN
    if not _resolve(lane, data):
        return FOREIGN
    _apply(lane)
    lane.at = end
    lane.messages += 1
    view(lane.number_at, 1, WORD)[0] = lane.seq + 1
    return UNDERSTOOD


@njit
def _frame(data, at, filled):
    """(start of the body, end of the frame); an end of 0 while bytes are missing, below 0 for no plain frame."""
    if filled - at < _HEAD_BYTES + 2:
        return 0, 0 if equal(data, at, _START, 0, min(filled - at, _HEAD_BYTES)) else _NONE
    if not equal(data, at, _START, 0, _HEAD_BYTES):
        return 0, _NONE
    size, body = 0, at + _HEAD_BYTES
    while body < filled and _ZERO <= data[body] <= _NINE and size < _MAX_BODY:
        size = size * 10 + int(data[body]) - _ZERO
        body += 1
    if body == filled:
        return 0, 0 if size < _MAX_BODY else _NONE
    if data[body] != _SOH or size == 0 or size >= _MAX_BODY:
        return 0, _NONE
    body += 1
    trailer = body + size
    if trailer + _SUM_BYTES > filled:
        return 0, _NONE if _starts_again(data, body, filled) else 0
    total = 0
    for one in range(at, trailer):
        total += int(data[one])
    ok, stated = whole(data, trailer + 3, trailer + 6)
    if not ok or data[trailer - 1] != _SOH or not equal(data, trailer, _SUM, 0, 3) or data[trailer + 6] != _SOH:
        return 0, _NONE
    return (body, trailer + _SUM_BYTES) if stated == total & 255 else (0, _NONE)


@njit
def _starts_again(data, at, filled):
    """Whether another message begins in what is there of this one: then its length is wrong, and waiting is in vain."""
    for one in range(at, filled - _HEAD_BYTES + 1):
        if data[one] == _START[0] and equal(data, one, _START, 0, _HEAD_BYTES):
            return True
    return False


@njit
def _read(lane, data, at, end):
    """The fields of a body, into the lane's row of the message at hand; False for all that is not plain."""
    lane.seq = lane.sent_ns = lane.venue_ns = lane.rpt_seq = lane.count = lane.symbol_at = _NONE
    lane.closed = lane.entries = lane.kind = 0
    senders = targets = 0
    first = True
    while at < end:
        tag, value = 0, at
        while value < end and _ZERO <= data[value] <= _NINE and value - at < 6:
            tag = tag * 10 + int(data[value]) - _ZERO
            value += 1
        if value == at or value >= end or data[value] != _EQUALS:
            return False
        value += 1
        stop = value
        while data[stop] != _SOH:  # the body ends with one
            stop += 1
        if stop == value or first != (tag == 35):
            return False
        first = False
        if tag == 35:
            lane.kind = int(data[value]) if stop == value + 1 else 0
            if lane.kind != _W and lane.kind != _X:
                return False
        elif tag == 49:
            senders += 1
            if stop - value != lane.sender_n or not equal(data, value, lane.sender, 0, lane.sender_n):
                return False
        elif tag == 56:
            targets += 1
            if stop - value != lane.target_n or not equal(data, value, lane.target, 0, lane.target_n):
                return False
        elif not _field(lane, data, tag, value, stop):
            return False
        at = stop + 1
    return senders == 1 and targets == 1 and lane.seq >= 0 and lane.sent_ns >= 0 and lane.count == lane.entries


@njit
def _field(lane, data, tag, value, stop):
    """One field of the header or of an entry. What names a thing twice is not plain."""
    ok = True
    if tag == 34:
        ok, number = whole(data, value, stop)
        ok = ok and lane.seq == _NONE
        lane.seq = number
    elif tag == 52:
        ok = lane.sent_ns == _NONE
        lane.sent_ns = time_ns(lane, data, value, stop)
        ok = ok and lane.sent_ns >= 0
    elif tag == 60:
        ok = lane.venue_ns == _NONE
        lane.venue_ns = time_ns(lane, data, value, stop)
        ok = ok and lane.venue_ns >= 0
    elif tag == 268:
        ok, number = whole(data, value, stop)
        ok = ok and lane.count == _NONE
        lane.count = number
    elif tag == 276:
        lane.closed |= data[value] == _B and stop == value + 1
    elif tag == (269 if lane.kind == _W else 279):
        ok = _open_entry(lane, data, tag, value, stop)
    elif tag == 55 or tag == 83:
        ok = _named(lane, data, tag, value, stop)
    elif tag in (269, 270, 271, 290):
        ok = _entry_field(lane, data, tag, value, stop)
    else:
        ok = tag not in (8, 9, 10, 43, 279, 0)
    return ok


@njit
def _open_entry(lane, data, tag, value, stop):
    """A new entry of the group; its first field is its side in a snapshot, its action in an increment."""
    if lane.count == _NONE or lane.entries == MAX_ENTRIES or stop != value + 1:
        return False
    entry = lane.entry[lane.entries]
    lane.entries += 1
    entry.side = entry.price_at = entry.size_at = entry.level = entry.rpt_seq = entry.top = _NONE
    entry.remove = 0
    if tag == 269:
        entry.side = int(data[value]) - _ZERO
    else:
        entry.remove = data[value] == _ZERO + 2
    return True


@njit
def _named(lane, data, tag, value, stop):
    """A symbol or its update's number: of the message before its entries, of an entry of an increment in it."""
    if (lane.entries and lane.kind == _W) or (lane.entries == 0 and lane.count != _NONE):
        return False
    if tag == 83:
        ok, number = whole(data, value, stop)
        if lane.entries == 0:
            ok = ok and lane.rpt_seq == _NONE
            lane.rpt_seq = number
        else:
            entry = lane.entry[lane.entries - 1]
            ok = ok and entry.rpt_seq == _NONE
            entry.rpt_seq = number
        return ok
    top = find_top(lane, data, value, stop - value)
    if top < 0:
        return False
    if lane.entries == 0:
        if lane.symbol_at != _NONE:
            return False
        lane.symbol_at = top
        return True
    entry = lane.entry[lane.entries - 1]
    if entry.top != _NONE:
        return False
    entry.top = top
    return True


@njit
def _entry_field(lane, data, tag, value, stop):
    if lane.entries == 0:
        return False
    entry = lane.entry[lane.entries - 1]
    if tag == 269:
        ok = entry.side == _NONE and stop == value + 1
        entry.side = int(data[value]) - _ZERO
    elif tag == 270:
        ok = entry.price_at == _NONE
        entry.price_at, entry.price_n = value, stop
    elif tag == 271:
        ok = entry.size_at == _NONE
        entry.size_at, entry.size_n = value, stop
    else:
        ok, number = whole(data, value, stop)
        ok = ok and entry.level == _NONE and stop == value + 1
        entry.level = number
    return ok


@njit
def find_top(lane, data, at, size):
    """The row of a symbol, -1 where it is none of ours."""
    tops = view(lane.tops, lane.n_tops, TOP)
    slots = view(lane.slots, lane.mask + 1, WORD)
    found = 2166136261
    for one in range(at, at + size):
        found = ((found ^ int(data[one])) * 16777619) & 0xFFFFFFFF
    slot = found & lane.mask
    while slots[slot] != 0:
        top = tops[slots[slot] - 1]
        if top.symbol_n == size and equal(data, at, top.symbol, 0, size):
            return slots[slot] - 1
        slot = (slot + 1) & lane.mask
    return -1


@njit
def _acceptable(lane, now_ns):
    """In turn, and of now."""
    if lane.seq != view(lane.number_at, 1, WORD)[0]:
        return False
    if lane.max_skew_ns != 0 and abs(now_ns - lane.sent_ns) > lane.max_skew_ns:
        return False
    if lane.venue_ns == _NONE:
        lane.venue_ns = lane.sent_ns
    return True


@njit
def _resolve(lane, data):
    """Every entry's symbol, numbers and steps; False where one cannot be told, or an update is missing before it."""
    tops = view(lane.tops, lane.n_tops, TOP)
    at = lane.symbol_at
    if lane.kind == _W and (at == _NONE or not _in_turn(lane.rpt_seq, tops[at].seq)):
        return False
    before, last = _NONE, 0
    for number in range(lane.entries):
        entry = lane.entry[number]
        if lane.kind == _X:
            at = entry.top if entry.top != _NONE else at
            if at == _NONE or tops[at].broken or entry.side == _NONE:
                return False
            if entry.rpt_seq == _NONE:
                entry.rpt_seq = lane.rpt_seq
            if before != _NONE and at != before and lane.entries > 2:
                return False  # numbers of several symbols in turn: not plain enough
            last = last if at == before else tops[at].seq
            if not _in_turn(entry.rpt_seq, last):
                return False
            last = entry.rpt_seq if entry.rpt_seq != _NONE else last
            before = at
        entry.top = at
        if entry.side > 1 or entry.side < 0 or (entry.level != _NONE and entry.level != 1) or entry.remove:
            continue
        if entry.price_at == _NONE or entry.size_at == _NONE:
            return False
        top = tops[at]
        priced, entry.ticks = decimal(data, entry.price_at, entry.price_n, top.price_unit, top.price_digits, True)
        sized, entry.lots = decimal(data, entry.size_at, entry.size_n, top.size_unit, top.size_digits, False)
        if not priced or not sized or entry.lots < 0:
            return False
    return True


@njit
def _in_turn(rpt_seq, before):
    """Whether an update's number, where it has one, is the one before it or the next."""
    return rpt_seq == _NONE or before <= 0 or before <= rpt_seq <= before + 1


@njit
def _apply(lane):
    """The message is understood: into its tops, which wait to be told."""
    tops = view(lane.tops, lane.n_tops, TOP)
    if lane.kind == _W:
        top = tops[lane.symbol_at]
        top.bid_ticks = top.bid_lots = top.ask_ticks = top.ask_lots = top.broken = 0
        if lane.rpt_seq != _NONE:
            top.seq = lane.rpt_seq
        _wait(lane, lane.symbol_at, 1 if lane.closed else 0)
    for number in range(lane.entries):
        entry = lane.entry[number]
        top = tops[entry.top]
        if lane.kind == _X:
            if entry.rpt_seq != _NONE:
                top.seq = entry.rpt_seq
            _wait(lane, entry.top, 0)
        if entry.side > 1 or entry.side < 0 or (entry.level != _NONE and entry.level != 1):
            continue
        ticks, lots = (0, 0) if entry.remove else (entry.ticks, entry.lots)
        if entry.side == 0:
            top.bid_ticks, top.bid_lots = ticks, lots
        else:
            top.ask_ticks, top.ask_lots = ticks, lots


@njit
def _wait(lane, at, closed):
    """The engine is to be told of this top: once, with what the last of its waiting updates says."""
    top = view(lane.tops, lane.n_tops, TOP)[at]
    top.flags, top.venue_ns = closed, lane.venue_ns
    if not top.waits:
        view(lane.queue, lane.n_tops, WORD)[lane.waiting] = at
        lane.waiting += 1
        top.waits = lane.messages + 1
    elif top.waits != lane.messages + 1:
        top.waits = lane.messages + 1
        top.merged = 1
        lane.merged += 1


@njit
def number_of(top):
    """What to tell the engine as venue_seq (`Top.number`): 0 where updates were merged or numbering starts anew."""
    follows = top.told == 0 or top.seq == top.told + 1
    top.told = top.seq if top.told != _NONE and follows else 0
    return top.told
