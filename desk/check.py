"""The check of a config: everything that is wrong in it, and what a desk should know of it before it trades."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from desk.calendars import PROJECT_FILE, load_calendars
from desk.check_accounts import check_accounts
from desk.check_bounds import check_bounds
from desk.check_instruments import check_instruments
from desk.check_limits import check_limits
from desk.check_policies import check_policies
from desk.check_pools import check_pools
from desk.check_release import check_release
from desk.check_rules import check_rules
from desk.check_spreads import check_spreads
from desk.check_strategies import check_strategies
from desk.config import Config, StrategySpec
from desk.findings import Findings, known
from desk.toml_reader import Origin, Problem, Reading, read_all
from engine.calendar import Calendar
from engine.clock import now_ns as clock_ns

_SETTINGS = {"fix44": ("adapters.fix44.settings", "FixSettings"), "diff": ("adapters.diff.settings", "DiffSettings")}


class CheckResult(Struct):
    """config: None where there is any problem. notes: not wrong, but worth knowing.

    calendars: by name; settings: the typed settings of each venue, by its id. Both complete where there is no problem.
    """

    config: Config | None
    problems: list[Problem]
    notes: list[str]
    calendars: Mapping[str, Calendar] = {}
    settings: Mapping[str, Any] = {}


def known_protocols() -> dict[str, type[Struct]]:
    """The settings type of every protocol that an engine can speak. Loaded late: a check needs no venue's code else."""
    return {name: getattr(importlib.import_module(module), kind) for name, (module, kind) in _SETTINGS.items()}


def check(
    path: str | Path, protocols: Mapping[str, type[Struct]] | None = None, now_ns: int | None = None
) -> CheckResult:
    """Read and check a config. protocols: settings types by protocol (default: all known). now_ns: for expiries."""
    reading = read_all(path, Config)
    if reading.value is None:
        return CheckResult(None, reading.problems, [])
    calendars, problems = load_calendars(_calendars_file(Path(path), reading.value))
    found = Findings(reading, calendars, clock_ns() if now_ns is None else now_ns)
    settings = check_accounts(found, known_protocols() if protocols is None else protocols)
    _check_trading(found)
    problems = reading.problems + problems
    return CheckResult(None if problems else reading.value, problems, found.notes, calendars, settings)


def _check_trading(found: Findings) -> None:
    """All but the accounts and the venues' settings."""
    check_instruments(found)
    check_strategies(found, check_spreads(found))
    check_policies(found)
    check_pools(found)
    check_release(found)
    check_limits(found)
    check_rules(found)
    check_bounds(found)


def check_again(config: Config, calendars: Mapping[str, Calendar], changed: StrategySpec) -> list[Problem]:
    """What is wrong with a checked config of which one strategy was changed in memory; keys begin with `strategy`."""
    reading = Reading()
    reading.value = config
    reading.keep(changed, Origin("", "strategy"), True)
    _check_trading(Findings(reading, calendars, clock_ns()))
    return reading.problems


def render(result: CheckResult) -> str:
    """The result as plain aligned text: problems by file, then notes, then one line that says it all."""
    lines: list[str] = []
    for file in dict.fromkeys(problem.file for problem in result.problems):
        lines += [file, *_problem_lines([problem for problem in result.problems if problem.file == file]), ""]
    lines += [f"note: {note}" for note in result.notes]
    count = len(result.problems)
    lines.append(f"{count} problem{'' if count == 1 else 's'}" if count else "no problem")
    return "\n".join(lines)


def _problem_lines(problems: list[Problem]) -> list[str]:
    keys = [f"{problem.key} = {problem.value}" if problem.value else problem.key for problem in problems]
    width = min(max(map(len, keys)), 60)
    return [
        f"  {key:<{width}}  expected {problem.expected}" + (f" (nearest: {problem.nearest})" if problem.nearest else "")
        for key, problem in zip(keys, problems, strict=True)
    ]


def _calendars_file(path: Path, config: Config) -> Path:
    return path.parent / config.calendars if known(config, "calendars") and config.calendars else PROJECT_FILE
