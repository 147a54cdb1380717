"""The peer's end of the protocol: what is asked and answered a line of JSON at a time. Standard library only.

A peer says once what it is: versions, and how it was set up. Then each line `{"quotes": [...], "collect": bool}` is a
round; a quote is [instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, moves], where moves says whether it must cause
both orders, and collect whether garbage is collected as Python does by itself, or not at all in this round. The answer
has `both_ns` (from each quote that moves to its second order at the gateway), `idle_ns` (of each other quote) and
`orders`, as [instrument, side, limit_ticks, lots] in the order of the gateway. A peer ends, with a reason on stderr,
where its work went wrong.
"""

import gc
import json
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

AU, GC, FX = range(3)
TICKS = (0.02, 0.1, 0.0001)  # of each contract
DIGITS = (2, 1, 4)  # of its prices
LOTS = {AU: 3, GC: 1}  # that a decision trades
BUY, SELL = 1, -1
CENTER, ENTRY, EXIT = 6.0, 0.5, 0.3  # CNY a gram
SLIPPAGE_TICKS = 2  # that an order's limit lies beyond the touch
GRAMS_AN_OUNCE = 31.1034768

Quote = list[int]


def demand(held: bool, expected: str) -> None:
    if not held:
        sys.exit(f"expected {expected}")


def price(instrument: int, ticks: int) -> float:
    """The nearest float of a price that has its contract's digits."""
    return round(ticks * TICKS[instrument], DIGITS[instrument])


def ticks(instrument: int, price: float) -> int:
    found = round(price / TICKS[instrument])
    demand(abs(found * TICKS[instrument] - price) < 1e-9, f"a price in ticks of {TICKS[instrument]}, found {price}")
    return found


def say(what: dict) -> None:
    print(json.dumps(what), flush=True)


def hello(packages: tuple[str, ...], **set_up: str) -> None:
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    say({"versions": versions, "set_up": set_up})


def asked(line: str) -> tuple[list[Quote], bool]:
    """The quotes of a round, and whether garbage is collected in it."""
    wanted = json.loads(line)
    demand(all(len(quote) == 6 for quote in wanted["quotes"]), "quotes of six numbers")
    return wanted["quotes"], wanted["collect"]


@contextmanager
def garbage(collect: bool) -> Iterator[None]:
    """As Python's thresholds have it; or none collected, and what is old out of the collector's sight."""
    gc.collect()
    if collect:
        yield
        return
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


def answered(both_ns: list[int], idle_ns: list[int], orders: list[list[int]], quotes: list[Quote]) -> dict:
    """The answer of a round, where it has what was asked for."""
    moves = sum(quote[5] for quote in quotes)
    demand(len(both_ns) == moves and len(idle_ns) == len(quotes) - moves, "a time of each quote")
    demand(len(orders) == 2 * moves, f"{2 * moves} orders at the gateway, found {len(orders)}")
    return {"both_ns": both_ns, "idle_ns": idle_ns, "orders": orders}


def serve(play: Callable[[list[Quote]], dict]) -> None:
    """Answer until there is nothing more to read."""
    for line in sys.stdin:
        quotes, collect = asked(line)
        with garbage(collect):
            found = play(quotes)
        say(found)
