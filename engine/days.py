"""When a day ends: of a contract's meters with its trading day, of profit and loss with the date of market time."""

from datetime import UTC, datetime

from engine import losses, meters
from engine.core import Core
from engine.records import METER
from engine.schema import UNSET


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
    for index, row in enumerate(core.state.meter):
        fee = next_fee_micros(core, index)
        seen = (row["used"].tobytes(), row["held"].tobytes(), row["reserved"].tobytes(), row["limit"].tobytes(),
                int(row["trading_day"]), fee)  # fmt: skip
        if core.is_news(("meter", index), seen):
            core.emit(
                METER, meter=index, trading_day=row["trading_day"], used=row["used"], held=row["held"],
                reserved=row["reserved"], limit=row["limit"], reserve=row["reserve"], next_fee_micros=fee,
            )  # fmt: skip


def next_fee_micros(core: Core, index: int) -> int:
    """What the next message of a meter costs; UNSET where its fee is not stated."""
    if core.state.meter[index]["max_fee_micros"] == UNSET:
        return UNSET
    return int(meters.next_fee(core.state.address, index))
