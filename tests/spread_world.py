"""Small states built by hand for the kernels and strategies alone: quotes go through the compiled `on_quote`."""

import numpy as np

from desk.composed import HOT
from engine.journal import MemoryJournal
from engine.schema import NO_LIMIT
from engine.state import State

NOW_NS = 1_800_000_000 * 1_000_000_000
MS, HOUR_NS = 1_000_000, 3_600 * 1_000_000_000
UNIT = 1_000_000  # one base unit, in millionths


def empty_state(instruments: int, spreads: int, window: int, strategies: int = 0) -> State:
    """Tables whose every instrument is open and fresh for long, each on one of two venues, touching every spread."""
    state = State(
        market=2, stake=strategies, execution=1, meter=1, tier=1, venue=2, account=1, pool=1,
        currency=1, instrument=instruments, book=instruments, position=instruments,
        spread=spreads, ring=spreads * window, touch=instruments * spreads, strategy=strategies, order=16, deal=16,
    )  # fmt: skip
    state.head["clock_base_ns"] = state.head["clock_start_ns"] = NOW_NS
    state.head["clock_speed_milli"] = 1000
    state.venue["heard_ns"], state.venue["max_silence_ns"] = NOW_NS, HOUR_NS
    state.currency["instrument"], state.currency["fixed_rate"] = -1, 1.0
    state.instrument["venue"] = np.arange(instruments) % 2
    state.instrument["account"], state.instrument["tick"] = -1, 1.0
    for name in ("contract", "product", "next_of_contract", "next_of_product"):
        state.instrument[name] = -1
    state.instrument["max_age_ns"] = HOUR_NS
    state.instrument["open_ns"], state.instrument["close_ns"] = NOW_NS - HOUR_NS, NOW_NS + 10 * HOUR_NS
    state.book["blocked"] = 1
    state.strategy["cap_units"] = NO_LIMIT
    for index in range(spreads):
        row = state.spread[index]
        row["fx"], row["landed"], row["ratio_k"], row["unit_ubase"] = -1, 1.0, 1.0, UNIT
        row["max_skew_ns"], row["window"], row["ring_at"] = HOUR_NS, window, index * window
    return state


def fill_touches(state: State) -> None:
    """Which spreads each instrument touches, from the spreads' legs and rates."""
    at = 0
    for index, row in enumerate(state.instrument):
        row["touch_at"] = at
        for number, spread in enumerate(state.spread):
            legs = slice(0, int(spread["legs"]))
            if index in spread["instrument"][legs] or index in spread["fx"][legs]:
                state.touch[at]["spread"] = number
                at += 1
        row["touch_n"] = at - row["touch_at"]


class Desk:
    """A state, its journal and the way of quotes into it."""

    def __init__(self, state: State):
        self.state, self.journal, self.now_ns = state, MemoryJournal(1 << 24), NOW_NS

    def quote(self, at, bid, ask, lots=30, ask_lots=None, seq=0, flags=0, now_ns=None) -> int:
        """A best quote in ticks; how many decisions it caused."""
        self.now_ns = self.now_ns if now_ns is None else now_ns
        asked = lots if ask_lots is None else ask_lots
        args = (at, bid, lots, ask, asked, self.now_ns - MS, self.now_ns, seq, flags)
        return HOT.on_quote(self.state.address, self.journal.address, *args)

    def decide(self, number: int = 0) -> int:
        """Gate, holds and orders; how many orders it opened."""
        return HOT.decide(self.state.address, self.journal.address, number, self.now_ns)
