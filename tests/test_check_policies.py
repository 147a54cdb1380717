"""The check of policies: how legs are sent, what a repair may do, what stands in for a leg, a contract's day."""

import pytest

import engine.settle
from desk import check_policies
from desk.check import check
from tests.test_check import CONFIGS, NOW_NS, checked

pytestmark = pytest.mark.slow

GC = 'leg = "COMEX.GCG7"\ninstrument = "COMEX.GCJ7"'
ALIGNED = 'dispatch = "arrival_aligned"\nfar = "COMEX.GCG7"\nalign_ms = 60.0\n'
AU = 'position_mode = "long_short_today"\n'
OTC = 'account = "us"\nrules = "free"\ncurrency = "USD"\nprice_unit = "USD/oz"\ntick = "0.1"\nlot_size = "100 oz"\n'
STRATEGY, REPAIR, PROXY = "strategies[0]", "strategies[0].repair", "strategies[0].repair.proxies[0]"

# situation, change of the gold config, key, what is expected of it, the nearest name
MISTAKES = [
    ("no leg to lead", (ALIGNED, 'dispatch = "lead_lag"\n'), f"{STRATEGY}.lead",
     "the instrument of a leg of AU_GC: SHFE.au2702 or COMEX.GCG7", ""),
    ("a far leg of another spread", ('far = "COMEX.GCG7"', 'far = "COMEX.GCJ7"'), f"{STRATEGY}.far",
     "the instrument of a leg of AU_GC: SHFE.au2702 or COMEX.GCG7", "COMEX.GCG7"),
    ("a leading leg that nobody waits for", (ALIGNED, 'lead = "COMEX.GCG7"\n'), f"{STRATEGY}.lead",
     "nothing: only lead_lag sends a leg first, and this is concurrent", ""),
    ("a far leg beside a leading one", (ALIGNED, 'dispatch = "lead_lag"\nlead = "SHFE.au2702"\nfar = "COMEX.GCG7"\n'),
     f"{STRATEGY}.far", "nothing: only arrival_aligned sends a leg first, and this is lead_lag", ""),
    ("an unknown dispatch", ('dispatch = "arrival_aligned"', 'dispatch = "arrival_alined"'), f"{STRATEGY}.dispatch",
     "one of concurrent, lead_lag, arrival_aligned", "arrival_aligned"),
    ("a delay that nothing uses", (ALIGNED, "align_ms = 60.0\n"), f"{STRATEGY}.align_ms",
     "0: only arrival_aligned delays a leg, and this is concurrent", ""),
    ("aligned without a delay", ("align_ms = 60.0\n", ""), f"{STRATEGY}.align_ms",
     "more than 0: without a delay every leg is sent at once, which is concurrent", ""),
    ("a delay beyond the deadline", ("align_ms = 60.0", "align_ms = 2_000.0"), f"{STRATEGY}.align_ms",
     "less than deadline_ms, 2000: else the later legs are sent dead", ""),
    ("a delay back in time", ("align_ms = 60.0", "align_ms = -1.0"), f"{STRATEGY}.align_ms", "0 or more", ""),
    ("an unknown end of day", (ALIGNED, 'at_close = "flaten"\n'), f"{STRATEGY}.at_close", "one of carry, flatten",
     "flatten"),
    ("flat at the close itself", (ALIGNED, 'at_close = "flatten"\nflatten_s = 0\n'), f"{STRATEGY}.flatten_s",
     "more than 0", ""),
    ("naked no longer than an answer takes", ("naked_limit_ms = 12_000", "naked_limit_ms = 800"),
     f"{REPAIR}.naked_limit_ms",
     "more than the engine's ack_timeout_ms, 800: else a deal is halted before its first order is even in doubt", ""),
    ("a lean wait as long as the naked limit", ("lean_ms = 400", "lean_ms = 12_000"), f"{REPAIR}.lean_ms",
     "less than naked_limit_ms, 12000: else nothing is tried after the wait at the lean price", ""),
    ("a queue as long as the naked limit", ("lock_wait_ms = 4_000", "lock_wait_ms = 12_000"), f"{REPAIR}.lock_wait_ms",
     "less than naked_limit_ms, 12000: else nothing is tried after the wait in the queue", ""),
    ("a wait back in time", ("lean_ms = 400", "lean_ms = -1"), f"{REPAIR}.lean_ms", "0 or more", ""),
    ("a lean price that nothing waits at", ("lean_ms = 400\n", ""), f"{REPAIR}.lean_ticks",
     "0: lean_ms is 0, so nothing waits at the lean price", ""),
    ("tries that never come to unwinding", ("max_tries = 9", "max_tries = 12"), f"{REPAIR}.max_tries",
     "so many that unwinding is still tried: where the 8 tries before it are refused, their pauses (retry_ms doubles) "
     "take 14500 ms, and naked_limit_ms, 12000, halts the deal first", ""),
    ("completing that is never come to", ("max_tries = 9", 'on_partial = "unwind"\nmax_tries = 12'),
     f"{REPAIR}.max_tries", "so many that completing is still tried: where the 8 tries before it are refused, their "
     "pauses (retry_ms doubles) take 14500 ms, and naked_limit_ms, 12000, halts the deal first", ""),
    ("completing without end", ("max_tries = 9", 'on_partial = "complete"\nmax_tries = 5000'), f"{REPAIR}.max_tries",
     "at most 1000: a repair must come to an end", ""),
    ("a wide band that is none", ("wide_band_bps = 60.0", "wide_band_bps = 30.0"), f"{REPAIR}.wide_band_bps",
     "0 for none, or more than band_bps, 30", ""),
    ("a wide band without end", ("wide_band_bps = 60.0", "wide_band_bps = 1e9"), f"{REPAIR}.wide_band_bps",
     "at most 10,000", ""),
    ("a proxy of no leg", (GC, GC.replace("GCG7", "GCZ7")), f"{PROXY}.leg",
     "the instrument of a leg of AU_GC: SHFE.au2702 or COMEX.GCG7", "COMEX.GCG7"),
    ("a proxy that is not there", (GC, GC.replace("GCJ7", "GCJ8")), f"{PROXY}.instrument", "the id of an instrument",
     "COMEX.GCJ7"),
    ("the leg itself", (GC, GC.replace("GCJ7", "GCG7")), f"{PROXY}.instrument",
     "a contract beside the spread's own: this is the leg itself", ""),
    ("the other leg", (GC, GC.replace("COMEX.GCJ7", "SHFE.au2702")), f"{PROXY}.instrument",
     "a contract beside the spread's own: this is another leg", ""),
    ("a proxy that cannot be traded", (GC, GC.replace("COMEX.GCJ7", "FX.USDCNH")), f"{PROXY}.instrument",
     "a contract that can be traded: FX.USDCNH has no account", ""),
    ("two proxies of a leg", (GC, f"{GC}\n[[strategies.repair.proxies]]\n{GC}"), f"{PROXY}.leg",
     "a leg that no other proxy stands for", ""),
    ("no room for proxies", (GC, GC + f"\n[[strategies.repair.proxies]]\n{GC}" * 2), f"{REPAIR}.proxies",
     "at most 2: a deal has room for 4 contracts", ""),
    ("a proxy of no weight", (GC, f"{GC}\nhedge_weight = 0.0"), f"{PROXY}.hedge_weight",
     "more than 0 and at most 1000", ""),
    ("a proxy that weighs nothing", (GC, f"{GC}\nlot_base = 0.0"), f"{PROXY}.lot_base", "more than 0", ""),
    ("a proxy too large to be used", (GC, f"{GC}\nhedge_weight = 3.0"), f"{PROXY}.instrument",
     "a contract of smaller lots: half a lot is more than the 3110.35 g of COMEX.GCG7 in a clip, so it would never be "
     "used", ""),
    ("a proxy too small to be used", (GC, f"{GC}\nhedge_weight = 1e-12"), f"{PROXY}.instrument",
     "a proxy of which at most 1,000 lots stand for the 3110.35 g of COMEX.GCG7 in a clip: one lot of it is "
     "3.11035e-09 g", ""),
    ("a conversion against the lot's own", (GC, f"{GC}\nlot_base = 7_000.0"), f"{PROXY}.lot_base",
     "nothing: a lot of 100 oz is 3110.35 g", ""),
    ("a limit off the tick", (AU, f'{AU}upper_limit = "900.01"\n'), "instruments[0].upper_limit",
     "a multiple of the tick, 0.02", ""),
    ("limits the wrong way round", (AU, f'{AU}upper_limit = "800"\nlower_limit = "900"\n'),
     "instruments[0].lower_limit", "less than upper_limit, 800", ""),
    ("a limit that is no number", (AU, f'{AU}lower_limit = "none"\n'), "instruments[0].lower_limit",
     'a decimal number above 0, as a text such as "0.02"', ""),
    ("a fee of today's lots where there are none", (OTC, f"{OTC}close_today_fee_per_lot = 1.0\n"),
     "instruments[1].close_today_fee_per_lot", "nothing: net knows no lots of today (long_short_today does)", ""),
    ("a fee below nothing", (AU, f"{AU}close_today_fee_bps = -1.0\n"), "instruments[0].close_today_fee_bps",
     "0 or more", ""),
    ("a lock where there are no lots of today", (OTC, f"{OTC}may_lock = true\n"), "instruments[1].may_lock",
     "false: net knows no lots of today to leave", ""),
    ("a lock without the fee that it spares", (AU, f"{AU}may_lock = true\n"), "instruments[0].may_lock",
     "false, or a close_today_fee_per_lot or _bps: a lock is weighed against that fee", ""),
    ("a circuit that is always broken", ('name = "gold"', 'name = "gold"\ncircuit_rejects = 0'),
     "engine.circuit_rejects", "more than 0", ""),
    ("a circuit broken for ever", ('name = "gold"', 'name = "gold"\ncircuit_ms = 100_000_000'), "engine.circuit_ms",
     "at most 3,600,000", ""),
    ("no bound of a residual that there is", ("residual_bound = 120", "residual_bound = 0"),
     "spreads[0].residual_bound", "at least 110.348 g, which one unit of these ratios leaves", ""),
    ("no bound of a ledger that fills", ("ledger_bound = 1200", "ledger_bound = 0"), "spreads[0].ledger_bound",
     "more than 0", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "key", "expected", "near"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES]
)
def test_a_policy_that_cannot_work_is_refused_with_its_reason(tmp_path, change, key, expected, near):
    result = checked(tmp_path, change)
    assert result.config is None
    named = [problem for problem in result.problems if problem.key == key]
    assert [(problem.expected, problem.nearest) for problem in named] == [(expected, near)]
    file = "instruments/gold.toml" if key.startswith("instruments") else "gold.toml"
    assert named[0].file == str(tmp_path / file)


def test_what_is_good_is_not_refused(tmp_path):
    stated = f'{AU}upper_limit = "1100.5"\nlower_limit = "900.02"\nclose_today_fee_per_lot = 0.0\nmay_lock = true\n'
    lead = 'dispatch = "lead_lag"\nlead = "COMEX.GCG7"\nat_close = "flatten"\n'
    assert checked(tmp_path, (AU, stated), (ALIGNED, lead), ("[1, 2, 4]", "[1, 2, 400]")).problems == []


def test_a_proxy_without_a_conversion_needs_one_stated(tmp_path):
    """A litre of it does not say how many grams it stands for."""
    lot = 'tick = "0.1"\nlot_size = "100 oz"\ncalendar = "comex_metals"\nexpires = "2027-04-28"'
    litres = lot.replace("100 oz", "100 l")
    gcj = 'symbol = "GCJ7"\naccount = "us"\nrules = "free"\ncurrency = "USD"\nprice_unit = "USD/oz"'
    changes = [(lot, litres), (gcj, gcj.replace("USD/oz", "USD/l"))]
    (problem,) = checked(tmp_path, *changes).problems
    assert problem.key == f"{PROXY}.lot_base"
    assert problem.expected == "g in one lot of COMEX.GCJ7: its lot of 100 l does not convert by itself"
    assert checked(tmp_path, *changes, (GC, f"{GC}\nlot_base = 3_000.0")).problems == []


def test_an_inverse_contract_stands_for_nothing(tmp_path):
    text = (CONFIGS / "btc.toml").read_text().replace("instruments/btc.toml", f"{CONFIGS}/instruments/btc.toml")
    text = text.replace('"rules.toml"', f'"{CONFIGS}/rules.toml"')
    proxy = '\n[[strategies.repair.proxies]]\nleg = "BTC.USDM"\ninstrument = "BTC.CM"\n'
    (tmp_path / "btc.toml").write_text(text + proxy)
    (problem,) = check(tmp_path / "btc.toml", now_ns=NOW_NS).problems
    assert problem.key == "strategies[1].repair.proxies[0].instrument"
    assert problem.expected == "a contract that is not inverse: its lot is worth another amount at each price"


def test_a_rung_that_is_never_stood_on_is_a_note(tmp_path):
    result = checked(tmp_path, ("max_tries = 9", "max_tries = 6"))
    assert result.problems == []
    (note,) = [note for note in result.notes if "ladder" in note]
    assert note.startswith("strategy gold_spread: its ladder of repair has 6 rungs, and max_tries = 6 lets it climb 4")
    assert not any("ladder" in note for note in checked(tmp_path).notes)


def test_a_band_beyond_the_collar_is_a_note(tmp_path):
    notes = checked(tmp_path, ("wide_band_bps = 60.0", "wide_band_bps = 150.0")).notes
    assert any("its band of 150 basis points is beyond the collar of SHFE.au2702, 100" in note for note in notes)


def test_a_ledger_that_nothing_trades_away_is_a_note(tmp_path):
    assert not any("residual ledger" in note for note in checked(tmp_path).notes)
    off = checked(tmp_path, ("ledger_bound = 1200", "ledger_bound = 1200\nledger_hedge = false")).notes
    assert any("nothing trades its residual ledger away (ledger_hedge = false)" in note for note in off)
    small = checked(tmp_path, ("ledger_bound = 1200", "ledger_bound = 900"))
    assert small.problems == []
    assert any("ledger_bound, 900 g, is less than the smallest lot, 1000" in note for note in small.notes)


def test_the_pauses_counted_here_are_those_of_the_engine():
    assert check_policies._BACK_OFF_SHIFT == engine.settle._BACK_OFF_SHIFT
