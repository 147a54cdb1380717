"""Profit and loss on the timer: its records, the rolling peaks that drawdowns are measured from, and the day's end."""

from collections import deque

from engine import pnl
from engine.core import Core
from engine.records import PNL
from engine.schema import UNSET

_BUCKET_NS = 60_000_000_000  # of a rolling peak: the highest of each minute is kept
_ALL = -1


class Peak:
    """The highest equity (carried from earlier days, and the day's) within a window, by minutes."""

    def __init__(self) -> None:
        self.carried_micros = 0
        self._highest: deque[tuple[int, int]] = deque()  # (minute, equity), ever lower: a monotonic queue

    def see(self, now_ns: int, pnl_micros: int, window_ns: int) -> int:
        """Take one look; the peak in terms of today's profit and loss."""
        minute, equity = now_ns // _BUCKET_NS, self.carried_micros + pnl_micros
        while self._highest and self._highest[-1][1] <= equity:
            self._highest.pop()
        if not self._highest or self._highest[-1][0] != minute:
            self._highest.append((minute, equity))
        while self._highest[0][0] * _BUCKET_NS < now_ns - window_ns:
            self._highest.popleft()
        return self._highest[0][1] - self.carried_micros


def scopes(core: Core) -> list[tuple[int, int, object]]:
    """(strategy, account, row) of everything that has a profit and loss: all, accounts, strategies."""
    found = [(_ALL, _ALL, core.state.head)]
    found += [(_ALL, index, row) for index, row in enumerate(core.state.account)]
    return found + [(index, _ALL, row) for index, row in enumerate(core.state.strategy)]


def look(core: Core) -> None:
    """On the sample: count, keep the peaks, and tell what has changed."""
    pnl.refresh(core.state.address)
    for strategy, account, row in scopes(core):
        result = int(row["pnl_micros"])
        if result == UNSET:
            continue
        peak = core.peaks.setdefault((strategy, account), Peak())
        row["peak_micros"] = peak.see(core.now_ns, result, core.timing.drawdown_ns)
        if core.is_news(("pnl", strategy, account), (result, int(row["peak_micros"]))):
            core.emit(PNL, strategy=strategy, account=account, pnl_micros=result, peak_micros=int(row["peak_micros"]))


def begin_day(core: Core) -> None:
    """The date of market time has changed: what was earned is carried, and naked time is counted anew."""
    pnl.refresh(core.state.address)
    for strategy, account, row in scopes(core):
        if row["pnl_micros"] != UNSET:
            peak = core.peaks.setdefault((strategy, account), Peak())
            peak.carried_micros += int(row["pnl_micros"])
            row["peak_micros"] -= int(row["pnl_micros"])
    pnl.begin_day(core.state.address)
    pnl.refresh(core.state.address)
    core.state.head["naked_ns"] = 0
    core.state.strategy["naked_ns"] = 0
