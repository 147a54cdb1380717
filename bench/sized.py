"""Configs of any size, made in memory from the tuned demo: as many instruments and spreads as a bench asks for."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from bench.figures import demand
from bench.rig import AU, FX, GC, tuned
from desk.config import Config
from engine.calendar import Calendar

_WINDOW = 64  # samples a spread remembers: rings are memory, not time


class Sized(NamedTuple):
    """A config and its calendars. fx: index of the dollar rate; the pairs before it lie as Shanghai, COMEX, Shanghai...

    quoted: instruments that are a leg of some spread.
    """

    config: Config
    calendars: Mapping[str, Calendar]
    fx: int
    quoted: int


def sized(instruments: int, spreads: int) -> Sized:
    """Pairs of gold contracts and one dollar rate; the spreads, each with a strategy, dealt out to the pairs in turns.

    An even number of instruments loses one: pairs and a rate are odd. No strategy ever wants anything, each is asked.
    """
    config, calendars = tuned()
    pairs = max((instruments - 1) // 2, 1)
    demand(spreads >= 0, f"a number of spreads, found {spreads}")
    replace = msgspec.structs.replace
    contracts = []
    for pair in range(pairs):
        for at in (AU, GC):
            spec = config.instruments[at]
            contracts.append(replace(spec, id=f"{spec.id}.{pair}", symbol=f"{spec.symbol}x{pair}"))
    contracts.append(config.instruments[FX])
    made, strategies = [], []
    for number in range(spreads):
        legs = [replace(leg, instrument=contracts[2 * (number % pairs) + at].id)
                for at, leg in enumerate(config.spreads[0].legs)]  # fmt: skip
        made.append(replace(config.spreads[0], id=f"S{number}", legs=legs, window=_WINDOW))
        strategies.append(replace(config.strategies[0], id=f"K{number}", spread=f"S{number}", entry=1e9, exit=0.0,
                                  max_executions=1))  # fmt: skip
    found = replace(config, instruments=contracts, spreads=made, strategies=strategies)
    return Sized(found, calendars, len(contracts) - 1, 2 * min(pairs, spreads))
