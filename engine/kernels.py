"""Spread prices: 点差 (difference, a signal), 对价 (executable), 比值 (ratio), costs and executable size.

buy = sum of w+ x ask x fx_ask - sum of |w-| x bid x fx_bid, and the other way to sell. Ratio: buy = ask_A / bid_B x k,
sell = bid_A / ask_B x k, both legs converted. Size = min over legs of floor(displayed lots / lots a unit).
Plain sequential float arithmetic, so that the slow twin and every machine agree bit for bit.
"""

import math

from engine.book import blocked_at
from engine.jit import njit
from engine.records import NO_QUOTE, SKEWED
from engine.tables import books_of, head_of, instruments_of, market_ns, rings_of, spreads_of, touches_of, venues_of

_BIG = 2**62


@njit
def _left(shown_lots, taken_lots):
    """Of a displayed size, what our own orders have not gone for since it was shown: two spreads that share a leg do
    not both count on it."""
    return max(shown_lots - taken_lots, 0)


@njit
def price_spread(base, index, now_ns):
    """Price one spread from the book. Its `blocked` bits say whether the numbers may be traded on."""
    market = market_ns(head_of(base), now_ns)
    spread = spreads_of(base)[index]
    instruments = instruments_of(base)
    books = books_of(base)
    venues = venues_of(base)
    blocked = 0
    diff = buy = sell = spread.premium
    fee = 0.0
    first_mid = first_bid = first_ask = second_mid = second_bid = second_ask = 0.0
    buy_units = sell_units = _BIG
    oldest_ns = newest_ns = books[spread.instrument[0]].recv_ns
    unit = spread.unit_ubase * 1e-6
    for leg in range(spread.legs):
        at = spread.instrument[leg]
        book = books[at]
        blocked |= blocked_at(instruments[at], book, venues[instruments[at].venue], now_ns, market)
        oldest_ns = min(oldest_ns, book.recv_ns)
        newest_ns = max(newest_ns, book.recv_ns)
        fx_bid = fx_ask = spread.landed[leg]
        if spread.fx[leg] >= 0:
            fx_at = spread.fx[leg]
            fx = books[fx_at]
            blocked |= blocked_at(instruments[fx_at], fx, venues[instruments[fx_at].venue], now_ns, market)
            fx_bid = fx_bid * (fx.bid_ticks * instruments[fx_at].tick)
            fx_ask = fx_ask * (fx.ask_ticks * instruments[fx_at].tick)
        weight = spread.weight[leg]
        size = abs(weight)
        bid = size * book.bid_ticks * fx_bid
        ask = size * book.ask_ticks * fx_ask
        mid = size * ((book.bid_ticks + book.ask_ticks) * 0.5) * ((fx_bid + fx_ask) * 0.5)
        if weight > 0.0:
            diff, buy, sell = diff + mid, buy + ask, sell + bid
        else:
            diff, buy, sell = diff - mid, buy - bid, sell - ask
        lots = abs(spread.ratio[leg])
        fee = fee + lots * (spread.fee_micros[leg] * 1e-6) * ((fx_bid + fx_ask) * 0.5) / unit
        fee = fee + mid * (spread.fee_e7[leg] * 1e-7)
        if lots > 0:
            bid_units = _left(book.bid_lots, book.taken_bid_lots) // lots
            ask_units = _left(book.ask_lots, book.taken_ask_lots) // lots
            if spread.ratio[leg] < 0:
                bid_units, ask_units = ask_units, bid_units
            buy_units = min(buy_units, ask_units)
            sell_units = min(sell_units, bid_units)
        if leg == 0:
            first_bid, first_ask, first_mid = bid, ask, mid
        elif leg == 1:
            second_bid, second_ask, second_mid = bid, ask, mid
    if oldest_ns > 0 and newest_ns - oldest_ns > spread.max_skew_ns:  # 0: a leg never quoted has no time to compare
        blocked |= SKEWED
    if second_bid > 0.0 and second_ask > 0.0:
        spread.ratio_mid = first_mid / second_mid * spread.ratio_k
        spread.ratio_buy = first_ask / second_bid * spread.ratio_k
        spread.ratio_sell = first_bid / second_ask * spread.ratio_k
    else:
        blocked |= NO_QUOTE
    spread.second_mid = second_mid
    spread.diff, spread.buy, spread.sell, spread.fee = diff, buy, sell, fee
    spread.buy_units, spread.sell_units = buy_units, sell_units
    spread.oldest_ns, spread.newest_ns = oldest_ns, newest_ns
    spread.blocked = blocked


@njit
def price_touched(base, instrument, now_ns):
    """Price every spread in which this instrument is a leg or an FX rate."""
    row = instruments_of(base)[instrument]
    touches = touches_of(base)
    for at in range(row.touch_at, row.touch_at + row.touch_n):
        price_spread(base, touches[at].spread, now_ns)


@njit
def _slide(spread, series, old, new):
    """Welford's mean and squared deviations with one sample replaced by another."""
    change = new - old
    before = spread.mean[series]
    spread.mean[series] = before + change / spread.samples
    spread.m2[series] = spread.m2[series] + change * ((new - spread.mean[series]) + (old - before))


@njit
def _grow(spread, series, new):
    delta = new - spread.mean[series]
    spread.mean[series] = spread.mean[series] + delta / spread.samples
    spread.m2[series] = spread.m2[series] + delta * (new - spread.mean[series])


@njit
def _recount(spread, rings, series):
    """From the samples themselves, once a round of the ring, so that rounding cannot gather."""
    mean = m2 = 0.0
    for at in range(spread.samples):
        delta = rings[spread.ring_at + at].value[series] - mean
        mean = mean + delta / (at + 1)
        m2 = m2 + delta * (rings[spread.ring_at + at].value[series] - mean)
    spread.mean[series], spread.m2[series] = mean, m2


@njit
def sample_spread(base, index):
    """Take the spread's difference and ratio into its rolling mean and deviation; a blocked one is no sample."""
    spread = spreads_of(base)[index]
    if spread.blocked:
        return
    rings = rings_of(base)
    row = rings[spread.ring_at + spread.ring_next]
    full = spread.samples == spread.window
    if not full:
        spread.samples += 1
    for series in range(2):
        new = spread.diff if series == 0 else spread.ratio_mid
        if full:
            _slide(spread, series, row.value[series], new)
        else:
            _grow(spread, series, new)
        row.value[series] = new
    spread.ring_next = (spread.ring_next + 1) % spread.window
    for series in range(2):
        if spread.ring_next == 0:
            _recount(spread, rings, series)
        spread.sd[series] = math.sqrt(max(spread.m2[series], 0.0) / spread.samples)
