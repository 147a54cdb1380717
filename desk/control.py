"""The control socket of a running engine: a Unix socket in the journal's folder, for its own user alone.

FOLDER/control holds the socket's path. One connection carries one line of JSON each way (`desk/control_requests.py`).
The peer is who the kernel says it is (SO_PEERCRED): the engine's own user or root; its name goes into the journal. What
a peer does can cost the engine a few microseconds, never its run; an error of the engine itself ends the run in order,
as any other does.
"""

import asyncio
import contextlib
import os
import pwd
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import orjson
import structlog

from desk.control_requests import DONE, FAILED, REFUSED, WRONG, answer, file_asked
from desk.reload import Candidate, look_apart
from engine import records
from engine.clock import now_ns
from engine.layout import write_durably
from engine.loop import Loop

FILE, SOCKET = "control", "control.sock"
LONGEST_PATH = 107  # bytes of a Unix socket's address, less its end
LONGEST_LINE = 4096
_PATIENCE_S = 5.0  # for a peer that has connected and does not speak, or does not listen
_CHECK_PATIENCE_S = 25.0  # for a reload: its file is checked first
_MOST_PEERS = 8
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
log = structlog.get_logger()


def socket_path(folder: Path, live_dir: Path) -> Path:
    """Where the socket of a journal lies: beside it, or in its live folder where that path is too long."""
    for place in (folder.resolve(), live_dir.resolve()):
        path = place / SOCKET
        if len(os.fsencode(path)) <= LONGEST_PATH:
            return path
    raise OSError(
        f"no room for the control socket: {folder.resolve()} and {live_dir.resolve()} are both longer than the "
        f"{LONGEST_PATH - len(SOCKET) - 1} bytes that its path allows; choose a shorter --journal or live_dir"
    )


@contextlib.asynccontextmanager
async def controlled(
    loop: Loop, folder: Path, live_dir: Path, fail: Callable[[BaseException], None], allowed: Iterable[int] = ()
) -> AsyncIterator["Control"]:
    """The socket of a loop while the block runs. Only for who holds the journal's lock: an old socket is removed.

    fail: is told an error of the engine. allowed: user ids; where none is named, root and the engine's own.
    """
    path = socket_path(folder, live_dir)
    control = Control(loop, fail, frozenset(allowed) or frozenset((0, os.geteuid())))
    for place in (folder, live_dir):
        (place / SOCKET).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        os.chmod(path, 0o600)  # before anybody can connect: it does not listen yet
        listener.setblocking(False)
        server = await asyncio.start_unix_server(control.serve, sock=listener, limit=LONGEST_LINE)
        write_durably(folder / FILE, os.fsencode(path))
        try:
            yield control
        finally:
            for name in (path, folder / FILE):
                name.unlink(missing_ok=True)
            server.close()
            await control.end()


class Control:
    """What answers the peers of one socket. served: lines answered."""

    def __init__(self, loop: Loop, fail: Callable[[BaseException], None], allowed: frozenset[int]):
        self.served = 0
        self._loop, self._fail, self._allowed = loop, fail, allowed
        self._peers: set[asyncio.Task] = set()
        self._strangers: set[int] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: who it is, its line, our line."""
        task = asyncio.current_task()
        self._peers.add(task)
        try:
            # A peer that has gone, or hangs, is its own affair.
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_S) as patience:
                    said = await self._talk(reader, writer, patience)
                    writer.write(orjson.dumps(said) + b"\n")
                    await writer.drain()
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self._fail(error)
        finally:
            self._peers.discard(task)
            writer.close()

    async def end(self) -> None:
        """Let nobody wait any longer."""
        waiting = list(self._peers)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: asyncio.Timeout
    ) -> dict:
        pid, uid = peer_of(writer)
        who = name_of(uid)
        if uid not in self._allowed:
            self._tell_of(pid, uid, who)
            return {"result": REFUSED, "said": f"{who} may not command this engine; its own user and root may"}
        if len(self._peers) > _MOST_PEERS:
            return {"result": REFUSED, "said": f"{_MOST_PEERS} others are being answered: try again"}
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            return {"result": WRONG, "said": f"expected one line of at most {LONGEST_LINE} bytes"}
        except asyncio.IncompleteReadError as error:
            return {"result": WRONG, "said": f"expected a line and its end, got {len(error.partial)} bytes without one"}
        candidate = None
        if path := file_asked(line):
            # In a process of its own, awaited in a thread: the loop goes on meanwhile.
            patience.reschedule(asyncio.get_running_loop().time() + _CHECK_PATIENCE_S)
            candidate = await asyncio.to_thread(look_apart, path)
        return self._answer(line, who, candidate)

    def _answer(self, line: bytes, who: str, candidate: Candidate | None) -> dict:
        self.served += 1
        try:
            said = answer(self._loop, line, who, now_ns(), candidate)
        except Exception as error:
            self._fail(error)
            said = f"an error of the engine, which stops now: {type(error).__name__}: {error}"
            return {"result": FAILED, "said": said}
        if said["result"] != DONE:
            log.warning("a command was not carried out", who=who, why=said["said"])
        return said

    def _tell_of(self, pid: int, uid: int, who: str) -> None:
        """A stranger at the socket: an alert, once a user. An aside, since it is no input and changes nothing."""
        if uid in self._strangers:
            return
        self._strangers.add(uid)
        told = {
            "level": "warn", "code": "control_stranger", "what": f"{who} tried to command the engine and was refused",
            "do": "find out why; the socket's permissions should not have let them in",
            "numbers": {"pid": pid, "uid": uid},
        }  # fmt: skip
        self._loop.core.journal.append_json(records.LOG, now_ns(), told)


def peer_of(writer: asyncio.StreamWriter) -> tuple[int, int]:
    """Process and user at the other end, as the kernel says."""
    # uvloop's own socket object has no getsockopt; a duplicate of its descriptor has.
    with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as ours:
        pid, uid, _ = _CREDENTIALS.unpack(ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
