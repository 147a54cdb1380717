"""A wider world for the gate: two accounts of one group trade the same contract, and one of them its next month too.

Spread 0 is that of `tests.gate_world`, with two strategies. Spread 1 has both its legs in one account and product;
spread 2 has two legs of one contract in two accounts of the group, and a third one abroad.
"""

import msgspec

from desk.config import Config, LegSpec, SpreadSpec
from desk.config_rules import RuleSpec, TierSpec
from tests.gate_world import AU, GC, fresh_state, quote
from tests.world import demo_config

SAME, NEXT = 3, 4  # instruments: the contract of AU in the group's second account; the month after it
SECOND = 2  # the group's second account
CALENDAR, THREE = 2, 3  # strategies of spreads 1 and 2; 0 and 1 are of spread 0
EXECUTIONS = 5

MIDS = {AU: 15_463, GC: 13_950, 2: 68_960, SAME: 15_463, NEXT: 15_520}


def group_config() -> Config:
    config = demo_config(max_executions=EXECUTIONS)
    replace = msgspec.structs.replace
    cn, us = config.accounts
    cn = replace(cn, group="house")
    au = config.instruments[AU]
    same = replace(au, id="SHFE.au2702@second", account="second")
    after = replace(au, id="SHFE.au2704", symbol="au2704")
    one, spread = config.strategies[0], config.spreads[0]
    calendar = replace(
        spread, id="CAL", legs=[LegSpec(instrument=after.id, ratio=2), LegSpec(instrument=au.id, ratio=-2)]
    )
    legs = [LegSpec(instrument=au.id, ratio=1), LegSpec(instrument=same.id, ratio=2), spread.legs[1]]
    three: SpreadSpec = replace(spread, id="THREE", legs=legs)
    tiers = [TierSpec(from_messages=10**6, fee=float(number)) for number in range(3)]
    fees = RuleSpec(book="SHFE", contract="au2702", valid_from="2026-01-01", source="for tests", message_fees=tiers)
    return replace(
        config, accounts=[cn, us, replace(cn, id="second")], instruments=[*config.instruments, same, after],
        spreads=[spread, calendar, three], rules=[*config.rules, fees],
        strategies=[one, *(replace(one, id=name, spread=at) for name, at in
                           (("two", spread.id), ("calendar", "CAL"), ("three", "THREE")))],
    )  # fmt: skip


def group_state():
    """Every control far from its level, in the wider world."""
    state = fresh_state(group_config())
    for at in (SAME, NEXT):
        quote(state, at, MIDS[at], MIDS[at] + 1)
    return state
