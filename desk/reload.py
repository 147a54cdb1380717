"""Limits reloaded into a running engine: the file is read and checked, compared, and taken as a whole or not at all.

The check takes some tenths of a second, so it is made in a process of its own (`look_apart`): the loop goes on trading
meanwhile. What comes of it is one input, LIMITS, which carries the whole new config; replay needs no file.

A restart: the journal goes on with a file that says what START said, or what the last LIMITS said, and with no other.
Replay of the past ends with the reloaded limits in force, so the first kind of file does not take them back; the log
and the CONFIG record of the new start say what holds. Whoever wants other limits starts with either, then reloads.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson

from desk.assembly import shown
from desk.build import Names
from desk.config import Config
from desk.limit_fields import Change, differences
from desk.relimit import limits_of, misfit
from engine.limits import date_of
from engine.loop import Loop

_PATIENCE_S = 20.0


class Candidate(msgspec.Struct):
    """A file that was looked at. config: as the journal holds it, without secrets; None where there is a problem."""

    problems: list[str]
    config: dict | None = None


class Plan(NamedTuple):
    """What a reload would do. problems: why it does nothing."""

    changes: list[Change]
    problems: list[str]
    config: dict | None


def look(path: str) -> Candidate:
    """Read and check a file."""
    from desk.check import check  # its imports are not the engine's

    result = check(Path(path))
    if result.config is None:
        return Candidate([str(problem) for problem in result.problems])
    return Candidate([], shown(result.config))


def look_apart(path: str) -> Candidate:
    """The same in a process of its own; blocks the thread that waits, not the interpreter."""
    command = [sys.executable, "-m", "desk.reload", path]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_S, check=False)
        return msgspec.json.decode(done.stdout, type=Candidate)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Candidate([f"{path}: the check of it did not come to an end: {error}"])
    except msgspec.DecodeError:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return Candidate([f"{path}: the check of it failed: {said[-1] if said else f'exit code {done.returncode}'}"])


def plan(loop: Loop, candidate: Candidate) -> Plan:
    """Compare a file with the config in force."""
    if candidate.config is None:
        return Plan([], candidate.problems, None)
    core = loop.core
    new = msgspec.convert(candidate.config, Config)
    found = differences(core.relimit.config, new)
    problems = [str(change) for change in found if change.refused]
    if not found:
        problems.append("the file says what is in force already")
    if not problems and (why := misfit(core.state, limits_of(new, date_of(core.market_day)))):
        problems.append(f"expected {why}")
    if not problems and Names(new).lists() != core.names:
        problems.append("expected the names of the config in force, in their order")
    return Plan(found, problems, candidate.config)


def carry_out(loop: Loop, chosen: Plan, who: str, why: str, now_ns: int) -> int:
    """Give the loop a plan without problems; the version of the limits now."""
    version = int(loop.core.state.head["limits_version"]) + 1
    changes = [{"key": one.key, "old": one.old, "new": one.new} for one in chosen.changes]
    body = {"version": version, "who": who, "why": why, "changes": changes, "config": chosen.config}
    loop.on_limits(body, now_ns)
    return version


def lines_of(chosen: Plan) -> list[str]:
    """The plan, a line each: what stands in its way, or else what it changes."""
    if chosen.problems:
        return [f"  {one}" for one in chosen.problems]
    return [f"  {change}" for change in chosen.changes]


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(msgspec.to_builtins(look(sys.argv[1]))))
