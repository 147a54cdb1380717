"""Controls of position and money: 15 position, 16 margin in each account's currency, 17 capital pools, 28 residual."""

from engine.instruments import INVERSE
from engine.jit import njit
from engine.money import fee_lot_micros, locks_today, margin_lot_micros, reporting_micros
from engine.offsets import reducing_lots
from engine.records import DENY, ENTRY, PASS, SOFT, WARN
from engine.schema import UNSET
from engine.tables import accounts_of, instruments_of, pools_of, positions_of, scratch_of, spreads_of
from riskgate.verdict import at_most, note


@njit
def position(base, decision, verdict, now_ns):
    """15: the position that each leg could reach, working and in-doubt orders at their worst case, in lots."""
    instruments = instruments_of(base)
    positions = positions_of(base)
    for leg in range(decision.legs):
        at = decision.instrument[leg]
        row = positions[at]
        net = row.long_today + row.long_yesterday - row.short_today - row.short_yesterday
        lots = decision.lots[leg]
        worst = net + row.working_buy + lots if lots > 0 else -(net - row.working_sell + lots)
        at_most(verdict, 15, max(worst, 0), instruments[at].max_position_lots, leg)


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
        margin, fee = margin_lot_micros(row, price), fee_lot_micros(row, price)
        scratch.hold_lot_micros[leg] = UNSET if margin == UNSET or fee == UNSET else margin + 2 * fee


@njit
def leg_hold(base, decision, leg):
    """What one leg would hold, in its account's currency: its opening lots only."""
    at = decision.instrument[leg]
    row = instruments_of(base)[at]
    lot = scratch_of(base).hold_lot_micros[leg]
    lots = decision.lots[leg]
    side = 1 if lots > 0 else -1
    lock = locks_today(row, decision.limit_ticks[leg])
    opening = abs(lots) - reducing_lots(row.position_mode, positions_of(base)[at], side, abs(lots), lock)
    return UNSET if lot == UNSET else lot * opening


@njit
def margin(base, decision, verdict, now_ns):
    """16: what each account would have held and used against its capital, micros of its currency."""
    instruments = instruments_of(base)
    accounts = accounts_of(base)
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
        if wanted != UNSET:
            wanted = row.held_micros + row.used_micros + wanted
        at_most(verdict, 16, wanted, row.capital_micros, leg)


@njit
def pool_use_micros(base, pool):
    """Held and used money of all accounts of a pool, in the reporting currency; UNSET where a rate is missing."""
    accounts = accounts_of(base)
    total = 0
    for at in range(len(accounts)):
        if accounts[at].pool != pool:
            continue
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
    """17: 资金占用, bps of each pool that the decision draws on, its own holds included.

    Hard denies what opens, soft denies entries, warn passes and is told. What only reduces is let through.
    """
    instruments = instruments_of(base)
    accounts = accounts_of(base)
    pools = pools_of(base)
    for leg in range(decision.legs):
        at = instruments[decision.instrument[leg]].account
        if at < 0:
            note(verdict, 17, UNSET, UNSET, DENY, leg)
            continue
        index = accounts[at].pool
        use = pool_use_micros(base, index)
        for other in range(decision.legs):
            account = instruments[decision.instrument[other]].account
            if account >= 0 and accounts[account].pool == index and use != UNSET:
                hold = reporting_micros(base, accounts[account].currency, leg_hold(base, decision, other))
                use = UNSET if hold == UNSET else use + hold
        bps = use_bps(use, pools[index].capital_micros)
        level = PASS if bps == UNSET else pool_level(pools[index], bps)
        if level >= SOFT:
            level = DENY if decision.purpose == ENTRY else WARN
        limit = pools[index].soft_bps if decision.purpose == ENTRY else pools[index].hard_bps
        note(verdict, 17, bps, limit, level, leg)


@njit
def residual(base, decision, verdict, now_ns):
    """28: the spread's residual ledger with what this decision leaves, in millionths of a base unit.

    A decision that brings the ledger back towards zero is let through.
    """
    spread = spreads_of(base)[decision.spread]
    left = 0
    for leg in range(decision.legs):
        left += decision.lots[leg] * spread.hedge_ubase[leg]
    after = abs(spread.residual_ubase + left)
    bound = spread.ledger_bound_ubase
    limit = UNSET if bound == UNSET else max(bound, abs(spread.residual_ubase))
    at_most(verdict, 28, after, limit, -1)
