"""Which core the engine runs on: it keeps to one, and the processes that help it keep off that one."""

import os

_OTHERS = "TANDEM_HELPER_CORES"  # for helpers that are started later: they inherit the engine's core otherwise


def cores() -> set[int]:
    """Those that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def keep_to(core: int, *helpers: int) -> None:
    """This thread keeps to a core; the processes `helpers`, and those that `keep_off` later, have the others.

    -1, or a system that cannot do it: nothing is done.
    """
    if core < 0 or not hasattr(os, "sched_setaffinity"):
        return
    others = cores() - {core}
    for pid in helpers if others else ():
        os.sched_setaffinity(pid, others)
    os.environ[_OTHERS] = ",".join(map(str, sorted(others)))
    os.sched_setaffinity(0, {core})


def keep_off() -> None:
    """In a helper's process: leave the engine's core to the engine."""
    stated = os.environ.get(_OTHERS, "")
    if stated:
        os.sched_setaffinity(0, {int(core) for core in stated.split(",")})
