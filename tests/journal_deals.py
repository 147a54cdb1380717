"""Deals as they go well and badly, told by hand, and a minute of trading with one of each."""

import math
from pathlib import Path

from engine.journal import Journal
from engine.ports import BUY, MARKET_DATA, READY, SELL, TRADING, Event
from engine.records import (
    ACCOUNT,
    CLOSED,
    COMPLETE,
    ENTRY,
    EXIT,
    HALT_TRIES,
    HALTED,
    LEDGER,
    LINK,
    LOG,
    NOT_DONE,
    ORDER_STATE,
    PARTIAL_BALANCED,
    PAY_UP,
    REHEDGE,
    REPAIR,
    REPAIRING,
    STALE,
    UNWIND,
    UNWIND_RUNG,
    UNWOUND,
)
from engine.schema import CANCELLED, REJECTED, WORKING
from engine.segments import Record
from tests.journal_story import MS, SECOND, US, Story


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
        story.add(REPAIR, deal_id=ids[1], rung=rung, attempt=attempt, purpose=REHEDGE,
                  cost_complete_micros=2_145_600_000, cost_unwind_micros=9_400_000_000,
                  exposure_ubase=-3_000_000_000, lots=(0, 1), limit_ticks=(0, ticks))  # fmt: skip
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


def record_into(folder: Path, told: list[Record]) -> Path:
    """The same records through the real journal: where its reader finds them."""
    with Journal(folder / "journal", folder / "live", 1 << 20) as journal:
        for record in told:
            journal.append(record.kind, record.now_ns, record.payload)
            journal.turn()
    return folder / "journal"


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
