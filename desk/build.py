"""From a checked config to a trading state: every row that a person states, in the order of the config's lists."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from desk.build_limits import fill_bucket, fill_levels, fill_loss, fill_meters, micros, shares_out
from desk.config import Config, InstrumentSpec, ProxySpec, SpreadSpec, StrategySpec, TermSpec
from desk.rules import limit_micros, limit_of, meters_of, rule_of, tier_room
from engine.instruments import INVERSE, KINDS, POSITION_MODES, Instrument
from engine.ramp import Ramp, Step
from engine.repair import ON_PARTIAL, RepairPolicy
from engine.schema import DISPATCHES, MARGIN_BASES, MARKETS, NO_LIMIT, POOL_POLICIES, UNSET
from engine.state import State
from engine.units import inverse_lot, lot_ubase, parse_price_unit, parse_quantity, price_factor, tick_value_micros
from strategies.signals import BANDS
from strategies.signals import KINDS as STRATEGY_KINDS

NS_PER_MS, NS_PER_S, MICROS = 1_000_000, 1_000_000_000, 1_000_000
_NEVER_NS = 2**62
_LAST_DATE = "9999-12-31"  # which meters there are does not go by the date
ORDER_ROWS, DEAL_ROWS = 16_384, 4_096


class Names:
    """The index of every named thing of a config."""

    def __init__(self, config: Config):
        self.config = config
        self.venues = _index(config.venues)
        self.accounts = _index(config.accounts)
        self.pools = _index(config.pools)
        self.instruments = _index(config.instruments)
        self.spreads = _index(config.spreads)
        # Strategies lie in the table sorted by spread, so that a spread's strategies are neighbours.
        self.strategy_specs = sorted(config.strategies, key=lambda spec: self.spreads[spec.spread])
        self.strategies = _index(self.strategy_specs)
        self.currencies = {config.engine.currency: 0}
        for spec in config.currencies:
            self.currencies.setdefault(spec.id, len(self.currencies))

    def lists(self) -> dict[str, list[str]]:
        """Names by index, as the journal's CONFIG record holds them."""
        kinds = ("venues", "accounts", "pools", "instruments", "spreads", "strategies", "currencies")
        meters = [meter.name for meter in meters_of(self.config, _LAST_DATE)]
        return {kind: list(getattr(self, kind)) for kind in kinds} | {"markets": list(MARKETS), "meters": meters}


def _index(specs) -> dict[str, int]:
    return {spec.id: number for number, spec in enumerate(specs)}


def instruments_of(names: Names) -> list[Instrument]:
    """The config's instruments as adapters know them."""
    found = []
    for index, spec in enumerate(names.config.instruments):
        found.append(
            Instrument(
                index=index, id=spec.id, venue=names.venues[spec.venue], symbol=spec.symbol, exchange=spec.exchange,
                account=names.accounts[spec.account] if spec.account else -1, currency=spec.currency,
                kind=KINDS[spec.kind], position_mode=POSITION_MODES[spec.position_mode], tick=Fraction(spec.tick),
                lot_step=Fraction(spec.lot_step),
            )
        )  # fmt: skip
    return found


def build_state(names: Names, market_date: str, rows: tuple[int, int] = (ORDER_ROWS, DEAL_ROWS)) -> State:
    """The trading state of a config; market_date (ISO) chooses the dated terms. rows: of orders, of deals."""
    config = names.config
    windows = [spec.window for spec in config.spreads]
    touches = _touches(names)
    meters = meters_of(config, market_date)
    stakes = [stakes_of(names, spec) for spec in names.strategy_specs]
    state = State(
        market=len(MARKETS), meter=len(meters), tier=tier_room(config),
        stake=sum(map(len, stakes)), execution=sum(spec.max_executions for spec in config.strategies),
        venue=len(config.venues), account=len(config.accounts), pool=len(config.pools),
        currency=len(names.currencies), instrument=len(config.instruments), book=len(config.instruments),
        position=len(config.instruments), spread=len(config.spreads), ring=sum(windows),
        touch=sum(len(spreads) for spreads in touches), strategy=len(config.strategies), order=rows[0],
        deal=rows[1],
    )  # fmt: skip
    _fill_head(state, config)
    _fill_venues(state, names)
    _fill_money(state, names)
    for index, spec in enumerate(config.instruments):
        _fill_instrument(state.instrument[index], names, spec, rule_of(config, spec, market_date))
    fill_meters(state, config, meters)
    state.book["blocked"] = 1
    state.position["own_bid_ticks"] = state.position["own_ask_ticks"] = UNSET
    at = 0
    for index, spreads in enumerate(touches):
        state.instrument[index]["touch_at"], state.instrument[index]["touch_n"] = at, len(spreads)
        state.touch["spread"][at : at + len(spreads)] = spreads
        at += len(spreads)
    at = 0
    for index, spec in enumerate(config.spreads):
        _fill_spread(state.spread[index], names, spec, market_date)
        state.spread[index]["ring_at"] = at
        at += spec.window
    at = rings = 0
    for index, spec in enumerate(names.strategy_specs):
        row = state.strategy[index]
        _fill_strategy(row, names, spec)
        row["stake_at"], row["stake_n"] = at, len(stakes[index])
        state.stake["strategy"][at : at + len(stakes[index])] = index
        state.stake["instrument"][at : at + len(stakes[index])] = stakes[index]
        row["execution_at"], row["execution_n"] = rings, spec.max_executions
        at, rings = at + len(stakes[index]), rings + spec.max_executions
    return state


def stakes_of(names: Names, spec: StrategySpec) -> list[int]:
    """The instruments that a strategy may trade: its allow-list, else the legs of its spread and its proxies."""
    if spec.allow is not None:
        return sorted({names.instruments[name] for name in spec.allow})
    legs = [leg.instrument for leg in names.config.spreads[names.spreads[spec.spread]].legs]
    return sorted({names.instruments[name] for name in legs + [proxy.instrument for proxy in spec.repair.proxies]})


def _touches(names: Names) -> list[list[int]]:
    """For each instrument the spreads in which it is a leg or an FX rate, in the config's order."""
    found = [[] for _ in names.config.instruments]
    for index, spec in enumerate(names.config.spreads):
        legs = [names.instruments[leg.instrument] for leg in spec.legs]
        rates = [_fx_of(names, spec, leg.instrument)[0] for leg in spec.legs]
        for instrument in {*legs, *rates} - {-1}:
            found[instrument].append(index)
    return found


def _fill_head(state: State, config: Config) -> None:
    head, spec = state.head, config.engine
    head["shadow"], head["max_unbalanced"] = spec.mode == "shadow", spec.max_unbalanced
    head["max_naked_ns"] = spec.max_naked_day_ms * NS_PER_MS
    fill_loss(head, spec)
    state.market["max_gross_micros"] = state.market["max_net_micros"] = NO_LIMIT
    for one in config.markets:
        row = state.market[MARKETS.index(one.id)]
        row["max_gross_micros"], row["max_net_micros"] = limit_micros(one.max_gross), limit_micros(one.max_net)


def _fill_venues(state: State, names: Names) -> None:
    for index, spec in enumerate(names.config.venues):
        row = state.venue[index]
        row["max_silence_ns"], row["market"] = spec.max_silence_ms * NS_PER_MS, MARKETS.index(spec.market)
        fill_bucket(row, spec, spec.repair_reserve)


def _fill_money(state: State, names: Names) -> None:
    config = names.config
    state.currency["instrument"], state.currency["fixed_rate"] = -1, 1.0
    state.currency["max_exposure_micros"] = UNSET
    state.currency[0]["max_exposure_micros"] = NO_LIMIT  # of the reporting currency: no exchange rate moves it
    for spec in config.currencies:
        row = state.currency[names.currencies[spec.id]]
        row["max_exposure_micros"] = limit_micros(spec.max_exposure)
        if spec.instrument:
            row["instrument"] = names.instruments[spec.instrument]
        else:
            row["fixed_rate"] = spec.fixed_rate
    for index, spec in enumerate(config.accounts):
        row = state.account[index]
        row["venue"], row["pool"] = names.venues[spec.venue], names.pools[spec.pool]
        row["currency"], row["capital_micros"] = names.currencies[spec.currency], UNSET
        row["meter"], row["max_working_orders"] = index, spec.max_working_orders
        row["max_order_micros"] = limit_micros(spec.max_order_value)
        row["max_gross_micros"], row["max_net_micros"] = limit_micros(spec.max_gross), limit_micros(spec.max_net)
        fill_levels(row, spec)
        fill_bucket(row, spec, spec.repair_reserve)
        fill_loss(row, spec)
    for index, spec in enumerate(config.pools):
        row = state.pool[index]
        row["capital_micros"], row["policy"] = micros(spec.capital), POOL_POLICIES.index(spec.policy)
        fill_levels(row, spec)


def _fill_instrument(row, names: Names, spec: InstrumentSpec, rule: dict) -> None:
    tick = Fraction(spec.tick)
    row["venue"], row["account"] = names.venues[spec.venue], names.accounts[spec.account] if spec.account else -1
    row["currency"] = names.currencies[spec.currency]
    row["kind"], row["position_mode"] = KINDS[spec.kind], POSITION_MODES[spec.position_mode]
    row["tick"] = float(tick)
    if KINDS[spec.kind] == INVERSE:
        row["tick_micros"] = int(parse_quantity(spec.contract_value).amount * MICROS)
    elif spec.lot_size:
        row["tick_micros"] = tick_value_micros(tick, spec.price_unit, parse_quantity(spec.lot_size))[0]
    row["margin_bps"] = UNSET if spec.margin_pct is None else round(spec.margin_pct * 100)
    row["fee_micros"] = UNSET if spec.fee_per_lot is None else micros(spec.fee_per_lot)
    row["fee_e7"] = round(spec.fee_bps * 1000)
    stated = spec.close_today_fee_per_lot is not None or spec.close_today_fee_bps is not None
    row["fee_today_micros"] = micros(spec.close_today_fee_per_lot or 0.0) if stated else row["fee_micros"]
    row["fee_today_e7"] = round((spec.close_today_fee_bps or 0.0) * 1000) if stated else row["fee_e7"]
    row["may_lock"] = spec.may_lock
    row["max_order_lots"], row["max_order_micros"] = spec.max_order_lots, micros(spec.max_order_value)
    row["max_position_lots"] = spec.max_position_lots
    row["collar_bps"], row["max_width_bps"] = int(spec.collar_bps), int(spec.max_width_bps)
    row["max_age_ns"] = spec.max_age_ms * NS_PER_MS
    for name in ("lower_limit", "upper_limit"):
        limit = getattr(spec, name)
        row[f"{name}_ticks"] = int(Fraction(limit) / tick) if limit else UNSET
    row["expires_ns"] = _expiry_ns(spec.expires) if spec.expires else _NEVER_NS
    row["open_ns"] = row["close_ns"] = UNSET
    row["close_guard_ns"] = spec.close_guard_s * NS_PER_S
    row["banded"] = bool(rule["price_limits"])
    row["collar_ticks"], row["max_gross_lots"] = limit_of(spec.collar_ticks), limit_of(spec.max_gross_lots)
    row["max_working_orders"], row["one_side"] = spec.max_working_orders, spec.one_side
    row["margin_base"] = MARGIN_BASES.index(spec.margin_base)
    row["settlement_ticks"] = int(Fraction(spec.settlement) / tick) if spec.settlement else UNSET
    kept = spec.margin_pct if spec.maintenance_pct is None else spec.maintenance_pct
    row["maintenance_bps"] = UNSET if kept is None else round(kept * 100)
    row["permitted"] = UNSET
    if spec.account:
        allow = names.config.accounts[names.accounts[spec.account]].allow
        row["permitted"] = int(allow is None or spec.id in allow)


def _expiry_ns(text: str) -> int:
    """The end of the last trading day, UTC: no market trades at that hour of its next day."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() + 86_400) * NS_PER_S


def _fx_of(names: Names, spec: SpreadSpec, instrument: str) -> tuple[int, float]:
    """(instrument of the FX rate or -1, fixed rate) from a leg's price currency to the spread's."""
    leg = names.config.instruments[names.instruments[instrument]]
    currency = parse_price_unit(leg.price_unit).currency
    if currency == spec.currency:
        return -1, 1.0
    rate = next(found for found in names.config.currencies if found.id == currency)
    return (names.instruments[rate.instrument], 1.0) if rate.instrument else (-1, rate.fixed_rate)


def hedge_of(names: Names, spec: SpreadSpec, leg_number: int) -> int:
    """Base units a lot of a leg x its hedge weight, millionths; an inverse leg's at its reference price."""
    leg = spec.legs[leg_number]
    row = names.config.instruments[names.instruments[leg.instrument]]
    density = Fraction(spec.density_kg_m3) if spec.density_kg_m3 else None
    if row.kind == "inverse":
        coin = parse_price_unit(row.price_unit).unit
        lot = inverse_lot(parse_quantity(row.contract_value), Fraction(row.reference_price), coin)
    else:
        lot = parse_quantity(row.lot_size)
    return round(lot_ubase(lot, spec.unit, density)[0] * Fraction(Decimal(repr(leg.hedge_weight))))


def _terms_on(spec: SpreadSpec, market_date: str) -> list[TermSpec]:
    """The terms in force: of each leg (and of none) the latest that is valid on the date."""
    latest: dict[str, TermSpec] = {}
    for term in sorted(spec.terms, key=lambda term: term.valid_from):
        if term.valid_from <= market_date:
            latest[term.leg] = term
    return list(latest.values())


def _fill_spread(row, names: Names, spec: SpreadSpec, market_date: str) -> None:
    terms = _terms_on(spec, market_date)
    density = Fraction(spec.density_kg_m3) if spec.density_kg_m3 else None
    row["legs"] = len(spec.legs)
    row["fx"] = -1
    for number, leg in enumerate(spec.legs):
        instrument = names.config.instruments[names.instruments[leg.instrument]]
        weight = leg.price_weight if leg.price_weight is not None else (1.0 if leg.ratio > 0 else -1.0)
        landed = Fraction(1)
        for term in terms:
            if term.leg == leg.instrument:
                landed *= (1 + _percent(term.duty_pct)) * (1 + _percent(term.vat_pct))
        per_unit = Fraction(instrument.tick) * price_factor(instrument.price_unit, spec.unit, density) * landed
        row["instrument"][number], row["ratio"][number] = names.instruments[leg.instrument], leg.ratio
        row["weight"][number] = weight * float(per_unit)
        row["fx"][number], row["landed"][number] = _fx_of(names, spec, leg.instrument)
        row["hedge_ubase"][number], row["hedge_weight"][number] = hedge_of(names, spec, number), leg.hedge_weight
        row["fee_micros"][number] = 2 * micros(instrument.fee_per_lot or 0.0)
        row["fee_e7"][number] = 2 * round(instrument.fee_bps * 1000)
        if term_premium := sum(term.premium for term in terms if term.leg == leg.instrument):
            row["premium"] += weight * term_premium
    row["premium"] += sum(term.premium for term in terms if not term.leg)
    row["cost"] = sum(term.cost for term in terms)
    row["unit_ubase"] = abs(spec.legs[0].ratio) * round(hedge_of(names, spec, 0) / spec.legs[0].hedge_weight)
    row["ratio_k"], row["window"] = spec.ratio_k, spec.window
    row["max_skew_ns"] = spec.max_skew_ms * NS_PER_MS
    row["residual_bound_ubase"], row["ledger_bound_ubase"] = micros(spec.residual_bound), micros(spec.ledger_bound)
    row["max_slippage_bps"] = int(spec.max_slippage_bps)
    row["max_total_slippage_bps"], row["max_units"] = int(spec.max_total_slippage_bps), limit_of(spec.max_units)
    row["hedge_leg"] = _ledger_leg(names, spec)
    mine = [names.strategies[strategy.id] for strategy in names.strategy_specs if strategy.spread == spec.id]
    row["strategy_at"], row["strategy_n"] = (mine[0] if mine else 0), len(mine)


def _ledger_leg(names: Names, spec: SpreadSpec) -> int:
    """The leg with the smallest lot, which leaves the least; -1 where the ledger is not hedged. An inverse contract's
    lots are worth another amount at each price: it hedges no ledger."""
    of = [names.config.instruments[names.instruments[leg.instrument]] for leg in spec.legs]
    fit = [number for number, row in enumerate(of) if row.kind != "inverse" and row.account]
    if not spec.ledger_hedge or not fit:
        return -1
    return min(fit, key=lambda number: hedge_of(names, spec, number))


def proxies_of(names: Names, spread: SpreadSpec, proxies: list[ProxySpec]) -> dict[int, tuple[int, int]]:
    """Leg's instrument -> (proxy's instrument, base units a lot x hedge weight in millionths)."""
    density = Fraction(spread.density_kg_m3) if spread.density_kg_m3 else None
    found = {}
    for spec in proxies:
        row = names.config.instruments[names.instruments[spec.instrument]]
        if spec.lot_base is not None:
            lot = round(Fraction(Decimal(repr(spec.lot_base))) * MICROS)
        else:
            lot = lot_ubase(parse_quantity(row.lot_size), spread.unit, density)[0]
        weight = Fraction(Decimal(repr(spec.hedge_weight)))
        found[names.instruments[spec.leg]] = (names.instruments[spec.instrument], round(lot * weight))
    return found


def _percent(value: float) -> Fraction:
    return Fraction(Decimal(repr(value))) / 100


def _fill_strategy(row, names: Names, spec: StrategySpec) -> None:
    row["kind"], row["spread"], row["band"] = STRATEGY_KINDS[spec.kind], names.spreads[spec.spread], BANDS[spec.band]
    row["fixed_center"], row["center"] = int(spec.center is not None), spec.center or 0.0
    row["entry"], row["exit"] = spec.entry or 0.0, spec.exit or 0.0
    for name in ("min_edge", "rearm", "clip_units", "max_units", "slippage_ticks", "min_samples"):
        row[name] = getattr(spec, name)
    row["cooldown_ns"], row["deadline_ns"] = spec.cooldown_ms * NS_PER_MS, spec.deadline_ms * NS_PER_MS
    row["armed"] = 1
    row["dispatch"] = DISPATCHES.index(spec.dispatch)
    legs = [leg.instrument for leg in names.config.spreads[names.spreads[spec.spread]].legs]
    first = spec.lead if spec.dispatch == "lead_lag" else spec.far
    row["lead_leg"] = legs.index(first) if spec.dispatch != "concurrent" else -1
    row["align_ns"] = round(spec.align_ms * NS_PER_MS)
    row["flatten_ns"] = spec.flatten_s * NS_PER_S if spec.at_close == "flatten" else -1
    row["shadow"] = spec.mode == "shadow"
    row["duplicate_window_ns"], row["max_duplicates"] = spec.duplicate_window_ms * NS_PER_MS, spec.max_duplicates
    row["execution_window_ns"] = spec.execution_window_ms * NS_PER_MS
    row["max_unbalanced"], row["max_naked_ns"] = spec.max_unbalanced, spec.max_naked_day_ms * NS_PER_MS
    row["repair_tries"], row["weight"] = spec.repair.max_tries, spec.pool_weight
    row["priority"], row["reserve_micros"] = spec.pool_priority, micros(spec.pool_reserve)
    row["cap_units"] = spec.ramp[0].units if spec.ramp else NO_LIMIT
    row["allocated_micros"] = UNSET if shares_out(names.config, legs) else NO_LIMIT  # until the first sample
    fill_bucket(row, spec, 0)
    fill_loss(row, spec)


def ramps_of(names: Names) -> dict[int, Ramp]:
    """The ramp of each strategy that has one, by its index."""
    return {
        index: Ramp([Step(step.units, step.min_deals, step.min_s * NS_PER_S, limit_micros(step.max_loss))
                     for step in spec.ramp])
        for index, spec in enumerate(names.strategy_specs) if spec.ramp
    }  # fmt: skip


def policies_of(names: Names) -> list[RepairPolicy]:
    """The repair policy of each strategy, by its index."""
    return [
        RepairPolicy(
            on_partial=ON_PARTIAL[spec.repair.on_partial], retry_ns=spec.repair.retry_ms * NS_PER_MS,
            pay_up_ticks=tuple(spec.repair.pay_up_ticks), band_bps=spec.repair.band_bps,
            max_tries=spec.repair.max_tries, naked_limit_ns=spec.repair.naked_limit_ms * NS_PER_MS,
            risk_aversion=spec.repair.risk_aversion,
            lean_ns=spec.repair.lean_ms * NS_PER_MS, lean_ticks=spec.repair.lean_ticks,
            wide_band_bps=spec.repair.wide_band_bps, lock_wait_ns=spec.repair.lock_wait_ms * NS_PER_MS,
            proxies=proxies_of(names, names.config.spreads[names.spreads[spec.spread]], spec.repair.proxies),
        )
        for spec in names.strategy_specs
    ]  # fmt: skip
