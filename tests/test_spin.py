"""The busy poll and its rehearsal: what comes is taken, and what is rehearsed leaves no trace."""

import asyncio
import socket

import numpy as np
import pytest

from bench.path import Ours
from desk.hot_poll import NOTHING, poll
from desk.spin import Spinner
from engine.clock import now_ns
from engine.sockets import WATCH

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ours():
    """A live engine whole, but for the wire."""
    with Ours() as found:
        yield found


def _without_scratch(ours) -> bytes:
    return ours.loop.core.state.snapshot()


def test_a_rehearsal_walks_up_to_both_orders_and_changes_nothing(ours):
    core = ours.loop.core
    rehearsal = ours._spinner._rehearsal
    before, seq, room = _without_scratch(ours), core.journal.next_seq, core.journal.room_bytes
    scratch = core.state.scratch.tobytes()
    for _ in range(100):
        rehearsal.play()
        assert rehearsal.reached == (1, 2), "a decision, and its two orders"
    assert _without_scratch(ours) == before
    assert core.state.scratch.tobytes() == scratch
    assert (core.journal.next_seq, core.journal.room_bytes) == (seq, room)
    assert not core.live_orders


def test_a_rehearsal_sees_the_state_of_the_moment(ours):
    core = ours.loop.core
    rehearsal = ours._spinner._rehearsal
    for quote in ours.market.opening():
        ours.loop.on_quote(*quote, now_ns(), now_ns(), 0, 0)
    rehearsal.play()
    for name in ("bid_ticks", "ask_ticks", "updates"):
        other = [at for at in range(len(core.state.book)) if at != rehearsal._instrument]
        assert rehearsal._state.book[name][other].tolist() == core.state.book[name][other].tolist()


def test_the_poll_tells_of_a_socket_that_python_reads_and_of_nothing_else(ours):
    core = ours.loop.core
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        watches = np.zeros(2, WATCH)
        watches["fd"] = near.fileno()
        call = core.state.address, core.journal.address, watches.ctypes.data
        assert poll(*call, 1, now_ns() + 100_000, False) == NOTHING
        far.send(b"x")
        assert poll(*call, 1, now_ns() + 10**9, False) == 0
        assert near.recv(10) == b"x", "it was only looked at"
        far.close()
        assert poll(*call, 1, now_ns() + 10**9, False) == 0, "an end is something to see to as well"


def test_an_error_in_the_poll_is_told_once_and_ends_it():
    class _Broken:
        def hot(self):
            raise ValueError("broken")

    told = []
    spinner = Spinner(None, [_Broken()])
    asyncio.run(spinner.run(told.append))
    assert [str(error) for error in told] == ["broken"]
