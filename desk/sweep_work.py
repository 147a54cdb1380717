"""Where a sweep's tasks run: in this process, on this machine's cores, or on the workers of a Dask scheduler.

The sets of a task are independent of all others, and results are put where the grid has them, so that neither the
number of workers nor who is done first can be seen in what comes out.
"""

import importlib.metadata
import math
import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from desk.sweep_day import Day
from desk.sweep_run import Task, run
from engine import jit  # not "from": this is no hot file, whose every edit compiles all anew

_MOST_SETS = 64  # of a task: enough for the quotes' own cost to vanish in it
CONNECT_S = 10.0
_A_WORKER = 3  # tasks, at least, so that the last one is not waited for long


class WorkError(RuntimeError):
    """A sweep that cannot be run on these workers, in words."""


class Piece(NamedTuple):
    """A task of a day, and which sets of the grid it holds."""

    day: int
    first: int
    task: Task


def sizes(count: int, days: int, workers: int) -> int:
    """Sets of a task."""
    return max(1, min(_MOST_SETS, math.ceil(count * days / (workers * _A_WORKER))))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def code_version() -> str:
    """What every worker must share: the compiled code's hash and the libraries that it is compiled with."""
    return " ".join([jit.CACHE.name, *(f"{name} {importlib.metadata.version(name)}" for name in ("numba", "numpy"))])


def _work(task: Task, day: Day) -> tuple[list[dict], str]:
    return run(task, day)[0], code_version()


def _work_from(task: Task, folder: str) -> tuple[list[dict], str]:
    return _work(task, _kept_day(folder))


@lru_cache(maxsize=4)
def _kept_day(folder: str) -> Day:
    day: Day = pickle.loads((Path(folder) / "day").read_bytes())
    return day._replace(events=np.load(Path(folder) / "events.npy", mmap_mode="r"))


def _keep(day: Day, folder: Path) -> str:
    """Write a day where other processes of this machine map it, so that it is in memory once."""
    folder.mkdir()
    np.save(folder / "events.npy", day.events)
    (folder / "day").write_bytes(pickle.dumps(day._replace(events=None)))
    return str(folder)


def on_cores(pieces: list[Piece], days: list[Day], jobs: int, done: Callable[[Piece, list[dict]], None]) -> None:
    """Run all pieces on `jobs` processes (1: this one); done is told each result as it comes."""
    if jobs == 1:
        for piece in pieces:
            done(piece, run(piece.task, days[piece.day])[0])
        return
    with tempfile.TemporaryDirectory(prefix="tandem-sweep-") as name:
        kept = [_keep(day, Path(name) / str(number)) for number, day in enumerate(days)]
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(jobs, len(pieces)), context) as pool:
            asked = {pool.submit(_work_from, piece.task, kept[piece.day]): piece for piece in pieces}
            try:
                for future in as_completed(asked):
                    done(asked[future], _checked(*future.result()))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


@contextmanager
def dask_client(address: str) -> Iterator:
    """A client of a running scheduler; WorkError where there is none, or the library is missing."""
    try:
        from distributed import Client
    except ImportError as error:
        raise WorkError("--dask: expected the optional library: pip install 'tandem[sweep]'") from error
    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise WorkError(f"--dask {address}: expected a Dask scheduler there, found none: {error}") from error
    with client:
        yield client


def on_dask(client, pieces: list[Piece], days: list[Day], done: Callable[[Piece, list[dict]], None]) -> None:
    """Run all pieces on a scheduler's workers, each of which is sent every day's events once."""
    from distributed import as_completed as completed

    sent = [client.scatter(day, broadcast=True, hash=False) for day in days]
    asked = {client.submit(_work, piece.task, sent[piece.day], pure=False): piece for piece in pieces}
    for future in completed(list(asked)):
        done(asked[future], _checked(*future.result()))


def workers_of(client) -> int:
    """Threads of a scheduler's workers; WorkError where it has none."""
    count = sum(client.nthreads().values())
    if not count:
        raise WorkError("--dask: expected a scheduler with workers, found none: start some with `dask worker ADDRESS`")
    return count


def _checked(results: list[dict], version: str) -> list[dict]:
    """Results of other code are no results of this sweep."""
    if version != code_version():
        raise WorkError(f"a worker runs other code: expected {code_version()}, got {version}; install the same there")
    return results
