"""Each wire format, parsed and encoded: from bytes to the engine's words and back, beside the least it could cost."""

from fractions import Fraction

import numba
import numpy as np
import orjson

from adapters.diff.client import DiffVenue
from adapters.diff.market import MarketData as DiffMarketData
from adapters.diff.requests import read_order
from adapters.diff.settings import DiffSettings
from adapters.fix44 import tags
from adapters.fix44.codec import Frames, frame, get, header
from adapters.fix44.feed import MarketData as FixMarketData
from adapters.fix44.lane import LANE, TOP, UNDERSTOOD, Lane
from adapters.fix44.listing import Listing
from adapters.fix44.live import LiveOrders
from adapters.fix44.quick import next_message
from adapters.fix44.reports import Reports
from adapters.fix44.requests import Requests
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.stamps import Stamps
from adapters.fix44.store import MemoryStore
from adapters.fix44.trading import Trading
from desk.order_frames import DIFF, FIX44, fire, make_frames
from engine.append import WORD
from engine.frames import Board
from engine.ids import client_id
from engine.instruments import LONG_SHORT_TODAY, Instrument
from engine.memory import view
from engine.ports import IOC, OPEN, SELL, WRITTEN, Event, OrderRequest
from engine.schema import SENT_STATE
from engine.state import State

_NOW_NS = 1_800_000_000 * 10**9
_CALLS, _ROUNDS = 50, 60
_FIX, _DIFF = 0, 1
_GC = Instrument(index=0, id="COMEX.GCG7", venue=_FIX, symbol="GCG7", account=0, currency="USD", tick=Fraction(1, 10))
_AU = Instrument(index=1, id="SHFE.au2702", venue=_DIFF, symbol="au2702", exchange="SHFE", account=1, currency="CNY",
                 position_mode=LONG_SHORT_TODAY, tick=Fraction(1, 50))  # fmt: skip
_SETTINGS = DiffSettings(broker="b", md_url="ws://x", td_url="ws://x", user="tandem", password="")
_GC_ORDER = OrderRequest(7, client_id(7), _GC.index, SELL, OPEN, 1, 41_234, IOC)
_AU_ORDER = OrderRequest(8, client_id(8), _AU.index, SELL, OPEN, 3, 46_021, IOC)

_HEAD = b"49=SIM_OTC\x0156=TANDEM\x0134=4711\x0152=20261118-01:05:07.123\x01"
_SNAPSHOT = frame(b"35=W\x01" + _HEAD + b"262=1\x0155=GCG7\x0160=20261118-01:05:07.122\x01268=2\x01269=0\x01270=4123.4"
                  b"\x01271=50\x01269=1\x01270=4123.5\x01271=40\x01")  # fmt: skip
_REPORT = frame(b"35=8\x01" + _HEAD + b"37=V12\x0111=%b\x0117=E9\x01150=F\x0139=2\x0155=GCG7\x0154=2\x0138=1\x0132=1"
                b"\x0131=4123.4\x01151=0\x0114=1\x016=4123.4\x0160=20261118-01:05:07.120\x01"
                % client_id(7).encode())  # fmt: skip
_PATCH = orjson.dumps({"aid": "rtn_data", "data": [{"quotes": {"SHFE.au2702": {
    "datetime": "2026-11-18 09:05:07.500000", "ask_price1": 920.44, "ask_volume1": 40, "bid_price1": 920.42,
    "bid_volume1": 50, "last_price": 920.42, "volume": 31_234, "open_interest": 201_551}}}]})  # fmt: skip


class _Link:
    """A link that only knows its session: nothing is answered here."""

    def __init__(self) -> None:
        self.session = _session()


class _Sink:
    """An engine that keeps the last quote."""

    def on_quote(self, *quote) -> None:
        self.quote = quote

    def on_heard(self, *heard) -> None:
        """Nobody looks."""

    def on_bad_input(self, *what) -> None:
        raise AssertionError(what)


def _timed(benchmark, call, what: str, key: str, floor: str):
    benchmark.extra_info |= {"what": what, "unit": "us", "key": key, "floor": floor}
    return benchmark.pedantic(call, iterations=_CALLS, rounds=_ROUNDS, warmup_rounds=3)


# FIX, in


def bench_fix_quote(benchmark) -> None:
    sink, frames, link = _Sink(), Frames(), _Link()
    feed = FixMarketData(_FIX, _lane(0), False, sink)

    def parse() -> None:
        for raw in frames.feed(_SNAPSHOT):
            feed.on_message(link, header(raw), _NOW_NS)

    _timed(benchmark, parse, f"FIX: a snapshot of {len(_SNAPSHOT)} bytes, in Python", "fix_quote", "bench_fix_split")
    assert sink.quote[:5] == (_GC.index, 41_234, 50, 41_235, 40) and sink.quote[6] == _NOW_NS


def _lane(number_at: int) -> Lane:
    return Lane(Listing([_GC]), number_at, (b"SIM_OTC", b"TANDEM"), 0.0)


@numba.njit
def _take(lane_at, number, now_ns):
    """The message in the buffer once more, as if it had not been taken yet."""
    lane = view(lane_at, 1, LANE)[0]
    lane.at = lane.waiting = lane.told = 0
    view(lane.number_at, 1, WORD)[0] = number
    view(lane.tops, 1, TOP)[0].waits = 0
    return next_message(lane, now_ns)


def bench_fix_lane(benchmark) -> None:
    number = np.zeros(1, np.int64)
    lane = _lane(number.ctypes.data)
    lane.room[: len(_SNAPSHOT)] = _SNAPSHOT
    lane.add(len(_SNAPSHOT), _NOW_NS)
    what = f"FIX: a snapshot of {len(_SNAPSHOT)} bytes, compiled"
    found = _timed(benchmark, lambda: _take(lane.address, 4711, _NOW_NS), what, "fix_lane", "bench_bare")
    top = lane.tops[b"GCG7"]
    assert (found, lane.messages > _CALLS * _ROUNDS, number[0]) == (UNDERSTOOD, True, 4712)
    assert (top.bid_ticks, top.bid_lots, top.ask_ticks, top.ask_lots) == (41_234, 50, 41_235, 40)


def bench_fix_report(benchmark) -> None:
    frames, live = Frames(), LiveOrders()
    live.sent(tags.NEW_ORDER, 1, _GC_ORDER)
    reports = Reports(_FIX, Listing([_GC]), live, Stamps(), None)

    def parse():
        return [reports.execution(header(raw), _NOW_NS) for raw in frames.feed(_REPORT)]

    what = f"FIX: a trade's report of {len(_REPORT)} bytes to ExecReport"
    (found,) = _timed(benchmark, parse, what, "fix_report", "bench_fix_split_report")
    assert (found.event, found.order_no, found.last_ticks, found.last_lots) == (Event.TRADE, 7, 41_234, 1)
    assert (found.cum_lots, found.leaves_lots, found.side) == (1, 0, SELL)


def bench_fix_split(benchmark) -> None:
    """The floor of a snapshot: its fields cut apart, none of them read."""
    assert len(benchmark.pedantic(_SNAPSHOT.split, args=(b"\x01",), iterations=_CALLS, rounds=_ROUNDS)) == 19


def bench_fix_split_report(benchmark) -> None:
    """The floor of a report."""
    assert len(benchmark.pedantic(_REPORT.split, args=(b"\x01",), iterations=_CALLS, rounds=_ROUNDS)) == 23


# FIX, out


def _session() -> Session:
    return Session(SessionSettings(sender="TANDEM", target="SIM_OTC", initiator=True), MemoryStore())


def _check_fix(raw: bytes) -> None:
    (read,) = Frames().feed(raw)
    assert read == raw and get(raw, tags.CLIENT_ID) == client_id(7).encode()
    assert (get(raw, tags.PRICE), get(raw, tags.QUANTITY), get(raw, tags.SIDE)) == (b"4123.4", b"1", b"2")


def bench_fix_order(benchmark) -> None:
    session, requests = _session(), Requests(Listing([_GC]), "tandem")

    def encode() -> bytes:
        body = requests.new_order(_GC_ORDER, session.stamps.text(_NOW_NS))
        return session.send(tags.NEW_ORDER, body, _NOW_NS)

    _check_fix(_timed(benchmark, encode, "FIX: an order's frame, in Python", "fix_order", "bench_fix_template"))


def bench_fix_template(benchmark) -> None:
    """The floor of an order in Python: as many fields into one template; no number, no length, no sum."""
    template = b"8=FIX.4.4\x019=%d\x0135=D\x0149=%b\x0156=%b\x0134=%d\x0152=%b\x0111=%b\x0155=%b\x0154=%d\x0140=2\x01" \
        b"59=%d\x0138=%d\x0144=%b\x0160=%b\x0110=%03d\x01"  # fmt: skip
    fields = (171, b"TANDEM", b"SIM_OTC", 7, b"20261118-01:05:07.123", client_id(7).encode(), b"GCG7", 2, 3, 1,
              b"4123.4", b"20261118-01:05:07.123", 99)  # fmt: skip
    assert benchmark.pedantic(template.__mod__, args=(fields,), iterations=_CALLS, rounds=_ROUNDS)


class _Ear:
    def put(self, frame: memoryview, number: int) -> int:
        self.frame = bytes(frame)
        return WRITTEN


def _compiled(order: OrderRequest) -> tuple[State, Board]:
    """A state whose scratch row names this order, and a board furnished by both protocols."""
    board = Board(2, 2)
    Trading(_FIX, _session(), Listing([_GC]), "tandem", 0, False, None).furnish(board, FIX44)
    DiffVenue(_DIFF, _SETTINGS, [_AU], None, lambda: 0).furnish(board, DIFF)
    rows = {name: 1 for name in ("market", "stake", "execution", "meter", "tier", "account", "pool", "currency",
                                 "position", "spread", "ring", "touch", "strategy", "deal", "book")}  # fmt: skip
    state = State(**rows, venue=2, instrument=2, order=16)
    state.instrument["venue"] = [_FIX, _DIFF]
    row = state.order[0]
    for name in ("order_no", "instrument", "side", "offset", "lots", "limit_ticks", "tif"):
        row[name] = getattr(order, name)
    row["state"] = SENT_STATE
    return state, board


def _compiled_frame(benchmark, order: OrderRequest, what: str, key: str) -> bytes:
    state, board = _compiled(order)
    _timed(benchmark, lambda: make_frames(state.address, board.address, 1, _NOW_NS), what, key, "bench_bare")
    fire(state.address, board.address)  # no socket is open: they are left for the gateways
    ears = [_Ear(), _Ear()]
    board.fire(ears, lambda: 0)
    return ears[int(state.instrument["venue"][order.instrument])].frame


def bench_fix_frame(benchmark) -> None:
    _check_fix(_compiled_frame(benchmark, _GC_ORDER, "FIX: an order's frame, compiled", "fix_frame"))


@numba.njit
def _bare(base, board, count, now_ns):
    return count


def bench_bare(benchmark) -> None:
    """The floor of a compiled frame: as many ints in, one out; through the same kind of Python call."""
    call = lambda: _bare(1, 2, 1, _NOW_NS)
    assert benchmark.pedantic(call, iterations=_CALLS, rounds=_ROUNDS, warmup_rounds=3) == 1


# DIFF


def bench_diff_quote(benchmark) -> None:
    sink = _Sink()
    feed = DiffMarketData(_DIFF, _SETTINGS, {"SHFE.au2702": _AU}, sink, lambda: _NOW_NS)
    _timed(benchmark, lambda: feed.received(_PATCH, _NOW_NS), f"DIFF: a patch of {len(_PATCH)} bytes to on_quote",
           "diff_quote", "bench_diff_loads")  # fmt: skip
    assert sink.quote[:5] == (_AU.index, 46_021, 50, 46_022, 40) and sink.quote[6] == _NOW_NS


def bench_diff_loads(benchmark) -> None:
    """The floor of a patch: the same bytes as JSON, no more."""
    assert benchmark.pedantic(lambda: orjson.loads(_PATCH), iterations=_CALLS, rounds=_ROUNDS)["aid"] == "rtn_data"


def _check_diff(text: bytes) -> None:
    read = read_order("tandem", orjson.loads(text), {"SHFE.au2702": _AU})
    assert (read.client_id, read.side, read.offset, read.lots) == (client_id(8), SELL, OPEN, 3)
    assert (read.limit_ticks, read.tif) == (46_021, IOC)


def bench_diff_order(benchmark) -> None:
    venue = DiffVenue(_DIFF, _SETTINGS, [_AU], None, lambda: 0)
    encode = lambda: venue.encode_order(_AU_ORDER, _NOW_NS)
    _check_diff(_timed(benchmark, encode, "DIFF: an order's text, in Python", "diff_order", "bench_diff_dumps"))


def bench_diff_dumps(benchmark) -> None:
    """The floor of an order's text in Python: a dict of the same fields, all ready, through orjson."""
    text = DiffVenue(_DIFF, _SETTINGS, [_AU], None, lambda: 0).encode_order(_AU_ORDER, _NOW_NS)
    fields = orjson.loads(text)
    assert orjson.loads(benchmark.pedantic(lambda: orjson.dumps(fields), iterations=_CALLS, rounds=_ROUNDS)) == fields


def bench_diff_frame(benchmark) -> None:
    _check_diff(_compiled_frame(benchmark, _AU_ORDER, "DIFF: an order's text, compiled", "diff_frame"))
