"""What an acceptance asks of each of its steps, as rules over figures: a figure that is missing never passes."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from desk.texts import number_text
from engine.ports import CHANNELS

PASS, FAIL, SKIPPED = "pass", "FAIL", "skipped"
PASSED, FAILED, NOT_ALL = 0, 1, 3


class Check(msgspec.Struct):
    """One thing asked: what, whether it was so, and what was seen."""

    what: str
    passed: bool
    seen: str


class Step(msgspec.Struct):
    """One step of an acceptance: its verdict with the reason, the time that it took, its checks and figures."""

    name: str
    title: str
    verdict: str
    why: str = ""
    seconds: float = 0.0
    checks: list[Check] = []
    figures: dict[str, Any] = {}
    notes: list[str] = []


def judged(
    name: str, title: str, checks: Sequence[Check], figures: Mapping[str, Any], notes: Sequence[str] = ()
) -> Step:
    """A step that passes where every one of its checks does, and fails where there was nothing to check."""
    wrong = [f"{one.what}: {one.seen}" for one in checks if not one.passed]
    why = "; ".join(wrong) if checks else "nothing was seen"
    return Step(name, title, FAIL if why else PASS, why, 0.0, list(checks), dict(figures), list(notes))


def failed(name: str, title: str, why: str) -> Step:
    return Step(name, title, FAIL, why)


def skipped(name: str, title: str, why: str) -> Step:
    return Step(name, title, SKIPPED, why)


def exit_code(steps: Sequence[Step]) -> int:
    """0: every step passed; 1: one failed; 3: none failed, and yet not all was done."""
    verdicts = {step.verdict for step in steps}
    if FAIL in verdicts or not steps:
        return FAILED
    return PASSED if verdicts == {PASS} else NOT_ALL


def equals(figures: Mapping[str, Any], key: str, wanted: object, what: str) -> Check:
    """A figure that must have a value; one that is missing or of another type has not."""
    value = figures.get(key)
    return Check(what, type(value) is type(wanted) and value == wanted, _text(value))


def above_zero(figures: Mapping[str, Any], key: str, what: str) -> Check:
    value = figures.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return Check(what, False, _text(value))
    return Check(what, 0 < value < 1e12, f"{value:g}")


def _text(value: object) -> str:
    if value is None:
        return "not told"
    return number_text(value) if isinstance(value, bool) else str(value)


def all_of(wanted: Sequence[str], seen: Sequence[str], what: str) -> Check:
    """Every name that is wanted was seen."""
    missing = [name for name in wanted if name not in seen]
    said = f"missing: {', '.join(missing)}" if missing else f"all {len(wanted)}" if wanted else "none is named"
    return Check(what, bool(wanted) and not missing, said)


def config_checks(problems: Sequence[str]) -> list[Check]:
    return [Check("the config has no problem", not problems, "; ".join(problems) or "none")]


def joint_checks(config: Mapping[str, Any], figures: Mapping[str, Any]) -> list[Check]:
    """The joint test. config: of the CONFIG record. figures: of `desk.accept_seen`."""
    ids = lambda table: [one["id"] for one in config.get(table, [])]
    links = [f"{venue} {channel}" for venue in ids("venues") for channel in CHANNELS]
    return [
        all_of(links, figures.get("links_ready", []), "every link came READY"),
        all_of(ids("accounts"), figures.get("accounts", []), "a snapshot of every account arrived"),
        all_of(ids("instruments"), figures.get("quoted", []), "quotes came for every instrument"),
        equals(figures, "bad_inputs", 0, "nothing came that could not be understood"),
        equals(figures, "whole", True, "the journal verifies"),
        equals(figures, "ended", "closed", "the journal was closed in order"),
        equals(figures, "identical", True, "the replay is identical"),
        equals(figures, "exit_code", 0, "the engine ended flat"),
    ]


def kill_checks(config: Mapping[str, Any], figures: Mapping[str, Any]) -> list[Check]:
    """The kill drill: the word was taken, each venue's part is told, nothing is left, nothing was opened after it."""
    return [
        equals(figures, "kill_code", 0, "the kill was carried out"),
        all_of([one["id"] for one in config.get("venues", [])], list(figures.get("kills", {})),
               "each venue's answers are in the journal"),
        equals(figures, "kill_left", 0, "no order was left alive or in doubt"),
        equals(figures, "entries_after_kill", 0, "no entry was sent after the word"),
    ]  # fmt: skip


def storm_checks(code: int, figures: Mapping[str, Any], deals: int) -> list[Check]:
    """deals: asked for. Where the config's own limits deny a storm's decisions it plays fewer, which is told."""
    played = above_zero(figures, "deals", "deals were played")
    played.seen += f" of {deals} asked for"
    return [
        Check("the storm ended in order", code == 0, f"exit code {code}"),
        played,
        equals(figures, "breaches", 0, "no invariant was breached"),
        equals(figures, "naked_at_end", 0, "no deal was naked at the end"),
    ]


LATENCIES = {
    "both_us_p50": "quote to both orders, p50, µs", "both_us_p99": "quote to both orders, p99, µs",
    "pair_us_p50": "gate of a decision, p50, µs", "pair_us_p99": "gate of a decision, p99, µs",
}  # fmt: skip


def latency_checks(code: int, figures: Mapping[str, Any]) -> list[Check]:
    """The figures are shown, not judged: what is fast enough is for the desk to say."""
    told = [above_zero(figures, key, what) for key, what in LATENCIES.items()]
    return [Check("the benches ended in order", code == 0, f"exit code {code}"), *told]
