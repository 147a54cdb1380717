"""`peers`: the same quotes and signal through other engines, in turns with ours; a backtest beside our sweep.

What is the same: every quote (SHFE gold, COMEX gold, the dollar rate), one after the other, the next when all that the
last one caused is done; the difference converted with the rate against a fixed center, entry and exit in turns; two
limit orders for at once a decision, each two ticks beyond the touch, compared order by order with ours. From the quote
as the engine's own object, in its adapter's hands, to the second order in the hands of a gateway that keeps it; both
are accepted and filled behind the time. A quote that causes no order: ours and engines without a hand-over until the
call returns, the others until the last handler, the strategy's or the algorithm's, has looked at it.

What is not: ours also journals every quote, decision and order, asks a second strategy, checks 28 controls with a limit
in each of their scopes, holds what both legs need, opens a deal, and makes the bytes of both orders; it ends where
those would be handed to their sockets, the others where order objects are handed to a gateway. nautilus checks price,
quantity and the rate of orders (margin accounts have no money check of its own); vnpy checks five rules, and turns a
close into close-today. Neither journals or keeps a deal, and no peer's log is on. nautilus' live engines hand over
through queues and a task an order, vnpy's through a thread.
"""

from contextlib import ExitStack
from typing import NamedTuple

import msgspec

from bench.figures import Result, demand, micros
from bench.path import Ours
from bench.peers.backtests import LOOP, Backtests, Loop
from bench.peers.process import command, need
from bench.peers.rounds import Batch, Engine, Hello, Times, sent_as
from bench.rig import IDLE_QUOTES

_DECISIONS, _IDLE = 100, 1_000  # a batch; two batches a round


class Spec(NamedTuple):
    """A peer: its environment, its script and what it is told, and what it is in words."""

    environment: str
    script: str
    arguments: tuple[str, ...]
    what: str


PEERS = {
    "nautilus_live": Spec("nautilus", "nautilus_live.py", (), "nautilus_trader, live engines"),
    "nautilus_sync": Spec("nautilus", "nautilus_sync.py", (), "nautilus_trader, plain engines"),
    "vnpy_threaded": Spec("vnpy", "vnpy_spread.py", ("threaded",), "vnpy, spread engine, rules, threaded"),
    "vnpy_inline": Spec("vnpy", "vnpy_spread.py", ("inline",), "vnpy, spread engine, rules, inline"),
}
_IDLE_KEYS = {"idle_over_nautilus": "nautilus_sync", "idle_over_vnpy": "vnpy_inline"}  # the cheaper one of each


def measure(rounds: int) -> Result:
    """Two batches a round, one in which peers collect garbage as they do and one in which they do not, each followed by
    quotes that cause nothing; then the backtests."""
    need(["hftbacktest", *sorted({spec.environment for spec in PEERS.values()})])
    mine, tests = Times(), Backtests()
    with ExitStack() as open_ones:
        peers = [
            open_ones.enter_context(Engine(name, command(spec.environment, spec.script, *spec.arguments)))
            for name, spec in PEERS.items()
        ]
        loop, ours = open_ones.enter_context(Loop(LOOP)), open_ones.enter_context(Ours())
        opening = Batch(ours.market.opening(), [False] * 3)
        for peer in peers:
            peer.play(opening, collect=True)
        for number in range(rounds + 1):  # the first one warms up
            for collect in (True, False):
                _turns(ours, mine, peers, collect, keep=number > 0)
            tests.round(loop, keep=number > 0)
    found = result(mine, peers, rounds)
    found.rows += tests.rows()
    found.flat |= tests.flat()
    found.notes.append(set_up("hftbacktest", loop.hello))
    return found


def _turns(ours: Ours, mine: Times, peers: list[Engine], collect: bool, keep: bool) -> None:
    """A batch of decisions and one of idle quotes, each through ours and then through every peer."""
    moves = ([False] * IDLE_QUOTES + [True]) * _DECISIONS
    batch = Batch(ours.market.decisions(_DECISIONS), moves)
    idle = Batch(ours.idle_quotes(_IDLE), [False] * _IDLE)
    before = len(ours.orders)
    both_ns = ours.round(batch.quotes)
    demand(len(both_ns) == _DECISIONS, f"{_DECISIONS} decisions of ours, found {len(both_ns)}")
    batch.orders = sent_as(ours.orders[before:])
    idle_ns = ours.idle_round(idle.quotes)
    found = [(mine, both_ns, idle_ns)]
    for peer in peers:
        decided, quiet = peer.play(batch, collect), peer.play(idle, collect)
        found.append((peer.times(collect), decided.both_ns, quiet.idle_ns))
    if keep:
        for times, both_ns, idle_ns in found:
            times.both.add(both_ns)
            times.idle.add(idle_ns)


def result(mine: Times, peers: list[Engine], rounds: int) -> Result:
    """The rows, ours in their floor column, and the ratios."""
    flat = {"ours_us_p50": mine.both.p50 / 1e3, "ours_us_p99": mine.both.p99 / 1e3,
            "ours_idle_us_p50": mine.idle.p50 / 1e3}  # fmt: skip
    rows = [micros("ours, both orders", mine.both), micros("ours, no order, journalled", mine.idle)]
    for peer in peers:
        what = PEERS[peer.name].what
        rows += [micros(what, peer.own.both, mine.both), micros(f"{what}, garbage held", peer.held.both, mine.both),
                 micros(f"{what}, no order", peer.own.idle, mine.idle)]  # fmt: skip
        flat |= ratios(peer, mine)
    idle = {peer.name: peer.own.idle.p50 / mine.idle.p50 for peer in peers}
    flat |= {key: idle[name] for key, name in _IDLE_KEYS.items()}
    return Result(
        name="peers",
        measures="a quote in the engine's own form to the second order of a decision at a gateway that keeps it",
        includes="ours: journal with its sealer, gate with all controls, holds, deal, both orders' bytes; nautilus: "
        "its risk engine (margin accounts), cache and portfolio; vnpy: its risk manager's five rules, offsets",
        excludes="parsing, making the quote's object, sockets, logs, the answers (accepted, filled, behind the time)",
        floor="ours in the same rounds: a ratio says how often our p50 fits into a peer's",
        rounds=rounds, samples=mine.both.count + sum(peer.own.both.count + peer.held.both.count for peer in peers),
        rows=rows, flat=flat, details=_details(mine, peers),
        notes=[_at_p99(peers, mine), *NOTES, *(set_up(peer.name, peer.hello) for peer in peers)],
    )  # fmt: skip


def ratios(peer: Engine, mine: Times) -> dict[str, float]:
    """A peer's own figures, and how often ours fit into them."""
    own, held, name = peer.own, peer.held, peer.name
    return {
        f"{name}_us_p50": own.both.p50 / 1e3, f"{name}_us_p99": own.both.p99 / 1e3,
        f"{name}_idle_us_p50": own.idle.p50 / 1e3, f"over_{name}_p50": own.both.p50 / mine.both.p50,
        f"over_{name}_p99": own.both.p99 / mine.both.p99, f"over_{name}_p50_held": held.both.p50 / mine.both.p50,
        f"over_{name}_p99_held": held.both.p99 / mine.both.p99, f"idle_over_{name}": own.idle.p50 / mine.idle.p50,
    }  # fmt: skip


def _at_p99(peers: list[Engine], mine: Times) -> str:
    both = {peer.name: (peer.own.both.p99 / mine.both.p99, peer.held.both.p99 / mine.both.p99) for peer in peers}
    told = [f"{name} {own:.3g} (held {held:.3g})" for name, (own, held) in both.items()]
    return f"p99 over our p99: {', '.join(told)}"


def set_up(name: str, hello: Hello) -> str:
    """A peer in a line: what it is and how it runs."""
    versions, ways = ([f"{what} {how}" for what, how in each.items()] for each in (hello.versions, hello.set_up))
    return f"{name}: {', '.join(versions)}; {', '.join(ways)}"


def _details(mine: Times, peers: list[Engine]) -> dict:
    medians = {peer.name: [each / 1e3 for each in peer.own.both.medians] for peer in peers}
    return {"round_medians_us": {"ours": [each / 1e3 for each in mine.both.medians]} | medians,
            "peers": {peer.name: msgspec.to_builtins(peer.hello) for peer in peers}}  # fmt: skip


NOTES = [
    "every order of every peer was compared with ours: contract, side, limit, lots, and their number",
    "peers collect garbage by Python's thresholds, as they do by themselves; held: none in the rounds, as in ours",
    "each next quote waits until the last one is done in all engines, so no figure has a queue of quotes in it",
    "idle_over_nautilus and idle_over_vnpy are of nautilus' plain engines and of vnpy inline: the cheaper of each two",
]
