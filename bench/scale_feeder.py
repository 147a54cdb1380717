"""A venue that keeps its schedule whatever the engine does: python -m bench.scale_feeder FILE PORT RATE START_NS.

FILE holds messages, one behind the other, each with its size in four bytes before it; message n goes out at START_NS
(CLOCK_MONOTONIC) + n / RATE, late ones together with the next. It prints for how many ns it was in `sendall`.
"""

import socket
import sys
import time
from pathlib import Path

_SIZE_BYTES = 4


def messages_of(raw: bytes) -> tuple[bytes, list[int]]:
    """(all messages without their sizes, where each ends)."""
    body, ends, at = bytearray(), [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + _SIZE_BYTES], "little")
        at += _SIZE_BYTES
        body += raw[at : at + size]
        at += size
        ends.append(len(body))
    return bytes(body), ends


def packed(messages: list[bytes]) -> bytes:
    """The content of a file."""
    return b"".join(len(message).to_bytes(_SIZE_BYTES, "little") + message for message in messages)


def main(file: Path, port: int, rate: int, start_ns: int) -> None:
    body, ends = messages_of(file.read_bytes())
    view, sent, held_ns = memoryview(body), 0, 0
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while sent < len(ends):
            due = min((time.monotonic_ns() - start_ns) * rate // 1_000_000_000 + 1, len(ends))
            if due <= sent:
                continue
            part = view[ends[sent - 1] if sent else 0 : ends[due - 1]]
            began_ns = time.monotonic_ns()
            sock.sendall(part)
            held_ns += time.monotonic_ns() - began_ns
            sent = due
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)  # until the engine has read everything
    print(held_ns, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
