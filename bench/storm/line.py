"""What the wires of both protocols share: a client's connection that is dialled, cut, and dialled again."""

from abc import ABC, abstractmethod

from bench.storm.clockwork import Clockwork, Strand
from bench.storm.pipe import Pipe

REDIAL_NS = 100_000_000


class Line(ABC):
    """One channel's connections, one after the other; the client's end tells `lost` when it is gone.

    out, back: the present connection's directions, client to venue and venue to client. out_ns, back_ns: their
    latencies; dialling takes one round trip. A connection that one of the ends gives up is dialled again after
    REDIAL_NS, as the adapters do; one that was cut waits for `join`.
    """

    def __init__(self, strand: Strand, out_ns: int, back_ns: int) -> None:
        self.out_ns, self.back_ns = out_ns, back_ns
        self.out = self.back = Pipe(strand, 0)
        self.connections = 0
        self._strand = strand
        self._held = True
        self._silent = False
        self._calls = 0  # a dialling that was overtaken by a cut or another dialling makes no connection

    @property
    def clock(self) -> Clockwork:
        return self._strand.clock

    def join(self) -> None:
        """Dial, and keep connected until the next cut."""
        self._held = False
        if not self.is_open:
            self._dial_after(self.out_ns + self.back_ns)

    def cut(self, why: str, lose_in_flight: bool) -> None:
        """The connection breaks: the client hears of it now, the venue when the end arrives.

        What was on its way to the client is lost; what was on its way to the venue arrives unless lose_in_flight.
        """
        self._held = True
        self._calls += 1
        if lose_in_flight:
            self.out.lose()
        if self.is_open:
            self.break_off(why)
        self.back.deafen()

    def die(self, lose_in_flight: bool) -> None:
        """The client's process is gone: nobody there hears or says anything more."""
        self._held = True
        self._calls += 1
        if lose_in_flight:
            self.out.lose()
        self.back.deafen()
        self.out.close()

    def silence(self, on: bool) -> None:
        """A dead network under a connection that stands; nothing can be dialled through it either.

        What was said meanwhile never arrives, so the connection does not outlive the silence.
        """
        ended, self._silent = self._silent and not on, on
        if ended and self.is_open:
            self.break_off("silent for too long")
        self.out.muted = self.back.muted = on

    def lost(self) -> None:
        """The client's end is gone."""
        if not self._held:
            self._dial_after(REDIAL_NS)

    def _dial_after(self, delay_ns: int) -> None:
        self._calls += 1
        call = self._calls
        self._strand.after(delay_ns, lambda: self._dial(call))

    def _dial(self, call: int) -> None:
        if call != self._calls or self._held:
            return
        if self._silent:
            self._dial_after(REDIAL_NS)
            return
        self.out, self.back = Pipe(self._strand, self.out_ns), Pipe(self._strand, self.back_ns)
        self.connections += 1
        self.connect()

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether the client's end stands."""

    @abstractmethod
    def connect(self) -> None:
        """Put both ends onto `out` and `back`."""

    @abstractmethod
    def break_off(self, why: str) -> None:
        """Close the client's end; its owner hears why."""

    @abstractmethod
    def beat(self) -> None:
        """The open client's end heard a sign of life now."""
