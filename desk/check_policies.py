"""Checks of how a strategy sends and repairs: legs that exist, ladders that come to an end, proxies that convert."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from desk.config import LegSpec, ProxySpec, RepairSpec, SpreadSpec, StrategySpec
from desk.findings import Findings, exact, known, positive_decimal, rows
from engine.records import MAX_LEGS
from engine.repair import ON_PARTIAL
from engine.schema import DISPATCHES
from engine.units import convert

MOST_PROXY_LOTS = 1_000  # for a clip of the leg that they stand for
AT_CLOSE = ("carry", "flatten")
# A repair that may take longer, or try more often, than this has no end that anyone waits for.
LONGEST_NAKED_MS = 3_600_000
MOST_TRIES = 1000
LARGEST_WEIGHT = 1000
_BACK_OFF_SHIFT = 3  # as in engine.settle: pauses double while they are refused, to 8 times the first
_FIRST = {"lead_lag": "lead", "arrival_aligned": "far"}  # dispatch -> the field that names the leg sent first


def check_policies(found: Findings) -> None:
    """Check the dispatch, the close and the repair of every strategy."""
    for spec in rows(found.config.strategies):
        spread = found.spreads.get(spec.spread) if known(spec, "spread") else None
        _dispatch(found, spec, spread)
        _close(found, spec)
        if known(spec, "repair"):
            _numbers(found, spec.repair)
            _waits(found, spec)
            _ladder(found, spec, spread)
            _proxies(found, spec, spread)


# Sending


def _dispatch(found: Findings, spec: StrategySpec, spread: SpreadSpec | None) -> None:
    found.one_of(spec, "dispatch", DISPATCHES)
    found.not_negative(spec, "align_ms")
    if not known(spec, "dispatch") or spec.dispatch not in DISPATCHES:
        return
    for dispatch, field in _FIRST.items():
        name = getattr(spec, field)
        if not known(spec, field):
            continue
        if spec.dispatch != dispatch and name:
            found.wrong(spec, field, f"nothing: only {dispatch} sends a leg first, and this is {spec.dispatch}")
        elif spec.dispatch == dispatch and spread is not None:
            _is_leg(found, spec, field, spread)
    if known(spec, "align_ms"):
        _align(found, spec)


def _is_leg(found: Findings, spec: StrategySpec | ProxySpec, field: str, spread: SpreadSpec) -> None:
    if known(spread, "legs", "id"):
        found.refer(spec, field, _legs_of(spread), f"the instrument of a leg of {spread.id}: {_or(_legs_of(spread))}")


def _align(found: Findings, spec: StrategySpec) -> None:
    if spec.dispatch != "arrival_aligned":
        if spec.align_ms > 0:
            found.wrong(spec, "align_ms", f"0: only arrival_aligned delays a leg, and this is {spec.dispatch}")
        return
    if spec.align_ms == 0:
        found.wrong(spec, "align_ms", "more than 0: without a delay every leg is sent at once, which is concurrent")
    elif known(spec, "deadline_ms") and 0 < spec.deadline_ms <= spec.align_ms:
        found.wrong(spec, "align_ms", f"less than deadline_ms, {spec.deadline_ms}: else the later legs are sent dead")


def _close(found: Findings, spec: StrategySpec) -> None:
    found.one_of(spec, "at_close", AT_CLOSE)
    found.positive(spec, "flatten_s")


# Repair


def _numbers(found: Findings, spec: RepairSpec) -> None:
    found.one_of(spec, "on_partial", ON_PARTIAL)
    found.positive(spec, "retry_ms", "band_bps", "max_tries", "naked_limit_ms")
    found.not_negative(spec, "risk_aversion", "lean_ms", "wide_band_bps", "lock_wait_ms")
    for field, most in (("max_tries", MOST_TRIES), ("naked_limit_ms", LONGEST_NAKED_MS)):
        if known(spec, field) and getattr(spec, field) > most:
            found.wrong(spec, field, f"at most {most}: a repair must come to an end")
    if known(spec, "pay_up_ticks") and not _is_ladder(rows(spec.pay_up_ticks)):
        found.wrong(spec, "pay_up_ticks", "ticks above 0, each more than the one before")
    if known(spec, "wide_band_bps", "band_bps") and 0 < spec.wide_band_bps <= spec.band_bps:
        found.wrong(spec, "wide_band_bps", f"0 for none, or more than band_bps, {spec.band_bps:g}")
    if known(spec, "lean_ms", "lean_ticks") and spec.lean_ticks and spec.lean_ms == 0:
        found.wrong(spec, "lean_ticks", "0: lean_ms is 0, so nothing waits at the lean price")


def _is_ladder(ticks: list[int]) -> bool:
    return all(low < high for low, high in zip([0, *ticks], ticks, strict=False))


def _waits(found: Findings, strategy: StrategySpec) -> None:
    """Every wait ends before the naked limit does, and what is tried last is reached within it."""
    spec, engine = strategy.repair, found.config.engine
    if not known(spec, "naked_limit_ms") or spec.naked_limit_ms <= 0:
        return
    limit = spec.naked_limit_ms
    if known(engine, "ack_timeout_ms") and limit <= engine.ack_timeout_ms:
        found.wrong(
            spec, "naked_limit_ms",
            f"more than the engine's ack_timeout_ms, {engine.ack_timeout_ms}: else a deal is halted before its first "
            "order is even in doubt",
        )  # fmt: skip
    for field, why in (
        ("retry_ms", "else nothing is tried twice"),
        ("lean_ms", "else nothing is tried after the wait at the lean price"),
        ("lock_wait_ms", "else nothing is tried after the wait in the queue"),
    ):
        if known(spec, field) and getattr(spec, field) >= limit:
            found.wrong(spec, field, f"less than naked_limit_ms, {limit}: {why}")
    if known(spec, "retry_ms", "max_tries", "lean_ms", "on_partial") and _is_sane(spec):
        _last_resort(found, spec)


def _is_sane(spec: RepairSpec) -> bool:
    within = 0 <= spec.lean_ms < spec.naked_limit_ms and 0 < spec.retry_ms < spec.naked_limit_ms
    return within and 0 < spec.max_tries <= MOST_TRIES and spec.naked_limit_ms <= LONGEST_NAKED_MS


def _last_resort(found: Findings, spec: RepairSpec) -> None:
    """The other way out is tried in the last third of the tries: also where every try before it was refused."""
    tries = _tries_of_choice(spec)
    needed_ms = spec.lean_ms + sum(spec.retry_ms << min(fails, _BACK_OFF_SHIFT) for fails in range(tries))
    if tries < spec.max_tries and needed_ms >= spec.naked_limit_ms:
        way = "completing" if spec.on_partial == "unwind" else "unwinding"
        found.wrong(
            spec, "max_tries",
            f"so many that {way} is still tried: where the {tries} tries before it are refused, their pauses (retry_ms "
            f"doubles) take {needed_ms} ms, and naked_limit_ms, {spec.naked_limit_ms}, halts the deal first",
        )  # fmt: skip


def _tries_of_choice(spec: RepairSpec) -> int:
    """Tries that go the preferred way, before the last third goes the other."""
    return spec.max_tries * 2 // 3 or spec.max_tries


def _ladder(found: Findings, strategy: StrategySpec, spread: SpreadSpec | None) -> None:
    """Notes of rungs that are there and yet will not be stood on."""
    spec = strategy.repair
    if not known(strategy, "id") or not known(
        spec, "lean_ms", "wide_band_bps", "pay_up_ticks", "max_tries", "on_partial", "band_bps"
    ):
        return
    rungs = (spec.lean_ms > 0) + len(rows(spec.pay_up_ticks)) + 1 + (spec.wide_band_bps > 0)
    tries = spec.max_tries if spec.on_partial == "unwind" else _tries_of_choice(spec)
    if 0 < tries < rungs:
        found.notes.append(
            f"strategy {strategy.id}: its ladder of repair has {rungs} rungs, and max_tries = {spec.max_tries} lets it "
            f"climb {tries} of them before it goes the other way: the last one is never reached"
        )
    widest = max(spec.band_bps, spec.wide_band_bps)
    for leg in _known_legs(spread):
        instrument = found.instruments.get(leg.instrument)
        if instrument is not None and known(instrument, "collar_bps") and widest > instrument.collar_bps > 0:
            found.notes.append(
                f"strategy {strategy.id}: its band of {widest:g} basis points is beyond the collar of "
                f"{leg.instrument}, {instrument.collar_bps:g}: the gate denies what lies between"
            )


# Proxies


def _proxies(found: Findings, strategy: StrategySpec, spread: SpreadSpec | None) -> None:
    spec = strategy.repair
    if not known(spec, "proxies") or spread is None or not known(spread, "legs"):
        return
    proxies = rows(spec.proxies)
    if len(spread.legs) <= MAX_LEGS < len(spread.legs) + len(proxies):
        found.wrong(spec, "proxies", f"at most {MAX_LEGS - len(spread.legs)}: a deal has room for {MAX_LEGS} contracts")
    for field, what in (("leg", "a leg that no other proxy stands for"), ("instrument", "a contract for one leg only")):
        names = [getattr(proxy, field) for proxy in proxies if known(proxy, field)]
        for proxy in proxies:
            if known(proxy, field) and names.count(getattr(proxy, field)) > 1:
                found.wrong(proxy, field, what)
    for proxy in proxies:
        _proxy(found, proxy, strategy, spread)


def _proxy(found: Findings, spec: ProxySpec, strategy: StrategySpec, spread: SpreadSpec) -> None:
    _is_leg(found, spec, "leg", spread)
    if known(spec, "hedge_weight") and not 0 < spec.hedge_weight <= LARGEST_WEIGHT:
        found.wrong(spec, "hedge_weight", f"more than 0 and at most {LARGEST_WEIGHT}")
    if known(spec, "lot_base") and spec.lot_base is not None and spec.lot_base <= 0:
        found.wrong(spec, "lot_base", "more than 0")
        return
    instrument = found.refer(spec, "instrument", found.instruments, "the id of an instrument")
    if instrument is None:
        return
    if spec.instrument in _legs_of(spread):
        whose = "the leg itself" if spec.instrument == spec.leg else "another leg"
        found.wrong(spec, "instrument", f"a contract beside the spread's own: this is {whose}")
    elif known(instrument, "account") and not instrument.account:
        found.wrong(spec, "instrument", f"a contract that can be traded: {spec.instrument} has no account")
    elif known(instrument, "kind") and instrument.kind == "inverse":
        found.wrong(spec, "instrument", "a contract that is not inverse: its lot is worth another amount at each price")
    else:
        _conversion(found, spec, strategy, spread)


def _conversion(found: Findings, spec: ProxySpec, strategy: StrategySpec, spread: SpreadSpec) -> None:
    """A lot of the proxy in base units, small enough to stand for what a clip of its leg can lack."""
    lot = _proxy_base(found, spec, spread)
    leg = next((one for one in _known_legs(spread) if known(spec, "leg") and one.instrument == spec.leg), None)
    base = _base_of(found, leg.instrument, spread) if leg else None
    if lot is None or base is None or not known(strategy, "clip_units") or not known(leg, "hedge_weight"):
        return
    most = strategy.clip_units * abs(leg.ratio) * base * exact(leg.hedge_weight)
    if round(lot * exact(spec.hedge_weight) * 1_000_000) < 1 or most > MOST_PROXY_LOTS * lot * exact(spec.hedge_weight):
        found.wrong(
            spec, "instrument",
            f"a proxy of which at most {MOST_PROXY_LOTS:,} lots stand for the {float(most):.6g} {spread.unit} of "
            f"{spec.leg} in a clip: one lot of it is {float(lot * exact(spec.hedge_weight)):.6g} {spread.unit}",
        )  # fmt: skip
    elif 0 < 2 * most <= lot * exact(spec.hedge_weight):
        found.wrong(
            spec, "instrument",
            f"a contract of smaller lots: half a lot is more than the {float(most):.6g} {spread.unit} of "
            f"{spec.leg} in a clip, so it would never be used",
        )  # fmt: skip


def _proxy_base(found: Findings, spec: ProxySpec, spread: SpreadSpec) -> Fraction | None:
    if not known(spec, "lot_base", "hedge_weight") or not 0 < spec.hedge_weight <= LARGEST_WEIGHT:
        return None
    contract = found.contracts.get(spec.instrument)
    if spec.lot_base is not None:
        by_itself = _base_of(found, spec.instrument, spread)
        if by_itself is not None and abs(exact(spec.lot_base) - by_itself) > by_itself / 100:
            found.wrong(spec, "lot_base", f"nothing: a lot of {contract.lot} is {float(by_itself):.6g} {spread.unit}")
            return None
        return exact(spec.lot_base)
    if contract is None or contract.lot is None or not known(spread, "unit"):
        return None  # told of the instrument itself
    lot = _base_of(found, spec.instrument, spread)
    if lot is None:
        found.wrong(
            spec, "lot_base", f"{spread.unit} in one lot of {spec.instrument}: its lot of {contract.lot} does not "
            "convert by itself",
        )  # fmt: skip
    return lot


def _base_of(found: Findings, instrument: str, spread: SpreadSpec) -> Fraction | None:
    """Base units in a lot, None where they are not known."""
    contract = found.contracts.get(instrument)
    if contract is None or contract.lot is None or not known(spread, "unit", "density_kg_m3"):
        return None
    try:
        density = positive_decimal(spread.density_kg_m3) if spread.density_kg_m3 else None
        return convert(contract.lot.amount, contract.lot.unit, spread.unit, density)
    except ValueError:
        return None


def _known_legs(spread: SpreadSpec | None) -> Iterator[LegSpec]:
    legs = rows(spread.legs) if spread is not None else []
    return (leg for leg in legs if known(leg, "instrument", "ratio") and leg.ratio != 0)


def _legs_of(spread: SpreadSpec) -> Mapping[str, LegSpec]:
    return {leg.instrument: leg for leg in rows(spread.legs) if known(leg, "instrument")}


def _or(names: Mapping[str, LegSpec]) -> str:
    return " or ".join(names)
