"""How a state of the gate's twin test is brought to the level of one control in one scope: at it, under it, over it.

An aim is a function of (shaker, probe, leg): the probe is the twin's own view of the state as it is, which knows what
the control would observe. `near` puts a limit, or a count, a step from there.
"""

from engine.schema import (
    CANCELS,
    FREQUENT,
    LARGE,
    MARGIN_SETTLEMENT,
    NO_LIMIT,
    OPENED_LOTS,
    ORDERS,
    SELF_TRADES,
    TRADES,
    UNSET,
)
from riskgate.repeat_controls import duplicate_key

MESSAGE = 1_000_000
MS, SECOND_NS = 10**6, 10**9


def _row(table: str, index_of):
    return lambda shaker, probe, leg: getattr(shaker.state, table)[index_of(probe, leg)]


def _at(probe, leg):
    return probe.d["instrument"][leg]


INSTRUMENT = _row("instrument", _at)
ACCOUNT = _row("account", lambda probe, leg: probe.purse(leg))
VENUE = _row("venue", lambda probe, leg: probe.place(leg))
MARKET = _row("market", lambda probe, leg: probe.region(leg))
POOL = _row("pool", lambda probe, leg: probe.account[probe.purse(leg)]["pool"])
CURRENCY = _row("currency", lambda probe, leg: probe.contract(leg)["currency"])
POSITION = _row("position", _at)
BOOK = _row("book", _at)
STRATEGY = _row("strategy", lambda probe, leg: probe.d["strategy"])
SPREAD = _row("spread", lambda probe, leg: probe.d["spread"])


def HEAD(shaker, probe, leg):
    return shaker.state.head


def limit(row_of, field: str, observed_of):
    """A limit a step from what would be observed; nothing is done where that is not known."""

    def aim(shaker, probe, leg):
        observed = observed_of(probe, leg)
        if observed is not None:
            row_of(shaker, probe, leg)[field] = observed + shaker.step()

    return aim


def drawn(row_of, field: str, low: int, high: int):
    return lambda shaker, probe, leg: row_of(shaker, probe, leg).__setitem__(field, shaker.draw.randint(low, high))


def meter(kind: str, quota: int):
    """A day's count a step from its bound; of what is done, held or reserved."""

    def aim(shaker, probe, leg):
        row = probe.meter_of(leg, kind)
        if row is None:
            return
        if shaker.seldom(8):
            row = shaker.meter_row(probe, leg, kind)
            row["limit"][quota] = shaker.draw.choice((UNSET, NO_LIMIT))
            return
        after = probe.after(row, kind, quota)
        name = "used" if quota == SELF_TRADES else shaker.draw.choice(("used", "held", "reserved"))
        live = shaker.meter_row(probe, leg, kind)
        if live["limit"][quota] in (UNSET, NO_LIMIT):
            live["limit"][quota], live["reserve"][quota] = shaker.draw.randint(20, 60), shaker.draw.randint(0, 10)
        bound = int(live["limit"][quota]) - (0 if probe.exit else int(live["reserve"][quota]))
        live[name][quota] += bound - after + shaker.step()

    return aim


def bucket(row_of, legs_of):
    def aim(shaker, probe, leg):
        row, wanted = row_of(shaker, probe, leg), 3 * MESSAGE * legs_of(probe, leg)
        row["tokens"] = wanted + int(row["tokens_reserve"]) + shaker.step() * MESSAGE // 2
        row["tokens_ns"] = probe.now_ns - shaker.draw.choice((0, 0, 1, 10 * MS, 4_000 * SECOND_NS))

    return aim


def sharing(of: str):
    """How many legs with lots share this leg's venue or account."""
    return lambda probe, leg: sum(getattr(probe, of)(one) == getattr(probe, of)(leg) for one in probe.every)


def duplicate(shaker, probe, leg):
    row, draw = STRATEGY(shaker, probe, leg), shaker.draw
    row["duplicate_key"] = duplicate_key(shaker.state.scratch["decision"][0]) + (0 if draw.randrange(4) else 1)
    row["duplicate_ns"] = probe.now_ns - int(row["duplicate_window_ns"]) + draw.choice((-1, 0, 1, 1, 1))
    row["duplicates"], row["max_duplicates"] = draw.randint(0, 2), draw.randint(0, 3)


def executions(shaker, probe, leg):
    row, draw, state = STRATEGY(shaker, probe, leg), shaker.draw, shaker.state
    rows = int(row["execution_n"])
    if shaker.seldom(6):
        row["execution_n"] = 0
        return
    row["execution_next"] = draw.randint(rows, 3 * rows)
    row["executions"] = draw.randint(rows - 2, rows)
    window, age = int(row["execution_window_ns"]), draw.randint(0, 3)
    for back in range(rows):  # ever older
        slot = (int(row["execution_next"]) - 1 - back) % rows
        state.execution[int(row["execution_at"]) + slot]["at_ns"] = probe.now_ns - age
        age = max(age, draw.choice((age, age, window - 1, window, window + 1)))


def losses(row_of):
    def aim(shaker, probe, leg):
        row, draw = row_of(shaker, probe, leg), shaker.draw
        row["pnl_micros"] = draw.choice((UNSET, -(10**9), 10**9, 0))
        row["peak_micros"] = max(int(row["pnl_micros"]), 0) + draw.choice((0, 10**9))
        loss, fall = -int(row["pnl_micros"]), int(row["peak_micros"]) - int(row["pnl_micros"])
        if draw.randrange(2):
            row["max_loss_micros"] = draw.choice((NO_LIMIT, max(loss, 0) + shaker.step()))
        if draw.randrange(2):
            row["max_drawdown_micros"] = draw.choice((NO_LIMIT, fall + shaker.step(), UNSET))

    return aim


def _tiers(shaker, probe, leg):
    row = probe.meter_of(leg, "contract")
    if row is None:
        return
    live = shaker.meter_row(probe, leg, "contract")
    messages, draw = probe.messages(row), shaker.draw
    ratio = -(-messages * 100 // max(row["used"][TRADES], 1))
    live["tier_at"], live["tier_n"] = 0, draw.randint(0, 3)
    for step in range(3):
        shaker.state.tier[step] = (
            messages - 2 + step + draw.randint(-1, 1), draw.choice((0, 0, ratio + shaker.step())), 10**step,
        )  # fmt: skip
    live["max_fee_micros"] = draw.choice((NO_LIMIT, UNSET, 0, 1, 10, 99, 100))


def ratio(shaker, probe, leg):
    row = probe.meter_of(leg, "contract")
    if row is None:
        return
    live = shaker.meter_row(probe, leg, "contract")
    messages = probe.messages(row)
    seen = -(-messages * 100 // max(row["used"][TRADES], 1))
    live["otr_from"] = shaker.draw.choice((0, messages + shaker.step()))
    live["max_otr_e2"] = shaker.draw.choice((seen + shaker.step(), seen + shaker.step(), UNSET))


def _after_net(probe, before, legs):
    values = [probe.signed_value(leg) for leg in legs]
    return None if before is None or None in values else abs(before + sum(values))


def _same(probe, leg, of):
    return [one for one in probe.trading if getattr(probe, of)(one) == getattr(probe, of)(leg)]


def _account_net(probe, leg):
    return _after_net(probe, probe.account[probe.purse(leg)]["net_micros"], _same(probe, leg, "purse"))


def _account_gross(probe, leg):
    values = [probe.opening_value(one) for one in _same(probe, leg, "purse")]
    return None if None in values else probe.account[probe.purse(leg)]["gross_micros"] + sum(values)


def _market(name: str, of: str):
    def observed(probe, leg):
        here = [at for at, row in enumerate(probe.account) if probe.venue[row["venue"]]["market"] == probe.region(leg)]
        amounts = [probe._converted(at, name, probe._added(at, getattr(probe, of))) for at in here]
        return None if None in amounts else abs(sum(amounts))

    return observed


def _currency_net(probe, leg):
    of = [row["currency"] for row in probe.account]
    mine = of[probe.purse(leg)]
    before = sum(row["net_micros"] for row in probe.account if row["currency"] == mine)
    return _after_net(probe, before, [one for one in probe.trading if of[probe.purse(one)] == mine])


def _residual(probe, leg):
    left = sum(probe.lots(one) * probe.relation["hedge_ubase"][one] for one in probe.every)
    return abs(probe.relation["residual_ubase"] + left)


def _pool_bps(probe, leg):
    row = probe.pool[probe.account[probe.purse(leg)]["pool"]]
    use = probe._pool_use(probe.account[probe.purse(leg)]["pool"])
    capital = row["capital_micros"] - row["transit_micros"]
    return None if use is None or capital < 10_000 or row["capital_micros"] == UNSET else -(-use // (capital // 10_000))


def _account_bps(probe, leg):
    use, capital = probe._use(probe.purse(leg)), probe.account[probe.purse(leg)]["capital_micros"]
    return None if use is None or capital < 10_000 else -(-use // (capital // 10_000))


def _allotted(probe, leg):
    holds = [probe._reported(one, probe.hold(one)) for one in probe.every]
    used = probe.plan["pool_used_micros"]
    return None if None in holds or used == UNSET else used + sum(holds)


def _value(probe, leg):
    return probe.notional(leg, probe.limit(leg), abs(probe.lots(leg)))


def _side(kind: str):
    def observed(probe, leg):
        held = sum(probe.side_lots(at, probe.buys(leg)) for at in probe.same(leg, kind))
        return held + probe.opens_with(leg, kind)

    return observed


def position_limit(kind: str):
    def aim(shaker, probe, leg):
        if probe.meter_of(leg, kind) is not None:
            row = shaker.meter_row(probe, leg, kind)
            row["max_position_lots"] = shaker.draw.choice((UNSET,) + (_side(kind)(probe, leg) + shaker.step(),) * 5)

    return aim


def _net_worst(probe, leg):
    row, lots = probe.held(leg), probe.lots(leg)
    held = row["long_today"] + row["long_yesterday"] - row["short_today"] - row["short_yesterday"]
    return held + row["working_buy"] + lots if lots > 0 else row["working_sell"] - held - lots


def _gross_lots(probe, leg):
    at = _at(probe, leg)
    return probe.side_lots(at, True) + probe.side_lots(at, False) + probe.opening(leg)


def _units(probe, leg):
    return abs(probe.plan["position_units"] + probe.d["side"] * probe.d["units"])


def _spread_units(probe, leg):
    mine = [row["position_units"] for row in probe.strategy if row["spread"] == probe.d["spread"]]
    return abs(sum(mine) + probe.d["side"] * probe.d["units"])


def _total_slippage(probe, leg):
    costs = [probe.slippage(one) for one in probe.trading]
    return None if None in costs else sum(costs)


def settlement(shaker, probe, leg):
    row = INSTRUMENT(shaker, probe, leg)
    row["margin_base"] = MARGIN_SETTLEMENT
    row["settlement_ticks"] = shaker.draw.choice((UNSET, probe.limit(leg) - 100))


def own_orders(shaker, probe, leg):
    """One of our own orders near the price, in any instrument of the contract."""
    at = shaker.draw.choice(probe.same(leg))
    side = "own_ask_ticks" if probe.buys(leg) else "own_bid_ticks"
    shaker.state.position[at][side] = probe.limit(leg) + shaker.step()


def _beat(field: str, fields: str, row_of):
    """Naked time, which is looked at in whole milliseconds."""

    def aim(shaker, probe, leg):
        row, ms = row_of(shaker, probe, leg), shaker.draw.randint(1, 9)
        row[field], row[fields] = ms * MS + shaker.draw.choice((-1, 0, 1, MS)), ms * MS

    return aim


# number -> its aims, one a scope.
AIMS = {
    1: [limit(INSTRUMENT, "max_order_lots", lambda probe, leg: abs(probe.lots(leg)))],
    2: [limit(INSTRUMENT, "max_order_micros", _value), limit(ACCOUNT, "max_order_micros", _value)],
    3: [limit(INSTRUMENT, "collar_bps", lambda probe, leg: probe.beyond_mid(leg)),
        limit(INSTRUMENT, "collar_ticks", lambda probe, leg: probe.beyond_touch(leg))],
    4: [limit(INSTRUMENT, "lower_limit_ticks", lambda probe, leg: probe.limit(leg)),
        limit(INSTRUMENT, "upper_limit_ticks", lambda probe, leg: probe.limit(leg)),
        drawn(INSTRUMENT, "banded", 1, 1), drawn(BOOK, "flags", 0, 15)],
    5: [limit(INSTRUMENT, "expires_ns", lambda probe, leg: probe.market_ns)],
    6: [bucket(VENUE, sharing("place")), bucket(ACCOUNT, sharing("purse")),
        bucket(STRATEGY, lambda probe, leg: len(probe.every))],
    7: [limit(HEAD, "live_orders", lambda probe, leg: probe.head["n_order"] // 2 - 3 * len(probe.every)),
        limit(ACCOUNT, "max_working_orders", lambda probe, leg: 3 * sharing("purse")(probe, leg)),
        limit(INSTRUMENT, "max_working_orders", lambda probe, leg: 3)],
    8: [meter(kind, quota) for kind in ("contract", "account") for quota in (ORDERS, CANCELS, TRADES)],
    9: [meter("contract", FREQUENT)],
    10: [meter("contract", LARGE), meter("contract", LARGE)],
    11: [own_orders, meter("contract", SELF_TRADES)],
    12: [meter("contract", OPENED_LOTS), meter("product", OPENED_LOTS), position_limit("contract"),
         position_limit("product")],
    13: [duplicate],
    14: [executions],
    15: [limit(INSTRUMENT, "max_position_lots", _net_worst), limit(INSTRUMENT, "max_gross_lots", _gross_lots),
         limit(STRATEGY, "max_units", _units), limit(STRATEGY, "cap_units", _units),
         limit(SPREAD, "max_units", _spread_units), limit(ACCOUNT, "max_gross_micros", _account_gross),
         limit(ACCOUNT, "max_net_micros", _account_net), limit(MARKET, "max_gross_micros",
         _market("gross_micros", "opening_value")), limit(MARKET, "max_net_micros",
         _market("net_micros", "signed_value"))],
    16: [limit(ACCOUNT, "capital_micros", lambda probe, leg: probe._use(probe.purse(leg))), settlement],
    17: [limit(POOL, "soft_bps", _pool_bps), limit(POOL, "hard_bps", _pool_bps), limit(POOL, "warn_bps", _pool_bps),
         limit(ACCOUNT, "soft_bps", _account_bps), limit(ACCOUNT, "hard_bps", _account_bps),
         limit(STRATEGY, "allocated_micros", _allotted), drawn(POOL, "capital_micros", 0, 10**12),
         drawn(POOL, "transit_micros", 0, 10**13)],
    18: [losses(STRATEGY), losses(ACCOUNT), losses(HEAD)],
    19: [ratio, _tiers],
    20: [limit(BOOK, "recv_ns", lambda probe, leg: probe.now_ns - probe.contract(leg)["max_age_ns"]),
         limit(SPREAD, "max_skew_ns", lambda probe, leg: SECOND_NS), drawn(INSTRUMENT, "max_width_bps", 0, 3)],
    21: [limit(SPREAD, "max_slippage_bps", lambda probe, leg: probe.slippage(leg)),
         limit(SPREAD, "max_total_slippage_bps", _total_slippage), drawn(BOOK, "taken_bid_lots", 1, 40),
         drawn(BOOK, "taken_ask_lots", 1, 40)],
    22: [lambda shaker, probe, leg: STRATEGY(shaker, probe, leg).__setitem__(
        "min_edge", (probe.d["center"] - probe.d["executable"]) * probe.d["side"] - probe.d["cost"]
        + 1e-6 * shaker.step())],
    23: [limit(INSTRUMENT, "close_ns", lambda probe, leg: probe.market_ns + probe.contract(leg)["close_guard_ns"]),
         limit(INSTRUMENT, "close_ns", lambda probe, leg: probe.market_ns),
         limit(INSTRUMENT, "open_ns", lambda probe, leg: probe.market_ns)],
    24: [drawn(row, "switch", 0, 2) for row in (HEAD, MARKET, VENUE, ACCOUNT, STRATEGY, SPREAD)],
    25: [drawn(VENUE, "in_doubt", 0, 1), drawn(ACCOUNT, "drifts", 0, 1),
         limit(INSTRUMENT, "broken_until_ns", lambda probe, leg: probe.now_ns)],
    26: [drawn(INSTRUMENT, "permitted", 0, 1),
         lambda shaker, probe, leg: shaker.draw.choice(shaker.state.stake).__setitem__("instrument", 2)],
    27: [drawn(HEAD, "unbalanced_deals", 0, 1), drawn(STRATEGY, "unbalanced", 0, 1),
         drawn(HEAD, "max_unbalanced", 0, 2), _beat("naked_ns", "max_naked_ns", HEAD),
         _beat("naked_ns", "max_naked_ns", STRATEGY)],
    28: [limit(SPREAD, "ledger_bound_ubase", _residual), drawn(SPREAD, "residual_ubase", -(10**9), 10**9),
         limit(CURRENCY, "max_exposure_micros", _currency_net)],
}  # fmt: skip

# Numbers that are forgotten now and then, a leg's or all the decision's.
FORGETTABLE = (
    (INSTRUMENT, "max_order_lots"), (INSTRUMENT, "max_order_micros"), (INSTRUMENT, "collar_bps"),
    (INSTRUMENT, "collar_ticks"), (INSTRUMENT, "lower_limit_ticks"), (INSTRUMENT, "max_working_orders"),
    (INSTRUMENT, "max_position_lots"), (INSTRUMENT, "max_gross_lots"), (INSTRUMENT, "margin_bps"),
    (INSTRUMENT, "fee_micros"), (INSTRUMENT, "close_ns"), (INSTRUMENT, "open_ns"), (INSTRUMENT, "permitted"),
    (ACCOUNT, "max_order_micros"), (ACCOUNT, "max_working_orders"), (ACCOUNT, "max_gross_micros"),
    (ACCOUNT, "max_net_micros"), (ACCOUNT, "capital_micros"), (ACCOUNT, "max_loss_micros"),
    (ACCOUNT, "max_drawdown_micros"), (ACCOUNT, "pnl_micros"), (HEAD, "pnl_micros"), (HEAD, "max_loss_micros"),
    (STRATEGY, "pnl_micros"), (STRATEGY, "max_loss_micros"), (STRATEGY, "max_drawdown_micros"),
    (STRATEGY, "cap_units"), (STRATEGY, "allocated_micros"), (STRATEGY, "pool_used_micros"),
    (STRATEGY, "max_naked_ns"), (HEAD, "max_naked_ns"), (STRATEGY, "max_unbalanced"), (HEAD, "max_unbalanced"),
    (STRATEGY, "peak_micros"), (HEAD, "peak_micros"),
    (STRATEGY, "max_duplicates"), (SPREAD, "max_units"), (SPREAD, "max_slippage_bps"),
    (SPREAD, "max_total_slippage_bps"), (SPREAD, "ledger_bound_ubase"), (MARKET, "max_gross_micros"),
    (MARKET, "max_net_micros"), (POOL, "capital_micros"), (CURRENCY, "max_exposure_micros"),
)  # fmt: skip
FORGETTABLE_METER = ("ioc_counts", "large_lots", "max_otr_e2", "max_fee_micros", "max_position_lots")
