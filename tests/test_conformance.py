"""Every adapter against its simulated venue, on asyncio and on uvloop: the suite is `tests.conformance`."""

import asyncio

import pytest
import uvloop

from adapters.diff.client import CAPABILITIES as DIFF_CAPABILITIES
from adapters.diff.client import DiffVenue, contracts_of
from adapters.diff.server import DiffServer
from adapters.diff.settings import DiffSettings
from adapters.fix44.client import CAPABILITIES as FIX_CAPABILITIES
from adapters.fix44.client import FixVenue
from adapters.fix44.server import FixServer
from adapters.fix44.settings import FixSettings
from engine.clock import now_ns
from engine.instruments import Instrument
from engine.ports import Inputs

pytest.register_assert_rewrite("tests.conformance", "tests.conformance_pair")

from tests.conformance import BEHAVIOURS, play  # noqa: E402
from tests.conformance_pair import OWNER, VENUE, Kit  # noqa: E402

HOST = "127.0.0.1"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def diff_client(server: DiffServer, port: int, instruments: list[Instrument], inputs: Inputs) -> DiffVenue:
    settings = DiffSettings(
        md_url=f"ws://{HOST}:{port}/md", td_url=f"ws://{HOST}:{port}/td", broker="sim", user=OWNER, password="",
        reconnect_min_ms=50, query_patience_ms=0,
    )  # fmt: skip
    return DiffVenue(VENUE, settings, instruments, inputs, now_ns)


def fix_client(server: FixServer, port: int, instruments: list[Instrument], inputs: Inputs) -> FixVenue:
    settings = FixSettings(
        sender_comp_id=OWNER, target_comp_id="VENUE", host=HOST, md_port=port, order_port=server.order_port,
        reconnect_min_ms=50,
    )  # fmt: skip
    return FixVenue(VENUE, settings, instruments, inputs, now_ns)


KITS = {
    "diff": Kit(
        capabilities=DIFF_CAPABILITIES,
        contracts=contracts_of,
        server=lambda contracts: DiffServer(
            contracts, HOST, 0, {OWNER: ""}, now_ns, dict.fromkeys(contracts, (1, 1_000_000))
        ),
        client=diff_client,
    ),
    "fix44": Kit(
        capabilities=FIX_CAPABILITIES,
        contracts=lambda instruments: {one.symbol: one for one in instruments},
        server=lambda contracts: FixServer("VENUE", contracts, HOST, 0, 0, now_ns),
        client=fix_client,
    ),
}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("protocol", KITS)
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_every_adapter(behaviour: str, protocol: str, loop: str) -> None:
    play(behaviour, KITS[protocol], LOOPS[loop])
