"""The gate's twin, continued: what is counted through a trading day, by contract, product and account."""

import math
from fractions import Fraction

from engine.schema import (
    CANCELS,
    FREQUENT,
    LARGE,
    MESSAGES,
    NO_LIMIT,
    OPENED_LOTS,
    ORDERS,
    SELF_TRADES,
    TRADES,
    UNSET,
)
from tests.twin_rows import Rows

_SLICES = 3


class Meters(Rows):
    """8, 9, 10, 11, 12, 19."""

    def meter_of(self, leg: int, kind: str) -> dict | None:
        """The meter of a leg's contract, product or account; None where there is none."""
        at = self.account[self.purse(leg)]["meter"] if kind == "account" else self.contract(leg)[kind]
        return self.meter[at] if at >= 0 else None

    def wanted(self, meter: dict, kind: str, quota: int):
        """What all legs that share a meter may use of one of its quotas."""
        return sum(self._wanted_by(leg, meter, quota) for leg in self.trading if self.meter_of(leg, kind) is meter)

    def _wanted_by(self, leg: int, meter: dict, quota: int):
        tries, lots = _SLICES + self.plan["repair_tries"], abs(self.lots(leg))
        if quota in (ORDERS, CANCELS, FREQUENT):
            return tries
        if quota == MESSAGES:
            return 2 * tries
        if quota == TRADES:
            return 2 * lots
        if quota == OPENED_LOTS:
            return self.opening(leg) + lots
        return tries if lots >= meter["large_lots"] else 0

    def after(self, meter: dict, kind: str, quota: int):
        """The day's count with this decision: done, held by what is alive, reserved for repairs, wanted now."""
        before = meter["used"][quota] + meter["held"][quota] + meter["reserved"][quota]
        wanted = 1 if quota == SELF_TRADES else self.wanted(meter, kind, quota)
        return before + wanted

    def bound(self, meter: dict, quota: int):
        """The limit, less what an opening may not touch."""
        limit = meter["limit"][quota]
        return limit if limit in (UNSET, NO_LIMIT) or self.exit else limit - meter["reserve"][quota]

    def count(self, number: int, leg: int, kind: str, quota: int) -> None:
        """A look at one quota; missing where nobody has stated what counts, or what the exchange's rules are."""
        meter = self.meter_of(leg, kind)
        stated = {FREQUENT: "ioc_counts", LARGE: "large_lots"}.get(quota)
        if meter is None or (stated and meter[stated] == UNSET):
            self.say(number, None, None, True)
            return
        self.at_most(number, self.after(meter, kind, quota), self.bound(meter, quota))

    def c8(self):
        for leg in self.trading:
            for quota in (ORDERS, CANCELS, TRADES):
                for kind in ("contract", "account"):
                    self.count(8, leg, kind, quota)

    def c9(self):
        for leg in self.trading:
            self.count(9, leg, "contract", FREQUENT)

    def c10(self):
        for leg in self.trading:
            self.count(10, leg, "contract", LARGE)

    def c11(self):
        for leg in self.trading:
            self.at_most(11, self.crossed(leg), 0)
            if not self.repair:
                self.count(11, leg, "contract", SELF_TRADES)

    def crossed(self, leg: int) -> int:
        """Ticks by which the limit price meets the best of our own orders of the contract, in whatever account."""
        price = self.limit(leg)
        own = [self.position[at]["own_ask_ticks" if self.buys(leg) else "own_bid_ticks"] for at in self.same(leg)]
        return max([abs(price - one) + 1 for one in own if one != UNSET and self.meets(leg, price, one)], default=0)

    def meets(self, leg: int, price: int, own: int) -> bool:
        return price >= own if self.buys(leg) else price <= own

    def same(self, leg: int, kind: str = "contract") -> list[int]:
        """The instruments of the leg's contract or product, in all accounts of its group; itself among them."""
        mine = self.d["instrument"][leg]
        meter = self.instrument[mine][kind]
        return [at for at, row in enumerate(self.instrument) if at == mine or (row[kind] == meter and meter >= 0)]

    def c12(self):
        for leg in self.trading:
            self.count(12, leg, "contract", OPENED_LOTS)
            product = self.meter_of(leg, "product")
            if product is not None:
                self.count(12, leg, "product", OPENED_LOTS)
            if not self.opening(leg):
                continue
            for kind in ("contract", "product") if product is not None else ("contract",):
                self._position_limit(leg, kind)

    def _position_limit(self, leg: int, kind: str) -> None:
        meter = self.meter_of(leg, kind)
        if meter is None:
            self.say(12, None, None, True)
            return
        side = sum(self.side_lots(at, self.buys(leg)) for at in self.same(leg, kind))
        self.at_most(12, side + self.opens_with(leg, kind), meter["max_position_lots"])

    def opens_with(self, leg: int, kind: str) -> int:
        """Lots that the decision opens on the leg's side of its contract or product, in all its legs."""
        meter = self.contract(leg)[kind]
        mine = [one for one in self.trading if self.contract(one)[kind] == meter and self.buys(one) == self.buys(leg)]
        return sum(map(self.opening, mine))

    def c19(self):
        for leg in self.trading:
            meter = self.meter_of(leg, "contract")
            if meter is None:
                self.say(19, None, None, True)
                continue
            messages = self.messages(meter)
            ratio = math.ceil(Fraction(messages * 100, max(meter["used"][TRADES], 1)))
            if self.exit:
                self.say(19, ratio, ratio, False)
                continue
            self.at_most(19, ratio if messages > meter["otr_from"] else 0, meter["max_otr_e2"])
            self.at_most(19, self.fee_of_message(meter, messages, ratio), meter["max_fee_micros"])

    def messages(self, meter: dict) -> int:
        """Of the day with what this decision and every repair may still send."""
        return self.after(meter, "contract", MESSAGES) + meter["reserve"][MESSAGES]

    def fee_of_message(self, meter: dict, messages: int, ratio_e2: int) -> int:
        """In the last tier that is reached by both counts; 0 before the first."""
        tiers = self.tier[meter["tier_at"] : meter["tier_at"] + meter["tier_n"]]
        reached = [one for one in tiers if one["from_messages"] <= messages and one["from_otr_e2"] <= ratio_e2]
        return reached[-1]["fee_micros"] if reached else 0
