"""What real venues do with reports: each quirk as raw fields from a FIX server, read by FixVenue over loopback."""

import pytest

from adapters.fix44.client import FixVenue
from adapters.fix44.settings import FixSettings
from engine.clock import now_ns
from engine.ids import client_id
from engine.instruments import LONG_SHORT_TODAY, Instrument
from engine.ports import DAY, MARKET_DATA, QUOTE_GAP, TRADING, UNKNOWN, Event
from tests.fix_fakes import CU, INSTRUMENTS, Recorder, order
from tests.test_fix_venue import World, scenario

RESTING = order(1, tif=DAY)
OURS = RESTING.client_id.encode()


def server_says(here: World, kind: bytes, body: bytes, channel: int = TRADING) -> None:
    here.server._links[channel, "TANDEM"].send(kind, body)


def told(body: bytes, kind: bytes = b"8", before=RESTING):
    """The reports and the bad inputs after an order was acknowledged and the server said this."""
    kept = {}

    async def work(here: World) -> None:
        here.send(before)
        await here.inputs.until(lambda: Event.ACK in here.inputs.events())
        server_says(here, kind, body)
        server_says(here, b"8", b"37=V\x0117=END\x01150=0\x0139=0\x0111=END\x0155=GC\x0154=1\x0114=0\x01151=1\x01")
        await here.inputs.until(lambda: here.inputs.reports[-1].client_id == "END")
        kept["reports"] = here.inputs.reports[1:-1]
        kept["bad"] = [what for what, _ in here.inputs.bad]
        kept["queries"] = here.entry.queries

    scenario(work)
    return kept["reports"], kept["bad"], kept["queries"]


def fill(**changes) -> bytes:
    fields = {
        "37": "V", "17": "X1", "150": "F", "39": "1", "11": RESTING.client_id, "55": "CA", "54": "1", "38": "3",
        "32": "1", "31": "9500.5", "14": "1", "151": "2", "6": "9500.5",
    }  # fmt: skip
    fields |= {name[1:]: value for name, value in changes.items()}
    return "".join(f"{tag}={value}\x01" for tag, value in fields.items() if value is not None).encode()


@pytest.mark.parametrize(
    ("kind", "status", "event"),
    [
        ("0", "0", Event.ACK), ("A", "A", Event.STATUS), ("4", "4", Event.CANCELLED), ("C", "C", Event.CANCELLED),
        ("5", "0", Event.AMENDED), ("D", "0", Event.AMENDED), ("6", "6", Event.STATUS), ("8", "8", Event.REJECTED),
        ("3", "3", Event.DONE), ("F", "1", Event.TRADE), ("1", "1", Event.TRADE), ("2", "2", Event.TRADE),
        ("I", "0", Event.STATUS), ("I", "2", Event.DONE), ("I", "4", Event.DONE), ("I", "8", Event.DONE),
    ],
)  # fmt: skip
def test_every_kind_of_report_is_an_event(kind, status, event):
    reports, bad, _ = told(fill(_150=kind, _39=status))
    assert [report.event for report in reports] == [event]
    assert (reports[0].order_no, reports[0].cum_lots, reports[0].leaves_lots) == (1, 1, 2)
    assert bad == []


def test_a_correction_and_a_bust_name_the_trade_that_they_change():
    reports, _, _ = told(fill(_150="G", _17="X2", _19="X1", _32="2"))
    assert (reports[0].event, reports[0].trade_id, reports[0].last_lots) == (Event.CORRECT, "X1", 2)
    reports, _, _ = told(fill(_150="H", _17="X3", _19="X1", _14="0"))
    assert (reports[0].event, reports[0].trade_id, reports[0].cum_lots) == (Event.BUST, "X1", 0)


def test_a_cancel_is_acknowledged_under_any_id():
    for ids in ({"_11": client_id(2), "_41": RESTING.client_id}, {"_41": None}):
        reports, _, _ = told(fill(_150="4", _39="4", **ids))
        assert (reports[0].event, reports[0].client_id, reports[0].order_no) == (Event.CANCELLED, RESTING.client_id, 1)


def test_a_late_fill_after_expired_is_booked():
    reports, _, _ = told(fill(_150="C", _39="C") + b"", before=RESTING)
    assert reports[0].event == Event.CANCELLED
    late, bad, _ = told(fill(_39="C", _151="0"))
    assert (late[0].event, late[0].last_lots) == (Event.TRADE, 1)
    assert bad == []


def test_an_unsolicited_restatement_carries_the_new_total():
    reports, _, _ = told(fill(_150="D", _38="2", _32=None, _31=None))
    assert (reports[0].event, reports[0].total_lots) == (Event.AMENDED, 2)


def test_a_fill_off_the_tick_is_booked_at_the_nearest_and_reported():
    reports, bad, _ = told(fill(_31="9500.6"))
    assert (reports[0].event, reports[0].last_lots, reports[0].last_ticks) == (Event.TRADE, 1, 19_001)
    assert "booked at 9500.5" in bad[0]


def test_odd_lot_fills_still_sum_to_the_cumulative_quantity():
    sizes = [("0.7", "0.7", 0), ("0.7", "1.4", 1), ("0.6", "2", 1)]
    for last, cum, lots in sizes:
        reports, bad, _ = told(fill(_32=last, _14=cum))
        assert (reports[0].last_lots, reports[0].cum_lots) == (lots, int(float(cum)))
        assert bool(bad) == (cum != "2")


def test_a_trade_without_terms_still_moves_the_cumulative_quantity():
    for spoilt in ({"_31": None}, {"_31": "none"}, {"_32": "x"}, {"_17": None}):
        reports, bad, _ = told(fill(**spoilt))
        assert (reports[0].event, reports[0].cum_lots) == (Event.STATUS, 1)
        assert "trade without its terms" in bad[0]


def test_a_quantity_the_venue_does_not_state_is_unknown():
    reports, _, _ = told(fill(_150="4", _39="4", _14=None, _151=None, _38=None))
    assert (reports[0].cum_lots, reports[0].leaves_lots, reports[0].total_lots) == (UNKNOWN, UNKNOWN, UNKNOWN)


def test_an_unknown_kind_of_report_is_bad_input_and_its_order_is_asked_about():
    reports, bad, queries = told(fill(_150="Z"))
    assert reports == [] or {report.event for report in reports} <= {Event.STATUS}
    assert "expected an ExecType of FIX 4.4" in bad[0]
    assert queries == [RESTING.client_id]


def test_a_foreign_order_is_reported_as_foreign():
    reports, _, _ = told(fill(_11="SOMEBODY"))
    assert (reports[0].order_no, reports[0].client_id) == (0, "SOMEBODY")


def test_a_report_carries_the_venue_s_own_id_of_the_order():
    reports, bad, _ = told(fill(_37="ORD-7"))
    assert (reports[0].order_no, reports[0].venue_order_id) == (1, "ORD-7")
    for nothing in ({"_37": "NONE"}, {"_37": None}):
        reports, bad, _ = told(fill(**nothing))
        assert (reports[0].order_no, reports[0].venue_order_id) == (1, "")
    assert bad == []


def test_a_report_under_the_venue_s_id_alone_reaches_the_engine():
    reports, bad, _ = told(fill(_37="ORD-7", _11=None))
    assert (reports[0].order_no, reports[0].client_id, reports[0].venue_order_id) == (0, "", "ORD-7")
    assert (reports[0].event, reports[0].cum_lots, reports[0].last_lots) == (Event.TRADE, 1, 1)
    assert bad == []


def test_a_report_that_names_no_order_at_all_is_bad_input():
    for named in ("NONE", None):
        reports, bad, _ = told(fill(_37=named, _11=None))
        assert reports == []
        assert "required tag 11 is missing, and tag 37 names no order either" in bad[0]


def test_a_cancel_that_is_refused_under_any_id_reaches_the_engine():
    refusal = b"37=ORD-7\x0139=0\x01434=1\x0158=late\x01"
    reports, bad, _ = told(refusal + b"11=C\x0141=%b\x01" % OURS, b"9")
    assert (reports[0].event, reports[0].order_no, reports[0].venue_order_id) == (Event.CANCEL_REJECTED, 1, "ORD-7")
    reports, bad, _ = told(refusal, b"9")
    assert (reports[0].event, reports[0].order_no, reports[0].client_id) == (Event.CANCEL_REJECTED, 0, "")
    assert (reports[0].venue_order_id, reports[0].instrument, bad) == ("ORD-7", -1, [])


def test_a_session_reject_of_an_order_refuses_it():
    async def work(here: World) -> None:
        here.entry.answers = False
        here.send(order(4))
        seq = here.venue._trading._session.store.next_out - 1
        server_says(here, b"3", b"45=%d\x01371=44\x01372=D\x01373=5\x0158=price\x01" % seq)
        await here.inputs.until(lambda: here.inputs.reports)
        assert here.inputs.reports[0].event == Event.REJECTED
        assert "371=44" in here.inputs.reports[0].reason

    scenario(work)


def test_a_business_reject_of_a_cancel_refuses_the_cancel_alone():
    async def work(here: World) -> None:
        here.send(RESTING)
        await here.inputs.until(lambda: here.inputs.reports)
        here.entry.answers = False
        here.venue.write(here.venue.encode_cancel(RESTING, client_id(2), now_ns()))
        seq = here.venue._trading._session.store.next_out - 1
        server_says(here, b"j", b"45=%d\x01372=F\x01380=4\x0158=closed\x01" % seq)
        await here.inputs.until(lambda: len(here.inputs.reports) == 2)
        assert here.inputs.reports[1].event == Event.CANCEL_REJECTED

    scenario(work)


def test_increments_move_one_side_and_a_jump_is_flagged_until_the_snapshot():
    async def work(here: World) -> None:
        quotes = here.inputs.quotes
        here.publish(19_000)
        await here.inputs.until(lambda: quotes and quotes[-1][1] == 19_000)
        del quotes[:-1]  # an empty book was told before, where the subscription was served first
        change = b"268=1\x01279=1\x01269=%d\x0155=CA\x0183=%d\x01270=%b\x01271=5\x01"
        server_says(here, b"X", change % (0, 2, b"9500.0"), MARKET_DATA)
        server_says(here, b"X", b"268=1\x01279=2\x01269=1\x0155=CA\x0183=3\x01", MARKET_DATA)
        await here.inputs.until(lambda: len(quotes) == 3)
        assert quotes[1][1:5] == (19_000, 5, 19_001, 9)
        assert quotes[2][1:5] == (19_000, 5, 0, 0), "the offer is gone"
        assert [quote[7:9] for quote in quotes] == [(0, 0), (2, 0), (3, 0)]
        server_says(here, b"X", change % (0, 7, b"9499.5"), MARKET_DATA)
        await here.inputs.until(lambda: len(quotes) == 5)
        assert quotes[3][7:9] == (7, QUOTE_GAP)
        assert quotes[4][1:5] == (19_000, 7, 19_001, 9), "the snapshot that was asked for"

    scenario(work)


def test_a_refused_subscription_is_reported():
    async def work(here: World) -> None:
        server_says(here, b"Y", b"262=MD1\x01281=8\x0158=no entitlement\x01", MARKET_DATA)
        await here.inputs.until(lambda: here.inputs.bad)
        assert here.inputs.bad[0][0] == "market data: the venue refused our request: 262=MD1, 281=8, 58=no entitlement"

    scenario(work)


def test_fx_quotes_have_decimal_sizes():
    async def work(here: World) -> None:
        here.server.publish("USD/CNH", 71_234, 150, 71_236, 250, now_ns(), 0)
        await here.inputs.until(lambda: here.inputs.quotes)
        assert here.inputs.quotes[0][:5] == (2, 71_234, 150, 71_236, 250)

    scenario(work)


def test_a_price_sent_again_is_not_a_quote():
    async def work(here: World) -> None:
        here.publish(19_000)
        await here.inputs.until(lambda: here.inputs.quotes)
        repeated = b"43=Y\x01122=20200101-00:00:00\x0155=CA\x01268=1\x01269=0\x01270=1\x01271=1\x01"
        server_says(here, b"W", repeated, MARKET_DATA)
        here.publish(19_001)
        await here.inputs.until(lambda: len(here.inputs.quotes) == 2)
        assert here.inputs.quotes[1][1] == 19_001

    scenario(work)


def test_a_malformed_position_is_no_answer_and_an_unlisted_contract_is_noted():
    async def work(here: World) -> None:
        body = b"721=1\x01710=OLD\x01727=1\x0155=%b\x01702=1\x01703=TQ\x01704=%b\x01"
        seen = len(here.inputs.positions)
        server_says(here, b"AP", body % (b"ZZ", b"1"))
        server_says(here, b"AP", body % (b"CA", b"one"))
        server_says(here, b"AP", body % (b"CA", b"9"))
        await here.inputs.until(lambda: len(here.inputs.positions) > seen)
        assert here.inputs.positions[-1].long_today == 9
        assert ["'ZZ'" in here.inputs.bad[0][0], "LME.CA size" in here.inputs.bad[1][0]] == [True, True]

    scenario(work)


SETTINGS = {"sender_comp_id": "A", "target_comp_id": "B", "host": "h", "md_port": 1, "order_port": 2}


def test_settings_and_instruments_that_cannot_work_are_errors():
    for wrong, what in (
        ({"heartbeat_s": 0}, "heartbeat_s"),
        ({"md_port": 0}, "md_port"),
        ({"reconnect_min_ms": 0}, "reconnect_min_ms"),
    ):
        with pytest.raises(ValueError, match=what):
            FixSettings(**SETTINGS | wrong)

    def venue(instruments: list[Instrument]) -> FixVenue:
        return FixVenue(0, FixSettings(**SETTINGS), instruments, Recorder(), now_ns)

    def changed(**values) -> Instrument:
        return Instrument(**{name: getattr(CU, name) for name in CU.__struct_fields__} | values)

    with pytest.raises(ValueError, match="close-today"):
        venue([changed(position_mode=LONG_SHORT_TODAY)])
    with pytest.raises(ValueError, match="listed twice"):
        venue([*INSTRUMENTS, changed(index=9, id="X")])
    with pytest.raises(ValueError, match="one account"):
        venue([CU, changed(index=9, symbol="ZZ", account=4)])
