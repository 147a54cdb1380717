"""What a figure depends on beside the code: the machine, what else runs on it, the versions."""

import os
import platform
from pathlib import Path

from desk.assembly import versions


def machine() -> dict:
    """The processor, its cores, the kernel, and the load of the last minute before the run."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "load_1m": round(os.getloadavg()[0], 2),
        "versions": versions(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def shown(facts: dict) -> str:
    """The facts as two lines."""
    versions_text = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}, load {facts['load_1m']}\n{versions_text}"
