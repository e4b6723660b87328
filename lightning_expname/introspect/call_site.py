"""With which keywords a call that is running was written, read from the caller's source."""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final

UNKNOWN: Final = object()
"""The value of a keyword that could only be told by running the caller's code."""


def keywords_of_call(caller: FrameType | None) -> Mapping[str, Any] | None:
    """The keywords that the caller passes, `**` included; None where they cannot be known.

    A called function may change its `**kwargs`; what the caller wrote stays. Values are those of
    constants and of variables, else `UNKNOWN`.

    Args:
        caller: the frame whose call is running.
    """
    call = _running_call(caller) if caller is not None else None
    if caller is None or call is None:
        return None
    found: dict[str, Any] = {}
    for keyword in call.keywords:
        value = _value_of(keyword.value, caller)
        given = {keyword.arg: value} if keyword.arg is not None else value
        if not isinstance(given, dict):
            return None
        found.update(given)
    return found


def _running_call(frame: FrameType) -> ast.Call | None:
    """By where it ends: no two calls end at one place."""
    positions: Any = getattr(frame.f_code, "co_positions", None)  # of Python 3.11
    if positions is None:
        return None
    found = next(itertools.islice(positions(), frame.f_lasti // 2, None), None)
    return _calls(frame.f_code.co_filename).get((found[1], found[3])) if found else None


@functools.lru_cache(maxsize=64)
def _calls(filename: str) -> Mapping[tuple[int | None, int | None], ast.Call]:
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):  # no source, or one that changed since
        return {}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {(call.end_lineno, call.end_col_offset): call for call in calls}


def _value_of(node: ast.expr, frame: FrameType) -> Any:
    """What an expression of the caller's gave, as far as that needs none of its code to run."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id, UNKNOWN))
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        keys = [str(key.value) for key in node.keys if isinstance(key, ast.Constant)]
        return dict(zip(keys, (_value_of(one, frame) for one in node.values), strict=True))
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN
