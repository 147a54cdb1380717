"""A session on its socket: bytes up, events to the owner, the session's own output down, time ten times a second."""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from adapters.fix44.codec import Bad, Message
from adapters.fix44.lane import Lane
from adapters.fix44.sequence import Doubt
from adapters.fix44.session import LoggedOn, Session
from adapters.fix44.states import ACTIVE, DOWN
from adapters.fix44.transport import Transport
from engine.ports import FAILED, WRITTEN

TICK_S = 0.1


class Owner(Protocol):
    """Who hears what a link receives; all calls are plain and immediate, recv_ns is the time right after `recv`."""

    def on_logged_on(self, link: "Link", recv_ns: int) -> None: ...

    def on_message(self, link: "Link", message: Message, recv_ns: int) -> None: ...

    def on_doubt(self, link: "Link", why: str, recv_ns: int) -> None: ...

    def on_bad(self, link: "Link", what: str, raw: bytes, recv_ns: int) -> None: ...

    def on_heard(self, link: "Link", recv_ns: int) -> None: ...

    def on_lane(self, recv_ns: int, waiting: int | None) -> None:
        """Bytes were read into its lane: what is plain of them may be taken there."""

    def on_down(self, link: "Link | None", why: str, now_ns: int) -> None:
        """Once a connection, the last call; without a link where none came about."""


class Link:
    """Owns the socket from here on. `closed` is done when it is gone."""

    _lane: Lane | None = None
    _lane_messages = 0
    _has_cell = False

    def __init__(
        self, session: Session, sock: socket.socket, clock: Callable[[], int], owner: Owner, lane: Lane | None = None
    ) -> None:
        """lane: where plain messages are taken in compiled code; its owner then has `on_lane` too."""
        loop = asyncio.get_running_loop()
        self.session = session
        self.closed: asyncio.Future[None] = loop.create_future()
        self.logged_on = False
        self.muted = False
        self._clock = clock
        self._owner = owner
        if lane is not None:
            lane.reset()
            self._lane, self._lane_messages = lane, lane.messages
        self._transport = Transport(sock, self.receive, self._finish, self)
        session.connect(clock())
        self._flush()
        self._timer = loop.call_later(TICK_S, self._tick)

    @property
    def active(self) -> bool:
        return self.session.state == ACTIVE and not self.closed.done()

    def send(self, kind: bytes, body: bytes) -> int:
        """Number, frame and write an application message."""
        return self.write(self.session.send(kind, body, self._clock()))

    def write(self, frame: bytes) -> int:
        """WRITTEN, QUEUED or FAILED. The frame must be the last that the session numbered."""
        if not self.active or not frame:
            return FAILED
        self._flush()
        return self.put(frame)

    def read(self) -> None:
        """Read what the socket holds, without blocking."""
        self._transport.read()

    def reject(self, message: Message, error: ValueError) -> None:
        """Answer a malformed message as the protocol says (35=3). error: a FieldError."""
        self.session.reject(message, error, self._clock())
        self._flush()

    def quit(self, why: str) -> None:
        """Log out; the link closes when that is answered, or timed out."""
        self.session.quit(why, self._clock())
        self._flush()
        self._close_if_down()
        self._open_or_shut()

    def abort(self, why: str) -> None:
        """Close the socket now, without a Logout."""
        self._finish(why)

    # The lane, as the transport sees it

    @property
    def room(self) -> memoryview | None:
        """Where to read to; None while messages have to go through the session."""
        return self._lane.room if self._lane is not None and self.session.plain else None

    def filled(self, size: int) -> None:
        """So many bytes were read into `room`."""
        recv_ns = self._clock()
        self._lane.add(size, recv_ns)
        self.taken(recv_ns, None)

    # The lane and the socket, as a busy poll sees them

    def fileno(self) -> int:
        return self._transport.fileno()

    def lane(self) -> int:
        return self._lane.address if self._lane is not None and self.session.plain else 0

    def taken(self, recv_ns: int, waiting: int | None) -> None:
        """Bytes came into the lane: what is plain of them is taken, what is not is the session's."""
        lane = self._lane
        self._owner.on_lane(recv_ns, waiting)
        self._hear()
        if lane.foreign:
            self.receive(lane.drain())
        else:
            lane.keep()

    def direct(self, cell: memoryview) -> None:
        """A cell that tells compiled code the socket's number, while whole frames may be written to it at once."""
        self._has_cell, self._transport.cell = True, cell
        self._open_or_shut()

    def _open_or_shut(self) -> None:
        """What the session's state means for the cell; the transport shuts it by itself before its socket is gone."""
        if self._has_cell:
            self._transport.open(self.active and not self.muted)

    def _hear(self) -> None:
        """The lane's messages are signs of life, also those that were taken without a word to Python."""
        if self._lane is not None and self._lane.messages != self._lane_messages:
            self._lane_messages = self._lane.messages
            self.session.heard(self._lane.recv_ns)

    def receive(self, data: bytes) -> None:
        recv_ns = self._clock()
        session = self.session
        for event in session.feed(data, recv_ns):
            self._flush()  # before the owner acts: what he sends is numbered after it
            self._tell(event, recv_ns)
        self._flush()
        if session.heard_ns == recv_ns and session.state != DOWN:
            self._owner.on_heard(self, recv_ns)
        self._close_if_down()
        self._open_or_shut()

    def _tell(self, event: Message | Bad | Doubt | LoggedOn, recv_ns: int) -> None:
        if isinstance(event, Message):
            self._owner.on_message(self, event, recv_ns)
        elif isinstance(event, Bad):
            self._owner.on_bad(self, event.what, event.raw, recv_ns)
        elif isinstance(event, Doubt):
            self._owner.on_doubt(self, event.why, recv_ns)
        else:
            self.logged_on = True
            self._owner.on_logged_on(self, recv_ns)

    def _flush(self) -> None:
        output = self.session.take_output()
        if output:
            self.put(output)

    def put(self, data: bytes) -> int:
        """Bytes as they are, past the session. muted: they vanish as in a dead network (a fault to inject)."""
        return WRITTEN if self.muted else self._transport.write(data)

    def _tick(self) -> None:
        self._hear()
        self.session.tick(self._clock())
        self._flush()
        self._close_if_down()
        self._open_or_shut()
        if not self.closed.done():
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _close_if_down(self) -> None:
        if self.session.state == DOWN:
            self._finish(self.session.why)

    def _finish(self, why: str) -> None:
        if self.closed.done():
            return
        self.session.drop(why)
        self._timer.cancel()
        self._transport.close()
        self.closed.set_result(None)
        self._owner.on_down(self, self.session.why, self._clock())
