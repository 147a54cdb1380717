"""Gateways without a wire: each protocol's own frames are made, and taken where the compiled half would send them."""

import msgspec

from adapters.diff.client import DiffVenue
from adapters.diff.settings import DiffSettings
from adapters.fix44.client import FixVenue
from adapters.fix44.settings import FixSettings
from desk.build import Names, instruments_of
from desk.config import Config
from desk.order_frames import furnished
from engine.clock import now_ns
from engine.frames import DROP
from engine.loop import Loop


class FixTaken(FixVenue):
    """A FIX venue that is not connected."""

    def hot(self) -> list:
        """None: there is no socket."""
        return []


def furnish(config: Config, loop: Loop) -> None:
    """Give a loop its gateways, one a venue, whose frames go nowhere; `loop.core.board.last` has them."""
    instruments = instruments_of(Names(config))
    loop.core.gateways = []
    for index, spec in enumerate(config.venues):
        adapter, settings = (DiffVenue, DiffSettings) if spec.protocol == "diff" else (FixTaken, FixSettings)
        mine = [instrument for instrument in instruments if instrument.venue == index]
        loop.core.gateways.append(adapter(index, msgspec.convert(spec.settings, settings), mine, loop, now_ns))
    furnished(loop.core, [spec.protocol for spec in config.venues])
    loop.core.board.encoder["fd"] = DROP
