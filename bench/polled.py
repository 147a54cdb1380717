"""FIX links that no event loop reads: whoever has the bytes hands them over."""

from adapters.fix44.lane import Lane
from adapters.fix44.link import Link, Owner
from adapters.fix44.session import Session
from engine.clock import now_ns


class _Closed:
    """A link's `closed`, without an event loop to wait for it."""

    _is = False

    def done(self) -> bool:
        return self._is

    def set_result(self, _: None) -> None:
        self._is = True


class _NoTimer:
    """No time-out of a session is played here."""

    def cancel(self) -> None:
        pass


class PolledLink(Link):
    """The real link over a transport of the caller's."""

    def __init__(self, session: Session, transport, owner: Owner, lane: Lane | None = None) -> None:
        self.session = session
        self.closed = _Closed()
        self.logged_on = self.muted = False
        self._clock, self._owner, self._transport, self._timer = now_ns, owner, transport, _NoTimer()
        self._lane, self._lane_messages = lane, 0
        session.connect(now_ns())
        self._flush()
