"""A peer's environment and its process: asked a line at a time, and refused wherever it says anything unexpected."""

import json
import select
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec

from bench.figures import Missing, Refused, demand

ENVIRONMENTS = Path(__file__).parents[2] / ".venv-peers"
HOW = "`make peers` builds the environments of the peers (network and a C compiler)"
_PATIENCE_S = 90
_END_S = 5

Said = TypeVar("Said")


def ready(environment: str) -> bool:
    """Whether `make peers` has built it whole."""
    return (ENVIRONMENTS / environment / ".ready").exists()


def need(environments: list[str]) -> None:
    """Missing, with what to do about it, unless all of them are there."""
    absent = [name for name in environments if not ready(name)]
    if absent:
        raise Missing(f"no environment for {', '.join(absent)}: run `make peers`; {HOW}")


def command(environment: str, script: str, *arguments: str) -> list[str]:
    """A script of this folder in that environment, which sees that folder, and nothing of ours beside it."""
    python, file = ENVIRONMENTS / environment / "bin" / "python", Path(__file__).with_name(script)
    return [str(python), "-Es", str(file), *arguments]


class Process(ABC):
    """A peer's process. Used as a context: the end of its input is its end."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            errors="replace",
        )  # fmt: skip

    def __enter__(self) -> "Process":
        try:
            self.greeted()
        except Refused:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()

    @abstractmethod
    def greeted(self) -> None:
        """Read what the peer says first."""

    def ask(self, line: str) -> None:
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Refused(f"the figure is refused: {self._why()}") from None

    def read(self, wanted: type[Said]) -> Said:
        heard, _, _ = select.select([self._process.stdout], [], [], _PATIENCE_S)
        demand(bool(heard), f"the peer to answer in {_PATIENCE_S} s")
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise Refused(f"the figure is refused: {self._why()}")
        try:
            return msgspec.json.decode(line, type=wanted)
        except msgspec.DecodeError as why:
            raise Refused(f"the figure is refused: the peer said {json.dumps(line[:80])}: {why}") from None

    def _why(self) -> str:
        self._end()
        said = self._process.stderr.read().strip().splitlines()
        return f"the peer ended with {self._process.returncode}: {said[-1] if said else 'nothing said'}"

    def _end(self) -> None:
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _leave(self) -> None:
        self._end()
        self._process.stdout.close()
        self._process.stderr.close()
