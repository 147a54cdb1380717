"""The check of limits and of exchanges' rules: what nobody has stated is denied before the engine starts."""

import pytest

from desk.check import check
from tests.test_check import CONFIGS, NOW_NS, checked, keys

pytestmark = pytest.mark.slow

ENGINE = '[engine]\nname = "gold"\n'
USD_ACCOUNT = 'id = "us"\nvenue = "SIM_OTC"\n'
MISTAKES = [
    ("no word on the day's loss", ("max_day_loss = 200_000", "# max_day_loss"), "engine.max_day_loss"),
    ("a loss below nothing", ("max_day_loss = 200_000", "max_day_loss = -1"), "engine.max_day_loss"),
    ("a window of no hours", (ENGINE, f"{ENGINE}drawdown_window_h = 0.0\n"), "engine.drawdown_window_h"),
    ("fewer deals than none", (ENGINE, f"{ENGINE}max_unbalanced = -1\n"), "engine.max_unbalanced"),
    ("a naked day longer than a day", (ENGINE, f"{ENGINE}max_naked_day_ms = 100_000_000\n"), "engine.max_naked_day_ms"),
    ("no word on the dollar", ("max_exposure = 8_000_000", "# max_exposure"), "currencies[0].max_exposure"),
    ("a reserve of the whole day", (USD_ACCOUNT, f"{USD_ACCOUNT}day_reserve_pct = 50.5\n"),
     "accounts[1].day_reserve_pct"),
    ("levels out of order", (USD_ACCOUNT, f"{USD_ACCOUNT}soft_pct = 95.0\n"), "accounts[1].hard_pct"),
    ("a group in two markets", (USD_ACCOUNT, f'{USD_ACCOUNT}group = "cn"\n'), "accounts[1].group"),
    ("an allow list of strangers", (USD_ACCOUNT, f'{USD_ACCOUNT}allow = ["COMEX.GCZ9"]\n'), "accounts[1].allow"),
    ("a reserve of all messages", (USD_ACCOUNT, f"{USD_ACCOUNT}repair_reserve = 100\n"), "accounts[1].repair_reserve"),
    ("an unknown way of sharing", ("capital = 20_000_000", 'capital = 20_000_000\npolicy = "fair"'),
     "pools[0].policy"),
    ("reserves beyond the pool", (("capital = 20_000_000", 'capital = 20\npolicy = "reserve"'),
     ("entry = 0.0030", "entry = 0.0030\npool_reserve = 21.0")), "strategies[1].pool_reserve"),
    ("margin on no settlement", ("margin_pct = 10.0 # COMEX", 'margin_base = "settlement"\nmargin_pct = 10.0 # COMEX'),
     "instruments[1].settlement"),
    ("a settlement off the tick", ("margin_pct = 10.0 # COMEX", 'settlement = "2700.05"\nmargin_pct = 10.0 # COMEX'),
     "instruments[1].settlement"),
    ("more maintenance than margin", ("margin_pct = 10.0 # COMEX", "maintenance_pct = 11.0\nmargin_pct = 10.0 # COMEX"),
     "instruments[1].maintenance_pct"),
    ("half a basis point of slippage", ("residual_bound = 120", "max_total_slippage_bps = 0.5\nresidual_bound = 120"),
     "spreads[0].max_total_slippage_bps"),
    ("a strategy of no executions", ("max_units = 5\n# Light", "max_units = 5\nmax_executions = 0\n# Light"),
     "strategies[0].max_executions"),
    ("a strategy that may not trade its leg",
     ("max_units = 5\n# Light", 'max_units = 5\nallow = ["SHFE.au2702"]\n# Light'), "strategies[0].allow"),
    ("a product without a book", ('kind = "fx"', 'kind = "fx"\nproduct = "usd"'), "instruments[2].product"),
    ("no book at all", ('rules = "SHFE"\nproduct = "au"', ""), "instruments[0].rules"),
    ("a book that is not there", ('rules = "SHFE"\nproduct', 'rules = "SHEF"\nproduct'), "instruments[0].rules"),
    ("a date that is none", ('valid_from = "2024-10-24"', 'valid_from = "2024-10-32"'), "rules[1].valid_from"),
    ("two rules of one day", ('valid_from = "2024-10-24"', 'valid_from = "2019-01-01"'), "rules[1].valid_from"),
    ("a rule without a source", ('source = "where a message fee', 'source = "" # where a message fee'),
     "rules[1].source"),
    ("a reserve of all cancels", ("ioc_counts = true\n\n# INE", "ioc_counts = true\nfrequent_cancels = 60\n\n# INE"),
     "instruments[0].rules"),
    ("too little kept for a repair", ("ioc_counts = true\n\n# INE", "ioc_counts = true\nfrequent_reserve = 9\n\n# INE"),
     "instruments[0].rules"),
    ("a quota that lets no deal through",
     ("ioc_counts = true\n\n# INE", "ioc_counts = true\nfrequent_cancels = 71\n\n# INE"), "instruments[0].rules"),
    ("a band that nobody tells", ("price_limits = false", "price_limits = true"), "instruments[1].lower_limit"),
    ("steps of a fee that go down", (
        "ioc_counts = true\n\n# INE",
        "ioc_counts = true\nmessage_fees = [{from_messages = 10, fee = 1}, {from_messages = 5, fee = 2}]\n\n# INE",
    ), "rules[1].message_fees[1].from_messages"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "key"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_a_limit_that_cannot_hold_is_refused_where_it_is(tmp_path, change, key):
    found = keys(checked(tmp_path, *([change] if isinstance(change[0], str) else change)))
    assert found[0] == key and len(set(found)) == (2 if key.endswith("lower_limit") else 1)


def test_what_a_rule_leaves_unsaid_names_the_field_the_instrument_and_the_date(tmp_path):
    free = 'book = "free"\nvalid_from = "2019-01-01"'
    result = checked(tmp_path, ("price_limits = false\norders = 20_000\n", ""), (free, f"{free}\nlarge_reserve = 1"))
    said = {problem.key: problem.expected for problem in result.problems}
    assert set(said) == {"instruments[1].rules", "instruments[3].rules"}
    assert said["instruments[1].rules"] == (
        "a book that states price_limits, orders of COMEX.GCG7 on 2026-11-22: missing is denied"
    )


def test_a_book_that_begins_after_the_market_date_is_as_good_as_none(tmp_path):
    free = 'book = "free"\nvalid_from = "{}"'
    (problem, _) = checked(tmp_path, (free.format("2019-01-01"), free.format("2026-11-23"))).problems
    assert "orders" in problem.expected and "2026-11-22" in problem.expected


def test_a_rule_that_will_take_effect_is_asked_at_its_own_date(tmp_path):
    later = '\n[[rules]]\nbook = "SHFE"\nvalid_from = "2027-01-04"\nsource = "a notice"\nfrequent_cancels = 50\n'
    (problem,) = checked(tmp_path, also=later).problems
    assert problem.key == "instruments[0].rules"
    assert problem.expected == "frequent_reserve less than frequent_cancels, 50, of SHFE.au2702 on 2027-01-04"


def test_a_rule_of_one_product_asks_each_contract_for_its_product(tmp_path):
    rule = '\n[[rules]]\nbook = "SHFE"\nproduct = "au"\nvalid_from = "2026-01-01"\nsource = "a notice"\norders = 900\n'
    assert checked(tmp_path, also=rule).problems == []
    (problem,) = checked(tmp_path, ('rules = "SHFE"\nproduct = "au"\n', 'rules = "SHFE"\n'), also=rule).problems
    assert (problem.key, problem.expected) == ("instruments[0].product", "its product: book SHFE has rules for au")


@pytest.mark.parametrize("count", ["1_000_000_001", "-1"])
def test_a_count_beyond_all_use_is_refused(tmp_path, count):
    assert keys(checked(tmp_path, ("orders = 20_000", f"orders = {count}")))[0] == "rules[6].orders"


def test_every_book_of_the_project_says_what_is_an_assumption():
    config = check(CONFIGS / "gold.toml", now_ns=NOW_NS).config
    assert {rule.book for rule in config.rules} == {"SHFE", "INE", "DCE", "CZCE", "CFFEX", "free"}
    exchanges = [rule for rule in config.rules if rule.book != "free"]
    assert all("assumption" in rule.source for rule in exchanges)
    for rule in exchanges:
        if rule.frequent_cancels is not None:
            told = (rule.frequent_cancels, rule.large_cancels, rule.large_lots, rule.self_trades)
            assert told == (500, 50, 300, 5), rule.book
