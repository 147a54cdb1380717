"""The fault script: what it reads and refuses, and that each fault does what it says, on a clock moved by hand."""

import pytest

from adapters.sim.faults import DOS, WIRE_FAULTS, read_faults
from engine.ports import BUY, DAY, SELL, Event
from tests.sim_world import MS, World, order, quote

FILLED = [("ACK", 0, 4), ("TRADE", 4, 0)]


def buy(client_id: str, lots: int = 4, **more: object):
    return order(client_id, BUY, lots, 101, **more)


def test_without_faults_an_order_is_told_as_it_went():
    world = World()
    world.send(buy("1"))
    assert world.told("1") == FILLED


def test_reject_refuses_with_its_text_and_only_that_order():
    world = World([{"do": "reject", "at_order": 2, "reason": "risk desk says no"}])
    world.send(buy("1"), buy("2"), buy("3"))
    assert [world.told(name)[-1][0] for name in "123"] == ["TRADE", "REJECTED", "TRADE"]
    assert world.server.reports[2][1].reason == "risk desk says no"


def test_partial_fills_so_many_lots_and_cancels_the_rest():
    world = World([{"do": "partial", "at_order": 1, "lots": 3}])
    world.send(buy("1", tif=DAY))
    assert world.told("1") == [("ACK", 0, 4), ("TRADE", 3, 1), ("CANCELLED", 3, 0)]


def test_nofill_misses_what_was_there():
    world = World([{"do": "nofill", "at_order": 1}])
    world.send(buy("1"))
    assert world.told("1") == [("ACK", 0, 4), ("CANCELLED", 0, 0)]


def test_drop_ack_tells_the_trade_only():
    world = World([{"do": "drop_ack", "at_order": 1}])
    world.send(buy("1"))
    assert world.told("1") == FILLED[1:]


def test_drop_reports_acts_and_tells_nothing_but_answers_a_query():
    world = World([{"do": "drop_reports", "at_order": 1}])
    world.send(buy("1", lots=12, tif=DAY))
    world.exchange.cancel("ann", "1", "c", world.now_ns)
    world.run(world.now_ns + MS)
    assert world.told("1") == []
    assert [trade.last_lots for trade in world.matching.trades("ann")] == [10]
    world.exchange.query("ann", "1", "q", world.now_ns)
    world.run(world.now_ns + MS)
    assert world.told("1") == [("DONE", 10, 0)]


def test_delay_ms_delays_that_orders_reports():
    world = World([{"do": "delay_ms", "at_order": 1, "ms": 70}], report_ns=5 * MS)
    world.send(buy("1"), buy("2"))
    assert world.told_at("1") == [75 * MS] * 2
    assert world.told_at("2") == [5 * MS] * 2
    assert world.told("1") == FILLED


def test_duplicate_tells_every_report_twice():
    world = World([{"do": "duplicate", "at_order": 1}])
    world.send(buy("1"))
    assert world.told("1") == [FILLED[0], FILLED[0], FILLED[1], FILLED[1]]
    assert len(world.matching.trades("ann")) == 1


def test_trade_before_ack():
    world = World([{"do": "trade_before_ack", "at_order": 1}])
    world.send(buy("1"))
    assert world.told("1") == FILLED[::-1]


def test_terminal_before_trade_has_the_full_quantity():
    world = World([{"do": "terminal_before_trade", "every": 1}])
    world.send(buy("1"))
    world.send(buy("2", lots=8))
    assert world.told("1") == [("ACK", 0, 4), ("DONE", 4, 0), ("TRADE", 4, 0)]
    assert world.told("2") == [("ACK", 0, 8), ("CANCELLED", 6, 0), ("TRADE", 6, 0)]
    assert world.server.reports[1][1].trade_id == ""


def test_a_resting_order_is_tampered_with_when_it_fills():
    world = World(
        [{"do": "terminal_before_trade", "at_order": 1}],
        quotes=(quote(100, 10, 101, 10), quote(99, 10, 100, 10, at_ns=50 * MS)),
    )
    world.send(order("1", BUY, 4, 100, DAY))
    assert world.told("1") == [("ACK", 0, 4), ("DONE", 4, 0), ("TRADE", 4, 0)]


def test_late_fill_comes_after_the_cancel():
    world = World([{"do": "late_fill_ms", "at_order": 1, "ms": 40}])
    world.send(buy("1", lots=12, tif=DAY))
    assert world.told("1") == [("ACK", 0, 12), ("CANCELLED", 0, 0), ("TRADE", 10, 0)]
    assert world.told_at("1") == [0, 0, 40 * MS]


def test_a_foreign_order_appears_on_the_clients_account():
    world = World([{"do": "foreign_order", "at_order": 1, "lots": 2}])
    world.send(buy("1"))
    assert world.told("FOREIGN1") == [("ACK", 0, 2), ("TRADE", 2, 0)]
    assert {report.order.owner for _, report in world.server.reports} == {"ann"}
    assert world.matching.positions("ann")[0].long_today == 6


def test_a_foreign_order_at_a_moment_trades_the_first_clients_account():
    world = World([{"do": "foreign_order", "at_s": 0.05, "symbol": "NET", "side": "SELL"}])
    world.run(49 * MS)
    assert world.server.reports == []
    world.run(50 * MS)
    assert world.told("FOREIGN1") == [("ACK", 0, 1), ("TRADE", 1, 0)]
    assert world.matching.positions("ann")[0].short_today == 1


@pytest.mark.parametrize("do", [do for do in WIRE_FAULTS if do != "gap"])
def test_wire_faults_go_to_the_server_and_the_order_is_not_lost(do):
    world = World([{"do": do, "at_order": 1}], entry_ns=3 * MS)
    world.send(buy("1"))
    assert world.server.injected == [(3 * MS, do)]
    assert world.told("1") == FILLED
    assert world.exchange.fired == [(3 * MS, f"{do} 1")]


def test_a_wire_fault_that_the_server_cannot_do_is_an_error_and_the_order_is_not_lost():
    world = World([{"do": "gap", "at_order": 1}])
    world.exchange.submit(buy("1"), 0)
    with pytest.raises(ValueError, match="numbers nothing"):
        world.run(0)
    world.run(MS)
    assert world.told("1") == FILLED


def test_at_quote_counts_the_quotes_of_its_symbol():
    played = tuple(
        quote(100, 10, 101, 10, symbol, at_ns=n * MS) for n, symbol in enumerate(("NET", "LS", "LS", "NET", "LS"))
    )
    world = World([{"do": "silence", "at_quote": 2, "symbol": "LS"}], quotes=played)
    world.run(10 * MS)
    assert world.server.injected == [(2 * MS, "silence")]


def test_an_orders_fault_with_a_moment_waits_for_the_next_order_that_fits():
    world = World([{"do": "nofill", "at_s": 0.01, "side": "SELL"}])
    world.run(10 * MS)
    world.send(buy("1"), order("2", SELL, 1, 100), order("3", SELL, 1, 100))
    assert [world.told(name)[-1][0] for name in "123"] == ["TRADE", "CANCELLED", "TRADE"]


@pytest.mark.parametrize(
    ("trigger", "hit"),
    [
        ({"at_order": 2}, "2"),
        ({"at_order": 2, "every": 2}, "24"),
        ({"every": 3}, "3"),
        ({"every": 2, "side": "SELL"}, "5"),
        ({"nth": 2, "symbol": "LS"}, "4"),
        ({"at_order": 1, "side": "SELL"}, ""),
    ],
)
def test_triggers_count_as_they_say(trigger, hit):
    world = World([{"do": "reject", **trigger}])
    symbols, sides = ("NET", "LS", "NET", "LS", "NET"), (BUY, BUY, SELL, BUY, SELL)
    for name, symbol, side in zip("12345", symbols, sides, strict=True):
        world.send(order(name, side, 1, 100, symbol=symbol))
    rejected = {r.order.client_id for _, r in world.server.reports if r.event == Event.REJECTED}
    assert rejected == set(hit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[[fault]]\ndo = "reject"\nat_ordr = 1', "fault 1: unknown key 'at_ordr'; nearest is 'at_order'"),
        ('[[fault]]\ndo = "rejct"\nat_order = 1', "do = 'rejct'; nearest is 'reject'"),
        ('[[fault]]\ndo = "reject"\nevery = 1\nside = "SEL"', "side = 'SEL'; nearest is 'SELL'"),
        ('[[fault]]\ndo = "reject"', "expected one of at_order, nth, at_quote, at_s, or every alone; got none"),
        ('[[fault]]\ndo = "reject"\nat_order = 1\nat_s = 2', "got at_order, at_s"),
        ('[[fault]]\ndo = "reject"\nat_order = 0', "at_order = 0: too small"),
        ('[[fault]]\ndo = "reject"\nat_order = "1"', "Expected `int | null`, got `str`"),
        ('[[fault]]\ndo = "reject"\nnth = 1', "symbol is missing"),
        ('[[fault]]\ndo = "partial"\nat_order = 1', "do = 'partial' needs lots"),
        ('[[fault]]\ndo = "nofill"\nat_order = 1\nms = 3', "ms has no meaning for do = 'nofill'"),
        ('[[fault]]\ndo = "delay_ms"\nat_order = 1\nms = 0', "ms must be above 0"),
        ('[[fault]]\ndo = "foreign_order"\nat_s = 1', "needs a symbol"),
        ('[[fault]]\ndo = "silence"\nat_s = 1\nevery = 2', "does not go with at_s"),
        ('[[faults]]\ndo = "silence"', "unknown key 'faults'"),
        ("fault = 3", "an array of tables"),
        ("fault", "Expected '=' after a key"),
    ],
)
def test_a_wrong_script_is_an_error_that_names_the_place(tmp_path, text, expected):
    path = tmp_path / "faults.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"faults\.toml") as error:
        read_faults(path)
    assert expected in str(error.value)


def test_a_right_script_is_read(tmp_path):
    path = tmp_path / "faults.toml"
    more = {"partial": "lots = 2", "delay_ms": "ms = 5", "late_fill_ms": "ms = 1.5"}
    path.write_text("\n".join(f'[[fault]]\ndo = "{do}"\nevery = 7\n{more.get(do, "")}' for do in DOS))
    assert [fault.do for fault in read_faults(path)] == list(DOS)
