"""The campaign: stages of kills, each ended in order and judged, until every point has had its turn."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import msgspec

from bench.crash.account import ask_positions, notes_of
from bench.crash.judge import FLAT, NOT_FLAT, Evidence, breaches, gaps, of, replayed, seen_in
from bench.crash.points import DEAL, MOMENT, READY, START, STOP, Point, mixed, moments, points_of
from bench.crash.stage import NS_PER_S, Stage, until
from desk.compile import warm
from engine import records
from engine.clock import now_ns
from engine.segments import Reader, Record

KILLS_A_STAGE = 10
MODES = ("mixed", "all", "random")
_REHEARSAL_S = 12.0
_REACH_S, _READY_S, _STOP_S = 8.0, 15.0, 40.0
_LINKS = 4
_TORN, _MID_DEAL = re.compile(r"recovered .*\buntold=[1-9]"), re.compile(r"recovered .*\bopen_deals=[1-9]")


class Kill(msgspec.Struct, kw_only=True):
    """One kill: where, whether the engine came to that point, how long from its start, what was wrong then."""

    point: str
    group: str
    reached: bool
    seconds: float
    breaches: list[str] = []


class Round(msgspec.Struct, kw_only=True):
    """One stage: its kills, how it ended, what the judge said.

    torn: starts that found a turn cut short, and wrote the rest of it; mid_deal: starts that found a deal open.
    """

    folder: str
    kills: list[Kill] = []
    last_line: str = ""
    deals: int = 0
    orders: int = 0
    torn: int = 0
    mid_deal: int = 0
    seconds: float = 0.0
    breaches: list[str] = []


class Result(msgspec.Struct, kw_only=True):
    """The whole campaign."""

    seed: int
    points: int
    rounds: list[Round] = []
    seconds: float = 0.0

    @property
    def kills(self) -> list[Kill]:
        return [kill for stage in self.rounds for kill in stage.kills]

    @property
    def breaches(self) -> list[str]:
        return [
            f"{stage.folder}: {what}"
            for stage in self.rounds
            for what in [*(f"{kill.point}: {said}" for kill in stage.kills for said in kill.breaches), *stage.breaches]
        ]


def campaign(kills: int, seed: int, folder: Path, mode: str = "all", tell=None) -> Result:
    """Kill an engine `kills` times and judge. mode: "mixed", kills drawn from all sorts; "random", moments alone;
    "all", moments and then every point of a deal once. The folder must be new; a stage without a breach is removed
    from it at once. tell: is given a line of progress at a time.
    """
    tell = tell or (lambda line: None)
    warm()  # else the first engine would spend its time compiling
    began_ns, draw = now_ns(), random.Random(seed)
    result = Result(seed=seed, points=0)
    known: list[Point] = []
    if mode != "random":
        rehearsal, known = _rehearse(folder / "rehearsal", seed)
        result.rounds.append(rehearsal)
        tell(f"rehearsal: {rehearsal.deals} deals, {len(known)} points, {len(rehearsal.breaches)} breaches")
    waiting = mixed(known, kills, draw) if mode == "mixed" else moments(kills, draw)
    waiting += draw.sample(known, len(known)) if mode == "all" else []
    result.points, again = len(waiting), set()
    while waiting:
        number = len(result.rounds)
        stage = _round(folder / f"{number:04d}", draw.randrange(1 << 31), waiting, again)
        result.rounds.append(stage)
        bad = len(stage.breaches) + sum(len(kill.breaches) for kill in stage.kills)
        tell(f"{len(result.kills)} kills, {len(waiting)} to go: {stage.orders} orders, {stage.deals} deals, "
             f"{stage.seconds / max(len(stage.kills), 1):.1f} s a kill, {bad} breaches: {stage.last_line}")  # fmt: skip
    result.seconds = (now_ns() - began_ns) / NS_PER_S
    return result


def _rehearse(folder: Path, seed: int) -> tuple[Round, list[Point]]:
    """A stage without a kill, judged like any other; the points that its deals come to."""
    began_ns, stage_round = now_ns(), Round(folder=str(folder))
    with Stage(folder, seed) as stage:
        engine = stage.engine()
        until(lambda: engine.poll() is not None, _REHEARSAL_S)
        known = points_of(_judge(stage, engine, stage_round))
    if not known:
        stage_round.breaches.append("the harness: no deal came to an end, so no point of a deal is known")
    stage_round.seconds = (now_ns() - began_ns) / NS_PER_S
    return stage_round, known


def _round(folder: Path, seed: int, waiting: list[Point], again: set[Point]) -> Round:
    """Kills from the end of `waiting`, one start after the other; then an orderly end, and the judge.

    A point that was not reached is put back once: the deal may have been of another kind, or a halted one ended all.
    """
    began_ns, stage_round = now_ns(), Round(folder=str(folder))
    try:
        with Stage(folder, seed) as stage:
            missed = []
            while waiting and len(stage_round.kills) < KILLS_A_STAGE:
                point = waiting.pop()
                kill = _kill(stage, point)
                stage_round.kills.append(kill)
                if not kill.reached and point not in again:
                    again.add(point)
                    missed.append(point)
                if kill.breaches or not kill.reached:
                    break
            waiting[:0] = missed
            epoch = _Epoch(stage.journal)
            engine = stage.engine()
            until(lambda: epoch.seen(READY) or engine.poll() is not None, _READY_S)
            _judge(stage, engine, stage_round)
    except Exception:
        stage_round.breaches.append(f"the harness: {traceback.format_exc()}")
    stage_round.seconds = (now_ns() - began_ns) / NS_PER_S
    if not stage_round.breaches and not any(kill.breaches for kill in stage_round.kills):
        shutil.rmtree(folder)
    return stage_round


def _kill(stage: Stage, point: Point) -> Kill:
    """One start of the engine and its death; its journal must read clean then."""
    began_ns = now_ns()
    epoch = _Epoch(stage.journal)
    engine = stage.engine(point if point.what != MOMENT else None)
    if point.what == MOMENT:
        waited_for = DEAL if point.where == STOP else point.where
        until(lambda: epoch.seen(waited_for) or engine.poll() is not None, _REACH_S)
        if point.where == STOP:
            engine.send_signal(signal.SIGTERM)
        until(lambda: engine.poll() is not None, point.after_s)
        reached = engine.poll() is None and epoch.seen(waited_for)
    else:
        until(lambda: engine.poll() is not None, _REACH_S)
        reached = engine.poll() == -signal.SIGKILL
    ended = engine.poll()
    if ended is None:
        os.kill(engine.pid, signal.SIGKILL)
        engine.wait()
    kill = Kill(point=point.text, group=point.group, reached=reached, seconds=(now_ns() - began_ns) / NS_PER_S)
    if ended not in (None, -signal.SIGKILL) and not (point.where == STOP and ended in (FLAT, NOT_FLAT)):
        kill.breaches.append(f"the engine ended by itself, exit code {ended}: {_last_line(stage)}")
    if (stage.journal / "live").exists():
        kill.breaches += gaps(*seen_in(stage.journal))
    return kill


class _Epoch:
    """What the start of an engine that is made next comes to, by its journal."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._before = 0
        if (journal / "epoch").exists():
            self._before = int((journal / "epoch").read_text() or 0)
        self._reader: Reader | None = None
        self._began = False
        self._links = self._orders = 0

    def seen(self, where: str) -> bool:
        if where == START:
            return True
        self._look()
        return self._links >= _LINKS if where == READY else self._orders > 0

    def _look(self) -> None:
        if self._reader is None:
            if not (self._journal / "live").exists():
                return
            self._reader = Reader(self._journal)
        for record in self._reader.records():
            if record.kind == records.START:
                self._began = int(record.data["epoch"]) > self._before
            elif self._began and record.kind == records.ALERT:
                self._links += record.data["code"] == "link_ready"
            elif self._began and record.kind == records.ORDER:
                self._orders += 1


def evidence_of(stage: Stage, engine: subprocess.Popen) -> Evidence:
    """Stop the engine in order, ask the venues, and gather what the judge looks at."""
    engine.send_signal(signal.SIGTERM)
    exit_code = engine.wait(_STOP_S)
    past, problems = seen_in(stage.journal)
    verdict, positions = replayed(past)
    return Evidence(
        past=past, problems=problems, verdict=verdict, positions=positions, exit_code=exit_code,
        last_line=_last_line(stage), asked=ask_positions(stage.config, stage.journal),
        notes=[notes_of(stage.notes(venue)) for venue in stage.venues], symbols=_symbols(stage),
    )  # fmt: skip


def _judge(stage: Stage, engine: subprocess.Popen, stage_round: Round) -> list[Record]:
    """The end of a stage; the journal's records."""
    found = evidence_of(stage, engine)
    stage_round.last_line = found.last_line
    stage_round.orders = sum(1 for _ in of(found.past, records.ORDER))
    stage_round.deals = len({int(record.data["deal_id"]) for record in of(found.past, records.DEAL)})
    said = stage.log("engine")
    stage_round.torn, stage_round.mid_deal = (len(pattern.findall(said)) for pattern in (_TORN, _MID_DEAL))
    stage_round.breaches += breaches(found)
    return found.past


def _symbols(stage: Stage) -> dict[int, str]:
    """What the venues call the instruments."""
    protocols = {venue.id: venue.protocol for venue in stage.config.venues}
    return {
        index: f"{spec.exchange}.{spec.symbol}" if protocols[spec.venue] == "diff" and spec.exchange else spec.symbol
        for index, spec in enumerate(stage.config.instruments)
    }


def _last_line(stage: Stage) -> str:
    lines = stage.log("engine").rstrip().splitlines()
    return lines[-1] if lines else ""


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
