"""The FIX session, both sides in memory on a manual clock: what real sessions do wrong, one scenario each."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.fix44 import states
from adapters.fix44.codec import Bad, Message, frame, get
from adapters.fix44.sequence import Doubt
from adapters.fix44.session import LoggedOn
from adapters.fix44.stamps import SECOND_NS, Stamps
from adapters.fix44.store import MemoryStore
from adapters.fix44.tags import REF_TAG, REJECT_REASON, TEXT
from tests.budget import examples
from tests.fix_pair import Pair, active, logged_on


def test_logon_is_answered_and_both_are_active():
    pair = logged_on()
    assert active(pair.us, pair.them)
    assert isinstance(pair.us.events[0], LoggedOn)
    assert (pair.us.session.store.next_in, pair.them.session.store.next_in) == (2, 2)


def test_reset_on_logon_starts_both_at_one():
    stores = MemoryStore(), MemoryStore()
    for store in stores:
        store.next_in, store.next_out = 40, 60
    pair = logged_on(reset=True, stores=stores)
    assert active(pair.us, pair.them)
    assert pair.said(b"\x0134=1\x01", b"\x01141=Y\x01", b"49=THEM")
    assert [(store.next_in, store.next_out) for store in stores] == [(2, 2), (2, 2)]


def test_a_venue_that_resets_unasked_is_followed():
    pair = Pair()
    pair.us.session.store.next_in = pair.us.session.store.next_out = 9
    pair.us.session.connect(pair.now_ns)
    answer = b"35=A\x0149=THEM\x0156=US\x0134=1\x0152=%b\x0198=0\x01108=10\x01141=Y\x01"
    stamp = Stamps().text(pair.now_ns)
    events = list(pair.us.session.feed(frame(answer % stamp), pair.now_ns))
    assert [type(event) for event in events] == [LoggedOn]
    assert (pair.us.session.store.next_in, pair.us.session.store.next_out) == (2, 2)


def test_heartbeats_keep_a_quiet_session_alive():
    pair = logged_on()
    for _ in range(50):
        pair.wait(1)
        pair.settle()
    assert active(pair.us, pair.them)
    assert pair.said(b"35=0\x01")


def test_silence_is_probed_then_ends_the_session():
    pair = logged_on()
    pair.wait(13)
    assert b"35=1\x01" in pair.us.session.take_output()
    pair.wait(12)
    assert pair.us.session.state == states.DOWN
    assert "silent for 25.0 s" in pair.us.session.why


def test_a_test_request_is_answered_with_its_id():
    pair = logged_on()
    pair.wait(13)
    pair.settle()
    assert pair.said(b"35=0\x01", b"\x01112=")
    assert active(pair.us, pair.them)


def test_lost_reports_are_resent_in_order_with_possdup():
    pair = logged_on()
    for text in (b"58=one\x01", b"58=two\x01"):
        pair.app(pair.them, b"8", text)
    pair.lose(pair.them)
    pair.app(pair.them, b"8", b"58=three\x01")
    pair.settle()
    got = [(get(event.raw, TEXT), event.poss_dup) for event in pair.us.events if isinstance(event, Message)]
    assert got == [(b"one", True), (b"two", True), (b"three", False)]
    assert pair.us.doubts() == ["a gap in the counterparty's messages was closed"]
    assert pair.said(b"35=2\x01", b"\x017=2\x0116=3\x01")
    assert pair.said(b"43=Y\x01122=", b"58=one")


def test_a_lost_order_is_gap_filled_and_never_sent_again():
    pair = logged_on()
    for kind in (b"D", b"F", b"G", b"H"):
        pair.app(pair.us, kind, b"58=late\x01")
    pair.lose(pair.us)
    pair.app(pair.us, b"AN", b"58=fine\x01")
    pair.app(pair.us, b"BB", b"58=also\x01")
    pair.settle()
    assert pair.them.kinds() == [b"AN", b"BB"]
    assert not pair.said(b"58=late")
    assert pair.us.doubts() == ["4 of our messages 2 to 5 were asked for and not sent again"]
    assert pair.said(b"35=4\x01", b"\x0134=2\x01", b"\x01123=Y\x0136=6\x01")
    assert active(pair.us, pair.them)


def test_numbers_go_on_over_a_reconnect_and_what_was_missed_is_sent():
    pair = logged_on()
    pair.app(pair.us, b"D")
    pair.settle()
    pair.drop()
    pair.app(pair.them, b"8", b"58=while away\x01")
    pair.lose(pair.them)
    pair.connect()
    assert active(pair.us, pair.them)
    assert pair.us.kinds() == [b"8"]
    assert pair.us.session.store.next_in == pair.them.session.store.next_out


def test_both_sides_missing_something_is_no_deadlock():
    pair = logged_on()
    pair.app(pair.us, b"AN")
    pair.app(pair.them, b"8")
    pair.drop()
    pair.connect()
    assert active(pair.us, pair.them)
    assert (pair.us.kinds(), pair.them.kinds()) == ([b"8"], [b"AN"])


def test_a_bad_checksum_is_ignored_and_leads_to_a_gap():
    pair = logged_on()
    pair.app(pair.them, b"8", b"58=spoilt\x01")
    spoilt = pair.wires[pair.them][0]
    pair.wires[pair.them][0] = spoilt[:-2] + (b"1" if spoilt[-2:-1] == b"0" else b"0") + b"\x01"
    pair.app(pair.them, b"8", b"58=next\x01")
    pair.settle()
    assert [type(event) for event in pair.us.events] == [LoggedOn, Bad, Message, Message, Doubt]
    assert [get(event.raw, TEXT) for event in pair.us.events[2:4]] == [b"spoilt", b"next"]


def test_a_number_too_low_ends_the_session_unless_possdup():
    pair = logged_on()
    pair.raw(b"0", 1, head=b"49=US\x0156=THEM\x0143=Y\x01122=20200101-00:00:00\x01")
    pair.settle()
    assert active(pair.us, pair.them)
    pair.raw(b"0", 1)
    pair.settle()
    assert pair.them.session.why == "MsgSeqNum too low, expecting 2 but received 1"
    assert "MsgSeqNum too low" in pair.us.session.why


def test_possdup_without_its_first_time_is_rejected():
    pair = logged_on()
    pair.raw(b"B", 2, head=b"49=US\x0156=THEM\x0143=Y\x01")
    pair.us.session.store.next_out = 3
    pair.settle()
    assert pair.said(b"35=3\x01", b"\x01371=122\x01", b"\x01373=1\x01")
    assert active(pair.us, pair.them)


def test_gap_fill_and_reset_move_the_number_and_never_back():
    pair = logged_on()
    pair.raw(b"4", 2, b"123=Y\x0136=10\x01")
    pair.settle()
    assert pair.them.session.store.next_in == 10
    pair.raw(b"4", 1, b"36=20\x01")
    pair.settle()
    assert pair.them.session.store.next_in == 20
    assert pair.them.doubts() == [
        "the counterparty skipped its messages 2 to 9",
        "the counterparty reset its next message to 20",
    ]
    pair.raw(b"4", 20, b"123=Y\x0136=5\x01")
    pair.raw(b"4", 21, b"36=5\x01")
    pair.settle()
    assert pair.them.session.store.next_in == 21
    rejects = [event for event in pair.us.events if isinstance(event, Message) and event.type == b"3"]
    assert [(get(event.raw, REF_TAG), get(event.raw, REJECT_REASON)) for event in rejects] == [(b"36", b"5")] * 2


def test_a_gap_fill_over_held_messages_still_delivers_them():
    pair = logged_on()
    pair.raw(b"B", 4, b"58=held\x01")
    pair.raw(b"4", 2, b"123=Y\x0136=6\x01")
    pair.them.events = list(pair.them.session.feed(b"".join(pair.wires[pair.us]), pair.now_ns))
    assert pair.them.kinds() == [b"B"]
    assert pair.them.session.store.next_in == 6


def test_a_gap_that_is_never_filled_ends_the_session():
    pair = logged_on()
    for seq in range(9, 31):  # a second each: not silent, and deaf to the ResendRequest
        pair.raw(b"0", seq)
        assert list(pair.them.session.feed(b"".join(pair.wires[pair.us]), pair.now_ns)) == []
        pair.lose(pair.us)
        pair.wait(1)
    assert pair.them.session.why == "the gap in sequence numbers was not filled"


def test_a_stranger_and_a_wrong_clock_are_logged_out():
    pair = logged_on()
    pair.raw(b"0", 2, head=b"49=EVE\x0156=THEM\x01")
    pair.settle()
    assert pair.said(b"35=3\x01", b"\x01371=49\x01", b"\x01373=9\x01")
    assert pair.them.session.state == states.DOWN
    pair = logged_on()
    pair.now_ns += 200 * SECOND_NS
    pair.raw(b"0", 2)
    pair.now_ns -= 200 * SECOND_NS
    pair.settle()
    assert pair.said(b"35=3\x01", b"\x01371=52\x01", b"\x01373=10\x01")
    assert pair.them.session.state == states.DOWN


def test_the_first_message_must_be_a_logon():
    pair = Pair()
    pair.them.session.connect(pair.now_ns)
    pair.raw(b"D", 1)
    list(pair.them.session.feed(pair.wires[pair.us][0], pair.now_ns))
    assert pair.them.session.why == "expected a Logon, received 35=D"


def test_a_range_never_sent_cannot_be_resent():
    pair = logged_on()
    pair.raw(b"2", 2, b"7=50\x0116=0\x01")
    pair.settle()
    assert pair.said(b"35=3\x01", b"\x01371=7\x01")


def test_a_logout_is_answered_and_one_unanswered_times_out():
    pair = logged_on()
    pair.us.session.quit("done for today", pair.now_ns)
    pair.settle()
    assert pair.us.session.state == pair.them.session.state == states.DOWN
    assert "done for today" in pair.them.session.why
    pair = logged_on()
    pair.us.session.quit("done", pair.now_ns)
    pair.wait(3)
    assert pair.us.session.why == "no answer to our Logout within 2 s"


def test_an_unanswered_logon_times_out():
    pair = Pair()
    pair.us.session.connect(pair.now_ns)
    pair.wait(11)
    assert pair.us.session.why == "no Logon within 10 s"


def test_a_message_counts_only_when_it_was_handled():
    """A kill while the application works on a message: it is asked for again."""
    pair = logged_on()
    pair.app(pair.them, b"8")
    reading = pair.us.session.feed(pair.wires[pair.them][0], pair.now_ns)
    assert next(reading).type == b"8"
    assert pair.us.session.store.next_in == 2
    assert list(reading) == []
    assert pair.us.session.store.next_in == 3


@settings(max_examples=examples(200))
@given(st.binary(max_size=300) | st.lists(st.binary(max_size=40), max_size=6).map(b"\x01".join), st.booleans())
def test_no_bytes_make_a_session_raise_or_leave_its_table(noise, in_frame):
    pair = logged_on()
    body = noise.replace(b"8=FIX", b"") + b"\x01"
    data = frame(b"35=" + body) if in_frame else noise
    list(pair.them.session.feed(data, pair.now_ns))
    assert pair.them.session.state in (states.ACTIVE, states.DOWN, states.LOGOUT_SENT)


KINDS = st.sampled_from([b"0", b"1", b"2", b"3", b"4", b"5", b"8", b"A", b"D", b"W"])
FIELDS = st.sampled_from(
    [
        b"", b"112=x\x01", b"7=1\x0116=0\x01", b"7=x\x0116=\x01", b"123=Y\x0136=5\x01", b"36=9\x01", b"43=Y\x01",
        b"98=0\x01108=10\x01", b"98=0\x01108=10\x01141=Y\x01", b"43=Y\x01122=20200101-00:00:00\x01",
    ]
)  # fmt: skip


@settings(max_examples=examples(300))
@given(st.lists(st.tuples(KINDS, st.integers(0, 12), FIELDS), max_size=12))
def test_no_sequence_of_messages_makes_a_session_raise_or_count_back(script):
    pair = logged_on()
    lowest = 1
    for kind, seq, fields in script:
        pair.raw(kind, seq, fields)
        data = b"".join(pair.wires[pair.us])
        pair.lose(pair.us)
        list(pair.them.session.feed(data, pair.now_ns))
        store = pair.them.session.store
        reset = kind == b"A" and b"141=Y" in fields
        assert store.next_in >= (1 if reset else lowest)
        lowest = store.next_in
    assert (pair.them.session.state, states.DROP) in states.TABLE


def test_every_move_of_the_table_ends_in_a_state_and_any_state_can_be_dropped():
    assert set(states.TABLE.values()) <= set(range(len(states.STATES)))
    assert all(states.TABLE[state, states.DROP] == states.DOWN for state in range(len(states.STATES)))
    assert {end for (_, event), end in states.TABLE.items() if event == states.LOGON} == {states.ACTIVE}


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([b"8", b"AN", b"D"]), st.booleans()), max_size=25), st.randoms()
)
def test_after_any_losses_every_message_that_may_be_resent_arrives_once_in_order(script, chance: random.Random):
    pair = logged_on()
    sent = {pair.us: [], pair.them: []}
    for number, (from_us, kind, lost) in enumerate(script):
        side = pair.us if from_us else pair.them
        pair.app(side, kind, b"58=%d\x01" % number)
        if kind != b"D":
            sent[side].append(b"%d" % number)
        if lost:
            pair.lose(side)
        elif chance.random() < 0.3:
            pair.settle()
        if chance.random() < 0.1:
            pair.drop()
            pair.connect()
    pair.settle()
    pair.drop()
    pair.connect()
    pair.settle()
    for side, other in ((pair.us, pair.them), (pair.them, pair.us)):
        got = [get(event.raw, TEXT) for event in other.events if isinstance(event, Message) and event.type != b"D"]
        assert got == sent[side]
