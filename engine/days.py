"""When a day ends: of a contract's meters with its trading day, of profit and loss with the date of market time."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from engine import losses, meters
from engine.core import Core
from engine.records import METER
from engine.schema import FREQUENT, LARGE, METER_KINDS, NO_LIMIT, OPENED_LOTS, QUOTAS, SELF_TRADES, UNSET

_NEAR = (FREQUENT, LARGE, SELF_TRADES, OPENED_LOTS)
_NEAR_PCT = 80


def roll(core: Core) -> None:
    """On the timer: begin what has begun."""
    market_ns = core.state.market_ns(core.now_ns)
    if market_ns >= core.next_date_ns:
        date = datetime.fromtimestamp(market_ns // 1_000_000_000, UTC)
        core.next_date_ns = (market_ns // 86_400_000_000_000 + 1) * 86_400_000_000_000
        day = date.year * 10_000 + date.month * 100 + date.day
        if core.state.head["trading_day"] not in (0, day):
            losses.begin_day(core)
        core.state.head["trading_day"] = day
        roll_meters(core)


def roll_meters(core: Core) -> None:
    """Every meter goes by the trading day of its first contract; a market without any, by the date."""
    date = int(core.state.head["trading_day"])
    for index, row in enumerate(core.state.meter):
        first = int(row["first"])
        day = (int(core.state.instrument[first]["trading_day"]) if first >= 0 else 0) or date
        if day != row["trading_day"]:
            meters.roll_meter(core.state.address, index, day)


def emit_meters(core: Core) -> None:
    """On the sample: the meters that have changed."""
    for index in _moved(core):
        row, fee = core.state.meter[index], next_fee_micros(core, index)
        seen = (row["used"].tobytes(), row["held"].tobytes(), row["reserved"].tobytes(), row["limit"].tobytes(),
                int(row["trading_day"]), fee)  # fmt: skip
        if core.is_news(("meter", index), seen):
            core.emit(
                METER, meter=index, trading_day=row["trading_day"], used=row["used"], held=row["held"],
                reserved=row["reserved"], limit=row["limit"], reserve=row["reserve"], next_fee_micros=fee,
            )  # fmt: skip
            _tell_near(core, index, row)


def _moved(core: Core) -> Iterable[int]:
    """Meters that are not as they were at the last sample, byte for byte; all where the tiers of fees are not. Among
    thousands of contracts few trade between two samples, and only those are looked at one by one."""
    seen = [table.view(np.uint8).reshape(len(table), -1) for table in (core.state.meter, core.state.tier)]
    before, core.meters_seen = core.meters_seen, [table.copy() for table in seen]
    if before is None or not np.array_equal(before[1], seen[1]):
        return range(len(core.state.meter))
    return np.flatnonzero((before[0] != seen[0]).any(axis=1)).tolist()


def _tell_near(core: Core, index: int, row) -> None:
    """A person hears of a quota that is nearly used up, once a trading day, while something can still be done."""
    for kind in _NEAR:
        limit = int(row["limit"][kind])
        if limit in (UNSET, NO_LIMIT) or row["first"] < 0:
            continue
        used, most = int(row["used"][kind]), limit - int(row["reserve"][kind])
        if used * 100 <= most * _NEAR_PCT or not core.is_news(("quota near", index, kind), int(row["trading_day"])):
            continue
        name = core.instrument_name(int(row["first"]))
        core.alert(
            "warn", "quota_near", f"{METER_KINDS[row['kind']]} of {name}: {used} {QUOTAS[kind]} of the trading day are "
            f"used; openings may use {most}",
            "slow the strategies down that trade it, or stop them: what opens is denied soon, and what is left is for "
            "exits and repairs (`tandem quotas`)", used=used, limit=limit, reserve=int(row["reserve"][kind]),
        )  # fmt: skip


def next_fee_micros(core: Core, index: int) -> int:
    """What the next message of a meter costs; UNSET where its fee is not stated."""
    if core.state.meter[index]["max_fee_micros"] == UNSET:
        return UNSET
    return int(meters.next_fee(core.state.address, index))
