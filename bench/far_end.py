"""The other end of the wire, a process of its own: both real venue servers, which take orders and answer none.

It prints its ports as one JSON line, and ends with its input.
"""

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager

import msgspec
import uvloop

from adapters.diff.server import DiffServer
from adapters.fix44.server import FixServer
from adapters.ports import NewOrder, VenueAccount, VenuePosition, VenueReport
from bench.rig import FOLDER
from desk.demo import ROOT
from desk.toml_reader import read
from desk.venue import VenueFile, contracts_of
from engine.clock import now_ns

HOST = "127.0.0.1"


class Ports(msgspec.Struct, forbid_unknown_fields=True):
    """Where the far end listens."""

    diff: int
    fix_md: int
    fix_orders: int


class FarEnd:
    """The process as the bench sees it."""

    def __init__(self, process: subprocess.Popen):
        self._process = process
        self.ports = msgspec.json.decode(process.stdout.readline(), type=Ports)

    def stay_on(self, core: int) -> None:
        """Keep its reading to one core."""
        os.sched_setaffinity(self._process.pid, {core})


@contextmanager
def far_end():
    """A running far end; killed where the bench left it running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.far_end"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield FarEnd(process)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


class Ledger:
    """`adapters.ports.OrderEntry` that writes orders down and answers none: the bench does that itself."""

    def __init__(self) -> None:
        self.taken: list[NewOrder] = []

    def submit(self, order: NewOrder) -> None:
        self.taken.append(order)

    def cancel(self, owner: str, client_id: str, cancel_id: str) -> None:
        """No order is cancelled here."""

    def query(self, owner: str, client_id: str, query_id: str) -> None:
        """No order is asked for here."""

    def orders(self, owner: str) -> list[VenueReport]:
        return []

    def trades(self, owner: str) -> list[VenueReport]:
        return []

    def positions(self, owner: str) -> list[VenuePosition]:
        return []

    def account(self, owner: str) -> VenueAccount:
        return VenueAccount(currency="CNY", balance_micros=10**15, available_micros=10**15, margin_micros=0)


async def _serve() -> None:
    ledger = Ledger()
    diff_file, fix_file = (_venue_file(name) for name in ("SIM_SHFE", "SIM_OTC"))
    users = {user.name: user.password for user in diff_file.sim.users}
    diff = DiffServer(contracts_of(diff_file), HOST, 0, users, now_ns)
    fix = FixServer(fix_file.sim.comp_id, contracts_of(fix_file), HOST, 0, 0, now_ns)
    diff_port = await diff.start(ledger)
    await fix.start(ledger)
    ports = Ports(diff_port, fix.md_port, fix.order_port)
    print(msgspec.json.encode(ports).decode(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await diff.stop()
    await fix.stop()


def _venue_file(name: str) -> VenueFile:
    file, problems = read(FOLDER / f"{name}.toml", VenueFile)
    if file is None or problems:
        raise ValueError("; ".join(map(str, problems)))
    return file


if __name__ == "__main__":
    uvloop.run(_serve())
