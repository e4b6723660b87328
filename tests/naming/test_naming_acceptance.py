"""The programs that names are handed to take them as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import naming_strategies as hostile
import pytest
from hypothesis import HealthCheck, given, settings

from lightning_expname.facts import Facts
from lightning_expname.naming import NamePolicy, derive_names, format_name, parse_name

quick = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
EXAMPLES = [
    "d_model1024-n_heads8-n_layers4-bs64-lr1e-05",
    "act.gelu--tanh-norm_first.True-drop.None-betas.0.9_0.999",
    "default",
    "_hzzzzzzzzzz",
]


@quick
@given(hostile.fields)
def test_the_file_system_lists_the_name_back(tmp_path: Path, fields: dict[str, Any]) -> None:
    name = format_name(fields)
    path = tmp_path / f"{name}.ckpt"
    path.write_bytes(b"")
    assert [entry.stem for entry in tmp_path.iterdir()] == [name]
    path.unlink()


@quick
@given(hostile.fields)
def test_wandb_takes_the_name_for_an_artifact(fields: dict[str, Any]) -> None:
    wandb = pytest.importorskip("wandb")
    name = format_name(fields)
    assert wandb.Artifact(name, type="model").name == name


@quick
@given(hostile.fields)
def test_hydra_takes_the_name_unquoted(fields: dict[str, Any]) -> None:
    assert hydra_value(format_name(fields)) == format_name(fields)


@pytest.mark.parametrize("name", EXAMPLES)
def test_hydra_takes_examples_unquoted(name: str) -> None:
    assert hydra_value(name) == name
    parse_name(name)


def hydra_value(name: str) -> object:
    parser = pytest.importorskip("hydra.core.override_parser.overrides_parser")
    (override,) = parser.OverridesParser.create().parse_overrides([f"key={name}"])
    return override.value()


@quick
@given(hostile.facts)
def test_lightning_fills_in_the_epoch_and_leaves_the_rest(facts: Facts) -> None:
    callbacks = pytest.importorskip("lightning.pytorch.callbacks")
    torch = pytest.importorskip("torch")
    names = derive_names(facts, NamePolicy())
    checkpoint = callbacks.ModelCheckpoint(
        dirpath=names.checkpoint_dir, filename=names.checkpoint_name, auto_insert_metric_name=False
    )
    path = checkpoint.format_checkpoint_name({"epoch": torch.tensor(13)})
    assert Path(path).name == f"{names.stem}-epoch13.ckpt"
    parsed = parse_name(Path(path).name.removesuffix(".ckpt"))
    assert parsed.suffix == {"epoch": 13}


def test_lightning_fills_in_metrics_so_that_they_read_back() -> None:
    callbacks = pytest.importorskip("lightning.pytorch.callbacks")
    torch = pytest.importorskip("torch")
    policy = NamePolicy(
        checkpoint="{model}/{stem}/{epoch}-{metrics.val/loss}-{top1:.2f}-{step:06d}"
    )
    names = derive_names(hostile.example_facts(), policy)
    checkpoint = callbacks.ModelCheckpoint(
        filename=names.checkpoint_name, auto_insert_metric_name=False, monitor="val/loss"
    )
    metrics = {"epoch": 3, "val/loss": -0.123456, "top1": 0.5, "step": 42}
    tensors = {key: torch.tensor(value) for key, value in metrics.items()}
    text = checkpoint.format_checkpoint_name(tensors).removesuffix(".ckpt")
    assert text == "epoch3-val_loss-0.1235-top1._0.50-step000042"
    assert parse_name(text) == {"epoch": 3, "val_loss": -0.1235, "top1": 0.5, "step": 42}


@given(hostile.facts)
def test_wandb_takes_project_and_run(facts: Facts) -> None:
    wandb = pytest.importorskip("wandb")
    names = derive_names(facts, NamePolicy())
    settings_ = wandb.Settings(project=names.project, run_name=names.run)
    assert (settings_.project, settings_.run_name) == (names.project, names.run)
    assert not re.search(r"[/\\#?%:]", names.project) and len(names.project) <= 128
