"""The campaign's wiring: each part is a process whose exit code and figures are kept; none of the long runs."""

import msgspec
import pytest

from bench import campaign

pytestmark = pytest.mark.slow


def test_each_part_is_a_process_whose_figures_are_kept(tmp_path, monkeypatch, capsys):
    short = lambda file: ["bench.storm", "--deals", "5", "--jobs", "1", "--json", str(file)]
    monkeypatch.setitem(campaign.PARTS, "storm", (short, "a moment"))
    assert campaign.main(["--only", "storm", "--out", str(tmp_path)]) == 0
    whole = next(path for path in tmp_path.glob("*.json") if "-storm" not in path.name)
    part = msgspec.json.decode(whole.read_bytes())["storm"]
    assert part["exit_code"] == 0
    assert part["figures"]["deals"] >= 5
    assert "storm       well" in capsys.readouterr().out


def test_a_part_that_does_not_end_well_is_the_campaigns_exit_code(tmp_path, monkeypatch):
    wrong = lambda file: ["bench.storm", "no-such-config.toml", "--json", str(file)]
    monkeypatch.setitem(campaign.PARTS, "storm", (wrong, "a moment"))
    assert campaign.main(["--only", "storm", "--out", str(tmp_path)]) == 1


def test_an_unknown_part_is_named_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        campaign.main(["--only", "storm,weather"])
    assert "weather: expected some of benches, storm, crash, smallworld, soak, demo" in capsys.readouterr().err
