"""Who the model is, and what names its hyper-parameters."""

from __future__ import annotations

import enum
import functools
import inspect
import pickle
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import module_zoo as zoo
import pytest
import torch
import torchmetrics
from torch import nn

from lightning_expname.facts import ABSENT
from lightning_expname.introspect.capture import capture_init, uncapture_init
from lightning_expname.introspect.hparams import ModuleFacts, collect_hparams, describe_module
from lightning_expname.introspect.trainer_arguments import TRAINER_ARGUMENTS

if TYPE_CHECKING:
    from nowhere import Unknown


class Enc(nn.Module):
    def __init__(self, dim: int, dropout: float = 0) -> None:
        super().__init__()
        self.layer = nn.Linear(dim, dim)


class Net(nn.Module):
    def __init__(self, encoder: nn.Module, dim: int = 3, act: Any = "relu") -> None:
        super().__init__()
        self.encoder = encoder


class Two(nn.Module):
    def __init__(self, text: nn.Module, audio: nn.Module) -> None:
        super().__init__()


class Lit(pl.LightningModule):
    def __init__(self, model: nn.Module, dim: int = 1, weight_decay: float = 0.01) -> None:
        super().__init__()
        self.model = model


class LitParts(pl.LightningModule):
    def __init__(self, net: Any = None, loss: Any = None, metrics: Any = None, n: int = 2) -> None:
        super().__init__()


class LitTrainsItself(pl.LightningModule):
    def __init__(self, dim: int, precision: int = 8, **trainer_kwargs: Any) -> None:
        super().__init__()


class LitJudged(pl.LightningModule):
    def __init__(self, dim: int, **judges: nn.Module) -> None:
        super().__init__()


class NetOfKeywords(nn.Module):
    def __init__(self, **sizes: int) -> None:
        super().__init__()


class LitTwo(pl.LightningModule):
    def __init__(self, generator: nn.Module, critic: nn.Module, k: int = 1) -> None:
        super().__init__()


class LitBackbone(pl.LightningModule):
    def __init__(self, head: nn.Module, backbone: nn.Module) -> None:
        super().__init__()


def spoken(facts: ModuleFacts, owner: str = "model") -> dict[str, Any]:
    return {hparam.name: hparam.value for hparam in facts.hparams if hparam.owner == owner}


@pytest.mark.parametrize("name", ["valid_loss", "loss", "val_criterion", "metric_fn"])
def test_a_module_named_as_a_judge_is_not_the_model(name: str) -> None:
    facts = describe_module(LitJudged(dim=8, **{name: Enc(dim=2)}))
    assert facts.model == "LitJudged"
    assert spoken(facts) == {"dim": 8, name: "Enc"}


def test_what_a_module_hands_on_to_its_trainer_is_in_no_name() -> None:
    facts = describe_module(LitTrainsItself(8, accelerator="cpu", gradient_clip_val=1, depth=2))
    assert spoken(facts) == {"dim": 8, "precision": 8, "depth": 2}
    assert spoken(facts, "module") == {"accelerator": "cpu", "gradient_clip_val": 1}


def test_a_plain_module_decides_over_all_of_its_keywords() -> None:
    facts = describe_module(NetOfKeywords(precision=4))
    assert spoken(facts) == {"precision": 4}


@pytest.mark.parametrize("flavour", ["lightning.pytorch", "pytorch_lightning"])
def test_every_argument_of_this_versions_trainer_is_known(flavour: str) -> None:
    trainer = pytest.importorskip(flavour).Trainer
    assert set(inspect.signature(trainer).parameters) <= set(TRAINER_ARGUMENTS)


def test_the_model_is_the_module_that_was_given() -> None:
    facts = describe_module(Lit(model=Net(encoder=Enc(8), act="gelu"), weight_decay=0.5))
    assert facts.model == "Net"
    assert spoken(facts) == {"encoder.dim": 8, "dropout": 0.0, "dim": 3, "act": "gelu"}
    assert spoken(facts, "module") == {"module.dim": 1, "weight_decay": 0.5}
    assert facts.unrecovered == ()


def test_kinds_and_defaults() -> None:
    facts = describe_module(Lit(model=Net(encoder=Enc(8))))
    rows = {hparam.name: hparam for hparam in facts.hparams}
    assert rows["dropout"].kind == "float"
    assert type(rows["dropout"].value) is float
    assert rows["dropout"].is_default
    assert rows["encoder.dim"].default is ABSENT
    assert rows["act"].kind == "categorical"
    assert (rows["dim"].kind, rows["dim"].is_default) == ("int", True)


def test_equal_names_of_nested_modules_are_both_qualified() -> None:
    facts = describe_module(Lit(model=Two(text=Enc(8), audio=Net(Enc(4)))))
    assert spoken(facts) == {
        "text.dim": 8,
        "text.dropout": 0.0,
        "encoder.dim": 4,
        "encoder.dropout": 0.0,
        "audio.dim": 3,
        "act": "relu",
    }


def test_without_a_given_module_the_lightning_module_is_the_model() -> None:
    facts = describe_module(LitParts(n=7))
    assert facts.model == "LitParts"
    assert spoken(facts)["n"] == 7


def test_losses_metrics_containers_and_activations_are_no_models() -> None:
    facts = describe_module(
        LitParts(
            net=nn.Sequential(nn.Linear(2, 2)),
            loss=nn.CrossEntropyLoss(),
            metrics=torchmetrics.MetricCollection([torchmetrics.MeanMetric()]),
        )
    )
    assert facts.model == "LitParts"
    rows = {hparam.name: (hparam.value, hparam.kind) for hparam in facts.hparams}
    assert rows == {
        "net": ("Sequential", "other"),
        "loss": ("CrossEntropyLoss", "other"),
        "metrics": ("MetricCollection", "other"),
        "n": (2, "int"),
    }
    act = {h.name: h for h in describe_module(Lit(Net(Enc(2), act=nn.GELU()))).hparams}["act"]
    assert (act.value, act.kind) == ("GELU", "categorical")


def test_several_modules() -> None:
    facts = describe_module(LitTwo(generator=Enc(8), critic=Enc(4), k=5))
    assert facts.model == "LitTwo"
    assert spoken(facts) == {
        "generator.dim": 8,
        "generator.dropout": 0.0,
        "critic.dim": 4,
        "critic.dropout": 0.0,
    }
    assert spoken(facts, "module") == {"k": 5}
    named = describe_module(LitBackbone(head=zoo.Bare(2), backbone=Enc(4)))
    assert named.model == "Enc"
    assert spoken(named) == {"n": 2, "dim": 4, "dropout": 0.0}


def test_a_lightning_module_that_was_given_is_a_model() -> None:
    facts = describe_module(Lit(model=LitParts(n=9)))
    assert facts.model == "LitParts"
    assert spoken(facts)["n"] == 9


@pytest.mark.parametrize("wrap", [torch.compile, lambda m: torch.optim.swa_utils.AveragedModel(m)])
def test_wrappers_are_looked_through(wrap: Any) -> None:
    facts = describe_module(Lit(model=wrap(zoo.Plain(8))))
    assert facts.model == "Plain"
    assert spoken(facts) == {"n_heads": 8, "dropout": 0.1, "name": "x"}
    assert describe_module(wrap(Lit(zoo.Plain(8)))).model == "Plain"


def test_modules_of_torch_as_models() -> None:
    layer = nn.TransformerEncoderLayer(16, 4, activation="gelu", norm_first=True)
    facts = describe_module(Lit(model=nn.TransformerEncoder(layer, num_layers=6)))
    assert facts.model == "TransformerEncoder"
    got = spoken(facts)
    expected = {"d_model": 16, "nhead": 4, "norm_first": True, "activation": "gelu"}
    assert {**expected, "num_layers": 6}.items() <= got.items()
    lstm = describe_module(Lit(model=nn.LSTM(1, 1, bidirectional=True)))
    assert lstm.model == "LSTM"
    assert {"input_size": 1, "hidden_size": 1, "num_layers": 1}.items() <= spoken(lstm).items()
    assert spoken(lstm, "inherited") == {"mode": "LSTM"}


def test_config_objects_are_spoken_by_their_shortest_names() -> None:
    facts = describe_module(Lit(model=zoo.WithCfg(zoo.Cfg(3, 5, lr=1))))
    rows = {hparam.name: hparam for hparam in facts.hparams if hparam.owner == "model"}
    assert {name: row.value for name, row in rows.items()} == {
        "n_layer": 3,
        "n_head": 5,
        "lr": 1.0,
    }
    assert rows["lr"].kind == "float"
    assert rows["n_layer"].default == 2


def test_what_the_author_passes_to_a_base_class_is_inherited() -> None:
    class Fixed(zoo.NotStored):
        def __init__(self, n: int) -> None:
            super().__init__(n * 2, depth=1)

    facts = describe_module(Lit(model=Fixed(2)))
    assert spoken(facts) == {"n": 2}
    assert spoken(facts, "inherited") == {"hidden": 4, "depth": 1, "act": "relu"}


def test_mutated_arguments_are_reported_and_not_replaced() -> None:
    facts = describe_module(Lit(model=Net(encoder=zoo.Mutates(8, 2))))
    assert "width" not in spoken(facts)
    assert facts.unrecovered == ("encoder.width",)
    assert spoken(facts)["mult"] == 2


def test_modules_of_before() -> None:
    uncapture_init()
    early = zoo.Plain(8)
    capture_init()
    facts = describe_module(Lit(model=early))
    assert facts.model == "Plain"
    assert spoken(facts) == {"n_heads": 8, "name": "x"}
    assert facts.unrecovered == ("dropout",)


def test_a_lightning_module_of_before() -> None:
    uncapture_init()
    early, saved = Lit(model=zoo.Plain(8)), zoo.LitSaved(zoo.Plain(8), warmup=7)
    capture_init()
    assert describe_module(early).model == "Plain"
    assert spoken(describe_module(early)) == {"n_heads": 8, "name": "x"}
    facts = describe_module(saved)
    assert spoken(facts, "module") == {"weight_decay": 0.01, "warmup": 7}


class Hinted(nn.Module):
    def __init__(self, a: Unknown, b: float = 1, c: "int | None" = None) -> None:  # noqa: UP037
        super().__init__()


def test_annotations_that_cannot_be_resolved() -> None:
    facts = describe_module(Lit(model=Hinted(3, b=2)))
    kinds = {hparam.name: hparam.kind for hparam in facts.hparams if hparam.owner == "model"}
    assert kinds == {"a": "int", "b": "float", "c": "none"}


class Act(enum.Enum):
    RELU = 1


class Anything(nn.Module):
    def __init__(self, a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
        super().__init__()


@pytest.mark.parametrize("send", [lambda m: m, lambda m: pickle.loads(pickle.dumps(m))])
def test_other_values_are_described_also_after_a_pickle(send: Any) -> None:
    model = Anything(
        Act.RELU, nn.ReLU, functools.partial(nn.LayerNorm, eps=1e-6), torch.zeros(2), (64, 64)
    )
    facts = describe_module(send(Lit(model=model)))
    rows = {h.name: (h.value, h.kind) for h in facts.hparams if h.owner == "model"}
    assert rows == {
        "a": ("RELU", "categorical"),
        "b": ("ReLU", "categorical"),
        "c": ("partial(LayerNorm, eps=1e-06)", "other"),
        "d": ("<Tensor>", "other"),
        "e": ([64, 64], "int"),
    }


def test_values_as_passed() -> None:
    partial = functools.partial(int)
    got = collect_hparams(Anything(Act.RELU, nn.ReLU, torch.float16, (1, 2), partial))
    assert got == {
        "a": Act.RELU,
        "b": nn.ReLU,
        "c": torch.float16,
        "d": (1, 2),
        "e": "partial(int)",
    }


def test_forty_parameters() -> None:
    names = [f"parameter_{number}" for number in range(40)]
    source = (
        "class Many(nn.Module):\n"
        f"    def __init__(self, {', '.join(f'{name}=1' for name in names)}):\n"
        "        super().__init__()\n"
    )
    scope: dict[str, Any] = {"nn": nn, "__name__": __name__}
    exec(source, scope)  # shorter than forty lines
    model = scope["Many"](**{name: number for number, name in enumerate(names)})
    facts = describe_module(Lit(model=model))
    assert spoken(facts) == {name: number for number, name in enumerate(names)}
    assert [h.name for h in facts.hparams if h.owner == "model"] == names


class Property(nn.Module):
    def __init__(self, n: Any = 3) -> None:
        super().__init__()

    @property
    def n(self) -> int:
        raise RuntimeError("asked")

    @property
    def hparams(self) -> int:
        raise RuntimeError("asked")


def test_properties_are_not_asked() -> None:
    uncapture_init()
    early = Property()
    capture_init()
    assert describe_module(early).unrecovered == ("n",)
    assert collect_hparams(Property(object())) == {}
