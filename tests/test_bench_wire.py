"""The wire's peer: it reads orders from their bytes, keeps its plan, and refuses what is no honest answer."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import msgspec
import pytest

from adapters.fix44.codec import frame
from bench import sent, wire_peer
from bench.figures import Refused
from bench.rig import Market
from bench.sent import Sent, check_orders, of
from bench.wire import Measured, check_quiet
from bench.wire_peer import FLOOR_SOCKETS, IDLE, TICK, Sends, block
from bench.wire_setup import DIFF, DIFF_FEED, FIX, HOST, REST_NS, Block, Ports, config_for
from bench.wire_sockets import Wire
from bench.wire_venues import DiffVenue
from desk.build import Names, instruments_of
from engine.ports import BUY, CLOSE, CLOSE_TODAY, FOK, IOC, OPEN, SELL, TRADING

HELLO = bytes.fromhex("818537fa213d7f9f4d5158")  # RFC 6455, 5.7: a masked "Hello"
ORDER = b"35=D\x0149=TANDEM\x0156=V\x0134=7\x0152=20261126-01:00:00.000\x0111=TD1\x0155=%b\x0154=2\x0140=2\x01%b"
TERMS = b"59=3\x0177=O\x0138=3\x0144=943.10\x0160=20261126-01:00:00.000\x01"
INSERT = {
    "aid": "insert_order", "instrument_id": "au2702", "direction": "BUY", "offset": "CLOSETODAY", "volume": 3,
    "price_type": "LIMIT", "limit_price": 943.12, "time_condition": "IOC", "volume_condition": "ALL",
}  # fmt: skip


def test_an_order_is_read_back_from_its_fix_bytes():
    assert of(frame(ORDER % (b"au2702", TERMS))) == Sent("au2702", SELL, OPEN, 3, 47155, IOC)


def test_an_order_is_read_back_from_its_diff_text():
    assert of(json.dumps(INSERT).encode()) == Sent("au2702", BUY, CLOSE_TODAY, 3, 47156, FOK)


@pytest.mark.parametrize(
    "wrong",
    [
        frame(ORDER % (b"au2702", TERMS))[:-4] + b"000\x01",
        frame(ORDER % (b"au2702", TERMS)).replace(b"9=", b"9=1", 1),
        frame(ORDER.replace(b"35=D", b"35=F") % (b"au2702", TERMS)),
        frame(ORDER % (b"au2702", TERMS.replace(b"943.10", b"943.11"))),
        json.dumps(INSERT | {"aid": "cancel_order"}).encode(),
        json.dumps(INSERT | {"price_type": "ANY"}).encode(),
        json.dumps(INSERT | {"limit_price": 943.13}).encode(),
    ],
    ids=["checksum", "length", "kind", "off the tick", "aid", "market order", "off DIFF's tick"],
)
def test_bytes_that_are_no_right_order_are_refused(wrong):
    with pytest.raises(Refused):
        of(wrong)


def orders_of(decisions: int) -> list[Sent]:
    found = []
    for number in range(decisions):
        side, offset = (SELL, OPEN) if number % 2 == 0 else (BUY, CLOSE)
        found.append(Sent("au2702", side, offset, 3, 47_000 + number, IOC))
        found.append(Sent("GCG7", -side, OPEN, 1, 41_000 + number, IOC))
    return found


def test_the_orders_of_three_decisions_are_two_entries_and_an_exit():
    check_orders(orders_of(3), 3, CLOSE)
    check_orders([], 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda orders: orders[:-1],
        lambda orders: [*orders[:-1], msgspec.structs.replace(orders[-1], lots=2)],
        lambda orders: [*orders[:-1], msgspec.structs.replace(orders[-1], tif=FOK)],
        lambda orders: [*orders[:-1], msgspec.structs.replace(orders[-1], side=-orders[-1].side)],
        lambda orders: [*orders[:-1], orders[1]],
    ],
    ids=["a leg is missing", "lots", "time in force", "side", "one order twice"],
)
def test_orders_that_are_not_what_was_decided_are_refused(spoil):
    with pytest.raises(Refused):
        check_orders(spoil(orders_of(3)), 3, CLOSE)


def test_both_legs_are_fix_but_where_the_chinese_one_is_asked_for_as_diff():
    ports = Ports([1, 2], [3, 4], 5)
    for leg, protocols in ((FIX, ["fix44", "fix44"]), (DIFF_FEED, ["diff", "fix44"]), (DIFF, ["diff", "fix44"])):
        config, _ = config_for(ports, leg)
        assert [venue.protocol for venue in config.venues] == protocols
    assert config.venues[0].settings["td_url"].endswith(":3/td")
    assert config.venues[1].settings["md_port"] == 2 and config.venues[1].settings["order_port"] == 4


def test_a_move_of_either_leg_leads_the_spread_to_and_fro():
    for mover in (0, 1):
        market = Market(mover)
        quotes = market.decisions(4)
        moves = [quote for quote in quotes[7::8]]
        assert {quote[0] for quote in moves} == {mover}
        up, down = (1, -1) if mover == 0 else (-1, 1)
        steps = [after[1] - before[1] for before, after in pairwise(moves)]
        assert [(step > 0) - (step < 0) for step in steps] == [down, up, down]


@contextmanager
def connected(count: int) -> Iterator[tuple[list[socket.socket], list[socket.socket]]]:
    """(a side's sockets, the other's)."""
    with socket.create_server((HOST, 0)) as door:
        ones = [socket.create_connection(door.getsockname()) for _ in range(count)]
        others = [door.accept()[0] for _ in range(count)]
        try:
            yield ones, others
        finally:
            for sock in (*ones, *others):
                sock.close()


def test_a_clients_frame_is_read_whole_however_its_bytes_come():
    venue_config, _ = config_for(Ports([1, 1], [1, 1], 1), DIFF)
    mine = [one for one in instruments_of(Names(venue_config)) if one.venue == 0]
    venue = DiffVenue("SIM_SHFE", mine, wire_peer.Ledger())
    with socket.create_connection(venue.doors[TRADING].getsockname()) as client:
        venue.let_in(TRADING)
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        client.sendall(f"GET /td HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        _pump_until(venue, lambda: _peeked(client) != b"")
        answer = client.recv(4096)
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer  # RFC 6455, 1.3
        assert not venue.settled()
        for byte in HELLO:  # no JSON: the session says so at the next peek
            venue.take(TRADING, bytes([byte]))
        venue.take(TRADING, _masked(b'{"aid":"peek_message"}'))
        assert venue.peeks == 1
        assert b"refused" in client.recv(4096)
        assert not venue.settled()
        venue.take(TRADING, _masked(b'{"aid":"peek_message"}'))
        assert venue.peeks == 2 and venue.settled()
    venue.close()


def _masked(text: bytes) -> bytes:
    key = b"\x01\x02\x03\x04"
    return bytes([0x81, 0x80 | len(text)]) + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(text))


def _peeked(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""


def _pump_until(venue, held: Callable[[], bool]) -> None:
    for _ in range(1_000_000):
        venue.pump(TRADING)
        if held():
            return
    raise AssertionError("the client hears nothing")


@contextmanager
def answered(sizes: list[int], late: int = -1) -> Iterator[list[socket.socket]]:
    """The peer's sockets of an engine that answers a tick by two frames: at once, or the `late`th only when a further
    quote has come behind it."""
    with connected(FLOOR_SOCKETS) as (ours, theirs):
        engine = threading.Thread(target=answer, args=(ours, sizes, late))
        engine.start()
        try:
            yield theirs
        finally:
            theirs[0].shutdown(socket.SHUT_RDWR)
            engine.join()


def answer(socks: list[socket.socket], sizes: list[int], late: int) -> None:
    feed, _, *orders = socks
    ticks, waits = 0, False
    while data := feed.recv(1 << 16):
        at = data.rfind(TICK)
        waits |= at >= 0
        if waits and (ticks != late or IDLE in data[at + 1 :]):
            ticks, waits = ticks + 1, False
            for sock, size in zip(orders, sizes[1:], strict=True):
                sock.sendall(bytes(size))


@contextmanager
def sends(socks: list[socket.socket], sizes: list[int]) -> Iterator[Sends]:
    found = Sends()
    found.sizes, found.wires = sizes, [Wire(sock) for sock in socks]
    found.connect()
    try:
        yield found
    finally:
        found.door.close()


def test_a_tick_is_counted_from_its_plan_where_the_engine_has_stalled():
    sizes = [180, 170, 160]
    with answered(sizes, late=1) as socks, sends(socks, sizes) as kind:
        found = block(kind, 4)
        assert found.nudged >= 1
        both = [max(arrived) - from_ns for arrived, from_ns in zip(found.arrived_ns, found.from_ns, strict=True)]
        stalled, behind = both[1], found.sent_ns[2] - found.from_ns[2]
        assert stalled >= wire_peer.PATIENCE_NS
        # The stall reaches into the next decision's time: that one is late by the engine's doing, and counts so.
        assert behind >= stalled - REST_NS and found.late_ns[2] == 0
        assert found.sizes == sizes


def test_a_frame_of_other_bytes_than_were_asked_for_is_refused():
    refused = pytest.raises(Refused, match="160 bytes, found 161")
    with answered([180, 170, 161]) as socks, sends(socks, [180, 170, 160]) as kind, refused:
        block(kind, 1)


def test_an_engine_that_hangs_up_is_refused():
    with connected(FLOOR_SOCKETS) as (ours, theirs), sends(theirs, [180, 170, 160]) as kind:
        for sock in ours[2:]:
            sock.shutdown(socket.SHUT_WR)
        with pytest.raises(Refused, match="does not hang up"):
            block(kind, 1)


def measured(stalled: int) -> Measured:
    """One block of twenty ticks each; of the floor's so many were behind their plan."""
    arrived_ns = [[at * 1_000 + 30, at * 1_000 + 40] for at in range(20)]
    block = Block(from_ns=[at * 1_000 for at in range(20)], arrived_ns=arrived_ns)
    found = Measured(FIX, "busy")
    found.add([(block, msgspec.structs.replace(block, stalled=stalled))])
    return found


def test_a_tick_counts_to_the_second_order_and_the_skew_from_the_first():
    found = measured(0)
    assert (found.both.p50, found.floor.p50, found.skew.p50, found.ratio) == (40, 40, 10, 1.0)
    assert found.peek.count == 0


def test_a_floor_that_is_behind_its_plan_refuses_the_ratio():
    check_quiet([measured(1)])
    with pytest.raises(Refused, match="behind its plan in 3 of 40 ticks"):
        check_quiet([measured(1), measured(2)])


def test_the_rigs_symbols_have_their_ticks():
    assert set(sent.TICKS) == set(sent.SYMBOLS.values())
