"""Controls of money: 16 margin in each account's currency, 17 use of pools, accounts and allocations."""

from engine.instruments import INVERSE
from engine.jit import njit
from engine.money import fee_lot_micros, margin_lot_micros, reporting_micros
from engine.records import DENY, ENTRY, EXIT, PASS, SOFT, WARN
from engine.schema import MARGIN_LAST, NO_LIMIT, UNSET
from engine.tables import accounts_of, instruments_of, pools_of, scratch_of, strategies_of
from engine.use import pool_capital_micros
from riskgate.verdict import at_most, note, seen


@njit
def hold_wanted(base, decision):
    """Put what a lot of each leg holds (margin and fees of its way in and out) into the scratch row."""
    instruments = instruments_of(base)
    scratch = scratch_of(base)
    for leg in range(decision.legs):
        row = instruments[decision.instrument[leg]]
        ref, limit = decision.ref_ticks[leg], decision.limit_ticks[leg]
        if decision.lots[leg] == 0:
            scratch.hold_lot_micros[leg] = 0
            continue
        # A lot of an inverse contract is worth most coins at the lower price.
        price = min(ref, limit) if row.kind == INVERSE else max(ref, limit)
        base_ticks = price if row.margin_base == MARGIN_LAST else row.settlement_ticks
        margin = UNSET if base_ticks == UNSET else margin_lot_micros(row, base_ticks)
        fee = fee_lot_micros(row, price)
        scratch.hold_lot_micros[leg] = UNSET if margin == UNSET or fee == UNSET else margin + 2 * fee


@njit
def leg_hold(base, decision, leg):
    """What one leg would hold, in its account's currency: its opening lots only."""
    lot = scratch_of(base).hold_lot_micros[leg]
    return UNSET if lot == UNSET else lot * scratch_of(base).opening_lots[leg]


@njit
def opens(base, decision):
    """Whether any leg of a decision opens a lot."""
    lots = 0
    for leg in range(decision.legs):
        lots += scratch_of(base).opening_lots[leg]
    return lots != 0


@njit
def margin(base, decision, verdict, now_ns):
    """16: what each account would have held and used against its capital, micros of its currency. An exit that opens
    nothing needs none: it leaves what is used, and passes."""
    instruments = instruments_of(base)
    accounts = accounts_of(base)
    only_closes = decision.purpose == EXIT and not opens(base, decision)
    for leg in range(decision.legs):
        at = instruments[decision.instrument[leg]].account
        if at < 0:
            note(verdict, 16, UNSET, UNSET, DENY, leg)
            continue
        wanted = 0
        for other in range(decision.legs):
            if instruments[decision.instrument[other]].account == at:
                hold = leg_hold(base, decision, other)
                wanted = UNSET if hold == UNSET or wanted == UNSET else wanted + hold
        row = accounts[at]
        if row.unmarked:
            wanted = UNSET  # what a position without a mark uses is not known
        if wanted != UNSET:
            wanted = row.held_micros + row.used_micros + wanted
        if only_closes:
            seen(verdict, 16, wanted, leg)
            continue
        at_most(verdict, 16, wanted, row.capital_micros, leg)


@njit
def pool_use_micros(base, pool):
    """Held and used money of all accounts of a pool, in the reporting currency; UNSET where a rate is missing."""
    accounts = accounts_of(base)
    total = 0
    for at in range(len(accounts)):
        if accounts[at].pool != pool:
            continue
        if accounts[at].unmarked:
            return UNSET
        amount = reporting_micros(base, accounts[at].currency, accounts[at].held_micros + accounts[at].used_micros)
        if amount == UNSET:
            return UNSET
        total += amount
    return total


@njit
def use_bps(use_micros, capital_micros):
    """Use of capital in bps, rounded up; capital of nothing is all used."""
    if use_micros == UNSET or capital_micros == UNSET:
        return UNSET
    if capital_micros <= 0:
        return 10_000_000
    # Divided by one bps of the capital, since micros x 10,000 could overflow.
    return -(-use_micros // max(capital_micros // 10_000, 1))


@njit
def pool_level(pool, use):
    """Level of a use of capital: PASS, WARN, SOFT (reduce only) or DENY (hard)."""
    if use >= pool.hard_bps:
        return DENY
    if use >= pool.soft_bps:
        return SOFT
    return WARN if use >= pool.warn_bps else PASS


@njit
def capital_pool(base, decision, verdict, now_ns):
    """17: 资金占用, bps of each pool and account that the decision draws on, its own holds included; and what the
    strategy uses of its pool against its allocation.

    Hard denies what opens, soft denies entries, warn passes and is told. What only reduces is let through; an exit that
    opens nothing also where the use is not known.
    """
    if decision.purpose == EXIT and not opens(base, decision):
        _seen_use(base, decision, verdict)
        return
    instruments = instruments_of(base)
    accounts = accounts_of(base)
    pools = pools_of(base)
    for leg in range(decision.legs):
        at = instruments[decision.instrument[leg]].account
        if at < 0:
            note(verdict, 17, UNSET, UNSET, DENY, leg)
            continue
        index = accounts[at].pool
        # What several legs share is looked at once.
        new_pool = new_account = True
        for earlier in range(leg):
            account = instruments[decision.instrument[earlier]].account
            new_account &= account != at
            new_pool &= account < 0 or accounts[account].pool != index
        if new_pool:
            use = _pool_use_with(base, decision, index)
            _note_use(verdict, decision, pools[index], use_bps(use, pool_capital_micros(base, index)), leg)
        if new_account:
            _note_use(verdict, decision, accounts[at], _account_bps(base, decision, at), leg)
    strategy = strategies_of(base)[decision.strategy]
    if decision.purpose == ENTRY and strategy.allocated_micros != NO_LIMIT:
        _allocation(base, decision, verdict)


@njit
def _seen_use(base, decision, verdict):
    """The use of each leg's pool, as it is; 0 where it is not known."""
    for leg in range(decision.legs):
        account = instruments_of(base)[decision.instrument[leg]].account
        if account >= 0:
            pool = accounts_of(base)[account].pool
            bps = use_bps(pool_use_micros(base, pool), pool_capital_micros(base, pool))
            seen(verdict, 17, bps, leg)


@njit
def _pool_use_with(base, decision, pool):
    """What a pool's accounts use with this decision's holds, in the reporting currency."""
    instruments, accounts = instruments_of(base), accounts_of(base)
    use = pool_use_micros(base, pool)
    for leg in range(decision.legs):
        account = instruments[decision.instrument[leg]].account
        if account >= 0 and accounts[account].pool == pool and use != UNSET:
            hold = reporting_micros(base, accounts[account].currency, leg_hold(base, decision, leg))
            use = UNSET if hold == UNSET else use + hold
    return use


@njit
def _note_use(verdict, decision, row, bps, leg):
    """A use against the three levels of a pool or an account."""
    level = PASS if bps == UNSET else pool_level(row, bps)
    if decision.purpose == EXIT:
        level = min(level, WARN)
    elif level == SOFT:
        level = DENY if decision.purpose == ENTRY else WARN
    note(verdict, 17, bps, row.soft_bps if decision.purpose == ENTRY else row.hard_bps, level, leg)


@njit
def _account_bps(base, decision, account):
    row = accounts_of(base)[account]
    use = UNSET if row.unmarked else row.held_micros + row.used_micros
    for leg in range(decision.legs):
        if instruments_of(base)[decision.instrument[leg]].account == account and use != UNSET:
            hold = leg_hold(base, decision, leg)
            use = UNSET if hold == UNSET else use + hold
    return use_bps(use, row.capital_micros)


@njit
def _allocation(base, decision, verdict):
    strategy = strategies_of(base)[decision.strategy]
    use = strategy.pool_used_micros
    for leg in range(decision.legs):
        account = instruments_of(base)[decision.instrument[leg]].account
        if account >= 0 and use != UNSET:
            hold = reporting_micros(base, accounts_of(base)[account].currency, leg_hold(base, decision, leg))
            use = UNSET if hold == UNSET else use + hold
    at_most(verdict, 17, use, strategy.allocated_micros, -1)
