"""DiffVenue against DiffServer over a real socket: login, quotes, orders, faults, reconnects."""

import socket

import pytest

from engine.clock import now_ns
from engine.ids import client_id, order_number
from engine.ports import (
    BUY,
    CONNECTED,
    DAY,
    DOWN,
    FAILED,
    FOK,
    IOC,
    MARKET_DATA,
    QUOTE_LIMIT_DOWN,
    QUOTE_LIMIT_UP,
    READY,
    SELL,
    TRADING,
    WRITTEN,
    OrderRequest,
)
from tests.diff_helpers import AG, AU, World, play, request


def test_login_takes_the_snapshot_and_then_is_ready() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        trading = [state for channel, state, _ in here.heard.links if channel == TRADING]
        assert trading == [CONNECTED, READY]
        assert {report.instrument for report in here.heard.positions} == {AU.index, AG.index}
        assert [(a.account, a.balance_micros) for a in here.heard.accounts] == [(1, 10**12)]
        ready_at = here.heard.all.index((TRADING, READY, ""))
        assert all(here.heard.all.index(told) < ready_at for told in here.heard.positions + here.heard.accounts)
        assert here.heard.bad == []

    play(scenario)


def test_a_refused_login_leaves_trading_down_and_says_why() -> None:
    async def scenario(here: World) -> None:
        await here.heard.until(lambda: here.heard.count(TRADING, DOWN) > 0)
        await here.heard.until(lambda: here.heard.count(MARKET_DATA, READY) > 0)
        assert [link for link in here.heard.links if link[0] == TRADING] == [
            (TRADING, DOWN, "login refused: login failed: unknown user or wrong password")
        ]
        assert here.place(request(1)) == FAILED

    play(scenario, password="wrong")


def test_a_refused_login_is_tried_again_where_the_settings_say_so() -> None:
    async def scenario(here: World) -> None:
        logins: list[object] = []
        served = here.server.request

        def count(session: object, message: dict) -> None:
            if message["aid"] == "req_login":
                logins.append(message)
                here.heard.news.set()
            served(session, message)

        here.server.request = count
        await here.heard.until(lambda: len(logins) >= 2)

    play(scenario, password="wrong", login_retry_ms=1)


def test_quotes_come_in_ticks_with_the_venue_time_and_only_for_the_changed() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        before = len(here.heard.quotes)
        here.server.publish("SHFE.au2702", AU.ticks("623.48"), 3, AU.ticks("623.52"), 4, 1_795_000_000_500_000_000, 0)
        await here.heard.until(lambda: len(here.heard.quotes) > before)
        (quote,) = here.heard.quotes[before:]
        assert (quote.instrument, quote.bid_ticks, quote.bid_lots) == (AU.index, 31174, 3)
        assert (quote.ask_ticks, quote.ask_lots, quote.venue_seq, quote.flags) == (31176, 4, 0, 0)
        assert quote.venue_ns == 1_795_000_000_500_000_000
        assert 0 < quote.recv_ns <= now_ns()

    play(scenario)


@pytest.mark.parametrize(
    ("bid_lots", "ask_lots", "flag"), [(9, 0, QUOTE_LIMIT_UP), (0, 9, QUOTE_LIMIT_DOWN)], ids=["up", "down"]
)
def test_a_locked_limit_is_flagged(bid_lots: int, ask_lots: int, flag: int) -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        here.match.quote("SHFE.au2702", "640.00", bid_lots, "640.00", ask_lots, flag)
        await here.heard.until(lambda: bool(here.heard.quotes) and here.heard.quotes[-1].flags == flag)
        quote = here.heard.quotes[-1]
        assert (quote.bid_lots, quote.ask_lots) == (bid_lots, ask_lots)

    play(scenario)


def test_a_fill_is_acknowledged_traded_and_done_and_moves_the_position() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 5)
        order = request(1)
        assert here.place(order) == WRITTEN
        await here.heard.until(lambda: here.heard.events(order)[-1:] == ["DONE"])
        assert [e for e in here.heard.events(order) if e != "ACK"] == ["TRADE", "DONE"]
        trade, done = here.heard.reports[-2:]
        assert (trade.last_lots, trade.last_ticks, trade.trade_id, trade.side) == (2, 31000, "T1", BUY)
        assert (done.cum_lots, done.leaves_lots, done.total_lots) == (2, 0, 2)
        await here.heard.until(lambda: here.heard.positions[-1].long_today == 2)
        await here.heard.until(lambda: here.heard.accounts[-1].margin_micros == 2 * 50_000_000_000)

    play(scenario)


def test_the_rest_of_an_ioc_is_cancelled_with_the_cumulative_quantity() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 3)
        order = request(1, lots=10)
        here.place(order)
        await here.heard.until(lambda: here.heard.events(order)[-1:] == ["CANCELLED"])
        last = here.heard.reports[-1]
        assert (last.cum_lots, last.total_lots, last.leaves_lots) == (3, 10, 0)
        assert sum(report.last_lots for report in here.heard.reports) == 3

    play(scenario)


def test_a_resting_order_is_cancelled_on_request() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        order = request(1, side=SELL, limit="700.00", tif=DAY)
        here.place(order)
        await here.heard.until(lambda: here.heard.events(order) == ["ACK"])
        assert here.cancel(order) == WRITTEN
        await here.heard.until(lambda: here.heard.events(order) == ["ACK", "CANCELLED"])
        assert here.heard.reports[-1].cum_lots == 0

    play(scenario)


@pytest.mark.parametrize("order", [request(1, lots=101), request(1, tif=FOK, lots=101)], ids=["ioc", "fok"])
def test_a_refused_order_is_rejected_with_the_venues_words(order: OrderRequest) -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        here.place(order)
        await here.heard.until(lambda: here.heard.events(order) == ["REJECTED"])
        assert here.heard.reports[-1].reason == "more than 100 lots"

    play(scenario)


def test_a_cancel_of_an_unknown_order_changes_nothing() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        heard = here.heard.heard[TRADING]
        here.cancel(request(99))
        await here.heard.until(lambda: here.heard.heard[TRADING] > heard)
        assert here.heard.reports == [] and here.heard.bad == []
        assert here.heard.count(TRADING, DOWN) == 0

    play(scenario)


def test_the_next_peek_follows_the_order_that_a_frame_caused() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        order = request(1)
        writes: list[bytes] = []
        for stream in (here.venue._market, here.venue._trading):
            write = stream.link.write
            stream.link.write = lambda frame, write=write: (writes.append(frame), write(frame))[1]
        here.heard.on_each_quote = lambda quote: here.place(order) if order.client_id not in here.match.seen else 0
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 5)
        await here.heard.until(lambda: "DONE" in here.heard.events(order))
        assert b"insert_order" in writes[0] and b"peek_message" in writes[1]

    play(scenario)


def test_orders_leave_without_delay_and_whole() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        transport = here.venue._trading.link._transport.underlying_transport
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert here.place(request(1)) == WRITTEN
        assert transport.get_write_buffer_size() == 0

    play(scenario)


def test_an_order_that_the_venue_cannot_read_is_rejected_and_an_id_is_taken_once() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        frame = here.venue.encode_order(request(1), now_ns())
        here.venue.write(frame.replace(b"620.00", b"620.01"))
        await here.heard.until(lambda: here.heard.events() == ["REJECTED"])
        assert "multiple" in here.heard.reports[-1].reason
        heard = here.heard.heard[TRADING]
        here.venue.write(frame)
        await here.heard.until(lambda: here.heard.heard[TRADING] > heard)
        assert here.match.seen == []

    play(scenario)


def test_the_frames_say_what_the_protocol_asks() -> None:
    async def scenario(here: World) -> None:
        order = OrderRequest(9, client_id(order_number(1, 9)), AU.index, SELL, 2, 3, AU.ticks("623.40"), FOK)
        assert here.venue.encode_order(order, 0).decode() == (
            '{"aid":"insert_order","user_id":"trader","exchange_id":"SHFE","instrument_id":"au2702",'
            '"order_id":"TD0000000100000009","direction":"SELL","offset":"CLOSETODAY","volume":3,'
            '"price_type":"LIMIT","limit_price":623.40,"time_condition":"IOC","volume_condition":"ALL"}'
        )
        assert here.venue.encode_cancel(order, "X", 0).decode() == (
            '{"aid":"cancel_order","user_id":"trader","order_id":"TD0000000100000009"}'
        )
        assert here.venue.encode_query(order, "Q", 0) == b""
        assert order.tif != IOC

    play(scenario)
