"""hftbacktest's compiled loop over the same quotes, with its simulated exchanges: a process of its own.

It says once what it is. Then each line `{"file": path}` names a NumPy file of quotes, a row each: ns, instrument,
bid_ticks, bid_lots, ask_ticks, ask_lots. The answer is how long the loop took, how often it decided, and what was
traded and held of each leg at the end. Its market data are changes of depth, so a quote becomes the levels that it
empties and shows; making them, the first compilation and the reading are not in the time.
"""

import json
import sys
import time

import inside
import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.order import IOC, LIMIT
from hftbacktest.types import event_dtype
from inside import AU, FX, GC, demand
from numba import njit

_LATENCY_NS = 100_000  # one way
_PATIENCE_NS = 10**15
_SIDES = ((BUY_EVENT, 2, 3), (SELL_EVENT, 4, 5))  # the flag of a side, and its columns in a quote: ticks, lots
_LOTS = (inside.LOTS[AU], inside.LOTS[GC])
_TICKS = (inside.TICKS[AU], inside.TICKS[GC])
_CENTER, _ENTRY, _EXIT, _GRAMS = inside.CENTER, inside.ENTRY, inside.EXIT, inside.GRAMS_AN_OUNCE
_BEYOND = tuple(inside.SLIPPAGE_TICKS * tick for tick in _TICKS)


def events(quotes: np.ndarray, at: int) -> np.ndarray:
    """One contract's changes of depth: a level that is left is emptied before the next one is shown."""
    mine = quotes[quotes[:, 1] == at]
    rows, shown = [], {}
    for quote in mine.tolist():
        for flag, ticks, lots in _SIDES:
            last = shown.get(flag)
            if last is not None and last != quote[ticks]:
                rows.append((flag, quote[0], last, 0))
            rows.append((flag, quote[0], quote[ticks], quote[lots]))
            shown[flag] = quote[ticks]
    made = np.zeros(len(rows), event_dtype)
    flags, times, levels, sizes = (np.array(column) for column in zip(*rows, strict=True))
    made["ev"] = flags | DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT
    made["exch_ts"] = made["local_ts"] = times
    made["px"], made["qty"] = np.round(levels * inside.TICKS[at], inside.DIGITS[at]), sizes
    return made


def market(changes: list[np.ndarray]) -> ROIVectorMarketDepthBacktest:
    """Of each contract's changes; it reads them where they lie, so they must outlive it. Of its two kinds of book the
    faster one: an array over the prices that occur."""
    assets = [
        BacktestAsset().data([changes[at]]).linear_asset(1.0).constant_order_latency(_LATENCY_NS, _LATENCY_NS)
        .risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0)
        .roi_lb(changes[at]["px"].min() - 1.0).roi_ub(changes[at]["px"].max() + 1.0)
        .tick_size(inside.TICKS[at]).lot_size(1.0).last_trades_capacity(0)
        for at in (AU, GC, FX)
    ]  # fmt: skip
    return ROIVectorMarketDepthBacktest(assets)


@njit
def loop(hbt):
    """The same signal, entry and exit in turns; (decisions, steps). A deal is done when both legs are held, or not."""
    decisions, steps, held, open_deal = 0, 0, False, False
    while True:
        got = hbt.wait_next_feed(True, _PATIENCE_NS)
        if got == 1:
            return decisions, steps
        steps += 1
        if open_deal:
            wanted = not held
            there = hbt.position(0) == (-_LOTS[0] if wanted else 0) and hbt.position(1) == (_LOTS[1] if wanted else 0)
            if not there:
                continue
            held, open_deal = wanted, False
            hbt.clear_inactive_orders(0)
            hbt.clear_inactive_orders(1)
        gold, comex, rate = hbt.depth(0), hbt.depth(1), hbt.depth(2)
        converted = (comex.best_bid + comex.best_ask) * 0.5 * (rate.best_bid + rate.best_ask) * 0.5 / _GRAMS
        away = (gold.best_bid + gold.best_ask) * 0.5 - converted - _CENTER
        if not held and away > _ENTRY:
            number = 2 * decisions + 1
            hbt.submit_sell_order(0, number, gold.best_bid - _BEYOND[0], _LOTS[0], IOC, LIMIT, False)
            hbt.submit_buy_order(1, number + 1, comex.best_ask + _BEYOND[1], _LOTS[1], IOC, LIMIT, False)
        elif held and away < _EXIT:
            number = 2 * decisions + 1
            hbt.submit_buy_order(0, number, gold.best_ask + _BEYOND[0], _LOTS[0], IOC, LIMIT, False)
            hbt.submit_sell_order(1, number + 1, comex.best_bid - _BEYOND[1], _LOTS[1], IOC, LIMIT, False)
        else:
            continue
        decisions += 1
        open_deal = True


def run(quotes: np.ndarray) -> dict:
    changes = [events(quotes, at) for at in (AU, GC, FX)]
    hbt = market(changes)
    began_ns = time.perf_counter_ns()
    decisions, steps = loop(hbt)
    took_ns = time.perf_counter_ns() - began_ns
    states = [hbt.state_values(at) for at in (AU, GC)]
    traded = [int(state.trading_volume) for state in states]
    found = {"took_ns": took_ns, "decisions": decisions, "steps": steps, "traded_lots": traded,
             "held_lots": [int(hbt.position(at)) for at in (AU, GC)]}  # fmt: skip
    hbt.close()
    return found


def main() -> None:
    inside.hello(("hftbacktest", "numba", "numpy"), exchange="no partial fill", queue="risk adverse", book="ROI vector",
                 latency_ns=str(_LATENCY_NS))  # fmt: skip
    for line in sys.stdin:
        quotes = np.load(json.loads(line)["file"])
        demand(quotes.ndim == 2 and quotes.shape[1] == 6, "quotes of six columns")
        inside.say(run(quotes))


if __name__ == "__main__":
    main()
