"""From a breach among thousands of deals to the few that make it: played again without this and without that.

A day is a world of its own, so its acts (spread, script, which way) are played alone; an act, an event, a treatment or
a single fault is left out for good where a breach of the same kind stays.
"""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.storm.campaign import DAY_DEALS, Stage
from bench.storm.script import Act, Event, Script
from bench.storm.treatment import NOTHING, Treatment

_WORDS = 2  # of a breach without a number, that tell its kind
Holds = Callable[[list[Act]], bool]


def kind_of(what: str) -> str:
    """What makes two breaches the same: the invariant's number, or the first words."""
    number = re.match(r"(\d+): ", what)
    return number[1] if number else " ".join(what.split()[:_WORDS])


def shrink_first(config: Path, seed: int, breach: tuple[int, str, int, str], deals: int = DAY_DEALS) -> list[str]:
    """A short script of this breach (day, what, deal, script) as Python that can be pasted into a test.

    deals: of the campaign or of the day.
    """
    stage, (number, what, _, _) = Stage(config), breach
    acts = shrunk(stage, seed, number, kind_of(what), min(deals, DAY_DEALS))
    if not acts:
        return [f"# day {number} of seed {seed} does not show it again when it is played alone: {what}"]
    day = stage.day(seed, number)
    day.play_list(acts)
    shown = next(one for one, _, _ in stage.judged(day).breaches if kind_of(one) == kind_of(what))
    return pasted(config, seed, number, acts, shown)


def shrunk(stage: Stage, seed: int, number: int, kind: str, deals: int = DAY_DEALS) -> list[Act]:
    """The least acts found that still make a breach of this kind in that day; [] where the day itself does not."""

    def holds(acts: list[Act]) -> bool:
        day = stage.day(seed, number)
        day.play_list(acts)
        return any(kind_of(what) == kind for what, _, _ in stage.judged(day).breaches)

    day = stage.day(seed, number)
    day.run(deals)
    acts = day.acts
    if not holds(acts):
        return []
    acts = _fewer(acts, holds)
    for at in range(len(acts)):
        acts = _simpler(acts, at, holds)
    return acts


def _fewer(acts: list, holds: Callable[[list], bool]) -> list:
    """Leave out halves, then quarters, ... as long as it holds; at the end no single one can be left out."""
    size = max(len(acts) // 2, 1)
    while acts:
        at, before = 0, len(acts)
        while at < len(acts):
            rest = acts[:at] + acts[at + size :]
            if holds(rest):
                acts = rest
            else:
                at += size
        if size == 1 and len(acts) == before:
            break
        size = max(size // 2, 1)
    return acts


def _simpler(acts: list[Act], at: int, holds: Holds) -> list[Act]:
    """Leave out of one act's script what need not be there: events, treatments, then parts of a treatment."""

    def with_script(script: Script) -> list[Act]:
        return [*acts[:at], msgspec.structs.replace(acts[at], script=script), *acts[at + 1 :]]

    script = acts[at].script
    changed = lambda **fields: msgspec.structs.replace(script, **fields)
    if script.trades:  # else its events are the reason why no decision may come
        events = _fewer(script.events, lambda some: holds(with_script(changed(events=some))))
        script = changed(events=events)
    for field in ("rest", "legs"):
        for leg in list(getattr(script, field)):
            kept = {one: value for one, value in getattr(script, field).items() if one != leg}
            if holds(with_script(changed(**{field: kept}))):
                script = changed(**{field: kept})
    for leg, treatments in list(script.legs.items()):
        for number in range(len(treatments)):
            for simpler in _simpler_treatments(script.legs[leg][number]):
                listed = [*script.legs[leg][:number], simpler, *script.legs[leg][number + 1 :]]
                legs = script.legs | {leg: listed}
                if holds(with_script(changed(legs=legs))):
                    script = changed(legs=legs)
                    break
    return with_script(script)


def _simpler_treatments(treatment: Treatment) -> list[Treatment]:
    """None at all first, then each without one of its parts."""
    if treatment == NOTHING:
        return []
    found = [NOTHING]
    for name in treatment.__struct_fields__:
        try:
            one = msgspec.structs.replace(treatment, **{name: getattr(NOTHING, name)})
            one.__post_init__()
        except ValueError:
            continue
        if one not in (treatment, NOTHING):
            found.append(one)
    return found


# As Python


def pasted(config: Path, seed: int, number: int, acts: list[Act], what: str) -> list[str]:
    """The acts as the lines of a test."""
    used = sorted(_named(acts))
    return [
        f"# {what}",
        "from pathlib import Path",
        "",
        "from bench.storm.campaign import Stage",
        f"from bench.storm.script import {', '.join(name for name in used if name != 'Treatment')}",
        *(["from bench.storm.treatment import Treatment"] if "Treatment" in used else []),
        "",
        f'stage = Stage(Path("{config}"))',
        f"day = stage.day({seed}, {number})",
        "day.play_list([",
        *(f"    {_text(act)}," for act in acts),
        "])",
        "assert stage.judged(day).breaches == []",
    ]  # fmt: skip


def _named(value: object) -> set[str]:
    """The classes that a text of this needs."""
    if isinstance(value, (list, dict)):
        return set().union(*map(_named, value.values() if isinstance(value, dict) else value), set())
    if isinstance(value, (Act, Event, Script, Treatment)):
        inner = set().union(*(_named(getattr(value, name)) for name in value.__struct_fields__))
        return inner | {type(value).__name__}
    return set()


def _text(value: object) -> str:
    """As repr, without the fields that are as they are by themselves."""
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_text(one)}" for key, one in value.items()) + "}"
    if not isinstance(value, msgspec.Struct):
        return repr(value)
    shown = []
    for field in msgspec.structs.fields(value):
        one = getattr(value, field.name)
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if default is msgspec.NODEFAULT or one != default:
            shown.append(f"{field.name}={_text(one)}")
    return f"{type(value).__name__}({', '.join(shown)})"
