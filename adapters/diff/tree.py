"""The DIFF tree: JSON text in, RFC 7386 merge patches applied in place, wrong types named by their path."""

import re
from collections.abc import Callable
from typing import Any

import orjson

# An RFC 7386 patch has no natural bound of depth; the DIFF tree is five levels deep, charts nine.
MAX_DEPTH = 64

_STRING_OR_NAN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\b(?:NaN|nan|Infinity)\b', re.DOTALL)

Check = Callable[[Any], str]
Shape = dict[str, "Shape | Check"]  # "*" stands for any key


def parse(text: bytes) -> Any:
    """The JSON value of a text frame. ValueError where it is none.

    Bare NaN and Infinity, which some DIFF servers write and RFC 8259 forbids, are read as the text "NaN"; only a
    frame that orjson refuses pays for the second look.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.loads(_STRING_OR_NAN.sub(_quote_nan, text))
    except orjson.JSONDecodeError as error:
        raise ValueError(f"frame: expected JSON text: {error}") from error


def _quote_nan(match: re.Match[bytes]) -> bytes:
    return match[0] if match[0].startswith(b'"') else b'"NaN"'


def merge(tree: dict[str, Any], patch: dict[str, Any]) -> None:
    """Apply one merge patch in place (RFC 7386, section 2); null removes a member.

    DIFF's addition: a nested object that a patch has emptied is removed itself. An object that arrives empty stays.
    """
    for key, value in patch.items():
        if value is None:
            tree.pop(key, None)
        elif isinstance(value, dict):
            child = tree.get(key)
            if not isinstance(child, dict):
                child = tree[key] = {}
            merge(child, value)
            if value and not child:
                del tree[key]
        else:
            tree[key] = value


def compose(pending: dict[str, Any], patch: dict[str, Any]) -> None:
    """Fold a patch into the patch that waits before it: a server's conflation. Nothing of `patch` is shared.

    A removal followed by an object has no single patch; no server of ours removes an object.
    """
    for key, value in patch.items():
        if isinstance(value, dict):
            child = pending.get(key)
            if not isinstance(child, dict):
                child = pending[key] = {}
            compose(child, value)
        else:
            pending[key] = value


def fault(patch: Any, shape: Shape, path: str = "", depth: int = 0) -> str:
    """What is wrong with a patch, named by its path; '' where it fits the shape. Keys outside the shape are free."""
    if not isinstance(patch, dict):
        return f"{path or 'patch'}: expected an object, got {_show(patch)}"
    if depth > MAX_DEPTH:
        return f"{path[:80]}...: nested deeper than {MAX_DEPTH}"
    for key, value in patch.items():
        if value is None:
            continue
        expected = shape.get(key, shape.get("*"))
        here = f"{path}.{key}" if path else key
        if callable(expected):
            wanted = expected(value)
            wrong = f"{here}: expected {wanted}, got {_show(value)}" if wanted else ""
        elif expected is None and not isinstance(value, dict):
            continue
        else:
            wrong = fault(value, expected or {}, here, depth + 1)
        if wrong:
            return wrong
    return ""


def _show(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool) else type(value).__name__
    return text if len(text) <= 40 else text[:40] + "..."
