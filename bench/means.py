"""`means`: what each means of the hot path is worth: the same decisions with all of them, and with each taken away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.figures import Result, Samples, micros
from bench.path import GAP_NS, Ours
from engine.ports import WRITTEN

_DECISIONS = 60  # a round and means


class _Taker:
    """A link that is up, and takes what Python writes. frame: the last."""

    active = True
    frame = b""

    def write(self, frame: bytes) -> int:
        self.frame = frame
        return WRITTEN

    def direct(self, cell: memoryview) -> None:
        """Compiled code is told by its board alone."""


class _Switchable(Ours):
    """An engine of which single means can be taken away for a while."""

    def __enter__(self) -> "_Switchable":
        super().__enter__()
        self._takers = [_Taker() for _ in self.loop.core.gateways]
        for gateway, taker in zip(self.loop.core.gateways, self._takers, strict=True):
            gateway.log_on(taker)
        return self

    def last_frames(self) -> list[bytes]:
        if self.loop.core.board is None:
            return [bytes(taker.frame) for taker in self._takers]
        return super().last_frames()

    @contextmanager
    def without_nothing(self) -> Iterator[None]:
        yield

    @contextmanager
    def without_rehearsal(self) -> Iterator[None]:
        """The poll loop runs, and does nothing else."""
        kept, self._spinner._rehearsal = self._spinner._rehearsal, None
        yield
        self._spinner._rehearsal = kept

    @contextmanager
    def without_one_call(self) -> Iterator[None]:
        """From the signal back to Python, which calls for the decision."""
        scratch = self.loop.core.state.scratch
        scratch["eager"] = 0
        yield
        scratch["eager"] = 1

    @contextmanager
    def without_frames(self) -> Iterator[None]:
        """Both orders' bytes are made in Python and written through their gateways."""
        core = self.loop.core
        board, core.board, core.state.scratch["board"] = core.board, None, 0
        yield
        core.board, core.state.scratch["board"] = board, board.address

    @contextmanager
    def without_any(self) -> Iterator[None]:
        with self.without_rehearsal(), self.without_one_call(), self.without_frames():
            yield


def measure(rounds: int) -> Result:
    """Decisions with 100 us between quotes, under each condition in turns, in one engine."""
    with _Switchable() as ours:
        ways: dict[str, Callable] = {
            "all means": ours.without_nothing,
            "without the rehearsal": ours.without_rehearsal,
            "without one call for signal and decision": ours.without_one_call,
            "without compiled frames": ours.without_frames,
            "without any of the three": ours.without_any,
        }
        found = {name: Samples() for name in ways}
        ours.round(ours.market.decisions(_DECISIONS))  # warms up
        for _ in range(rounds):
            for name, without in ways.items():
                with without():
                    found[name].add(ours.round(ours.market.decisions(_DECISIONS), GAP_NS))
    whole = found["all means"]
    keys = ("all", "no_rehearsal", "two_calls", "python_frames", "none")
    medians = {name: [each / 1e3 for each in samples.medians] for name, samples in found.items()}
    return Result(
        name="means",
        measures="a quote handed over to the second of both orders at its gateway, 100 us between quotes",
        includes="as `path`; each row takes one means of the hot path away, in turns, in one engine",
        excludes="as `path`; both legs FIX, sockets that take what they are given",
        floor="all means, in the same rounds",
        rounds=rounds, samples=sum(samples.count for samples in found.values()),
        rows=[micros(name, samples, whole) for name, samples in found.items()],
        flat={f"{key}_us_p50": samples.p50 / 1e3 for key, samples in zip(keys, found.values(), strict=True)},
        details={"round_medians_us": medians},
    )  # fmt: skip
