"""Which argument belongs to whom, and which of them can still be trusted."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from lightning_expname.introspect.arguments import arguments_of
from lightning_expname.introspect.hparams import collect_hparams


class Base(nn.Module):
    def __init__(self, hidden: int, depth: int = 2, act: str = "relu") -> None:
        super().__init__()
        self.hidden = hidden


class HardCodes(Base):
    def __init__(self, n: int) -> None:
        super().__init__(n * 2, depth=7)


class PassesAll(Base):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class PassesAfterOne(Base):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(8, *args, **kwargs)


class FixesOne(Base):
    def __init__(self, n: int = 1, **kwargs: Any) -> None:
        super().__init__(act="relu", **kwargs)


class Swallows(Base):
    def __init__(self, n: int = 1, **kwargs: Any) -> None:
        super().__init__(64)


class ThreeLevels(FixesOne):
    def __init__(self, top: int = 9, **kwargs: Any) -> None:
        super().__init__(**kwargs)


class SetsKeyword(Base):
    def __init__(self, **kwargs: Any) -> None:
        kwargs["depth"] = 5
        super().__init__(**kwargs)


class PopsKeyword(Base):
    def __init__(self, **kwargs: Any) -> None:
        size = kwargs.pop("size", 3)
        super().__init__(**kwargs)
        self.size = size * 2


class SetsDefault(Base):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("depth", 5)
        super().__init__(**kwargs)


@pytest.mark.parametrize(
    ("build", "own", "inherited", "unrecovered"),
    [
        (lambda: HardCodes(3), {"n": 3}, {"hidden": 6, "depth": 7, "act": "relu"}, []),
        (lambda: PassesAll(4, act="gelu"), {"hidden": 4, "depth": 2, "act": "gelu"}, {}, []),
        (lambda: PassesAll(4, 2), {"hidden": 4, "depth": 2, "act": "relu"}, {}, []),
        (lambda: PassesAfterOne(8), {"depth": 8, "act": "relu"}, {"hidden": 8}, []),
        (lambda: FixesOne(2, hidden=4), {"n": 2, "hidden": 4, "depth": 2}, {"act": "relu"}, []),
        (
            lambda: Swallows(2, extra=1),
            {"n": 2, "extra": 1},
            {"hidden": 64, "depth": 2, "act": "relu"},
            [],
        ),
        (
            lambda: ThreeLevels(hidden=4, depth=3),
            {"top": 9, "n": 1, "hidden": 4, "depth": 3},
            {"act": "relu"},
            [],
        ),
        (lambda: SetsKeyword(hidden=4, depth=1), {"hidden": 4, "act": "relu"}, {"depth": 5}, []),
        (
            lambda: PopsKeyword(hidden=4, size=9),
            {"hidden": 4, "depth": 2, "act": "relu"},
            {},
            ["size"],
        ),
        (lambda: SetsDefault(hidden=4, depth=1), {"hidden": 4, "depth": 1, "act": "relu"}, {}, []),
    ],
)
def test_whose(
    build: Callable[[], nn.Module],
    own: dict[str, Any],
    inherited: dict[str, Any],
    unrecovered: list[str],
) -> None:
    reading = arguments_of(build())
    assert reading.own == own
    assert reading.inherited == inherited
    assert reading.unrecovered == unrecovered


def keeps(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def hides(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return wrapper


class DecoratedBase(nn.Module):
    @keeps
    def __init__(self, width: int = 3, **options: Any) -> None:
        super().__init__()


class Decorated(DecoratedBase):
    @keeps
    @keeps
    def __init__(self, n: int, **options: Any) -> None:
        super().__init__(**options)


class Hidden(nn.Module):
    @hides
    def __init__(self, n: int, k: int = 2) -> None:
        super().__init__()


class Patched(nn.Module):
    def __init__(self, n: int, k: int = 2) -> None:
        super().__init__()


def test_decorated_constructors() -> None:
    assert collect_hparams(Decorated(4, width=5, x=6)) == {"n": 4, "width": 5, "x": 6}
    assert collect_hparams(Hidden(4)) == {"n": 4, "k": 2}


def test_a_constructor_replaced_later(monkeypatch: pytest.MonkeyPatch) -> None:
    Patched(1)
    monkeypatch.setattr(Patched, "__init__", keeps(Patched.__init__))
    assert collect_hparams(Patched(4, k=5)) == {"n": 4, "k": 5}


class Tree(nn.Module):
    def __init__(self, depth: int, tag: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.child = Tree(depth - 1, (*tag, depth)) if depth else None


def test_a_module_of_its_own_kind_inside() -> None:
    tree = Tree(2)
    assert tree.child is not None
    assert collect_hparams(tree) == {"depth": 2, "tag": ()}
    assert collect_hparams(tree.child) == {"depth": 1, "tag": (2,)}


class Reassigns(nn.Module):
    def __init__(self, a: Any, b: Any, c: Any = None, d: Any = 0, e: Any = 1, f: Any = 0) -> None:
        if a is None:
            a = 8
        b = b or 4
        c, unused = (c, 1)
        for d in range(3):
            pass
        e = -1 if e is None else e
        f += 1
        super().__init__()
        self.a, self.b, self.c, self.d, self.e, self.f = a, b, c, d, e, f


def test_only_certain_originals_are_kept() -> None:
    reading = arguments_of(Reassigns(3, 5, 7, 9, 11, 13))
    assert reading.own == {"a": 3, "b": 5, "c": 7, "e": 11}
    assert reading.unrecovered == ["d", "f"]
    unknown = arguments_of(Reassigns(None, None, e=None))
    assert unknown.own == {"c": None}
    assert unknown.unrecovered == ["a", "b", "d", "e", "f"]


def test_true_and_one_are_different_constants() -> None:
    class Flag(nn.Module):
        def __init__(self, n: Any) -> None:
            n = 1 if n is None else n
            super().__init__()

    assert arguments_of(Flag(True)).own == {"n": True}
    assert arguments_of(Flag(1)).unrecovered == ["n"]


def test_stores_of_other_scopes() -> None:
    class Scopes(nn.Module):
        def __init__(self, n: int, m: int, k: int, w: int) -> None:
            [n for n in range(3)]
            list(w := item for item in range(3))

            def change() -> None:
                nonlocal m
                m = 99

            change()
            super().__init__()
            k = k * 2

    reading = arguments_of(Scopes(1, 2, 3, 4))
    assert reading.own == {"n": 1, "k": 3}
    assert reading.unrecovered == ["m", "w"]


def test_deleted_parameters() -> None:
    class Deletes(nn.Module):
        def __init__(self, n: int, m: int) -> None:
            del n
            super().__init__()

    for _ in range(2):  # the second one goes the short way
        reading = arguments_of(Deletes(1, 2))
        assert (reading.own, reading.unrecovered) == ({"m": 2}, ["n"])


@dataclasses.dataclass
class Config:
    width: int = 4
    depth: int = 2


class ChangesInPlace(nn.Module):
    def __init__(self, sizes: list[int], config: Config, options: dict[str, int], n: int) -> None:
        sizes.insert(0, 99)
        config.width = 99
        options["x"] = 99
        super().__init__()
        config.depth = 99
        options["y"] = 99


def test_arguments_changed_in_place() -> None:
    module = ChangesInPlace([1], Config(), {"x": 1, "y": 2}, 3)
    assert collect_hparams(module) == {"config.depth": 2, "options.y": 2, "n": 3}
    assert arguments_of(module).unrecovered == ["sizes", "config.width", "options.x"]


def test_without_source_a_reassigned_argument_is_not_trusted() -> None:
    code = (
        "class Net(nn.Module):\n"
        "    def __init__(self, n, m=2):\n"
        "        n = None if n < 0 else n\n"
        "        super().__init__()\n"
    )
    scope: dict[str, Any] = {"nn": nn, "__name__": "nowhere"}
    exec(code, scope)  # a class that has no source file
    reading = arguments_of(scope["Net"](3))
    assert (reading.own, reading.unrecovered) == ({"m": 2}, ["n"])


def test_building_again_records_again() -> None:
    module = Patched(1)
    module.__init__(2, k=3)  # type: ignore[misc]
    assert collect_hparams(module) == {"n": 2, "k": 3}


class Raises:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Falsy:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __bool__(self) -> bool:
        raise RuntimeError("bool")

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    __hash__ = None  # type: ignore[assignment]


class Takes(nn.Module):
    def __init__(self, thing: Any, other: Any = None, n: int = 1) -> None:
        super().__init__()


@pytest.mark.parametrize(
    "make", [Raises, Falsy, lambda: [Falsy()], lambda: (Raises(), 1), object, torch.Generator]
)
def test_odd_objects_do_no_harm(make: Callable[[], Any]) -> None:
    assert collect_hparams(Takes(make(), Falsy(), 5)) == {"n": 5}


def test_containers_that_contain_themselves() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert collect_hparams(Takes(endless)) == {"other": None, "n": 1}


def test_scalars_of_torch_become_numbers() -> None:
    got = collect_hparams(Takes(torch.tensor(3), torch.tensor([1.0])))
    assert got == {"thing": 3, "n": 1}
    assert type(got["thing"]) is int


def test_values_cannot_be_changed_through_the_answer() -> None:
    module = Takes([1, 2])
    collect_hparams(module)["thing"].append(3)
    assert collect_hparams(module)["thing"] == [1, 2]


def test_large_containers_are_not_kept() -> None:
    assert "thing" not in collect_hparams(Takes(list(range(10_000))))
