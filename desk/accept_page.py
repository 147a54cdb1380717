"""The page of an acceptance, and the JSON beside it: what was accepted, step by step, with every figure."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import msgspec

from desk.accept_rules import FAIL, PASS, SKIPPED, Step, exit_code
from desk.report import TEMPLATE
from desk.report_tables import table
from desk.texts import DASH, count_text, duration_text, number_text

_BADGES = {PASS: "complete", FAIL: "error", SKIPPED: "warn"}
_NAMES = {
    "both_us_p50": "quote to both orders, p50, µs", "both_us_p99": "quote to both orders, p99, µs",
    "floor_us_p50": "floor: two bare sends, p50, µs", "pair_us_p50": "gate, both legs, p50, µs",
    "pair_us_p99": "gate, both legs, p99, µs", "controls": "controls of the gate", "chain": "hash chain of the journal",
    "kill_left": "orders left alive or in doubt", "identical": "replay identical", "whole": "journal whole",
    "entries_after_kill": "entries sent after the word", "naked_at_end": "naked at the end",
    "seconds": "seconds of trading", "exit_code": "exit code of the engine", "last_words": "the engine's last words",
    "quoted": "instruments with quotes", "alerts_error": "alerts of level error", "ended": "journal ended",
    "inputs": "inputs replayed", "outputs": "outputs compared", "kill_code": "exit code of the kill",
    "kills": "each venue's part",
}  # fmt: skip
_ELSEWHERE = ("problems", "played", "kill_said", "kill_missing", "difference")  # told by a check or a note


def write_page(path: Path, facts: Mapping[str, Any], steps: Sequence[Step]) -> None:
    """Write the page, and the JSON beside it under the same name."""
    found = as_json(facts, steps)
    path.with_suffix(".json").write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")
    path.write_text(page_html(facts, steps), encoding="utf-8")


def as_json(facts: Mapping[str, Any], steps: Sequence[Step]) -> dict[str, Any]:
    code = exit_code(steps)
    return {"accepted": code == 0, "exit_code": code, **facts, "steps": [msgspec.to_builtins(step) for step in steps]}


def page_html(facts: Mapping[str, Any], steps: Sequence[Step]) -> str:
    title, when = f"{facts['name']}: acceptance", facts["date"].replace("T", " ").replace("+00:00", " UTC")
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        subtitle=escape(f"{when} · {facts['host']}, {facts['system']} · Tandem {facts['versions']['tandem']}"),
        verdict=_verdict(steps),
        cards="".join(_card(step) for step in steps),
        sections="".join([_accepted(facts, steps), *map(_section, steps)]),
    )


def _verdict(steps: Sequence[Step]) -> str:
    wrong = [step for step in steps if step.verdict != PASS]
    took = duration_text(sum(step.seconds for step in steps) * 1e9)
    word = "Not accepted" if wrong or not steps else "Accepted"
    passed = count_text(len(steps) - len(wrong), "step", "steps")
    said = "; ".join(f"{step.title} {step.verdict}" for step in wrong) or "every step passed"
    css = "bad" if wrong or not steps else "good"
    told = f"{passed} of {len(steps)} passed, in {took}."
    return f'<div class="verdict {css}"><b>{escape(f"{word}: {said}.")}</b><p>{escape(told)}</p></div>'


def _badge(verdict: str) -> str:
    return f'<span class="badge {_BADGES[verdict]}">{verdict}</span>'


def _card(step: Step) -> str:
    passed = sum(one.passed for one in step.checks)
    small = f"{passed} of {len(step.checks)} checks, {duration_text(step.seconds * 1e9)}" if step.checks else step.why
    return f"<div><h3>{escape(step.title)}</h3><b>{_badge(step.verdict)}</b><p>{escape(small)}</p></div>"


def _accepted(facts: Mapping[str, Any], steps: Sequence[Step]) -> str:
    """What it was that was accepted: by its hashes, and where its journal lies."""
    joint = next((step.figures for step in steps if step.name == "joint"), {})
    commit = facts.get("commit")
    said = "no commit is known" if not commit else f"{commit}, with changes" if facts["commit_changed"] else commit
    rows = [
        ("config", facts["config"]), ("hash of the config's files", facts["config_files_hash"]),
        ("config hash in the journal", joint.get("config_hash") or DASH), ("code", said),
        ("hash of the code's files", facts["code_hash"]), ("journal", joint.get("journal") or DASH),
        ("hash chain of the journal", joint.get("chain") or DASH),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts["versions"].items())),
        ("machine", f"{facts['host']}, {facts['cores']} cores, {facts['system']}, load {facts['load_1m']}"),
    ]  # fmt: skip
    cells = [[escape(name), f"<code>{escape(str(value))}</code>"] for name, value in rows]
    return f"<section><h2>What was accepted</h2>{_scroll(table(['', ''], cells, 'definitions'))}</section>"


def _section(step: Step) -> str:
    checks = [[_badge(PASS if one.passed else FAIL), escape(one.what), escape(one.seen)] for one in step.checks]
    parts = [f"<h2>{escape(step.title)} {_badge(step.verdict)}</h2>"]
    if step.why and not checks:
        parts.append(f"<p>{escape(step.why)}</p>")
    parts += [f"<p>{escape(note)}</p>" if "\n" not in note else f"<pre>{escape(note)}</pre>" for note in step.notes]
    if checks:
        parts.append(_scroll(table(["", "asked", "seen"], checks, "checks")))
    if rows := list(_figures(step.figures)):
        parts.append(_scroll(table(["figure", "value"], rows, "checks")))
    return f"<section>{''.join(parts)}</section>"


def _figures(figures: Mapping[str, Any]):
    """A row a figure; those of a figure inside another behind its name."""
    for key, value in figures.items():
        name = _NAMES.get(key, key.replace("_", " "))
        if key in _ELSEWHERE or value in ("", [], {}):
            continue
        if isinstance(value, Mapping):
            value = "; ".join(f"{inner}: {_text(one)}" for inner, one in value.items() if one != 0)
        yield [escape(name), escape(_text(value))]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_text(one)}" for key, one in value.items())
    if isinstance(value, list):
        return "; ".join(map(_text, value))
    if isinstance(value, float):
        text = number_text(value, 3)
        return text.rstrip("0").rstrip(".")
    return value if isinstance(value, str) else number_text(value)


def _scroll(content: str) -> str:
    return f'<div class="scroll">{content}</div>'
