"""Numbers that fit no 64-bit integer: what a venue says of them is bad input, named and survived, never an error."""

from decimal import Decimal
from fractions import Fraction

import pytest

from adapters.diff.market import china_ns
from adapters.fix44.stamps import Stamps
from adapters.fix44.steps import Steps
from engine.ids import client_id, order_no
from engine.instruments import LARGEST_STEPS, reported_lots, reported_micros
from engine.ports import MARKET_DATA, QUOTE_GAP, UNKNOWN, Event
from tests.diff_helpers import AU, USER
from tests.fix_fakes import GC
from tests.test_diff_frames import ROW, SESSION, TRADE, feed, order, rtn, trade
from tests.test_fix_reports import fill, server_says, told
from tests.test_fix_venue import World, scenario

LARGEST = 2**63 - 1


# Ids


@pytest.mark.parametrize(
    "text",
    [
        "TDFFFFFFFFFFFFFFFF", "TD8000000000000000", "TD-000000000000001", "TD 00000000000001 ", "TD+00000000000001",
        "TD00000000000000a1", "TD0000_0000_00001", "TD000000000000001", "TD00000000000000001", "TD0000000000000001\n",
    ],
)  # fmt: skip
def test_an_id_that_no_order_of_ours_has_is_foreign(text):
    assert order_no(text) == 0


def test_the_largest_order_number_is_still_ours():
    assert order_no(client_id(LARGEST)) == LARGEST


# Our integers


@pytest.mark.parametrize("price", [1e200, -1e200, 10**30, "1e30", Decimal("1e25")])
def test_a_price_of_too_many_ticks_is_none(price):
    with pytest.raises(ValueError, match=r"beyond 2\^53 steps"):
        AU.ticks(price)


@pytest.mark.parametrize("sign", [b"", b"-"])
def test_a_text_of_too_many_steps_is_none(sign):
    steps = Steps(Fraction(1, 10), "price")
    edge = steps.text(LARGEST_STEPS)
    assert abs(steps.exact(sign + edge)) == LARGEST_STEPS
    for read in (steps.exact, steps.floor, steps.nearest):
        with pytest.raises(ValueError, match=r"beyond 2\^53 steps"):
            read(sign + steps.text(LARGEST_STEPS + 1))


@pytest.mark.parametrize("amount", ["1e299", "-1e299", "1e999999", "NaN", "sNaN", "Infinity"])
def test_money_without_a_count_of_millionths_is_none(amount):
    with pytest.raises(ValueError, match="expected an amount of money"):
        reported_micros(Decimal(amount), "balance")


@pytest.mark.parametrize("lots", [-1, 2**40 + 1])
def test_lots_that_no_order_has_are_none(lots):
    with pytest.raises(ValueError, match=r"volume: expected 0 to 2\^40 lots"):
        reported_lots(lots, "volume")


@pytest.mark.parametrize("year", [1, 1969, 2117, 9999])
def test_a_stamp_of_another_age_is_none(year):
    with pytest.raises(ValueError, match="expected a time from 1970 to 2116"):
        Stamps().ns(b"%04d0101-00:00:00.000" % year)
    with pytest.raises(ValueError, match="expected a time from 1970 to 2116"):
        china_ns(f"{year:04d}-01-01 00:00:00")


# FIX


@pytest.mark.parametrize(
    ("price", "size", "says"),
    [
        ("1" + "0" * 30, "1", "COMEX.GC price"), ("-1" + "0" * 30, "1", "COMEX.GC price"),
        ("1395.0", "9" * 30, "COMEX.GC size"), ("1395.0", "-5", "tag 271: COMEX.GC size"),
        ("1e30", "1", "COMEX.GC price"),
    ],
)  # fmt: skip
def test_a_snapshot_of_absurd_numbers_leaves_no_price_and_the_next_one_counts(price, size, says):
    async def work(here: World) -> None:
        for px, qty, seq in ((price, size, 1), ("1395.0", "2", 2)):
            entry = f"262=MD1\x0155=GC\x0183={seq}\x01268=1\x01269=0\x01270={px}\x01271={qty}\x01"
            server_says(here, b"W", entry.encode(), MARKET_DATA)
        await here.inputs.until(lambda: any(quote[:3] == (GC.index, 13_950, 2) for quote in here.inputs.quotes))
        lost = next(quote for quote in here.inputs.quotes if quote[0] == GC.index)
        assert lost[1:5] == (0, 0, 0, 0) and lost[8] & QUOTE_GAP
        assert [what for what, _ in here.inputs.bad if says in what]

    scenario(work)


@pytest.mark.parametrize("lots", ["-1", "9" * 30, str(2**40 + 1)])
@pytest.mark.parametrize(("tag", "field"), [(14, "cum_lots"), (151, "leaves_lots"), (38, "total_lots")])
def test_an_absurd_quantity_of_a_report_is_unknown_and_the_fill_is_booked(tag, field, lots):
    reports, bad, _ = told(fill(**{f"_{tag}": lots}))
    assert (reports[0].event, reports[0].last_lots, getattr(reports[0], field)) == (Event.TRADE, 1, UNKNOWN)
    assert len(bad) == 1 and bad[0].startswith(f"tag {tag}: ")


@pytest.mark.parametrize(
    "change", [{"_32": "-1"}, {"_32": "9" * 30}, {"_31": "9" * 30}, {"_31": "-" + "9" * 30}], ids=str
)
def test_a_fill_of_absurd_terms_reports_the_cumulative_quantity_alone(change):
    reports, bad, _ = told(fill(**change))
    assert (reports[0].event, reports[0].cum_lots) == (Event.STATUS, 1)
    assert "trade without its terms" in bad[0]


def test_a_fill_at_a_time_of_another_age_has_no_stamp():
    reports, bad, _ = told(fill(_60="99991231-00:00:00"))
    assert (reports[0].event, reports[0].venue_ns) == (Event.TRADE, 0)
    assert "tag 60: " in bad[0] and "1970 to 2116" in bad[0]


def test_a_report_under_an_absurd_id_is_foreign():
    reports, bad, _ = told(fill(_11="TDFFFFFFFFFFFFFFFF", _55="CA"))
    assert (reports[0].order_no, reports[0].client_id, bad) == (0, "TDFFFFFFFFFFFFFFFF", [])


@pytest.mark.parametrize("lots", [b"-1", b"9" * 30])
def test_an_absurd_position_is_refused_by_its_tag(lots):
    _, bad, _ = told(b"721=1\x01710=P\x01727=1\x01728=0\x0155=CA\x01702=1\x01703=TQ\x01704=%b\x01" % lots, b"AP")
    assert "tag 704: " in bad[0]


@pytest.mark.parametrize("money", [b"1e299", b"1e999999", b"NaN", b"9" * 25])
def test_an_absurd_balance_is_refused_by_its_tag(money):
    _, bad, _ = told(b"908=R\x01909=A\x01910=3\x01901=%b\x01900=%b\x01899=1\x01" % (money, money), b"BA")
    assert "tag 9" in bad[0] and "amount of money" in bad[0]


# DIFF

GOOD = {"datetime": "2026-11-18 09:00:00", "bid_price1": 620.0, "bid_volume1": 3, "ask_price1": 620.02,
        "ask_volume1": 1}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bid_price1": 1e200}, "price 1e+200 is beyond"), ({"bid_volume1": LARGEST}, "bid_volume1"),
        ({"bid_price1": 10**18}, "price"), ({"datetime": "9999-12-31 00:00:00"}, "datetime '9999-12-31 00:00:00'"),
        ({"datetime": "0001-01-01 00:00:00"}, "datetime '0001-01-01 00:00:00'"),
    ],
)  # fmt: skip
def test_a_quote_of_absurd_numbers_keeps_what_can_be_used_and_the_next_one_counts(change, says):
    symbol = "SHFE.au2702"
    heard = feed(*(rtn({"quotes": {symbol: row}}) for row in (GOOD | change, GOOD)), channel="_market")
    first, second = heard.quotes
    assert first.venue_ns == 0 or first.bid_lots == 0
    assert (first.ask_ticks, second.bid_ticks, second.bid_lots) == (31_001, 31_000, 3)
    assert len(heard.bad) == 1 and heard.bad[0].startswith(f"quotes.{symbol}: ") and says in heard.bad[0]


def test_a_foreign_order_under_an_absurd_id_is_foreign():
    name = "TDFFFFFFFFFFFFFFFF"
    heard = feed(trade(orders={name: ROW | {"order_id": name}}))
    assert [(report.order_no, report.client_id) for report in heard.reports] == [(0, name)]


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"orders": order(volume_orign=LARGEST, volume_left=1)}, "volume_orign: expected 0 to 2^40 lots"),
        ({"orders": order(volume_left=-1)}, "volume_left: expected 0 to 2^40 lots"),
        ({"trades": {"A|1": TRADE | {"volume": LARGEST}}}, "volume: expected 0 to 2^40 lots"),
        ({"trades": {"A|1": TRADE | {"price": 1e200}}}, "price: shfe.au2702 price 1e+200 is beyond"),
    ],
)  # fmt: skip
def test_a_row_of_absurd_numbers_is_named_and_not_told(tables, says):
    heard = feed(trade(**tables), trade(orders={"other": ROW | {"order_id": "other"}}))
    assert len(heard.bad) == 1 and says in heard.bad[0]
    assert [report.client_id for report in heard.reports] == ["other"]


@pytest.mark.parametrize("time_ns", [-1, LARGEST])
def test_a_fill_at_an_absurd_time_is_booked_without_it(time_ns):
    heard = feed(trade(trades={"A|1": TRADE | {"trade_date_time": time_ns}}))
    assert [(report.event, report.last_lots, report.venue_ns) for report in heard.reports] == [(Event.TRADE, 1, 0)]
    assert len(heard.bad) == 1 and "trade_date_time: expected a time" in heard.bad[0]
    heard = feed(trade(orders=order(insert_date_time=time_ns)))
    assert [(report.event, report.venue_ns) for report in heard.reports] == [(Event.ACK, 0)]


def test_absurd_money_and_positions_are_named_and_not_told():
    money = {"accounts": {"CNY": {"balance": 1e299, "available": 1.0, "margin": 1.0}}}
    held = {"volume_long_today": LARGEST, "volume_long_his": LARGEST, "volume_short_today": 0, "volume_short_his": 0}
    heard = feed(trade(**SESSION | money | {"positions": {"SHFE.au2702": held}}))
    assert heard.accounts == []
    assert AU.index not in [position.instrument for position in heard.positions]
    path = f"trade.{USER}"
    assert any(what.startswith(f"{path}.accounts.CNY.balance: expected") for what in heard.bad)
    assert any(what.startswith(f"{path}.positions.SHFE.au2702.volume_long_today: expected") for what in heard.bad)
