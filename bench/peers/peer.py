"""The gate's peer: vnpy's risk manager in its own process, and its figures beside our gate's."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from bench.figures import Result, Samples, demand, micros
from bench.peers.process import ENVIRONMENTS, Process, command

READY = ENVIRONMENTS / "vnpy" / ".ready"
HOW = "vnpy_riskmanager beside it in the same run: `make peers` (network and a C compiler), then this bench again"
NOTE = "vnpy's rows: in their floor column are our hot pair and whole call, of the same rounds; see bench/NOTES.md"


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


class Peer(Process):
    """A peer's process, asked for a round at a time. Refused wherever it says anything but what the protocol has."""

    def __init__(self, command: list[str]) -> None:
        super().__init__(command)
        self.rounds = {name: Samples() for name in ("check_ns", "send_ns", "timer_ns")}

    def greeted(self) -> None:
        self.hello = self.read(Hello)
        demand(len(self.hello.rules) > 0, "a peer with rules")
        demand(self.hello.refused == self.hello.rules, f"each rule of the peer to refuse, found {self.hello}")

    def round(self, pairs: int, keep: bool = True) -> None:
        """So many pairs of orders. keep: whether their times count, or only warm up."""
        self.ask(f"round {pairs}")
        found = self.read(Round)
        demand(found.passed == found.sent == 2 * pairs, f"{2 * pairs} orders of the peer to pass, found {found.passed}")
        for name, samples in self.rounds.items():
            each = getattr(found, name)
            demand(len(each) == pairs and min(each) >= 0, f"{pairs} times in {name} of the peer, found {len(each)}")
            if keep:
                samples.add(each)

    def less_timer(self, name: str) -> Samples:
        """Its samples without what its timer took."""
        return self.rounds[name].less(round(self.rounds["timer_ns"].p50))


@contextmanager
def beside() -> Iterator[Peer | None]:
    """The peer where its environment is built."""
    if not READY.exists():
        yield None
        return
    with Peer(command("vnpy", "vnpy_gate.py")) as peer:
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
