"""Python strategies by name: from "package.module:function" to a function, and what of its code a journal remembers."""

import hashlib
import importlib
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType

from desk.config import Config, StrategySpec
from desk.toml_reader import nearest
from engine.ports import PythonStrategy

_NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_PYTHON = "python"


class BadCode(ValueError):
    """A name that is no strategy: what was expected, and the name that was probably meant."""

    def __init__(self, expected: str, near: str = "") -> None:
        super().__init__(expected)
        self.nearest = near


def load(code: str) -> PythonStrategy:
    """The function that a name stands for; BadCode where it cannot be imported or cannot be a strategy."""
    named = _NAME.fullmatch(code)
    if not named:
        raise BadCode('a name such as "package.module:function"')
    module = _imported(named[1])
    function = getattr(module, named[2], None)
    if function is None:
        functions = {name: value for name, value in vars(module).items() if inspect.isfunction(value)}
        near = nearest(named[2], functions)
        raise BadCode(f"a function of {named[1]}: there is no {named[2]}", f"{named[1]}:{near}" if near else "")
    strange = inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function)
    if strange or not inspect.isfunction(function):
        raise BadCode("a plain function of (view, parameters)")
    try:
        inspect.signature(function).bind(None, {})
    except TypeError as error:
        raise BadCode(f"a function of (view, parameters), not {named[2]}{inspect.signature(function)}") from error
    return function


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may do anything when it is imported
        raise BadCode(f"a module that can be imported: {type(error).__name__}: {error}") from error


def codes_of(config: Config) -> dict[str, str]:
    """The digest of each Python strategy's own file, by strategy: with other code, the past would have been another."""
    return {spec.id: _digest(load(spec.code)) for spec in config.strategies if spec.kind == _PYTHON}


def _digest(function: PythonStrategy) -> str:
    return hashlib.blake2b(Path(inspect.getsourcefile(function)).read_bytes(), digest_size=16).hexdigest()


def signals_of(
    specs: list[StrategySpec], digests: Mapping[str, str]
) -> dict[int, tuple[PythonStrategy, Mapping[str, float]]]:  # fmt: skip
    """Every Python strategy with its parameters, by its place in `specs`; ValueError where its file is another one than
    that of `digests`."""
    found = {}
    for index, spec in enumerate(specs):
        if spec.kind != _PYTHON:
            continue
        function = load(spec.code)
        if spec.id in digests and digests[spec.id] != _digest(function):
            raise ValueError(f"strategy {spec.id}: the file of {spec.code} is not the one that the journal began with")
        found[index] = function, MappingProxyType(dict(spec.parameters))
    return found
