"""Checks of what surrounds the trading: engine, clock, currencies, venues, pools, accounts, hooks."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct

from desk.config import AccountSpec, ClockSpec, CurrencySpec, EngineSpec, HookSpec, PoolSpec, VenueSpec
from desk.findings import Findings, known, rows
from desk.toml_reader import convert
from engine.cores import cores

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}")


def check_accounts(found: Findings, protocols: Mapping[str, type[Struct]]) -> dict[str, Any]:
    """Check all of them; the typed settings of each venue that has good ones, by its id."""
    config = found.config
    if config.engine is not UNSET:
        _engine(found, config.engine)
    if config.clock is not UNSET:
        _clock(found, config.clock)
    for checks, specs in (
        (_currency, config.currencies), (_pool, config.pools), (_account, config.accounts), (_hook, config.hooks),
    ):  # fmt: skip
        for spec in rows(specs):
            checks(found, spec)
    settings = {spec.id: _venue(found, spec, protocols) for spec in rows(config.venues)}
    return {name: setting for name, setting in settings.items() if setting is not None}


def _engine(found: Findings, spec: EngineSpec) -> None:
    if known(spec, "name") and not _NAME.fullmatch(spec.name):
        found.wrong(spec, "name", "1 to 64 letters, digits, - and _ (it goes into names of files)")
    if known(spec, "currency") and not _CODE.fullmatch(spec.currency):
        found.wrong(spec, "currency", "an upper-case code such as CNY")
    found.one_of(spec, "poll", ("wait", "busy"))
    if known(spec, "cpu") and spec.cpu != -1 and spec.cpu not in cores():
        found.wrong(spec, "cpu", f"-1, or one of this machine's cores: {', '.join(map(str, sorted(cores())))}")
    found.positive(
        spec, "timer_ms", "sample_ms", "ack_timeout_ms", "query_every_ms", "stop_timeout_ms", "segment_mb", "sync_ms",
        "circuit_rejects", "circuit_ms",
    )  # fmt: skip
    if known(spec, "timer_ms", "sample_ms") and 0 < spec.sample_ms < spec.timer_ms:
        found.wrong(spec, "sample_ms", f"at least timer_ms, {spec.timer_ms}: samples are taken on the timer")


def _clock(found: Findings, spec: ClockSpec) -> None:
    found.positive(spec, "speed")
    if known(spec, "speed", "base_utc") and spec.speed != 1.0 and not spec.base_utc:
        found.wrong(spec, "speed", "1.0 while market time is the wall clock (base_utc is empty)")


def _currency(found: Findings, spec: CurrencySpec) -> None:
    reporting = found.config.engine.currency if found.config.engine is not UNSET else UNSET
    if known(spec, "id") and spec.id == reporting:
        found.wrong(spec, "id", "a currency other than the reporting one, which needs no rate")
    if not known(spec, "id", "instrument", "fixed_rate", "stated"):
        return
    if bool(spec.instrument) == (spec.fixed_rate != 0):
        found.wrong(spec, "instrument", "either an instrument or a fixed_rate, and not both")
    elif spec.instrument:
        _rate_instrument(found, spec, reporting)
    else:
        found.positive(spec, "fixed_rate")
        if not spec.stated:
            found.wrong(spec, "stated", "a sentence why the fixed rate is right")


def _rate_instrument(found: Findings, spec: CurrencySpec, reporting: Any) -> None:
    instrument = found.refer(spec, "instrument", found.instruments, "the id of an instrument")
    if instrument is None or reporting is UNSET or instrument.price_unit is UNSET:
        return
    wanted = f"{reporting}/{spec.id}"
    if instrument.price_unit != wanted:
        found.wrong(spec, "instrument", f"an instrument priced in {wanted}, not {instrument.price_unit}")


def _venue(found: Findings, spec: VenueSpec, protocols: Mapping[str, type[Struct]]) -> Any:
    """The venue's settings as its protocol's Struct, None where they are wrong."""
    found.one_of(spec, "protocol", protocols)
    found.one_of(spec, "market", ("domestic", "foreign"))
    found.positive(spec, "max_silence_ms", "orders_per_s", "order_burst")
    found.not_negative(spec, "repair_reserve")
    if known(spec, "order_burst", "repair_reserve") and 0 < spec.order_burst <= spec.repair_reserve:
        found.wrong(spec, "repair_reserve", f"less than order_burst, {spec.order_burst}: entries need some of it")
    if not known(spec, "protocol", "settings") or spec.protocol not in protocols:
        return None
    reading = found.reading
    settings = convert(reading, reading.origins[id(spec)].at("settings"), spec.settings, protocols[spec.protocol])
    if not reading.is_whole(settings):
        return None
    _silence(found, spec, settings)
    return settings


def _silence(found: Findings, spec: VenueSpec, settings: Any) -> None:
    """A quiet link is heard of once a heartbeat; less patience than that would call every quiet quote stale."""
    beat_ms = getattr(settings, "heartbeat_ms", 0) or getattr(settings, "heartbeat_s", 0) * 1000
    if known(spec, "max_silence_ms") and 0 < spec.max_silence_ms <= beat_ms:
        found.wrong(spec, "max_silence_ms", f"more than the heartbeat of its settings, {beat_ms} ms")


def _pool(found: Findings, spec: PoolSpec) -> None:
    found.positive(spec, "capital")
    found.levels(spec)


def _account(found: Findings, spec: AccountSpec) -> None:
    found.refer(spec, "venue", found.venues, "the id of a venue")
    found.refer(spec, "pool", found.pools, "the id of a pool")
    found.needs_rate(spec)


def _hook(found: Findings, spec: HookSpec) -> None:
    found.one_of(spec, "level", ("info", "warn", "error"))
    if not known(spec, "command", "url"):
        return
    if bool(spec.command) == bool(spec.url):
        found.wrong(spec, "url", "either a command or a url, and not both")
    elif spec.url and not spec.url.startswith(("http://", "https://")):
        found.wrong(spec, "url", "an address that begins with http:// or https://")
