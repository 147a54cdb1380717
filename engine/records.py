"""The journal's records: one header, one dtype a kind. Journal, replay, report and tests share this page.

All numbers are little-endian. `_ns` are engine nanoseconds, `_ticks` and `_lots` whole steps of the record's
instrument, `_micros` millionths of a currency unit, `_ubase` millionths of a base unit (gram, pound, barrel, coin),
`_bps` 1/10,000. Instruments, spreads, strategies, venues, accounts and pools appear by index; the CONFIG record of the
journal holds their names in order.
"""

import numpy as np

MAX_LEGS = 4
CONTROLS = 28  # of the gate, numbered 1 to 28; slot = number - 1

# `seq` is the commit word: it is stored last, and a reader stops at the first record whose seq is not the next one.
# `cause_seq` is the input that led to an output. `size` counts payload bytes; records start on multiples of 8.
HEADER = np.dtype([
    ("seq", "<i8"), ("now_ns", "<i8"), ("cause_seq", "<i8"), ("kind", "<u2"), ("flags", "<u2"), ("size", "<u4"),
])  # fmt: skip

# Inputs: what the world told the engine. Replay feeds these, and nothing else, through the same loop.
START, CONFIG, QUOTE, REPORT, LINK, TIMER, COMMAND, ACCOUNT, POSITION, BAD_INPUT, BAND, LIMITS = range(1, 13)
# Outputs: what the engine made of it. Replay must make the same, byte for byte.
(
    DECISION,
    VERDICT,
    ORDER,
    CANCEL,
    QUERY,
    ORDER_STATE,
    FILL,
    DEAL,
    REPAIR,
    LEDGER,
    ALERT,
    CAPITAL,
    SPREAD,
    METER,
    STAND,
    ALLOCATION,
    KILL,
    RAMP,
    PNL,
) = range(32, 51)
# Asides: what was measured while doing it. Not compared.
STAMPS, SENT, LOG = range(64, 67)

FIRST_OUTPUT, FIRST_ASIDE = 32, 64

KIND_NAMES = {
    START: "start", CONFIG: "config", QUOTE: "quote", REPORT: "report", LINK: "link", TIMER: "timer",
    COMMAND: "command", ACCOUNT: "account", POSITION: "position", BAD_INPUT: "bad input", BAND: "band",
    LIMITS: "limits", METER: "meter", STAND: "stand", ALLOCATION: "allocation", KILL: "kill", RAMP: "ramp", PNL: "pnl",
    DECISION: "decision",
    VERDICT: "verdict", ORDER: "order", CANCEL: "cancel", QUERY: "query", ORDER_STATE: "order state", FILL: "fill",
    DEAL: "deal", REPAIR: "repair", LEDGER: "ledger", ALERT: "alert", CAPITAL: "capital", SPREAD: "spread",
    STAMPS: "stamps", SENT: "sent", LOG: "log",
}  # fmt: skip

# A start of the engine. market time = clock_base_ns + (now - clock_start_ns) * clock_speed_milli / 1000.
START_DTYPE = np.dtype([
    ("epoch", "<i8"), ("config_hash", "S32"), ("clock_base_ns", "<i8"), ("clock_start_ns", "<i8"),
    ("clock_speed_milli", "<i8"), ("version", "S16"),
])  # fmt: skip

QUOTE_DTYPE = np.dtype([
    ("instrument", "<i4"), ("flags", "<u4"), ("bid_ticks", "<i8"), ("bid_lots", "<i8"), ("ask_ticks", "<i8"),
    ("ask_lots", "<i8"), ("venue_ns", "<i8"), ("venue_seq", "<i8"),
])  # fmt: skip

REPORT_DTYPE = np.dtype([
    ("venue", "<i4"), ("instrument", "<i4"), ("order_no", "<i8"), ("event", "<i4"), ("side", "<i4"),
    ("cum_lots", "<i8"), ("leaves_lots", "<i8"), ("total_lots", "<i8"), ("last_lots", "<i8"), ("last_ticks", "<i8"),
    ("venue_ns", "<i8"), ("client_id", "S32"), ("venue_order_id", "S32"), ("trade_id", "S48"), ("reason", "S120"),
])  # fmt: skip

LINK_DTYPE = np.dtype([("venue", "<i4"), ("channel", "<i4"), ("state", "<i4"), ("pad", "<i4"), ("why", "S120")])

# The engine's beat. late_ns: how long after its planned time it came.
TIMER_DTYPE = np.dtype([("late_ns", "<i8")])

# code: COMMAND_*. choice: of COMMAND_RESOLVE a RESOLVE_*, of a switch its level, a SCOPE_*. scope: a deal, or the index
# of what the switch covers; -1 for all. until_ns: when a switch ends by itself, 0: never. Of COMMAND_TRANSIT and
# COMMAND_ARRIVED choice is the account that money leaves, scope the one that it goes to; amount_micros of the latter's
# currency. Of COMMAND_KILL choice 1 stops repairs too.
COMMAND_DTYPE = np.dtype([
    ("code", "<i4"), ("choice", "<i4"), ("scope", "<i8"), ("until_ns", "<i8"), ("amount_micros", "<i8"),
    ("who", "S32"), ("why", "S120"),
])  # fmt: skip
(COMMAND_STOP, COMMAND_HALT, COMMAND_REDUCE, COMMAND_RESUME, COMMAND_NO_ROOM, COMMAND_RESOLVE, COMMAND_KILL,
 COMMAND_TRANSIT, COMMAND_ARRIVED) = range(1, 10)  # fmt: skip
SCOPE_ALL, SCOPE_VENUE, SCOPE_ACCOUNT, SCOPE_STRATEGY, SCOPE_SPREAD, SCOPE_MARKET = range(6)
SCOPES = ("all", "venue", "account", "strategy", "spread", "market")
# A person's decision on a Halted deal. RETRY: repair goes on, with fresh tries and a fresh naked limit. ACCEPT: the
# lots stay; their exposure goes to the residual ledger. BY_HAND: a person has traded them elsewhere, the venue's word
# on the positions is taken over.
UNRESOLVED, RESOLVE_RETRY, RESOLVE_ACCEPT, RESOLVE_BY_HAND = range(4)
RESOLUTIONS = ("", "retry", "accept", "by-hand")

ACCOUNT_DTYPE = np.dtype([
    ("account", "<i4"), ("pad", "<i4"), ("balance_micros", "<i8"), ("available_micros", "<i8"),
    ("margin_micros", "<i8"),
])  # fmt: skip

POSITION_DTYPE = np.dtype([
    ("instrument", "<i4"), ("pad", "<i4"), ("long_today", "<i8"), ("long_yesterday", "<i8"), ("short_today", "<i8"),
    ("short_yesterday", "<i8"),
])  # fmt: skip

# The price limits (涨跌停) of a contract's day, as its venue tells them.
BAND_DTYPE = np.dtype([("instrument", "<i4"), ("pad", "<i4"), ("lower_ticks", "<i8"), ("upper_ticks", "<i8")])

# LIMITS carries JSON: {"version", "who", "why", "changes": [{"key", "old", "new"}], "config": the whole new one}.
# BAD_INPUT, ALERT, CONFIG and LOG carry UTF-8 JSON: {"venue", "what", "raw" (hex, first 256 bytes)} and
# {"level": "info"|"warn"|"error", "code", "what", "numbers": {...}, "do", "deal"?}.

# Purpose: why a decision is taken. ENTRY and EXIT come from a strategy, LEDGER_HEDGE from the residual ledger, REHEDGE
# and UNWIND from repair.
ENTRY, EXIT, LEDGER_HEDGE, REHEDGE, UNWIND = range(5)
PURPOSES = ("entry", "exit", "ledger hedge", "re-hedge", "unwind")

# lots are signed (+ buys). ref_ticks: the touch that the decision saw; limit_ticks: the worst price allowed.
# signal, executable, center, threshold, cost: spread prices (or ratios) as floats, in the spread's own unit.
DECISION_DTYPE = np.dtype([
    ("decision_id", "<i8"), ("deal_id", "<i8"), ("strategy", "<i4"), ("spread", "<i4"), ("side", "<i4"),
    ("purpose", "<i4"), ("legs", "<i4"), ("slippage_ticks", "<i4"), ("tif", "<i4"), ("pad", "<i4"), ("units", "<i8"),
    ("deadline_ns", "<i8"),
    ("signal", "<f8"), ("executable", "<f8"), ("center", "<f8"), ("threshold", "<f8"), ("cost", "<f8"),
    ("instrument", "<i4", (MAX_LEGS,)), ("lots", "<i8", (MAX_LEGS,)), ("ref_ticks", "<i8", (MAX_LEGS,)),
    ("limit_ticks", "<i8", (MAX_LEGS,)),
])  # fmt: skip

# Level of one control in a verdict. OFF: not asked for this purpose. MISSING: an input was not known, so Denied.
OFF, PASS, WARN, SOFT, DENY, MISSING = range(6)
LEVELS = ("off", "pass", "warn", "soft", "deny", "missing")

# reason: number of the control that denied, 0 if Cleared. leg: of the reason, -1 if it is not a leg's.
VERDICT_DTYPE = np.dtype([
    ("decision_id", "<i8"), ("deal_id", "<i8"), ("cleared", "<i4"), ("reason", "<i4"), ("leg", "<i4"),
    ("orders", "<i4"), ("limits_version", "<i8"), ("observed", "<i8", (CONTROLS,)), ("limit", "<i8", (CONTROLS,)),
    ("level", "<u1", (CONTROLS + 4,)),
])  # fmt: skip

ORDER_DTYPE = np.dtype([
    ("order_no", "<i8"), ("decision_id", "<i8"), ("deal_id", "<i8"), ("leg", "<i4"), ("instrument", "<i4"),
    ("side", "<i4"), ("offset", "<i4"), ("tif", "<i4"), ("purpose", "<i4"), ("lots", "<i8"), ("limit_ticks", "<i8"),
    ("hold_micros", "<i8"),
])  # fmt: skip

# CANCEL and QUERY: request_no is the fresh id that the message itself carries.
REQUEST_DTYPE = np.dtype([("order_no", "<i8"), ("deal_id", "<i8"), ("request_no", "<i8")])

NO_EVENT = -1  # the engine itself moved the order: time passed, or its link broke
ORDER_STATE_DTYPE = np.dtype([
    ("order_no", "<i8"), ("deal_id", "<i8"), ("event", "<i4"), ("state", "<i4"), ("in_doubt", "<i4"),
    ("settled", "<i4"), ("cum_lots", "<i8"), ("booked_lots", "<i8"), ("total_lots", "<i8"),
])  # fmt: skip

# side: of the order. lots: never negative; with FILL_BUST they are taken back. flags: FILL_*.
FILL_DTYPE = np.dtype([
    ("order_no", "<i8"), ("deal_id", "<i8"), ("instrument", "<i4"), ("leg", "<i4"), ("side", "<i4"),
    ("offset", "<i4"), ("purpose", "<i4"), ("flags", "<i4"), ("lots", "<i8"), ("ticks", "<i8"), ("venue_ns", "<i8"),
    ("trade_id", "S48"),
])  # fmt: skip
FILL_BUST, FILL_LATE = 1, 2

# Life of a Deal, and how it ended.
OPENING, REPAIRING, CLOSED = range(3)
DEAL_STATES = ("opening", "repairing", "closed")
NO_OUTCOME, COMPLETE, UNWOUND, PARTIAL_BALANCED, HALTED, NOT_DONE = range(6)
OUTCOMES = ("open", "complete", "unwound", "partial_balanced", "halted", "not_done")

# One record a change. exposure_ubase: signed, hedge-weighted; low/high: its interval while an order is in doubt.
# naked_ns: summed so far. done_units: balanced units. reason: HALT_* for HALTED, else 0; resolution: what a person made
# of it. legs: the spread's, and behind them the proxies that repair has used; instrument: -1 where there is no leg.
DEAL_DTYPE = np.dtype([
    ("deal_id", "<i8"), ("strategy", "<i4"), ("spread", "<i4"), ("side", "<i4"), ("state", "<i4"),
    ("outcome", "<i4"), ("reason", "<i4"), ("purpose", "<i4"), ("repairs", "<i4"), ("resolution", "<i4"),
    ("legs", "<i4"), ("instrument", "<i4", (MAX_LEGS,)), ("units", "<i8"), ("done_units", "<i8"),
    ("exposure_ubase", "<i8"), ("low_ubase", "<i8"), ("high_ubase", "<i8"),
    ("naked_ns", "<i8"), ("opened_ns", "<i8"), ("closed_ns", "<i8"), ("booked_lots", "<i8", (MAX_LEGS,)),
    ("target_lots", "<i8", (MAX_LEGS,)),
])  # fmt: skip
HALT_REASONS = (
    "", "naked limit reached", "repair tries exhausted", "order in doubt too long", "no price to repair at",
    "stopped by a person", "repair refused by the gate", "the venue never told of all its trades",
    "a market of it is closed", "its contract is locked at the price limit",
    "news of it after a person had traded it by hand",
)  # fmt: skip
(HALT_NAKED, HALT_TRIES, HALT_DOUBT, HALT_NO_PRICE, HALT_STOPPED, HALT_DENIED, HALT_TRADES, HALT_CLOSED, HALT_LOCKED,
 HALT_LATE) = range(1, 11)  # fmt: skip

# The ladder of repair: what was chosen, and both costs, in the reporting currency, micros; NO_COST where there was no
# price. LEAN waits at the lean price as a working order; HOLD_OFF sends nothing, reason says why.
LEAN, PAY_UP, CROSS_BAND, WIDE, PROXY, UNWIND_RUNG, HALT, HOLD_OFF = range(8)
RUNGS = ("lean", "pay up", "cross to band", "wider band", "proxy", "unwind", "halt", "hold off")
HOLD_REASONS = (
    "", "no price", "own quote in the way", "circuit open", "leg in doubt", "market closed",
)  # fmt: skip
HOLD_PRICE, HOLD_OWN_QUOTE, HOLD_CIRCUIT, HOLD_DOUBT, HOLD_CLOSED = range(1, 6)
NO_COST = 2**62
REPAIR_DTYPE = np.dtype([
    ("deal_id", "<i8"), ("rung", "<i4"), ("attempt", "<i4"), ("purpose", "<i4"), ("reason", "<i4"),
    ("cost_complete_micros", "<i8"), ("cost_unwind_micros", "<i8"), ("cost_proxy_micros", "<i8"),
    ("exposure_ubase", "<i8"), ("lots", "<i8", (MAX_LEGS,)), ("limit_ticks", "<i8", (MAX_LEGS,)),
])  # fmt: skip

# The residual ledger of a spread, after a deal was added to it.
LEDGER_DTYPE = np.dtype([
    ("spread", "<i4"), ("pad", "<i4"), ("deal_id", "<i8"), ("change_ubase", "<i8"), ("residual_ubase", "<i8"),
    ("bound_ubase", "<i8"),
])  # fmt: skip

# A sample of a pool (account -1) or of an account, on the journalled timer; pools in the reporting currency.
CAPITAL_DTYPE = np.dtype([
    ("pool", "<i4"), ("account", "<i4"), ("capital_micros", "<i8"), ("held_micros", "<i8"), ("used_micros", "<i8"),
    ("use_bps", "<i8"),
])  # fmt: skip

# A sample of a spread on the journalled timer. valid: SPREAD_* bits that stop trading, 0 if none.
SPREAD_DTYPE = np.dtype([
    ("spread", "<i4"), ("blocked", "<u4"), ("diff", "<f8"), ("buy", "<f8"), ("sell", "<f8"), ("ratio", "<f8"),
    ("mean", "<f8"), ("sd", "<f8"), ("buy_units", "<i8"), ("sell_units", "<i8"), ("oldest_ns", "<i8"),
    ("position_units", "<i8"), ("residual_ubase", "<i8"), ("opportunities", "<i8"),
])  # fmt: skip
# Why a spread has no tradable price: any leg (or FX rate) of it ...
NO_QUOTE, GAP, CROSSED, ONE_SIDED, STALE, CLOSED_MARKET, SKEWED = 1, 2, 4, 8, 16, 32, 64
BLOCKED_NAMES = {
    NO_QUOTE: "no quote yet", GAP: "sequence gap", CROSSED: "crossed", ONE_SIDED: "one-sided", STALE: "stale",
    CLOSED_MARKET: "market closed", SKEWED: "legs too far apart in time",
}  # fmt: skip

# One meter (a row of the METER table) as it stands, on the timer where it has changed. order: `engine.schema.QUOTAS`.
METER_DTYPE = np.dtype([
    ("meter", "<i4"), ("pad", "<i4"), ("trading_day", "<i8"), ("used", "<i8", (8,)), ("held", "<i8", (8,)),
    ("reserved", "<i8", (8,)), ("limit", "<i8", (8,)), ("reserve", "<i8", (8,)),
    ("next_fee_micros", "<i8"),  # of the next message; UNSET: not stated
])  # fmt: skip

# Why a strategy does not decide now, on the timer where it has changed: STAND_*. value and bound: what it saw, and what
# it would have needed, in the unit of the reason.
STAND_DTYPE = np.dtype([
    ("strategy", "<i4"), ("reason", "<i4"), ("blocked", "<i4"), ("switch", "<i4"), ("value", "<f8"), ("bound", "<f8"),
])  # fmt: skip
(STAND_READY, STAND_SWITCH, STAND_PRICE, STAND_SAMPLES, STAND_CLOSE, STAND_DEAL, STAND_COOLDOWN, STAND_SIGNAL,
 STAND_EDGE, STAND_ARMED, STAND_LIMIT, STAND_SIZE, STAND_CODE) = range(13)  # fmt: skip
STANDS = (
    "ready", "switch", "price blocked", "too few samples", "close is near", "a deal is open", "cooling down",
    "signal inside the band", "edge too small", "not armed again yet", "position is full", "nothing to trade against",
    "a Python strategy decides",
)  # fmt: skip

# What of a pool a strategy is allotted, what it uses of it, in the reporting currency; on the timer where it changed.
ALLOCATION_DTYPE = np.dtype([
    ("pool", "<i4"), ("strategy", "<i4"), ("allocated_micros", "<i8"), ("used_micros", "<i8"),
])  # fmt: skip

# A kill at one venue: how many orders there were, what became of them, ns from the word to the last answer (0: not all
# have been answered). left: alive or in doubt when it was written.
KILL_DTYPE = np.dtype([
    ("venue", "<i4"), ("asked", "<i4"), ("cancelled", "<i4"), ("filled", "<i4"), ("left", "<i4"), ("over", "<i4"),
    ("began_ns", "<i8"), ("last_ns", "<i8"),
])  # fmt: skip

# A step of a strategy's ramp (gray release): caps its units. change: +1 stepped up, -1 fell back, 0 as it began.
RAMP_DTYPE = np.dtype([
    ("strategy", "<i4"), ("step", "<i4"), ("change", "<i4"), ("pad", "<i4"), ("cap_units", "<i8"),
])  # fmt: skip

# Profit and loss of the day, with open lots at their mark; strategy -1: of an account, both -1: of all. An account's in
# its currency, else in the reporting currency.
PNL_DTYPE = np.dtype([
    ("strategy", "<i4"), ("account", "<i4"), ("pnl_micros", "<i8"), ("peak_micros", "<i8"),
])  # fmt: skip

# The way of one decision. Hop h of decision d took stamp[h] - stamp[h-1]; 0 where a hop was not reached.
HOPS = (
    "venue_ns", "recv_ns", "parsed_ns", "booked_ns", "priced_ns", "decided_ns", "cleared_ns", "journaled_ns",
    "sent_a_ns", "sent_b_ns", "sent_all_ns", "spare_ns",
)  # fmt: skip
STAMPS_DTYPE = np.dtype([("decision_id", "<i8"), ("deal_id", "<i8"), ("stamp", "<i8", (len(HOPS),))])

# One write of an order, cancel or query: status is `engine.ports` WRITTEN, QUEUED or FAILED.
SENT_DTYPE = np.dtype([("order_no", "<i8"), ("deal_id", "<i8"), ("kind", "<i4"), ("status", "<i4"), ("sent_ns", "<i8"),
                       ("bytes", "<i8")])  # fmt: skip

DTYPES = {
    START: START_DTYPE, QUOTE: QUOTE_DTYPE, REPORT: REPORT_DTYPE, LINK: LINK_DTYPE, TIMER: TIMER_DTYPE,
    COMMAND: COMMAND_DTYPE,
    ACCOUNT: ACCOUNT_DTYPE, POSITION: POSITION_DTYPE, BAND: BAND_DTYPE, METER: METER_DTYPE, STAND: STAND_DTYPE,
    ALLOCATION: ALLOCATION_DTYPE, KILL: KILL_DTYPE, RAMP: RAMP_DTYPE, PNL: PNL_DTYPE,
    DECISION: DECISION_DTYPE, VERDICT: VERDICT_DTYPE,
    ORDER: ORDER_DTYPE, CANCEL: REQUEST_DTYPE, QUERY: REQUEST_DTYPE, ORDER_STATE: ORDER_STATE_DTYPE, FILL: FILL_DTYPE,
    DEAL: DEAL_DTYPE, REPAIR: REPAIR_DTYPE, LEDGER: LEDGER_DTYPE, CAPITAL: CAPITAL_DTYPE, SPREAD: SPREAD_DTYPE,
    STAMPS: STAMPS_DTYPE, SENT: SENT_DTYPE,
}  # fmt: skip
JSON_KINDS = frozenset({CONFIG, BAD_INPUT, ALERT, LOG, LIMITS})
