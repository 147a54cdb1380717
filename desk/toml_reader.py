"""A strict reader: TOML into typed Structs, with everything that is wrong in a file told at once.

Each Problem names the file, the key's path, the value, what was expected and, for an unknown key, the nearest valid
one. A Struct with an `include` list of paths has the lists of those files joined before its own.
"""

import difflib
import json
import math
import re
import tomllib
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec

T = TypeVar("T")

_WANTED = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}
_PLACE = re.compile(r"(.*) \(at (.*)\)", re.DOTALL)
_LONGEST_VALUE = 60
_LARGEST_INT = 2**63 - 1
_DEEPEST = 32  # no config nests deeper; what does cannot be worked on without end of the stack
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# How a Struct's own check speaks of one field: "md_port: expected 1 to 65535, got 0".
_FIELD_ERROR = re.compile(r"(\w+)[^:]*: expected (.+?)(?:, got .*)?", re.DOTALL)


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong. key: a path such as strategies[1].entry, or the line and column of a syntax error.

    value: as written, shortened; "" where there is none. nearest: the valid name that was probably meant, or "".
    """

    file: str
    key: str
    value: str
    expected: str
    nearest: str = ""

    def __str__(self) -> str:
        place = f"{self.file}: {self.key}" if self.key else self.file
        value = f" = {self.value}" if self.value else ""
        hint = f" (nearest: {self.nearest})" if self.nearest else ""
        return f"{place}{value}: expected {self.expected}{hint}"


class Origin(NamedTuple):
    """Where a value was read: its file, and its key's path there ("" for the whole file)."""

    file: str
    key: str = ""

    def at(self, name: str | int) -> "Origin":
        if isinstance(name, int):
            return Origin(self.file, f"{self.key}[{name}]")
        return Origin(self.file, f"{self.key}.{name}" if self.key else name)


class Reading:
    """What was read. value: a Struct, None only where the file could not be parsed.

    A field that is wrong or missing is msgspec.UNSET there, and `broken` has the id() of every Struct that holds one,
    however deep. origins: where each Struct was read, by id().
    """

    def __init__(self) -> None:
        self.value: Any = None
        self.problems: list[Problem] = []
        self.origins: dict[int, Origin] = {}
        self.broken: set[int] = set()
        self._kept: list[msgspec.Struct] = []  # an id() means something only while its object lives

    def keep(self, struct: msgspec.Struct, origin: Origin, whole: bool) -> None:
        self._kept.append(struct)
        self.origins[id(struct)] = origin
        if not whole:
            self.broken.add(id(struct))

    def refuse(self, origin: Origin, value: Any, expected: str, nearest: str = "") -> Any:
        """Note a problem; the UNSET that stands for the value."""
        self.problems.append(Problem(origin.file, origin.key, shown(value), expected, nearest))
        return msgspec.UNSET

    def is_whole(self, value: Any) -> bool:
        if isinstance(value, list):
            return all(map(self.is_whole, value))
        if isinstance(value, dict):
            return all(map(self.is_whole, value.values()))
        return value is not msgspec.UNSET and id(value) not in self.broken


def read(path: str | Path, kind: type[T]) -> tuple[T | None, list[Problem]]:
    """The file as a `kind`, or None and everything that is wrong with it."""
    reading = read_all(path, kind)
    return (None if reading.problems else reading.value), reading.problems


def read_all(path: str | Path, kind: type) -> Reading:
    """The file as a `kind`, as far as it can be read, with its problems and origins."""
    reading = Reading()
    root = Origin(str(path))
    raw = _parse(reading, root)
    if raw is not None:
        lists = _included(reading, raw, kind, Path(path), (Path(path).resolve(),), set())
        reading.value = _table(reading, root, raw, kind, lists)
    return reading


def convert(reading: Reading, origin: Origin, raw: Any, kind: Any) -> Any:
    """A raw TOML value as a `kind`; UNSET, with the problem noted, where it is none."""
    base = get_origin(kind)
    if base in (Union, types.UnionType):
        options = [option for option in get_args(kind) if option is not type(None)]
        return convert(reading, origin, raw, options[0]) if len(options) == 1 else _leaf(reading, origin, raw, kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _table(reading, origin, raw, kind, {})
    if (base or kind) is list:
        return _list(reading, origin, raw, (*get_args(kind), Any)[0])
    if base is dict and isinstance(raw, dict):
        return {key: convert(reading, origin.at(key), value, get_args(kind)[1]) for key, value in raw.items()}
    return _leaf(reading, origin, raw, base if base is dict else kind)


def nearest(name: str, names: Iterable[str]) -> str:
    """The valid name that was probably meant, or ""."""
    return (*difflib.get_close_matches(name, list(names), n=1), "")[0]


def shown(value: Any) -> str:
    """A value as a person wrote it, shortened; "" for none."""
    if value is None or value is msgspec.UNSET:
        return ""
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain)
    except ValueError:  # a whole number of more digits than Python writes
        text = "a number of thousands of digits"
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _plain(value: Any) -> Any:
    """A Struct as a table of what is set in it; anything else as its text."""
    if not isinstance(value, msgspec.Struct):
        return str(value)
    return {key: item for key, item in msgspec.structs.asdict(value).items() if item not in (None, msgspec.UNSET)}


def _parse(reading: Reading, origin: Origin) -> dict | None:
    try:
        raw = tomllib.loads(Path(origin.file).read_text(encoding="utf-8"))
        if _is_shallow(raw):
            return raw
        reading.refuse(origin, None, f"tables and lists nested at most {_DEEPEST} deep")
    except RecursionError:
        reading.refuse(origin, None, f"tables and lists nested at most {_DEEPEST} deep")
    except tomllib.TOMLDecodeError as error:
        what, place = match.groups() if (match := _PLACE.fullmatch(str(error))) else (str(error), "")
        reading.refuse(origin.at(place), None, f"valid TOML: {what}")
    except UnicodeDecodeError as error:
        reading.refuse(origin.at(f"byte {error.start}"), None, "UTF-8 text")
    except OSError as error:
        reading.refuse(origin, None, f"a readable file: {error.strerror}")
    except ValueError as error:
        reading.refuse(origin, None, f"valid TOML: {error}")
    return None


def _is_shallow(raw: dict) -> bool:
    level = [raw]
    for _ in range(_DEEPEST):
        level = [
            inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]  # fmt: skip
    return not level


def _included(
    reading: Reading, raw: dict, kind: type, path: Path, chain: tuple[Path, ...], seen: set[Path]
) -> dict[str, list]:
    """The lists of the files that `raw` includes, in their order, each file once. chain: who includes whom, to here."""
    lists: dict[str, list] = {}
    names = raw.get("include")
    if "include" not in kind.__struct_fields__ or not isinstance(names, list):
        return lists
    for index, name in enumerate(names):
        if not isinstance(name, str):
            continue  # the field's own type check tells it
        file = path.parent / name
        resolved = file.resolve()
        if resolved in chain:
            origin = Origin(str(path), f"include[{index}]")
            reading.refuse(origin, name, "no cycle: this file is one of those that lead to this include")
        elif resolved not in seen:
            seen.add(resolved)
            for key, values in _file_lists(reading, kind, file, (*chain, resolved), seen).items():
                lists.setdefault(key, []).extend(values)
    return lists


def _file_lists(reading: Reading, kind: type, file: Path, chain: tuple[Path, ...], seen: set[Path]) -> dict[str, list]:
    """The lists of one included file; anything else in it is a problem."""
    origin = Origin(str(file))
    raw = _parse(reading, origin)
    if raw is None:
        return {}
    lists = _included(reading, raw, kind, file, chain, seen)
    allowed = {field.encode_name: field for field in msgspec.structs.fields(kind) if get_origin(field.type) is list}
    for key, value in raw.items():
        if key not in allowed:
            reading.refuse(origin.at(key), value, "only lists in an included file", nearest(key, allowed))
        elif key != "include":
            values = convert(reading, origin.at(key), value, allowed[key].type)
            lists.setdefault(key, []).extend(values if isinstance(values, list) else [])
    return lists


def _table(reading: Reading, origin: Origin, raw: Any, kind: type, joined: dict[str, list]) -> Any:
    """A table as a Struct. joined: what included files hold of its lists, before its own."""
    if not isinstance(raw, dict):
        return reading.refuse(origin, raw, "a table")
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    misspelt = _unknown_keys(reading, origin, raw, fields)
    values = {}
    for key, field in fields.items():
        if key in raw:
            values[field.name] = convert(reading, origin.at(key), raw[key], field.type)
        elif key in misspelt:
            values[field.name] = msgspec.UNSET
        elif field.required and key not in joined:
            values[field.name] = reading.refuse(origin.at(key), None, f"it to be there: {_wanted(field.type)}")
        if key in joined:
            own = values.get(field.name)
            values[field.name] = joined[key] + (own if isinstance(own, list) else [])
    return _struct(reading, origin, kind, values)


def _unknown_keys(reading: Reading, origin: Origin, raw: dict, fields: dict[str, Any]) -> set[str]:
    """Note each unknown key; the absent keys that they were probably meant to be (one mistake, one problem)."""
    meant = set()
    for key in (key for key in raw if key not in fields):
        near = nearest(key, fields.keys() - raw.keys()) or nearest(key, fields)
        reading.refuse(origin.at(key), raw[key], "a known key", near)
        meant.add(near)
    return meant - raw.keys()


def _struct(reading: Reading, origin: Origin, kind: type, values: dict[str, Any]) -> Any:
    whole = reading.is_whole(values)
    if not whole and hasattr(kind, "__post_init__"):
        return msgspec.UNSET  # its own check would meet values that are not there
    try:
        struct = kind(**values)
    except (ValueError, TypeError) as error:
        said = _FIELD_ERROR.fullmatch(str(error))
        if said and said[1] in values:
            return reading.refuse(origin.at(said[1]), values[said[1]], said[2])
        return reading.refuse(origin, None, str(error))
    reading.keep(struct, origin, whole)
    return struct


def _list(reading: Reading, origin: Origin, raw: Any, kind: Any) -> Any:
    if not isinstance(raw, list):
        return reading.refuse(origin, raw, "a list")
    return [convert(reading, origin.at(index), value, kind) for index, value in enumerate(raw)]


def _leaf(reading: Reading, origin: Origin, raw: Any, kind: Any) -> Any:
    if isinstance(raw, float) and not math.isfinite(raw):
        return reading.refuse(origin, raw, "a finite number")
    if isinstance(raw, int) and abs(raw) > _LARGEST_INT:
        return reading.refuse(origin, raw, "a whole number below 2^63")
    if isinstance(raw, str) and _CONTROL.search(raw):
        return reading.refuse(origin, raw, "a text without control characters")
    try:
        return msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        near = nearest(str(raw), _words(kind))
        return reading.refuse(origin, raw, _wanted(kind) or str(error).removeprefix("Expected "), near)


def _words(kind: Any) -> list[str]:
    """The words that a value of this kind may be, where it may be one of a few."""
    if get_origin(kind) is Literal:
        return list(map(str, get_args(kind)))
    if get_origin(kind) in (Union, types.UnionType):
        return [word for option in get_args(kind) for word in _words(option)]
    return []


def _wanted(kind: Any) -> str:
    """What a value of this kind looks like, for a person; "" where only msgspec can say."""
    base = get_origin(kind)
    if base is Literal:
        words = list(map(shown, get_args(kind)))
        return words[0] if len(words) == 1 else "one of " + ", ".join(words)
    if base in (Union, types.UnionType):
        return ", or ".join(filter(None, (_wanted(option) for option in get_args(kind))))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "a table"
    return "a list" if (base or kind) is list else _WANTED.get(base or kind, "")
