"""The config's section on factories: what they were given, beside what reached a constructor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..facts import Plain
from .factories import FactoryCall
from .reading import Reading
from .snapshots import ConfigSnapshot, ModuleRef, stand_in
from .values import plain

_SAID: Final = object()


def describe_factories(built: Iterable[tuple[tuple[str, ...], Reading]]) -> dict[str, Plain]:
    """The calls of factories, each with the arguments that are no hyper-parameter by themselves.

    What the constructor was given under the same name, and with the same value, is not said twice:
    then one changed value would show as two.

    Args:
        built: of each module that a factory built, the path of arguments that leads to it, and how
            it was built.

    Example:
        >>> describe_factories([((), reading)])
        {'Net.from_pretrained': {'name': 'base', 'revision': 'main'}}
    """
    calls = [(path, one.factory, one.own) for path, one in built if one.factory is not None]
    often = Counter(call.name for _, call, _ in calls)
    told: dict[str, Plain] = {}
    for path, call, own in calls:
        name = call.name if often[call.name] == 1 else _qualified(path, call)
        told[name] = _unsaid(call.arguments, own)
    return told


def _qualified(path: tuple[str, ...], call: FactoryCall) -> str:
    """Two modules of one class: by the arguments that they were given as."""
    return f"{'.'.join(path)}.{call.name.rpartition('.')[2]}" if path else call.name


def _unsaid(arguments: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Plain]:
    pairs = ((name, _rest(name, value, own)) for name, value in arguments.items())
    return {name: rest for name, rest in pairs if rest is not _SAID}


def _rest(name: str, value: Any, own: Mapping[str, Any]) -> Any:
    told = _told(value)
    if name in own and repr(_told(own[name])) == repr(told):
        return _SAID
    if not isinstance(value, (dict, ConfigSnapshot)) or not told:
        return told
    entries = value.items if isinstance(value, ConfigSnapshot) else value
    return _unsaid(entries, own) or _SAID


def _told(value: Any) -> Any:
    """A snapshot as plain values; what was not kept as a short text."""
    if (told := stand_in(value)) is not None:
        return told
    if isinstance(value, ModuleRef):
        return value.class_name
    if isinstance(value, ConfigSnapshot):
        return _told(value.items)
    if isinstance(value, dict):
        return {key: _told(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [_told(item) for item in value]
    return plain(value)
