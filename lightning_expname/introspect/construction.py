"""What a LightningModule was built with, seen before its constructor can change any of it.

Constructors of whole systems often settle their arguments first (`if sizes is None: sizes = []`)
and are often called by a factory (`from_dataset`), which adds what nobody decided. There are few
LightningModules in a program, so these are watched from `__new__` on; the many modules that they
are made of are not, as that would show.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Final, NamedTuple

from .factories import FactoryCall, call_of, is_given_settings, names_given, running_factory

PASSED_KEY: Final = "_expname_passed"
"""Lies in a module's `__dict__` between `__new__` and the first `nn.Module.__init__` only."""

_HOMES: Final = ("lightning.pytorch.core.module", "pytorch_lightning.core.module")
_SIGNATURES_HOLD: Final = (3, 11)

_active = False


class Passed(NamedTuple):
    """The arguments of a constructor's call.

    Attributes:
        arguments: by the names of the outermost constructor's parameters, defaults included.
        undecided: names that a factory of the class was not given, whether it passed them or left
            them at their defaults.
        factory: its call, when there is one.
    """

    arguments: Mapping[str, Any]
    undecided: frozenset[str]
    factory: FactoryCall | None = None


def watch_construction() -> None:
    """Watches the LightningModules of both flavours, as far as they are loaded.

    Not before Python 3.11: there `inspect.signature` of a class asks an inherited `__new__` before
    an inherited `__init__`, and users' signatures are not ours to change.
    """
    global _active
    if sys.version_info < _SIGNATURES_HOLD:
        return
    _active = True
    for base in _bases():
        if "__new__" not in vars(base):
            base.__new__ = _watching(base)


def unwatch_construction() -> None:
    """Stops watching. The method stays: a class whose `__new__` was deleted takes no arguments
    any more (CPython keeps the slot, and `object.__new__` then refuses them)."""
    global _active
    _active = False


def _bases() -> list[Any]:
    found = [getattr(sys.modules.get(home), "LightningModule", None) for home in _HOMES]
    return [base for base in found if base is not None]


def _watching(base: Any) -> Any:
    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807  # it becomes one
        following: Callable[..., Any] = super(base, cls).__new__
        is_last = following is object.__new__
        module = following(cls) if is_last else following(cls, *args, **kwargs)
        if (
            not _active or cls.__new__ is not __new__
        ):  # a `__new__` of the user's own hides the call
            return module
        try:
            passed = _passed(cls, args, kwargs, sys._getframe(1))
            if passed is not None and isinstance(module, cls):
                module.__dict__[PASSED_KEY] = passed
        except Exception:  # an observer never harms what it observes
            return module
        return module

    # The base class itself looks as it did: `self` stands where `cls` is taken off again.
    __new__.__signature__ = inspect.signature(base.__init__)  # type: ignore[attr-defined]
    return __new__


def _passed(
    cls: type, args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType | None
) -> Passed | None:
    """None where the call does not fit the constructor: `cls.__new__(cls)` of copies."""
    init = inspect.unwrap(cls.__init__)  # type: ignore[misc]  # asked of the class, never called
    try:
        bound = inspect.signature(init).bind(None, *args, **kwargs)
    except (TypeError, ValueError):
        return None
    given = {*list(bound.arguments)[1:], *kwargs}
    bound.apply_defaults()
    arguments = dict(list(bound.arguments.items())[1:])
    factory = running_factory(cls, caller)
    if factory is None:
        return Passed(arguments, frozenset())
    decided = names_given(factory) | (given if is_given_settings(factory) else set())
    undecided = frozenset({*arguments, *kwargs} - decided)
    return Passed(arguments, undecided, call_of(cls, factory))


def fits(passed: Passed, local: Mapping[str, Any], stored: frozenset[str]) -> bool:
    """Whether the running constructor was called with just these arguments.

    Args:
        passed: of `__new__`.
        local: the constructor's local variables.
        stored: parameters that its code assigns to.
    """
    untouched = [name for name in passed.arguments if name in local and name not in stored]
    return all(
        local[name] is passed.arguments[name] or isinstance(local[name], (tuple, dict))
        for name in untouched
    )
