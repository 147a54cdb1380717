"""Names: what the indices of a journal stand for, as its CONFIG record says; a plain number where it is silent."""

from fractions import Fraction

from engine.instruments import decimals_of, step_text
from engine.records import (
    MAX_LEGS,
    REHEDGE,
    SCOPE_ACCOUNT,
    SCOPE_ALL,
    SCOPE_MARKET,
    SCOPE_SPREAD,
    SCOPE_STRATEGY,
    SCOPE_VENUE,
)

MICRO = 1_000_000


class Names:
    """Lookups by index. `data` is the CONFIG record's dict; every key of it may be absent."""

    def __init__(self, data: dict | None = None):
        data = data or {}
        self.input: str | None = data.get("input")
        self.versions: dict = data.get("versions") or {}
        self._names: dict = data.get("names") or {}
        self._config: dict = data.get("config") or {}
        self._instruments = data.get("instruments") or []
        self._spreads = data.get("spreads") or []
        self._by_id = {entry.get("id"): i for i, entry in enumerate(self._instruments)}

    def _name(self, room: str, what: str, index: int) -> str:
        names = self._names.get(room) or []
        return str(names[index]) if 0 <= index < len(names) else f"{what} {index}"

    def venue(self, index: int) -> str:
        return self._name("venues", "venue", index)

    def account(self, index: int) -> str:
        return self._name("accounts", "account", index)

    def pool(self, index: int) -> str:
        return self._name("pools", "pool", index)

    def instrument(self, index: int) -> str:
        return self._name("instruments", "instrument", index)

    def spread(self, index: int) -> str:
        return self._name("spreads", "spread", index)

    def strategy(self, index: int) -> str:
        return self._name("strategies", "strategy", index)

    def market(self, index: int) -> str:
        return self._name("markets", "market", index)

    def meter(self, index: int) -> str:
        return self._name("meters", "meter", index)

    def spread_index(self, name: str) -> int:
        """The index of a spread by its name; ValueError, which lists them, where there is none such."""
        names = self._names.get("spreads") or []
        if name not in names:
            raise ValueError(f"no spread {name}; the journal has {', '.join(names) or 'none'}")
        return names.index(name)

    def strategies_on(self, spread: int) -> list[int]:
        """Indices of the strategies that trade a spread."""
        name = self.spread(spread)
        of = {entry.get("id"): entry.get("spread") for entry in self._config.get("strategies") or []}
        return [index for index, id in enumerate(self._names.get("strategies") or []) if of.get(id) == name]

    def venues_under(self, spread: int) -> list[int]:
        """Indices of the venues that a spread's price comes from: its legs', and those of the rates between them."""
        own = self._at(self._spreads, spread).get("currency")
        rates = {entry.get("id"): entry.get("instrument") for entry in self._config.get("currencies") or []}
        needed = [leg for leg in self.legs(spread) if leg >= 0]
        foreign = {self._at(self._instruments, leg).get("currency") for leg in needed} - {own}
        needed += [self._index(rates[one]) for one in sorted(filter(rates.get, foreign))]
        venues = self._names.get("venues") or []
        return sorted({venues.index(name) for name in map(self.venue_of, needed) if name in venues})

    def scopes(self, strategy: int, spread: int) -> set[tuple[int, int]]:
        """(SCOPE_*, index) of every scope whose switch covers a strategy."""
        found = {(SCOPE_ALL, -1), (SCOPE_STRATEGY, strategy), (SCOPE_SPREAD, spread)}
        for leg in self.legs(spread):
            venue = self.venue_of(leg)
            places = (
                (SCOPE_VENUE, "venues", venue),
                (SCOPE_ACCOUNT, "accounts", self._entry("instruments", leg).get("account")),
                (SCOPE_MARKET, "markets", self._spec("venues", venue).get("market")),
            )
            for scope, room, name in places:
                if name in (known := self._names.get(room) or []):
                    found.add((scope, known.index(name)))
        return found

    @property
    def engine(self) -> str:
        return str((self._config.get("engine") or {}).get("name") or "Tandem")

    def strategy_kind(self, index: int) -> str:
        return str(self._entry("strategies", index).get("kind", ""))

    def is_shadow(self, strategy: int) -> bool:
        """Whether a strategy decides and sends nothing: it, or the whole engine, is in shadow mode."""
        engine, own = self._config.get("engine") or {}, self._entry("strategies", strategy)
        return "shadow" in (engine.get("mode"), own.get("mode"))

    def was_shadow(self, decision, verdict) -> bool:
        """Whether a decision was Cleared and yet not to be sent: it made no deal."""
        seen = verdict.cleared and not verdict.orders and decision.purpose < REHEDGE
        return bool(seen) and self.is_shadow(decision.strategy)

    def venue_of(self, instrument: int) -> str:
        """The venue an instrument trades on, empty where the config does not say."""
        spec, entry = self._entry("instruments", instrument), self._at(self._instruments, instrument)
        venue = spec.get("venue", entry.get("venue"))
        return self.venue(venue) if isinstance(venue, int) else str(venue or "")

    def price_text(self, instrument: int, ticks: int) -> str:
        tick = self._at(self._instruments, instrument).get("tick")
        return f"{ticks} ticks" if tick is None else step_text(ticks, Fraction(str(tick)))

    def average_text(self, instrument: int, ticks: float) -> str:
        """An average price: as exact as a price where it is one, else rounded two digits beyond the tick's."""
        if ticks == round(ticks):
            return self.price_text(instrument, round(ticks))
        tick = self._at(self._instruments, instrument).get("tick")
        if tick is None:
            return f"{ticks:.2f} ticks"
        return f"{ticks * float(tick):.{decimals_of(Fraction(str(tick))) + 2}f}"

    def unit(self, spread: int) -> str:
        """The base unit of a spread, as the config writes it, e.g. g."""
        return str(self._at(self._spreads, spread).get("unit", ""))

    def price_unit(self, spread: int) -> str:
        """What a spread's difference is counted in, e.g. CNY/g."""
        currency = str(self._at(self._spreads, spread).get("currency", ""))
        return f"{currency}/{self.unit(spread)}" if currency and self.unit(spread) else currency

    def legs(self, spread: int) -> list[int]:
        """Instrument indices of a spread's legs, in order; -1 where the config does not tell."""
        legs = self._at(self._spreads, spread).get("legs") or []
        return [self._index(leg.get("instrument")) for leg in legs[:MAX_LEGS]]

    def lot_ubase(self, spread: int, leg: int) -> int:
        """Base units, hedge-weighted, of one lot of a spread's leg, in millionths; 0 where the config does not say, or
        where it depends on the price."""
        legs = self._at(self._spreads, spread).get("legs") or []
        found = self._at(legs, leg).get("hedge_ubase", 0)
        return found if isinstance(found, int) else 0

    def pool_levels_pct(self, pool: int) -> tuple[float, float, float]:
        """Warn, soft and hard level of a pool's use, percent."""
        spec = self._entry("pools", pool)
        return spec.get("warn_pct", 70.0), spec.get("soft_pct", 85.0), spec.get("hard_pct", 90.0)

    def _entry(self, room: str, index: int) -> dict:
        """The config's own section of a thing: the i-th name's, since a config may list things in another order."""
        return self._spec(room, self._name(room, "", index))

    def _spec(self, room: str, name: str) -> dict:
        return next((entry for entry in self._config.get(room) or [] if entry.get("id") == name), {})

    def _index(self, instrument: int | str | None) -> int:
        return instrument if isinstance(instrument, int) else self._by_id.get(instrument, -1)

    @staticmethod
    def _at(entries: list, index: int) -> dict:
        return entries[index] if 0 <= index < len(entries) else {}


def base_units(ubase: int) -> float:
    """Millionths of a base unit as base units."""
    return ubase / MICRO
