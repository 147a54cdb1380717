"""Draws states of the gate in which most controls pass and every one of them fails now and then, in every scope."""

import random

from engine.instruments import INVERSE
from engine.records import COMPLETE, ENTRY, EXIT, HALTED, LEDGER_HEDGE, ONE_SIDED, REHEDGE, UNWIND
from engine.schema import NO_LIMIT, SELF_TRADES, UNSET
from tests.gate_aims import AIMS, FORGETTABLE, FORGETTABLE_METER, SECOND_NS
from tests.gate_group import MIDS, group_state
from tests.gate_world import AU, FX, GC, NOW_NS, decision_of, quote
from tests.twin_gate import Twin

PURPOSES = (ENTRY,) * 6 + (EXIT, EXIT, LEDGER_HEDGE, REHEDGE, UNWIND)
ORDERS = 64  # of the table's first rows
MAY_BE_NONE = {
    "max_order_micros", "max_gross_lots", "max_gross_micros", "max_net_micros", "max_loss_micros", "collar_ticks",
    "max_drawdown_micros", "max_units", "max_exposure_micros", "allocated_micros", "cap_units",
}  # fmt: skip
STEPS = (-1, -1, 0, 0, 1, 1, 2, 40)  # of a limit from what is observed
DISTURBED = (0, 1, 1, 1, 2, 2, 3, 5, 8)  # how many numbers of a state are brought near a level


class Shaker:
    """A state at a time, in the same block of memory."""

    def __init__(self, seed: int):
        self.draw = random.Random(seed)
        self.state = group_state()
        self.ends = int(self.state.head["at_order"])
        self.kept = self.state.block[: self.ends].copy()

    def seldom(self, odds: int = 12) -> bool:
        return self.draw.random() * odds < 1

    def step(self) -> int:
        return self.draw.choice(STEPS)

    def meter_row(self, probe, leg: int, kind: str):
        """The live row of the meter that the probe shows a copy of."""
        at = probe.account[probe.purse(leg)]["meter"] if kind == "account" else probe.contract(leg)[kind]
        return self.state.meter[at]

    def shake(self) -> None:
        """The next state, with its decision in the scratch row."""
        state = self.state
        state.block[: self.ends] = self.kept
        state.order["order_no"][:ORDERS] = state.deal["deal_id"][:16] = 0
        self._quotes()
        self._positions()
        self._sums()
        self._decision()
        self._full_tables()
        disturbed, forgets = self.draw.choice(DISTURBED), self.seldom(6)
        if not (disturbed or forgets):
            return
        probe = Twin(state, NOW_NS)
        if not probe.trading:
            return
        for _ in range(disturbed):
            self.draw.choice(AIMS[self.draw.randint(1, 28)])(self, probe, self.draw.choice(probe.trading))
        if forgets:
            self._forget(probe, self.draw.choice(probe.trading))

    def _quotes(self) -> None:
        draw, state = self.draw, self.state
        for at, mid in MIDS.items():
            bid = mid + draw.randint(-50, 50)
            quote(state, at, bid, bid + 1 if draw.randrange(40) else draw.choice((2, 4)), draw.randint(6, 40))
            row = state.book[at]
            row["recv_ns"] -= draw.choice((0, 0, 0, SECOND_NS, 2 * SECOND_NS))
            if not self.seldom(40):
                continue
            spoil = draw.randrange(6)
            if spoil == 0:
                row["blocked"] = 1 << draw.randrange(6)
            elif spoil == 1:
                row["updates"] = 0
            elif spoil == 2:
                row[draw.choice(("bid_lots", "ask_lots"))], row["blocked"] = 0, draw.choice((0, ONE_SIDED))
            elif spoil == 3:
                row[draw.choice(("bid_lots", "ask_lots"))] = draw.randint(1, 6)
            elif spoil == 4:
                row["flags"] = 1 << draw.randrange(5)
            else:
                state.venue[state.instrument[at]["venue"]]["heard_ns"][0] -= 3_000_000_000 + draw.randint(-1, 1)

    def _positions(self) -> None:
        """Lots of all kinds; promises to closes that the lots held and the orders working can bear out."""
        draw, state = self.draw, self.state
        mode, gc_mode = draw.randrange(3), draw.randrange(3)
        for at in MIDS:
            if at == FX:
                continue
            state.instrument[at]["position_mode"] = gc_mode if at == GC else mode
            row = state.position[at]
            if self.seldom(2):
                continue
            for short, working in (("short", "working_buy"), ("long", "working_sell")):  # what an order closes
                for day in ("today", "yesterday"):
                    held = row[f"{short}_{day}"] = draw.choice((0, 0, 1, 2, 4))
                    promised = row[f"closing_{short}_{day}"] = draw.randint(0, held)
                    row[working] += promised
                row[working] += draw.choice((0, 0, 0, 1, 3))
        row = state.instrument[AU]
        row["may_lock"] = draw.randrange(3) > 0
        row["fee_e7"], row["fee_today_e7"] = 230, draw.choice((0, 230, 689, 690, 691, 2_300))
        row["fee_today_micros"] = UNSET if self.seldom(30) else 0
        if self.seldom(8):
            row = state.instrument[GC]
            row["kind"], row["tick_micros"], row["fee_e7"] = INVERSE, 10**8, draw.randint(0, 9_999)

    def _sums(self) -> None:
        """What the accounts' positions are worth, as the engine keeps it, and marks that are missing."""
        draw = self.draw
        for row in self.state.account:
            row["gross_micros"] = draw.choice((0, draw.randint(0, 10**12)))
            row["net_micros"] = draw.choice((-1, 1)) * draw.randint(0, int(row["gross_micros"]))
            row["held_micros"], row["used_micros"] = (draw.choice((0, draw.randint(0, 10**11))) for _ in range(2))
            if self.seldom(60):
                row["unmarked"] = 1
        for row in self.state.strategy:
            row["position_units"] = draw.choice((0, 0, 1, -1, 2))
        for row in self.state.meter:
            if self.seldom(3):
                for name in ("used", "held", "reserved"):
                    row[name] = draw.choices(range(6), k=8)
                    row[name][SELF_TRADES] = name == "used" and draw.randint(0, 1)  # nothing holds one
            if self.seldom(12):
                row["large_lots"] = draw.randint(1, 6)

    def _decision(self) -> None:
        draw, state = self.draw, self.state
        side, purpose = draw.choice((1, -1)), draw.choice(PURPOSES)
        strategy = draw.choice((0, 0, 1, 2, 3))
        units = draw.choice((1, 1, 1, 2))
        decision = decision_of(state, purpose, side, units, draw.randint(0, 4), strategy)
        decision["executable"] = 6.0 - side * draw.uniform(0.12, 1.0)
        if self.seldom(80):
            decision["executable"] = draw.choice((float("nan"), float("inf")))
        legs = int(decision["legs"])
        if purpose == LEDGER_HEDGE:  # of one leg
            traded = draw.randrange(legs)
            for leg in range(legs):
                decision["lots"][leg] *= leg == traded
        if purpose in (REHEDGE, UNWIND) and self.seldom(2):
            decision["lots"][draw.randrange(legs)] = 0
        if self.seldom(20):
            decision["limit_ticks"][draw.randrange(legs)] += draw.choice((-200, 200, -20, 20))
        if self.seldom(60):
            decision[draw.choice(("limit_ticks", "ref_ticks", "lots"))][draw.randrange(legs)] = 0

    def _full_tables(self) -> None:
        draw, state = self.draw, self.state
        if self.seldom(60):
            state.order[draw.choice((draw.randint(1, 10), draw.randint(50, 62)))]["order_no"] = 1
        if self.seldom(60):
            row = state.deal[1]
            row["deal_id"] = 1 + len(state.deal) * draw.randint(0, 1)
            row["state"], row["outcome"] = draw.randint(0, 2), draw.choice((COMPLETE, HALTED))
            row["resolution"], row["orders"] = draw.randint(0, 3), draw.choice((0, 0, 1))

    def _forget(self, probe, leg: int) -> None:
        if self.seldom(5):
            row = self.meter_row(probe, leg, self.draw.choice(("contract", "contract", "account")))
            row[self.draw.choice(FORGETTABLE_METER)] = UNSET
            return
        row_of, field = self.draw.choice(FORGETTABLE)
        row_of(self, probe, leg)[field] = NO_LIMIT if field in MAY_BE_NONE and self.seldom(4) else UNSET
