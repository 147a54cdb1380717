"""The judge: what must hold of a journal, the engine's last words and the venues' own account after kills."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.crash.account import Notes
from desk.assembly import assemble
from desk.replay import no_clock
from engine import records
from engine.ids import client_id
from engine.journal import MemoryJournal
from engine.replay import SCRATCH_BYTES, SilentGateway, Verdict, feed_all
from engine.segments import Record, read
from engine.verify import verify

FLAT, NOT_FLAT = 0, 3


class Evidence(NamedTuple):
    """All that the judge looks at.

    problems: of the journal's seals. positions: lots long and short by instrument, as the journal's replay has them;
    asked: as the venues tell them. symbols: by instrument, as the venues note them.
    """

    past: list[Record]
    problems: list[str]
    verdict: Verdict
    positions: dict[int, tuple[int, int]]
    exit_code: int
    last_line: str
    asked: dict[int, tuple[int, int]]
    notes: list[Notes]
    symbols: dict[int, str]


def seen_in(folder: Path) -> tuple[list[Record], list[str]]:
    """The records of a journal, and the problems of its seals."""
    return list(read(folder)), verify(folder).problems


def replayed(past: list[Record]) -> tuple[Verdict, dict[int, tuple[int, int]]]:
    """The replay of a journal's records, and the positions that it ends with."""
    config = next(record.data for record in past if record.kind == records.CONFIG)
    memory = MemoryJournal(SCRATCH_BYTES)
    loop = assemble(config, memory, [SilentGateway() for _ in config["names"]["venues"]], no_clock)
    verdict = feed_all(loop, memory, past)
    sides = ("long", "short")
    return verdict, {
        index: tuple(int(row[f"{side}_today"] + row[f"{side}_yesterday"]) for side in sides)
        for index, row in enumerate(loop.core.state.position)
    }


def breaches(found: Evidence) -> list[str]:
    """One sentence for each thing that does not hold; empty where all does."""
    return [*_journal(found), *_sent_once(found), *_orders(found), *_deals(found), *_accounts(found), *_ending(found)]


def gaps(past: Iterable[Record], problems: list[str]) -> list[str]:
    """What is wrong with a journal as such: seals and sequence."""
    said = [f"journal: {problem}" for problem in problems]
    for expected, record in enumerate(past, 1):
        if record.seq != expected:
            return [*said, f"journal: record {record.seq} stands where {expected} was expected"]
    return said


def _journal(found: Evidence) -> list[str]:
    said = gaps(found.past, found.problems)
    if not found.verdict.identical:
        part = found.verdict.difference
        said.append(f"replay differs at record {part.seq}: expected {part.expected}, found {part.found}")
    return said


def _sent_once(found: Evidence) -> list[str]:
    """Every number that ever went to a venue went once, and was in the journal."""
    numbers = Counter(int(record.data["order_no"]) for record in of(found.past, records.ORDER))
    requests = Counter(
        int(record.data["request_no"]) for kind in (records.CANCEL, records.QUERY) for record in of(found.past, kind)
    )
    said = [
        f"order {client_id(number)} stands {count} times in the journal"
        for number, count in numbers.items()
        if count > 1
    ]
    used = Counter(numbers.keys()) + requests
    said += [f"number {client_id(number)} was used {count} times" for number, count in used.items() if count > 1]
    decided = Counter(int(record.data["decision_id"]) for record in of(found.past, records.DECISION))
    said += [f"decision {number} stands {count} times in the journal" for number, count in decided.items() if count > 1]
    arrived = Counter(name for notes in found.notes for name in notes.arrived)
    said += [f"order {name} arrived {count} times at its venue" for name, count in arrived.items() if count > 1]
    ours = {client_id(number) for number in numbers}
    said += [f"order {name} arrived at a venue and is not in the journal" for name in arrived if name not in ours]
    return said


def _orders(found: Evidence) -> list[str]:
    """Every order is settled with the venue's own quantity, or named in the engine's last line."""
    last: dict[int, np.void] = {}
    for record in of(found.past, records.ORDER_STATE):
        last[int(record.data["order_no"])] = record.data
    at_venue = {name: lots for notes in found.notes for name, lots in notes.lots.items()}
    booked = Counter()
    for record in of(found.past, records.FILL):
        taken = -1 if record.data["flags"] & records.FILL_BUST else 1
        booked[int(record.data["order_no"])] += taken * int(record.data["lots"])
    said = []
    for record in of(found.past, records.ORDER):
        number = int(record.data["order_no"])
        name = client_id(number)
        if name in found.last_line:
            continue
        state = last.get(number)
        traded = abs(at_venue.get(name, 0))
        if state is None or not state["settled"]:
            said.append(f"order {name} is forgotten: it never settled, and the last line does not name it")
        elif int(state["cum_lots"]) != traded or booked[number] != traded:
            said.append(
                f"order {name}: the venue traded {traded} lots, the journal's state says {int(state['cum_lots'])}, "
                f"its fills {booked[number]}"
            )
    return said


def _deals(found: Evidence) -> list[str]:
    """Every deal has ended with the venues' own quantities and not beyond its target, or the last line names it."""
    last: dict[int, np.void | None] = {}
    for record in of(found.past, records.VERDICT):
        if record.data["cleared"]:
            last.setdefault(int(record.data["deal_id"]), None)
    for record in of(found.past, records.DEAL):
        last[int(record.data["deal_id"])] = record.data
    traded = _traded_of_deals(found)
    said = []
    for deal_id, state in last.items():
        if f"deal {deal_id} on" in found.last_line:
            continue
        if state is None or state["state"] != records.CLOSED or state["outcome"] == records.HALTED:
            what = "never told" if state is None else records.OUTCOMES[state["outcome"]]
            said.append(f"deal {deal_id} is forgotten: it is {what}, and the last line does not name it")
            continue
        for leg, (booked, target) in enumerate(zip(state["booked_lots"], state["target_lots"], strict=True)):
            at_venue = traded[deal_id, leg]
            if booked != at_venue:
                said.append(f"deal {deal_id} leg {leg}: the venue traded {at_venue} lots, the deal says {booked}")
            if not min(target, 0) <= at_venue <= max(target, 0):
                said.append(f"deal {deal_id} leg {leg}: {at_venue} lots traded of a target of {target}")
    return said


def _traded_of_deals(found: Evidence) -> Counter:
    """Lots that the venues traded, by deal and leg."""
    at_venue = {name: lots for notes in found.notes for name, lots in notes.lots.items()}
    traded = Counter()
    for record in of(found.past, records.ORDER):
        key = int(record.data["deal_id"]), int(record.data["leg"])
        traded[key] += at_venue.get(client_id(int(record.data["order_no"])), 0)
    return traded


def _accounts(found: Evidence) -> list[str]:
    """The venues' positions, as asked for and as the sum of their trades, and the journal's."""
    traded = Counter()
    for notes in found.notes:
        traded.update(notes.by_symbol)
    said = []
    for instrument, (long_lots, short_lots) in found.asked.items():
        symbol = found.symbols[instrument]
        if long_lots - short_lots != traded[symbol]:
            said.append(
                f"{symbol}: the venue tells {long_lots - short_lots} lots, its own trades sum to {traded[symbol]}"
            )
        ours = found.positions[instrument]
        if ours != (long_lots, short_lots) and not _is_named(found, instrument):
            said.append(f"{symbol}: the venue holds {long_lots, short_lots} (long, short), the journal {ours}")
    said += [
        f"record {record.seq}: {record.data['what']}"
        for record in of(found.past, records.ALERT)
        if record.data["code"] == "position_drift"
    ]
    untold = [symbol for symbol in traded if symbol not in {found.symbols[at] for at in found.asked}]
    return said + [f"{symbol}: the venue traded it and tells no position" for symbol in untold]


def _is_named(found: Evidence, instrument: int) -> bool:
    """Whether the last line says that an order on it is not certain yet: then nobody can know the position."""
    return any(
        client_id(int(record.data["order_no"])) in found.last_line
        for record in of(found.past, records.ORDER)
        if record.data["instrument"] == instrument
    )


def _ending(found: Evidence) -> list[str]:
    says = {FLAT: "flat", NOT_FLAT: "NOT FLAT"}.get(found.exit_code)
    if says is None or not found.last_line.startswith(says) or "ended by an error" in found.last_line:
        return [f"the engine ended with exit code {found.exit_code} and said: {found.last_line}"]
    return []


def of(past: Iterable[Record], kind: int) -> Iterable[Record]:
    return (record for record in past if record.kind == kind)
