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
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from .call_site import keywords_of_call
from .source import taints
from .values import config_entries

PASSED_KEY: Final = "_expname_passed"
"""Lies in a module's `__dict__` between `__new__` and the first `nn.Module.__init__` only."""

_HOMES: Final = ("lightning.pytorch.core.module", "pytorch_lightning.core.module")
_SIGNATURES_HOLD: Final = (3, 11)
_MAX_FRAMES: Final = 12
_MAX_FOREIGN: Final = 2  # decorators around a factory

_active = False


class Passed(NamedTuple):
    """The arguments of a constructor's call.

    Attributes:
        arguments: by the names of the outermost constructor's parameters, defaults included.
        undecided: names that a factory of the class was not given, whether it passed them or left
            them at their defaults.
    """

    arguments: Mapping[str, Any]
    undecided: frozenset[str]


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
    factory = _running_factory(cls, caller)
    if factory is None:
        return Passed(arguments, frozenset())
    decided = _names_given(factory) | (given if _is_given_settings(factory) else set())
    return Passed(arguments, frozenset({*arguments, *kwargs} - decided))


def _running_factory(cls: type, frame: FrameType | None) -> FrameType | None:
    """The outermost factory of the class that is running; None when none is."""
    factory: FrameType | None = None
    foreign = 0
    for _ in range(_MAX_FRAMES):
        if frame is None or foreign > _MAX_FOREIGN:
            break
        if _is_factory(cls, frame.f_code):
            factory, foreign = frame, 0
        else:
            foreign += 1
        frame = frame.f_back
    return factory


def _is_given_settings(factory: FrameType) -> bool:
    """Whether it makes the model from a config or a preset's name: then whoever wrote that decided
    what follows from it. From data (`from_dataset`) follows nothing that anybody decided."""
    names = inspect.getargs(factory.f_code).args[1:2]
    source = factory.f_locals.get(names[0]) if names else None
    if isinstance(source, (str, Mapping)):
        return True
    return not hasattr(source, "__len__") and config_entries(source) is not None


def _is_factory(cls: type, code: CodeType) -> bool:
    """Whether the code is a class method of the class; Lightning's own pass on what was saved."""
    for base in cls.__mro__:
        method = vars(base).get(code.co_name)
        if isinstance(method, classmethod):
            is_own = not base.__module__.startswith(("lightning.", "pytorch_lightning."))
            if is_own and getattr(inspect.unwrap(method.__func__), "__code__", None) is code:
                return True
    return False


def _names_given(frame: FrameType) -> set[str]:
    """As whoever called the factory wrote it; else its `**kwargs`, less what it put in itself."""
    names = inspect.getargs(frame.f_code)
    written = keywords_of_call(frame.f_back) if names.varkw else None
    if written is not None:
        return {*names.args[1:], *written}
    passed = frame.f_locals.get(names.varkw, {}) if names.varkw else {}
    changed = taints(frame.f_code, frame.f_lasti).entries  # kwargs["sizes"] = dataset.sizes
    added = {key for root, key in changed if root == names.varkw}
    return {*names.args[1:], *passed} - added


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
