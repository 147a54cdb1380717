"""The real client, tqsdk, on our DIFF server: an independent reading of the protocol."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.diff_helpers import PASSWORD, USER, world
from tests.diff_tqsdk_standin import Standin

CLIENT = Path(__file__).with_name("diff_tqsdk_client.py")
LIMIT_S = 90


def tqsdk_python() -> str:
    """A Python that can import tqsdk, or a skip with the reason."""
    python = os.environ.get("TANDEM_TQSDK_PYTHON") or sys.executable
    probe = subprocess.run([python, "-c", "import importlib.util as u; raise SystemExit(not u.find_spec('tqsdk'))"])
    if probe.returncode:
        pytest.skip(f"{python} has no tqsdk: install the extra, or name another by TANDEM_TQSDK_PYTHON")
    return python


async def run_client(python: str) -> tuple[dict, list[str]]:
    standin = Standin()
    await standin.start()
    try:
        async with world() as here:
            await here.heard.ready()
            here.match.quote("SHFE.au2702", "619.98", 5, "620.00", 5)
            environment = {**os.environ, **standin.environment(here.port), "NO_PROXY": "*", "no_proxy": "*"}
            client = await asyncio.create_subprocess_exec(
                python, str(CLIENT), environment["TQ_TD_URL"], USER, PASSWORD, env=environment,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            try:
                async with asyncio.timeout(LIMIT_S):
                    output = (await client.communicate())[0].decode()
            finally:
                if client.returncode is None:
                    client.kill()
                    await client.wait()
            assert client.returncode == 0, output
            (line,) = [line for line in output.splitlines() if line.startswith("RESULT ")]
            return json.loads(line.removeprefix("RESULT ")), here.heard.events()
    finally:
        await standin.stop()


def test_tqsdk_logs_in_subscribes_trades_is_refused_and_cancels() -> None:
    result, seen = asyncio.run(run_client(tqsdk_python()))
    assert result["quote"] == [619.98, 5, 620.0, 5]
    assert result["filled"] == {"left": 0, "message": "", "trades": [620.0]}
    assert result["partial"] == {"left": 4, "message": "IOC remainder", "trades": [620.0]}
    assert result["refused"] == {"left": 101, "message": "more than 100 lots", "trades": []}
    assert result["cancelled"] == {"left": 3, "message": "cancelled"}
    assert (result["position"], result["balance"], result["margin"]) == (7, 1_000_000.0, 350_000.0)
    # Our own client, logged in beside it, saw the same orders as those of another program.
    assert [event for event in seen if event not in ("ACK", "STATUS")] == [
        "TRADE", "DONE", "TRADE", "CANCELLED", "REJECTED", "CANCELLED",
    ]  # fmt: skip
