"""The grid of a sweep: from `strategy.entry=0.3:0.9:0.1` to parameter sets, each checked as a config of its own."""

import itertools
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec

from desk.check import check_again
from desk.config import Config, StrategySpec
from desk.toml_reader import nearest
from engine.calendar import Calendar

# The parameters of a strategy that its simulated decisions go by.
_WHOLE = ("clip_units", "max_units", "cooldown_ms", "slippage_ticks", "min_samples", "flatten_s")
FIELDS = ("entry", "exit", "center", "min_edge", "rearm", *_WHOLE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
MAX_POINTS = 100_000
_FORM = "strategy.NAME=FROM:TO:STEP or strategy.NAME=A,B,C"


class GridError(ValueError):
    """A grid that is none: what was expected instead."""


class Grid(NamedTuple):
    """names: the swept parameters; points: a value of each, in the grid's order, the last name's changing fastest."""

    names: tuple[str, ...]
    points: list[tuple[float | int, ...]]


def parse_grid(texts: list[str]) -> Grid:
    """A grid from the words of the command line; GridError says what was expected."""
    axes: dict[str, list[float | int]] = {}
    for text in texts:
        name, values = _axis(text)
        if name in axes:
            raise GridError(f"--grid {text}: expected each parameter once, got strategy.{name} twice")
        axes[name] = values
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MAX_POINTS:
        raise GridError(f"--grid: expected at most {MAX_POINTS:,} parameter sets, got {count:,}: take larger steps")
    return Grid(tuple(axes), list(itertools.product(*axes.values())))


def _axis(text: str) -> tuple[str, list[float | int]]:
    key, equals, values = text.partition("=")
    room, dot, name = key.partition(".")
    if not equals or not dot or room != "strategy":
        raise GridError(f"--grid {text}: expected {_FORM}")
    if name not in FIELDS:
        near = nearest(name, FIELDS)
        hint = f" (nearest: strategy.{near})" if near else ""
        raise GridError(f"--grid {text}: expected a parameter of {', '.join(FIELDS)}, got {name}{hint}")
    found = _range(text, values.split(":")) if ":" in values else [_number(text, one) for one in values.split(",")]
    if name in _WHOLE and any(value != value.to_integral_value() for value in found):
        raise GridError(f"--grid {text}: expected whole numbers: {name} counts")
    return name, [int(value) if name in _WHOLE else float(value) for value in found]


def _range(text: str, parts: list[str]) -> list[Decimal]:
    """FROM, FROM + STEP ... up to TO, TO included where a step meets it: decimal, so that 0.1 is 0.1."""
    if len(parts) != 3:
        raise GridError(f"--grid {text}: expected {_FORM}")
    first, last, step = (_number(text, part) for part in parts)
    if step <= 0:
        raise GridError(f"--grid {text}: expected a step above 0, got {step}")
    if last < first:
        raise GridError(f"--grid {text}: the range is empty: expected TO of {first} or more, got {last}")
    count = (last - first) / step
    if count >= MAX_POINTS:
        raise GridError(f"--grid {text}: expected at most {MAX_POINTS:,} values: take a larger step")
    return [first + step * number for number in range(int(count) + 1)]


def _number(text: str, part: str) -> Decimal:
    value = Decimal(part) if _NUMBER.fullmatch(part := part.strip()) else Decimal("nan")
    if not value.is_finite() or abs(value) > 10**15:
        raise GridError(f"--grid {text}: expected numbers, got {part or 'nothing'}")
    return value


def chosen_strategy(config: Config, name: str | None) -> StrategySpec:
    """The strategy to sweep: the one that is named, else the only one; GridError where it cannot be simulated."""
    ids = [spec.id for spec in config.strategies]
    if name is None and len(ids) != 1:
        raise GridError(f"expected --strategy with one of {', '.join(ids)}: the config has {len(ids)}")
    spec = next((spec for spec in config.strategies if spec.id == (name or ids[0])), None)
    if spec is None:
        hint = f" (nearest: {near})" if (near := nearest(name, ids)) else ""
        raise GridError(f"--strategy {name}: expected one of {', '.join(ids)}{hint}")
    if spec.kind == "python":
        raise GridError(f"strategy {spec.id}: expected a compiled kind, got python: a sweep does not ask Python code")
    if spec.dispatch != "concurrent":
        raise GridError(
            f'strategy {spec.id}: expected dispatch = "concurrent", got "{spec.dispatch}": all legs are sent at once'
        )
    return spec


def variants(config: Config, calendars: Mapping[str, Calendar], spec: StrategySpec, grid: Grid) -> list[StrategySpec]:
    """The strategy with each point's values; GridError at the first that `tandem check` would refuse."""
    found = []
    for point in grid.points:
        values = dict(zip(grid.names, point, strict=True))
        one = msgspec.structs.replace(spec, ramp=[], mode="live", **values)
        if not found or one != found[-1]:
            _refuse_bad(config, calendars, spec, one, values)
        found.append(one)
    return found


def _refuse_bad(config: Config, calendars, spec: StrategySpec, one: StrategySpec, values: dict) -> None:
    changed = [one if each is spec else each for each in config.strategies]
    problems = check_again(msgspec.structs.replace(config, strategies=changed), calendars, one)
    if problems:
        at = ", ".join(f"{name} = {value}" for name, value in values.items())
        said = "; ".join(f"{problem.key} = {problem.value}: expected {problem.expected}" for problem in problems[:3])
        raise GridError(f"--grid: the set {at} is no sound config: {said}")
