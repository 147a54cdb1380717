"""The independent proof: our session and venue against QuickFIX, both ways round."""

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.fix44.client import FixVenue
from adapters.fix44.server import FixServer
from adapters.fix44.settings import FixSettings
from engine.clock import now_ns
from engine.ids import client_id
from engine.ports import DAY, DOWN, MARKET_DATA, READY, SELL, TRADING, Event
from tests.fix_fakes import DEADLINE_S, INSTRUMENTS, Recorder, SmallVenue, order, run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
try:
    import quickfix  # noqa: F401
except ImportError:
    # The wheel exists for CPython 3.11; there, in CI, its absence is a failure and not a reason to skip.
    if os.environ.get("CI") and sys.version_info[:2] == (3, 11):
        raise
    pytest.skip("quickfix-ssl is not installed", allow_module_level=True)


class QuickFix:
    """The counterparty's process: its lines so far, commands to it, and waiting for a line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._more = asyncio.Event()
        self._reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for line in self.process.stdout:
            self.lines.append(line.decode("latin-1").rstrip())
            self._more.set()
        self.lines.append("ended")
        self._more.set()

    async def until(self, *words: str, count: int = 1) -> str:
        """The line with all these words that is the count-th of its kind."""

        def found() -> list[str]:
            return [line for line in self.lines if all(word in line for word in words)]

        async with asyncio.timeout(DEADLINE_S):
            while len(found()) < count:
                assert "ended" not in self.lines, f"QuickFIX ended while waiting for {words}"
                self._more.clear()
                await self._more.wait()
        return found()[count - 1]

    def tell(self, command: str) -> None:
        self.process.stdin.write(command.encode() + b"\n")

    async def numbers(self) -> tuple[int, int]:
        """Its next numbers, out and in."""
        asked = sum(line.startswith("seq ") for line in self.lines)
        self.tell("seq")
        _, sent, expected = (await self.until("seq ", count=asked + 1)).split()
        return int(sent), int(expected)

    async def close(self) -> None:
        self.process.stdin.close()
        await self.process.wait()
        await self._reader


@asynccontextmanager
async def quickfix_process(role: str, port: int, folder: Path, *comp_ids: str, reset: str = "N"):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fix_quickfix_venue", role, str(port), reset, str(folder), *comp_ids,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    counterparty = QuickFix(process)
    try:
        await counterparty.until("ready")
        yield counterparty
    finally:
        await counterparty.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def venue_of(port: int, inputs: Recorder, **overrides) -> FixVenue:
    settings = {
        "sender_comp_id": "TANDEM", "target_comp_id": "QF", "host": "127.0.0.1", "md_port": port, "order_port": port,
        "md_sender_comp_id": "TANDEM-MD", "heartbeat_s": 1, "reconnect_min_ms": 10, "snapshot": False,
    } | overrides  # fmt: skip
    return FixVenue(0, FixSettings(**settings), INSTRUMENTS[:1], inputs, now_ns)


def against_acceptor(work, folder: Path, **overrides) -> None:
    """A test of our initiator: QuickFIX is the venue; its first session is our order session."""

    async def main() -> None:
        port, inputs = free_port(), Recorder()
        async with quickfix_process("acceptor", port, folder, "QF", "TANDEM", "TANDEM-MD") as counterparty:
            venue = venue_of(port, inputs, **overrides)
            await venue.start()
            try:
                await inputs.until(lambda: READY in inputs.states(TRADING) and READY in inputs.states(MARKET_DATA))
                await work(venue, inputs, counterparty, port)
            finally:
                await venue.stop()

    run(main())


def send(venue: FixVenue, request) -> None:
    venue.write(venue.encode_order(request, now_ns()))


def test_quickfix_venue_logon_quotes_and_orders(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        await inputs.until(lambda: inputs.quotes)
        assert inputs.quotes[0][:5] == (0, 19_000, 4, 19_001, 4)
        send(venue, order(1))
        await inputs.until(lambda: Event.CANCELLED in inputs.events(client_id(1)))
        assert inputs.events(client_id(1)) == [Event.ACK, Event.TRADE, Event.CANCELLED]
        trade = inputs.reports[1]
        assert (trade.last_lots, trade.last_ticks, trade.cum_lots, trade.leaves_lots) == (2, 19_000, 2, 1)
        send(venue, order(2, lots=2, side=SELL))
        await inputs.until(lambda: Event.TRADE in inputs.events(client_id(2)))
        send(venue, order(3, ticks=26))
        await inputs.until(lambda: Event.REJECTED in inputs.events(client_id(3)))
        assert inputs.reports[-1].reason == "unlucky"
        assert inputs.bad == []

    against_acceptor(work, tmp_path)


def test_quickfix_venue_resting_order_query_cancel_and_cancel_reject(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        resting = order(4, tif=DAY)
        send(venue, resting)
        await inputs.until(lambda: Event.ACK in inputs.events())
        venue.write(venue.encode_query(resting, "Q4", now_ns()))
        venue.write(venue.encode_query(order(5), "Q5", now_ns()))
        await inputs.until(lambda: {Event.STATUS, Event.UNKNOWN_ORDER} <= set(inputs.events()))
        venue.write(venue.encode_cancel(resting, client_id(6), now_ns()))
        await inputs.until(lambda: Event.CANCELLED in inputs.events())
        assert inputs.reports[-1].client_id == resting.client_id, "11 was the order's own id, without 41"
        venue.write(venue.encode_cancel(order(7), client_id(8), now_ns()))
        await inputs.until(lambda: Event.CANCEL_REJECTED in inputs.events())
        assert inputs.reports[-1].client_id == client_id(7)

    against_acceptor(work, tmp_path)


def test_quickfix_venue_heartbeats_and_test_request(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        await counterparty.until("admin-in", "|35=0|")
        counterparty.tell("send 1 112=hello")
        await counterparty.until("admin-in", "|35=0|", "|112=hello|")
        heard = inputs.heard
        await inputs.until(lambda: inputs.heard > heard)

    against_acceptor(work, tmp_path)


def test_quickfix_venue_reports_lost_in_a_gap_are_asked_for(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        resting = order(1, tif=DAY)
        send(venue, resting)
        await inputs.until(lambda: Event.ACK in inputs.events())
        counterparty.tell("skip 2")
        counterparty.tell("send 1 112=after")
        await counterparty.until("admin-in", "|35=2|")
        await counterparty.until("admin-in", "|35=0|", "|112=after|")
        await inputs.until(lambda: Event.STATUS in inputs.events())
        assert any("gap" in what for what, _ in inputs.bad)

    against_acceptor(work, tmp_path)


def test_quickfix_venue_missing_our_order_gets_a_gap_fill_and_we_query(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        lost = order(1)
        venue.encode_order(lost, now_ns())  # numbered, and its bytes never leave
        send(venue, order(2))
        await counterparty.until("admin-out", "|35=2|")
        await counterparty.until("admin-in", "|35=4|", "|123=Y|")
        await inputs.until(lambda: Event.UNKNOWN_ORDER in inputs.events(lost.client_id))
        assert not [line for line in counterparty.lines if "app-in" in line and f"11={lost.client_id}|38" in line]

    against_acceptor(work, tmp_path)


def test_quickfix_venue_reset_within_the_session_and_rejects(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        _, expected = await counterparty.numbers()
        sent, _ = await counterparty.numbers()
        counterparty.tell(f"send 4 36={sent + 10}")
        counterparty.tell("skip 9")
        await inputs.until(lambda: any("reset its next message" in what for what, _ in inputs.bad))
        counterparty.tell("send 1 112=again")
        await counterparty.until("admin-in", "|35=0|", "|112=again|")
        counterparty.tell("send 4 36=1")
        await counterparty.until("admin-in", "|35=3|", "|371=36|")
        counterparty.tell("send 1 58=without_its_id")
        await counterparty.until("admin-in", "|35=3|", "|371=112|")
        assert (await counterparty.numbers())[1] > expected

    against_acceptor(work, tmp_path)


def test_quickfix_venue_reconnect_keeps_the_numbers(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        send(venue, order(1))
        await inputs.until(lambda: Event.CANCELLED in inputs.events())
        counterparty.tell("send 5 58=back_soon")
        await inputs.until(lambda: inputs.states(TRADING).count(READY) == 2)
        assert any("back soon" in why for _, state, why in inputs.links if state == DOWN)
        send(venue, order(2))
        await inputs.until(lambda: Event.CANCELLED in inputs.events(client_id(2)))
        assert (await counterparty.numbers())[1] > 5
        assert not any("too low" in why for _, _, why in inputs.links)

    against_acceptor(work, tmp_path)


def test_quickfix_venue_restart_keeps_the_numbers(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        send(venue, order(1))
        await inputs.until(lambda: Event.CANCELLED in inputs.events())
        await venue.stop()
        again = Recorder()
        second = venue_of(port, again, store_dir=str(tmp_path / "store"))
        await second.start()
        try:
            await again.until(lambda: READY in again.states(TRADING))
            send(second, order(2))
            await again.until(lambda: Event.CANCELLED in again.events())
            assert again.bad == []
        finally:
            await second.stop()

    against_acceptor(work, tmp_path, store_dir=str(tmp_path / "store"))


def test_quickfix_venue_reset_at_logon(tmp_path):
    async def work(venue, inputs, counterparty, port) -> None:
        send(venue, order(1))
        await inputs.until(lambda: Event.CANCELLED in inputs.events())
        counterparty.tell("send 5 58=new_day")
        await inputs.until(lambda: inputs.states(TRADING).count(READY) == 2)
        send(venue, order(2))
        await inputs.until(lambda: Event.CANCELLED in inputs.events(client_id(2)))
        assert (await counterparty.numbers())[1] <= 5

    against_acceptor(work, tmp_path, reset_on_logon=True)


def against_server(work, folder: Path, reset: str = "N", market_data: bool = False) -> None:
    """A test of our acceptor: QuickFIX is a client of its order port, or its market data port."""

    async def main() -> None:
        entry = SmallVenue()
        contracts = {instrument.symbol: instrument for instrument in INSTRUMENTS}
        entry.server = server = FixServer("VENUE", contracts, "127.0.0.1", 0, 0, now_ns)
        await server.start(entry)
        try:
            port = server.md_port if market_data else server.order_port
            async with quickfix_process("initiator", port, folder, "QF", "VENUE", reset=reset) as client:
                await client.until("logon")
                await work(server, entry, client)
        finally:
            await server.stop()

    run(main())


ORDER = "send D 11={} 55=CA 54=1 38=3 40=2 44=9500.5 59={} 60=20261122-00:00:00"


def test_quickfix_client_trades_on_our_server(tmp_path):
    async def work(server, entry, client) -> None:
        client.tell(ORDER.format("A1", 3))
        assert "|32=2|" in await client.until("app-in", "|150=F|", "|11=A1|")
        await client.until("app-in", "|150=4|", "|11=A1|")
        client.tell(ORDER.format("A2", 0))
        await client.until("app-in", "|150=0|", "|11=A2|")
        client.tell("send H 11=A2 55=CA 54=1 790=Q")
        await client.until("app-in", "|150=I|", "|790=Q|", "|39=0|")
        client.tell("send F 11=A3 41=A2 55=CA 54=1 38=3 60=20261122-00:00:00")
        await client.until("app-in", "|150=4|", "|11=A3|", "|41=A2|")
        client.tell("send AN 710=P 724=0")
        await client.until("app-in", "|35=AP|", "|710=P|", "|705=2|")
        client.tell("send BB 909=B")
        await client.until("app-in", "|35=BA|", "|900=1000000.500000|")

    against_server(work, tmp_path)


def test_quickfix_client_malformed_and_unsupported_messages_are_answered(tmp_path):
    async def work(server, entry, client) -> None:
        client.tell("send D 11=A1 55=CA 54=1 40=2 44=9500")
        await client.until("admin-in", "|35=3|", "|371=38|", "|373=1|")
        client.tell("send D 11=A2 55=NO 54=1 38=1 40=2 44=9500")
        await client.until("app-in", "|150=8|", "|11=A2|", "|103=1|")
        client.tell("send E 66=L")
        await client.until("app-in", "|35=j|", "|380=3|")
        client.tell("send 1 112=alive")
        await client.until("admin-in", "|35=0|", "|112=alive|")

    against_server(work, tmp_path)


def test_quickfix_client_that_was_away_gets_its_reports_with_possdup(tmp_path):
    async def work(server, entry, client) -> None:
        client.tell(ORDER.format("A1", 0))
        await client.until("app-in", "|150=0|", "|11=A1|")
        server.inject("disconnect")
        trade = {"cum_lots": 1, "leaves_lots": 2, "last_lots": 1, "last_ticks": 19_000, "trade_id": "T9"}
        entry.tell(entry.last["A1"].order, Event.TRADE, **trade)
        await client.until("logon", count=2)
        assert "|17=T9|" in await client.until("app-in", "|43=Y|", "|122=", "|150=F|")

    against_server(work, tmp_path)


def test_quickfix_client_gap_is_filled_and_its_lost_numbers_are_asked_for(tmp_path):
    async def work(server, entry, client) -> None:
        client.tell("skip 3")
        client.tell(ORDER.format("A1", 3))
        await client.until("admin-in", "|35=2|")
        await client.until("app-in", "|150=F|", "|11=A1|")
        server.inject("gap")
        client.tell(ORDER.format("A2", 3))
        await client.until("admin-out", "|35=2|")
        await client.until("admin-in", "|35=4|", "|123=Y|")
        await client.until("app-in", "|150=F|", "|11=A2|")

    against_server(work, tmp_path)


def test_quickfix_client_resets_at_logon(tmp_path):
    async def work(server, entry, client) -> None:
        client.tell(ORDER.format("A1", 3))
        await client.until("app-in", "|150=4|")
        server.inject("disconnect")
        await client.until("logon", count=2)
        assert "|34=1|" in await client.until("admin-in", "|35=A|", "|141=Y|", count=2)
        client.tell(ORDER.format("A2", 3))
        await client.until("app-in", "|150=4|", "|11=A2|")

    against_server(work, tmp_path, reset="Y")


def test_quickfix_client_subscribes_on_our_server(tmp_path):
    async def work(server, entry, client) -> None:
        server.publish("CA", 19_000, 7, 19_001, 9, now_ns(), 0)
        client.tell("subscribe CA")
        await client.until("app-in", "|35=W|", "|55=CA|", "|83=1|", "|270=9500.0|271=7|", "|270=9500.5|271=9|")
        server.publish("CA", 19_001, 7, 19_002, 0, now_ns(), 0)
        await client.until("app-in", "|83=2|", "|268=1|", "|270=9500.5|271=7|")
        server.inject("bad_checksum")
        server.publish("CA", 19_002, 7, 19_003, 9, now_ns(), 0)
        await client.until("admin-in", "|35=4|", "|123=Y|")
        server.publish("CA", 19_003, 7, 19_004, 9, now_ns(), 0)  # old prices are filled over, the next one counts
        await client.until("app-in", "|83=5|", "|270=9501.5|271=7|")
        client.tell("subscribe CA ZZ")
        await client.until("app-in", "|35=Y|", "|58=not listed: ZZ|")

    against_server(work, tmp_path, market_data=True)
