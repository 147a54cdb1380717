"""The check of pools: levels of accounts, policies, weights and reserves, and strategies across pools."""

import shutil
from pathlib import Path

import pytest

from desk.check import check

CONFIGS = Path(__file__).parent.parent / "configs"
NOW_NS = 1_795_312_800_000_000_000  # 2026-11-22 02:00 UTC
POOL = "capital = 20_000_000\n"
STRATEGY = 'id = "gold_spread"\n'


def checked(folder: Path, *changes: tuple[str, str]):
    """The gold config with texts replaced."""
    shutil.copytree(CONFIGS, folder, dirs_exist_ok=True)
    text = (folder / "gold.toml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "gold.toml").write_text(text)
    return check(folder / "gold.toml", now_ns=NOW_NS)


def test_the_policies_of_a_pool_are_good(tmp_path):
    for policy in ("shared", "priority", "pro_rata", "reserve"):
        assert checked(tmp_path, (POOL, f'{POOL}policy = "{policy}"\n')).problems == []


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        ((POOL, f'{POOL}policy = "prorata"\n'), "pools[0].policy", "one of shared, priority, pro_rata, reserve"),
        ((STRATEGY, f"{STRATEGY}pool_weight = -1\n"), "strategies[0].pool_weight", "0 or more"),
        ((STRATEGY, f"{STRATEGY}pool_reserve = 1e15\n"), "strategies[0].pool_reserve", "at most 4,000,000,000,000"),
        ((STRATEGY, f"{STRATEGY}pool_reserve = nan\n"), "strategies[0].pool_reserve", None),
        ((STRATEGY, f"{STRATEGY}pool_priority = 99_999_999\n"), "strategies[0].pool_priority", "at most 1,000,000"),
        (('pool = "main"\n', 'pool = "main"\nsoft_pct = 60.0\n'), "accounts[0].soft_pct", "more than warn_pct, 70"),
        (('pool = "main"\n', 'pool = "main"\nhard_pct = 101.0\n'), "accounts[0].hard_pct", "at most 100"),
    ],
)
def test_a_mistake_is_refused_with_its_key(tmp_path, change, key, expected):
    (problem,) = checked(tmp_path, change).problems
    assert problem.key == key and expected in (None, problem.expected)


def test_reserves_are_no_more_than_the_pool_has(tmp_path):
    policy = (POOL, f'{POOL}policy = "reserve"\n')
    half = (STRATEGY, f"{STRATEGY}pool_reserve = 12e6\n")
    other = ('id = "gold_ratio"\n', 'id = "gold_ratio"\npool_reserve = 8e6\n')
    assert checked(tmp_path, policy, half, other).problems == []
    more = (other[0], other[1].replace("8e6", "9e6"))
    (problem,) = checked(tmp_path, policy, half, more).problems
    assert (problem.key, problem.expected) == (
        "pools[0].capital", "at least 21,000,000, the sum of its strategies' pool_reserve",
    )  # fmt: skip


@pytest.mark.parametrize(("policy", "problems"), [("shared", 0), ("pro_rata", 2)])
def test_legs_in_two_pools_are_good_only_where_none_is_shared_out(tmp_path, policy, problems):
    second = f'[[pools]]\nid = "other"\ncapital = 1e6\n\n[[pools]]\nid = "main"\npolicy = "{policy}"\n'
    result = checked(
        tmp_path, ('[[pools]]\nid = "main"\n', second), ('venue = "SIM_OTC"\npool = "main"',
                                                         'venue = "SIM_OTC"\npool = "other"')
    )  # fmt: skip
    assert [problem.key for problem in result.problems] == [f"strategies[{at}].spread" for at in range(problems)]
    assert all("in one pool, not in main, other" in problem.expected for problem in result.problems)
