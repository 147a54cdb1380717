"""The compiled lane of FIX market data against its slow twin, the session and the feed in Python: the same bytes, cut
anywhere and damaged anywhere, must tell an engine the same and leave the session the same."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.fix44 import tags
from adapters.fix44.codec import FieldError, Message
from adapters.fix44.feed import MarketData
from adapters.fix44.lane import Lane
from adapters.fix44.listing import Listing
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.stamps import Stamps
from adapters.fix44.store import MemoryStore
from adapters.fix44.trading import Trading
from bench.polled import PolledLink
from desk.hot_stream import BEHIND_BYTES
from engine.clock import now_ns
from engine.ports import QUOTE_MERGED, WRITTEN
from tests.fix_fakes import INSTRUMENTS, Recorder

_VENUE, _CLIENT = "VENUE", "TANDEM"


class _Out:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.said = b""

    def write(self, data: bytes) -> int:
        self.said += data
        return 0

    def close(self) -> None:
        """There is nothing to close."""


class _Client:
    """A client's market data session, logged on; with its lane in use, or without."""

    def __init__(self, lane: bool, logon: bytes) -> None:
        settings = SessionSettings(sender=_CLIENT, target=_VENUE, initiator=True, max_skew_s=1e9)
        self.session = Session(settings, MemoryStore())
        self.out, self.heard = _Out(), Recorder()
        self.lane = Lane(Listing(INSTRUMENTS), self.session.store.in_address, self.session.parties, 1e9)
        feed = MarketData(0, self.lane, True, self.heard)
        self.link = PolledLink(self.session, self.out, feed, self.lane if lane else None)
        self.link.receive(logon)

    def read(self, data: bytes) -> None:
        """As the transport does it: into the room of the lane where there is one, else to the session."""
        room = self.link.room if not self.link.closed.done() else None
        if self.link.closed.done():
            return
        if room is None:
            self.link.receive(data)
        else:
            room[: len(data)] = data
            self.link.filled(len(data))

    def told(self) -> dict[str, object]:
        """All that this session has told the engine and the venue, but for the times of its reading."""
        quotes = [quote[:6] + quote[7:] for quote in self.heard.quotes]
        sent = re.sub(rb"\x01(52|262|10|9)=[^\x01]*", b"", self.out.said)
        store = self.session.store
        tops = {
            symbol: (top.bid_ticks, top.bid_lots, top.ask_ticks, top.ask_lots, top.seq, top.told, top.broken)
            for symbol, top in self.lane.tops.items()
        }
        said = {"quotes": quotes, "links": self.heard.links, "sent": sent, "tops": tops, "state": self.session.state}
        return said | {"bad": self.heard.bad, "in": store.next_in, "out": store.next_out}


def _logon() -> tuple[Session, bytes]:
    """A venue's session and its answer to the client's Logon."""
    server = Session(SessionSettings(sender=_VENUE, target=_CLIENT, initiator=False), MemoryStore())
    client = Session(SessionSettings(sender=_CLIENT, target=_VENUE, initiator=True), MemoryStore())
    server.connect(now_ns())
    client.connect(now_ns())
    list(server.feed(client.take_output(), now_ns()))
    return server, server.take_output()


def _pair() -> tuple[Session, _Client, _Client]:
    server, logon = _logon()
    return server, _Client(True, logon), _Client(False, logon)


_PRICES = ["9500.0", "9500.5", "9501", "9500.25", "-3.5", "0", "7.1234", "7.12", "9500.", ".5", "1e3", "", "9500.50",
           "123456789012345678.5", "12345678901234567890", "00042.5", "--1", "9500.00000000000000000001"]  # fmt: skip
_SIZES = ["5", "0", "0.07", "0.071", "-1", "1.5", "x", "", "99999999999999999", "12"]
_SYMBOLS = ["CA", "GC", "USD/CNH", "XX", ""]
_TIMES = [b"", b"60=20261126-09:00:00.123\x01", b"60=20261126-09:00:01\x01", b"60=20240229-23:59:59.123456789\x01",
          b"60=20250229-00:00:00.000\x01", b"60=garbage\x01", b"60=\x01"]  # fmt: skip
_likely = lambda first, others: st.one_of(st.just(first), st.just(first), st.just(first), st.sampled_from(others))


@st.composite
def _entry(draw, kind: bytes) -> bytes:
    """One of a group, mostly in order."""
    side = draw(_likely("0", ["1", "1", "1", "2", "J", "01", ""]))
    fields = [f"269={side}", f"270={draw(_likely('9500.5', _PRICES))}", f"271={draw(_likely('5', _SIZES))}"]
    fields += draw(st.lists(st.sampled_from(["290=1", "290=2", "276=B", "276=A", "15=USD", "271=4"]), max_size=1))
    if kind == b"X":
        fields += draw(st.lists(st.sampled_from([f"55={one}" for one in _SYMBOLS]), max_size=1))
        fields += draw(st.lists(st.integers(0, 6).map(lambda seq: f"83={seq}"), max_size=1))
        fields = [f"279={draw(_likely('0', ['1', '2', '2', '9', '']))}", *fields]
    return b"".join(field.encode() + tags.SOH for field in fields)


@st.composite
def _body(draw) -> tuple[bytes, bytes]:
    """(MsgType, body) of a snapshot or an increment, or of something else."""
    kind = draw(st.sampled_from([b"W", b"W", b"W", b"X", b"X", b"0", b"1", b"3"]))
    if kind == b"1":
        return kind, b"112=T\x01"
    if kind in (b"0", b"3"):
        return kind, b"45=2\x01" if kind == b"3" else b""
    entries = draw(st.lists(_entry(kind), min_size=0, max_size=3))
    count = draw(_likely(len(entries), [0, 1, 2, 7]))
    body = draw(_likely(f"55={draw(_likely('CA', _SYMBOLS))}\x01".encode(), [b""]))
    repeated = b"43=Y\x01122=20261126-09:00:00\x01"
    body += draw(_likely(b"", [b"83=1\x01", b"83=2\x01", b"83=3\x01", b"83=x\x01", repeated]))
    before, after = draw(st.sampled_from([(True, False), (False, True), (False, False)]))
    time = draw(st.sampled_from(_TIMES))
    body += time if before else b""
    between = draw(_likely(b"", [b"55=CA\x01", b"83=2\x01", b"60=20261126-09:00:02\x01"]))
    body += b"268=%d\x01" % count + between + b"".join(entries) + (time if after else b"")
    return kind, body


@st.composite
def _numbered(draw) -> tuple[bytes, bytes]:
    """An increment of one contract that is in order, but for the numbers of its updates."""
    entries = draw(
        st.lists(
            st.sampled_from([b"", b"", b"83=1\x01", b"83=2\x01", b"83=3\x01", b"83=4\x01"]), min_size=1, max_size=3
        )
    )
    head = draw(st.sampled_from([b"", b"83=2\x01", b"83=3\x01"]))
    body = b"".join(
        b"279=0\x01269=%d\x0155=CA\x01%b270=9500.5\x01271=5\x01" % (at % 2, seq) for at, seq in enumerate(entries)
    )
    return b"X", head + b"268=%d\x01" % len(entries) + body


@st.composite
def _damage(draw, stream: bytes) -> bytes:
    """Now and then a byte that is another, is missing, or is there twice."""
    at = draw(st.integers(0, max(len(stream) - 1, 0)))
    how = draw(st.sampled_from("....cdt"))
    if how == "c":
        return stream[:at] + bytes([draw(st.integers(0, 255))]) + stream[at + 1 :]
    return {"d": stream[:at] + stream[at + 1 :], "t": stream[:at] + stream[at : at + 1] + stream[at:]}.get(how, stream)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_lane_tells_the_same_as_the_session_in_python(data):
    server, fast, slow = _pair()
    bodies = data.draw(st.lists(st.one_of(_body(), _numbered()), min_size=1, max_size=6))
    skipped = data.draw(st.sampled_from([0, 0, 0, 0, 1]))  # a number that is never sent: a gap
    server.store.next_out += skipped
    stream = b"".join(server.send(kind, body, now_ns()) for kind, body in bodies)
    stream = data.draw(_damage(stream))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        fast.read(stream[start:end])
        slow.read(stream[start:end])
    assert fast.told() == slow.told()


def _quote(server: Session, ticks: int, symbol: bytes = b"CA", extra: bytes = b"") -> bytes:
    fields = symbol, extra, ticks // 2, ticks % 2 * 5, ticks // 2 + 1
    body = b"55=%b\x01%b268=2\x01269=0\x01270=%d.%d\x01271=7\x01269=1\x01270=%d.0\x01271=9\x01" % fields
    return server.send(b"W", body, now_ns())


def test_plain_snapshots_are_taken_by_the_lane_alone():
    server, fast, _ = _pair()
    before = fast.lane.messages
    fast.read(_quote(server, 19_000) + _quote(server, 19_001))
    assert fast.lane.messages == before + 2
    assert [quote[1:5] for quote in fast.heard.quotes] == [(19_000, 7, 19_002, 9), (19_001, 7, 19_002, 9)]


def test_a_message_cut_in_two_is_read_when_its_rest_is_there():
    server, fast, _ = _pair()
    message = _quote(server, 19_000)
    for end in range(1, len(message)):
        fast.read(message[end - 1 : end])
        assert fast.heard.quotes == []
    fast.read(message[-1:])
    assert len(fast.heard.quotes) == 1
    assert fast.heard.bad == []


def test_only_the_newest_quote_of_a_symbol_is_told_while_many_wait():
    server, fast, _ = _pair()
    stream, count = b"", 0
    while len(stream) < 3 * BEHIND_BYTES:
        stream += _quote(server, 19_000 + 2 * count) + _quote(server, 4_000 + 2 * count, b"GC")
        count += 1
    fast.read(stream)
    quotes = fast.heard.quotes
    assert fast.lane.messages == 2 * count, "every message was read"
    assert len(quotes) < count, "most of them were not told"
    assert {quote[1] for quote in quotes if quote[0] == 0} >= {19_000 + 2 * count - 2}, "the newest was"
    merged = [quote for quote in quotes if quote[8] & QUOTE_MERGED]
    assert len(merged) == 2
    assert all(quote[7] == 0 for quote in quotes), "no number that the engine would take for a gap"


def test_numbered_quotes_that_were_merged_are_no_gap_and_count_on_behind():
    server, fast, _ = _pair()
    stream = b"".join(_quote(server, 19_000 + 2 * at, extra=b"83=%d\x01" % (at + 1)) for at in range(400))
    fast.read(_quote(server, 18_000, extra=b"83=1\x01") + stream[: -len(stream) // 400])
    numbers = [quote[7] for quote in fast.heard.quotes if quote[0] == 0]
    told = [number for number in numbers if number]
    assert told == sorted(told)
    assert all(after == before + 1 for before, after in pairwise(told))


def _increment(server: Session, *entries: bytes) -> bytes:
    body = b"".join(b"279=0\x01269=0\x0155=CA\x01%b270=9500.5\x01271=5\x01" % entry for entry in entries)
    return server.send(b"X", b"268=%d\x01" % len(entries) + body, now_ns())


def test_an_update_missing_inside_an_increment_is_a_gap():
    for numbers in ((b"", b"83=4\x01"), (b"83=3\x01", b"83=5\x01"), (b"83=4\x01", b"83=2\x01")):
        server, fast, slow = _pair()
        stream = _quote(server, 19_000, extra=b"83=2\x01") + _increment(server, *numbers)
        fast.read(stream)
        slow.read(stream)
        assert fast.told() == slow.told()
        assert fast.lane.tops[b"CA"].broken, numbers


def test_a_symbol_between_count_and_entries_names_none_of_them():
    server, fast, _ = _pair()
    body = b"268=1\x0155=CA\x01279=1\x01269=0\x01270=9400.0\x01271=7\x01"
    fast.read(_quote(server, 19_000) + server.send(b"X", body, now_ns()))
    assert fast.heard.quotes[-1][1:5] == (0, 0, 0, 0)
    assert "55" in fast.heard.bad[0][0]


def test_a_message_that_claims_the_next_one_is_not_waited_for():
    server, fast, _ = _pair()
    first, second = _quote(server, 19_000), _quote(server, 19_001)
    fast.read(first.replace(b"\x019=", b"\x019=1") + second)
    assert fast.heard.bad, "it is told at once"


def test_a_session_that_misses_a_message_leaves_the_lane_until_it_is_whole_again():
    server, fast, _ = _pair()
    lost = _quote(server, 19_000)
    fast.read(_quote(server, 19_001))
    assert fast.link.room is None
    assert b"35=2" in fast.out.said, "what is missing is asked for"
    fast.read(lost)
    assert fast.link.room is not None
    assert fast.session.store.next_in == server.store.next_out


def test_a_lane_tells_of_signs_of_life():
    server, fast, _ = _pair()
    fast.session.heard_ns = 0
    fast.read(_quote(server, 19_000))
    assert fast.session.heard_ns > 0


def test_stamps_of_the_session_and_of_the_lane_are_one_time():
    server, fast, _ = _pair()
    at_ns = 1_795_705_421_694_000_000
    text = Stamps().text(at_ns)
    fast.read(_quote(server, 19_000, extra=b"60=%b\x01" % text))
    assert fast.heard.quotes[0][5] == at_ns


def test_the_rest_of_a_frame_goes_before_anything_of_the_session():
    settings = SessionSettings(sender=_CLIENT, target=_VENUE, initiator=True)
    session, out = Session(settings, MemoryStore()), _Out()
    trading = Trading(0, session, Listing(INSTRUMENTS), "", 0, False, Recorder())
    link = PolledLink(session, out, trading)
    link.receive(_logon()[1])
    out.said = b""
    session.reject(Message(b"8", 1, False, b""), FieldError(55, 1, "for later"), now_ns())
    assert trading.go_on(memoryview(b"8=FIX.4.4"), 5) == WRITTEN
    assert out.said == b".4.4"
