"""What was accepted, and where: the date, the machine, the versions, and hashes of the config and of the code."""

import hashlib
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from desk.assembly import versions
from desk.children import ROOT
from desk.config import Config
from desk.venue import utc_text
from engine.clock import now_ns

_ROOMS = ("engine", "adapters", "riskgate", "strategies", "desk", "bench")
_GIT_S = 20.0


def facts(path: Path, config: Config | None) -> dict[str, Any]:
    """All of it, as JSON. config: None where the file cannot be read as one."""
    return {
        "name": path.name if config is None else config.engine.name, "date": utc_text(now_ns()),
        "host": platform.node(), "system": f"{platform.system()} {platform.release()}",
        "cores": len(os.sched_getaffinity(0)), "load_1m": round(os.getloadavg()[0], 2), "versions": versions(),
        "config": str(path), "config_files_hash": hash_of(_config_files(path, config)), **code(),
    }  # fmt: skip


def _config_files(path: Path, config: Config | None) -> list[Path]:
    """The config, and the files that it includes and names."""
    if config is None:
        return [path]
    named = [*config.include, *([config.calendars] if config.calendars else [])]
    return [path, *(path.parent / name for name in named)]


def code() -> dict[str, Any]:
    """The commit where there is one and all is in it, and in any case a hash of the files as they are."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    sources = [path for room in _ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return {
        "commit": commit or None,
        "commit_changed": bool(changes) if commit else None,
        "code_hash": hash_of(sources),
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=_GIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def hash_of(paths: list[Path]) -> str:
    """Of names and contents, in this order; a file that cannot be read counts as its name alone."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
