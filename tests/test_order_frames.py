"""The compiled frames of orders against their slow twins: the bytes that the sessions themselves would make."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.diff.client import DiffVenue
from adapters.diff.settings import DiffSettings
from adapters.fix44 import tags
from adapters.fix44.listing import Listing
from adapters.fix44.requests import Requests
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.store import MemoryStore
from adapters.fix44.trading import Trading
from desk.order_frames import DIFF, FIX44, fire, make_frames
from engine.frames import CONTRACT_BYTES, Board, fill
from engine.ids import client_id, order_number
from engine.instruments import LONG_SHORT, NET, Instrument
from engine.ports import DAY, FAILED, FOK, IOC, WRITTEN, OrderRequest
from engine.schema import CREATED, SENT_STATE
from engine.state import State
from tests.budget import examples

_FIX, _DIFF = 0, 1
_TICKS = [Fraction(1, 100), Fraction(1, 4), Fraction(1), Fraction(5), Fraction(25, 2), Fraction(1, 10**8)]
_STEPS = [Fraction(1), Fraction(1, 1000), Fraction(10)]
_PAST_NS, _FUTURE_NS = 0, 4_000_000_000 * 10**9
_ROWS = dict.fromkeys(
    ("market", "stake", "execution", "meter", "tier", "account", "pool", "currency", "position", "spread", "ring",
     "touch", "strategy", "deal", "book"), 1,
)  # fmt: skip


class _Wire:
    """A venue of each protocol, the instruments at both, and a state that holds nothing but orders."""

    def __init__(self) -> None:
        self.instruments = [
            Instrument(
                index=index, id=f"I{index}", venue=_FIX if index < len(_TICKS) else _DIFF,
                symbol=f"S{index}", exchange="SHFE", account=0, currency="USD",
                position_mode=NET if index % 2 else LONG_SHORT, tick=_TICKS[index % len(_TICKS)],
                lot_step=_STEPS[index % len(_STEPS)] if index < len(_TICKS) else Fraction(1),
            )
            for index in range(2 * len(_TICKS))
        ]  # fmt: skip
        self.session = Session(SessionSettings(sender="TANDEM", target="VENUE", initiator=True), MemoryStore())
        fix = [one for one in self.instruments if one.venue == _FIX]
        self.requests = Requests(Listing(fix), "ACC-1")
        self.trading = Trading(_FIX, self.session, Listing(fix), "ACC-1", 0, False, None)
        self.diff = DiffVenue(
            _DIFF, DiffSettings(broker="b", md_url="ws://x", td_url="ws://x", user='tr"ader', password=""),
            [one for one in self.instruments if one.venue == _DIFF], None, lambda: 0,
        )  # fmt: skip
        self.board = Board(2, len(self.instruments))
        self.trading.furnish(self.board, FIX44)
        self.diff.furnish(self.board, DIFF)
        self.state = State(**_ROWS, venue=2, instrument=len(self.instruments), order=16)
        self.state.instrument["venue"] = [one.venue for one in self.instruments]

    def place(self, orders: list[OrderRequest], states: list[int]) -> None:
        """Orders into the table and the scratch row, as a decision leaves them."""
        for slot, (order, state) in enumerate(zip(orders, states, strict=True)):
            row = self.state.order[slot]
            for name in ("order_no", "instrument", "side", "offset", "lots", "limit_ticks", "tif"):
                row[name] = getattr(order, name)
            row["state"] = state
            self.state.scratch["order_slot"][slot] = slot

    def fired(self, count: int, now_ns: int) -> list[tuple[int, bytes, int]]:
        """What gateways of this board are handed: (order number, bytes, the session's number)."""
        heard = []

        class _Ear:
            def put(self, frame: memoryview, number: int) -> int:
                heard.append((bytes(frame), number))
                return WRITTEN

        make_frames(self.state.address, self.board.address, count, now_ns)
        fire(self.state.address, self.board.address)
        told = self.board.fire([_Ear(), _Ear()], lambda: 7)
        assert all(one[3:5] == (WRITTEN, 7) and one[5] == len(said[0]) for one, said in zip(told, heard, strict=True))
        return [(one[1], *said) for one, said in zip(told, heard, strict=True)]

    def twin(self, order: OrderRequest, now_ns: int) -> bytes:
        """The bytes as the slow way makes them."""
        if self.instruments[order.instrument].venue == _DIFF:
            return self.diff.encode_order(order, now_ns)
        body = self.requests.new_order(order, self.session.stamps.text(now_ns))
        return self.session.send(tags.NEW_ORDER, body, now_ns)


WIRE = _Wire()


@st.composite
def _orders(draw) -> OrderRequest:
    number = order_number(draw(st.integers(0, 2**31 - 1)), draw(st.integers(1, 2**32 - 1)))
    return OrderRequest(
        number, client_id(number), draw(st.integers(0, len(WIRE.instruments) - 1)), draw(st.sampled_from((1, -1))),
        draw(st.integers(0, 2)), draw(st.integers(1, 2**40)), draw(st.integers(-(2**53), 2**53)),
        draw(st.sampled_from((IOC, FOK, DAY))),
    )  # fmt: skip


@settings(max_examples=examples(400), deadline=None)
@given(_orders(), st.integers(_PAST_NS, _FUTURE_NS), st.integers(1, 10**12))
def test_an_order_has_the_bytes_that_its_session_would_make(order, now_ns, next_out) -> None:
    WIRE.place([order], [SENT_STATE])
    WIRE.session.store.next_out = next_out
    fix = WIRE.instruments[order.instrument].venue == _FIX
    assert WIRE.fired(1, now_ns) == [(order.order_no, WIRE.twin(order, now_ns), next_out if fix else 0)]


def _order(number: int, instrument: int) -> OrderRequest:
    return OrderRequest(number, client_id(number), instrument, 1, 0, 1, 100)


def test_first_orders_of_all_venues_go_before_second_ones_and_waiting_ones_do_not_go() -> None:
    WIRE.session.store.next_out = 5
    orders = [_order(1, 0), _order(2, 1), _order(3, 2), _order(4, 7), _order(5, 8)]
    WIRE.place(orders, [SENT_STATE, SENT_STATE, CREATED, SENT_STATE, SENT_STATE])
    assert [(number, session) for number, _, session in WIRE.fired(5, 10**18)] == [(1, 5), (4, 0), (2, 6), (5, 0)]


def test_what_was_fired_is_not_fired_again() -> None:
    WIRE.place([_order(1, 0)], [SENT_STATE])
    assert len(WIRE.fired(1, 10**18)) == 1
    assert WIRE.board.fire([], lambda: 0) == []


def test_a_frame_without_a_link_fails_and_spends_no_number() -> None:
    WIRE.session.store.next_out = 9
    assert WIRE.trading.put(memoryview(b"8=FIX.4.4"), 9) == FAILED
    assert WIRE.session.store.next_out == 9


def test_a_contract_that_does_not_fit_gets_its_orders_from_python() -> None:
    board = Board(1, 1)
    assert not fill(board.terms[0], "contract", b"x" * (CONTRACT_BYTES + 1))
    assert board.terms[0]["contract_n"] == 0
    assert fill(board.terms[0], "contract", b"x" * CONTRACT_BYTES)
