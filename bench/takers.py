"""Gateways without a wire: each protocol's own frames are made, and taken where they would be sent."""

import msgspec

from adapters.diff.client import DiffVenue
from adapters.diff.settings import DiffSettings
from adapters.fix44.client import FixVenue
from adapters.fix44.settings import FixSettings
from desk.build import Names, instruments_of
from desk.config import Config
from desk.order_frames import furnished
from engine.clock import now_ns
from engine.frames import CLOSED, DROP
from engine.loop import Loop
from engine.ports import WRITTEN


class DiffTaken(DiffVenue):
    """A DIFF venue that is not connected: its frames come from Python, as live, and are taken."""

    def put(self, frame: memoryview, number: int) -> int:
        return WRITTEN


class FixTaken(FixVenue):
    """A FIX venue that is not connected: its frames are dropped where compiled code would send them."""

    def hot(self) -> list:
        """None: there is no socket."""
        return []

    def log_on(self, link) -> None:
        """An order session over this link, for orders that Python writes."""
        self._trading.on_logged_on(link, now_ns())


def furnish(config: Config, loop: Loop) -> None:
    """Give a loop its gateways, one a venue; its board has the frames."""
    instruments = instruments_of(Names(config))
    loop.core.gateways = []
    for index, spec in enumerate(config.venues):
        adapter, settings = (DiffTaken, DiffSettings) if spec.protocol == "diff" else (FixTaken, FixSettings)
        mine = [instrument for instrument in instruments if instrument.venue == index]
        stated = spec.settings | ({"snapshot": False} if adapter is FixTaken else {})  # nobody would answer
        loop.core.gateways.append(adapter(index, msgspec.convert(stated, settings), mine, loop, now_ns))
    furnished(loop.core, [spec.protocol for spec in config.venues])
    loop.core.board.encoder["fd"] = [CLOSED if spec.protocol == "diff" else DROP for spec in config.venues]
