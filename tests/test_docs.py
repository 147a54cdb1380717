"""The pages for people say what is: tests, files, commands, keys and codes that they name exist."""

import ast
import re
import shlex
import shutil
import tomllib
import types
import typing
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from bench.storm import judge_codes
from desk.check import check, render
from desk.cli import main
from desk.config import Config
from riskgate.gate import SEQUENCE

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "ARCHITECTURE.md", "DECISIONS.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/leg-risk.md",
         "docs/scale.md", "docs/sweep.md")
FOLDERS = "engine|adapters|riskgate|strategies|desk|bench|configs|tests|docs"


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in a language, "" for those that name none."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)


@cache
def known_tests() -> frozenset[str]:
    found = set()
    for path in (ROOT / "tests").glob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return frozenset(name for name in found if name.startswith("test_"))


def rows_of(page: str, first_cell: str) -> list[list[str]]:
    """The rows of tables whose first cell matches, as lists of cells."""
    lines = re.findall(rf"^\| (?:{first_cell}) \|.*\|$", text_of(page), re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_exists(page):
    named = set(re.findall(r"(?<![\w/])test_\w+(?!\w*\.py)", text_of(page)))
    assert named - known_tests() == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page):
    named = set(re.findall(rf"(?<![\w/.])(?:{FOLDERS})/[\w./-]*\w(?:/|\b)", text_of(page)))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_row_of_the_catalogue_has_what_is_done_and_a_test_that_shows_it():
    rows = rows_of("docs/leg-risk.md", r"F\d+")
    assert [row[0] for row in rows] == [f"F{number}" for number in range(1, 27)]
    for row in rows:
        assert len(row) == 4 and all(row), row
        assert re.search(r"`test_\w+`", row[3]), row[0]


def test_every_invariant_has_its_place_its_codes_and_its_tests():
    rows = [row for row in rows_of("docs/leg-risk.md", r"\d+") if len(row) == 5]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 11)]
    for number, _, kept, codes, shown in rows:
        named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b|\b(?:NAKED|REVIVED|REFUSED|CANCELS|CROSSED|TRIES)\b", codes))
        judged = {code for code, (invariant, _) in judge_codes.SENTENCES.items() if invariant == int(number)}
        assert {getattr(judge_codes, name) for name in named} == judged, number
        assert "`engine/" in kept or "`riskgate/" in kept
        assert "`test_" in shown


def commands(page: str) -> list[list[str]]:
    """The `tandem` commands in a page's blocks, their words."""
    lines = [line.strip() for block in blocks(page, "") for line in block.splitlines()]
    found = [re.split(r"\s{2,}", line)[0] for line in lines if re.match(r"(\.venv/bin/)?tandem ", line)]
    return [shlex.split(line)[1:] for line in found]


def test_every_command_of_the_readme_is_in_the_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = set(re.findall(r"^  ([\w-]+)", capsys.readouterr().out, re.MULTILINE))
    named = {words[0] for words in commands("README.md") if not words[0].startswith("--")}
    assert {"check", "run", "deals", "resolve", "halt"} <= named <= said


@pytest.mark.parametrize("page", ["README.md", "docs/sweep.md"])
def test_every_option_of_the_pages_commands_is_known(page, capsys):
    assert commands(page)
    for words in commands(page):
        if words[0].startswith("--"):
            continue
        with pytest.raises(SystemExit):
            main([words[0], "--help"])
        said = capsys.readouterr().out
        assert [word for word in words if word.startswith("--") and word not in said] == [], words


def test_every_module_that_the_readme_runs_exists():
    named = set(re.findall(r"python -m ([\w.]+)", text_of("README.md")))
    assert "bench.crash" in named
    for name in named:
        path = ROOT / name.replace(".", "/")
        assert (path / "__main__.py").exists() or path.with_suffix(".py").exists(), name


def strangers(value: object, wanted: object, where: str = "") -> list[str]:
    """Keys that the typed config does not know."""
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        wanted = next(one for one in typing.get_args(wanted) if one is not type(None))
    if typing.get_origin(wanted) is list:
        return [each for one in value for each in strangers(one, typing.get_args(wanted)[0], where)]
    if not (isinstance(wanted, type) and issubclass(wanted, msgspec.Struct)):
        return []
    known = {field.name: field.type for field in msgspec.structs.fields(wanted)}
    found = [f"{where}.{key}" for key in value if key not in known]
    for key, one in value.items():
        if key in known:
            found += strangers(one, known[key], f"{where}.{key}")
    return found


def test_every_key_of_the_readmes_snippets_is_known_to_the_config():
    snippets = blocks("README.md", "toml")
    assert len(snippets) >= 3
    for snippet in snippets:
        assert strangers(tomllib.loads(snippet), Config) == []


def test_a_key_that_is_not_there_would_be_found():
    assert strangers({"strategies": [{"repair": {"lean_s": 1}, "idd": ""}]}, Config) == [
        ".strategies.idd", ".strategies.repair.lean_s",
    ]  # fmt: skip


def test_the_readmes_policy_passes_the_check_behind_the_gold_config(tmp_path):
    policy = next(snippet for snippet in blocks("README.md", "toml") if "strategies.repair" in snippet)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    path = tmp_path / "configs" / "gold.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n" + policy, encoding="utf-8")
    result = check(path)
    assert result.config is not None, render(result)
    assert [one.id for one in result.config.strategies][-1] == "gold_patient"


def test_the_readme_counts_the_controls_of_the_gate():
    assert f"has\n{len(SEQUENCE)} of its 28 controls" in text_of("README.md")


def test_entries_of_the_decisions_stand_newest_first_each_behind_a_blank_line():
    lines = text_of("DECISIONS.md").splitlines()
    dates = [re.match(r"## (\d{4}-\d\d-\d\d) ", line)[1] for line in lines if line.startswith("## ")]
    assert dates == sorted(dates, reverse=True)
    assert [line for before, line in pairwise(lines) if line.startswith("## ") and before] == []
