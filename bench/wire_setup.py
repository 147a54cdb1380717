"""What the engine's process and the peer's agree on: the config, the ports, what is asked for and what is answered."""

from collections.abc import Mapping

import msgspec

from bench.rig import tuned, with_both_fix
from bench.sent import Sent
from desk.config import Config
from engine.calendar import Calendar

HOST = "127.0.0.1"
CLIENT = "TANDEM"
# By what the Chinese leg's orders go; the other leg's go by FIX always. Ticks come by FIX, but with DIFF_FEED.
FIX, DIFF, DIFF_FEED = "FIX", "DIFF", "DIFF feed"
_NO_BEAT_S, _NO_BEAT_MS = 3_600, 3_500_000  # no heartbeat falls into a measurement
# Planned times, from one decision to the next.
GAP_NS = 250_000  # between two quotes
REST_NS = 4_000_000  # behind the orders: their four reports are worked off


class Ports(msgspec.Struct, forbid_unknown_fields=True):
    """Where the peer listens: for quotes and for orders by venue, the domestic one first, and for the floor."""

    quotes: list[int]
    orders: list[int]
    floor: int


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """A block of so many decisions. floor: of the bare sends, else of the engine's."""

    floor: bool
    decisions: int


class Block(msgspec.Struct, forbid_unknown_fields=True):
    """What a block has found, a number a decision, ns of CLOCK_MONOTONIC.

    from_ns: the planned time, or the time of sending where only the peer itself was late. late_ns: by how much it was.
    arrived_ns: when the first byte was read from each order socket, and with DIFF_FEED the question for the next
    update. stalled: decisions that began behind the plan, by the engine's doing or the floor's. nudged: further quotes
    that a decision needed, because the deal before was still open when its tick came. sizes: bytes of a tick and of
    each order.
    """

    from_ns: list[int] = []
    late_ns: list[int] = []
    sent_ns: list[int] = []
    arrived_ns: list[list[int]] = []
    stalled: int = 0
    nudged: int = 0
    sizes: list[int] = []


class Told(msgspec.Struct, forbid_unknown_fields=True):
    """At the end: every order as the peer has read it. peeks: DIFF's questions for the next update."""

    orders: list[Sent]
    peeks: int


def config_for(ports: Ports, leg: str) -> tuple[Config, Mapping[str, Calendar]]:
    """The rig's config, its venues at the peer."""
    foreign = _fix(ports, 1, "SIM_OTC")
    if leg != FIX:
        urls = {"md_url": f"ws://{HOST}:{ports.quotes[0]}/md", "td_url": f"ws://{HOST}:{ports.orders[0]}/td"}
        beats = {"heartbeat_ms": _NO_BEAT_MS, "silence_ms": _NO_BEAT_MS + 1}
        return tuned({"SIM_SHFE": urls | beats, "SIM_OTC": foreign})
    config, calendars = tuned({"SIM_OTC": foreign})
    return with_both_fix(config, _fix(ports, 0, "SIM_SHFE")), calendars


def _fix(ports: Ports, venue: int, name: str) -> dict:
    return {
        "sender_comp_id": CLIENT, "target_comp_id": name, "host": HOST, "md_port": ports.quotes[venue],
        "order_port": ports.orders[venue], "heartbeat_s": _NO_BEAT_S,
    }  # fmt: skip
