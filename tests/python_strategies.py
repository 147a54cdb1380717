"""Python strategies for tests: one that works, and those that do not."""

import math

from engine.ports import BUY, SELL, Wish


def fade(view, parameters):
    """Sell above the center, buy below it, leave when back."""
    center, entry, leave = parameters["center"], parameters["entry"], parameters["exit"]
    seen = {"signal": view.diff, "center": center, "threshold": entry}
    if view.position_units > 0 and view.sell >= center - leave:
        return Wish(side=SELL, purpose="exit", units=view.position_units, **seen)
    if view.position_units < 0 and view.buy <= center + leave:
        return Wish(side=BUY, purpose="exit", units=-view.position_units, **seen)
    if view.diff >= center + entry and view.position_units <= 0:
        return Wish(side=SELL, purpose="entry", units=1, **seen)
    if view.diff <= center - entry and view.position_units >= 0:
        return Wish(side=BUY, purpose="entry", units=1, **seen)
    return None


def greedy(view, parameters):
    """Sells whatever it sees, as much as it can name."""
    return Wish(side=SELL, purpose="entry", units=10**30, signal=view.diff, center=0.0, threshold=0.0)


def breaks_after_its_first_wish(view, parameters):
    """Enters at its first sight of the entry; parameters["since_ns"] later it fails at the same sight."""
    wish = fade(view, parameters)
    if wish is not None and view.now_ns > parameters["since_ns"]:
        return [wish][1]
    return wish


def breaks(view, parameters):
    raise RuntimeError(f"no idea what {object()} is")


def leaves(view, parameters):
    raise SystemExit(3)


def recurses(view, parameters):
    return recurses(view, parameters)


def scribbles(view, parameters):
    parameters["entry"] = 0.0


def answers(view, parameters):
    """Nonsense by number."""
    good = {"side": SELL, "purpose": "entry", "units": 1, "signal": 1.0, "center": 0.0, "threshold": 0.0}
    spoilt = (
        {"side": 0}, {"side": "SELL"}, {"purpose": "leave"}, {"purpose": 1}, {"units": 0}, {"units": 1.5},
        {"units": None}, {"units": True}, {"signal": math.nan}, {"center": math.inf}, {"threshold": "1"},
        {"center": None}, {"purpose": "exit"},
    )  # fmt: skip
    wishes = [Wish(**good | one) for one in spoilt]
    return [*wishes, "sell", 1, object(), {"side": SELL}][int(parameters["number"])]


async def waits(view, parameters): ...


def wants_more(view, parameters, book): ...


VALUE = 1


def hopes(view, parameters):
    """Sells above its center whatever that earns."""
    return Wish(side=SELL, purpose="entry", units=1, signal=view.diff, center=view.sell, threshold=0.0)
