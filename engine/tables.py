"""The same tables for compiled code: from the block's address to a typed view of one table."""

from engine.jit import njit
from engine.memory import view
from engine.schema import (
    ACCOUNT,
    BOOK,
    CURRENCY,
    DEAL,
    EXECUTION,
    HEAD,
    INSTRUMENT,
    MARKET,
    METER,
    ORDER,
    POOL,
    POSITION,
    RING,
    SCRATCH,
    SPREAD,
    STAKE,
    STRATEGY,
    TIER,
    TOUCH,
    VENUE,
)  # fmt: skip


@njit
def head_of(base):
    return view(base, 1, HEAD)[0]


@njit
def venues_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_venue, head.n_venue, VENUE)


@njit
def accounts_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_account, head.n_account, ACCOUNT)


@njit
def pools_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_pool, head.n_pool, POOL)


@njit
def currencies_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_currency, head.n_currency, CURRENCY)


@njit
def instruments_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_instrument, head.n_instrument, INSTRUMENT)


@njit
def books_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_book, head.n_book, BOOK)


@njit
def positions_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_position, head.n_position, POSITION)


@njit
def spreads_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_spread, head.n_spread, SPREAD)


@njit
def rings_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_ring, head.n_ring, RING)


@njit
def touches_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_touch, head.n_touch, TOUCH)


@njit
def strategies_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_strategy, head.n_strategy, STRATEGY)


@njit
def markets_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_market, head.n_market, MARKET)


@njit
def stakes_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_stake, head.n_stake, STAKE)


@njit
def executions_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_execution, head.n_execution, EXECUTION)


@njit
def meters_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_meter, head.n_meter, METER)


@njit
def tiers_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_tier, head.n_tier, TIER)


@njit
def orders_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_order, head.n_order, ORDER)


@njit
def deals_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_deal, head.n_deal, DEAL)


@njit
def scratch_of(base):
    head = view(base, 1, HEAD)[0]
    return view(base + head.at_scratch, 1, SCRATCH)[0]


@njit
def market_ns(head, now_ns):
    """Market time, integer arithmetic as in `State.market_ns`."""
    return head.clock_base_ns + (now_ns - head.clock_start_ns) * head.clock_speed_milli // 1000
