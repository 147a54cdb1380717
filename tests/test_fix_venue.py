"""FixVenue against FixServer over loopback: quotes, orders, faults on the wire, reconnects."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from adapters.fix44.client import FixVenue
from adapters.fix44.server import FixServer
from adapters.fix44.settings import FixSettings
from engine.clock import now_ns
from engine.ids import client_id
from engine.ports import (
    CONNECTED,
    DAY,
    DOWN,
    FAILED,
    MARKET_DATA,
    QUOTE_CLOSED,
    QUOTE_GAP,
    READY,
    SELL,
    TRADING,
    WRITTEN,
    Event,
)
from tests.fix_fakes import INSTRUMENTS, Recorder, SmallVenue, order, run


class World:
    """A server with its matching, and one client."""

    def __init__(self, **overrides) -> None:
        self.entry = SmallVenue()
        contracts = {instrument.symbol: instrument for instrument in INSTRUMENTS}
        self.server = FixServer("VENUE", contracts, "127.0.0.1", 0, 0, now_ns)
        self.entry.server = self.server
        self.inputs = Recorder()
        self.overrides = overrides

    async def open(self) -> None:
        await self.server.start(self.entry)
        settings = {
            "sender_comp_id": "TANDEM", "target_comp_id": "VENUE", "host": "127.0.0.1", "heartbeat_s": 1,
            "md_port": self.server.md_port, "order_port": self.server.order_port, "reconnect_min_ms": 1,
        } | self.overrides  # fmt: skip
        self.venue = FixVenue(0, FixSettings(**settings), INSTRUMENTS, self.inputs, now_ns)
        await self.venue.start()

    async def ready(self, times: int = 1) -> None:
        for channel in (MARKET_DATA, TRADING):
            await self.inputs.until(lambda at=channel: self.inputs.states(at).count(READY) >= times)

    def send(self, request) -> int:
        return self.venue.write(self.venue.encode_order(request, now_ns()))

    def publish(self, bid_ticks: int, flags: int = 0) -> None:
        self.server.publish("CA", bid_ticks, 7, bid_ticks + 1, 9, now_ns(), flags)


@asynccontextmanager
async def world(**overrides):
    here = World(**overrides)
    await here.open()
    try:
        yield here
    finally:
        await here.venue.stop()
        await here.server.stop()


def scenario(work, **overrides) -> None:
    async def main() -> None:
        async with world(**overrides) as here:
            await here.ready()
            await work(here)

    run(main())


def test_ready_only_after_positions_and_account():
    async def work(here: World) -> None:
        assert here.inputs.states(TRADING) == [CONNECTED, READY]
        copper = here.inputs.positions[0]
        assert (copper.instrument, copper.long_today, copper.short_yesterday) == (0, 5, 2)
        account = here.inputs.accounts[0]
        assert (account.balance_micros, account.available_micros) == (1_000_000_500_000, 900_000_000_000)
        assert account.margin_micros == 100_000_500_000

    scenario(work)


def test_quotes_arrive_with_numbers_and_stamps():
    async def work(here: World) -> None:
        for ticks in (19_000, 19_001, 19_002):
            here.publish(ticks)
        await here.inputs.until(lambda: len(here.inputs.quotes) == 3)
        first, _, last = here.inputs.quotes
        assert last[:5] == (0, 19_002, 7, 19_003, 9)
        assert first[7] == 0, "the first quote of a connection starts the numbering anew"
        assert last[7] == 3
        assert last[8] == 0
        assert 0 <= last[6] - last[5] < 10_000_000_000

    scenario(work)


def test_a_closed_contract_is_flagged():
    async def work(here: World) -> None:
        here.publish(19_000, QUOTE_CLOSED)
        await here.inputs.until(lambda: here.inputs.quotes)
        assert here.inputs.quotes[0][8] == QUOTE_CLOSED

    scenario(work)


def test_an_ioc_order_fills_in_part_and_its_remainder_is_cancelled():
    async def work(here: World) -> None:
        assert here.send(order(1)) == WRITTEN
        await here.inputs.until(lambda: Event.CANCELLED in here.inputs.events())
        ack, trade, end = here.inputs.reports
        assert (ack.event, ack.leaves_lots, ack.order_no) == (Event.ACK, 3, 1)
        assert (trade.event, trade.last_lots, trade.last_ticks, trade.trade_id) == (Event.TRADE, 2, 19_000, "T1")
        assert (trade.cum_lots, trade.leaves_lots, trade.total_lots) == (2, 1, 3)
        assert (end.event, end.cum_lots, end.leaves_lots) == (Event.CANCELLED, 2, 0)

    scenario(work)


def test_a_resting_order_is_cancelled_and_queried():
    async def work(here: World) -> None:
        resting = order(2, side=SELL, tif=DAY)
        here.send(resting)
        await here.inputs.until(lambda: Event.ACK in here.inputs.events())
        here.venue.write(here.venue.encode_query(resting, "Q1", now_ns()))
        await here.inputs.until(lambda: Event.STATUS in here.inputs.events())
        here.venue.write(here.venue.encode_cancel(resting, client_id(3), now_ns()))
        await here.inputs.until(lambda: Event.CANCELLED in here.inputs.events())
        assert here.inputs.reports[-1].client_id == resting.client_id
        here.venue.write(here.venue.encode_cancel(resting, client_id(4), now_ns()))
        await here.inputs.until(lambda: Event.CANCEL_REJECTED in here.inputs.events())
        assert here.inputs.reports[-1].client_id == resting.client_id
        assert here.inputs.reports[-1].reason == "too late"

    scenario(work)


def test_an_order_the_venue_never_saw_is_unknown():
    async def work(here: World) -> None:
        here.venue.write(here.venue.encode_query(order(9), "Q9", now_ns()))
        await here.inputs.until(lambda: here.inputs.reports)
        assert here.inputs.events() == [Event.UNKNOWN_ORDER]
        assert here.inputs.reports[0].order_no == 9

    scenario(work)


def test_an_order_while_the_link_is_down_fails_and_spends_no_number():
    async def main() -> None:
        here = World()
        await here.server.start(here.entry)
        settings = FixSettings(
            sender_comp_id="A", target_comp_id="VENUE", host="127.0.0.1", md_port=here.server.md_port,
            order_port=here.server.order_port,
        )  # fmt: skip
        venue = FixVenue(0, settings, INSTRUMENTS, here.inputs, now_ns)
        assert venue.encode_order(order(1), now_ns()) == b""
        assert venue.write(b"") == FAILED
        await here.server.stop()

    run(main())


def test_garbage_is_reported_and_quotes_go_on():
    async def work(here: World) -> None:
        here.server.inject("garbage")
        here.publish(19_000)
        await here.inputs.until(lambda: here.inputs.quotes)
        assert b"garbage" in b"".join(raw for _, raw in here.inputs.bad)
        assert here.inputs.quotes[-1][1] == 19_000

    scenario(work)


def test_a_bad_checksum_is_a_gap_and_ends_in_a_snapshot():
    async def work(here: World) -> None:
        here.publish(19_000)
        await here.inputs.until(lambda: here.inputs.quotes)
        here.server.inject("bad_checksum")
        here.publish(19_001)
        await here.inputs.until(lambda: len(here.inputs.quotes) >= 3)
        assert "checksum" in here.inputs.bad[0][0]
        assert here.inputs.quotes[1][8] == QUOTE_GAP
        assert here.inputs.quotes[2][1:3] == (19_001, 7)
        assert here.inputs.quotes[2][8] == 0

    scenario(work)


def test_a_price_that_is_no_number_leaves_no_price():
    async def work(here: World) -> None:
        here.publish(19_000)
        await here.inputs.until(lambda: here.inputs.quotes)
        here.server.inject("wrong_type")
        await here.inputs.until(lambda: len(here.inputs.quotes) >= 3)
        assert here.inputs.quotes[1][1:5] == (0, 0, 0, 0)
        assert here.inputs.quotes[1][8] == QUOTE_GAP
        assert "is not a decimal number" in here.inputs.bad[0][0]
        assert here.inputs.quotes[2][1] == 19_000, "the snapshot that was asked for heals it"

    scenario(work)


def test_a_report_lost_on_the_wire_is_asked_for_and_live_orders_are_queried():
    async def work(here: World) -> None:
        here.send(order(5, tif=DAY))
        await here.inputs.until(lambda: Event.ACK in here.inputs.events())
        here.server.inject("gap")
        here.send(order(6))
        await here.inputs.until(lambda: here.entry.queries and Event.STATUS in here.inputs.events())
        assert client_id(5) in here.entry.queries
        assert any("gap" in what for what, _ in here.inputs.bad)
        assert here.inputs.events(client_id(6))[:3] == [Event.ACK, Event.TRADE, Event.CANCELLED]

    scenario(work)


def test_reports_of_a_disconnected_time_are_sent_again_once():
    async def work(here: World) -> None:
        resting = order(7, tif=DAY)
        here.send(resting)
        await here.inputs.until(lambda: Event.ACK in here.inputs.events())
        here.server.inject("disconnect")
        entered = here.entry.last[resting.client_id].order
        here.entry.tell(entered, Event.TRADE, cum_lots=1, leaves_lots=2, last_lots=1, last_ticks=19_000, trade_id="T7")
        await here.ready(times=2)
        await here.inputs.until(lambda: {Event.TRADE, Event.STATUS} <= set(here.inputs.events()))
        assert DOWN in here.inputs.states(TRADING)
        assert here.inputs.events().count(Event.TRADE) == 1
        assert set(here.entry.queries) == {resting.client_id}, "after the logon, and after the gap"

    scenario(work)


def test_a_silent_venue_is_dropped_and_dialled_again():
    async def work(here: World) -> None:
        here.server.inject("silence")
        await here.ready(times=2)
        assert any("silent" in why for _, state, why in here.inputs.links if state == DOWN)

    scenario(work)


def test_sequence_numbers_are_kept_over_a_restart(tmp_path):
    async def main() -> None:
        first = World(store_dir=str(tmp_path))
        await first.open()
        await first.ready()
        first.send(order(1))
        await first.inputs.until(lambda: Event.CANCELLED in first.inputs.events())
        await first.venue.stop()
        settings = FixSettings(
            sender_comp_id="TANDEM", target_comp_id="VENUE", host="127.0.0.1", md_port=first.server.md_port,
            order_port=first.server.order_port, store_dir=str(tmp_path),
        )  # fmt: skip
        first.inputs = Recorder()
        first.venue = FixVenue(0, settings, INSTRUMENTS, first.inputs, now_ns)
        await first.venue.start()
        await first.ready()
        assert first.inputs.bad == []
        await first.venue.stop()
        await first.server.stop()

    run(main())


def test_a_client_that_lost_its_numbers_is_told_so():
    async def main() -> None:
        async with world() as here:
            await here.ready()
            await here.venue.stop()
            here.inputs = Recorder()
            settings = FixSettings(
                sender_comp_id="TANDEM", target_comp_id="VENUE", host="127.0.0.1", md_port=here.server.md_port,
                order_port=here.server.order_port, reconnect_max_ms=10_000, reconnect_min_ms=10_000,
            )  # fmt: skip
            here.venue = FixVenue(0, settings, INSTRUMENTS, here.inputs, now_ns)
            await here.venue.start()
            await here.inputs.until(lambda: any("too low" in why for _, _, why in here.inputs.links))

    run(main())


def test_a_reset_at_logon_starts_both_sides_at_one():
    async def main() -> None:
        async with world(reset_on_logon=True) as here:
            await here.ready()
            here.server.inject("disconnect")
            await here.ready(times=2)
            here.send(order(1))
            await here.inputs.until(lambda: Event.CANCELLED in here.inputs.events())

    run(main())


def test_an_order_off_the_tick_and_an_unknown_symbol_are_rejected_by_the_server():
    async def work(here: World) -> None:
        link = here.venue._trading._link
        link.send(b"D", b"11=X1\x0155=CA\x0154=1\x0138=1\x0140=2\x0144=100.3\x0159=3\x01")
        await here.inputs.until(lambda: here.inputs.reports)
        assert here.inputs.reports[0].event == Event.REJECTED
        assert here.inputs.reports[0].order_no == 0, "not one of our ids: Foreign"
        link.send(b"D", b"11=X2\x0155=ZZ\x0154=1\x0138=1\x0140=2\x0144=100\x01")
        await here.inputs.until(lambda: here.inputs.bad)
        assert "'ZZ'" in here.inputs.bad[0][0]

    scenario(work)


def test_an_order_whose_bytes_never_left_is_gap_filled_and_unknown():
    async def work(here: World) -> None:
        here.venue.encode_order(order(8), now_ns())
        here.send(order(9))
        await here.inputs.until(lambda: Event.UNKNOWN_ORDER in here.inputs.events(client_id(8)))
        assert any("not sent again" in what for what, _ in here.inputs.bad)
        assert client_id(8) not in [seen.client_id for seen in here.entry.seen]

    scenario(work)


def test_a_fault_that_fix_cannot_do_is_an_error():
    async def work(here: World) -> None:
        with pytest.raises(ValueError, match="expected a fault of"):
            here.server.inject("earthquake")

    scenario(work)


def test_strangers_are_cut_off():
    async def work(here: World) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.server.order_port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n8=FIX.4.4\x019=5\x0135=0\x01")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    scenario(work)
