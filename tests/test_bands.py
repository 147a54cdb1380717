"""Price limits (涨跌停) told by a venue: journalled where they are news, forgotten when their trading day ends."""

import pytest

from engine import records
from engine.schema import UNSET
from tests.diff_helpers import AU
from tests.storm_world import Storm
from tests.test_diff_frames import feed, rtn
from tests.world import CALENDARS, World, demo_config, with_repair

SYMBOL = "SHFE.au2702"
QUOTE = {"datetime": "2026-11-18 09:30:00", "bid_price1": 309.0, "bid_volume1": 3, "ask_price1": 309.02,
         "ask_volume1": 1}  # fmt: skip


def told(change: dict) -> tuple[list, list[str]]:
    heard = feed(rtn({"quotes": {SYMBOL: QUOTE | change}}), channel="_market")
    assert len(heard.quotes) == 1
    return heard.bands, heard.bad


def bands(world: World) -> list[tuple[int, int]]:
    return [(int(row["lower_ticks"]), int(row["upper_ticks"])) for row in world.of_kind(records.BAND)]


def limits(world: World, at: int = 0) -> tuple[int, int]:
    row = world.state.instrument[at]
    return int(row["lower_limit_ticks"]), int(row["upper_limit_ticks"])


@pytest.fixture
def world():
    return World()


def test_a_quote_of_diff_tells_the_band_before_itself():
    heard = feed(rtn({"quotes": {SYMBOL: QUOTE | {"upper_limit": 347.2, "lower_limit": 284.0}}}), channel="_market")
    assert heard.bands == [(AU.index, 14_200, 17_360)]
    assert heard.all.index(heard.bands[0]) < heard.all.index(heard.quotes[0])


@pytest.mark.parametrize("nothing", ["NaN", "-", "", None, 0, 0.0])
def test_what_is_no_price_is_no_limit(nothing):
    assert told({"upper_limit": nothing, "lower_limit": 284.0}) == ([(AU.index, 14_200, UNSET)], [])
    assert told({"upper_limit": nothing, "lower_limit": nothing}) == ([], [])


def test_a_band_that_cannot_be_is_told_as_bad_and_not_used():
    assert told({"upper_limit": 284.0, "lower_limit": 347.2})[0] == []
    bands_told, bad = told({"upper_limit": 347.21, "lower_limit": 284.0})
    assert bands_told == [(AU.index, 14_200, UNSET)] and "upper_limit" in bad[0]


def test_a_band_is_journalled_only_where_it_is_news(world):
    for _ in range(3):
        world.loop.on_band(world.au, 14_300, 17_300, world.now_ns)
    world.loop.on_band(world.au, UNSET, 17_200, world.now_ns)
    assert bands(world) == [(14_300, 17_300), (UNSET, 17_200)]
    assert limits(world) == (14_300, 17_200)
    world.check()


def test_an_order_beyond_the_told_band_is_denied(world):
    world.market(6.5)
    assert len(world.shfe.sent) == 1
    world = World()
    at = world.shfe.matching  # the exchange itself knows nothing of the band: it is the gate that denies
    world.loop.on_band(world.au, 17_000, 17_300, world.now_ns)
    world.market(6.5)
    assert world.shfe.sent == [] and at.orders("us") == []
    assert next(int(row["reason"]) for row in world.of_kind(records.VERDICT)) in (4, 5)
    world.check()


def test_a_repair_pays_up_to_the_limit_of_the_day_and_no_farther():
    faults = {"SIM_SHFE": [{"at_order": 1, "do": "partial", "lots": 1}]}
    world = World(with_repair(demo_config(max_units=1), on_partial="complete", pay_up_ticks=[5]), faults)
    world.market(6.5)
    bid = int(world.state.book[world.au]["bid_ticks"])
    world.loop.on_band(world.au, bid - 1, 17_300, world.now_ns)
    world.step(1500)
    repairs = [order for order in world.shfe.sent if order.limit_ticks == bid - 1]
    assert [order.lots for order in repairs] == [2] and world.outcomes() == ["complete"]
    world.check()


def test_the_band_of_a_day_ends_with_its_last_section_and_what_the_config_states_holds_again(world):
    """The section of 2026-11-18 ends at 15:00 in Shanghai; the night after it is of the next trading day."""
    world.loop.on_band(world.au, 14_300, 17_300, world.now_ns)
    opens, closes, day = world.loop.core.sessions(world.au, world.market_ns)
    while day == 20261118:
        assert limits(world) == (14_300, 17_300)
        world.now_ns += closes - world.state.market_ns(world.now_ns)
        world.loop.on_timer(world.now_ns)
        opens, closes, day = world.loop.core.sessions(world.au, world.state.market_ns(world.now_ns))
    assert limits(world) == (14_200, 17_360) and int(world.state.instrument[world.au]["trading_day"]) == 20261119
    world.loop.on_band(world.au, 14_300, 17_300, world.now_ns)  # the last word of the day that has ended
    assert limits(world) == (14_200, 17_360) and len(bands(world)) == 1
    world.now_ns += opens - world.state.market_ns(world.now_ns)
    world.loop.on_band(world.au, 14_250, 17_350, world.now_ns)
    assert limits(world) == (14_250, 17_350)
    world.check()


def test_a_restart_keeps_the_band_of_the_day(world):
    world.loop.on_band(world.au, 14_300, 17_300, world.now_ns)
    world.step(100)
    world.start(2)
    assert limits(world) == (14_300, 17_300)
    world.check()


def test_a_venue_tells_its_limits_over_the_wire_and_again_after_a_lock_elsewhere():
    """The real server and client: the settings' limits, the price of a lock, and the settings' limits again."""
    desk = Storm()
    desk.market(6.0)
    desk.step(50)
    desk.venues[0].lock(desk.au, limit_up=True)
    desk.step(50)
    bid = int(desk.loop.core.state.book[desk.au]["bid_ticks"])
    desk.market(6.0)
    desk.step(50)
    told = [(int(row.data["lower_ticks"]), int(row.data["upper_ticks"])) for row in desk.journal.records()
            if row.kind == records.BAND]  # fmt: skip
    assert told == [(14_200, bid), (14_200, 17_360)], "the first word was what the config states already"


def test_the_sections_of_a_record_name_their_trading_days(world):
    windows = world.record["sessions"]["shfe_au"]
    night = [window for window in windows if (window[0] // 10**9 // 3600 + 8) % 24 == 21]
    assert night and all(len(window) == 3 for window in windows)
    at = CALENDARS["shfe_au"].window(night[0][0])
    assert night[0] == [at.open_ns, at.close_ns, at.trading_day]
