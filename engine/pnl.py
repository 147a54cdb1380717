"""Profit and loss of the day: what trades paid and cost, and what is open at its mark, by account, strategy and all.

An account's in its currency, a strategy's and all in the reporting currency. A day ends with the date of market time
(UTC); what is open then starts the next one at its mark.
"""

from engine.jit import njit
from engine.money import fee_lot_micros, fee_today_lot_micros, result_reporting_micros, worth_micros
from engine.ports import CLOSE_TODAY
from engine.positions import net_lots
from engine.schema import UNSET
from engine.tables import (
    accounts_of,
    head_of,
    instruments_of,
    orders_of,
    positions_of,
    stakes_of,
    strategies_of,
)


@njit
def book_trade(base, slot, lots, ticks):
    """A trade of an order: `lots` (negative: a bust) at `ticks`, its fee included, into position and stake. Nothing
    where no price is told."""
    row = orders_of(base)[slot]
    if lots == 0 or ticks <= 0:
        return
    instrument = instruments_of(base)[row.instrument]
    worth = worth_micros(instrument, ticks, row.side * lots)
    if worth == UNSET:
        return
    today = row.offset == CLOSE_TODAY
    fee = fee_today_lot_micros(instrument, ticks) if today else fee_lot_micros(instrument, ticks)
    paid = worth + (0 if fee == UNSET else fee * lots)
    positions_of(base)[row.instrument].cash_micros -= paid
    strategy = strategies_of(base)[row.strategy]
    stakes = stakes_of(base)
    for at in range(strategy.stake_at, strategy.stake_at + strategy.stake_n):
        if stakes[at].instrument == row.instrument:
            stakes[at].lots += row.side * lots
            stakes[at].cash_micros -= paid


@njit
def _result(base, index, lots, cash_micros):
    """Cash and what `lots` are worth at the mark, in the instrument's currency; UNSET without a mark."""
    if lots == 0:
        return cash_micros
    worth = worth_micros(instruments_of(base)[index], positions_of(base)[index].mark_ticks, lots)
    return UNSET if worth == UNSET or positions_of(base)[index].mark_ticks <= 0 else cash_micros + worth


@njit
def refresh(base):
    """Every account's, every strategy's and the whole profit and loss at the marks that hold now."""
    accounts, positions, head = accounts_of(base), positions_of(base), head_of(base)
    for at in range(len(accounts)):
        accounts[at].pnl_micros = 0
    for index in range(len(positions)):
        account = instruments_of(base)[index].account
        if account < 0 or accounts[account].pnl_micros == UNSET:
            continue
        result = _result(base, index, net_lots(positions[index]), positions[index].cash_micros)
        unknown = result == UNSET or positions[index].unpriced != 0
        accounts[account].pnl_micros = UNSET if unknown else accounts[account].pnl_micros + result
    total = 0
    for at in range(len(accounts)):
        result = result_reporting_micros(base, accounts[at].currency, accounts[at].pnl_micros)
        total = UNSET if result == UNSET or total == UNSET else total + result
    head.pnl_micros = total
    for at in range(len(strategies_of(base))):
        strategies_of(base)[at].pnl_micros = _strategy_result(base, strategies_of(base)[at])


@njit
def _strategy_result(base, strategy):
    stakes, total = stakes_of(base), 0
    for at in range(strategy.stake_at, strategy.stake_at + strategy.stake_n):
        row = stakes[at]
        result = _result(base, row.instrument, row.lots, row.cash_micros)
        result = result_reporting_micros(base, instruments_of(base)[row.instrument].currency, result)
        if result == UNSET:
            return UNSET
        total += result
    return total


@njit
def begin_day(base):
    """What is open starts a new day at its mark; without one, at the next."""
    for index in range(len(positions_of(base))):
        position = positions_of(base)[index]
        net = net_lots(position)
        if instruments_of(base)[index].account < 0:
            continue
        position.cash_micros, position.unpriced = 0, 0
        if net != 0 and position.mark_ticks > 0:
            position.cash_micros = -worth_micros(instruments_of(base)[index], position.mark_ticks, net)
        elif net != 0:
            position.unpriced = 1
    for at in range(len(stakes_of(base))):
        stake = stakes_of(base)[at]
        mark = positions_of(base)[stake.instrument].mark_ticks
        stake.cash_micros = 0
        if stake.lots != 0 and mark > 0:
            stake.cash_micros = -worth_micros(instruments_of(base)[stake.instrument], mark, stake.lots)
