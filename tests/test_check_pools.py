"""The check of strategies across pools: legs in several of them only where none is shared out."""

import shutil
from pathlib import Path

import pytest

from desk.check import check

pytestmark = pytest.mark.slow

CONFIGS = Path(__file__).parent.parent / "configs"
NOW_NS = 1_795_312_800_000_000_000  # 2026-11-22 02:00 UTC
POOL = "capital = 20_000_000\n"


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


@pytest.mark.parametrize(("policy", "problems"), [("shared", 0), ("pro_rata", 2)])
def test_legs_in_two_pools_are_good_only_where_none_is_shared_out(tmp_path, policy, problems):
    second = f'[[pools]]\nid = "other"\ncapital = 1e6\n\n[[pools]]\nid = "main"\npolicy = "{policy}"\n'
    result = checked(
        tmp_path, ('[[pools]]\nid = "main"\n', second), ('venue = "SIM_OTC"\npool = "main"',
                                                         'venue = "SIM_OTC"\npool = "other"')
    )  # fmt: skip
    assert [problem.key for problem in result.problems] == [f"strategies[{at}].spread" for at in range(problems)]
    assert all("in one pool, not in main, other" in problem.expected for problem in result.problems)
