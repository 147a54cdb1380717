"""Latencies: one histogram a question, from the stamps of decisions, the sends and the venues' first answers."""

from itertools import pairwise

import msgspec
from hdrh.histogram import HdrHistogram

from engine.records import HOPS

HOUR_NS = 3_600_000_000_000
_STAMPS = HOPS[: HOPS.index("sent_all_ns") + 1]
_RECV, _DECIDED, _CLEARED = (HOPS.index(hop) for hop in ("recv_ns", "decided_ns", "cleared_ns"))
_SENT_FIRST, _SENT_LAST = HOPS.index("sent_a_ns"), HOPS.index("sent_all_ns")

TICK_TO_DECISION, GATE, TICK_TO_ORDER, LEG_SKEW = "tick to decision", "gate", "tick to order", "leg skew"
ROUND_TRIP = "round trip "  # and the venue's name
QUESTIONS = (TICK_TO_DECISION, GATE, TICK_TO_ORDER, LEG_SKEW)


def _hop_name(earlier: int, later: int) -> str:
    return f"{_STAMPS[earlier][:-3]} → {_STAMPS[later][:-3]}"


class Latency(msgspec.Struct):
    """Percentiles of one question, ns."""

    count: int
    p50_ns: int
    p90_ns: int
    p99_ns: int
    max_ns: int


class Latencies:
    """Histograms by name, three significant digits, 1 ns to an hour; each is made at its first sample."""

    def __init__(self):
        self._histograms: dict[str, HdrHistogram] = {}
        self._outside: dict[str, int] = {}
        self._told: dict[str, Latency] = {}  # the last answers, since a percentile walks the whole histogram

    def names(self) -> list[str]:
        """In the order of the way: hops first, then the questions, then the venues."""
        known = set(self._histograms)
        round_trips = sorted(name for name in known if name.startswith(ROUND_TRIP))
        hops = sorted(known - set(QUESTIONS) - set(round_trips), key=self._place)
        return hops + [name for name in QUESTIONS if name in known] + round_trips

    def record(self, name: str, latency_ns: int) -> None:
        """Clocks of two machines may differ: a sample that no histogram can hold is counted apart, never bent."""
        histogram = self._histograms.get(name)
        if histogram is None:
            histogram = self._histograms[name] = HdrHistogram(1, HOUR_NS, 3)
        if not 0 <= latency_ns <= HOUR_NS or not histogram.record_value(latency_ns):
            self._outside[name] = self._outside.get(name, 0) + 1

    def latency(self, name: str) -> Latency | None:
        """None where there is no sample that fits. A percentile is never above the largest sample seen."""
        histogram = self._histograms.get(name)
        if histogram is None or not histogram.total_count:
            return None
        told = self._told.get(name)
        if told is None or told.count != histogram.total_count:
            at, top = histogram.get_percentile_to_value_dict([50, 90, 99]), histogram.max_value
            low, mid, high = (min(int(at[percent]), top) for percent in (50, 90, 99))
            told = self._told[name] = Latency(histogram.total_count, low, mid, high, top)
        return told

    def outside(self, name: str) -> int:
        """Samples that fit no histogram: below zero, or over an hour."""
        return self._outside.get(name, 0)

    def buckets(self, name: str) -> list[tuple[int, int]]:
        """(value_ns, count) of every value that occurred, to the histogram's resolution."""
        histogram = self._histograms.get(name)
        if histogram is None or not histogram.total_count:
            return []
        return [(i.value_iterated_to, i.count_at_value_iterated_to) for i in histogram.get_recorded_iterator()]

    def add_stamps(self, stamp: list[int], from_strategy: bool) -> None:
        """A decision's way, hop by hop. A repair's decision has no tick that caused it, so only its hops count."""
        reached = [hop for hop in range(len(_STAMPS)) if stamp[hop]]
        for earlier, later in pairwise(reached):
            self.record(_hop_name(earlier, later), stamp[later] - stamp[earlier])
        sent = [stamp[hop] for hop in range(_SENT_FIRST, _SENT_LAST + 1) if stamp[hop]]
        if stamp[_DECIDED] and stamp[_CLEARED]:
            self.record(GATE, stamp[_CLEARED] - stamp[_DECIDED])
        if not (from_strategy and stamp[_RECV]):
            return
        if stamp[_DECIDED]:
            self.record(TICK_TO_DECISION, stamp[_DECIDED] - stamp[_RECV])
        if sent:
            self.record(TICK_TO_ORDER, max(sent) - stamp[_RECV])
        if stamp[_SENT_FIRST] and stamp[_SENT_FIRST + 1]:
            self.record(LEG_SKEW, max(sent) - min(sent))

    @staticmethod
    def _place(name: str) -> tuple[int, int]:
        earlier, later = (_STAMPS.index(f"{part}_ns") for part in name.split(" → "))
        return earlier, later
