"""What a venue does to one order and to its reports: the faults of the leg-risk catalogue, as one typed value."""

from functools import lru_cache

import msgspec

from adapters.sim.faults import Fault

_NS_PER_MS = 1_000_000


_NOT_NEGATIVE = (
    "gap_ms", "delay_ms", "late_fill_ms", "bust_after_ms", "correct_after_ms", "amend_lots", "refuse_cancels",
    "fill_at_cancel_lots",
)  # fmt: skip


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """All that may happen to one order; the default is none of it. ValueError where parts do not go together.

    At the venue, in this order:
      lose_order: it never reaches the matching, and nobody says so.
      reject: refused with this reason. reject_late: only after it was accepted.
      amend_lots: the venue restates the quantity as it enters (F20), 0 for not.
      at_most_lots: so many lots trade at once, if the market has them; the rest is cancelled whatever its tif.
      stuck: what does not trade at once (at_most_lots, here 0 where it is None) stays working until it is cancelled.
      shared_trade_id: its first trade has the id of the venue's last one of the other side (F6).
      foreign_lots: somebody else trades so many lots of the account right after, at market; below 0 on the other side.

    When a cancel comes:
      refuse_cancels: so many cancels are refused, the order lives on.
      fill_at_cancel_lots: so many lots trade first (F1); a cancel of what is filled then is refused.

    Of its reports, all that are ever told (adapters.sim.tampering), the answers to queries after drop_reports too:
      drop_ack, drop_reports (all but answers to queries), delay_ms, duplicate, trade_before_ack,
      terminal_before_trade (F2), late_fill_ms (F3: told as cancelled, the trades follow so much later).
      gap_ms: so much later than the order's end its trades are told, or than the trades the rest (with
        terminal_before_trade, trade_before_ack). DIFF merges what is told within one round trip, so it needs a gap.
      reject_then_ack: REJECTED is told at once, then the truth (F4); with delay_ms so much later.

    Afterwards, FIX only (F21), so long after its entry, where it has traded by then:
      bust_after_ms: its last trade is undone.
      correct_after_ms: its last trade becomes correct_lots more (or less) at correct_ticks more.
    """

    reject: str = ""
    reject_late: bool = False
    lose_order: bool = False
    at_most_lots: int | None = None
    stuck: bool = False
    amend_lots: int = 0
    shared_trade_id: bool = False
    foreign_lots: int = 0
    refuse_cancels: int = 0
    fill_at_cancel_lots: int = 0
    drop_ack: bool = False
    drop_reports: bool = False
    delay_ms: float = 0.0
    duplicate: bool = False
    trade_before_ack: bool = False
    terminal_before_trade: bool = False
    gap_ms: float = 0.0
    late_fill_ms: float = 0.0
    reject_then_ack: bool = False
    bust_after_ms: float = 0.0
    correct_after_ms: float = 0.0
    correct_lots: int = 0
    correct_ticks: int = 0

    def __post_init__(self) -> None:
        if self.reject_late and not self.reject:
            raise ValueError("reject_late needs a reason, reject")
        if (self.correct_lots or self.correct_ticks) and not self.correct_after_ms:
            raise ValueError("correct_lots and correct_ticks need correct_after_ms")
        if self.gap_ms and self.terminal_before_trade == self.trade_before_ack:
            raise ValueError("gap_ms needs either terminal_before_trade or trade_before_ack")
        if self.correct_after_ms and not (self.correct_lots or self.correct_ticks):
            raise ValueError("correct_after_ms needs correct_lots or correct_ticks")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 0 or more")

    @property
    def needs_bust(self) -> bool:
        """Whether the protocol must be able to say a bust or a correction."""
        return bool(self.bust_after_ms or self.correct_after_ms)


NOTHING = Treatment()
# In the order in which they are applied: what changes the sequence first, what multiplies or delays it last.
_REPORT_FAULTS = (
    "drop_ack", "trade_before_ack", "terminal_before_trade", "late_fill_ms", "duplicate", "delay_ms", "drop_reports",
)  # fmt: skip


@lru_cache(4096)
def report_faults(treatment: Treatment) -> tuple[Fault, ...]:
    """The treatment of the reports as faults of the simulated venue's own kind."""
    faults = []
    for name in _REPORT_FAULTS:
        value = getattr(treatment, name)
        if value:
            faults.append(Fault(do=name, every=1, ms=value if name.endswith("_ms") else None))
    return tuple(faults)


def ns(ms: float) -> int:
    return round(ms * _NS_PER_MS)
