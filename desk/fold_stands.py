"""For how long each strategy did not decide, by reason: STAND records hold until the next one."""

from collections import Counter

from engine.records import STAND_PRICE, STAND_SWITCH


class Held:
    """What holds of one strategy until it changes. spans: key -> ns; rows: key -> its latest STAND row."""

    def __init__(self) -> None:
        self.key: tuple | None = None
        self.since_ns = 0
        self.spans: Counter = Counter()
        self.rows: dict[tuple, object] = {}

    def until(self, now_ns: int) -> None:
        """It has held so far."""
        if self.key is not None and now_ns > self.since_ns:
            self.spans[self.key] += now_ns - self.since_ns
        self.since_ns = max(now_ns, self.since_ns)

    def change(self, key: tuple | None, now_ns: int, row=None) -> None:
        """From now on something else holds; None: nobody knows what."""
        self.until(now_ns)
        self.key = key
        if row is not None:
            self.rows[key] = row


def key_of(row) -> tuple[int, int]:
    """(reason, its bits or level) of a STAND row: what makes it another one than the last."""
    if row.reason == STAND_PRICE:
        return row.reason, row.blocked
    return row.reason, row.switch if row.reason == STAND_SWITCH else 0


class Stands:
    """The whole journal's, by strategy."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}

    def on_stand(self, row) -> None:
        self._held.setdefault(row.strategy, Held()).change((row.reason,), row.now_ns, row)

    def on_start(self, now_ns: int, last_ns: int) -> None:
        """A start of the engine: between the last record before it and it, nothing stood."""
        for held in self._held.values():
            held.until(last_ns)
            held.since_ns = now_ns

    def spans(self, until_ns: int) -> dict[int, list[tuple[int, int]]]:
        """(reason, ns) of each strategy, the longest first."""
        found = {}
        for strategy, held in sorted(self._held.items()):
            held.until(until_ns)
            found[strategy] = sorted(
                ((key[0], ns) for key, ns in held.spans.items()), key=lambda one: (-one[1], one[0])
            )
        return found
