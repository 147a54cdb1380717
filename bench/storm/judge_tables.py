"""What the judge remembers while it walks a journal: tables of rows, hash maps as arrays, and what it found."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.storm.columns import Columns
from engine.jit import njit
from engine.records import CANCEL, DEAL, DECISION, FILL, MAX_LEGS, ORDER, QUERY, SCOPES

MAX_FOUND = 20_000  # breaches told one by one; more are only counted
MAX_LIVE = 1024  # live orders an instrument

# risk: lots that may still trade or have: all of it while it is alive or in doubt, what traded once it is certainly
# terminal. cancel: NONE, ASKED, or QUERIED since.
ORDER_ROW = np.dtype([
    ("order_no", "<i8"), ("decision", "<i8"), ("deal", "<i8"), ("leg", "<i8"), ("instrument", "<i8"), ("side", "<i8"),
    ("lots", "<i8"), ("total_lots", "<i8"), ("limit_ticks", "<i8"), ("cum", "<i8"), ("booked", "<i8"),
    ("terminal", "<i8"), ("in_doubt", "<i8"), ("settled", "<i8"), ("cancel", "<i8"),
    # Of its cancel, in the day's quota: a large one, kept when it was sent, still to come, counted.
    ("tif", "<i8"), ("large", "<i8"), ("kept", "<i8"), ("alive", "<i8"), ("counted", "<i8"),
])  # fmt: skip

# bought, sold: cumulative, as the venue says. bought_risk, sold_risk: at their worst. filled: the trades booked.
DEAL_ROW = np.dtype([
    ("deal_id", "<i8"), ("strategy", "<i8"), ("spread", "<i8"), ("purpose", "<i8"), ("legs", "<i8"),
    ("instrument", "<i8", (MAX_LEGS,)), ("target", "<i8", (MAX_LEGS,)), ("hedge", "<i8", (MAX_LEGS,)),
    ("bought", "<i8", (MAX_LEGS,)), ("sold", "<i8", (MAX_LEGS,)), ("bought_risk", "<i8", (MAX_LEGS,)),
    ("sold_risk", "<i8", (MAX_LEGS,)), ("filled", "<i8", (MAX_LEGS,)), ("orders", "<i8"), ("unsettled", "<i8"),
    ("in_doubt", "<i8"), ("unknown_hedge", "<i8"), ("late_ubase", "<i8"),
    ("repair_seq", "<i8"), ("repair_open", "<i8"), ("repair_purpose", "<i8"), ("repair_lots", "<i8", (MAX_LEGS,)),
    ("repair_from", "<i8", (MAX_LEGS,)), ("repairs", "<i8"),
    ("records", "<i8"), ("last_seq", "<i8"), ("state", "<i8"), ("outcome", "<i8"), ("reason", "<i8"),
    ("resolution", "<i8"), ("exposure_ubase", "<i8"), ("naked_ns", "<i8"), ("worst_naked_ns", "<i8"),
    ("naked_base_ns", "<i8"), ("booked", "<i8", (MAX_LEGS,)), ("recorded_legs", "<i8"), ("since_ns", "<i8"),
    ("own_naked_ns", "<i8"), ("dead_at_ns", "<i8"), ("since_dead_ns", "<i8"), ("halted", "<i8"), ("by_hand", "<i8"),
    ("ledger_ubase", "<i8"), ("tries", "<i8"),
])  # fmt: skip

DECISION_ROW = np.dtype([
    ("decision_id", "<i8"), ("deal", "<i8"), ("purpose", "<i8"), ("cleared", "<i8"), ("legs", "<i8"),
    ("instrument", "<i8", (MAX_LEGS,)), ("lots", "<i8", (MAX_LEGS,)), ("limit_ticks", "<i8", (MAX_LEGS,)),
    ("sent", "<i8", (MAX_LEGS,)),
])  # fmt: skip

# A contract's trading day, of frequent and of large cancels. used: counted; killed: of these a kill's. live: orders
# whose cancel may still come; kept: of these such as had one left for certain. section: of its calendar.
# off: by how much the engine's word was other at its last record.
QUOTA_ROW = np.dtype([
    ("used", "<i8", (2,)), ("killed", "<i8", (2,)), ("live", "<i8", (2,)), ("kept", "<i8", (2,)), ("day", "<i8"),
    ("section", "<i8"), ("off", "<i8", (2,)),
])  # fmt: skip


def _source() -> str:
    """Hash of the judge's compiled files. As a field's name it makes an edit of any of them a new type, since numba's
    cache sees only edits of the file that is called first (engine.jit looks at the house's files, not at bench)."""
    files = sorted(Path(__file__).parent.glob("judge_*.py"))
    return hashlib.blake2b(b"".join(path.read_bytes() for path in files), digest_size=8).hexdigest()


# dead_ns: time in which no engine ran. event, event_lots: of the input at hand where it is a REPORT, else -1; killing:
# whether it is a kill. timed: switches that are to end by themselves; forced: a stop or a full journal holds all shut.
# date: market day; next_turn_ns: when a trading day may end, market time. relimited: the limits are others by now.
WALK = np.dtype([
    ("epoch", "<i8"), ("now_ns", "<i8"), ("dead_ns", "<i8"), ("ordered", "<i8"),
    ("event", "<i8"), ("event_lots", "<i8"), ("killing", "<i8"), ("timed", "<i8"), ("forced", "<i8"), ("deals", "<i8"),
    ("orders", "<i8"), ("decisions", "<i8"), ("halts", "<i8"), ("clock_base_ns", "<i8"),
    ("clock_start_ns", "<i8"), ("clock_speed_milli", "<i8"), ("date", "<i8"), ("next_turn_ns", "<i8"),
    ("relimited", "<i8"), (f"source_{_source()}", "<i8"),
])  # fmt: skip


class Rules(NamedTuple):
    """What a journal is judged by, from its CONFIG record and the caller: arrays for the compiled walk."""

    venue: np.ndarray  # of an instrument
    account: np.ndarray  # of an instrument, -1 for none
    market: np.ndarray  # of a venue
    hedge: np.ndarray  # [spread, leg] base units a lot, millionths
    inverse: np.ndarray  # [spread, leg] ticks at which `hedge` is so; 0.0: it does not move with the price
    proxy_hedge: np.ndarray  # [spread, instrument], 0: not known
    bound: np.ndarray  # [spread] residual bound of a deal
    naked_ns: np.ndarray  # [strategy] limit and slack
    may_refuse: np.ndarray  # [control] whether it may refuse a repair
    cancels: np.ndarray  # [1] most cancels an instrument and day
    lock_cancels: np.ndarray  # [1] most cancels in one lock at the price limit
    quota: np.ndarray  # [meter] `judge_rules.QUOTA_RULE`
    meter: np.ndarray  # of an instrument, -1 for none
    first_meter: np.ndarray  # [1] how many meters of accounts lie before them in the journal
    closes: np.ndarray  # [calendar, section] market time, NEVER_NS behind the last
    days: np.ndarray  # [calendar, section] trading day, counted from 1970; -1: by the date
    tries: np.ndarray  # [strategy] of a repair


class Tables(NamedTuple):
    """The walk's memory."""

    walk: np.ndarray
    orders: np.ndarray
    deals: np.ndarray
    decisions: np.ndarray
    found: np.ndarray  # row 0: how many; then code, seq, deal_id, three numbers
    halts: np.ndarray  # seq, deal_id, cause_seq of every turn to HALTED
    order_keys: np.ndarray
    order_at: np.ndarray
    deal_keys: np.ndarray
    deal_at: np.ndarray
    decision_keys: np.ndarray
    decision_at: np.ndarray
    id_keys: np.ndarray
    id_at: np.ndarray
    trade_keys: np.ndarray
    trade_at: np.ndarray
    links: np.ndarray  # [venue, channel]
    switches: np.ndarray  # [scope, index]
    untils: np.ndarray  # [scope, index] when it ends by itself; 0: never
    live: np.ndarray  # [instrument, place]
    live_count: np.ndarray
    day: np.ndarray  # [instrument] market day of the cancels counted
    day_cancels: np.ndarray
    locked: np.ndarray
    lock_cancels: np.ndarray
    residual: np.ndarray  # [spread]
    quotas: np.ndarray  # [meter] QUOTA_ROW


def made(columns: Columns, rules: Rules, venues: int, scopes: int) -> Tables:
    """Empty tables with room for all that a journal holds."""
    count = columns.count
    decisions, orders, fills = count(DECISION), count(ORDER), count(FILL)
    instruments = len(rules.venue)
    walk = np.zeros(1, WALK)
    walk["event"] = -1
    return Tables(
        walk, np.zeros(orders + 1, ORDER_ROW), np.zeros(decisions + 1, DEAL_ROW),
        np.zeros(decisions + 1, DECISION_ROW), np.zeros((MAX_FOUND + 1, 6), np.int64),
        np.zeros((count(DEAL) + 1, 3), np.int64),
        *_map(orders), *_map(decisions), *_map(decisions), *_map(orders + count(CANCEL) + count(QUERY)), *_map(fills),
        np.zeros((venues, 2), np.int64), *np.zeros((2, len(SCOPES), scopes + 1), np.int64),
        np.zeros((instruments, MAX_LIVE), np.int64), np.zeros(instruments, np.int64),
        np.full(instruments, -(2**62), np.int64), np.zeros(instruments, np.int64), np.zeros(instruments, np.int64),
        np.zeros(instruments, np.int64), np.zeros(len(rules.bound), np.int64),
        np.zeros(len(rules.quota), QUOTA_ROW),
    )  # fmt: skip


def _map(count: int) -> tuple[np.ndarray, np.ndarray]:
    size = 1 << max(4, (2 * count).bit_length())
    return np.zeros(size, np.int64), np.zeros(size, np.int64)


@njit
def place(keys, key):
    """Where a key lies in a hash map, or the empty place for it. Keys are not 0."""
    mask = len(keys) - 1
    mixed = key ^ (key >> 32)
    at = ((mixed * 0x9E3779B97F4A7C1) >> 20) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + 1) & mask
    return at


@njit
def find(keys, values, key):
    """The value of a key, -1 where it has none."""
    if key == 0:
        return -1
    at = place(keys, key)
    return values[at] if keys[at] == key else -1


@njit
def put(keys, values, key, value):
    """Set a key's value; whether the key is new."""
    if key == 0:
        return True
    at = place(keys, key)
    new = keys[at] == 0
    keys[at], values[at] = key, value
    return new
