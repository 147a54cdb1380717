"""Processes of this project that another of its commands starts, each with its output in a log file."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from engine.clock import now_ns

ROOT = Path(__file__).resolve().parent.parent
NS_PER_S = 1_000_000_000
_STOP_S, _LOOK_S = 30.0, 0.05


class NotUp(Exception):
    """What was waited for did not come, and why."""


class Child:
    """One process, its output in a log file; it is ended in order where the `async with` block ends.

    In a session of its own, so that a Ctrl-C in the terminal reaches its parent alone. module: what is run.
    """

    def __init__(self, name: str, arguments: list[str], out: Path, module: str = "desk.cli"):
        self.name, self.log = name, out / f"{name}.log"
        self._command = [sys.executable, "-m", module, *arguments]

    async def __aenter__(self) -> "Child":
        with open(self.log, "wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=log,
                stderr=asyncio.subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        return self

    async def __aexit__(self, *_) -> None:
        await self.end()

    async def end(self) -> None:
        """SIGTERM, and SIGKILL for one that does not obey."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def done(self, patience_s: float) -> int:
        """Its exit code, when it has ended by itself. NotUp where that takes too long."""
        try:
            return await asyncio.wait_for(self._process.wait(), patience_s)
        except TimeoutError:
            raise NotUp(f"{self.name} did not end within {patience_s:g} s (see {self.log})") from None

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def running(self) -> bool:
        return self.code is None

    def says(self, words: str) -> bool:
        return words in self.log.read_text(errors="replace")

    def last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def early_end(self) -> str:
        said = self.last_line() or "it said nothing"
        return f"{self.name} ended early, with exit code {self.code}: {said} (see {self.log})"


async def until(
    condition: Callable[[], bool], otherwise: str, children: list[Child], stop: asyncio.Event, patience_s: float
) -> None:
    """Wait for a condition. NotUp where a child has ended, it takes too long, or `stop` was set."""
    end_ns = now_ns() + round(patience_s * NS_PER_S)
    while not condition():
        if stop.is_set():
            raise NotUp("stopped before it began")
        for child in children:
            if not child.running:
                raise NotUp(child.early_end())
        if now_ns() > end_ns:
            logs = ", ".join(str(child.log) for child in children)
            raise NotUp(f"{otherwise} within {patience_s:g} s (see {logs})")
        await asyncio.sleep(_LOOK_S)
