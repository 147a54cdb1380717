"""UTCTimestamp texts (YYYYMMDD-HH:MM:SS.sss) from and to nanoseconds since the epoch, fast for a running clock."""

from datetime import UTC, datetime

from engine.instruments import reported_ns

SECOND_NS = 1_000_000_000
_SECOND_CHARS = 17


class Stamps:
    """Both ways, each remembering its last second: within one second only the fraction is worked on."""

    def __init__(self) -> None:
        self._out_s = -1
        self._out_text = b""
        self._in_text = b"19700101-00:00:00"
        self._in_ns = 0

    def text(self, now_ns: int) -> bytes:
        """The stamp with milliseconds, cut, not rounded: it is never in the future."""
        second, fraction_ns = divmod(now_ns, SECOND_NS)
        if second != self._out_s:
            self._out_text = datetime.fromtimestamp(second, UTC).strftime("%Y%m%d-%H:%M:%S").encode()
            self._out_s = second
        return b"%b.%03d" % (self._out_text, fraction_ns // 1_000_000)

    def ns(self, stamp: bytes) -> int:
        """Nanoseconds since the epoch; up to nine digits of a second. ValueError for anything else."""
        if stamp[:_SECOND_CHARS] != self._in_text:
            self._in_ns = _second_ns(stamp[:_SECOND_CHARS])
            self._in_text = stamp[:_SECOND_CHARS]
        fraction = stamp[_SECOND_CHARS + 1 :]
        if not fraction and len(stamp) == _SECOND_CHARS:
            return self._in_ns
        if stamp[_SECOND_CHARS] != 46 or not fraction.isdigit() or len(fraction) > 9:
            raise ValueError(f"expected a time YYYYMMDD-HH:MM:SS.sss, got {stamp!r}")
        return self._in_ns + int(fraction) * 10 ** (9 - len(fraction))


def _second_ns(second: bytes) -> int:
    try:
        if len(second) != _SECOND_CHARS or not second[:8].isdigit():
            raise ValueError
        time = datetime.strptime(second.decode(), "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"expected a time YYYYMMDD-HH:MM:SS, got {second!r}") from None
    return reported_ns(int(time.timestamp()) * SECOND_NS, f"time {second!r}")
