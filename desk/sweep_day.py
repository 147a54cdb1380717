"""A recorded day as a sweep plays it: all its events in one array, and the moments at which Python must do something.

From a journal: its quotes, its beats, what became of its links, its starts. From a recording: what the config's venues
play of it, at their speed, with links that never break.
"""

import heapq
import zlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from adapters.ticks import BadLine, QuoteTick, renamed, sift, window
from desk.config import Config
from desk.sweep_fills import EVENT
from desk.sweep_kernel import HEARD
from desk.toml_reader import read as read_toml
from desk.venue import VenueFile, begin_ns, contracts_of, source_of
from engine import records
from engine.ports import MARKET_DATA, READY, TRADING
from engine.segments import columns, read
from engine.verify import verify

BEAT_NS = 50_000_000
_RECORDINGS = ("gold_2019", "btc_2024")
_HEARD = b"heard"


class BadData(ValueError):
    """What was given as data is none, or not whole: the file, and what was expected."""


class Turn(NamedTuple):
    """Something that comes before event `at`. start: the fields of a START; link: venue, channel, state."""

    at: int
    now_ns: int
    start: dict | None = None
    link: tuple[int, int, int] | None = None


class Day(NamedTuple):
    """beats: engine times of the timer, beat_at: the event that each comes before. denied: decisions that the gate did
    not let through when it was recorded. always_up: links are not recorded, so none counts as silent."""

    name: str
    events: np.ndarray
    turns: list[Turn]
    beats: np.ndarray
    beat_at: np.ndarray
    market_ns: int
    quotes: int
    denied: int
    always_up: bool


def load_day(config: Config, source: Path, folder: Path, sample_ns: int) -> Day:
    """A journal's folder or a recording's; BadData says what was expected. folder: where the venues' files lie."""
    if not source.is_dir():
        raise BadData(f"--data {source}: expected the folder of a journal, or of a recording, found none")
    if any(source.glob("*.segment")) or (source / "live").exists():
        return _of_journal(config, source, sample_ns)
    if source.resolve().name in _RECORDINGS:
        return _of_recording(config, source.resolve(), folder, sample_ns)
    raise BadData(f"--data {source}: expected a journal, or a recording named {' or '.join(_RECORDINGS)}")


# Journals


def _of_journal(config: Config, source: Path, sample_ns: int) -> Day:
    past = next((record.data for record in read(source) if record.kind == records.CONFIG), None)
    if past is None:
        raise BadData(f"--data {source}: expected a journal that begins with START and CONFIG, found neither")
    found = verify(source)
    if not found.whole:
        raise BadData(f"--data {source}: expected a whole journal, `tandem verify` finds: {found.problems[0]}")
    index = _translation(config, past, source)
    starts = columns(source, records.START)
    running = _running(columns(source, records.COMMAND), starts)
    quotes, beats = running(columns(source, records.QUOTE)), running(columns(source, records.TIMER))["header"]
    links = running(columns(source, records.LINK))
    verdicts = columns(source, records.VERDICT)["data"]
    if not len(quotes):
        raise BadData(f"--data {source}: expected quotes, found none")
    events, seqs = _events_of(quotes, beats, links, index, sample_ns)
    return Day(
        str(source), events, _turns_of(links, starts, seqs), beats["now_ns"].copy(),
        np.searchsorted(seqs, beats["seq"]), int(starts["data"][0]["clock_base_ns"]), len(quotes),
        int((verdicts["cleared"] == 0).sum()), False,
    )  # fmt: skip


def _running(commands, starts):
    """A filter of rows: none between a stop and the next start. The engine decides nothing there, and takes its links
    down by itself, so that in the end nothing would have a price any more."""
    stops = commands["header"]["seq"][commands["data"]["code"] == records.COMMAND_STOP]
    begins = starts["header"]["seq"]

    def running(rows):
        seq = rows["header"]["seq"]
        last_stop = np.searchsorted(stops, seq)
        last_start = np.searchsorted(begins, seq)
        stopped_at = np.concatenate([[0], stops])[last_stop]
        started_at = np.concatenate([[0], begins])[last_start]
        return rows[stopped_at <= started_at]

    return running


def _translation(config: Config, past: dict, source: Path) -> np.ndarray:
    """The config's instrument for each of the journal's; -1 for one that the config does not have."""
    mine = {spec.id: (number, spec) for number, spec in enumerate(config.instruments)}
    found = np.full(len(past["instruments"]), -1, np.int32)
    for at, one in enumerate(past["instruments"]):
        number, spec = mine.get(one["id"], (-1, None))
        if spec is not None and spec.tick != one["tick"]:
            raise BadData(f"--data {source}: {spec.id}: expected prices in ticks of {spec.tick}, got {one['tick']}")
        found[at] = number
    if past["names"]["venues"] != [spec.id for spec in config.venues]:
        raise BadData(f"--data {source}: expected the venues of the config, got {', '.join(past['names']['venues'])}")
    return found


def _events_of(quotes, beats, links, index: np.ndarray, sample_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """Quotes, samples and signs of life in their order; and the journal's number of each."""
    kept = quotes[index[quotes["data"]["instrument"]] >= 0]
    sampled = beats[_sampled(beats["now_ns"], sample_ns)]
    heard = links[_is_heard(links) & (links["data"]["channel"] == MARKET_DATA)]
    events = np.zeros(len(kept) + len(sampled) + len(heard), EVENT)
    seqs = np.concatenate([kept["header"]["seq"], sampled["seq"], heard["header"]["seq"]])
    part = events[: len(kept)]
    part["kind"], part["now_ns"] = records.QUOTE, kept["header"]["now_ns"]
    part["instrument"] = index[kept["data"]["instrument"]]
    for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "venue_ns", "venue_seq", "flags"):
        part[name] = kept["data"][name]
    part = events[len(kept) : len(kept) + len(sampled)]
    part["kind"], part["now_ns"] = records.TIMER, sampled["now_ns"]
    part = events[len(kept) + len(sampled) :]
    part["kind"], part["now_ns"], part["instrument"] = HEARD, heard["header"]["now_ns"], heard["data"]["venue"]
    order = np.argsort(seqs, kind="stable")
    return events[order], seqs[order]


def _sampled(beats_ns: np.ndarray, sample_ns: int) -> np.ndarray:
    """Which beats take a sample: the first at or after each multiple of the period, as `engine.watch` has it."""
    periods = beats_ns // sample_ns
    return np.diff(periods, prepend=-1) != 0


def _is_heard(links) -> np.ndarray:
    return links["data"]["why"] == _HEARD


def _turns_of(links, starts, seqs: np.ndarray) -> list[Turn]:
    found = []
    for row in starts:
        fields = {name: row["data"][name].item() for name in row["data"].dtype.names}
        found.append((row["header"]["seq"], {"start": fields}, row["header"]["now_ns"]))
    for row in links[~_is_heard(links)]:
        link = tuple(int(row["data"][name]) for name in ("venue", "channel", "state"))
        found.append((row["header"]["seq"], {"link": link}, row["header"]["now_ns"]))
    found.sort(key=lambda one: one[0])
    return [Turn(int(np.searchsorted(seqs, seq)), int(now_ns), **what) for seq, what, now_ns in found]


# Recordings


def _of_recording(config: Config, source: Path, folder: Path, sample_ns: int) -> Day:
    files = [_venue_file(folder, spec.id, source) for spec in config.venues]
    try:
        begin = begin_ns(files[0])
        ticks = list(heapq.merge(*(_ticks(file, number, config) for number, file in enumerate(files)), key=_at))
    except (OSError, EOFError, zlib.error, StopIteration, ValueError) as error:
        raise BadData(f"--data {source}: expected a whole recording: {error or type(error).__name__}") from error
    if not ticks:
        raise BadData(f"--data {source}: expected quotes of {', '.join(spec.id for spec in config.instruments)}")
    speed_milli = round(files[0].sim.speed * 1000)
    quotes = np.zeros(len(ticks), EVENT)
    for row, (at_ns, instrument, tick) in zip(quotes, ticks, strict=True):
        now_ns = begin + at_ns * 1000 // speed_milli
        row["now_ns"], row["kind"], row["instrument"], row["venue_ns"] = now_ns, records.QUOTE, instrument, now_ns
        row["bid_ticks"], row["bid_lots"] = tick.bid_ticks, tick.bid_lots
        row["ask_ticks"], row["ask_lots"], row["flags"] = tick.ask_ticks, tick.ask_lots, tick.flags
    beats = np.arange(begin + BEAT_NS, int(quotes["now_ns"][-1]) + BEAT_NS, BEAT_NS, dtype=np.int64)
    sampled = beats[_sampled(beats, sample_ns)]
    samples = np.zeros(len(sampled), EVENT)
    samples["kind"], samples["now_ns"] = records.TIMER, sampled
    events = np.concatenate([quotes, samples])
    events = events[np.argsort(events["now_ns"], kind="stable")]
    fields = {"epoch": 1, "config_hash": b"", "clock_base_ns": begin, "clock_start_ns": begin,
              "clock_speed_milli": speed_milli, "version": b""}  # fmt: skip
    turns = [Turn(0, begin, start=fields)]
    turns += [Turn(0, begin, link=(venue, channel, READY)) for venue in range(len(files))
              for channel in (MARKET_DATA, TRADING)]  # fmt: skip
    return Day(source.name, events, turns, beats, np.searchsorted(events["now_ns"], beats), begin, len(quotes), 0, True)


def _at(tick: tuple[int, int, QuoteTick]) -> int:
    return tick[0]


def _venue_file(folder: Path, venue: str, source: Path) -> VenueFile:
    path = folder / f"{venue}.toml"
    file, problems = read_toml(path, VenueFile)
    if file is None or problems:
        raise BadData(f"{path}: expected the file of the venue that plays {source.name}: {problems[0].expected}")
    if file.sim.source != source.name:
        raise BadData(f"--data {source}: expected {file.sim.source}, which {path} plays")
    sim = msgspec.structs.replace(file.sim, data_folder=str(source))
    return msgspec.structs.replace(file, sim=sim)


def _ticks(file: VenueFile, venue: int, config: Config):
    """(time since the window's start, instrument, quote) of one venue; BadData at the first line that is no quote."""
    ids = {contract.id: number for number, contract in enumerate(config.instruments)}
    of_symbol = {symbol: ids[contract.id] for symbol, contract in contracts_of(file).items() if contract.id in ids}

    def refuse(bad: BadLine) -> None:
        raise BadData(f"{bad.file}, line {bad.line}: {bad.expected}")

    for tick in renamed(window(sift(source_of(file), refuse), file.sim.start_s, file.sim.seconds), file.sim.series()):
        if tick.symbol in of_symbol:
            yield tick.at_ns, of_symbol[tick.symbol], tick


