"""FIX framing, fields, stamps and decimal steps: fuzzed, and against slow, obviously right twins."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fix44.codec import MAX_BODY_BYTES, Bad, FieldError, Frames, checksum, frame, get, groups, header
from adapters.fix44.stamps import Stamps
from adapters.fix44.steps import Steps
from adapters.fix44.tags import ENTRY_COUNT, ENTRY_TYPE, SYMBOL

HEADER = b"35=0\x0149=A\x0156=B\x0134=%d\x0152=20261122-00:00:00.000\x01"
FIRST = frame(HEADER % 1)
values = st.binary(max_size=30).map(lambda value: value.replace(b"\x01", b"").replace(b"8=FIX.4.4", b""))
messages = st.builds(lambda seq, value: frame(HEADER % seq + b"58=" + value + b"\x01"), st.integers(1, 10**9), values)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def fed(pieces: list[bytes]) -> list[bytes | Bad]:
    frames = Frames()
    return [item for piece in pieces for item in frames.feed(piece)]


@given(st.lists(messages, max_size=5), st.lists(st.integers(0, 600), max_size=8))
def test_whole_messages_come_out_of_any_cut(sent, cuts):
    assert fed(cut(b"".join(sent), cuts)) == sent


@given(st.binary(max_size=400), st.lists(st.integers(0, 500), max_size=5))
def test_any_bytes_are_accounted_for_and_never_raise(noise, cuts):
    items = fed(cut(noise, cuts))
    known = b"".join(item.raw if isinstance(item, Bad) else item for item in items)
    assert noise.startswith(known)
    assert all(item.what and item.raw for item in items if isinstance(item, Bad))


fragments = st.sampled_from(
    [
        b"8=FIX.4.4\x019=", b"8=FIX.4.4\x01", b"9=12\x01", b"35=D\x01", b"10=123\x01", b"\x0110=", b"8=F", FIRST[:-3],
        b"99999999", b"\x01",
    ]
)  # fmt: skip
noises = st.lists(fragments | st.binary(max_size=20), max_size=8).map(b"".join)


@given(noises, messages, st.lists(st.integers(0, 400), max_size=5))
def test_a_valid_message_after_garbage_is_found_once_the_next_one_starts(noise, valid, cuts):
    items = fed(cut(noise + valid + FIRST, cuts))
    found = [item for item in items if not isinstance(item, Bad)]
    assert valid in found
    assert found[-1] == FIRST


@given(noises, st.lists(messages, max_size=3), st.lists(st.integers(0, 400), max_size=5))
def test_how_the_bytes_were_cut_changes_no_message(noise, sent, cuts):
    data = noise + b"".join(sent)
    assert [item for item in fed(cut(data, cuts)) if not isinstance(item, Bad)] == [
        item for item in fed([data]) if not isinstance(item, Bad)
    ]


@given(messages, st.data())
def test_one_changed_byte_never_passes(message, data):
    at = data.draw(st.integers(0, len(message) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != message[at]))
    spoilt = message[:at] + bytes((byte,)) + message[at + 1 :]
    assert [item for item in fed([spoilt, FIRST]) if not isinstance(item, Bad)] == [FIRST]


def test_a_length_beyond_the_limit_is_bad_and_does_not_stall():
    data = b"8=FIX.4.4\x019=%d\x0135=0\x01" % (MAX_BODY_BYTES + 1)
    bad, message = fed([data + FIRST])
    assert "body length" in bad.what
    assert message == FIRST


@given(st.binary(max_size=3000))
def test_checksum_is_the_byte_sum(data):
    assert checksum(data) == sum(data) % 256


def test_checksum_where_adler_wraps():
    for size in (256, 257, 65_521, 100_000):
        assert checksum(b"\xff" * size) == (0xFF * size) % 256


def test_fields_and_header():
    message = header(FIRST)
    assert (message.type, message.seq, message.poss_dup) == (b"0", 1, False)
    assert get(FIRST, SYMBOL) is None
    with pytest.raises(FieldError, match="tag 34") as error:
        header(frame(b"35=0\x0149=A\x01"))
    assert (error.value.tag, error.value.reason) == (34, 1)


def test_groups_are_counted():
    raw = frame(b"35=W\x01268=2\x01269=0\x01270=5\x01269=1\x01270=6\x01")
    assert [get(entry, ENTRY_TYPE) for entry in groups(raw, ENTRY_COUNT, ENTRY_TYPE)] == [b"0", b"1"]
    with pytest.raises(FieldError, match="268 says 3 entries, there are 1"):
        groups(frame(b"35=W\x01268=3\x01269=0\x01"), ENTRY_COUNT, ENTRY_TYPE)


STEPS = st.sampled_from(
    [Fraction(1), Fraction(1, 2), Fraction(1, 20), Fraction(1, 10_000), Fraction(5), Fraction(1, 400)]
)


@given(STEPS, st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
def test_steps_agree_with_fractions(step, value):
    steps, text = Steps(step, "x price"), f"{value:f}".encode()
    exact = Fraction(value) / step
    assert steps.floor(text) == exact // 1
    assert abs(steps.nearest(text) - exact) <= Fraction(1, 2)
    if exact.denominator == 1:
        assert steps.exact(text) == exact
        assert Decimal(steps.text(int(exact)).decode()) == value
    else:
        with pytest.raises(ValueError, match="is not a multiple of"):
            steps.exact(text)
    assert steps.floor(text) == exact // 1, "the same from memory"


@given(st.binary(max_size=12))
def test_steps_refuse_what_is_no_decimal_number(text):
    try:
        plain = text.decode()
        Decimal(plain)
        decimal = plain.isascii() and set(plain) <= set("0123456789.-")
    except (UnicodeDecodeError, ArithmeticError):
        decimal = False
    if not decimal:
        with pytest.raises(ValueError, match="is not a decimal number"):
            Steps(Fraction(1), "x price").exact(text)


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_stamps_go_both_ways(now_ns):
    stamps = Stamps()
    text = stamps.text(now_ns)
    twin = datetime.fromtimestamp(now_ns // 10**9, UTC).strftime("%Y%m%d-%H:%M:%S") + f".{now_ns % 10**9 // 10**6:03d}"
    assert text == twin.encode()
    assert stamps.ns(text) == now_ns // 10**6 * 10**6
    assert stamps.ns(text[:17]) == now_ns // 10**9 * 10**9
    assert stamps.ns(b"%b.%09d" % (text[:17], now_ns % 10**9)) == now_ns


@given(st.binary(max_size=24))
def test_stamps_refuse_anything_else(text):
    try:
        assert Stamps().ns(text) >= 0
    except ValueError as error:
        assert "expected a time" in str(error)
