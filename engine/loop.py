"""The loop: every input is journalled first and takes effect then. Live, recovery and replay all come through here.

Only what passes these methods can change the trading state, and each takes its time as an argument, so the journal's
inputs through the same methods give the same outputs, byte for byte.
"""

import numpy as np

from engine import command, kill, legs, limits, records, settle, watch
from engine.core import NO_ROOM, Core, fitted, fitted_id
from engine.ids import client_id
from engine.launch import launch
from engine.orders import TERMINAL
from engine.ports import (
    CHANNELS,
    DOWN,
    IOC,
    LINK_STATES,
    READY,
    TRADING,
    AccountReport,
    Event,
    ExecReport,
    PositionReport,
)
from engine.reconcile import reconcile
from engine.reports import apply_report
from engine.schema import ACTIVE, CREATED
from engine.signals import ask_signals
from engine.sockets import NO_SOCKET, WATCH

_HEARD_EVERY_NS = 200_000_000
_BAD_INPUTS_TOLD = 100
_HEARD = "heard"
_LANE, _RECV_NS, _WAITING = (WATCH.names.index(name) for name in ("lane", "recv_ns", "waiting"))
_RAW_BYTES, _WHAT_BYTES = 256, 500
_LEAST_ROOM_BYTES = 128 * 1024


class Loop:
    """The one `engine.ports.Inputs`. stopping: a stop was asked for. bad_inputs: a count a venue."""

    def __init__(self, core: Core):
        self.core = core
        self.stopping = False
        rows = np.array([(NO_SOCKET, 0, 0, 0, 0)], WATCH)
        self._watch, self._watch_at = memoryview(rows.view(np.int64)), rows.ctypes.data
        self.bad_inputs = [0] * len(core.state.venue)

    def on_start(self, fields: dict, config: dict, now_ns: int) -> None:
        """A start of the engine: a new id epoch, every link down, every order that may be alive in doubt."""
        core, state = self.core, self.core.state
        core.now_ns = now_ns
        core.journal.append_input(records.START, now_ns, core.record(records.START, **fields))
        core.take_json(records.CONFIG, config)
        head = state.head
        head["now_ns"] = now_ns
        for name in ("epoch", "clock_base_ns", "clock_start_ns", "clock_speed_milli"):
            head[name] = fields[name]
        head["switch"], head["no_room"] = core.ordered, 0  # what a person has ordered outlives the process
        core.forced = False
        self.stopping = False
        state.venue["link"][:] = DOWN
        state.book["blocked"][:] |= records.NO_QUOTE
        state.book["venue_seq"][:] = 0
        for buckets in (state.venue, state.account, state.strategy):
            buckets["tokens_ns"][:] = now_ns
        limits.refresh_date(core)
        watch.refresh_sessions(core)
        self._drop_unsent()
        self._doubt_all(lambda row: True, "the engine was started anew while it was alive")
        self._end()

    def on_quote(
        self, instrument: int, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int,
        venue_ns: int, recv_ns: int, venue_seq: int, flags: int,
    ) -> None:  # fmt: skip
        core = self.core
        core.now_ns = recv_ns
        quote = (instrument, bid_ticks, bid_lots, ask_ticks, ask_lots, venue_ns, recv_ns, venue_seq, flags)
        waiting = core.hot.on_quote(core.state.address, core.journal.address, *quote)
        if waiting < 0:
            # The journal's page is full: turn it, or halt, but never lose a quote in silence.
            self._end()
            waiting = core.hot.on_quote(core.state.address, core.journal.address, *quote)
            if waiting < 0:
                raise MemoryError("the journal has no room for a quote")
        self._decide(instrument, waiting)

    def on_stream(self, lane: int, recv_ns: int, waiting: int | None = None) -> None:
        """The quotes that a lane's bytes hold, each an input as `on_quote`'s."""
        core, watch = self.core, self._watch
        core.now_ns = recv_ns
        ready = True
        while True:
            if waiting is None:
                watch[_LANE], watch[_RECV_NS] = lane, recv_ns
                core.hot.poll(core.state.address, core.journal.address, self._watch_at, 1, 0, bool(core.signals))
                waiting = watch[_WAITING]
            if waiting == 0:
                core.journal.turn()
                return
            if waiting == NO_ROOM:
                if not ready:
                    raise MemoryError("the journal has no room for a quote")
                self._end()
            else:
                self._decide(int(core.state.scratch["quote"]["instrument"]), max(waiting, 0))
            ready, waiting = waiting != NO_ROOM, None

    def _decide(self, instrument: int, waiting: int) -> None:
        """Put the decisions that a quote has caused through the gate, those of the Python strategies with them."""
        core = self.core
        if core.signals:
            waiting = ask_signals(core, instrument, waiting)
        for number in range(waiting):
            launch(core, number)
        if waiting:
            self._end()

    def on_report(self, report: ExecReport) -> None:
        core = self.core
        core.now_ns = report.recv_ns
        report.client_id = fitted_id(report.client_id, 32)
        report.venue_order_id = fitted_id(report.venue_order_id, 32)
        report.trade_id = fitted_id(report.trade_id, 48)
        report.reason = fitted(report.reason, 120)
        core.journal.append_input(
            records.REPORT, report.recv_ns,
            core.record(
                records.REPORT, venue=report.venue, instrument=report.instrument, order_no=report.order_no,
                event=report.event, side=report.side, cum_lots=report.cum_lots, leaves_lots=report.leaves_lots,
                total_lots=report.total_lots, last_lots=report.last_lots, last_ticks=report.last_ticks,
                venue_ns=report.venue_ns, client_id=report.client_id.encode(),
                venue_order_id=report.venue_order_id.encode(), trade_id=report.trade_id.encode(),
                reason=report.reason.encode(),
            ),
        )  # fmt: skip
        apply_report(core, report)
        if core.drills:
            kill.look(core)
        self._end()

    def on_link(self, venue: int, channel: int, state: int, recv_ns: int, why: str) -> None:
        core = self.core
        core.now_ns = recv_ns
        why = fitted(why, 120)
        core.journal.append_input(
            records.LINK, recv_ns,
            core.record(records.LINK, venue=venue, channel=channel, state=state, why=why.encode()),
        )  # fmt: skip
        row = core.state.venue[venue]
        was = int(row["link"][channel])
        row["link"][channel], row["heard_ns"][channel] = state, recv_ns
        if state != was:
            self._tell_link(venue, channel, state, was, why)
        elif state == DOWN and why not in ("", _HEARD) and not self.stopping:
            self._tell_no_link(venue, channel, why)
        if channel == TRADING and state == DOWN and was != DOWN:
            self._doubt_all(
                lambda order: core.state.instrument[order["instrument"]]["venue"] == venue, "its link broke"
            )
            self._withdraw_elsewhere(venue)
        if channel != TRADING and state == DOWN:
            at_venue = core.state.instrument["venue"] == venue
            core.state.book["blocked"][at_venue] |= records.NO_QUOTE
            core.state.book["venue_seq"][at_venue] = 0
        self._end()

    def _tell_link(self, venue: int, channel: int, state: int, was: int, why: str) -> None:
        name = f"{self.core.names['venues'][venue]} {CHANNELS[channel]}"
        if state == DOWN and was != DOWN and not self.stopping:
            self.core.alert("warn", "link_down", f"link to {name} is down: {why}",
                            "nothing: it is being connected again; nothing is sent there meanwhile")  # fmt: skip
        elif state == READY:
            self.core.told.pop(("no link", venue, channel), None)
            self.core.alert("info", "link_ready", f"link to {name} is {LINK_STATES[state]}", "nothing")

    def _tell_no_link(self, venue: int, channel: int, why: str) -> None:
        """A link that is tried in vain is told once, until it has been up."""
        if self.core.is_news(("no link", venue, channel), True):
            self.core.alert(
                "warn", "no_link", f"{self.core.names['venues'][venue]} {CHANNELS[channel]} does not come up: {why}",
                "see what the venue objects to; it is tried again, and nothing is sent there meanwhile",
            )  # fmt: skip

    def _withdraw_elsewhere(self, venue: int) -> None:
        """A venue is lost: what rests at another one for a deal that needs both is cancelled at once (F12)."""
        core, touched = self.core, []
        for number in list(core.live_orders):
            row = core.state.order_row(number)
            deal = core.state.deal_row(int(row["deal_id"]))
            if deal is None or row["tif"] == IOC:
                continue
            at = [int(deal["instrument"][leg]) for leg in range(int(deal["legs"]))]
            if any(core.state.instrument[one]["venue"] == venue for one in at):
                legs.withdraw(core, row)
                touched.append(deal)
        for deal in touched:
            settle.review(core, deal)

    def _drop_unsent(self) -> None:
        """Orders that waited for another leg when the engine ended are not sent late."""
        for number in list(self.core.live_orders):
            row = self.core.state.order_row(number)
            if row is not None and row["state"] == CREATED:
                legs.drop(self.core, row)
                deal = self.core.state.deal_row(int(row["deal_id"]))
                if deal is not None:
                    settle.review(self.core, deal)

    def _doubt_all(self, chosen, why: str) -> None:
        core = self.core
        for number in list(core.live_orders):
            row = core.state.order_row(number)
            if row is None or row["state"] in (*TERMINAL, CREATED) or not chosen(row):
                continue
            legs.doubt(core, row, why)
            deal = core.state.deal_row(int(row["deal_id"]))
            if deal is not None:
                settle.review(core, deal)

    def on_heard(self, venue: int, channel: int, recv_ns: int) -> None:
        """A sign of life changes what is stale, so it is an input too; at most one each 200 ms is one."""
        row = self.core.state.venue[venue]
        if recv_ns - row["heard_ns"][channel] >= _HEARD_EVERY_NS:
            self.on_link(venue, channel, int(row["link"][channel]), recv_ns, _HEARD)

    def on_account(self, report: AccountReport) -> None:
        core = self.core
        core.now_ns = report.recv_ns
        core.journal.append_input(
            records.ACCOUNT, report.recv_ns,
            core.record(
                records.ACCOUNT, account=report.account, balance_micros=report.balance_micros,
                available_micros=report.available_micros, margin_micros=report.margin_micros,
            ),
        )  # fmt: skip
        core.state.account[report.account]["capital_micros"] = report.balance_micros
        self._end()

    def on_position(self, report: PositionReport) -> None:
        core = self.core
        core.now_ns = report.recv_ns
        sides = ("long_today", "long_yesterday", "short_today", "short_yesterday")
        theirs = {side: getattr(report, side) for side in sides}
        core.journal.append_input(
            records.POSITION, report.recv_ns, core.record(records.POSITION, instrument=report.instrument, **theirs)
        )
        if not core.live_orders:
            reconcile(core, report.instrument, theirs)
        self._end()

    def on_band(self, instrument: int, lower_ticks: int, upper_ticks: int, recv_ns: int) -> None:
        """The price limits of a contract's day, as its venue tells them; an input only where they are news."""
        core = self.core
        if not limits.is_news(core, instrument, lower_ticks, upper_ticks, recv_ns):
            return
        core.now_ns = recv_ns
        core.journal.append_input(
            records.BAND, recv_ns,
            core.record(records.BAND, instrument=instrument, lower_ticks=lower_ticks, upper_ticks=upper_ticks),
        )  # fmt: skip
        limits.take_band(core, instrument, lower_ticks, upper_ticks)
        self._end()

    def on_limits(self, body: dict, now_ns: int) -> None:
        """Other limits, by a person's word: {"version", "who", "why", "changes", "config"}, checked by the desk."""
        core = self.core
        core.now_ns = now_ns
        core.take_json(records.LIMITS, body)
        limits.reload(core, body)
        self._end()

    def on_bad_input(self, venue: int, what: str, raw: bytes, recv_ns: int) -> None:
        core = self.core
        core.now_ns = recv_ns
        what = fitted(what, _WHAT_BYTES)
        core.take_json(records.BAD_INPUT, {"venue": venue, "what": what, "raw": raw[:_RAW_BYTES].hex()})
        self.bad_inputs[venue] += 1
        count = self.bad_inputs[venue]
        if count == 1 or count % _BAD_INPUTS_TOLD == 0:
            core.alert("warn", "bad_input", f"{core.names['venues'][venue]} sent what cannot be understood: {what}",
                       "look at the journal's bad inputs; the engine goes on", count=count)  # fmt: skip
        self._end()

    def on_timer(self, now_ns: int, late_ns: int = 0) -> None:
        """The engine's beat; late_ns after its planned time."""
        core = self.core
        core.now_ns = now_ns
        core.journal.append_input(records.TIMER, now_ns, core.record(records.TIMER, late_ns=late_ns))
        core.state.head["now_ns"] = now_ns
        watch.on_tick(core)
        if self.stopping:
            self._cancel_all()
        self._end()

    def on_command(
        self, code: int, choice: int, scope: int, who: str, why: str, now_ns: int, until_ns: int = 0,
        amount_micros: int = 0,
    ) -> None:  # fmt: skip
        """A person's word: stop the engine, kill, set a switch, resolve a Halted deal (`engine.command`).

        until_ns: when a switch ends by itself. amount_micros: of money in transit.
        """
        core = self.core
        core.now_ns = now_ns
        who, why = fitted(who, 32), fitted(why, 120)
        core.journal.append_input(
            records.COMMAND, now_ns,
            core.record(
                records.COMMAND, code=code, choice=choice, scope=scope, until_ns=until_ns,
                amount_micros=amount_micros, who=who.encode(), why=why.encode(),
            ),
        )  # fmt: skip
        command.apply(core, code, choice, scope, who, why, until_ns, amount_micros)
        if code == records.COMMAND_NO_ROOM:
            # What room is left is for cancels, repairs and the stop.
            core.state.head["no_room"] = 1
            core.alert("error", "no_room", "no room is left for the journal: nothing new is decided, the engine stops",
                       "make room on the journal's disk or its live folder, then start again")  # fmt: skip
        if code == records.COMMAND_STOP:
            self.stopping = True
            self._cancel_all()
        self._end()

    def _cancel_all(self) -> None:
        """Cancel what is known to be working, once an order; what is in doubt is asked for instead. A repair on its way
        is what a stop waits for, and ends by itself."""
        core = self.core
        for number in list(core.live_orders):
            row = core.state.order_row(number)
            if row["tif"] == IOC and row["purpose"] >= records.REHEDGE:
                continue
            alive = row["state"] not in (*TERMINAL, CREATED) and not row["in_doubt"]
            if alive and not row["cancel_ns"] and legs.has_cancel(core, row):
                legs.cancel(core, row)

    def is_quiet(self) -> bool:
        """Nothing is alive: no deal open, no order that could still trade. Halted deals wait for a person."""
        rows = (self.core.state.order_row(number) for number in self.core.live_orders)
        return not self.core.open_deals and all(row["state"] in TERMINAL and not row["in_doubt"] for row in rows)

    def left_open(self) -> list[str]:
        """What is not flat, in plain words; empty where nothing is."""
        core, left = self.core, []
        for number in core.live_orders:
            row = core.state.order_row(number)
            state = "in doubt" if row["in_doubt"] else "alive"
            if state == "alive" and row["state"] in TERMINAL:
                state = f"done, {int(row['cum_lots'] - row['booked_lots'])} lots of its trades untold"
            left.append(f"order {client_id(number)} on {core.instrument_name(row['instrument'])} is {state}")
        for row in core.state.deal:
            deal_id = int(row["deal_id"])
            if deal_id and (deal_id in core.halted or deal_id in core.open_deals):
                name = core.names["spreads"][row["spread"]]
                left.append(f"deal {int(row['deal_id'])} on {name}: {int(row['exposure_ubase']) / 1e6:+.3f} base units")
        return left

    def held(self) -> list[str]:
        """The units that strategies hold, in balance: what stays when a run ends flat."""
        core = self.core
        return [
            f"{core.names['strategies'][index]} {int(row['position_units']):+d} {core.names['spreads'][row['spread']]}"
            for index, row in enumerate(core.state.strategy)
            if row["position_units"]
        ]

    def _end(self) -> None:
        """After each input: writes that failed come in as inputs of their own, and the journal may turn its page."""
        core = self.core
        while core.failed:
            number = core.failed.pop(0)
            row = core.state.order_row(number)
            self.on_report(
                ExecReport(
                    venue=int(core.state.instrument[row["instrument"]]["venue"]), order_no=number,
                    client_id=client_id(number), instrument=int(row["instrument"]), event=Event.SEND_FAILED,
                    recv_ns=core.now_ns, reason="no link",
                )
            )  # fmt: skip
        core.journal.turn()
        if core.journal.room_bytes < _LEAST_ROOM_BYTES and core.state.head["switch"] == ACTIVE:
            # An input, so that replay, whose buffer has room enough, halts at the same place.
            self.on_command(records.COMMAND_NO_ROOM, 0, -1, "journal", "no room left for the journal", core.now_ns)
