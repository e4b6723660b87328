"""What the W&B config holds: everything that made the run, true, whole, and without secrets."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flavour
import pytest
import torch
from flavour import EarlyStopping, ExpNameLogger, LightningDataModule, ModelCheckpoint
from lit_models import (
    KEMDy19Dataset,
    LitRegressor,
    MultiModalTransformer,
    fit,
    loader,
    trainer,
)
from packaging.version import Version
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, Subset
from torchmetrics import Accuracy, F1Score, MetricCollection
from versions import LIGHTNING

from lightning_expname.introspect.environment import describe_git
from lightning_expname.observer import ExpNameWarning

Read = Callable[[], list[Any]]
GOLDEN = Path(__file__).parent / "golden_config.json"
SECRET = "hunter2Xq"


class LitEmotion(LitRegressor):
    """The user's module: nothing saved, nested networks, three clones of its metrics."""

    def __init__(self, model: nn.Module, lr: float = 1e-4, t_max: int = 20) -> None:
        super().__init__(model, lr)
        self._t_max = t_max
        metrics = MetricCollection(
            {
                "accuracy": Accuracy(task="multiclass", num_classes=5, average="macro"),
                "f1": F1Score(task="multiclass", num_classes=5, average="weighted"),
            }
        )
        self.train_metrics = metrics.clone(prefix="train_")
        self.val_metrics = metrics.clone(prefix="val_")
        self.test_metrics = metrics.clone(prefix="test_")

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=self._settings[0], weight_decay=0.05)
        warm_up = 5
        schedule = lr_scheduler.SequentialLR(
            optimizer,
            [
                lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / warm_up)),
                lr_scheduler.CosineAnnealingLR(optimizer, T_max=self._t_max, eta_min=1e-6),
            ],
            milestones=[warm_up],
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def emotion(dropout: float = 0.1, **arguments: Any) -> LitEmotion:
    return LitEmotion(MultiModalTransformer(16, dropout=dropout), **arguments)


def monitors() -> list[Any]:
    best = ModelCheckpoint(monitor="val_acc", mode="max")
    return [best, EarlyStopping("val_acc", mode="max", patience=5)]


def config_of(read: Read, *callbacks: Any, module: Any = None, **options: Any) -> dict[str, Any]:
    before = len(read())
    fit(ExpNameLogger(**options), *callbacks, module=module or emotion(), epochs=1)
    config = dict(read()[before].config)
    del config["_wandb"]
    return config


def comparable(config: dict[str, Any]) -> dict[str, Any]:
    named = {key: value for key, value in config["expname"].items() if key != "id"}
    rest = {key: value for key, value in config.items() if key != "environment"}
    return {**rest, "expname": named}


def test_the_whole_config_of_the_users_module(expname_root: Path, expname_recorded: Read) -> None:
    config = config_of(expname_recorded, *monitors())
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    if Version("2.6") > LIGHTNING:
        del golden["trainer"]["callbacks"]["ModelCheckpoint"]["save_on_exception"]
    assert comparable(config) == golden


def test_two_configs_that_differ_in_one_float_differ_in_it_alone(
    expname_root: Path, expname_recorded: Read
) -> None:
    one = config_of(expname_recorded, module=emotion(dropout=0.1), root_dir=expname_root / "a")
    two = config_of(expname_recorded, module=emotion(dropout=0.25), root_dir=expname_root / "b")
    assert {**one, "dropout": None, "expname": None} == {**two, "dropout": None, "expname": None}
    assert (one["dropout"], two["dropout"]) == (0.1, 0.25)
    differs = {key for key in one["expname"] if one["expname"][key] != two["expname"][key]}
    assert differs == {"id", "digest"}


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Block:
    width: int = 8
    rate: float = 0.5


class Bad:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("as the test asks")


SELF: list[Any] = [1]
SELF.append(SELF)
VALUES = {
    "exact": (0.1 + 0.2, 0.30000000000000004),
    "tiny": (5e-324, 5e-324),
    "large": (2**53, 2**53),
    "beyond": (2**53 + 1, "9007199254740993"),
    "negative": (-(2**70), str(-(2**70))),
    "nan": (math.nan, "NaN"),
    "inf": ([math.inf, -math.inf], ["Infinity", "-Infinity"]),
    "enum": (Color.RED, "RED"),
    "path": (Path("data/train.csv"), "data/train.csv"),
    "dtype": (torch.float16, "float16"),
    "scalar": (torch.tensor(3), 3),
    "small": (torch.tensor([0.5, 2.0]), [0.5, 2.0]),
    "big": (torch.zeros(20, 20), "<Tensor 20x20>"),
    "dataclass": (Block(), {"width": 8, "rate": 0.5}),
    "namespace": (SimpleNamespace(a=1), {"a": 1}),
    "partial": (functools.partial(torch.optim.AdamW, lr=0.1), "partial(AdamW, lr=0.1)"),
    "function": (math.sqrt, "sqrt"),
    "class": (nn.GELU, "GELU"),
    "set": ({"b", "a", "c"}, ["a", "b", "c"]),
    "bytes": (b"\xff", "b'\\xff'"),
    "surrogate": ("\ud800", "?"),
    "self": (SELF, [1, "<list>"]),
    "bad": (Bad(), "<Bad>"),
    "-dash-": (1, 1),
    "": (2, 2),
    "a.b": ({"c.d": {1: 2}}, {"c.d": {"1": 2}}),
    "many": ({f"k{i}": i for i in range(5000)}, {f"k{i}": i for i in range(5000)}),
}


def test_every_value_survives_and_no_bad_one_loses_the_others(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger = ExpNameLogger()
    logger.log_hyperparams({key: value for key, (value, _) in VALUES.items()})
    fit(logger, epochs=1)
    config = expname_recorded()[0].config
    for key, (_, expected) in VALUES.items():
        assert config[key.strip("-")] == expected, key
        assert type(config[key.strip("-")]) is type(expected), key


def test_no_callable_is_called(expname_root: Path, expname_recorded: Read) -> None:
    def never() -> None:
        raise AssertionError("a hyper-parameter was called")

    fit_logger = ExpNameLogger()
    fit_logger.log_hyperparams({"never": never, "partial": functools.partial(never)})
    fit(fit_logger, epochs=1)
    config = expname_recorded()[0].config
    assert (config["never"], config["partial"]) == ("never", "partial(never)")


def test_a_config_too_large_is_bounded_with_a_warning(
    expname_root: Path, expname_recorded: Read
) -> None:
    logger = ExpNameLogger()
    huge = {f"k{i}": "x" * 900 for i in range(9_000)}
    logger.log_hyperparams({"huge": huge, "small": 1})
    with pytest.warns(ExpNameWarning, match="left out: huge"):
        fit(logger, epochs=1)
    config = expname_recorded()[0].config
    assert config["small"] == 1
    assert config["huge"].startswith("<left out: ")


def test_secrets_never_leave(expname_root: Path, expname_recorded: Read) -> None:
    class Secretive(LitRegressor):
        def __init__(self, model: nn.Module, hub_token: str, notify: Any) -> None:
            super().__init__(model)

    class Net(MultiModalTransformer):
        def __init__(self, d_model: int, api_key: str, bos_token: str = "<s>") -> None:
            super().__init__(d_model)

    hook = f"https://hooks.slack.com/services/T0/B0/{SECRET}"
    module = Secretive(Net(16, api_key=SECRET), SECRET, {"url": hook, "n": 1})
    logger = ExpNameLogger()
    logger.log_hyperparams({"db": {"password": SECRET}, "n_tokens": 512})
    ran = fit(logger, module=module, epochs=1)
    (run,) = expname_recorded()
    assert (run.config["api_key"], run.config["hub_token"]) == ("<redacted>", "<redacted>")
    assert (run.config["db"]["password"], run.config["n_tokens"]) == ("<redacted>", 512)
    assert run.name == "d_model16-bos_token._hcs_hei-bs16-lr1e-05" or SECRET not in run.name
    for path in [
        *expname_root.rglob("*.json"),
        *expname_root.rglob("*.ckpt"),
        *expname_root.rglob("*.wandb"),
    ]:
        assert SECRET.encode() not in path.read_bytes(), path
    assert ran.logger.record.hparams["api_key"] == "<redacted>"


def test_what_the_user_allows_is_no_secret(expname_root: Path, expname_recorded: Read) -> None:
    logger = ExpNameLogger(not_secret=["start_of_text", "model.*_token"])
    logger.log_hyperparams({"model": {"first_hidden_token": "abc1", "my_token": "x1y2"}})
    fit(logger, epochs=1)
    config = expname_recorded()[0].config
    assert config["model"] == {"first_hidden_token": "abc1", "my_token": "x1y2"}


class Digits(LightningDataModule):
    def __init__(self, fold: int, augment: bool = True) -> None:
        super().__init__()
        self.fold = fold
        self.augment = augment

    def train_dataloader(self) -> DataLoader[Tensor]:
        part = Subset(Augmented("jitter", 0.3), range(24))
        return DataLoader(part, batch_size=8, shuffle=True, drop_last=True)

    def val_dataloader(self) -> list[DataLoader[Tensor]]:
        return [loader(4), loader(5)]


class Augmented(KEMDy19Dataset):
    def __init__(self, kind: str, strength: float) -> None:
        super().__init__()
        self.kind = kind
        self._strength = strength


def test_data_and_its_arguments(expname_root: Path, expname_recorded: Read) -> None:
    class Lit(LitRegressor):
        def validation_step(self, batch: Tensor, batch_idx: int, dataloader_idx: int = 0) -> None:
            return None

    module = Lit(MultiModalTransformer(16))
    trainer(ExpNameLogger(), epochs=1).fit(module, datamodule=Digits(3))
    data = expname_recorded()[0].config["data"]
    assert (data["dataset"], data["size"], data["batch_size"]) == ("Subset", 24, 8)
    inner = {"name": "Augmented", "kind": "jitter", "strength": 0.3}
    assert data["dataset_arguments"] == {"dataset": inner}
    assert (data["shuffle"], data["sampler"], data["drop_last"]) == (True, "RandomSampler", True)
    assert data["datamodule"] == {"name": "Digits", "fold": 3, "augment": True}
    assert [one["batch_size"] for one in data["validate"]["loaders"]] == [4, 5]


def test_groups_of_an_optimizer(expname_root: Path, expname_recorded: Read) -> None:
    class Grouped(LitRegressor):
        def configure_optimizers(self) -> Any:
            first, last = self.model.net[0], self.model.net[2]
            groups = [{"params": first.parameters()}, {"params": last.parameters(), "lr": 1e-3}]
            optimizer = torch.optim.SGD(groups, lr=1e-2, momentum=0.9)
            return [optimizer], [lr_scheduler.OneCycleLR(optimizer, [0.1, 0.2], total_steps=99)]

    module = Grouped(MultiModalTransformer(16))
    config = config_of(expname_recorded, module=module)
    assert (config["lr_scheduler"]["name"], config["lr_scheduler"]["total_steps"]) == (
        "OneCycleLR",
        99,
    )
    assert config["optimizer"]["momentum"] == 0.9


def test_an_empty_dict_among_the_arguments_is_no_obstacle(
    expname_root: Path, expname_recorded: Read
) -> None:
    class Net(MultiModalTransformer):
        def __init__(self, d_model: int, groups: Any, blocks: Any = None) -> None:
            super().__init__(d_model)

    config = config_of(expname_recorded, module=LitRegressor(Net(16, {}, [{"width": 3}])))
    assert (config["groups"], config["blocks"]) == ({}, [{"width": 3}])
    assert config["expname"]["model"] == "Net"


def test_models_built_before_the_import_are_marked(expname_root: Path) -> None:
    code = (
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self, width, depth):\n"
        "        super().__init__()\n"
        "        self.width = width\n"
        "net = Net(3, 4)\n"
        "from lightning_expname.introspect.hparams import describe_module\n"
        "print(describe_module(net).recovery)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == "{'from_attributes': ['width'], 'unrecovered': ['depth']}", (
        ran.stderr
    )


def test_git_is_told_without_credentials(expname_root: Path) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
        subprocess.run(["git", *identity, *words], check=True, capture_output=True, timeout=60)

    assert describe_git() == {}
    git("init", "-b", "main")
    Path("a.txt").write_text("1")
    git("add", "a.txt")
    git("commit", "-m", "first")
    git("remote", "add", "origin", f"https://me:{SECRET}@example.org/me/x.git")
    told = describe_git()
    assert len(told.pop("git_commit")) == 40
    remote = "https://<redacted>@example.org/me/x.git"
    assert told == {"git_branch": "main", "git_dirty": False, "git_remote": remote}
    Path("a.txt").write_text("2")
    assert describe_git()["git_dirty"] is True


def test_the_environment_is_told(expname_root: Path, expname_recorded: Read) -> None:
    environment = config_of(expname_recorded)["environment"]
    assert environment["torch"] == str(torch.__version__)
    assert {"python", "host", flavour.NAME.split(".")[0], "command"} <= set(environment)


def test_what_was_lost_is_warned_of_once_with_the_remedy(expname_root: Path) -> None:
    class Net(MultiModalTransformer):
        def __init__(self, d_model: int) -> None:
            d_model = d_model * 2
            super().__init__(d_model)

    with pytest.warns(ExpNameWarning, match="save_hyperparameters") as caught:
        fit(ExpNameLogger(), module=LitRegressor(Net(8)), epochs=1)
    assert sum("could not be recovered" in str(one.message) for one in caught) == 1


if __name__ == "__main__":  # prints the golden file, to be looked at before it is kept
    import os
    import tempfile

    from lightning_expname.testing import find_recorded, read_recorded

    os.environ["WANDB_SILENT"] = "true"
    with tempfile.TemporaryDirectory() as root:
        os.chdir(root)
        fit(ExpNameLogger(offline=True), *monitors(), module=emotion(), epochs=1).logger.close_run()
        told = dict(read_recorded(find_recorded(root)[0], wait=5).config)
    del told["_wandb"]
    print(json.dumps(comparable(told), indent=2))
