"""The player: quotes in their order, none before it is due, and a clean end."""

import asyncio

import pytest

from adapters.recorded.player import Player
from adapters.ticks import QuoteTick
from engine.clock import now_ns

MS = 1_000_000


def source(count: int, gap_ms: int):
    return (QuoteTick(n * gap_ms * MS, "x", n, 1, n + 1, 1) for n in range(count))


def test_quotes_are_played_in_order_and_never_early():
    async def play():
        got = []
        player = Player(source(5, 40), lambda quote, due_ns: got.append((quote.bid_ticks, due_ns, now_ns())), speed=20)
        origin_ns = now_ns() + 3 * MS
        player.start(origin_ns)
        await asyncio.wait_for(player.finished.wait(), 10)
        return origin_ns, got

    origin_ns, got = asyncio.run(play())
    assert [(n, due_ns - origin_ns) for n, due_ns, _ in got] == [(n, n * 2 * MS) for n in range(5)]
    assert all(at_ns >= due_ns for _, due_ns, at_ns in got)


def test_a_stopped_player_publishes_nothing_more():
    async def play():
        got = []
        first = asyncio.Event()

        def publish(quote: QuoteTick, due_ns: int) -> None:
            got.append(quote.bid_ticks)
            player.stop()
            first.set()

        player = Player(source(5, 0), publish)
        player.start()
        await asyncio.wait_for(first.wait(), 10)
        await asyncio.wait_for(player.finished.wait(), 10)
        return got

    assert asyncio.run(play()) == [0]


def test_an_error_of_the_callback_is_reported_and_does_not_end_the_play():
    async def play():
        got, errors = [], []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context["exception"]))

        def publish(quote: QuoteTick, due_ns: int) -> None:
            if quote.bid_ticks == 1:
                raise RuntimeError("no")
            got.append(quote.bid_ticks)

        player = Player(source(3, 1), publish)
        player.start()
        await asyncio.wait_for(player.finished.wait(), 10)
        return got, [str(error) for error in errors]

    assert asyncio.run(play()) == ([0, 2], ["no"])


def test_a_source_without_quotes_is_finished_at_once():
    async def play():
        player = Player(source(0, 1), pytest.fail)
        player.start()
        assert player.finished.is_set()

    asyncio.run(play())
