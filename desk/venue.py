"""`tandem venue`: one simulated venue as a process: a protocol's server, the matching, and the market that it plays."""

import asyncio
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import structlog
import uvloop

from adapters.diff.server import DiffServer
from adapters.fix44.server import FixServer
from adapters.recorded.btc_2024 import Capture
from adapters.recorded.gold_2019 import GoldBars
from adapters.recorded.gold_2019 import quotes as gold_quotes
from adapters.sim.exchange import Exchange
from adapters.sim.faults import FaultScript, read_faults
from adapters.sim.generated import quotes as generated_quotes
from adapters.sim.matching import Matching
from adapters.sim.settings import VenueSim
from adapters.sim.venue import SimVenue
from adapters.ticks import BadLine, QuoteTick, renamed, sift, window
from desk.config import InstrumentSpec, Section
from desk.toml_reader import read
from engine.clock import now_ns
from engine.instruments import KINDS, POSITION_MODES, Instrument

log = structlog.get_logger()


class VenueFile(Section, kw_only=True):
    """A simulated venue's TOML: the venue, its contracts (or files that hold them), and what gold bars assume."""

    sim: VenueSim
    include: list[str] = []
    instruments: list[InstrumentSpec] = []
    bars: GoldBars = GoldBars()


def contracts_of(file: VenueFile) -> dict[str, Instrument]:
    """The venue's own contracts, by the symbol that its protocol uses."""
    mine = [spec for spec in file.instruments if spec.venue == file.sim.id]
    found = {}
    for index, spec in enumerate(mine):
        symbol = f"{spec.exchange}.{spec.symbol}" if file.sim.protocol == "diff" and spec.exchange else spec.symbol
        found[symbol] = Instrument(
            index=index, id=spec.id, venue=0, symbol=spec.symbol, exchange=spec.exchange, currency=spec.currency,
            kind=KINDS[spec.kind], position_mode=POSITION_MODES[spec.position_mode], tick=Fraction(spec.tick),
            lot_step=Fraction(spec.lot_step),
        )  # fmt: skip
    return found


def source_of(file: VenueFile) -> Iterator[QuoteTick | BadLine]:
    """Every quote of the source, of all its series."""
    sim = file.sim
    if sim.source == "gold_2019":
        return gold_quotes(Path(sim.data_folder), file.bars)
    if sim.source == "btc_2024":
        return Capture(Path(sim.data_folder)).quotes()
    return generated_quotes(sim.gold, sim.seed)


def quotes_of(file: VenueFile) -> Iterator[QuoteTick]:
    """What this venue publishes, in its symbols, from its window's start."""

    def tell(bad: BadLine) -> None:
        log.warning("a line of the recording was left out", file=bad.file, line=bad.line, expected=bad.expected)

    played = window(sift(source_of(file), tell), file.sim.start_s, file.sim.seconds)
    return renamed(played, file.sim.series())


def build(file: VenueFile, folder: Path) -> SimVenue:
    """The venue of a file; paths in it are relative to `folder`. ValueError where its parts do not fit together."""
    sim = file.sim
    contracts = contracts_of(file)
    if sim.protocol == "diff":
        server = DiffServer(contracts, sim.host, sim.port, {user.name: user.password for user in sim.users}, now_ns)
    else:
        server = FixServer(sim.comp_id or sim.id, contracts, sim.host, sim.market_data_port, sim.port, now_ns)
    faults = read_faults(folder / sim.faults) if sim.faults else []
    matching = Matching(sim.terms(contracts), sim.balances_micros(), sim.currency)
    exchange = Exchange(matching, server, sim.latency(), FaultScript(faults))
    return SimVenue(exchange, server, quotes_of(file), sim.speed)


async def serve(file: VenueFile, folder: Path, origin_ns: int | None) -> int:
    """Listen and play until a signal."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    venue = build(file, folder)
    port = await venue.start(origin_ns)
    print(f"venue {file.sim.id} listens on {file.sim.host}:{port} ({file.sim.protocol}); Ctrl-C ends it", flush=True)
    await stop.wait()
    await venue.stop()
    for _, what in venue.exchange.fired:
        print(f"venue {file.sim.id} fault: {what}", flush=True)
    return 0


def main(path: Path, origin_ns: int | None) -> int:
    """Read the file, then serve; 2 where the file is wrong, with every reason."""
    file, problems = read(path, VenueFile)
    if file is None or problems:
        for problem in problems:
            print(problem)
        return 2
    try:
        return uvloop.run(serve(file, path.parent, origin_ns))
    except (ValueError, OSError) as error:
        print(f"{path}: {error}")
        return 2
