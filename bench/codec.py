"""`codec`: each wire format parsed and encoded, FIX and DIFF, in Python and compiled."""

from pathlib import Path

from bench.figures import Result
from bench.micro.passes import result

_FILE = Path(__file__).parent / "micro" / "bench_codec.py"


def measure(rounds: int) -> Result:
    """Passes of pytest-benchmark."""
    return result("codec", _FILE, rounds, {
        "measures": "the median call: a message's bytes to the engine's words, an order to its bytes",
        "includes": "FIX framing, length and checksum, session number and stamp of what is sent; DIFF's shape check "
        "and merge into the tree; prices in exact ticks",
        "excludes": "sockets, WebSocket frames, the engine behind on_quote; FIX's inbound sequence numbers",
        "floor": "in the same pass: the same bytes through orjson.loads or split at SOH, ready fields through "
        "orjson.dumps or one template, a bare njit call for what is compiled",
    })  # fmt: skip
