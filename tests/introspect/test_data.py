"""The dataset's name, the batch size and the learning rate, from real torch objects."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import CombinedLoader
from torch.optim import lr_scheduler
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    SequentialSampler,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)

from lightning_expname.introspect.collect import batch_size
from lightning_expname.introspect.dataset import dataset_name
from lightning_expname.introspect.optimizer import (
    describe_optimizers,
    learning_rate,
)
from lightning_expname.introspect.schedulers import describe_schedulers


class KEMDy19Dataset(Dataset[int]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        return index


class Esc50(KEMDy19Dataset):
    pass


class Named(KEMDy19Dataset):
    dataset_name = "KEMDy20 + SpecAugment"


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(8))


class HouseDataModule(LightningDataModule):
    def __init__(self, batch_size: int = 24) -> None:
        super().__init__()
        self.batch_size = batch_size


TENSORS = TensorDataset(torch.zeros(8, 2))


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (KEMDy19Dataset(), "KEMDy19"),
        (Esc50(), "Esc50"),
        (Named(), "KEMDy20 + SpecAugment"),
        (Stream(), "Stream"),
        (Subset(KEMDy19Dataset(), [0]), "KEMDy19"),
        (Subset(Subset(KEMDy19Dataset(), [0, 1]), [0]), "KEMDy19"),
        (random_split(KEMDy19Dataset(), [4, 4])[0], "KEMDy19"),
        (ConcatDataset([KEMDy19Dataset(), KEMDy19Dataset()]), "KEMDy19"),
        (ConcatDataset([KEMDy19Dataset(), Subset(Esc50(), [1])]), "KEMDy19_Esc50"),
        (StackDataset(KEMDy19Dataset(), Esc50()), "KEMDy19_Esc50"),
        (TENSORS, None),
        (Subset(TENSORS, [1]), None),
        ([1, 2, 3], None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_dataset_name_of_a_loader(dataset: Any, expected: str | None) -> None:
    assert dataset_name(None, DataLoader(dataset, batch_size=2)) == expected


def test_dataset_name_behind_nested_loaders() -> None:
    loader = DataLoader(KEMDy19Dataset())
    for nested in ([loader], {"a": loader}, CombinedLoader({"a": [loader]}), [[], (loader,)]):
        assert dataset_name(None, nested) == "KEMDy19"
    assert dataset_name(None, None) is None
    assert dataset_name(None, [None, 3, "text"]) is None


def test_a_dataset_that_wraps_itself_has_no_name() -> None:
    subset = Subset(TENSORS, [0])
    subset.dataset = subset
    assert dataset_name(None, DataLoader(subset)) is None


def test_dataset_name_of_a_datamodule() -> None:
    loader = DataLoader(KEMDy19Dataset())
    assert dataset_name(HouseDataModule(), loader) == "House"
    named = HouseDataModule()
    named.name = "House v2"
    assert dataset_name(named, loader) == "House v2"
    generic = LightningDataModule.from_datasets(KEMDy19Dataset())
    assert dataset_name(generic, loader) == "KEMDy19"


class Unready(LightningDataModule):
    """Its attributes are properties that fail before `setup`."""

    @property
    def name(self) -> str:
        raise RuntimeError("not set up")

    batch_size = dataset = datasets = name


def test_an_attribute_that_raises_does_no_harm() -> None:
    trainer = SimpleNamespace(datamodule=Unready(), lightning_module=None)
    assert dataset_name(Unready(), None) == "Unready"
    assert batch_size(trainer, None) is None
    wrapped = type("Dataset", (KEMDy19Dataset,), {"datasets": Unready.name})()
    assert dataset_name(None, SimpleNamespace(dataset=wrapped)) is None


def test_a_loader_is_never_asked_for_its_truth() -> None:
    loader = DataLoader(Stream(), batch_size=4)
    with pytest.raises(TypeError):
        bool(loader)
    trainer = SimpleNamespace(datamodule=None, lightning_module=None)
    assert dataset_name(None, loader) == "Stream"
    assert batch_size(trainer, loader) == 4


def test_batch_size_sources() -> None:
    sampler = BatchSampler(SequentialSampler(range(8)), batch_size=3, drop_last=False)
    unbatched = DataLoader(KEMDy19Dataset(), batch_size=None)
    module = SimpleNamespace(hparams={"batch_size": 16})
    trainer = SimpleNamespace(datamodule=None, lightning_module=module)
    assert batch_size(trainer, DataLoader(KEMDy19Dataset(), batch_sampler=sampler)) == 3
    assert batch_size(trainer, unbatched) == 16
    assert (
        batch_size(SimpleNamespace(datamodule=HouseDataModule(), lightning_module=module), None)
        == 24
    )
    assert batch_size(SimpleNamespace(datamodule=None, lightning_module=None), unbatched) is None


def parameters() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.zeros(1))]


@pytest.mark.parametrize(
    "schedule",
    [
        lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda step: step / 10),
        lambda optimizer: lr_scheduler.LinearLR(optimizer, start_factor=1e-3),
        lambda optimizer: lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10),
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=5),
        lambda optimizer: lr_scheduler.SequentialLR(
            optimizer,
            [
                lr_scheduler.LambdaLR(optimizer, lambda step: step / 10),
                lr_scheduler.CosineAnnealingLR(optimizer, T_max=5),
            ],
            milestones=[10],
        ),
    ],
)
def test_a_warm_up_does_not_change_the_spoken_rate(schedule: Any) -> None:
    optimizer = torch.optim.AdamW(parameters(), lr=1e-5)
    assert learning_rate([optimizer], [schedule(optimizer)]) == 1e-5


def test_the_rate_of_groups() -> None:
    only = torch.optim.Adam([{"params": parameters(), "lr": 1e-4}])
    mixed = torch.optim.Adam(
        [{"params": parameters(), "lr": 1e-4}, {"params": parameters()}], lr=0.5
    )
    lowered = torch.optim.SGD(parameters(), lr=0.1)
    lowered.param_groups[0]["lr"] = 0.0
    tensor = torch.optim.Adam(parameters(), lr=torch.tensor(0.25), capturable=True)
    assert [learning_rate([one]) for one in (only, mixed, lowered, tensor)] == [
        1e-4,
        0.5,
        0.1,
        0.25,
    ]
    assert learning_rate([]) is None


class ZeroOptimizer:
    """As DeepSpeed's: groups, but no defaults, and the user's own optimizer inside."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    @property
    def param_groups(self) -> Any:
        return self.optimizer.param_groups


def test_the_users_optimizer_is_found_inside_others() -> None:
    optimizer = torch.optim.AdamW(parameters(), lr=1e-5)
    wrapped = ZeroOptimizer(ZeroOptimizer(optimizer))
    assert learning_rate([wrapped]) == 1e-5
    assert describe_optimizers([wrapped]) == describe_optimizers([optimizer])


def test_an_optimizer_without_defaults_still_tells_its_rate() -> None:
    bare = type("Bare", (), {"param_groups": [{"lr": 0.5, "params": []}]})()
    assert learning_rate([bare]) == 0.5
    assert describe_optimizers([bare])["name"] == "Bare"


def test_optimizers_and_schedulers_are_described() -> None:
    optimizer = torch.optim.AdamW(parameters(), lr=1e-5)
    described = describe_optimizers([optimizer])
    assert described["name"] == "AdamW"
    assert described["lr"] == 1e-5
    assert described["betas"] == [0.9, 0.999]
    assert set(describe_optimizers([optimizer, optimizer])) == {"0", "1"}
    config = SimpleNamespace(
        scheduler=lr_scheduler.CosineAnnealingLR(optimizer, T_max=5, eta_min=1e-7),
        interval="step",
        frequency=1,
        monitor=None,
    )
    described = describe_schedulers([config])
    assert described["name"] == "CosineAnnealingLR"
    assert (described["T_max"], described["eta_min"], described["interval"]) == (5, 1e-7, "step")
    assert "last_epoch" not in described
