"""The merge patch against a slow twin written from RFC 7386; wrong types; any text in."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.diff.shape import MARKET_DATA_SHAPE, TRADING_SHAPE, is_whole, number
from adapters.diff.tree import MAX_DEPTH, compose, fault, merge, parse

KEYS = st.sampled_from("abc")
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["x", "NaN"]) | st.just([1, {"a": None}])
VALUES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=12)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)
TREES = OBJECTS.map(lambda tree: slow_merge({}, tree))


def slow_merge(target: Any, patch: Any) -> Any:
    """RFC 7386 section 2, MergePatch, word for word; and DIFF's own line: what a patch has emptied is removed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            if name in result:
                del result[name]
        else:
            result[name] = slow_merge(result.get(name), value)
            if isinstance(value, dict) and value and result[name] == {}:
                del result[name]
    return result


@given(TREES, OBJECTS)
def test_merge_equals_the_rfc(tree: dict, patch: dict) -> None:
    expected = slow_merge(tree, patch)
    merge(tree, patch)
    assert tree == expected


@given(TREES, OBJECTS)
def test_a_patch_applied_twice_changes_nothing_more(tree: dict, patch: dict) -> None:
    merge(tree, patch)
    once = json.dumps(tree)
    merge(tree, patch)
    assert json.dumps(tree) == once


@given(OBJECTS, OBJECTS)
def test_a_removal_lasts(tree: dict, patch: dict) -> None:
    merge(tree, patch)
    assert all(key not in tree for key, value in patch.items() if value is None)


@pytest.mark.parametrize(
    ("tree", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [1, 2]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ],
)
def test_the_examples_of_the_rfc(tree: dict, patch: dict, expected: dict) -> None:
    merge(tree, patch)
    assert tree == expected


def test_an_emptied_object_is_removed_with_its_emptied_parents_and_an_empty_one_stays() -> None:
    tree = {"trade": {"u": {"orders": {"A": {"status": "ALIVE"}}}}, "notify": {"n": 1}}
    merge(tree, {"trade": {"u": {"orders": {"A": None}}}})
    assert tree == {"notify": {"n": 1}}
    merge(tree, {"trade": {"u": {"orders": {}}}})
    assert tree["trade"] == {"u": {"orders": {}}}


@st.composite
def updates(draw: st.DrawFn) -> dict:
    """Patches as a server of ours makes them: the same keys always hold objects, leaves may be null."""
    leaf = st.none() | st.integers(0, 3)
    return draw(st.dictionaries(KEYS, st.dictionaries(st.sampled_from("xyz"), leaf, min_size=1), max_size=3))


@given(TREES, updates(), updates())
def test_composed_patches_do_what_both_did_and_share_nothing(tree: dict, first: dict, second: dict) -> None:
    apart, together = json.loads(json.dumps(tree)), json.loads(json.dumps(tree))
    before = json.dumps([first, second])
    pending: dict = {}
    for patch in (first, second):
        merge(apart, patch)
        compose(pending, patch)
    merge(together, pending)
    assert json.dumps([first, second]) == before
    assert together == apart


def test_nan_is_read_bare_or_quoted_and_texts_stay_texts() -> None:
    frame = parse(b'{"a":NaN,"b":"x NaN \\" NaN","c":-Infinity,"d":[NaN,1],"e":"NaN"}')
    assert frame == {"a": "NaN", "b": 'x NaN " NaN', "c": "NaN", "d": ["NaN", 1], "e": "NaN"}


@pytest.mark.parametrize("value", [None, "NaN", "-", "", math.inf, math.nan, 1.7976931348623157e308])
def test_a_missing_price_is_none(value: Any) -> None:
    assert number(value) is None


@pytest.mark.parametrize(("value", "whole"), [(3, 1), (3.0, 1), (3.5, 0), (True, 0), ("3", 0), (1e30, 0), (2**70, 0)])
def test_whole_numbers(value: Any, whole: int) -> None:
    assert is_whole(value) == bool(whole)


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        (5, "patch: expected an object, got 5"),
        ({"quotes": 5}, "quotes: expected an object, got 5"),
        ({"quotes": {"SHFE.au2702": []}}, "quotes.SHFE.au2702: expected an object, got list"),
        ({"quotes": {"SHFE.au2702": {"bid_price1": "many"}}}, "quotes.SHFE.au2702.bid_price1: expected a number"),
        ({"quotes": {"SHFE.au2702": {"ask_volume1": {}}}}, "quotes.SHFE.au2702.ask_volume1: expected a number"),
        ({"quotes": {"SHFE.au2702": {"datetime": 1}}}, "quotes.SHFE.au2702.datetime: expected a text, got 1"),
        ({"mdhis_more_data": "no"}, "mdhis_more_data: expected true or false"),
    ],
)
def test_a_wrong_type_is_named_by_its_path(patch: Any, says: str) -> None:
    assert fault(patch, MARKET_DATA_SHAPE).startswith(says)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"orders": {"A": {"volume_left": "1"}}}, "trade.u.orders.A.volume_left: expected a whole number, got '1'"),
        ({"orders": {"A": 7}}, "trade.u.orders.A: expected an object, got 7"),
        ({"session": 1}, "trade.u.session: expected an object, got 1"),
        ({"trades": {"T": {"volume": 1.5}}}, "trade.u.trades.T.volume: expected a whole number, got 1.5"),
    ],
)
def test_a_wrong_type_of_the_trade_tree_is_named_by_its_path(row: Any, says: str) -> None:
    assert fault({"trade": {"u": row}}, TRADING_SHAPE) == says


def test_fields_that_are_not_read_are_free_but_not_bottomless() -> None:
    assert fault({"quotes": {"X": {"settlement": "-", "new": [1], "bid_price1": "-"}}, "charts": {}}, {}) == ""
    deep: dict = {}
    for _ in range(MAX_DEPTH + 2):
        deep = {"a": deep}
    assert "nested deeper" in fault(deep, MARKET_DATA_SHAPE)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_text_is_parsed_or_refused_as_a_value_error(text: bytes) -> None:
    try:
        parse(text)
    except ValueError:
        return
