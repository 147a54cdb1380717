"""The venues' own account of a client: positions, asked for over each venue's protocol; orders and trades, as noted."""

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

from bench.lane_ear import LaneEar
from desk.build import Names
from desk.config import Config
from desk.run import adapters_of
from engine.ports import READY, TRADING, PositionReport

_ASK_S = 10.0


class Notes(NamedTuple):
    """What a venue noted. arrived: client ids of orders, as often as they came. lots: traded by client id, signed."""

    arrived: list[str]
    lots: dict[str, int]
    by_symbol: dict[str, int]


def notes_of(path: Path) -> Notes:
    notes = Notes([], {}, {})
    for line in path.read_text().splitlines() if path.exists() else []:
        note = json.loads(line)
        if "arrived" in note:
            notes.arrived.append(note["arrived"])
            continue
        for book, key in ((notes.lots, note["traded"]), (notes.by_symbol, note["symbol"])):
            book[key] = book.get(key, 0) + note["lots"]
    return notes


class _Asking(LaneEar):
    """`engine.ports.Inputs` of somebody who only wants to know the positions."""

    def __init__(self, venues: int) -> None:
        self.positions: dict[int, PositionReport] = {}
        self.told = [asyncio.Event() for _ in range(venues)]

    def on_position(self, report: PositionReport) -> None:
        self.positions[report.instrument] = report

    def on_link(self, venue: int, channel: int, state: int, recv_ns: int, why: str) -> None:
        if channel == TRADING and state == READY:
            self.told[venue].set()

    def on_quote(self, *_) -> None: ...

    def on_report(self, report) -> None: ...

    def on_heard(self, *_) -> None: ...

    def on_account(self, report) -> None: ...

    def on_band(self, *_) -> None: ...

    def on_bad_input(self, *_) -> None: ...


def ask_positions(config: Config, journal: Path) -> dict[int, tuple[int, int]]:
    """Lots long and short by instrument, from every venue of the config, as whom the engine was; it must have ended.

    A FIX venue is asked within the engine's own sessions, so their numbers are taken from beside the journal.
    TimeoutError where a venue does not tell.
    """
    return asyncio.run(_ask(config, journal))


async def _ask(config: Config, journal: Path) -> dict[int, tuple[int, int]]:
    asking = _Asking(len(config.venues))
    adapters = adapters_of(config, Names(config), journal, asking)
    for adapter in adapters:
        await adapter.start()
    try:
        async with asyncio.timeout(_ASK_S):
            for told in asking.told:
                await told.wait()
    finally:
        for adapter in adapters:
            await adapter.stop()
    return {
        instrument: (report.long_today + report.long_yesterday, report.short_today + report.short_yesterday)
        for instrument, report in asking.positions.items()
    }
