"""Token buckets of messages, of venues, accounts and strategies: the engine spends, the gate looks."""

from engine.jit import njit
from engine.tables import accounts_of, instruments_of, orders_of, strategies_of, venues_of

MESSAGE = 1_000_000  # one message, in the bucket's unit
_LONG_AGO_NS = 3_600_000_000_000


@njit
def refill(bucket, now_ns):
    """Bring a bucket up to now."""
    gone_ns = max(now_ns - bucket.tokens_ns, 0)
    if gone_ns > _LONG_AGO_NS:
        bucket.tokens = bucket.tokens_max
        bucket.tokens_ns = now_ns
        return
    # Whole microseconds, so that the product stays far below 2^63; what is left over waits in tokens_ns.
    gone_us = gone_ns // 1000
    bucket.tokens = min(bucket.tokens + gone_us * (bucket.tokens_per_s // 1000) // 1000, bucket.tokens_max)
    bucket.tokens_ns += gone_us * 1000


@njit
def spend_message(base, slot, now_ns):
    """Take one message from the buckets of an order's venue, account and strategy: orders, cancels and queries alike.
    Repairs may take them below zero."""
    order = orders_of(base)[slot]
    instrument = instruments_of(base)[order.instrument]
    _spend(venues_of(base)[instrument.venue], now_ns)
    _spend(accounts_of(base)[instrument.account], now_ns)
    _spend(strategies_of(base)[order.strategy], now_ns)


@njit
def _spend(bucket, now_ns):
    refill(bucket, now_ns)
    bucket.tokens -= MESSAGE
