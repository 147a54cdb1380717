"""What kept each strategy of a spread from trading in one second after another, from the records of a journal.

A verdict in a second says it: Cleared before Denied. Else it is the reason that held longest in it, by the STAND
records; in a journal that has none of them, whether the spread had a price.
"""

from collections import Counter

import msgspec

from desk.control_text import control_name, verdict_text
from desk.fold_names import Names
from desk.fold_stands import Held, key_of
from desk.stand_text import label_of, numbers_of
from engine.ports import CHANNELS, DOWN, LINK_STATES, READY
from engine.records import (
    COMMAND,
    COMMAND_HALT,
    COMMAND_KILL,
    COMMAND_NO_ROOM,
    COMMAND_REDUCE,
    COMMAND_RESUME,
    COMMAND_STOP,
    DECISION,
    ENTRY,
    EXIT,
    LINK,
    SCOPE_ALL,
    SCOPES,
    SPREAD,
    STAND,
    STAND_PRICE,
    STAND_SWITCH,
    START,
    VERDICT,
)

LISTENS = frozenset({START, LINK, COMMAND, DECISION, VERDICT, SPREAD, STAND})
_OFF, _UNTOLD = "no engine ran", "the journal does not tell"
_NOT_KNOWN = (-1, 0)
_NO_ENGINE = (-2, 0)
# A person's or the journal's word that stops all, whatever its scope says.
_STOPS = {COMMAND_STOP: "stopped", COMMAND_KILL: "killed", COMMAND_NO_ROOM: "no room in the journal"}
_SWITCHES = {COMMAND_HALT: "halted", COMMAND_REDUCE: "reduced"}
_OF_ONE_RUN = (COMMAND_STOP, COMMAND_NO_ROOM)  # the next start does not know them any more


class Switched(msgspec.Struct, frozen=True):
    """A command that holds. until_ns: when it ends by itself, 0: never."""

    code: int
    until_ns: int
    said: str


class Told(msgspec.Struct, frozen=True):
    """One second of one strategy. label: the reason; numbers: what was seen; many: verdicts, 0 where there was none;
    notes: links that were not ready, and who switched."""

    second: int
    strategy: int
    label: str
    numbers: str = ""
    many: int = 0
    notes: tuple[str, ...] = ()


class Seconds:
    """Feed it the rows of `LISTENS` in order; `close` ends a second and tells it."""

    def __init__(self, names: Names, spread: int):
        self.names, self.spread = names, spread
        self.held = {index: Held() for index in names.strategies_on(spread)}
        self._venues = set(names.venues_under(spread))
        self._scopes = {index: names.scopes(index, spread) for index in self.held}
        self._links: dict[tuple[int, int], int] = {}
        self._broken: set[tuple[int, int, int]] = set()  # (venue, channel, state) in this second
        self._switched: dict[tuple[int, int], Switched] = {}
        self._who: dict[int, tuple[str, ...]] = {}  # what was switched as a strategy was told to stand by a switch
        self._decisions: dict[int, object] = {}
        self._verdicts: dict[int, list] = {}
        self._stopped: dict[int, tuple] = {}
        self._last_ns = 0

    def reach(self, now_ns: int) -> None:
        """Of any record: the engine was alive then."""
        self._last_ns = max(self._last_ns, now_ns)

    def stop(self) -> None:
        """A START comes next: since the last record nothing has run."""
        if self._last_ns:
            for strategy, held in self.held.items():
                self._stopped[strategy] = held.key
                held.change(_NO_ENGINE, self._last_ns)

    def feed(self, kind: int, row) -> None:
        if kind == START:
            self._on_start(row)
        elif kind == LINK:
            self._on_link(row)
        elif kind == COMMAND:
            self._on_command(row)
        elif kind == STAND and row.strategy in self.held:
            self.held[row.strategy].change(key_of(row), row.now_ns, row)
            if row.reason == STAND_SWITCH:
                self._who[row.strategy] = self._switches(row.strategy, row.now_ns)
        elif kind == SPREAD and row.spread == self.spread:
            self._on_spread(row)
        elif kind == DECISION and row.strategy in self.held and row.purpose in (ENTRY, EXIT):
            self._decisions[row.decision_id] = row
        elif kind == VERDICT and (decision := self._decisions.pop(row.decision_id, None)) is not None:
            self._verdicts.setdefault(decision.strategy, []).append((decision, row))

    def close(self, second: int, ends_ns: int) -> list[Told]:
        """What each strategy was kept by in this second, which ends at `ends_ns` of engine time."""
        self._broken |= {(*place, state) for place, state in self._links.items() if state != READY}
        found = [self._tell(second, index, held, ends_ns) for index, held in self.held.items()]
        self._verdicts.clear()
        self._broken.clear()
        return found

    def _tell(self, second: int, strategy: int, held: Held, ends_ns: int) -> Told:
        held.until(ends_ns)
        spans, held.spans = held.spans, Counter()
        notes = self._notes()
        verdicts = self._verdicts.get(strategy)
        if verdicts:
            return self._of_verdicts(second, strategy, verdicts, notes)
        key = max(spans, key=spans.get) if spans else held.key or _NOT_KNOWN
        if key in (_NOT_KNOWN, _NO_ENGINE):
            return Told(second, strategy, _UNTOLD if key == _NOT_KNOWN else _OFF)
        row = held.rows.get(key)
        if key[0] == STAND_SWITCH:
            notes = (*self._who[strategy], *notes)
        return Told(second, strategy, label_of(*key), numbers_of(row) if row is not None else "", 0, notes)

    def _of_verdicts(self, second: int, strategy: int, verdicts: list, notes: tuple) -> Told:
        cleared = [one for one in verdicts if one[1].cleared]
        if cleared:
            shadow = self.names.was_shadow(*cleared[-1])
            label, numbers = ("Cleared, shadow", "decision") if shadow else ("Cleared", "deal")
            return Told(second, strategy, label, f"{numbers} {cleared[-1][1].deal_id}", len(cleared), notes)
        decision, row = verdicts[-1]
        on = f", on {self.names.instrument(decision.instrument[row.leg])}" if row.leg >= 0 else ""
        label = f"DENIED by control {row.reason}, {control_name(row.reason)}"
        return Told(second, strategy, label, f"{verdict_text(row)}{on}", len(verdicts), notes)

    def _notes(self) -> tuple[str, ...]:
        return tuple(
            f"{self.names.venue(venue)} {CHANNELS[channel]} {LINK_STATES[state]}"
            for venue, channel, state in sorted(self._broken)
            if venue in self._venues
        )

    def _switches(self, strategy: int, now_ns: int) -> tuple[str, ...]:
        """Who switched what covers a strategy. The engine's own switches, such as after a halted deal, are alerts."""
        found = [self._switched[place] for place in sorted(self._scopes[strategy]) if place in self._switched]
        said = tuple(one.said for one in found if not one.until_ns or now_ns < one.until_ns)
        return said or ("by the engine itself: see its alerts",)

    def _on_start(self, row) -> None:
        """What stood when the engine ended stands again until it says otherwise; every link begins down."""
        for strategy, held in self.held.items():
            held.change(self._stopped.get(strategy, _NOT_KNOWN), row.now_ns)
        self._switched = {place: one for place, one in self._switched.items() if one.code not in _OF_ONE_RUN}
        self._links = {(venue, channel): DOWN for venue in self._venues for channel in range(len(CHANNELS))}

    def _on_link(self, row) -> None:
        """One that broke is told, however short; one that comes up with its engine is not."""
        place = row.venue, row.channel
        if row.state < self._links.get(place, DOWN):
            self._broken.add((*place, row.state))
        self._links[place] = row.state

    def _on_command(self, row) -> None:
        by = f"{row.who}: {row.why}" if row.why else row.who
        place = (row.choice, row.scope if row.choice != SCOPE_ALL else -1)
        if row.code in _STOPS:
            self._switched[SCOPE_ALL, -1] = Switched(row.code, 0, f"{_STOPS[row.code]} by {by}")
        elif row.code in _SWITCHES:
            said = f"{SCOPES[row.choice]} {_SWITCHES[row.code]} by {by}"
            self._switched[place] = Switched(row.code, row.until_ns, said)
        elif row.code == COMMAND_RESUME:
            self._switched.pop(place, None)

    def _on_spread(self, row) -> None:
        """Only of use where a strategy has no STAND record: an older journal's."""
        for held in self.held.values():
            if held.key == _NOT_KNOWN or (held.key[0] == STAND_PRICE and held.key not in held.rows):
                held.change((STAND_PRICE, row.blocked) if row.blocked else _NOT_KNOWN, row.now_ns)
