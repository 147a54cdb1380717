"""Days of a storm under small quotas: openings are denied, and repairs come to the point where no cancel is left.

On most days a contract's quotas are the config's, far away. On some, chosen by the seed, they are a deal or two wide;
then the storm goes on to the next trading day when nothing opens any more, and a person kills what waits at its price
in the way of all else and has no cancel left.
"""

import random

import msgspec

from desk.config import Config
from desk.config_rules import RuleSpec
from desk.rules import rule_of
from engine import records
from engine.orders import TERMINAL

SHARE = 1 / 6  # of days with small quotas
MOST_DATES = 3  # that a day of the storm goes on to: its sessions end then
NS_PER_DAY = 86_400_000_000_000
_MS = 1_000_000
_MOST_KILLS = 5
_BARREN = 6  # pushes without a deal in a row, after which the next trading day comes

# Wide enough for one entry and the tries of its repair, for two, and for some; the last also where the config has none.
SMALL: tuple[dict, ...] = (
    {"frequent_cancels": 8, "frequent_reserve": 1, "large_cancels": 8, "large_reserve": 1, "ioc_counts": True},
    {"frequent_cancels": 16, "frequent_reserve": 6, "large_cancels": 14, "large_reserve": 4, "ioc_counts": True},
    {"frequent_cancels": 10, "frequent_reserve": 2, "large_cancels": "none", "large_reserve": 0, "ioc_counts": False},
    {"frequent_cancels": 12, "frequent_reserve": 2, "large_cancels": 8, "large_reserve": 1, "ioc_counts": True},
)
_TRIES = 3  # of a repair, and so what an opening asks for: more would leave no way to the last cancel
_LARGE_LOTS = 9


def chosen(seed: int, number: int) -> int:
    """Which of SMALL a day runs under; -1: the config's own."""
    rng = random.Random(seed * 1_000_033 + number)
    return rng.randrange(len(SMALL)) if rng.random() < SHARE else -1


def with_small(config: Config, which: int, market_date: str) -> Config:
    """The config with these quotas for each contract that has some, and few tries of a repair."""
    everywhere, added = which == len(SMALL) - 1, []
    for spec in config.instruments:
        stated = spec.account and isinstance(rule_of(config, spec, market_date)["frequent_cancels"], int)
        if spec.account and (stated or everywhere):
            added.append(RuleSpec(book=spec.rules, product=spec.product, contract=spec.symbol, valid_from=market_date,
                                  source="a storm's small quotas", large_lots=_LARGE_LOTS, **SMALL[which]))  # fmt: skip
    replace = msgspec.structs.replace
    strategies = [replace(one, repair=replace(one.repair, max_tries=_TRIES)) for one in config.strategies]
    return replace(config, rules=[*config.rules, *added], strategies=strategies)


class Shortage:
    """What a day of the storm does about it. day: a `bench.storm.day.Day` under small quotas, or under the config's."""

    def __init__(self, day, is_small: bool) -> None:
        self._day, self._is_small = day, is_small
        self._barren, self._deals, self._dates = 0, 0, 0

    def after_a_push(self) -> None:
        """Go on to the next trading day when nothing has opened for a while."""
        day = self._day
        self._barren = self._barren + 1 if len(day.played) == self._deals else 0
        self._deals = len(day.played)
        if not self._is_small or self._barren < _BARREN or self._dates == MOST_DATES:
            return
        self._barren, self._dates = 0, self._dates + 1
        market_ns = day.process.state.market_ns(day.clock.now_ns)
        day.skip(day.clock.now_ns + NS_PER_DAY - market_ns % NS_PER_DAY + _MS)

    def kill_stuck(self) -> bool:
        """A person kills where an order waits and nothing can cancel it; whether there was one."""
        day = self._day
        if not self._is_small or not self._stuck():
            return False
        for _ in range(_MOST_KILLS):  # the venue may refuse a kill's cancels too
            day.process.command(records.COMMAND_KILL, 0, -1, "an order without a cancel")
            day.wait(2_000 * _MS)
            if not self._stuck():
                break
        day.settle()
        day.process.command(records.COMMAND_RESUME, records.SCOPE_ALL, -1, "it is gone")
        return True

    def _stuck(self) -> bool:
        core = self._day.process.loop.core
        rows = [core.state.order_row(number) for number in core.live_orders]
        return any(row["cancels_held"] != 1 and row["state"] not in TERMINAL for row in rows)

    def excuses(self, halted: int) -> bool:
        """Whether a deal may be Halted for this reason whatever its script: there are few tries, and few cancels."""
        return self._is_small and halted in (records.HALT_TRIES, records.HALT_NAKED, records.HALT_DENIED)
