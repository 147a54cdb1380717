"""The token bucket of a venue's messages: the engine spends from it, the gate looks at it."""

from engine.jit import njit
from engine.tables import venues_of

MESSAGE = 1_000_000  # one message, in the bucket's unit
_LONG_AGO_NS = 3_600_000_000_000


@njit
def refill(venue, now_ns):
    """Bring a venue's bucket up to now."""
    gone_ns = max(now_ns - venue.tokens_ns, 0)
    if gone_ns > _LONG_AGO_NS:
        venue.tokens = venue.tokens_max
        venue.tokens_ns = now_ns
        return
    # Whole microseconds, so that the product stays far below 2^63; what is left over waits in tokens_ns.
    gone_us = gone_ns // 1000
    venue.tokens = min(venue.tokens + gone_us * (venue.tokens_per_s // 1000) // 1000, venue.tokens_max)
    venue.tokens_ns += gone_us * 1000


@njit
def spend_message(base, venue, now_ns):
    """Take one message from a venue's bucket: orders, cancels and queries alike. Repairs may take it below zero."""
    row = venues_of(base)[venue]
    refill(row, now_ns)
    row.tokens -= MESSAGE
