"""What every adapter does, said once. Each behaviour is a function of a `Pair`; `BEHAVIOURS` holds them by name.

Protocols differ; where they do, the room's CAPABILITIES say so, and they steer what is expected here.
"""

import asyncio
import gc
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from adapters.sim.faults import Fault, parse_faults
from engine.clock import now_ns
from engine.ports import (
    BUY,
    CONNECTED,
    DAY,
    DOWN,
    FAILED,
    MARKET_DATA,
    QUOTE_CLOSED,
    QUOTE_LIMIT_DOWN,
    QUOTE_LIMIT_UP,
    READY,
    SELL,
    TRADING,
    UNKNOWN,
    WRITTEN,
    AccountReport,
    Event,
    PositionReport,
)
from tests.compiled_orders import CompiledOrders
from tests.conformance_pair import (
    ACCOUNT,
    AG,
    AU,
    MONEY_MICROS,
    STANDING,
    VENUE,
    Bad,
    Kit,
    Link,
    Pair,
    Quote,
    open_sockets,
    paired,
)

FLAGS = {QUOTE_CLOSED: "closed", QUOTE_LIMIT_UP: "limit up", QUOTE_LIMIT_DOWN: "limit down"}


class Behaviour(NamedTuple):
    """faults: what the pair's venue does wrong."""

    work: Callable[[Pair], Awaitable[None]]
    faults: list[Fault]


BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(*faults: dict) -> Callable:
    """Keep a function under its name, with the faults that it wants, as a fault script's tables."""

    def keep(work: Callable[[Pair], Awaitable[None]]) -> Callable[[Pair], Awaitable[None]]:
        BEHAVIOURS[work.__name__] = Behaviour(work, parse_faults(list(faults), work.__name__))
        return work

    return keep


def play(name: str, kit: Kit, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """One behaviour on a loop of its own; an error that only the loop saw is a failure too."""
    unseen: list[dict] = []
    wanted = BEHAVIOURS[name]

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        async with paired(kit, wanted.faults) as here:
            await wanted.work(here)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())
    assert unseen == []


# Snapshot and quotes


@behaviour()
async def it_is_ready_only_after_positions_and_account(here: Pair) -> None:
    for channel in (MARKET_DATA, TRADING):
        assert here.heard.states(channel) == [CONNECTED, READY]
    (ready,) = (link for link in here.heard.of(Link) if link[1:3] == (TRADING, READY))
    before = here.heard.calls[: here.heard.calls.index(ready)]
    positions = [call for call in before if isinstance(call, PositionReport)]
    assert {position.instrument for position in positions} == {AU.index, AG.index}
    (account,) = (call for call in before if isinstance(call, AccountReport))
    assert account.account == ACCOUNT
    assert (account.balance_micros, account.available_micros, account.margin_micros) == (MONEY_MICROS, MONEY_MICROS, 0)


@behaviour()
async def quotes_come_in_whole_ticks_and_lots_with_their_times(here: Pair) -> None:
    await here.until(lambda: min(len(here.heard.quotes(one)) for one in (AU, AG)) >= 4)
    for instrument in (AU, AG):
        quotes = here.heard.quotes(instrument)
        for quote in quotes:
            assert quote[1:5] == STANDING[instrument.index]
            assert {type(field) for field in quote} == {int}
            assert 0 < quote.venue_ns <= quote.recv_ns
            assert quote.flags == 0
        numbers = [quote.venue_seq for quote in quotes]
        if here.capabilities["numbered quotes"].startswith("no"):
            assert set(numbers) == {0}
        else:
            assert numbers == [0, *range(numbers[1], numbers[1] + len(numbers) - 1)]
    for hot in here.client.hot():
        hot.read()


@behaviour()
async def an_empty_side_has_no_lots(here: Pair) -> None:
    for bid_lots, ask_lots in ((3, 0), (0, 4), (0, 0), (3, 4)):
        quote = await here.quote(AU, 31_001, bid_lots, 31_003, ask_lots)
        assert (quote.bid_lots, quote.ask_lots, quote.flags) == (bid_lots, ask_lots, 0)


@behaviour()
async def a_flag_is_told_where_the_protocol_has_it_and_never_made_up(here: Pair) -> None:
    locked = {QUOTE_CLOSED: (2, 2), QUOTE_LIMIT_UP: (2, 0), QUOTE_LIMIT_DOWN: (0, 2)}
    for flag, (bid_lots, ask_lots) in locked.items():
        quote = await here.quote(AU, 31_000 + flag, bid_lots, 31_001 + flag, ask_lots, flag)
        assert quote.flags == (flag if FLAGS[flag] in here.capabilities["quote flags"] else 0)


# Orders


@behaviour()
async def orders_made_and_sent_by_compiled_code_are_orders_like_others(here: Pair) -> None:
    compiled = CompiledOrders(here.client, VENUE)
    orders = [here.order(1) for _ in range(6)]
    ways = [here.place, compiled.place] * 3
    assert [place(order) for place, order in zip(ways, orders, strict=True)] == [WRITTEN] * 6
    for order in orders:
        await here.until(lambda order=order: here.settled(order))
    assert compiled.compiled == (3 if here.capabilities["compiled sends"].startswith("yes") else 0)


@behaviour()
async def compiled_code_sends_nothing_over_a_link_that_is_gone(here: Pair) -> None:
    compiled = CompiledOrders(here.client, VENUE)
    before = compiled.open
    here.server.inject("disconnect")
    await here.until(lambda: DOWN in here.heard.states(TRADING))
    assert not compiled.open
    assert compiled.place(here.order(1)) == FAILED
    await here.ready(2)
    assert compiled.open == before
    order = here.order(1)
    assert compiled.place(order) == WRITTEN
    await here.until(lambda: here.settled(order))


@behaviour()
async def a_fill_is_told_trade_by_trade_and_adds_up(here: Pair) -> None:
    here.other(SELL, 2, 31_005, DAY)
    order = here.order(8, limit_ticks=31_006)
    assert here.place(order) == WRITTEN
    await here.until(lambda: here.settled(order))
    trades = here.heard.trades(order)
    assert [(one.last_lots, one.last_ticks) for one in trades.values()] == [(6, 31_004), (2, 31_005)]
    for report in here.heard.reports(order.client_id):
        assert (report.order_no, report.instrument, report.side) == (order.order_no, AU.index, BUY)
    events = here.heard.events(order)
    assert events.count(Event.TRADE) == 2
    assert Event.ACK not in events[1:]
    assert here.heard.reports(order.client_id)[-1] is here.heard.end(order)


@behaviour({"do": "partial", "at_order": 1, "lots": 2})
async def the_rest_of_an_ioc_order_is_cancelled(here: Pair) -> None:
    order = here.order(5)
    here.place(order)
    await here.until(lambda: here.settled(order))
    end = here.heard.end(order)
    assert (end.event, end.cum_lots, end.leaves_lots, end.total_lots) == (Event.CANCELLED, 2, 0, 5)


@behaviour({"do": "nofill", "at_order": 1})
async def an_ioc_order_that_meets_nothing_is_cancelled(here: Pair) -> None:
    order = here.order(5)
    here.place(order)
    await here.until(lambda: here.settled(order))
    end = here.heard.end(order)
    assert (end.event, end.cum_lots, here.heard.trades(order)) == (Event.CANCELLED, 0, {})


@behaviour({"do": "reject", "at_order": 1, "reason": "no night session before a holiday"})
async def a_refusal_carries_the_venues_words(here: Pair) -> None:
    order = here.order(5)
    here.place(order)
    await here.until(lambda: here.heard.events(order))
    (report,) = here.heard.reports(order.client_id)
    assert (report.event, report.order_no) == (Event.REJECTED, order.order_no)
    assert report.reason == "no night session before a holiday"
    assert report.cum_lots in (0, UNKNOWN)


@behaviour()
async def a_day_order_rests_trades_in_part_and_is_cancelled(here: Pair) -> None:
    order = await here.rest(here.order(3, 31_002, SELL, DAY))
    assert here.heard.events(order) == [Event.ACK]
    here.other(BUY, 1, 31_002)
    await here.until(lambda: here.heard.trades(order))
    assert here.heard.end(order) is None
    assert here.cancel(order) == WRITTEN
    await here.until(lambda: here.settled(order))
    end = here.heard.end(order)
    assert (end.event, end.cum_lots, end.leaves_lots, end.order_no) == (Event.CANCELLED, 1, 0, order.order_no)


@behaviour()
async def a_cancel_that_comes_too_late_changes_nothing(here: Pair) -> None:
    order = here.order(2)
    here.place(order)
    await here.until(lambda: here.settled(order))
    assert here.cancel(order) == WRITTEN
    if here.can("cancel refusal"):
        await here.until(lambda: Event.CANCEL_REJECTED in here.heard.events(order))
        assert here.heard.reports(order.client_id)[-1].reason == "the order has ended"
    answer = await here.answer(order)
    assert (answer.event, answer.cum_lots) == (Event.DONE, 2)
    assert here.heard.events(order).count(Event.CANCEL_REJECTED) == here.can("cancel refusal")


@behaviour()
async def frames_of_one_turn_arrive_whole_and_in_order(here: Pair) -> None:
    first, second, third = (here.order(1, ticks, BUY, DAY) for ticks in (31_001, 31_002, 31_003))
    assert [here.place(first), here.place(second), here.cancel(first), here.place(third)] == [WRITTEN] * 4
    await here.until(lambda: here.settled(first) and Event.ACK in here.heard.events(third))
    entered = [report.order.client_id for report in here.matching.orders("TANDEM")]
    assert entered == [first.client_id, second.client_id, third.client_id]
    assert here.heard.end(first).event == Event.CANCELLED
    assert here.heard.end(second) is None


@behaviour(
    {"do": "trade_before_ack", "at_order": 1},
    {"do": "terminal_before_trade", "at_order": 2},
    {"do": "late_fill_ms", "ms": 1, "at_order": 3},
    {"do": "drop_ack", "at_order": 4},
)
async def reports_out_of_their_order_still_add_up(here: Pair) -> None:
    orders = [here.order(1) for _ in range(4)]
    for order in orders:
        here.place(order)
    for order in orders:
        await here.until(lambda order=order: here.settled(order))
        assert here.heard.events(order).count(Event.ACK) <= 1
        answer = await here.answer(order)
        assert (answer.event, answer.cum_lots, answer.leaves_lots) == (Event.DONE, 1, 0)


@behaviour({"do": "duplicate", "at_order": 1})
async def a_trade_told_again_keeps_its_id(here: Pair) -> None:
    order = here.order(3)
    here.place(order)
    await here.until(lambda: here.settled(order))
    told = lambda: here.heard.events(order).count(Event.TRADE)
    if here.can("repeated reports"):
        await here.until(lambda: told() == 2)
    here.server.inject("disconnect")
    await here.ready(2)
    await here.until(lambda: told() == 2)
    again = [report for report in here.heard.reports(order.client_id) if report.event == Event.TRADE]
    assert len({(one.trade_id, one.last_lots, one.last_ticks, one.side) for one in again}) == 1
    assert here.settled(order)


@behaviour({"do": "foreign_order", "at_order": 1, "lots": 2})
async def an_order_that_is_not_ours_has_no_number(here: Pair) -> None:
    order = here.order(1)
    here.place(order)
    await here.until(lambda: here.settled(order) and len(here.heard.reports("FOREIGN1")) >= 2)
    foreign = here.heard.reports("FOREIGN1")
    assert {report.order_no for report in foreign} == {0}
    (trade,) = (report for report in foreign if report.event == Event.TRADE)
    assert (trade.instrument, trade.side, trade.last_lots, trade.last_ticks) == (AU.index, BUY, 2, 31_004)


# Queries


@behaviour()
async def a_query_is_answered_by_the_orders_state(here: Pair) -> None:
    resting, done, never = here.order(2, 31_002, BUY, DAY), here.order(3), here.order(1)
    await here.rest(resting)
    here.place(done)
    await here.until(lambda: here.settled(done))
    expected = ((resting, Event.STATUS, 0, 2), (done, Event.DONE, 3, 0))
    for order, event, cum_lots, leaves_lots in expected:
        answer = await here.answer(order)
        assert (answer.event, answer.order_no) == (event, order.order_no)
        assert (answer.cum_lots, answer.leaves_lots) == (cum_lots, leaves_lots)
    answer = await here.answer(never)
    assert (answer.event, answer.order_no, answer.instrument) == (Event.UNKNOWN_ORDER, never.order_no, AU.index)
    assert here.heard.states(TRADING) == [CONNECTED, READY]


@behaviour()
async def an_order_lost_on_the_wire_is_found_unknown(here: Pair) -> None:
    order = here.order(1)
    frame = here.client.encode_order(order, now_ns())
    assert here.client.write(b"#" + frame[1:]) == WRITTEN
    answer = await here.answer(order)
    assert (answer.event, answer.order_no) == (Event.UNKNOWN_ORDER, order.order_no)
    assert here.truth(order) is None
    # Absence from a snapshot that is older than the order proves nothing: a fresh one is taken.
    assert here.heard.states(TRADING).count(READY) == (1 if here.can("query by client id") else 2)


@behaviour({"do": "drop_reports", "at_order": 1})
async def a_query_tells_what_was_never_reported(here: Pair) -> None:
    order = here.order(2)
    here.place(order)
    await here.until(lambda: here.truth(order))
    assert here.heard.events(order) == []
    await here.answer(order)
    await here.until(lambda: here.heard.end(order))
    end = here.heard.end(order)
    assert (end.event, end.cum_lots) == (Event.DONE, 2)


# The wire


@behaviour()
async def what_happened_while_away_is_told_after_the_reconnect(here: Pair) -> None:
    order = await here.rest(here.order(2, 31_002, SELL, DAY))
    here.server.inject("disconnect")
    await here.until(lambda: DOWN in here.heard.states(TRADING))
    lost = here.order(1)
    for hot in here.client.hot():
        hot.read()
    assert [here.place(lost), here.cancel(order), here.ask(order)] == [FAILED] * 3
    here.other(BUY, 2, 31_002)
    await here.ready(2)
    assert DOWN in here.heard.states(MARKET_DATA)
    await here.until(lambda: here.settled(order))
    again = [link for link in here.heard.of(Link) if link[1:3] == (TRADING, READY)][-1]
    (trade,) = here.heard.trades(order).values()
    assert trade.venue_ns < again.recv_ns
    assert (trade.last_lots, trade.last_ticks, trade.side) == (2, 31_002, SELL)
    position = [one for one in here.heard.of(PositionReport) if one.instrument == AU.index][-1]
    assert (position.long_today, position.short_today) == (0, 2)
    assert (await here.answer(lost)).event == Event.UNKNOWN_ORDER
    await here.quote(AU, 30_000, 1, 30_001, 1)
    assert {quote.flags for quote in here.heard.of(Quote)} == {0}, "a new connection starts anew, it misses nothing"


@behaviour()
async def garbage_is_told_and_quotes_go_on(here: Pair) -> None:
    for fault, said in (("garbage", r"\bexpected\b"), ("wrong_type", "number")):
        told = len(here.heard.of(Bad))
        here.server.inject(fault)
        await here.until(lambda told=told: len(here.heard.of(Bad)) > told)
        bad = here.heard.of(Bad)[told]
        assert re.search(said, bad.what)
        assert bad.raw
        for instrument in (AU, AG):
            await here.quote(instrument, 4_000 + told, 1, 4_001 + told, 1)
    order = here.order(1)
    await here.ready()
    here.place(order)
    await here.until(lambda: here.settled(order))


@behaviour()
async def nothing_is_told_after_stop_and_nothing_is_left(here: Pair) -> None:
    await here.rest(here.order(1, 31_002, BUY, DAY))
    client = here.client
    await here.stop()
    told, played = len(here.heard.calls), here.tape.played
    here.other(SELL, 1, 31_002)
    assert client.write(client.encode_order(here.order(1), now_ns())) == FAILED
    for hot in client.hot():
        hot.read()
    await here.until(lambda: here.tape.played > played + 8)
    assert len(here.heard.calls) == told
    await here.until(lambda: open_sockets() == here.sockets and asyncio.all_tasks() <= here.tasks)
    del client
    gc.collect()
