"""One day for some parameter sets: the engine's own state, the compiled sweep through the events, and what came of it.

Between events Python does what it does live on a start, a broken link, a session's or a date's end; nothing else of the
loop runs, and no gate.
"""

from bisect import bisect_left
from collections.abc import Mapping

import msgspec
import numpy as np

from desk.assembly import assemble, config_record
from desk.config import Config, StrategySpec
from desk.sweep_day import BadData, Day, Turn
from desk.sweep_fills import EVENT, LOG, NEVER, PLAN, SET
from desk.sweep_kernel import last_look, sweep
from engine import limits, watch
from engine.calendar import Calendar
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.records import QUOTE
from engine.replay import SilentGateway
from engine.schema import UNSET

_SCRATCH_BYTES = 1 << 22
_ROWS = (32, 32)  # of orders and deals: a sweep opens none
COUNTS = ("decisions", "complete", "finished", "unwound", "not_done", "open", "fills", "lots_traded", "trips", "hits")
MONEY = ("pnl_micros", "fees_micros", "drawdown_micros", "peak_micros", "low_micros")


class Task(msgspec.Struct, frozen=True):
    """What a worker needs beside the day: a CONFIG record without its strategies, the sets as plain values, the one way
    latency in ns of each venue, how much worse a repair trades, and how many rows of the log are wanted."""

    record: dict
    strategies: list[dict]
    latency_ns: list[int]
    repair_ticks: int
    log_rows: int = 0


def task_of(
    config: Config, calendars: Mapping[str, Calendar], day: Day, sets: list[StrategySpec], latency_ns: list[int],
    repair_ticks: int, log_rows: int = 0,
) -> Task:  # fmt: skip
    """The task of some sets of one strategy, on a day."""
    one = msgspec.structs.replace(config, strategies=[sets[0]])
    record = config_record(one, calendars, day.market_ns, day.name)
    return Task(record, [msgspec.to_builtins(spec) for spec in sets], latency_ns, repair_ticks, log_rows)


def run(task: Task, day: Day) -> tuple[list[dict], np.ndarray]:
    """A dict of whole numbers for each set, and the log's rows (`desk.sweep_fills.LOG`) as far as they were wanted.

    pnl_micros is None where something is held that has no price, or no rate to the reporting currency. BadData where
    the day has no quotes of an instrument that the sets need.
    """
    play = prepared(task, day)
    play.through()
    return play.results(), play.logged()


def prepared(task: Task, day: Day) -> "Play":
    """The state of a run before its first event; errors as of `run`."""
    loop = _loop_of(task, day)
    _refuse_gaps(task, day, loop.core.state)
    return Play(task, day, loop)


def _loop_of(task: Task, day: Day) -> Loop:
    """A loop over the state of the config with a strategy row for each set; ids number them."""
    rows = [row | {"id": f"set{number}"} for number, row in enumerate(task.strategies)]
    config = task.record["config"] | {"strategies": rows, "include": []}
    gateways = [SilentGateway() for _ in config["venues"]]
    loop = assemble(task.record | {"config": config}, MemoryJournal(_SCRATCH_BYTES), gateways, lambda: 0, _ROWS)
    if day.always_up:
        loop.core.state.venue["max_silence_ns"] = NEVER
    return loop


def _refuse_gaps(task: Task, day: Day, state) -> None:
    """A day without quotes of a leg, or of its rate, would be one without a decision, and nobody would know why."""
    spread = state.spread[state.strategy[0]["spread"]]
    needed = {int(at) for name in ("instrument", "fx") for at in spread[name][: int(spread["legs"])] if at >= 0}
    quoted = set(np.unique(day.events["instrument"][day.events["kind"] == QUOTE]).tolist())
    missing = [task.record["names"]["instruments"][at] for at in sorted(needed - quoted)]
    if missing:
        raise BadData(f"--data {day.name}: expected quotes of {', '.join(missing)}, which the spread needs, found none")


class Play:
    """The state of one run. plan: what the compiled half is handed."""

    def __init__(self, task: Task, day: Day, loop: Loop) -> None:
        self._day, self._loop, self._core = day, loop, loop.core
        state = loop.core.state
        self._events = np.ascontiguousarray(day.events)
        self._sets = np.zeros(len(task.strategies), SET)
        self._sets["due_ns"] = NEVER
        self.log = np.zeros(max(task.log_rows, 1), LOG)
        self._plan_row = np.zeros(1, PLAN)
        self.plan = self._plan_row[0]
        self.plan["events"], self.plan["sets"] = self._events.ctypes.data, self._sets.ctypes.data
        self.plan["log"], self.plan["log_rows"] = self.log.ctypes.data, task.log_rows
        self.plan["count"], self.plan["due_ns"] = len(self._sets), NEVER
        self.plan["spread"] = state.strategy[0]["spread"]
        self.plan["repair_ticks"] = task.repair_ticks
        spread = state.spread[self.plan["spread"]]
        for leg in range(int(spread["legs"])):
            self.plan["latency_ns"][leg] = task.latency_ns[state.instrument[spread["instrument"][leg]]["venue"]]

    def through(self) -> None:
        """All events, with what Python has to do before some of them."""
        turns, at, beat = iter(self._day.turns), 0, 0
        turn = next(turns, None)
        while True:
            due = self._next_beat(beat)
            due_at = int(self._day.beat_at[due]) if due < len(self._day.beats) else len(self._events)
            turn_at = turn.at if turn is not None else len(self._events)
            at = self._compiled(at, min(due_at, turn_at))
            if turn is not None and turn_at <= due_at:
                self._take(turn)
                beat = max(beat, bisect_left(self._day.beats, turn.now_ns))
                turn = next(turns, None)
            elif due < len(self._day.beats):
                self._beat(int(self._day.beats[due]))
                beat = due + 1
            else:
                break
        last_look(self._core.state.address, self._plan_row.ctypes.data)

    def _compiled(self, begin: int, end: int) -> int:
        if end > begin:
            self.plan["begin"], self.plan["end"] = begin, end
            sweep(self._core.state.address, self._plan_row.ctypes.data)
        return max(begin, end)

    def _next_beat(self, beat: int) -> int:
        """The first beat from `beat` on at which a session or a date may end: as `engine.watch` finds it live."""
        core, head = self._core, self._core.state.head
        bound_ns = (core.market_day + 1) * limits.NS_PER_DAY
        if core.next_session_ns != UNSET:
            bound_ns = min(bound_ns, core.next_session_ns)
        if not head["clock_speed_milli"]:
            return len(self._day.beats)  # no START yet
        ahead_ns = bound_ns - int(head["clock_base_ns"])
        when_ns = int(head["clock_start_ns"]) - (-ahead_ns * 1000 // int(head["clock_speed_milli"]))
        return max(beat, bisect_left(self._day.beats, when_ns))

    def _beat(self, now_ns: int) -> None:
        core = self._core
        core.now_ns = now_ns
        core.journal.reset()
        limits.refresh_date(core)
        watch.refresh_sessions(core)

    def _take(self, turn: Turn) -> None:
        self._core.journal.reset()
        if turn.start is not None:
            self._loop.on_start(turn.start, {}, turn.now_ns)
        else:
            self._loop.on_link(*turn.link, turn.now_ns, "recorded")

    def logged(self) -> np.ndarray:
        """The log's rows, as far as they were wanted."""
        return self.log[: min(int(self.plan["logged"]), len(self.log), int(self.plan["log_rows"]))]

    def results(self) -> list[dict]:
        found = []
        for row, strategy in zip(self._sets, self._core.state.strategy, strict=True):
            counts = {name: int(row[name]) for name in COUNTS if name != "open"} | {"open": int(strategy["open_deals"])}
            money = {name: int(row[name]) for name in MONEY if name != "fees_micros"}
            known = row["known"] != 0 or row["fills"] == 0
            fees = int(row["fees_reported_micros"])
            found.append(counts | money | {"fees_micros": fees, "pnl_micros": money["pnl_micros"] if known else None})
        return found


def warm() -> None:
    """Compile, or load from its cache, what a sweep calls."""
    from engine.state import State

    events, sets, plan = np.zeros(1, EVENT), np.zeros(1, SET), np.zeros(1, PLAN)
    plan["events"], plan["sets"] = events.ctypes.data, sets.ctypes.data
    rows = dict.fromkeys(
        ("market", "stake", "execution", "meter", "tier", "venue", "account", "pool", "currency", "instrument", "book",
         "position", "spread", "ring", "touch", "strategy", "order", "deal"), 1,
    )  # fmt: skip
    state = State(**rows)
    sweep(state.address, plan.ctypes.data)
    last_look(state.address, plan.ctypes.data)
