"""A believable journal, composed by hand from the records' dtypes: gold in Shanghai against gold in New York.

Nothing here runs the engine; what console, report, summary and alerts show must come from the records alone.
"""

import math

import numpy as np
import orjson

from engine.ports import BUY, IOC, MARKET_DATA, READY, SELL, TRADING, WRITTEN, Event
from engine.records import (
    ACCOUNT, ALERT, CAPITAL, CLOSED, COMPLETE, CONFIG, DEAL, DECISION, DENY, DTYPES, ENTRY, EXIT, FILL, HALT_TRIES,
    HALTED, HOPS, LEDGER, LINK, LOG, NO_OUTCOME, NOT_DONE, OPENING, ORDER, ORDER_STATE, PARTIAL_BALANCED, PASS, PAY_UP,
    QUOTE, REHEDGE, REPAIR, REPAIRING, REPORT, SENT, SPREAD, STALE, STAMPS, START, UNWIND, UNWIND_RUNG, UNWOUND,
    VERDICT,
)  # fmt: skip
from engine.segments import Record

MS, US, SECOND = 1_000_000, 1_000, 1_000_000_000
T0 = 1_795_312_800 * SECOND  # 2026-11-22 02:00 UTC
MARKET_T0 = 1_567_472_400 * SECOND  # 2019-09-03 01:00 UTC, 09:00 in Shanghai
AU, GC, USDCNY = 0, 1, 2
OUNCE = 31.1034768
WORKING, FILLED, CANCELLED, REJECTED = 2, 4, 5, 6

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

    def verdict(self, ids: tuple[int, int], reason: int = 0, observed: int = 0, limit: int = 0, level: int = DENY) -> None:
        levels, seen, limits = np.full(32, PASS), np.zeros(28, int), np.zeros(28, int)
        if reason:
            levels[reason - 1], seen[reason - 1], limits[reason - 1] = level, observed, limit
        self.add(VERDICT, decision_id=ids[0], deal_id=ids[1], cleared=not reason, reason=reason, leg=-1, orders=2,
                 limits_version=1, observed=seen, limit=limits, level=levels)  # fmt: skip

    def stamps(self, ids: tuple[int, int], spin: int = 0) -> None:
        """A way of some 12 us, `spin` making each one different."""
        steps = (0, 2_900_000 + 9_000 * spin, 2_100 + 40 * spin, 400 + 7 * spin, 700 + 9 * spin, 300 + 5 * spin, 900 + 12 * spin,
                 250 + 3 * spin, 3_100 + 60 * spin, 2_600 + 30 * spin, 120)
        stamp = np.cumsum(steps) + self.now_ns - 2_900_000
        self.add(STAMPS, decision_id=ids[0], deal_id=ids[1], stamp=(*stamp, *[0] * (len(HOPS) - len(steps))))

    def order(self, ids, leg, lots, ticks, purpose=ENTRY, skew_ns=0, status=WRITTEN) -> int:
        """Order number of an order that was made and sent; lots signed."""
        self._orders += 1
        number = 1 << 32 | self._orders
        side = BUY if lots > 0 else SELL
        self.add(ORDER, order_no=number, decision_id=ids[0], deal_id=ids[1], leg=leg, instrument=(AU, GC)[leg], side=side,
                 tif=IOC, purpose=purpose, lots=abs(lots), limit_ticks=ticks, hold_micros=40_000_000_000)  # fmt: skip
        self.add(SENT, order_no=number, deal_id=ids[1], kind=ORDER, status=status, sent_ns=self.now_ns + skew_ns,
                 bytes=180)  # fmt: skip
        return number

    def report(self, number: int, deal_id: int, leg: int, lots: int, event: int, cum: int = 0, last: int = 0,
               ticks: int = 0, reason: bytes = b"", state: int = WORKING, in_doubt: int = 0, settled: int = 0,
               purpose: int = ENTRY) -> None:  # fmt: skip
        """The venue's word on an order, the order's state after it, and the fill where it is a trade."""
        side = BUY if lots > 0 else SELL
        cause = self.add(REPORT, venue=leg, instrument=(AU, GC)[leg], order_no=number, event=event, side=side, cum_lots=cum,
                         total_lots=abs(lots), last_lots=last, last_ticks=ticks, reason=reason).seq  # fmt: skip
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
             repairs=0, side=SELL, purpose=ENTRY, reason=0, low=None, high=None) -> None:  # fmt: skip
        self.add(
            DEAL, deal_id=deal_id, strategy=0, spread=0, side=side, state=state, outcome=outcome, reason=reason,
            purpose=purpose, repairs=repairs, units=1, done_units=int(outcome == COMPLETE), exposure_ubase=exposure,
            low_ubase=exposure if low is None else low, high_ubase=exposure if high is None else high, naked_ns=naked_ns,
            opened_ns=opened_ns or self.now_ns, closed_ns=self.now_ns if state == CLOSED else 0, booked_lots=booked,
            target_lots=(3 * side, -side),
        )  # fmt: skip


def complete_deal(story: Story, side=SELL, purpose=ENTRY, diff=1.2, spin=0, slip=0) -> int:
    """Both legs at once: some 9 ms naked between the two fills."""
    lots = (3 * side, -side)
    ids = story.decide(purpose, side, diff, lots=lots)
    story.verdict(ids)
    opened = story.now_ns
    story.deal(ids[1], side=side, purpose=purpose)
    au = story.order(ids, 0, lots[0], 6900 + 2 * side, purpose)
    gc = story.order(ids, 1, lots[1], 15300 - 2 * side, purpose, skew_ns=2_600 + 30 * spin)
    story.stamps(ids, spin)
    story.wait(1_400 * US + spin * US)
    story.filled(au, ids[1], 0, lots[0], 6900 + slip * side, purpose)
    story.deal(ids[1], exposure=3_000_000_000 * side, opened_ns=opened, booked=(lots[0], 0), side=side, purpose=purpose)
    naked = 7 * MS + 60 * spin * US
    story.wait(naked)
    story.filled(gc, ids[1], 1, lots[1], 15300, purpose)
    story.residual_ubase += -110_347_680 * side
    story.add(LEDGER, spread=0, deal_id=ids[1], change_ubase=-110_347_680 * side, residual_ubase=story.residual_ubase,
              bound_ubase=400_000_000)  # fmt: skip
    story.deal(ids[1], CLOSED, COMPLETE, -110_347_680 * side, naked, opened, lots, side=side, purpose=purpose)
    story.position_units += side
    return ids[1]


def _short_second_leg(story: Story, diff: float) -> tuple[tuple[int, int], int]:
    """A deal whose New York leg was cancelled unfilled while Shanghai is done: (ids, opened)."""
    ids = story.decide(ENTRY, SELL, diff)
    story.verdict(ids)
    opened = story.now_ns
    story.deal(ids[1])
    au = story.order(ids, 0, -3, 6898)
    gc = story.order(ids, 1, 1, 15302, skew_ns=2_900)
    story.stamps(ids, 40)
    story.wait(1_700 * US)
    story.filled(au, ids[1], 0, -3, 6900)
    story.deal(ids[1], exposure=-3_000_000_000, opened_ns=opened, booked=(-3, 0))
    story.wait(62 * MS)
    story.report(gc, ids[1], 1, 1, Event.CANCELLED, reason=b"IOC expired", state=CANCELLED, settled=1)
    story.deal(ids[1], REPAIRING, exposure=-3_000_000_000, naked_ns=62 * MS, opened_ns=opened, booked=(-3, 0))
    return ids, opened


def repaired_deal(story: Story, diff=1.24) -> int:
    """The second leg falls away; the first re-hedge does too; the second, one rung up, completes it."""
    ids, opened = _short_second_leg(story, diff)
    for attempt, (rung, ticks) in enumerate(((PAY_UP, 15_304), (PAY_UP, 15_308)), 1):
        story.add(REPAIR, deal_id=ids[1], rung=rung, attempt=attempt, purpose=REHEDGE, cost_complete_micros=2_145_600_000,
                  cost_unwind_micros=9_400_000_000, exposure_ubase=-3_000_000_000, lots=(0, 1),
                  limit_ticks=(0, ticks))  # fmt: skip
        repair = story.decide(REHEDGE, BUY, diff, ids[1], (0, 1), (6900, 15_304))
        story.verdict(repair)
        gc = story.order(repair, 1, 1, ticks, REHEDGE)
        story.wait(66 * MS)
        if attempt == 1:
            story.report(gc, ids[1], 1, 1, Event.CANCELLED, state=CANCELLED, settled=1)
            story.deal(ids[1], REPAIRING, exposure=-3_000_000_000, naked_ns=128 * MS, opened_ns=opened, booked=(-3, 0),
                       repairs=1)  # fmt: skip
            story.wait(240 * MS)
    story.filled(gc, ids[1], 1, 1, 15_306, REHEDGE)
    story.deal(ids[1], CLOSED, COMPLETE, 110_347_680, 434 * MS, opened, (-3, 1), repairs=2)
    story.position_units -= 1
    story.alert("warn", "deal-repaired", f"deal {ids[1]} was completed by 2 re-hedges", "none; see the report",
                {"naked_ms": 434, "paid_ticks": 6}, ids[1])  # fmt: skip
    return ids[1]


def unwound_deal(story: Story, diff=1.22) -> int:
    ids, opened = _short_second_leg(story, diff)
    story.add(REPAIR, deal_id=ids[1], rung=UNWIND_RUNG, attempt=1, purpose=UNWIND, cost_complete_micros=2**62,
              cost_unwind_micros=1_500_000_000, exposure_ubase=-3_000_000_000, lots=(3, 0),
              limit_ticks=(6_904, 0))  # fmt: skip
    repair = story.decide(UNWIND, BUY, diff, ids[1], (3, 0), (6_902, 15_300))
    story.verdict(repair)
    au = story.order(repair, 0, 3, 6_904, UNWIND)
    story.wait(2 * MS)
    story.filled(au, ids[1], 0, 3, 6_903, UNWIND)
    story.deal(ids[1], CLOSED, UNWOUND, 0, 64 * MS, opened, (0, 0), repairs=1)
    return ids[1]


def halted_deal(story: Story, diff=1.25) -> int:
    ids, opened = _short_second_leg(story, diff)
    story.wait(3 * SECOND)
    story.deal(ids[1], CLOSED, HALTED, -3_000_000_000, 3_062 * MS, opened, (-3, 0), repairs=6, reason=HALT_TRIES)
    story.alert("error", "deal-halted", f"deal {ids[1]} halted: repair tries exhausted; 3000 g short in au1912",
                "hedge by hand, then resume the strategy", {"exposure_g": -3000}, ids[1])  # fmt: skip
    return ids[1]


def doubtful_deal(story: Story, diff=1.21) -> int:
    """The answer of New York is lost: in doubt, asked for, found cancelled; nothing else had traded."""
    ids = story.decide(ENTRY, SELL, diff)
    story.verdict(ids)
    opened = story.now_ns
    story.deal(ids[1])
    au, gc = story.order(ids, 0, -3, 6898), story.order(ids, 1, 1, 15302, skew_ns=2_700)
    story.stamps(ids, 12)
    story.wait(2 * MS)
    story.report(au, ids[1], 0, -3, Event.REJECTED, reason="资金不足".encode(), state=REJECTED, settled=1)
    story.wait(800 * MS)
    story.add(ORDER_STATE, order_no=gc, deal_id=ids[1], event=-1, state=WORKING, in_doubt=1, total_lots=1)
    story.deal(ids[1], low=0, high=3_110_347_680, opened_ns=opened)
    story.wait(90 * MS)
    story.report(gc, ids[1], 1, 1, Event.DONE, state=CANCELLED, settled=1)
    story.deal(ids[1], CLOSED, NOT_DONE, 0, 0, opened)
    return ids[1]


def partial_deal(story: Story, diff=1.2) -> int:
    ids = story.decide(ENTRY, SELL, diff)
    story.verdict(ids)
    opened = story.now_ns
    story.deal(ids[1])
    au = story.order(ids, 0, -3, 6898)
    gc = story.order(ids, 1, 1, 15302, skew_ns=2_500)
    story.stamps(ids, 20)
    story.wait(2 * MS)
    story.report(au, ids[1], 0, -3, Event.TRADE, 2, 2, 6900)
    story.report(au, ids[1], 0, -3, Event.CANCELLED, 2, state=CANCELLED, settled=1)
    story.wait(5 * MS)
    story.filled(gc, ids[1], 1, 1, 15301)
    story.deal(ids[1], CLOSED, PARTIAL_BALANCED, 90_000_000, 5 * MS, opened, (-2, 1))
    return ids[1]


def open_deal(story: Story, diff=1.2) -> int:
    """The story ends while Shanghai is filled and New York has not answered."""
    ids, _ = _short_second_leg(story, diff)
    return ids[1]


def _prices(step: int) -> tuple[float, float]:
    mean = 1.0 + 0.05 * math.sin(step / 47)
    return mean + 0.24 * math.sin(step / 9.0) + 0.05 * math.sin(step * 1.7), mean


_PLOT = {
    14: partial_deal, 28: unwound_deal, 44: lambda story, diff: complete_deal(story, BUY, EXIT, diff, 9),
    70: repaired_deal, 84: doubtful_deal,
}  # fmt: skip
_DENIED = {20: (22, 80_000, 120_000), 34: (17, 8_640, 8_500), 48: (17, 8_720, 8_500), 64: (20, STALE, 0),
           76: (22, 95_000, 120_000), 90: (25, 1, 0)}  # fmt: skip


def believable_story(steps: int = 120, end_with=None) -> list[Record]:
    """A minute of trading with one of everything that ends well; `end_with` tells one more deal (open, halted)."""
    story = Story()
    for venue in (0, 1):
        for channel in (MARKET_DATA, TRADING):
            story.add(LINK, venue=venue, channel=channel, state=READY, why=b"logged in")
        story.add(ACCOUNT, account=venue, balance_micros=10**13, available_micros=9 * 10**12, margin_micros=10**12)
    story.alert("info", "started", "both venues ready", "none")
    for step in range(steps):
        _tell_step(story, step)
    if end_with is not None:
        end_with(story)
    story.add_json(LOG, {"level": "info", "what": "stopped"})
    return story.records


def _tell_step(story: Story, step: int) -> None:
    started = story.now_ns
    diff, mean = _prices(step)
    story.quotes(6900 + round(20 * (diff - 1)), 15_300 + step % 5)
    story.sample(diff, mean, STALE if 58 <= step < 62 else 0)
    story.capital(3_200 + round(2_600 * (1 + math.sin(step / 17))) + (900 if 30 < step < 50 else 0))
    if step == 40:
        story.alert("warn", "pool-soft", "pool gold is at 86.4 %, above its soft level: entries stop",
                    "wait for exits or add capital", {"use_pct": 86.4, "soft_pct": 85.0})  # fmt: skip
    if step in _DENIED:
        reason, observed, limit = _DENIED[step]
        story.verdict(story.decide(ENTRY, SELL, diff), reason, observed, limit)
    elif step in _PLOT:
        story.opportunities += 1
        _PLOT[step](story, diff)
    elif step % 10 == 6:
        story.opportunities += 1
        complete_deal(story, SELL if diff > 1 else BUY, ENTRY, diff, step * step % 97, step % 3 - 1)
    elif step % 20 == 13:
        story.opportunities += 1  # seen, and not taken
    story.wait(max(500 * MS - (story.now_ns - started), MS))
