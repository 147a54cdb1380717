"""The scale bench: configs of any size, a venue that keeps its schedule, a round of it all, and its figure."""

from xml.etree import ElementTree

import msgspec
import pytest

from bench import scale, scale_page
from bench.scale_feeder import messages_of, packed
from bench.scale_load import Load
from bench.scale_size import Size
from bench.sized import sized
from desk.build import Names, build_state

DATE = "2026-11-18"


@pytest.mark.parametrize(("instruments", "spreads", "quoted"), [(3, 1, 2), (12, 2, 4), (11, 30, 10)])
def test_spreads_are_dealt_out_to_pairs_and_the_rate_touches_all_of_them(instruments, spreads, quoted):
    made = sized(instruments, spreads)
    state = build_state(Names(made.config), DATE)
    touched = state.instrument["touch_n"].tolist()
    assert (len(touched), len(state.spread), made.quoted) == ((instruments - 1) // 2 * 2 + 1, spreads, quoted)
    assert touched[made.fx] == spreads and sum(touched) == 3 * spreads
    assert max(touched[: made.fx]) - min(touched[:quoted]) <= 1


def test_every_touch_names_a_spread_that_has_the_instrument_as_leg_or_rate():
    state = build_state(Names(sized(11, 30).config), DATE)
    for index, row in enumerate(state.instrument):
        for spread in state.touch["spread"][row["touch_at"] : row["touch_at"] + row["touch_n"]]:
            assert index in (*state.spread["instrument"][spread], *state.spread["fx"][spread])


def test_messages_come_out_of_the_file_as_they_went_in():
    body, ends = messages_of(packed([b"one", b"", b"three" * 100]))
    assert (body, ends) == (b"one" + b"three" * 100, [3, 3, 503])


def a_size(instruments: int, spreads: int) -> Size:
    return Size(instruments, spreads, 0.1, 1.5, 2.0, 3.0 * spreads, 0.6, 0.3, 1.0 + instruments / 100, 5.0, 97.0, 6.0)


def a_load(rate: int) -> Load:
    return Load(rate, rate, rate // 2, rate // 2, 20.0, 900.0, 3.0, 1.5, 0.3, 4096, 1.0, rate * 0.99)


def test_the_figure_is_a_drawing_and_the_tables_have_every_size_and_rate():
    sizes, loads = [a_size(*size) for size in scale.SIZES], [a_load(rate) for rate in scale.RATES]
    drawn = scale_page.drawing(sizes, loads)
    assert len(ElementTree.fromstring(drawn).findall("{http://www.w3.org/2000/svg}g")) == 4
    assert "nan" not in drawn
    said = scale_page.tables(sizes, loads)
    assert said.count("\n") == len(sizes) + len(loads) + 4
    assert "| 10,001 | 1,000 |" in said and "| 200,000 | 100,000 | 50% |" in said


@pytest.mark.slow
def test_a_small_round_of_it_gives_its_named_figures(monkeypatch):
    monkeypatch.setattr(scale, "SIZES", ((3, 1), (5, 2)))
    monkeypatch.setattr(scale, "RATES", (500,))
    found = scale.measure(1)
    assert {"quote_us_3i_1s", "sample_ms_5i_2s", "start_s_3i_1s", "late_us_p99_500", "merged_500"} <= set(found.flat)
    loads = msgspec.convert(found.details["loads"], list[Load])
    assert (loads[0].messages, loads[0].told + loads[0].merged) == (500, 500)
