"""Which fields of a config are limits, that a running engine may be given anew, and how two configs differ.

What is not listed here needs a restart: ids, venues, legs, ratios, ticks, kinds, currencies and their rates, repair
policies; what a strategy decides by (entry, exit, clip, dispatch, mode, ramp, what it may trade), since a reload only
widens or narrows what its decisions may do; the engine's own timing; and `max_executions`, whose ring is laid out at
the start. min_edge is among the limits: the gate asks for it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from desk.config import (
    AccountSpec,
    Config,
    CurrencySpec,
    EngineSpec,
    HookSpec,
    InstrumentSpec,
    LegSpec,
    MarketSpec,
    PoolSpec,
    ProxySpec,
    RampSpec,
    SpreadSpec,
    StrategySpec,
    TermSpec,
    VenueSpec,
)
from desk.config_rules import RuleSpec
from desk.toml_reader import shown

_LOSS = ("max_day_loss", "max_drawdown")
_BUCKET = ("orders_per_s", "order_burst")
_LEVELS = ("warn_pct", "soft_pct", "hard_pct")
_SIZES = ("max_gross", "max_net")
_RULE_NAMES = ("book", "product", "contract", "valid_from")

RELOADABLE: dict[type[msgspec.Struct], frozenset[str]] = {
    EngineSpec: frozenset({*_LOSS, "max_unbalanced", "max_naked_day_ms"}),
    CurrencySpec: frozenset({"max_exposure"}),
    VenueSpec: frozenset({"max_silence_ms", *_BUCKET, "repair_reserve"}),
    MarketSpec: frozenset(_SIZES),
    AccountSpec: frozenset({
        "allow", "max_order_value", "max_working_orders", "orders_a_day", "cancels_a_day", "trades_a_day",
        "day_reserve_pct", "repair_reserve", *_BUCKET, *_SIZES, *_LEVELS, *_LOSS,
    }),
    PoolSpec: frozenset({"capital", "policy", *_LEVELS}),
    RuleSpec: frozenset(RuleSpec.__struct_fields__) - frozenset(_RULE_NAMES),
    InstrumentSpec: frozenset({
        "margin_pct", "maintenance_pct", "margin_base", "settlement", "one_side", "fee_per_lot", "fee_bps",
        "close_today_fee_per_lot", "close_today_fee_bps", "upper_limit", "lower_limit", "max_age_ms", "max_width_bps",
        "max_order_lots", "max_order_value", "max_position_lots", "max_gross_lots", "max_working_orders", "collar_bps",
        "collar_ticks", "close_guard_s",
    }),
    SpreadSpec: frozenset({
        "max_skew_ms", "residual_bound", "ledger_bound", "max_slippage_bps", "max_total_slippage_bps", "max_units",
    }),
    TermSpec: frozenset({"vat_pct", "duty_pct", "premium", "cost", "source"}),
    StrategySpec: frozenset({
        "min_edge", "max_units", "duplicate_window_ms", "max_duplicates", "execution_window_ms", "max_unbalanced",
        "max_naked_day_ms", "pool_weight", "pool_priority", "pool_reserve", *_BUCKET, *_LOSS,
    }),
}  # fmt: skip
_MAY_GROW = (RuleSpec, MarketSpec, TermSpec)  # of these whole tables may come and go
_BY_PLACE = (RampSpec, HookSpec)
_WHY_NOT = {
    "max_executions": "the ring of its executions is laid out at the start",
    "mode": "a strategy goes live, or into the shadow, by a restart",
}
_NO_LIMIT = "this is no limit: a restart with a journal of its own changes it"
_NOT_COMPARED = ("include",)  # where the lists were read from: what they hold is compared


class Change(msgspec.Struct, frozen=True):
    """One difference. key: a path such as accounts[cn].orders_a_day. refused: why it cannot be reloaded, or ""."""

    key: str
    old: Any
    new: Any
    refused: str = ""

    def __str__(self) -> str:
        return f"{self.key} {_text(self.old)} -> {_text(self.new)}" + (f": {self.refused}" if self.refused else "")


def _text(value: Any) -> str:
    return "nothing" if value is None else shown(value)


def differences(old: Config, new: Config) -> list[Change]:
    """Every field in which two configs differ, in the order of the config's tables."""
    return list(_in_table(old, new, ""))


def _in_table(old: msgspec.Struct, new: msgspec.Struct, path: str) -> Iterator[Change]:
    for field in old.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if before == after or (isinstance(old, Config) and field in _NOT_COMPARED):
            continue
        key = f"{path}.{field}" if path else field
        kind = type((before or after)[0]) if isinstance(before, list) and isinstance(after, list) else None
        if isinstance(before, msgspec.Struct) and isinstance(after, msgspec.Struct):
            yield from _in_table(before, after, key)
        elif kind is not None and issubclass(kind, msgspec.Struct) and _named(kind):
            yield from _in_list(before, after, key, kind)
        else:
            why = "" if field in RELOADABLE.get(type(old), ()) else _WHY_NOT.get(field, _NO_LIMIT)
            yield Change(key, msgspec.to_builtins(before), msgspec.to_builtins(after), why)


def _named(kind: type) -> bool:
    """Whether the tables of a list are told apart by what stands in them, or by their place."""
    return kind in (RuleSpec, TermSpec, LegSpec, ProxySpec, *_BY_PLACE) or "id" in kind.__struct_fields__


def _in_list(old: list, new: list, path: str, kind: type) -> Iterator[Change]:
    before, after = _by_name(old), _by_name(new)
    why = "" if kind in _MAY_GROW else _NO_LIMIT
    for name in {**before, **after}:
        key, mine, theirs = f"{path}[{name}]", before.get(name), after.get(name)
        if mine is None or theirs is None:
            yield Change(key, msgspec.to_builtins(mine), msgspec.to_builtins(theirs), why)
        else:
            yield from _in_table(mine, theirs, key)
    if why and before.keys() == after.keys() and list(before) != list(after):
        yield Change(path, list(before), list(after), "the journal knows them by their order")


def _by_name(specs: list) -> dict[str, Any]:
    return {_name(spec, place): spec for place, spec in enumerate(specs)}


def _name(spec: Any, place: int) -> str:
    match spec:
        case RuleSpec():
            return " ".join(filter(None, (spec.book, spec.product, spec.contract, spec.valid_from)))
        case TermSpec():
            return " ".join(filter(None, (spec.leg, spec.valid_from)))
        case LegSpec():
            return spec.instrument
        case ProxySpec():
            return spec.leg
    return str(place) if isinstance(spec, _BY_PLACE) else spec.id
