"""Planted bugs of a day's quotas: what `bench.storm.planted` plants with the others."""

from collections.abc import Callable
from typing import Any

from engine import days, legs, meters, reports
from engine.core import Core
from engine.ports import ExecReport
from engine.schema import FREQUENT, LARGE

Swap = tuple[Any, str, Callable[[Callable], Callable]]


def _cancel_not_held() -> list[Swap]:
    """F9: an order's cancel is free until it is asked for: others may use it up while it works."""

    def hold(core: Core, row, sign: int) -> None:
        for which in range(3):
            at = meters.meter_at(core.state.address, int(row["instrument"]), which)
            if at >= 0 and row["cancels_held"] == 1:
                held = core.state.meter[at]["held"]
                held[FREQUENT] += sign
                held[LARGE] += sign * int(row["large"])

    def send(before: Callable) -> Callable:
        def sent(core: Core, deal_id: int, count: int) -> None:
            for slot in core.state.scratch["order_slot"][:count]:
                hold(core, core.state.order[slot], -1)
            before(core, deal_id, count)

        return sent

    def with_row(before: Callable) -> Callable:
        def held_again(core: Core, row, *rest) -> Any:
            hold(core, row, 1)
            return before(core, row, *rest)

        return held_again

    def apply(before: Callable) -> Callable:
        def applied(core: Core, row, report: ExecReport) -> None:
            hold(core, row, 1)
            before(core, row, report)
            hold(core, row, -1)

        return applied

    return [(legs, "send", send), (legs, "cancel", with_row), (legs, "drop", with_row), (reports, "_apply", apply)]


def _rest_not_counted() -> list[Swap]:
    """F9: what an immediate-or-cancel order leaves is no cancel, as it was until the exchange counted it."""

    def applied(before: Callable) -> Callable:
        def apply(core: Core, row, report: ExecReport) -> None:
            was = core.state.meter["ioc_counts"].copy()
            core.state.meter["ioc_counts"] = 0
            before(core, row, report)
            core.state.meter["ioc_counts"] = was

        return apply

    return [(reports, "_apply", applied)]


def _reserve_used() -> list[Swap]:
    """F9: an opening may go up to the exchange's own limit, and nothing is left for repairs."""

    def replace(roll: Callable) -> Callable:
        def rolled(core: Core) -> None:
            roll(core)
            core.state.meter["reserve"] = 0

        return rolled

    return [(days, "roll", replace)]


def _no_quota() -> list[Swap]:
    """F9: nobody asks whether a cancel is left, neither before a repair nor before a cancel."""
    return [
        (legs, "has_cancel", lambda before: lambda core, row: True),
        (legs, "can_end", lambda before: lambda core, deal, lots: True),
    ]  # fmt: skip


QUOTA_BUGS: dict[str, Callable[[], list[Swap]]] = {
    "cancel not held": _cancel_not_held,
    "unfilled rest not counted": _rest_not_counted,
    "openings use the reserve": _reserve_used,
    "cancels without a quota": _no_quota,
}
