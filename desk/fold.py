"""The fold of a journal: what happened so far, from its records alone. Console, report, summary and alerts show it."""

from collections import Counter, deque
from math import nan

import msgspec

from desk.fold_deals import Deals
from desk.fold_latency import ROUND_TRIP, Latencies
from desk.fold_names import Names
from desk.fold_rows import row_of
from desk.fold_series import Series
from desk.fold_stands import Stands
from engine.records import (
    ALERT,
    BLOCKED_NAMES,
    CANCEL,
    CAPITAL,
    COMMAND,
    COMMAND_RESOLVE,
    CONFIG,
    DEAL,
    DECISION,
    ENTRY,
    EXIT,
    FILL,
    HEADER,
    LEDGER,
    LINK,
    LOG,
    ORDER,
    ORDER_STATE,
    QUERY,
    QUOTE,
    REPAIR,
    REPORT,
    SENT,
    SPREAD,
    STAMPS,
    STAND,
    START,
    VERDICT,
)  # fmt: skip

MARKS = ("entry buy", "entry sell", "exit buy", "exit sell", "denied")
EXAMPLES, ALERTS_KEPT = 3, 2000


class Denial(msgspec.Struct):
    """Denials by one control. examples: the latest few (now_ns, decision row, verdict row)."""

    count: int = 0
    of_repairs: int = 0
    examples: deque = msgspec.field(default_factory=lambda: deque(maxlen=EXAMPLES))


class SpreadView(msgspec.Struct):
    """One spread: its latest SPREAD row, the samples for its chart, the decisions on it, and its ledger."""

    last: object = None
    samples: Series = msgspec.field(default_factory=lambda: Series("diff", "buy", "sell", "mean"))
    marks: dict = msgspec.field(default_factory=lambda: {mark: Series("price", limit=800) for mark in MARKS})
    blocked: Counter = msgspec.field(default_factory=Counter)
    opportunities: int = 0
    residual_ubase: int = 0
    bound_ubase: int = 0


class PoolView(msgspec.Struct):
    """One pool: its latest CAPITAL row, the samples for its chart, and its highest and average use."""

    last: object = None
    samples: Series = msgspec.field(default_factory=lambda: Series("use_pct"))
    top_bps: int = 0
    sum_bps: int = 0


class Fold:
    """Feed it every record in order. Deals and orders are kept whole, samples thinned, quotes only at their last."""

    def __init__(self):
        self.names = Names()
        self.starts: list = []
        self.records = self.bytes = self.first_ns = self.last_ns = self.last_seq = 0
        self.kinds: Counter = Counter()
        self.quotes: dict = {}
        self.links: dict = {}
        self.spreads: dict[int, SpreadView] = {}
        self.pools: dict[int, PoolView] = {}
        self.accounts: dict = {}
        self.deals = Deals()
        self.latencies = Latencies()
        self.stands = Stands()
        self.verdicts: Counter = Counter()  # (cleared, a strategy's) -> count
        self.denials: dict[int, Denial] = {}
        self.alerts: deque = deque(maxlen=ALERTS_KEPT)
        self.alert_levels: Counter = Counter()
        self.commands: list = []
        self.shadows = 0  # cleared decisions of strategies of which nothing was sent, as their mode asks
        self.unmatched = 0  # verdicts whose decision this journal does not hold
        self._undecided: dict = {}
        self._repair_ids: set[int] = set()
        self._take = {
            START: self._on_start, QUOTE: self._on_quote, REPORT: self._on_report, LINK: self._on_link,
            CANCEL: self.deals.on_cancel, QUERY: self.deals.on_query, COMMAND: self._on_command,
            DECISION: self._on_decision, VERDICT: self._on_verdict,
            ORDER: self.deals.on_order, ORDER_STATE: self.deals.on_state, FILL: self.deals.on_fill,
            DEAL: self.deals.on_deal, REPAIR: self.deals.on_repair, LEDGER: self._on_ledger, CAPITAL: self._on_capital,
            SPREAD: self._on_spread, STAMPS: self._on_stamps, SENT: self._on_sent,
            STAND: self.stands.on_stand,
        }  # fmt: skip

    def feed(self, record) -> None:
        """Take one record. Kinds that nothing shown comes from are counted only."""
        self.records += 1
        self.bytes += HEADER.itemsize + (len(record.payload) + 7) // 8 * 8
        self.kinds[record.kind] += 1
        self.first_ns = self.first_ns or record.now_ns
        take = self._take.get(record.kind)
        if take is not None:
            take(row_of(record))
        elif record.kind == CONFIG:
            self.names = Names(record.data)
        elif is_alert(record):
            self._on_alert(record)
        self.last_ns, self.last_seq = max(self.last_ns, record.now_ns), record.seq

    def market_ns(self, now_ns: int) -> int:
        """Market time of an engine time, by the latest START whose clock ran by then, else the first; the same where
        there is none."""
        if not self.starts:
            return now_ns
        start = next((row for row in reversed(self.starts) if row.clock_start_ns <= now_ns), self.starts[0])
        return start.clock_base_ns + (now_ns - start.clock_start_ns) * start.clock_speed_milli // 1000

    def spread(self, index: int) -> SpreadView:
        if index not in self.spreads:
            self.spreads[index] = SpreadView()
        return self.spreads[index]

    def _on_start(self, row) -> None:
        self.starts.append(row)
        self.stands.on_start(row.now_ns, self.last_ns)

    def _on_quote(self, row) -> None:
        self.quotes[row.instrument] = row

    def _on_link(self, row) -> None:
        self.links[row.venue, row.channel] = row

    def _on_alert(self, record) -> None:
        self.alerts.append((record.now_ns, record.data))
        self.alert_levels[str(record.data.get("level", "info"))] += 1

    def _on_report(self, row) -> None:
        round_trip_ns = self.deals.on_report(row)
        if round_trip_ns is not None:
            self.latencies.record(ROUND_TRIP + self.names.venue(row.venue), round_trip_ns)

    def _on_decision(self, row) -> None:
        self._undecided[row.decision_id] = row
        if row.purpose not in (ENTRY, EXIT):
            self._repair_ids.add(row.decision_id)

    def _on_verdict(self, row) -> None:
        decision = self._undecided.pop(row.decision_id, None)
        if decision is None:
            self.unmatched += 1
            return
        of_strategy = decision.purpose in (ENTRY, EXIT)
        self.verdicts[bool(row.cleared), of_strategy] += 1
        if self.names.was_shadow(decision, row):
            self.shadows += of_strategy
        elif row.cleared:
            deal = self.deals.of(decision.deal_id or decision.decision_id)
            deal.decisions.append(decision)
            deal.verdicts.append(row)
        else:
            if decision.deal_id in self.deals.by_id:
                self.deals.by_id[decision.deal_id].verdicts.append(row)
            denial = self.denials.setdefault(row.reason, Denial())
            denial.count += of_strategy
            denial.of_repairs += not of_strategy
            denial.examples.append((row.now_ns, decision, row))
        if of_strategy:
            self._mark(decision, bool(row.cleared))

    def _mark(self, decision, cleared: bool) -> None:
        """A dot for the spread's chart: at the decision's price, or at the last sample's for a ratio strategy."""
        spread = self.spread(decision.spread)
        side = "buy" if decision.side > 0 else "sell"
        price = decision.executable
        if self.names.strategy_kind(decision.strategy).startswith("ratio"):
            price = getattr(spread.last, side, nan)
        name = f"{'entry' if decision.purpose == ENTRY else 'exit'} {side}" if cleared else "denied"
        spread.marks[name].add(decision.now_ns, price)

    def _on_command(self, row) -> None:
        self.commands.append(row)
        if row.code == COMMAND_RESOLVE:
            self.deals.of(row.scope).resolutions.append(row)

    def _on_ledger(self, row) -> None:
        spread = self.spread(row.spread)
        if row.deal_id:
            self.deals.of(row.deal_id).ledger.append(row)
        spread.residual_ubase, spread.bound_ubase = row.residual_ubase, row.bound_ubase

    def _on_capital(self, row) -> None:
        if row.account >= 0:
            self.accounts[row.account] = row
            return
        pool = self.pools.setdefault(row.pool, PoolView())
        pool.last, pool.top_bps, pool.sum_bps = row, max(pool.top_bps, row.use_bps), pool.sum_bps + row.use_bps
        pool.samples.add(row.now_ns, row.use_bps / 100)

    def _on_spread(self, row) -> None:
        spread = self.spread(row.spread)
        seen = spread.last.opportunities if spread.last else 0
        # A restart counts from zero again: what came before stays counted.
        spread.opportunities += row.opportunities - seen if row.opportunities >= seen else row.opportunities
        spread.last, spread.residual_ubase = row, row.residual_ubase
        prices = (nan, nan, nan) if row.blocked else (row.diff, row.buy, row.sell)
        spread.samples.add(row.now_ns, *prices, row.mean if row.sd else nan)
        for bit in BLOCKED_NAMES:
            if row.blocked & bit:
                spread.blocked[bit] += 1

    def _on_stamps(self, row) -> None:
        self.latencies.add_stamps(row.stamp, row.decision_id not in self._repair_ids)
        if row.deal_id in self.deals.by_id:
            self.deals.by_id[row.deal_id].stamps.append(row)

    def _on_sent(self, row) -> None:
        if row.kind == ORDER:
            self.deals.on_sent(row)


def is_alert(record) -> bool:
    """An ALERT of the engine, or a LOG that tells a person as an alert does (it has a code): of what is no trading."""
    return record.kind == ALERT or (record.kind == LOG and "code" in record.data)


def fold_of(records) -> Fold:
    """The fold of a whole journal, or of any records in order."""
    fold = Fold()
    for record in records:
        fold.feed(record)
    return fold
