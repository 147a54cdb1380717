"""Bodies of what the client asks: orders, cancels and queries from templates, and the questions after a logon.

Source: FIX 4.4 volume 4 (D, F, H), volume 3 (V), volume 5 (AN, BB).
"""

from adapters.fix44.codec import clean
from adapters.fix44.listing import Listing
from engine.frames import LARGEST_UNIT, fill
from engine.instruments import NET
from engine.ports import BUY, DAY, FOK, IOC, OPEN, OrderRequest

SIDES = {BUY: b"1", -BUY: b"2"}
TIFS = {DAY: b"0", IOC: b"3", FOK: b"4"}


class Requests:
    """What does not change of an order's message is made once for each (instrument, side, offset, time in force)."""

    def __init__(self, listing: Listing, account: str) -> None:
        self._listing = listing
        self._account = b"1=%b\x01" % clean(account) if account else b""
        self._orders: dict[tuple[int, int, int, int], bytes] = {}

    def new_order(self, order: OrderRequest, stamp: bytes) -> bytes:
        """NewOrderSingle, a limit order."""
        listed = self._listing.by_index[order.instrument]
        kind = (order.instrument, order.side, order.offset, order.tif)
        fixed = self._orders.get(kind) or self._fix(kind)
        size, price = listed.sizes.text(order.lots), listed.prices.text(order.limit_ticks)
        return b"11=%b\x01%b38=%b\x0144=%b\x0160=%b\x01" % (order.client_id.encode(), fixed, size, price, stamp)

    def cancel(self, order: OrderRequest, cancel_id: str, stamp: bytes) -> bytes:
        """OrderCancelRequest."""
        ids = b"41=%b\x0111=%b\x01" % (order.client_id.encode(), cancel_id.encode())
        size = self._listing.by_index[order.instrument].sizes.text(order.lots)
        return b"%b%b38=%b\x0160=%b\x01" % (ids, self._contract(order), size, stamp)

    def query(self, order: OrderRequest, query_id: str) -> bytes:
        """OrderStatusRequest, by client id."""
        return b"11=%b\x01790=%b\x01%b" % (order.client_id.encode(), query_id.encode(), self._contract(order))

    def _contract(self, order: OrderRequest) -> bytes:
        symbol = self._listing.by_index[order.instrument].symbol
        return b"%b55=%b\x0154=%b\x01" % (self._account, symbol, SIDES[order.side])

    def furnish(self, terms) -> None:
        """The rows of `engine.frames.TERMS` of this venue's contracts. One whose steps could leave 64 bits has none."""
        for index, listed in self._listing.by_index.items():
            row = terms[index]
            row["price_unit"], row["price_digits"] = listed.prices.scale
            row["size_unit"], row["size_digits"] = listed.sizes.scale
            row["net"] = listed.instrument.position_mode == NET
            if max(row["price_unit"], row["size_unit"]) <= LARGEST_UNIT:
                fill(row, "contract", b"%b55=%b\x01" % (self._account, listed.symbol))

    def _fix(self, kind: tuple[int, int, int, int]) -> bytes:
        instrument, side, offset, tif = kind
        listed = self._listing.by_index[instrument]
        effect = b"" if listed.instrument.position_mode == NET else b"77=%b\x01" % (b"O" if offset == OPEN else b"C")
        contract = b"%b55=%b\x0154=%b\x01" % (self._account, listed.symbol, SIDES[side])
        self._orders[kind] = b"%b40=2\x0159=%b\x01%b" % (contract, TIFS[tif], effect)
        return self._orders[kind]

    def positions(self, request_id: bytes, stamp: bytes) -> bytes:
        """RequestForPositions: all of them."""
        fields = (request_id, self._account, stamp[:8], stamp)
        return b"710=%b\x01724=0\x01%b581=1\x01453=0\x01715=%b\x0160=%b\x01" % fields

    def account(self, request_id: bytes) -> bytes:
        """CollateralInquiry."""
        return b"909=%b\x01263=0\x01%b" % (request_id, self._account)


def market_data(request_id: bytes, symbol: bytes, subscribe: bool, incremental: bool) -> bytes:
    """MarketDataRequest for one symbol, top of book, bid and offer; not subscribe: one snapshot."""
    kind = b"1\x01264=1\x01265=%d" % incremental if subscribe else b"0\x01264=1"
    return b"262=%b\x01263=%b\x01267=2\x01269=0\x01269=1\x01146=1\x0155=%b\x01" % (request_id, kind, symbol)
