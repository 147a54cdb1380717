"""Where an engine dies: at a journal append or a send of a deal, or at a moment that the harness draws."""

import random
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from engine import records
from engine.segments import Record

BEFORE, AFTER = SIDES = ("before", "after")
APPEND, WRITE, MOMENT = "append", "write", "moment"
START, READY, DEAL, STOP = MOMENTS = ("start", "ready", "deal", "stop")
# What is drawn at most, in seconds after: the process was made, its links were ready, its first order was journalled,
# it was asked to stop after that.
_LATEST_S = {START: 1.0, READY: 0.8, DEAL: 0.15, STOP: 0.1}
# What the market or the clock causes: no part of a deal, though it may come between.
_OTHERS = frozenset({records.QUOTE, records.TIMER, records.SPREAD, records.CAPITAL, records.LINK, records.CONFIG,
                     records.START, records.COMMAND, records.BAD_INPUT, records.ACCOUNT, records.LOG})  # fmt: skip
_MESSAGES = (records.ORDER, records.CANCEL, records.QUERY)
_COMMON = 0.1  # share of the deals of a rehearsal that must come to a point for it to be one


class Point(NamedTuple):
    """append:before:ORDER:2 is before the second ORDER record of a deal; write:after:3 after its third send.

    where: the record's kind of an append; of a moment, what it is counted from. after_s: of a moment.
    """

    what: str
    side: str
    where: str
    number: int
    after_s: float = 0.0

    @property
    def text(self) -> str:
        if self.what == MOMENT:
            return f"moment:{self.where}:{self.after_s:.3f}"
        return ":".join(part for part in (self.what, self.side, self.where, str(self.number)) if part)

    @property
    def group(self) -> str:
        """What it is counted under in the table."""
        return ":".join(part for part in (self.what, self.side, self.where) if part)


def parsed(text: str) -> Point:
    """An append or a write, from its text. ValueError where it is none."""
    what, side, *where, number = text.split(":")
    known = side in SIDES and number.isdigit() and len(where) == (what == APPEND)
    if what not in (APPEND, WRITE) or not known or (where and where[0] not in named_kinds()):
        raise ValueError(f"{text}: expected append:before|after:KIND:N or write:before|after:N")
    return Point(what, side, where[0] if where else "", int(number))


def named_kinds() -> dict[str, int]:
    """The kinds of records that are part of a deal, by their names in capitals."""
    return {name.upper().replace(" ", "_"): kind for kind, name in records.KIND_NAMES.items() if kind not in _OTHERS}


class Window:
    """Counts what a deal has journalled and sent so far: from its decision to the next one's."""

    def __init__(self) -> None:
        self.counts: Counter[int | str] = Counter()
        self.began = self._open = False

    def journalled(self, kind: int) -> int:
        """How many of its kind this one is in its deal; 0 before the first decision."""
        if kind == records.DECISION and not self._open:
            self.counts.clear()
            self.began = True
        return self._counted(kind)

    def dealt(self, state: int) -> None:
        """A DEAL record told the deal's state."""
        self._open = state != records.CLOSED

    def sent(self) -> int:
        return self._counted(WRITE)

    def _counted(self, what: int | str) -> int:
        if not self.began:
            return 0
        self.counts[what] += 1
        return self.counts[what]


def points_of(past: Iterable[Record]) -> list[Point]:
    """Every point that the deals of a rehearsal's journal commonly come to, in a fixed order."""
    window, deals = Window(), []
    for record in past:
        if record.kind == records.DECISION and window.counts[records.ORDER]:
            before = window.counts.copy()
            if window.journalled(record.kind) == 1:
                deals.append(before)
        else:
            window.journalled(record.kind)
        if record.kind in _MESSAGES:
            window.sent()
        if record.kind == records.DEAL:
            window.dealt(int(record.data["state"]))
    least = max(1, round(len(deals) * _COMMON))
    found = []
    for name, kind in [*named_kinds().items(), ("", WRITE)]:
        number = 1
        while deals and sum(deal[kind] >= number for deal in deals) >= least:
            what = WRITE if kind == WRITE else APPEND
            found += [Point(what, side, name, number) for side in SIDES]
            number += 1
    return found


def moments(count: int, draw: random.Random) -> list[Point]:
    """So many random moments, most of them where something is going on."""
    chosen = draw.choices(MOMENTS, (1, 1, 3, 1), k=count)
    return [_moment(where, draw) for where in chosen]


def _moment(where: str, draw: random.Random) -> Point:
    return Point(MOMENT, "", where, 0, draw.uniform(0, _LATEST_S[where]))


def mixed(known: list[Point], count: int, draw: random.Random) -> list[Point]:
    """A sample of so many: each kind of record, each side of a send and each sort of moment once, then the other sides
    of those kinds, then moments."""
    one_each: dict[tuple[str, str], Point] = {}
    others: dict[str, Point] = {}
    for point in draw.sample(known, len(known)):
        kind = (point.what, point.where or point.side)
        if one_each.setdefault(kind, point).group != point.group:
            others.setdefault(point.group, point)
    chosen = [*(_moment(where, draw) for where in MOMENTS), *one_each.values(), *others.values()][:count]
    chosen += moments(count - len(chosen), draw)
    return draw.sample(chosen, len(chosen))
