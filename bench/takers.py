"""Gateways without a wire: each protocol's own frames, as of a session that is logged on, taken and forgotten."""

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
from engine.instruments import Instrument
from engine.loop import Loop
from engine.ports import WRITTEN, Adapter


class Taker:
    """A link that is up and takes what is written; where compiled code writes, it is told to drop the bytes there."""

    active = True

    def write(self, frame: bytes | memoryview) -> int:
        return WRITTEN

    def direct(self, cell: memoryview) -> None:
        cell[0] = DROP


class DiffTaken(DiffVenue):
    """A DIFF venue that is not connected: its orders are taken as they come from Python."""

    def put(self, frame: memoryview, number: int) -> int:
        return WRITTEN


class FixTaken(FixVenue):
    """A FIX venue whose order session is logged on to a taker."""

    def log_on(self) -> None:
        self._trading.on_logged_on(Taker(), now_ns())

    def hot(self) -> list:
        """None: there is no socket."""
        return []


def furnish(config: Config, loop: Loop) -> None:
    """Give a loop its gateways, one a venue."""
    instruments = instruments_of(Names(config))
    found: list[Adapter] = []
    for index, spec in enumerate(config.venues):
        mine = [instrument for instrument in instruments if instrument.venue == index]
        make = _diff if spec.protocol == "diff" else _fix
        found.append(make(index, spec.settings, mine, loop))
    loop.core.gateways = found
    furnished(loop.core, [spec.protocol for spec in config.venues])


def _diff(venue: int, settings: dict, mine: list[Instrument], loop: Loop) -> Adapter:
    return DiffTaken(venue, msgspec.convert(settings, DiffSettings), mine, loop, now_ns)


def _fix(venue: int, settings: dict, mine: list[Instrument], loop: Loop) -> Adapter:
    chosen = msgspec.convert(settings | {"snapshot": False}, FixSettings)
    gateway = FixTaken(venue, chosen, mine, loop, now_ns)
    gateway.log_on()
    return gateway
