"""`tandem accept`: a desk's acceptance in one go; each step timed and judged, none left out because another failed."""

import asyncio
import json
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from desk.accept_facts import facts
from desk.accept_joint import JOINT, KILL, Joint, simulated_beside
from desk.accept_joint import run as run_joint
from desk.accept_page import write_page
from desk.accept_rules import (
    FAIL,
    Step,
    config_checks,
    exit_code,
    failed,
    judged,
    latency_checks,
    skipped,
    storm_checks,
)
from desk.check import CheckResult, check
from desk.children import ROOT, Child, NotUp
from desk.config import Config
from desk.texts import duration_text
from engine.clock import now_ns

CONFIG, STORM, LATENCY = ("config", "Config check"), ("storm", "Stress by storm"), ("latency", "Latency bench")
_PATIENCE_S = 3600.0  # for a storm or a bench
_STORM_FIGURES = (
    "deals", "breaches", "naked_at_end", "outcomes", "halted", "halted_share", "worst_naked_ms", "orders", "cancels",
    "deals_per_s_core", "seed", "days", "journal_hash", "first_breaches", "assumed_levels",
)  # fmt: skip
_LATENCY_FIGURES = ("both_us_p50", "both_us_p99", "floor_us_p50", "pair_us_p50", "pair_us_p99", "controls", "refused")


class Wish(NamedTuple):
    """What the person asked of the acceptance. out: the page; None: a dated one below out/accept."""

    config: Path
    out: Path | None
    seconds: float
    deals: int
    with_sim: bool
    rounds: int = 0  # of the benches; 0: their own


class AcceptError(Exception):
    """The acceptance cannot begin, and says why."""


def run(wish: Wish) -> int:
    """The whole acceptance: 0, 1 or 3 as of `exit_code`; AcceptError where its page could not be kept."""
    page = (wish.out or _dated(wish.config)).absolute()
    work = page.with_suffix("")
    if page == work or work.exists() or page.exists():
        raise AcceptError(f"--out {page}: expected a name such as accept.html of which nothing is there yet")
    try:
        work.mkdir(parents=True)
        steps, told = asyncio.run(_steps(wish, work))
        write_page(page, told, steps)
    except OSError as error:
        raise AcceptError(f"--out {page}: expected a place that can be written to: {error.strerror}") from error
    print(page)
    return exit_code(steps)


def _dated(config: Path) -> Path:
    return Path("out") / "accept" / f"{config.stem}-{now_ns() // 1_000_000_000}.html"


async def _steps(wish: Wish, work: Path) -> tuple[list[Step], dict[str, Any]]:
    """Every step in its turn, each told when it is over; and what was accepted."""
    checked, step = _checked(wish.config)
    config, steps = checked.config, []
    told = facts(wish.config, config)

    def take(found: list[Step]) -> None:
        steps.extend(found)
        for one in found:
            _tell(one)

    take([step])
    take(await _joint(wish, config, work))
    take(await _timed(_storm(wish, config, work)))
    take(await _timed(_latency(wish, work)))
    return steps, told


def _checked(path: Path) -> tuple[CheckResult, Step]:
    began_ns = now_ns()
    checked = check(path)
    problems = [str(problem) for problem in checked.problems]
    step = judged(*CONFIG, config_checks(problems), {"problems": problems}, checked.notes)
    step.seconds = (now_ns() - began_ns) / 1e9
    return checked, step


async def _timed(made: Coroutine[Any, Any, Step]) -> list[Step]:
    began_ns = now_ns()
    step = await made
    step.seconds = (now_ns() - began_ns) / 1e9
    return [step]


def _tell(step: Step) -> None:
    why = f": {step.why}" if step.why else ""
    print(f"{step.title}: {step.verdict} ({duration_text(step.seconds * 1e9)}){why}", file=sys.stderr, flush=True)


async def _joint(wish: Wish, config: Config | None, work: Path) -> list[Step]:
    if config is None:
        return [skipped(*JOINT, "the config is wrong"), skipped(*KILL, "the config is wrong")]
    try:
        simulated = simulated_beside(wish.config, config, wish.with_sim)
    except ValueError as error:
        return [failed(*JOINT, str(error)), skipped(*KILL, "the joint test was not begun")]
    return await run_joint(Joint(wish.config.absolute(), config, simulated, wish.seconds, work))


async def _storm(wish: Wish, config: Config | None, work: Path) -> Step:
    if config is None:
        return skipped(*STORM, "the config is wrong")
    arguments = [str(wish.config.absolute()), "--deals", str(wish.deals)]
    code, found, why = await _bench("storm", "bench.storm", arguments, work)
    if code is None:
        return skipped(*STORM, why)
    told = {key: found[key] for key in _STORM_FIGURES if key in found}
    notes = ["fewer deals than asked for: the config's gate let no more be opened"] if _fewer(found, wish.deals) else []
    return _with_words(judged(*STORM, storm_checks(code, found, wish.deals), told, notes), why)


def _fewer(figures: dict, deals: int) -> bool:
    played = figures.get("deals")
    return isinstance(played, int) and 0 < played < deals


async def _latency(wish: Wish, work: Path) -> Step:
    rounds = ["--rounds", str(wish.rounds)] if wish.rounds else []
    code, found, why = await _bench("latency", "bench", ["path", "gate", *rounds], work)
    if code is None:
        return skipped(*LATENCY, why)
    told = {key: found[key] for key in _LATENCY_FIGURES if key in found}
    return _with_words(judged(*LATENCY, latency_checks(code, found), told), why)


def _with_words(step: Step, last_words: str) -> Step:
    """What the process said last says more than its exit code."""
    if step.verdict == FAIL and last_words:
        step.notes = [*step.notes, f"its last line: {last_words}"]
    return step


async def _bench(name: str, module: str, arguments: Sequence[str], work: Path) -> tuple[int | None, dict, str]:
    """(exit code, figures, its last line); the code is None where the bench is not part of this installation."""
    if not (ROOT / module.replace(".", "/")).is_dir():
        return None, {}, f"{module} is not installed here"
    path = work / f"{name}.json"
    async with Child(name, [*arguments, "--json", str(path)], work, module) as child:
        try:
            code = await child.done(_PATIENCE_S)
        except NotUp as error:
            return -1, {}, str(error)
    return code, figures_in(path), child.last_line()


def figures_in(path: Path) -> dict:
    """The figures of a JSON file; none where there is no file, or no JSON object in it."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
