"""A person's command to a running engine: sent over its control socket, the answer printed."""

import socket
import sys
from pathlib import Path

import orjson

from desk.resolutions import resolve_lines
from desk.until import shown

OK, REFUSED, USAGE = 0, 1, 2
_CODES = {"done": OK, "refused": REFUSED, "failed": REFUSED, "wrong": USAGE}
_PATIENCE_S = 30.0  # a reload's file is checked before it is answered


class NoEngine(Exception):
    """Nobody answers at that journal: why, and what to do."""


def send(folder: Path, request: dict) -> int:
    """Ask the engine that writes the journal in `folder`; print what it says. 0: done, 1: refused, 2: not understood,
    or no engine there."""
    try:
        answer = ask(folder, request)
    except NoEngine as error:
        print(error, file=sys.stderr)
        return USAGE
    return print_answer(answer)


def print_answer(answer: dict) -> int:
    """Print what the engine says to a command; its exit code."""
    code = _CODES.get(answer.get("result"), USAGE)
    said = f"{'' if code == OK else answer.get('result', 'no result') + ': '}{answer.get('said', '')}"
    print(said, file=sys.stdout if code == OK else sys.stderr)
    return code


def status(folder: Path) -> int:
    """Print what is open and halted, and every switch that is not active: who has set it, why, until when."""
    try:
        answer = ask(folder, {"command": "status"})
    except NoEngine as error:
        print(error, file=sys.stderr)
        return USAGE
    print(answer["said"])
    for deal in answer["deals"]:
        lots = ", ".join(f"{name} {count:+d}" for name, count in deal["lots"].items())
        why = f" ({deal['reason']})" if deal["reason"] else ""
        print(f"  deal {deal['deal']} {deal['spread']} by {deal['strategy']}: {deal['state']}{why}; {lots} lots; "
              f"exposure {deal['exposure_base_units']:+,.3f} base units")  # fmt: skip
        if deal["state"] == "halted":
            print("\n".join(f"    {line}" for line in resolve_lines(str(folder), deal["deal"])))
    idle = [f"{name} {switch}" for name, switch in answer["switches"].items() if switch != "active"]
    print(f"switches: {', '.join(idle) or 'all active'}{'; the engine is stopping' if answer['stopping'] else ''}")
    for name, one in answer["set"].items():
        until = f"; until {shown(one['until_ns'])}" if one["until_ns"] else ""
        print(f"  {name} {one['switch']} by {one['who']}: {one['why']}{until}")
    if answer["repairs_stopped"]:
        print("  no repair is sent since a kill has stopped them; `tandem resume` all ends that")
    return OK


def ask(folder: Path, request: dict) -> dict:
    """The engine's answer to one request."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_PATIENCE_S)
        _connect(line, folder)
        try:
            line.sendall(orjson.dumps(request) + b"\n")
        except BrokenPipeError:
            pass  # it has said no before it read all; what it said is still there
        except (OSError, ValueError) as error:
            raise NoEngine(f"{folder}: the engine does not listen: {error}") from None
        try:
            return orjson.loads(_whole(line))
        except (OSError, ValueError) as error:
            raise NoEngine(
                f"{folder}: the engine took the command and gave no answer ({error}); whether it was carried out is in "
                f"the journal: `tandem deals {folder}`, `tandem alerts {folder}`"
            ) from None


def _connect(line: socket.socket, folder: Path) -> None:
    try:
        line.connect((folder / "control").read_bytes())
    except PermissionError:
        raise NoEngine(f"{folder}: only the user that runs the engine, or root, may command it") from None
    except (OSError, ValueError):
        raise NoEngine(
            f"{folder}: no engine is running at this journal; start one with `tandem run CONFIG --journal {folder}`"
        ) from None


def _whole(line: socket.socket) -> bytes:
    """One line: what comes behind it, an orderly end or a reset, no longer matters."""
    said = b""
    while not said.endswith(b"\n") and (piece := line.recv(65536)):
        said += piece
    return said
