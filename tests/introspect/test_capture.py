"""Recorded constructor arguments: complete wherever possible, and never wrong."""

from __future__ import annotations

import copy
import gc
import inspect
import io
import pickle
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path
from typing import Any, cast

import module_zoo as zoo
import pytest
import torch
from torch import nn

from lightning_expname.introspect import capture
from lightning_expname.introspect.capture import capture_init, uncapture_init
from lightning_expname.introspect.hparams import collect_hparams
from lightning_expname.introspect.record import RECORD_KEY as KEY


def _same(got: Any, expected: Any) -> bool:
    return type(got) is type(expected) and got == expected


@pytest.mark.parametrize("name", [name for name in zoo.CASES if name not in zoo.INCOMPLETE])
def test_complete(name: str) -> None:
    build, expected = zoo.CASES[name]
    got = collect_hparams(build())
    found = {key: got[key] for key in expected if key in got}
    assert found == expected
    assert all(_same(found[key], value) for key, value in expected.items())


def test_at_most_three_of_39_cases_are_incomplete() -> None:
    assert len(zoo.CASES) == 39
    assert len(zoo.INCOMPLETE) == 3


@pytest.mark.parametrize("name", zoo.INCOMPLETE)
def test_incomplete_but_not_wrong(name: str) -> None:
    build, expected = zoo.CASES[name]
    got = collect_hparams(build())
    assert all(_same(got[key], expected[key]) for key in expected if key in got)
    assert set(got) != set(expected)


def test_signatures_are_unchanged() -> None:
    uncapture_init()
    class_signature = inspect.signature(nn.Linear)
    base_signature = inspect.signature(nn.Module)
    no_init = inspect.signature(zoo.ChildNoInit)
    capture_init()
    assert inspect.signature(nn.Linear) == class_signature
    assert inspect.signature(nn.Module) == base_signature
    assert inspect.signature(zoo.ChildNoInit) == no_init


def test_uncapture_restores_and_both_are_idempotent() -> None:
    uncapture_init()
    pristine = nn.Module.__init__
    uncapture_init()
    capture_init()
    wrapped = nn.Module.__init__
    capture_init()
    assert nn.Module.__init__ is wrapped
    assert wrapped is not pristine
    uncapture_init()
    assert nn.Module.__init__ is pristine
    assert KEY not in vars(zoo.Bare(5))


def test_a_wrapper_of_somebody_else_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = nn.Module.__init__
    calls: list[object] = []

    def theirs(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        calls.append(self)
        inner(self, *args, **kwargs)

    monkeypatch.setattr(nn.Module, "__init__", theirs)
    capture_init()
    built = zoo.Bare(5)
    assert collect_hparams(built) == {"n": 5}
    uncapture_init()
    assert KEY not in vars(zoo.Bare(6))
    capture_init()
    assert collect_hparams(zoo.Bare(7)) == {"n": 7}
    assert calls[0] is built
    assert len(calls) == 3


@pytest.mark.parametrize(("value", "installs"), [("0", False), ("1", True), (None, True)])
def test_the_environment_switch(
    value: str | None, installs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncapture_init()
    monkeypatch.delenv(capture.SWITCH, raising=False)
    if value is not None:
        monkeypatch.setenv(capture.SWITCH, value)
    capture.install_by_default()
    assert (KEY in vars(zoo.Bare(5))) == installs


def test_the_module_looks_as_if_nobody_had_watched() -> None:
    watched = zoo.Plain(8)
    uncapture_init()
    unwatched = zoo.Plain(8)
    assert repr(watched) == repr(unwatched)
    assert list(watched.state_dict()) == list(unwatched.state_dict())
    assert [name for name, _ in watched.named_modules()] == ["", "dropout"]
    assert set(vars(watched)) - set(vars(unwatched)) == {KEY}


def test_the_compiler_takes_functions_that_build_modules() -> None:
    def relu(x: torch.Tensor) -> torch.Tensor:
        return nn.Softmax(dim=-1)(nn.ReLU()(x))

    compiled = torch.compile(relu, fullgraph=True, backend="eager")
    x = torch.randn(3, 4)
    assert torch.equal(compiled(x), relu(x))


class Gate(nn.Module):
    """Built within a compiled function, with an argument and a child."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.act = nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(x) * self.scale


def test_the_compiler_takes_functions_that_build_modules_of_users() -> None:
    def gated(x: torch.Tensor) -> torch.Tensor:
        return Gate(0.5)(x)

    x = torch.randn(3, 4)
    assert torch.equal(torch.compile(gated, fullgraph=True, backend="eager")(x), gated(x))


def test_jit_leaves_the_record_out() -> None:
    buffer = io.BytesIO()
    scripted = torch.jit.script(zoo.Bare(5))
    torch.jit.save(scripted, buffer)
    assert b"_expname" not in buffer.getvalue()
    assert float(scripted(torch.ones(()))) == 5.0


class Holder(nn.Module):
    def __init__(self, inner: nn.Module, parts: list[nn.Module], table: torch.Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.table = table


def test_the_record_keeps_no_module_and_no_tensor() -> None:
    import gc
    import weakref

    inner, part, table = zoo.Bare(3), zoo.Bare(4), torch.zeros(4)
    holder = Holder(inner, [part], table)
    record = vars(holder)[KEY]
    gone = [weakref.ref(inner), weakref.ref(part), weakref.ref(table)]
    del inner, part, table, holder
    gc.collect()
    assert [ref() for ref in gone] == [None, None, None]
    assert record is not None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_nested_arguments_survive_copies(copied: Any) -> None:
    holder = Holder(zoo.Plain(8), [zoo.WithCfg(zoo.Cfg(3, 5))], torch.zeros(4))
    expected = {
        "inner.n_heads": 8,
        "inner.dropout": 0.1,
        "inner.name": "x",
        "parts.0.config.n_layer": 3,
        "parts.0.config.n_head": 5,
        "parts.0.config.lr": 1e-3,
    }
    assert collect_hparams(copied(holder)) == expected
    assert collect_hparams(copied(copied(holder))) == expected


def _plain_only(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and _plain_only(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_plain_only, value))
    return value is None or type(value) in (bool, int, float, str)


class Odd(nn.Module):
    def __init__(self, *items: Any, **options: Any) -> None:
        super().__init__()


def test_a_pickled_record_is_plain() -> None:
    import enum
    import functools

    import numpy as np

    class Local(enum.Enum):
        A = 1

    odd = Odd(
        Local.A, nn.ReLU, lambda x: x, Path("/x"), torch.float16, np.int64(3), torch.Size([1, 2]),
        cfg=zoo.Cfg(), part=functools.partial(int, base=2), text="x" * 10_000, inner=zoo.Bare(3),
        table=torch.zeros(3), nested={"a": [(1, {"b": None})]}, loose=object(),
    )  # fmt: skip
    factory, (plain,) = vars(odd)[KEY].__reduce__()
    assert factory is dict
    assert _plain_only(plain)
    assert len(pickle.dumps(plain)) < 6_000


MODEL_FILE = """
    import torch
    class Net(torch.nn.Module):
        def __init__(self, encoder, act=torch.nn.ReLU, size=(3, 3)):
            super().__init__()
            self.encoder = encoder
    class Enc(torch.nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.layer = torch.nn.Linear(dim, dim)
"""


def test_a_saved_model_loads_where_this_package_is_absent(tmp_path: Path) -> None:
    (tmp_path / "their_model.py").write_text(textwrap.dedent(MODEL_FILE))
    save = (
        "import torch, their_model\n"
        "from lightning_expname.introspect.capture import capture_init\n"
        "capture_init()\n"
        "torch.save(their_model.Net(their_model.Enc(4)), 'model.pt')\n"
    )
    load = (
        "import sys, torch\n"
        "sys.modules['lightning_expname'] = None\n"
        "model = torch.load('model.pt', weights_only=False)\n"
        "print(type(model).__name__, type(model.__dict__['_expname_init']).__name__)\n"
        "print(list(model.state_dict()))\n"
    )
    root = str(Path(__file__).parents[2])
    for code in (save, load):
        code = f"import sys; sys.path[:0] = [{root!r}, '.']\n" + code
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Net dict",
        "['encoder.layer.weight', 'encoder.layer.bias']",
    ]


class Broken(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        raise ValueError(f"n={n}")


def test_errors_of_the_constructor_come_through() -> None:
    with pytest.raises(ValueError, match="n=3"):
        Broken(3)
    with pytest.raises(TypeError, match="unexpected"):
        nn.Module(n=3)


def test_a_failure_of_the_observer_is_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(capture, "observe", fail)
    assert zoo.Bare(5).z == 5


class ConvOfMine(nn.Conv2d):
    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__(channels, channels, kernel)


@pytest.mark.parametrize("build", [lambda: nn.Conv2d(3, 8, 3), lambda: ConvOfMine(4)])
def test_the_short_way_through_a_base_class_tells_what_the_long_one_does(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `torch.compile`, in a test before, leaves a wrapper of its own, which ends all short ways.
    monkeypatch.setattr(nn.Module, "__init__", capture._watched)
    capture.ROUTES.pop(type(build()), None)
    first, later = collect_hparams(build()), collect_hparams(build())
    assert later == first
    assert {"kernel_size": 3, "kernel": 5}.items() & first.items()
    is_short = type(build()) in capture.ROUTES
    assert is_short == (type(build()) is nn.Conv2d)  # a user's class may have bases that matter


class Hashless:
    """An argument that cannot be asked for its hash."""

    def __hash__(self) -> int:
        raise RuntimeError("no hash")


def test_what_a_convolution_was_given_is_read_when_it_is_built() -> None:
    nn.Conv2d(3, 8, 3)  # its class is known from here on
    mask, channels = torch.ones(3, dtype=torch.bool), torch.tensor(8)
    layer = nn.Conv2d(3, cast(int, channels), 3, bias=cast(bool, mask[0]))
    kept = weakref.ref(channels)
    mask.fill_(False)
    told = collect_hparams(layer)
    assert told.get("bias") in (None, True) and told["kernel_size"] == 3
    del channels
    layer.out_channels = 8
    gc.collect()
    assert kept() is None


def test_an_argument_without_a_hash_loses_nothing() -> None:
    nn.Conv2d(3, 8, 3)
    layer = nn.Conv2d(3, 8, 3, bias=cast(bool, Hashless()))
    assert collect_hparams(layer)["kernel_size"] == 3


class Unhashable(type):
    """Classes that are equal by their names, and have no hash."""

    def __eq__(cls, other: object) -> bool:
        return cls.__name__ == getattr(other, "__name__", None)


def test_a_class_without_a_hash_is_built_and_read() -> None:
    class Net(nn.Module, metaclass=Unhashable):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.layer = nn.Linear(width, 1)

    assert collect_hparams(Net(4)) == {"width": 4}


class OnlyByPosition(nn.Module):
    def __init__(self, n: int, /, **kw: Any) -> None:
        super().__init__()


class HandsOn(OnlyByPosition):
    """What goes through `**kw` reaches a base class whose own `n` is the author's."""

    def __init__(self, n: int, /, *more: int, **kw: Any) -> None:
        super().__init__(n * 2, **kw)


class TakesOut(nn.Module):
    def __init__(self, n: int, /, **kw: Any) -> None:
        self.taken = kw.pop("n")
        super().__init__()


class Named(nn.Module):
    def __init__(self, n: int = 1) -> None:
        super().__init__()


class GivesNamed(Named):
    def __init__(self, n: int, /, **kw: Any) -> None:
        super().__init__(**kw)


def test_an_argument_by_position_and_a_keyword_of_its_name_are_two() -> None:
    assert collect_hparams(OnlyByPosition(4, n=8)) == {"n": 4, "kw.n": 8}
    assert collect_hparams(OnlyByPosition(4, m=8)) == {"n": 4, "m": 8}
    found = collect_hparams(HandsOn(4, 5, n=8, more=9))
    assert found == {"n": 4, "kw.n": 8, "kw.more": 9, "more": (5,)}
    assert collect_hparams(TakesOut(4, n=8)) == {"n": 4}
    assert collect_hparams(GivesNamed(4, n=8)) == {"n": 4, "kw.n": 8}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_set_stays_a_set(copied: Any) -> None:
    class Sets(nn.Module):
        def __init__(self, mixed: Any, frozen: Any, nested: Any) -> None:
            super().__init__()

    given = ({1, "a"}, frozenset({None, 2.5}), {frozenset({1, "a"}), (1, "b")})
    Sets.__qualname__, Sets.__module__ = "Sets", __name__
    globals()["Sets"] = Sets
    module = copied(Sets(*given))
    assert tuple(collect_hparams(module).values()) == given
