"""The simulated venue: latencies and their order on a clock moved by hand, and its life on a real event loop."""

import asyncio

import msgspec
import pytest

from adapters.ports import Contracts
from adapters.sim.exchange import Exchange, Latency
from adapters.sim.faults import FaultScript
from adapters.sim.schedule import Schedule
from adapters.sim.settings import VenueSim
from adapters.sim.venue import SimVenue
from adapters.ticks import NS, Pace, renamed, window
from engine.ports import BUY, DAY, QUOTE_CLOSED
from tests.sim_world import MS, RememberingServer, World, market, order, quote, terms


def test_things_due_at_one_time_happen_in_the_order_they_were_asked_for():
    schedule, done = Schedule(), []
    schedule.at(5, lambda at_ns: done.append(("b", at_ns)))
    schedule.at(3, lambda at_ns: (done.append(("a", at_ns)), schedule.at(5, lambda at_ns: done.append(("d", at_ns)))))
    schedule.at(5, lambda at_ns: done.append(("c", at_ns)))
    schedule.pump(4)
    assert (done, schedule.next_ns()) == ([("a", 3)], 5)
    schedule.pump(9)
    assert done == [("a", 3), ("b", 5), ("c", 5), ("d", 5)]
    assert schedule.next_ns() is None


def test_an_order_takes_its_way_in_and_its_reports_their_way_out():
    world = World(entry_ns=7 * MS, report_ns=11 * MS)
    world.send(order("1", BUY, 1, 101))
    assert world.told_at("1") == [18 * MS] * 2
    assert {report.venue_ns for _, report in world.server.reports} == {7 * MS}


def test_a_quote_is_matched_at_once_and_published_after_its_delay():
    world = World(market_data_ns=9 * MS, quotes=(quote(1, 2, 3, 4, at_ns=2 * MS, flags=QUOTE_CLOSED),))
    world.run(20 * MS)
    assert world.server.quotes == [(11 * MS, "NET", 1, 2, 3, 4, 2 * MS, QUOTE_CLOSED)]


def test_jitter_never_turns_the_order_of_what_one_client_sends_or_hears():
    world = World(entry_ns=MS, report_ns=MS, jitter_ns=50 * MS, seed=3)
    for name in range(40):
        world.exchange.submit(order(str(name), BUY, 1, 90, DAY), 0)
        world.exchange.cancel("ann", str(name), "c", 0)
    world.run(NS)
    for name in range(40):
        assert world.told(str(name)) == [("ACK", 0, 1), ("CANCELLED", 0, 0)]
        assert world.told_at(str(name)) == sorted(world.told_at(str(name)))
    assert len({at_ns for at_ns, _ in world.server.reports}) > 1


def test_the_same_seed_gives_the_same_delays_and_another_seed_others():
    def told(seed: int) -> list[int]:
        world = World(jitter_ns=50 * MS, seed=seed)
        world.send(*(order(str(name), BUY, 1, 90, DAY) for name in range(5)))
        return [at_ns for at_ns, _ in world.server.reports]

    assert told(1) == told(1) != told(2)


def test_a_venue_that_comes_up_late_plays_only_where_the_market_stands():
    server = RememberingServer()
    exchange = Exchange(market(), server, Latency(), FaultScript([]))
    quotes = [quote(n, 1, n + 1, 1, at_ns=n * NS) for n in range(1, 20)]
    exchange.begin(iter(quotes), Pace(0), 10 * NS)
    exchange.pump(10 * NS)
    assert [row[2] for row in server.quotes] == [8, 9, 10]


def test_speed_shortens_the_time_between_quotes():
    assert [Pace(100, speed).due_ns(60) for speed in (1.0, 2.0, 0.5)] == [160, 130, 220]
    with pytest.raises(ValueError, match="speed"):
        Pace(0, 0)


def test_a_window_opens_with_what_stood_before_it():
    source = [quote(n, 1, n + 1, 1, symbol, at_ns=1_000 * NS + n * NS) for n, symbol in enumerate("abaabb")]
    cut = list(window(source, start_s=2.5, seconds=2))
    assert [(tick.symbol, tick.bid_ticks, tick.at_ns) for tick in cut] == [
        ("a", 2, 0), ("b", 1, 0), ("a", 3, NS // 2), ("b", 4, NS * 3 // 2),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="the quotes end before it"):
        list(window(source, start_s=99))
    assert [tick.symbol for tick in renamed(cut, {"b": "BTC"})] == ["BTC", "BTC"]


class EagerServer(RememberingServer):
    """Sends an order as soon as it hears a first quote, and cancels it when told that it works."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    def publish(self, *told: int) -> None:
        super().publish(*told)
        if len(self.quotes) == 1:
            self.entry.submit(order("1", BUY, 4, 90, DAY))

    def report(self, report) -> None:
        super().report(report)
        if len(self.reports) == 1:
            self.entry.cancel("ann", "1", "c1")
        if len(self.reports) == 2:
            self.entry.query("ann", "1", "q1")
        if len(self.reports) == 3:
            self.ended.set()


def test_a_venue_on_the_loop_plays_matches_tells_and_stops():
    async def live():
        server = EagerServer()
        exchange = Exchange(market(), server, Latency(entry_ns=MS, report_ns=MS), FaultScript([]))
        quotes = iter([quote(100, 5, 101, 5), quote(100, 6, 101, 5, at_ns=20 * MS)])
        venue = SimVenue(exchange, server, quotes, speed=10.0)
        assert await venue.start() == 4_000
        await asyncio.wait_for(asyncio.gather(server.ended.wait(), venue.finished.wait()), 10)
        assert [row[3] for row in server.quotes] == [5, 6]
        assert [report.order.client_id for report in venue.orders("ann")] == ["1"]
        assert venue.trades("ann") == []
        assert venue.positions("ann")[0].long_today == 0
        assert venue.account("ann").available_micros == venue.account("ann").balance_micros
        await venue.stop()
        venue.submit(order("2", BUY, 1, 101))
        assert not server.running
        return [world_said.event for _, world_said in server.reports]

    assert asyncio.run(live()) == [0, 2, 5]  # acknowledged, cancelled, done


SETTINGS = {
    "id": "shfe",
    "protocol": "diff",
    "currency": "CNY",
    "users": [{"name": "ann", "balance_ccy": 1_000}],
    "symbols": {"au": {"series": "au", "multiplier": "1000", "margin_bps": 800, "lower_price": "250.02"}},
    "entry_latency_us": 200,
}


def read(**changes: object) -> VenueSim:
    return msgspec.convert({**SETTINGS, **changes}, VenueSim)


def test_settings_become_terms_money_and_latencies():
    contracts: Contracts = {"au": terms("au").instrument}
    venue = read()
    made = venue.terms(contracts)["au"]
    assert (made.multiplier, made.margin_bps, made.lower_ticks, made.upper_ticks) == (1_000, 800, 12_501, None)
    assert venue.balances_micros() == {"ann": 1_000_000_000}
    assert venue.latency() == Latency(entry_ns=200_000, seed=1)
    assert venue.series() == {"au": "au"}
    with pytest.raises(ValueError, match="'au' is no instrument; known: ag"):
        venue.terms({"ag": contracts["au"]})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"jitter_us": -1}, "jitter_us"),
        ({"users": []}, "at least one user"),
        ({"protocol": "fix44"}, "needs comp_id"),
        ({"source": "gold_2019"}, "needs data_folder"),
        ({"latency": 3}, "unknown field `latency`"),
        ({"protocol": "ctp"}, "Invalid enum value"),
    ],
)
def test_wrong_settings_are_errors(changes, expected):
    with pytest.raises(ValueError, match=expected):
        read(**changes)
