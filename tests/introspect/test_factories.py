"""What a factory is given and uses up itself stands in the config; names are as ever."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from lightning.pytorch import LightningModule
from torch import nn

from lightning_expname.introspect.hparams import collect_hparams, describe_module

REVISION = "v2"
WEIGHT = nn.Linear(1, 1).weight


class Net(nn.Module):
    def __init__(self, width: int, depth: int = 1, config: Any = None) -> None:
        super().__init__()

    @classmethod
    def from_pretrained(cls, name: str, *, revision: str = "main", **kwargs: Any) -> Net:
        kwargs.pop("cache", None)
        name = name.upper()
        return cls.from_width(len(name), **kwargs)

    @classmethod
    def from_width(cls, width: int, **kwargs: Any) -> Net:
        return cls(width, **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any], *more: Any) -> Net:
        return cls(config["width"], config=config)


class Lit(LightningModule):
    def __init__(self, width: int = 2, lr: float = 0.1, sizes: Any = None) -> None:
        super().__init__()

    @classmethod
    def from_dataset(cls, dataset: Any, target: str = "y", **kwargs: Any) -> Lit:
        kwargs["sizes"] = [len(dataset)]
        return cls(**kwargs)

    @classmethod
    def from_pretrained(cls, name: str, **kwargs: Any) -> Lit:
        revision = kwargs.pop("revision", "main")
        return cls(width=len(name + revision), **kwargs)


def factories(module: nn.Module) -> Any:
    return describe_module(module).factories


def test_what_it_used_up_is_told_as_it_was_given() -> None:
    for _ in range(3):  # the first of a class is seen in another way
        net = Net.from_pretrained("base", revision="r1", cache="/tmp", depth=3)
    assert factories(net) == {
        "Net.from_pretrained": {"name": "<unknown>", "revision": "r1", "cache": "/tmp"}
    }
    assert collect_hparams(net)["depth"] == 3
    assert factories(Net(4)) == {}
    assert factories(Net.from_pretrained(name="base")) == {
        "Net.from_pretrained": {"name": "base", "revision": "main"}
    }


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: Lit.from_dataset([1, 2], width=8), {"dataset": [1, 2], "target": "y"}),
        (lambda: Lit.from_dataset(WEIGHT, "z"), {"dataset": "<Parameter>", "target": "z"}),
        (lambda: Lit.from_dataset([], sizes=[7]), {"dataset": [], "target": "y", "sizes": [7]}),
    ],
)  # fmt: skip
def test_of_a_lightning_module_too(build: Any, told: Any) -> None:
    assert factories(build()) == {"Lit.from_dataset": told}


def test_what_it_takes_out_of_its_keywords_is_what_its_caller_wrote() -> None:
    assert factories(Lit.from_pretrained("a", revision="r1", lr=0.5)) == {
        "Lit.from_pretrained": {"name": "a", "revision": "r1"}
    }
    given = {"revision": 3}
    assert factories(Lit.from_pretrained("a", revision=REVISION))["Lit.from_pretrained"] == {
        "name": "a",
        "revision": "v2",
    }
    assert factories(Lit.from_pretrained("a", revision=str(given["revision"]))) == {
        "Lit.from_pretrained": {"name": "a", "revision": "<unknown>"}
    }


def test_a_value_that_reached_the_constructor_is_not_said_twice() -> None:
    net = Net.from_config({"width": 4, "seed": 1}, "more")
    assert factories(net) == {"Net.from_config": {"more": ["more"]}}
    assert collect_hparams(net)["config.seed"] == 1


def test_it_survives_a_pickle_and_names_are_as_ever() -> None:
    module = Lit.from_dataset([1, 2], width=8)
    again = pickle.loads(pickle.dumps(module))
    assert factories(again) == factories(module) != {}
    spoken = [one.name for one in describe_module(again).hparams if one.owner == "model"]
    assert spoken == ["width"]


def test_two_models_of_one_class_are_told_apart() -> None:
    class Distiller(LightningModule):
        def __init__(self, teacher: nn.Module, student: nn.Module) -> None:
            super().__init__()

    module = Distiller(Net.from_pretrained(name="large"), Net.from_pretrained(name="tiny"))
    assert factories(module) == {
        "teacher.from_pretrained": {"name": "large", "revision": "main"},
        "student.from_pretrained": {"name": "tiny", "revision": "main"},
    }
