"""Python strategies: asked after the compiled ones, under the same rules; one that fails is halted, and nothing else.

What fails is never the engine: the quote is booked, other strategies decide, and its open deals are repaired (F26).
"""

import math
import re
from operator import index as whole
from pathlib import Path
from types import TracebackType

from engine.core import Core, fitted
from engine.ports import BUY, SELL, View, Wish
from engine.records import ENTRY, EXIT
from engine.schema import HALTED

PURPOSES = {"entry": ENTRY, "exit": EXIT}
_DECIDED = 5  # of the stamps
_WHAT_BYTES = 200
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")  # of an object: another one in every process


def ask_signals(core: Core, instrument: int, waiting: int) -> int:
    """Ask the Python strategies of every spread that this quote priced; how many decisions wait in the scratch row.

    waiting: those of the compiled strategies, which have been asked.
    """
    state, scratch, before = core.state, core.state.scratch, waiting
    scratch["decisions"] = waiting
    if state.book[instrument]["recv_ns"] != core.now_ns:
        return waiting  # an old quote, which priced nothing
    row = state.instrument[instrument]
    for touch in range(int(row["touch_at"]), int(row["touch_at"] + row["touch_n"])):
        spread = state.spread[state.touch[touch]["spread"]]
        first = int(spread["strategy_at"])
        for strategy in range(first, first + int(spread["strategy_n"])):
            if strategy in core.signals and core.hot.may_ask(state.address, strategy, core.now_ns):
                waiting = _ask(core, strategy, spread)
    if waiting != before:
        scratch["stamps"]["stamp"][_DECIDED] = core.clock()
    return waiting


def _ask(core: Core, strategy: int, spread) -> int:
    """Let one look, and write down what it wishes; how many decisions wait."""
    row, waiting = core.state.strategy[strategy], int(core.state.scratch["decisions"])
    row["armed"] = 1  # as without a rearm: a Python strategy keeps its own hysteresis, or none
    view = _view(row, spread, core.now_ns)
    try:
        function, parameters = core.signals[strategy]
        wish = function(view, parameters)
        asked = None if wish is None else _understood(wish, view.position_units)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit: a strategy does not end the engine
        _halt(core, strategy, error)
        return waiting
    if asked is None:
        return waiting
    side, purpose, units, *seen = asked
    most = min(units, int(row["clip_units"]))
    return int(core.hot.take_wish(core.state.address, strategy, side, purpose, most, *seen, core.now_ns))


def _view(row, spread, now_ns: int) -> View:
    return View(
        diff=float(spread["diff"]), buy=float(spread["buy"]), sell=float(spread["sell"]),
        ratio=float(spread["ratio_mid"]), ratio_buy=float(spread["ratio_buy"]), ratio_sell=float(spread["ratio_sell"]),
        mean=float(spread["mean"][0]), sd=float(spread["sd"][0]),
        ratio_mean=float(spread["mean"][1]), ratio_sd=float(spread["sd"][1]), samples=int(spread["samples"]),
        buy_units=int(spread["buy_units"]), sell_units=int(spread["sell_units"]),
        cost=float(spread["cost"] + spread["fee"]), position_units=int(row["position_units"]),
        clip_units=int(row["clip_units"]), max_units=int(min(row["max_units"], row["cap_units"])),
        blocked=int(spread["blocked"]), now_ns=now_ns,
    )  # fmt: skip


class Nonsense(ValueError):
    """An answer that is no wish."""


def _understood(wish: object, held: int) -> tuple[int, int, int, float, float, float]:
    """(side, purpose, units, signal, center, threshold) of a wish that makes sense; Nonsense for any other answer."""
    if not isinstance(wish, Wish):
        raise Nonsense(f"expected a Wish or None, got {type(wish).__name__}")
    if wish.side not in (BUY, SELL):
        raise Nonsense(f"expected side {BUY} or {SELL}, got {_shown(wish.side)}")
    if not isinstance(wish.purpose, str) or wish.purpose not in PURPOSES:
        raise Nonsense(f"expected purpose 'entry' or 'exit', got {_shown(wish.purpose)}")
    if isinstance(wish.units, bool) or not hasattr(wish.units, "__index__") or whole(wish.units) <= 0:
        raise Nonsense(f"expected a whole number of units above 0, got {_shown(wish.units)}")
    seen = [_finite(name, getattr(wish, name)) for name in ("signal", "center", "threshold")]
    side = int(wish.side)
    if wish.purpose == "exit" and side * held >= 0:
        raise Nonsense(f"expected an exit to bring {held:+d} units nearer to 0")
    if wish.purpose == "entry" and side * held < 0:
        raise Nonsense(f"expected no entry against the {held:+d} units that are held: exit them first")
    return side, PURPOSES[wish.purpose], whole(wish.units), *seen


def _finite(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Nonsense(f"expected {name} to be a finite number, got {_shown(value)}")
    return float(value)


def _shown(value: object) -> str:
    return _ADDRESS.sub("0x...", repr(value))[:40]


def _halt(core: Core, strategy: int, error: BaseException) -> None:
    """Only what is the same in every replay goes into the alert: no address, no path of a machine."""
    core.state.strategy[strategy]["switch"] = HALTED
    name = core.names["strategies"][strategy]
    said = "answered nonsense" if isinstance(error, Nonsense) else f"raised {type(error).__name__}"
    core.alert(
        "error", "strategy_raised",
        f"strategy {name} {said}{_place(error)}: {_text(error)}",
        "mend its code, then start with a new journal; it is halted until then, and its open deals are still repaired",
        strategy=name,
    )  # fmt: skip


def _place(error: BaseException) -> str:
    """Where it was raised: the innermost line; of endless recursion the outermost, for its depth is not ours to say."""
    if isinstance(error, Nonsense):
        return ""
    lines = _lines(error.__traceback__)[1:]
    if not lines:
        return " at its call"
    return f" at {lines[0 if isinstance(error, RecursionError) else -1]}"


def _lines(trace: TracebackType | None) -> list[str]:
    found = []
    while trace is not None:
        found.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found


def _text(error: BaseException) -> str:
    try:
        return fitted(_ADDRESS.sub("0x...", str(error)), _WHAT_BYTES)
    except Exception:
        return "(its own text could not be made)"
