"""The book: every reason for which a quote may not be traded on, each told apart from the others."""

import pytest

from desk.composed import HOT
from engine.ports import QUOTE_CLOSED, QUOTE_GAP, QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP
from engine.records import (
    BLOCKED_NAMES,
    CLOSED_MARKET,
    CROSSED,
    GAP,
    NO_QUOTE,
    ONE_SIDED,
    QUOTE,
    SKEWED,
    STALE,
)
from engine.schema import UNSET
from tests.spread_world import HOUR_NS, MS, NOW_NS, Desk, empty_state, fill_touches

FIRST, SECOND, RATE = 0, 1, 2
AGE_NS, SILENCE_NS, SKEW_NS = 500 * MS, 2_000 * MS, 300 * MS


def desk_of(quoted=(FIRST, SECOND, RATE)) -> Desk:
    """A spread of two legs, the second through a rate; FIRST and RATE on one venue, SECOND on the other."""
    state = empty_state(instruments=3, spreads=1, window=4)
    row = state.spread[0]
    row["legs"], row["instrument"][:2], row["ratio"][:2] = 2, (FIRST, SECOND), (1, -1)
    row["weight"][:2], row["fx"][1], row["max_skew_ns"] = (1.0, -1.0), RATE, SKEW_NS
    fill_touches(state)
    desk = Desk(state)
    for at in quoted:
        desk.quote(at, 100 + at, 101 + at)
    return desk


def blocked(desk: Desk, now_ns: int | None = None) -> int:
    """The spread's bits after it is priced at a moment."""
    HOT.sample(desk.state.address, desk.now_ns if now_ns is None else now_ns)
    return int(desk.state.spread[0]["blocked"])


def test_three_sound_quotes_block_nothing():
    assert blocked(desk_of()) == 0


@pytest.mark.parametrize("missing", [FIRST, SECOND, RATE])
def test_a_leg_or_rate_never_quoted_is_no_quote(missing):
    assert blocked(desk_of({FIRST, SECOND, RATE} - {missing})) == NO_QUOTE


@pytest.mark.parametrize("at", [FIRST, SECOND, RATE])
@pytest.mark.parametrize(
    ("quote", "bits"),
    [
        ({"bid": 102, "ask": 101}, CROSSED),
        ({"bid": 101, "ask": 101}, CROSSED),  # locked: no price between
        ({"bid": 100, "ask": 101, "lots": 0, "ask_lots": 5}, ONE_SIDED),
        ({"bid": 100, "ask": 101, "lots": 5, "ask_lots": 0}, ONE_SIDED),
        ({"bid": 102, "ask": 0, "lots": 5, "ask_lots": 0, "flags": QUOTE_LIMIT_UP}, ONE_SIDED),
        ({"bid": 0, "ask": 98, "lots": 0, "ask_lots": 5, "flags": QUOTE_LIMIT_DOWN}, ONE_SIDED),
        ({"bid": 100, "ask": 101, "lots": 0, "ask_lots": 0}, NO_QUOTE),
        ({"bid": 100, "ask": 101, "lots": -1, "ask_lots": 5}, ONE_SIDED),
        ({"bid": 100, "ask": 101, "flags": QUOTE_GAP}, GAP),
        ({"bid": 100, "ask": 101, "flags": QUOTE_CLOSED}, CLOSED_MARKET),
        ({"bid": 102, "ask": 101, "flags": QUOTE_GAP | QUOTE_CLOSED}, CROSSED | GAP | CLOSED_MARKET),
    ],
)
def test_an_unsound_quote_says_what_is_wrong_until_a_sound_one_follows(at, quote, bits):
    desk = desk_of()
    desk.quote(at, **quote)
    assert desk.state.book[at]["blocked"] == bits
    # A rate of zero leaves the second leg without a price as well.
    assert blocked(desk) & ~NO_QUOTE == bits & ~NO_QUOTE
    assert blocked(desk) != 0
    desk.quote(at, 100, 101)
    assert blocked(desk) == 0
    assert desk.state.head["quotes_blocked"] == 1


def test_a_jump_in_the_numbers_is_a_gap_until_the_next_in_order():
    desk = desk_of()
    for seq, bits in ((5, 0), (6, 0), (9, GAP), (10, 0)):
        desk.quote(FIRST, 100, 101, seq=seq)
        assert blocked(desk) == bits
    assert desk.state.book[FIRST]["gaps"] == 1


@pytest.mark.parametrize("old", [6, 5, 1])
def test_an_old_number_is_refused_journalled_and_changes_no_price(old):
    desk = desk_of()
    desk.quote(FIRST, 100, 101, seq=6)
    before = desk.state.book[FIRST].tobytes()
    desk.quote(FIRST, 90, 91, seq=old, now_ns=NOW_NS + MS)
    assert desk.state.book[FIRST].tobytes() == before
    assert [int(record.data["bid_ticks"]) for record in desk.journal.records() if record.kind == QUOTE][-1] == 90
    assert desk.state.venue[0]["heard_ns"].tolist()[0] == NOW_NS + MS  # a sign of life all the same


def test_a_venue_without_numbers_has_no_gaps():
    desk = desk_of()
    for _ in range(3):
        desk.quote(FIRST, 100, 101, seq=0)
    assert blocked(desk) == 0


@pytest.mark.parametrize("at", [FIRST, SECOND, RATE])
def test_stale_by_its_own_age_is_told_at_use(at):
    desk = desk_of()
    desk.state.instrument[at]["max_age_ns"] = AGE_NS
    assert blocked(desk, NOW_NS + AGE_NS) == 0
    assert blocked(desk, NOW_NS + AGE_NS + 1) == STALE
    assert desk.state.book[at]["blocked"] == 0


@pytest.mark.parametrize("venue", [0, 1])
def test_stale_by_the_silence_of_the_link(venue):
    desk = desk_of()
    desk.state.venue[venue]["max_silence_ns"] = SILENCE_NS
    assert blocked(desk, NOW_NS + SILENCE_NS) == 0
    assert blocked(desk, NOW_NS + SILENCE_NS + 1) == STALE


def test_a_quiet_contract_on_a_living_link_is_not_stale():
    desk = desk_of()
    desk.state.venue["max_silence_ns"] = SILENCE_NS
    desk.state.venue["heard_ns"] = NOW_NS + 10 * SILENCE_NS
    assert blocked(desk, NOW_NS + 10 * SILENCE_NS) == 0


def test_a_quote_is_a_sign_of_life_of_its_link_for_every_contract_there():
    desk = desk_of()
    desk.state.venue["max_silence_ns"] = SILENCE_NS
    desk.state.spread[0]["max_skew_ns"] = HOUR_NS
    desk.quote(RATE, 102, 103, now_ns=NOW_NS + SILENCE_NS)
    desk.quote(SECOND, 101, 102, now_ns=NOW_NS + SILENCE_NS)
    assert blocked(desk, NOW_NS + 2 * SILENCE_NS) == 0
    assert blocked(desk, NOW_NS + 2 * SILENCE_NS + 1) == STALE


@pytest.mark.parametrize("at", [FIRST, SECOND, RATE])
def test_a_market_is_open_from_the_first_moment_of_its_section_to_just_before_the_last(at):
    desk = desk_of()
    row = desk.state.instrument[at]
    row["open_ns"], row["close_ns"] = NOW_NS + 10, NOW_NS + 20
    found = [blocked(desk, NOW_NS + moment) for moment in (9, 10, 19, 20)]
    assert found == [CLOSED_MARKET, 0, 0, CLOSED_MARKET]


def test_a_market_without_a_section_is_closed():
    desk = desk_of()
    desk.state.instrument[FIRST]["open_ns"] = desk.state.instrument[FIRST]["close_ns"] = UNSET
    assert blocked(desk) == CLOSED_MARKET


def test_sessions_go_by_market_time():
    desk = desk_of()
    desk.state.head["clock_speed_milli"] = 60_000
    desk.state.instrument[FIRST]["close_ns"] = NOW_NS + 60 * MS
    assert [blocked(desk, NOW_NS + moment) for moment in (MS - 1, MS)] == [0, CLOSED_MARKET]


def test_legs_too_far_apart_in_time_are_skewed():
    desk = desk_of()
    desk.quote(FIRST, 100, 101, now_ns=NOW_NS + SKEW_NS)
    assert blocked(desk) == 0
    desk.quote(FIRST, 100, 101, now_ns=NOW_NS + SKEW_NS + 1)
    assert blocked(desk) == SKEWED
    desk.quote(SECOND, 101, 102)
    assert blocked(desk) == 0


def test_every_reason_has_a_bit_and_a_name_of_its_own():
    bits = (NO_QUOTE, GAP, CROSSED, ONE_SIDED, STALE, CLOSED_MARKET, SKEWED)
    assert sorted(bits) == sorted(BLOCKED_NAMES) == [1 << number for number in range(7)]
    assert len(set(BLOCKED_NAMES.values())) == len(bits)
