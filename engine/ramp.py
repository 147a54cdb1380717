"""The ramp (gray release): steps that cap a strategy's units, each one earned by what was seen in the one before it.

Looked at on the sample timer. A step begins with its counters at zero, and only where the strategy's profit and loss is
known: what it has seen before is no evidence. What is not known never steps up.
"""

from typing import NamedTuple

from engine import switches
from engine.core import Core
from engine.records import CLOSED, COMPLETE, LEDGER_HEDGE, PARTIAL_BALANCED, RAMP
from engine.schema import ACTIVE, REDUCE_ONLY, UNSET

_UP, _DOWN, _BEGAN = 1, -1, 0


class Step(NamedTuple):
    """units: its cap. The rest has to be seen before the next step; a loss beyond max_loss_micros falls back."""

    units: int
    min_deals: int
    min_ns: int
    max_loss_micros: int


class Ramp:
    """The ramp of one strategy.

    at: the step that holds. began_ns: of the step. deals: that ended well in it. halted: its deals that wait for a
    person, as last seen. base_micros, last_micros: P&L of the day as the step (or the day) began and as last seen;
    carried_micros: of days before it, in this step. A step whose base is UNSET has yet to begin.
    """

    def __init__(self, steps: list[Step]):
        self.steps = steps
        self.at = 0
        self.told = False
        self.halted: set[int] = set()
        self.day = 0
        self.last_micros = UNSET
        self.begin(0, UNSET)

    def begin(self, now_ns: int, pnl_micros: int) -> None:
        """Begin the step that holds anew."""
        self.began_ns = now_ns
        self.base_micros = pnl_micros
        self.carried_micros = 0
        self.deals: set[int] = set()

    def take(self, pnl_micros: int, day: int, now_ns: int) -> None:
        """Take in the day's profit and loss, which starts at zero with each trading day."""
        if day != self.day and self.base_micros != UNSET:
            if self.last_micros == UNSET:
                self.begin(now_ns, UNSET)  # nobody knows how the day before ended
            else:
                self.carried_micros += self.last_micros - self.base_micros
                self.base_micros = 0
        self.day, self.last_micros = day, pnl_micros
        if self.base_micros == UNSET:
            self.begin(now_ns, pnl_micros)

    @property
    def step(self) -> Step:
        return self.steps[self.at]

    @property
    def loss_micros(self) -> int:
        """Lost since the step began, below zero where it was earned; UNSET: not known."""
        if UNSET in (self.base_micros, self.last_micros):
            return UNSET
        return self.base_micros - self.last_micros - self.carried_micros

    @property
    def lost_too_much(self) -> bool:
        return self.loss_micros != UNSET and self.loss_micros > self.step.max_loss_micros


def look(core: Core) -> None:
    """On the sample timer, after the profit and loss was counted: every ramp."""
    day = int(core.state.head["trading_day"])
    for index, ramp in core.ramps.items():
        if not ramp.told:
            ramp.told = True
            _emit(core, index, ramp, _BEGAN)
        ramp.take(int(core.state.strategy[index]["pnl_micros"]), day, core.now_ns)
        _count(core, index, ramp)
        _move(core, index, ramp)


def _count(core: Core, index: int, ramp: Ramp) -> None:
    """Deals of the strategy's own decisions that ended in this step as they should."""
    deals = core.state.deal
    ended = (deals["state"] == CLOSED) & (deals["closed_ns"] > ramp.began_ns) & (deals["purpose"] < LEDGER_HEDGE)
    well = (deals["outcome"] == COMPLETE) | (deals["outcome"] == PARTIAL_BALANCED)
    ramp.deals.update(deals["deal_id"][(deals["strategy"] == index) & ended & well].tolist())


def _move(core: Core, index: int, ramp: Ramp) -> None:
    halted = {deal_id for deal_id in core.halted if deal_id in ramp.halted or _strategy_of(core, deal_id) == index}
    news, ramp.halted = halted - ramp.halted, halted
    if news:
        _fall(core, index, ramp, f"its deal {min(news)} is Halted")
    elif ramp.lost_too_much:
        _fall(core, index, ramp, f"it lost more than {ramp.step.max_loss_micros / 1e6:g} in this step")
    elif _has_earned(core, index, ramp):
        _rise(core, index, ramp)


def _strategy_of(core: Core, deal_id: int) -> int:
    row = core.state.deal_row(deal_id)
    return -1 if row is None else int(row["strategy"])


def _has_earned(core: Core, index: int, ramp: Ramp) -> bool:
    """Whether all has been seen that the next step asks for. A strategy that may not trade earns nothing."""
    row, head, step = core.state.strategy[index], core.state.head, ramp.step
    if ramp.at == len(ramp.steps) - 1 or ramp.loss_micros == UNSET:
        return False
    if row["shadow"] or head["shadow"] or row["switch"] != ACTIVE or head["switch"] != ACTIVE:
        return False
    seen = len(ramp.deals) >= step.min_deals and core.now_ns - ramp.began_ns >= step.min_ns
    return seen and not ramp.halted and row["open_deals"] == 0


def _rise(core: Core, index: int, ramp: Ramp) -> None:
    numbers = _numbers(core, ramp)
    ramp.at += 1
    name = core.names["strategies"][index]
    _emit(core, index, ramp, _UP)
    core.alert("info", "ramp_up", f"strategy {name} steps up to {_place(ramp)}", "nothing", **numbers)
    ramp.begin(core.now_ns, ramp.last_micros)


def _fall(core: Core, index: int, ramp: Ramp, why: str) -> None:
    """One step back; on the first one there is none, so the strategy only reduces from now on."""
    numbers = _numbers(core, ramp)
    name, floor = core.names["strategies"][index], ramp.at == 0
    if floor:
        switches.tighten(core, index, REDUCE_ONLY, f"its ramp: {why}")
    else:
        ramp.at -= 1
    _emit(core, index, ramp, _DOWN)
    if floor:
        core.alert(
            "error", "ramp_floor", f"strategy {name} only reduces, it fell on the first step of its ramp: {why}",
            f"find out why, then `tandem resume` strategy {name}: it is watched from zero again", **numbers,
        )  # fmt: skip
    else:
        core.alert(
            "warn", "ramp_down", f"strategy {name} falls back to {_place(ramp)}: {why}",
            "find out why; it steps up again by itself once it has earned it, entries are held to the cap", **numbers,
        )  # fmt: skip
    ramp.begin(core.now_ns, ramp.last_micros)


def _emit(core: Core, index: int, ramp: Ramp, change: int) -> None:
    core.state.strategy[index]["cap_units"] = ramp.step.units
    core.emit(RAMP, strategy=index, step=ramp.at, change=change, cap_units=ramp.step.units)


def _place(ramp: Ramp) -> str:
    return f"{ramp.step.units} units, step {ramp.at + 1} of {len(ramp.steps)}"


def _numbers(core: Core, ramp: Ramp) -> dict:
    """Of the step that ends."""
    loss = ramp.loss_micros
    return {
        "cap_units": ramp.step.units, "deals": len(ramp.deals),
        "seconds": (core.now_ns - ramp.began_ns) // 1_000_000_000,
        "loss": "unknown" if loss == UNSET else loss / 1e6,
    }  # fmt: skip
