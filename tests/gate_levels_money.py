"""The levels of the gate, continued: meters of the day, naked time, losses, positions, exposure, margin, pools."""

import math

from engine.schema import (
    CANCELS,
    FREQUENT,
    LARGE,
    MESSAGES,
    OPENED_LOTS,
    ORDERS,
    QUOTAS,
    SELF_TRADES,
    TRADES,
    UNSET,
)
from tests import gate_levels
from tests.gate_group import NEXT, SAME, SECOND
from tests.gate_levels import Level, Unstated, lacks, meter_of, set_to
from tests.gate_world import AU, CN, FX, GC, US, judge, slot

MS = 1_000_000
BPS = 10_000
LARGEST_BPS = 10**7
DOMESTIC, FOREIGN = 0, 1


# meters
def meter(kind: str, quota: int, wanted: int):
    """At the limit less its reserve: done, held by live orders, reserved for repairs, and what the decision wants."""

    def arrange(state, step):
        row = meter_of(state, kind)
        row["limit"][quota], row["reserve"][quota] = 100, 10
        row["used"][quota], row["held"][quota], row["reserved"][quota] = 90 - wanted - 5 + step, 2, 3
        row["large_lots"] = 3

    return arrange


def _self_trades(state, step):
    """Five are the limit, and the last one is not for openings: four with the one that may come."""
    meter_of(state, "contract")["used"][SELF_TRADES] = 3 + step


def _held_sides(state) -> int:
    """Six short lots of the contract in two accounts, held or working to open; four more of the next month."""
    state.position[AU]["short_yesterday"], state.position[AU]["working_sell"] = 2, 1
    state.position[SAME]["short_today"] = 3
    # Of its five that are bid for, two close the two short; of the five asked for, one closes the only long.
    state.position[NEXT]["short_today"], state.position[NEXT]["closing_short_today"] = 2, 2
    state.position[NEXT]["working_buy"] = 5
    state.position[NEXT]["long_today"], state.position[NEXT]["closing_long_today"] = 3, 3
    state.position[NEXT]["working_sell"] = 5


def _position_limit(kind: str, others: int):
    def arrange(state, step):
        _held_sides(state)
        meter_of(state, kind)["max_position_lots"] = others + 3 - step

    return arrange


def _messages(state, trades: int, messages: int = 100):
    """So many messages with the decision's twelve, and the ten that are kept for repairs."""
    row = meter_of(state, "contract")
    row["reserve"][MESSAGES] = 10
    row["used"][MESSAGES], row["held"][MESSAGES], row["reserved"][MESSAGES] = messages - 12 - 10 - 5, 2, 3
    row["used"][TRADES] = trades
    return row


def _otr(trades: int, level_e2: int):
    def arrange(state, step):
        _messages(state, trades)["max_otr_e2"] = level_e2 - step

    return arrange


def _otr_from(state, step):
    row = _messages(state, 1)
    row["otr_from"], row["max_otr_e2"] = 100 - step, 0


def _tier(state, from_messages: int, from_otr_e2: int, max_fee: int) -> None:
    row = _messages(state, 2)  # a ratio of 50
    state.tier[row["tier_at"]] = 0, 0, 0
    state.tier[row["tier_at"] + 1] = from_messages, from_otr_e2, 7
    row["max_fee_micros"] = max_fee


# losses and naked time
def _loss(table: str, row: int):
    def arrange(state, step):
        one = state.head if table == "head" else getattr(state, table)[row]
        one["pnl_micros"], one["max_loss_micros"] = -100, 100 - step

    return arrange


def _drawdown(table: str, row: int):
    def arrange(state, step):
        one = state.head if table == "head" else getattr(state, table)[row]
        one["pnl_micros"], one["peak_micros"], one["max_drawdown_micros"] = -100, 50, 150 - step

    return arrange


def of_head(field: str, number: int, sign: int = 1):
    return lambda state, step: state.head.__setitem__(field, number + sign * step)


def _unbalanced(row_of):
    return lambda state, step: (
        row_of(state).__setitem__("unbalanced", 1 + step) or row_of(state).__setitem__("max_unbalanced", 1)
    )


def _unbalanced_all(state, step):
    state.head["unbalanced_deals"], state.head["max_unbalanced"] = 1 + step, 1


def _naked(row_of):
    def arrange(state, step):
        row_of(state)["naked_ns"], row_of(state)["max_naked_ns"] = (5 + step) * MS, 5 * MS

    return arrange


# positions and exposure
def _net_lots(state, step):
    state.instrument[AU]["max_position_lots"] = 7 - step
    state.position[AU]["short_yesterday"], state.position[AU]["working_sell"] = 3, 1


def _gross_lots(state, step):
    """Two short, one bid to open beside one that closes, one asked, three wanted."""
    row = state.position[AU]
    row["short_yesterday"], row["closing_short_yesterday"] = 2, 1
    row["working_buy"], row["working_sell"] = 2, 1
    state.instrument[AU]["max_gross_lots"] = 7 - step


def _units(field: str):
    def arrange(state, step):
        state.strategy[0]["position_units"] = -1
        state.strategy[0][field] = 2 - step

    return arrange


def _spread_units(state, step):
    state.strategy["position_units"][:2] = -1
    state.spread[0]["max_units"] = 3 - step


def value(state, at: int) -> int:
    """Of the decision's lots at their limit price."""
    leg = 0 if at == AU else 1
    decision = state.scratch["decision"][0]
    lots = abs(int(decision["lots"][leg]))
    return int(decision["limit_ticks"][leg]) * int(state.instrument[at]["tick_micros"]) * lots


def _exposure(table: str, row: int, name: str, sign: int = -1):
    """Of the first account and, for the market, of the second in the group too; AU is sold."""

    def arrange(state, step):
        state.account[CN][f"{name}_micros"], others = sign * 1_000, 0
        if table == "market":
            state.account[SECOND][f"{name}_micros"] = sign * (others := 500)
        getattr(state, table)[row][f"max_{name}_micros"] = 1_000 + others + value(state, AU) - step

    return arrange


def _foreign(state, step):
    """The value of the bought lot at the dear side of the rate, rounded up."""
    rate = 68_961 * float(state.instrument[FX]["tick"])
    state.market[FOREIGN]["max_net_micros"] = math.ceil(value(state, GC) * rate) - step


def _currency(state, step):
    state.account[US]["net_micros"] = 1_000
    state.currency[1]["max_exposure_micros"] = 1_000 + value(state, GC) - step


# margin and pools
def holds(state):
    judge(state)
    return state.scratch["hold_lot_micros"]


def margin(state, step):
    state.account[CN]["warn_bps"] = state.account[CN]["soft_bps"] = state.account[CN]["hard_bps"] = LARGEST_BPS
    state.account[CN]["capital_micros"] = 3 * int(holds(state)[0]) + 500 - step
    state.account[CN]["held_micros"], state.account[CN]["used_micros"] = 200, 300


def wanted_micros(state) -> int:
    """What the decision would hold, in the reporting currency; a bps of a capital of 10,000 is one micro."""
    state.pool[0]["capital_micros"] = BPS
    return slot(judge(state), 17)[0]


def capital_pool(state, step):
    wanted = wanted_micros(state)
    state.account["warn_bps"] = state.account["soft_bps"] = state.account["hard_bps"] = LARGEST_BPS
    state.pool[0]["capital_micros"], state.pool[0]["transit_micros"] = 10**13 + 10**12, 10**12
    state.account[CN]["used_micros"] = (8_500 + step) * 10**9 - wanted


def capital_account(state, step):
    lot = int(holds(state)[0])
    state.account[CN]["capital_micros"], state.account[CN]["transit_micros"] = 10**13, 10**12
    state.account[CN]["used_micros"] = (8_500 + step) * 10**9 - 3 * lot
    state.pool[0]["capital_micros"] = 10**15


def allocation(state, step):
    wanted = wanted_micros(state)
    state.pool[0]["capital_micros"] = 10**13
    state.strategy[0]["pool_used_micros"] = 700
    state.strategy[0]["allocated_micros"] = wanted + 700 - step


# Six orders and cancels a leg: three slices, three tries of repair. Six lots are opened at the most: three, and three
# for a repair; six trades.
LEVELS = [
    *gate_levels.LEVELS,
    *(Level(8, f"{QUOTAS[quota]}, {kind}", meter(kind, quota, wanted))
      for kind in ("contract", "account") for quota, wanted in ((ORDERS, 6), (CANCELS, 6), (TRADES, 6))),
    Level(9, "contract", meter("contract", FREQUENT, 6)),
    Level(10, "contract", meter("contract", LARGE, 6)),
    Level(11, "self-trades", _self_trades),
    Level(12, "opened, contract", meter("contract", OPENED_LOTS, 6)),
    Level(12, "opened, product", meter("product", OPENED_LOTS, 6)),
    Level(12, "held, contract", _position_limit("contract", 6)),
    Level(12, "held, product", _position_limit("product", 6 + 2 + 2)),
    Level(15, "net lots", _net_lots),
    Level(15, "gross lots", _gross_lots),
    Level(15, "strategy", _units("max_units")),
    Level(15, "ramp", _units("cap_units")),
    Level(15, "spread", _spread_units),
    Level(15, "account, gross", _exposure("account", CN, "gross", 1)),
    Level(15, "account, net", _exposure("account", CN, "net")),
    Level(15, "market, gross", _exposure("market", DOMESTIC, "gross", 1)),
    Level(15, "market, net", _exposure("market", DOMESTIC, "net")),
    Level(15, "market abroad", _foreign),
    Level(16, "account", margin),
    Level(17, "pool", capital_pool, at=True),
    Level(17, "account", capital_account, at=True),
    Level(17, "allocation", allocation),
    *(Level(18, f"loss, {table}", _loss(table, row)) for table, row in
      (("strategy", 0), ("account", US), ("head", 0))),
    *(Level(18, f"drawdown, {table}", _drawdown(table, row)) for table, row in
      (("strategy", 0), ("account", CN), ("head", 0))),
    Level(19, "ratio", _otr(2, 5_000)),
    Level(19, "ratio, rounded up", _otr(3, 3_334)),
    Level(19, "ratio without a trade", _otr(0, 10_000)),
    Level(19, "messages from which it is asked", _otr_from),
    Level(19, "fee", lambda state, step: _tier(state, 100, 5_000, 7 - step)),
    Level(19, "messages of a tier", lambda state, step: _tier(state, 101 - step, 0, 6)),
    Level(19, "ratio of a tier", lambda state, step: _tier(state, 0, 5_001 - step, 6)),
    Level(27, "deals of all", _unbalanced_all),
    Level(27, "deals of the strategy", _unbalanced(lambda state: state.strategy[0])),
    Level(27, "naked time of all", _naked(lambda state: state.head)),
    Level(27, "naked time of the strategy", _naked(lambda state: state.strategy[0])),
    Level(28, "residual", set_to("spread", 0, "ledger_bound_ubase", 110_347_680)),
    Level(28, "currency", _currency),
]  # fmt: skip


def level_of(number: int) -> Level:
    """The first scope of a control."""
    return next(one for one in LEVELS if one.number == number)


def lacks_meter(kind: str, field: str, quota: int | None = None):
    def forget(state):
        row = meter_of(state, kind)
        if quota is None:
            row[field] = UNSET
        else:
            row[field][quota] = UNSET

    return forget


def lacks_all(field: str):
    return lambda state: state.head.__setitem__(field, UNSET)


def _lacks_pnl(table: str, row: int, field: str = "pnl_micros"):
    """A limit is stated, and what it is to be compared with is not known."""

    def forget(state):
        one = getattr(state, table)[row]
        one["max_loss_micros"] = one["max_drawdown_micros"] = 10**12
        one[field] = UNSET

    return forget


def _unmarked(table: str, row: int, field: str):
    def forget(state):
        getattr(state, table)[row][field] = 10**18
        state.account[CN]["unmarked"] = 1

    return forget


def _unmarked_elsewhere(state):
    """In an account of the currency that is neither a leg's nor of its pool."""
    state.account[SECOND]["unmarked"], state.account[SECOND]["pool"] = 1, 1
    state.currency[0]["max_exposure_micros"] = 10**18


def _large(state):
    row = meter_of(state, "contract")
    row["large_lots"] = UNSET


def _allotted(state):
    state.strategy[0]["allocated_micros"], state.strategy[0]["pool_used_micros"] = 10**15, UNSET


UNSTATED = [
    *gate_levels.UNSTATED,
    *(Unstated(8, f"{QUOTAS[quota]}, {kind}", lacks_meter(kind, "limit", quota))
      for kind in ("contract", "account") for quota in (ORDERS, CANCELS, TRADES)),
    Unstated(8, "the exchange's rules", lambda state: state.instrument[GC].__setitem__("contract", -1)),
    Unstated(9, "limit", lacks_meter("contract", "limit", FREQUENT)),
    Unstated(9, "whether an IOC's rest counts", lacks_meter("contract", "ioc_counts")),
    Unstated(10, "limit", lacks_meter("contract", "limit", LARGE)),
    Unstated(10, "lots of a large one", _large),
    Unstated(11, "self-trades", lacks_meter("contract", "limit", SELF_TRADES)),
    Unstated(12, "opened, contract", lacks_meter("contract", "limit", OPENED_LOTS)),
    Unstated(12, "opened, product", lacks_meter("product", "limit", OPENED_LOTS)),
    Unstated(12, "held, contract", lacks_meter("contract", "max_position_lots")),
    Unstated(12, "held, product", lacks_meter("product", "max_position_lots")),
    Unstated(15, "net lots", lacks("instrument", GC, "max_position_lots")),
    Unstated(15, "gross lots", lacks("instrument", GC, "max_gross_lots")),
    Unstated(15, "units of the strategy", lacks("strategy", 0, "max_units")),
    Unstated(15, "step of the ramp", lacks("strategy", 0, "cap_units")),
    Unstated(15, "units of the spread", lacks("spread", 0, "max_units")),
    *(Unstated(15, f"{field} of the {table}", lacks(table, row, f"max_{field}_micros"))
      for table, row in (("account", US), ("market", FOREIGN)) for field in ("gross", "net")),
    *(Unstated(15, f"a mark: {field} of the {table}", _unmarked(table, 0, f"max_{field}_micros"))
      for table in ("account", "market") for field in ("gross", "net")),
    Unstated(16, "capital", lacks("account", US, "capital_micros")),
    Unstated(16, "margin rate", lacks("instrument", AU, "margin_bps")),
    Unstated(16, "fee", lacks("instrument", GC, "fee_micros")),
    Unstated(16, "a mark", lambda state: state.account[US].__setitem__("unmarked", 1)),
    Unstated(17, "capital of the pool", lacks("pool", 0, "capital_micros")),
    Unstated(17, "allocation", lacks("strategy", 0, "allocated_micros")),
    Unstated(17, "use of the pool", _allotted),
    *(Unstated(18, f"{what} of the {table}", lacks(table, row, f"max_{what}_micros"))
      for table, row in (("strategy", 0), ("account", CN)) for what in ("loss", "drawdown")),
    Unstated(18, "loss of all", lacks_all("max_loss_micros")),
    Unstated(18, "drawdown of all", lacks_all("max_drawdown_micros")),
    Unstated(18, "profit of all", lacks_all("pnl_micros")),
    Unstated(18, "profit of the strategy", _lacks_pnl("strategy", 0)),
    Unstated(18, "profit of an account", _lacks_pnl("account", US)),
    Unstated(18, "peak of the strategy", _lacks_pnl("strategy", 0, "peak_micros")),
    Unstated(19, "ratio", lacks_meter("contract", "max_otr_e2")),
    Unstated(19, "fee", lacks_meter("contract", "max_fee_micros")),
    Unstated(27, "deals of all", lacks_all("max_unbalanced")),
    Unstated(27, "deals of the strategy", lacks("strategy", 0, "max_unbalanced")),
    Unstated(27, "naked time of all", lacks_all("max_naked_ns")),
    Unstated(27, "naked time of the strategy", lacks("strategy", 0, "max_naked_ns")),
    Unstated(28, "ledger bound", lacks("spread", 0, "ledger_bound_ubase")),
    Unstated(28, "exposure in a currency", lacks("currency", 1, "max_exposure_micros")),
    Unstated(28, "a mark in another account", _unmarked_elsewhere),
]  # fmt: skip
