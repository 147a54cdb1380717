"""What happened in a journal, counted: flat figures for tables, and the same by a label of each deal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.storm.columns import Columns
from engine.records import (
    CANCEL,
    DECISION,
    HALT_REASONS,
    HALTED,
    ORDER,
    OUTCOMES,
    PURPOSES,
    QUERY,
    REPAIR,
    RUNGS,
)

NO_LABEL = ""


@dataclass
class Tally:
    """deals: those that sent an order. worst_residual_ubase: of a deal's last exposure; of the ledger, in the whole."""

    deals: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    purposes: dict[str, int] = field(default_factory=dict)
    rungs: dict[str, int] = field(default_factory=dict)
    halted: dict[str, int] = field(default_factory=dict)
    alerts: dict[str, int] = field(default_factory=dict)
    orders: int = 0
    cancels: int = 0
    queries: int = 0
    decisions: int = 0
    worst_naked_ns: int = 0
    worst_residual_ubase: int = 0
    groups: dict[str, "Tally"] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Take another journal's figures in: sums, and the worst of both."""
        for name in ("deals", "orders", "cancels", "queries", "decisions"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("worst_naked_ns", "worst_residual_ubase"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        for name in ("outcomes", "purposes", "rungs", "halted", "alerts"):
            mine = getattr(self, name)
            for key, count in getattr(other, name).items():
                mine[key] = mine.get(key, 0) + count
        for label, group in other.groups.items():
            self.groups.setdefault(label, Tally()).add(group)

    def flat(self) -> dict[str, int]:
        """One row of a table: `outcome.complete`, `rung.pay up`, ..."""
        plain = ("deals", "decisions", "orders", "cancels", "queries", "worst_naked_ns", "worst_residual_ubase")
        row = {name: getattr(self, name) for name in plain}
        for name, counts in (("outcome", self.outcomes), ("purpose", self.purposes), ("rung", self.rungs),
                             ("halted", self.halted), ("alert", self.alerts)):  # fmt: skip
            row |= {f"{name}.{key}": count for key, count in counts.items()}
        return row


def tally_of(columns: Columns, deals: np.ndarray, alerts: list[tuple[int, str]], residual_ubase: int,
             labels: Mapping[int, str] | None) -> Tally:  # fmt: skip
    """deals: the judge's rows of deals that sent an order; alerts: (deal or 0, code); labels: of deal ids."""
    deal_ids = deals["deal_id"]
    order = np.argsort(deal_ids, kind="stable")
    known = deal_ids[order]
    tables = {
        "orders": columns.of(ORDER)["data"]["deal_id"], "cancels": columns.of(CANCEL)["data"]["deal_id"],
        "queries": columns.of(QUERY)["data"]["deal_id"], "decisions": columns.of(DECISION)["data"]["deal_id"],
    }  # fmt: skip
    repairs = columns.of(REPAIR)["data"]
    whole = _figures(deals, {name: len(ids) for name, ids in tables.items()}, repairs["rung"], alerts)
    whole.worst_residual_ubase = max(whole.worst_residual_ubase, residual_ubase)
    if labels is None:
        return whole
    names = sorted({labels.get(deal_id, NO_LABEL) for deal_id in deal_ids.tolist()} | {NO_LABEL})
    number = {name: at for at, name in enumerate(names)}
    code_of_deal = np.array([number[labels.get(deal_id, NO_LABEL)] for deal_id in known.tolist()], np.int64)

    def codes(ids: np.ndarray) -> np.ndarray:
        """Label code of each deal id; of a deal that sent nothing, NO_LABEL's."""
        if not len(known):
            return np.full(len(ids), number[NO_LABEL])
        at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        return np.where(known[at] == ids, code_of_deal[at], number[NO_LABEL])

    counts = {name: np.bincount(codes(ids), minlength=len(names)) for name, ids in tables.items()}
    of_deals, of_repairs = codes(deal_ids), codes(repairs["deal_id"])
    told: dict[int, list] = {}
    alert_codes = codes(np.array([deal for deal, _ in alerts], np.int64)).tolist()
    for code, alert in zip(alert_codes, alerts, strict=True):
        told.setdefault(code, []).append(alert)
    for name, at in number.items():
        group = _figures(deals[of_deals == at], {key: int(count[at]) for key, count in counts.items()},
                         repairs["rung"][of_repairs == at], told.get(at, []))  # fmt: skip
        if group.deals or name != NO_LABEL:
            whole.groups[name] = group
    return whole


def _figures(deals: np.ndarray, counts: dict[str, int], rungs: np.ndarray, alerts: list[tuple[int, str]]) -> Tally:
    halted = deals["reason"][deals["outcome"] == HALTED]
    codes: dict[str, int] = {}
    for _, code in alerts:
        codes[code] = codes.get(code, 0) + 1
    return Tally(
        deals=len(deals), outcomes=_named(deals["outcome"], OUTCOMES), purposes=_named(deals["purpose"], PURPOSES),
        rungs=_named(rungs, RUNGS), halted=_named(halted, HALT_REASONS), alerts=dict(sorted(codes.items())),
        worst_naked_ns=int(deals["worst_naked_ns"].max(initial=0)),
        worst_residual_ubase=int(np.abs(deals["exposure_ubase"][deals["outcome"] != HALTED]).max(initial=0)), **counts,
    )  # fmt: skip


def _named(values: np.ndarray, names: tuple[str, ...]) -> dict[str, int]:
    found, counts = np.unique(values, return_counts=True)
    return {
        names[value] if 0 <= value < len(names) else str(value): count
        for value, count in zip(found.tolist(), counts.tolist(), strict=True)
    }
