"""Controls of what is at risk: 15 position and exposure, 18 loss and drawdown, 28 residual and currency exposure."""

from engine.jit import njit
from engine.money import notional_micros, reporting_micros
from engine.records import ENTRY
from engine.schema import NO_LIMIT, UNSET
from engine.tables import (
    accounts_of,
    currencies_of,
    head_of,
    instruments_of,
    markets_of,
    positions_of,
    scratch_of,
    spreads_of,
    strategies_of,
    venues_of,
)
from riskgate.quota_controls import side_lots
from riskgate.verdict import at_most, drawn_to_zero, seen


@njit
def position(base, decision, verdict, now_ns):
    """15: lots that each leg could reach, net and gross; an entry's units, of strategy and spread; and the value of all
    positions, of each leg's account and market. Working and in-doubt orders at their worst case."""
    instruments, positions = instruments_of(base), positions_of(base)
    for leg in range(decision.legs):
        at = decision.instrument[leg]
        row = positions[at]
        net = row.long_today + row.long_yesterday - row.short_today - row.short_yesterday
        lots = decision.lots[leg]
        worst = net + row.working_buy + lots if lots > 0 else -(net - row.working_sell + lots)
        at_most(verdict, 15, max(worst, 0), instruments[at].max_position_lots, leg)
        opens = scratch_of(base).opening_lots[leg]
        if opens != 0:
            gross = side_lots(instruments[at], row, 1) + side_lots(instruments[at], row, -1) + opens
            at_most(verdict, 15, gross, instruments[at].max_gross_lots, leg)
    if decision.purpose == ENTRY:
        _units(base, decision, verdict)
        for leg in range(decision.legs):
            _account_value(base, decision, verdict, leg)
            _market_value(base, decision, verdict, leg)


@njit
def _units(base, decision, verdict):
    strategies, spread = strategies_of(base), spreads_of(base)[decision.spread]
    strategy = strategies[decision.strategy]
    change = decision.side * decision.units
    stated = strategy.max_units != UNSET and strategy.cap_units != UNSET
    most = min(strategy.max_units, strategy.cap_units) if stated else UNSET
    at_most(verdict, 15, abs(strategy.position_units + change), most, -1)
    held = 0
    for at in range(spread.strategy_at, spread.strategy_at + spread.strategy_n):
        held += strategies[at].position_units
    at_most(verdict, 15, abs(held + change), spread.max_units, -1)


@njit
def count_value(base, decision):
    """Put the value of each leg at its limit price, and of what it opens, into the scratch row."""
    scratch = scratch_of(base)
    for leg in range(decision.legs):
        row, price = instruments_of(base)[decision.instrument[leg]], decision.limit_ticks[leg]
        lots, opens = abs(decision.lots[leg]), scratch.opening_lots[leg]
        value = notional_micros(row, price, lots) if lots != 0 else 0
        scratch.value_micros[leg] = scratch.opening_micros[leg] = value
        if opens != lots and value != UNSET:
            scratch.opening_micros[leg] = notional_micros(row, price, opens) if opens != 0 else 0


@njit
def _added(base, decision, account, signed):
    """Value that a decision adds to an account at its limit prices: signed, or of what opens; UNSET: not known."""
    scratch, total = scratch_of(base), 0
    for leg in range(decision.legs):
        if instruments_of(base)[decision.instrument[leg]].account != account:
            continue
        value = scratch.value_micros[leg] if signed else scratch.opening_micros[leg]
        if value == UNSET:
            return UNSET
        total += -value if signed and decision.lots[leg] < 0 else value
    return total


@njit
def _account_value(base, decision, verdict, leg):
    account = instruments_of(base)[decision.instrument[leg]].account
    if account < 0:
        return
    row = accounts_of(base)[account]
    if row.max_gross_micros == NO_LIMIT and row.max_net_micros == NO_LIMIT:
        return
    added = _added(base, decision, account, False)
    gross = UNSET if added == UNSET or row.unmarked else row.gross_micros + added
    at_most(verdict, 15, gross, row.max_gross_micros, leg)
    added = _added(base, decision, account, True)
    net = UNSET if added == UNSET or row.unmarked else abs(row.net_micros + added)
    at_most(verdict, 15, net, drawn_to_zero(row.net_micros, row.max_net_micros), leg)


@njit
def _market_value(base, decision, verdict, leg):
    market = venues_of(base)[instruments_of(base)[decision.instrument[leg]].venue].market
    row = markets_of(base)[market]
    if row.max_gross_micros == NO_LIMIT and row.max_net_micros == NO_LIMIT:
        return
    gross, before, net = _sums(base, decision, market)
    at_most(verdict, 15, gross, row.max_gross_micros, leg)
    at_most(verdict, 15, net, drawn_to_zero(before, row.max_net_micros), leg)


@njit
def _sums(base, decision, market):
    """(gross with the decision's, net before, |net| with the decision's) of a market in the reporting currency."""
    gross = before = after = 0
    accounts = accounts_of(base)
    for at in range(len(accounts)):
        row = accounts[at]
        if venues_of(base)[row.venue].market != market:
            continue
        opened, signed = _added(base, decision, at, False), _added(base, decision, at, True)
        if row.unmarked or opened == UNSET or signed == UNSET:
            return UNSET, 0, UNSET
        more = reporting_micros(base, row.currency, row.gross_micros + opened)
        was = reporting_micros(base, row.currency, row.net_micros)
        then = reporting_micros(base, row.currency, row.net_micros + signed)
        if more == UNSET or was == UNSET or then == UNSET:
            return UNSET, 0, UNSET
        gross, before, after = gross + more, before + was, after + then
    return gross, before, abs(after)


@njit
def loss(base, decision, verdict, now_ns):
    """18: loss of the day and drawdown from the peak, of the strategy, each leg's account and all; entries alone."""
    strategy = strategies_of(base)[decision.strategy]
    if decision.purpose != ENTRY:
        seen(verdict, 18, UNSET if strategy.pnl_micros == UNSET else max(-strategy.pnl_micros, 0), -1)
        return
    _losses(verdict, strategy, -1)
    for leg in range(decision.legs):
        account = instruments_of(base)[decision.instrument[leg]].account
        if account >= 0:
            _losses(verdict, accounts_of(base)[account], leg)
    _losses(verdict, head_of(base), -1)


@njit
def _losses(verdict, row, leg):
    known = row.pnl_micros != UNSET
    at_most(verdict, 18, max(-row.pnl_micros, 0) if known else UNSET, row.max_loss_micros, leg)
    known = known and row.peak_micros != UNSET
    at_most(verdict, 18, max(row.peak_micros - row.pnl_micros, 0) if known else UNSET, row.max_drawdown_micros, leg)


@njit
def residual(base, decision, verdict, now_ns):
    """28: the spread's residual ledger with what this decision leaves, in millionths of a base unit; and what all
    positions in a leg's currency are worth, net. What brings either back towards zero is let through."""
    spread = spreads_of(base)[decision.spread]
    left = 0
    for leg in range(decision.legs):
        left += decision.lots[leg] * spread.hedge_ubase[leg]
    after, before = abs(spread.residual_ubase + left), spread.residual_ubase
    at_most(verdict, 28, after, drawn_to_zero(before, spread.ledger_bound_ubase), -1)
    for leg in range(decision.legs):
        currency = instruments_of(base)[decision.instrument[leg]].currency
        limit = currencies_of(base)[currency].max_exposure_micros
        if limit == NO_LIMIT:
            continue
        before, after = _currency_exposure(base, decision, currency)
        at_most(verdict, 28, after, drawn_to_zero(before, limit), leg)


@njit
def _currency_exposure(base, decision, currency):
    """(net before, |net| after) of all accounts in a currency; UNSET where a position has no mark, a leg no value."""
    before = after = 0
    accounts = accounts_of(base)
    for at in range(len(accounts)):
        if accounts[at].currency != currency:
            continue
        added = _added(base, decision, at, True)
        if accounts[at].unmarked or added == UNSET:
            return 0, UNSET
        before += accounts[at].net_micros
        after += accounts[at].net_micros + added
    return before, abs(after)
