"""FIX 4.4 framing: frames out of a byte stream, fields out of a frame, frames out of a body.

Data fields that hold SOH or a whole FIX message (RawData and its kind) are not used by any message of this room: a
frame with the start of another frame inside is bad input, which is what keeps a corrupt length from eating its heirs.
Source: FIX 4.4 volume 1 (message format), volume 2 (session protocol, "garbled message").
"""

import zlib
from collections.abc import Iterator

import msgspec

from adapters.fix44.tags import FORMAT_INCORRECT, MSG_TYPE, POSS_DUP, SEQ, SOH, TAG_EMPTY, TAG_MISSING

START = b"8=FIX.4.4\x019="
MAX_BODY_BYTES = 1 << 18
_LENGTH_DIGITS = 7
_TRAILER_BYTES = 7
_ADLER_BYTES = 256


class FieldError(ValueError):
    """A field of a message is missing or wrong: tag, SessionRejectReason (373), and a sentence."""

    def __init__(self, tag: int, reason: int, text: str) -> None:
        super().__init__(text)
        self.tag = tag
        self.reason = reason


class Bad(msgspec.Struct, gc=False):
    """Bytes that are no FIX 4.4 message: what was expected, and the bytes."""

    what: str
    raw: bytes


class Message(msgspec.Struct, gc=False):
    """A frame whose length and checksum are right, with the fields that the session looks at."""

    type: bytes
    seq: int
    poss_dup: bool
    raw: bytes


def checksum(data: bytes) -> int:
    """The byte sum modulo 256.

    The low half of adler32 is 1 + the byte sum modulo 65,521, so it is exact while the sum stays below 65,520: always
    for 256 bytes, hence the chunks.
    """
    if len(data) <= _ADLER_BYTES:
        return (zlib.adler32(data) - 1) & 0xFF
    view = memoryview(data)
    chunks = range(0, len(data), _ADLER_BYTES)
    return sum((zlib.adler32(view[at : at + _ADLER_BYTES]) & 0xFFFF) - 1 for at in chunks) & 0xFF


def frame(body: bytes) -> bytes:
    """A whole message around `body`, which starts with 35= and ends with SOH."""
    text = b"8=FIX.4.4\x019=%d\x01%b" % (len(body), body)
    return b"%b10=%03d\x01" % (text, checksum(text))


def get(raw: bytes, key: bytes) -> bytes | None:
    """The value of the first field with this key (`tags.key`), None where there is none."""
    start = raw.find(key)
    if start < 0:
        return None
    start += len(key)
    end = raw.find(SOH, start)
    return raw[start:end] if end >= 0 else raw[start:]


def need(raw: bytes, key: bytes) -> bytes:
    """As `get`; FieldError where the field is missing or empty."""
    value = get(raw, key)
    if value:
        return value
    tag = int(key[1:-1])
    if value is None:
        raise FieldError(tag, TAG_MISSING, f"required tag {tag} is missing")
    raise FieldError(tag, TAG_EMPTY, f"tag {tag} has no value")


def number(raw: bytes, key: bytes) -> int:
    """The value as a whole number of at most 18 digits, not negative. FieldError otherwise."""
    value = need(raw, key)
    if not value.isdigit() or len(value) > 18:
        tag = int(key[1:-1])
        raise FieldError(tag, FORMAT_INCORRECT, f"tag {tag}: {text(value)!r} is not a whole number")
    return int(value)


def text(value: bytes | None) -> str:
    """A field's value as text: any byte has a character, so it never fails. Empty for None."""
    return value.decode("latin-1") if value else ""


def clean(value: str) -> bytes:
    """Text as a field's value: SOH would end the field, an empty one is not allowed, so both are replaced."""
    return value.encode("latin-1", "replace").replace(SOH, b" ") or b" "


def groups(raw: bytes, count: bytes, first: bytes) -> list[bytes]:
    """The entries of a repeating group, each starting with its first field (`first`); FieldError on a wrong count.

    An entry ends where the next one starts; the last one runs to the end of the frame.
    """
    start = raw.find(count)
    entries = [first + entry for entry in raw[start:].split(first)[1:]] if start >= 0 else []
    if number(raw, count) != len(entries):
        tag = int(count[1:-1])
        raise FieldError(tag, 16, f"tag {tag} says {text(get(raw, count))} entries, there are {len(entries)}")
    return entries


def header(raw: bytes) -> Message:
    """The message in a frame. FieldError where MsgSeqNum is missing or no number."""
    start = raw.find(MSG_TYPE) + len(MSG_TYPE)
    kind = raw[start : raw.find(SOH, start)]
    return Message(kind, number(raw, SEQ), get(raw, POSS_DUP) == b"Y", raw)


class Frames:
    """Frames out of a stream that is cut anywhere. Every byte goes into a frame, a `Bad`, or waits for the rest."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def empty(self) -> bool:
        return not self._rest

    def clear(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes | Bad]:
        """What these bytes complete, in order. Whatever is not a frame is skipped up to the next start of one."""
        data = self._rest + data if self._rest else data
        at = 0
        try:
            while at < len(data):
                start = at
                end, problem = _measure(data, at)
                if not end and not problem:
                    return
                at = _next_start(data, at) if problem else end
                yield Bad(problem, data[start:at]) if problem else data[start:at]
        finally:
            self._rest = data[at:]


def _measure(data: bytes, at: int) -> tuple[int, str]:
    """(end of the frame at `at`, "") or (0, what is wrong); (0, "") while bytes are missing."""
    if not data.startswith(START, at):
        return (0, "") if START.startswith(data[at : at + len(START)]) else (0, "expected 8=FIX.4.4 and 9=")
    digits = at + len(START)
    body = data.find(SOH, digits, digits + _LENGTH_DIGITS + 1)
    length = data[digits : body if body >= 0 else digits + _LENGTH_DIGITS]
    if body < 0 and len(data) - digits <= _LENGTH_DIGITS and (not length or length.isdigit()):
        return 0, ""
    if body < 0 or not length.isdigit() or int(length) > MAX_BODY_BYTES:
        return 0, f"expected a body length (9=) of 1 to {MAX_BODY_BYTES}"
    return _measure_body(data, at, body + 1, body + 1 + int(length))


def _measure_body(data: bytes, at: int, body: int, trailer: int) -> tuple[int, str]:
    end = trailer + _TRAILER_BYTES
    if data.find(START, body, end) >= 0:
        return 0, "expected the end of the message before the start of the next one"
    if len(data) < end:
        return 0, ""
    if data[trailer - 1 : trailer + 3] != b"\x0110=" or data[end - 1 : end] != SOH:
        return 0, "expected the checksum (10=) where the body length (9=) ends"
    if not data.startswith(b"35=", body) or data[body + 3 : body + 4] == SOH:
        return 0, "expected the message type (35=) as third field"
    if data[trailer + 3 : end - 1] != b"%03d" % checksum(data[at:trailer]):
        return 0, f"expected the checksum 10={checksum(data[at:trailer]):03d}"
    return end, ""


def _next_start(data: bytes, at: int) -> int:
    """Where the next frame may start after `at`: its whole start, or a beginning of one at the very end."""
    found = data.find(START, at + 1)
    if found >= 0:
        return found
    for kept in range(min(len(START) - 1, len(data) - at - 1), 0, -1):
        if data.endswith(START[:kept]):
            return len(data) - kept
    return len(data)
