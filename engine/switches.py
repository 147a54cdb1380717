"""The switches at six levels: who has set one, why, and how it ends by itself when its time is over.

A narrow switch never loosens a wide one; the gate's control 24 goes by the strictest of all that cover a decision.
"""

from typing import NamedTuple

from engine.core import Core
from engine.records import (
    SCOPE_ACCOUNT,
    SCOPE_ALL,
    SCOPE_MARKET,
    SCOPE_SPREAD,
    SCOPE_STRATEGY,
    SCOPE_VENUE,
    SCOPES,
)
from engine.schema import ACTIVE, HALTED, SWITCHES

TABLES = {
    SCOPE_VENUE: "venue", SCOPE_ACCOUNT: "account", SCOPE_STRATEGY: "strategy", SCOPE_SPREAD: "spread",
    SCOPE_MARKET: "market",
}  # fmt: skip
NAMES = {
    SCOPE_VENUE: "venues", SCOPE_ACCOUNT: "accounts", SCOPE_STRATEGY: "strategies", SCOPE_SPREAD: "spreads",
    SCOPE_MARKET: "markets",
}  # fmt: skip
ENGINE = "the engine"


class Setting(NamedTuple):
    """level: ACTIVE, REDUCE_ONLY or HALTED. who: a person, or the engine itself."""

    level: int
    who: str
    why: str


class Before(NamedTuple):
    """What a switch with an end has replaced."""

    level: int
    setting: Setting | None


def _level(core: Core, choice: int, scope: int) -> int:
    """A switch as it would be without the halt of a deal that waits for a person."""
    if choice == SCOPE_STRATEGY and scope in core.stopped:
        return core.stopped[scope]
    return core.ordered if choice == SCOPE_ALL else int(_row(core, choice, scope)["switch"])


def put(core: Core, choice: int, scope: int, setting: Setting, until_ns: int = 0) -> None:
    """A person's word on one switch; it replaces what was there, an end that was set before too. One that ends by
    itself gives back what it has replaced, which is not lost with it."""
    key = (choice, scope)
    before = core.before.pop(key, None) or Before(_level(core, choice, scope), core.set_by.get(key))
    if until_ns:
        core.before[key] = before
    if choice == SCOPE_ALL:
        core.ordered, core.forced = setting.level, False
    elif choice == SCOPE_STRATEGY:
        core.stopped.pop(scope, None)  # from now on its switch is a person's
    _row(core, choice, scope)["switch"] = setting.level
    core.until.pop((choice, scope), None)
    core.set_by.pop((choice, scope), None)
    if setting.level != ACTIVE:
        core.set_by[choice, scope] = setting
    if until_ns:
        core.until[choice, scope] = until_ns


def tighten(core: Core, strategy: int, level: int, why: str) -> None:
    """The engine's own word on a strategy: never looser than before, and only a person takes it back."""
    row, key = core.state.strategy[strategy], (SCOPE_STRATEGY, strategy)
    if strategy in core.stopped:
        core.stopped[strategy] = max(core.stopped[strategy], level)
    core.until.pop(key, None)
    core.before.pop(key, None)
    if level > row["switch"]:
        row["switch"], core.set_by[key] = level, Setting(level, ENGINE, why)


def on_tick(core: Core) -> None:
    """On the timer: what has run out is active again."""
    for choice, scope in [key for key, until_ns in core.until.items() if core.now_ns >= until_ns]:
        del core.until[choice, scope]
        _run_out(core, choice, scope, core.set_by.pop((choice, scope)))


def _run_out(core: Core, choice: int, scope: int, was: Setting) -> None:
    row, deal_id = _row(core, choice, scope), halted_deal(core, choice, scope)
    level, setting = core.before.pop((choice, scope), Before(ACTIVE, None))
    if choice == SCOPE_ALL:
        core.ordered = level
    elif choice == SCOPE_STRATEGY and scope in core.stopped:
        core.stopped[scope] = level
    if setting is not None:
        core.set_by[choice, scope] = setting
    holds = ""
    if deal_id:
        core.stopped[scope], row["switch"] = level, HALTED
        holds = f"its deal {deal_id} waits for a person"
    elif choice == SCOPE_ALL and core.forced:
        holds = "the engine stops"
    elif row["switch"] != was.level:
        holds = f"the engine itself has set it to {SWITCHES[row['switch']]} since"
    else:
        row["switch"] = level
    name = name_of(core, choice, scope)
    core.alert(
        "warn" if holds else "info", "switch_ran_out",
        f"{name}: {SWITCHES[was.level]}, set by {was.who} ({was.why}), has ended: "
        + (f"it stays {SWITCHES[row['switch']]}, since {holds}" if holds else f"it is {SWITCHES[level]} again"),
        f"decide with `tandem resolve` deal {deal_id}" if deal_id else "nothing",
    )  # fmt: skip


def setting_of(core: Core, choice: int, scope: int) -> Setting:
    """What holds a switch now, whose word it is and why."""
    level, setting = int(_row(core, choice, scope)["switch"]), core.set_by.get((choice, scope))
    deal_id = halted_deal(core, choice, scope)
    if deal_id and (setting is None or scope in core.stopped):
        return Setting(level, ENGINE, f"its deal {deal_id} waits for a person")
    if choice == SCOPE_ALL and core.forced:
        return Setting(level, ENGINE, "it stops")
    if setting is None or setting.level != level:
        return Setting(level, "" if level == ACTIVE else ENGINE, "" if level == ACTIVE else "its alerts say why")
    return setting


def scopes(core: Core) -> list[tuple[int, int]]:
    """Every switch there is, the one over all first."""
    found = [(SCOPE_ALL, -1)]
    for choice, table in TABLES.items():
        found += [(choice, scope) for scope in range(len(getattr(core.state, table)))]
    return found


def name_of(core: Core, choice: int, scope: int) -> str:
    """As a person writes it: `all`, or `strategy:ID`."""
    return SCOPES[choice] if choice == SCOPE_ALL else f"{SCOPES[choice]}:{core.names[NAMES[choice]][scope]}"


def halted_deal(core: Core, choice: int, scope: int) -> int:
    """The oldest deal of a strategy that waits for a person; 0 where none does, or for any other scope."""
    if choice != SCOPE_STRATEGY:
        return 0
    mine = (deal_id for deal_id in core.halted if core.state.deal_row(deal_id)["strategy"] == scope)
    return next(mine, 0)


def _row(core: Core, choice: int, scope: int):
    return core.state.head if choice == SCOPE_ALL else getattr(core.state, TABLES[choice])[scope]
