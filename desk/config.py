"""The typed config of an engine: what a desk may change, every number with its unit in its name.

Decimals that must be exact (ticks, lot sizes, contract values) are strings. Missing means denied, zero is said.
"""

import msgspec

from desk.config_rules import Count, Limit, RuleSpec, Section


class EngineSpec(Section, kw_only=True):
    """How the engine runs. name: goes into ids of logs and folders."""

    name: str
    poll: str = "wait"  # "wait" or "busy"
    cpu: int = -1  # the core that the engine keeps to, and its helpers keep off; -1: wherever the kernel puts it
    timer_ms: int = 50
    sample_ms: int = 500  # spread and capital samples, rolling statistics
    ack_timeout_ms: int = 800  # an order without any report is in doubt after this
    circuit_rejects: int = 3  # so many rejects in a row of one contract, and nothing is sent there ...
    circuit_ms: int = 5_000  # ... for so long
    query_every_ms: int = 500  # how often an order in doubt is asked for, backing off
    stop_timeout_ms: int = 10_000  # how long a stop waits for terminal states and repair
    currency: str = "CNY"  # the reporting currency, in which pools are counted
    live_dir: str = ""  # of the live journal segment; empty: /dev/shm where there is one
    segment_mb: int = 64
    sync_ms: int = 1000  # the sealer's fdatasync cadence: what a power cut may cost
    mode: str = "live"  # live; shadow: decisions and verdicts, no orders
    max_day_loss: Limit = None  # of all strategies and accounts, in the reporting currency
    max_drawdown: Limit = "none"  # from the highest of the last drawdown_window_h hours
    drawdown_window_h: float = 24.0
    max_unbalanced: int = 0  # deals out of balance at once that still let an entry through
    max_naked_day_ms: int = 3_600_000  # naked time of a day, of all deals together


class ClockSpec(Section, kw_only=True):
    """Market time, for sessions and dated terms: base_utc at the start, then `speed` times real time.

    base_utc empty: market time is the wall clock.
    """

    base_utc: str = ""
    speed: float = 1.0


class CurrencySpec(Section, kw_only=True):
    """How a currency becomes the reporting one: by an FX instrument's quote, or at a stated fixed rate."""

    id: str
    instrument: str = ""
    fixed_rate: float = 0.0
    stated: str = ""  # why a fixed rate is right, for the reader
    max_exposure: Limit = None  # signed value of all positions in it, at their worst case; in the currency itself


class VenueSpec(Section, kw_only=True):
    """One venue. `settings` belongs to the protocol (FixSettings, DiffSettings)."""

    id: str
    protocol: str  # "fix44" or "diff"
    market: str  # "domestic" or "foreign"
    settings: dict
    max_silence_ms: int = 3000  # silence of the link that makes its quotes stale
    orders_per_s: int = 20
    order_burst: int = 40
    repair_reserve: int = 10  # messages of the burst that only repairs and cancels may use


class MarketSpec(Section, kw_only=True):
    """Limits of all positions in a market together, at their worst case, in the reporting currency."""

    id: str  # domestic, foreign
    max_gross: Limit = "none"
    max_net: Limit = "none"


class AccountSpec(Section, kw_only=True):
    """One trading account at a venue, in one currency, drawing on a pool. Money in its own currency.

    group: accounts that an exchange counts as one (实际控制关系账户组); default: the account alone.
    """

    id: str
    venue: str
    pool: str
    currency: str
    group: str = ""
    allow: list[str] | None = None  # instruments; default: those that name this account
    max_order_value: Limit = "none"
    max_working_orders: int = 50
    orders_per_s: int = 50
    order_burst: int = 100
    repair_reserve: int = 10  # messages of the burst that only repairs and cancels may use
    orders_a_day: Count = 20_000
    cancels_a_day: Count = 10_000
    trades_a_day: Count = 10_000
    day_reserve_pct: float = 5.0  # share of these that only repairs and cancels may use
    max_gross: Limit = "none"  # value of its positions at their worst case
    max_net: Limit = "none"
    warn_pct: float = 70.0  # of its capital, held and used
    soft_pct: float = 85.0
    hard_pct: float = 90.0
    max_day_loss: Limit = "none"
    max_drawdown: Limit = "none"


class PoolSpec(Section, kw_only=True):
    """资金池: capital in the reporting currency, and the use of it that warns, reduces and stops."""

    id: str
    capital: float
    warn_pct: float = 70.0
    soft_pct: float = 85.0
    hard_pct: float = 90.0
    policy: str = "shared"  # how strategies share it: shared, priority, pro_rata, reserve


class InstrumentSpec(Section, kw_only=True):
    """One contract. price_unit: "CNY/g"; lot_size: "1000 g"; for an inverse contract contract_value: "100 USD".

    reference_price: of an inverse contract, whose coins move with the price: where its lots are counted in base units.
    """

    id: str
    venue: str
    symbol: str
    exchange: str = ""
    kind: str = "linear"  # linear, inverse, fx
    account: str = ""  # empty: watched, never traded
    currency: str
    price_unit: str
    tick: str
    lot_size: str = ""
    contract_value: str = ""
    reference_price: str = ""
    lot_step: str = "1"  # what one lot is on the wire
    position_mode: str = "net"  # net, long_short, long_short_today
    calendar: str = "always"  # a name in configs/calendars.toml
    expires: str = ""  # ISO date, market time; empty: never
    margin_pct: float | None = None
    fee_per_lot: float | None = None  # in the instrument's currency; 0.0 is said, not assumed
    fee_bps: float = 0.0
    close_today_fee_per_lot: float | None = None  # 平今, where the exchange asks another fee for it
    close_today_fee_bps: float | None = None
    may_lock: bool = False  # 锁仓: open the opposite and leave today's lots, where that is cheaper than 平今
    upper_limit: str = ""  # 涨停 and 跌停 of the day, where no venue tells them
    lower_limit: str = ""
    max_age_ms: int = 5000
    max_width_bps: float = 50.0
    max_order_lots: int
    max_order_value: float  # in the instrument's currency
    max_position_lots: int
    collar_bps: float = 100.0  # whole, as all limits in basis points
    close_guard_s: int = 60  # no new risk within this of the session's end
    rules: str = ""  # the book of [[rules]] that its exchange goes by
    product: str = ""  # what its months have in common, such as au
    collar_ticks: Count = "none"  # beyond the far touch
    max_gross_lots: Count = "none"
    max_working_orders: int = 50
    margin_base: str = "last"  # last, settlement: the price that margin is counted on
    settlement: str = ""  # settlement price of the day before
    maintenance_pct: float | None = None  # default: margin_pct
    one_side: bool = False  # 单边大边: margin for the larger of long and short alone


class LegSpec(Section, kw_only=True):
    """One leg: lots a unit (signed), its weight in the price, and its weight in the hedge."""

    instrument: str
    ratio: int
    price_weight: float | None = None  # default: the sign of the ratio
    hedge_weight: float = 1.0


class TermSpec(Section, kw_only=True):
    """Dated terms of a spread, valid from a date until the next: taxes and duties on a leg, premium and other costs."""

    valid_from: str
    leg: str = ""  # the instrument that the percentages apply to
    vat_pct: float = 0.0
    duty_pct: float = 0.0
    premium: float = 0.0  # spread currency a base unit, added to the leg's landed price
    cost: float = 0.0  # spread currency a base unit, round trip, beside the fees of the instruments
    source: str = ""


class SpreadSpec(Section, kw_only=True):
    """A named relation of two or more legs, priced in `currency` a `unit`.

    density_kg_m3: kilograms a cubic metre; needed where one leg is sold by mass and another by volume.
    """

    id: str
    currency: str
    unit: str
    density_kg_m3: str = ""
    legs: list[LegSpec]
    terms: list[TermSpec] = []
    ratio_k: float = 1.0
    max_skew_ms: int = 5000
    residual_bound: float  # base units a deal may leave
    ledger_bound: float  # base units over all deals
    ledger_hedge: bool = True  # trade the residual away, in the leg with the smallest lot, when it is worth a lot of it
    max_slippage_bps: float = 20.0  # of a leg, FX included
    max_total_slippage_bps: float = 60.0  # of all legs together
    max_units: Count = "none"  # net, of all its strategies
    window: int = 120  # samples of the rolling mean and deviation


class StrategySpec(Section, kw_only=True):
    """One strategy on one spread. Prices in the spread's unit, or as z-scores or ratios where the kind says so."""

    id: str
    kind: str  # spread_cross, ratio_cross, python
    spread: str
    entry: float | None = None  # entry and exit: of every kind but python, which has levels of its own
    exit: float | None = None
    code: str = ""  # python: "package.module:function", a function of (engine.ports.View, parameters) alone
    parameters: dict[str, float] = {}  # python: what the function is handed
    center: float | None = None  # None: the rolling mean
    band: str = "price"  # price: difference or ratio from the center; z: multiples of the rolling deviation
    min_edge: float = 0.0  # after all costs
    rearm: float = 0.0  # hysteresis: how far back the signal must come before the next entry
    clip_units: int = 1
    max_units: int = 1
    cooldown_ms: int = 1000
    slippage_ticks: int = 2
    deadline_ms: int = 2000
    min_samples: int = 20
    dispatch: str = "concurrent"  # concurrent, lead_lag, arrival_aligned
    lead: str = ""  # lead_lag: the leg (best the illiquid one) that is sent first, alone; the others follow its fills
    far: str = ""  # arrival_aligned: the leg that is sent first, because its venue is farther away
    align_ms: float = 0.0  # arrival_aligned: by so much later the others are sent (the calibrated difference)
    at_close: str = "carry"  # what becomes of a position before a leg's market closes: carry, flatten
    flatten_s: int = 300  # flatten: so long before the close
    mode: str = "live"  # live; shadow: decisions and verdicts, no orders
    allow: list[str] | None = None  # instruments; default: its legs and proxies
    orders_per_s: int = 50
    order_burst: int = 100
    duplicate_window_ms: int = 50  # the same decision again within this is a duplicate ...
    max_duplicates: int = 0  # ... of which so many pass
    execution_window_ms: int = 10_000
    max_executions: int = 100  # in that window; one more disables the strategy until a person resumes it
    max_unbalanced: int = 0  # of its deals at once that still let an entry through
    max_naked_day_ms: int = 1_800_000
    max_day_loss: Limit = "none"  # in the reporting currency
    max_drawdown: Limit = "none"
    pool_weight: int = 1  # pro_rata: its share
    pool_priority: int = 0  # priority: the higher is served first
    pool_reserve: float = 0.0  # reserve: kept for it, in the reporting currency
    ramp: list["RampSpec"] = []
    repair: "RepairSpec"


class RampSpec(Section, kw_only=True):
    """A step of a gray release: the units it allows, and what has to be seen before the next one."""

    units: int
    min_deals: int = 0
    min_s: int = 0
    max_loss: Limit = "none"  # in the step, in the reporting currency: more, and it falls back


class ProxySpec(Section, kw_only=True):
    """What stands in for a leg that cannot be traded: another month, another venue.

    lot_base: base units of the spread in one lot of the proxy; needed where its lot size does not tell.
    """

    leg: str
    instrument: str
    hedge_weight: float = 1.0
    lot_base: float | None = None


class RepairSpec(Section, kw_only=True):
    """What to do with a part-filled deal. The ladder: lean, pay up, band, wider band, proxy, unwind, halt."""

    on_partial: str = "cheapest"  # complete, unwind, cheapest
    lean_ms: int = 0  # wait so long at the lean price, as a working order, before paying up
    lean_ticks: int = 0  # of the lean price, beyond the decision's
    retry_ms: int = 300  # pause between tries; it doubles while they are refused
    pay_up_ticks: list[int] = msgspec.field(default_factory=lambda: [1, 2, 4])
    band_bps: float = 30.0
    wide_band_bps: float = 0.0  # after the band; 0: no wider one
    lock_wait_ms: int = 0  # queue so long at a price limit (涨跌停) before another way is taken; 0: do not queue
    proxies: list[ProxySpec] = []
    max_tries: int = 6
    naked_limit_ms: int = 10_000
    risk_aversion: float = 1.0  # lambda of the expected cost of waiting


class HookSpec(Section, kw_only=True):
    """Where alerts go besides the journal: a command (the alert as JSON on stdin) or a webhook (POST of the JSON)."""

    command: list[str] = []
    url: str = ""
    level: str = "warn"


class HolidaySpec(Section, kw_only=True):
    """The weekdays without trading, by year; a year that is not listed is unknown, and closed.

    years: "2026" = ["01-01..01-02", "04-06"], month and day, ranges inclusive. early_closes: the day's end, and the
    dates that have it. no_nights: ISO dates or ranges whose evenings had no night section, beside those before a
    holiday.
    """

    source: str
    years: dict[str, list[str]]
    early_closes: dict[str, list[str]] = {}
    no_nights: list[str] = []


class CalendarSpec(Section, kw_only=True):
    """The sections of a market in its local time: "09:00-10:15"; one over midnight opens on the calendar day before.

    night: opens on the evening of the last trading day, unless a holiday lies between. holidays: a [holidays] name.
    """

    tz: str
    sections: list[str]
    night: str = ""
    holidays: str


class CalendarsConfig(Section, kw_only=True):
    """A file of session calendars. The calendar "always" needs no entry."""

    holidays: dict[str, HolidaySpec]
    calendars: dict[str, CalendarSpec]


class Config(Section, kw_only=True):
    """A whole engine."""

    engine: EngineSpec
    clock: ClockSpec = ClockSpec()
    include: list[str] = []  # files whose lists are joined to this one's, relative to it
    calendars: str = ""  # file of the session calendars, relative to this one; empty: the project's own
    currencies: list[CurrencySpec] = []
    venues: list[VenueSpec] = []
    accounts: list[AccountSpec] = []
    pools: list[PoolSpec] = []
    markets: list[MarketSpec] = []
    rules: list[RuleSpec] = []
    instruments: list[InstrumentSpec] = []
    spreads: list[SpreadSpec] = []
    strategies: list[StrategySpec] = []
    hooks: list[HookSpec] = []
