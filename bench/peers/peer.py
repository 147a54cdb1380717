"""Our side of a peer: its process, the protocol, and its figures beside ours."""

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import msgspec

from bench.figures import Refused, Result, Samples, demand, micros

ROOT = Path(__file__).parents[2]
READY = ROOT / ".venv-peers" / ".ready"
HOW = "vnpy_riskmanager beside it in the same run: `make peers` (network and a C compiler), then this bench again"
NOTE = "vnpy's rows: in their floor column are our hot pair and whole call, of the same rounds; see bench/NOTES.md"
_COMMAND = [str(ROOT / ".venv-peers" / "bin" / "python"), "-I", str(Path(__file__).with_name("vnpy_gate.py"))]
_PATIENCE_S = 60
_END_S = 5


class Hello(msgspec.Struct, forbid_unknown_fields=True):
    """What a peer says first. refused: rules that refused an order beyond their limit; compiled: those that are."""

    versions: dict[str, str]
    rules: list[str]
    refused: list[str]
    compiled: list[str]


class Round(msgspec.Struct, forbid_unknown_fields=True):
    """One round's samples, ns: a pair through the rules, through the patched send_order, the timer alone.

    passed, sent: orders that all rules let pass, and that reached the gateway.
    """

    check_ns: list[int]
    send_ns: list[int]
    timer_ns: list[int]
    passed: int
    sent: int


class Peer:
    """A peer's process, asked for a round at a time. Refused wherever it says anything but what the protocol has."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            errors="replace",
        )  # fmt: skip
        self.rounds = {name: Samples() for name in ("check_ns", "send_ns", "timer_ns")}

    def __enter__(self) -> "Peer":
        try:
            self.hello = self._read(Hello)
            demand(len(self.hello.rules) > 0, "a peer with rules")
            demand(self.hello.refused == self.hello.rules, f"each rule of the peer to refuse, found {self.hello}")
        except Refused:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()

    def round(self, pairs: int, keep: bool = True) -> None:
        """So many pairs of orders. keep: whether their times count, or only warm up."""
        self._ask(f"round {pairs}\n")
        found = self._read(Round)
        demand(found.passed == found.sent == 2 * pairs, f"{2 * pairs} orders of the peer to pass, found {found.passed}")
        for name, samples in self.rounds.items():
            each = getattr(found, name)
            demand(len(each) == pairs and min(each) >= 0, f"{pairs} times in {name} of the peer, found {len(each)}")
            if keep:
                samples.add(each)

    def less_timer(self, name: str) -> Samples:
        """Its samples without what its timer took."""
        return self.rounds[name].less(round(self.rounds["timer_ns"].p50))

    def _ask(self, line: str) -> None:
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Refused(f"the figure is refused: {self._why()}") from None

    def _read(self, wanted: type) -> Hello | Round:
        heard, _, _ = select.select([self._process.stdout], [], [], _PATIENCE_S)
        demand(bool(heard), f"the peer to answer in {_PATIENCE_S} s")
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise Refused(f"the figure is refused: {self._why()}")
        try:
            return msgspec.json.decode(line, type=wanted)
        except msgspec.DecodeError as why:
            raise Refused(f"the figure is refused: the peer said {json.dumps(line[:80])}: {why}") from None

    def _why(self) -> str:
        self._end()
        said = self._process.stderr.read().strip().splitlines()
        return f"the peer ended with {self._process.returncode}: {said[-1] if said else 'nothing said'}"

    def _end(self) -> None:
        """The end of its input is the end of the peer."""
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _leave(self) -> None:
        self._end()
        self._process.stdout.close()
        self._process.stderr.close()


@contextmanager
def beside() -> Iterator[Peer | None]:
    """The peer where its environment is built."""
    if not READY.exists():
        yield None
        return
    with Peer(_COMMAND) as peer:
        yield peer


def add(result: Result, peer: Peer | None, pair: Samples, call: Samples) -> Result:
    """The result with the peer's rows, keys and details; or, where there is none, with a line that says how to get one.

    Its rules alone are compared with our gate alone (pair), its send_order with our whole compiled call, which also
    makes the orders and journals them.
    """
    if peer is None:
        result.notes.append(HOW)
        return result
    rules, sent, hello = peer.less_timer("check_ns"), peer.less_timer("send_ns"), peer.hello
    what = f"vnpy_riskmanager, {len(hello.rules)} rules, two orders"
    result.rows += [micros(what, rules, pair), micros("the same, through its send_order", sent, call)]
    result.flat |= {
        "vnpy_pair_us_p50": rules.p50 / 1e3, "vnpy_pair_us_p99": rules.p99 / 1e3, "over_vnpy": rules.p50 / pair.p50,
        "vnpy_send_us_p50": sent.p50 / 1e3, "vnpy_send_us_p99": sent.p99 / 1e3, "over_vnpy_send": sent.p50 / call.p50,
    }  # fmt: skip
    result.details["vnpy"] = msgspec.to_builtins(hello) | {
        "pairs": rules.count, "round_medians_ns": rules.medians, "send_round_medians_ns": sent.medians,
    }  # fmt: skip
    result.notes.append(NOTE)
    return result
