"""Facts that a config announces, in Hydra's and in LightningCLI's form."""

from __future__ import annotations

from typing import Any

import pytest

from lightning_expname.introspect.config_tree import call_of, facts_of_config
from lightning_expname.introspect.planned import planned_names


def hydra(path: str, **arguments: Any) -> dict[str, Any]:
    return {"_target_": path, **arguments}


def cli(path: str, **arguments: Any) -> dict[str, Any]:
    return {"class_path": path, "init_args": arguments}


@pytest.mark.parametrize("make", [hydra, cli])
def test_a_network_in_a_module(make: Any) -> None:
    net = make("app.Transformer", d_model=64, act="gelu", dropout=0.1)
    optimizer = {**make("torch.optim.AdamW", lr="3e-4"), "_partial_": True}
    module = make("app.Lit", net=net, optimizer=optimizer, warm_up=3)
    facts = facts_of_config(
        {"model": module, "data": make("app.KEMDy19DataModule", batch_size=16), "seed": 1}
    )
    assert (facts.model, facts.dataset) == ("Transformer", "KEMDy19")
    assert (facts.batch_size, facts.lr) == (16, 3e-4)
    owners = {hparam.name: (hparam.value, hparam.owner) for hparam in facts.hparams}
    assert owners == {
        "d_model": (64, "model"),
        "act": ("gelu", "model"),
        "dropout": (0.1, "model"),
        "warm_up": (3, "module"),
    }


def test_a_module_alone_is_the_model() -> None:
    tree = {"model": {"width": 8, "lr": "1e-2"}, "data": {"batch_size": 4}}
    names = planned_names(tree, model="Net", dataset="digits")
    assert (names.project, names.run) == ("Net-digits", "width8-bs4-lr0.01")


def test_below_a_subcommand() -> None:
    tree = {"fit": {"model": {"width": 8}, "data": {"batch_size": 4}}, "seed_everything": 1}
    assert planned_names(tree).stem == "width8-bs4"


def test_losses_metrics_and_optimizers_are_no_models() -> None:
    parts = {
        "criterion": hydra("app.Focal", gamma=2),
        "other": hydra("app.FocalLoss", gamma=2),
        "acc": hydra("torchmetrics.Accuracy", num_classes=3),
        "scheduler": {**hydra("app.Warm", steps=3), "_partial_": True},
    }
    facts = facts_of_config({"model": hydra("app.Lit", width=8, **parts)})
    assert facts.model == "Lit"
    assert [hparam.name for hparam in facts.hparams] == ["width"]


def test_several_networks_have_dotted_names_where_they_clash() -> None:
    nets = {"encoder": hydra("app.Enc", dim=4, depth=2), "decoder": hydra("app.Dec", dim=8)}
    facts = facts_of_config({"model": hydra("app.Lit", **nets)})
    assert facts.model == "Lit"
    names = [hparam.name for hparam in facts.hparams]
    assert names == ["encoder.dim", "depth", "decoder.dim"]


def test_a_network_within_a_network_and_an_activation() -> None:
    net = hydra("app.Net", block=hydra("app.Block", size=3), act=hydra("torch.nn.GELU"))
    facts = facts_of_config({"model": hydra("app.Lit", net=net)})
    assert {one.name: one.value for one in facts.hparams} == {"size": 3, "act": "GELU"}


@pytest.mark.parametrize(
    "data",
    [
        {"batch_size": 4},
        {"loader": {"batch_size": 4}},
        {"loader": hydra("torch.utils.data.DataLoader", batch_size=4)},
        {"train_batch_size": 4, "size": 9},
    ],
)
def test_the_batch_size_is_found(data: dict[str, Any]) -> None:
    assert facts_of_config({"datamodule": data}).batch_size == 4
    assert facts_of_config({"data": {"x": 1}, "batch_size": 4}).batch_size == 4


@pytest.mark.parametrize("node", [None, 3, "x", [], {}, {"_target_": None}, {"_target_": {"a": 1}}])
def test_what_builds_nothing_is_no_call(node: Any) -> None:
    assert call_of(node) is None
    assert facts_of_config({"model": node, "data": node, "optimizer": node}).model == "model"
