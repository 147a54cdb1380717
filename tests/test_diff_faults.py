"""DiffVenue against DiffServer when the wire fails: reconnects, queries, faults, silence."""

import pytest
from picows import WSMsgType

from adapters.diff.server import DiffServer
from engine.clock import now_ns
from engine.ports import (
    DAY,
    DOWN,
    FAILED,
    MARKET_DATA,
    READY,
    TRADING,
    WRITTEN,
    Event,
)
from tests.diff_helpers import CONTRACTS, PASSWORD, USER, World, play, request


def test_a_reconnect_tells_the_day_again_and_only_then_is_ready() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 3)
        order = request(1, lots=10)
        here.place(order)
        await here.heard.until(lambda: here.heard.events(order)[-1:] == ["CANCELLED"])
        told = len(here.heard.all)
        here.server.inject("disconnect")
        await here.heard.ready(2)
        again = [Event.NAMES[report.event] for report in here.heard.all[told:] if hasattr(report, "order_no")]
        assert again == ["TRADE", "CANCELLED"]
        assert here.heard.all[told:].index((TRADING, READY, "")) > here.heard.all[told:].index(here.heard.reports[-1])
        assert here.heard.quotes[-1].ask_lots == 3

    play(scenario)


def test_a_query_after_a_reconnect_tells_a_missing_order_from_a_finished_one() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 5)
        done, lost, resting = request(1), request(2), request(3, limit="500.00", tif=DAY)
        here.place(done)
        here.place(resting)
        await here.heard.until(lambda: "DONE" in here.heard.events(done) and "ACK" in here.heard.events(resting))
        here.server.inject("disconnect")
        await here.heard.ready(2)
        told = len(here.heard.reports)
        for order in (lost, done, resting):
            assert here.ask(order) == WRITTEN
        assert len(here.heard.reports) == told, "a query is never answered in its own call"
        await here.heard.until(lambda: len(here.heard.reports) == told + 3)
        answers = [(Event.NAMES[r.event], r.order_no) for r in here.heard.reports[told:]]
        assert answers == [("UNKNOWN_ORDER", lost.order_no), ("DONE", done.order_no), ("STATUS", resting.order_no)]
        assert here.heard.reports[-1].leaves_lots == 2

    play(scenario)


def test_a_query_for_an_order_just_sent_stays_silent_and_in_the_end_takes_a_fresh_snapshot() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        served = here.server.request
        here.server.request = lambda session, message: None  # the gateway swallows it
        order = request(1)
        here.place(order)
        here.ask(order)
        heard = here.heard.heard[MARKET_DATA]
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 5)
        await here.heard.until(lambda: here.heard.heard[MARKET_DATA] > heard)
        assert here.heard.reports == [] and here.heard.count(TRADING, DOWN) == 0
        here.server.request = served
        late_ns = now_ns() + 10_000_000_000
        here.venue.write(here.venue.encode_query(order, "", late_ns))
        await here.heard.ready(1)
        await here.heard.until(lambda: here.heard.count(TRADING, READY) == 2)
        here.ask(order)
        await here.heard.until(lambda: here.heard.events(order) == ["UNKNOWN_ORDER"])

    play(scenario)


def test_a_write_while_down_fails_and_leaves_no_byte() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        await here.server.stop()
        await here.heard.until(lambda: here.heard.count(TRADING, DOWN) > 0)
        assert here.place(request(1)) == FAILED
        assert here.ask(request(1)) == FAILED
        assert here.match.seen == []

    play(scenario)


@pytest.mark.parametrize("fault", ["garbage", "wrong_type", "disconnect", "silence"])
def test_the_engine_goes_on_after_a_fault_on_the_wire(fault: str) -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        here.server.inject(fault)
        channels = (MARKET_DATA,) if fault == "wrong_type" else (MARKET_DATA, TRADING)
        await here.heard.until(lambda: all(here.heard.count(channel, READY) == 2 for channel in channels))
        if fault == "wrong_type":
            assert here.heard.bad == ["data[0]: quotes.SHFE.au2702.bid_price1: expected a number, got 'many'"]
            assert here.heard.count(TRADING, DOWN) == 0
        else:
            assert len(here.heard.bad) == (2 if fault == "garbage" else 0)
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 5)
        order = request(1)
        here.place(order)
        await here.heard.until(lambda: "DONE" in here.heard.events(order))
        await here.heard.until(lambda: here.heard.quotes[-1].ask_ticks == 31000)

    play(scenario, heartbeat_ms=20, silence_ms=100)


def test_a_venue_that_comes_back_is_found_again() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        await here.server.stop()
        await here.heard.until(lambda: any("cannot connect" in why for _, _, why in here.heard.links))
        here.match.server = here.server = DiffServer(CONTRACTS, "127.0.0.1", here.port, {USER: PASSWORD}, now_ns)
        await here.server.start(here.match)
        try:
            await here.heard.ready(2)
            await here.venue.stop()
        finally:
            await here.server.stop()

    play(scenario)


def test_nothing_is_told_after_stop() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        await here.venue.stop()
        told = len(here.heard.all)
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 5)
        await here.server.stop()
        assert len(here.heard.all) == told
        assert here.place(request(1)) == FAILED

    play(scenario)


def test_a_frame_in_fragments_is_put_together() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        frame = b'{"aid":"rtn_data","data":[{"quotes":{"SHFE.au2702":{"bid_price1":620.0,"bid_volume1":7}}}]}'
        (session,) = (session for session in here.server._sessions if session.channel == MARKET_DATA)
        session._transport.send(WSMsgType.TEXT, frame[:30], fin=False)
        session._transport.send(WSMsgType.CONTINUATION, frame[30:60], fin=False)
        session._transport.send(WSMsgType.CONTINUATION, frame[60:])
        await here.heard.until(lambda: bool(here.heard.quotes) and here.heard.quotes[-1].bid_lots == 7)
        assert here.heard.bad == []

    play(scenario)


def test_an_error_in_the_engine_costs_the_connection_and_not_the_process() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        failures = [RuntimeError("a strategy raised")]

        def fail_once(quote: object) -> None:
            if failures:
                raise failures.pop()

        here.heard.on_each_quote = fail_once
        here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 5)
        await here.heard.until(lambda: here.heard.count(MARKET_DATA, READY) == 2)
        assert any("a strategy raised" in why for _, _, why in here.heard.links)
        assert here.heard.count(TRADING, DOWN) == 0

    play(scenario)


def test_an_unknown_fault_is_refused() -> None:
    server = DiffServer(CONTRACTS, "127.0.0.1", 0, {}, now_ns)
    with pytest.raises(ValueError, match="bad_checksum"):
        server.inject("bad_checksum")


def test_a_quiet_link_is_kept_alive_by_pings() -> None:
    async def scenario(here: World) -> None:
        await here.heard.ready()
        before = dict(here.heard.heard)
        await here.heard.until(lambda: all(here.heard.heard[c] >= before[c] + 3 for c in before))
        assert here.heard.count(TRADING, DOWN) == 0

    play(scenario, heartbeat_ms=10, silence_ms=5_000)
