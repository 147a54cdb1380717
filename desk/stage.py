"""A config and the simulated venues that it names, written into a folder with free ports of this machine."""

import shutil
import socket
from pathlib import Path
from typing import NamedTuple

import msgspec
import tomli_w

from desk.config import Config
from desk.venue import VenueFile, begin_ns, played_text, utc_text


class Market(NamedTuple):
    """The clock that an engine needs for what its venues play, and that in words."""

    clock: dict
    played: str


class Staged(NamedTuple):
    """The files of an engine and of its venues, in the config's order."""

    engine: Path
    venues: list[Path]


def market_of(config: Config, files: list[VenueFile]) -> Market:
    """What the venues play, read before anything is written: a recording that cannot be read is told by ValueError."""
    clock = {"base_utc": config.clock.base_utc, "speed": files[0].sim.speed}
    if (base_ns := begin_ns(files[0])) is not None:
        clock["base_utc"] = utc_text(base_ns)
    return Market(clock, played_text(files[0]))


def set_up(config: Config, files: list[VenueFile], source: Path, folder: Path, clock: dict) -> Staged:
    """Write all files into `folder`, which is made. source: where the venues' files and fault scripts lie."""
    folder.mkdir(parents=True)
    ports = [_free_ports() for _ in files]
    shown = msgspec.to_builtins(config) | {"include": [], "clock": clock}
    for venue, own in zip(shown["venues"], ports, strict=True):
        venue["settings"] |= _addresses(venue["protocol"], *own)
    _write(folder / "engine.toml", shown)
    venues = [_write_venue(folder, source, file, *own) for file, own in zip(files, ports, strict=True)]
    return Staged(folder / "engine.toml", venues)


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]


def _addresses(protocol: str, port: int, market_data_port: int) -> dict:
    """Where a venue is, in the words of its protocol's settings."""
    if protocol == "diff":
        return {"md_url": f"ws://127.0.0.1:{port}/md", "td_url": f"ws://127.0.0.1:{port}/td"}
    return {"host": "127.0.0.1", "order_port": port, "md_port": market_data_port}


def _write_venue(folder: Path, source: Path, file: VenueFile, port: int, market_data_port: int) -> Path:
    sim = msgspec.structs.replace(file.sim, port=port, market_data_port=market_data_port)
    path = folder / f"{sim.id}.toml"
    _write(path, msgspec.to_builtins(msgspec.structs.replace(file, sim=sim, include=[])))
    if sim.faults:
        shutil.copy(source / sim.faults, folder / sim.faults)
    return path


def toml(shown: dict) -> str:
    """A config, as plain values, in TOML; None is what is not stated."""
    return tomli_w.dumps(_without_none(shown))


def _write(path: Path, shown: dict) -> None:
    path.write_text(toml(shown))


def _without_none(value):
    """TOML has no null: a key without a value is left out."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value
