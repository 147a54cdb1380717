"""Alerts of a journal: as a table or as JSON lines for a person, and sent on to commands and webhooks.

Hooks run beside the engine, over the journal: a hook that hangs or fails delays other alerts, never an order.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import orjson

from desk.config import HookSpec
from desk.fold import Fold, is_alert
from desk.texts import aligned, day_text, time_text
from engine.cores import keep_off
from engine.records import CONFIG, START
from engine.segments import Damaged, Reader, read

LEVELS = ("info", "warn", "error")
TIMEOUT_S, TRIES, PAUSE_S, POLL_S = 5.0, 3, 0.5, 0.2


def at_least(level: str, least: str) -> bool:
    """Whether an alert of `level` is to be told to whoever asked for `least`. An unknown level is always told."""
    if least not in LEVELS:
        raise ValueError(f"alert level {least!r} is none of {', '.join(LEVELS)}")
    return level not in LEVELS or LEVELS.index(level) >= LEVELS.index(least)


def alerts_in(folder: Path | str, level: str = "info") -> Iterator[dict]:
    """The alerts of a journal, oldest first, each with its `seq`, `now_ns` and `market_ns`."""
    fold = Fold()
    for record in read(Path(folder)):
        if record.kind in (START, CONFIG):
            fold.feed(record)
        elif is_alert(record) and at_least(str(record.data.get("level")), level):
            yield told(record, fold)


def told(record, fold: Fold) -> dict:
    """An ALERT record's dict, with where and when it stands in the journal and whose it is."""
    where = {"engine": fold.names.engine, "seq": record.seq, "now_ns": record.now_ns}
    return {**record.data, **where, "market_ns": fold.market_ns(record.now_ns)}


def main(folder: Path | str, level: str = "info", as_json: bool = False) -> int:
    """Print the alerts of a journal: 0 if there is none of level error, else 1; 2 where it cannot be read."""
    try:
        alerts = list(alerts_in(folder, level))
    except (OSError, ValueError, Damaged) as error:
        print(f"{folder}: {error}", file=sys.stderr)
        return 2
    for line in map(_json_line, alerts) if as_json else table_lines(alerts):
        print(line)
    return int(any(alert.get("level") == "error" for alert in alerts))


def _json_line(alert: dict) -> str:
    return orjson.dumps(alert).decode()


def table_lines(alerts: list[dict]) -> list[str]:
    """Aligned lines: market time, level, code, what and its numbers, what to do."""
    rows = [("time (UTC)", "level", "code", "what", "do")]
    for alert in alerts:
        at_ns = alert["market_ns"]
        numbers = ", ".join(f"{key}={value}" for key, value in (alert.get("numbers") or {}).items())
        what = f"{alert.get('what', '')} ({numbers})" if numbers else str(alert.get("what", ""))
        when = f"{day_text(at_ns)} {time_text(at_ns)}"
        rows.append((when, *(str(alert.get(key, "")) for key in ("level", "code")), what, str(alert.get("do", ""))))
    return aligned(rows)


class AlertHooks:
    """Sends an alert to every hook whose level it reaches, in bounded time; `complain` is told what failed.

    A command gets the alert as JSON on stdin and is killed after timeout_s. A webhook gets it as a POST, `tries` times
    at most, with a growing pause. Nothing is raised for a hook that fails; `sent` and `failed` count.
    """

    def __init__(
        self, hooks: list[HookSpec], timeout_s: float = TIMEOUT_S, tries: int = TRIES, pause_s: float = PAUSE_S,
        complain: Callable[[str], None] = lambda words: print(words, file=sys.stderr),
    ):  # fmt: skip
        for hook in hooks:
            at_least("error", hook.level)
            if bool(hook.command) == bool(hook.url):
                raise ValueError(f"a hook needs either a command or a url: {hook}")
        self.hooks, self.timeout_s, self.tries, self.pause_s, self.complain = hooks, timeout_s, tries, pause_s, complain
        self.sent = self.failed = 0

    async def send(self, alert: dict) -> None:
        """Tell all hooks at once; returns when the slowest is done or given up."""
        due = [hook for hook in self.hooks if at_least(str(alert.get("level")), hook.level)]
        await asyncio.gather(*(self._tell(hook, alert) for hook in due))

    async def _tell(self, hook: HookSpec, alert: dict) -> None:
        failure = await (self._run(hook.command, alert) if hook.command else self._post(hook.url, alert))
        if failure:
            self.failed += 1
            self.complain(f"alert {alert.get('seq', '')} {alert.get('code', '')} was not delivered: {failure}")
        else:
            self.sent += 1

    async def _run(self, command: list[str], alert: dict) -> str:
        """Why the command failed, empty if it did not."""
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=null, stderr=pipe, start_new_session=True
            )
        except OSError as error:
            return f"command {command[0]}: {error}"
        try:
            _, errors = await asyncio.wait_for(process.communicate(orjson.dumps(alert)), self.timeout_s)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)  # its own session, so what it started goes with it
            await process.wait()
            return f"command {command[0]}: killed after {self.timeout_s:g} s"
        said = errors.decode("utf-8", "replace").strip()[:200]
        return f"command {command[0]}: exit code {process.returncode} {said}".rstrip() if process.returncode else ""

    async def _post(self, url: str, alert: dict) -> str:
        """Why no try succeeded, empty if one did. The alert's seq lets the receiver drop what came twice."""
        failure = ""
        headers = {"Content-Type": "application/json"}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.timeout_s)) as session:
            for attempt in range(self.tries):
                if attempt:
                    await asyncio.sleep(self.pause_s * 2 ** (attempt - 1))
                try:
                    async with session.post(url, data=orjson.dumps(alert), headers=headers) as answer:
                        if answer.status < 400:
                            return ""
                        failure = f"webhook {url}: status {answer.status}"
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                    failure = f"webhook {url}: {type(error).__name__} {error}".rstrip()
        return f"{failure} ({self.tries} tries)"


def forward(folder: Path | str, hooks: AlertHooks, stop: Callable[[], bool], after_seq: int = 0) -> int:
    """Tail a journal and send its alerts on, in the order they came, until `stop` says so; what is there is sent first.

    after_seq: alerts up to it were sent before. Returns the seq of the last record read. Run it in a process or thread
    of its own. Damaged where the journal's records do not follow one another.
    """
    keep_off()
    return asyncio.run(_forward(Reader(Path(folder)), hooks, stop, after_seq))


async def _forward(reader: Reader, hooks: AlertHooks, stop: Callable[[], bool], after_seq: int) -> int:
    fold = Fold()
    while True:
        over = stop()  # asked before the read, so that what came before the stop is still sent
        while records := reader.poll():
            for record in records:
                if record.kind in (START, CONFIG):
                    fold.feed(record)
                elif is_alert(record) and record.seq > after_seq:
                    await hooks.send(told(record, fold))
        if over:
            return reader.next_seq - 1
        await asyncio.sleep(POLL_S)
