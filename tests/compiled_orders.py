"""Orders of one client whose bytes the compiled half makes, and sends where the client lets it."""

from desk.order_frames import DIFF, FIX44, fire, make_frames
from engine.clock import now_ns
from engine.frames import CLOSED, Board
from engine.ports import FastGateway, OrderRequest
from engine.schema import SENT_STATE
from engine.state import State

_ROWS = dict.fromkeys(
    ("market", "stake", "execution", "meter", "tier", "account", "pool", "currency", "book", "position", "spread",
     "ring", "touch", "strategy", "deal"), 1,
)  # fmt: skip
_VENUES, _INSTRUMENTS = 4, 8


class CompiledOrders:
    """compiled: how many orders left without a line of Python."""

    def __init__(self, client: FastGateway, venue: int):
        self._client, self._venue = client, venue
        self._board = Board(_VENUES, _INSTRUMENTS)
        self._state = State(**_ROWS, venue=_VENUES, instrument=_INSTRUMENTS, order=16)
        self._state.instrument["venue"] = venue
        client.furnish(self._board, FIX44 if "fix44" in type(client).__module__ else DIFF)
        self.compiled = 0

    @property
    def open(self) -> bool:
        """Compiled code may send by itself now."""
        return bool(self._board.encoder[self._venue]["fd"] != CLOSED)

    def place(self, order: OrderRequest) -> int:
        """Make, send and note an order, as the engine does."""
        row = self._state.order[0]
        for name in ("order_no", "instrument", "side", "offset", "lots", "limit_ticks", "tif"):
            row[name] = getattr(order, name)
        row["state"] = SENT_STATE
        self._state.scratch["order_slot"][0] = 0
        make_frames(self._state.address, self._board.address, 1, now_ns())
        fire(self._state.address, self._board.address)
        self.compiled += self.open
        ((_, order_no, number, status, _, _),) = self._board.fire([self._client] * _VENUES, now_ns)
        assert order_no == order.order_no
        self._client.noted(order, number, status, now_ns())
        return status


