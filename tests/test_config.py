"""The TOML reader: everything wrong in a file is told at once, with its file, key, value and what was expected."""

from typing import Annotated, Literal

import msgspec
import pytest

from desk.config import Config
from desk.toml_reader import Problem, read, read_all


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    ratio: float = 1.0


class Outer(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    mode: Literal["wait", "busy"] = "wait"
    level: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    limit: float | None = None
    on: bool = True
    inner: Inner | None = None
    items: list[Inner] = []
    table: dict[str, Inner] = {}
    free: dict = {}
    include: list[str] = []


class Careful(msgspec.Struct, frozen=True, kw_only=True):
    low: int
    high: int

    def __post_init__(self):
        if self.low >= self.high:
            raise ValueError(f"low < high, not {self.low} and {self.high}")


def write(folder, text, name="a.toml"):
    path = folder / name
    path.write_text(text)
    return path


def told(problems: list[Problem]) -> set[tuple[str, str, str]]:
    return {(problem.key, problem.value, problem.expected) for problem in problems}


def test_a_good_file_is_read_with_its_defaults(tmp_path):
    path = write(
        tmp_path,
        'name = "x"\nlimit = 3\ninner.size = 1\n[[items]]\nsize = 2\n[table]\na.size = 3\n[free]\nday = 1979-05-27',
    )
    value, problems = read(path, Outer)
    assert problems == []
    assert (value.name, value.limit, value.inner.size, value.items[0].ratio) == ("x", 3.0, 1, 1.0)
    assert value.table["a"].size == 3 and value.mode == "wait"


def test_every_wrong_value_is_told_in_one_go(tmp_path):
    path = write(
        tmp_path,
        'name = 1\nmode = "buzy"\nlevel = 9\nlimit = "x"\non = 1\nitems = [{size = 1.5}, {size = 2, ratio = nan}, 3]\n'
        "inner = 4\ntable = {a = {size = true}}\nfree = []\n",
    )
    value, problems = read(path, Outer)
    assert value is None
    assert {problem.file for problem in problems} == {str(path)}
    assert told(problems) == {
        ("name", "1", "a text in quotes"),
        ("mode", '"buzy"', 'one of "wait", "busy"'),
        ("level", "9", "`int` <= 5"),
        ("limit", '"x"', "a number"),
        ("on", "1", "true or false"),
        ("items[0].size", "1.5", "a whole number"),
        ("items[1].ratio", "NaN", "a finite number"),
        ("items[2]", "3", "a table"),
        ("inner", "4", "a table"),
        ("table.a.size", "true", "a whole number"),
        ("free", "[]", "a table"),
    }
    assert next(problem.nearest for problem in problems if problem.key == "mode") == "busy"


def test_an_unknown_key_names_the_nearest_one_and_counts_once(tmp_path):
    _, problems = read(write(tmp_path, 'nam = "x"\nzzz = 1\n[inner]\nsize = 1\nratoi = 2\n'), Outer)
    assert {(problem.key, problem.nearest) for problem in problems} == {
        ("nam", "name"), ("zzz", ""), ("inner.ratoi", "ratio"),
    }  # fmt: skip


def test_missing_keys_are_told_with_what_they_want(tmp_path):
    _, problems = read(write(tmp_path, "[[items]]\n"), Outer)
    assert told(problems) == {
        ("name", "", "it to be there: a text in quotes"),
        ("items[0].size", "", "it to be there: a whole number"),
    }


def test_dates_and_too_large_numbers_are_no_texts_and_numbers(tmp_path):
    _, problems = read(write(tmp_path, f"name = 2027-02-15\nitems = [{{size = {2**63}}}]\n"), Outer)
    assert told(problems) == {
        ("name", '"2027-02-15"', "a text in quotes"),
        ("items[0].size", str(2**63), "a whole number below 2^63"),
    }


@pytest.mark.parametrize(
    ("text", "key"),
    [('name = "x"\nmode = \n', "line 2, column 8"), ("a = 1\na = 2\n", "line 2, column 6"), ("[", "end of document")],
)
def test_bad_syntax_names_line_and_column(tmp_path, text, key):
    value, (problem,) = read(write(tmp_path, text), Outer)
    assert value is None and problem.expected.startswith("valid TOML")
    assert problem.key == key


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    _, (problem,) = read(tmp_path / "none.toml", Outer)
    assert problem.expected == "a readable file: No such file or directory"
    (tmp_path / "b.toml").write_bytes(b'name = "\xff"')
    _, (problem,) = read(tmp_path / "b.toml", Outer)
    assert (problem.key, problem.expected) == ("byte 8", "UTF-8 text")


def test_what_a_struct_itself_refuses_is_a_problem_too(tmp_path):
    _, problems = read(write(tmp_path, "low = 3\nhigh = 2\n"), Careful)
    assert [problem.expected for problem in problems] == ["low < high, not 3 and 2"]
    _, problems = read(write(tmp_path, "low = 3\n"), Careful)
    assert [problem.key for problem in problems] == ["high"]


def test_included_lists_are_joined_before_the_own_ones(tmp_path):
    (tmp_path / "parts").mkdir()
    write(tmp_path / "parts", "[[items]]\nsize = 1\n", "one.toml")
    write(tmp_path / "parts", 'include = ["one.toml"]\n[[items]]\nsize = 2\n', "two.toml")
    path = write(tmp_path, 'name = "x"\ninclude = ["parts/two.toml", "parts/one.toml"]\n[[items]]\nsize = 3\n')
    value, problems = read(path, Outer)
    assert problems == []
    assert [item.size for item in value.items] == [1, 2, 3]
    reading = read_all(path, Outer)
    assert reading.origins[id(reading.value.items[1])] == (str(tmp_path / "parts/two.toml"), "items[0]")


def test_a_mistake_in_an_included_file_names_that_file(tmp_path):
    other = write(tmp_path, 'name = "y"\n[[items]]\nsize = "2"\n', "other.toml")
    _, problems = read(write(tmp_path, 'name = "x"\ninclude = ["other.toml", "none.toml", 3]\n'), Outer)
    assert {(problem.file, problem.key) for problem in problems} == {
        (str(other), "name"), (str(other), "items[0].size"), (str(tmp_path / "none.toml"), ""),
        (str(tmp_path / "a.toml"), "include[2]"),
    }  # fmt: skip


def test_a_cycle_of_includes_is_told_where_it_closes(tmp_path):
    write(tmp_path, 'include = ["a.toml"]\n', "b.toml")
    _, problems = read(write(tmp_path, 'name = "x"\ninclude = ["b.toml"]\n'), Outer)
    assert [(problem.file, problem.key, problem.value) for problem in problems] == [
        (str(tmp_path / "b.toml"), "include[0]", '"a.toml"')
    ]


def test_what_could_be_read_is_kept_and_what_could_not_is_marked(tmp_path):
    reading = read_all(write(tmp_path, 'name = "x"\n[[items]]\nsize = "1"\n[[items]]\nsize = 2\n'), Outer)
    bad, good = reading.value.items
    assert bad.size is msgspec.UNSET and not reading.is_whole(bad)
    assert good.size == 2 and reading.is_whole(good) and not reading.is_whole(reading.value)


def test_a_limit_is_a_number_or_the_word_none(tmp_path):
    """Nothing else, and the message says both; a slip is answered with the word that was meant."""
    text = '[engine]\nname = "x"\nmax_day_loss = "nonee"\n[[accounts]]\norders_a_day = 2.5\ncancels_a_day = "none"\n'
    _, problems = read(write(tmp_path, text), Config)
    assert ("engine.max_day_loss", '"nonee"', 'a number, or "none"') in told(problems)
    assert ("accounts[0].orders_a_day", "2.5", 'a whole number, or "none"') in told(problems)
    assert next(problem.nearest for problem in problems if problem.key == "engine.max_day_loss") == "none"
    assert not any("cancels_a_day" in problem.key for problem in problems)


def test_the_schema_itself_can_be_read(tmp_path):
    value, problems = read(write(tmp_path, '[engine]\nname = "x"\n'), Config)
    assert problems == [] and value.engine.timer_ms == 50 and value.instruments == []
