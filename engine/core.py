"""What the Python half of the engine shares: the state, the journal, the compiled calls, the gateways, the policies."""

import hashlib
import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import orjson

from engine import records
from engine.frames import Board
from engine.ports import ExecReport, Gateway, PythonStrategy
from engine.repair import RepairPolicy
from engine.schema import ACTIVE
from engine.state import State

NO_ROOM, QUOTED = -1, -2  # of `Hot.poll`


class Hot(NamedTuple):
    """The compiled calls, composed by the desk. They take the state's address first, then, to journal, the writer's.

    on_quote(state, journal, instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags)
    -> decisions waiting in the scratch row, or -1 where the journal had no room. The first is decided in the same call
    where the scratch row says `eager`; `launched` and `made` tell.
    poll(state, journal, watches, count, until_ns, each) -> which of the sockets (`engine.sockets.WATCH`) Python must
    see to, -1 when the time is over. `waiting` of a watch with a lane: decisions waiting for the quote in the scratch
    row; 0: nothing plain is left in the lane; NO_ROOM; QUOTED: a quote that causes nothing, after which it stops where
    `each` is set. It is to be called again for the lane until nothing is left.
    decide(state, journal, number, now_ns) -> orders to send for that decision, 0 where it was Denied.
    sample(state, now_ns): price and sample every spread, mark every position.
    pool_use(state, pool) -> money in use in the reporting currency, UNSET where a rate is missing.
    may_ask(state, strategy, now_ns) -> whether a Python strategy may be asked now.
    take_wish(state, strategy, side, purpose, units, signal, center, threshold, now_ns) -> decisions waiting.
    stand(state, strategy, now_ns) -> why it does not decide: (STAND_*, strictest switch, value seen, its bound).
    walk(state, journal, tape): feed quotes and quiet beats of a tape up to an input that Python must take.
    """

    on_quote: Callable
    poll: Callable
    decide: Callable
    sample: Callable
    pool_use: Callable
    may_ask: Callable
    take_wish: Callable
    stand: Callable
    walk: Callable


class Timing(NamedTuple):
    """When the engine loses patience, in ns."""

    ack_timeout_ns: int
    query_every_ns: int
    sample_ns: int
    circuit_rejects: int  # in a row, of one contract, that break its circuit
    circuit_ns: int  # how long it stays broken
    drawdown_ns: int = 86_400_000_000_000  # how far back a drawdown looks for its peak


_CODES = {"i8": "q", "i4": "i", "u4": "I", "u1": "B", "f8": "d"}


def struct_of(dtype: np.dtype) -> struct.Struct:
    """A dtype without holes as one struct, in whose order its fields and their elements come."""
    codes = []
    for name in dtype.names:
        field = dtype.fields[name][0]
        code = f"{field.base.itemsize}s" if field.base.kind == "S" else _CODES[field.base.str[1:]]
        codes += [code] * int(np.prod(field.shape, dtype=np.int64))
    found = struct.Struct("<" + "".join(codes))
    assert found.size == dtype.itemsize
    return found


class Form:
    """How the fields of a record become its bytes: the dtype as one struct, some five times as fast to fill."""

    def __init__(self, dtype: np.dtype):
        self._places: dict[str, tuple[int, int]] = {}
        blank = []
        for name in dtype.names:
            field = dtype.fields[name][0]
            count = int(np.prod(field.shape, dtype=np.int64))
            self._places[name] = len(blank), count if field.shape else 0
            blank += [b"" if field.base.kind == "S" else 0] * count
        self._struct, self._blank = struct_of(dtype), blank

    def filled(self, fields: dict) -> bytes:
        values = self._blank.copy()
        for name, value in fields.items():
            at, count = self._places[name]
            if count:
                values[at : at + count] = value.tolist() if isinstance(value, np.ndarray) else value
            else:
                values[at] = value
        return self._struct.pack(*values)


@cache
def _forms() -> dict[int, Form]:
    """Of every kind of record, made once a process."""
    return {kind: Form(dtype) for kind, dtype in records.DTYPES.items()}


class Core:
    """The shared parts. Only the loop's thread touches them.

    wake: asks for a timer's beat at a time. halted: deals that wait for a person. stopped: strategy that a Halted deal
    has stopped -> its switch before. ordered: the switch over all that a person has set last; forced: a stop or a full
    journal holds it shut beyond that. until: (SCOPE_*, row) -> when that switch ends by itself; before: what it has
    replaced; set_by: who has set one
    that is not active, and why. hands_off: a kill has stopped repairs. drills: every kill. foreign: (venue, id) -> what
    an order is that is alive there and not ours, as last told. adopt: instruments whose
    position the venue's next word decides. drifted: those whose position differs from the venue's. peaks: (strategy,
    account) -> `engine.losses.Peak`. requests: number of a cancel -> order. venue_orders: (venue, its own order
    id) -> order. early: reports that came under a venue's id which no order has yet.
    deal_orders: deal id -> numbers of its orders. live_orders, open_deals: in order of age. trades: of booked
    trades, (venue, trade id, side, order number) -> (lots, ticks); busted: of those undone; sides: (venue,
    contract's meter, trading day, trade id) -> side of the first one told. failed: orders whose write failed in this
    turn. board: where the compiled half leaves the orders' bytes, None in replay.
    told: what a person has heard last of a matter, so that what repeats itself is told once. meters_seen: bytes of
    meters and tiers at the last sample. stood: what was told
    last of why a strategy does not decide. sessions:
    (instrument, market time) -> its section's (open, close, trading day), UNSET where closed. clock: for stamps alone,
    never for a decision. signals: the Python strategies and their parameters, ramps: of the
    strategies that have one (both by the strategy's index).
    relimit, market_day: as of `engine.limits`, the day counted from 1970. told_bands: contracts whose price limits the
    venue has told. transits: money in transit (`engine.transit`), oldest first. unknown_since: (table, row) of an
    account or pool -> since when its use is not known.
    """

    def __init__(
        self, state: State, journal, hot: Hot, gateways: list[Gateway], policies: list[RepairPolicy], timing: Timing,
        sessions: Callable[[int, int], tuple[int, int, int]], names: dict[str, list[str]], clock: Callable[[], int],
    ):  # fmt: skip
        self.state, self.journal, self.hot, self.gateways = state, journal, hot, gateways
        self.policies, self.timing, self.sessions, self.names = policies, timing, sessions, names
        self.clock = clock
        self.now_ns = 0
        self.deal_orders: dict[int, list[int]] = {}
        self.live_orders: dict[int, None] = {}
        self.open_deals: dict[int, None] = {}
        self.trades: dict[tuple[int, str, int, int], tuple[int, int]] = {}
        self.sides: dict[tuple[int, int, int, str], int] = {}
        self.busted: set[tuple[int, str, int, int]] = set()
        self.failed: list[int] = []
        self.board: Board | None = None
        self.wake: Callable[[int], None] = lambda due_ns: None
        self.halted: dict[int, None] = {}
        self.stopped: dict[int, int] = {}
        self.ordered = ACTIVE
        self.forced = self.hands_off = False
        self.before: dict[tuple[int, int], object] = {}
        self.until: dict[tuple[int, int], int] = {}
        self.set_by: dict[tuple[int, int], tuple[int, str, str]] = {}
        self.drills: list = []
        self.foreign: dict[tuple[int, str], str] = {}
        self.adopt: set[int] = set()
        self.requests: dict[int, int] = {}
        self.venue_orders: dict[tuple[int, str], int] = {}
        self.early: list[tuple[int, ExecReport]] = []
        self.told: dict[tuple, object] = {}
        self.meters_seen: list[np.ndarray] | None = None
        self.stood: dict[int, tuple] = {}
        self.signals: dict[int, tuple[PythonStrategy, Mapping[str, float]]] = {}
        self.transits: list = []
        self.unknown_since: dict[tuple[str, int], int] = {}
        self.ramps: dict = {}
        self.relimit: Callable[[dict | None, str], int] = lambda config, market_date: 0
        self.market_day = 0
        self.told_bands: set[int] = set()
        self.next_sample_ns = 0
        self.next_session_ns = 0  # market time: when a contract's section ends, the first of all
        self.next_date_ns = 0  # market time: when its date ends
        self.peaks: dict[tuple[int, int], object] = {}
        self.drifted: set[int] = set()
        self.locked: set[int] = set()  # contracts with cancels spent in a price-limit lock
        self._forms = _forms()

    def record(self, kind: int, /, **fields) -> bytes:
        """The payload of one record; fields not named are zero."""
        return self._forms[kind].filled(fields)

    def emit(self, kind: int, /, **fields) -> None:
        """Journal one output of the input at hand."""
        self.journal.append(kind, self.now_ns, self._forms[kind].filled(fields))

    def take_json(self, kind: int, body: dict) -> None:
        """Journal one input that carries text."""
        self.journal.append_input(kind, self.now_ns, orjson.dumps(body, option=orjson.OPT_SORT_KEYS))

    def alert(self, level: str, code: str, what: str, do: str, deal: int = 0, **numbers) -> None:
        """Tell a person: what happened, the numbers, what to do."""
        body = {"level": level, "code": code, "what": what, "do": do, "numbers": numbers}
        if deal:
            body["deal"] = deal
        self.journal.append_json(records.ALERT, self.now_ns, body)

    def is_news(self, key: tuple, what: object) -> bool:
        """Whether a person has not heard this of `key` last."""
        news = self.told.get(key) != what
        self.told[key] = what
        return news

    def rows_of(self, deal_id: int) -> list:
        """The order rows of a deal that the table still holds."""
        rows = (self.state.order_row(number) for number in self.deal_orders.get(deal_id, ()))
        return [row for row in rows if row is not None]

    def instrument_name(self, index: int) -> str:
        return self.names["instruments"][index]


def fitted(value: str, room: int) -> str:
    """A text as the journal can hold it: valid UTF-8 without NUL, cut to `room` bytes, never inside a character.

    The engine goes by the fitted text alone, so that replay, which knows no other, does the same.
    """
    raw = value.encode(errors="replace").replace(b"\0", b"")
    return raw[:room].decode(errors="ignore")


def fitted_id(value: str, room: int) -> str:
    """The same for an id that must stay apart from others: one that does not fit as it is ends in its digest."""
    if fitted(value, room) == value:
        return value
    digest = hashlib.blake2b(value.encode(errors="backslashreplace"), digest_size=10).hexdigest()
    return fitted(value, room - len(digest)) + digest
