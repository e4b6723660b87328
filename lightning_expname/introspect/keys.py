"""Keys of a dict as texts, none of which loses another's value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def keyed(
    items: Iterable[tuple[object, Item]], written: Callable[[object], str]
) -> dict[str, Item]:
    """The items under their written keys; where two are written alike, the later has a number.

    The key that is written as it is keeps its name, wherever it stands.

    Args:
        items: (key, item) in order.
        written: a key as a text.

    Example:
        >>> keyed([(1, "number"), ("1", "text"), (1.0, "float")], str)
        {'1_2': 'number', '1': 'text', '1.0': 'float'}
    """
    pairs = [(key, written(key), item) for key, item in items]
    found = {text: item for _, text, item in pairs}
    if len(found) == len(pairs):  # nearly always
        return found
    return _numbered(pairs)


def _numbered(pairs: list[tuple[object, str, Item]]) -> dict[str, Item]:
    exact = {text for key, text, _ in pairs if isinstance(key, str) and key == text}
    taken, last, found = {text for _, text, _ in pairs}, Counter[str](), dict[str, Item]()
    for key, text, item in pairs:
        is_exact = isinstance(key, str) and key == text
        is_taken = text in found or (text in exact and not is_exact)
        found[_free(text, taken, last) if is_taken else text] = item
    return found


def _free(text: str, taken: set[str], last: Counter[str]) -> str:
    """The next number of a text that nobody has; `last` is the one that it had before."""
    while True:
        last[text] = max(last[text], 1) + 1
        name = f"{text}_{last[text]}"
        if name not in taken:
            taken.add(name)
            return name
