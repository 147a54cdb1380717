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
from engine.instruments import Instrument
from engine.loop import Loop
from engine.ports import WRITTEN, Adapter


class Taker:
    """A link that is up and takes what is written. frame: the last, in memory that is used again; at_ns: when."""

    active = True

    def __init__(self) -> None:
        self.frame: bytes | memoryview = b""
        self.at_ns = 0

    def write(self, frame: bytes | memoryview) -> int:
        self.frame, self.at_ns = frame, now_ns()
        return WRITTEN


class DiffTaken(DiffVenue):
    """A DIFF venue that is not connected, whose orders go to a taker."""

    taker: Taker

    def put(self, frame: memoryview, number: int) -> int:
        return self.taker.write(frame)


class FixTaken(FixVenue):
    """A FIX venue whose order session is logged on to a taker."""

    def log_on(self, taker: Taker) -> None:
        self._trading.on_logged_on(taker, now_ns())

    def hot(self) -> list:
        """None: there is no socket."""
        return []


def furnish(config: Config, loop: Loop) -> list[Taker]:
    """Give a loop its gateways, one a venue; what takes their frames, in the config's order."""
    takers = [Taker() for _ in config.venues]
    instruments = instruments_of(Names(config))
    found: list[Adapter] = []
    for index, spec in enumerate(config.venues):
        mine = [instrument for instrument in instruments if instrument.venue == index]
        make = _diff if spec.protocol == "diff" else _fix
        found.append(make(index, spec.settings, mine, loop, takers[index]))
    loop.core.gateways = found
    furnished(loop.core, [spec.protocol for spec in config.venues])
    return takers


def _diff(venue: int, settings: dict, mine: list[Instrument], loop: Loop, taker: Taker) -> Adapter:
    gateway = DiffTaken(venue, msgspec.convert(settings, DiffSettings), mine, loop, now_ns)
    gateway.taker = taker
    return gateway


def _fix(venue: int, settings: dict, mine: list[Instrument], loop: Loop, taker: Taker) -> Adapter:
    chosen = msgspec.convert(settings | {"snapshot": False}, FixSettings)
    gateway = FixTaken(venue, chosen, mine, loop, now_ns)
    gateway.log_on(taker)
    return gateway
