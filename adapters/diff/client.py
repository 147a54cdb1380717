"""DiffVenue: a Chinese futures account and its quotes over DIFF, as the engine's Adapter."""

import asyncio
from collections.abc import Callable, Iterable
from functools import lru_cache, partial

import orjson

from adapters.diff.market import PRICES_KEPT, MarketData
from adapters.diff.settings import DiffSettings
from adapters.diff.trading import Trading
from engine.frames import LARGEST_UNIT, Board, fill
from engine.instruments import Instrument, step_scale
from engine.ports import BUY, DAY, DOWN, FAILED, FOK, IOC, OFFSETS, WRITTEN, Inputs, OrderRequest

# What this protocol can and cannot do, for whoever builds on it.
CAPABILITIES = {
    "numbered quotes": "no: staleness is the link's silence and the contract's own quote age",
    "quote rate": "best quotes at most each 500 ms; a slow client gets them merged",
    "query by client id": "by the login snapshot only; an order of this connection that is missing forces a new one",
    "cancel refusal": "a text for people without an order id; ask for the order's state instead",
    "repeated reports": "no, the tree holds a trade once; after a reconnect the day is told again, under the same ids",
    "quote flags": "limit up, limit down; there is no field for another",
    "compiled sends": "no: the text is compiled, the WebSocket frame is the library's",
    "on disconnect": "orders stay working",
}

_TERMS = {
    IOC: '"time_condition":"IOC","volume_condition":"ANY"',
    FOK: '"time_condition":"IOC","volume_condition":"ALL"',
    DAY: '"time_condition":"GFD","volume_condition":"ANY"',
}


class DiffVenue:
    """One account at a DIFF gateway (快期, open-trade-gateway): a WebSocket for quotes, one for trading.

    instruments: those of this venue; ValueError where one has no exchange code or a lot step other than 1. clock:
    ns since the epoch. Not re-entrant: `write(b"")`, the query, is answered in a later turn of the loop.
    """

    def __init__(
        self, venue: int, settings: DiffSettings, instruments: list[Instrument], inputs: Inputs,
        clock: Callable[[], int],
    ) -> None:  # fmt: skip
        contracts = contracts_of(instruments)
        self._market = MarketData(venue, settings, contracts, inputs, clock)
        self._trading = Trading(venue, settings, contracts, inputs, clock)
        self._venue = venue
        self._instruments = {instrument.index: instrument for instrument in instruments}
        user = orjson.dumps(settings.user).decode()
        self._heads = {
            instrument.index: _order_head(user, symbol, instrument) for symbol, instrument in contracts.items()
        }
        self._cancel_head = f'{{"aid":"cancel_order","user_id":{user},"order_id":"'
        self._asked: tuple[OrderRequest, int] | None = None

    async def start(self) -> None:
        await self._market.link.start()
        await self._trading.link.start()

    async def stop(self) -> None:
        """DIFF has no logout: both sockets are closed."""
        await asyncio.gather(self._market.link.stop(), self._trading.link.stop())

    def sample(self) -> None:
        """None: its quotes do not come through a lane."""

    def hot(self) -> list:
        """None: the event loop owns the WebSockets."""
        return []

    def encode_order(self, order: OrderRequest, now_ns: int) -> bytes:
        """insert_order: a limit order, its client id as order_id. KeyError for an instrument of another venue."""
        head, price_text = self._heads[order.instrument]
        self._trading.sent[order.client_id] = now_ns
        return (
            f'{head}{order.client_id}","direction":"{"BUY" if order.side == BUY else "SELL"}",'
            f'"offset":"{OFFSETS[order.offset]}","volume":{order.lots},"price_type":"LIMIT",'
            f'"limit_price":{price_text(order.limit_ticks)},{_TERMS[order.tif]}}}'
        ).encode()

    def furnish(self, board: Board, protocol: int) -> None:
        """What the compiled encoder needs of each contract."""
        for index, (head, _) in self._heads.items():
            row = board.terms[index]
            row["price_unit"], row["price_digits"] = step_scale(self._instruments[index].tick)
            if row["price_unit"] <= LARGEST_UNIT:
                fill(row, "contract", head.encode())
        board.encoder[self._venue]["protocol"] = protocol

    def put(self, frame: memoryview, number: int) -> int:
        return self._trading.link.write(frame)

    def noted(self, order: OrderRequest, number: int, status: int, now_ns: int) -> None:
        """After `put`."""
        self._trading.sent[order.client_id] = now_ns

    def encode_cancel(self, order: OrderRequest, cancel_id: str, now_ns: int) -> bytes:
        """cancel_order, by the order's own id: DIFF gives a cancel no id."""
        return f'{self._cancel_head}{order.client_id}"}}'.encode()

    def encode_query(self, order: OrderRequest, query_id: str, now_ns: int) -> bytes:
        """Empty: DIFF has no query, the tree is the state. `write` of it brings the answer, if the tree has one."""
        self._asked = (order, now_ns)
        return b""

    def write(self, frame: bytes) -> int:
        if frame:
            return self._trading.link.write(frame)
        asked, self._asked = self._asked, None
        if asked is None or self._trading.state == DOWN:
            return FAILED
        self._soon(partial(self._trading.answer, *asked, self._trading.connection))
        return WRITTEN

    def _soon(self, call: Callable[[], None]) -> None:
        """In a later turn."""
        asyncio.get_running_loop().call_soon(call)


def contracts_of(instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    """DIFF symbol ("SHFE.au2702") -> instrument; the exchange code may stand in the symbol or beside it."""
    contracts = {}
    for instrument in instruments:
        symbol = instrument.symbol if "." in instrument.symbol else f"{instrument.exchange}.{instrument.symbol}"
        if symbol.startswith("."):
            raise ValueError(f"{instrument.id}: expected an exchange code, DIFF names a contract SHFE.au2702")
        if instrument.lot_step != 1:
            raise ValueError(f"{instrument.id}: expected lot step 1, DIFF counts whole lots; got {instrument.lot_step}")
        contracts[symbol] = instrument
    return contracts


def _order_head(user: str, symbol: str, instrument: Instrument) -> tuple[str, Callable[[int], str]]:
    """What all orders of a contract share: the frame up to the order id, and the way to a price text."""
    exchange, _, name = symbol.partition(".")
    head = f'{{"aid":"insert_order","user_id":{user},"exchange_id":"{exchange}","instrument_id":"{name}","order_id":"'
    return head, lru_cache(PRICES_KEPT)(instrument.price_text)
