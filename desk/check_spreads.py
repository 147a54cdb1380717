"""Checks of spreads: legs that convert into one unit and currency, and a residual that is known and bounded."""

from fractions import Fraction

from msgspec import UNSET, Struct

from desk.config import LegSpec, SpreadSpec, TermSpec
from desk.findings import Contract, Findings, exact, iso_date, known, positive_decimal, rows
from engine.ratios import Ratio, best_ratios, ratio
from engine.records import MAX_LEGS
from engine.units import convert, dimension, lot_ubase

SEARCH_LOTS = 40
LARGEST_WEIGHT = 1000
LARGEST_UBASE = 2**62


class Side(Struct, frozen=True):
    """A leg in base units. base: of one lot, times its hedge weight; lots: a unit, signed."""

    contract: Contract
    lots: int
    base: Fraction


def check_spreads(found: Findings) -> dict[str, Fraction]:
    """Check every spread; what one unit of each leaves, in base units, where that is known."""
    residuals = {}
    for spec in rows(found.config.spreads):
        _numbers(found, spec)
        for leg in rows(spec.legs):
            _leg(found, leg)
        _legs(found, spec)
        if known(spec, "currency"):
            _currency(found, spec)
        _terms(found, spec)
        sides = _sides(found, spec)
        if sides and known(spec, "id", "residual_bound", "ledger_bound"):
            residuals[spec.id] = _residual(found, spec, sides)
            _note_ratios(found, spec, sides)
            _note_ledger(found, spec, sides, residuals[spec.id])
    return residuals


def _numbers(found: Findings, spec: SpreadSpec) -> None:
    found.needs_rate(spec)
    found.parsed(spec, "unit", dimension, "a unit")
    found.positive(spec, "ratio_k", "max_skew_ms", "ledger_bound")
    found.whole_bps(spec, "max_slippage_bps")
    found.not_negative(spec, "residual_bound")
    if known(spec, "window") and spec.window < 2:
        found.wrong(spec, "window", "at least 2 samples, for a deviation")
    if known(spec, "residual_bound", "ledger_bound") and 0 < spec.ledger_bound < spec.residual_bound:
        found.wrong(spec, "ledger_bound", f"at least residual_bound, {spec.residual_bound:g}")


def _leg(found: Findings, leg: LegSpec) -> None:
    instrument = found.refer(leg, "instrument", found.instruments, "the id of an instrument")
    if known(leg, "ratio") and leg.ratio == 0:
        found.wrong(leg, "ratio", "lots a unit, above 0 to buy and below 0 to sell")
    if known(leg, "hedge_weight") and not 0 < leg.hedge_weight <= LARGEST_WEIGHT:
        found.wrong(leg, "hedge_weight", f"more than 0 and at most {LARGEST_WEIGHT}")
    if known(leg, "price_weight") and leg.price_weight == 0:
        found.wrong(leg, "price_weight", "a number other than 0")
    elif known(leg, "ratio", "price_weight") and leg.price_weight is not None and leg.price_weight * leg.ratio < 0:
        found.wrong(leg, "price_weight", "the sign of its ratio: the side that is traded is the side that is priced")
    contract = found.contracts.get(leg.instrument) if instrument else None
    if contract and not found.has_rate(contract.price_unit.currency):
        found.wrong(leg, "instrument", f"prices in a currency with a rate, not in {contract.price_unit.currency}")


def _currency(found: Findings, spec: SpreadSpec) -> None:
    """A rate leads to the reporting currency only, so a spread over two currencies must be priced in that one."""
    priced_in = {found.contracts[leg.instrument].price_unit.currency for leg in rows(spec.legs)
                 if leg.instrument in found.contracts}  # fmt: skip
    reporting = found.config.engine.currency if known(found.config.engine, "currency") else spec.currency
    if priced_in - {spec.currency} and spec.currency != reporting:
        found.wrong(
            spec, "currency", f"{reporting}, the reporting currency: a leg is priced in another than the spread"
        )


def _legs(found: Findings, spec: SpreadSpec) -> None:
    if not known(spec, "legs"):
        return
    if not 2 <= len(spec.legs) <= MAX_LEGS:
        found.wrong(spec, "legs", f"2 to {MAX_LEGS} legs")
    names = [leg.instrument for leg in rows(spec.legs)]
    for leg in rows(spec.legs):
        if known(leg, "instrument") and names.count(leg.instrument) > 1:
            found.wrong(leg, "instrument", "an instrument that no other leg has")


def _terms(found: Findings, spec: SpreadSpec) -> None:
    seen = set()
    names = [leg.instrument for leg in rows(spec.legs)]
    for term in rows(spec.terms):
        found.parsed(term, "valid_from", iso_date)
        found.not_negative(term, "vat_pct", "duty_pct", "cost")
        if not known(term, "valid_from", "leg"):
            continue
        if (term.leg or _has_percentages(term)) and term.leg not in names:
            found.wrong(term, "leg", f"the instrument of a leg: one of {', '.join(map(str, names))}")
        if (term.valid_from, term.leg) in seen:
            found.wrong(term, "valid_from", "a date that no other term of this leg has")
        seen.add((term.valid_from, term.leg))


def _has_percentages(term: TermSpec) -> bool:
    return known(term, "vat_pct", "duty_pct") and any((term.vat_pct, term.duty_pct))


def _sides(found: Findings, spec: SpreadSpec) -> list[Side]:
    """The legs in base units; empty where one of them is not known (its problem is told)."""
    density = found.parsed(spec, "density_kg_m3", positive_decimal) if spec.density_kg_m3 else None
    sides = [_side(found, spec, leg, density) for leg in rows(spec.legs)]
    whole = len(sides) >= 2 and known(spec, "legs") and UNSET not in spec.legs
    return sides if whole and None not in sides else []


def _side(found: Findings, spec: SpreadSpec, leg: LegSpec, density: Fraction | None) -> Side | None:
    contract = found.contracts.get(leg.instrument) if leg.instrument is not UNSET else None
    if contract is None or not known(spec, "unit", "id") or not known(leg, "ratio", "hedge_weight"):
        return None
    if contract.lot is None:
        if contract.spec.lot_size == "":
            field = "reference_price" if contract.spec.kind == "inverse" else "lot_size"
            found.wrong(leg, "instrument", f"a contract with a {field}: without one no residual can be checked")
        return None
    try:
        base = convert(contract.lot.amount, contract.lot.unit, spec.unit, density)
        value, is_exact = lot_ubase(contract.lot, spec.unit, density)
    except ValueError as error:
        found.wrong(leg, "instrument", f"a contract that converts to {spec.unit}: {error}")
        return None
    if not is_exact:
        found.notes.append(f"spread {spec.id}: a lot of {leg.instrument} counts as {value} millionths of a {spec.unit}")
    lots = contract.spec.max_position_lots if known(contract.spec, "max_position_lots") else 1
    if value * max(lots, 1) * max(leg.hedge_weight, 1) >= LARGEST_UBASE:
        found.wrong(leg, "instrument", f"a contract whose whole position is below 2^62 millionths of a {spec.unit}")
    if leg.ratio == 0 or not 0 < leg.hedge_weight <= LARGEST_WEIGHT:
        return None
    return Side(contract, leg.ratio, base * exact(leg.hedge_weight))


def _residual(found: Findings, spec: SpreadSpec, sides: list[Side]) -> Fraction:
    """What one unit leaves; it must be within the bound, and the bound less than a leg."""
    left = abs(sum((side.lots * side.base for side in sides), Fraction(0)))
    least = min(abs(side.lots) * side.base for side in sides)
    if exact(spec.residual_bound) >= least:
        found.wrong(spec, "residual_bound", f"less than {_text(least)} {spec.unit}: a bound of a whole leg is no bound")
    elif exact(spec.residual_bound) < left:
        found.wrong(
            spec, "residual_bound", f"at least {_text(left)} {spec.unit}, which one unit of these ratios leaves"
        )
    return left


def _note_ledger(found: Findings, spec: SpreadSpec, sides: list[Side], left: Fraction) -> None:
    """What becomes of a residual that gathers over deals: only whole lots of a leg can be traded against it."""
    lots = [side.base for side in sides if side.contract.spec.kind != "inverse" and side.contract.spec.account]
    if left == 0 or not known(spec, "ledger_hedge"):
        return
    if not spec.ledger_hedge or not lots:
        why = "no leg has lots of a fixed worth" if spec.ledger_hedge else "ledger_hedge = false"
        found.notes.append(
            f"spread {spec.id}: nothing trades its residual ledger away ({why}): only exits bring it back"
        )
    elif exact(spec.ledger_bound) < min(lots):
        found.notes.append(
            f"spread {spec.id}: its residual ledger is never hedged: ledger_bound, {spec.ledger_bound:g} {spec.unit}, "
            f"is less than the smallest lot, {_text(min(lots))}; entries stop there, and only exits bring it back"
        )


def _note_ratios(found: Findings, spec: SpreadSpec, sides: list[Side]) -> None:
    if len(sides) != 2 or sides[0].lots * sides[1].lots > 0:
        return
    first, second = sides
    now = ratio(abs(first.lots), abs(second.lots), first.base, second.base)
    if now.share == 0:
        found.notes.append(f"spread {spec.id}: a unit is {_ratio_text(now, spec.unit)}")
        return
    better = [one for one in best_ratios(first.base, second.base, SEARCH_LOTS) if one.share < now.share]
    others = "; ".join(_ratio_text(one, spec.unit) for one in better) or "none leaves less"
    found.notes.append(
        f"spread {spec.id}: a unit is {_ratio_text(now, spec.unit)}; better up to {SEARCH_LOTS} lots: {others}"
    )


def _ratio_text(one: Ratio, unit: str) -> str:
    left = "exact" if one.share == 0 else f"leaves {_text(abs(one.residual))} {unit} ({float(one.share) * 100:.2g} %)"
    return f"{one.first_lots}:{one.second_lots} {left}"


def _text(number: Fraction) -> str:
    return f"{float(number):.6g}"
