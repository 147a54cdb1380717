"""The rules of the exchanges on a date: the closest valid rule of each field, and the meters that count by it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from desk.config import AccountSpec, Config, InstrumentSpec
from desk.config_rules import RuleSpec, TierSpec
from engine.schema import (
    CANCELS,
    FREQUENT,
    LARGE,
    MESSAGES,
    NO_LIMIT,
    OF_ACCOUNT,
    OF_CONTRACT,
    OF_PRODUCT,
    OPENED_LOTS,
    ORDERS,
    QUOTAS,
    SELF_TRADES,
    TRADES,
    UNSET,
)

MICROS = 1_000_000
_NAMES = ("book", "product", "contract", "valid_from", "source")
_SPARE_TIERS = 16
_SELF_TRADE_RESERVE = 1  # one is prevented before it is counted; the last one is not for openings


class MeterSpec(NamedTuple):
    """One row of METER: what it is of, and what it goes by. first: its first instrument, whose trading day it goes by;
    -1: none."""

    kind: int
    key: tuple[str, ...]  # (account,) or (group, book, product or contract)
    first: int
    limit: Sequence[int]
    reserve: Sequence[int]
    numbers: dict[str, int]
    tiers: Sequence[TierSpec]

    @property
    def name(self) -> str:
        return ":".join(self.key)


def rule_of(config: Config, instrument: InstrumentSpec, date: str) -> dict[str, Any]:
    """Every field of the exchange's rules for a contract on a date (ISO); None where nobody has stated it."""
    found: dict[str, Any] = dict.fromkeys(field for field in RuleSpec.__struct_fields__ if field not in _NAMES)
    for rule in sorted(config.rules, key=lambda rule: (bool(rule.contract), bool(rule.product), rule.valid_from)):
        if _covers(rule, instrument) and rule.valid_from <= date:
            of_product = bool(rule.product) and not rule.contract
            for field in found:
                if of_product and field in ("opening_lots", "position_lots"):
                    continue  # of the product's contracts together
                stated = getattr(rule, field)
                found[field] = found[field] if stated is None else stated
    return found


def product_rule_of(config: Config, instrument: InstrumentSpec, date: str) -> dict[str, Any]:
    """Opening and position limits of a product's contracts together; "none" where no rule states one."""
    found: dict[str, Any] = {"opening_lots": "none", "position_lots": "none"}
    for rule in sorted(config.rules, key=lambda rule: rule.valid_from):
        if rule.product and not rule.contract and _covers(rule, instrument) and rule.valid_from <= date:
            for field in found:
                stated = getattr(rule, field)
                found[field] = found[field] if stated is None else stated
    return found


def _covers(rule: RuleSpec, instrument: InstrumentSpec) -> bool:
    if rule.book != instrument.rules:
        return False
    return rule.product in ("", instrument.product) and rule.contract in ("", instrument.symbol)


def limit_micros(value: float | str | None) -> int:
    """Money as the tables hold it: NO_LIMIT where none is stated to be, UNSET where nothing is stated."""
    return _scaled(value, MICROS)


def limit_of(value: int | str | None) -> int:
    """A count as the tables hold it."""
    return _scaled(value, 1)


def _scaled(value: float | str | None, scale: int) -> int:
    if value is None:
        return UNSET
    return NO_LIMIT if value == "none" else int(Decimal(repr(value)) * scale)


def group_of(account: AccountSpec) -> str:
    return account.group or account.id


def meters_of(config: Config, date: str) -> list[MeterSpec]:
    """Every meter: the accounts in their order, then each group's contracts, then its products."""
    accounts = {spec.id: spec for spec in config.accounts}
    found = [_account_meter(config, spec) for spec in config.accounts]
    contracts: dict[tuple, MeterSpec] = {}
    products: dict[tuple, MeterSpec] = {}
    for index, spec in enumerate(config.instruments):
        if not spec.account:
            continue
        group = group_of(accounts[spec.account])
        key = (group, spec.rules, spec.symbol)
        contracts.setdefault(key, _contract_meter(config, spec, index, key, date))
        if spec.product:
            key = (group, spec.rules, spec.product)
            products.setdefault(key, _product_meter(config, spec, index, key, date))
    return [*found, *contracts.values(), *products.values()]


def tier_room(config: Config) -> int:
    """Rows for the steps of message fees: as many as any date of the rules asks for, and some for a reload."""
    dates = sorted({rule.valid_from for rule in config.rules})
    return max((sum(len(meter.tiers) for meter in meters_of(config, date)) for date in dates), default=0) + _SPARE_TIERS


def places_of(config: Config, meters: list[MeterSpec]) -> list[tuple[int, int]]:
    """(contract's meter, product's meter) of each instrument, -1 where it has none."""
    at = {(meter.kind, meter.key): index for index, meter in enumerate(meters)}
    groups = {spec.id: group_of(spec) for spec in config.accounts}
    found = []
    for spec in config.instruments:
        group = groups.get(spec.account, "")
        contract = at.get((OF_CONTRACT, (group, spec.rules, spec.symbol)), -1)
        found.append((contract, at.get((OF_PRODUCT, (group, spec.rules, spec.product)), -1)))
    return found


def _account_meter(config: Config, spec: AccountSpec) -> MeterSpec:
    first = next((index for index, one in enumerate(config.instruments) if one.account == spec.id), -1)
    limit, reserve = [NO_LIMIT] * len(QUOTAS), [0] * len(QUOTAS)
    for kind, name in ((ORDERS, "orders_a_day"), (CANCELS, "cancels_a_day"), (TRADES, "trades_a_day")):
        limit[kind] = limit_of(getattr(spec, name))
        if 0 <= limit[kind] < NO_LIMIT:
            reserve[kind] = int(limit[kind] * Decimal(repr(spec.day_reserve_pct)) / 100)
    return MeterSpec(OF_ACCOUNT, (spec.id,), first, limit, reserve, {"max_position_lots": NO_LIMIT}, ())


def _contract_meter(config: Config, spec: InstrumentSpec, index: int, key: tuple, date: str) -> MeterSpec:
    rule = rule_of(config, spec, date)
    limit, reserve = [NO_LIMIT] * len(QUOTAS), [0] * len(QUOTAS)
    for kind, name in (
        (ORDERS, "orders"), (CANCELS, "cancels"), (TRADES, "trades"), (FREQUENT, "frequent_cancels"),
        (LARGE, "large_cancels"), (SELF_TRADES, "self_trades"), (OPENED_LOTS, "opening_lots"),
    ):  # fmt: skip
        limit[kind] = limit_of(rule[name])
    kept = rule["reserve"] if isinstance(rule["reserve"], int) else 0
    for kind in (ORDERS, CANCELS, TRADES, MESSAGES):
        reserve[kind] = kept
    reserve[FREQUENT], reserve[LARGE] = rule["frequent_reserve"] or 0, rule["large_reserve"] or 0
    reserve[SELF_TRADES] = _SELF_TRADE_RESERVE
    ratio, fee = rule["max_order_to_trade"], rule["max_message_fee"]
    numbers = {
        "large_lots": limit_of(rule["large_lots"]),
        "ioc_counts": UNSET if rule["ioc_counts"] is None else int(rule["ioc_counts"]),
        "max_position_lots": limit_of(rule["position_lots"]),
        "max_otr_e2": _scaled(ratio, 100), "otr_from": rule["order_to_trade_from"] or 0,
        "max_fee_micros": UNSET if rule["message_fees"] is None else limit_micros(fee),
    }  # fmt: skip
    return MeterSpec(OF_CONTRACT, key, index, limit, reserve, numbers, tuple(rule["message_fees"] or ()))


def _product_meter(config: Config, spec: InstrumentSpec, index: int, key: tuple, date: str) -> MeterSpec:
    rule = product_rule_of(config, spec, date)
    limit = [NO_LIMIT] * len(QUOTAS)
    limit[OPENED_LOTS] = limit_of(rule["opening_lots"])
    numbers = {"max_position_lots": limit_of(rule["position_lots"])}
    return MeterSpec(OF_PRODUCT, key, index, limit, [0] * len(QUOTAS), numbers, ())
