"""What a check of a config found, and the few questions that all its checks ask."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, TypeVar

from msgspec import UNSET, Struct

from desk.config import Config, InstrumentSpec
from desk.toml_reader import Origin, Reading, nearest
from engine.calendar import Calendar
from engine.instruments import decimals_of
from engine.units import PriceUnit, Quantity

T = TypeVar("T")
_DECIMAL = re.compile(r"\d+(\.\d+)?")
_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_YEARS = range(1970, 2101)  # nanoseconds of later ones would leave the journal's 64 bits


class Contract(Struct, frozen=True):
    """An instrument whose units are understood. lot: None where the config does not say enough to know it."""

    spec: InstrumentSpec
    price_unit: PriceUnit
    lot: Quantity | None


class Findings:
    """Problems (kept by the reading) and notes, and the config's tables by id.

    A field that could not be read is UNSET: its problem is known already, so every question passes over it.
    """

    def __init__(self, reading: Reading, calendars: Mapping[str, Calendar], now_ns: int) -> None:
        config: Config = reading.value
        self.reading, self.config, self.calendars = reading, config, calendars
        self.notes: list[str] = []
        self.contracts: dict[str, Contract] = {}
        self.market_ns = self._market_ns(now_ns)
        self.currencies = self.by_id(config.currencies)
        self.venues = self.by_id(config.venues)
        self.pools = self.by_id(config.pools)
        self.accounts = self.by_id(config.accounts)
        self.instruments = self.by_id(config.instruments)
        self.spreads = self.by_id(config.spreads)
        self.strategies = self.by_id(config.strategies)

    def wrong(self, spec: Struct, field: str, expected: str, near: str = "") -> None:
        origin = self.reading.origins.get(id(spec), Origin("default"))
        self.reading.refuse(origin.at(field), getattr(spec, field), expected, near)

    def by_id(self, specs: Any) -> dict[str, Any]:
        """A list of the config by id; empty, strange and double ids are problems."""
        found: dict[str, Any] = {}
        for spec in rows(specs):
            if spec.id is UNSET:
                continue
            if not _ID.fullmatch(spec.id):
                self.wrong(spec, "id", "an id of 1 to 64 letters, digits and _ . : / -")
            elif spec.id in found:
                self.wrong(spec, "id", "an id of its own")
            found.setdefault(spec.id, spec)
        return found

    def positive(self, spec: Struct, *fields: str) -> None:
        """Of a number; "none" and what nobody has stated pass, here and below."""
        for field in fields:
            if is_number(value := getattr(spec, field)) and value <= 0:
                self.wrong(spec, field, "more than 0")

    def not_negative(self, spec: Struct, *fields: str) -> None:
        for field in fields:
            if is_number(value := getattr(spec, field)) and value < 0:
                self.wrong(spec, field, "0 or more")

    def less(self, spec: Struct, field: str, most: str, why: str = "") -> None:
        """A number that must be less than another one of the same table."""
        value, bound = getattr(spec, field), getattr(spec, most)
        if is_number(value) and is_number(bound) and value >= bound > 0:
            self.wrong(spec, field, f"less than {most}, {bound:,}" + (f": {why}" if why else ""))

    def levels(self, spec: Struct) -> None:
        """Levels of use that warn, reduce and stop: each above the one before it."""
        self.positive(spec, "warn_pct")
        for low, high in (("warn_pct", "soft_pct"), ("soft_pct", "hard_pct")):
            if known(spec, low, high) and getattr(spec, high) <= getattr(spec, low):
                self.wrong(spec, high, f"more than {low}, {getattr(spec, low):g}")
        if known(spec, "hard_pct") and spec.hard_pct > 100:
            self.wrong(spec, "hard_pct", "at most 100")

    def instruments_of(self, spec: Struct, field: str) -> None:
        """A list of instruments, each of which is known."""
        for name in rows(getattr(spec, field)):
            if name not in self.instruments:
                self.wrong(spec, field, f"ids of instruments: there is no {name}", nearest(name, self.instruments))

    def whole_bps(self, spec: Struct, *fields: str) -> None:
        for field in fields:
            value = getattr(spec, field)
            if value is not UNSET and (value < 1 or value != int(value)):
                self.wrong(spec, field, "whole basis points, 1 or more: the gate counts in them")

    def one_of(self, spec: Struct, field: str, names: Iterable[str]) -> None:
        value, names = getattr(spec, field), list(names)
        if value is not UNSET and value not in names:
            self.wrong(spec, field, f"one of {', '.join(names)}", nearest(value, names))

    def refer(self, spec: Struct, field: str, table: Mapping[str, T], what: str) -> T | None:
        """What a field names, None (a problem) where there is no such thing."""
        value = getattr(spec, field)
        if value is not UNSET and value not in table:
            self.wrong(spec, field, what, nearest(value, table))
        return table.get(value) if value is not UNSET else None

    def parsed(self, spec: Struct, field: str, parse: Callable[[str], T], expected: str = "") -> T | None:
        """What a text means, None (a problem, except for a text that could not be read) where it means nothing.

        expected: what to say before the parser's own words; "" where those say what was expected.
        """
        value = getattr(spec, field)
        if value is UNSET:
            return None
        try:
            return parse(value)
        except ValueError as error:
            self.wrong(spec, field, f"{expected}: {error}" if expected else str(error))
            return None

    def has_rate(self, currency: Any) -> bool:
        """Whether amounts in a currency can be counted in the reporting one."""
        engine = self.config.engine
        unknown = engine is UNSET or UNSET in (engine.currency, currency)
        return unknown or currency == engine.currency or currency in self.currencies

    def needs_rate(self, spec: Struct, field: str = "currency") -> None:
        if not self.has_rate(getattr(spec, field)):
            reporting = self.config.engine.currency
            near = nearest(getattr(spec, field), [reporting, *self.currencies])
            self.wrong(spec, field, f"{reporting} or a currency with a [[currencies]] entry", near)

    @property
    def market_date(self) -> str:
        """The date that chooses dated rules and terms at the start: of market time, in UTC."""
        return datetime.fromtimestamp(self.market_ns // 1_000_000_000, UTC).date().isoformat()

    def _market_ns(self, now_ns: int) -> int:
        """Market time at the start: the clock's base, else now."""
        clock = self.config.clock
        if known(clock, "base_utc") and clock.base_utc:
            start = self.parsed(clock, "base_utc", utc_time)
            return int(start.timestamp()) * 1_000_000_000 if start else now_ns
        return now_ns


def rows(specs: Any) -> list[Any]:
    """The readable tables of a list of the config."""
    return [spec for spec in specs if spec is not UNSET] if isinstance(specs, list) else []


def known(spec: Any, *fields: str) -> bool:
    """Whether all these fields could be read."""
    return spec is not UNSET and all(getattr(spec, field) is not UNSET for field in fields)


def is_number(value: Any) -> bool:
    """A number, not "none", and not what nobody has stated or what could not be read."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def positive_decimal(text: str) -> Fraction:
    """The number in a text such as "0.02". ValueError where it is none above 0 and below 10^12."""
    number = Fraction(text) if _DECIMAL.fullmatch(text) else Fraction(0)
    if number == 0:
        raise ValueError('a decimal number above 0, as a text such as "0.02"')
    if number >= 10**12:
        raise ValueError("a number below 1,000,000,000,000")
    decimals_of(number)
    return number


def iso_date(text: str) -> date:
    """The day in a text such as "2027-02-15". ValueError for anything else (dates are compared as texts too)."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text or day.year not in _YEARS:
        raise ValueError(f"a date such as 2027-02-15, at most {_YEARS[-1]}-12-31")
    return day


def utc_time(text: str) -> datetime:
    """A time in ISO 8601, taken as UTC where it names no offset. ValueError for anything else."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("a time such as 2026-04-17T01:00:00Z") from error
    if time.year not in _YEARS:
        raise ValueError(f"a time in the years {_YEARS[0]} to {_YEARS[-1]}")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def exact(number: float) -> Fraction:
    """A float at its shortest decimal text, as a person wrote it: 0.885, not 0.88500000000000000888."""
    return Fraction(repr(number))
