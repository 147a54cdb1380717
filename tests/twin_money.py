"""The gate's twin, continued: naked time, losses, positions, exposure, margin, pools."""

import math
from fractions import Fraction

from engine.schema import NO_LIMIT, UNSET
from tests.twin_rows import Rows, known, total

_MS = 1_000_000


class Money(Rows):
    """27, 18, 15, 16, 17, 28."""

    def c27(self):
        if not self.entry:
            self.say(27, self.head["unbalanced_deals"], self.head["unbalanced_deals"], False)
            return
        self.at_most(27, self.head["unbalanced_deals"], self.head["max_unbalanced"])
        self.at_most(27, self.plan["unbalanced"], self.plan["max_unbalanced"])
        for row in (self.head, self.plan):
            limit = row["max_naked_ns"]
            self.at_most(27, row["naked_ns"] // _MS, limit if limit in (UNSET, NO_LIMIT) else limit // _MS)

    def c18(self):
        if not self.entry:
            pnl = known(self.plan["pnl_micros"])
            loss = 0 if pnl is None else max(-pnl, 0)
            self.say(18, loss, loss, False)
            return
        for row in [self.plan, *(self.account[self.purse(leg)] for leg in self.every), self.head]:
            pnl, peak = known(row["pnl_micros"]), known(row["peak_micros"])
            self.at_most(18, None if pnl is None else max(-pnl, 0), row["max_loss_micros"])
            self.at_most(18, None if None in (pnl, peak) else max(peak - pnl, 0), row["max_drawdown_micros"])

    # 15
    def c15(self):
        for leg in self.every:
            self._lots_looks(leg)
        if not self.entry:
            return
        self._unit_looks()
        for leg in self.every:
            row, of = self.account[self.purse(leg)], self.purse(leg)
            gross, net = (None if row["unmarked"] else row[name] for name in ("gross_micros", "net_micros"))
            self._gross(gross, self._added(of, self.opening_value), row)
            after = total([net, self._added(of, self.signed_value)])
            self._net(15, row["net_micros"], after, row["max_net_micros"])
            self._market_looks(self.region(leg))

    def _added(self, account: int, value_of):
        """What the decision adds to an account, at its limit prices."""
        return total(value_of(leg) for leg in self.trading if self.purse(leg) == account)

    def _market_looks(self, region: int) -> None:
        """All accounts of a market, each converted into the reporting currency before and after the decision."""
        here = [at for at, row in enumerate(self.account) if self.venue[row["venue"]]["market"] == region]
        gross = total(self._converted(at, "gross_micros", self._added(at, self.opening_value)) for at in here)
        before = total(self._converted(at, "net_micros", 0) for at in here)
        after = total(self._converted(at, "net_micros", self._added(at, self.signed_value)) for at in here)
        row = self.market[region]
        self.at_most(15, gross, row["max_gross_micros"])
        self._net(15, None if after is None else before, after, row["max_net_micros"])

    def _converted(self, at: int, name: str, added):
        row = self.account[at]
        return None if row["unmarked"] else self.reporting(row["currency"], total([row[name], added]))

    def _lots_looks(self, leg: int) -> None:
        row, lots, limit = self.held(leg), self.lots(leg), self.contract(leg)["max_position_lots"]
        net = row["long_today"] + row["long_yesterday"] - row["short_today"] - row["short_yesterday"]
        worst = net + row["working_buy"] + lots if lots > 0 else row["working_sell"] - net - lots
        self.at_most(15, max(worst, 0), limit)
        if lots and self.opening(leg):
            at = self.d["instrument"][leg]
            gross = self.side_lots(at, True) + self.side_lots(at, False) + self.opening(leg)
            self.at_most(15, gross, self.contract(leg)["max_gross_lots"])

    def _unit_looks(self) -> None:
        more = self.d["side"] * self.d["units"]
        caps = known(self.plan["max_units"]), known(self.plan["cap_units"])
        self.at_most(15, abs(self.plan["position_units"] + more), None if None in caps else min(caps))
        others = [row["position_units"] for row in self.strategy if row["spread"] == self.d["spread"]]
        self.at_most(15, abs(sum(others) + more), self.relation["max_units"])

    def _gross(self, before, added, row: dict) -> None:
        self.at_most(15, total([before, added]), row["max_gross_micros"])

    def _net(self, number: int, before, after, limit) -> None:
        """Against the limit; what is brought back towards 0 passes, however far out it was."""
        limit = known(limit)
        if None not in (before, limit):
            limit = max(limit, abs(before))
        self.at_most(number, None if after is None else abs(after), limit)

    def _reported(self, leg: int, micros):
        return self.reporting(self.account[self.purse(leg)]["currency"], micros)

    # 16 and 17
    def _use(self, at: int):
        """What an account would have held and used, in its currency; not known where a position has no mark."""
        row = self.account[at]
        if row["unmarked"]:
            return None
        holds = [self.hold(leg) for leg in self.every if self.purse(leg) == at]
        return total([row["held_micros"], row["used_micros"], *holds])

    def c16(self):
        for leg in self.every:
            row = self.account[self.purse(leg)]
            use = self._use(self.purse(leg))
            if self.exit and not any(self.opening(other) for other in self.every):
                self.say(16, use or 0, use or 0, False)
                continue
            self.at_most(16, use, row["capital_micros"])

    def c17(self):
        for leg in self.every:
            row = self.account[self.purse(leg)]
            pool = self.pool[row["pool"]]
            capital = known(pool["capital_micros"])
            if self.exit and not any(self.opening(other) for other in self.every):
                self._only_seen(row["pool"], None if capital is None else capital - pool["transit_micros"])
                continue
            self._levels(pool, self._pool_use(row["pool"]),
                         None if capital is None else capital - pool["transit_micros"])  # fmt: skip
            self._levels(row, self._use(self.purse(leg)), known(row["capital_micros"]))
        if self.entry:
            holds = [self._reported(leg, self.hold(leg)) for leg in self.every]
            self.at_most(17, total([known(self.plan["pool_used_micros"]), *holds]), self.plan["allocated_micros"])

    def _only_seen(self, pool: int, capital) -> None:
        """What is used, without the decision, which uses nothing."""
        there = [None if row["unmarked"] else self.reporting(row["currency"], row["held_micros"] + row["used_micros"])
                 for row in self.account if row["pool"] == pool]  # fmt: skip
        bps = 0
        if total(there) is not None and capital is not None:
            bps = math.ceil(Fraction(total(there), max(capital // 10_000, 1))) if capital > 0 else 10_000_000
        self.say(17, bps, bps, False)

    def _pool_use(self, pool: int):
        there = [None if row["unmarked"] else self.reporting(row["currency"], row["held_micros"] + row["used_micros"])
                 for row in self.account if row["pool"] == pool]  # fmt: skip
        holds = [self._reported(leg, self.hold(leg)) for leg in self.every
                 if self.account[self.purse(leg)]["pool"] == pool]  # fmt: skip
        return total(there + holds)

    def _levels(self, row: dict, use, capital) -> None:
        limit = row["soft_bps" if self.entry else "hard_bps"]
        if use is None or capital is None:
            self.say(17, None, limit, True)
            return
        bps = math.ceil(Fraction(use, max(capital // 10_000, 1))) if capital > 0 else 10_000_000
        soft, hard = bps >= row["soft_bps"], bps >= row["hard_bps"]
        # Soft denies an entry; hard denies what opens; what only reduces is let through, and told.
        denied = (hard and not self.exit) or (soft and self.entry)
        self.say(17, bps, limit, denied, soft or hard or bps >= row["warn_bps"])

    def c28(self):
        left, before = sum(self.lots(leg) * self.relation["hedge_ubase"][leg] for leg in self.every), self.relation
        self._net(28, before["residual_ubase"], before["residual_ubase"] + left, before["ledger_bound_ubase"])
        for leg in self.every:
            currency = self.contract(leg)["currency"]
            there = [at for at, row in enumerate(self.account) if row["currency"] == currency]
            marked = not any(self.account[at]["unmarked"] for at in there)
            net = sum(self.account[at]["net_micros"] for at in there) if marked else None
            after = total([net, *(self._added(at, self.signed_value) for at in there)])
            self._net(28, None if after is None else net, after, self.currency[currency]["max_exposure_micros"])
