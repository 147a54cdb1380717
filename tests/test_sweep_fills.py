"""The sweep's simulated venues, by hand: what trades when and at which price, what it costs, how a part fill ends."""

import msgspec
import numpy as np
import pytest

from desk.sweep_day import Day, Turn
from desk.sweep_fills import DECIDED, EVENT, FILLED, REPAIRED
from engine.ports import MARKET_DATA, READY
from engine.records import QUOTE, TIMER
from tests.sweep_world import LATENCY_MS, demo_config, swept
from tests.world import BEGIN_NS, MS

MARKET_NS = 1_794_964_000 * 1_000_000_000  # in the morning session of Shanghai
AU, GC, FX = range(3)
FAIR = round((1395.05 / 31.1034768 * 6.89605 + 6.0) / 0.02)  # of Shanghai's gold, in ticks, where the spread is 6.0


class Script:
    """A day written line by line: quotes and samples at a time in ms."""

    def __init__(self) -> None:
        self.rows: list[tuple] = []
        self.quote(0, FX, 68_960, lots=500).quote(0, GC, 13_950).quote(0, AU, FAIR)

    def quote(self, ms: float, instrument: int, bid: int, lots: int = 30, ask_lots: int | None = None) -> "Script":
        at_ns = BEGIN_NS + round(ms * MS)
        asked = lots if ask_lots is None else ask_lots
        self.rows.append((at_ns, QUOTE, instrument, bid, lots, bid + 1, asked, at_ns, 0, 0))
        return self

    def sample(self, ms: float) -> "Script":
        self.rows.append((BEGIN_NS + round(ms * MS), TIMER, *[0] * 8))
        return self

    def day(self) -> Day:
        start = {"epoch": 1, "config_hash": b"", "clock_base_ns": MARKET_NS, "clock_start_ns": BEGIN_NS,
                 "clock_speed_milli": 1000, "version": b""}  # fmt: skip
        turns = [Turn(0, BEGIN_NS, start=start)]
        turns += [Turn(0, BEGIN_NS, link=(venue, MARKET_DATA, READY)) for venue in range(2)]
        events = np.array(self.rows, EVENT)
        none = np.zeros(0, np.int64)
        return Day("a script", events, turns, none, none, MARKET_NS, len(self.rows), 0, True)


def played(script: Script, **strategy):
    repair_ticks = strategy.pop("repair_ticks", 1)
    config = demo_config(max_units=1, **strategy)
    (result,), log = swept(config, script.day(), repair_ticks=repair_ticks)
    return result, log


def trades(log) -> list[tuple]:
    """(kind, ms, leg, lots, ticks) of all fills."""
    rows = log[log["kind"] != DECIDED]
    return [(int(row["kind"]), (int(row["now_ns"]) - BEGIN_NS) / MS, *(int(row[name]) for name in
             ("leg", "lots", "ticks"))) for row in rows]  # fmt: skip


def dear(script: Script, ms: float, lots: int = 30) -> Script:
    """Shanghai's gold half a CNY a gram too dear: three lots are sold, one of COMEX is bought."""
    return script.quote(ms, AU, FAIR + 25, lots)


def test_a_leg_trades_at_the_touch_that_is_shown_when_it_arrives():
    script = dear(Script(), 10).quote(11, AU, FAIR + 26).quote(20, AU, FAIR + 26)
    result, log = played(script)
    assert trades(log) == [(FILLED, 10 + LATENCY_MS, 0, -3, FAIR + 26), (FILLED, 10 + LATENCY_MS, 1, 1, 13_951)]
    assert result["complete"] == 1 and result["fills"] == 2 and result["open"] == 0


def test_a_leg_beyond_its_limit_does_not_trade_and_a_deal_without_a_fill_is_not_done():
    script = dear(Script(), 10).quote(11, AU, FAIR - 3).quote(11, GC, 13_960).quote(30, AU, FAIR)
    result, log = played(script)
    assert trades(log) == []
    assert (result["not_done"], result["complete"], result["pnl_micros"]) == (1, 0, 0)


def test_the_deal_blocks_the_next_decision_until_both_answers_are_back():
    back = 10 + 2 * LATENCY_MS
    script = dear(Script(), 10).quote(back - 0.5, AU, FAIR).quote(back + 0.5, AU, FAIR).quote(60, AU, FAIR)
    result, log = played(script, cooldown_ms=0)
    decided = [int(row["now_ns"] - BEGIN_NS) / MS for row in log[(log["kind"] == DECIDED) & (log["leg"] == 0)]]
    assert decided == [10, back + 0.5]
    assert result["complete"] == 2


@pytest.mark.parametrize(("up", "outcome"), [(20, "finished"), (0, "unwound")])
def test_a_part_filled_deal_is_finished_or_undone_whichever_costs_less(up, outcome):
    """COMEX is gone when its order arrives; Shanghai has risen since, so that buying it back is dear, or has not."""
    script = dear(Script(), 10).quote(11, GC, 13_955).quote(14, AU, FAIR + 25 + up)
    for ms in (20, 30, 40):
        script.quote(ms, GC, 13_955)
    result, log = played(script, repair_ticks=2)
    first, *repairs = trades(log)
    assert first == (FILLED, 10 + LATENCY_MS, 0, -3, FAIR + 25)
    leg, lots, ticks = (1, 1, 13_956 + 2) if outcome == "finished" else (0, 3, FAIR + 26 + 2)
    assert repairs == [(REPAIRED, 10 + 3 * LATENCY_MS, leg, lots, ticks)]
    assert result[outcome] == 1 and result["complete"] == result["open"] == 0


def test_only_the_lots_shown_trade_and_the_rest_is_repaired_in_full():
    script = dear(Script(), 10).quote(11, AU, FAIR + 25, lots=2)
    for ms in (20, 30, 40):
        script.quote(ms, AU, FAIR + 25, lots=2)
    result, log = played(script)
    kinds = [(kind, leg, lots) for kind, _, leg, lots, _ in trades(log)]
    assert kinds == [(FILLED, 0, -2), (FILLED, 1, 1), (REPAIRED, 0, -1)]
    assert result["finished"] == 1


def test_a_repair_waits_while_nothing_is_shown():
    script = dear(Script(), 10).quote(11, GC, 13_955, lots=0).quote(40, GC, 13_955, lots=0).quote(50, GC, 13_955)
    script.quote(70, GC, 13_955)
    result, log = played(script)
    assert trades(log)[-1][0] == REPAIRED and trades(log)[-1][1] > 40
    assert result["open"] == 0 and result["finished"] == 1


def test_a_deal_that_the_day_cuts_off_stays_open():
    result, _ = played(dear(Script(), 10))
    assert result["open"] == 1 and result["fills"] == 0


def test_profit_is_what_was_paid_and_taken_less_every_fee():
    script = dear(Script(), 10).quote(200, AU, FAIR).quote(400, FX, 68_960, lots=500).sample(500)
    config = demo_config(max_units=1)
    result, log = played(script)
    at_home, abroad = config.instruments[AU], config.instruments[GC]
    cny = sum(-lots * ticks * 20 for _, _, leg, lots, ticks in trades(log) if leg == 0)  # 1,000 g at 0.02 CNY a tick
    usd = sum(-lots * ticks * 10 for _, _, leg, lots, ticks in trades(log) if leg == 1)  # 100 oz at 0.1 USD a tick
    cny -= 3 * (at_home.fee_per_lot + (at_home.fee_per_lot if at_home.close_today_fee_per_lot is None
                                       else at_home.close_today_fee_per_lot))  # fmt: skip
    usd -= 2 * abroad.fee_per_lot
    rate = 6.8960 if usd > 0 else 6.8961
    assert len(trades(log)) == 4
    assert result["pnl_micros"] == pytest.approx((cny + usd * rate) * 1e6, abs=2)
    assert (result["trips"], result["hits"]) == (1, 1)
    assert result["pnl_micros"] > 0


def test_what_our_own_orders_went_for_is_not_counted_on_again_before_the_next_quote():
    """Four lots shown, three gone for: no second unit until Shanghai quotes again."""
    script = dear(Script(), 10, lots=4)
    for ms in range(20, 60, 10):
        script.quote(ms, GC, 13_950)
    config = demo_config(max_units=3, cooldown_ms=0)
    (result,), _ = swept(config, script.day())
    assert result["decisions"] == 1
    (result,), _ = swept(config, dear(script, 70, lots=4).day())
    assert result["decisions"] == 2


def test_sets_do_not_feel_each_other():
    """The same set alone and among others: the same result."""
    script = Script()
    for step in range(60):
        script.quote(20 + 20 * step, AU, FAIR + (25 if step // 3 % 2 else 0), lots=4 + step % 3)
        script.quote(30 + 20 * step, GC, 13_950 + step % 2, lots=2)
    one = demo_config(max_units=2, cooldown_ms=0)

    sets = [msgspec.structs.replace(one.strategies[0], entry=entry) for entry in (0.2, 0.3, 0.4, 0.45)]
    together, _ = swept(one, script.day(), sets)
    alone = [swept(one, script.day(), [each])[0][0] for each in sets]
    assert together == alone
    assert len({row["decisions"] for row in together}) > 0 and together[0]["decisions"] > 3
