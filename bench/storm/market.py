"""The storm's market: a quiet level for every contract, and the moves that make a signal or a deal's trouble."""

from bench.storm.arm import Armed
from bench.storm.venue import StormVenue
from engine.instruments import Instrument

_LOTS = 500
_FRESH_NS = 800_000_000


class Market:
    """Quotes of all contracts. away: ticks that a contract stands off its level; sick: one-sided, 0 where not."""

    def __init__(self, armed: Armed, instruments: list[Instrument], venues: list[StormVenue]) -> None:
        self.away = [0] * len(instruments)
        self.sick = [0] * len(instruments)
        self.shut: set[int] = set()
        self._levels = armed.levels
        self._instruments = instruments
        self._venues = venues
        self._quoted_ns = [0] * len(instruments)
        self._count = 0

    def quote(self, at: int, now_ns: int) -> None:
        """Say where a contract stands. The size changes each time: what was taken of it is there again."""
        if at in self.shut:
            return
        self._count += 1
        self._quoted_ns[at] = now_ns
        lots = _LOTS + self._count % 7
        bid = max(self._levels[at] + self.away[at], 2)
        venue = self._venues[self._instruments[at].venue]
        venue.quote(at, bid, lots, bid + 1, lots)
        if self.sick[at]:
            venue.lock(at, self.sick[at] > 0)

    def keep_fresh(self, now_ns: int) -> None:
        """Say again what is getting old."""
        for at, quoted_ns in enumerate(self._quoted_ns):
            if now_ns - quoted_ns > _FRESH_NS:
                self.quote(at, now_ns)

    def move(self, at: int, bps: float, now_ns: int) -> None:
        ticks = round(self._levels[at] * bps / 10_000)
        self.away[at] += ticks or (1 if bps > 0 else -1)
        self.quote(at, now_ns)

    def lock(self, at: int, up: bool, now_ns: int) -> None:
        self.sick[at] = 1 if up else -1
        self.quote(at, now_ns)

    def shut_down(self, at: int) -> None:
        """The contract stops trading until `heal`."""
        if at not in self.shut:
            self.shut.add(at)
            self._venues[self._instruments[at].venue].set_closed(at)

    def heal(self, at: int, now_ns: int) -> None:
        """Back to its quiet level, on both sides, open."""
        self.away[at] = self.sick[at] = 0
        self.shut.discard(at)
        self.quote(at, now_ns)

    def heal_all(self, now_ns: int) -> None:
        for at in range(len(self.away)):
            if self.away[at] or self.sick[at] or at in self.shut:
                self.heal(at, now_ns)
