"""What a reload and a new date write into the running tables: every limit, and nothing that the engine remembers."""

from datetime import date

import msgspec
import numpy as np
import pytest

from desk.assembly import shown
from desk.build import Names, build_state
from desk.check import check
from desk.config import Config, EngineSpec, MarketSpec, TermSpec
from desk.config_rules import RuleSpec, TierSpec
from desk.limit_fields import RELOADABLE, differences
from desk.relimit import FIXED, LIMITS, REMEMBERED, copy_limits, limits_of, misfit
from engine import records
from engine.limits import date_of, day_of
from engine.schema import CANCELS, HEAD, ORDERS, TABLES
from tests.world import ROOT, World, demo_config

pytestmark = pytest.mark.slow

DATE = "2026-11-18"
DAY_NS = 86_400_000_000_000
ALL = {"head": HEAD, **TABLES}
replace = msgspec.structs.replace


@pytest.mark.parametrize("table", ALL)
def test_every_column_is_a_limit_or_fixed_or_remembered(table):
    named = [*LIMITS.get(table, ()), *FIXED.get(table, ()), *REMEMBERED.get(table, ())]
    assert sorted(named) == sorted(ALL[table].names)


def whole() -> Config:
    """A config with something of every reloadable kind in it."""
    config = demo_config()
    rules = [*config.rules, RuleSpec(book="SHFE", contract="au2702", valid_from="2026-01-01", source="a test",
                                     message_fees=[TierSpec(from_messages=0, fee=0.1)])]  # fmt: skip
    term = TermSpec(valid_from="2026-01-01", leg="COMEX.GCG7", vat_pct=1.0, source="a test")
    return replace(
        config, rules=rules, markets=[MarketSpec(id="domestic", max_gross=5.0)],
        instruments=[replace(row, settlement="309.00") if row.rules == "SHFE" else row for row in config.instruments],
        spreads=[replace(config.spreads[0], terms=[term])],
    )  # fmt: skip


OTHERS = {
    "policy": "pro_rata", "margin_base": "settlement", "settlement": "310.00", "upper_limit": "346.00",
    "lower_limit": "285.00", "allow": [], "one_side": True, "price_limits": False, "ioc_counts": False,
    "message_fees": [TierSpec(from_messages=7, fee=0.3)], "source": "another source", "maintenance_pct": 3.0,
    "close_today_fee_per_lot": 3.0, "close_today_fee_bps": 3.0,
}  # fmt: skip


def other(field: str, value: object) -> object:
    if field in OTHERS:
        return OTHERS[field]
    return value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else 3


def changed(config: Config, kind: type, field: str) -> Config:
    """The config with one field of one table of that kind changed."""
    if kind is EngineSpec:
        return replace(config, engine=replace(config.engine, **{field: other(field, getattr(config.engine, field))}))
    if kind is TermSpec:
        (term,) = config.spreads[0].terms
        terms = [replace(term, **{field: other(field, getattr(term, field))})]
        return replace(config, spreads=[replace(config.spreads[0], terms=terms)])
    for name in config.__struct_fields__:
        table = getattr(config, name)
        if isinstance(table, list) and table and type(table[0]) is kind:
            at = -1 if kind is RuleSpec else 0
            table = list(table)
            table[at] = replace(table[at], **{field: other(field, getattr(table[at], field))})
            return replace(config, **{name: table})
    raise AssertionError(f"no table of {kind}")


FIELDS = [(kind, field) for kind, fields in RELOADABLE.items() for field in sorted(fields)]
# What only another one gives a meaning to, and what is for readers.
SILENT = {("TermSpec", "source"), ("RuleSpec", "source"), ("RuleSpec", "order_to_trade_from")}


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{kind.__name__}.{field}" for kind, field in FIELDS])
def test_a_reloadable_field_changes_limits_and_nothing_else(kind, field):
    """Built anew, or copied into running tables: the same tables."""
    old = whole()
    new = changed(old, kind, field)
    (difference,) = differences(old, new)
    assert not difference.refused
    state, fresh = build_state(Names(old), DATE), build_state(Names(new), DATE)
    assert misfit(state, fresh) == ""
    changes = copy_limits(state, limits_of(new, DATE), set())
    for table in TABLES:
        for column in ALL[table].names:
            mine, theirs = getattr(state, table)[column], getattr(fresh, table)[column]
            if column not in ("tokens", "allocated_micros"):  # the engine's own: buckets fill, pools are shared out
                assert np.array_equal(mine, theirs), (table, column)
    assert bytes(state.head) == bytes(fresh.head)
    assert changes > 0 or (kind.__name__, field) in SILENT


def test_what_is_no_limit_is_refused_by_name():
    old = whole()
    leg = replace(old.spreads[0].legs[0], ratio=4)
    new = replace(old, spreads=[replace(old.spreads[0], legs=[leg, old.spreads[0].legs[1]])])
    assert [one.key for one in differences(old, new) if one.refused] == ["spreads[AU_GC].legs[SHFE.au2702].ratio"]
    turned = replace(old, accounts=old.accounts[::-1])
    (change,) = differences(old, turned)
    assert change.key == "accounts" and "order" in change.refused


def test_more_steps_of_fees_than_there_is_room_for_need_a_restart():
    old = whole()
    tiers = [TierSpec(from_messages=number, fee=0.1) for number in range(40)]
    new = replace(old, rules=[*old.rules[:-1], replace(old.rules[-1], message_fees=tiers)])
    assert "steps of message fees" in misfit(build_state(Names(old), DATE), limits_of(new, DATE))


def test_a_date_and_its_day_are_the_same_day():
    for day in (0, 1, 20_775, 47_000):
        assert day_of(date_of(day)) == day
    assert date_of(day_of(DATE)) == DATE and date.fromisoformat(date_of(0)) == date(1970, 1, 1)


# The date changes while the engine runs


def dated(*rules: RuleSpec, terms: tuple[TermSpec, ...] = ()) -> World:
    config = demo_config()
    spread = replace(config.spreads[0], terms=list(terms))
    return World(replace(config, rules=[*config.rules, *rules], spreads=[spread]))


def rule(valid_from: str, **fields) -> RuleSpec:
    return RuleSpec(book="SHFE", contract="au2702", valid_from=valid_from, source="a test", **fields)


def to_midnight(world: World, days: int = 1) -> None:
    """Past the next midnight of market time, UTC."""
    market_ns = world.state.market_ns(world.now_ns)
    world.now_ns += (market_ns // DAY_NS + days) * DAY_NS - market_ns
    world.loop.on_timer(world.now_ns)


def told(world: World) -> list[dict]:
    return [row for row in world.of_kind(records.ALERT) if row["code"] == "limits_dated"]


def test_a_rule_takes_effect_on_its_date_and_its_coming_is_told():
    world = dated(rule("2026-11-19", orders=700), rule("2026-11-21", cancels=300))
    meter = world.state.meter[world.state.instrument[world.au]["contract"]]
    assert (int(meter["limit"][ORDERS]), told(world)) == (2000, [])
    world.market(6.0)
    world.step(600)
    samples = int(world.state.spread[0]["samples"])
    to_midnight(world)
    assert int(world.state.spread[0]["samples"]) >= samples > 0, "its price is made as before"
    assert (int(meter["limit"][ORDERS]), int(meter["limit"][CANCELS])) == (700, 1000)
    (alert,) = told(world)
    assert alert["what"].startswith("2026-11-19: ") and alert["numbers"]["changed"] == 1
    to_midnight(world)
    assert len(told(world)) == 1, "a date on which nothing changes is no news"
    to_midnight(world)
    assert (int(meter["limit"][ORDERS]), int(meter["limit"][CANCELS])) == (700, 300)
    world.check()


def test_a_duty_moves_the_price_of_its_leg_from_its_date_on():
    terms = (TermSpec(valid_from="2026-11-19", leg="COMEX.GCG7", duty_pct=10.0, source="a test"),)
    world = dated(terms=terms)
    world.market(6.0)
    world.step(2000)
    row = world.state.spread[0]
    before = float(row["weight"][1])
    assert row["samples"] > 3 and row["mean"][0] > 0
    to_midnight(world)
    assert float(row["weight"][1]) == pytest.approx(before * 1.1)
    assert row["samples"] == 0 and row["mean"][0] == row["sd"][0] == 0, "no signal against a mean of other prices"
    world.check()


def test_new_limits_keep_what_is_counted_and_held():
    world = dated()
    world.market(6.5)  # both legs are on their way
    meter = world.state.meter
    before = [meter[name].copy() for name in ("used", "held", "reserved")]
    positions, orders = world.state.position.copy(), world.state.order.copy()
    assert before[0].any() and before[1].any()
    new = replace(world.config, rules=[*world.config.rules, rule("2026-11-01", orders=700)])
    body = {"version": 1, "who": "ann", "why": "x", "changes": [], "config": shown(new)}
    world.loop.on_limits(body, world.now_ns)
    assert [meter[name].tobytes() for name in ("used", "held", "reserved")] == [one.tobytes() for one in before]
    assert np.array_equal(world.state.position, positions) and np.array_equal(world.state.order, orders)
    world.step(500)
    world.check()


def test_a_start_on_a_later_date_begins_with_the_rules_of_that_date():
    world = dated(rule("2026-11-25", orders=700))
    world.market_ns += 10 * DAY_NS
    world.start(2)
    meter = world.state.meter[world.state.instrument[world.au]["contract"]]
    assert int(meter["limit"][ORDERS]) == 700
    world.check()


def test_limits_reloaded_follow_the_date_too():
    world = dated()
    new = replace(world.config, rules=[*world.config.rules, rule("2026-11-19", orders=600)])
    body = {"version": 1, "who": "ann", "why": "a notice", "changes": [], "config": shown(new)}
    world.loop.on_limits(body, world.now_ns)
    meter = world.state.meter[world.state.instrument[world.au]["contract"]]
    assert int(meter["limit"][ORDERS]) == 2000
    to_midnight(world)
    assert int(meter["limit"][ORDERS]) == 600
    world.check()


@pytest.mark.parametrize("name", ["gold", "copper", "demo/generated/engine", "demo/gold_2019/engine", "storm/storm"])
def test_a_contract_with_price_limits_has_somebody_who_tells_them(name):
    """Every contract of a banded book of the project's configs: its venue's protocol, or its config."""
    config = check(ROOT / "configs" / f"{name}.toml").config
    state = build_state(Names(config), "2026-11-18" if "2019" not in name else "2019-06-20")
    protocol = {venue.id: venue.protocol for venue in config.venues}
    banded = [spec for spec, row in zip(config.instruments, state.instrument, strict=True) if row["banded"]]
    assert banded
    for spec in banded:
        assert protocol[spec.venue] == "diff" or (spec.lower_limit and spec.upper_limit), spec.id
