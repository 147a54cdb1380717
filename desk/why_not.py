"""`tandem why-not`: what kept the strategies of a spread from trading, second by second of market time."""

from collections import Counter
from itertools import groupby
from pathlib import Path

import msgspec

from desk.fold_names import Names
from desk.fold_rows import row_of
from desk.moment_reader import Runs, read_moment
from desk.seconds import LISTENS, Seconds, Told
from desk.texts import aligned, count_text, day_text, time_text
from engine.records import CONFIG, START
from engine.segments import read

_SECOND = 1_000_000_000


class Window(msgspec.Struct, frozen=True):
    """Whole seconds of market time, from one to before another; engine time goes with them at one speed."""

    first: int
    end: int
    at_market_ns: int
    at_ns: int
    milli: int

    def ends_ns(self, second: int) -> int:
        """Engine time at which a second is over."""
        return self.at_ns + ((second + 1) * _SECOND - self.at_market_ns) * 1000 // self.milli


def explain_silence(folder: Path, spread_name: str, moment: str, seconds: int) -> int:
    """Print it. ValueError where the journal has no such spread or moment."""
    runs, names = _overview(folder)
    spread = names.spread_index(spread_name)
    window = window_of(runs, read_moment(moment, runs), seconds)
    told = told_in(read(folder), names, spread, window)
    for line in page(names, spread, window, told):
        print(line)
    return 0


def _overview(folder: Path) -> tuple[Runs, Names]:
    """When engines ran, and the names of the last."""
    runs, names = Runs(), Names()
    for record in read(folder):
        if record.kind == START:
            runs.begin(row_of(record))
        elif record.kind == CONFIG:
            names = Names(record.data)
        runs.reach(record.now_ns)
    return runs, names


def window_of(runs: Runs, at_ns: int, seconds: int) -> Window:
    """So many seconds around a moment, as far as the journal holds them."""
    first, last = (runs.market_ns(end_ns) // _SECOND for end_ns in runs.span())
    market_ns = runs.market_ns(at_ns)
    begin = market_ns // _SECOND - seconds // 2
    return Window(max(begin, first), min(begin + seconds, last + 1), market_ns, at_ns, runs.speed_milli(at_ns))


def told_in(records, names: Names, spread: int, window: Window) -> list[Told]:
    """What each strategy of the spread was kept by in each second of the window."""
    watch, found = Seconds(names, spread), []
    second, ends_ns = window.first - 1, window.ends_ns(window.first - 1)
    for record in records:
        if record.kind == START:
            watch.stop()
        while record.now_ns >= ends_ns and second < window.end:
            told = watch.close(second, ends_ns)
            found += told if second >= window.first else []
            second += 1
            ends_ns = window.ends_ns(second)
        if second >= window.end:
            return found
        if record.kind in LISTENS:
            watch.feed(record.kind, row_of(record))
        watch.reach(record.now_ns)
    return found + (watch.close(second, ends_ns) if window.first <= second < window.end else [])


def page(names: Names, spread: int, window: Window, told: list[Told]) -> list[str]:
    """A line for each strategy and stretch of equal seconds, then the seconds by reason."""
    first_ns, last_ns = window.first * _SECOND, (window.end - 1) * _SECOND
    lines = [f"{names.spread(spread)}, {day_text(first_ns)} {time_text(first_ns, 0)} to {time_text(last_ns, 0)} UTC"]
    if not told:
        return [*lines, "no strategy trades it"]
    stretches = []
    for strategy, of_strategy in groupby(sorted(told, key=lambda one: (one.strategy, one.second)), _strategy):
        for _, equal in groupby(of_strategy, lambda one: (one.label, one.notes)):
            equal = list(equal)
            stretches.append((equal[0].second, strategy, equal))
    lines += aligned([_row(names, *stretch) for stretch in sorted(stretches, key=lambda one: one[:2])])
    for strategy, of_strategy in groupby(sorted(told, key=_strategy), _strategy):
        counts = Counter(one.label for one in of_strategy)
        said = ", ".join(f"{label} {count}" for label, count in counts.most_common())
        lines += [
            "",
            f"{names.strategy(strategy)}, {count_text(counts.total(), 'second', 'seconds')} by reason: {said}",
        ]
    return lines


def _strategy(one: Told) -> int:
    return one.strategy


def _row(names: Names, first: int, strategy: int, equal: list[Told]) -> tuple[str, ...]:
    """12:00:01 - 12:00:17  gold_spread  signal inside the band (0.12 from the center, enters at 0.25)."""
    last = equal[-1]
    when = time_text(first * _SECOND, 0)
    when += f" - {time_text(last.second * _SECOND, 0)}" if last.second != first else ""
    many = sum(one.many for one in equal)
    numbers = last.numbers if many < 2 else f"{many} times; the last: {last.numbers}"
    notes = f" [{', '.join(last.notes)}]" if last.notes else ""
    return when, names.strategy(strategy), f"{last.label}{f' ({numbers})' if numbers else ''}{notes}"
