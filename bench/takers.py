"""Gateways without a wire: each protocol's own frames, as of a session that is logged on, taken and forgotten."""

import msgspec

from adapters.diff.client import DiffVenue
from adapters.diff.settings import DiffSettings
from adapters.fix44.listing import Listing
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.settings import FixSettings
from adapters.fix44.store import MemoryStore
from adapters.fix44.trading import Trading
from desk.build import Names, instruments_of
from desk.config import Config
from engine.clock import now_ns
from engine.instruments import Instrument
from engine.loop import Loop
from engine.ports import WRITTEN, Gateway


class Taker:
    """A link that is up and takes what is written. frame: the last; at_ns: when it came."""

    active = True

    def __init__(self) -> None:
        self.frame, self.at_ns = b"", 0

    def write(self, frame: bytes) -> int:
        self.frame, self.at_ns = frame, now_ns()
        return WRITTEN


class DiffGateway:
    """A DIFF venue's order frames."""

    def __init__(self, venue: DiffVenue, taker: Taker):
        self.encode_order, self.write = venue.encode_order, taker.write


def gateways(config: Config, loop: Loop) -> tuple[list[Gateway], list[Taker]]:
    """One a venue, in the config's order, each with what takes its frames."""
    takers = [Taker() for _ in config.venues]
    instruments = instruments_of(Names(config))
    found: list[Gateway] = []
    for index, spec in enumerate(config.venues):
        mine = [instrument for instrument in instruments if instrument.venue == index]
        make = _diff if spec.protocol == "diff" else _fix
        found.append(make(index, spec.settings, mine, loop, takers[index]))
    return found, takers


def _diff(venue: int, settings: dict, mine: list[Instrument], loop: Loop, taker: Taker) -> Gateway:
    return DiffGateway(DiffVenue(venue, msgspec.convert(settings, DiffSettings), mine, loop, now_ns), taker)


def _fix(venue: int, settings: dict, mine: list[Instrument], loop: Loop, taker: Taker) -> Gateway:
    chosen = msgspec.convert(settings, FixSettings)
    parties = SessionSettings(sender=chosen.sender_comp_id, target=chosen.target_comp_id, initiator=True)
    account = max(instrument.account for instrument in mine)
    trading = Trading(
        venue, Session(parties, MemoryStore()), Listing(mine), chosen.account, account, snapshot=False, inputs=loop
    )
    trading.on_logged_on(taker, now_ns())
    return trading
