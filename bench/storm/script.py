"""What is done to one deal: treatments of its orders, and events around it. Plain data, drawn from a seed."""

import random
from collections.abc import Callable

import msgspec

from bench.storm.treatment import NOTHING, Treatment

# What events do. amount: of CUT, CRASH and their kind whether bytes in flight are lost; of GAP basis points against the
# deal; of LOCK 1 for the side that the deal would give back; of COMMAND its code; of CLOSE ms from the trigger.
CUT, JOIN, LOCK, QUOTE, GAP, CLOSE, SILENCE, CRASH = (
    "cut", "join", "lock", "quote", "gap", "close", "silence", "crash",
)  # fmt: skip
CRASH_AT_WRITE, COMMAND, POOR, NEW_DAY, BURST, FIX_GAP, OTHER, TOO_FAR = (
    "crash at write", "command", "poor", "new day", "burst", "fix gap", "other", "too far",
)  # fmt: skip


class Event(msgspec.Struct, frozen=True):
    """after_ms: of the trigger; negative: before it. leg: whose instrument or venue; -1: none."""

    after_ms: float
    what: str
    leg: int = -1
    amount: float = 0.0


class Script(msgspec.Struct, frozen=True):
    """name: of the fault class; rows: of the catalogue that it plays. legs: leg -> treatments of its orders, one after
    the other; rest: leg -> of all orders after those. may_halt: why a person may be all that is left, "" where not.
    trades: False where no decision may come of it."""

    name: str
    rows: tuple[str, ...]
    legs: dict[int, list[Treatment]] = {}
    rest: dict[int, Treatment] = {}
    events: list[Event] = []
    may_halt: str = ""
    trades: bool = True

    def treatment(self, leg: int, number: int) -> Treatment:
        """Of the leg's order `number`, from 0."""
        listed = self.legs.get(leg, [])
        return listed[number] if number < len(listed) else self.rest.get(leg, NOTHING)


class Act(msgspec.Struct, frozen=True):
    """One push of one spread under a script. dear: whether the spread is made dear, and so sold."""

    spread: int
    script: Script
    dear: bool


class Place(msgspec.Struct, frozen=True):
    """Where a script is to be played. fix: which legs are at a FIX venue (busts and gaps can be said there only)."""

    legs: int
    lots: tuple[int, ...]
    fix: tuple[bool, ...]
    guard_ms: float  # the longest close guard of its contracts
    shared: bool  # whether another spread has its second leg too
    python: bool  # whether its strategy is a Python one
    others: bool  # whether somebody else may trade the account, and then no trading day may turn


NO_FILL = Treatment(at_most_lots=0)
_REJECT = Treatment(reject="refused by the script")
Maker = Callable[[random.Random, Place], Script]


def clean(rng: random.Random, place: Place) -> Script:
    return Script("clean", ())


def fill_at_cancel(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    lots = rng.randint(1, place.lots[leg])
    stuck = Treatment(stuck=True, at_most_lots=rng.randrange(0, lots), fill_at_cancel_lots=lots)
    return Script("fill at cancel", ("F1",), {leg: [stuck]})


def terminal_first(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    some = rng.randint(1, place.lots[leg])
    made = Treatment(terminal_before_trade=True, gap_ms=rng.choice((8.0, 30.0, 200.0)), at_most_lots=some)
    return Script("terminal before trades", ("F2",), {leg: [made]})


def late_fill(rng: random.Random, place: Place) -> Script:
    legs = {leg: [NO_FILL] for leg in range(place.legs)} if rng.random() < 0.5 else {}
    late = Treatment(late_fill_ms=rng.choice((20.0, 150.0, 900.0, 4000.0)))
    return Script("late fill", ("F3",), legs | {rng.randrange(place.legs): [late]})


def out_of_order(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    made = rng.choice((
        Treatment(trade_before_ack=True, gap_ms=20.0), Treatment(trade_before_ack=True),
        Treatment(reject_then_ack=True), Treatment(reject_then_ack=True, delay_ms=40.0),
        Treatment(reject_late=True, reject="accepted, then refused"),
    ))  # fmt: skip
    return Script("out of order", ("F4",), {leg: [made]})


def duplicate(rng: random.Random, place: Place) -> Script:
    twice = {leg: [Treatment(duplicate=True, at_most_lots=rng.randint(0, lots))] for leg, lots in enumerate(place.lots)}
    leg = rng.randrange(place.legs)
    again = [Event(15, CUT, leg), Event(60, JOIN, leg)] if rng.random() < 0.5 else []
    return Script("duplicates", ("F5",), twice, events=again)


def shared_trade_id(rng: random.Random, place: Place) -> Script:
    return Script("shared trade id", ("F6",), {leg: [Treatment(shared_trade_id=True)] for leg in range(place.legs)})


def part_filled(rng: random.Random, place: Place) -> Script:
    legs = {leg: [Treatment(at_most_lots=rng.randint(0, lots))] for leg, lots in enumerate(place.lots)}
    return Script("part fills", ("F7", "F16"), legs)


def rejected(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    return Script("leg rejected", ("F8",), {leg: [_REJECT] * rng.randint(1, 3)})


def rejected_for_ever(rng: random.Random, place: Place) -> Script:
    """One leg takes nothing any more; in the hardest case the others neither give back what they filled."""
    leg = rng.randrange(place.legs)
    hard = rng.random() < 0.2
    others = {other: _REJECT for other in range(place.legs) if other != leg} if hard else {}
    first = {other: [NOTHING] for other in others}
    why = "no leg takes an order any more" if hard else ""
    return Script("rejected for ever", ("F9",), first, {leg: _REJECT} | others, may_halt=why)


def locked(rng: random.Random, place: Place) -> Script:
    """The leg locks before its order trades; with the hardest, the filled one locks the other way too."""
    leg = rng.randrange(place.legs)
    events = [Event(1.5, LOCK, leg), Event(rng.choice((300, 1200, 5000)), QUOTE, leg)]
    hard = rng.random() < 0.15
    if hard:
        events = [Event(1.5, LOCK, leg), Event(6, LOCK, (leg + 1) % place.legs, 1.0), Event(12_000, QUOTE, leg)]
    return Script("limit lock", ("F10",), {leg: [NO_FILL]}, events=events, may_halt="both legs are locked" * hard)


def closing(rng: random.Random, place: Place) -> Script:
    """The leg's market closes with an order unfilled: that of the closing leg, or that of another one."""
    leg = rng.randrange(place.legs)
    after = place.guard_ms + rng.choice((4.0, 20.0, 300.0))
    unfilled = {rng.randrange(place.legs): [NO_FILL] * 8}
    events = [Event(-1, CLOSE, leg, after), Event(after + 5000, QUOTE, leg)]
    return Script("market closes", ("F11",), unfilled, events=events, may_halt="a market closed with the deal open")


def disconnected(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    lose = float(rng.random() < 0.5)
    back = rng.choice((80, 500, 2500))
    events = [Event(rng.choice((1.5, 3.5, 5.5, 9)), CUT, leg, lose), Event(back, JOIN, leg)]
    part = {rng.randrange(place.legs): [Treatment(at_most_lots=rng.randint(0, 1))]} if rng.random() < 0.6 else {}
    return Script("disconnect in flight", ("F12",), part, events=events)


def unknown(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    kind = rng.randrange(4)
    if kind == 3 and place.fix[leg]:
        return Script("outcome unknown", ("F13",), events=[Event(2, FIX_GAP, leg)])
    made = (Treatment(lose_order=True), Treatment(drop_reports=True), Treatment(drop_ack=True, stuck=True))[kind % 3]
    untold = "the venue never tells of its trades" if made.drop_reports and place.fix[leg] else ""
    return Script("outcome unknown", ("F13",), {leg: [made]}, may_halt=untold)


def unknown_for_long(rng: random.Random, place: Place) -> Script:
    """Reports and answers stay away for longer than anybody waits."""
    leg = rng.randrange(place.legs)
    events = [Event(2, SILENCE, leg, 1.0), Event(25_000, SILENCE, leg, 0.0)]
    return Script("unknown for long", ("F13", "F17"), {}, events=events, may_halt="the venue is silent")


def crash(rng: random.Random, place: Place) -> Script:
    lose = float(rng.random() < 0.5)
    if rng.random() < 0.6:
        # Even: before the bytes of the n-th write, odd: after them.
        event = Event(-1, CRASH_AT_WRITE, -1, rng.randrange(2 * place.legs + 4))
    else:
        event = Event(rng.choice((1.5, 4.0, 6.0, 11.0, 40.0, 300.0)), CRASH, -1, lose)
    legs = {rng.randrange(place.legs): [rng.choice((NO_FILL, NOTHING, _REJECT, Treatment(at_most_lots=1)))]}
    return Script("crash and restart", ("F14",), legs, events=[event])


def burst(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    events = [Event(8 + 6 * count, BURST) for count in range(6)]
    return Script("entries while repairing", ("F15",), {leg: [NO_FILL, NO_FILL]}, events=events)


def stale(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    events = [Event(-6000, SILENCE, leg, 1.0), Event(1500, SILENCE, leg, 0.0)]
    return Script("stale leg", ("F17",), events=events, trades=False)


def yesterday(rng: random.Random, place: Place) -> Script:
    part = {rng.randrange(place.legs): [Treatment(at_most_lots=1)]} if rng.random() < 0.5 else {}
    return Script("yesterday's lots", ("F18",), part, events=[Event(-400, NEW_DAY)])


def own_quote(rng: random.Random, place: Place) -> Script:
    """This deal waits at its lean price while another one gives the same contract back: see `day`."""
    return Script("own quote in the way", ("F19",), {1: [NO_FILL]}, events=[Event(0, OTHER, 1), Event(3, GAP, 1, 1.0)])


def amended(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    lots = max(place.lots[leg] - rng.randint(1, 2), 1)
    return Script("amended quantity", ("F20",), {leg: [Treatment(amend_lots=lots)]})


def busted(rng: random.Random, place: Place) -> Script:
    leg = next(leg for leg in range(place.legs) if place.fix[leg])
    after = rng.choice((5.0, 60.0, 700.0))
    lots = place.lots[leg]
    made = Treatment(bust_after_ms=after) if rng.random() < 0.6 or lots == 1 else Treatment(
        correct_after_ms=after, correct_lots=-1)  # fmt: skip
    return Script("bust or correction", ("F21",), {leg: [made]})


def gap(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    bps = rng.choice((-90.0, -25.0, 25.0, 90.0))
    events = [Event(2, GAP, leg, bps)] + [Event(200 * count, GAP, leg, bps / 4) for count in range(1, 4)]
    return Script("gap", ("F22",), {leg: [NO_FILL] * rng.randint(1, 3)}, events=events)


def rule_blocks(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    events = [Event(1.5, COMMAND, -1, rng.choice((2.0, 3.0))), Event(1.5, POOR, leg), Event(3000, COMMAND, -1, 4.0)]
    return Script("a rule blocks", ("F23",), {leg: [NO_FILL] * rng.randint(1, 3)}, events=events)


def foreign(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    lots = rng.choice((-2, -1, 1, 2))
    return Script("foreign order", ("F24",), {leg: [Treatment(foreign_lots=lots)]})


def stopped(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    return Script("stop while unbalanced", ("F25",), {leg: [NO_FILL] * rng.randint(1, 2)},
                  events=[Event(rng.choice((2, 7)), COMMAND, -1, 1.0)])  # fmt: skip


def killed(rng: random.Random, place: Place) -> Script:
    """A kill, while the first pair is out or its repair is, and now and then a crash after it; repairs go on, and all
    is resumed."""
    leg = rng.randrange(place.legs)
    made = [NO_FILL] * rng.randint(0, 2)
    events = [Event(rng.choice((1.5, 7, 400)), COMMAND, -1, 7.0), Event(3000, COMMAND, -1, 4.0)]
    if rng.random() < 0.3:
        events.insert(1, Event(events[0].after_ms + rng.choice((1, 30)), CRASH, -1, float(rng.random() < 0.5)))
    return Script("kill", ("F23",), {leg: made}, events=events)


def ladder(rng: random.Random, place: Place) -> Script:
    """Nothing fills at the first rungs: the repair climbs."""
    leg = rng.randrange(place.legs)
    return Script("climbs the ladder", ("F9", "F22"), {leg: [NO_FILL] * rng.randint(3, 11)})


def stands_in(rng: random.Random, place: Place) -> Script:
    """The leg is refused until its circuit breaks: a proxy, where the policy has one, or back out."""
    return Script("leg out of reach", ("F8", "F9"), rest={rng.randrange(place.legs): _REJECT})


def refuses_cancels(rng: random.Random, place: Place) -> Script:
    leg = rng.randrange(place.legs)
    made = Treatment(stuck=True, refuse_cancels=rng.randint(1, 2), at_most_lots=rng.randint(0, 1))
    return Script("cancels refused", ("F1", "F13"), {leg: [made]})


def dead_end(rng: random.Random, place: Place) -> Script:
    """Every order after the first pair is unfilled: nothing is left but a person."""
    leg = rng.randrange(place.legs)
    first = {other: [NOTHING] for other in range(place.legs) if other != leg}
    return Script("dead end", ("F9", "F22"), first, dict.fromkeys(range(place.legs), NO_FILL),
                  may_halt="nothing trades any more")  # fmt: skip


def raises(rng: random.Random, place: Place) -> Script:
    """The strategy raises while its deal is out of balance."""
    leg = rng.randrange(place.legs)
    return Script("a strategy raises", ("F26",), {leg: [NO_FILL] * rng.randint(1, 2)}, events=[Event(2, TOO_FAR)])


def cancels_run_out(rng: random.Random, place: Place) -> Script:
    """No order of one leg trades or ends by itself, and each is cancelled in vain some times: all of it counts."""
    leg = rng.randrange(place.legs)
    first = {other: [NOTHING] for other in range(place.legs) if other != leg}
    made = Treatment(stuck=True, refuse_cancels=rng.randint(1, 4), at_most_lots=0)
    return Script("cancels run out", ("F1", "F9"), first, dict.fromkeys(range(place.legs), NO_FILL) | {leg: made},
                  may_halt="no cancel is left")  # fmt: skip


# How often each is drawn. Rows that are rare in it still come a thousand times in a campaign of 100,000 deals.
DECK: dict[Maker, int] = {
    clean: 14, fill_at_cancel: 4, terminal_first: 4, late_fill: 4, out_of_order: 4, duplicate: 4, shared_trade_id: 3,
    part_filled: 6, rejected: 4, rejected_for_ever: 3, locked: 3, closing: 2, disconnected: 4, unknown: 4,
    unknown_for_long: 1, crash: 3, burst: 3, stale: 2, yesterday: 5, own_quote: 3, amended: 4, busted: 4, gap: 4,
    rule_blocks: 3, foreign: 5, stopped: 2, ladder: 5, stands_in: 6, refuses_cancels: 2, dead_end: 5,
    raises: 12, killed: 3, cancels_run_out: 0,
}  # fmt: skip
# On days with small quotas what uses up cancels is drawn so often instead.
THIRSTY = {ladder: 20, dead_end: 20, refuses_cancels: 12, fill_at_cancel: 12, locked: 10, cancels_run_out: 40}


def draw(rng: random.Random, place: Place, thirsty: bool = False) -> Script:
    """A script for a deal at this place."""
    barred = {busted: not any(place.fix), own_quote: not place.shared, foreign: not place.others,
              yesterday: place.others, raises: not place.python}  # fmt: skip
    makers = [maker for maker in DECK if not barred.get(maker)]
    deck = DECK | THIRSTY if thirsty else DECK
    maker = rng.choices(makers, [deck[maker] for maker in makers])[0]
    return maker(rng, place)
