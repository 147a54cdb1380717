"""From the CONFIG record to a running loop: live, recovery and replay are assembled by the same few lines."""

import hashlib
import platform
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version

import msgspec
import orjson

from desk.build import (
    DEAL_ROWS,
    ORDER_ROWS,
    Names,
    build_state,
    hedge_of,
    instruments_of,
    policies_of,
    proxies_of,
    ramps_of,
)
from desk.code import codes_of, signals_of
from desk.composed import HOT
from desk.config import Config
from desk.relimit import Relimit
from engine.calendar import Calendar
from engine.core import Core, Timing
from engine.instruments import Instrument, decimals_of
from engine.limits import day_of
from engine.loop import Loop
from engine.ports import Gateway
from engine.schema import UNSET
from engine.state import State

NS_PER_MS, NS_PER_DAY = 1_000_000, 86_400_000_000_000
_SESSION_DAYS = 45  # of sessions known to one start; after them every market is closed
_SECRETS = ("password",)


@cache
def versions() -> dict[str, str]:
    """What a figure depends on; asked once a process, because reading it takes files."""
    names = ("tandem", "numba", "numpy", "msgspec", "uvloop", "picows")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def shown(config: Config) -> dict:
    """A config as the journal holds it: plain values, without its secrets."""
    found = msgspec.to_builtins(config)
    for venue in found["venues"]:
        venue["settings"] = {key: "***" if key in _SECRETS else value for key, value in venue["settings"].items()}
    return found


def config_record(config: Config, calendars: dict[str, Calendar], market_ns: int, played: str) -> dict:
    """All that a replay needs, as JSON: the config without its secrets, names by index, sessions, versions.

    market_ns: market time of the start; its date chooses the dated terms. played: what the input is, in words.
    """
    names = Names(config)
    market_date = datetime.fromtimestamp(market_ns / 1e9, UTC).date().isoformat()
    return {
        "config": shown(config),
        "names": names.lists(),
        "instruments": [_instrument_view(names, instrument) for instrument in instruments_of(names)],
        "spreads": [_spread_view(names, spec) for spec in config.spreads],
        "code": codes_of(config),
        "sessions": {name: _windows(calendars[name], market_ns) for name in _calendars_used(config)},
        "market_date": market_date,
        "input": played,
        "versions": versions(),
    }


def _instrument_view(names: Names, instrument: Instrument) -> dict:
    spec = names.config.instruments[instrument.index]
    return {
        "id": spec.id, "venue": names.venues[spec.venue], "tick": spec.tick, "decimals": decimals_of(instrument.tick),
        "currency": spec.currency, "price_unit": spec.price_unit, "lot_size": spec.lot_size or spec.contract_value,
    }  # fmt: skip


def _spread_view(names: Names, spec) -> dict:
    legs = [
        {"instrument": leg.instrument, "ratio": leg.ratio, "hedge_ubase": hedge_of(names, spec, number)}
        for number, leg in enumerate(spec.legs)
    ]
    proxies = {}
    for strategy in names.config.strategies:
        if strategy.spread == spec.id:
            proxies |= dict(proxies_of(names, spec, strategy.repair.proxies).values())
    ids = names.config.instruments
    stand_in = [{"instrument": ids[at].id, "hedge_ubase": ubase} for at, ubase in sorted(proxies.items())]
    return {"id": spec.id, "currency": spec.currency, "unit": spec.unit, "legs": legs, "proxies": stand_in}


def _calendars_used(config: Config) -> list[str]:
    return sorted({spec.calendar for spec in config.instruments})


def _windows(calendar: Calendar, market_ns: int) -> list[list[int]]:
    """The sections that open within some weeks around a moment, as [open_ns, close_ns, trading_day]."""
    windows, at_ns = [], market_ns - NS_PER_DAY
    while at_ns < market_ns + _SESSION_DAYS * NS_PER_DAY:
        window = calendar.window(at_ns)
        if window.reason:
            break
        windows.append([window.open_ns, window.close_ns, window.trading_day])
        at_ns = window.close_ns
    return windows


def config_hash(record: dict) -> bytes:
    """What must be equal for a journal to be continued: the config, its instruments, its Python strategies."""
    body = {key: record[key] for key in ("config", "names", "instruments", "spreads")} | {"code": record.get("code")}
    return hashlib.blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest().encode()


def session_lookup(record: dict) -> Callable[[int, int], tuple[int, int, int]]:
    """(instrument, market_ns) -> (open_ns, close_ns, trading_day) of the section that holds or comes next; UNSET where
    unknown."""
    calendars = {name: windows for name, windows in record["sessions"].items()}
    of = [calendars[spec["calendar"]] for spec in record["config"]["instruments"]]

    def section(instrument: int, market_ns: int) -> tuple[int, int, int]:
        windows = of[instrument]
        at = bisect_right(windows, market_ns, key=lambda window: window[1])
        return tuple(windows[at]) if at < len(windows) else (UNSET, UNSET, 0)

    return section


def assemble(
    record: dict, journal, gateways: list[Gateway], clock: Callable[[], int],
    rows: tuple[int, int] = (ORDER_ROWS, DEAL_ROWS),
) -> Loop:  # fmt: skip
    """A loop over a fresh state, from a CONFIG record alone; ValueError where a Python strategy's file has changed.

    rows: of the order and deal tables.
    """
    config = msgspec.convert(record["config"], Config)
    names = Names(config)
    spec = config.engine
    timing = Timing(
        ack_timeout_ns=spec.ack_timeout_ms * NS_PER_MS,
        query_every_ns=spec.query_every_ms * NS_PER_MS,
        sample_ns=spec.sample_ms * NS_PER_MS,
        circuit_rejects=spec.circuit_rejects,
        circuit_ns=spec.circuit_ms * NS_PER_MS,
        drawdown_ns=round(spec.drawdown_window_h * 3_600 * 1e9),
    )
    state: State = build_state(names, record["market_date"], rows)
    core = Core(state, journal, HOT, gateways, policies_of(names), timing, session_lookup(record), names.lists(), clock)
    core.ramps = ramps_of(names)
    core.relimit, core.market_day = Relimit(core, config), day_of(record["market_date"])
    core.signals = signals_of(names.strategy_specs, record.get("code", {}))
    state.scratch["eager"] = not core.signals
    return Loop(core)
