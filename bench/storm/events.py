"""What a script's events do to the world of a day: links, markets, the account, the engine's own process.

day: a `bench.storm.day.Day`, whose parts these functions move.
"""

from typing import NamedTuple

from bench.storm import script as play
from bench.storm.script import Event, Script
from bench.storm.treatment import Treatment
from bench.storm.venue import StormVenue
from engine import records
from engine.ports import AccountReport

MS = 1_000_000
SHUT_NS = 3_000 * MS  # how long a market stays closed between two sections
REJECTED = Treatment(reject="refused by the script")


class Scene(NamedTuple):
    """Where an event happens. at, venue: of its leg, -1 and None without one. side: how the deal trades that leg."""

    event: Event
    spread: int
    sign: int
    at: int
    venue: StormVenue | None
    side: int


def schedule(day, event: Event, spread: int, sign: int) -> None:
    """Let an event happen so long from now."""
    if event.what == play.OTHER:
        day.other = Script("gives the contract back", ("F19",), {0: [REJECTED] * 2})
        return
    day.strand.after(round(event.after_ms * MS), lambda: happen(day, event, spread, sign))


def happen(day, event: Event, spread: int, sign: int) -> None:
    """Make an event happen now."""
    at = day.spreads[spread][event.leg] if event.leg >= 0 else -1
    venue = day.venues[day.instruments[at].venue] if at >= 0 else None
    side = _side(day, spread, event.leg, sign) if at >= 0 else 0
    _DO[event.what](day, Scene(event, spread, sign, at, venue, side))
    if event.what != play.QUOTE:
        day.count(day.current)


def _side(day, spread: int, leg: int, sign: int) -> int:
    """Which way the deal trades this leg: a dear spread is sold."""
    return -sign * (1 if int(day.process.state.spread[spread]["ratio"][leg]) > 0 else -1)


def _before_close(day, scene: Scene) -> None:
    """Go to so long before the next close of a contract's session; it stops trading there."""
    at, span_ns = scene.at, round(scene.event.amount * MS)
    windows = day.sessions[day.calendar_of[at]]
    market_ns = day.process.state.market_ns(day.clock.now_ns)
    close_ns = next(close for _, close, _ in windows if close - span_ns - 20 * MS > market_ns)
    ahead_ns = close_ns - span_ns - market_ns
    day.skip(day.clock.now_ns + ahead_ns - 10 * MS)
    day.settle()
    ahead_ns = close_ns - day.process.state.market_ns(day.clock.now_ns)
    mine = [one for one, name in enumerate(day.calendar_of) if name == day.calendar_of[at]]
    day.strand.after(max(ahead_ns, 0), lambda: [day.market.shut_down(one) for one in mine])
    heal = lambda: [day.market.heal(one, day.clock.now_ns) for one in mine]
    day.strand.after(max(ahead_ns, 0) + SHUT_NS, heal)


def _burst(day, spread: int, sign: int) -> None:
    at = day.spreads[spread][0]
    day.market.away[at] = sign * day.armed.pushes[spread]
    day.market.quote(at, day.clock.now_ns)
    day.market.away[at] = 0


def _new_day(day, scene: Scene) -> None:
    for venue in day.venues:
        venue.matching.new_day(day.clock.now_ns)
        venue.cut("a trading day ends")
        venue.join()


def fund(day, balance_micros: int) -> None:
    """Every account's capital becomes this."""
    for index in range(len(day.process.state.account)):
        day.process.loop.on_account(
            AccountReport(account=index, balance_micros=balance_micros, available_micros=balance_micros,
                          margin_micros=0, recv_ns=day.clock.now_ns)
        )  # fmt: skip


_DO = {
    play.CUT: lambda day, scene: scene.venue.cut("cut by the script", bool(scene.event.amount)),
    play.JOIN: lambda day, scene: scene.venue.join(),
    play.SILENCE: lambda day, scene: scene.venue.silence(bool(scene.event.amount)),
    play.LOCK: lambda day, scene: day.market.lock(
        scene.at, (scene.side > 0) != bool(scene.event.amount), day.clock.now_ns
    ),
    play.QUOTE: lambda day, scene: day.market.heal(scene.at, day.clock.now_ns),
    play.GAP: lambda day, scene: day.market.move(scene.at, scene.side * scene.event.amount, day.clock.now_ns),
    play.CLOSE: _before_close,
    play.CRASH: lambda day, scene: day.died(bool(scene.event.amount), in_a_turn=False),
    play.CRASH_AT_WRITE: lambda day, scene: day.process.die_at_write(int(scene.event.amount)),
    play.FIX_GAP: lambda day, scene: scene.venue.skip_number(),
    play.BURST: lambda day, scene: _burst(day, scene.spread, scene.sign),
    play.TOO_FAR: lambda day, scene: _burst(day, scene.spread, 2 * scene.sign),
    play.NEW_DAY: _new_day,
    play.POOR: lambda day, scene: fund(day, 1),
    play.COMMAND: lambda day, scene: day.process.command(
        int(scene.event.amount), records.SCOPE_ALL, -1, "by the script"
    ),
}
