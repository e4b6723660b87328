"""Class methods that build their class (`from_pretrained`, `from_dataset`), while they run.

What a factory passes on reaches a constructor, and is seen there; what it uses up itself (which
weights, which revision) is nowhere else.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from .call_site import UNKNOWN, keywords_of_call
from .snapshots import Opaque, snapshot
from .source import is_original, taints
from .values import config_entries

_FRAMEWORKS: Final = ("lightning.", "pytorch_lightning.", "torch.")
_MAX_FRAMES: Final = 12
_MAX_FOREIGN: Final = 2  # decorators around a factory


class FactoryCall(NamedTuple):
    """How a factory was called.

    Attributes:
        name: `Net.from_pretrained`.
        arguments: snapshots by their names, `**kwargs` flattened.
    """

    name: str
    arguments: Mapping[str, Any]


def factories_of(cls: type) -> frozenset[CodeType]:
    """The code of a class's own class methods; Lightning's pass on what was saved."""
    try:
        return _known_factories(cls)
    except TypeError:  # a metaclass may take the hash away
        return frozenset(_factories(cls))


@functools.lru_cache(maxsize=4096)
def _known_factories(cls: type) -> frozenset[CodeType]:
    return frozenset(_factories(cls))


def _factories(cls: type) -> Iterator[CodeType]:
    for base in cls.__mro__:
        if base.__module__.startswith(_FRAMEWORKS):
            continue
        for method in vars(base).values():
            if isinstance(method, classmethod):
                code = getattr(inspect.unwrap(method.__func__), "__code__", None)
                if isinstance(code, CodeType):
                    yield code


def running_factory(cls: type, frame: FrameType | None) -> FrameType | None:
    """The outermost factory of the class that is running; None when none is."""
    codes = factories_of(cls)
    factory: FrameType | None = None
    foreign = 0
    for _ in range(_MAX_FRAMES if codes else 0):
        if frame is None or foreign > _MAX_FOREIGN:
            break
        if frame.f_code in codes:
            factory, foreign = frame, 0
        else:
            foreign += 1
        frame = frame.f_back
    return factory


def calling_factory(cls: type, caller: FrameType | None) -> FactoryCall | None:
    """The call of the factory that is calling a constructor of the class; None when none is."""
    if caller is None or caller.f_code not in factories_of(cls):
        return None
    factory = running_factory(cls, caller)
    return call_of(cls, factory) if factory is not None else None


def call_of(cls: type, factory: FrameType) -> FactoryCall:
    """As it was called, whatever it did to its arguments since; never raises."""
    name = f"{cls.__name__}.{factory.f_code.co_name}"
    try:
        return FactoryCall(name, dict(_arguments(factory)))
    except Exception:  # what the constructor was given is kept all the same
        return FactoryCall(name, {})


def _arguments(factory: FrameType) -> Iterator[tuple[str, Any]]:
    names, local = inspect.getargs(factory.f_code), factory.f_locals
    written = keywords_of_call(factory.f_back) or {}
    for name in names.args[1:]:
        value = local.get(name, UNKNOWN)
        if value is UNKNOWN or not is_original(factory.f_code, factory.f_lasti, name, value):
            value = written.get(name, UNKNOWN)
        yield name, _kept(value)
    if names.varargs and local.get(names.varargs):
        yield names.varargs, _kept(local[names.varargs])
    if names.varkw:
        passed, added = local.get(names.varkw) or {}, _added(factory, names.varkw)
        for name, value in {**written, **passed}.items():
            if name in written and (name in added or name not in passed):
                value = written[name]
            if name not in names.args and (name in written or name not in added):
                yield name, _kept(value)


def _kept(value: Any) -> Any:
    return Opaque("unknown") if value is UNKNOWN else snapshot(value)


def _added(factory: FrameType, varkw: str) -> set[str]:
    """What it put into its `**kwargs` itself: `kwargs["sizes"] = dataset.sizes`."""
    changed = taints(factory.f_code, factory.f_lasti).entries
    return {key for root, key in changed if root == varkw}


def names_given(factory: FrameType) -> set[str]:
    """As whoever called the factory wrote it; else its `**kwargs`, less what it put in itself."""
    names = inspect.getargs(factory.f_code)
    written = keywords_of_call(factory.f_back) if names.varkw else None
    if written is not None:
        return {*names.args[1:], *written}
    passed = factory.f_locals.get(names.varkw, {}) if names.varkw else {}
    added = _added(factory, names.varkw) if names.varkw else set()
    return {*names.args[1:], *passed} - added


def is_given_settings(factory: FrameType) -> bool:
    """Whether it makes the model from a config or a preset's name: then whoever wrote that decided
    what follows from it. From data (`from_dataset`) follows nothing that anybody decided."""
    names = inspect.getargs(factory.f_code).args[1:2]
    source = factory.f_locals.get(names[0]) if names else None
    if isinstance(source, (str, Mapping)):
        return True
    return not hasattr(source, "__len__") and config_entries(source) is not None
