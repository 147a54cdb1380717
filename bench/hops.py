"""The way of decisions, hop by hop, from the stamps that the engine takes and journals."""

from statistics import median

from bench.figures import aligned, percentile, shown
from engine.records import HOPS

RECV, SENT_ALL = HOPS.index("recv_ns"), HOPS.index("sent_all_ns")


class Way:
    """Stamps of many decisions. add: one's, as in the STAMPS record."""

    def __init__(self) -> None:
        self._stamps: list[list[int]] = []

    def add(self, stamp: list[int]) -> None:
        self._stamps.append(stamp)

    def hops(self) -> dict[str, dict[str, float]]:
        """From stamp to stamp, us; a hop that no decision reached is left out."""
        found = {}
        for at in range(RECV + 1, SENT_ALL):
            steps = [(stamp[at] - stamp[at - 1]) / 1e3 for stamp in self._stamps if stamp[at] and stamp[at - 1]]
            if steps:
                name = f"{HOPS[at - 1][:-3]} -> {HOPS[at][:-3]}"
                found[name] = {"us_p50": median(steps), "us_p99": percentile(steps, 99)}
        return found


def lines(ways: dict[str, Way]) -> list[str]:
    """A line a hop, p50 and p99 of each way side by side."""
    found = {name: way.hops() for name, way in ways.items()}
    names = list(dict.fromkeys(hop for hops in found.values() for hop in hops))
    head = ("hop, us: p50 p99", *(cell for name in found for cell in (name, "")))
    rows = [(hop, *(cell for hops in found.values() for cell in _cells(hops.get(hop)))) for hop in names]
    return aligned([head, *rows], texts=1)


def _cells(hop: dict[str, float] | None) -> tuple[str, str]:
    return (shown(hop["us_p50"]), shown(hop["us_p99"])) if hop else ("-", "-")
