"""What was really passed to a constructor, recorded without the product's help, and the judge."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from lightning_expname import collect_hparams
from lightning_expname.introspect.hparams import describe_module

PRIMITIVES = (bool, int, float, str, type(None))


def passed_to(cls: type, build: Callable[[], Any]) -> dict[str, Any]:
    """All arguments, defaults included, of the outermost call of `cls.__init__` within `build`."""
    original = cls.__init__
    calls: list[dict[str, Any]] = []

    @functools.wraps(original)
    def recording(self: Any, *args: Any, **kwargs: Any) -> None:
        signature = inspect.signature(original)
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                given |= given.pop(parameter.name)
        calls.append(given)
        original(self, *args, **kwargs)

    cls.__init__ = recording
    try:
        build()
    finally:
        cls.__init__ = original
    return calls[0]


def leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """(dotted name, primitive or list of them) of every part that has an exact value."""
    if isinstance(value, PRIMITIVES):
        yield name, value
    elif isinstance(value, (list, tuple)):
        if all(isinstance(item, PRIMITIVES) for item in value):
            yield name, list(value)
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(f"{name}.{key}", item)


@dataclass
class Verdict:
    """Of one module: exact values found, missing and wrong; objects have no exact value."""

    found: int = 0
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)


def judge(passed: dict[str, Any], recovered: dict[str, Any]) -> Verdict:
    verdict = Verdict()
    for name, value in passed.items():
        parts = list(leaves(name, value))
        if not parts and not isinstance(value, nn.Module):
            verdict.objects.append(f"{name}: {type(value).__name__}")
        for key, expected in parts:
            if key not in recovered:
                verdict.missing.append(key)
            elif _same(recovered[key], expected):
                verdict.found += 1
            else:
                verdict.wrong.append(f"{key}: {recovered[key]!r} instead of {expected!r}")
    return verdict


def _same(got: Any, expected: Any) -> bool:
    got = list(got) if isinstance(got, tuple) else got
    return type(got) is type(expected) and repr(got) == repr(expected)


def check_recovery(calls: Mapping[str, tuple[type, Callable[[], Any]]]) -> None:
    """At least 99 % of what each call really passed is recovered, and nothing wrong; printed.

    Args:
        calls: by name the class, and what builds a module of it.
    """
    found = missing = 0
    wrong: list[str] = []
    for name, (cls, build) in calls.items():
        passed = passed_to(cls, build)
        module = build()
        verdict = judge(passed, collect_hparams(module))
        assert describe_module(module).unrecovered == (), name
        found, missing = found + verdict.found, missing + len(verdict.missing)
        wrong += [f"{name}: {text}" for text in verdict.wrong]
        print(f"{name}: {verdict.found} recovered, missing {verdict.missing},", end=" ")
        print(f"wrong {verdict.wrong}, objects {verdict.objects}")
    share = found / (found + missing)
    print(f"recovered {found} of {found + missing} ({share:.2%}), wrong: {wrong}")
    assert not wrong
    assert share >= 0.99
