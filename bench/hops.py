"""The way of decisions, hop by hop, from the stamps that the engine takes and journals."""

from statistics import median

from bench.figures import aligned, percentile, shown
from engine.records import HOPS

_RECV, _SENT_A, _SENT_ALL = (HOPS.index(name) for name in ("recv_ns", "sent_a_ns", "sent_all_ns"))
# From the quote's reading to both orders' sending: which leg goes first is the gateways' matter.
STAMPED = (*(name[:-3] for name in HOPS[_RECV:_SENT_A]), "one sent", "both sent")


def stamped(stamp: list[int]) -> list[int]:
    """The moments of STAMPED out of a STAMPS record."""
    return stamp[_RECV:_SENT_A] + sorted(stamp[_SENT_A:_SENT_ALL])


class Way:
    """Moments of many decisions, ns; 0 where one was not reached. names: of the moments."""

    def __init__(self, names: tuple[str, ...] = STAMPED) -> None:
        self._names = names
        self._moments: list[list[int]] = []

    def add(self, moments: list[int]) -> None:
        """One decision's."""
        self._moments.append(moments)

    def hops(self) -> dict[str, dict[str, float]]:
        """From moment to moment, us; a hop that no decision reached is left out."""
        found = {}
        for at in range(1, len(self._names)):
            steps = [(each[at] - each[at - 1]) / 1e3 for each in self._moments if each[at] and each[at - 1]]
            if steps:
                found[f"{self._names[at - 1]} -> {self._names[at]}"] = {
                    "us_p50": median(steps), "us_p99": percentile(steps, 99)}  # fmt: skip
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
