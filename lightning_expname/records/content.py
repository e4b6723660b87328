"""Whether the content of a file is a record's: what type each field has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import RecordError
from .files import CheckpointPlace
from .location import check_inside

_TEXTS: Final = ("id", "project", "run", "stem", "model", "dataset", "record")
_WORDS: Final = ("kind", "mode", "status", "created", "digest")
_OPTIONAL_TEXTS: Final = ("finished", "monitor", "url", "best", "last", "group", "ended_by")
_MAPPINGS: Final = ("hparams", "config")
_OPTIONAL_MAPPINGS: Final = ("process", "origin")
_PLACE: Final = ("directory", "name", "last", "extension")


def check_fields(data: Mapping[str, Any], told: object) -> None:
    """Refuses fields of another type than a record's, and paths out of the root.

    Raises:
        RecordError: naming the field, what it holds and what it should.
    """
    _check(data, _TEXTS + _WORDS, (str,), "a text", told)
    _check(data, _OPTIONAL_TEXTS, (str, type(None)), "a text or null", told)
    _check(data, _MAPPINGS, (Mapping,), "an object", told)
    _check(data, _OPTIONAL_MAPPINGS, (Mapping, type(None)), "an object or null", told)
    _check(data, ("score",), (int, float, type(None)), "a number or null", told)
    _check(data, ("ordinal",), (int,), "a whole number", told)
    _check(data, ("places", "resumed"), (list, tuple), "a list", told)
    for entry in data.get("resumed", ()):
        _check({"resumed": entry}, ("resumed",), (Mapping,), "a list of objects", told)
    check_inside((data[key] for key in ("record", "best", "last") if data.get(key)), told)


def places_of(data: Mapping[str, Any], told: object) -> tuple[CheckpointPlace, ...]:
    """The places of a record's JSON; keys that this version does not know are left out.

    Raises:
        RecordError: one is no place, or leads out of the root.
    """
    return tuple(_place(place, told) for place in data.get("places", ()))


def _place(data: Any, told: object) -> CheckpointPlace:
    _check({"places": data}, ("places",), (Mapping,), "a list of objects", told)
    if not {"directory", "name"} <= data.keys():
        raise RecordError(f"{told}: incomplete record: a place without directory or name")
    _check(data, _PLACE, (str,), "a text", told)
    check_inside((data["directory"],), told)
    texts = {key: data[key] for key in _PLACE if key in data}
    return CheckpointPlace(**texts, exact=data.get("exact") is True)


def _check(
    data: Mapping[str, Any], keys: tuple[str, ...], types: tuple[type, ...], what: str, told: object
) -> None:
    for key in keys:
        if key in data and not isinstance(data[key], types):
            raise RecordError(
                f"{told}: not a run's record: {key} is {str(data[key])[:40]!r}, not {what}"
            )
