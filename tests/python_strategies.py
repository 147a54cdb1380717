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
    return Wish(side=SELL, purpose="entry", units=10**30, signal=view.diff, center=-1000.0, threshold=0.0)


def breaks_once_it_holds(view, parameters):
    if view.position_units:
        return [view.diff][1]
    return fade(view, parameters)


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
    number = int(parameters["number"])
    return ("sell", 1, object(), {"side": SELL})[-number - 1] if number < 0 else Wish(**good | spoilt[number])


async def waits(view, parameters): ...


def wants_more(view, parameters, book): ...


VALUE = 1
