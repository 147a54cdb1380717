"""The storm's Python strategy: it sees the signals that the compiled ones see, and raises where it goes too far."""

from collections.abc import Mapping

from engine.ports import BUY, SELL, View, Wish


class TooFar(Exception):
    """What the script wants it to raise (F26)."""


def signal(view: View, parameters: Mapping[str, float]) -> Wish | None:
    """Sell a dear spread, buy a cheap one, leave when it is pushed the other way; parameters: center, entry, raises."""
    center, entry = parameters["center"], parameters["entry"]
    away = view.diff - center
    if abs(away) > parameters["raises"]:
        raise TooFar("the spread is farther away than this strategy understands")
    if abs(away) < entry:
        return None
    side = SELL if away > 0 else BUY
    held = view.position_units
    purpose = "exit" if held * side < 0 else "entry"
    if purpose == "entry" and abs(held) >= view.max_units:
        return None
    units = min(view.clip_units, abs(held) if purpose == "exit" else view.max_units - abs(held))
    return Wish(side=side, purpose=purpose, units=units, signal=view.diff, center=center, threshold=entry)
