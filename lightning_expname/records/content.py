"""Whether the content of a file is a record's: what type each field has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NoReturn

from ..errors import RecordError
from .files import CheckpointPlace
from .location import check_inside

_PLACE: Final = ("directory", "name", "last", "extension")
_NONE: Final = type(None)


def _rules(keys: str, what: str, *types: type) -> dict[str, tuple[tuple[type, ...], str]]:
    return dict.fromkeys(keys.split(), (types, what))


_RULES: Final = {
    **_rules("id project run stem model dataset record", "a text", str),
    **_rules("kind mode status created digest", "a text", str),
    **_rules("finished monitor url best last group ended_by", "a text or null", str, _NONE),
    **_rules("hparams config", "an object", dict, Mapping),
    **_rules("process origin", "an object or null", dict, _NONE, Mapping),
    **_rules("score", "a number or null", float, int, _NONE),
    **_rules("ordinal", "a whole number", int),
    **_rules("places resumed", "a list", list, tuple),
}


def check_fields(data: Mapping[str, Any], told: object) -> None:
    """Refuses fields of another type than a record's, and paths out of the root.

    Raises:
        RecordError: naming the field, what it holds and what it should.
    """
    if odd := _odd(tuple(data), tuple(map(type, data.values()))):
        _refuse(odd, data[odd], _RULES[odd][1], told)
    for entry in data.get("resumed", ()):
        if not isinstance(entry, Mapping):
            _refuse("resumed", entry, "a list of objects", told)
    check_inside((data[key] for key in ("record", "best", "last") if data.get(key)), told)


@lru_cache(maxsize=256)  # most records of a tree have the same fields of the same types
def _odd(keys: tuple[str, ...], types: tuple[type, ...]) -> str | None:
    """The first field that is of none of its types."""
    pairs = ((key, kind) for key, kind in zip(keys, types, strict=True) if key in _RULES)
    return next((key for key, kind in pairs if not issubclass(kind, _RULES[key][0])), None)


def places_of(data: Mapping[str, Any], told: object) -> tuple[CheckpointPlace, ...]:
    """The places of a record's JSON; keys that this version does not know are left out.

    Raises:
        RecordError: one is no place, or leads out of the root.
    """
    return tuple(_place(place, told) for place in data.get("places", ()))


def _place(data: Any, told: object) -> CheckpointPlace:
    if not isinstance(data, (dict, Mapping)):
        _refuse("places", data, "a list of objects", told)
    if "directory" not in data or "name" not in data:
        raise RecordError(f"{told}: incomplete record: a place without directory or name")
    texts = {key: data[key] for key in _PLACE if key in data}
    for key, value in texts.items():
        if not isinstance(value, str):
            _refuse(key, value, "a text", told)
    check_inside((data["directory"],), told)
    return CheckpointPlace(**texts, exact=data.get("exact") is True)


def _refuse(key: str, value: object, what: str, told: object) -> NoReturn:
    raise RecordError(f"{told}: not a run's record: {key} is {str(value)[:40]!r}, not {what}")
