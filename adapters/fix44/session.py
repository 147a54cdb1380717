"""A FIX 4.4 session, either side, without a socket: bytes in, application messages and bytes to send out.

The life of a connection is `states.TABLE`; sequence numbers, gaps and what is sent again are in `sequence.py`.
Source: FIX 4.4 volume 2, session protocol.
"""

from collections.abc import Iterator

import msgspec

from adapters.fix44 import tags
from adapters.fix44.codec import Bad, FieldError, Frames, Message, clean, frame, get, header, need, number, text
from adapters.fix44.sequence import Doubt, Sequence
from adapters.fix44.stamps import SECOND_NS, Stamps
from adapters.fix44.states import (
    ACCEPT,
    ACTIVE,
    CONNECT,
    DOWN,
    DROP,
    LOGON,
    LOGON_SENT,
    LOGON_WAIT,
    LOGOUT,
    LOGOUT_SENT,
    QUIT,
    STATES,
    TABLE,
)
from adapters.fix44.store import MemoryStore


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One session. initiator: we connect and log on; the acceptor takes heartbeat_s from the Logon.

    reset_on_logon: both sides start at 1 (ResetSeqNumFlag). max_skew_s: how far a SendingTime may be from our clock, 0
    to accept any.
    """

    sender: str
    target: str
    initiator: bool
    heartbeat_s: int = 30
    reset_on_logon: bool = False
    username: str = ""
    password: str = ""
    logon_timeout_s: float = 10.0
    logout_timeout_s: float = 2.0
    max_skew_s: float = 120.0


class LoggedOn(msgspec.Struct):
    """The session became active: application messages may be sent."""


Event = Message | Bad | Doubt | LoggedOn


class Session:
    """Bytes in by `feed`, time by `tick`; whoever owns the socket sends `take_output` after each event and each call.

    `why` says how the session came down; a socket that is still there is then closed by its owner.
    """

    def __init__(self, settings: SessionSettings, store: MemoryStore) -> None:
        self.settings = settings
        self.store = store
        self.state = DOWN
        self.why = "not connected"
        self.heard_ns = 0
        self._sent_ns = 0
        self._since_ns = 0
        self._tested = False
        self._heartbeat_ns = settings.heartbeat_s * SECOND_NS
        self._frames = Frames()
        self._output: list[bytes] = []
        self._sequence = Sequence(store, self._emit, self._repeat)
        self.stamps = Stamps()
        # As every good message says it: looked for whole, and taken apart only where it is not there.
        self.parties = clean(settings.target), clean(settings.sender)
        self._parties = tags.SENDER + self.parties[0] + tags.SOH, tags.TARGET + self.parties[1] + tags.SOH
        self.route = b"\x0149=%b\x0156=%b\x0134=" % (clean(settings.sender), clean(settings.target))

    # The socket's life

    def connect(self, now_ns: int) -> None:
        """A fresh socket is there. The initiator logs on; the acceptor waits for the Logon."""
        self._frames.clear()
        self._output.clear()
        self._sequence.clear()
        self._tested = False
        self.heard_ns = self._since_ns = now_ns
        self._move(CONNECT if self.settings.initiator else ACCEPT)
        if self.settings.initiator:
            if self.settings.reset_on_logon:
                self.store.reset()
            self._logon_out(self.settings.reset_on_logon, now_ns)

    def drop(self, why: str) -> None:
        """The socket is gone, or must go: nothing more is read or sent."""
        self._down(DROP, why)

    def quit(self, why: str, now_ns: int) -> None:
        """Log out: the counterparty is given logout_timeout_s to answer."""
        if self.state == ACTIVE:
            self._emit(tags.LOGOUT, b"58=%b\x01" % clean(why), now_ns)
        self._since_ns = now_ns
        self._down(QUIT, why)

    def take_output(self) -> bytes:
        """What the session itself wants to send, in order; it goes out before anything encoded later."""
        if not self._output:
            return b""
        output = b"".join(self._output)
        self._output.clear()
        return output

    @property
    def plain(self) -> bool:
        """Logged on, nothing missing, no half of a message held: the next one may be taken by a lane."""
        return self.state == ACTIVE and self._sequence.idle and self._frames.empty

    def heard(self, now_ns: int) -> None:
        """A lane has taken messages."""
        self.heard_ns = now_ns
        self._tested = False

    # Out

    def send(self, kind: bytes, body: bytes, now_ns: int) -> bytes:
        """A numbered message: the frame goes out next. body: its fields, each ending with SOH.

        While the session is down the message only takes its number and, if it may be sent again, waits for the
        counterparty's ResendRequest.
        """
        seq = self.store.next_out
        raw = self._frame(kind, seq, body, now_ns)
        if kind not in tags.ADMIN and kind not in tags.NEVER_RESENT:
            self.store.save(seq, raw)
        self.store.next_out = seq + 1  # before the first byte leaves: a number is never used twice
        self._sent_ns = now_ns
        return raw

    def reject(self, message: Message, error: FieldError, now_ns: int) -> None:
        """Refuse a message as malformed (35=3), with the tag and the reason."""
        reference = b"45=%d\x01371=%d\x01372=%b\x01" % (message.seq, error.tag, message.type)
        self._emit(tags.REJECT, b"%b373=%d\x0158=%b\x01" % (reference, error.reason, clean(str(error))), now_ns)

    def _emit(self, kind: bytes, body: bytes, now_ns: int) -> None:
        """Queue a message of the session itself."""
        self._output.append(self.send(kind, body, now_ns))

    def _repeat(self, kind: bytes, body: bytes, now_ns: int, seq: int, sent_at: bytes = b"") -> None:
        """Queue what stands in for number `seq`, which was sent before (at `sent_at`, now for a gap fill)."""
        body = b"43=Y\x01122=%b\x01%b" % (sent_at or self.stamps.text(now_ns), body)
        self._sent_ns = now_ns
        self._output.append(self._frame(kind, seq, body, now_ns))

    def _frame(self, kind: bytes, seq: int, body: bytes, now_ns: int) -> bytes:
        return frame(b"35=%b%b%d\x0152=%b\x01%b" % (kind, self.route, seq, self.stamps.text(now_ns), body))

    def _logon_out(self, reset: bool, now_ns: int) -> None:
        user, secret = self.settings.username, self.settings.password
        fields = [b"98=0\x01108=%d\x01" % (self._heartbeat_ns // SECOND_NS)]
        fields += [b"141=Y\x01"] if reset else []
        fields += [b"553=%b\x01554=%b\x01" % (clean(user), clean(secret))] if user and self.settings.initiator else []
        self._emit(tags.LOGON, b"".join(fields), now_ns)

    # In

    def feed(self, data: bytes, now_ns: int) -> Iterator[Event]:
        """What these bytes mean to the application, in sequence. To be exhausted.

        A message counts as received once the caller comes back for the next one: a kill before that asks for it again.
        """
        for item in self._frames.feed(data):
            if self.state == DOWN:
                return
            if isinstance(item, Bad):
                yield item
                continue
            yield from self._receive(item, now_ns)

    def _receive(self, raw: bytes, now_ns: int) -> Iterator[Event]:
        try:
            message = header(raw)
        except FieldError as error:
            self._fail(str(error), now_ns)
            return
        if self.state in (LOGON_SENT, LOGON_WAIT) and message.type not in (tags.LOGON, tags.LOGOUT, tags.REJECT):
            self.drop(f"expected a Logon, received 35={text(message.type)}")
            return
        self.heard_ns = now_ns
        self._tested = False
        if not self._acceptable(message, now_ns):
            return
        if message.seq == self.store.next_in and message.type not in tags.ADMIN and self._sequence.idle:
            yield message  # what nearly every message is: the application's, in its turn
            self.store.next_in = message.seq + 1
            return
        if message.type == tags.LOGON:
            yield from self._logon_in(message, now_ns)
        elif message.seq < self.store.next_in and not _is_reset(message):
            self._too_low(message, now_ns)
        else:
            yield from self._sequence.take(message, self._handle, now_ns)
        if self._sequence.broken:
            self._fail(self._sequence.broken, now_ns)

    def _handle(self, message: Message, now_ns: int) -> Iterator[Event]:
        """A message in its turn: the session's own are answered, the others are the application's."""
        kind, raw = message.type, message.raw
        try:
            if kind == tags.TEST_REQUEST:
                self._emit(tags.HEARTBEAT, b"112=%b\x01" % need(raw, tags.TEST_ID), now_ns)
            elif kind == tags.RESEND_REQUEST:
                yield from self._sequence.resend(message, now_ns)
            elif kind == tags.LOGOUT:
                self._logout_in(message, now_ns)
            elif kind != tags.HEARTBEAT:
                yield message
        except FieldError as error:
            self.reject(message, error, now_ns)

    def _too_low(self, message: Message, now_ns: int) -> None:
        """Already received and sent again is no news; anything else means that one side lost its numbers."""
        if message.type == tags.LOGOUT:
            self._logout_in(message, now_ns)
        elif not message.poss_dup:
            expected = self.store.next_in
            self._fail(f"MsgSeqNum too low, expecting {expected} but received {message.seq}", now_ns)

    def _acceptable(self, message: Message, now_ns: int) -> bool:
        """Right counterparty, right time. Otherwise Reject, and Logout where no later message can be better."""
        try:
            self._check_parties(message)
            self._check_times(message, now_ns)
        except FieldError as error:
            self.reject(message, error, now_ns)
            if message.seq == self.store.next_in:
                self.store.next_in += 1
            if error.reason in (tags.COMP_ID_PROBLEM, tags.TIME_PROBLEM):
                self._fail(str(error), now_ns)
            return False
        return True

    def _check_parties(self, message: Message) -> None:
        sender, target = self._parties
        if sender in message.raw and target in message.raw:
            return
        for key, expected in ((tags.SENDER, self.settings.target), (tags.TARGET, self.settings.sender)):
            found = text(get(message.raw, key))
            if found != expected:
                tag = int(key[1:-1])
                raise FieldError(tag, tags.COMP_ID_PROBLEM, f"tag {tag}: expected {expected!r}, found {found!r}")

    def _check_times(self, message: Message, now_ns: int) -> None:
        sent_ns = self._time(message.raw, tags.SENT_AT)
        skew_s = abs(now_ns - sent_ns) / SECOND_NS
        if self.settings.max_skew_s and skew_s > self.settings.max_skew_s:
            raise FieldError(52, tags.TIME_PROBLEM, f"SendingTime is {skew_s:.0f} s from our clock")
        repeated = message.poss_dup and message.type != tags.SEQUENCE_RESET
        if repeated and self._time(message.raw, tags.ORIG_SENT_AT) > sent_ns:
            raise FieldError(122, tags.TIME_PROBLEM, "OrigSendingTime is later than SendingTime")

    def _time(self, raw: bytes, key: bytes) -> int:
        stamp = need(raw, key)
        try:
            return self.stamps.ns(stamp)
        except ValueError as error:
            raise FieldError(int(key[1:-1]), tags.FORMAT_INCORRECT, str(error)) from error

    # Logon and logout

    def _logon_in(self, message: Message, now_ns: int) -> Iterator[Event]:
        try:
            heartbeat_s = number(message.raw, tags.HEARTBEAT_S)
        except FieldError as error:
            self.reject(message, error, now_ns)
            self._fail(str(error), now_ns)
            return
        reset = get(message.raw, tags.RESET_SEQ) == b"Y"
        if self.state == ACTIVE and not reset:
            self._fail("Logon within an active session", now_ns)
            return
        if reset:
            self._reset(message)
        if message.seq < self.store.next_in:
            self._too_low(message, now_ns)
            return
        answer = self.state != LOGON_SENT
        if not self._move(LOGON):
            return
        if answer:
            self._heartbeat_ns = heartbeat_s * SECOND_NS
            self._logon_out(reset, now_ns)
        self._sequence.arrived(message, now_ns)
        yield LoggedOn()

    def _reset(self, message: Message) -> None:
        """Both sides start again at 1. Our own Logon, if it is what this answers, keeps its number 1.

        An acceptor may reset although we did not ask: it counts our Logon as 1, and where it does not, 2 is a gap
        that it asks us to fill, while 1 would be too low and end the session.
        """
        if self.state != LOGON_SENT or not self.settings.reset_on_logon:
            self.store.reset()
            self.store.next_out = 2 if self.state == LOGON_SENT else 1
        self.store.next_in = message.seq
        self._sequence.clear()

    def _logout_in(self, message: Message, now_ns: int) -> None:
        if self.state == ACTIVE:
            self._emit(tags.LOGOUT, b"", now_ns)
        self._down(LOGOUT, f"logged out by the counterparty: {text(get(message.raw, tags.TEXT)) or 'no reason given'}")

    def _fail(self, why: str, now_ns: int) -> None:
        """A violation that cannot be mended on this connection: say so and go."""
        if self.state != DOWN:
            self._emit(tags.LOGOUT, b"58=%b\x01" % clean(why), now_ns)
            self.drop(why)

    # Time

    def tick(self, now_ns: int) -> None:
        """Heartbeats and time-outs; to be called some ten times a second or more."""
        waited_s = (now_ns - self._since_ns) / SECOND_NS
        if self.state == ACTIVE:
            self._keep_alive(now_ns)
        elif self.state in (LOGON_SENT, LOGON_WAIT) and waited_s > self.settings.logon_timeout_s:
            self.drop(f"no Logon within {self.settings.logon_timeout_s:g} s")
        elif self.state == LOGOUT_SENT and waited_s > self.settings.logout_timeout_s:
            self.drop(f"no answer to our Logout within {self.settings.logout_timeout_s:g} s")

    def _keep_alive(self, now_ns: int) -> None:
        """A Heartbeat after one silent interval of ours; a TestRequest after 1.2 of theirs, the end after 2.4."""
        interval_ns = self._heartbeat_ns
        if not interval_ns:
            return
        silence_ns = now_ns - self.heard_ns
        if silence_ns * 10 > interval_ns * 24:
            self.drop(f"silent for {silence_ns / SECOND_NS:.1f} s, TestRequest not answered")
        elif self._sequence.waiting_ns(now_ns) > 2 * interval_ns:
            self._fail("the gap in sequence numbers was not filled", now_ns)
        elif silence_ns * 10 > interval_ns * 12 and not self._tested:
            self._tested = True
            self._emit(tags.TEST_REQUEST, b"112=%b\x01" % self.stamps.text(now_ns), now_ns)
        elif now_ns - self._sent_ns >= interval_ns:
            self._emit(tags.HEARTBEAT, b"", now_ns)

    # State

    def _move(self, event: int) -> bool:
        state = TABLE.get((self.state, event))
        if state is None:
            self.drop(f"unexpected message while {STATES[self.state]}")
            return False
        self.state = state
        return True

    def _down(self, event: int, why: str) -> None:
        if self.state != DOWN and self._move(event):
            self.why = why


def _is_reset(message: Message) -> bool:
    """SequenceReset in reset mode: its own number means nothing."""
    return message.type == tags.SEQUENCE_RESET and get(message.raw, tags.GAP_FILL) != b"Y"
