"""An independent judge of a journal: the invariants of docs/leg-risk.md, checked from its records alone.

It shares no logic with the engine's orders, deals, settle or reports: it folds the records anew and compares. What
depends on the order of records is one compiled walk (judge_walk, judge_deals); the rest is here. Invariant 7, replay,
is engine.replay's.

Slack, all of it stated here:
* naked time: the strategy's naked_limit_ms and one timer beat and one ack timeout; time in which no engine ran
  (from the last record before a START) does not count; once halted, a deal waits for a person and has no
  limit until RETRY.
* exposure: the deal's largest leg in full and the spread's residual bound; lots that a venue fills after a certain end
  or beyond the order add to what is allowed, since nobody can foresee them.
* a base unit's millionths: exact, but for inverse contracts (1 in 1,000 a lot, their hedge is rounded at the decision).
* quotas: the rules of the CONFIG record's date hold for the whole journal, until limits are reloaded; how far a day's
  reserve is kept is asked with what surely has a cancel left. A meter is compared at its own records.
* a cancel counts as answered by a refusal, a terminal state, a write that failed, or the answer to a query after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bench.storm import judge_codes as codes
from bench.storm.columns import Columns
from bench.storm.judge_codes import SENTENCES
from bench.storm.judge_rules import quota_rules
from bench.storm.judge_tables import Rules, Tables, made
from bench.storm.judge_walk import walk_records
from bench.storm.tally import Tally, tally_of
from engine.records import (
    ALERT,
    CLOSED,
    FILL,
    FILL_BUST,
    HALTED,
    LEDGER,
    MAX_LEGS,
    POSITION,
    RESOLVE_ACCEPT,
)
from riskgate.gate import REPAIR_SEQUENCE

CONTROL_NUMBERS = 64
NS_PER_MS = 1_000_000


class Breach(NamedTuple):
    """invariant: its number in docs/leg-risk.md. seq: the record that shows it, 0 for the journal as a whole."""

    invariant: int
    seq: int
    deal_id: int
    what: str


@dataclass
class Judgement:
    """count: all breaches, where more were found than are told. open_deals: ids that had not ended at the end.

    untold_orders: numbers of orders not settled at the end (alive, in doubt, or their trades never told).
    """

    breaches: list[Breach]
    tally: Tally
    count: int
    open_deals: list[int] = field(default_factory=list)
    untold_orders: list[int] = field(default_factory=list)


class Judge:
    """Judges journals of one CONFIG record; keep it, its rules are computed once.

    beat_ms: the timer's beat, the config's unless the caller beats otherwise. halted_in_ledger: whether a Halted deal's
    exposure is in the residual ledger before a person accepts it.
    """

    def __init__(self, record: dict, cancels_a_day: int = 500, cancels_a_lock: int = 2, beat_ms: int | None = None,
                 halted_in_ledger: bool = False) -> None:  # fmt: skip
        self.names = record["names"]
        self.halted_in_ledger = halted_in_ledger
        self.rules = _rules(record, cancels_a_day, cancels_a_lock, beat_ms)

    def judge(
        self, columns: Columns, labels: Mapping[int, str] | None = None, must_be_quiet: bool = False,
        venue_positions: Mapping[str, int] | None = None, initial_positions: Mapping[str, int] | None = None,
    ) -> Judgement:  # fmt: skip
        """venue_positions: net lots an instrument id, by the venue's own account; initial: where they began."""
        scopes = max(len(names) for names in self.names.values())
        tables = made(columns, self.rules, len(self.names["venues"]), scopes)
        walk_records(columns.address, columns.offsets, self.rules, tables)
        walk = tables.walk[0]
        deals = tables.deals[: int(walk["deals"])]
        deals = deals[deals["orders"] > 0]
        alerts = [(seq, cause, body) for seq, cause, body in columns.texts(ALERT)]
        noted = int(tables.found[0, 0])
        found = [_told(row) for row in tables.found[1 : noted + 1].tolist()]
        found += _untold_halts(tables, alerts)
        found += self._ends(tables, deals, int(walk["now_ns"]), must_be_quiet)
        found += self._ledgers(tables, deals)
        if venue_positions is not None:
            found += self._positions(columns, tables, alerts, venue_positions, initial_positions or {})
        count = len(found) + max(noted + 1 - len(tables.found), 0)
        told = [(int(body.get("deal", 0)), str(body["code"])) for _, _, body in alerts]
        worst = int(np.abs(columns.of(LEDGER)["data"]["residual_ubase"]).max(initial=0))
        open_deals = deals["deal_id"][deals["state"] != CLOSED].tolist()
        orders = tables.orders[: int(walk["orders"])]
        untold = orders["order_no"][orders["settled"] == 0].tolist()
        return Judgement(sorted(found), tally_of(columns, deals, told, worst, labels), count, open_deals, untold)

    def _ends(self, tables: Tables, deals: np.ndarray, end_ns: int, must_be_quiet: bool) -> list[Breach]:
        """Invariants 2 and 8 at the journal's end: nothing naked beyond its limit, every deal recorded, and ended."""
        found = [_breach(codes.STILL_OPEN, 0, row, int(row["state"])) for row in deals[deals["records"] == 0]]
        still = deals[(deals["state"] != CLOSED) & (deals["records"] > 0)]
        if must_be_quiet:
            found += [_breach(codes.STILL_OPEN, int(row["last_seq"]), row, int(row["state"])) for row in still]
        dead_ns = int(tables.walk[0]["dead_ns"])
        for row in still[(still["since_ns"] > 0) & (still["halted"] == 0)]:
            since_ns = end_ns - int(row["since_ns"]) - (dead_ns - int(row["since_dead_ns"]))
            naked_ns, allowed = int(row["own_naked_ns"]) + since_ns, int(self.rules.naked_ns[row["strategy"]])
            if naked_ns > allowed:
                found.append(_breach(codes.NAKED_OPEN, int(row["last_seq"]), row, naked_ns, allowed))
        return found

    def _ledgers(self, tables: Tables, deals: np.ndarray) -> list[Breach]:
        """The residual ledger is what ended deals left behind: of Halted ones only once a person has accepted it."""
        counts = (deals["state"] == CLOSED) & (
            (deals["outcome"] != HALTED) | (deals["resolution"] == RESOLVE_ACCEPT) | self.halted_in_ledger
        )
        # What a person made of a deal by hand is not ours to compute: what the ledger holds of it stands.
        due = np.where(deals["by_hand"] == 1, deals["ledger_ubase"], np.where(counts, deals["exposure_ubase"], 0))
        found = []
        for spread, residual in enumerate(tables.residual.tolist()):
            mine = deals["spread"] == spread
            total = int(due[mine].sum())
            if total != residual:
                odd = deals["deal_id"][mine & (due != deals["ledger_ubase"])].tolist()
                breach = _told([codes.LEDGER_DEALS, 0, odd[0] if odd else 0, spread, residual, total])
                found.append(breach._replace(what=f"{breach.what}; deals that differ: {odd[:5]}"))
        return found

    def _positions(self, columns: Columns, tables: Tables, alerts: list, theirs: Mapping[str, int],
                   initial: Mapping) -> list[Breach]:  # fmt: skip
        """Invariant 8: what was there, or taken over, and every fill since, is what the venue holds.

        Lots that a venue has stated in an order's total, but never told the trades of, count by its word.
        """
        ids = self.names["instruments"]
        fills, stated = columns.of(FILL), columns.of(POSITION)
        data = fills["data"]
        signed = data["side"] * data["lots"] * np.where(data["flags"] & FILL_BUST, -1, 1)
        since = np.zeros(len(ids), np.int64)
        ours = np.array([initial.get(name, 0) for name in ids], np.int64)
        taken = {cause for _, cause, body in alerts if body["code"] == "position_taken"}
        for row in stated[np.isin(stated["header"]["seq"], list(taken))]:
            at, body = int(row["data"]["instrument"]), row["data"]
            since[at] = row["header"]["seq"]
            ours[at] = body["long_today"] + body["long_yesterday"] - body["short_today"] - body["short_yesterday"]
        later = fills["header"]["seq"] > since[data["instrument"]]
        np.add.at(ours, data["instrument"][later], signed[later])
        orders = tables.orders[: int(tables.walk[0]["orders"])]
        np.add.at(ours, orders["instrument"], orders["side"] * (orders["cum"] - orders["booked"]))
        return [
            _told([codes.VENUE_DIFFERS, 0, 0, at, int(theirs[name]), int(ours[at])])
            for at, name in enumerate(ids)
            if name in theirs and theirs[name] != ours[at]
        ]


def _rules(record: dict, cancels_a_day: int, cancels_a_lock: int, beat_ms: int | None) -> Rules:
    config, names = record["config"], record["names"]
    engine, accounts = config["engine"], {name: at for at, name in enumerate(names["accounts"])}
    number = {name: at for at, name in enumerate(names["instruments"])}
    spreads = record["spreads"]
    hedge, inverse = np.zeros((len(spreads), MAX_LEGS), np.int64), np.zeros((len(spreads), MAX_LEGS))
    proxy = np.zeros((len(spreads), len(number)), np.int64)
    for at, spread in enumerate(spreads):
        for leg, one in enumerate(spread["legs"]):
            hedge[at, leg] = one["hedge_ubase"]
            spec = config["instruments"][number[one["instrument"]]]
            if spec["kind"] == "inverse":
                inverse[at, leg] = float(spec["reference_price"]) / float(spec["tick"])
        for one in spread.get("proxies", ()):
            proxy[at, number[one["instrument"]]] = one.get("hedge_ubase", 0)
    slack_ms = (engine["timer_ms"] if beat_ms is None else beat_ms) + engine["ack_timeout_ms"]
    limits_ms = [one["repair"]["naked_limit_ms"] + slack_ms for one in config["strategies"]]
    may_refuse = np.zeros(CONTROL_NUMBERS, np.int64)
    may_refuse[list(REPAIR_SEQUENCE)] = 1
    return Rules(
        venue=np.array([one["venue"] for one in record["instruments"]], np.int64),
        account=np.array([accounts.get(one["account"], -1) for one in config["instruments"]], np.int64),
        market=np.array([names["markets"].index(one["market"]) for one in config["venues"]], np.int64),
        hedge=hedge, inverse=inverse, proxy_hedge=proxy,
        bound=np.array([round(one["residual_bound"] * 1e6) for one in config["spreads"]], np.int64),
        naked_ns=np.array(limits_ms, np.int64) * NS_PER_MS, may_refuse=may_refuse,
        cancels=np.array([cancels_a_day], np.int64), lock_cancels=np.array([cancels_a_lock], np.int64),
        **quota_rules(record),
    )  # fmt: skip


def _untold_halts(tables: Tables, alerts: list) -> list[Breach]:
    """Invariant 2: each turn to Halted has its alert, of the same deal, made by the same input."""
    told = {(body.get("deal"), cause) for _, cause, body in alerts if body["code"] == "halted"}
    return [
        _told([codes.NOT_TOLD, seq, deal_id, 0, 0, 0])
        for seq, deal_id, cause in tables.halts[: int(tables.walk[0]["halts"])].tolist()
        if (deal_id, cause) not in told
    ]


def _breach(code: int, seq: int, deal: np.void, a: int = 0, b: int = 0, c: int = 0) -> Breach:
    return _told([code, seq, int(deal["deal_id"]), a, b, c])


def _told(row: list[int]) -> Breach:
    code, seq, deal_id, a, b, c = row
    invariant, sentence = SENTENCES[code]
    return Breach(invariant, seq, deal_id, (f"deal {deal_id}: " if deal_id else "") + sentence.format(a=a, b=b, c=c))
