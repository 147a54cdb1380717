"""A fixed run of the hot half, printed as one digest of the state and one of the journal: `python -m tests.fixed_path`.

The same lines must come out compiled and, under NUMBA_DISABLE_JIT=1, as plain Python.
"""

import hashlib
import random

import numpy as np

from desk.composed import HOT
from engine.journal import MemoryJournal
from engine.records import DECISION, ORDER, QUOTE, VERDICT
from engine.schema import UNSET
from tests.gate_world import AU, FX, GC, NOW_NS, fresh_state
from tests.world import MS, demo_config

QUOTES = 600
SETTINGS = {"entry": 0.1, "exit": 0.05, "clip_units": 2, "cooldown_ms": 20, "rearm": 0.05}


def run() -> tuple[bytes, MemoryJournal]:
    """Quotes on a walk, every decision gated, every deal closed at once as if filled, a sample every ten quotes."""
    state, journal, rng = fresh_state(demo_config(**SETTINGS)), MemoryJournal(1 << 20), random.Random(11)
    ticks, now_ns = 15_765, NOW_NS
    for number in range(QUOTES):
        now_ns += rng.randrange(1, 9) * MS
        ticks += rng.randrange(-8, 9) + (15_765 - ticks) // 8
        quotes = ((FX, 68_960, 68_961), (GC, 13_950 + number % 3, 13_951 + number % 3), (AU, ticks, ticks + 1))
        for at, bid, ask in quotes:
            lots = rng.randrange(0, 40)
            waiting = HOT.on_quote(
                state.address, journal.address, at, bid, lots, ask, 30, now_ns - MS, now_ns, 0, rng.random() < 0.02
            )
            for one in range(waiting):
                if HOT.decide(state.address, journal.address, one, now_ns):
                    settle(state)
        if number % 10 == 0:
            HOT.sample(state.address, now_ns)
    return state.snapshot(), journal


def settle(state) -> None:
    """Take the deal just opened as done, so that the next one may come."""
    decision = state.scratch["decision"][0]
    state.strategy[0]["position_units"] += int(decision["side"]) * int(decision["units"])
    state.strategy["open_deals"], state.spread["open_deals"] = 0, 0
    state.head["live_deals"] = state.head["unbalanced_deals"] = 0
    state.head["live_orders"] = 0
    state.order["settled"] = 1
    state.position["working_buy"] = state.position["working_sell"] = 0
    state.position["own_bid_ticks"] = state.position["own_ask_ticks"] = UNSET
    state.account["held_micros"] = 0


def main() -> None:
    snapshot, journal = run()
    kinds = [record.kind for record in journal.records()]
    size = int(np.sum(journal.writer["offset"]))
    print("state", hashlib.sha256(snapshot).hexdigest())
    print("journal", size, hashlib.sha256(journal.buffer[:size].tobytes()).hexdigest())
    print("counts", *(kinds.count(kind) for kind in (QUOTE, DECISION, VERDICT, ORDER)))


if __name__ == "__main__":
    main()
