"""Two FIX sessions in memory, joined by two wires, on a manual clock."""

from adapters.fix44 import states
from adapters.fix44.codec import Message, frame
from adapters.fix44.sequence import Doubt
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.stamps import SECOND_NS, Stamps
from adapters.fix44.store import MemoryStore

START_NS = 1_790_000_000 * SECOND_NS


class Side:
    """One session with what it told its application."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list = []

    def kinds(self) -> list[bytes]:
        return [event.type for event in self.events if isinstance(event, Message)]

    def doubts(self) -> list[str]:
        return [event.why for event in self.events if isinstance(event, Doubt)]


class Pair:
    """An initiator and an acceptor joined by two wires; `lose` drops what waits on one of them."""

    def __init__(self, reset: bool = False, stores: tuple[MemoryStore, MemoryStore] | None = None) -> None:
        self.now_ns = START_NS
        first, second = stores or (MemoryStore(), MemoryStore())
        ours = SessionSettings(sender="US", target="THEM", initiator=True, heartbeat_s=10, reset_on_logon=reset)
        theirs = SessionSettings(sender="THEM", target="US", initiator=False)
        self.us, self.them = Side(Session(ours, first)), Side(Session(theirs, second))
        self.wires = {self.us: [], self.them: []}  # what each side has sent and the other has not read
        self.log: list[bytes] = []

    def connect(self) -> None:
        self.them.session.connect(self.now_ns)
        self.us.session.connect(self.now_ns)
        self.settle()

    def app(self, side: Side, kind: bytes, body: bytes = b"58=x\x01") -> None:
        self.wires[side].append(side.session.send(kind, body, self.now_ns))

    def lose(self, side: Side) -> None:
        self.wires[side].clear()

    def settle(self) -> None:
        """Carry bytes to and fro until nobody has anything to say."""
        while self._carry(self.us, self.them) | self._carry(self.them, self.us):
            continue

    def _carry(self, sender: Side, reader: Side) -> bool:
        self.wires[sender].append(sender.session.take_output())
        data = b"".join(self.wires[sender])
        self.wires[sender].clear()
        self.log.append(data)
        for event in reader.session.feed(data, self.now_ns):
            self.wires[reader].append(reader.session.take_output())
            reader.events.append(event)
        return bool(data)

    def drop(self) -> None:
        for side in (self.us, self.them):
            side.session.drop("cut")
            self.lose(side)

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND_NS)
        for side in (self.us, self.them):
            side.session.tick(self.now_ns)

    def said(self, *parts: bytes) -> bool:
        """Whether one message that went over a wire holds all of these."""
        return any(
            all(part in message for part in parts) for data in self.log for message in data.split(b"8=FIX.4.4\x01")
        )

    def raw(self, kind: bytes, seq: int, fields: bytes = b"", head: bytes = b"49=US\x0156=THEM\x01") -> None:
        """A message of ours made by hand."""
        stamp = Stamps().text(self.now_ns)
        self.wires[self.us].append(frame(b"35=%b\x01%b34=%d\x0152=%b\x01%b" % (kind, head, seq, stamp, fields)))


def logged_on(**options) -> Pair:
    pair = Pair(**options)
    pair.connect()
    return pair


def active(*sides: Side) -> bool:
    return all(side.session.state == states.ACTIVE for side in sides)
