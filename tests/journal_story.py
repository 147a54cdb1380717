"""A believable journal, composed by hand from the records' dtypes: gold in Shanghai against gold in New York.

Nothing here runs the engine; what console, report, summary and alerts show must come from the records alone.
"""

import numpy as np
import orjson

from engine.ports import BUY, IOC, SELL, WRITTEN, Event
from engine.records import (
    ALERT,
    CAPITAL,
    CLOSED,
    COMPLETE,
    CONFIG,
    DEAL,
    DECISION,
    DENY,
    DTYPES,
    ENTRY,
    FILL,
    HOPS,
    NO_OUTCOME,
    OPENING,
    ORDER,
    ORDER_STATE,
    PASS,
    QUOTE,
    REPORT,
    SENT,
    SPREAD,
    STAMPS,
    START,
    VERDICT,
)  # fmt: skip
from engine.schema import FILLED, WORKING
from engine.segments import Record

MS, US, SECOND = 1_000_000, 1_000, 1_000_000_000
T0 = 1_795_312_800 * SECOND  # 2026-11-22 02:00 UTC
MARKET_T0 = 1_567_472_400 * SECOND  # 2019-09-03 01:00 UTC, 09:00 in Shanghai
AU, GC, USDCNY = 0, 1, 2

CONFIG_DATA = {
    "input": "SHFE.au1912 and COMEX.GC, 2019-09-03, at 60 times real time",
    "versions": {"tandem": "0.1.0", "python": "3.11.4", "numpy": "2.4.6"},
    "names": {
        "venues": ["SHFE", "COMEX"], "accounts": ["shfe-main", "comex-main"], "pools": ["gold"],
        "instruments": ["au1912", "GC1912", "USDCNY"], "spreads": ["au-gc"], "strategies": ["gold-cross"],
    },
    "instruments": [
        {"id": "au1912", "tick": "0.05", "lot_ubase": 1_000_000_000, "currency": "CNY"},
        {"id": "GC1912", "tick": "0.1", "lot_ubase": 3_110_347_680, "currency": "USD"},
        {"id": "USDCNY", "tick": "0.0001", "currency": "CNY"},
    ],
    "spreads": [{"id": "au-gc", "currency": "CNY", "unit": "g", "legs": [
        {"instrument": "au1912", "ratio": 3}, {"instrument": "GC1912", "ratio": -1}]}],
    "config": {
        "engine": {"name": "gold"},
        "pools": [{"id": "gold", "capital": 20_000_000.0, "warn_pct": 70.0, "soft_pct": 85.0, "hard_pct": 90.0}],
        "instruments": [
            {"id": "au1912", "venue": "SHFE"}, {"id": "GC1912", "venue": "COMEX"}, {"id": "USDCNY", "venue": "COMEX"}],
        "strategies": [{"id": "gold-cross", "kind": "spread_cross", "spread": "au-gc"}],
    },
}  # fmt: skip


class Story:
    """Records in order. Each method tells one thing; `now_ns` is the story's clock."""

    def __init__(self, config: dict | None = None):
        self.records: list[Record] = []
        self.now_ns = T0
        self._orders = self._decisions = self._deals = self._trades = 0
        self.opportunities = self.position_units = self.residual_ubase = 0
        self.add(START, epoch=1, clock_base_ns=MARKET_T0, clock_start_ns=T0, clock_speed_milli=60_000, version=b"0.1.0")
        self.add_json(CONFIG, CONFIG_DATA if config is None else config)

    def add(self, kind: int, cause_seq: int = 0, /, **fields) -> Record:
        data = np.zeros(1, DTYPES[kind])[0]
        for name, value in fields.items():
            if data.dtype[name].shape:
                data[name][: len(value)] = value
            else:
                data[name] = value
        return self._append(kind, cause_seq, data.tobytes())

    def add_json(self, kind: int, data: dict) -> Record:
        return self._append(kind, 0, orjson.dumps(data))

    def _append(self, kind: int, cause_seq: int, payload: bytes) -> Record:
        record = Record(len(self.records) + 1, self.now_ns, cause_seq, kind, 0, payload)
        self.records.append(record)
        return record

    def wait(self, pause_ns: int) -> None:
        self.now_ns += pause_ns

    def alert(self, level: str, code: str, what: str, do: str, numbers: dict | None = None, deal: int = 0) -> None:
        data = {"level": level, "code": code, "what": what, "do": do, "numbers": numbers or {}}
        self.add_json(ALERT, {**data, "deal": deal} if deal else data)

    def quotes(self, au_ticks: int, gc_ticks: int) -> int:
        """Both legs' and the FX rate's quotes; the seq of the last."""
        for instrument, bid, lots in ((AU, au_ticks, 12), (GC, gc_ticks, 7), (USDCNY, 71_520, 900)):
            record = self.add(
                QUOTE, instrument=instrument, bid_ticks=bid, bid_lots=lots, ask_ticks=bid + 1, ask_lots=lots + 3,
                venue_ns=self.now_ns - 3 * MS,
            )  # fmt: skip
        return record.seq

    def sample(self, diff: float, mean: float, blocked: int = 0, half_width: float = 0.055) -> None:
        self.add(
            SPREAD, spread=0, blocked=blocked, diff=diff, buy=diff + half_width, sell=diff - half_width,
            ratio=1 + diff / 345, mean=mean, sd=0.11, buy_units=2, sell_units=3, oldest_ns=self.now_ns - 180 * MS,
            position_units=self.position_units, residual_ubase=self.residual_ubase, opportunities=self.opportunities,
        )  # fmt: skip

    def capital(self, use_bps: int) -> None:
        capital = 20_000_000_000_000
        self.add(CAPITAL, pool=0, account=-1, capital_micros=capital, held_micros=capital // 50,
                 used_micros=capital * use_bps // 10_000 - capital // 50, use_bps=use_bps)  # fmt: skip
        self.add(CAPITAL, pool=0, account=0, capital_micros=capital // 2, used_micros=0, use_bps=use_bps // 2)

    def decide(self, purpose=ENTRY, side=SELL, diff=1.2, deal_id=0, lots=(-3, 1), ref=(6900, 15300)) -> tuple[int, int]:
        """(decision id, deal id) of a decision on which nothing has been said yet."""
        self._decisions += 1
        if not deal_id:
            self._deals += 1
            deal_id = self._deals
        limit = [ticks + (2 if lot > 0 else -2) for ticks, lot in zip(ref, lots, strict=True)]
        self.add(
            DECISION, decision_id=self._decisions, deal_id=deal_id, strategy=0, spread=0, side=side, purpose=purpose,
            legs=2, units=1, signal=diff, executable=diff - side * -0.055, center=1.0, threshold=0.2, cost=0.05,
            instrument=(AU, GC), lots=lots, ref_ticks=ref, limit_ticks=limit,
        )  # fmt: skip
        return self._decisions, deal_id

    def verdict(
        self, ids: tuple[int, int], reason: int = 0, observed: int = 0, limit: int = 0, level: int = DENY
    ) -> None:
        levels, seen, limits = np.full(32, PASS), np.zeros(28, int), np.zeros(28, int)
        if reason:
            levels[reason - 1], seen[reason - 1], limits[reason - 1] = level, observed, limit
        self.add(VERDICT, decision_id=ids[0], deal_id=ids[1], cleared=not reason, reason=reason, leg=-1, orders=2,
                 limits_version=1, observed=seen, limit=limits, level=levels)  # fmt: skip

    def stamps(self, ids: tuple[int, int], spin: int = 0) -> None:
        """A way of some 12 us, `spin` making each one different."""
        at_rest = (0, 2_900_000, 2_100, 400, 700, 300, 900, 250, 3_100, 2_600, 120)
        steps = [hop + spin * hop // 90 for hop in at_rest]
        stamp = np.cumsum(steps) + self.now_ns - 2_900_000
        self.add(STAMPS, decision_id=ids[0], deal_id=ids[1], stamp=(*stamp, *[0] * (len(HOPS) - len(stamp))))

    def order(self, ids, leg, lots, ticks, purpose=ENTRY, skew_ns=0, status=WRITTEN) -> int:
        """Order number of an order that was made and sent; lots signed."""
        self._orders += 1
        number = 1 << 32 | self._orders
        side = BUY if lots > 0 else SELL
        self.add(ORDER, order_no=number, decision_id=ids[0], deal_id=ids[1], leg=leg, instrument=(AU, GC)[leg],
                 side=side, tif=IOC, purpose=purpose, lots=abs(lots), limit_ticks=ticks,
                 hold_micros=40_000_000_000)  # fmt: skip
        self.add(SENT, order_no=number, deal_id=ids[1], kind=ORDER, status=status, sent_ns=self.now_ns + skew_ns,
                 bytes=180)  # fmt: skip
        return number

    def report(self, number: int, deal_id: int, leg: int, lots: int, event: int, cum: int = 0, last: int = 0,
               ticks: int = 0, reason: bytes = b"", state: int = WORKING, in_doubt: int = 0, settled: int = 0,
               purpose: int = ENTRY) -> None:  # fmt: skip
        """The venue's word on an order, the order's state after it, and the fill where it is a trade."""
        side = BUY if lots > 0 else SELL
        cause = self.add(REPORT, venue=leg, instrument=(AU, GC)[leg], order_no=number, event=event, side=side,
                         cum_lots=cum, total_lots=abs(lots), last_lots=last, last_ticks=ticks,
                         reason=reason).seq  # fmt: skip
        self.add(ORDER_STATE, cause, order_no=number, deal_id=deal_id, event=event, state=state, in_doubt=in_doubt,
                 settled=settled, cum_lots=cum, booked_lots=cum, total_lots=abs(lots))  # fmt: skip
        if event == Event.TRADE:
            self._trades += 1
            self.add(FILL, cause, order_no=number, deal_id=deal_id, instrument=(AU, GC)[leg], leg=leg, side=side,
                     purpose=purpose, lots=last, ticks=ticks, trade_id=b"T%d" % self._trades)  # fmt: skip

    def filled(self, number, deal_id, leg, lots, ticks, purpose=ENTRY) -> None:
        self.report(number, deal_id, leg, lots, Event.ACK, purpose=purpose)
        self.report(number, deal_id, leg, lots, Event.TRADE, abs(lots), abs(lots), ticks, state=FILLED, settled=1,
                    purpose=purpose)  # fmt: skip

    def deal(self, deal_id, state=OPENING, outcome=NO_OUTCOME, exposure=0, naked_ns=0, opened_ns=0, booked=(0, 0),
             repairs=0, side=SELL, purpose=ENTRY, reason=0, low=None, high=None,
             resolution=0) -> None:  # fmt: skip
        self.add(
            DEAL, deal_id=deal_id, strategy=0, spread=0, side=side, state=state, outcome=outcome, reason=reason,
            purpose=purpose, repairs=repairs, units=1, done_units=int(outcome == COMPLETE), exposure_ubase=exposure,
            low_ubase=exposure if low is None else low, high_ubase=exposure if high is None else high,
            naked_ns=naked_ns, opened_ns=opened_ns or self.now_ns, closed_ns=self.now_ns if state == CLOSED else 0,
            booked_lots=booked, target_lots=(3 * side, -side), resolution=resolution,
        )  # fmt: skip
