"""Use of capital (资金占用): margin at the market's price now, and the level of each account and pool that it reaches.

Money of an account in its currency, of a pool in the reporting currency. UNSET and MISSING where something is in use
and its margin, its rate or the capital is not known; where nothing is in use nothing needs to be known.
"""

from engine.jit import njit
from engine.money import fee_lot_micros, margin_lot_micros, reporting_micros
from engine.positions import mark
from engine.records import DENY, MISSING, PASS, SOFT, WARN
from engine.schema import MARGIN_LAST, UNSET
from engine.tables import (
    accounts_of,
    books_of,
    head_of,
    instruments_of,
    market_ns,
    pools_of,
    positions_of,
    spreads_of,
    stakes_of,
    strategies_of,
)  # fmt: skip

ALL_USED_BPS = 10_000_000
_LARGEST_MICROS = 4e18
_SLACK_BPS = 50  # a level is left only so far below it: a price that dances on it is told of once


@njit
def lots_held(position):
    """Lots on both sides."""
    return position.long_today + position.long_yesterday + position.short_today + position.short_yesterday


@njit
def refresh(base):
    """Mark every position with lots at the mid of its book, where that can be believed; value what is in transit."""
    instruments, books, positions = instruments_of(base), books_of(base), positions_of(base)
    for at in range(len(books)):
        position, book = positions[at], books[at]
        if instruments[at].account < 0 or (lots_held(position) == 0 and position.used_micros == 0):
            continue
        ticks = (book.bid_ticks + book.ask_ticks) // 2
        if book.updates > 0 and book.blocked == 0 and ticks > 0:
            mark(base, at, ticks)
    accounts, pools = accounts_of(base), pools_of(base)
    for pool in range(len(pools)):
        pools[pool].transit_micros = 0
    for at in range(len(accounts)):
        pool = pools[accounts[at].pool]
        amount = reported(base, accounts[at].currency, accounts[at].transit_micros)
        if amount == UNSET or pool.transit_micros == UNSET:
            pool.transit_micros = UNSET
        else:
            pool.transit_micros += amount


@njit
def reported(base, currency, micros):
    """In the reporting currency; nothing is nothing in every currency. UNSET where it is more than can be counted."""
    if micros == 0:
        return 0
    value = reporting_micros(base, currency, micros)
    counted = abs(value) < _LARGEST_MICROS and (value > 0) == (micros > 0)
    return value if counted else UNSET


@njit
def _margin_lot_micros(instrument, ticks):
    """Margin of a lot at a price, or at the settlement price where margin goes by it; UNSET where that is not known."""
    ticks = ticks if instrument.margin_base == MARGIN_LAST else instrument.settlement_ticks
    return UNSET if ticks <= 0 else margin_lot_micros(instrument, ticks)


@njit
def account_use_micros(base, index):
    """Held and used money of an account; UNSET where the margin of lots of it is not known."""
    instruments, positions = instruments_of(base), positions_of(base)
    for at in range(len(instruments)):
        mine = instruments[at].account == index and lots_held(positions[at]) != 0
        if mine and _margin_lot_micros(instruments[at], positions[at].mark_ticks) == UNSET:
            return UNSET
    account = accounts_of(base)[index]
    return account.held_micros + account.used_micros


@njit
def pool_held_micros(base, index):
    """Holds of all accounts of a pool; UNSET where a rate is missing."""
    accounts = accounts_of(base)
    total = 0
    for at in range(len(accounts)):
        if accounts[at].pool == index:
            amount = reported(base, accounts[at].currency, accounts[at].held_micros)
            if amount == UNSET:
                return UNSET
            total += amount
    return total


@njit
def pool_use_micros(base, index):
    """Held and used money of all accounts of a pool; UNSET where a rate or a margin is missing."""
    accounts = accounts_of(base)
    total = 0
    for at in range(len(accounts)):
        if accounts[at].pool == index:
            use = account_use_micros(base, at)
            amount = UNSET if use == UNSET else reported(base, accounts[at].currency, use)
            if amount == UNSET:
                return UNSET
            total += amount
    return total


@njit
def pool_capital_micros(base, index):
    """What a pool's capital is without what is in transit between its accounts; UNSET where either is not known."""
    pool = pools_of(base)[index]
    if pool.capital_micros == UNSET or pool.transit_micros == UNSET:
        return UNSET
    return pool.capital_micros - pool.transit_micros


@njit
def use_bps(use_micros, capital_micros):
    """Use of capital in bps, rounded up; capital of nothing is all used. UNSET where either is not known."""
    if use_micros == 0:
        return 0
    if use_micros == UNSET or capital_micros == UNSET:
        return UNSET
    if capital_micros <= 0:
        return ALL_USED_BPS
    # Divided by one bps of the capital, since micros x 10,000 could overflow.
    return -(-use_micros // max(capital_micros // 10_000, 1))


@njit
def _level(bps, row):
    """The level of a use, PASS to DENY; one that was reached before is left a little below where it was reached."""
    if bps == UNSET:
        return MISSING
    if bps >= row.hard_bps - (_SLACK_BPS if row.level >= DENY else 0):
        return DENY
    if bps >= row.soft_bps - (_SLACK_BPS if row.level >= SOFT else 0):
        return SOFT
    return WARN if bps >= row.warn_bps - (_SLACK_BPS if row.level >= WARN else 0) else PASS


@njit
def account_level(base, index):
    """The level of an account now; margin that is short is its hard one."""
    account = accounts_of(base)[index]
    if account.maintenance_micros == UNSET:
        return MISSING
    if account.maintenance_micros > 0:
        if account.capital_micros == UNSET:
            return MISSING
        if account.capital_micros < account.maintenance_micros:
            return DENY
    return _level(use_bps(account_use_micros(base, index), account.capital_micros), account)


@njit
def pool_level(base, index):
    """The level of a pool now."""
    return _level(use_bps(pool_use_micros(base, index), pool_capital_micros(base, index)), pools_of(base)[index])


@njit
def is_quiet_beat(base, now_ns, until_ns, until_market_ns):
    """Whether a beat has nothing to do but to mark what is held: it comes before both times, and every account and pool
    is at the level that was told last, below the hard one. Where it is not, nothing but the marks has changed."""
    head = head_of(base)
    if now_ns < head.now_ns or now_ns >= until_ns or market_ns(head, now_ns) >= until_market_ns:
        return False
    refresh(base)
    accounts, pools = accounts_of(base), pools_of(base)
    for at in range(len(accounts)):
        level = account_level(base, at)
        if level != accounts[at].level or level >= DENY:
            return False
    for at in range(len(pools)):
        level = pool_level(base, at)
        if level != pools[at].level or level >= DENY:
            return False
    return True


@njit
def stake_micros(base, index):
    """Margin of a strategy's own lots at their mark, in the reporting currency; UNSET where a part is not known."""
    strategy = strategies_of(base)[index]
    stakes, instruments, positions = stakes_of(base), instruments_of(base), positions_of(base)
    total = 0
    for at in range(strategy.stake_at, strategy.stake_at + strategy.stake_n):
        stake = stakes[at]
        if stake.lots == 0:
            continue
        instrument = instruments[stake.instrument]
        lot = _margin_lot_micros(instrument, positions[stake.instrument].mark_ticks)
        amount = UNSET if lot == UNSET else reported(base, instrument.currency, abs(stake.lots) * lot)
        if amount == UNSET:
            return UNSET
        total += amount
    return total


@njit
def need_micros(base, index, units):
    """What so many units of a strategy's spread would hold at the mids now: margin, and fees in and out; in the
    reporting currency. UNSET where a leg has no price to count it at."""
    strategy = strategies_of(base)[index]
    spread, books, instruments = spreads_of(base)[strategy.spread], books_of(base), instruments_of(base)
    total = 0
    for leg in range(spread.legs):
        at = spread.instrument[leg]
        book = books[at]
        ticks = (book.bid_ticks + book.ask_ticks) // 2
        if book.updates == 0 or book.blocked or ticks <= 0:
            return UNSET
        margin, fee = _margin_lot_micros(instruments[at], ticks), fee_lot_micros(instruments[at], ticks)
        if margin == UNSET or fee == UNSET:
            return UNSET
        lots = abs(spread.ratio[leg]) * units
        if float(lots) * float(margin + 2 * fee) > _LARGEST_MICROS:
            return UNSET
        amount = reported(base, instruments[at].currency, lots * (margin + 2 * fee))
        if amount == UNSET:
            return UNSET
        total += amount
    return total
