"""The client's market data: snapshots (35=W) and increments (35=X) into best quotes.

Source: FIX 4.4 volume 3. RptSeq (83), where the venue sends it, numbers the updates of one symbol.
"""

from collections.abc import Callable

from adapters.fix44 import tags
from adapters.fix44.codec import FieldError, Message, get, groups, need, text
from adapters.fix44.lane import RESTART, Lane, Top
from adapters.fix44.link import Link
from adapters.fix44.requests import market_data
from engine.ports import CONNECTED, DOWN, MARKET_DATA, QUOTE_CLOSED, QUOTE_GAP, READY, Inputs

BID, ASK = b"0", b"1"
_REMOVE = b"2"


class MarketData:
    """Owner of the market data session's link."""

    def __init__(self, venue: int, lane: Lane, incremental: bool, inputs: Inputs) -> None:
        self._venue = venue
        self._incremental = incremental
        self._inputs = inputs
        self._tops = lane.tops
        self._lane = lane
        self._requests = 0
        self._kinds: dict[bytes, Callable[[Link, Message, int], None]] = {
            tags.MD_SNAPSHOT: self._snapshot,
            tags.MD_INCREMENT: self._increment,
            tags.MD_REQUEST_REJECT: self._refused,
            tags.REJECT: self._refused,
            tags.BUSINESS_REJECT: self._refused,
        }

    # Link

    def on_logged_on(self, link: Link, recv_ns: int) -> None:
        self._inputs.on_link(self._venue, MARKET_DATA, CONNECTED, recv_ns, "logged on")
        for symbol, top in self._tops.items():
            top.forget()
            self._ask(link, symbol, subscribe=True)
        self._inputs.on_link(self._venue, MARKET_DATA, READY, recv_ns, "subscribed")

    def on_message(self, link: Link, message: Message, recv_ns: int) -> None:
        handle = self._kinds.get(message.type)
        if handle is None:
            self.on_bad(link, f"market data: 35={text(message.type)} is not expected here", message.raw, recv_ns)
            return
        if message.poss_dup and message.type != tags.MD_REQUEST_REJECT:
            return  # a price sent again is an old price; the gap that it fills ends in a Doubt, so in snapshots
        try:
            handle(link, message, recv_ns)
        except FieldError as error:
            link.reject(message, error)
            self._lost(link, message, str(error), recv_ns)
        except ValueError as error:
            self._lost(link, message, str(error), recv_ns)

    def on_lane(self, recv_ns: int, waiting: int | None) -> None:
        """The lane's buffer holds what was just read. waiting: what a poll has made of it already."""
        self._inputs.on_stream(self._lane.address, recv_ns, waiting)

    def on_doubt(self, link: Link, why: str, recv_ns: int) -> None:
        """Updates may be missing, of any symbol: ask for all of them, and trust none before."""
        self.on_bad(link, f"market data: {why}; asking for snapshots", b"", recv_ns)
        for symbol, top in self._tops.items():
            self._break(link, symbol, top)

    def on_bad(self, link: Link, what: str, raw: bytes, recv_ns: int) -> None:
        self._inputs.on_bad_input(self._venue, what, raw, recv_ns)

    def on_heard(self, link: Link, recv_ns: int) -> None:
        self._inputs.on_heard(self._venue, MARKET_DATA, recv_ns)

    def on_down(self, link: Link | None, why: str, now_ns: int) -> None:
        self._inputs.on_link(self._venue, MARKET_DATA, DOWN, now_ns, why)

    # Messages

    def _snapshot(self, link: Link, message: Message, recv_ns: int) -> None:
        raw = message.raw
        top = self._top(need(raw, tags.SYMBOL))
        jumped = self._count(top, get(raw, tags.RPT_SEQ))
        self._replace(top, raw)
        top.broken = 0
        closed = QUOTE_CLOSED if tags.QUOTE_CONDITION + b"B\x01" in raw else 0
        self._tell(link, top, raw, recv_ns, closed | (QUOTE_GAP if jumped else 0))

    def _replace(self, top: Top, raw: bytes) -> None:
        """Both sides anew, from the first level of the book; a side that is not in it is gone."""
        entries = raw.split(tags.ENTRY_TYPE)
        if get(raw, tags.ENTRY_COUNT) != b"%d" % (len(entries) - 1):
            groups(raw, tags.ENTRY_COUNT, tags.ENTRY_TYPE)  # says what is wrong, if anything is
        top.bid_lots = top.ask_lots = top.bid_ticks = top.ask_ticks = 0
        for entry in entries[1:]:
            side = entry[: entry.find(tags.SOH)]
            if side in (BID, ASK) and _first_level(entry):
                _put(top, side, entry)

    def _increment(self, link: Link, message: Message, recv_ns: int) -> None:
        raw = message.raw
        touched: dict[Top, int] = {}
        symbol = get(raw[: raw.find(tags.ENTRY_COUNT) + 1], tags.SYMBOL)
        numbered = get(raw[: raw.find(tags.ENTRY_COUNT) + 1], tags.RPT_SEQ)
        for entry in groups(raw, tags.ENTRY_COUNT, tags.UPDATE_ACTION):
            symbol = get(entry, tags.SYMBOL) or symbol
            if symbol is None:
                raise FieldError(55, tags.TAG_MISSING, "required tag 55 is missing")
            top = self._top(symbol)
            if self._count(top, get(entry, tags.RPT_SEQ) or numbered):
                self._break(link, symbol, top)
            self._apply(top, entry)
            touched[top] = QUOTE_GAP if top.broken else 0
        for top, flags in touched.items():
            self._tell(link, top, raw, recv_ns, flags)

    def _apply(self, top: Top, entry: bytes) -> None:
        side = need(entry, tags.ENTRY_TYPE)
        if side not in (BID, ASK) or not _first_level(entry):
            return
        if need(entry, tags.UPDATE_ACTION) == _REMOVE:
            _set(top, side, 0, 0)
        else:
            _put(top, side, entry)

    def _refused(self, link: Link, message: Message, recv_ns: int) -> None:
        raw = message.raw
        names = (tags.REQUEST_ID, tags.REF_TAG, tags.MD_REJECT, tags.REJECT_REASON, tags.BUSINESS_REASON, tags.TEXT)
        said = ", ".join(f"{int(key[1:-1])}={text(get(raw, key))}" for key in names if get(raw, key))
        self.on_bad(link, f"market data: the venue refused our request: {said}", raw, recv_ns)

    # Quotes

    def _top(self, symbol: bytes) -> Top:
        top = self._tops.get(symbol)
        if top is None:
            raise ValueError(f"market data: {text(symbol)!r} was not subscribed")
        return top

    def _count(self, top: Top, rpt_seq: bytes | None) -> bool:
        """Take the update's number; whether the one before it is missing."""
        if not rpt_seq:
            return False
        if not rpt_seq.isdigit() or len(rpt_seq) > 18:
            raise FieldError(83, tags.FORMAT_INCORRECT, f"tag 83: {text(rpt_seq)!r} is not a whole number")
        before, top.seq = top.seq, int(rpt_seq)
        return before != 0 and top.seq not in (before, before + 1)

    def _tell(self, link: Link, top: Top, raw: bytes, recv_ns: int, flags: int) -> None:
        stamp = get(raw, tags.TRANSACT_TIME) or need(raw, tags.SENT_AT)
        venue_ns = link.session.stamps.ns(stamp)
        number = top.number(bool(flags & QUOTE_GAP))
        self._inputs.on_quote(
            top.index, top.bid_ticks, top.bid_lots, top.ask_ticks, top.ask_lots, venue_ns, recv_ns, number, flags
        )

    def _lost(self, link: Link, message: Message, why: str, recv_ns: int) -> None:
        """An update that was not understood: its symbols have no price until the next snapshot."""
        self.on_bad(link, f"market data: {why}", message.raw, recv_ns)
        for symbol, top in self._tops.items():
            if tags.SYMBOL + symbol + tags.SOH in message.raw:
                top.bid_ticks = top.bid_lots = top.ask_ticks = top.ask_lots = 0
                self._break(link, symbol, top)
                top.told = RESTART
                self._inputs.on_quote(top.index, 0, 0, 0, 0, 0, recv_ns, top.number(True), QUOTE_GAP)

    def _break(self, link: Link, symbol: bytes, top: Top) -> None:
        """Increments alone cannot be trusted any more: one snapshot is asked for, however many updates are missing."""
        if not top.broken:
            top.broken = 1
            self._ask(link, symbol, subscribe=False)

    def _ask(self, link: Link, symbol: bytes, subscribe: bool) -> None:
        self._requests += 1
        link.send(tags.MD_REQUEST, market_data(b"MD%d" % self._requests, symbol, subscribe, self._incremental))


def _first_level(entry: bytes) -> bool:
    """Whether an entry is the best of its side (MDEntryPositionNo, absent or 1)."""
    return tags.POSITION_NO not in entry or get(entry, tags.POSITION_NO) == b"1"


def _set(top: Top, side: bytes, ticks: int, lots: int) -> None:
    if side == BID:
        top.bid_ticks, top.bid_lots = ticks, lots
    else:
        top.ask_ticks, top.ask_lots = ticks, lots


def _put(top: Top, side: bytes, entry: bytes) -> None:
    """An entry's price and size. FieldError without them; ValueError off the tick or for no such number."""
    price = top.listed.prices.exact(get(entry, tags.ENTRY_PRICE) or need(entry, tags.ENTRY_PRICE))
    lots = top.listed.sizes.floor(get(entry, tags.ENTRY_SIZE) or need(entry, tags.ENTRY_SIZE))
    if lots < 0:
        raise ValueError(f"tag 271: {top.listed.instrument.id} size: expected 0 or more, got {lots} lots")
    _set(top, side, price, lots)
