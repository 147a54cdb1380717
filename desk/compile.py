"""Compiles the hot half, or loads it from its cache: at set-up with a word of progress, and before every start."""

import sys

import numpy as np

from engine import jit, use
from engine.clock import now_ns
from engine.journal import MemoryJournal
from engine.messages import spend_message
from engine.meters import (
    drop_order,
    end_order,
    has_cancel,
    next_fee,
    reserve_repair,
    roll_meter,
    settle_order,
    shrink_order,
    use_cancel,
    use_fill,
    use_order,
    use_self_trade,
    use_trade,
)
from engine.money import lot_fee_reporting_micros, tick_reporting_micros
from engine.pnl import begin_day, book_trade, refresh
from engine.positions import book_lots, keep_working, mark, take_over
from engine.state import State
from engine.tape import TAPE, next_input, same_outputs

_ROWS = {
    "market": 2, "stake": 1, "execution": 1, "meter": 3, "tier": 1,
    "venue": 1, "account": 1, "pool": 1, "currency": 1, "instrument": 2, "book": 2, "position": 2, "spread": 1,
    "ring": 1, "touch": 1, "strategy": 1, "order": 32, "deal": 2,
}  # fmt: skip


def warm() -> None:
    """Call every compiled entry once, on a state of its own, so that the first tick meets nothing cold."""
    from desk.composed import HOT  # here: this alone compiles a good part of it

    state, journal = State(**_ROWS), MemoryJournal(1 << 16)
    state.ring["value"], state.spread["window"], state.spread["unit_ubase"] = 1.0, 1, 1
    state.spread["blocked"] = 1
    at = state.address
    HOT.on_quote(at, journal.address, 0, 1, 1, 2, 1, 0, 1, 0, 0)
    HOT.poll(at, journal.address, 0, 0, 0, False)
    HOT.decide(at, journal.address, 0, 1)
    HOT.sample(at, 1)
    HOT.pool_use(at, 0)
    HOT.may_ask(at, 0, 1)
    HOT.take_wish(at, 0, 1, 0, 1, 0.0, 0.0, 0.0, 1)
    HOT.stand(at, 0, 1)
    tape = np.zeros(1, TAPE)
    HOT.walk(at, journal.address, tape.ctypes.data)
    next_input(tape.ctypes.data, 0)
    same_outputs(tape.ctypes.data, 0, 0, 0, 0)
    book_lots(at, 0, 0)
    keep_working(at, 0, 0)
    mark(at, 0, 0)
    take_over(at, 0, 0)
    book_trade(at, 0, 0, 1)
    refresh(at)
    begin_day(at)
    for call in (use_order, use_cancel, end_order, drop_order, settle_order, shrink_order):
        call(at, 0)
    for call in (use_fill, use_trade):
        call(at, 0, 0)
    use_self_trade(at, 0)
    reserve_repair(at, 0, 0)
    has_cancel(at, 0, 1, 1)
    next_fee(at, 0)
    roll_meter(at, 0, 0)
    spend_message(at, 0, 1)
    lot_fee_reporting_micros(at, 0, 1, False)
    tick_reporting_micros(at, 0)
    use.refresh(at)
    use.reported(at, 0, 1)
    use.need_micros(at, 0, 1)
    use.use_bps(1, 1)
    use.is_quiet_beat(at, 1, 1, 1)
    for count in (use.account_level, use.account_use_micros, use.pool_level, use.pool_use_micros, use.pool_held_micros,
                  use.pool_capital_micros, use.stake_micros):  # fmt: skip
        count(at, 0)


def main() -> None:
    print("compiling the hot half (once; a minute or two) ...", flush=True)
    # Here: an engine's start does not load them.
    from numba.core import event

    from desk.sweep_run import warm as warm_sweep

    class Progress(event.Listener):
        """Says which function is being compiled, in place, where somebody looks on."""

        count = 0

        def on_start(self, event) -> None:
            self.count += 1
            if sys.stdout.isatty():
                print(f"\r{self.count} functions: {event.data['dispatcher'].py_func.__name__:<40}", end="", flush=True)

        def on_end(self, event) -> None:
            """The next start says more."""

    began_ns, progress = now_ns(), Progress()
    with event.install_listener("numba:compile", progress):
        warm()
        warm_sweep()
    line = "\r" if sys.stdout.isatty() else ""
    print(f"{line}compiled {progress.count} functions in {(now_ns() - began_ns) / 1e9:.1f} s, kept in {jit.CACHE}")


if __name__ == "__main__":
    main()
