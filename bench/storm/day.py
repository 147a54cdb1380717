"""One day of a storm: deals, one after the other, each under its script, until all is quiet; then the day is judged.

A day is its own world: a fresh engine, fresh venues, a journal. So days can run side by side, a restart replays no more
than one, and a day can be played again alone. The same seed gives the same day, byte for byte.
"""

import hashlib
import random

import msgspec

from adapters.ports import NewOrder
from adapters.sim.exchange import Latency
from bench.storm import events
from bench.storm import script as play
from bench.storm.arm import TIMER_MS, Armed, terms_of
from bench.storm.clockwork import Clockwork
from bench.storm.ending import wrong_at_the_end
from bench.storm.market import Market
from bench.storm.process import Death, Process
from bench.storm.quotas import Shortage
from bench.storm.script import Act, Place, Script
from bench.storm.sessions import MARKET_NS
from bench.storm.treatment import NOTHING, Treatment
from bench.storm.venue import BALANCE_MICROS, StormVenue
from desk.build import Names, instruments_of
from engine import records
from engine.ids import order_no

MS = 1_000_000
BEGIN_NS = 1_800_000_000 * 1_000_000_000
LATENCY = Latency(entry_ns=2 * MS, report_ns=3 * MS, market_data_ns=MS)
BEAT_NS = TIMER_MS * MS
HEARD_NS = 1_000 * MS
SETTLE_NS = 90_000 * MS


class Played(msgspec.Struct):
    """One deal as it stood when all was quiet, before a person looked at it. halted: HALT_* reason, 0 where not."""

    deal_id: int
    script: str
    outcome: int
    halted: int
    naked_ns: int
    exposure_ubase: int
    orders: int
    cancels: int


class Breach(msgspec.Struct):
    """What must not have happened, when and to which deal."""

    what: str
    deal_id: int
    script: str


class Day:
    """One day. deals: how many are tried."""

    def __init__(self, armed: Armed, record: dict, seed: int, number: int) -> None:
        self.armed = armed
        self.rng = random.Random(seed * 1_000_003 + number)
        self.number = number
        self.clock = Clockwork(BEGIN_NS)
        names = Names(armed.config)
        self.instruments = instruments_of(names)
        self.spreads = [[names.instruments[leg.instrument] for leg in spec.legs] for spec in armed.config.spreads]
        self.calendar_of = [spec.calendar for spec in armed.config.instruments]
        self.sessions = record["sessions"]
        self.record = record
        self.venues = [self._venue(index, spec.protocol) for index, spec in enumerate(armed.config.venues)]
        self.market = Market(armed, self.instruments, self.venues)
        self.strand = self.clock.strand()
        self.process = Process(record, self.venues, self.clock.read_ns, MARKET_NS, self._wake)
        self.scripts: dict[int, Script] = {}
        self.counts: dict[tuple[int, int], int] = {}
        self.current, self.other = Script("clean", ()), None
        self.main_spread = -1
        self.calm = True
        self.acts: list[Act] = []
        self.played: list[Played] = []
        self.breaches: list[Breach] = []
        self.fired: dict[str, int] = {}
        self._beat_ns = self._heard_ns = BEGIN_NS
        self.shortage = Shortage(self, armed.small_quotas)

    # What happens to orders

    def _venue(self, index: int, protocol: str) -> StormVenue:
        terms = [terms_of(self.armed, one, protocol) for one in self.instruments if one.venue == index]
        config = self.armed.config
        mine = [spec.currency for spec in config.accounts if spec.venue == config.venues[index].id]
        currency = mine[0] if mine else config.engine.currency
        return StormVenue(index, protocol, terms, self.clock, LATENCY, self._treat, currency)

    def _treat(self, order: NewOrder) -> Treatment:
        row = self.process.state.order_row(order_no(order.client_id))
        if row is None:
            return NOTHING
        deal_id = int(row["deal_id"])
        self._label(deal_id, int(self.process.state.deal_row(deal_id)["spread"]))
        if self.calm:
            return NOTHING
        leg = int(row["leg"])
        number = self.counts.get((deal_id, leg), 0)
        self.counts[deal_id, leg] = number + 1
        script = self.scripts[deal_id]
        treatment = script.treatment(leg, number)
        if treatment is not NOTHING:
            self.count(script)
            if treatment.amend_lots >= order.lots:  # a slice of what the script meant: it is amended down, too
                treatment = msgspec.structs.replace(treatment, amend_lots=max(order.lots - 1, 1))
            if treatment.needs_bust and not self.venues[self.instruments[row["instrument"]].venue].has_bust:
                return NOTHING
        return treatment

    def _label(self, deal_id: int, spread: int) -> None:
        if deal_id in self.scripts:
            return
        if spread == self.main_spread:
            self.scripts[deal_id] = self.current
        elif self.other is not None and spread == self._partner(self.main_spread):
            self.scripts[deal_id] = self.other
        else:
            self.scripts[deal_id] = Script("bystander", (), may_halt=self.current.may_halt)

    def count(self, script: Script) -> None:
        for row in script.rows:
            self.fired[row] = self.fired.get(row, 0) + 1

    # Time

    def _wake(self, due_ns: int) -> None:
        self.strand.at(due_ns, self._timer)

    def _timer(self) -> None:
        self.process.loop.on_timer(self.clock.now_ns)

    def _pump(self, until_ns: int) -> None:
        while True:
            try:
                self.clock.pump(until_ns)
                return
            except Death:
                self.died(False, in_a_turn=True)

    def _do(self, what, *arguments) -> None:
        """Call into the engine from here; it may die of it."""
        try:
            what(*arguments)
        except Death:
            self.died(False, in_a_turn=True)

    def died(self, lose: bool, in_a_turn: bool) -> None:
        wrong = self.process.restart(lose, in_a_turn)
        if wrong:
            self._breach(f"7: {wrong}")

    def _beat(self) -> None:
        self._beat_ns = self.clock.now_ns
        if self.clock.now_ns - self._heard_ns >= HEARD_NS:
            self._heard_ns = self.clock.now_ns
            for venue in self.venues:
                venue.beat()
        self.market.keep_fresh(self.clock.now_ns)
        self._do(self._timer)

    def wait(self, span_ns: int) -> None:
        """Let so much time pass, beats and all."""
        end_ns = self.clock.now_ns + span_ns
        while (next_ns := self._beat_ns + BEAT_NS) <= end_ns:
            self._pump(next_ns)
            self._beat()
        self._pump(end_ns)

    def skip(self, until_ns: int) -> None:
        """Let time pass while nothing is open: one beat at its end."""
        self.settle()
        self._pump(until_ns)
        self._heard_ns = 0
        self._beat()

    def settle(self) -> bool:
        """Let time pass until nothing is open and nobody waits; False where that takes too long."""
        end_ns = self.clock.now_ns + SETTLE_NS
        while self.clock.now_ns < end_ns:
            next_beat_ns = self._beat_ns + BEAT_NS
            due_ns = self.clock.next_ns()
            if due_ns is not None and due_ns <= next_beat_ns:
                self._pump(due_ns)
            elif due_ns is None and self._is_over():
                return True
            else:
                self._pump(next_beat_ns)
                self._beat()
        return False

    def _is_over(self) -> bool:
        """Nothing is open, but for what waits for a person."""
        core = self.process.loop.core
        waits = (int(core.state.order_row(number)["deal_id"]) in core.halted for number in core.live_orders)
        return not core.open_deals and all(waits) and self.process.loop.is_quiet()

    # A deal

    def run(self, deals: int) -> None:
        """The day, to its end: so many deals, or what four tries a deal give. acts: what was drawn for it."""
        self._begin()
        for _ in range(4 * deals):
            if len(self.played) >= deals:
                break
            self.deal()
        self._end()

    def play_list(self, acts: list[Act]) -> None:
        """A day of nothing but these: what `shrink` leaves of one, and what a test says outright."""
        self._begin()
        for act in acts:
            self.play(act)
        self._end()

    def _begin(self) -> None:
        self.process.start()
        self._pump(self.clock.now_ns + 30 * MS)
        for at in range(len(self.instruments)):
            self.market.quote(at, self.clock.now_ns)
        events.fund(self, BALANCE_MICROS)  # a venue tells of one account alone, and it may hold a second one's currency
        self.wait(100 * MS)

    def deal(self) -> None:
        """One push of one spread, under a script, to its end."""
        spread = self.rng.randrange(len(self.spreads))
        script = play.draw(self.rng, self._place(spread), self.armed.small_quotas)
        self.play(Act(spread, script, self.rng.random() < 0.5))

    def play(self, act: Act) -> None:
        self.acts.append(act)
        self.deal_of(act.spread, act.script, act.dear)
        self.shortage.after_a_push()

    def deal_of(self, spread: int, script: Script, dear: bool) -> None:
        known = set(self.scripts)
        self.main_spread, self.current, self.other = spread, script, None
        self.calm = False
        before = [event for event in script.events if event.after_ms < 0]
        for event in sorted(before, key=lambda event: event.after_ms):
            events.happen(self, event, spread, 1)
            if event.after_ms < -1:
                self.wait(round(-event.after_ms * MS))
        sign = self._sign(spread, dear)
        self.market.keep_fresh(self.clock.now_ns)
        self._pump(self.clock.now_ns + 3 * MS)
        for event in script.events:
            if event.after_ms >= 0:
                events.schedule(self, event, spread, sign)
        decisions = int(self.process.state.head["decisions"])
        self._push(spread, sign)
        if not script.trades:
            self.wait(1000 * MS)
            if int(self.process.state.head["cleared"]) and int(self.process.state.head["decisions"]) != decisions:
                self._unlawful(known, script)
            self.fired["F17"] = self.fired.get("F17", 0) + 1
        if not self.settle() and not self.shortage.kill_stuck():
            self._breach("the deal does not come to an end within 90 s")
        self._tell(known)
        self._tidy()

    def _unlawful(self, known: set[int], script: Script) -> None:
        if any(self.scripts[deal_id] is script for deal_id in set(self.scripts) - known):
            self._breach("17: traded on a stale leg")

    def _place(self, spread: int) -> Place:
        row, strategy = self.process.state.spread[spread], self.process.state.strategy
        clip = int(strategy[int(row["strategy_at"])]["clip_units"]) if row["strategy_n"] else 1
        legs = self.spreads[spread]
        guards = [int(self.process.state.instrument[at]["close_guard_ns"]) for at in legs]
        second = legs[1]
        return Place(
            len(legs), tuple(abs(int(row["ratio"][leg])) * clip for leg in range(len(legs))),
            tuple(self.venues[self.instruments[at].venue].has_bust for at in legs), max(guards) / MS,
            any(second in other for at, other in enumerate(self.spreads) if at != spread),
            int(row["strategy_at"]) in self.process.loop.core.signals,
            self.number % 2 == 0 and not self.armed.small_quotas,
        )  # fmt: skip

    def _sign(self, spread: int, dear: bool) -> int:
        """Which way to push: the other one where the strategy holds all it may."""
        row = self.process.state.spread[spread]
        if not row["strategy_n"]:
            return 1
        strategy = self.process.state.strategy[int(row["strategy_at"])]
        held, most = int(strategy["position_units"]), int(strategy["max_units"])
        sign = 1 if dear else -1
        return -sign if held * -sign >= most else sign

    def _push(self, spread: int, sign: int) -> None:
        """Push the first leg away, so that the strategy sees its signal; then it is back at its level."""
        at = self.spreads[spread][0]
        self.market.away[at] = sign * self.armed.pushes[spread]
        self.market.quote(at, self.clock.now_ns)
        if self.other is not None:
            other = self.spreads[self._partner(spread)][0]
            self.market.away[other] = sign * self.armed.pushes[self._partner(spread)]
            self.market.quote(other, self.clock.now_ns)
        self._pump(self.clock.now_ns + MS)
        for moved in {at, *(self.spreads[self._partner(spread)][:1] if self.other is not None else ())}:
            self.market.away[moved] = 0
        self._new_labels()

    def _new_labels(self) -> None:
        for deal_id in self.process.loop.core.open_deals:
            row = self.process.state.deal_row(deal_id)
            self._label(deal_id, int(row["spread"]))

    def _partner(self, spread: int) -> int:
        second = self.spreads[spread][1]
        return next(at for at, legs in enumerate(self.spreads) if at != spread and second in legs)

    def _tell(self, known: set[int]) -> None:
        """Note how the deals of this push have ended, before a person looks at them."""
        state = self.process.state
        for deal_id, script in self.scripts.items():
            if deal_id in known:
                continue
            row = state.deal_row(deal_id)
            halted = int(row["reason"]) if row["outcome"] == records.HALTED else 0
            if halted and not script.may_halt and not self.shortage.excuses(halted):
                self._breach(f"8: halted without need ({records.HALT_REASONS[halted]})", deal_id)
            self.played.append(
                Played(deal_id, script.name, int(row["outcome"]), halted, int(row["naked_ns"]),
                       int(row["exposure_ubase"]), 0, 0)
            )  # fmt: skip

    def _tidy(self) -> None:
        """The script is over: the market is well again, and a person looks at what was Halted."""
        self.calm = True
        self.process.writes_left = None  # a death that its deal did not come to is not the next one's
        for venue in self.venues:
            venue.silence(False)
            venue.join()
        self.market.heal_all(self.clock.now_ns)
        if any(event.what == play.POOR for event in self.current.events):
            events.fund(self, BALANCE_MICROS)
        core = self.process.loop.core
        if core.state.head["switch"]:
            self.process.command(records.COMMAND_RESUME, records.SCOPE_ALL, -1, "the script is over")
        self.shortage.kill_stuck()
        for choice in (records.RESOLVE_RETRY, records.RESOLVE_ACCEPT):
            if not self.process.loop.core.halted:
                break
            self.wait(100 * MS)
            for deal_id in list(self.process.loop.core.halted):
                self.process.resolve(deal_id, choice)
            self.settle()
            self.shortage.kill_stuck()
        core = self.process.loop.core
        for index, row in enumerate(core.state.strategy):
            if row["switch"] and not core.halted:
                self.process.command(records.COMMAND_RESUME, records.SCOPE_STRATEGY, index, "resolved")
        self.settle()
        broken_ns = int(self.process.state.instrument["broken_until_ns"].max())
        if broken_ns > self.clock.now_ns:
            self.skip(broken_ns + MS)
        if self.process.loop.stopping:
            self._stopped()

    def _stopped(self) -> None:
        """The engine was asked to stop, and has: what it leaves must be named; then it is started again."""
        if not self.process.loop.is_quiet():
            self._breach("25: the stop came to no end")
        self.died(False, in_a_turn=False)
        self._pump(self.clock.now_ns + 40 * MS)

    # The end

    def _breach(self, what: str, deal_id: int = 0) -> None:
        deal_id = deal_id or max(self.scripts, default=0)
        self.breaches.append(Breach(what, deal_id, self.scripts.get(deal_id, self.current).name))

    def _end(self) -> None:
        self.wait(500 * MS)
        self.process.command(records.COMMAND_HALT, records.SCOPE_ALL, -1, "the day ends")
        self.settle()
        core = self.process.loop.core
        if core.open_deals or core.live_orders:
            self._breach(f"open at the day's end: {self.process.loop.left_open()}")
        for what in wrong_at_the_end(self):
            self._breach(what)

    def digest(self) -> bytes:
        """Of the day's journal: inputs and outputs, not the CONFIG, which names versions, nor what was measured."""
        found = hashlib.blake2b(digest_size=16)
        for record in self.process.journal.records():
            if record.kind < records.FIRST_ASIDE and record.kind != records.CONFIG:
                found.update(record.payload)
        return found.digest()
