"""Checks of instruments: what they refer to, their units, and that a traded one has all that the gate will ask for."""

import re
from datetime import UTC, date, datetime
from fractions import Fraction

from desk.config import InstrumentSpec
from desk.findings import Contract, Findings, iso_date, known, positive_decimal, rows
from engine.instruments import KINDS, POSITION_MODES
from engine.units import (
    PriceUnit,
    Quantity,
    inverse_lot,
    parse_price_unit,
    parse_quantity,
    tick_value_micros,
)

LARGEST_MICROS = 2**62
_MICRO = 1_000_000
_ON_WIRE = re.compile(r"[A-Za-z0-9_.:/ -]{0,64}")
_QUANTITY = 'a quantity such as "1000 g", in a unit that the price counts'


def check_instruments(found: Findings) -> None:
    """Check every instrument; those whose units are understood go to `found.contracts`."""
    symbols: set[tuple[str, str, str]] = set()
    for spec in rows(found.config.instruments):
        _references(found, spec)
        _symbol(found, spec, symbols)
        _numbers(found, spec)
        _expiry(found, spec)
        _limits(found, spec)
        _close_today(found, spec)
        contract = _contract(found, spec)
        if contract and known(spec, "id"):
            found.contracts.setdefault(spec.id, contract)
        if known(spec, "account") and spec.account:
            _traded(found, spec)


def _references(found: Findings, spec: InstrumentSpec) -> None:
    found.refer(spec, "venue", found.venues, "the id of a venue")
    found.refer(spec, "calendar", found.calendars, "the name of a calendar")
    found.one_of(spec, "kind", KINDS)
    found.one_of(spec, "position_mode", POSITION_MODES)
    found.needs_rate(spec)
    if not known(spec, "account", "venue", "currency") or not spec.account:
        return
    account = found.refer(spec, "account", found.accounts, "the id of an account, or nothing for a watched contract")
    if account is None:
        return
    if known(account, "venue") and account.venue != spec.venue:
        found.wrong(spec, "account", f"an account at venue {spec.venue}, not at {account.venue}")
    if known(account, "currency") and account.currency != spec.currency:
        found.wrong(spec, "currency", f"{account.currency}, the currency of account {spec.account}")


def _symbol(found: Findings, spec: InstrumentSpec, symbols: set[tuple[str, str, str]]) -> None:
    if not known(spec, "venue", "exchange", "symbol"):
        return
    for field in ("exchange", "symbol"):
        if not _ON_WIRE.fullmatch(getattr(spec, field)):
            found.wrong(spec, field, "at most 64 letters, digits, spaces and _ . : / - (it goes over the wire)")
    key = (spec.venue, spec.exchange, spec.symbol)
    if not spec.symbol or key in symbols:
        found.wrong(spec, "symbol", "a symbol that no other instrument of the venue has")
    symbols.add(key)


def _numbers(found: Findings, spec: InstrumentSpec) -> None:
    found.positive(spec, "max_age_ms")
    found.whole_bps(spec, "max_width_bps", "collar_bps")
    found.not_negative(spec, "close_guard_s", "fee_bps", "max_order_lots", "max_order_value", "max_position_lots")
    found.parsed(spec, "lot_step", positive_decimal)
    if known(spec, "max_order_lots", "max_position_lots") and spec.max_order_lots > spec.max_position_lots:
        found.wrong(spec, "max_order_lots", f"at most max_position_lots, {spec.max_position_lots}")


def _expiry(found: Findings, spec: InstrumentSpec) -> None:
    if not known(spec, "expires", "calendar"):
        return
    expires = found.parsed(spec, "expires", iso_date) if spec.expires else None
    today = datetime.fromtimestamp(found.market_ns // 1_000_000_000, UTC).date()
    if expires and expires < today:
        found.wrong(spec, "expires", f"no day before {today}, when market time starts")
    calendar = found.calendars.get(spec.calendar)
    if calendar and known(spec, "id") and spec.calendar != "always":
        last = datetime.fromtimestamp(calendar.known_until_ns // 1_000_000_000, UTC).date()
        if last < (expires or date.max):
            until = f"it expires on {expires}" if expires else "it has no expiry"
            found.notes.append(f"instrument {spec.id}: calendar {spec.calendar} is closed after {last}, and {until}")


def _limits(found: Findings, spec: InstrumentSpec) -> None:
    """涨跌停: prices that the contract can have, the lower one below the upper."""
    prices = {}
    for field in ("lower_limit", "upper_limit"):
        if known(spec, field) and getattr(spec, field):
            prices[field] = found.parsed(spec, field, positive_decimal)
            _on_tick(found, spec, field, prices[field])
    lower, upper = prices.get("lower_limit"), prices.get("upper_limit")
    if lower is not None and upper is not None and lower >= upper:
        found.wrong(spec, "lower_limit", f"less than upper_limit, {spec.upper_limit}")


def _on_tick(found: Findings, spec: InstrumentSpec, field: str, price: Fraction | None) -> None:
    try:
        tick = positive_decimal(spec.tick) if known(spec, "tick") and price is not None else None
    except ValueError:
        return  # told of the tick itself
    if tick is not None and (price / tick).denominator != 1:
        found.wrong(spec, field, f"a multiple of the tick, {spec.tick}")
    elif tick is not None and price / tick >= LARGEST_MICROS:
        found.wrong(spec, field, "less than 2^62 ticks")


def _close_today(found: Findings, spec: InstrumentSpec) -> None:
    """平今 and 锁仓 mean something only where the venue counts today's lots apart, and a lock only beside a fee."""
    fees = [field for field in ("close_today_fee_per_lot", "close_today_fee_bps")
            if known(spec, field) and getattr(spec, field) is not None]  # fmt: skip
    found.not_negative(spec, *fees)
    apart = not known(spec, "position_mode") or spec.position_mode == "long_short_today"
    for field in fees:
        if not apart:
            found.wrong(spec, field, f"nothing: {spec.position_mode} knows no lots of today (long_short_today does)")
    if not known(spec, "may_lock") or not spec.may_lock:
        return
    if not apart:
        found.wrong(spec, "may_lock", f"false: {spec.position_mode} knows no lots of today to leave")
    elif not fees and known(spec, "close_today_fee_per_lot", "close_today_fee_bps"):
        found.wrong(spec, "may_lock", "false, or a close_today_fee_per_lot or _bps: a lock is weighed against that fee")


def _contract(found: Findings, spec: InstrumentSpec) -> Contract | None:
    unit = found.parsed(spec, "price_unit", parse_price_unit, 'a currency and a unit such as "CNY/g"')
    tick = found.parsed(spec, "tick", positive_decimal)
    if unit is None or not known(spec, "kind", "currency"):
        return None
    inverse = spec.kind == "inverse"
    wanted = unit.unit if inverse else unit.currency
    if spec.currency != wanted:
        why = "in which an inverse contract is settled" if inverse else "in which the price counts"
        found.wrong(spec, "currency", f"{wanted}, {why}")
    lot = _inverse_lot(found, spec, unit) if inverse else _lot(found, spec, unit, tick)
    return Contract(spec, unit, lot)


def _lot(found: Findings, spec: InstrumentSpec, unit: PriceUnit, tick: Fraction | None) -> Quantity | None:
    """The lot of a linear contract, whose tick must be worth a whole number of millionths."""
    if not known(spec, "lot_size") or not spec.lot_size:
        return None
    lot = found.parsed(spec, "lot_size", parse_quantity, _QUANTITY)
    if lot is None or tick is None:
        return lot
    value = found.parsed(spec, "lot_size", lambda _: tick_value_micros(tick, spec.price_unit, lot), _QUANTITY)
    if value is not None and not (value[1] and value[0] >= 1):
        found.wrong(spec, "lot_size", f"a lot so large that a tick of it is whole millionths of {unit.currency}")
    elif value is not None and value[0] >= LARGEST_MICROS:
        found.wrong(spec, "lot_size", f"a lot so small that a tick of it is below 2^62 millionths of {unit.currency}")
    return lot


def _inverse_lot(found: Findings, spec: InstrumentSpec, unit: PriceUnit) -> Quantity | None:
    """The lot of an inverse contract at its reference price, None without one."""
    value = found.parsed(spec, "contract_value", parse_quantity, _QUANTITY)
    if value is None:
        return None
    if value.unit != unit.currency:
        found.wrong(spec, "contract_value", f"an amount of {unit.currency}, in which the price counts")
    elif value.amount * _MICRO >= LARGEST_MICROS:
        found.wrong(spec, "contract_value", f"less than 2^62 millionths of {unit.currency}")
    if not known(spec, "reference_price", "id") or not spec.reference_price:
        return None
    price = found.parsed(spec, "reference_price", positive_decimal)
    if price is None:
        return None
    lot = inverse_lot(value, price, unit.unit)
    found.notes.append(
        f"instrument {spec.id}: a lot is {value} of {unit.unit}, which moves with the price: {lot} at "
        f"{spec.reference_price}; ratios and residuals here hold at that price only"
    )
    return lot


def _traded(found: Findings, spec: InstrumentSpec) -> None:
    """What the gate needs for an order: missing means denied, so it is told here."""
    size = "contract_value" if known(spec, "kind") and spec.kind == "inverse" else "lot_size"
    if size == "lot_size" and known(spec, "lot_size") and not spec.lot_size:
        found.wrong(spec, size, 'a quantity such as "1000 g", since it is traded')
    found.positive(spec, "max_order_lots", "max_order_value", "max_position_lots")
    for field in ("margin_pct", "fee_per_lot"):
        if getattr(spec, field) is None:
            found.wrong(spec, field, "a number, since it is traded: missing means denied, 0.0 must be said")
    if spec.margin_pct is not None and known(spec, "margin_pct") and not 0 < spec.margin_pct <= 100:
        found.wrong(spec, "margin_pct", "more than 0 and at most 100")
    if spec.fee_per_lot is not None:
        found.not_negative(spec, "fee_per_lot")
    _overflow(found, spec)


def _overflow(found: Findings, spec: InstrumentSpec) -> None:
    """No product of the engine's integers may leave 62 bits.

    A price at which not even one lot fits max_order_value is never traded at, so ticks x value of a tick is at most
    max_order_value, and a whole position at most that for each of its lots.
    """
    if not known(spec, "max_order_lots", "max_position_lots", "max_order_value"):
        return
    lots = max(spec.max_order_lots, spec.max_position_lots, 1)
    if spec.max_order_value * _MICRO * lots >= LARGEST_MICROS:
        largest = LARGEST_MICROS // _MICRO // lots
        found.wrong(spec, "max_order_value", f"less than {largest:,}: with {lots:,} lots the sums would overflow")
