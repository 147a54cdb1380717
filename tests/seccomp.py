"""A filter on system calls for this process: everything but a short list kills it, with SIGSYS.

Source: seccomp(2), linux/seccomp.h, linux/bpf_common.h; numbers of asm/unistd_64.h and asm-generic/unistd.h.
"""

import ctypes
import platform
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _KILL_PROCESS = 0x7FFF0000, 0x80000000
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # LD | W | ABS, JMP | JEQ | K, RET | K
_AT_NUMBER, _AT_ARCHITECTURE = 0, 4  # in struct seccomp_data

# Machine -> (AUDIT_ARCH, numbers of what is allowed).
_MACHINES = {
    "x86_64": (0xC000003E, {"exit_group": 231, "clock_gettime": 228, "wait4": 61}),
    "aarch64": (0xC00000B7, {"exit_group": 94, "clock_gettime": 113, "wait4": 260}),
}
WHY_NOT = (
    "" if sys.platform == "linux" and platform.machine() in _MACHINES
    else f"seccomp filters are written for x86-64 and aarch64 Linux, this is {sys.platform} on {platform.machine()}"
)  # fmt: skip


class _Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("filter", ctypes.POINTER(_Filter))]


def _steps(architecture: int, numbers: list[int]) -> list[tuple[int, int, int, int]]:
    """Kill on another architecture, allow these numbers, kill on all others."""
    steps = [(_LOAD, 0, 0, _AT_ARCHITECTURE), (_JUMP_IF_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL_PROCESS),
             (_LOAD, 0, 0, _AT_NUMBER)]  # fmt: skip
    steps += [(_JUMP_IF_EQUAL, len(numbers) - at, 0, number) for at, number in enumerate(numbers)]
    return [*steps, (_RETURN, 0, 0, _KILL_PROCESS), (_RETURN, 0, 0, _ALLOW)]


def only(*names: str) -> None:
    """From here on this thread may do these system calls and no other. OSError where the kernel will not have it."""
    architecture, known = _MACHINES[platform.machine()]
    steps = _steps(architecture, [known[name] for name in names])
    filters = (_Filter * len(steps))(*(_Filter(*step) for step in steps))
    program = _Program(len(steps), filters)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    arguments = ((_PR_SET_NO_NEW_PRIVS, 1, 0), (_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program)))
    for option, value, more in arguments:
        if prctl(option, ctypes.c_ulong(value), more, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option}")
