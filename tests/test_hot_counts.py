"""Counts of the hot path that do not wander: allocated blocks, calls and system calls of a tick, calls of a decision.

They are exact. A change that needs more of them says why in its commit; one that needs fewer lowers the number here.
"""

import gc
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from bench.rig import answer, check_end, engine, live_folder, tuned
from desk.build import Names, instruments_of
from desk.order_frames import furnished
from desk.run import PROTOCOLS
from engine.clock import now_ns
from engine.loop import Loop
from engine.ports import WRITTEN, OrderRequest
from engine.replay import SilentGateway
from engine.sealer import lock
from tests.seccomp import WHY_NOT
from tests.silent_ticks import NO_FILTER
from tests.ticks import TICKS, laned, quoted, settled

ROOT = Path(__file__).parent.parent
# What one tick calls. A compiled call is one, by its function's name, whatever it calls within; so is a C function.
# The journal's turn comes behind all that a tick causes, and does a small piece of something else each time.
TICK_CALLS = {
    quoted: {"Loop.on_quote": 1, "on_quote": 1, "Loop._decide": 1},
    laned: {"Loop.on_stream": 1, "poll": 1, "Journal.turn": 1},
}
# From the quote in the adapter's hands to the second leg's frame in its gateway's, by two gateways that only listen.
TO_BOTH_FRAMES = {
    "Loop.on_quote": 1, "on_quote": 1, "Loop._decide": 1, "launch": 1, "send": 1, "Board.fire": 1,
    "Ear.put": 2, "now_ns": 1, "C monotonic_ns": 1, "C list.append": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def loop(tmp_path_factory) -> Iterator[Loop]:
    config, calendars = tuned()
    with engine(tmp_path_factory.mktemp("counts"), config, calendars) as made:
        settled(made)
        yield made
        check_end(made, 0)


class Calls:
    """Counts Python and C calls by name, from `with` on, up to the journal's turn."""

    def __init__(self) -> None:
        self.found: Counter = Counter()

    def __enter__(self) -> Counter:
        sys.setprofile(self._note)
        return self.found

    def __exit__(self, *_) -> None:
        sys.setprofile(None)
        for name in ("C setprofile", "Calls.__exit__", *(name for name, count in self.found.items() if not count)):
            del self.found[name]

    def _note(self, frame, event: str, argument) -> None:
        if self.found["Journal.turn"]:
            return
        if event == "call":
            self.found[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            self.found[f"C {argument.__qualname__}"] += 1


def blocks(tick: Callable[[int], None], count: int) -> int:
    """Memory blocks that so many ticks leave allocated, and the measuring itself: the least of three trials."""
    found = []
    for _ in range(3):
        gc.collect()
        gc.disable()
        before = sys.getallocatedblocks()
        tick(count)
        found.append(sys.getallocatedblocks() - before)
        gc.enable()
    return min(found)


@pytest.mark.parametrize("way", [quoted, laned])
def test_a_thousand_ticks_without_an_order_leave_as_many_blocks_as_one(loop, way):
    tick = way(loop)
    tick(TICKS)
    assert blocks(tick, TICKS) == blocks(tick, 1)


def test_a_block_that_a_tick_left_would_be_seen(loop):
    tick, kept = quoted(loop), []

    def leaks(count: int) -> None:
        tick(count)
        kept.extend(object() for _ in range(count))

    assert blocks(leaks, TICKS) - blocks(leaks, 1) > TICKS // 2


@pytest.mark.parametrize("way", [quoted, laned])
def test_a_tick_without_an_order_calls_exactly_this(loop, way):
    tick = way(loop)
    tick(TICKS)
    with Calls() as found:
        tick(1)
    own = ("quoted.<locals>.tick", "laned.<locals>.tick", "Lane.reset", "Lane.add")  # of the test
    assert {name: count for name, count in found.items() if name not in own} == TICK_CALLS[way]


class Ear(SilentGateway):
    """A gateway furnished as the real one of its venue. heard: frames of all gateways, in order, each with what had
    been called (`found`) when it came."""

    def __init__(self, adapter, heard: list, found: Counter) -> None:
        self.furnish, self._heard, self._found = adapter.furnish, heard, found

    def put(self, frame: memoryview, number: int) -> int:
        self._heard += ((bytes(frame), dict(self._found)),)
        return WRITTEN

    def noted(self, order: OrderRequest, number: int, status: int, now_ns: int) -> None:
        """What it has kept is enough."""


def unconnected(config, loop: Loop) -> list:
    """The venues' real adapters, whose FIX numbers are in memory; none is ever started."""
    instruments, made = instruments_of(Names(config)), []
    for index, spec in enumerate(config.venues):
        adapter, settings = PROTOCOLS[spec.protocol]
        mine = [instrument for instrument in instruments if instrument.venue == index]
        made.append(adapter(index, msgspec.convert(spec.settings, settings), mine, loop, now_ns))
    return made


def test_from_a_quote_to_both_frames_exactly_this_is_called(tmp_path):
    config, calendars = tuned()
    with engine(tmp_path, config, calendars) as loop:
        counted, heard = Calls(), []
        loop.core.gateways = [Ear(adapter, heard, counted.found) for adapter in unconnected(config, loop)]
        furnished(loop.core, [venue.protocol for venue in config.venues])
        market = settled(loop)
        for decisions in (1, 2):  # the first one warms up
            quote = (*market.move(), now_ns(), now_ns(), 0, 0)
            counted.found.clear()
            with counted:
                loop.on_quote(*quote)
            assert len(heard) == 2 * decisions and answer(loop) == 2
        check_end(loop, 2)
    (first, _), (second, found) = heard[-2:]
    assert found == TO_BOTH_FRAMES
    assert b"insert_order" in first and b"35=D" in second


def played(way: str, folder: Path) -> int:
    """The exit code of a process that plays ticks under the filter; what it left behind is removed."""
    with live_folder(folder):
        code = subprocess.run([sys.executable, "-m", "tests.silent_ticks", way, str(folder)], cwd=ROOT).returncode
        os.close(lock(folder / "journal" / "sealer.lock", wait=True))  # it goes on until it has copied everything
    if code == NO_FILTER:
        pytest.skip("the kernel takes no seccomp filter from this process")
    return code


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
@pytest.mark.parametrize("way", ["quote", "lane"])
def test_a_thousand_ticks_without_an_order_need_no_system_call(tmp_path, way):
    assert played(way, tmp_path) == 0


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_a_system_call_among_the_ticks_would_be_seen(tmp_path):
    assert played("planted", tmp_path) == -signal.SIGSYS
