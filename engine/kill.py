"""The kill: nothing new is decided, all that may be alive is cancelled at once, and each venue's answers are timed.

Each kill is a drill of its own. A venue's part in it ends when every order that it was asked to cancel is over and
certain, or ten seconds after the word; then its KILL record is written. Orders that are not ours are never touched.
"""

from dataclasses import dataclass, field

from engine import legs, records, settle, switches
from engine.core import Core
from engine.ids import client_id
from engine.orders import TERMINAL
from engine.ports import DOWN, TRADING
from engine.schema import CANCEL_SENT, CREATED, FILLED, FREQUENT, HALTED, ORDER_STATES, UNSET

LONGEST_NS = 10_000_000_000


@dataclass(slots=True)
class Part:
    """A venue's part in a drill. asked: its orders that might have been alive. last_ns: from the word to the last of
    them that was over. pending: those that are not yet; left: what a person is told of them once the record is written.
    """

    venue: int
    asked: int = 0
    cancelled: int = 0
    filled: int = 0
    over: int = 0  # cancels beyond the quota of their contract
    last_ns: int = 0
    pending: list[int] = field(default_factory=list)
    left: list[dict] | None = None


@dataclass(slots=True)
class Drill:
    """One kill, began_ns in engine time."""

    began_ns: int
    parts: list[Part]

    @property
    def done(self) -> bool:
        return all(part.left is not None for part in self.parts)


def begin(core: Core, choice: int, who: str, why: str) -> None:
    """Halt everything and cancel everything, in one turn: nothing is asked first, no quota or rate holds it back.

    choice 1: repairs stop too; each deal that is out of balance is handed to a person.
    """
    switches.put(core, records.SCOPE_ALL, -1, switches.Setting(HALTED, who, why))
    core.hands_off = core.hands_off or choice == 1
    rows = [row for number in core.live_orders if (row := core.state.order_row(number)) is not None]
    drill = Drill(core.now_ns, [Part(venue) for venue in range(len(core.state.venue))])
    core.drills.append(drill)
    alive = [row for row in rows if row["state"] != CREATED and not _is_over(row)]
    for row in alive:
        part = drill.parts[_venue(core, row)]
        part.asked += 1
        part.pending.append(int(row["order_no"]))
    asked = _cancel(core, alive)
    unsent = [row for row in rows if row["state"] == CREATED]
    for row in unsent:
        legs.drop(core, row)
    _count_over(core, drill, asked)
    for deal_id in list(core.open_deals) if choice == 1 else dict.fromkeys(int(row["deal_id"]) for row in unsent):
        deal = core.state.deal_row(deal_id)
        if deal is not None and deal_id in core.open_deals:
            settle.review(core, deal)
    look(core)


def _cancel(core: Core, rows: list) -> list:
    """Ask for every cancel, those that were never asked for first; where nobody knows, for the order's state too. What
    is found alive later is cancelled then: its time is over. The orders that were asked for."""
    first, again = [], []
    for row in rows:
        row["deadline_ns"] = min(int(row["deadline_ns"]), core.now_ns)
        if core.state.venue[_venue(core, row)]["link"][TRADING] == DOWN:
            continue
        if not row["cancel_ns"]:
            first.append(row)
        elif row["in_doubt"] or row["state"] != CANCEL_SENT or _waited(core, row):
            again.append(row)
    for row in first:
        legs.cancel(core, row)
    for row in first:
        if row["in_doubt"]:
            legs.query(core, row)
    for row in again:
        legs.query(core, row)
        legs.cancel(core, row)
    return first + again


def _waited(core: Core, row) -> bool:
    return core.now_ns - int(row["cancel_ns"]) > core.timing.ack_timeout_ns


def _count_over(core: Core, drill: Drill, asked: list) -> None:
    """How many of these cancels are beyond what their contract may have in a day (频繁报撤单): counted and told."""
    beyond: dict[int, int] = {}
    told: dict[str, int] = {}
    for row in asked:
        contract = int(core.state.instrument[row["instrument"]]["contract"])
        if contract < 0:
            continue
        meter = core.state.meter[contract]
        if contract not in beyond and meter["limit"][FREQUENT] != UNSET:
            beyond[contract] = int(meter["used"][FREQUENT] + meter["held"][FREQUENT] - meter["limit"][FREQUENT])
        if beyond.get(contract, 0) > 0:
            beyond[contract] -= 1
            drill.parts[_venue(core, row)].over += 1
            name = core.instrument_name(row["instrument"])
            told[name] = told.get(name, 0) + 1
    if told:
        core.alert("error", "kill_over_quota", "the kill has cancelled more than the day's quota of frequent cancels",
                   "tell the exchange's liaison at your broker; the count is in the journal", **told)  # fmt: skip


def look(core: Core) -> None:
    """See what of the drills is over by now, after a report and on the timer; a part that has ended is told."""
    for drill in core.drills:
        for part in drill.parts:
            if part.left is not None:
                continue
            for number in list(part.pending):
                _take(core, drill, part, number)
            if not part.pending or core.now_ns - drill.began_ns >= LONGEST_NS:
                _tell(core, drill, part)


def _take(core: Core, drill: Drill, part: Part, number: int) -> None:
    row = core.state.order_row(number)
    if row is not None and not _is_over(row):
        return
    part.pending.remove(number)
    part.last_ns = core.now_ns - drill.began_ns
    if row is not None:  # else its row serves another order by now: how it ended is not known here
        part.filled += int(row["state"] == FILLED)
        part.cancelled += int(row["state"] != FILLED)


def _tell(core: Core, drill: Drill, part: Part) -> None:
    part.left = left_of(core, part)
    left, name = len(part.pending), core.names["venues"][part.venue]
    last_ns = 0 if left else part.last_ns
    core.emit(
        records.KILL, venue=part.venue, asked=part.asked, cancelled=part.cancelled, filled=part.filled, left=left,
        over=part.over, began_ns=drill.began_ns, last_ns=last_ns,
    )  # fmt: skip
    core.alert(
        "error" if left else "info", "killed",
        f"kill at {name}: {part.asked} orders asked to end, {part.cancelled} cancelled, {part.filled} filled, "
        f"{left} left" + (f"; {last_ns / 1e6:.1f} ms to the last answer" if last_ns else ""),
        "cancel what is left by hand at the venue, or repeat the kill" if left else "nothing",
        asked=part.asked, cancelled=part.cancelled, filled=part.filled, left=left, over=part.over, last_ns=last_ns,
    )  # fmt: skip


def left_of(core: Core, part: Part) -> list[dict]:
    """What of a venue could not be cancelled: order, contract, state and why, in words."""
    if part.left is not None:
        return part.left
    rows = (core.state.order_row(number) for number in part.pending)
    return [_told(core, row) for row in rows if row is not None]


def _told(core: Core, row) -> dict:
    if core.state.venue[_venue(core, row)]["link"][TRADING] == DOWN:
        why = "the venue's link is down"
    elif row["in_doubt"]:
        why = "the venue does not say what became of it"
    elif row["state"] == CANCEL_SENT:
        why = "no answer to its cancel yet"
    else:
        why = "its cancel was refused"
    state = ORDER_STATES[row["state"]] + (", in doubt" if row["in_doubt"] else "")
    return {
        "order": client_id(int(row["order_no"])), "contract": core.instrument_name(row["instrument"]), "state": state,
        "why": why,
    }  # fmt: skip


def _venue(core: Core, row) -> int:
    return int(core.state.instrument[row["instrument"]]["venue"])


def _is_over(row) -> bool:
    return row["state"] in TERMINAL and not row["in_doubt"]
