"""The check of how far a strategy is let loose: modes that exist, ramps that ascend."""

import shutil

import pytest

from desk.check import check
from tests.test_check import CONFIGS, NOW_NS

STRATEGY = "strategies[0]"
PLACE = "align_ms = 60.0\n"
STEP = "\n[[strategies.ramp]]\n"
PROVEN = "min_deals = 20\nmin_s = 3_600\nmax_loss = 5_000\n"


def checked(folder, *changes: tuple[str, str]):
    """The project's gold config with texts replaced."""
    shutil.copytree(CONFIGS, folder / "configs")
    path = folder / "configs" / "gold.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return check(path, now_ns=NOW_NS)


def ramp(*steps: str) -> tuple[str, str]:
    """The change that gives the first strategy of the gold config (max_units = 5) a ramp."""
    return PLACE, PLACE + STEP + STEP.join(steps)


# situation, change of the gold config, key, what is expected of it, the nearest name
MISTAKES = [
    ("an unknown mode of a strategy", (PLACE, f'{PLACE}mode = "shadows"\n'), f"{STRATEGY}.mode",
     "one of live, shadow", "shadow"),
    ("an unknown mode of the engine", ('name = "gold"\n', 'name = "gold"\nmode = "paper"\n'), "engine.mode",
     "one of live, shadow", ""),
    ("a step without units", ramp("units = 0\n" + PROVEN, "units = 5\n"), f"{STRATEGY}.ramp[0].units",
     "more than 0: each step of a ramp allows more than the one before it", ""),
    ("a ramp that does not ascend", ramp("units = 2\n" + PROVEN, "units = 2\n"), f"{STRATEGY}.ramp[1].units",
     "more than 2: each step of a ramp allows more than the one before it", ""),
    ("a step beyond the strategy's own limit", ramp("units = 1\n" + PROVEN, "units = 6\n"), f"{STRATEGY}.ramp[1].units",
     "at most max_units, 5", ""),
    ("a step that is over at once", ramp("units = 1\n", "units = 5\n"), f"{STRATEGY}.ramp[0].min_deals",
     "min_deals or min_s above 0: else the step is over as soon as it begins", ""),
    ("a step that takes back time", ramp("units = 1\nmin_s = -1\n", "units = 5\n"), f"{STRATEGY}.ramp[0].min_s",
     "0 to 31,622,400", ""),
    ("a loss below zero", ramp("units = 1\nmin_s = 60\nmax_loss = -1.0\n", "units = 5\n"),
     f"{STRATEGY}.ramp[0].max_loss", '0 or more, or "none"', ""),
    ("a loss beyond all money", ramp("units = 1\nmin_s = 60\nmax_loss = 1e300\n", "units = 5\n"),
     f"{STRATEGY}.ramp[0].max_loss", "at most 4,000,000,000,000", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "key", "expected", "near"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES]
)
def test_what_cannot_be_let_loose_is_refused_with_its_reason(tmp_path, change, key, expected, near):
    result = checked(tmp_path, change)
    assert result.config is None
    assert [(one.key, one.expected, one.nearest) for one in result.problems] == [(key, expected, near)]


def test_a_ramp_that_ascends_and_a_shadow_are_good(tmp_path):
    result = checked(tmp_path, ramp("units = 1\n" + PROVEN, "units = 5\n"), (PLACE, f'{PLACE}mode = "shadow"\n'))
    assert result.problems == []
    assert [(step.units, step.max_loss) for step in result.config.strategies[0].ramp] == [(1, 5000.0), (5, "none")]
    assert not any("its ramp" in note for note in result.notes)


def test_a_ramp_that_ends_below_the_strategy_s_limit_is_a_note(tmp_path):
    result = checked(tmp_path, ramp("units = 1\n" + PROVEN, "units = 3\n"))
    assert result.problems == []
    (note,) = [note for note in result.notes if "its ramp" in note]
    assert "allows 3 units, so max_units = 5 is never reached" in note
