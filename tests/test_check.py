"""The check of a config: what a desk would lose money over is refused before the engine starts."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.check import check, known_protocols, render
from tests.budget import examples

CONFIGS = Path(__file__).parent.parent / "configs"
GOLD, INSTRUMENTS = (CONFIGS / "gold.toml").read_text(), (CONFIGS / "instruments/gold.toml").read_text()
NOW_NS = 1_795_312_800_000_000_000  # 2026-11-22 02:00 UTC


# A calendar file of two plain years: quick to build, and it covers the contracts' lives.
CALENDARS = (
    "\n".join(
        f"""
[calendars.{name}]
tz = "{tz}"
sections = ["{section}"]
holidays = "none"
"""
        for name, tz, section in (
            ("shfe_au", "Asia/Shanghai", "09:00-15:00"),
            ("comex_metals", "America/New_York", "18:00-17:00"),
            ("fx_24x5", "America/New_York", "17:00-17:00"),
        )
    )
    + '[holidays.none]\nsource = "a test"\nyears = {2026 = [], 2027 = []}\n'
)
INCLUDE = 'include = ["instruments/gold.toml", "rules.toml"]'
RULES = (CONFIGS / "rules.toml").read_text()


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    host: str
    port: int = 1


def checked(folder: Path, *changes: tuple[str, str], also: str = ""):
    """The gold config with texts replaced, in one file or the other."""
    own = GOLD.replace(INCLUDE, f'{INCLUDE}\ncalendars = "own.toml"')
    texts = {"gold.toml": own + also, "instruments/gold.toml": INSTRUMENTS, "rules.toml": RULES, "own.toml": CALENDARS}
    for old, new in changes:
        names = [name for name, text in texts.items() if old in text]
        assert len(names) == 1, f"{old!r} is in {names}"
        texts[names[0]] = texts[names[0]].replace(old, new, 1)
    (folder / "instruments").mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return check(folder / "gold.toml", now_ns=NOW_NS)


def anywhere(text: str) -> str:
    """A config's text with its includes named from the root."""
    return text.replace('"instruments/', f'"{CONFIGS}/instruments/').replace('"rules.toml"', f'"{CONFIGS}/rules.toml"')


def keys(result) -> list[str]:
    return [problem.key for problem in result.problems]


@pytest.mark.parametrize("name", ["gold", "copper", "btc"])
def test_the_project_s_configs_are_good(name):
    result = check(CONFIGS / f"{name}.toml", now_ns=NOW_NS)
    assert result.problems == []
    assert result.config.engine.name == name
    assert set(result.settings) == {venue.id for venue in result.config.venues}
    assert isinstance(result.settings[result.config.venues[0].id], tuple(known_protocols().values()))


def test_ten_different_mistakes_are_all_told(tmp_path):
    result = checked(
        tmp_path,
        ('[engine]\nname = "gold"', '[engine]\nname = "gold"\ntimer_mss = 10'),  # unknown key
        ("md_port = 7602", 'md_port = "7602"'),  # wrong type, in a protocol's settings
        ("capital = 20_000_000\n", ""),  # missing
        ('spread = "AU_GC"\nband', 'spread = "AU_GV"\nband'),  # no such spread
        ("entry = 0.0030", "entry = 0.0001"),  # entry inside exit
        ("residual_bound = 120", "residual_bound = 100"),  # less than the ratio leaves
        ('on_partial = "complete"', 'on_partial = "compleet"'),  # no such policy
        ('tick = "0.02"', 'tick = "0,02"'),  # no decimal
        ("margin_pct = 10.0 # COMEX", "# COMEX"),  # missing means denied
        ('calendar = "shfe_au"', 'calendar = "shfe_ag"'),  # no such calendar
    )
    assert result.config is None
    gold, instruments = str(tmp_path / "gold.toml"), str(tmp_path / "instruments/gold.toml")
    assert {(p.file, p.key, p.value, p.expected, p.nearest) for p in result.problems} == {
        (gold, "engine.timer_mss", "10", "a known key", "timer_ms"),
        (gold, "venues[1].settings.md_port", '"7602"', "a whole number", ""),
        (gold, "pools[0].capital", "", "it to be there: a number", ""),
        (gold, "strategies[0].spread", '"AU_GV"', "the id of a spread", "AU_GC"),
        (gold, "strategies[1].entry", "0.0001", "more than exit, 0.0005", ""),
        (gold, "spreads[0].residual_bound", "100.0", "at least 110.348 g, which one unit of these ratios leaves", ""),
        (gold, "strategies[1].repair.on_partial", '"compleet"', "one of complete, unwind, cheapest", "complete"),
        (instruments, "instruments[0].tick", '"0,02"', 'a decimal number above 0, as a text such as "0.02"', ""),
        (
            instruments, "instruments[1].margin_pct", "",
            "a number, since it is traded: missing means denied, 0.0 must be said", "",
        ),
        (instruments, "instruments[0].calendar", '"shfe_ag"', "the name of a calendar", "shfe_au"),
    }  # fmt: skip


MISTAKES = [
    ("mode of waiting", ('[engine]\nname = "gold"', '[engine]\nname = "gold"\npoll = "bussy"'), "engine.poll"),
    ("a name with a slash", ('name = "gold"', 'name = "gold/1"'), "engine.name"),
    ("no rate for the dollar", ('[[currencies]]\nid = "USD"', '[[currencies]]\nid = "EUR"'), "accounts[1].currency"),
    ("a rate of the wrong pair", ('price_unit = "CNY/USD"', 'price_unit = "CNY/EUR"'), "currencies[0].instrument"),
    ("a rate by two ways", ('instrument = "FX.USDCNH"\n', 'instrument = "FX.USDCNH"\nfixed_rate = 7.0\n'),
     "currencies[0].instrument"),
    ("a fixed rate without a reason", ('instrument = "FX.USDCNH"\n', "fixed_rate = 7.0\n"), "currencies[0].stated"),
    ("an unknown protocol", ('protocol = "fix44"', 'protocol = "fix42"'), "venues[1].protocol"),
    ("an unknown market", ('market = "foreign"', 'market = "abroad"'), "venues[1].market"),
    ("an unknown setting", ("order_port = 7603", "order_port = 7603\nuser = 1"), "venues[1].settings.user"),
    ("levels of a pool out of order", ("capital = 20_000_000", "capital = 20_000_000\nsoft_pct = 95.0"),
     "pools[0].hard_pct"),
    ("an account of no pool", ('venue = "SIM_OTC"\npool = "main"', 'venue = "SIM_OTC"\npool = "mian"'),
     "accounts[1].pool"),
    ("a double id", ('id = "gold_ratio"', 'id = "gold_spread"'), "strategies[1].id"),
    ("a double symbol", ('symbol = "USDCNH"', 'symbol = "GCG7"'), "instruments[2].symbol"),
    ("an account at another venue", ('account = "us"', 'account = "cn"'), "instruments[1].account"),
    ("a price in another currency", ('price_unit = "USD/oz"', 'price_unit = "EUR/oz"'), "instruments[1].currency"),
    ("an unknown unit", ('price_unit = "CNY/g"', 'price_unit = "CNY/gm"'), "instruments[0].price_unit"),
    ("a lot without a unit", ('lot_size = "1000 g"', 'lot_size = "1000"'), "instruments[0].lot_size"),
    ("no lot at all", ('lot_size = "1000 g"', ""), "instruments[0].lot_size"),
    ("a lot too small for the tick", ('lot_size = "1000 g"', 'lot_size = "0.00001 g"'), "instruments[0].lot_size"),
    ("no fee", ("fee_per_lot = 2.5 #", "#"), "instruments[1].fee_per_lot"),
    ("an order larger than the position", ("max_position_lots = 10", "max_position_lots = 2"),
     "instruments[1].max_order_lots"),
    ("sums that overflow", ("max_order_value = 12_000_000", "max_order_value = 1e13"),
     "instruments[0].max_order_value"),
    ("half a basis point", ('fee_per_lot = 10.0', 'collar_bps = 0.5\nfee_per_lot = 10.0'), "instruments[0].collar_bps"),
    ("two currencies in a third", ('currency = "CNY"\nunit', 'currency = "USD"\nunit'), "spreads[0].currency"),
    ("a date in another form", ('expires = "2027-02-15"', 'expires = "20270215"'), "instruments[0].expires"),
    ("an expired contract", ('expires = "2027-02-15"', 'expires = "2026-11-20"'), "instruments[0].expires"),
    ("no date", ('expires = "2027-02-15"', 'expires = "15.2.2027"'), "instruments[0].expires"),
    ("a leg that is not there", ('instrument = "SHFE.au2702"', 'instrument = "SHFE.au2720"'),
     "spreads[0].legs[0].instrument"),
    ("a leg twice", ('instrument = "COMEX.GCG7"', 'instrument = "SHFE.au2702"'), "spreads[0].legs[0].instrument"),
    ("a leg of no lots", ("ratio = 3", "ratio = 0"), "spreads[0].legs[0].ratio"),
    ("legs that do not convert", ('lot_size = "100 oz"', 'lot_size = "100 bbl"'), "instruments[1].lot_size"),
    ("a unit of another dimension", ('unit = "g"\n', 'unit = "l"\n'), "spreads[0].legs[0].instrument"),
    ("a bound as large as a leg", ("residual_bound = 120", "residual_bound = 3000"), "spreads[0].residual_bound"),
    ("no bound", ("residual_bound = 120\n", ""), "spreads[0].residual_bound"),
    ("an endless bound", ("residual_bound = 120", "residual_bound = inf"), "spreads[0].residual_bound"),
    ("two legs on the same side", ("ratio = -1", "ratio = 1"), "spreads[0].residual_bound"),
    ("a ledger smaller than a deal", ("ledger_bound = 1200", "ledger_bound = 100"), "spreads[0].ledger_bound"),
    ("a ledger smaller than the position", ("ledger_bound = 1200", "ledger_bound = 500"), "strategies[0].max_units"),
    ("no position", ("min_edge = 0.05 # CNY a gram\nmax_units = 5", "max_units = 0"), "strategies[0].max_units"),
    ("a clip larger than the position", ('band = "z"', 'band = "z"\nclip_units = 6'), "strategies[0].clip_units"),
    ("a clip larger than the bound", ("band = \"z\"", "band = \"z\"\nclip_units = 2"), "strategies[0].clip_units"),
    ("an unknown kind", ('kind = "ratio_cross"', 'kind = "ratio"'), "strategies[1].kind"),
    ("more samples than the window", ('band = "z"', 'band = "z"\nmin_samples = 500'), "strategies[0].min_samples"),
    ("no tries", ("max_tries = 9", "max_tries = 0"), "strategies[0].repair.max_tries"),
    ("endless tries", ("max_tries = 9", "max_tries = 1000000000"), "strategies[0].repair.max_tries"),
    ("no naked limit", ("naked_limit_ms = 12_000", "naked_limit_ms = 0"), "strategies[0].repair.naked_limit_ms"),
    ("a naked limit of days", ("naked_limit_ms = 12_000", "naked_limit_ms = 100_000_000"),
     "strategies[0].repair.naked_limit_ms"),
    ("a pause longer than the naked limit", ("naked_limit_ms = 12_000", "naked_limit_ms = 200"),
     "strategies[0].repair.retry_ms"),
    ("more capital than can be counted", ("capital = 20_000_000", "capital = 1e300"), "pools[0].capital"),
    ("a window that fills the memory", ("ledger_bound = 1200", "ledger_bound = 1200\nwindow = 1_000_000_000_000"),
     "spreads[0].window"),
    ("a segment that fills the disk", ('name = "gold"', 'name = "gold"\nsegment_mb = 1_000_000_000'),
     "engine.segment_mb"),
    ("a timer of days", ('name = "gold"', 'name = "gold"\ntimer_ms = 100_000_000'), "engine.timer_ms"),
    ("a slippage of all ticks", ('band = "z"', f'band = "z"\nslippage_ticks = {2**62}'),
     "strategies[0].slippage_ticks"),
    ("a band without end", ("band_bps = 30.0", "band_bps = 1e308"), "strategies[0].repair.band_bps"),
    ("a rung without end", ("pay_up_ticks = [1, 2, 4]", f"pay_up_ticks = [1, {10**15}]"),
     "strategies[0].repair.pay_up_ticks"),
    ("a ladder without end", ("pay_up_ticks = [1, 2, 4]", f"pay_up_ticks = {list(range(1, 40))}"),
     "strategies[0].repair.pay_up_ticks"),
    ("a level that is never reached", ('band = "z"\nentry = 2.0', 'band = "z"\nentry = 1e308'), "strategies[0].entry"),
    ("a ratio of a whole market", ("ratio = 3", "ratio = 99_999_999"), "spreads[0].legs[0].ratio"),
    ("a tick beyond counting", ('tick = "0.02"', f'tick = "{10**15}"'), "instruments[0].tick"),
    ("a lot beyond counting", ('lot_size = "1000 g"', f'lot_size = "{10**30} g"'), "instruments[0].lot_size"),
    ("an expiry after all time", ('expires = "2027-02-15"', 'expires = "9999-12-31"'), "instruments[0].expires"),
    ("a NUL in an id", ('id = "gold_ratio"', 'id = "gold\\u0000ratio"'), "strategies[1].id"),
    ("a new line in an id", ('id = "gold_ratio"', 'id = "gold\\nratio"'), "strategies[1].id"),
    ("an id of a sentence", ('id = "gold_ratio"', 'id = "the gold ratio"'), "strategies[1].id"),
    ("an id without end", ('id = "gold_ratio"', f'id = "{"g" * 65}"'), "strategies[1].id"),
    ("a quote in a symbol", ('symbol = "USDCNH"', "symbol = 'USD\"CNH'"), "instruments[2].symbol"),
    ("a port that is none", ("md_port = 7602", "md_port = 99_999"), "venues[1].settings.md_port"),
    ("a logon of days", ("md_port = 7602", "md_port = 7602\nlogon_timeout_ms = 100_000_000"),
     "venues[1].settings.logon_timeout_ms"),
    ("a ladder that goes down", ("pay_up_ticks = [1, 2, 4]", "pay_up_ticks = [2, 1]"),
     "strategies[0].repair.pay_up_ticks"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "key"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_a_mistake_is_refused_where_it_is(tmp_path, change, key):
    result = checked(tmp_path, change)
    assert result.config is None
    assert key in keys(result)


ADDITIONS = [
    ("a hook that goes nowhere", '[[hooks]]\nlevel = "warn"', "hooks[0].url"),
    ("a hook to no address", '[[hooks]]\nurl = "example.org"', "hooks[0].url"),
    ("a hook of no level", '[[hooks]]\nurl = "https://example.org"\nlevel = "warning"', "hooks[0].level"),
    ("a clock that is no time", '[clock]\nbase_utc = "yesterday"', "clock.base_utc"),
    ("a clock that hardly moves", '[clock]\nbase_utc = "2026-11-22T02:00:00Z"\nspeed = 1e-9', "clock.speed"),
    ("a clock after all time", '[clock]\nbase_utc = "9999-12-31T00:00:00Z"', "clock.base_utc"),
    ("a fast wall clock", "[clock]\nspeed = 10.0", "clock.speed"),
    ("a spread on a watched contract", """
[[spreads]]
id = "AU_FX"
currency = "CNY"
unit = "g"
residual_bound = 1.0
ledger_bound = 10.0
legs = [{instrument = "SHFE.au2702", ratio = 1}, {instrument = "FX.USDCNH", ratio = -1}]
[[strategies]]
id = "watch"
kind = "spread_cross"
spread = "AU_FX"
entry = 2.0
exit = 1.0
repair = {}
""", "strategies[2].spread"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key"), [case[1:] for case in ADDITIONS], ids=[case[0] for case in ADDITIONS])
def test_a_wrong_addition_is_refused_where_it_is(tmp_path, text, key):
    assert key in keys(checked(tmp_path, also="\n" + text))


def test_an_engine_with_nothing_to_watch_is_refused_and_one_without_strategies_is_noted(tmp_path):
    (tmp_path / "none.toml").write_text('[engine]\nname = "none"\nmax_day_loss = "none"\n')
    result = check(tmp_path / "none.toml", now_ns=NOW_NS)
    assert keys(result) == ["instruments", "spreads"]
    own = anywhere(GOLD[: GOLD.index("[[strategies]]")])
    (tmp_path / "watch.toml").write_text(own)
    result = check(tmp_path / "watch.toml", now_ns=NOW_NS)
    assert result.problems == [] and any(note.startswith("no strategy: ") for note in result.notes)


def test_a_spread_of_one_leg_shows_it_as_it_was_written(tmp_path):
    result = checked(tmp_path, ('[[spreads.legs]]\ninstrument = "COMEX.GCG7"\nratio = -1\n', ""))
    (problem,) = [problem for problem in result.problems if problem.key == "spreads[0].legs"]
    assert problem.expected.startswith("2 to ")
    assert problem.value.startswith('[{"instrument": "SHFE.au2702", "ratio": 3')


def test_a_setting_out_of_its_range_stands_at_its_own_key_with_its_value(tmp_path):
    lines = render(checked(tmp_path, ("md_port = 7602", "md_port = 99_999"))).splitlines()
    assert "  venues[1].settings.md_port = 99999  expected 1 to 65535" in lines


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000 + "]" * 5000, "a = " + "[" * 200 + "]" * 200, "a = " + "{a=" * 5000 + "1" + "}" * 5000,
        ".".join("a" * 5000) + " = 1", "[" + ".".join("a" * 5000) + "]", "a = 1" + "0" * 5000,
    ],
    ids=["lists", "shallower lists", "tables", "dotted keys", "a table's name", "digits"],
)  # fmt: skip
def test_a_file_without_a_bottom_is_one_problem(tmp_path, text):
    (tmp_path / "deep.toml").write_text(text)
    result = check(tmp_path / "deep.toml", now_ns=NOW_NS)
    assert len(result.problems) == 1 and render(result)


def test_digits_without_end_are_a_wrong_number(tmp_path):
    result = checked(tmp_path, ("md_port = 7602", "md_port = 0x1" + "0" * 5000))
    assert keys(result) == ["venues[1].settings.md_port"] and render(result)


def test_market_time_decides_what_is_expired(tmp_path):
    changes = [("2027-02-15", "2019-12-15"), ("2027-02-24", "2019-12-27")]
    assert keys(checked(tmp_path, *changes)) == ["instruments[0].expires", "instruments[1].expires"]
    assert checked(tmp_path, *changes, also='\n[clock]\nbase_utc = "2019-06-20T01:00:00Z"\n').problems == []


def test_dated_terms_belong_to_a_leg_and_come_once(tmp_path):
    terms = 'ledger_bound = 1200\nterms = [{valid_from = "2019-04-01", vat_pct = 13.0}, '
    terms += '{valid_from = "soon", leg = "COMEX.GCG7"}, {valid_from = "soon", leg = "COMEX.GCG7", duty_pct = -1}]\n'
    found = keys(checked(tmp_path, ("ledger_bound = 1200\n", terms)))
    assert set(found) == {
        "spreads[0].terms[0].leg", "spreads[0].terms[1].valid_from", "spreads[0].terms[2].valid_from",
        "spreads[0].terms[2].duty_pct",
    }  # fmt: skip


def test_notes_propose_ratios_and_say_what_is_not_exact():
    notes = "\n".join(check(CONFIGS / "gold.toml", now_ns=NOW_NS).notes)
    assert "a unit is 3:1 leaves 110.348 g (3.5 %)" in notes
    assert "28:9 leaves 6.87088 g (0.025 %)" in notes
    assert "calendar shfe_au is closed after 2026-12-31, and it expires on 2027-02-15" in notes
    notes = "\n".join(check(CONFIGS / "btc.toml", now_ns=NOW_NS).notes)
    assert "a lot is 100 USD of BTC, which moves with the price: 0.001666666667 BTC at 60000" in notes
    assert "a lot of BTC.CM counts as 1667 millionths of a BTC" in notes
    assert "spread SPOT_USDM: a unit is 100:10 exact" in notes


def test_an_inverse_leg_needs_a_reference_price(tmp_path):
    text = (CONFIGS / "btc.toml").read_text()
    (tmp_path / "instruments").mkdir()
    (tmp_path / "btc.toml").write_text(text)
    instruments = (CONFIGS / "instruments/btc.toml").read_text()
    (tmp_path / "instruments/btc.toml").write_text(instruments.replace('reference_price = "60000"\n', ""))
    (tmp_path / "rules.toml").write_text(RULES)
    result = check(tmp_path / "btc.toml", now_ns=NOW_NS)
    assert keys(result) == ["spreads[0].legs[1].instrument"]
    assert "reference_price" in result.problems[0].expected


def test_settings_are_checked_against_the_types_handed_in(tmp_path):
    result = check(CONFIGS / "gold.toml", {"diff": Settings, "fix44": Settings}, NOW_NS)
    assert "venues[0].settings.md_url" in keys(result) and "venues[0].settings.host" in keys(result)
    assert result.settings == {}


def test_calendars_may_come_from_a_file_of_the_desk(tmp_path):
    result = checked(tmp_path)
    assert result.problems == [] and set(result.calendars) == {"always", "shfe_au", "comex_metals", "fx_24x5"}
    assert not any("is closed after" in note and "shfe_au" in note for note in result.notes)
    result = checked(tmp_path, ('calendars = "own.toml"', 'calendars = "other.toml"'))
    assert str(tmp_path / "other.toml") in [problem.file for problem in result.problems]


def test_the_text_lists_problems_by_file_and_ends_with_the_count(tmp_path):
    result = checked(tmp_path, ("ratio = -1", "ratio = 0"), ('tick = "0.02"', 'tick = "0"'))
    lines = render(result).splitlines()
    assert str(tmp_path / "gold.toml") in lines and str(tmp_path / "instruments/gold.toml") in lines
    assert '  instruments[0].tick = "0"  expected a decimal number above 0, as a text such as "0.02"' in lines
    assert lines[-1] == "2 problems"
    assert render(check(CONFIGS / "gold.toml", now_ns=NOW_NS)).endswith("\nno problem")


def test_a_file_that_is_not_there(tmp_path):
    result = check(tmp_path / "none.toml")
    assert result.config is None and keys(result) == [""]
    assert "expected a readable file" in render(result)


WEIRD = ["0", "-1", '""', '"x"', "[]", "{}", "true", "1e308", "nan", str(2**63 - 1), "2027-01-01", "[{}]", '"0 g"', ""]
LINES = [
    line for line in GOLD.splitlines() + INSTRUMENTS.splitlines() if " = " in line and not line.startswith("include")
]


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(set(LINES))), st.sampled_from(WEIRD))
def test_no_value_whatever_breaks_the_check_itself(tmp_path, line, value):
    place = 0 if line in GOLD else 1
    texts = [GOLD.replace(INCLUDE, f'{INCLUDE}\ncalendars = "own.toml"'), INSTRUMENTS, CALENDARS]
    changed = f"{line.split(' = ')[0]} = {value}" if value else ""
    texts[place] = texts[place].replace(line, changed, 1)
    (tmp_path / "instruments").mkdir(exist_ok=True)
    for name, text in zip(("gold.toml", "instruments/gold.toml", "own.toml"), texts, strict=True):
        (tmp_path / name).write_text(text)
    (tmp_path / "rules.toml").write_text(RULES)
    result = check(tmp_path / "gold.toml", now_ns=NOW_NS)
    assert (result.config is None) == bool(result.problems)
    assert render(result)


def test_a_ratio_strategy_needs_a_bought_leg_over_a_sold_one(tmp_path):
    path = tmp_path / "ratio.toml"
    text = anywhere(GOLD)
    path.write_text(text.replace("ratio = 3", "ratio = -3").replace("ratio = -1", "ratio = 1"))
    said = "\n".join(str(problem) for problem in check(path).problems)
    assert "the ratio is first / second" in said


def test_a_price_weight_against_its_ratio_is_refused(tmp_path):
    path = tmp_path / "weight.toml"
    text = anywhere(GOLD)
    path.write_text(text.replace("ratio = 3", "ratio = 3\nprice_weight = -1.0"))
    said = "\n".join(str(problem) for problem in check(path).problems)
    assert "the side that is traded is the side that is priced" in said
