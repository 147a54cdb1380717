"""A slow, plain twin of book, spread prices and rolling statistics: Python numbers, one dict a row.

Written from the formulas, with the float operations in the kernels' order, so that both must agree bit for bit.
"""

import math
from collections import deque

from engine.ports import QUOTE_CLOSED, QUOTE_GAP
from engine.records import CLOSED_MARKET, CROSSED, GAP, NO_QUOTE, ONE_SIDED, SKEWED, STALE
from tests.twin_rows import plain, plain_table

NO_LIMIT = 2**62


class Twin:
    """Its own copy of every row that quotes and samples change; the rest of the state is read once."""

    def __init__(self, state):
        head = plain("head", state.head)
        self.clock = head["clock_base_ns"], head["clock_start_ns"], head["clock_speed_milli"]
        self.instrument = plain_table("instrument", state.instrument)
        self.book = plain_table("book", state.book)
        self.venue = plain_table("venue", state.venue)
        self.heard_ns = [venue["heard_ns"][0] for venue in self.venue]
        self.spread = plain_table("spread", state.spread)
        for spread in self.spread:
            # Lists where the row has arrays, and the samples by age: ring[0] is the slot written next when full.
            spread["mean"], spread["m2"], spread["sd"] = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
            spread["ring"] = deque()

    def quote(self, at, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags) -> bool:
        """A quote, and every spread that it touches; False where it is an old one."""
        venue = self.instrument[at]["venue"]
        self.heard_ns[venue] = max(self.heard_ns[venue], recv_ns)
        if not self._book(self.book[at], bid_ticks, bid_lots, ask_ticks, ask_lots, venue_seq, flags):
            return False
        self.book[at] |= {"venue_ns": venue_ns, "recv_ns": recv_ns, "flags": flags}
        for spread in self.spread:
            legs = range(spread["legs"])
            if at in [spread["instrument"][leg] for leg in legs] + [spread["fx"][leg] for leg in legs]:
                self.price(spread, recv_ns)
        return True

    def _book(self, book, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_seq, flags) -> bool:
        numbered = venue_seq > 0 and book["venue_seq"] > 0
        if numbered and venue_seq <= book["venue_seq"]:
            return False
        jumped = numbered and venue_seq > book["venue_seq"] + 1
        gap = jumped or bool(flags & QUOTE_GAP)
        has_bid, has_ask = bid_lots > 0, ask_lots > 0
        reasons = {
            GAP: gap,
            CLOSED_MARKET: bool(flags & QUOTE_CLOSED),
            NO_QUOTE: not has_bid and not has_ask,
            ONE_SIDED: has_bid != has_ask,
            CROSSED: has_bid and has_ask and bid_ticks >= ask_ticks,
        }
        book["blocked"] = sum(bit for bit, holds in reasons.items() if holds)
        book["gaps"] += gap
        book["updates"] += 1
        book["taken_bid_lots"] = book["taken_ask_lots"] = 0
        book |= {"bid_ticks": bid_ticks, "bid_lots": bid_lots, "ask_ticks": ask_ticks, "ask_lots": ask_lots}
        book["venue_seq"] = venue_seq
        return True

    def blocked(self, at, now_ns) -> int:
        """The bits that stop an instrument at this moment."""
        instrument, book = self.instrument[at], self.book[at]
        if not book["updates"]:
            return NO_QUOTE
        venue = instrument["venue"]
        base_ns, start_ns, speed_milli = self.clock
        market_ns = base_ns + (now_ns - start_ns) * speed_milli // 1000
        old = now_ns - book["recv_ns"] > instrument["max_age_ns"]
        silent = now_ns - self.heard_ns[venue] > self.venue[venue]["max_silence_ns"]
        is_open = instrument["open_ns"] <= market_ns < instrument["close_ns"]
        return book["blocked"] | (STALE if old or silent else 0) | (0 if is_open else CLOSED_MARKET)

    def price(self, spread, now_ns) -> None:
        """点差, 对价, 比值, fee, size and blocked bits of one spread."""
        legs = [self._leg(spread, leg, now_ns) for leg in range(spread["legs"])]
        diff = buy = sell = spread["premium"]
        fee = 0.0
        for weight, bid, ask, mid, fees, share in ((*one["price"], *one["fee"]) for one in legs):
            diff = diff + mid if weight > 0 else diff - mid
            buy = buy + ask if weight > 0 else buy - bid
            sell = sell + bid if weight > 0 else sell - ask
            fee = fee + fees
            fee = fee + share
        spread |= {"diff": diff, "buy": buy, "sell": sell, "fee": fee}
        spread["buy_units"] = min([NO_LIMIT, *(one["buy_units"] for one in legs)])
        spread["sell_units"] = min([NO_LIMIT, *(one["sell_units"] for one in legs)])
        times = [self.book[spread["instrument"][leg]]["recv_ns"] for leg in range(spread["legs"])]
        spread["oldest_ns"], spread["newest_ns"] = min(times), max(times)
        blocked = 0
        for one in legs:
            blocked |= one["blocked"]
        if all(times) and max(times) - min(times) > spread["max_skew_ns"]:
            blocked |= SKEWED
        spread["blocked"] = blocked | self._ratio(spread, [one["price"] for one in legs])

    def _leg(self, spread, leg, now_ns) -> dict:
        at, fx_at, weight, ratio = (spread[name][leg] for name in ("instrument", "fx", "weight", "ratio"))
        book, blocked = self.book[at], self.blocked(at, now_ns)
        rate_bid = rate_ask = spread["landed"][leg]
        if fx_at >= 0:
            blocked |= self.blocked(fx_at, now_ns)
            tick = self.instrument[fx_at]["tick"]
            rate_bid = rate_bid * (self.book[fx_at]["bid_ticks"] * tick)
            rate_ask = rate_ask * (self.book[fx_at]["ask_ticks"] * tick)
        rate_mid = (rate_bid + rate_ask) * 0.5
        size, lots, unit = abs(weight), abs(ratio), spread["unit_ubase"] * 1e-6
        bid = size * book["bid_ticks"] * rate_bid
        ask = size * book["ask_ticks"] * rate_ask
        mid = size * ((book["bid_ticks"] + book["ask_ticks"]) * 0.5) * rate_mid
        fees = lots * (spread["fee_micros"][leg] * 1e-6) * rate_mid / unit
        on_bid = max(book["bid_lots"] - book["taken_bid_lots"], 0) // lots if lots else NO_LIMIT
        on_ask = max(book["ask_lots"] - book["taken_ask_lots"], 0) // lots if lots else NO_LIMIT
        return {
            "price": (weight, bid, ask, mid), "fee": (fees, mid * (spread["fee_e7"][leg] * 1e-7)), "blocked": blocked,
            "buy_units": on_ask if ratio > 0 else on_bid, "sell_units": on_bid if ratio > 0 else on_ask,
        }  # fmt: skip

    def _ratio(self, spread, prices) -> int:
        """First leg over second; without a positive second leg the last ratio stays, and the spread is blocked."""
        spread["second_mid"] = prices[1][3] if len(prices) > 1 else 0.0
        if len(prices) < 2 or prices[1][1] <= 0 or prices[1][2] <= 0:
            return NO_QUOTE
        (_, bid_a, ask_a, mid_a), (_, bid_b, ask_b, mid_b) = prices[:2]
        spread["ratio_mid"] = mid_a / mid_b * spread["ratio_k"]
        spread["ratio_buy"] = ask_a / bid_b * spread["ratio_k"]
        spread["ratio_sell"] = bid_a / ask_b * spread["ratio_k"]
        return 0

    def sample(self, now_ns) -> None:
        """Price every spread and take those that are not blocked into their rolling statistics."""
        for spread in self.spread:
            self.price(spread, now_ns)
            if not spread["blocked"]:
                self._take(spread, (spread["diff"], spread["ratio_mid"]))

    def _take(self, spread, values) -> None:
        ring, window = spread["ring"], spread["window"]
        old = ring.popleft() if len(ring) == window else None
        ring.append(values)
        count = spread["samples"] = len(ring)
        spread["ring_next"] = (spread["ring_next"] + 1) % window
        for series in range(2):
            mean, m2, new = spread["mean"][series], spread["m2"][series], values[series]
            if spread["ring_next"] == 0:
                mean, m2 = welford([one[series] for one in ring])
            elif old is None:
                mean, m2 = grown(mean, m2, new, count)
            else:
                change = new - old[series]
                moved = mean + change / count
                m2 = m2 + change * ((new - moved) + (old[series] - mean))
                mean = moved
            spread["mean"][series], spread["m2"][series] = mean, m2
            spread["sd"][series] = math.sqrt(max(m2, 0.0) / count)


def grown(mean, m2, new, count):
    """Welford's step: mean and sum of squared deviations with one more sample, the `count`-th."""
    delta = new - mean
    mean = mean + delta / count
    return mean, m2 + delta * (new - mean)


def welford(values):
    """Mean and sum of squared deviations, sample by sample."""
    mean = m2 = 0.0
    for number, value in enumerate(values, 1):
        mean, m2 = grown(mean, m2, value, number)
    return mean, m2
