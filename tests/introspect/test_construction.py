"""LightningModules are seen before their constructors change an argument, and through factories."""

from __future__ import annotations

import abc
import copy
import inspect
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn

from lightning_expname import capture_init, collect_hparams, uncapture_init
from lightning_expname.introspect.construction import PASSED_KEY, watch_construction
from lightning_expname.introspect.hparams import describe_module


class Base(LightningModule):
    def __init__(self, lr: float = 0.1, log_every: int = 5, tags: Any = None) -> None:
        if tags is None:
            tags = ["settled"]
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(2, 2)


class Settling(Base):
    """Settles its arguments before anybody else sees them, as real systems do."""

    def __init__(self, width: int, sizes: Any = None, cfg: Any = None, **kwargs: Any) -> None:
        if sizes is None:
            sizes = [1]
        width = width * 2
        cfg = dict(cfg or {}, more=1)
        kwargs["log_every"] = 7
        super().__init__(**kwargs)

    @classmethod
    def from_dataset(cls, dataset: list[int], **kwargs: Any) -> Settling:
        added = dict(kwargs, sizes=[len(dataset)])
        return cls.from_sizes(cfg={"columns": 3}, **added)

    @classmethod
    def from_sizes(cls, **kwargs: Any) -> Settling:
        return cls(**kwargs)

    @classmethod
    def adding(cls, dataset: list[int], **kwargs: Any) -> Settling:
        kwargs["sizes"] = [len(dataset)]
        return cls(**kwargs)


def spoken(module: Any) -> set[str]:
    return {hparam.name for hparam in describe_module(module).hparams if hparam.owner == "model"}


def test_arguments_are_those_that_were_passed() -> None:
    module = Settling(8, sizes=[4, 4], cfg={"depth": 2}, lr=0.5)
    found = collect_hparams(module)
    assert {"width": 8, "sizes": [4, 4], "cfg.depth": 2, "lr": 0.5}.items() <= found.items()
    assert describe_module(module).unrecovered == ()
    assert PASSED_KEY not in vars(module)


def test_defaults_are_those_that_were_declared() -> None:
    found = collect_hparams(Settling(8))
    assert {"width": 8, "sizes": None, "cfg": None}.items() <= found.items()
    assert "cfg.more" not in found


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_know_them_too(copied: Any) -> None:
    module = Settling.from_dataset([1, 2, 3], width=8)
    assert collect_hparams(copied(module)) == collect_hparams(module)
    assert spoken(copied(module)) == spoken(module)


@pytest.mark.parametrize("factory", ["from_dataset", "adding"])
def test_what_a_factory_adds_is_in_no_name(factory: str) -> None:
    module = getattr(Settling, factory)([1, 2, 3], width=8, lr=0.5)
    assert spoken(module) >= {"width", "lr"}
    assert not spoken(module) & {"sizes", "columns", "cfg", "log_every"} - {"cfg"}
    assert collect_hparams(module)["sizes"] == [3]  # the config has it


class Made(LightningModule):
    def __init__(self, width: int = 2, depth: int = 1, act: str = "relu", sizes: Any = None):
        super().__init__()

    @classmethod
    def updating(cls, dataset: list[int], **kwargs: Any) -> Made:
        kwargs.update(cls.sizes_of(dataset))
        return cls(**kwargs)

    @staticmethod
    def sizes_of(dataset: list[int]) -> dict[str, Any]:
        return {"sizes": [len(dataset)], "depth": len(dataset)}

    @classmethod
    def asking(cls, dataset: list[int], **kwargs: Any) -> Made:
        if "depth" not in kwargs:
            kwargs["depth"] = len(dataset)
        return cls(**kwargs)

    @classmethod
    def from_config(cls, config: Any, **more: Any) -> Made:
        return cls(width=config["width"], **more)

    @classmethod
    def from_preset(cls, name: str) -> Made:
        return cls(width={"small": 3}[name])


MODULE_LEVEL = {"width": 8}


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: Made.updating([1, 2], width=8), {"width"}),
        (lambda: Made.updating([1, 2], **MODULE_LEVEL), {"width"}),
        (lambda: Made.updating([1, 2], **MODULE_LEVEL, act="gelu"), {"width", "act"}),
        (lambda: Made.updating([1, 2]), set()),
        (lambda: Made.asking([1, 2], depth=5, width=8), {"depth", "width"}),
        (lambda: Made.asking([1, 2], width=8), {"width"}),
        (lambda: Made.from_config({"width": 4}, act="gelu"), {"width", "act"}),
        (lambda: Made.from_preset("small"), {"width"}),
        (lambda: Made(8), {"width", "depth", "act"}),
    ],
)  # fmt: skip
def test_through_a_factory_what_its_caller_wrote_is_spoken(build: Any, names: set[str]) -> None:
    assert spoken(build()) - {"sizes"} == names


def test_a_helper_around_a_factory_passes_on_what_it_was_given() -> None:
    def helper(**arguments: Any) -> Made:
        return Made.updating([1, 2, 3], **arguments)

    module = helper(width=8)
    assert spoken(module) == {"width"}
    assert collect_hparams(module) == {"width": 8, "depth": 3, "act": "relu", "sizes": [3]}


def test_without_source_a_factory_is_seen_as_far_as_it_goes() -> None:
    found: dict[str, Any] = {"Made": Made}
    exec("module = Made.asking([1, 2], width=8)", found)
    assert spoken(found["module"]) == {"width"}


def test_loading_a_checkpoint_is_no_factory(tmp_path: Path) -> None:
    class Saving(LightningModule):
        def __init__(self, width: int = 2, depth: int = 1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = nn.Linear(width, width)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    trainer.strategy.connect(Saving(3, 4))
    trainer.save_checkpoint(tmp_path / "x.ckpt", weights_only=True)
    loaded = Saving.load_from_checkpoint(tmp_path / "x.ckpt")
    assert spoken(loaded) == {"width", "depth"}
    assert collect_hparams(loaded) == {"width": 3, "depth": 4}


def test_defaults_of_the_base_class_are_no_decision() -> None:
    assert "log_every" not in spoken(Settling(8))
    assert "lr" in spoken(Settling(8, lr=0.1))


def test_a_constructor_called_by_hand_is_not_mistaken() -> None:
    class Plain(LightningModule):
        def __init__(self, width: int = 1) -> None:
            super().__init__()

    module = Plain.__new__(Plain)
    module.__init__(5)  # type: ignore[misc]
    assert collect_hparams(module) == {"width": 5}


def test_a_new_of_the_users_own_is_respected() -> None:
    class Own(LightningModule):
        def __new__(cls, *args: Any, **kwargs: Any) -> Own:
            return super().__new__(cls)

        def __init__(self, width: int = 1, depth: int = 2) -> None:
            depth = depth + 1
            super().__init__()

    module = Own(4, 5)
    assert collect_hparams(module)["width"] == 4
    assert describe_module(module).unrecovered == ("depth",)


def test_wrong_arguments_fail_as_ever() -> None:
    with pytest.raises(TypeError, match="width"):
        Settling()  # type: ignore[call-arg]

    class Abstract(LightningModule, abc.ABC):
        @abc.abstractmethod
        def missing(self) -> None: ...

    with pytest.raises(TypeError, match="abstract"):
        Abstract()  # type: ignore[abstract]


def test_switched_off_modules_are_built_and_not_seen() -> None:
    uncapture_init()
    try:
        module = Settling(8, sizes=[2])
        assert not {PASSED_KEY, "_expname_init"} & set(vars(module))
    finally:
        capture_init()
    assert collect_hparams(Settling(8, sizes=[2]))["sizes"] == [2]


class Renamed(Base):
    """Has no constructor of its own."""


def test_signatures_of_lightning_modules_are_those_of_their_constructors() -> None:
    assert str(inspect.signature(Renamed)) == (
        "(lr: 'float' = 0.1, log_every: 'int' = 5, tags: 'Any' = None) -> 'None'"
    )
    assert list(inspect.signature(Settling).parameters) == ["width", "sizes", "cfg", "kwargs"]
    assert str(inspect.signature(LightningModule)) == "(*args: Any, **kwargs: Any) -> None"


def test_before_python_3_11_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_expname.introspect.construction._active", False)
    monkeypatch.setattr("sys.version_info", (3, 10, 13))
    watch_construction()
    monkeypatch.undo()
    module = Settling(4)
    assert PASSED_KEY not in vars(module)


THEIR_FILE = """
import lightning.pytorch as pl
from torch import nn

class LitNet(pl.LightningModule):
    def __init__(self, width=4, rate=None):
        rate = rate or 0.5
        super().__init__()
        self.layer = nn.Linear(width, 1)
"""


def test_a_saved_lightning_module_loads_where_this_package_is_absent(tmp_path: Path) -> None:
    (tmp_path / "their_lit.py").write_text(THEIR_FILE)
    save = (
        "import torch, lightning_expname.logger, their_lit\n"
        "torch.save(their_lit.LitNet(8), 'lit.pt')\n"
    )
    load = (
        "import sys, torch\n"
        "sys.modules['lightning_expname'] = None\n"
        "print(torch.load('lit.pt', weights_only=False).layer.in_features)\n"
    )
    root = str(Path(__file__).parents[2])
    for code in (save, load):
        code = f"import sys; sys.path[:0] = [{root!r}, '.']\n" + code
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["8"]


class ByPosition(LightningModule):
    def __init__(self, n: int, /, *more: int, **kw: Any) -> None:
        super().__init__()


def test_a_keyword_named_as_an_argument_by_position_takes_nothing_from_it() -> None:
    found = collect_hparams(ByPosition(4, 5, n=8, more=9))
    assert found == {"n": 4, "kw.n": 8, "more": (5,), "kw.more": 9}
