"""`start`: a cold start, from nothing to an engine that could trade: a new interpreter, its imports, its kernels."""

import json
import subprocess
import sys
import time
from statistics import median

from bench.figures import Result, Row, demand
from desk.demo import ROOT

_STATUS = "import json, re; print(json.dumps({key: int(re.search(key + r':\\s+(\\d+)', text)[1]) for text in " \
    "[open('/proc/self/status').read()] for key in ('RssAnon', 'VmRSS')}), flush=True)"  # fmt: skip
_ENGINE = f"import desk.run; from desk.compile import warm; warm(); {_STATUS}"
_FLOOR = f"import numba, uvloop, picows, orjson, msgspec, structlog; {_STATUS}"


def measure(rounds: int) -> Result:
    """The engine's process and a bare one in turns, kernels already in their cache."""
    _started(_ENGINE)  # fills the cache where it is empty
    taken, floors = [], []
    for _ in range(rounds):
        floors.append(_started(_FLOOR))
        taken.append(_started(_ENGINE))
    seconds, floor_s = [each[0] for each in taken], [each[0] for each in floors]
    memory_mb, floor_mb = median(each[1] for each in taken), median(each[1] for each in floors)
    return Result(
        name="start",
        measures="a new process: interpreter, `import desk.run`, every kernel loaded from its cache and called once",
        includes="all modules and libraries of an engine; anonymous memory at that moment",
        excludes="compiling (once an edit), reading the config, recovery, connecting",
        floor="a new process that imports the same libraries and nothing of ours",
        rounds=rounds, samples=rounds,
        rows=[
            Row("ready", "s", median(seconds), max(seconds), median(floor_s)),
            Row("anonymous memory", "MB", memory_mb, None, floor_mb),
        ],
        flat={"ready_s": median(seconds), "rss_anon_mb": memory_mb},
        details={"rounds_s": seconds, "floor_rounds_s": floor_s},
    )  # fmt: skip


def _started(code: str) -> tuple[float, float]:
    """(seconds until it was ready, MB of anonymous memory then) of a process that runs `code`."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as process:
        said = process.stdout.readline()
        seconds = time.perf_counter() - began
    demand(process.returncode == 0 and bool(said), "a process that starts")
    return seconds, json.loads(said)["RssAnon"] / 1024
