"""Raising and reducing: no sequence of openings can make a repair inadmissible.

A seeded search through the real gate, tables and orders: several strategies open, hedge and exit in five contracts,
quotas run out, tables fill, buckets are empty, capital is used up, people and losses stop what they can. After every
few steps each leg of each open deal is repaired both ways, at every price that collar and band allow, and the gate must
clear it. What the market does (prices, sessions, stale data) is kept good, since it is no opening; our own orders in
the way are taken for cancelled, as the engine does first (`engine.legs.make_way`).
"""

import random
from collections import Counter
from functools import cache

import pytest

from engine.deals import close_deal
from engine.journal import MemoryJournal
from engine.positions import book_lots, keep_working
from engine.records import CLOSED, COMPLETE, ENTRY, EXIT, LEDGER_HEDGE, REHEDGE, UNWIND
from engine.schema import CANCELLED, FILLED, HALTED, NO_LIMIT, REDUCE_ONLY, UNSET
from tests.gate_group import MIDS, group_state
from tests.gate_world import NOW_NS, decide, decision_of, judge

ORDER_ROWS, DEAL_ROWS = 64, 16
STEPS = 400
MS = 1_000_000
BAND_TICKS = 40
SEEDS = range(8)


# What can run short: as it is when there is enough, and then as it is when there is not.
SHORT = (
    ("venue", "tokens", (10**9, 0, -(10**6))), ("account", "tokens", (10**9, 0)), ("strategy", "tokens", (10**9, 0)),
    ("account", "capital_micros", (10**14, 10**9, UNSET)), ("pool", "capital_micros", (10**14, 0, 10**12)),
    ("account", "drifts", (0, 1)), ("account", "unmarked", (0, 1)), ("strategy", "pnl_micros", (0, UNSET)),
    ("strategy", "unbalanced", (0, 2)), ("instrument", "permitted", (1, 0)), ("venue", "in_doubt", (0, 2)),
    ("instrument", "max_working_orders", (50, 3)), ("account", "max_working_orders", (60, 9)),
    ("strategy", "switch", (0, REDUCE_ONLY, HALTED)), ("venue", "switch", (0, HALTED)),
    ("market", "switch", (0, HALTED)), ("spread", "max_units", (NO_LIMIT, 1)),
    ("strategy", "allocated_micros", (NO_LIMIT, 10**6)), ("currency", "max_exposure_micros", (NO_LIMIT, 10**9, UNSET)),
    ("strategy", "max_loss_micros", (10**15, 0, UNSET)), ("instrument", "max_gross_lots", (NO_LIMIT, 2)),
)  # fmt: skip


class Trader:
    """Opens as much as it is let, while everything that can run out does."""

    def __init__(self, seed: int):
        self.draw, self.now_ns = random.Random(seed), NOW_NS
        self.journal = MemoryJournal(1 << 22)
        self.state = state = group_state((ORDER_ROWS, DEAL_ROWS))
        state.strategy["max_units"], state.instrument["max_position_lots"] = 50, 200
        state.strategy["execution_window_ns"] = 600 * MS
        state.instrument["banded"] = 1
        for at, mid in MIDS.items():
            state.instrument[at]["lower_limit_ticks"] = mid - BAND_TICKS
            state.instrument[at]["upper_limit_ticks"] = mid + BAND_TICKS
        self.reasons: Counter[int] = Counter()
        self.opened = self.repairs = 0

    def pass_time(self) -> None:
        self.now_ns += self.draw.randint(1, 60) * MS
        self.state.book["recv_ns"] = self.state.venue["heard_ns"] = self.now_ns
        self.state.book["taken_bid_lots"] = self.state.book["taken_ask_lots"] = 0

    def open(self) -> None:
        draw, state = self.draw, self.state
        purpose, side = draw.choice((ENTRY, ENTRY, ENTRY, EXIT, LEDGER_HEDGE)), draw.choice((1, -1))
        decision = decision_of(state, purpose, side, draw.randint(1, 2), draw.randint(0, 3), draw.randrange(4))
        decision["executable"] = 6.0 - side * 0.5
        decision["deadline_ns"] = self.now_ns + 2_000 * MS
        if purpose == LEDGER_HEDGE:
            kept = draw.randrange(int(decision["legs"]))
            for leg in range(int(decision["legs"])):
                decision["lots"][leg] *= leg == kept
        self.opened += bool(decide(state, self.journal, self.now_ns))
        self.reasons[int(state.scratch["verdict"]["reason"])] += 1

    def run_out(self) -> None:
        """All is there again; or one or two things have run out, are stopped or not known."""
        draw, state = self.draw, self.state
        for table, name, numbers in SHORT:
            getattr(state, table)[name] = numbers[0]
        state.meter["used"] = 0
        state.head["pnl_micros"] = state.head["switch"] = 0
        for _ in range(draw.choice((0, 1, 1, 2))):
            what = draw.randrange(len(SHORT) + 4)
            if what < len(SHORT):
                table, name, numbers = SHORT[what]
                rows = getattr(state, table)
                rows[draw.randrange(len(rows))][name] = draw.choice(numbers[1:])
            elif what == len(SHORT):
                state.head["pnl_micros"] = -(10**15)
            elif what == len(SHORT) + 1:
                state.head["switch"] = draw.choice((REDUCE_ONLY, HALTED))
            else:
                self._use_up(state.meter[draw.randrange(len(state.meter))], draw.randrange(7))

    def _use_up(self, row, quota: int) -> None:
        """A quota of a day is used up but for a few."""
        if row["limit"][quota] == NO_LIMIT:
            row["limit"][quota] = 60
        row["used"][quota] = row["limit"][quota] - self.draw.choice((0, 0, 10, 30))

    def end_orders(self) -> None:
        """Some orders end, filled or not, and are settled; others stay alive for long, as orders in doubt do."""
        for slot in range(ORDER_ROWS):
            row = self.state.order[slot]
            stays = 20 if row["order_no"] % 8 == 1 else 2
            if not row["order_no"] or row["settled"] or self.draw.randrange(stays):
                continue
            filled = int(row["lots"]) * self.draw.randrange(2)
            book_lots(self.state.address, slot, filled)
            keep_working(self.state.address, slot, 0)
            row["cum_lots"] = row["booked_lots"] = filled
            row["state"], row["settled"] = FILLED if filled else CANCELLED, 1
            self.state.head["live_orders"] -= 1
            self.state.account[self.state.instrument[row["instrument"]]["account"]]["live_orders"] -= 1
            self.state.instrument[row["instrument"]]["live_orders"] -= 1
        self._refresh_own()

    def _refresh_own(self) -> None:
        """The best limits of our own live orders."""
        self.state.position["own_bid_ticks"] = self.state.position["own_ask_ticks"] = UNSET
        for row in self.state.order:
            if row["order_no"] and not row["settled"]:
                position, price = self.state.position[row["instrument"]], int(row["limit_ticks"])
                name, better = ("own_bid_ticks", max) if row["side"] > 0 else ("own_ask_ticks", min)
                position[name] = price if position[name] == UNSET else better(price, int(position[name]))

    def close_deals(self) -> None:
        """Deals that nothing is alive of any more are over."""
        alive = {int(row["deal_id"]) for row in self.state.order if row["order_no"] and not row["settled"]}
        for deal in self.open_deals():
            if int(deal["deal_id"]) not in alive:
                close_deal(self.state, deal, COMPLETE, 0, int(deal["units"]), self.now_ns)

    # repairs
    def open_deals(self) -> list:
        return [row for row in self.state.deal if row["deal_id"] and row["state"] != CLOSED]

    def expect_repairs(self) -> None:
        for deal in self.open_deals():
            for leg in range(int(deal["legs"])):
                most = abs(int(deal["target_lots"][leg])) or 1
                for side in (1, -1):
                    for lots in {1, most}:
                        self._expect_repair(deal, leg, side * lots)

    def _expect_repair(self, deal, leg: int, lots: int) -> None:
        at = int(deal["instrument"][leg])
        ways = self._clear_way(at, lots)
        for limit in self._prices(at, lots):
            self._write_repair(deal, leg, lots, limit)
            verdict = judge(self.state, self.now_ns)
            self.repairs += 1
            assert verdict["cleared"], f"repair of leg {leg} denied by control {verdict['reason']}"
        for position, name, own in ways:
            position[name] = own

    def _clear_way(self, at: int, lots: int) -> list:
        """Our own orders of the contract on the other side are cancelled before a repair is sent."""
        name, contract = "own_ask_ticks" if lots > 0 else "own_bid_ticks", self.state.instrument[at]["contract"]
        rows = [
            self.state.position[one] for one, row in enumerate(self.state.instrument) if row["contract"] == contract
        ]
        before = [(row, name, int(row[name])) for row in rows]
        for row in rows:
            row[name] = UNSET
        return before

    def _prices(self, at: int, lots: int) -> list[int]:
        """The touch, and as far beyond it as collar and band allow."""
        book, row, side = self.state.book[at], self.state.instrument[at], 1 if lots > 0 else -1
        touch, twice_mid = (
            int(book["ask_ticks" if lots > 0 else "bid_ticks"]),
            int(book["bid_ticks"] + book["ask_ticks"]),
        )
        collar = (twice_mid + side * (twice_mid * int(row["collar_bps"]) // 10_000)) // 2
        band = int(row["upper_limit_ticks" if lots > 0 else "lower_limit_ticks"])
        return [touch, min(collar, band) if lots > 0 else max(collar + 1, band)]

    def _write_repair(self, deal, leg: int, lots: int, limit: int) -> None:
        decision = self.state.scratch["decision"][0]
        for name in ("deal_id", "strategy", "spread", "side", "units", "legs"):
            decision[name] = deal[name]
        decision["decision_id"] = self.state.head["decision_counter"] + 1
        decision["purpose"] = self.draw.choice((REHEDGE, UNWIND))
        for number in range(int(deal["legs"])):
            decision["instrument"][number], decision["lots"][number] = deal["instrument"][number], 0
        decision["lots"][leg], decision["limit_ticks"][leg] = lots, limit
        decision["ref_ticks"][leg] = limit


@cache
def run(seed: int) -> Trader:
    trader = Trader(seed)
    turns = (trader.open,) * 8 + (trader.run_out,) + (trader.end_orders,) * 2 + (trader.close_deals,) * 2
    for step in range(STEPS):
        trader.pass_time()
        trader.draw.choice(turns)()
        if step % 4 == 3:
            trader.expect_repairs()
    return trader


@pytest.mark.parametrize("seed", SEEDS)
def test_no_sequence_of_openings_makes_a_repair_inadmissible(seed):
    trader = run(seed)
    assert trader.opened > 5
    assert trader.repairs > 1_000


def test_the_search_runs_into_what_it_is_about():
    """Its openings are stopped by nearly everything that can stop one, and go on where nothing does; more than once
    round the table of orders."""
    traders = [run(seed) for seed in SEEDS]
    assert sum((trader.reasons for trader in traders), Counter()).keys() >= {
        0, 6, 7, 11, 12, 15, 16, 17, 18, 24, 25, 26, 28
    }  # fmt: skip
    assert sum(trader.state.head["order_counter"] > ORDER_ROWS for trader in traders) > len(SEEDS) // 2
