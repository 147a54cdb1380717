"""Frames fed to the client without a socket: order of arrival, unusable rows, and anything at all."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.diff.client import DiffVenue, contracts_of
from adapters.diff.market import china_ns
from adapters.diff.settings import DiffSettings
from engine.instruments import Instrument
from engine.ports import CONNECTED, READY, TRADING, Event, OrderRequest
from tests.budget import examples
from tests.diff_helpers import AG, AU, USER, VENUE, Recorder, gold, request
from tests.diff_helpers import settings as diff_settings

ORDER = request(1)
ROW = {
    "order_id": ORDER.client_id, "exchange_id": "SHFE", "instrument_id": "au2702", "direction": "BUY",
    "volume_orign": 2, "volume_left": 2, "status": "ALIVE", "exchange_order_id": "X1", "last_msg": "",
    "insert_date_time": 1_795_000_000_000_000_000,
}  # fmt: skip
TRADE = {
    "order_id": ORDER.client_id, "exchange_id": "SHFE", "instrument_id": "au2702", "direction": "BUY",
    "trade_id": "A|1", "exchange_trade_id": "1", "volume": 1, "price": 620.0, "trade_date_time": 5,
}  # fmt: skip
SESSION = {"session": {"user_id": USER}, "trade_more_data": False, "accounts": {}}


def feed(*frames: Any, channel: str = "_trading") -> Recorder:
    """The inputs that a venue makes of these frames, on a connection that is open but goes nowhere."""

    async def run() -> Recorder:
        heard = Recorder()
        stream = getattr(DiffVenue(VENUE, diff_settings(1), [AU, AG], heard, lambda: 0), channel)
        stream.opened(0)
        for at, frame in enumerate(frames, 1):
            stream.received(frame if isinstance(frame, bytes) else json.dumps(frame).encode(), at)
        return heard

    return asyncio.run(run())


def rtn(*patches: Any) -> dict:
    return {"aid": "rtn_data", "data": list(patches)}


def trade(**tables: Any) -> dict:
    return rtn({"trade": {USER: tables}})


def order(**fields: Any) -> dict:
    return {ORDER.client_id: ROW | fields}


def told(heard: Recorder) -> list[tuple]:
    return [(Event.NAMES[r.event], r.cum_lots, r.last_lots, r.recv_ns) for r in heard.reports]


def test_a_trade_before_its_order_is_told_as_it_comes() -> None:
    heard = feed(
        trade(**SESSION),
        trade(trades={"A|1": TRADE}),
        trade(orders=order(volume_left=1)),
        trade(orders=order(volume_left=1, status="FINISHED")),
    )
    assert told(heard) == [("TRADE", -1, 1, 2), ("ACK", 1, 0, 3), ("CANCELLED", 1, 0, 4)]


def test_orders_and_trades_carry_the_exchange_s_own_id_of_the_order() -> None:
    heard = feed(
        trade(**SESSION),
        trade(trades={"A|1": TRADE | {"exchange_order_id": "X1"}, "A|2": TRADE | {"exchange_trade_id": "2"}}),
        trade(orders=order(volume_left=0, status="FINISHED")),
    )
    assert [report.venue_order_id for report in heard.reports] == ["X1", "", "X1"]
    refused = feed(trade(**SESSION), trade(orders=order(exchange_order_id="", status="FINISHED")))
    assert [(report.event, report.venue_order_id) for report in refused.reports] == [(Event.REJECTED, "")]


def test_a_finished_order_before_its_trades_is_told_as_it_comes() -> None:
    heard = feed(
        trade(**SESSION),
        trade(orders=order(volume_left=0, status="FINISHED")),
        trade(trades={"A|1": TRADE}),
        trade(trades={"A|2": TRADE | {"exchange_trade_id": "2"}}),
    )
    assert told(heard) == [("DONE", 2, 0, 2), ("TRADE", -1, 1, 3), ("TRADE", -1, 1, 4)]
    assert [report.trade_id for report in heard.reports] == ["", "1", "2"]


def test_one_transaction_tells_trades_before_the_end_whatever_its_order() -> None:
    heard = feed(
        trade(**SESSION),
        rtn(
            {"trade": {USER: {"orders": order(volume_left=0, status="FINISHED")}}},
            {"trade": {USER: {"trades": {"A|1": TRADE | {"volume": 2}}}}},
        ),
    )
    assert told(heard) == [("TRADE", -1, 2, 2), ("DONE", 2, 0, 2)]


def test_an_order_without_an_exchange_id_is_not_acknowledged_yet() -> None:
    heard = feed(trade(**SESSION), trade(orders=order(exchange_order_id="")), trade(orders=order()))
    assert told(heard) == [("ACK", 0, 0, 3)]


def test_a_finished_order_without_an_exchange_id_was_refused() -> None:
    refused = order(exchange_order_id="", status="FINISHED", last_msg="资金不足")
    heard = feed(trade(**SESSION), trade(orders=refused), trade(orders=refused))
    assert told(heard) == [("REJECTED", 0, 0, 2)]
    assert heard.reports[0].reason == "资金不足"


def test_progress_without_a_trade_is_told_as_a_status() -> None:
    heard = feed(trade(**SESSION), trade(orders=order()), trade(orders=order(volume_left=1)))
    assert told(heard) == [("ACK", 0, 0, 2), ("STATUS", 1, 0, 3)]
    assert heard.reports[-1].leaves_lots == 1


def test_both_sides_of_a_self_trade_are_told_under_the_one_trade_id() -> None:
    other = {**TRADE, "order_id": request(2).client_id, "direction": "SELL", "trade_id": "B|1"}
    heard = feed(trade(**SESSION), trade(trades={"A|1": TRADE, "B|1": other}))
    assert [(r.trade_id, r.side, r.order_no) for r in heard.reports] == [
        ("1", 1, ORDER.order_no),
        ("1", -1, request(2).order_no),
    ]


def test_an_order_of_another_program_is_foreign() -> None:
    heard = feed(trade(**SESSION), trade(orders={"PYSDK_insert_1": ROW}))
    assert [(r.order_no, r.client_id) for r in heard.reports] == [(0, "PYSDK_insert_1")]


def test_ready_waits_for_the_session_and_the_whole_snapshot() -> None:
    heard = feed(
        trade(trade_more_data=False),
        trade(session={"user_id": USER}, trade_more_data=True),
        trade(orders=order()),
        trade(trade_more_data=False),
    )
    assert heard.links == [(TRADING, CONNECTED, ""), (TRADING, READY, "")]
    assert isinstance(heard.all[-1], tuple), "ready comes last"


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"orders": order(volume_left=3)}, "volume_left: expected 0 to volume_orign 2, got 3"),
        ({"orders": order(status="QUEUED")}, "status: expected ALIVE or FINISHED, got 'QUEUED'"),
        ({"orders": {"A": {"status": "ALIVE"}}}, "volume_orign: missing"),
        ({"orders": order(instrument_id="xx9999")}, "SHFE.xx9999 is not among this venue's instruments"),
        ({"trades": {"1": TRADE | {"price": 620.011}}}, "price: shfe.au2702 price 620.011 is not a multiple"),
        ({"trades": {"1": TRADE | {"price": "NaN"}}}, "expected a positive volume and a price"),
        ({"positions": {"SHFE.au2702": {"volume_long_his": 1}}}, "positions.SHFE.au2702: expected volume_long_today"),
        ({"accounts": {"CNY": {"balance": "NaN"}}}, "accounts.CNY: expected the numbers"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_once_and_the_stream_goes_on(tables: dict, says: str) -> None:
    heard = feed(trade(**SESSION), trade(**tables), trade(**tables), trade(orders={request(2).client_id: ROW}))
    assert len(heard.bad) == 1 and says in heard.bad[0]
    assert heard.bad[0].startswith(f"trade.{USER}.")
    assert heard.reports[-1].order_no == request(2).order_no


def test_a_patch_of_the_wrong_type_is_refused_whole() -> None:
    wrong = rtn({"trade": {USER: {"orders": order()}}}, {"trade": {USER: {"orders": 5}}})
    heard = feed(trade(**SESSION), wrong)
    assert heard.reports == []
    assert heard.bad == [f"data[1]: trade.{USER}.orders: expected an object, got 5"]


def test_a_quote_with_an_unusable_side_keeps_the_other() -> None:
    row = {"datetime": "2026-11-18 09:00:00.500000", "bid_price1": 620.01, "bid_volume1": 3}
    heard = feed(rtn({"quotes": {"SHFE.au2702": row | {"ask_price1": 620.02, "ask_volume1": 1}}}), channel="_market")
    (quote,) = heard.quotes
    assert (quote.bid_lots, quote.ask_ticks, quote.ask_lots) == (0, 31001, 1)
    assert heard.bad == ["quotes.SHFE.au2702: shfe.au2702 price 620.01 is not a multiple of 0.02"]


def test_a_removed_quote_is_told_as_empty() -> None:
    row = {"bid_price1": 620.0, "bid_volume1": 3, "ask_price1": "-", "ask_volume1": 0}
    heard = feed(rtn({"quotes": {"SHFE.au2702": row}}), rtn({"quotes": None}), channel="_market")
    assert [(quote.bid_lots, quote.ask_lots) for quote in heard.quotes] == [(3, 0), (0, 0), (0, 0)]


def test_china_time() -> None:
    assert china_ns("2026-11-18 09:00:00.500000") == 1_794_963_600_500_000_000
    assert china_ns("") == 0
    for text in ("09:00", "2026-13-18 09:00:00", "2026-11-18 09:00:00+08:00"):
        with pytest.raises(ValueError, match="no China time"):
            china_ns(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
ODD = st.sampled_from([None, 0, -1, 1.5, 10**30, "NaN", "-", "BUY", "ALIVE", "SHFE", "au2702", [], {}, True, ""])
ROWS = st.fixed_dictionaries({}, optional=dict.fromkeys(ROW | TRADE, ODD)).map(lambda odd: ROW | TRADE | odd)
POSITIONS = st.dictionaries(st.sampled_from(["volume_long_today", "volume_long_his", "volume_short_today"]), ODD)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "session": ODD | st.just({"a": 1}),
        "trade_more_data": ODD,
        "orders": st.dictionaries(st.sampled_from(["A", ORDER.client_id]), ROWS | ODD, max_size=2),
        "trades": st.dictionaries(st.sampled_from(["1", "2"]), ROWS | ODD, max_size=2),
        "positions": st.dictionaries(st.sampled_from(["SHFE.au2702", "X"]), POSITIONS | ODD, max_size=2),
        "accounts": st.dictionaries(st.just("CNY"), st.dictionaries(st.just("balance"), ODD) | ODD),
    },
)
NOTICES = st.dictionaries(st.just("n"), st.dictionaries(st.sampled_from(["level", "content"]), ODD) | ODD)
PATCHES = st.fixed_dictionaries({}, optional={"trade": st.dictionaries(st.just(USER), TABLES), "notify": NOTICES})
QUOTE = st.dictionaries(st.sampled_from(["datetime", "bid_price1", "bid_volume1", "ask_price1", "upper_limit"]), ODD)
QUOTES = st.fixed_dictionaries(
    {}, optional={"quotes": st.dictionaries(st.just("SHFE.au2702"), QUOTE | ODD) | ODD, "ins_list": ODD}
)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40), max_size=3))
def test_any_text_is_counted_as_bad_input_and_never_raises(frames: list[bytes]) -> None:
    for channel in ("_trading", "_market"):
        heard = feed(*frames, channel=channel)
        assert bool(heard.bad) == bool(frames)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.lists(PATCHES, max_size=2), max_size=4))
def test_any_trade_tree_never_raises(transactions: list[list]) -> None:
    heard = feed(*[rtn(*patches) for patches in transactions])
    assert all(isinstance(what, str) for what in heard.bad)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.lists(QUOTES, max_size=2), max_size=4))
def test_any_quotes_never_raise_and_never_make_up_a_price(transactions: list[list]) -> None:
    for quote in feed(*[rtn(*patches) for patches in transactions], channel="_market").quotes:
        assert quote.bid_lots >= 0 and quote.ask_lots >= 0
        assert quote.bid_lots or quote.bid_ticks == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"md_url": "http://x"}, "md_url"),
        ({"user": ""}, "user"),
        ({"silence_ms": 100, "heartbeat_ms": 100}, "silence_ms"),
        ({"reconnect_min_ms": 100, "reconnect_max_ms": 50}, "reconnect_max_ms"),
        ({"connect_timeout_ms": 0}, "connect_timeout_ms"),
        ({"login_retry_ms": -1}, "login_retry_ms"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(change: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        diff_settings(1, **change)


def test_settings_never_show_the_password() -> None:
    assert "secret" not in repr(diff_settings(1)) and isinstance(diff_settings(1), DiffSettings)


def make(change: Callable[[Instrument], dict]) -> None:
    fields = {name: getattr(AU, name) for name in AU.__struct_fields__}
    contracts_of([Instrument(**(fields | change(AU)))])


def test_instruments_that_diff_cannot_name_or_count_are_refused() -> None:
    with pytest.raises(ValueError, match="exchange code"):
        make(lambda _: {"exchange": ""})
    with pytest.raises(ValueError, match="lot step"):
        make(lambda au: {"lot_step": au.tick})
    assert list(contracts_of([AU, gold(6, "SHFE.ag2702")])) == ["SHFE.au2702", "SHFE.ag2702"]


def test_a_query_without_a_link_fails() -> None:
    async def run() -> None:
        venue = DiffVenue(VENUE, diff_settings(1), [AU], Recorder(), lambda: 0)
        asked: OrderRequest = request(1)
        assert venue.write(venue.encode_query(asked, "", 0)) == 2
        for hot in venue.hot():
            hot.read()

    asyncio.run(run())
