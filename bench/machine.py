"""What a figure depends on beside the code: the machine, what else runs on it, the versions."""

import os
import platform
from pathlib import Path

from desk.assembly import versions

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_CPUINFO = Path("/proc/cpuinfo")


def machine() -> dict:
    """The processor, its cores and governor, the kernel, the load of the minute before the run, and the versions.

    governor: "unknown" where the kernel does not tell, as in most virtual machines; so is virtual.
    """
    facts = _cpuinfo()
    return {
        "cpu": facts.get("model name") or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "governor": _GOVERNOR.read_text().strip() if _GOVERNOR.exists() else "unknown",
        "virtual": "yes" if "hypervisor" in facts.get("flags", "").split() else "unknown",
        "system": f"{platform.system()} {platform.release()}",
        "load_1m": round(os.getloadavg()[0], 2),
        "versions": versions(),
    }


def kind_of(facts: dict) -> dict:
    """The part of the facts that makes two runs comparable at all: what a baseline is kept for."""
    return {name: facts[name] for name in ("cpu", "architecture", "cores")} | {"python": facts["versions"]["python"]}


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines; on ARM they name no model."""
    lines = _CPUINFO.read_text().partition("\n\n")[0].splitlines() if _CPUINFO.exists() else []
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def shown(facts: dict) -> str:
    """The facts as two lines."""
    versions_text = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    virtual = ", virtual" if facts["virtual"] == "yes" else ""
    return (
        f"{facts['cpu']} ({facts['architecture']}{virtual}), {facts['cores']} cores, governor {facts['governor']}, "
        f"{facts['system']}, load {facts['load_1m']}\n{versions_text}"
    )
