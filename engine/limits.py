"""Limits while the engine runs: loaded anew by a person, resolved anew on a new date, told by a venue for a day.

What the numbers are is the desk's affair: `core.relimit(config, date)` copies them into the running tables, all in one
turn, and says how many have changed. config None: the one in force. Here is when that happens, and who hears of it.
"""

import json
from datetime import date

from engine import pools
from engine.core import Core
from engine.schema import UNSET

NS_PER_DAY = 86_400_000_000_000
_FIRST_DAY = date(1970, 1, 1).toordinal()
_CHANGES_TOLD = 12


def date_of(day: int) -> str:
    """The ISO date of a day counted from 1970."""
    return date.fromordinal(_FIRST_DAY + day).isoformat()


def day_of(text: str) -> int:
    """The day, counted from 1970, of an ISO date."""
    return date.fromisoformat(text).toordinal() - _FIRST_DAY


def refresh_date(core: Core) -> None:
    """Dated rules, terms and limits of the new date, where market time's date (UTC) is another than before."""
    day = core.state.market_ns(core.now_ns) // NS_PER_DAY
    if day == core.market_day:
        return
    core.market_day = day
    changed = core.relimit(None, date_of(day))
    if changed:
        core.state.head["limits_version"] += 1
        core.alert(
            "info", "limits_dated", f"{date_of(day)}: dated rules and terms have changed {changed} numbers of limits",
            "nothing, if the rules of that date are the ones that were meant", changed=changed,
        )  # fmt: skip


def reload(core: Core, body: dict) -> None:
    """The limits of another config, journalled as LIMITS: from now on they are in every verdict, with their version."""
    core.relimit(body["config"], date_of(core.market_day))
    core.state.head["limits_version"] += 1
    pools.share(core)  # a pool that is shared out another way is so at once
    changes = [f"{one['key']} {_shown(one['old'])} -> {_shown(one['new'])}" for one in body["changes"]]
    more = f"; and {len(changes) - _CHANGES_TOLD} more" if len(changes) > _CHANGES_TOLD else ""
    core.alert(
        "info", "limits_reloaded", f"limits reloaded by {body['who']}: {'; '.join(changes[:_CHANGES_TOLD])}{more}",
        "nothing, if they are the ones that were meant", changes=len(changes), why=body["why"],
        version=int(core.state.head["limits_version"]),
    )  # fmt: skip


def _shown(value: object) -> str:
    """A value of the config, the same from a person's request as from the journal, whose keys are sorted."""
    if value is None:
        return "nothing"
    stated = {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else value
    return json.dumps(stated, sort_keys=True, ensure_ascii=False)


# Price limits (涨跌停) told by a venue


def is_news(core: Core, instrument: int, lower_ticks: int, upper_ticks: int, recv_ns: int) -> bool:
    """Whether a venue's word on a contract's price limits changes anything.

    What is told while the market is closed may be of the day that has ended: it is passed over. UNSET: not told.
    """
    row = core.state.instrument[instrument]
    lower, upper = int(row["lower_limit_ticks"]), int(row["upper_limit_ticks"])
    if lower_ticks in (UNSET, lower) and upper_ticks in (UNSET, upper):
        return False
    opens_ns = int(row["open_ns"])
    return opens_ns != UNSET and opens_ns <= core.state.market_ns(recv_ns) < int(row["close_ns"])


def take_band(core: Core, instrument: int, lower_ticks: int, upper_ticks: int) -> None:
    """Set what is told; a side of which nothing is told stays as it is."""
    row = core.state.instrument[instrument]
    if lower_ticks != UNSET:
        row["lower_limit_ticks"] = lower_ticks
    if upper_ticks != UNSET:
        row["upper_limit_ticks"] = upper_ticks
    core.told_bands.add(instrument)


def turn_day(core: Core, instrument: int, trading_day: int) -> bool:
    """Whether a band that a contract's venue told was of a day before the one that its next section is of."""
    if core.state.instrument[instrument]["trading_day"] == trading_day or instrument not in core.told_bands:
        return False
    core.told_bands.discard(instrument)
    return True


def forget_bands(core: Core) -> None:
    """What venues told of a day that has ended: what the config states holds again, or nothing is known."""
    core.relimit(None, date_of(core.market_day))
