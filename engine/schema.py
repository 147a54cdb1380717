"""The trading state: every table, field by field. One block of memory; a snapshot is its bytes.

The block starts with the HEAD row, which says where each table begins (`at_*`, byte offsets from the block) and how
many rows it has (`n_*`). Nothing in it is an address, so equal inputs make equal bytes. Units as in `engine.records`.
"""

import numpy as np

from engine.records import DECISION_DTYPE, MAX_LEGS, ORDER_DTYPE, QUOTE_DTYPE, STAMPS_DTYPE, VERDICT_DTYPE

MAX_DECISIONS = 16  # that one quote can cause
MAX_SLICES = 3  # orders a leg: close yesterday's, close today's, open
MAX_ORDERS = MAX_LEGS * MAX_SLICES

# Switch of a scope: what may still be sent.
ACTIVE, REDUCE_ONLY, HALTED = range(3)
SWITCHES = ("active", "reduce only", "halted")

UNSET = -(2**62)  # an integer that nobody has stated: never a number to compute with
NO_LIMIT = 2**62  # a limit of which somebody has stated that there is none

DOMESTIC, FOREIGN = range(2)
MARKETS = ("domestic", "foreign")

# What is metered through a trading day, by account, by contract and by product of an account group.
# CANCELS: that we ask for. FREQUENT, LARGE: what the exchange counts as one (频繁报撤单, 大额撤单).
ORDERS, CANCELS, FREQUENT, LARGE, TRADES, SELF_TRADES, OPENED_LOTS, MESSAGES = range(8)
QUOTAS = (
    "orders", "cancels", "frequent cancels", "large cancels", "trades", "self-trades", "opened lots", "messages",
)  # fmt: skip
OF_ACCOUNT, OF_CONTRACT, OF_PRODUCT = range(3)
METER_KINDS = ("account", "contract", "product")

# What margin is counted on: the last mark, or the settlement price of the day before.
MARGIN_LAST, MARGIN_SETTLEMENT = range(2)
MARGIN_BASES = ("last", "settlement")

# How a pool's capital is shared out between the strategies that draw on it.
SHARED, PRIORITY, PRO_RATA, RESERVE = range(4)
POOL_POLICIES = ("shared", "priority", "pro_rata", "reserve")

# A token bucket of messages: in millionths of a message.
BUCKET = [
    ("tokens", "<i8"), ("tokens_max", "<i8"), ("tokens_per_s", "<i8"),
    ("tokens_reserve", "<i8"),  # which openings may not touch
    ("tokens_ns", "<i8"),  # when the bucket was last filled
]  # fmt: skip
# Profit and loss of the day with what is open at its mark, the highest it has been, and what of it is allowed.
LOSS = [
    ("pnl_micros", "<i8"),  # UNSET: something in it has no price or rate
    ("peak_micros", "<i8"), ("max_loss_micros", "<i8"), ("max_drawdown_micros", "<i8"),
]  # fmt: skip

MARKET = np.dtype([
    ("switch", "<i8"),
    ("max_gross_micros", "<i8"), ("max_net_micros", "<i8"),  # of positions at their worst case, reporting currency
], align=True)  # fmt: skip

VENUE = np.dtype([
    ("link", "<i8", (2,)),  # of market data, of trading: engine.ports DOWN, CONNECTED, READY
    ("heard_ns", "<i8", (2,)),  # last journalled sign of life
    ("max_silence_ns", "<i8"),
    ("switch", "<i8"),
    ("in_doubt", "<i8"),  # orders whose state nobody knows
    ("market", "<i8"),
    *BUCKET,
], align=True)  # fmt: skip

ACCOUNT = np.dtype([
    ("venue", "<i8"), ("pool", "<i8"), ("currency", "<i8"),
    ("capital_micros", "<i8"),  # the venue's balance; UNSET before the first snapshot
    ("held_micros", "<i8"),  # sum of the holds of its orders
    ("used_micros", "<i8"),  # margin of its positions
    ("maintenance_micros", "<i8"),  # of it, what must be there at any time
    ("transit_micros", "<i8"),  # sent to it and not yet arrived: neither here nor there
    ("switch", "<i8"),
    ("meter", "<i8"),  # its row in METER
    ("live_orders", "<i8"), ("max_working_orders", "<i8"), ("max_order_micros", "<i8"),
    ("gross_micros", "<i8"), ("net_micros", "<i8"),  # value of its positions at their worst case
    ("max_gross_micros", "<i8"), ("max_net_micros", "<i8"),
    ("drifts", "<i8"),  # contracts whose position differs from the venue's
    ("unmarked", "<i8"),  # contracts with lots and no mark yet: what they use and are worth is not known
    ("warn_bps", "<i8"), ("soft_bps", "<i8"), ("hard_bps", "<i8"),
    ("level", "<i8"),  # last one alerted: records PASS, WARN, SOFT, DENY
    *BUCKET,
    *LOSS,
], align=True)  # fmt: skip

POOL = np.dtype([
    ("capital_micros", "<i8"), ("warn_bps", "<i8"), ("soft_bps", "<i8"), ("hard_bps", "<i8"),
    ("level", "<i8"),  # last one alerted: records PASS, WARN, SOFT, DENY
    ("policy", "<i8"),  # SHARED, PRIORITY, PRO_RATA, RESERVE
    ("transit_micros", "<i8"),  # between its accounts, in the reporting currency: not to be drawn on; UNSET: not known
], align=True)  # fmt: skip

CURRENCY = np.dtype([
    ("instrument", "<i8"),  # whose quote turns it into the reporting currency; -1: fixed rate
    ("fixed_rate", "<f8"),
    ("max_exposure_micros", "<i8"),  # of positions valued in it, signed sum at its worst case; of the currency itself
], align=True)  # fmt: skip

INSTRUMENT = np.dtype([
    ("venue", "<i8"), ("account", "<i8"), ("currency", "<i8"), ("kind", "<i8"), ("position_mode", "<i8"),
    ("tick", "<f8"),  # in price units
    ("tick_micros", "<i8"),  # value of one tick of one lot (linear); of one lot (inverse: contract value)
    ("margin_bps", "<i8"), ("fee_micros", "<i8"),  # a lot; UNSET: not stated
    ("fee_e7", "<i8"),  # of the notional, ten-millionths
    ("max_order_lots", "<i8"), ("max_order_micros", "<i8"), ("max_position_lots", "<i8"), ("collar_bps", "<i8"),
    ("max_age_ns", "<i8"), ("max_width_bps", "<i8"),
    ("fee_today_micros", "<i8"), ("fee_today_e7", "<i8"),  # of closing today's lots (平今)
    ("may_lock", "<i8"),  # 锁仓: today's lots may be left and the opposite opened, where that is cheaper
    ("lower_limit_ticks", "<i8"), ("upper_limit_ticks", "<i8"),  # 涨跌停 of the day; UNSET: none known
    ("expires_ns", "<i8"),  # market time
    ("open_ns", "<i8"), ("close_ns", "<i8"),  # the session section that holds now, market time; UNSET: closed
    ("close_guard_ns", "<i8"),
    ("touch_at", "<i8"), ("touch_n", "<i8"),  # its rows in TOUCH
    ("banded", "<i8"),  # its exchange has daily price limits: trading without them is denied
    ("collar_ticks", "<i8"),  # beyond the far touch
    ("max_gross_lots", "<i8"), ("max_working_orders", "<i8"),
    ("margin_base", "<i8"), ("settlement_ticks", "<i8"),  # the settlement price of the day before
    ("maintenance_bps", "<i8"),
    ("one_side", "<i8"),  # 单边大边: margin for the larger of its long and short lots alone
    ("permitted", "<i8"),  # on the allow-list of its account; UNSET: there is none
    ("contract", "<i8"), ("product", "<i8"),  # its rows in METER; -1: nothing is known of its exchange's rules
    ("next_of_contract", "<i8"), ("next_of_product", "<i8"),  # another instrument of that row; -1: the last
    # remembered
    ("live_orders", "<i8"),
    ("trading_day", "<i8"),  # YYYYMMDD of the section that holds or comes next; 0: its market has none
    ("rejects", "<i8"),  # by the venue, in a row
    ("broken_until_ns", "<i8"),  # circuit break: nothing is sent here before
    ("lock_cancels", "<i8"),  # cancels in the price-limit lock that holds now
], align=True)  # fmt: skip

BOOK = np.dtype([
    ("bid_ticks", "<i8"), ("bid_lots", "<i8"), ("ask_ticks", "<i8"), ("ask_lots", "<i8"), ("venue_ns", "<i8"),
    ("recv_ns", "<i8"), ("venue_seq", "<i8"),
    ("blocked", "<i8"),  # records NO_QUOTE, GAP, CROSSED, ONE_SIDED, CLOSED_MARKET; staleness is judged at use
    ("updates", "<i8"), ("gaps", "<i8"), ("flags", "<i8"),
    ("taken_bid_lots", "<i8"), ("taken_ask_lots", "<i8"),  # of the sizes shown, what our own orders went for since
], align=True)  # fmt: skip

POSITION = np.dtype([
    ("long_today", "<i8"), ("long_yesterday", "<i8"), ("short_today", "<i8"), ("short_yesterday", "<i8"),
    ("working_buy", "<i8"), ("working_sell", "<i8"),  # lots of live or in-doubt orders, at their worst case
    ("closing_long_today", "<i8"), ("closing_long_yesterday", "<i8"),  # promised to live close orders
    ("closing_short_today", "<i8"), ("closing_short_yesterday", "<i8"),
    ("used_micros", "<i8"),  # margin of the position at the last mark
    ("own_bid_ticks", "<i8"), ("own_ask_ticks", "<i8"),  # best limits of our own live orders; UNSET: none
    ("mark_ticks", "<i8"),  # its last mark; 0: none yet
    ("maintenance_micros", "<i8"),
    ("gross_micros", "<i8"), ("net_micros", "<i8"),  # value at the worst case, as last added to its account's
    ("cash_micros", "<i8"),  # what the day's trades paid and cost, fees included; lots that were there at its mark then
    ("unpriced", "<i8"),  # lots were taken over before there was a mark: the next one sets their price
    ("unmarked", "<i8"),  # it has lots and no mark
], align=True)  # fmt: skip

SPREAD = np.dtype([
    ("legs", "<i8"),
    ("instrument", "<i8", (MAX_LEGS,)),
    ("fx", "<i8", (MAX_LEGS,)),  # instrument whose quote converts the leg's price; -1: none
    ("ratio", "<i8", (MAX_LEGS,)),  # lots a unit, signed
    ("weight", "<f8", (MAX_LEGS,)),  # signed; of one tick, in leg currency a base unit (before FX)
    ("landed", "<f8", (MAX_LEGS,)),  # the fixed rate of the leg's currency where fx is -1, else 1
    ("hedge_ubase", "<i8", (MAX_LEGS,)),  # base units a lot x hedge weight; 0: inverse, at the decision's price
    ("hedge_weight", "<f8", (MAX_LEGS,)),
    ("fee_micros", "<i8", (MAX_LEGS,)),  # of a round trip of one lot, in the leg's currency
    ("fee_e7", "<i8", (MAX_LEGS,)),  # of a round trip, of the notional
    ("unit_ubase", "<i8"),  # base units of the first leg in one unit
    ("premium", "<f8"), ("cost", "<f8"),  # spread currency a base unit: added to the difference; a round trip's cost
    ("ratio_k", "<f8"),
    ("max_skew_ns", "<i8"), ("residual_bound_ubase", "<i8"), ("ledger_bound_ubase", "<i8"),
    ("max_slippage_bps", "<i8"),  # a leg
    ("max_total_slippage_bps", "<i8"),  # all legs
    ("max_units", "<i8"),  # net, of all its strategies
    ("switch", "<i8"),
    ("strategy_at", "<i8"), ("strategy_n", "<i8"),  # its rows in STRATEGY
    # priced
    ("blocked", "<i8"), ("diff", "<f8"), ("buy", "<f8"), ("sell", "<f8"), ("ratio_mid", "<f8"), ("ratio_buy", "<f8"),
    ("ratio_sell", "<f8"), ("second_mid", "<f8"), ("fee", "<f8"),
    ("buy_units", "<i8"), ("sell_units", "<i8"), ("oldest_ns", "<i8"), ("newest_ns", "<i8"),
    # rolling statistics of the difference [0] and of the ratio [1]: Welford over a ring of samples
    ("window", "<i8"), ("ring_at", "<i8"), ("ring_next", "<i8"), ("samples", "<i8"),
    ("mean", "<f8", (2,)), ("m2", "<f8", (2,)), ("sd", "<f8", (2,)),
    # remembered
    ("open_deals", "<i8"), ("residual_ubase", "<i8"),
    ("hedge_leg", "<i8"),  # whose lots hedge the residual ledger: the smallest lot; -1: the ledger is not hedged
    ("hedge_next_ns", "<i8"),  # not tried again before
], align=True)  # fmt: skip

RING = np.dtype([("value", "<f8", (2,))], align=True)

TOUCH = np.dtype([("spread", "<i8")], align=True)

STRATEGY = np.dtype([
    ("kind", "<i8"), ("spread", "<i8"), ("band", "<i8"), ("fixed_center", "<i8"),
    ("entry", "<f8"), ("exit", "<f8"), ("center", "<f8"), ("min_edge", "<f8"), ("rearm", "<f8"),
    ("clip_units", "<i8"), ("max_units", "<i8"), ("cooldown_ns", "<i8"), ("slippage_ticks", "<i8"),
    ("deadline_ns", "<i8"), ("min_samples", "<i8"), ("switch", "<i8"),
    ("dispatch", "<i8"),  # CONCURRENT, LEAD_LAG, ALIGNED
    ("lead_leg", "<i8"),  # LEAD_LAG: sent first, alone. ALIGNED: the far leg, sent first
    ("align_ns", "<i8"),  # ALIGNED: by so much later the other legs are sent
    ("flatten_ns", "<i8"),  # so long before a leg's close the position is exited; -1: it is carried over
    ("shadow", "<i8"),  # decides, and sends nothing
    ("duplicate_window_ns", "<i8"), ("max_duplicates", "<i8"),
    ("execution_window_ns", "<i8"), ("execution_at", "<i8"), ("execution_n", "<i8"),  # its rows in EXECUTION
    ("stake_at", "<i8"), ("stake_n", "<i8"),  # its rows in STAKE: what it may trade
    ("max_unbalanced", "<i8"), ("max_naked_ns", "<i8"),
    ("repair_tries", "<i8"),  # what a deal of it may need: reserved in the meters while it is open
    ("weight", "<i8"), ("priority", "<i8"), ("reserve_micros", "<i8"),  # in the sharing of its pool
    # remembered
    ("cap_units", "<i8"),  # of the ramp (gray release); NO_LIMIT: none
    ("allocated_micros", "<i8"),  # of its pool, in the reporting currency; NO_LIMIT: not shared out; UNSET: not known
    ("pool_used_micros", "<i8"),  # what it uses of its pool, as of allocated_micros; UNSET: not known
    ("duplicate_key", "<i8"), ("duplicate_ns", "<i8"), ("duplicates", "<i8"),
    ("execution_next", "<i8"), ("executions", "<i8"),
    ("unbalanced", "<i8"), ("naked_ns", "<i8"),  # deals out of balance now; naked time of the day
    *BUCKET,
    *LOSS,
    ("position_units", "<i8"),  # bought minus sold units of the spread
    ("open_deals", "<i8"), ("last_decision_ns", "<i8"),
    ("armed", "<i8", (2,)),  # buy side, sell side
    ("opportunities", "<i8"), ("opportunity_open", "<i8"),  # episodes in which an entry's conditions held
], align=True)  # fmt: skip

# What a strategy may trade, and what it has of it: lots by its own deals, and what they paid and cost (as of POSITION).
STAKE = np.dtype([
    ("strategy", "<i8"), ("instrument", "<i8"), ("lots", "<i8"), ("cash_micros", "<i8"),
], align=True)  # fmt: skip

EXECUTION = np.dtype([("at_ns", "<i8")], align=True)  # when a strategy's last decisions were Cleared, a ring each

# What was used of a trading day's quotas. used: done, and counted. held: what live orders may still use. reserved: what
# open deals may need for their repair. reserve: the share of the limit that no opening may touch.
METER = np.dtype([
    ("kind", "<i8"),  # OF_ACCOUNT, OF_CONTRACT, OF_PRODUCT
    ("first", "<i8"),  # its first instrument; -1: none
    ("trading_day", "<i8"),  # YYYYMMDD of the counts
    ("used", "<i8", (len(QUOTAS),)), ("held", "<i8", (len(QUOTAS),)), ("reserved", "<i8", (len(QUOTAS),)),
    ("limit", "<i8", (len(QUOTAS),)), ("reserve", "<i8", (len(QUOTAS),)),
    ("large_lots", "<i8"),  # a cancelled order of so many is a large one
    ("ioc_counts", "<i8"),  # an unfilled rest of an IOC order is a cancel
    ("max_position_lots", "<i8"),  # 持仓限额, one side
    ("max_otr_e2", "<i8"), ("otr_from", "<i8"),  # messages a trade x 100, asked for from so many messages on
    ("tier_at", "<i8"), ("tier_n", "<i8"),  # its rows in TIER
    ("max_fee_micros", "<i8"),  # of the next message (申报费)
], align=True)  # fmt: skip

# A step of a message fee: what a message costs from so many of a day and so many a trade (x 100) on.
TIER = np.dtype([("from_messages", "<i8"), ("from_otr_e2", "<i8"), ("fee_micros", "<i8")], align=True)

CONCURRENT, LEAD_LAG, ALIGNED = range(3)
DISPATCHES = ("concurrent", "lead_lag", "arrival_aligned")

# Life of a LegOrder; knowledge is `in_doubt`, a field of its own.
CREATED, SENT_STATE, WORKING, CANCEL_SENT, FILLED, CANCELLED, REJECTED = range(7)
ORDER_STATES = ("created", "sent", "working", "cancel sent", "filled", "cancelled", "rejected")

ORDER = np.dtype([
    ("order_no", "<i8"), ("decision_id", "<i8"), ("deal_id", "<i8"), ("leg", "<i8"), ("instrument", "<i8"),
    ("side", "<i8"), ("offset", "<i8"), ("tif", "<i8"), ("purpose", "<i8"), ("lots", "<i8"), ("limit_ticks", "<i8"),
    ("state", "<i8"), ("in_doubt", "<i8"), ("cum_lots", "<i8"), ("booked_lots", "<i8"), ("settled", "<i8"),
    ("working_lots", "<i8"),  # what of it counts in its position's worst case
    ("hold_micros", "<i8"),  # what is left of its hold
    ("hold_lot_micros", "<i8"),  # a lot
    ("sent_ns", "<i8"),  # the input's time that caused the send
    ("asked_ns", "<i8"), ("asked", "<i8"),  # last query, and how many since it was in doubt
    ("doubted", "<i8"),  # was ever in doubt
    ("cancel_ns", "<i8"),
    ("deadline_ns", "<i8"),  # when what still works is cancelled
    ("release_ns", "<i8"),  # of a CREATED order: when it is sent; 0: when the leading leg has ended
    ("strategy", "<i8"),
    ("cancels_held", "<i8"),  # 1: its own cancel, held in the meters until it is used or not needed; -1: none was left
    ("open_held", "<i8"), ("trades_held", "<i8"),  # lots held in the meters
    # How it was sent: its lots, and those of them that open; and the lots that the meters have counted as opened.
    ("made_lots", "<i8"), ("opening_lots", "<i8"), ("opened_lots", "<i8"),
    ("large", "<i8"),  # its cancel is a large one (大额撤单), as it was when it was made
], align=True)  # fmt: skip

DEAL = np.dtype([
    ("deal_id", "<i8"), ("strategy", "<i8"), ("spread", "<i8"), ("side", "<i8"), ("purpose", "<i8"),
    ("units", "<i8"), ("state", "<i8"), ("outcome", "<i8"), ("reason", "<i8"), ("done_units", "<i8"),
    ("legs", "<i8"),
    ("instrument", "<i8", (MAX_LEGS,)), ("ref_ticks", "<i8", (MAX_LEGS,)),
    ("target_lots", "<i8", (MAX_LEGS,)), ("booked_lots", "<i8", (MAX_LEGS,)),
    ("hedge_ubase", "<i8", (MAX_LEGS,)),  # base units a lot, at the decision's price
    ("executable", "<f8"), ("edge", "<f8"),
    ("orders", "<i8"),  # sent for it and not settled
    ("alive", "<i8"),  # of these, what may still trade: not terminal, or in doubt
    ("untold_ns", "<i8"),  # since when nothing is alive and yet trades are missing; 0: none are
    ("in_doubt", "<i8"), ("fills", "<i8"),  # trades booked, ever
    ("exposure_ubase", "<i8"), ("low_ubase", "<i8"), ("high_ubase", "<i8"),
    ("repairs", "<i8"), ("next_repair_ns", "<i8"), ("spread_legs", "<i8"),  # legs beyond these are proxies
    ("fails", "<i8"),  # repairs refused in a row: the pause before the next one grows
    ("queued", "<i8"),  # it has waited in a price-limit queue, or is waiting
    ("resolution", "<i8"),
    ("reserved", "<i8"),  # the meters of its legs keep room for its repair
    ("large_legs", "<i8"),  # bits: legs whose repair may need large cancels, as it was when it was opened
    ("granted_ns", "<i8"),  # naked time that no longer counts against the limit: repair was begun anew after a halt
    ("opened_ns", "<i8"), ("closed_ns", "<i8"), ("naked_ns", "<i8"), ("naked_since_ns", "<i8"),
], align=True)  # fmt: skip

# What one compiled call leaves for Python: decisions to gate, the verdict, the orders to send, the stamps.
SCRATCH = np.dtype([
    ("quote", QUOTE_DTYPE),
    ("decisions", "<i8"),
    ("decision", DECISION_DTYPE, (MAX_DECISIONS,)),
    ("verdict", VERDICT_DTYPE),
    ("hold_lot_micros", "<i8", (MAX_LEGS,)),  # what an opened lot of each leg holds
    ("opening_lots", "<i8", (MAX_LEGS,)),  # what each leg opens
    # Of each leg at its limit price: the value of its lots, without a sign, and of what it opens.
    ("value_micros", "<i8", (MAX_LEGS,)), ("opening_micros", "<i8", (MAX_LEGS,)),
    # Of each leg's account, contract and product: its meter, -1 where there is none or an earlier leg has the same one,
    # and what all legs of it come to together.
    ("meter", "<i8", (MAX_LEGS, 3)), ("meter_legs", "<i8", (MAX_LEGS, 3)), ("meter_lots", "<i8", (MAX_LEGS, 3)),
    ("meter_opening", "<i8", (MAX_LEGS, 3)), ("meter_large", "<i8", (MAX_LEGS, 3)),
    ("order", ORDER_DTYPE),
    ("orders", "<i8"), ("order_slot", "<i8", (MAX_ORDERS,)),
    ("stamps", STAMPS_DTYPE),
    ("eager", "<i8"),  # the first decision of a quote is decided in the call that takes the quote ...
    ("launched", "<i8"), ("made", "<i8"),  # ... and was, with so many orders
    ("board", "<i8"),  # address of this process's `engine.frames.BOARD`; 0: no bytes are made
    ("clock_offset_ns", "<i8"),  # from CLOCK_MONOTONIC to engine time, of this process; 0: quotes are not stamped
], align=True)  # fmt: skip

TABLES = {
    "market": MARKET, "venue": VENUE, "account": ACCOUNT, "pool": POOL, "currency": CURRENCY, "instrument": INSTRUMENT,
    "book": BOOK,
    "position": POSITION, "spread": SPREAD, "ring": RING, "touch": TOUCH, "strategy": STRATEGY, "stake": STAKE,
    "execution": EXECUTION, "meter": METER, "tier": TIER, "order": ORDER, "deal": DEAL, "scratch": SCRATCH,
}  # fmt: skip

HEAD = np.dtype([
    ("size", "<i8"),
    *[(f"at_{name}", "<i8") for name in TABLES],
    *[(f"n_{name}", "<i8") for name in TABLES],
    ("now_ns", "<i8"),  # of the last input
    ("clock_base_ns", "<i8"), ("clock_start_ns", "<i8"), ("clock_speed_milli", "<i8"),
    ("epoch", "<i8"), ("order_counter", "<i8"), ("decision_counter", "<i8"),
    ("switch", "<i8"), ("limits_version", "<i8"),
    ("quotes", "<i8"), ("quotes_blocked", "<i8"), ("decisions", "<i8"), ("cleared", "<i8"), ("denied", "<i8"),
    ("orders_sent", "<i8"), ("live_orders", "<i8"), ("live_deals", "<i8"), ("unbalanced_deals", "<i8"),
    ("no_room", "<i8"),  # the journal is nearly full: no more samples
    ("shadow", "<i8"),  # decisions and verdicts, no orders
    ("max_unbalanced", "<i8"), ("max_naked_ns", "<i8"), ("naked_ns", "<i8"),  # of all strategies
    ("trading_day", "<i8"),  # YYYYMMDD of the engine's own counts: market time's date in UTC
    *LOSS,
], align=True)  # fmt: skip
