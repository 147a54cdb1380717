"""`tandem venue`: one simulated venue as a process: a protocol's server, the matching, and the market that it plays."""

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import structlog
import uvloop

from adapters.diff.server import DiffServer
from adapters.fix44.server import FixServer
from adapters.recorded import btc_2024, gold_2019
from adapters.recorded.btc_2024 import STEPS, Capture, Steps, skew_bound_ns
from adapters.recorded.gold_2019 import GoldBars
from adapters.recorded.gold_2019 import quotes as gold_quotes
from adapters.sim.exchange import Exchange
from adapters.sim.faults import FaultScript, read_faults
from adapters.sim.generated import quotes as generated_quotes
from adapters.sim.matching import Matching
from adapters.sim.settings import VenueSim
from adapters.sim.terms import Terms
from adapters.sim.venue import SimVenue
from adapters.ticks import NS, BadLine, QuoteTick, renamed, sift, window
from desk.config import InstrumentSpec
from desk.config_rules import Section
from desk.toml_reader import read
from engine.clock import now_ns
from engine.instruments import KINDS, POSITION_MODES, Instrument

LEFT_OUT = "a line of the recording was left out"
log = structlog.get_logger()


class VenueFile(Section, kw_only=True):
    """A simulated venue's TOML: the venue, and its contracts (or files that hold them).

    bars: what a play of gold_2019 assumes of its bars. steps: the ticks and lots in which a series of btc_2024 is
    counted, where not in the recording's own. assumes: what else is not true of the real market, in words.
    """

    sim: VenueSim
    include: list[str] = []
    instruments: list[InstrumentSpec] = []
    bars: GoldBars = GoldBars()
    steps: dict[str, Steps] = {}
    assumes: str = ""


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
        return Capture(Path(sim.data_folder), STEPS | file.steps).quotes()
    return generated_quotes(sim.gold, sim.seed)


def files_of(file: VenueFile) -> list[Path]:
    """The files of the recording that is played; none for a generated market."""
    folder = Path(file.sim.data_folder)
    if file.sim.source == "gold_2019":
        return [folder / gold_2019.FILES[series].file for series in file.bars.series()]
    if file.sim.source == "btc_2024":
        return [folder / name for names in btc_2024.FILES.values() for name in names]
    return []


def begin_ns(file: VenueFile) -> int | None:
    """Market time at which the play of a recording begins; None for a generated market, which has no date."""
    if file.sim.source == "generated":
        return None
    first = next(item for item in source_of(file) if isinstance(item, QuoteTick))
    return first.at_ns + int(file.sim.start_s * NS)


def utc_text(ns: int) -> str:
    return datetime.fromtimestamp(ns // NS, UTC).isoformat()


def played_text(file: VenueFile) -> str:
    """What is played and what is only assumed, in words."""
    sim = file.sim
    said = [f"assumed: {file.assumes}"] if file.assumes else []
    if sim.source == "generated":
        return "; ".join([f"generated gold market, seed {sim.seed}, speed {sim.speed:g}", *said])
    if sim.source == "gold_2019":
        said.insert(0, file.bars.description())
    else:
        bound_ns = max(skew_bound_ns(Path(sim.data_folder), series) for series in ("usdm", "cm"))
        said.append(f"the receiving clock is behind the venues' by at least {bound_ns / NS:.2f} s (a bound)")
    return "; ".join([f"{Path(sim.data_folder).name} from {utc_text(begin_ns(file))}, speed {sim.speed:g}", *said])


def quotes_of(file: VenueFile) -> Iterator[QuoteTick]:
    """What this venue publishes, in its symbols, from its window's start."""

    def tell(bad: BadLine) -> None:
        log.warning(LEFT_OUT, file=bad.file, line=bad.line, expected=bad.expected)

    played = window(sift(source_of(file), tell), file.sim.start_s, file.sim.seconds)
    return renamed(played, file.sim.series())


def price_limits(terms: dict[str, Terms]) -> dict[str, tuple[int | None, int | None]]:
    """The price limits of the day that a venue states, by symbol."""
    return {symbol: (one.lower_ticks, one.upper_ticks) for symbol, one in terms.items()}


def build(file: VenueFile, folder: Path) -> SimVenue:
    """The venue of a file; paths in it are relative to `folder`. ValueError where its parts do not fit together."""
    sim = file.sim
    contracts = contracts_of(file)
    terms = sim.terms(contracts)
    if sim.protocol == "diff":
        users = {user.name: user.password for user in sim.users}
        server = DiffServer(contracts, sim.host, sim.port, users, now_ns, price_limits(terms))
    else:
        server = FixServer(sim.comp_id or sim.id, contracts, sim.host, sim.market_data_port, sim.port, now_ns)
    faults = read_faults(folder / sim.faults) if sim.faults else []
    matching = Matching(terms, sim.balances_micros(), sim.currency)
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
    if hasattr(os, "SCHED_BATCH"):
        # Woken by the engine's first send, a venue on the same core would else run before its second one.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
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
